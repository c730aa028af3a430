"""The AI label: signed proof that an answer is machine-made (law 230-VIII, Art. 21; law.md 4.3).

The signature is Ed25519 over the label without `sig`, as JSON with sorted keys, no spaces, UTF-8.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
LAW = "KZ-230-VIII-21"


def canonical(label: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: the label without its signature, sorted keys."""
    return orjson.dumps({k: v for k, v in label.items() if k != "sig"}, option=orjson.OPT_SORT_KEYS)


def verify(label: Mapping[str, Any], public_key: bytes) -> bool:
    """Whether the label was signed by the holder of this raw 32-byte Ed25519 public key and is unchanged."""
    try:
        signature = base64.urlsafe_b64decode(str(label.get("sig", "")))
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, canonical(label))
    except (InvalidSignature, ValueError):
        return False
    return True


class Labeller:
    """Makes labels for one system; `provider_bin` is the operator's business number, empty until it is configured."""

    def __init__(self, key: Ed25519PrivateKey, *, system: str, provider_bin: str = "") -> None:
        self._key = key
        self._system = system
        self._provider_bin = provider_bin
        self.public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def label(self, answer_id: str, model: str, text: str | None) -> dict[str, Any]:
        """A signed label; without text (the start of a stream) it carries no digest."""
        label: dict[str, Any] = {
            "v": 1,
            "ai_generated": True,
            "digital_source_type": SOURCE_TYPE,
            "law": LAW,
            "provider_bin": self._provider_bin,
            "system": self._system,
            "model": model,
            "produced_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "id": answer_id,
            "content_sha256": None if text is None else hashlib.sha256(text.encode()).hexdigest(),
        }
        label["sig"] = base64.urlsafe_b64encode(self._key.sign(canonical(label))).decode()
        return label


def header(label: Mapping[str, Any]) -> str:
    """The label as the value of the header X-AI-Label: base64url over its JSON."""
    return base64.urlsafe_b64encode(orjson.dumps(label)).decode()
