"""Servers for browser tests: an ASGI application in a thread, and the chat as its own process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.types import ASGIApp

START_S = 60.0


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_http(url: str, process: subprocess.Popen[bytes] | None = None) -> None:
    """Returns once `url` answers; fails when the process ends or START_S pass first."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process is None or process.poll() is None, f"the server ended with {process.returncode}"
        try:
            httpx.get(url, timeout=5, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} did not answer in {START_S:.0f} s")


@contextmanager
def served(app: ASGIApp, port: int | None = None) -> Iterator[str]:
    """The address of `app`, served from a thread of this process."""
    port = port or free_port()
    config = uvicorn.Config(app, port=port, log_level="critical", timeout_graceful_shutdown=1, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        await_http(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def chat_process(gateway: str, port: int | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address and the process of `python -m qalqan_ui` over `gateway`; ended by its id."""
    port = port or free_port()
    command = [sys.executable, "-m", "qalqan_ui", "--gateway", gateway, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        await_http(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
