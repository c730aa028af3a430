"""POST /v1/chat/completions: from the wire to a turn, and from its events back to the wire."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import aclosing
from typing import Any, get_args

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from qalqan_guardrails.contract import LANGUAGES, Audience, Language
from qalqan_guardrails.language import detect
from qalqan_serving import label, shapes
from qalqan_serving.answer import Parts, answer
from qalqan_serving.errors import BadRequest, QalqanError
from qalqan_serving.requests import ChatRequest, parse
from qalqan_serving.turn import Begin, Done, Text, Turn

log = structlog.get_logger("qalqan.gateway")

_JSON = (b"content-type", b"application/json")
_SSE = (b"content-type", b"text/event-stream; charset=utf-8")
_MARKED = (b"ai-generated", b"?1")
_GUARDED = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class ChatEndpoint:
    """The endpoint as a bare ASGI application: it sees the client leave, and costs no more than it must."""

    def __init__(self, parts: Parts, default_audience: str, max_body_bytes: int) -> None:
        self._parts = parts
        self._default_audience = default_audience
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; when the client leaves, the answer is closed and recorded as abandoned."""
        reader = _Connection(send)
        watch = _Watch(receive)
        try:
            headers = Headers(scope=scope)
            raw = await self._body(headers, receive)
            request = parse(raw)
            turn = self._turn(request, headers)
            watch.begin()
            if turn.stream:
                wants_usage = bool(request.stream_options and request.stream_options.include_usage)
                await self._stream(turn, reader, wants_usage)
            else:
                await self._whole(turn, reader)
        except QalqanError as fault:
            await reader.fail(fault)
        except asyncio.CancelledError:
            if not watch.left:
                raise
            log.info("abandoned")
        except Exception as fault:
            log.error("crashed", error=type(fault).__name__)
            await reader.fail(QalqanError("The gateway failed on its side: try again."))
        finally:
            watch.end()

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise BadRequest("Send the body as application/json.", status=415, code="unsupported_media_type")
        too_large = BadRequest(
            f"The body is larger than {self._max_body_bytes} bytes: send less text.",
            status=413,
            code="request_too_large",
        )
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._max_body_bytes:
            raise too_large
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("The connection ended before the body did.")
            body += message.get("body", b"")
            if len(body) > self._max_body_bytes:
                raise too_large
            if not message.get("more_body"):
                return body

    def _turn(self, request: ChatRequest, headers: Headers) -> Turn:
        if request.model not in ("default", self._parts.model.name):
            raise BadRequest(
                "This model is not served here: GET /v1/models lists those that are, and 'default' always works.",
                status=404,
                code="model_not_found",
                param="model",
            )
        messages = tuple(m.plain() for m in request.messages)
        return Turn(
            id=_receipt(),
            messages=messages,
            audience=_audience(headers.get("x-qalqan-audience") or self._default_audience),
            lang=detect(messages[-1].content, default=_preferred(headers.get("accept-language", ""))),
            collections=None if request.knowledge is None else (request.knowledge,) if request.knowledge else (),
            stream=request.stream,
            max_tokens=request.max_completion_tokens or request.max_tokens,
            options=request.options(),
        )

    async def _whole(self, turn: Turn, reader: _Connection) -> None:
        text: list[str] = []
        done: Done | None = None
        async with aclosing(answer(turn, self._parts)) as events:
            async for event in events:
                if isinstance(event, Text):
                    text.append(event.text)
                elif isinstance(event, Done):
                    done = event
        if done is None:
            raise QalqanError("The answer ended too early: try again.")
        body = shapes.completion(turn.id, self._parts.model.name, "".join(text), done)
        await reader.whole(turn.id, done.label, orjson.dumps(body))

    async def _stream(self, turn: Turn, reader: _Connection, wants_usage: bool) -> None:
        model, created = self._parts.model.name, int(time.time())
        done: Done | None = None
        async with aclosing(answer(turn, self._parts)) as events:
            async for event in events:
                if isinstance(event, Done):
                    # Sent once the generator has ended, that is once the outcome is recorded.
                    done = event
                    continue
                if isinstance(event, Begin):
                    await reader.begin(turn.id, event.label)
                await reader.event(shapes.chunk(turn.id, model, created, event))
        if done is None:
            raise QalqanError("The answer ended too early: try again.")
        await reader.event(shapes.chunk(turn.id, model, created, done))
        if wants_usage:
            await reader.event(shapes.usage_chunk(turn.id, model, created, done))
        await reader.end()


class _Connection:
    """The response side of one request: knows whether headers are out, and so how a fault can still be told."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._streaming = False
        self._answered = False

    async def whole(self, answer_id: str, marked: dict[str, Any], body: bytes) -> None:
        """A complete labelled answer."""
        await self._respond(200, (_JSON, *_marks(answer_id, marked), *_GUARDED), body)

    async def begin(self, answer_id: str, marked: dict[str, Any]) -> None:
        """The head of a labelled stream."""
        self._streaming = True
        await self._head(200, (_SSE, *_marks(answer_id, marked), *_GUARDED))

    async def event(self, data: dict[str, Any]) -> None:
        """One server-sent event."""
        await self._send(
            {"type": "http.response.body", "body": b"data: " + orjson.dumps(data) + b"\n\n", "more_body": True}
        )

    async def end(self) -> None:
        """The end of the stream."""
        await self._send({"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False})

    async def fail(self, fault: QalqanError) -> None:
        """The fault: as a status while that is possible, else as the stream's last event."""
        if self._streaming:
            await self.event(shapes.error(fault))
            await self.end()
        elif not self._answered:
            retry = ((b"retry-after", b"5"),) if fault.status == 503 else ()
            await self._respond(fault.status, (_JSON, *retry, *_GUARDED), orjson.dumps(shapes.error(fault)))

    async def _head(self, status: int, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self._answered = True
        await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def _respond(self, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        await self._head(status, (*headers, (b"content-length", str(len(body)).encode())))
        await self._send({"type": "http.response.body", "body": body})


def _marks(answer_id: str, marked: dict[str, Any]) -> tuple[tuple[bytes, bytes], ...]:
    return (_MARKED, (b"x-qalqan-receipt", answer_id.encode()), (b"x-ai-label", label.header(marked).encode()))


class _Watch:
    """Cancels the request's task when its client leaves.

    It begins a moment late: an answer that is there at once needs no watching, and a task for each would cost more
    than parsing the request.
    """

    DELAY_S = 0.05

    def __init__(self, receive: Receive) -> None:
        self.left = False
        self._receive = receive
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Starts watching; the body must have been read."""
        request = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if request is not None:
            self._timer = loop.call_later(self.DELAY_S, self._start, request)

    def end(self) -> None:
        """Stops watching."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _start(self, request: asyncio.Task[Any]) -> None:
        self._task = asyncio.ensure_future(self._wait(request))

    async def _wait(self, request: asyncio.Task[Any]) -> None:
        message: Message = {"type": ""}
        while message["type"] != "http.disconnect":
            message = await self._receive()
        self.left = True
        request.cancel()


def _receipt() -> str:
    """An id that can't be guessed and begins with the time, so that the log's index grows at its end only."""
    return f"qlq-{time.time_ns():016x}{secrets.token_hex(8)}"


def _audience(name: str) -> Audience:
    for audience in get_args(Audience):
        if name == audience:
            return audience
    raise BadRequest("X-Qalqan-Audience is one of pupil, adult, agency.", param="X-Qalqan-Audience")


def _preferred(accept: str) -> Language:
    """The first of our languages that the header names; Kazakh, the state language, when it names none."""
    wanted = (part.strip()[:2].lower() for part in accept.split(","))
    for name in wanted:
        for lang in LANGUAGES:
            if lang == name:
                return lang
    return "kk"
