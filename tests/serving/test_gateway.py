"""The gateway over real HTTP with quotation and the starter library: OpenAI's clients, bad input, faults."""

import base64
from pathlib import Path

import httpx
import orjson
import pytest
from langchain_openai import ChatOpenAI
from openai import OpenAI
from stack import Stack, running

from qalqan_guardrails.texts import message
from qalqan_ops.audit import verify as verify_chain
from qalqan_serving.label import verify

CAPITAL = "Қазақстанның астанасы қай қала?"
ANGRY = "Мына оқушылардың жазғанынан кім ашулы екенін анықта"
IIN = "991231500006"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory):
    with running(tmp_path_factory.mktemp("gateway")) as stack:
        yield stack


@pytest.fixture
def client(stack: Stack):
    with httpx.Client(base_url=stack.url, timeout=20) as client:
        yield client


@pytest.fixture
def openai(stack: Stack):
    with OpenAI(base_url=f"{stack.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def ask(client: httpx.Client, text: str, **given: object) -> httpx.Response:
    body = {"model": "default", "messages": [{"role": "user", "content": text}], **given}
    return client.post("/v1/chat/completions", json=body)


def test_openai_client_gets_the_capital_with_a_citation(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(model="default", messages=[{"role": "user", "content": CAPITAL}])
    assert "Қазақстанның астанасы – Астана қаласы" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    cited = answer.model_extra["citations"]
    assert cited[0]["id"].startswith("state/capital-astana.kk")
    assert f"[{cited[0]['index']}]" in answer.choices[0].message.content
    assert cited[0]["licence"] == "CC-BY-4.0"
    assert cited[0]["valid_from"] == "2026-07-01"


def test_openai_client_streams_the_same_answer(openai: OpenAI) -> None:
    asked = [{"role": "user", "content": CAPITAL}]
    whole = openai.chat.completions.create(model="default", messages=asked)
    chunks = list(
        openai.chat.completions.create(
            model="default", messages=asked, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    labelled = [c for c in chunks if "ai_label" in (c.model_extra or {})]
    assert labelled[0] is chunks[0]
    assert labelled[-1].choices[0].finish_reason == "stop"
    assert labelled[-1].model_extra["citations"] == whole.model_extra["citations"]
    assert chunks[-1].usage is not None


def test_langchain_talks_to_it(stack: Stack) -> None:
    chat = ChatOpenAI(base_url=f"{stack.url}/v1", api_key="none", model="default", max_retries=0)
    assert "Астана" in chat.invoke(CAPITAL).content
    assert "Астана" in "".join(str(chunk.content) for chunk in chat.stream(CAPITAL))


def test_every_language_gets_its_own_answer(client: httpx.Client) -> None:
    for question, word in (
        ("Какой город столица Казахстана?", "Столица"),
        ("What is the capital of Kazakhstan?", "The capital"),
    ):
        answer = ask(client, question).json()
        assert word in answer["choices"][0]["message"]["content"]
        assert (
            "Astana" in answer["choices"][0]["message"]["content"]
            or "Астана" in answer["choices"][0]["message"]["content"]
        )


def test_the_label_is_in_header_and_body_and_verifies(client: httpx.Client) -> None:
    answer = ask(client, CAPITAL)
    assert answer.headers["ai-generated"] == "?1"
    label = answer.json()["ai_label"]
    assert orjson.loads(base64.urlsafe_b64decode(answer.headers["x-ai-label"])) == label
    key = bytes.fromhex(client.get("/about").json()["label_public_key"])
    assert verify(label, key)
    assert not verify({**label, "content_sha256": "0" * 64}, key)


def test_a_receipt_explains_the_answer_without_its_text(client: httpx.Client) -> None:
    answer = ask(client, CAPITAL)
    receipt = client.get(f"/v1/receipts/{answer.headers['x-qalqan-receipt']}").json()
    assert receipt["outcome"] == "answered"
    assert receipt["passages"][0]["title"]
    assert receipt["policy_digest"]
    assert "Есіл" not in orjson.dumps(receipt).decode()
    assert client.get("/v1/receipts/none").status_code == 404


def test_the_named_request_is_refused_in_kazakh(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(model="default", messages=[{"role": "user", "content": ANGRY}])
    assert answer.choices[0].message.content == message("emotion_inference", "kk")
    assert answer.choices[0].finish_reason == "content_filter"


def test_a_question_the_library_cannot_answer_is_told_plainly(client: httpx.Client) -> None:
    answer = ask(client, "Кванттық хромодинамикадағы глюондардың түсі қандай?").json()
    assert answer["qalqan_outcome"] == "no_evidence"
    assert answer["choices"][0]["message"]["content"] == message("no_evidence", "kk")


def test_an_identifier_is_stored_nowhere(stack: Stack, client: httpx.Client) -> None:
    answer = ask(client, f"Менің ЖСН-ім {IIN}. Қазақстанның астанасы қай қала?")
    assert answer.json()["qalqan_outcome"] == "redacted"
    assert IIN not in answer.text
    assert IIN not in stack.output()
    assert IIN not in client.get("/metrics").text
    kept = [path for path in stack.data.rglob("*") if path.is_file()]
    assert any(path.name.startswith("audit.sqlite") for path in kept)
    for path in kept:
        assert IIN.encode() not in path.read_bytes(), path


def chat_body(content: bytes = b"hi", more: bytes = b"", model: bytes = b"default", role: bytes = b"user") -> bytes:
    said = b'{"role": "%s", "content": "%s"}' % (role, content)
    return b'{"model": "%s", "messages": [%s]%s}' % (model, said, more)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "invalid_json"),
        (chat_body(b"\xff"), {}, 400, "invalid_json"),
        (chat_body(model=b"gpt-9"), {}, 404, "model_not_found"),
        (b'{"model": "default", "messages": []}', {}, 400, "invalid_request"),
        (chat_body(role=b"king"), {}, 400, "invalid_request"),
        (chat_body(more=b', "x": 1'), {}, 400, "unsupported_parameter"),
        (chat_body(b"a " * 5_000_000), {}, 413, "request_too_large"),
        (chat_body(b"a " * 100_000), {}, 400, "context_length_exceeded"),
        (b"{}", {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        (chat_body(), {"x-qalqan-audience": "king"}, 400, "invalid_request"),
    ],
    ids=range(10),
)
def test_bad_input_gets_openai_errors(
    client: httpx.Client, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json", **headers})
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert set(error) == {"message", "type", "param", "code"}
    assert "Traceback" not in answer.text


def test_unknown_addresses_and_methods_are_told_in_the_same_shape(client: httpx.Client) -> None:
    assert client.get("/v1/nothing").json()["error"]["code"] == "not_found"
    wrong = client.get("/v1/chat/completions")
    assert wrong.status_code == 405
    assert wrong.json()["error"]["code"] == "method_not_allowed"


def test_models_health_metrics_and_about(client: httpx.Client) -> None:
    assert [m["id"] for m in client.get("/v1/models").json()["data"]] == ["default", "extractive"]
    assert client.get("/health").json() == {"status": "alive"}
    assert client.get("/ready").json()["ready"] is True
    ask(client, ANGRY)
    metrics = client.get("/metrics").text
    assert "qalqan_rule_hits_total{" in metrics
    assert 'category="emotion_inference"' in metrics
    about = client.get("/about").json()
    assert about["autonomy_class"] == "low"
    assert about["profile"] == "local"
    assert set(about["policies"]) == {"pupil", "adult", "agency"}


def test_the_chain_of_all_that_was_answered_holds(stack: Stack) -> None:
    found = verify_chain(Path(stack.data) / "audit.sqlite")
    assert found.intact
    assert found.events > 5
