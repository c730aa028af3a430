"""The ASGI application: OpenAI's interface over `answer(turn)`, with health, metrics, receipts and /about."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from qalqan_knowledge.errors import StoreUnavailable as LibraryDown
from qalqan_serving import shapes
from qalqan_serving.answer import Parts
from qalqan_serving.chat import ChatEndpoint
from qalqan_serving.errors import BadRequest, QalqanError, StoreUnavailable

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What the gateway is told by the operator; sizes in bytes."""

    default_audience: str = "pupil"
    max_body_bytes: int = 1_000_000
    about: dict[str, Any] = field(default_factory=dict[str, Any])


def build(parts: Parts, config: GatewayConfig) -> ASGIApp:
    """The application over these parts; it closes them when it shuts down."""
    chat = ChatEndpoint(parts, config.default_audience, config.max_body_bytes)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        yield
        await parts.model.close()
        await parts.audit.close()

    async def models(request: Request) -> Response:
        names = dict.fromkeys(("default", parts.model.name))
        listed = [{"id": n, "object": "model", "created": 0, "owned_by": "qalqan"} for n in names]
        return reply({"object": "list", "data": listed})

    async def health(request: Request) -> Response:
        return reply({"status": "alive"})

    async def ready(request: Request) -> Response:
        state = {"model": await parts.model.ready(), "library": parts.library.ready(), "audit": parts.audit.ready()}
        return reply({"ready": all(state.values()), **state}, 200 if all(state.values()) else 503)

    async def metrics(request: Request) -> Response:
        return Response(parts.metrics.render(), media_type="text/plain; version=0.0.4")

    async def receipt(request: Request) -> Response:
        found = await parts.audit.find(request.path_params["id"])
        if found is None:
            raise BadRequest(
                "No answer has this receipt: check the header X-Qalqan-Receipt.", status=404, code="not_found"
            )
        passages = [_source(parts, name) for name in found["passages"]]
        return reply({"object": "qalqan.receipt", **found, "passages": passages})

    async def about(request: Request) -> Response:
        policies = {a: {"version": p.version, "digest": p.digest} for a, p in parts.runner.policies.items()}
        return reply({**config.about, "policies": policies, "label_public_key": parts.labeller.public_key.hex()})

    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route(CHAT, chat, methods=["POST"]),
            Route("/v1/models", models),
            Route("/v1/receipts/{id}", receipt),
            Route("/health", health),
            Route("/ready", ready),
            Route("/metrics", metrics),
            Route("/about", about),
        ],
        exception_handlers={QalqanError: _on_fault, HTTPException: _on_http, Exception: _on_crash},
    )

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        # The one busy address goes straight to its endpoint, which handles its own faults: the layers in between
        # would cost a tenth of a request.
        if scope["type"] == "http" and scope["path"] == CHAT and scope["method"] == "POST":
            await chat(scope, receive, send)
        else:
            await app(scope, receive, send)

    return entry


def reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(body), status, headers, "application/json")


def _source(parts: Parts, passage_id: str) -> dict[str, Any]:
    try:
        passage = parts.library.get(passage_id)
    except LibraryDown as error:
        raise StoreUnavailable("The library does not answer now: try again in a minute.") from error
    if passage is None:
        return {"id": passage_id}
    shown = shapes.citation(0, passage)
    return {
        k: shown[k] for k in ("id", "title", "source", "producer", "licence", "valid_from", "valid_to", "checked_on")
    }


async def _on_fault(request: Request, fault: Exception) -> Response:
    if not isinstance(fault, QalqanError):
        _unreachable(fault)
    return reply(shapes.error(fault), fault.status)


async def _on_http(request: Request, fault: Exception) -> Response:
    if not isinstance(fault, HTTPException):
        _unreachable(fault)
    if fault.status_code == 405:
        return reply(shapes.error(BadRequest("This address takes another method.", code="method_not_allowed")), 405)
    return reply(shapes.error(BadRequest("There is nothing at this address.", code="not_found")), fault.status_code)


async def _on_crash(request: Request, fault: Exception) -> Response:
    return reply(shapes.error(QalqanError("The gateway failed on its side: try again.")), 500)


def _unreachable(fault: Exception) -> NoReturn:
    raise fault
