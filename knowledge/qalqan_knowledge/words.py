"""Words of Kazakh, Russian and English made comparable: tokens, stop words, light stems, letters folded together."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import yaml

from qalqan_knowledge.contract import Language

_WORD = re.compile(r"[^\W_]+")
# Soft hyphens, zero-width marks and stress accents stand inside words without being part of them.
_INVISIBLE = re.compile("[\u00ad\u0300\u0301\u200b-\u200f\u2060\ufeff]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LATIN = re.compile("[a-z\u00e0-\u024f\u0259]")
_KAZAKH = re.compile("[әғқңөұүһі]")
_VOWEL = re.compile("[аәеёиоөуұүыіэюяaeiouy]")


def _data(name: str) -> Any:
    return yaml.safe_load(resources.files("qalqan_knowledge").joinpath(name).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class _Endings:
    shortest: int
    after_two: frozenset[str]
    repeat: bool
    whole: tuple[str, ...]
    devoice: dict[int, str]
    voiceless: str
    needs_voiceless: str
    needs_voiced: str
    endings: tuple[str, ...]

    def fits(self, rest: str, ending: str) -> bool:
        """Whether `rest` can be a word on its own before this ending."""
        if len(rest) < self.shortest - (ending in self.after_two) or not _VOWEL.search(rest):
            return False
        voiceless = rest[-1] in self.voiceless
        return ending[0] not in (self.needs_voiced if voiceless else self.needs_voiceless)


def _endings(raw: dict[str, Any]) -> _Endings:
    longest_first = sorted(set(str(raw["endings"]).split()), key=lambda ending: (-len(ending), ending))
    return _Endings(
        shortest=int(raw["shortest"]),
        after_two=frozenset(str(raw["after_two"]).split()),
        repeat=bool(raw["repeat"]),
        whole=tuple(raw["whole"]),
        devoice=str.maketrans(dict(raw["devoice"])),
        voiceless=str(raw["voiceless"]),
        needs_voiceless=str(raw["needs_voiceless"]),
        needs_voiced=str(raw["needs_voiced"]),
        endings=tuple(longest_first),
    )


_ENDINGS: dict[str, _Endings] = {lang: _endings(raw) for lang, raw in _data("suffixes.yaml").items()}
_STOP: dict[str, frozenset[str]] = {lang: frozenset(text.split()) for lang, text in _data("stopwords.yaml").items()}
STOP_WORDS: frozenset[str] = frozenset().union(*_STOP.values())
_LETTERS: dict[str, dict[str, str]] = _data("letters.yaml")
_LOOKALIKES = str.maketrans(_LETTERS["lookalikes"])
_FOLDS = str.maketrans(_LETTERS["folds"])
_FROM_LATIN = re.compile("|".join(sorted(_LETTERS["latin"], key=len, reverse=True)))


def words(text: str) -> list[str]:
    """The words and numbers of a text in order: case folded, ё as е, invisible marks gone, lookalike letters mended."""
    # The accents go before composing, which would otherwise keep them inside a letter; й is restored by NFC.
    plain = unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).casefold().replace("ё", "е")
    return [word if word.isascii() else _mended(word) for word in _WORD.findall(plain)]


def _mended(word: str) -> str:
    return word.translate(_LOOKALIKES) if _CYRILLIC.search(word) else word


def content_words(text: str) -> list[str]:
    """The words that name something, each once, in order; [] when there are only stop words.

    Kazakh stop words are known in Latin script too, unless the text reads as English, and without Kazakh letters.
    """
    every = list(dict.fromkeys(words(text)))
    english = any(word in _STOP["en"] for word in every)
    return [word for word in every if not _stops(word, english)]


def _stops(word: str, english: bool) -> bool:
    if word in STOP_WORDS:
        return True
    return not (english and word.isascii()) and folded(word) in _folded_stop_words()


@cache
def _folded_stop_words() -> frozenset[str]:
    return frozenset(folded(word) for word in _STOP["kk"])


def language(text: str) -> Language:
    """The language whose letters a text uses: Kazakh, else Russian for Cyrillic, else English."""
    low = text.casefold()
    if _KAZAKH.search(low):
        return "kk"
    return "ru" if _CYRILLIC.search(low) else "en"


@lru_cache(maxsize=1 << 17)
def stem(word: str, lang: Language) -> str:
    """The word without its endings, as `lang` forms them; numbers and short words stay as they are."""
    rules = _ENDINGS["en" if word.isascii() else lang]
    if word.isdigit():
        return word
    while not word.endswith(rules.whole or ("\0",)):
        shorter = _shortened(word, rules)
        if shorter == word:
            break
        word = shorter
        if not rules.repeat:
            break
    return word[:-1] + word[-1].translate(rules.devoice)


def _shortened(word: str, rules: _Endings) -> str:
    for ending in rules.endings:
        if word.endswith(ending) and rules.fits(rest := word[: -len(ending)], ending):
            return rest
    return word


@lru_cache(maxsize=1 << 16)
def stems(word: str) -> tuple[str, ...]:
    """Every stem a question's word may have: its language is unknown unless its letters tell."""
    if word.isascii() or _KAZAKH.search(word):
        return (stem(word, "kk"),)
    return tuple(dict.fromkeys((stem(word, "kk"), stem(word, "ru"))))


@lru_cache(maxsize=1 << 17)
def folded(word: str) -> str:
    """The word in the letters of a Russian keyboard, Latin script read as Kazakh."""
    if _LATIN.search(word):
        word = _FROM_LATIN.sub(lambda found: _LETTERS["latin"][found.group()], word)
    return word.translate(_FOLDS)
