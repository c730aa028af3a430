"""The audit log in SQLite: append-only, hash-chained, committed in groups.

Each row's hash is SHA-256 over the hash before it and the row's body (JSON, sorted keys, UTF-8); the first row stands
on 32 zero bytes. WAL with synchronous=NORMAL: an acknowledged event survives the death of the process, and a commit
costs no disk flush.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog

from qalqan_ops.errors import OpsError
from qalqan_serving.audit import AuditEvent
from qalqan_serving.errors import AuditUnavailable

log = structlog.get_logger("qalqan.audit")

GENESIS = bytes(32)
_GROUP = 512
_RETRY_S = 1.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL,
  hash BLOB NOT NULL
);
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""


def chain(before: bytes, body: str) -> bytes:
    """The hash of a row: 32 bytes."""
    return hashlib.sha256(before + body.encode()).digest()


@dataclass(slots=True)
class _Waiting:
    id: str
    body: str
    done: asyncio.Future[None]


def _resolve(events: list[_Waiting], error: AuditUnavailable | None) -> None:
    """Tells the waiting requests, each loop once: a wake-up for every event would cost more than its commit."""

    def tell(waiting: list[_Waiting]) -> None:
        for event in waiting:
            if event.done.done():
                continue
            if error is None:
                event.done.set_result(None)
            else:
                event.done.set_exception(error)

    loops: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for event in events:
        loops.setdefault(event.done.get_loop(), []).append(event)
    for loop, waiting in loops.items():
        # The loop may be gone when the gateway is being stopped.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, waiting)


class SqliteAudit:
    """One writer thread; whatever waits when it wakes is committed together. Several processes share one chain."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: deque[_Waiting] = deque()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._woken = False
        self._ok = True
        self._closed = False
        try:
            connection = _open(path)
            connection.close()
        except sqlite3.Error as error:
            raise OpsError(f"The audit log {path} can't be opened ({error}): restore it or move it away.") from error
        self._thread = threading.Thread(target=self._write, name="audit", daemon=True)
        self._thread.start()

    def append(self, event: AuditEvent) -> asyncio.Future[None]:
        """Commits the event; raises AuditUnavailable when that fails."""
        if self._closed:
            raise AuditUnavailable("The audit log is closed.")
        body = orjson.dumps(event.body(), option=orjson.OPT_SORT_KEYS).decode()
        waiting = _Waiting(event.id, body, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._rouse()
        return waiting.done

    def _rouse(self) -> None:
        # One wake-up for all that come while the writer is still on its way.
        if not self._woken:
            self._woken = True
            self._wake.put(None)

    async def find(self, event_id: str) -> dict[str, Any] | None:
        """The event with that receipt id."""

        def look() -> str | None:
            with contextlib.closing(_open(self._path)) as connection:
                row = connection.execute("SELECT body FROM event WHERE id = ?", (event_id,)).fetchone()
            return row[0] if row else None

        body = await asyncio.to_thread(look)
        return None if body is None else orjson.loads(body)

    def ready(self) -> bool:
        """Whether the last commit succeeded."""
        return self._ok and not self._closed

    async def close(self) -> None:
        """Commits what waits and ends the thread."""
        self._closed = True
        self._rouse()
        await asyncio.to_thread(self._thread.join, 10)

    def _write(self) -> None:
        connection = _open(self._path)
        failed: list[_Waiting] = []
        while not (self._closed and not self._waiting):
            # After a failure the same events are tried again each second, so that the log recovers by itself.
            if not self._waiting or failed:
                with contextlib.suppress(queue.Empty):
                    self._wake.get(timeout=_RETRY_S if failed else None)
            self._woken = False
            group = [*failed]
            while self._waiting and len(group) < _GROUP:
                group.append(self._waiting.popleft())
            error = _commit(connection, group) if group else None
            self._ok = error is None
            failed = [] if error is None else group
            if error is not None:
                log.error("audit_write_failed", error=error, waiting=len(group))
            refusal = None if error is None else AuditUnavailable("The answer can't be recorded now: try again later.")
            _resolve(group, refusal)
        connection.close()


def _commit(connection: sqlite3.Connection, group: list[_Waiting]) -> str | None:
    """One transaction over the group; what went wrong, or None."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        row = connection.execute("SELECT hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
        before: bytes = row[0] if row else GENESIS
        rows: list[tuple[str, str, bytes]] = []
        for waiting in group:
            before = chain(before, waiting.body)
            rows.append((waiting.id, waiting.body, before))
        connection.executemany("INSERT INTO event (id, body, hash) VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        return str(error)
    return None


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    # A checkpoint flushes the disk: each 32 MB of log is often enough (the default is 4 MB, some 500 events).
    connection.execute("PRAGMA wal_autocheckpoint=8000")
    connection.executescript(_SCHEMA)
    return connection


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of checking a chain: how many rows hold, and the first that does not (0: all hold)."""

    events: int
    broken_at: int = 0

    @property
    def intact(self) -> bool:
        """Whether every row stands on the one before it."""
        return self.broken_at == 0


def verify(path: Path) -> Verification:
    """Recomputes the chain. A cut-off end is not visible to the chain alone."""
    before = GENESIS
    count = 0
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows: Iterator[tuple[int, str, bytes]] = connection.execute("SELECT seq, body, hash FROM event ORDER BY seq")
        for seq, body, held in rows:
            before = chain(before, body)
            if before != held or seq != count + 1:
                return Verification(count, seq)
            count += 1
    return Verification(count)
