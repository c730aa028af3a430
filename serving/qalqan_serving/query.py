"""What the library is asked: the question that stands in a message, without greetings and masks around it."""

from __future__ import annotations

import re

_MASK = re.compile(r"\[[^\[\]\s]{1,16}\]")
_SENTENCE = re.compile(r"[^.!?…\n]+[.!?…\n]*")


def query(text: str) -> str:
    """The sentences that end in a question mark, if there are any, else the whole text; masks are left out.

    «Сәлем! Менің ЖСН-ім [ЖСН]. Астана қай өзенде тұр?» is looked up by its last sentence alone: words that are not
    part of the question would count against every passage.
    """
    plain = _MASK.sub(" ", text)
    asked = [s.strip() for s in _SENTENCE.findall(plain) if s.rstrip().endswith("?")]
    return " ".join(asked) or plain.strip() or text
