"""How much of a question a passage covers, so that an answer is given only where there is evidence for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from qalqan_knowledge.contract import Language
from qalqan_knowledge.documents import sentences
from qalqan_knowledge.encoder import passage_stems
from qalqan_knowledge.words import content_words

# A shared beginning counts from this share of the longer word on: «бөліне» and «бөлін» do, «қазақ» and «қазан» do not.
_SAME_BEGINNING = 0.7
_SHORTEST_BEGINNING = 4
_ONE_SLIP = 0.8
_SHORTEST_SLIP = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a passage has of a question, as shares (0..1).

    `coverage` is the share of the question's weight that is in the passage at all, `sentence` the share in the one
    sentence that has most of it, `title` the share of the title's own words that the question names.
    """

    coverage: float
    sentence: float
    title: float


@dataclass(frozen=True, slots=True)
class _Contents:
    """A passage's folded stems with the sentences they stand in, the same by first letter, and its title's stems."""

    places: dict[str, tuple[int, ...]]
    by_letter: dict[str, tuple[str, ...]]
    sentences: int
    title: frozenset[str]


@lru_cache(maxsize=8192)
def _contents(title: str, text: str, lang: Language) -> _Contents:
    places: dict[str, list[int]] = {}
    parts = (title, *sentences(text))
    for number, part in enumerate(parts):
        for form in passage_stems(part, lang):
            places.setdefault(form, []).append(number)
    by_letter: dict[str, list[str]] = {}
    for form in sorted(places):
        by_letter.setdefault(form[:1], []).append(form)
    return _Contents(
        {form: tuple(numbers) for form, numbers in places.items()},
        {letter: tuple(forms) for letter, forms in by_letter.items()},
        len(parts),
        frozenset(passage_stems(" ".join(content_words(title)), lang)),
    )


def evidence(
    words: Sequence[tuple[str, ...]], weights: Sequence[float], title: str, text: str, lang: Language
) -> Evidence:
    """What a passage in `lang` has of a question.

    `words` are the question's words as their possible folded stems, `weights` their IDF. A word counts in part when the
    passage has one that begins the same or differs by one slip of the pen.
    """
    total = sum(weights)
    if total <= 0:
        return Evidence(0.0, 0.0, 0.0)
    contents = _contents(title, text, lang)
    covered = 0.0
    held = [0.0] * contents.sentences
    named: set[str] = set()
    for forms, weight in zip(words, weights, strict=True):
        likeness, found = _closest(forms, contents)
        covered += weight * likeness
        for number in contents.places.get(found, ()):
            held[number] += weight * likeness
        if found in contents.title:
            named.add(found)
    return Evidence(min(1.0, covered / total), min(1.0, max(held) / total), len(named) / max(1, len(contents.title)))


def _closest(forms: tuple[str, ...], contents: _Contents) -> tuple[float, str]:
    """How like a question's word the likeliest stem of a passage is, and that stem."""
    for form in forms:
        if form in contents.places:
            return 1.0, form
    likely = ((_alike(form, other), other) for form in forms for other in contents.by_letter.get(form[:1], ()))
    return max(likely, default=(0.0, ""))


@lru_cache(maxsize=1 << 16)
def _alike(one: str, other: str) -> float:
    short, long = sorted((one, other), key=len)
    shared = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    if shared >= _SHORTEST_BEGINNING and shared >= _SAME_BEGINNING * len(long):
        return shared / len(long)
    if len(short) >= _SHORTEST_SLIP and _one_slip(short, long, shared):
        return _ONE_SLIP
    return 0.0


def _one_slip(short: str, long: str, at: int) -> bool:
    """Whether one letter put in, left out, changed or swapped with the next, at place `at`, makes them the same."""
    if len(short) == len(long):
        changed = short[at + 1 :] == long[at + 1 :]
        swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
        return changed or swapped
    return len(long) - len(short) == 1 and short[at:] == long[at + 1 :]
