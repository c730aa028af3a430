"""Structured logs: one JSON object a line on standard error, with no text, name or address of a person."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

import orjson
import structlog


def configure() -> None:
    """Sets up structlog, and sends the warnings of libraries through the same form without their arguments' texts."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Plain()]
    root.setLevel(logging.WARNING)


def relay(part: str) -> Callable[[str], None]:
    """Passes a child's output on: its structured lines as they are, with the part's name, and others as text."""

    def on_line(line: str) -> None:
        try:
            event = orjson.loads(line)
            print(orjson.dumps({"part": part, **event}).decode(), file=sys.stderr, flush=True)
        except (orjson.JSONDecodeError, TypeError):
            structlog.get_logger(f"qalqan.{part}").info("output", part=part, line=line)

    return on_line


class _Plain(logging.Handler):
    """A library's warning as name, level and the unformatted message: its arguments may hold what someone wrote."""

    def emit(self, record: logging.LogRecord) -> None:
        """Passes the record on."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        structlog.get_logger(record.name).warning("library", message=str(record.msg)[:200], error=kind)
