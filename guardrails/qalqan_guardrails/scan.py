"""`qalqan guard scan`: a line of JSON in, a line out, in order; a line that cannot be read is blocked, not skipped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from qalqan_guardrails.contract import Audience, Direction, Hit, Message, Sample
from qalqan_guardrails.runner import Runner

_LONE = re.compile("[\ud800-\udfff]")


class _Unreadable(Exception):
    """A line that says nothing to judge; the message is one sentence."""


def scan_lines(
    lines: Iterable[bytes | str], direction: Direction, audience: Audience, runner: Runner
) -> Iterator[dict[str, Any]]:
    """One answer for each line that is not blank. Lone surrogates come out as U+FFFD, so an answer is always UTF-8."""
    for line in lines:
        if line.strip():
            yield _answer(line, direction, audience, runner)


def _answer(line: bytes | str, direction: Direction, audience: Audience, runner: Runner) -> dict[str, Any]:
    asked: Mapping[str, Any] = {}
    try:
        asked = _parsed(line)
        sample = _sample(asked, direction)
    except _Unreadable as error:
        return {**_id(asked), "verdict": "block", "categories": [], "error": str(error)}
    verdict = runner.check(sample, audience)
    answer = {**_id(asked), "verdict": verdict.decision, "categories": [_category(hit) for hit in verdict.hits]}
    if verdict.decision == "redact":
        answer["text"] = _utf8(verdict.text)
    return answer


def _parsed(line: bytes | str) -> Mapping[str, Any]:
    try:
        asked = json.loads(line)
    except RecursionError:
        raise _Unreadable("The line is nested too deeply.") from None
    except ValueError:
        raise _Unreadable("The line is not JSON in UTF-8.") from None
    if not isinstance(asked, dict):
        raise _Unreadable("The line is not a JSON object.")
    return asked


def _sample(asked: Mapping[str, Any], direction: Direction) -> Sample:
    if "messages" not in asked:
        if not isinstance(asked.get("text"), str):
            raise _Unreadable('The line has neither "text" nor "messages".')
        return Sample(asked["text"], direction)
    messages = asked["messages"]
    if not isinstance(messages, list) or not messages:
        raise _Unreadable('"messages" is not a list with a message in it.')
    read: list[Message] = []
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise _Unreadable('A message has no "content" that is text.')
        read.append(Message(str(message.get("role", "")), message["content"]))
    return Sample(read[-1].content, direction, tuple(read[:-1]))


def _id(asked: Mapping[str, Any]) -> dict[str, Any]:
    known = asked.get("id")
    if isinstance(known, str):
        return {"id": _utf8(known)}
    return {"id": known} if isinstance(known, (int, float)) else {}


def _category(hit: Hit) -> dict[str, Any]:
    finding = hit.finding
    return {
        "name": finding.category,
        "score": finding.score,
        "rule": finding.rule,
        "article": hit.article,
        "spans": [list(span) for span in finding.spans],
    }


def _utf8(text: str) -> str:
    return _LONE.sub("\ufffd", text)
