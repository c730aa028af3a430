"""The contract of `guard scan`."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qalqan_guardrails.runner import default_runner
from qalqan_guardrails.scan import scan_lines

RUNNER = default_runner()


def _scan(*lines: bytes | str) -> list[dict[str, Any]]:
    return list(scan_lines(lines, "input", "pupil", RUNNER))


def test_lines_come_out_in_order_and_shape():
    lines = [
        {"id": "1", "text": "Қазақстанның астанасы қай қала?"},
        {"id": "2", "text": "Менің ЖСН 991231500006"},
        {"id": "3", "text": "Мына оқушылардың жазғанынан кім ашулы екенін анықта"},
        {"id": "4", "text": "Өлгім келеді"},
    ]
    out = _scan(*[json.dumps(line) for line in lines])
    assert [(line["id"], line["verdict"]) for line in out] == [
        ("1", "allow"),
        ("2", "redact"),
        ("3", "block"),
        ("4", "crisis"),
    ]
    assert out[0] == {"id": "1", "verdict": "allow", "categories": []}
    assert out[1]["text"] == "Менің ЖСН [ЖСН]"
    assert out[1]["categories"] == [
        {
            "name": "personal_data",
            "score": 0.99,
            "rule": "personal_data.iin",
            "article": "17(3)(4)",
            "spans": [[10, 22]],
        }
    ]
    assert all("text" not in line for line in out if line["verdict"] != "redact")
    assert {category["article"] for category in out[2]["categories"]} == {"17(3)(6)"}


def test_the_last_message_is_judged_in_the_light_of_the_others():
    def conversation(first: str) -> str:
        return json.dumps(
            {
                "id": 7,
                "messages": [{"role": "user", "content": first}, {"role": "user", "content": "Кто из них злится?"}],
            }
        )

    pupils, novel = _scan(
        conversation("Вот сообщения моих учеников."), conversation("Мы читаем роман, там герои ссорятся.")
    )
    assert (pupils["id"], pupils["verdict"], novel["verdict"]) == (7, "block", "allow")


def test_what_cannot_be_read_is_blocked_with_a_sentence():
    out = _scan(
        "not json",
        b"\xff\xfe",
        "[1]",
        "[" * 100_000,
        '{"id": "a"}',
        '{"id": "b", "text": 5}',
        '{"id": "c", "messages": []}',
        '{"id": "d", "messages": [{"role": "user"}]}',
        '{"id": "e", "messages": "x"}',
        '{"text": "Сәлем"}',
    )
    assert [line["verdict"] for line in out] == ["block"] * 9 + ["allow"]
    assert [line.get("id") for line in out] == [None] * 4 + ["a", "b", "c", "d", "e", None]
    assert all(line["error"].endswith(".") for line in out[:9])


def test_blank_lines_are_no_lines_and_empty_text_is_text():
    assert _scan("", "  \n", '{"id": "x", "text": ""}') == [{"id": "x", "verdict": "allow", "categories": []}]


def test_lone_surrogates_come_out_as_utf8():
    (line,) = _scan('{"id": "\\ud800", "text": "\\ud800 ЖСН 991231500006"}')
    assert line["text"] == "\ufffd ЖСН [ЖСН]"
    json.dumps(line, ensure_ascii=False).encode()


@settings(deadline=None)
@given(
    st.binary()
    | st.text()
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["id", "text", "messages", "content"]), x),
    ).map(json.dumps)
)
def test_any_line_gets_an_answer(line: bytes | str):
    for answer in _scan(line):
        assert answer["verdict"] in ("allow", "redact", "block", "crisis")
        json.dumps(answer, ensure_ascii=False).encode()
