"""A child process that is started, watched, restarted with back-off, and stopped with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import httpx
import structlog

from qalqan_ops.errors import OpsError

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
HEALTHY_S = 60.0
POLL_S = 0.2
LONGEST_LINE = 4000
LEASH = 'read -r _; kill -s TERM -- "-$1"; sleep 5; kill -s KILL -- "-$1"'
"""What ends the child's process group when we die without a word (kill -9): its standard input is a pipe from us,
whose end it reads then. A parent-death signal would reach the child alone, and vLLM's engine would live on."""

_FAULT = re.compile(r"\b\w*error\b[:,] ", re.IGNORECASE)


class ChildFailed(OpsError):
    """A child could not be started; the message is one sentence with the child's own last words."""


class Child:
    """One supervised process in a session of its own.

    `await start()`, then `await wait_ready()` (raises ChildFailed after `first_tries` starts in vain), then `watch()`
    as a task: it restarts the child for as long as it is not stopped, 0.5 s after its death, twice as long each time
    up to 30 s, and anew from 0.5 s once it has been ready for a minute. `await stop()` ends it at any time: SIGTERM to
    the whole process group, SIGKILL after `grace` seconds. `on_line` gets each line of its output (standard output and
    error together); without it, lines go to the structured log.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        ready_url: str | None = None,
        *,
        on_line: Callable[[str], None] | None = None,
        start_timeout: float = 60.0,
        grace: float = 10.0,
        first_tries: int = 2,
    ) -> None:
        self.name = name
        self.restarts = 0
        self._ready = False
        self._argv = list(argv)
        self._env = dict(env)
        self._ready_url = ready_url
        self.on_line = on_line or self._log_line
        self._start_timeout = start_timeout
        self._grace = grace
        self._first_tries = first_tries
        self._process: asyncio.subprocess.Process | None = None
        self._leash: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._changing = asyncio.Lock()
        self._last_lines: deque[str] = deque(maxlen=300)
        self._delay = FIRST_DELAY_S

    @property
    def pid(self) -> int | None:
        """The process id of the child that runs now, which is also its process group."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def ready(self) -> bool:
        """Whether the child that runs now has answered."""
        return self._ready and self.pid is not None

    async def start(self) -> None:
        """Starts the process and returns at once. Raises ChildFailed when there is no such program."""
        async with self._changing:
            if self._stopping.is_set():
                return
            self._last_lines.clear()
            # A pipe of our own: asyncio's wait() would wait until grandchildren that outlive the child close its pipe.
            output, inward = os.pipe()
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._argv,
                    env=self._env,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=inward,
                    stderr=inward,
                    start_new_session=True,
                )
            except OSError as error:
                os.close(output)
                raise ChildFailed(f"{self.name} can't be started: {self._argv[0]}: {error.strerror}.") from error
            finally:
                os.close(inward)
            self._process = process
            self._leash = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-c", LEASH, "leash", str(process.pid)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
            self._reading = asyncio.create_task(self._read(output))

    async def wait_ready(self) -> None:
        """Waits for the first readiness. Raises ChildFailed when it does not come."""
        reason = ""
        for attempt in range(1, self._first_tries + 1):
            if await self._becomes_ready() or self._stopping.is_set():
                return
            reason = self._reason()
            await self._clear()
            if attempt < self._first_tries and not await self._stopped_within(self._next_delay()):
                await self.start()
        if not self._stopping.is_set():
            raise ChildFailed(f"{self.name} did not start: {reason}")

    async def watch(self) -> None:
        """Restarts the child whenever it ends, until `stop()`."""
        since = time.monotonic()
        while not self._stopping.is_set():
            if self._ready and self._process is not None:
                await self._process.wait()
                if self._stopping.is_set():
                    return
            if self._ready and time.monotonic() - since >= HEALTHY_S:
                self._delay = FIRST_DELAY_S
            delay = self._next_delay()
            _log().warning("child_ended", name=self.name, status=self._status(), restart_in_s=delay)
            await self._clear()
            if await self._stopped_within(delay):
                return
            self.restarts += 1
            await self._restart()
            since = time.monotonic()

    async def stop(self) -> None:
        """Ends the child and everything in its process group."""
        self._stopping.set()
        async with self._changing:
            pid = self.pid
            if pid is not None and self._process is not None:
                _signal_group(pid, signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), self._grace)
        await self._clear()

    async def _restart(self) -> None:
        try:
            await self.start()
        except ChildFailed as error:
            _log().error("child_missing", name=self.name, reason=str(error))
            return
        if await self._becomes_ready():
            _log().info("child_ready", name=self.name, restarts=self.restarts)

    async def _becomes_ready(self) -> bool:
        """Polls until the child answers, ends, is stopped, or its time is up."""
        until = time.monotonic() + self._start_timeout
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            while self._runs() and not self._stopping.is_set() and time.monotonic() < until:
                if await self._answers(client) and self._runs():
                    self._ready = True
                    return True
                await self._stopped_within(POLL_S)
        return False

    def _runs(self) -> bool:
        return self.pid is not None

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        if self._ready_url is None:
            return True
        try:
            return (await client.get(self._ready_url)).status_code == 200
        except httpx.HTTPError:
            return False

    async def _stopped_within(self, seconds: float) -> bool:
        """Sleeps, unless the child is to be stopped meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    def _next_delay(self) -> float:
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY_S)
        return delay

    async def _clear(self) -> None:
        """Kills what is left of the process group, and its leash, and reads the output to its end."""
        async with self._changing:
            self._ready = False
            process, leash, reading = self._process, self._leash, self._reading
            self._process = self._leash = self._reading = None
            if process is None:
                return
            # The group may outlive its leader (vLLM's engine does); its id can't be taken anew while a member lives.
            _signal_group(process.pid, signal.SIGKILL)
            await process.wait()
            if leash is not None:
                _signal_group(leash.pid, signal.SIGKILL)
                await leash.wait()
            if reading is not None:
                await asyncio.wait({reading}, timeout=2)
                reading.cancel()

    async def _read(self, output: int) -> None:
        stream = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(stream)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(output, "rb"))
        try:
            async for line in _lines(stream):
                if line.strip():
                    self._last_lines.append(line)
                    self.on_line(line)
        finally:
            transport.close()

    def _log_line(self, line: str) -> None:
        _log().info("child", name=self.name, line=line)

    def _status(self) -> str:
        if self._process is None:
            return "not started"
        code = self._process.returncode
        if code is None:
            return f"not ready within {self._start_timeout:.0f} s"
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def _reason(self) -> str:
        """Why it did not start: its status, and the last line that names an error and not merely one named before."""
        faults = [line for line in self._last_lines if _FAULT.search(line) and "root cause above" not in line]
        words = (faults or list(self._last_lines) or ["it said nothing"])[-1]
        return f"{self._status()}: {words.strip()[:500]}"


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines as text, cut at LONGEST_LINE characters; a last line without its end is a line, too."""
    rest = b""
    while chunk := await stream.read(65536):
        *whole, rest = (rest + chunk).split(b"\n")
        rest = rest[-1_000_000:]
        for line in whole:
            yield line.decode(errors="replace").rstrip()[:LONGEST_LINE]
    if rest:
        yield rest.decode(errors="replace").rstrip()[:LONGEST_LINE]


def _log() -> structlog.typing.FilteringBoundLogger:
    return structlog.get_logger("qalqan.child")
