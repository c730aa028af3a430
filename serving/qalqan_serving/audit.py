"""The audit event and the protocol of the log that keeps it.

One event for each outcome. It holds no text, name or address, and no key by which hits could be counted by person
(law 230-VIII, Art. 17(3)(3)): what a receipt shows is all there is.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Protocol

from qalqan_guardrails.contract import Audience, Direction, Hit, Language
from qalqan_serving.turn import Outcome


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that fired, with the article of the law that it rests on."""

    rule: str
    category: str
    article: str
    action: str
    direction: Direction

    @classmethod
    def of(cls, hit: Hit, direction: Direction) -> RuleHit:
        """What may be kept of a hit: no span, no text, no score."""
        return cls(hit.finding.rule, hit.finding.category, hit.article, hit.action, direction)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What is recorded of one request; `at` is ISO 8601 in UTC, times are milliseconds."""

    id: str
    at: str
    outcome: Outcome
    tenant: str
    audience: Audience
    lang: Language
    model: str
    policy_version: str
    policy_digest: str
    rules: tuple[RuleHit, ...] = ()
    passages: tuple[str, ...] = ()
    error: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_ms: float = 0.0

    def body(self) -> dict[str, Any]:
        """The event as plain data, as the log stores and hashes it."""
        # Not dataclasses.asdict: its deep copies cost more than everything else that is done with an event.
        plain: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        plain["rules"] = [{name: getattr(rule, name) for name in rule.__slots__} for rule in self.rules]
        return plain


class AuditLog(Protocol):
    """An append-only log. `append` returns once the event can no longer be lost, or raises AuditUnavailable."""

    def append(self, event: AuditEvent) -> Awaitable[None]:
        """Records the event; acknowledged means committed."""
        ...

    async def find(self, event_id: str) -> dict[str, Any] | None:
        """The recorded event with that receipt id."""
        ...

    def ready(self) -> bool:
        """Whether the last write succeeded; while it is false nothing is answered."""
        ...

    async def close(self) -> None:
        """Commits what waits and lets go of the file."""
        ...


@dataclass(slots=True)
class MemoryAudit:
    """A log in memory; the fake that ships with the protocol."""

    events: list[AuditEvent] = field(default_factory=list[AuditEvent])
    error: Exception | None = None

    async def append(self, event: AuditEvent) -> None:
        """Keeps the event, or raises the scripted error."""
        if self.error is not None:
            raise self.error
        self.events.append(event)

    async def find(self, event_id: str) -> dict[str, Any] | None:
        """The event with that id."""
        return next((e.body() for e in self.events if e.id == event_id), None)

    def ready(self) -> bool:
        """Whether it was scripted to work."""
        return self.error is None

    async def close(self) -> None:
        """Nothing to let go."""
