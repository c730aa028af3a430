"""The bench's upstream: an HTTP server that answers every request with the same bytes. For the bench alone.

`python -m qalqan_ops.bench.stub PORT`. It reads just enough of HTTP/1.1 to be spoken to by aiohttp, so that it is
never what is measured.
"""

from __future__ import annotations

import asyncio
import sys

import orjson
import uvloop

ANSWER = (
    "Астана — Қазақстан Республикасының астанасы. Қала Есіл өзенінің бойында орналасқан. "
    "Мұнда мемлекеттік органдар, университеттер мен мұражайлар бар. Сұрағыңыз болса, мұғаліміңізден де сұрай аласыз."
)
_BODY = orjson.dumps(
    {
        "id": "stub",
        "object": "chat.completion",
        "created": 1,
        "model": "stub",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 60, "completion_tokens": 50, "total_tokens": 110},
    }
)
_RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_BODY) + _BODY


class _Stub(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = 0
            for line in self._buffer[:end].lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(_RESPONSE)  # type: ignore[attr-defined]


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Stub, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
