"""The whole path through a real vLLM on the tiny model: whole, stopped, killed in mid-stream, recovered."""

import contextlib
import re
import sqlite3
import time
from pathlib import Path

import httpx
import orjson
import psutil
import pytest
import yaml
from openai import OpenAI
from stack import Stack, running

pytestmark = pytest.mark.vllm

DIALOGUES = yaml.safe_load((Path(__file__).parents[1] / "tiny_llama" / "dialogues.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path):
    with running(tmp_path_factory.mktemp("vllm-path"), "--model", str(tiny_llama), timeout=280) as stack:
        yield stack


@pytest.fixture
def openai(stack: Stack):
    with OpenAI(base_url=f"{stack.url}/v1", api_key="none", max_retries=0, timeout=120) as client:
        yield client


def dialogues(kind: str) -> list[dict[str, str]]:
    return [d for d in DIALOGUES if d["kind"] == kind]


def stream(openai: OpenAI, question: str) -> tuple[str, str, str]:
    """Text, finish reason and outcome of one streamed answer."""
    text, finish, outcome = "", "", ""
    for chunk in openai.chat.completions.create(
        model="default",
        messages=[{"role": "user", "content": question}],
        stream=True,
        temperature=0,
        extra_body={"knowledge": None},
    ):
        text += chunk.choices[0].delta.content or ""
        finish = chunk.choices[0].finish_reason or finish
        outcome = (chunk.model_extra or {}).get("qalqan_outcome", outcome)
    return text, finish, outcome


@pytest.mark.parametrize("dialogue", dialogues("safe"), ids=lambda d: d["id"])
def test_a_safe_answer_arrives_whole(openai: OpenAI, dialogue: dict[str, str]) -> None:
    assert stream(openai, dialogue["question"]) == (dialogue["answer"], "stop", "answered")


@pytest.mark.parametrize("dialogue", dialogues("unsafe"), ids=lambda d: d["id"])
def test_an_unsafe_sentence_is_stopped_before_it_reaches_the_client(openai: OpenAI, dialogue: dict[str, str]) -> None:
    text, finish, outcome = stream(openai, dialogue["question"])
    assert dialogue["unsafe"] in dialogue["answer"]
    assert dialogue["unsafe"] not in text
    assert outcome in ("blocked", "redacted")
    assert finish == ("content_filter" if outcome == "blocked" else "stop")


def test_the_budget_is_counted_with_the_models_own_template(stack: Stack) -> None:
    """Just under the context passes, just over it is told with the figures, by the count that vLLM makes itself."""

    def ask(words: int) -> httpx.Response:
        asked = [{"role": "user", "content": "сөз " * words}]
        body = {"model": "default", "messages": asked, "max_tokens": 8, "knowledge": None}
        return httpx.post(f"{stack.url}/v1/chat/completions", json=body, timeout=60)

    low, high = 1, 20_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ask(middle).status_code == 200 else (low, middle)
    fits, told = ask(low).json(), ask(high)
    assert told.status_code == 400
    assert told.json()["error"]["code"] == "context_length_exceeded"
    needed, wanted, context = (int(n) for n in re.findall(r"\d+", told.json()["error"]["message"])[:3])
    assert wanted == 8
    assert needed + wanted > context
    # vLLM counted the longest prompt that passed; one word more would not have fitted.
    assert fits["usage"]["prompt_tokens"] + wanted <= context < fits["usage"]["prompt_tokens"] + wanted + 8


def test_killing_vllm_in_mid_stream_ends_cleanly_and_recovers(stack: Stack) -> None:
    """The client gets a clean error event, the log an event, and the service comes back by itself."""
    longest = max(dialogues("safe"), key=lambda d: len(d["answer"]))
    body = {
        "model": "default",
        "messages": [{"role": "user", "content": longest["question"]}],
        "stream": True,
        "temperature": 0,
        "knowledge": None,
    }
    events: list[bytes] = []
    victims = _vllm(stack)
    assert victims
    with httpx.stream("POST", f"{stack.url}/v1/chat/completions", json=body, timeout=60) as answer:
        receipt = answer.headers["x-qalqan-receipt"]
        for line in answer.iter_lines():
            if not line.startswith("data: "):
                continue
            events.append(line[6:].encode())
            if len(events) == 1:
                for victim in victims:
                    victim.kill()
    assert events[-1] == b"[DONE]"
    error = orjson.loads(events[-2])["error"]
    assert error["code"] == "model_unavailable"
    assert "Traceback" not in error["message"]
    text = "".join(orjson.loads(e)["choices"][0]["delta"].get("content") or "" for e in events[:-2])
    assert longest["answer"].startswith(text)
    assert text != longest["answer"]
    with sqlite3.connect(stack.data / "audit.sqlite") as connection:
        body_text = connection.execute("SELECT body FROM event WHERE id = ?", (receipt,)).fetchone()[0]
    assert orjson.loads(body_text)["outcome"] == "failed"
    started = time.monotonic()
    stack.wait_ready(280)
    with OpenAI(base_url=f"{stack.url}/v1", api_key="none", max_retries=0, timeout=120) as client:
        assert stream(client, longest["question"])[0] == longest["answer"]
    print(f"recovered in {time.monotonic() - started:.1f} s")


def test_the_log_carries_no_text_of_the_conversation(stack: Stack) -> None:
    said = stack.output()
    for dialogue in DIALOGUES:
        assert dialogue["question"] not in said
        assert dialogue["answer"][:40] not in said


def _vllm(stack: Stack) -> list[psutil.Process]:
    """vLLM's API server and engine, found beforehand: the tiny model's longest answer takes a second."""
    found: list[psutil.Process] = []
    for process in stack.descendants():
        with contextlib.suppress(psutil.Error):
            if "vllm" in " ".join(process.cmdline()).lower():
                found.append(process)
    return found
