"""The library as a LangChain retriever, for agencies' own chains. Importing this module imports LangChain."""

from __future__ import annotations

from datetime import date
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from qalqan_knowledge.contract import Language, Library, Passage


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _document(passage: Passage) -> Document:
    metadata: dict[str, Any] = {
        "id": passage.id,
        "document": passage.document,
        "title": passage.title,
        "lang": passage.lang,
        "collection": passage.collection,
        "producer": passage.producer,
        "licence": passage.licence,
        "source": passage.source,
        "valid_from": _iso(passage.valid_from),
        "valid_to": _iso(passage.valid_to),
        "checked_on": _iso(passage.checked_on),
        "score": passage.score,
        "coverage": passage.coverage,
    }
    return Document(page_content=passage.text, id=passage.id, metadata=metadata)


class LibraryRetriever(BaseRetriever):
    """Passages in force as LangChain Documents, whose metadata holds what a citation needs; dates are ISO or None.

    `least_coverage` leaves out passages that hold less of the question's weight. Raises StoreUnavailable.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    library: Any
    k: int = 5
    collections: tuple[str, ...] = ()
    lang: Language | None = None
    least_coverage: float = 0.0

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        library: Library = self.library
        found = library.search(query, k=self.k, collections=self.collections, lang=self.lang)
        return [_document(passage) for passage in found if passage.coverage >= self.least_coverage]
