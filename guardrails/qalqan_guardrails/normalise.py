"""One normal form for every rail: folded case, no invisible characters, one script in a word; and the way back.

Ordinary text costs a scan and a `lower()`. Where a character is out of the ordinary, its cluster (a character with the
combining marks after it) goes through NFKC alone, so each character of the normal form knows where it came from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from qalqan_guardrails.contract import Span
from qalqan_guardrails.data import HERE, read_as


class _Letters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    small: dict[str, str]
    capital: dict[str, str]
    always: dict[str, str]
    marks: dict[str, str]


_LETTERS = read_as(HERE / "rules" / "letters.yaml", _Letters)
_PAIRS = _LETTERS.small | _LETTERS.capital
_TO_CYRILLIC = str.maketrans(_PAIRS)
_TO_LATIN = str.maketrans({cyrillic: latin for latin, cyrillic in _PAIRS.items()})
_ALWAYS = str.maketrans(_LETTERS.always | {form: mark for mark, forms in _LETTERS.marks.items() for form in forms})

# Characters whose normal form is their lower case, one for one: ours first, then scripts that others may send.
_PLAIN = (
    "\t\n\r -_a-~А-Яа-яЁёӘәҒғҚқҢңӨөҰұҮүҺһІі«»№·•₸§°×€₽"
    "\u00c0-\u00d6\u00d8-\u00de\u00e0-\u00f6\u00f8-\u00fe\u05d0-\u05ea\u0621-\u064a\u0905-\u0939\u0e01-\u0e30"
    "\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3\ud800-\udfff\U0001f300-\U0001faff"
)
_LONGEST_FOLD = 4
_MARKS = "\u0300-\u036f"
_ORDINARY = re.compile(f"[{_PLAIN}]*")
# A cluster is cut after 30 marks: ordering them takes the square of their number.
_PIECE = re.compile(f"[{_PLAIN}]+(?![{_MARKS}])|[^{_MARKS}][{_MARKS}]{{0,30}}|[{_MARKS}]{{1,30}}")
# Marks that did not compose with their letter are decoration; the rest are joiners, fillers and variation selectors.
_INVISIBLE = re.compile(
    f"[{_MARKS}\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_LATIN = re.compile("[a-z]")
_CYRILLIC = re.compile("[\u0430-\u052f]")
_WORD = re.compile(r"[^\W\d_]+")


def _letters_without(alike: dict[str, str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What finds a Latin letter, and a Cyrillic one, that has no twin among `alike`."""
    latin = set(map(chr, range(ord("a"), ord("z") + 1))) - set(alike)
    cyrillic = set(map(chr, range(0x430, 0x530))) - set(alike.values())
    return re.compile(f"[{''.join(sorted(latin))}]"), re.compile(f"[{''.join(sorted(cyrillic))}]")


_TELLING = (_letters_without(_LETTERS.small), _letters_without(_PAIRS))


@dataclass(frozen=True, slots=True)
class Normalised:
    """A normal form. `starts[i]` and `ends[i]` bound character i in the original; None where both are one for one."""

    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def span(self, start: int, end: int) -> Span:
        """The original's span of `text[start:end]`; an empty span maps to an empty one."""
        if self.starts is None or self.ends is None:
            return start, end
        if start >= end:
            at = self.starts[start] if start < len(self.starts) else (self.ends[-1] if self.ends else 0)
            return at, at
        return self.starts[start], self.ends[end - 1]


@lru_cache(maxsize=8)
def normalise(text: str) -> Normalised:
    """The normal form of any string, lone surrogates too. The last few are kept: the rails of one check share them."""
    if _ORDINARY.fullmatch(text):
        return Normalised(_one_script(text.lower()))
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece in _PIECE.finditer(text):
        here, there = piece.span()
        if there - here > 1 and _ORDINARY.fullmatch(piece[0]):
            parts.append(piece[0].lower())
            starts.extend(range(here, there))
            ends.extend(range(here + 1, there + 1))
            continue
        folded = _fold(piece[0])
        if folded:
            parts.append(folded)
            starts.extend([here] * len(folded))
            ends.extend([there] * len(folded))
    return Normalised(_one_script("".join(parts)), starts, ends)


@lru_cache(maxsize=4096)
def _fold(cluster: str) -> str:
    """The normal form of one cluster; empty for what no reader sees."""
    folded = unicodedata.normalize("NFKC", cluster.translate(_ALWAYS)).casefold().translate(_ALWAYS)
    if len(folded) > _LONGEST_FOLD and len(cluster) == 1:
        return cluster  # one Arabic ligature becomes 18 letters: a small message could grow into a large one
    return "".join(_visible(character) for character in folded)


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind == "Zs":
        return " "
    if kind == "Cf" or _INVISIBLE.match(character) or (kind == "Cc" and character not in "\t\n\r"):
        return ""
    return character


def _one_script(text: str) -> str:
    """The text with look-alike letters brought to the script of their word; as long as it was."""
    if text.isascii() or not _LATIN.search(text) or not _CYRILLIC.search(text):
        return text
    return _WORD.sub(_word_in_one_script, text)


def _word_in_one_script(match: re.Match[str]) -> str:
    word = match[0]
    if word.isascii() or not _LATIN.search(word):
        return word
    # Letters that only one script has tell more than a count: in "paccкaз" the Latin ones are the intruders.
    for of_latin, of_cyrillic in _TELLING:
        latin, cyrillic = of_latin.search(word), of_cyrillic.search(word)
        if bool(latin) != bool(cyrillic):
            return word.translate(_TO_LATIN if latin else _TO_CYRILLIC)
    return word.translate(_TO_CYRILLIC if 2 * len(_CYRILLIC.findall(word)) >= len(word) else _TO_LATIN)
