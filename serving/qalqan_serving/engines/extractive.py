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
"""Share of the question's weight that a passage must contain to be evidence; test_extractive.py shows what passes."""


_AS_GOOD = 0.1
"""How much less a passage of another article may rank and still be quoted beside the best."""


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
        if not covering:
            return []
        asked = _Asked(query(prompt.question), prompt.lang)
        best = sorted(covering, key=lambda pair: -asked.rank(pair[1]))
        first = _opening(best, asked)
        number, passage = first
        quotes = [(number, asked.extract(passage, self._sentences))]
        for number, passage in best:
            if _article(passage) != _article(first[1]) and asked.rank(passage) > asked.rank(best[0][1]) - _AS_GOOD:
                quotes.append((number, asked.extract(passage, 1)))
                break
        return quotes

    async def ready(self) -> bool:
        """Always: it has no parts that could fail."""
        return True

    async def close(self) -> None:
        """Nothing to let go."""


class _Asked:
    """A question as this engine compares it with passages and sentences."""

    def __init__(self, question: str, lang: Language) -> None:
        self._words = encode_question(question).words
        self._even = [1.0] * len(self._words)
        self._lang = lang
        lowered = f" {question.lower()}"
        self._number = any(f" {word}" in lowered for word in texts("quotation.yaml")["number_words"])

    def rank(self, passage: Passage) -> float:
        """How good a passage is to quote: what it covers, in the reader's language first."""
        best = max((self._nearness(s, passage.lang) for s in _sentences(passage)), default=0.0)
        return passage.coverage + best + (1.0 if passage.lang == self._lang else 0.0)

    def names(self, passage: Passage) -> bool:
        """Whether the question names the article's subject and nothing else, so that its opening answers."""
        title = passage.title.partition(" · ")[0]
        return not self._number and evidence(self._words, self._even, "", title, passage.lang).coverage > 0.99

    def extract(self, passage: Passage, count: int) -> str:
        """The sentence nearest to the question, and those that follow it, up to `count`."""
        sentences = _sentences(passage)
        if not sentences:
            return passage.text.strip()
        start = max(range(len(sentences)), key=lambda i: (self._nearness(sentences[i], passage.lang), -i))
        return " ".join(sentences[start : start + count])

    def _nearness(self, sentence: str, lang: Language) -> float:
        near = evidence(self._words, self._even, "", sentence, lang).coverage
        return near + (0.25 if self._number and any(c.isdigit() for c in sentence) else 0.0)


def _opening(best: list[tuple[int, Passage]], asked: _Asked) -> tuple[int, Passage]:
    """The passage to quote first: the best, or the first of its article when the question only names the subject."""
    top = best[0]
    if not asked.names(top[1]):
        return top
    same = [pair for pair in best if pair[1].document == top[1].document]
    return min(same, key=lambda pair: int(pair[1].id.rpartition("#")[2]))


def _article(passage: Passage) -> str:
    return passage.document.partition(".")[0]


def _sentences(passage: Passage) -> list[str]:
    return [s.strip() for s in _SENTENCE.findall(passage.text.replace("\n", " ")) if s.strip()]
