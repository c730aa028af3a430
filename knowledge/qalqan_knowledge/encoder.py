"""Texts as sparse vectors: stems, word beginnings and character 4-grams, each hashed to a number, weighted as in BM25.

All kinds are in folded letters (see words.py), so that Kazakh typed without its own letters or in Latin script finds.

A passage's vector holds the term frequencies, saturated and set against its length; the store multiplies by the inverse
document frequency; a question's vector holds how much each kind of term counts. One vector of all kinds, since their
weighted sum ranks better than a fusion of separate searches and costs one search.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from qalqan_knowledge.contract import Language
from qalqan_knowledge.words import content_words, folded, stem, stems, words

VERSION = "1"
"""Changes whenever the same text would get another vector, so that a library is encoded anew."""

_K1 = 1.2
_B = 0.6
# Fixed, so that a passage's vector does not depend on what else the library holds.
_AVERAGE_WORDS = 80
_STEM_WEIGHT, _START_WEIGHT, _GRAM_WEIGHT = 3.0, 2.0, 1.0
_STARTS = (4, 5, 6)
_GRAM = 4
# A pasted essay is asked by its beginning and end; both bounds keep one search within milliseconds.
_QUESTION_CHARACTERS = 8_000
_QUESTION_WORDS = 48
# «2+2» is no question to a library; «1991» may be.
_TELLING_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: term numbers (u32, ascending) and their weights."""

    indices: list[int]
    values: list[float]


@dataclass(frozen=True, slots=True)
class Question:
    """A question encoded: its vector, and the words that need evidence, each with the forms that its stem may have.

    A question of stop words and small numbers alone has a vector, but no `words`: nothing could be evidence for it.
    """

    vector: Sparse
    words: tuple[tuple[str, ...], ...]


def _number(kind: str, term: str) -> int:
    return zlib.crc32(f"{kind}{term}".encode())


@lru_cache(maxsize=1 << 17)
def stem_number(form: str) -> int:
    """The number of a folded stem."""
    return _number("s", form)


@lru_cache(maxsize=1 << 16)
def _shape(word: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers of a word's beginnings and of its character n-grams, its edges marked."""
    plain = folded(word)
    starts = tuple(_number(str(length), plain[:length]) for length in _STARTS)
    edged = f"^{plain}$"
    grams = tuple(_number("g", edged[at : at + _GRAM]) for at in range(max(1, len(edged) - _GRAM + 1)))
    return starts, grams


def _sparse(weights: dict[int, float]) -> Sparse:
    indices = sorted(weights)
    return Sparse(indices, [weights[index] for index in indices])


def encode_document(text: str, lang: Language) -> Sparse:
    """The vector of a passage in `lang`: saturated term frequencies, without the document frequency."""
    counts: Counter[int] = Counter()
    found = words(text)
    for word in found:
        starts, grams = _shape(word)
        counts.update((stem_number(folded(stem(word, lang))), *starts, *grams))
    longness = _K1 * (1 - _B + _B * len(found) / _AVERAGE_WORDS)
    return _sparse({number: count * (_K1 + 1) / (count + longness) for number, count in counts.items()})


def encode_presence(text: str, lang: Language) -> Sparse:
    """Which stems a passage in `lang` has, each weighing 1, so that a search for one stem scores its bare IDF."""
    return _sparse({stem_number(form): 1.0 for form in passage_stems(text, lang)})


def passage_stems(text: str, lang: Language) -> set[str]:
    """The folded stems of a text in `lang`."""
    return {folded(stem(word, lang)) for word in words(text)}


def encode_question(text: str) -> Question:
    """The vector and content words of a question in any language or mix; both are empty when it has no words."""
    if len(text) > _QUESTION_CHARACTERS:
        text = f"{text[: _QUESTION_CHARACTERS // 2]} {text[-_QUESTION_CHARACTERS // 2 :]}"
    named = content_words(text)
    asked = named or list(dict.fromkeys(words(text)))
    if len(asked) > _QUESTION_WORDS:
        asked = asked[: _QUESTION_WORDS // 2] + asked[-_QUESTION_WORDS // 2 :]
    weights: dict[int, float] = {}
    forms: list[tuple[str, ...]] = []
    for word in asked:
        variants = tuple(dict.fromkeys(folded(form) for form in stems(word)))
        forms.append(variants)
        starts, grams = _shape(word)
        weights.update(_weighed(grams, _GRAM_WEIGHT))
        weights.update(_weighed(starts, _START_WEIGHT))
        weights.update(_weighed(map(stem_number, variants), _STEM_WEIGHT))
    telling = any(not (word.isdigit() and len(word) < _TELLING_DIGITS) for word in named)
    return Question(_sparse(weights), tuple(forms) if telling else ())


def _weighed(numbers: Iterable[int], weight: float) -> dict[int, float]:
    return dict.fromkeys(numbers, weight)
