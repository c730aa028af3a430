"""Which of the three languages a text is in: letters first, then words that give it away, then statistics.

A text in Kazakhstan mixes freely, so one Kazakh name does not make a Russian question Kazakh: words are counted then.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import TypeVar, cast

from py3langid.langid import MODEL_FILE, LanguageIdentifier
from pydantic import BaseModel, ConfigDict

from qalqan_guardrails.contract import Language
from qalqan_guardrails.data import HERE, read_as

Default = TypeVar("Default", Language, None)


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ru: frozenset[str]
    kk: frozenset[str]
    latin_kk: frozenset[str]
    en: frozenset[str]


_WORDS = read_as(HERE / "rules" / "language.yaml", _Words)
_KAZAKH_LETTER = re.compile("[әғқңөұүһіӘҒҚҢӨҰҮҺІ]")
_CYRILLIC = re.compile("[\u0400-\u052f]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_LATIN_KAZAKH = re.compile("[ğşıñńǵŋǴĞŞŇÑäöüÄÖÜāáúý]", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_ENOUGH = 200
_guessing = threading.Lock()


def detect(text: str, default: Default = None) -> Language | Default:
    """The language of `text`, or `default` when it has no letters of ours. Only the first 200 characters are read."""
    text = text[:_ENOUGH]
    if _CYRILLIC.search(text):
        if _LATIN.search(text) and len(_LATIN.findall(text)) > len(_CYRILLIC.findall(text)):
            return _of_latin(text)
        return _of_cyrillic(text)
    return _of_latin(text) if _LATIN.search(text) else default


def _of_cyrillic(text: str) -> Language:
    words = _WORD.findall(text.lower())
    russian = sum(word in _WORDS.ru for word in words)
    if not russian and _KAZAKH_LETTER.search(text):
        return "kk"
    kazakh = sum(word in _WORDS.kk for word in words)
    if _KAZAKH_LETTER.search(text):
        kazakh += sum(bool(_KAZAKH_LETTER.search(word)) for word in words)
        return "ru" if russian > kazakh else "kk"
    if russian != kazakh:
        return "ru" if russian > kazakh else "kk"
    with _guessing:
        return cast(Language, _identifier().classify(text)[0])


def _of_latin(text: str) -> Language:
    words = _WORD.findall(text.lower())
    kazakh = sum(word in _WORDS.latin_kk for word in words)
    if not text.isascii():
        kazakh += sum(bool(_LATIN_KAZAKH.search(word)) for word in words)
    return "kk" if kazakh > sum(word in _WORDS.en for word in words) else "en"


def prepare() -> None:
    """Loads the statistics now (half a second), so that no reader waits for them."""
    _identifier()


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(["kk", "ru"])
    return identifier
