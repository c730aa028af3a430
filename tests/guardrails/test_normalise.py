"""The normal form, and the way back from it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qalqan_guardrails.normalise import normalise

ANY_TEXT = st.text(st.characters(exclude_categories=()))
TABLE = [
    ("Қалқан ҚОРҒАЙДЫ", "қалқан қорғайды"),
    ("paccкaз", "рассказ"),  # Latin p, a, c among Cyrillic
    ("МОСКВА".replace("М", "M"), "москва"),
    ("hоmе", "home"),  # Cyrillic о, е among Latin
    ("ig\u200bno\u00adre\ufeff", "ignore"),
    ("a\ufe0fb\U000e0041c", "abc"),
    ("И\u0306од", "йод"),
    ("Ｉｇｎｏｒｅ １２", "ignore 12"),
    ("٣٤", "34"),
    ("ﬁle", "file"),
    ("8\u00a07\u20137", "8 7-7"),
    ("“don’t”", '"don\'t"'),
]


@pytest.mark.parametrize(("text", "normal"), TABLE)
def test_table(text: str, normal: str):
    assert normalise(text).text == normal


def test_marks_piled_on_a_letter_go():
    assert normalise("d" + "\u0335\u0336\u0337" * 200 + "an").text == "dan"


@pytest.mark.parametrize(
    ("text", "found", "original"),
    [
        ("Сөз ig\u200bno\u200bre болды", "ignore", "ig\u200bno\u200bre"),
        ("x И\u0306 y", "й", "И\u0306"),
        ("ab ﬃ cd", "ff", "ﬃ"),
        ("Straße", "ss", "ß"),
        ("жай мәтін", "мәтін", "мәтін"),
    ],
)
def test_spans_lead_back(text: str, found: str, original: str):
    normal = normalise(text)
    start = normal.text.index(found)
    begin, end = normal.span(start, start + len(found))
    assert text[begin:end] == original


@given(ANY_TEXT)
def test_any_string_has_a_map_that_holds(text: str):
    normal = normalise(text)
    assert (
        len(normal.starts) == len(normal.ends) == len(normal.text)
        if normal.starts is not None and normal.ends is not None
        else (len(normal.text) == len(text))
    )
    last = 0
    for at in range(len(normal.text)):
        start, end = normal.span(at, at + 1)
        assert last <= start < end <= len(text)
        last = start
    assert normal.span(0, len(normal.text))[1] <= len(text)


@given(ANY_TEXT)
def test_the_normal_form_holds_nothing_invisible(text: str):
    assert not {"\u200b", "\ufeff", "\u00ad", "\ufe0f", "\U000e0041"} & set(normalise(text).text)
    assert normalise(text).text == unicodedata.normalize("NFC", normalise(text).text) or not text.isprintable()
