"""The key that signs labels: made once, kept in the data folder, readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from qalqan_ops.errors import OpsError


def label_key(data: Path) -> Ed25519PrivateKey:
    """The Ed25519 key of this installation (PEM, PKCS 8, mode 0600), created on first use."""
    path = data / "label_ed25519.pem"
    try:
        # O_EXCL: of two workers that start together one makes the key, the other reads it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise OpsError(
            f"The label key {path} is damaged: restore it from a backup, or move it away for a new one."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise OpsError(f"The label key {path} is not an Ed25519 key: restore it from a backup.")
    return key
