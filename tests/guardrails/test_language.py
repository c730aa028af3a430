"""Language by letters, tell-tale words and statistics."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qalqan_guardrails.language import detect


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Қазақстанның астанасы қай қала?", "kk"),
        ("Салем, калайсын?", "kk"),
        ("Менин атым Айдос, мен мектепте окимын", "kk"),
        ("Что такое закон Ома?", "ru"),
        ("Кто такой Мұхтар Әуезов и что он написал?", "ru"),
        ("What is the capital of Kazakhstan?", "en"),
        ("What does «қалқан» mean?", "en"),
        ("Salem, qalaisyñ? Sabaq qandai boldy?", "kk"),
        ("Проверь мой код: print('hello')", "ru"),
    ],
)
def test_table(text: str, lang: str):
    assert detect(text) == lang


@pytest.mark.parametrize("text", ["", "123", "🙂🙂", "?!", "日本語"])
def test_no_letters_of_ours_is_the_default(text: str):
    assert detect(text) is None
    assert detect(text, "kk") == "kk"


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_any_string(text: str):
    assert detect(text, "ru") in ("kk", "ru", "en")
