"""No sentence of the page is missing or left in another language."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from qalqan_ui import render, texts
from qalqan_ui.texts import LANGUAGES, SUGGESTIONS, TEXTS, say

KAZAKH_ONLY = re.compile("[әғқңөұүһі]", re.IGNORECASE)
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
LATIN = re.compile("[A-Za-z]{2,}")
NAMES = {"Qalqan", "IIN"}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_stands_in_each_language_and_is_its_own(key: str) -> None:
    text = TEXTS[key]
    assert set(text) == set(LANGUAGES)
    assert len({value.casefold().strip() for value in text.values()}) == len(LANGUAGES)
    assert len({frozenset(fields(value)) for value in text.values()}) == 1
    assert not KAZAKH_ONLY.search(text["ru"])
    assert not CYRILLIC.search(text["en"])
    for language in ("kk", "ru"):
        plain = re.sub(r"\{\w+\}", "", text[language])
        assert CYRILLIC.search(plain)
        assert set(LATIN.findall(plain)) <= NAMES


def test_suggestions_are_as_many_and_as_different_in_each_language() -> None:
    assert set(SUGGESTIONS) == set(LANGUAGES)
    assert {len(questions) for questions in SUGGESTIONS.values()} == {4}
    assert len({question for questions in SUGGESTIONS.values() for question in questions}) == 4 * len(LANGUAGES)
    assert all(KAZAKH_ONLY.search(question) for question in SUGGESTIONS["kk"])
    assert not any(KAZAKH_ONLY.search(question) for question in SUGGESTIONS["ru"])
    assert not any(CYRILLIC.search(question) for question in SUGGESTIONS["en"])


def test_notice_says_what_it_must() -> None:
    for language, words in {
        "kk": ["жасанды интеллект", "адам емес", "қателесуі", "жазба"],
        "ru": ["искусственным интеллектом", "не человек", "ошибаться", "Не пиши"],
        "en": ["artificial intelligence", "not a person", "wrong", "Don't write"],
    }.items():
        notice = render.notice(language).replace("&#x27;", "'")  # type: ignore[arg-type]
        assert all(word in notice for word in words)


def test_placeholders_are_filled_in() -> None:
    assert say("between", "kk", first="01.01.2026", last="31.12.2026") == "01.01.2026 және 31.12.2026 аралығында"


def test_no_text_is_left_unused() -> None:
    package = Path(texts.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in package.glob("*.py"))
    assert [key for key in TEXTS if not re.search(f"[\"']{key}[\"']", source)] == []
