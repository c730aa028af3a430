"""The rail contract: what a rail is given, what it answers, and what is decided from that.

A `Rail` finds; a `Policy` decides. A rail knows nothing of HTTP, audiences or actions, so the same rail serves the
gateway, a batch scan and an agency's own guardrails-ai `Guard` (see `validators.py`). Law: 230-VIII, Art. 17(3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

Audience = Literal["pupil", "adult", "agency"]
Direction = Literal["input", "output", "retrieved"]
Language = Literal["kk", "ru", "en"]
Action = Literal["allow", "flag", "redact", "rewrite", "block", "crisis"]
Decision = Literal["allow", "redact", "block", "crisis"]
Category = Literal[
    "manipulation",
    "vulnerability_exploitation",
    "social_scoring",
    "emotion_inference",
    "biometric_classification",
    "deepfake_impersonation",
    "self_harm_crisis",
    "minor_sexual",
    "minor_dangerous",
    "personal_data",
    "confidential_leak",
    "prompt_injection",
    "prohibited_content",
    "automated_grading",
]

AUDIENCES: tuple[Audience, ...] = get_args(Audience)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
LANGUAGES: tuple[Language, ...] = get_args(Language)
CATEGORIES: tuple[Category, ...] = get_args(Category)

Span = tuple[int, int]
"""Half-open interval [start, end) in code points of the text that was given, before any normalisation."""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a conversation as a rail sees it: who spoke and what."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What one check looks at: the text judged, where it stands, and the messages before it (oldest first)."""

    text: str
    direction: Direction
    before: Sequence[Message] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rail saw. `score` in 0..1; `spans` empty means the whole text; `rule` is stable and carries no text.

    `label` is the mask's kind for redaction, such as "iin" or "phone".
    """

    category: Category
    score: float
    rule: str
    spans: tuple[Span, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding that the policy acts on, with the article of the law that it rests on."""

    finding: Finding
    action: Action
    article: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy decided about one text.

    `text` is what may pass on: the text itself, or its redacted form; empty when nothing may pass.
    `message` is the id of the sentence or card that the reader gets in place of it ("" when the text passes).
    """

    decision: Decision
    text: str
    hits: tuple[Hit, ...] = ()
    message: str = ""

    @property
    def passes(self) -> bool:
        """Whether `text` may go on to the model or the reader."""
        return self.decision in ("allow", "redact")


class Rail(Protocol):
    """A check. It raises on a fault of its own; the runner turns that into a block (no answer is not a yes)."""

    name: str
    categories: tuple[Category, ...]

    def check(self, sample: Sample) -> Sequence[Finding]:
        """Findings in `sample.text`, in the light of `sample.before`."""
        ...


@dataclass(slots=True)
class ScriptedRail:
    """A rail that reports given findings wherever `trigger` stands; the fake that ships with the protocol."""

    name: str
    trigger: str
    category: Category
    rule: str = "scripted"
    label: str = ""
    error: Exception | None = None
    categories: tuple[Category, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.categories = (self.category,)

    def check(self, sample: Sample) -> Sequence[Finding]:
        """A finding at each place of the trigger, or the scripted error."""
        if self.error is not None:
            raise self.error
        spans: list[Span] = []
        at = sample.text.find(self.trigger)
        while at >= 0:
            spans.append((at, at + len(self.trigger)))
            at = sample.text.find(self.trigger, at + 1)
        return [Finding(self.category, 1.0, self.rule, tuple(spans), self.label)] if spans else []
