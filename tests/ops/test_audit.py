"""The audit log: chained, committed before it is acknowledged, found out when changed."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from qalqan_ops.audit import SqliteAudit, verify
from qalqan_serving.audit import AuditEvent
from qalqan_serving.errors import AuditUnavailable


def event(number: int) -> AuditEvent:
    return AuditEvent(
        id=f"qlq-{number}",
        at="2026-11-23T09:00:00.000+00:00",
        outcome="answered",
        tenant="local",
        audience="pupil",
        lang="kk",
        model="extractive",
        policy_version="1",
        policy_digest="d",
    )


async def fill(path: Path, count: int) -> None:
    log = SqliteAudit(path)
    await asyncio.gather(*(log.append(event(n)) for n in range(count)))
    await log.close()


async def test_what_was_acknowledged_is_found_again(tmp_path: Path) -> None:
    log = SqliteAudit(tmp_path / "audit.sqlite")
    await log.append(event(7))
    found = await log.find("qlq-7")
    assert found is not None
    assert found["outcome"] == "answered"
    assert await log.find("qlq-8") is None
    await log.close()


async def test_a_thousand_at_once_stand_in_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    await fill(path, 1000)
    assert verify(path).events == 1000
    assert verify(path).intact


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE event SET body = replace(body, 'answered', 'blocked') WHERE seq = 5",
        "DELETE FROM event WHERE seq = 5",
        "UPDATE event SET seq = 99 WHERE seq = 5",
    ],
)
async def test_a_change_a_deletion_and_a_reorder_are_found(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "audit.sqlite"
    await fill(path, 10)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER no_update")
        connection.execute("DROP TRIGGER no_delete")
        connection.execute(damage)
    assert not verify(path).intact


async def test_rows_can_be_neither_changed_nor_deleted(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    await fill(path, 2)
    with sqlite3.connect(path) as connection:
        for damage in ("DELETE FROM event", "UPDATE event SET body = ''"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(damage)


async def test_two_logs_on_one_file_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    one, two = SqliteAudit(path), SqliteAudit(path)
    await asyncio.gather(*((one if n % 2 else two).append(event(n)) for n in range(200)))
    await one.close()
    await two.close()
    assert verify(path).events == 200
    assert verify(path).intact


async def test_a_write_that_fails_is_told_and_recovers(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    log = SqliteAudit(path)
    await log.append(event(0))
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE event RENAME TO gone")
    with pytest.raises(AuditUnavailable):
        await log.append(event(1))
    assert not log.ready()
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE gone RENAME TO event")
    deadline = time.monotonic() + 10
    while not log.ready() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    assert log.ready()
    await log.append(event(2))
    await log.close()
    assert verify(path).intact
    # The event that could not be acknowledged was recorded as soon as that was possible.
    assert verify(path).events == 3


WRITER = """
import asyncio, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_audit import event
from qalqan_ops.audit import SqliteAudit

async def main():
    log = SqliteAudit(Path({path!r}))
    for number in range(100000):
        await log.append(event(number))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", range(3))
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, after: int) -> None:
    path = tmp_path / "audit.sqlite"
    script = WRITER.format(tests=str(Path(__file__).parent), path=str(path))
    writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= 20 + 7 * after:
            os.kill(writer.pid, signal.SIGKILL)
            break
    acknowledged = [int(line), *(int(rest) for rest in writer.stdout.read().split())][-1]
    writer.wait(10)
    found = verify(path)
    assert found.intact
    assert found.events > acknowledged


def test_an_event_has_no_place_for_a_person() -> None:
    """A deny-list over the schema: no text, name, address, feeling or key that counts by person."""
    denied = ("text", "content", "message", "name", "user", "session", "ip", "address", "email", "emotion", "sentiment",
              "mood", "key", "score", "count", "prompt_text")  # fmt: skip
    fields = set(orjson.loads(orjson.dumps(event(1).body())))
    assert not fields & set(denied)
    assert fields == {
        "id", "at", "outcome", "tenant", "audience", "lang", "model", "policy_version", "policy_digest", "rules",
        "passages", "error", "prompt_tokens", "completion_tokens", "total_ms",
    }  # fmt: skip
