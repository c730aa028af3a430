"""Hold, check, release: the output rails on a stream.

Text is held until a sentence is complete, or until a window of characters is full; the unit is then judged together
with what stood before it, and released, masked or stopped. Where units end depends on the text alone, never on how it
was cut into chunks, so a stream releases the same whatever the network did to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from qalqan_guardrails.contract import Hit, Verdict
from qalqan_guardrails.policy import cut

_ENDS = frozenset(".!?…\n。！？")
_CLOSERS = frozenset("\"'»”’)]*_")
_TAIL = 64
"""Characters that stay held when a window is cut inside a sentence: longer than any identifier we mask."""

Check = Callable[[str], Verdict]


@dataclass(slots=True)
class Release:
    """The state of one stream. `feed` gives what may go out now; once `stopped` is set nothing more may.

    `check` judges a text (left context and unit together); `window` and `context` are characters. `whole` holds
    everything to the end and judges it in one piece, for an answer that is not streamed.
    """

    check: Check
    window: int
    context: int
    whole: bool = False
    stopped: Verdict | None = None
    hits: list[Hit] = field(default_factory=list[Hit])
    _left: str = ""
    _held: str = ""

    def feed(self, text: str) -> Iterator[str]:
        """What becomes free once this text has arrived, in order."""
        self._held += text
        while not self.whole and self.stopped is None and (cut := self._cut()):
            unit, self._held = self._held[:cut], self._held[cut:]
            yield from self._judge(unit)

    def finish(self) -> Iterator[str]:
        """The tail: whatever is still held when the stream has ended."""
        unit, self._held = self._held, ""
        if unit and self.stopped is None:
            yield from self._judge(unit)

    def _cut(self) -> int:
        """Where the first complete unit of the held text ends; 0 while there is none."""
        held = self._held
        for i, char in enumerate(held[: self.window]):
            if char in _ENDS and (end := _sentence_end(held, i)):
                return min(end, self.window)
        if len(held) < self.window:
            return 0
        space = held.rfind(" ", 0, self.window - _TAIL)
        return space + 1 if space > 0 else self.window - _TAIL

    def _judge(self, unit: str) -> Iterator[str]:
        start = len(self._left)
        whole = self._left + unit
        verdict = self.check(whole)
        # A span that lies wholly in the left context was dealt with when that text was judged.
        fresh = [h for h in verdict.hits if not h.finding.spans or any(end > start for _, end in h.finding.spans)]
        self.hits.extend(h for h in fresh if h not in self.hits)
        if not verdict.passes:
            self.stopped = verdict
            self._held = ""
            return
        self._left = whole[-self.context :] if self.context else ""
        yield cut(whole, fresh, start) if verdict.decision == "redact" else unit


def _sentence_end(text: str, at: int) -> int:
    """The end of the sentence whose last mark may stand at `at`, its white space included; 0 if it can't be told yet.

    One character after the space must be known: a number that goes on there (a card, a phone) is not to be cut.
    """
    end = at + 1
    while end < len(text) and (text[end] in _ENDS or text[end] in _CLOSERS):
        end += 1
    if text[at] != "\n" and not (end < len(text) and text[end].isspace()):
        return 0
    while end < len(text) and text[end].isspace():
        end += 1
    if end == len(text):
        return 0
    before = text[:at].rstrip()
    goes_on = bool(before) and (before[-1].isdigit() or before[-1] == "+") and (text[end].isdigit() or text[end] == "(")
    return 0 if goes_on else end
