"""One real vLLM on the tiny model for a whole test session, run by our own `Child` on an event loop in a thread."""

import asyncio
import os
import secrets
import signal
import threading
import time
from collections.abc import Coroutine
from pathlib import Path

import httpx
import psutil

from qalqan_ops.ports import free_port
from qalqan_ops.vllm import check_model_folder, vllm_child


class VllmServer:
    """`base_url` (without /v1), `api_key`, `child`; `raw` holds every line that vLLM printed, before any cleaning."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self.api_key = secrets.token_urlsafe(32)
        self.raw: list[str] = []
        self.child = vllm_child(check_model_folder(folder), port, self.api_key)
        self._keep_lines()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._watch: asyncio.Task[None] | None = None

    def _keep_lines(self) -> None:
        pass_on = self.child.on_line

        def keep(line: str) -> None:
            self.raw.append(line)
            pass_on(line)

        self.child.on_line = keep

    def _do(self, work: Coroutine[None, None, None], timeout: float) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def start(self) -> None:
        """Starts it, waits until it is ready, and has it watched."""

        async def begin() -> None:
            await self.child.start()
            await self.child.wait_ready()
            self._watch = asyncio.create_task(self.child.watch())

        self._thread.start()
        self._do(begin(), 280)

    def stop(self) -> None:
        """Stops it and ends the thread."""

        async def end() -> None:
            await self.child.stop()
            if self._watch is not None:
                await self._watch

        self._do(end(), 30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def pid(self) -> int:
        """The API server's process id now."""
        assert self.child.pid is not None
        return self.child.pid

    def processes(self) -> list[psutil.Process]:
        """The API server and everything that it started; nothing while it does not run."""
        if self.child.pid is None:
            return []
        return [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]

    def kill(self, name: str = "") -> list[psutil.Process]:
        """kill -9 for the API server, or for the part of that name (such as EngineCore); gives all that ran before."""
        family = self.processes()
        victim = next(p for p in family if name in "".join(p.cmdline())) if name else family[0]
        os.kill(victim.pid, signal.SIGKILL)
        return family

    def wait_ready(self, timeout: float = 200) -> float:
        """Seconds until a process that is watched answers."""
        begun = time.monotonic()
        while time.monotonic() - begun < timeout:
            if self.child.ready and httpx.get(f"{self.base_url}/health", timeout=5).status_code == 200:
                return time.monotonic() - begun
            time.sleep(0.1)
        raise AssertionError("vLLM is not ready: " + "\n".join(self.raw[-20:]))
