"""Answers, stream chunks and errors in OpenAI's shape, with our extensions at the top level."""

from __future__ import annotations

import time
from typing import Any

from qalqan_knowledge.contract import Passage
from qalqan_serving.errors import QalqanError
from qalqan_serving.turn import Begin, Done, Text, Usage


def completion(answer_id: str, model: str, text: str, done: Done) -> dict[str, Any]:
    """A whole chat.completion object."""
    return {
        "id": answer_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": done.finish_reason,
            }
        ],
        "usage": usage(done.usage),
        **_ending(done),
    }


def chunk(answer_id: str, model: str, created: int, event: Begin | Text | Done) -> dict[str, Any]:
    """One chat.completion.chunk: the first has role and label, the last the finish reason, label and citations."""
    delta: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    finish = None
    if isinstance(event, Begin):
        delta = {"role": "assistant", "content": ""}
        extra = {"ai_label": event.label}
    elif isinstance(event, Text):
        delta = {"content": event.text}
    else:
        finish = event.finish_reason
        extra = _ending(event)
    return {
        "id": answer_id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        **extra,
    }


def usage_chunk(answer_id: str, model: str, created: int, done: Done) -> dict[str, Any]:
    """The chunk that carries only the usage, for clients that ask with stream_options.include_usage."""
    return {
        "id": answer_id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [],
        "usage": usage(done.usage),
    }


def usage(counted: Usage) -> dict[str, int]:
    """Token counts under OpenAI's names."""
    return {
        "prompt_tokens": counted.prompt_tokens,
        "completion_tokens": counted.completion_tokens,
        "total_tokens": counted.prompt_tokens + counted.completion_tokens,
    }


def error(fault: QalqanError) -> dict[str, Any]:
    """An error object in OpenAI's shape."""
    return {"error": {"message": fault.message, "type": fault.type, "param": fault.param, "code": fault.code}}


def citation(number: int, passage: Passage) -> dict[str, Any]:
    """A cited passage: the number that stands in the text as [n], and all that a reader needs to check it."""
    return {
        "index": number,
        "id": passage.id,
        "title": passage.title,
        "text": passage.text,
        "lang": passage.lang,
        "collection": passage.collection,
        "source": passage.source,
        "producer": passage.producer,
        "licence": passage.licence,
        "valid_from": passage.valid_from,
        "valid_to": passage.valid_to,
        "checked_on": passage.checked_on,
    }


def _ending(done: Done) -> dict[str, Any]:
    ending: dict[str, Any] = {"ai_label": done.label, "qalqan_outcome": done.outcome}
    if done.citations:
        ending["citations"] = [citation(n, p) for n, p in done.citations]
    return ending
