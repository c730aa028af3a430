"""The search that every store shares: a question asked in one go, its passages, and how much of it each covers."""

from __future__ import annotations

import math
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from qalqan_knowledge.contract import Language, Library, Passage
from qalqan_knowledge.coverage import evidence
from qalqan_knowledge.encoder import Question, encode_question, stem_number

PUBLIC_COLLECTIONS: tuple[str, ...] = ("national",)
TERMS, PRESENCE = "terms", "presence"
"""The two sparse vectors of a point: what is searched, and which stems it has (see encoder.py)."""
KEYWORD_FIELDS = ("id", "document", "collection", "lang")
INTEGER_FIELDS = ("from", "to")
# Below this share of the question, passages in the preferred language give way to better ones in another.
_ENOUGH_COVERAGE = 0.5
_MOST_PASSAGES = 100
# This many more passages than asked for are compared by how much of the question one of their sentences has, and by
# how much of their title the question names.
_COMPARED = 10
_SENTENCE_WEIGHT, _TITLE_WEIGHT = 0.2, 0.2
_POINTS = uuid.UUID("6f1c2f0e-4d0b-5a55-9a53-6b2f5f7c1a10")

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Where:
    """Which passages may answer: their collections, a day (ordinal) on which they are in force, their language."""

    collections: tuple[str, ...]
    day: int
    lang: Language | None


@dataclass(frozen=True, slots=True)
class Replies:
    """What a store found: payloads with scores, best first, and for each stem number its IDF (None: in no passage)."""

    hits: Sequence[tuple[float, Payload]]
    idf: list[float | None]


@dataclass(frozen=True, slots=True)
class Shelved:
    """A document that a library holds: its collection and the digest under which it was taken in."""

    collection: str
    digest: str


def point_id(passage_id: str) -> str:
    """The store's id (UUID) of a passage."""
    return str(uuid.uuid5(_POINTS, passage_id))


def payload(passage: Passage, digest: str) -> dict[str, Any]:
    """What a store keeps beside a passage's vectors; dates as ordinals, open ends as the first and last day."""
    return {
        "id": passage.id,
        "document": passage.document,
        "title": passage.title,
        "text": passage.text,
        "lang": passage.lang,
        "collection": passage.collection,
        "producer": passage.producer,
        "licence": passage.licence,
        "source": passage.source,
        "from": (passage.valid_from or date.min).toordinal(),
        "to": (passage.valid_to or date.max).toordinal(),
        "checked": passage.checked_on.toordinal() if passage.checked_on else 0,
        "digest": digest,
    }


def searchable(title: str, text: str) -> str:
    """The words under which a passage is found; those of its title and heading count twice."""
    return f"{title}. {title}. {text}"


def _day(ordinal: int) -> date | None:
    return date.fromordinal(ordinal) if date.min.toordinal() < ordinal < date.max.toordinal() else None


def passage_of(kept: Payload, score: float = 0.0, covered: float = 0.0) -> Passage:
    """The passage that a payload holds."""
    return Passage(
        id=kept["id"],
        document=kept["document"],
        title=kept["title"],
        text=kept["text"],
        lang=kept["lang"],
        collection=kept["collection"],
        producer=kept["producer"],
        licence=kept["licence"],
        source=kept["source"],
        valid_from=_day(kept["from"]),
        valid_to=_day(kept["to"]),
        checked_on=_day(kept["checked"]),
        score=score,
        coverage=covered,
    )


class PassageLibrary(Library, ABC):
    """A library over a vector store; implements contract.Library. Subclasses say how the store is asked and changed."""

    def __init__(self, public: Sequence[str] = PUBLIC_COLLECTIONS, today: Callable[[], date] = date.today) -> None:
        self._public = tuple(public)
        self._today = today

    @abstractmethod
    def upsert(self, passages: Sequence[Passage], digests: Mapping[str, str] | None = None) -> None:
        """Put passages in, each document as a whole in place of what stood under its key; all or nothing.

        `digests` says by document what its file hashed to, for `documents`. Raises StoreUnavailable.
        """

    @abstractmethod
    def remove(self, documents: Collection[str]) -> None:
        """Take whole documents out. Raises StoreUnavailable."""

    @abstractmethod
    def documents(self) -> dict[str, Shelved]:
        """Every document held, by key. Raises StoreUnavailable."""

    @abstractmethod
    def count(self) -> int:
        """How many passages there are. Raises StoreUnavailable."""

    @abstractmethod
    def get(self, passage_id: str) -> Passage | None:
        """One passage by id, in force or not, for a reader who opens a citation."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether the store answers now."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the store."""

    @abstractmethod
    def _ask(self, question: Question, stems: Sequence[int], where: Where, k: int) -> Replies:
        """The best `k` points for a question and the IDF of each stem number, in one call to the store."""

    @abstractmethod
    def _size(self) -> int:
        """How many passages there are, roughly; may lag behind."""

    def search(
        self, text: str, *, k: int = 5, collections: Sequence[str] = (), lang: Language | None = None
    ) -> list[Passage]:
        """The best `k` (at most 100) passages in force today, best first; [] when the text has no words.

        No collection named means the public ones. `lang` prefers a language and falls back to all of them when its
        passages cover the question poorly and others do better. Raises StoreUnavailable. Thread-safe.
        """
        question = encode_question(text)
        if not question.vector.indices or k < 1:
            return []
        k = min(k, _MOST_PASSAGES)
        where = Where(tuple(collections) or self._public, self._today().toordinal(), lang)
        found = self._covered(question, where, k)
        if lang is None or _best(found) >= _ENOUGH_COVERAGE:
            return found
        others = self._covered(question, Where(where.collections, where.day, None), k)
        return others if _best(others) > _best(found) else found

    def _covered(self, question: Question, where: Where, k: int) -> list[Passage]:
        forms = [form for word in question.words for form in word]
        replies = self._ask(question, [stem_number(form) for form in forms], where, k + _COMPARED)
        size = self._size()
        idf = dict(zip(forms, replies.idf, strict=True))
        weights = [_weight([idf[form] for form in word], size) for word in question.words]
        found: list[Passage] = []
        for score, kept in replies.hits:
            seen = evidence(question.words, weights, kept["title"], kept["text"], kept["lang"])
            closeness = 1 + _SENTENCE_WEIGHT * seen.sentence + _TITLE_WEIGHT * seen.title
            found.append(passage_of(kept, score * closeness, seen.coverage))
        return sorted(found, key=lambda passage: -passage.score)[:k]


def _weight(idf: Iterable[float | None], size: int) -> float:
    """A word's weight: the IDF of its commonest form, or that of a word in no passage."""
    return min((value for value in idf if value is not None), default=math.log(2 * size + 2))


def _best(passages: Sequence[Passage]) -> float:
    return max((passage.coverage for passage in passages), default=0.0)
