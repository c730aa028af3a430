"""Cuts spans out of a text and puts something in their place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from qalqan_guardrails.contract import Span


class Cut(NamedTuple):
    """One span to take out, and what stands there instead."""

    span: Span
    instead: str


def redacted(text: str, cuts: Iterable[Cut]) -> str:
    """The text without the cuts' spans, and nothing else gone. Overlapping cuts are one, with the longest's words."""
    parts: list[str] = []
    at = 0
    for (start, end), instead in _merged(cuts, len(text)):
        parts += (text[at:start], instead)
        at = end
    return "".join([*parts, text[at:]])


def _merged(cuts: Iterable[Cut], length: int) -> list[Cut]:
    merged: list[Cut] = []
    longest = 0
    for (start, end), instead in sorted(cuts):
        start, end = max(0, start), min(end, length)
        if start >= end:
            continue
        if not merged or start >= merged[-1].span[1]:
            merged.append(Cut((start, end), instead))
            longest = end - start
            continue
        kept = merged[-1]
        if end - start > longest:
            longest, kept = end - start, Cut(kept.span, instead)
        merged[-1] = Cut((kept.span[0], max(kept.span[1], end)), kept.instead)
    return merged
