"""A supervised child: ready, restarted with back-off, stopped whole, and never left behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from qalqan_ops import child as module
from qalqan_ops.child import Child, ChildFailed
from qalqan_ops.ports import free_port

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
FAMILY = """
import subprocess, sys, time
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
sleeper = subprocess.Popen([sys.executable, "-c", deaf])
print("sleeper", sleeper.pid, flush=True)
time.sleep(60)
"""
Make = Callable[..., Child]


def gone(pid: int, timeout: float = 5) -> bool:
    """Whether the process ends in time (a zombie that nobody reaps has ended)."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.05)
                continue
        return True
    return False


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes children of a Python script, and stops them at the end."""
    made: list[Child] = []

    def of(script: str, *args: str, **options: object) -> Child:
        made.append(Child("part", [sys.executable, "-c", script, *args], dict(os.environ), **options))  # type: ignore[arg-type]
        return made[-1]

    yield of
    for child in made:
        await child.stop()


async def test_it_is_ready_when_it_answers_and_gone_when_stopped(make: Make) -> None:
    port, lines = free_port(), list[str]()
    child = make(SERVER, str(port), ready_url=f"http://127.0.0.1:{port}/", on_line=lines.append)
    await child.start()
    assert not child.ready
    await child.wait_ready()
    pid = child.pid
    assert pid is not None
    assert child.ready
    assert os.getpgid(pid) == pid
    assert os.getsid(pid) == pid
    await child.stop()
    assert lines == ["listening"]
    assert child.pid is None
    assert not child.ready
    assert gone(pid)


async def test_it_is_restarted_with_a_growing_delay(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY_S", 0.2)
    monkeypatch.setattr(module, "LONGEST_DELAY_S", 0.4)
    starts: list[float] = []
    child = make(
        "print('up', flush=True); import time; time.sleep(60)", on_line=lambda _: starts.append(time.monotonic())
    )
    child._delay = module.FIRST_DELAY_S
    await child.start()
    await child.wait_ready()
    watching = asyncio.create_task(child.watch())
    deaths: list[float] = []
    for number in range(1, 4):
        await until(lambda n=number: len(starts) == n)
        assert child.restarts == number - 1
        pid = child.pid
        assert pid is not None
        deaths.append(time.monotonic())
        os.kill(pid, signal.SIGKILL)
    await until(lambda: len(starts) == 4)
    waits = [start - death for start, death in zip(starts[1:], deaths, strict=True)]
    assert waits[0] >= 0.2
    assert waits[1] >= 0.4
    assert 0.4 <= waits[2] < 0.8
    await child.stop()
    await asyncio.wait_for(watching, 5)
    assert child.restarts == 3


async def test_a_healthy_while_makes_the_delay_short_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEALTHY_S", 0.3)
    child = make("import time; time.sleep(60)")
    child._delay = 16.0
    await child.start()
    await child.wait_ready()
    watching = asyncio.create_task(child.watch())
    await asyncio.sleep(0.4)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    await until(lambda: child.restarts == 1 and child.ready, 5)
    await child.stop()
    await asyncio.wait_for(watching, 5)


async def test_what_it_left_behind_is_killed_before_it_is_restarted(make: Make) -> None:
    """vLLM's engine outlives its API server: two engines would not fit on one GPU."""
    lines: list[str] = []
    child = make(FAMILY, on_line=lines.append)
    await child.start()
    await child.wait_ready()
    watching = asyncio.create_task(child.watch())
    await until(lambda: lines)
    first = int(lines[0].split()[1])
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    await until(lambda: len(lines) == 2)
    assert gone(first, 0.5)
    await child.stop()
    await asyncio.wait_for(watching, 5)
    assert gone(int(lines[1].split()[1]))


async def test_a_child_that_ignores_sigterm_is_killed(make: Make) -> None:
    lines: list[str] = []
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = make(script, on_line=lines.append, grace=0.5)
    await child.start()
    await until(lambda: lines)
    pid = child.pid
    begun = time.monotonic()
    await child.stop()
    assert 0.5 <= time.monotonic() - begun < 3
    assert pid is not None
    assert gone(pid)


async def test_it_gives_up_with_its_own_last_words(make: Make) -> None:
    port = free_port()
    lines: list[str] = []
    script = "print('Loading'); raise ValueError('this is no model')"
    child = make(script, ready_url=f"http://127.0.0.1:{port}/", on_line=lines.append, first_tries=2)
    await child.start()
    with pytest.raises(ChildFailed, match=r"^part did not start: exit status 1: ValueError: this is no model$"):
        await child.wait_ready()
    assert lines.count("Loading") == 2


async def test_a_child_that_never_answers_is_not_waited_for_without_end(make: Make) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    child = make("import time; time.sleep(60)", ready_url=url, start_timeout=0.5, first_tries=1)
    await child.start()
    pid = child.pid
    with pytest.raises(ChildFailed, match="not ready within"):
        await child.wait_ready()
    assert pid is not None
    assert gone(pid)


async def test_a_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    child = Child("part", [str(tmp_path / "absent")], {})
    with pytest.raises(ChildFailed, match="absent: No such file"):
        await child.start()
    await child.stop()


async def test_stop_ends_a_start_that_is_under_way(make: Make) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    child = make("import time; time.sleep(60)", ready_url=url)
    await child.start()
    waiting = asyncio.create_task(child.wait_ready())
    await asyncio.sleep(0.1)
    await child.stop()
    await asyncio.wait_for(waiting, 5)
    assert child.pid is None
    await child.start()
    assert child.pid is None


async def test_bytes_that_are_no_text_and_endless_lines_do_no_harm(make: Make) -> None:
    lines: list[str] = []
    script = "import sys; o = sys.stdout.buffer; o.write(b'\\xff\\n' + b'x' * 3_000_000 + b'\\nlast'); o.flush()"
    child = make(script, on_line=lines.append)
    await child.start()
    await until(lambda: len(lines) == 3)
    assert lines[0] == "\ufffd"
    assert len(lines[1]) == module.LONGEST_LINE
    assert lines[2] == "last"


def test_no_one_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    """kill -9 of `qalqan up` gives it no chance to stop anything; the leash does it."""
    supervisor = f"""
import asyncio, os, sys
from qalqan_ops.child import Child
async def main():
    argv = [sys.executable, "-c", {FAMILY!r}]
    child = Child("part", argv, dict(os.environ), on_line=lambda line: print(line, flush=True))
    await child.start(); print("child", child.pid, flush=True); await asyncio.sleep(60)
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", supervisor], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pids = dict(process.stdout.readline().split() for _ in range(2))
    time.sleep(1)  # until the sleeper is deaf to SIGTERM
    process.kill()
    process.wait(5)
    process.stdout.close()
    assert gone(int(pids["child"]), 3)
    # It ignores SIGTERM, so the leash's SIGKILL ends it, five seconds later.
    assert gone(int(pids["sleeper"]), 8)
