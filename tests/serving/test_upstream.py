"""The upstream client against a server that misbehaves: each fault is ModelUnavailable, never a stray word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from qalqan_guardrails.contract import Message
from qalqan_serving.engines.model import Prompt
from qalqan_serving.engines.upstream import UpstreamModel
from qalqan_serving.errors import BadRequest, ModelUnavailable


def prompt(stream: bool = True) -> Prompt:
    return Prompt((Message("user", "Сәлем"),), "Сәлем", (), "kk", 64, stream, {"temperature": 0.1})


def delta(text: str) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}) + b"\n\n"


class Server:
    """Answers every request with the scripted pieces, a moment apart, then closes."""

    def __init__(self, *pieces: bytes, status: bytes = b"200 OK", hang: bool = False) -> None:
        self.pieces, self.status, self.hang = pieces, status, hang
        self.requests: list[bytes] = []
        self.gone = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length"))
        self.requests.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 %s\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" % self.status)
        try:
            for piece in self.pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
            if self.hang:
                await reader.read()
                self.gone.set()
        finally:
            writer.close()


@asynccontextmanager
async def upstream(server: Server, **options: object) -> AsyncIterator[UpstreamModel]:
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    model = UpstreamModel(f"http://127.0.0.1:{port}", name="m", context_tokens=4096, **options)  # type: ignore[arg-type]
    try:
        yield model
    finally:
        await model.close()
        listening.close()


async def said(model: UpstreamModel, stream: bool = True) -> str:
    return "".join([d.text async for d in model.stream(prompt(stream))])


async def test_characters_cut_between_chunks_come_whole():
    whole = delta("Қазақстан 🇰🇿 әлемі") + b"data: [DONE]\n\n"
    server = Server(*(whole[i : i + 1] for i in range(len(whole))))
    async with upstream(server) as model:
        assert await said(model) == "Қазақстан 🇰🇿 әлемі"


async def test_options_and_budget_go_upstream_and_nothing_else():
    server = Server(delta("иә"), b"data: [DONE]\n\n")
    async with upstream(server) as model:
        await said(model)
    sent = orjson.loads(server.requests[0])
    assert sent["temperature"] == 0.1
    assert sent["max_tokens"] == 64
    assert set(sent) == {"temperature", "model", "messages", "max_tokens", "stream", "stream_options"}


async def test_only_content_is_read():
    thought = {"choices": [{"delta": {"reasoning_content": "құпия", "tool_calls": [{"function": {"arguments": "x"}}]}}]}
    server = Server(b"data: " + orjson.dumps(thought) + b"\n\n", delta("иә"), b"data: [DONE]\n\n")
    async with upstream(server) as model:
        assert await said(model) == "иә"


@pytest.mark.parametrize(
    "pieces",
    [
        (delta("Бір. "),),
        (delta("Бір. "), b"data: {not json}\n\n"),
        (delta("Бір. "), b"data: []\n\n"),
        (delta("Бір. "), b'data: {"choices": [7]}\n\n'),
        (delta("Бір. "), b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'),
        (delta("Бір. "), b'data: {"error": {"message": "the prompt was: secret"}}\n\n'),
        (delta("Бір. "), b"data: " + b"x" * 2_000_000),
    ],
    ids=["cut off", "no json", "list", "number", "not text", "error event", "endless line"],
)
async def test_a_stream_that_goes_wrong_is_told(pieces: tuple[bytes, ...]):
    async with upstream(Server(*pieces)) as model:
        got = []
        with pytest.raises(ModelUnavailable) as told:
            async for d in model.stream(prompt()):
                got.append(d.text)
    assert got == ["Бір. "]
    assert "secret" not in told.value.message


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"choices": []}', b'{"choices": [{"message": 5}]}', b"\xff"])
async def test_a_whole_answer_that_goes_wrong_is_told(raw: bytes):
    async with upstream(Server(raw)) as model:
        with pytest.raises(ModelUnavailable):
            await said(model, stream=False)


@pytest.mark.parametrize(
    ("status", "error"),
    [(b"500 Oops", ModelUnavailable), (b"404 No", ModelUnavailable), (b"307 There", ModelUnavailable),
     (b"400 Bad", BadRequest)],
)  # fmt: skip
async def test_a_status_is_told_in_our_own_words(status: bytes, error: type[Exception]):
    async with upstream(Server(b"your prompt was: secret", status=status)) as model:
        with pytest.raises(error) as told:
            await said(model)
    assert "secret" not in str(told.value)


async def test_a_server_that_hangs_is_left_in_time():
    async with upstream(Server(delta("Бір. "), hang=True), idle_timeout_s=0.3) as model:
        with pytest.raises(ModelUnavailable):
            await said(model)


async def test_closing_the_answer_closes_the_connection():
    server = Server(delta("Бір. "), hang=True)
    async with upstream(server) as model:
        answer = model.stream(prompt())
        assert (await anext(answer)).text == "Бір. "
        await answer.aclose()
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_nobody_there_is_told():
    model = UpstreamModel("http://127.0.0.1:9", name="m", context_tokens=4096)
    assert not await model.ready()
    with pytest.raises(ModelUnavailable):
        await said(model)
    await model.close()
