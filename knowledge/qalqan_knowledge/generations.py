"""A folder that many processes read while one at a time changes it.

    folder/
    ├ current              the name of the generation in force
    ├ generation-000007/   a Qdrant Edge shard, never opened in place, with `seal`, a digest of its files
    ├ open-.../            a copy being opened or changed; gone at once after it
    └ writing.lock         held by the process that writes

Qdrant Edge allows one open shard on a folder, writes into it even when it only reads, and answers from damaged files
without a word. So every reader opens a copy of its own, checked against the seal while it is copied and unlinked once
mapped, and a change is made on a copy that becomes the next generation in one step.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from qalqan_knowledge.errors import StoreUnavailable

_BLOCK = 1 << 16
_ZEROS = bytes(_BLOCK)
_SEAL = "seal"
_CURRENT = "current"
_STALE_S = 600
_LOCK_POLL_S = 0.05


class Damaged(Exception):
    """The files of a generation are not those that were sealed."""


def _blocks(file: BinaryIO) -> Generator[tuple[int, bytes]]:
    """The blocks of a file that hold anything, with their offsets; shard files are mostly holes."""
    size = os.fstat(file.fileno()).st_size
    at = 0
    while at < size:
        try:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA) // _BLOCK * _BLOCK
        except OSError:
            return  # nothing but a hole up to the end
        file.seek(at)
        block = file.read(_BLOCK)
        if block != _ZEROS[: len(block)]:
            yield at, block
        at += _BLOCK


def _digest(folder: Path, into: Path | None = None) -> str:
    """A digest of a folder's files, copying them to `into` on the way; holes stay holes."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _SEAL):
        name = path.relative_to(folder)
        size = path.stat().st_size
        whole.update(f"{name}\0{size}\0".encode())
        with path.open("rb") as source:
            if into is None:
                for at, block in _blocks(source):
                    whole.update(at.to_bytes(8, "big") + block)
                continue
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            with (into / name).open("wb") as target:
                target.truncate(size)
                for at, block in _blocks(source):
                    whole.update(at.to_bytes(8, "big") + block)
                    target.seek(at)
                    target.write(block)
    return whole.hexdigest()


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Generations:
    """The generations of one folder. OSError where the disk refuses; Damaged where files are not as sealed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def stamp(self) -> tuple[int, int] | None:
        """What changes whenever another generation comes into force; None while there is none."""
        try:
            stat = os.stat(self.folder / _CURRENT)
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_mtime_ns

    @contextmanager
    def copied(self) -> Generator[Path]:
        """A checked copy of the generation in force, or a path with nothing there before the first.

        It is unlinked at the end, when whoever opened it has it mapped.
        """
        copy = self.folder / f"open-{uuid.uuid4().hex}"
        try:
            if self.stamp() is not None:
                self._copy_current(copy)
            elif any(self.folder.glob("generation-*")):
                raise Damaged("what says which generation is in force is missing")
            yield copy
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def _copy_current(self, copy: Path) -> None:
        for attempt in range(5):
            generation = self.folder / (self.folder / _CURRENT).read_text(encoding="utf-8").strip()
            try:
                seal = (generation / _SEAL).read_text(encoding="utf-8").strip()
                copy.mkdir()
                if _digest(generation, copy) != seal:
                    raise Damaged(generation.name)
            except (FileNotFoundError, Damaged) as error:
                shutil.rmtree(copy, ignore_errors=True)
                # A writer may have put the next generation in force and taken this one away meanwhile.
                moved_on = (self.folder / _CURRENT).read_text(encoding="utf-8").strip() != generation.name
                if not moved_on or attempt == 4:
                    raise Damaged(generation.name) from error
            else:
                return

    @contextmanager
    def writing(self, patience_s: float) -> Generator[None]:
        """Be the one process that writes; StoreUnavailable when another still is after `patience_s` seconds."""
        with (self.folder / "writing.lock").open("a") as lock:
            deadline = time.monotonic() + patience_s
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() >= deadline:
                        raise StoreUnavailable(
                            f"The library in {self.folder} is locked: another process is writing to it; wait for it "
                            "to end, then try again."
                        ) from error
                    time.sleep(_LOCK_POLL_S)
            yield

    def put_in_force(self, folder: Path) -> None:
        """Seal a changed copy and make it the generation in force, in one step; call it while writing."""
        taken = [int(path.name.split("-")[1]) for path in self.folder.glob("generation-*")]
        name = f"generation-{max(taken, default=0) + 1:06d}"
        (folder / _SEAL).write_text(_digest(folder), encoding="utf-8")
        for path in folder.rglob("*"):
            _to_disk(path)
        folder.rename(self.folder / name)
        pointer = self.folder / f"{_CURRENT}.new"
        pointer.write_text(name, encoding="utf-8")
        _to_disk(pointer)
        pointer.replace(self.folder / _CURRENT)
        _to_disk(self.folder)
        for path in self.folder.glob("generation-*"):
            if path.name != name:
                shutil.rmtree(path, ignore_errors=True)
        self._sweep()

    def _sweep(self) -> None:
        """Remove copies that a killed process left behind."""
        for path in self.folder.glob("open-*"):
            try:
                stale = time.time() - path.stat().st_mtime > _STALE_S
            except FileNotFoundError:
                continue
            if stale:
                shutil.rmtree(path, ignore_errors=True)
