"""What every number detector starts from: stretches of a text that may be one number, however it is spaced."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

SHORTEST, LONGEST = 10, 19
"""Digits of the numbers that detectors look for: from a phone without its country code to the longest card."""

_DIGITS = re.compile("[0-9]+")
_MOST_GROUPS = 7
_GAP = re.compile(r"[ \-\t\r\n.()_]{1,4}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something found in a normal form: [start, end) there, how sure (0..1), by which rule, masked as what."""

    start: int
    end: int
    score: float
    rule: str
    label: str


Group = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Run:
    """Groups that may belong together: where each stands, all their digits, and how many came before each group."""

    groups: Sequence[Group]
    digits: str
    before: Sequence[int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring whole groups of a run, taken as one number."""

    start: int
    end: int
    digits: str
    sizes: tuple[int, ...]


def stretches(text: str) -> list[Stretch]:
    """What in a text may be one number of 10 to 19 digits: groups with at most four spaces, dashes, dots, brackets or
    line ends between, up to seven of them, or digits written one by one."""
    return [stretch for run in _runs(text) for stretch in _stretches(run)]


def _runs(text: str) -> Iterator[Run]:
    groups: list[Group] = []
    for match in _DIGITS.finditer(text):
        group = match.span()
        if groups and not (group[0] - groups[-1][1] <= 4 and _GAP.fullmatch(text, groups[-1][1], group[0])):
            yield from _run(text, groups)
            groups = []
        groups.append(group)
    yield from _run(text, groups)


def _run(text: str, groups: list[Group]) -> Iterator[Run]:
    if groups and groups[-1][1] - groups[0][0] >= SHORTEST:
        digits = "".join([text[start:end] for start, end in groups])
        yield Run(groups, digits, [0, *accumulate([end - start for start, end in groups])])


def _stretches(run: Run) -> Iterator[Stretch]:
    groups, before = run.groups, run.before
    for first in range(len(groups)):
        last = bisect_left(before, before[first] + SHORTEST, first)
        while last < len(before) and before[last] <= before[first] + LONGEST:
            if last - first > _MOST_GROUPS and not _one_by_one(run, first, last):
                break
            sizes = tuple([end - start for start, end in groups[first:last]])
            yield Stretch(groups[first][0], groups[last - 1][1], run.digits[before[first] : before[last]], sizes)
            last += 1


def _one_by_one(run: Run, first: int, last: int) -> bool:
    """Single digits from where they begin: a longer list of them is not tried at every place, which would take long."""
    begins = first == 0 or run.before[first] - run.before[first - 1] > 1
    return begins and run.before[last] - run.before[first] == last - first


def stands_alone(text: str, stretch: Stretch) -> bool:
    """Whether no letter touches the stretch, as one does in an account number or a file name."""
    start, end = stretch.start, stretch.end
    return not (start and text[start - 1].isalpha()) and not (end < len(text) and text[end].isalpha())


def near(text: str, stretch: Stretch, words: tuple[str, ...], before: int, after: int) -> bool:
    """Whether one of the words stands within so many characters of the stretch."""
    around = text[max(0, stretch.start - before) : stretch.end + after]
    return any(word in around for word in words)
