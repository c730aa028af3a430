"""Words to concepts: each word of a text is looked up once, by whole word or by its longest known stem.

Kazakh puts its endings one after another and Russian inflects, so a stem serves both; a star marks one ("оқушы*").
Phrases are stems in a row ("өзіме қол жұмса*"). `but` holds words that a stem must not take ("өлең*" is no death).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[.!?;\n]")
_STOPS = frozenset(".!?;\n")
_PAUSE = 3
"""How many words apart the end of a sentence sets its neighbours."""
_CACHED_WORDS = 100_000
_LONGEST_CACHED = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """What a word stands for: concepts as bits, and the rests of phrases that may begin with it, with their concepts.

    `rests` are those phrases compiled, one pattern for each concept.
    """

    concepts: int = 0
    phrases: frozenset[tuple[str, int]] = frozenset()
    rests: tuple[tuple[re.Pattern[str], int], ...] = ()

    def __or__(self, other: Entry) -> Entry:
        return Entry(self.concepts | other.concepts, self.phrases | other.phrases)

    def compiled(self) -> Entry:
        """The same with its phrases compiled, longest first."""
        by_concept: dict[int, list[str]] = {}
        for rest, concept in sorted(self.phrases, key=lambda phrase: (-len(phrase[0]), phrase)):
            by_concept.setdefault(concept, []).append(" ".join(_word_pattern(word) for word in rest.split()))
        rests = tuple((re.compile(f"(?:{'|'.join(ways)})(?= |$)"), concept) for concept, ways in by_concept.items())
        return Entry(self.concepts, self.phrases, rests)


def _word_pattern(word: str) -> str:
    return re.escape(word[:-1]) + "[^ ]*" if word.endswith("*") else re.escape(word)


NOTHING = Entry()
_STOP = Entry(-1)


class Hit(NamedTuple):
    """Concepts at one place: the words' position (sentence ends counted in), first and last word, concepts as bits."""

    at: int
    first: int
    last: int
    concepts: int


@dataclass(slots=True)
class Lexicon:
    """The words and stems of every concept, compiled. Safe to share between threads: only its cache ever changes."""

    bits: dict[str, int] = field(default_factory=dict[str, int])
    _whole: dict[str, Entry] = field(default_factory=dict[str, Entry])
    _stems: dict[str, Entry] = field(default_factory=dict[str, Entry])
    _blank: set[str] = field(default_factory=set[str])
    _longest: int = 0
    _most_words: int = 1
    _known: dict[str, Entry] = field(default_factory=dict[str, Entry])

    @classmethod
    def of(cls, concepts: Mapping[str, Iterable[str]], but: Iterable[str]) -> Lexicon:
        """Compiles concepts given as words, stems (with a star) and phrases of them, in normal form."""
        lexicon = cls(bits={name: 1 << at for at, name in enumerate(concepts)})
        for name, expressions in concepts.items():
            for expression in expressions:
                lexicon._add(expression.split(), lexicon.bits[name])
        for expression in but:
            lexicon._add([expression], 0)
            lexicon._blank.add(expression)
        lexicon._inherit()
        return lexicon

    def _add(self, words: list[str], bit: int) -> None:
        entry = Entry(bit) if len(words) == 1 else Entry(0, frozenset({(" ".join(words[1:]), bit)}))
        self._most_words = max(self._most_words, len(words))
        table, word = (self._stems, words[0][:-1]) if words[0].endswith("*") else (self._whole, words[0])
        table[word] = table.get(word, NOTHING) | entry

    def _inherit(self) -> None:
        """Gives each stem and word what shorter stems of it stand for, unless it is blank: then one look-up does."""
        for stem in sorted(self._stems, key=len):
            if stem + "*" not in self._blank:
                self._stems[stem] |= self._by_stem(stem[:-1])
        self._longest = max(map(len, self._stems), default=0)
        for word in self._whole:
            if word not in self._blank:
                self._whole[word] |= self._by_stem(word)
        for table in (self._stems, self._whole):
            table.update({word: entry.compiled() for word, entry in table.items()})

    def _by_stem(self, word: str) -> Entry:
        for length in range(min(len(word), self._longest or len(word)), 0, -1):
            entry = self._stems.get(word[:length])
            if entry is not None:
                return entry
        return NOTHING

    def _look_up(self, word: str) -> Entry:
        if word in _STOPS:
            entry = _STOP
        else:
            entry = self._whole.get(word) or (NOTHING if word.isdigit() else self._by_stem(word))
        if len(self._known) >= _CACHED_WORDS:
            self._known.clear()
        if len(word) <= _LONGEST_CACHED and (entry is not NOTHING or word.isalpha()):
            self._known[word] = entry
        return entry

    def read(self, text: str) -> list[Hit]:
        """The concepts of a normal form, in order; words that stand for nothing leave no trace."""
        known = self._known
        words = WORD.findall(text)
        hits: list[Hit] = []
        pauses = 0
        for index, word in enumerate(words):
            entry = known.get(word) or self._look_up(word)
            if entry is NOTHING:
                continue
            if entry is _STOP:
                pauses += _PAUSE
                continue
            if entry.concepts:
                hits.append(Hit(index + pauses, index, index, entry.concepts))
            if entry.rests:
                after = " ".join(words[index + 1 : index + self._most_words])
                for rest, concepts in entry.rests:
                    found = rest.match(after)
                    if found:
                        hits.append(Hit(index + pauses, index, index + 1 + found[0].count(" "), concepts))
        return hits
