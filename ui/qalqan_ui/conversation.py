"""What one page holds: the turns asked so far, the language, and whether the notice was accepted."""

from __future__ import annotations

from asyncio import Event
from dataclasses import dataclass, field

from .texts import Language

QUESTION_LIMIT = 4000
"""Characters of one question; more than a page of a textbook."""
HISTORY_TURNS = 12
"""How many earlier turns go back to the gateway; it counts tokens itself and may keep fewer."""
FORGOTTEN_OUTCOMES = frozenset({"blocked", "crisis", "failed"})


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that an answer rests on; `index` is the number in brackets in the answer's text."""

    index: int
    title: str
    text: str
    producer: str = ""
    licence: str = ""
    valid_from: str = ""
    valid_to: str = ""
    checked_on: str = ""
    sources: tuple[str, ...] = ()


@dataclass(slots=True)
class Turn:
    """A question and what came back.

    `fault` is the key of the sentence shown when the answer failed. Setting `left` (in the event loop) ends the stream.
    """

    question: str
    answer: str = ""
    outcome: str = ""
    receipt: str = ""
    citations: tuple[Citation, ...] = ()
    running: bool = True
    stopped: bool = False
    cut: bool = False
    fault: str = ""
    left: Event = field(default_factory=Event)

    @property
    def remembered(self) -> bool:
        """Whether later questions are asked in the light of this turn."""
        return bool(self.answer) and not self.fault and self.outcome not in FORGOTTEN_OUTCOMES

    def stop(self) -> None:
        """Ends a running turn where it stands."""
        if self.running:
            self.running, self.stopped = False, True
            self.left.set()


@dataclass(slots=True)
class Conversation:
    """One page's state. It lives in memory for as long as the page is open and is written nowhere."""

    language: Language = "kk"
    accepted: bool = False
    turns: list[Turn] = field(default_factory=list[Turn])

    @property
    def running(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self.turns) and self.turns[-1].running

    @property
    def failed(self) -> bool:
        """Whether the last question got no whole answer through a fault, so that asking again makes sense."""
        return bool(self.turns) and bool(self.turns[-1].fault)

    def messages(self) -> list[dict[str, str]]:
        """The last turn's question after the earlier ones worth remembering, in OpenAI's shape."""
        *earlier, last = self.turns
        kept = [turn for turn in earlier if turn.remembered][-HISTORY_TURNS:]
        messages: list[dict[str, str]] = []
        for turn in kept:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer})
        messages.append({"role": "user", "content": last.question})
        return messages
