"""The web page around Gradio: what is served, what is not, and the headers that keep a browser inside.

Gradio serves far more than a chat needs (its API, file and proxy routes, monitoring) and its page names outside hosts.
Here only the routes of the chat pass, the page is rewritten to name nobody else, and a Content-Security-Policy forbids
every other origin.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .chat import build
from .gateway import Gateway
from .layout import FIRST
from .look import theme
from .texts import LANGUAGES, TEXTS

STATIC = Path(__file__).parent / "static"
SERVED = re.compile(
    r"/(ui/[a-z.]+|assets/.+|static/.+|theme\.css|config"
    r"|gradio_api/(app_id|cancel|reset|startup-events|queue/(join|data)|heartbeat/\w+))?"
)
"""The paths that the chat uses; everything else that Gradio would answer is not there."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# Gradio compiles its own templates and event code with Function(), so scripts need 'unsafe-eval'; an inline script
# still runs only with this answer's nonce, so that markup slipped into the page could not act.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'none'; base-uri 'self'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_OUTSIDE = re.compile(r'\s*<(?:meta\s+(?:property|name)="(?:og|twitter):[^>]*|link rel="manifest"[^>]*)>', re.DOTALL)


def application(gateway: Gateway) -> ASGIApp:
    """The whole chat as one ASGI application over `gateway`, which it closes at the end."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncGenerator[None, None]:
        yield
        await gateway.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=life)
    app.mount("/ui", StaticFiles(directory=STATIC))
    gr.mount_gradio_app(
        app,
        build(gateway),
        path="/",
        theme=theme(),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        max_file_size=1,
    )
    return Page(app)


class Page:
    """ASGI: lets the chat's own paths through to `app`, and sets the headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS | {"Content-Security-Policy": POLICY.format(nonce=nonce)})
            await send(message)

        path = str(scope["path"])
        if path == "/favicon.ico":
            await RedirectResponse("ui/icon.svg")(scope, receive, guarded)
        elif not SERVED.fullmatch(path):
            await PlainTextResponse("", 404)(scope, receive, guarded)
        elif path == "/":
            await self._index(scope, receive, guarded, nonce)
        else:
            await self._app(scope, receive, guarded)

    async def _index(self, scope: Scope, receive: Receive, send: Send, nonce: str) -> None:
        """Gradio's page, rewritten; asked for uncompressed so that it can be."""
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        status, body = 500, bytearray()

        async def collect(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                body.extend(message.get("body", b""))

        await self._app({**scope, "headers": plain}, receive, collect)
        text = rewritten(body.decode(), nonce)
        await HTMLResponse(text, status, {"Cache-Control": "no-store"})(scope, receive, send)


def rewritten(html: str, nonce: str) -> str:
    """Gradio's index page in our first language, naming no outside host, with our style and script."""
    html = _OUTSIDE.sub("", html)
    html = html.replace('lang="en"', f'lang="{FIRST.language}"', 1)
    html = re.sub(r"<script(?![^>]*\bsrc=)", f'<script nonce="{nonce}"', html)
    style = '<link rel="stylesheet" href="ui/page.css"><link rel="icon" href="ui/icon.svg">'
    words = "".join(
        f'<meta name="qalqan-{key}-{language}" content="{TEXTS[key][language]}">'
        for key in ("page_title", "offline")
        for language in LANGUAGES
    )
    script = '<script src="ui/page.js" defer></script>'
    return html.replace("</head>", f"{style}{words}{script}</head>", 1)
