"""From a turn to a prompt that fits: instructions, passages, history and question under the model's token budget."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from qalqan_guardrails.contract import Language, Message
from qalqan_knowledge.contract import Passage
from qalqan_serving.engines.model import Model, Prompt
from qalqan_serving.errors import BadRequest
from qalqan_serving.turn import Turn

DEFAULT_ANSWER_TOKENS = 512


@cache
def texts(name: str) -> dict[str, Any]:
    """A data file of this package, read once."""
    return yaml.safe_load(files("qalqan_serving").joinpath(name).read_text(encoding="utf-8"))


def withheld(lang: Language) -> str:
    """What stands in the prompt in place of an earlier message that may not reach the model."""
    return texts("prompts.yaml")["withheld"][lang]


def compose(turn: Turn, messages: tuple[Message, ...], passages: tuple[Passage, ...], model: Model) -> Prompt:
    """The prompt with as many of the passages (best first) as the budget allows.

    Raises BadRequest (context_length_exceeded) when the conversation alone does not fit.
    """
    wanted = turn.max_tokens or min(DEFAULT_ANSWER_TOKENS, model.context_tokens // 4)
    room = model.context_tokens - wanted
    prompt = Prompt(
        messages=(),
        question=messages[-1].content,
        passages=passages,
        lang=turn.lang,
        max_tokens=wanted,
        stream=turn.stream,
        options=turn.options,
    )
    while True:
        laid = _lay_out(turn, messages, prompt.passages)
        if _fits(laid, model, room):
            return replace(prompt, messages=laid)
        if not prompt.passages:
            raise BadRequest(
                f"This conversation needs {model.count(laid)} tokens and the answer {wanted}, but the model reads "
                f"{model.context_tokens}: shorten the messages, start a new conversation, or lower max_tokens.",
                code="context_length_exceeded",
                param="messages",
            )
        prompt = replace(prompt, passages=prompt.passages[:-1])


def _fits(messages: tuple[Message, ...], model: Model, room: int) -> bool:
    # No tokenizer makes more tokens than bytes, so the exact count (a template and a tokenizer run) is needed only
    # near the limit; 32 a message covers the template's own marks.
    if sum(len(m.content.encode()) + 32 for m in messages) + 64 <= room:
        return True
    return model.count(messages) <= room


def _lay_out(turn: Turn, messages: tuple[Message, ...], passages: tuple[Passage, ...]) -> tuple[Message, ...]:
    """One system message (many chat templates take only one), then the conversation."""
    said = texts("prompts.yaml")
    system = [said["base"][turn.lang], said["audience"][turn.audience][turn.lang]]
    system += [m.content for m in messages if m.role == "system"]
    if passages:
        system.append(said["passages"][turn.lang])
        system += [f"[{n}] {p.title}\n{p.text}" for n, p in enumerate(passages, 1)]
    return (Message("system", "\n\n".join(system)), *(m for m in messages if m.role != "system"))
