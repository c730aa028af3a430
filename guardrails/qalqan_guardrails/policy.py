"""What a finding leads to: policies as data, one for each audience, and the verdict that follows from them.

crisis goes before block, block before redact, redact before allow. A category or direction that a policy leaves out, or
a name that it gets wrong, makes the file unusable: nothing is let through by a gap.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from qalqan_guardrails.contract import (
    AUDIENCES,
    CATEGORIES,
    DIRECTIONS,
    Action,
    Audience,
    Category,
    Direction,
    Finding,
    Hit,
    Language,
    Sample,
    Verdict,
)
from qalqan_guardrails.data import HERE, read_as
from qalqan_guardrails.errors import PolicyError
from qalqan_guardrails.language import detect
from qalqan_guardrails.rails import known_rules
from qalqan_guardrails.redaction import Cut, redacted
from qalqan_guardrails.texts import mask, message, message_ids

FOLDER = HERE / "policies"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stream(_Strict):
    """How a stream is held for checking: at most so many characters, re-read with so much before."""

    window_chars: int = Field(ge=40, le=4000)
    left_context_chars: int = Field(ge=0, le=4000)


class Setting(_Strict):
    """What to do with a finding of at least `threshold`; `message` where it differs from the category's."""

    action: Action
    threshold: float = Field(ge=0, le=1)
    message: str | None = None


class RuleSetting(Setting):
    """A setting for one rule, in these directions."""

    directions: tuple[Direction, ...] = DIRECTIONS


class CategoryData(_Strict):
    """A category: the article that it rests on, the reader's message, and a setting for each direction."""

    article: str = Field(min_length=1)
    message: str
    input: Setting
    output: Setting
    retrieved: Setting
    rules: dict[str, RuleSetting] = Field(default_factory=dict)


class PolicyData(_Strict):
    """policies/*.yaml as written."""

    version: str = Field(min_length=1)
    audience: Audience
    stream: Stream
    categories: dict[Category, CategoryData]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One compiled setting."""

    action: Action
    threshold: float
    article: str
    message: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in use. `digest` is the SHA-256 of its content in canonical JSON, whatever its spacing and comments."""

    audience: Audience
    version: str
    digest: str
    stream: Stream
    outcomes: Mapping[tuple[Category, Direction, str], Outcome]

    def judge(self, sample: Sample, findings: Sequence[Finding]) -> Verdict:
        """The verdict on a text, given what the rails found in it."""
        if not findings:
            return Verdict("allow", sample.text)
        hits = tuple(hit for finding in findings if (hit := self._hit(finding, sample.direction)) is not None)
        for decision in ("crisis", "block"):
            stopping = [hit for hit in hits if _stops(hit) == decision]
            if stopping:
                strongest = max(stopping, key=lambda hit: hit.finding.score)
                return Verdict(decision, "", hits, strongest.message)
        cutting = [hit for hit in hits if hit.action in ("redact", "rewrite")]
        return Verdict("redact", cut(sample.text, cutting), hits) if cutting else Verdict("allow", sample.text, hits)

    def outcome(self, category: Category, direction: Direction, rule: str = "") -> Outcome:
        """What the policy says of a category in a direction, or of one rule of it."""
        return self.outcomes.get((category, direction, rule)) or self.outcomes[category, direction, ""]

    def _hit(self, finding: Finding, direction: Direction) -> Hit | None:
        outcome = self.outcome(finding.category, direction, finding.rule)
        if outcome.action == "allow" or finding.score < outcome.threshold:
            return None
        return Hit(finding, outcome.action, outcome.article, outcome.message)


def _stops(hit: Hit) -> Action | None:
    """Whether the hit ends the matter. What is to be cut but says not where, is cut whole."""
    if hit.action in ("redact", "rewrite") and not hit.finding.spans:
        return "block"
    return hit.action


def cut(text: str, hits: Sequence[Hit], start: int = 0) -> str:
    """The text from `start` on without what these hits cut out; a span that began before counts from there."""
    lang = detect(text, "kk")
    return redacted(
        text[start:],
        [
            Cut((first - start, last - start), _instead(hit, lang))
            for hit in hits
            if hit.action in ("redact", "rewrite")
            for first, last in hit.finding.spans
            if last > start
        ],
    )


def _instead(hit: Hit, lang: Language) -> str:
    return mask(hit.finding.label, lang) if hit.action == "redact" else message(hit.message, lang)


def load_policy(source: Path | Audience) -> Policy:
    """The policy in a file, or the shipped one of an audience. Raises PolicyError, which names the file and the key."""
    path = FOLDER / f"{source}.yaml" if isinstance(source, str) and source in AUDIENCES else Path(source)
    data = read_as(path, PolicyData)
    _check_names(path, data)
    canonical = json.dumps(data.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return Policy(data.audience, data.version, digest, data.stream, _compiled(data))


def load_policies(folder: Path | None = None) -> dict[Audience, Policy]:
    """The policies of every audience, from `<audience>.yaml` in a folder (the shipped one by default)."""
    policies: dict[Audience, Policy] = {}
    for audience in AUDIENCES:
        path = (folder or FOLDER) / f"{audience}.yaml"
        policies[audience] = load_policy(path)
        if policies[audience].audience != audience:
            raise PolicyError(
                f"{path}: audience: is {policies[audience].audience!r}, but the file is that of {audience!r}."
            )
    return policies


def _check_names(path: Path, data: PolicyData) -> None:
    for category in CATEGORIES:
        if category not in data.categories:
            raise PolicyError(f"{path}: categories.{category}: is missing; every category needs a setting.")
    for category, entry in data.categories.items():
        at = f"{path}: categories.{category}"
        _check_known(f"{at}.rules", entry.rules, known_rules())
        _check_known(f"{at}.message", [entry.message], message_ids())
        settings: dict[str, Setting] = {"input": entry.input, "output": entry.output, "retrieved": entry.retrieved}
        for name, setting in (settings | entry.rules).items():
            if setting.message is not None:
                _check_known(f"{at}.{name}.message", [setting.message], message_ids())


def _check_known(where: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise PolicyError(f"{where}: {name!r} is not known; known are {', '.join(sorted(known))}.")


def _compiled(data: PolicyData) -> dict[tuple[Category, Direction, str], Outcome]:
    outcomes: dict[tuple[Category, Direction, str], Outcome] = {}
    for category, entry in data.categories.items():

        def outcome(setting: Setting, entry: CategoryData = entry) -> Outcome:
            return Outcome(setting.action, setting.threshold, entry.article, setting.message or entry.message)

        outcomes[category, "input", ""] = outcome(entry.input)
        outcomes[category, "output", ""] = outcome(entry.output)
        outcomes[category, "retrieved", ""] = outcome(entry.retrieved)
        for rule, setting in entry.rules.items():
            for direction in setting.directions:
                outcomes[category, direction, rule] = outcome(setting)
    return outcomes
