"""The embedded library: Qdrant Edge in a folder, read by any number of processes and threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from qdrant_edge import (
    CountRequest,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    FieldCondition,
    Filter,
    MatchAny,
    MatchValue,
    Modifier,
    PayloadSchemaType,
    Point,
    Query,
    QueryBatchRequest,
    QueryRequest,
    RangeFloat,
    ScrollRequest,
    SparseVector,
    UpdateOperation,
)

from qalqan_knowledge.contract import Passage
from qalqan_knowledge.encoder import Question, encode_document, encode_presence
from qalqan_knowledge.errors import StoreUnavailable
from qalqan_knowledge.generations import Damaged, Generations
from qalqan_knowledge.search import (
    INTEGER_FIELDS,
    KEYWORD_FIELDS,
    PRESENCE,
    PUBLIC_COLLECTIONS,
    TERMS,
    PassageLibrary,
    Replies,
    Shelved,
    Where,
    passage_of,
    payload,
    point_id,
    searchable,
)

_BATCH = 256


@dataclass(frozen=True, slots=True)
class _View:
    """One generation opened: the shard, what marks its generation, its size."""

    shard: EdgeShard
    stamp: tuple[int, int]
    size: int


def _config() -> EdgeConfig:
    idf = EdgeSparseVectorParams(modifier=Modifier.Idf)
    # No log of writes: a generation is put in force only after a flush. One search thread: a library of thousands of
    # passages is searched faster than a pool is woken, and many gateway workers share the machine.
    return EdgeConfig(sparse_vectors={TERMS: idf, PRESENCE: idf}, wal_enabled=False, max_search_threads=1)


def _create(folder: Path) -> EdgeShard:
    shard = EdgeShard.create(str(folder), _config())
    for field in KEYWORD_FIELDS:
        shard.update(UpdateOperation.create_field_index(field, PayloadSchemaType.Keyword))
    for field in INTEGER_FIELDS:
        shard.update(UpdateOperation.create_field_index(field, PayloadSchemaType.Integer))
    return shard


def _point(passage: Passage, digest: str) -> Point:
    text = searchable(passage.title, passage.text)
    terms, presence = encode_document(text, passage.lang), encode_presence(text, passage.lang)
    return Point(
        point_id(passage.id),
        {
            TERMS: SparseVector(terms.indices, terms.values),
            PRESENCE: SparseVector(presence.indices, presence.values),
        },
        payload(passage, digest),
    )


def _of_documents(keys: Collection[str]) -> Filter:
    return Filter(must=[FieldCondition("document", match=MatchAny(sorted(keys)))])


def _filter(where: Where) -> Filter:
    must: list[Any] = [
        FieldCondition("collection", match=MatchAny(list(where.collections))),
        FieldCondition("from", range=RangeFloat(lte=where.day)),
        FieldCondition("to", range=RangeFloat(gte=where.day)),
    ]
    if where.lang is not None:
        must.append(FieldCondition("lang", match=MatchValue(where.lang)))
    return Filter(must=must)


class EdgeLibrary(PassageLibrary):
    """A library in `folder`, made when missing. Open it after forking. Raises StoreUnavailable when it is damaged.

    Any number of processes may open the same folder; a change by one of them (one at a time: others wait up to
    `patience_s` seconds, then StoreUnavailable) is seen by all at their next search.
    """

    def __init__(
        self,
        folder: Path,
        *,
        public: Sequence[str] = PUBLIC_COLLECTIONS,
        today: Callable[[], date] = date.today,
        patience_s: float = 10.0,
    ) -> None:
        super().__init__(public, today)
        self._folder = folder
        self._patience_s = patience_s
        self._opening = threading.Lock()
        self._view: _View | None = None
        with self._asking():
            self._generations = Generations(folder)
            if self._generations.stamp() is None:
                self._change([], (), {})
            self._current()

    @contextmanager
    def _asking(self) -> Generator[None]:
        """Whatever goes wrong in the store or on its disk is StoreUnavailable."""
        try:
            yield
        except StoreUnavailable:
            raise
        except Damaged as error:
            raise StoreUnavailable(
                f"The library in {self._folder} is damaged ({error}); restore it from a backup, or remove the folder "
                "and ingest again."
            ) from error
        except OSError as error:
            raise StoreUnavailable(
                f"The library in {self._folder} cannot be used ({error.strerror or error}); check the folder, its "
                "rights and the free space."
            ) from error
        except BaseException as error:
            # A panic inside Qdrant Edge reaches Python as a BaseException of its own.
            if isinstance(error, Exception) or type(error).__name__ == "PanicException":
                raise StoreUnavailable(
                    f"The library in {self._folder} does not answer ({error}); restore it from a backup, or remove "
                    "the folder and ingest again."
                ) from error
            raise

    def _current(self) -> _View:
        """The generation in force, opened anew when another process has changed the library."""
        stamp = self._generations.stamp()
        view = self._view
        if view is not None and view.stamp == stamp:
            return view
        with self._opening:
            stamp = self._generations.stamp()
            if stamp is None:
                raise Damaged("nothing is in force")
            if self._view is None or self._view.stamp != stamp:
                with self._generations.copied() as copy:
                    shard = EdgeShard.load(str(copy))
                self._view = _View(shard, stamp, shard.count(CountRequest()))
            return self._view

    def _change(self, passages: Sequence[Passage], removed: Collection[str], digests: Mapping[str, str]) -> None:
        with self._generations.writing(self._patience_s), self._generations.copied() as copy:
            shard = EdgeShard.load(str(copy)) if copy.exists() else _create(copy)
            if removed:
                shard.update(UpdateOperation.delete_points_by_filter(_of_documents(removed)))
            for at in range(0, len(passages), _BATCH):
                points = [_point(p, digests.get(p.document, "")) for p in passages[at : at + _BATCH]]
                shard.update(UpdateOperation.upsert_points(points))
            shard.flush()
            shard.close()
            self._generations.put_in_force(copy)

    def upsert(self, passages: Sequence[Passage], digests: Mapping[str, str] | None = None) -> None:
        """Put passages in, each document as a whole in place of what stood under its key; all or nothing."""
        if passages:
            with self._asking():
                self._change(passages, {passage.document for passage in passages}, digests or {})

    def remove(self, documents: Collection[str]) -> None:
        """Take whole documents out."""
        if documents:
            with self._asking():
                self._change([], documents, {})

    def _ask(self, question: Question, stems: Sequence[int], where: Where, k: int) -> Replies:
        def request(indices: list[int], values: list[float], using: str, limit: int, **more: Any) -> QueryRequest:
            return QueryRequest(limit, query=Query.Nearest(SparseVector(indices, values), using=using), **more)

        vector = question.vector
        requests = [request(vector.indices, vector.values, TERMS, k, filter=_filter(where), with_payload=True)]
        requests.extend(request([stem], [1.0], PRESENCE, 1) for stem in stems)
        with self._asking():
            found, *single = self._current().shard.query_batch(QueryBatchRequest(requests))
        hits = [(point.score, point.payload or {}) for point in found]
        return Replies(hits, [points[0].score if points else None for points in single])

    def documents(self) -> dict[str, Shelved]:
        """Every document held, by key."""
        held: dict[str, Shelved] = {}
        with self._asking():
            shard, offset = self._current().shard, None
            while True:
                request = ScrollRequest(offset, 4096, with_payload=["document", "collection", "digest"])
                records, offset = shard.scroll(request)
                for kept in (record.payload or {} for record in records):
                    held[kept["document"]] = Shelved(kept["collection"], kept["digest"])
                if offset is None:
                    return held

    def get(self, passage_id: str) -> Passage | None:
        """One passage by id, in force or not."""
        with self._asking():
            found = self._current().shard.retrieve([point_id(passage_id)], with_payload=True, with_vector=False)
        return passage_of(found[0].payload or {}) if found else None

    def count(self) -> int:
        """How many passages there are."""
        with self._asking():
            return self._current().size

    def _size(self) -> int:
        view = self._view
        return view.size if view else self.count()

    def ready(self) -> bool:
        """Whether the store answers now."""
        try:
            with self._asking():
                self._current().shard.count(CountRequest())
        except StoreUnavailable:
            return False
        return True

    def close(self) -> None:
        """Let go of the opened generation; the next use opens it again."""
        with self._opening:
            self._view = None
