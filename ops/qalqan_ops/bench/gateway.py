"""`qalqan bench gateway`: the gateway with rails, label and audit on, against a bare relay, in one run.

Rounds alternate, so that whatever else the machine does falls on both; the figures are medians over the rounds. The
server under test has one core and the load and the stub share another where there are two.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import orjson

from qalqan_ops import offswitch
from qalqan_ops.errors import OpsError
from qalqan_ops.ports import free_port
from qalqan_ops.settings import load


@dataclass(frozen=True, slots=True)
class Figures:
    """One server's figures: requests a second under `connections`, and milliseconds at one connection."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Report:
    """Both servers and what the gateway costs on top of the relay."""

    relay: Figures
    gateway: Figures
    share_of_relay: float
    added_p50_ms: float
    added_p99_ms: float
    rounds: int
    connections: int

    def as_dict(self) -> dict[str, object]:
        """For --json."""
        return asdict(self)


def run(rounds: int = 5, connections: int = 32, seconds: float = 3.0) -> Report:
    """Measures; takes about `rounds * seconds * 4`."""
    stub, relay, gateway = free_port(), free_port(), free_port()
    upstream = f"http://127.0.0.1:{stub}"
    with tempfile.TemporaryDirectory(prefix="qalqan-bench-") as folder:
        settings = load(upstream=upstream, port=gateway, data=Path(folder), ui=False)
        environment = offswitch.environment(settings.environment())
        with (
            _server([sys.executable, "-m", "qalqan_ops.bench.stub", str(stub)], stub, -1),
            _server([sys.executable, "-m", "qalqan_ops.bench.relay", str(relay), upstream], relay, 0),
            _server([sys.executable, "-m", "qalqan_ops.serve"], gateway, 0, environment),
        ):
            for port in (relay, gateway):
                _load(port, connections, 1.0)
            taken: dict[int, list[Figures]] = {relay: [], gateway: []}
            for _ in range(rounds):
                for port in (relay, gateway):
                    taken[port].append(_round(port, connections, seconds))
    bare, ours = _middle(taken[relay]), _middle(taken[gateway])
    return Report(
        relay=bare,
        gateway=ours,
        share_of_relay=round(ours.requests_per_s / bare.requests_per_s, 3),
        added_p50_ms=round(ours.p50_ms - bare.p50_ms, 3),
        added_p99_ms=round(ours.p99_ms - bare.p99_ms, 3),
        rounds=rounds,
        connections=connections,
    )


def _round(port: int, connections: int, seconds: float) -> Figures:
    loaded, took = _load(port, connections, seconds)
    single, _ = _load(port, 1, seconds)
    single.sort()
    return Figures(
        round(len(loaded) / took, 1),
        round(single[len(single) // 2] * 1000, 3),
        round(single[int(len(single) * 0.99)] * 1000, 3),
    )


def _middle(rounds: list[Figures]) -> Figures:
    return Figures(
        median(f.requests_per_s for f in rounds), median(f.p50_ms for f in rounds), median(f.p99_ms for f in rounds)
    )


def _load(port: int, connections: int, seconds: float) -> tuple[list[float], float]:
    argv = [sys.executable, "-m", "qalqan_ops.bench.load", str(port), str(connections), str(seconds)]
    done = subprocess.run(argv, capture_output=True, preexec_fn=_pin(-1), timeout=seconds + 30, check=False)
    if done.returncode:
        raise OpsError(f"The load broke off: {done.stderr.decode(errors='replace').strip().splitlines()[-1]}")
    result = orjson.loads(done.stdout)
    return result["latencies"], result["seconds"]


@contextmanager
def _server(argv: list[str], port: int, core: int, environment: dict[str, str] | None = None) -> Generator[None]:
    process = subprocess.Popen(
        argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_pin(core)
    )
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise OpsError(f"A server of the bench did not start: {' '.join(argv[1:])}.")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _pin(core: int) -> Callable[[], None]:
    """Sets the child's core (an index into those we may use), where there is more than one."""
    cores = sorted(os.sched_getaffinity(0))

    def pin() -> None:
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[core]})

    return pin


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
