"""What every number detector starts from: groups of digits, and the runs of groups that may be one number."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

SHORTEST = 10
"""Digits of the shortest number that any detector looks for: a phone without its country code."""

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


def runs(text: str) -> list[Run]:
    """Groups of digits with at most four spaces, dashes, dots, brackets or line ends between, ten digits or more."""
    found: list[Run] = []
    groups: list[Group] = []
    for match in _DIGITS.finditer(text):
        group = match.span()
        if groups and not (group[0] - groups[-1][1] <= 4 and _GAP.fullmatch(text, groups[-1][1], group[0])):
            _close(text, groups, found)
            groups = []
        groups.append(group)
    _close(text, groups, found)
    return found


def _close(text: str, groups: list[Group], found: list[Run]) -> None:
    if not groups or groups[-1][1] - groups[0][0] < SHORTEST:
        return
    digits = "".join([text[start:end] for start, end in groups])
    if len(digits) >= SHORTEST:
        found.append(Run(groups, digits, [0, *accumulate(end - start for start, end in groups)]))


def stretches(run: Run, least: int, most: int) -> Iterator[Stretch]:
    """What in a run may be a number of `least` to `most` digits: up to seven groups, or digits written one by one."""
    groups, before = run.groups, run.before
    for first in range(len(groups)):
        last = bisect_left(before, before[first] + least, first)
        while last < len(before) and before[last] <= before[first] + most:
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
