"""Answers by quotation: the best sentences of the library with their citations. It invents nothing.

The embedded engine of a machine without weights or a GPU: a real answer for a school, and one that says what it is.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

from qalqan_guardrails.contract import Language, Message
from qalqan_guardrails.texts import message
from qalqan_knowledge.contract import Passage
from qalqan_knowledge.coverage import evidence
from qalqan_knowledge.encoder import encode_question
from qalqan_serving.engines.model import Delta, Prompt
from qalqan_serving.prompt import texts
from qalqan_serving.query import query
from qalqan_serving.turn import Usage

_SENTENCE = re.compile(r"[^.!?…]+[.!?…]+[»”\"')]*|[^.!?…]+$")
_CONTEXT_WORDS = 4096
MIN_COVERAGE = 0.5
"""Share of the question's weight that a passage must contain to count as evidence; measured in tests/serving."""


class ExtractiveModel:
    """Quotes up to `sentences` sentences from at most two passages."""

    name = "extractive"
    context_tokens = _CONTEXT_WORDS

    def __init__(self, sentences: int = 3) -> None:
        self._sentences = sentences

    def count(self, messages: tuple[Message, ...]) -> int:
        """Words: this engine has no tokenizer, and reads the question only."""
        return sum(len(m.content.split()) for m in messages if m.role != "system")

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta]:
        """The quotation, a line at a time; `evidence` false and the reader's sentence when nothing bears on it."""
        said = texts("quotation.yaml")
        quotes = self._quotes(prompt)
        if not quotes:
            yield Delta(message("no_evidence", prompt.lang))
            yield Delta("", "stop", Usage(), evidence=False)
            return
        lines = [
            said["opening"][prompt.lang],
            *(f"> {quote} [{n}]" for n, quote in quotes),
            said["closing"][prompt.lang],
        ]
        for i, line in enumerate(lines):
            yield Delta(line if i == 0 else f"\n\n{line}")
        yield Delta("", "stop", Usage())

    def _quotes(self, prompt: Prompt) -> list[tuple[int, str]]:
        covering = [(n, p) for n, p in enumerate(prompt.passages, 1) if p.coverage >= MIN_COVERAGE]
        best = sorted(covering, key=lambda pair: -_rank(pair[1], prompt.lang))[:2]
        quotes: list[tuple[int, str]] = []
        for place, (number, passage) in enumerate(best):
            wanted = self._sentences if place == 0 else 1
            if place == 0 or passage.document.partition(".")[0] != best[0][1].document.partition(".")[0]:
                quotes.append((number, _extract(query(prompt.question), passage, wanted)))
        return quotes

    async def ready(self) -> bool:
        """Always: it has no parts that could fail."""
        return True

    async def close(self) -> None:
        """Nothing to let go."""


def _rank(passage: Passage, lang: Language) -> float:
    return passage.coverage + (0.5 if passage.lang == lang else 0.0)


def _extract(question: str, passage: Passage, count: int) -> str:
    """The sentence nearest to the question, and those that follow it, up to `count`."""
    sentences = [s.strip() for s in _SENTENCE.findall(passage.text.replace("\n", " ")) if s.strip()]
    if not sentences:
        return passage.text.strip()
    words = encode_question(question).words
    even = [1.0] * len(words)

    def nearness(i: int) -> tuple[float, int]:
        return evidence(words, even, "", sentences[i], passage.lang).coverage, -i

    start = max(range(len(sentences)), key=nearness)
    return " ".join(sentences[start : start + count])
