"""The words of one request: what comes in (`Turn`), what happens to it (`Outcome`) and what goes out (`Event`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from qalqan_guardrails.contract import Audience, Language, Message
from qalqan_knowledge.contract import Passage

Outcome = Literal["answered", "blocked", "redacted", "crisis", "no_evidence", "failed", "abandoned"]
FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One question with all that the gateway knows of it. No name, address or session: nothing that counts a person.

    `collections` None means that no passages are wanted; empty means the public ones.
    `options` are sampling fields for the model, passed on as they came.
    """

    id: str
    messages: tuple[Message, ...]
    audience: Audience
    lang: Language
    tenant: str = "local"
    collections: tuple[str, ...] | None = ()
    stream: bool = False
    max_tokens: int | None = None
    options: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer as the model counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Begin:
    """The first event of a streamed answer, with a label that names no content yet."""

    label: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text that passed the rails."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The last event: how it ended, the label over the whole text, the passages that were cited.

    `citations` pairs the number that stands in the text as [n] with its passage.
    """

    outcome: Outcome
    finish_reason: FinishReason
    label: dict[str, Any]
    usage: Usage
    citations: tuple[tuple[int, Passage], ...] = ()


Event = Begin | Text | Done
