"""The yardstick: a bare relay of uvicorn, aiohttp and orjson that checks nothing.

`python -m qalqan_ops.bench.relay PORT UPSTREAM_URL`. It parses the request and the answer, as any gateway must, and
does nothing else.
"""

from __future__ import annotations

import sys
from typing import Any

import aiohttp
import orjson
import uvicorn

Scope = dict[str, Any]


class Relay:
    """One ASGI application with one pooled client."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Relays one request."""
        if scope["type"] != "http":
            return
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        payload = orjson.dumps(orjson.loads(body))
        headers = {"Content-Type": "application/json"}
        async with self._session.post(
            f"{self._upstream}/v1/chat/completions", data=payload, headers=headers
        ) as response:
            answer = orjson.dumps(orjson.loads(await response.read()))
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())],
            }
        )
        await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    uvicorn.run(
        Relay(sys.argv[2]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
    )
