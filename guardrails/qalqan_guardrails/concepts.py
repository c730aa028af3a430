"""The concept rail: a rule is a few concepts close together, in a direction, without what excuses them.

"Which of these pupils is angry, going by what they wrote" is WHO + EMOTION + WRITING within some words, and no FICTION
near; in Kazakh, Russian and English the words differ and the rule is one. Words, rules and scores: rules/concepts/.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from operator import or_
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from qalqan_guardrails.contract import (
    CATEGORIES,
    DIRECTIONS,
    Category,
    Direction,
    Finding,
    Language,
    Message,
    Sample,
    Span,
)
from qalqan_guardrails.data import HERE, read_as
from qalqan_guardrails.errors import PolicyError
from qalqan_guardrails.lexicon import WORD, Hit, Lexicon
from qalqan_guardrails.normalise import Normalised, normalise

CONCEPT_FILES = HERE / "rules" / "concepts"
_MESSAGES = 3
_LOOKED_AT = 400


class RuleData(BaseModel):
    """One rule as written: `all` of the concepts ("a|b": either) within so many words, none of `unless` so near.

    What is listed in `before` may stand in the last messages before the text instead; one of `excused_before` there
    excuses it ("what does he feel", asked after a novel was named).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")
    category: Category | None = None
    directions: tuple[Direction, ...] = Field(min_length=1)
    all: tuple[str, ...] = Field(min_length=1)
    within: int = Field(default=10, ge=0, le=60)
    ordered: bool = False
    unless: dict[str, int] = Field(default_factory=dict)
    before: tuple[str, ...] = ()
    excused_before: tuple[str, ...] = ()
    score: float = Field(ge=0, le=1)


class ConceptFile(BaseModel):
    """One file: words by concept and language, words that no stem may take, and the rules over them."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
    category: Category | None = None
    concepts: dict[str, dict[Language, tuple[str, ...]]] = Field(default_factory=dict)
    but: tuple[str, ...] = ()
    rules: tuple[RuleData, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule compiled: each group is the bits of one concept or of several that do equally."""

    id: str
    category: Category
    groups: tuple[int, ...]
    wanted: int
    within: int
    ordered: bool
    unless: tuple[tuple[int, int], ...]
    before: frozenset[int]
    excused_before: int
    score: float

    def groups_for(self, present: int, earlier: int) -> tuple[int, ...]:
        """The groups to be found in a text with these concepts, after messages with those; none where it cannot fit."""
        if earlier & self.excused_before:
            return ()
        wanted: list[int] = []
        for group in self.groups:
            if present & group:
                wanted.append(group)
            elif not (group in self.before and earlier & group):
                return ()
        return tuple(wanted)

    def fits(self, hits: Sequence[Hit], groups: Sequence[int]) -> tuple[int, int] | None:
        """First and last word of the first place that fits and nothing excuses. One pass over the hits."""
        excuses = [(reach, [hit.at for hit in hits if hit.concepts & concept]) for concept, reach in self.unless]
        for first, last in self._places([hit for hit in hits if hit.concepts & self.wanted], groups):
            if not any(_any_between(places, first.at - reach, last.at + reach) for reach, places in excuses):
                return first.first, max(first.last, last.last)
        return None

    def _places(self, hits: Sequence[Hit], groups: Sequence[int]) -> Iterator[tuple[Hit, Hit]]:
        begun: list[Hit | None] = [None] * len(groups)
        ended: list[Hit | None] = [None] * len(groups)
        for hit in hits:
            for at in range(len(groups) - 1, -1, -1):
                if not hit.concepts & groups[at]:
                    continue
                if not self.ordered or at == 0:
                    begun[at] = ended[at] = hit
                elif (before := ended[at - 1]) is not None and before.last < hit.first:
                    begun[at], ended[at] = begun[at - 1], hit
            first = begun[-1] if self.ordered else _earliest(begun)
            if first is not None and (not self.ordered or ended[-1] is hit) and hit.at - first.at <= self.within:
                yield first, hit


def _earliest(seen: Sequence[Hit | None]) -> Hit | None:
    """The earliest of the groups' latest places, or None while one is missing."""
    complete = [hit for hit in seen if hit is not None]
    return min(complete) if len(complete) == len(seen) else None


def _any_between(places: Sequence[int], low: int, high: int) -> bool:
    at = bisect_left(places, low)
    return at < len(places) and places[at] <= high


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything under rules/concepts/, compiled."""

    lexicon: Lexicon
    by_direction: Mapping[Direction, tuple[Rule, ...]]


@dataclass(slots=True)
class Concepts:
    """Rail over the given categories; all its rules share one reading of the text."""

    name: str
    categories: tuple[Category, ...]
    rules: Rules = field(repr=False)

    @classmethod
    def of(cls, name: str, categories: Sequence[Category] = ()) -> Concepts:
        """The rail `name` over the shipped rules of these categories, or of every category that has some."""
        every = compiled()
        ruled = {rule.category for rules in every.by_direction.values() for rule in rules}
        wanted = tuple(categories) or tuple(category for category in CATEGORIES if category in ruled)
        chosen: dict[Direction, tuple[Rule, ...]] = {
            direction: tuple(rule for rule in rules if rule.category in wanted)
            for direction, rules in every.by_direction.items()
        }
        return cls(name, wanted, Rules(every.lexicon, chosen))

    def check(self, sample: Sample) -> Sequence[Finding]:
        """One finding for each rule that fits, at the first place where it does."""
        normal = normalise(sample.text)
        hits = self.rules.lexicon.read(normal.text)
        if not hits:
            return ()
        present = reduce(or_, [hit.concepts for hit in hits])
        earlier = self._earlier(sample.before)
        findings: list[Finding] = []
        for rule in self.rules.by_direction[sample.direction]:
            groups = rule.groups_for(present, earlier)
            words = rule.fits(hits, groups) if groups else None
            if words:
                findings.append(Finding(rule.category, rule.score, rule.id, (_span(normal, *words),)))
        return findings

    def _earlier(self, before: Sequence[Message]) -> int:
        """The concepts of the last messages, of their beginnings and ends: enough to know what is spoken of."""
        last = [message.content for message in before[-_MESSAGES:]]
        read = [part for text in last for part in {text[:_LOOKED_AT], text[-_LOOKED_AT:]}]
        return reduce(or_, [hit.concepts for text in read for hit in self.rules.lexicon.read(normalise(text).text)], 0)


def _span(normal: Normalised, first: int, last: int) -> Span:
    words = [match.span() for match in WORD.finditer(normal.text)]
    return normal.span(words[first][0], words[last][1])


@cache
def compiled(folder: Path = CONCEPT_FILES) -> Rules:
    """Reads and compiles the rule files. Raises PolicyError for a concept that is missing, doubled or badly written."""
    files = {path: read_as(path, ConceptFile) for path in sorted(folder.glob("*.yaml"))}
    words: dict[str, list[str]] = {}
    for path, content in files.items():
        for name, by_language in content.concepts.items():
            if name in words:
                raise PolicyError(f"{path}: concepts.{name}: is defined in another file as well.")
            words[name] = [expression for expressions in by_language.values() for expression in expressions]
            _check_written(path, f"concepts.{name}", words[name])
        _check_written(path, "but", content.but, most=1)
    lexicon = Lexicon.of(words, [expression for content in files.values() for expression in content.but])
    rules = [
        (data, _compile(path, content, data, lexicon)) for path, content in files.items() for data in content.rules
    ]
    return Rules(lexicon, {d: tuple(rule for data, rule in rules if d in data.directions) for d in DIRECTIONS})


def _check_written(path: Path, key: str, expressions: Sequence[str], most: int = 9) -> None:
    for expression in expressions:
        bare = expression.replace("*", "")
        words = WORD.findall(bare)
        if normalise(bare).text != bare or words != bare.split() or not 0 < len(words) <= most:
            raise PolicyError(f"{path}: {key}: {expression!r} is not one to {most} words in small letters.")


def _compile(path: Path, content: ConceptFile, data: RuleData, lexicon: Lexicon) -> Rule:
    category = data.category or content.category
    if category is None:
        raise PolicyError(f"{path}: rules.{data.id}: has no category, and neither has the file.")

    def bits(either: str) -> int:
        return reduce(or_, [lexicon.bits[name] for name in either.split("|")])

    try:
        groups = tuple(bits(either) for either in data.all)
        unless = tuple((bits(name), reach) for name, reach in data.unless.items())
        before = frozenset(bits(either) for either in data.before)
        excused_before = reduce(or_, [bits(name) for name in data.excused_before], 0)
    except KeyError as error:
        raise PolicyError(f"{path}: rules.{data.id}: names the concept {error.args[0]!r}, which no file has.") from None
    if not before < set(groups) and before:
        raise PolicyError(f"{path}: rules.{data.id}.before: is to list some of what stands in all, but not all of it.")
    wanted = reduce(or_, groups)
    return Rule(
        data.id, category, groups, wanted, data.within, data.ordered, unless, before, excused_before, data.score
    )
