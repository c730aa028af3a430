"""A whole Qalqan for tests: `qalqan up` as its user starts it, on free loopback ports, stopped by process id."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

QALQAN = Path(sys.executable).with_name("qalqan")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Stack:
    process: subprocess.Popen[str]
    url: str
    ui_url: str
    data: Path
    log: Path

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_ready(self, timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/ready", timeout=2).status_code == 200:
                    return
            time.sleep(0.2)
        raise AssertionError(f"not ready in {timeout} s:\n{self.output()}")


@contextlib.contextmanager
def running(
    folder: Path, *options: str, ui: bool = False, timeout: float = 90, prefix: tuple[str, ...] = ()
) -> Iterator[Stack]:
    """Starts the stack in `folder`, waits until it says that it is up, and stops it with SIGTERM."""
    port, ui_port = free_port(), free_port()
    log = folder / "up.log"
    argv = [*prefix, str(QALQAN), "up", "--port", str(port), "--data", str(folder / "data"), *options]
    argv += ["--ui-port", str(ui_port)] if ui else ["--no-ui"]
    with log.open("w") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT, text=True, cwd=folder)
    stack = Stack(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ui_port}", folder / "data", log)
    try:
        deadline = time.monotonic() + timeout
        while "Ctrl-C stops everything" not in stack.output():
            assert process.poll() is None, f"qalqan up ended with {process.returncode}:\n{stack.output()}"
            assert time.monotonic() < deadline, f"not up in {timeout} s:\n{stack.output()}"
            time.sleep(0.1)
        stack.wait_ready()
        yield stack
    finally:
        left = [process.pid, *(child.pid for child in _family(process.pid))]
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(10)


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
