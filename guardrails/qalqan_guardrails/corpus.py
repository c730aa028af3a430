"""The corpus that the classifier learns from: one example a line, in families that share a situation.

A family holds texts to be caught and look-alikes that share their words and are harmless; it stands as a whole on one
side of every split, so that no paraphrase of what was learnt is among what is tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qalqan_guardrails.contract import Category, Direction, Message, Sample
from qalqan_guardrails.errors import GuardrailsError

CorpusLanguage = Literal["kk", "ru", "en", "mixed"]
ORDINARY = "ordinary"


class CorpusError(GuardrailsError):
    """A corpus that cannot be read; names the file, the line and what is wrong."""


class Turn(BaseModel):
    """One message of an example that has several."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    role: Literal["user", "assistant", "system"]
    content: str = Field(min_length=1)


class Example(BaseModel):
    """One line: the text judged, or messages of which the last is judged. `label` is whether it must be caught.

    `category` is what it must be caught for, what it only looks like, or "ordinary", which is never to be caught.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(min_length=1)
    family: str = Field(min_length=1)
    category: Category | Literal["ordinary"]
    label: bool
    lang: CorpusLanguage
    direction: Direction
    text: str | None = Field(default=None, min_length=1)
    messages: tuple[Turn, ...] = ()

    @model_validator(mode="after")
    def _one_form(self) -> Example:
        if (self.text is None) == (not self.messages):
            raise ValueError("has to have either text or messages")
        if self.label and self.category == ORDINARY:
            raise ValueError("an ordinary text is never to be caught")
        return self

    def sample(self) -> Sample:
        """What a rail is given for it."""
        if self.text is not None:
            return Sample(self.text, self.direction)
        *before, last = self.messages
        return Sample(last.content, self.direction, [Message(turn.role, turn.content) for turn in before])


def read_corpus(folder: Path) -> list[Example]:
    """Every example of `folder`/*.jsonl, by file name and line. Raises CorpusError."""
    examples: list[Example] = []
    seen: set[str] = set()
    for where, line in _lines(folder):
        try:
            example = Example.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            key = ".".join(map(str, first["loc"])) or "the line"
            raise CorpusError(f"{where}: {key}: {first['msg']}.") from error
        if example.id in seen:
            raise CorpusError(f"{where}: the id {example.id!r} stands twice.")
        seen.add(example.id)
        examples.append(example)
    if not examples:
        raise CorpusError(f"{folder}: holds no example (*.jsonl).")
    return examples


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                yield f"{path.name}:{number}", line
