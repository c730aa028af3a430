"""The wire: what a client sees when the model, the log or the client itself fails. A real server, scripted parts."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import orjson
import uvicorn
from stack import free_port

from qalqan_serving.answer import Parts
from qalqan_serving.audit import MemoryAudit
from qalqan_serving.engines.model import ScriptedModel
from qalqan_serving.errors import AuditUnavailable, ModelUnavailable
from qalqan_serving.gateway import GatewayConfig, build

SENTENCE = "Бұл жай ғана сөйлем. "


@contextmanager
def served(parts: Parts) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(build(parts, GatewayConfig()), port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}/v1/chat/completions"
    finally:
        server.should_exit = True
        thread.join(10)


def body(stream: bool) -> dict[str, object]:
    asked = [{"role": "user", "content": "Сәлем, қалың қалай?"}]
    return {"model": "default", "messages": asked, "stream": stream}


def events(answer: httpx.Response) -> list[bytes]:
    return [line[6:].encode() for line in answer.iter_lines() if line.startswith("data: ")]


def until(condition, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_model_that_dies_in_mid_stream_is_one_error_event_then_the_end(make_parts):
    parts = make_parts(model=ScriptedModel([SENTENCE, SENTENCE, "Бұл жартылай"], ModelUnavailable("gone")))
    with served(parts) as url, httpx.stream("POST", url, json=body(True)) as answer:
        seen = events(answer)
    assert seen[-1] == b"[DONE]"
    assert orjson.loads(seen[-2])["error"]["code"] == "model_unavailable"
    assert b"\xd0\xb6\xd0\xb0\xd1\x80\xd1\x82\xd1\x8b\xd0\xbb\xd0\xb0\xd0\xb9" not in b"".join(seen)
    assert [e.outcome for e in parts.audit.events] == ["failed"]


def test_a_model_that_is_down_is_a_status_with_retry_after(make_parts):
    parts = make_parts(model=ScriptedModel([], ModelUnavailable("The model does not answer now: try again.")))
    with served(parts) as url:
        for stream in (True, False):
            answer = httpx.post(url, json=body(stream))
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert answer.json()["error"]["code"] == "model_unavailable"


def test_a_client_that_leaves_a_stream_stops_the_model_and_is_recorded(make_parts):
    parts = make_parts(model=ScriptedModel([SENTENCE] * 200, delay_s=0.02))
    with served(parts) as url:
        with httpx.stream("POST", url, json=body(True)) as answer:
            next(answer.iter_lines())
        until(lambda: parts.audit.events)
    assert parts.audit.events[0].outcome == "abandoned"
    assert parts.model.closed_early


def test_a_client_that_leaves_before_a_whole_answer_stops_the_model(make_parts):
    parts = make_parts(model=ScriptedModel([SENTENCE] * 200, delay_s=0.02))
    with served(parts) as url:
        try:
            httpx.post(url, json=body(False), timeout=0.3)
        except httpx.ReadTimeout:
            pass
        else:
            raise AssertionError("the answer came before the client left")
        until(lambda: parts.audit.events)
    assert parts.audit.events[0].outcome == "abandoned"
    assert parts.model.closed_early


class _FailsOnce(MemoryAudit):
    """Looks well until the moment of writing, like a disk that fills up."""

    def ready(self) -> bool:
        return True


def test_an_answer_that_cannot_be_recorded_has_no_end_and_no_label(make_parts):
    parts = make_parts(SENTENCE, audit=_FailsOnce(error=AuditUnavailable("disk full")))
    with served(parts) as url:
        whole = httpx.post(url, json=body(False))
        with httpx.stream("POST", url, json=body(True)) as answer:
            seen = events(answer)
    assert whole.status_code == 503
    assert whole.json()["error"]["code"] == "audit_unavailable"
    assert orjson.loads(seen[-2])["error"]["code"] == "audit_unavailable"
    assert not any(b'finish_reason":"stop' in event for event in seen)


def test_while_nothing_can_be_recorded_nothing_is_asked_of_the_model(make_parts):
    parts = make_parts(SENTENCE, audit=MemoryAudit(error=AuditUnavailable("disk full")))
    with served(parts) as url:
        assert httpx.post(url, json=body(True)).status_code == 503
    assert parts.model.prompts == []


def test_a_crash_is_one_sentence_without_a_trace(make_parts):
    parts = make_parts(model=ScriptedModel([], ZeroDivisionError("secret inside")))
    with served(parts) as url:
        answer = httpx.post(url, json=body(False))
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_two_hundred_streams_at_once_do_not_mix(make_parts):
    parts = make_parts(model=ScriptedModel([SENTENCE, "Соңы."], delay_s=0.01))
    with served(parts) as url:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=200), timeout=60) as client:
            answers = await asyncio.gather(*(client.post(url, json=body(True)) for _ in range(200)))
    receipts = {answer.headers["x-qalqan-receipt"] for answer in answers}
    assert len(receipts) == 200
    for answer in answers:
        chunks = [orjson.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
        assert {chunk["id"] for chunk in chunks} == {answer.headers["x-qalqan-receipt"]}
        assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == SENTENCE + "Соңы."
    assert {e.id for e in parts.audit.events} == receipts
