"""`qalqan guard evaluate`: what is caught and what is stopped by mistake, with 95% intervals, on labelled texts.

A text is caught when the verdict stops or cuts it. Rows whose label says neither are counted apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qalqan_guardrails.contract import DIRECTIONS, Audience, Direction, Message, Rail, Sample
from qalqan_guardrails.errors import GuardrailsError
from qalqan_guardrails.runner import Runner

EXACT = frozenset(("personal_data", "confidentiality"))
TIERS = ("exact", "concepts", "all")
HARMFUL = frozenset(
    {
        *("positive", "harmful", "unsafe", "injection", "injected_context", "unsafe_for_minor"),
        *("dark_pattern_response", "jailbreak", "direct_risky", "indirect_risky", "has_pii"),
    }
)
HARMLESS = frozenset({"negative", "benign", "safe", "ordinary", "clean_context", "benign_sensitive", "no_pii"})
_Z = 1.959964
_DRAWS = 1000


class EvaluationError(GuardrailsError):
    """A file that cannot be evaluated; names the file, the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text. `harmful` is None where the label says neither."""

    sample: Sample
    harmful: bool | None
    category: str
    lang: str


@dataclass(slots=True)
class Counts:
    """Texts by what they are and what was said of them; `named` were caught under their own category."""

    caught: int = 0
    missed: int = 0
    alarms: int = 0
    passed: int = 0
    named: int = 0

    def add(self, row: Row, stopped: bool, names: frozenset[str]) -> None:
        """Counts one row."""
        if row.harmful:
            self.caught += stopped
            self.missed += not stopped
            self.named += stopped and row.category in names
        else:
            self.alarms += stopped
            self.passed += not stopped

    def as_dict(self) -> dict[str, Any]:
        """Recall, false alarms and F1, each with its interval; None where there is nothing to count."""
        harmful, harmless = self.caught + self.missed, self.alarms + self.passed
        return {
            "harmful": harmful,
            "harmless": harmless,
            "caught": self.caught,
            "alarms": self.alarms,
            "named": self.named,
            "recall": wilson(self.caught, harmful),
            "false_alarms": wilson(self.alarms, harmless),
            "f1": self._f1() if harmful and harmless else None,
        }

    def _f1(self) -> dict[str, float]:
        """F1 with a bootstrap interval; the seed is fixed, so that the same counts give the same interval."""
        cells = np.array([self.caught, self.missed, self.alarms, self.passed])
        draws = np.random.default_rng(0).multinomial(cells.sum(), cells / cells.sum(), _DRAWS)
        scores = 2 * draws[:, 0] / np.maximum(2 * draws[:, 0] + draws[:, 1] + draws[:, 2], 1)
        low, high = np.quantile(scores, (0.025, 0.975))
        value = 2 * self.caught / (2 * self.caught + self.missed + self.alarms)
        return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def wilson(hits: int, of: int) -> dict[str, float] | None:
    """A share with its Wilson interval at 95%."""
    if of == 0:
        return None
    share = hits / of
    centre = (share + _Z**2 / (2 * of)) / (1 + _Z**2 / of)
    reach = _Z / (1 + _Z**2 / of) * np.sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2))
    low, high = max(0.0, centre - reach), min(1.0, centre + reach)
    return {"value": round(share, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


@dataclass(slots=True)
class Report:
    """Counts by tier, by what the rows are grouped by ("total", "category", ...), and by group."""

    cells: dict[tuple[str, str, str], Counts] = field(default_factory=dict)
    unlabelled: int = 0

    def add(self, tier: str, row: Row, stopped: bool, names: frozenset[str]) -> None:
        """Counts one row in each of its groups."""
        groups = {"total": "all", "category": row.category, "lang": row.lang, "direction": row.sample.direction}
        for kind, group in groups.items():
            self.cells.setdefault((tier, kind, group), Counts()).add(row, stopped, names)

    def as_dict(self) -> dict[str, Any]:
        """For --json: tier, kind of group and group, down to the figures."""
        result: dict[str, Any] = {"unlabelled": self.unlabelled, "tiers": {}}
        for (tier, kind, group), counts in self._sorted():
            result["tiers"].setdefault(tier, {}).setdefault(kind, {})[group] = counts.as_dict()
        return result

    def table(self) -> str:
        """The same as a table in Markdown, a row for each tier and group."""
        lines = ["| tier | by | group | recall | false alarms | F1 |", "| --- | --- | --- | --- | --- | --- |"]
        for (tier, kind, group), counts in self._sorted():
            figures = counts.as_dict()
            shown = [_shown(figures[name], counted) for name, counted in _COLUMNS.items()]
            shown[0] += f" of {figures['harmful']}"
            shown[1] += f" of {figures['harmless']}"
            lines.append(f"| {tier} | {kind} | {group} | {' | '.join(shown)} |")
        if self.unlabelled:
            lines.append(f"\n{self.unlabelled} rows have a label that says neither harmful nor harmless.")
        return "\n".join(lines)

    def _sorted(self) -> list[tuple[tuple[str, str, str], Counts]]:
        kinds = ("total", "category", "lang", "direction")
        return sorted(
            self.cells.items(), key=lambda cell: (TIERS.index(cell[0][0]), kinds.index(cell[0][1]), cell[0][2])
        )


_COLUMNS = {"recall": 100.0, "false_alarms": 100.0, "f1": 1.0}


def _shown(figure: Mapping[str, float] | None, scale: float) -> str:
    if figure is None:
        return "-"
    unit, digits = ("%", 1) if scale == 100 else ("", 3)
    value, low, high = (f"{figure[name] * scale:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value}{unit} ({low}-{high})"


def evaluate(paths: Sequence[Path], runner: Runner, audience: Audience = "pupil") -> Report:
    """Judges every labelled row of the files, by each tier alone and by all. Raises EvaluationError."""
    report = Report()
    runners = _tiers(runner)
    for path in paths:
        for row in read_rows(path):
            if row.harmful is None:
                report.unlabelled += 1
                continue
            for tier, rails in runners.items():
                verdict = rails.check(row.sample, audience)
                names = frozenset[str](hit.finding.category for hit in verdict.hits)
                report.add(tier, row, verdict.decision != "allow", names)
    return report


def _tiers(runner: Runner) -> dict[str, Runner]:
    exact: list[Rail] = [rail for rail in runner.rails if rail.name in EXACT]
    concepts: list[Rail] = [rail for rail in runner.rails if rail.name not in EXACT]
    groups: tuple[Sequence[Rail], ...] = (exact, concepts, runner.rails)
    return {tier: Runner(rails, runner.policies) for tier, rails in zip(TIERS, groups, strict=True) if rails}


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of one file of JSON lines. Raises EvaluationError, which names the line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read ({type(error).__name__}).") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _row(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise EvaluationError(
                    f'{path}:{number}: is not a JSON object with "label" and "text" or "messages" ({error}).'
                ) from error


def _row(given: Mapping[str, Any]) -> Row:
    messages = [Message(str(one.get("role", "")), str(one["content"])) for one in given.get("messages") or ()]
    if not messages:
        messages = [Message("user", str(given["text"]))]
    *before, last = messages
    direction = given.get("direction") or _direction(given["label"], last)
    if direction not in DIRECTIONS:
        raise ValueError(f"the direction {direction!r} is not known")
    sample = Sample(last.content, direction, before)
    return Row(sample, _harmful(given["label"]), str(given.get("category", "")), str(given.get("lang", "")))


def _direction(label: object, last: Message) -> Direction:
    """Where a row does not say: a public set's context is a document, an assistant's last word an answer."""
    if label in ("injected_context", "clean_context"):
        return "retrieved"
    return "output" if last.role == "assistant" else "input"


def _harmful(label: object) -> bool | None:
    if isinstance(label, (bool, int)):
        return bool(label)
    return True if label in HARMFUL else False if label in HARMLESS else None
