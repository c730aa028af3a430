"""The library on a Qdrant server, for several machines or more passages than one folder should hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from qalqan_knowledge.contract import Passage
from qalqan_knowledge.encoder import Question, Sparse, encode_document, encode_presence
from qalqan_knowledge.errors import StoreUnavailable
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

_COLLECTION = "qalqan"
_BATCH = 256
_SIZE_HOLDS_S = 30.0


def _vector(sparse: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=sparse.indices, values=sparse.values)


def _point(passage: Passage, digest: str) -> models.PointStruct:
    text = searchable(passage.title, passage.text)
    vectors: dict[str, Any] = {
        TERMS: _vector(encode_document(text, passage.lang)),
        PRESENCE: _vector(encode_presence(text, passage.lang)),
    }
    return models.PointStruct(id=point_id(passage.id), vector=vectors, payload=payload(passage, digest))


def _any_of(field: str, values: Collection[str]) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchAny(any=sorted(values)))


def _filter(where: Where) -> models.Filter:
    must: list[models.Condition] = [
        _any_of("collection", where.collections),
        models.FieldCondition(key="from", range=models.Range(lte=where.day)),
        models.FieldCondition(key="to", range=models.Range(gte=where.day)),
    ]
    if where.lang is not None:
        must.append(_any_of("lang", [where.lang]))
    return models.Filter(must=must)


class ServerLibrary(PassageLibrary):
    """A library in one collection of the Qdrant server at `url`, made when missing.

    `client` takes the place of a connection to `url`. Raises StoreUnavailable when the server does not answer within
    `timeout_s` seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        public: Sequence[str] = PUBLIC_COLLECTIONS,
        today: Callable[[], date] = date.today,
        timeout_s: int = 5,
        client: QdrantClient | None = None,
    ) -> None:
        super().__init__(public, today)
        self._url = url
        self._counted: tuple[float, int] | None = None
        with self._asking():
            self._client = client or QdrantClient(
                url=url, api_key=api_key, timeout=timeout_s, check_compatibility=False
            )
            if not self._client.collection_exists(_COLLECTION):
                self._create()

    @contextmanager
    def _asking(self) -> Generator[None]:
        """Whatever goes wrong between here and the server is StoreUnavailable."""
        try:
            yield
        except (ApiException, QdrantException, OSError, ValueError) as error:
            raise StoreUnavailable(
                f"The Qdrant server at {self._url} does not answer as it should ({type(error).__name__}); check "
                "that it runs, and its address and key."
            ) from error

    def _create(self) -> None:
        idf = models.SparseVectorParams(modifier=models.Modifier.IDF)
        self._client.create_collection(
            _COLLECTION, vectors_config={}, sparse_vectors_config={TERMS: idf, PRESENCE: idf}
        )
        for field in KEYWORD_FIELDS:
            self._client.create_payload_index(_COLLECTION, field, models.PayloadSchemaType.KEYWORD)
        for field in INTEGER_FIELDS:
            self._client.create_payload_index(_COLLECTION, field, models.PayloadSchemaType.INTEGER)

    def upsert(self, passages: Sequence[Passage], digests: Mapping[str, str] | None = None) -> None:
        """Put passages in, each document as a whole in place of what stood under its key.

        New passages are written before leftovers of the old ones go, so that a broken connection loses nothing.
        """
        known = digests or {}
        with self._asking():
            for at in range(0, len(passages), _BATCH):
                points = [_point(p, known.get(p.document, "")) for p in passages[at : at + _BATCH]]
                self._client.upsert(_COLLECTION, points, wait=True)
            if passages:
                written: list[models.ExtendedPointId] = [point_id(passage.id) for passage in passages]
                leftovers = models.Filter(
                    must=[_any_of("document", {passage.document for passage in passages})],
                    must_not=[models.HasIdCondition(has_id=written)],
                )
                self._client.delete(_COLLECTION, models.FilterSelector(filter=leftovers), wait=True)
        self._counted = None

    def remove(self, documents: Collection[str]) -> None:
        """Take whole documents out."""
        if documents:
            with self._asking():
                gone = models.Filter(must=[_any_of("document", documents)])
                self._client.delete(_COLLECTION, models.FilterSelector(filter=gone), wait=True)
            self._counted = None

    def _ask(self, question: Question, stems: Sequence[int], where: Where, k: int) -> Replies:
        requests = [
            models.QueryRequest(
                query=_vector(question.vector), using=TERMS, filter=_filter(where), limit=k, with_payload=True
            )
        ]
        requests.extend(
            models.QueryRequest(query=models.SparseVector(indices=[stem], values=[1.0]), using=PRESENCE, limit=1)
            for stem in stems
        )
        with self._asking():
            found, *single = self._client.query_batch_points(_COLLECTION, requests)
        hits = [(point.score, point.payload or {}) for point in found.points]
        return Replies(hits, [reply.points[0].score if reply.points else None for reply in single])

    def documents(self) -> dict[str, Shelved]:
        """Every document held, by key."""
        held: dict[str, Shelved] = {}
        offset = None
        wanted = ["document", "collection", "digest"]
        with self._asking():
            while True:
                records, offset = self._client.scroll(_COLLECTION, limit=4096, offset=offset, with_payload=wanted)
                for kept in (record.payload or {} for record in records):
                    held[kept["document"]] = Shelved(kept["collection"], kept["digest"])
                if offset is None:
                    return held

    def get(self, passage_id: str) -> Passage | None:
        """One passage by id, in force or not."""
        with self._asking():
            found = self._client.retrieve(_COLLECTION, [point_id(passage_id)], with_payload=True)
        return passage_of(found[0].payload or {}) if found else None

    def count(self) -> int:
        """How many passages there are."""
        with self._asking():
            return self._client.count(_COLLECTION, exact=True).count

    def _size(self) -> int:
        counted = self._counted
        if counted is None or time.monotonic() - counted[0] > _SIZE_HOLDS_S:
            counted = (time.monotonic(), self.count())
            self._counted = counted
        return counted[1]

    def ready(self) -> bool:
        """Whether the server answers now."""
        try:
            self.count()
        except StoreUnavailable:
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
