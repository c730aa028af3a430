"""A gateway for the chat's tests: it speaks the real one's protocol and answers by a word in the question."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

LABEL = {"ai_generated": True, "system": "Qalqan"}
FLAG = {
    "index": 1,
    "id": "state/capital.kk#0",
    "title": "Астана — Қазақстанның астанасы",
    "text": "Астана — Қазақстан Республикасының астанасы. Қала Есіл өзенінің жағасында орналасқан.",
    "source": ["Qalqan бастапқы кітапханасы"],
    "producer": "Qalqan",
    "licence": "CC BY 4.0",
    "valid_from": "2026-01-01",
    "valid_to": None,
    "checked_on": "2026-11-01",
}
ESIL = FLAG | {"index": 2, "id": "geo/esil.kk#0", "title": "Есіл өзені", "text": "Есіл өзені Астана арқылы ағады."}
ANSWER = ["Қазақстанның астанасы — ", "**Астана** қаласы [1]. ", "Ол Есіл өзенінің бойында тұр [2]."]
BLOCK = "Адамдардың көңіл күйін анықтамаймын: бұған заң тыйым салады. Басқа сұрақ қойып көр."
CRISIS = (
    "Жазғаныңа рақмет. Мен адам да, психолог та емеспін, бағдарламамын.\n"
    "Өмірге қауіп төнсе, 112-ге қоңырау шал.\n"
    "Тегін, анонимді, тәулік бойы сөйлесуге болады: 111. Балалар мен жастар желісі: 150.\n"
    "Сенетін ересек адамыңа айтшы."
)
HOSTILE = [
    "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>\n\n",
    "[басу](javascript:alert(1)) ![сурет](http://outside.example/a.png) <http://outside.example/b>\n\n",
    "<iframe src=http://outside.example></iframe> ${document.title='pwned'} {{constructor}} &lt;b&gt; [1]\n\n",
    "`<b>код</b>`\n\n| а | ә |\n|---|---|\n| <i>1</i> | 2 |\n",
]
HOSTILE_SOURCE = FLAG | {
    "title": "<img src=x onerror=\"document.title='pwned'\">",
    "text": "</details><script>document.title='pwned'</script>",
    "source": 'http://outside.example/"><b>',
}


@dataclass(slots=True)
class FakeGateway:
    """What it was asked (`requests`, `headers`), and how many streams were left by the reader (`abandoned`)."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    abandoned: int = 0

    def app(self) -> Starlette:
        """The gateway as an ASGI application."""
        return Starlette(routes=[Route("/v1/chat/completions", self.complete, methods=["POST"])])

    async def complete(self, request: Request) -> Response:
        """One completion, scripted by the question."""
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        question = body["messages"][-1]["content"]
        for word, status in (("429", 429), ("413", 413), ("500", 500), ("400", 400)):
            if question == word:
                error = {"message": "Traceback (most recent call last)", "type": "error", "code": None}
                return JSONResponse({"error": error}, status)
        headers = {"X-Qalqan-Receipt": "rcpt-1", "AI-Generated": "?1"}
        return StreamingResponse(self.stream(question), media_type="text/event-stream", headers=headers)

    async def stream(self, question: str) -> AsyncIterator[str]:
        """The events of one answer."""
        whole = False
        try:
            async for event in _script(question):
                yield f"data: {event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)}\n\n"
            whole = True
        finally:
            self.abandoned += not whole


def _delta(text: str, **top: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], **top}


def _end(finish: str, outcome: str, citations: list[dict[str, Any]]) -> dict[str, Any]:
    choice = {"index": 0, "delta": {}, "finish_reason": finish}
    return {"choices": [choice], "ai_label": LABEL, "citations": citations, "qalqan_outcome": outcome}


async def _script(question: str) -> AsyncIterator[dict[str, Any] | str]:
    yield {"choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}], "ai_label": LABEL}
    if "ұзақ" in question:
        for number in range(1, 600):
            yield _delta(f"{number}-сөйлем. ")
            await asyncio.sleep(0.05)
    if "үзіл" in question:
        yield _delta("Жауаптың басы. ")
        yield {"error": {"message": "Internal error at 0x7f", "type": "server_error", "code": "model_unavailable"}}
        return
    if "бітпе" in question:
        yield _delta("Жауаптың басы. ")
        return
    finish, outcome, pieces, citations = "stop", "answered", ANSWER, [FLAG, ESIL]
    if "ашулы" in question:
        finish, outcome, pieces, citations = "content_filter", "blocked", [BLOCK], []
    elif "өлгім" in question:
        finish, outcome, pieces, citations = "content_filter", "crisis", [CRISIS], []
    elif "зиянды" in question:
        pieces, citations = HOSTILE, [HOSTILE_SOURCE]
    elif "толық" in question:
        finish = "length"
    elif "ЖСН" in question:
        outcome = "redacted"
    for piece in pieces:
        yield _delta(piece)
        await asyncio.sleep(0.02)
    yield _end(finish, outcome, citations)
    yield "[DONE]"
