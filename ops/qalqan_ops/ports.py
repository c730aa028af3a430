"""Ports and the data folder's lock: what is taken is told before anything starts."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from qalqan_ops.errors import DataLocked, OpsError, PortTaken


def require_free(host: str, port: int, option: str) -> None:
    """Raises PortTaken when something listens there; `option` is the flag that chooses another port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(f"Port {port} on {host} is taken: choose another with {option}.") from error


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lock(data: Path) -> int:
    """Takes the data folder for this process; the descriptor holds the lock until the process ends."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OpsError(
            f"The data folder {data} can't be written ({error.strerror}): name another with --data."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise DataLocked(f"Another Qalqan runs on {data}: stop it, or name another folder with --data.") from error
    return descriptor
