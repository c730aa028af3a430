"""A model behind an OpenAI-compatible server: our own vLLM child, or one that already runs inside the perimeter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import orjson

from qalqan_guardrails.contract import Message
from qalqan_serving.engines.model import Delta, Prompt
from qalqan_serving.errors import BadRequest, ModelUnavailable
from qalqan_serving.tokens import Tokenizer
from qalqan_serving.turn import Usage

_DOWN = "The model does not answer now: try again in a minute."
_GARBLED = "The model's answer could not be read: try again."


class UpstreamModel:
    """Speaks chat/completions to one base URL over one pooled client. Only `content` is relayed: nothing else of the
    model's output (reasoning, tool calls, log-probabilities) passes by unchecked, because nothing else is read."""

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        upstream_name: str | None = None,
        api_key: str = "",
        tokenizer: Tokenizer | None = None,
        context_tokens: int,
        idle_timeout_s: float = 120.0,
    ) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self._upstream_name = upstream_name or name
        self._base = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._tokenizer = tokenizer
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=idle_timeout_s)
        self._session: aiohttp.ClientSession | None = None

    def _client(self) -> aiohttp.ClientSession:
        # Made on first use: aiohttp wants the running loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                headers=self._headers,
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60, use_dns_cache=True),
                trust_env=False,
                auto_decompress=False,
            )
        return self._session

    def count(self, messages: tuple[Message, ...]) -> int:
        """Tokens by the model's own tokenizer; without its folder, the UTF-8 length, which no tokenizer exceeds."""
        if self._tokenizer is not None:
            return self._tokenizer.count(messages)
        return sum(len(m.content.encode()) + 32 for m in messages)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta]:
        """The answer's pieces; closing the iterator closes the connection, on which vLLM stops generating."""
        body: dict[str, Any] = {
            **prompt.options,
            "model": self._upstream_name,
            "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
            "max_tokens": prompt.max_tokens,
            "stream": prompt.stream,
        }
        if prompt.stream:
            body["stream_options"] = {"include_usage": True}
        try:
            async with self._client().post(
                f"{self._base}/v1/chat/completions",
                data=orjson.dumps(body),
                headers={"Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    await _refuse(response)
                if prompt.stream:
                    async for delta in _read_events(response):
                        yield delta
                else:
                    yield _read_completion(await response.read())
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            raise ModelUnavailable(_DOWN) from error
        except (AttributeError, TypeError, ValueError) as error:
            # JSON of another shape than OpenAI's.
            raise ModelUnavailable(_GARBLED) from error

    async def ready(self) -> bool:
        """Whether the server lists its models."""
        try:
            async with self._client().get(
                f"{self._base}/v1/models", timeout=aiohttp.ClientTimeout(total=2)
            ) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def close(self) -> None:
        """Closes the pooled connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _refuse(response: aiohttp.ClientResponse) -> None:
    """Raises what a status other than 200 means. The upstream's own words may quote the prompt: they are not used."""
    await response.read()
    if response.status in (400, 413, 422):
        raise BadRequest("The model did not accept this request: check its parameters and its length.")
    raise ModelUnavailable(_DOWN)


async def _read_events(response: aiohttp.ClientResponse) -> AsyncGenerator[Delta]:
    """Deltas of a server-sent event stream. Lines are cut as bytes, so a character split between chunks stays whole."""
    rest = b""
    usage: Usage | None = None
    finish: str | None = None
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > 1_000_000:
            raise ModelUnavailable(_GARBLED)
        for line in lines:
            line = line.strip()
            if line == b"data: [DONE]":
                yield Delta("", finish or "stop", usage)
                return
            if not line.startswith(b"data:"):
                continue
            event = _parse(line[5:])
            if event.get("usage"):
                usage = _usage(event["usage"])
            for choice in event.get("choices") or ():
                finish = choice.get("finish_reason") or finish
                if text := (choice.get("delta") or {}).get("content"):
                    yield Delta(_string(text))
    raise ModelUnavailable(_DOWN)


def _read_completion(raw: bytes) -> Delta:
    event = _parse(raw)
    try:
        choice = event["choices"][0]
        text = choice["message"]["content"] or ""
    except (KeyError, IndexError, TypeError) as error:
        raise ModelUnavailable(_GARBLED) from error
    return Delta(_string(text), choice.get("finish_reason") or "stop", _usage(event.get("usage") or {}))


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ModelUnavailable(_GARBLED) from error
    # An error in mid-stream comes as an event of its own; its words may quote the prompt.
    if not isinstance(event, dict) or "error" in event:
        raise ModelUnavailable(_DOWN)
    return event


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ModelUnavailable(_GARBLED)
    return value


def _usage(raw: dict[str, Any]) -> Usage:
    return Usage(int(raw.get("prompt_tokens") or 0), int(raw.get("completion_tokens") or 0))
