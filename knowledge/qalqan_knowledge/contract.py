"""What the library hands out, and the protocol behind which Qdrant Edge and a Qdrant server stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

Language = Literal["kk", "ru", "en"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A citable piece of one document: some 40 to 200 words, cut at sentence ends.

    `coverage` (0..1) is the share of the question's weight (IDF) that the passage contains; `score` is the store's
    own, comparable only within one search. `id` is stable over re-ingestion of the same text.
    """

    id: str
    document: str
    title: str
    text: str
    lang: Language
    collection: str
    producer: str
    licence: str
    source: str
    valid_from: date | None = None
    valid_to: date | None = None
    checked_on: date | None = None
    score: float = 0.0
    coverage: float = 0.0


class Library(Protocol):
    """Search over the collections that the asker may see."""

    def search(
        self, text: str, *, k: int = 5, collections: Sequence[str] = (), lang: Language | None = None
    ) -> list[Passage]:
        """The best `k` passages in force today, best first. No collection named means the public ones.

        `lang` prefers passages in that language and falls back to the others when none covers the question.
        Raises StoreUnavailable when the store does not answer. Thread-safe.
        """
        ...

    def get(self, passage_id: str) -> Passage | None:
        """One passage by id, for a reader who opens a citation."""
        ...

    def ready(self) -> bool:
        """Whether the store answers now."""
        ...


@dataclass(slots=True)
class ScriptedLibrary:
    """A library with given passages, returned for every question; the fake that ships with the protocol."""

    passages: list[Passage] = field(default_factory=list[Passage])
    error: Exception | None = None

    def search(
        self, text: str, *, k: int = 5, collections: Sequence[str] = (), lang: Language | None = None
    ) -> list[Passage]:
        """The scripted passages, whatever is asked."""
        if self.error is not None:
            raise self.error
        return self.passages[:k]

    def get(self, passage_id: str) -> Passage | None:
        """The scripted passage with that id."""
        return next((p for p in self.passages if p.id == passage_id), None)

    def ready(self) -> bool:
        """Whether it was scripted to work."""
        return self.error is None
