"""E-mail addresses of persons; the mailbox of an office (info@, press@) is public and is let through."""

from __future__ import annotations

import re

from qalqan_guardrails.detectors.numbers import Candidate
from qalqan_guardrails.detectors.public import PUBLIC

RULE = "personal_data.email"
LABEL = "email"
# A name is tried only where it begins, so that a page of letters costs one pass.
ADDRESS = re.compile(
    r"(?<![\w.+\-%])\.{0,8}([\w+\-%][\w.+\-%]{0,200})@(?:[^\W_][\w\-]{0,62}\.){1,8}[^\W\d_]{2,24}(?![\w\-])"
)


def find(text: str) -> list[Candidate]:
    """Addresses in a normal form."""
    if "@" not in text:
        return []
    return [
        Candidate(match.start(1), match.end(), 0.98, RULE, LABEL)
        for match in ADDRESS.finditer(text)
        if match[1] not in PUBLIC.mailboxes
    ]
