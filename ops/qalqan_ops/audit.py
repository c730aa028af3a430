"""The audit log in SQLite: append-only, hash-chained, committed in groups.

Each row's hash is SHA-256 over the hash before it and the row's body (JSON, sorted keys, UTF-8); the first row stands
on 32 zero bytes. WAL with synchronous=NORMAL: an acknowledged event survives the death of the process, and a commit
costs no disk flush.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
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
_RETRY_S = 1.0
_GATHER_S = 0.001
_CHECKPOINT_EVENTS = 5000
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

    def resolve(self, error: AuditUnavailable | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class SqliteAudit:
    """Whatever came in one turn of the event loop is committed together. Several processes share one chain.

    The commit runs on the loop itself: it takes some tens of microseconds and no disk flush, while a writer thread
    cost a fifth of the gateway's throughput in hand-overs. Checkpoints, which do flush, run in a thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[_Waiting] = []
        self._failed: list[_Waiting] = []
        self._scheduled: asyncio.Handle | None = None
        self._checkpoint: asyncio.Future[None] | None = None
        self._since_checkpoint = 0
        self._last_group = 0
        self._ok = True
        self._closed = False
        try:
            self._connection = _open(path)
        except sqlite3.Error as error:
            raise OpsError(f"The audit log {path} can't be opened ({error}): restore it or move it away.") from error

    def append(self, event: AuditEvent) -> asyncio.Future[None]:
        """Commits the event; raises AuditUnavailable when that fails."""
        if self._closed:
            raise AuditUnavailable("The audit log is closed.")
        loop = asyncio.get_running_loop()
        body = orjson.dumps(event.body(), option=orjson.OPT_SORT_KEYS).decode()
        waiting = _Waiting(event.id, body, loop.create_future())
        if not self._waiting:
            if self._scheduled is not None:
                self._scheduled.cancel()
            # Alone, an event is committed at once; under load it waits a moment for the next, to share the commit.
            busy = self._last_group > 1
            self._scheduled = loop.call_later(_GATHER_S, self._flush) if busy else loop.call_soon(self._flush)
        self._waiting.append(waiting)
        return waiting.done

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
        """Commits what waits and lets go of the file."""
        self._closed = True
        if self._scheduled is not None:
            self._scheduled.cancel()
        self._flush()
        if self._scheduled is not None:
            self._scheduled.cancel()
        if self._checkpoint is not None:
            await self._checkpoint
        self._connection.close()

    def _flush(self) -> None:
        self._scheduled = None
        group = [*self._failed, *self._waiting]
        self._waiting = []
        error = _commit(self._connection, group) if group else None
        self._ok = error is None
        self._failed = [] if error is None else group
        if error is not None:
            log.error("audit_write_failed", error=error, waiting=len(group))
            # The same events are tried again each second, so that the log recovers by itself.
            self._scheduled = asyncio.get_running_loop().call_later(_RETRY_S, self._flush)
        refusal = None if error is None else AuditUnavailable("The answer can't be recorded now: try again later.")
        for waiting in group:
            waiting.resolve(refusal)
        self._last_group = len(group)
        self._since_checkpoint += len(group)
        if self._since_checkpoint >= _CHECKPOINT_EVENTS and (self._checkpoint is None or self._checkpoint.done()):
            self._since_checkpoint = 0
            self._checkpoint = asyncio.get_running_loop().run_in_executor(None, _checkpoint, self._path)


def _checkpoint(path: Path) -> None:
    """Moves the write-ahead log into the database; this is what waits for the disk."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_open(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


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
    connection = sqlite3.connect(path, isolation_level=None, timeout=1)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    # Checkpoints flush the disk, so they are not left to whichever commit comes by.
    connection.execute("PRAGMA wal_autocheckpoint=0")
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
