"""A load of keep-alive connections, bounded in count and time; a process of its own (`python -m`)."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass

import orjson
import uvloop

_QUESTION = "Қазақстанның астанасы қай қала және онда қандай мұражайлар бар екенін қысқаша айтып берші?"


@dataclass(slots=True)
class Sample:
    """Latencies of one run in seconds, and how long the run took."""

    latencies: list[float]
    seconds: float


def request(port: int) -> bytes:
    """One chat request as bytes."""
    body = orjson.dumps(
        {"model": "default", "messages": [{"role": "user", "content": _QUESTION}], "max_tokens": 128, "knowledge": None}
    )
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _connection(port: int, payload: bytes, until: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(payload)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"the server under load answered {head[:15]!r}")
            at = head.lower().index(b"content-length:") + 15
            await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
            latencies.append(time.perf_counter() - started)
    finally:
        writer.close()


async def _run(port: int, connections: int, seconds: float) -> Sample:
    latencies: list[float] = []
    payload = request(port)
    started = time.perf_counter()
    await asyncio.gather(*(_connection(port, payload, started + seconds, latencies) for _ in range(connections)))
    return Sample(latencies, time.perf_counter() - started)


if __name__ == "__main__":
    taken = uvloop.run(_run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
    sys.stdout.buffer.write(orjson.dumps({"latencies": taken.latencies, "seconds": taken.seconds}))
