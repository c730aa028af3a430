"""The gateway as the chat sees it: one streamed completion, its fragments in order, or a fault with a sentence."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

import httpx

from .conversation import Citation
from .texts import Language

TIMEOUT = httpx.Timeout(connect=5, read=120, write=10, pool=5)
"""Seconds. A model on a CPU may think for a minute before its first word."""
BUSY = frozenset({429, 503})
TOO_LONG = frozenset({413, 414})
TOO_LONG_CODES = frozenset({"context_length_exceeded", "request_too_large", "string_above_max_length"})


class GatewayFault(Exception):
    """No whole answer came. `text` is the key of the sentence that the reader gets."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class Fragment:
    """One event of the stream; all but `text` stay empty until the last one."""

    text: str = ""
    finish: str = ""
    outcome: str = ""
    receipt: str = ""
    citations: tuple[Citation, ...] = ()


class Gateway:
    """A pooled client of one gateway; `key` is needed only where the operator has created API keys."""

    def __init__(self, url: str, key: str = "") -> None:
        headers = {"X-Qalqan-Audience": "pupil"} | ({"Authorization": f"Bearer {key}"} if key else {})
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        # trust_env would let a proxy variable of the machine carry a pupil's words elsewhere.
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, limits=limits, trust_env=False)

    async def close(self) -> None:
        """Closes the pool."""
        await self._http.aclose()

    async def answer(self, messages: Sequence[dict[str, str]], language: Language) -> AsyncGenerator[Fragment, None]:
        """Fragments of the answer as they are released. Closing the iterator ends the request upstream.

        Raises GatewayFault when the gateway is away, refuses, or breaks off before it has said how the answer ended.
        """
        body = {"model": "default", "messages": list(messages), "stream": True}
        headers = {"Accept-Language": language, "Accept": "text/event-stream"}
        finished = False
        try:
            async with self._http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as response:
                if not response.is_success:
                    raise GatewayFault(_refusal(response.status_code, await response.aread()))
                receipt = response.headers.get("X-Qalqan-Receipt", "")
                async with aclosing(_events(response)) as events:
                    async for event in events:
                        fragment = _fragment(event, receipt)
                        finished = finished or bool(fragment.finish)
                        yield fragment
        except httpx.ConnectError as error:
            raise GatewayFault("fault_unreachable") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise GatewayFault("fault_broken") from error
        if not finished:
            raise GatewayFault("fault_broken")


async def _events(response: httpx.Response) -> AsyncGenerator[dict[str, Any], None]:
    """The objects of a stream of server-sent events, up to [DONE]."""
    async for line in response.aiter_lines():
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        try:
            event = json.loads(data)
        except ValueError as error:
            raise GatewayFault("fault_broken") from error
        if not isinstance(event, dict) or "error" in event:
            raise GatewayFault("fault_broken")
        yield cast("dict[str, Any]", event)


def _fragment(event: dict[str, Any], receipt: str) -> Fragment:
    try:
        choice = event["choices"][0] if event.get("choices") else {}
        delta = choice.get("delta") or {}
        return Fragment(
            text=str(delta.get("content") or ""),
            finish=str(choice.get("finish_reason") or ""),
            outcome=str(event.get("qalqan_outcome") or ""),
            receipt=receipt,
            citations=tuple(_citation(item) for item in event.get("citations") or ()),
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise GatewayFault("fault_broken") from error


def _citation(item: dict[str, Any]) -> Citation:
    source = item.get("source") or ()
    sources = cast("Sequence[object]", [source] if isinstance(source, str) else source)
    fields = ("title", "text", "producer", "licence", "valid_from", "valid_to", "checked_on")
    named = {name: str(item.get(name) or "") for name in fields}
    return Citation(index=int(item["index"]), sources=tuple(str(each) for each in sources), **named)


def _refusal(status: int, body: bytes) -> str:
    """The sentence for an answer that is no stream, by its status and OpenAI's error code."""
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        code = ""
    if status in TOO_LONG or code in TOO_LONG_CODES:
        return "fault_long"
    if status in BUSY:
        return "fault_busy"
    return "fault_unreachable" if status >= 500 else "fault_refused"
