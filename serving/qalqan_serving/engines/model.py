"""The model protocol: a prompt in, deltas out; and the fake that ships with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Protocol

from qalqan_guardrails.contract import Language, Message
from qalqan_knowledge.contract import Passage
from qalqan_serving.turn import Usage


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is asked. `messages` are ready for a chat template; `question` and `passages` stand apart for
    an engine that only quotes. `max_tokens` is the room that the token budget leaves for the answer."""

    messages: tuple[Message, ...]
    question: str
    passages: tuple[Passage, ...]
    lang: Language
    max_tokens: int
    stream: bool
    options: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the model's text, unchecked. The last one carries `finish_reason` and the usage."""

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    evidence: bool = True
    """False from an engine that found nothing to answer from."""


class Model(Protocol):
    """A source of answers. `stream` raises ModelUnavailable; closing its iterator stops the generation."""

    @property
    def name(self) -> str:
        """The name that /v1/models and the label give."""
        ...

    def stream(self, prompt: Prompt) -> AsyncGenerator[Delta]:
        """The answer in pieces; in one piece when `prompt.stream` is false."""
        ...

    def count(self, messages: tuple[Message, ...]) -> int:
        """Tokens of these messages in the model's own chat template, the opening of its answer included."""
        ...

    @property
    def context_tokens(self) -> int:
        """The most tokens that prompt and answer may have together."""
        ...

    async def ready(self) -> bool:
        """Whether it would answer now."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...


@dataclass(slots=True)
class ScriptedModel:
    """A model that says given pieces; `error` is raised after them. The fake that ships with the protocol."""

    pieces: list[str]
    error: Exception | None = None
    delay_s: float = 0.0
    name: str = "scripted"
    context_tokens: int = 4096
    prompts: list[Prompt] = field(default_factory=list[Prompt])
    closed_early: bool = False

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta]:
        """The scripted pieces, then the error or a stop."""
        self.prompts.append(prompt)
        finished = False
        try:
            for piece in self.pieces:
                await asyncio.sleep(self.delay_s)
                yield Delta(piece)
            if self.error is not None:
                raise self.error
            finished = True
            yield Delta("", "stop", Usage(self.count(prompt.messages), len(self.pieces)))
        finally:
            self.closed_early = not finished

    def count(self, messages: tuple[Message, ...]) -> int:
        """One token a word."""
        return sum(len(m.content.split()) + 1 for m in messages)

    async def ready(self) -> bool:
        """Always, unless an error is scripted."""
        return self.error is None

    async def close(self) -> None:
        """Nothing to let go."""
