"""`python -m qalqan_ui --gateway URL`: serves the student chat until it is stopped."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import warnings
from asyncio import CancelledError
from collections.abc import Sequence
from urllib.parse import urlsplit

import uvicorn


def gateway_url(text: str) -> str:
    """An http(s) address with a host; argparse's error otherwise."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is no http:// or https:// address")
    return text.rstrip("/")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. OSError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def leave(*_: object) -> None:
    """Ends the process with status 0; uvicorn hands the signal on once it has closed."""
    sys.exit(0)


def unexpected(line: logging.LogRecord) -> bool:
    """False for what uvicorn calls errors when pages are still open at the end: they are cut off on purpose."""
    kind = line.exc_info[0] if line.exc_info else None
    return kind is not CancelledError and "graceful shutdown exceeded" not in line.getMessage()


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or Ctrl-C. Returns 2 when the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m qalqan_ui", description="Qalqan's student chat.")
    parser.add_argument("--gateway", required=True, type=gateway_url, help="address of the gateway")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=7860, type=int)
    options = parser.parse_args(argv)
    try:
        listener = bind(options.host, options.port)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        print(f"The chat cannot listen on {options.host}:{options.port}: {reason}.", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    warnings.simplefilter("ignore")
    # Imported late: Gradio takes seconds, and a taken port should be told at once.
    from .gateway import Gateway
    from .page import application

    app = application(Gateway(options.gateway, os.environ.get("QALQAN_GATEWAY_KEY", "")))
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=1)
    logging.getLogger("uvicorn.error").addFilter(unexpected)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
