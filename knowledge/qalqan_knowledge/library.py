"""The library as others use it: opening it, taking documents in, and the starter articles that ship with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qalqan_knowledge import documents, encoder
from qalqan_knowledge.contract import Passage
from qalqan_knowledge.documents import SUFFIXES
from qalqan_knowledge.edge import EdgeLibrary
from qalqan_knowledge.errors import DocumentRefused
from qalqan_knowledge.search import PassageLibrary

if TYPE_CHECKING:
    from qalqan_knowledge.server import ServerLibrary

Screen = Callable[[str], str | None]
"""Why a text may not be taken in (a secrecy mark, for one), or None when it may."""


@dataclass(slots=True)
class IngestReport:
    """What came of an ingestion: keys of documents taken in and unchanged, files refused with why, passages written."""

    taken: list[str] = field(default_factory=list[str])
    unchanged: list[str] = field(default_factory=list[str])
    refused: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    passages: int = 0


def open_library(data_dir: Path, url: str | None = None, api_key: str | None = None) -> EdgeLibrary | ServerLibrary:
    """The library under `data_dir`, or the one on the Qdrant server at `url`. Raises StoreUnavailable."""
    if url is None:
        return EdgeLibrary(data_dir / "library")
    from qalqan_knowledge.server import ServerLibrary  # qdrant-client is slow to import and mostly not needed

    return ServerLibrary(url, api_key=api_key)


def starter_library_path() -> Path:
    """The folder of the articles that ship with the product."""
    return Path(__file__).parent / "library"


def ensure_starter(library: PassageLibrary) -> IngestReport:
    """Take the starter library in, where it is not in already. Raises StoreUnavailable."""
    return ingest([starter_library_path()], library)


def _files(paths: Iterable[Path]) -> list[Path]:
    """The files named and those of fitting kinds in the folders named, hidden ones aside, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            visible = (f for f in inside if not any(part.startswith(".") for part in f.relative_to(path).parts))
            found.update(dict.fromkeys(visible))
        else:
            found[path] = None
    return list(found)


def _mark(content: bytes, collection: str | None) -> str:
    """What a file is known by: its bytes, where they go, and how they are encoded."""
    return hashlib.sha256(f"{encoder.VERSION}\0{collection or ''}\0".encode() + content).hexdigest()


def ingest(
    paths: Sequence[Path],
    library: PassageLibrary,
    collection: str | None = None,
    screen: Screen | None = None,
) -> IngestReport:
    """Take documents in from files and folders, all in one change; files already in as they are are left alone.

    `collection` overrides what the documents say. `screen` refuses texts that may not be held. A bad file is refused
    and said so in the report, the others are taken. Raises StoreUnavailable.
    """
    report = IngestReport()
    held = library.documents()
    key_of = {shelved.digest: key for key, shelved in held.items()}
    new: dict[str, list[Passage]] = {}
    marks: dict[str, str] = {}
    for path in _files(paths):
        try:
            content = documents.read_bytes(path)
            mark = _mark(content, collection)
            if mark in key_of:
                report.unchanged.append(key_of[mark])
                continue
            document = documents.read_document(path, content)
            target = collection or document.metadata.collection
            standing = held.get(document.key)
            if document.key in new:
                raise DocumentRefused(f"{path.name}: another file given has the id {document.key} too; change one.")
            if standing is not None and standing.collection != target:
                raise DocumentRefused(
                    f"{path.name}: {document.key} is already in the collection {standing.collection}; change its id."
                )
            reason = screen(document.text) if screen else None
            if reason is not None:
                raise DocumentRefused(f"{path.name}: {reason}")
        except DocumentRefused as error:
            report.refused.append((str(path), str(error)))
            continue
        new[document.key] = documents.passages(document, collection)
        marks[document.key] = mark
    written = [passage for passages in new.values() for passage in passages]
    library.upsert(written, marks)
    report.taken, report.passages = list(new), len(written)
    return report
