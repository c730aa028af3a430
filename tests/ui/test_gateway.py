"""The chat's client of the gateway, over HTTP: fragments in order, and every fault as a sentence's key."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from ui.browser import eventually
from ui.fake_gateway import ANSWER, FakeGateway
from ui.servers import free_port

from qalqan_ui.gateway import Fragment, Gateway, GatewayFault
from qalqan_ui.texts import TEXTS


async def told(url: str, question: str) -> list[Fragment]:
    gateway = Gateway(url)
    try:
        async with aclosing(gateway.answer([{"role": "user", "content": question}], "kk")) as fragments:
            return [fragment async for fragment in fragments]
    finally:
        await gateway.close()


async def test_answer_arrives_whole_with_its_passages(
    shared_gateway: tuple[FakeGateway, str], fake: FakeGateway
) -> None:
    fragments = await told(shared_gateway[1], "Астана?")
    assert "".join(fragment.text for fragment in fragments) == "".join(ANSWER)
    last = fragments[-1]
    assert (last.finish, last.outcome, last.receipt) == ("stop", "answered", "rcpt-1")
    assert [(passage.index, passage.title) for passage in last.citations] == [
        (1, "Астана — Қазақстанның астанасы"),
        (2, "Есіл өзені"),
    ]
    assert last.citations[0].sources == ("Qalqan бастапқы кітапханасы",)
    assert last.citations[0].valid_to == ""
    assert fake.requests[-1] == {
        "model": "default",
        "messages": [{"role": "user", "content": "Астана?"}],
        "stream": True,
    }
    assert fake.headers[-1]["x-qalqan-audience"] == "pupil"
    assert fake.headers[-1]["accept-language"] == "kk"


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("429", "fault_busy"),
        ("413", "fault_long"),
        ("500", "fault_unreachable"),
        ("400", "fault_refused"),
        ("үзіл", "fault_broken"),
        ("бітпе", "fault_broken"),
    ],
)
async def test_faults(shared_gateway: tuple[FakeGateway, str], question: str, key: str) -> None:
    with pytest.raises(GatewayFault) as caught:
        await told(shared_gateway[1], question)
    assert caught.value.text == key
    assert key in TEXTS


async def test_no_gateway() -> None:
    with pytest.raises(GatewayFault) as caught:
        await told(f"http://127.0.0.1:{free_port()}", "Астана?")
    assert caught.value.text == "fault_unreachable"


@pytest.mark.parametrize(
    "events",
    [
        b"data: {not json\n\n",
        b"data: []\n\n",
        b'data: {"choices": [7]}\n\n',
        b'data: {"choices": {"a": 1}}\n\n',
        b'data: {"choices": [], "citations": [{"title": "no index"}]}\n\n',
        b"\xff\xfe\n\n",
        b"",
    ],
)
async def test_a_stream_that_makes_no_sense(events: bytes) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + events)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(GatewayFault) as caught:
            await told(f"http://127.0.0.1:{port}", "Астана?")
        assert caught.value.text == "fault_broken"


async def test_proxy_of_the_machine_is_not_used(
    shared_gateway: tuple[FakeGateway, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert (await told(shared_gateway[1], "Астана?"))[-1].finish == "stop"


async def test_leaving_early_ends_the_request(shared_gateway: tuple[FakeGateway, str], fake: FakeGateway) -> None:
    gateway = Gateway(shared_gateway[1])
    async with aclosing(gateway.answer([{"role": "user", "content": "ұзақ"}], "kk")) as fragments:
        async for fragment in fragments:
            if fragment.text:
                break
    await eventually(lambda: fake.abandoned == 1)
    await gateway.close()
