"""Bad requests: each gets OpenAI's shape, the right status, and no echo of what was sent."""

import orjson
import pytest

from qalqan_serving.errors import BadRequest
from qalqan_serving.requests import parse

HI = {"role": "user", "content": "hi"}


def body(**given: object) -> bytes:
    return orjson.dumps({"model": "default", "messages": [HI], **given})


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"model": "\xff\xfe"}', "invalid_json"),
        (b'{"model": "default", "messages": [{"role": "user", "content": "\\ud800"}]}', "invalid_json"),
        (b"[]", "invalid_request"),
        (b"null", "invalid_request"),
        (b"{}", "invalid_request"),
        (body(messages=[]), "invalid_request"),
        (body(messages="hi"), "invalid_request"),
        (body(messages=[{"role": "king", "content": "hi"}]), "invalid_request"),
        (body(messages=[{"role": "user"}]), "invalid_request"),
        (body(messages=[{"role": "user", "content": ""}]), "invalid_request"),
        (body(messages=[{"role": "user", "content": 5}]), "invalid_request"),
        (body(messages=[HI, {"role": "assistant", "content": "hello"}]), "invalid_request"),
        (body(messages=[{"role": "system", "content": "be kind"}]), "invalid_request"),
        (body(temperature=9), "invalid_request"),
        (body(max_tokens=0), "invalid_request"),
        (body(n=2), "invalid_request"),
        (body(tools=[]), "unsupported_parameter"),
        (body(logprobs=True), "unsupported_parameter"),
        (body(**{"qqq-secret": 1}), "unsupported_parameter"),
    ],
)
def test_bad_requests_are_told(raw: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as told:
        parse(raw)
    assert told.value.code == code
    assert "qqq-secret" not in told.value.message
    assert told.value.message.endswith(".")


def test_an_image_is_refused() -> None:
    part = {"type": "image_url", "image_url": {"url": "http://example.com/x.png"}}
    with pytest.raises(BadRequest) as told:
        parse(body(messages=[{"role": "user", "content": [part]}]))
    assert "example.com" not in told.value.message


def test_text_parts_and_developer_messages_are_read() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    request = parse(body(messages=[{"role": "developer", "content": "x"}, {"role": "user", "content": parts}]))
    assert [m.plain().role for m in request.messages] == ["system", "user"]
    assert request.messages[1].plain().content == "a\nb"


def test_sampling_fields_go_on_as_they_came_and_the_user_field_does_not() -> None:
    request = parse(body(temperature=0.2, seed=5, stop=["x"], user="somebody"))
    assert request.options() == {"temperature": 0.2, "seed": 5, "stop": ["x"]}
