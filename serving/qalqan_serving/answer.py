"""One request, one way: `answer(turn)` is the whole path from a question to a labelled, recorded answer.

    1 input rails -> 2 retrieval -> 3 rails on what was retrieved -> 4 prompt -> 5 model -> 6 output rails -> 7 label
    finally: one audit event, whatever the outcome

A refusal is an outcome, not an exception; QalqanError means that the service failed, and is recorded as `failed`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from qalqan_guardrails.contract import Hit, Message, Sample, Verdict
from qalqan_guardrails.runner import Runner
from qalqan_guardrails.texts import message
from qalqan_knowledge.contract import Library, Passage
from qalqan_knowledge.errors import StoreUnavailable as LibraryDown
from qalqan_serving.audit import AuditEvent, AuditLog, RuleHit
from qalqan_serving.engines.model import Model
from qalqan_serving.errors import AuditUnavailable, ModelUnavailable, QalqanError, StoreUnavailable
from qalqan_serving.label import Labeller
from qalqan_serving.metrics import Metrics
from qalqan_serving.prompt import compose, withheld
from qalqan_serving.query import query
from qalqan_serving.release import Release
from qalqan_serving.turn import Begin, Done, Event, FinishReason, Outcome, Text, Turn, Usage

_MARK = re.compile(r"\[(\d{1,2})\]")


@dataclass(frozen=True, slots=True)
class Parts:
    """What an answer is made with; one set for the whole gateway."""

    runner: Runner
    library: Library
    model: Model
    labeller: Labeller
    audit: AuditLog
    metrics: Metrics
    passages: int = 4


@dataclass(slots=True)
class Record:
    """What is known of the turn so far; becomes its audit event."""

    turn: Turn
    started: float = field(default_factory=time.perf_counter)
    outcome: Outcome = "abandoned"
    rules: dict[RuleHit, None] = field(default_factory=dict[RuleHit, None])
    passages: tuple[Passage, ...] = ()
    said: list[str] = field(default_factory=list[str])
    begun: bool = False
    usage: Usage = field(default_factory=Usage)
    error: str = ""

    def fired(self, hits: Iterable[Hit], direction: str) -> None:
        """Notes the rules that fired, each once."""
        for hit in hits:
            self.rules[RuleHit.of(hit, direction)] = None  # type: ignore[arg-type]

    def event(self, parts: Parts) -> AuditEvent:
        """The event to record now."""
        policy = parts.runner.policies[self.turn.audience]
        return AuditEvent(
            id=self.turn.id,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            outcome=self.outcome,
            tenant=self.turn.tenant,
            audience=self.turn.audience,
            lang=self.turn.lang,
            model=parts.model.name,
            policy_version=policy.version,
            policy_digest=policy.digest,
            rules=tuple(self.rules),
            passages=tuple(p.id for p in self.passages),
            error=self.error,
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            total_ms=round((time.perf_counter() - self.started) * 1000, 2),
        )


async def answer(turn: Turn, parts: Parts) -> AsyncGenerator[Event]:
    """The events of one answer: `Begin` when it streams, `Text` as it passes the rails, `Done`.

    Ends only after its audit event is committed. Raises QalqanError when no answer can be given; what was released
    until then has passed the rails.
    """
    if not parts.audit.ready():
        raise AuditUnavailable(
            "Answers can't be recorded now, so none are given: ask the operator to look at the disk."
        )
    record = Record(turn)
    try:
        # 1 input rails
        verdict, messages = _check_input(turn, parts, record)
        if not verdict.passes:
            for event in _refuse(verdict, record, parts):
                yield event
            return
        redacted = verdict.decision == "redact"

        # 2 retrieval, 3 rails on what was retrieved
        if turn.collections is not None:
            found = await _retrieve(messages[-1].content, turn, parts)
            record.passages = _check_passages(found, turn, parts, record)

        # 4 prompt, 5 model, 6 output rails
        prompt = compose(turn, messages, record.passages, parts.model)
        record.passages = prompt.passages
        release = _release(turn, parts)
        finish: FinishReason = "stop"
        evidence = True
        async with aclosing(parts.model.stream(prompt)) as deltas:
            async for delta in deltas:
                for event in _begin(record, parts):
                    yield event
                for piece in release.feed(delta.text):
                    record.said.append(piece)
                    yield Text(piece)
                if release.stopped:
                    break
                if delta.finish_reason is not None:
                    finish = "length" if delta.finish_reason == "length" else "stop"
                    record.usage = delta.usage or record.usage
                    evidence = delta.evidence
        for piece in release.finish():
            record.said.append(piece)
            yield Text(piece)
        record.fired(release.hits, "output")
        if release.stopped:
            for event in _refuse(release.stopped, record, parts):
                yield event
            return
        redacted = redacted or any(h.action == "redact" for h in release.hits)
        record.outcome = "no_evidence" if not evidence else "redacted" if redacted else "answered"

        # 7 label
        yield _done(record, finish, parts)
    except (GeneratorExit, asyncio.CancelledError):
        record.outcome = "abandoned"
        raise
    except QalqanError as error:
        record.outcome, record.error = "failed", error.code
        raise
    except Exception as error:
        record.outcome, record.error = "failed", type(error).__name__
        raise ModelUnavailable(
            "The answer failed on our side: try again.", status=500, code="internal_error"
        ) from error
    finally:
        parts.metrics.answered(record.outcome, turn, record.rules, time.perf_counter() - record.started, record.usage)
        # Shielded: a client that goes away must not take its record along.
        await asyncio.shield(parts.audit.append(record.event(parts)))


def _check_input(turn: Turn, parts: Parts, record: Record) -> tuple[Verdict, tuple[Message, ...]]:
    """The verdict on the question, and the messages as they may reach the model.

    Earlier messages are masked by the same rules; one that a rail would stop is withheld, except instructions of the
    caller (role system), whose author must learn of it.
    """
    *earlier, question = turn.messages
    safe: list[Message] = []
    for i, said in enumerate(earlier):
        direction = "output" if said.role == "assistant" else "retrieved" if said.role == "tool" else "input"
        verdict = parts.runner.check(Sample(said.content, direction, tuple(earlier[:i])), turn.audience)
        if said.role == "system" and not verdict.passes:
            record.fired(verdict.hits, "input")
            return verdict, ()
        safe.append(Message(said.role, verdict.text if verdict.passes else withheld(turn.lang)))
    direction = "retrieved" if question.role == "tool" else "input"
    with parts.metrics.stage("rails_in"):
        verdict = parts.runner.check(Sample(question.content, direction, tuple(earlier)), turn.audience)
    record.fired(verdict.hits, direction)
    return verdict, (*safe, Message(question.role, verdict.text))


async def _retrieve(question: str, turn: Turn, parts: Parts) -> list[Passage]:
    with parts.metrics.stage("retrieval"):
        try:
            return await asyncio.to_thread(
                parts.library.search,
                query(question),
                k=parts.passages,
                collections=turn.collections or (),
                lang=turn.lang,
            )
        except LibraryDown as error:
            raise StoreUnavailable(
                "The library does not answer now: try again, or ask with knowledge set to null."
            ) from error


def _check_passages(found: list[Passage], turn: Turn, parts: Parts, record: Record) -> tuple[Passage, ...]:
    """The passages that no rail stops: a document may carry instructions or personal data, whoever let it in."""
    kept: list[Passage] = []
    for passage in found:
        verdict = parts.runner.check(Sample(passage.text, "retrieved"), turn.audience)
        record.fired(verdict.hits, "retrieved")
        if verdict.passes and verdict.text == passage.text:
            kept.append(passage)
    return tuple(kept)


def _release(turn: Turn, parts: Parts) -> Release:
    limits = parts.runner.policies[turn.audience].stream
    before = turn.messages

    def check(text: str) -> Verdict:
        return parts.runner.check(Sample(text, "output", before), turn.audience)

    return Release(check, limits.window_chars, limits.left_context_chars, whole=not turn.stream)


def _begin(record: Record, parts: Parts) -> Iterable[Event]:
    """The first event of a stream, once there is something to say: until then an error is still a status."""
    if record.turn.stream and not record.begun:
        record.begun = True
        yield Begin(parts.labeller.label(record.turn.id, parts.model.name, None))


def _refuse(verdict: Verdict, record: Record, parts: Parts) -> Iterable[Event]:
    """The reader's sentence or card, in their language, in place of what was stopped."""
    record.outcome = "crisis" if verdict.decision == "crisis" else "blocked"
    said = message(verdict.message, record.turn.lang)
    text = f"\n\n{said}" if record.said else said
    yield from _begin(record, parts)
    record.said.append(text)
    yield Text(text)
    yield _done(record, "content_filter", parts)


def _done(record: Record, finish: FinishReason, parts: Parts) -> Done:
    whole = "".join(record.said)
    numbers = sorted({int(n) for n in _MARK.findall(whole)})
    cited = tuple((n, record.passages[n - 1]) for n in numbers if 0 < n <= len(record.passages))
    with parts.metrics.stage("label"):
        label = parts.labeller.label(record.turn.id, parts.model.name, whole)
    return Done(record.outcome, finish, label, record.usage, cited)
