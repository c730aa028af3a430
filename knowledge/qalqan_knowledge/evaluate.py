"""How well and how fast the library finds: a corpus and questions with known passages, in a folder of its own."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError

from qalqan_knowledge.contract import Language, Passage
from qalqan_knowledge.edge import EdgeLibrary
from qalqan_knowledge.errors import DocumentRefused
from qalqan_knowledge.words import language

Line = TypeVar("Line", bound=BaseModel)
_LANGUAGES: dict[str, Language] = {lang: lang for lang in get_args(Language)}


class _CorpusLine(BaseModel):
    id: str = Field(min_length=1)
    text: str
    title: str = ""
    lang: str = ""


class _Relevant(BaseModel):
    relevant: list[str] = Field(min_length=1)


class _QueryLine(BaseModel):
    id: str
    text: str
    meta: _Relevant


def _lines(path: Path, model: type[Line]) -> Iterator[Line]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _line(path, number, line, model)
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentRefused(f"{path}: it cannot be read as UTF-8 text ({error}); check the file.") from error


def _line(path: Path, number: int, line: str, model: type[Line]) -> Line:
    try:
        return model.model_validate(json.loads(line))
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "line"
        raise DocumentRefused(f"{path}, line {number}: {where}: {fault['msg']}; correct it.") from error
    except (ValueError, RecursionError) as error:
        raise DocumentRefused(f"{path}, line {number}: it is not JSON ({error}); correct it.") from error


def _passages(paths: Sequence[Path]) -> list[Passage]:
    found: dict[str, Passage] = {}
    for path in paths:
        for line in _lines(path, _CorpusLine):
            if line.id in found:
                raise DocumentRefused(f"{path}: the id {line.id} stands twice in the corpus; each needs its own.")
            lang = _LANGUAGES.get(line.lang) or language(line.text)
            found[line.id] = Passage(
                line.id, line.id, line.title, line.text, lang, "national", "", "", "", None, None, None
            )
    if not found:
        raise DocumentRefused("The corpus has no lines; name at least one file with passages.")
    return list(found.values())


def _gains(found: Sequence[str], relevant: Sequence[str], k: int) -> tuple[float, float, float]:
    """nDCG, recall and reciprocal rank of one ranking, relevance being yes or no."""
    wanted = set(relevant)
    places = [place for place, key in enumerate(found[:k], start=1) if key in wanted]
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(wanted)) + 1))
    gain = sum(1 / math.log2(place + 1) for place in places)
    return gain / ideal, len(places) / len(wanted), 1 / places[0] if places else 0.0


def _percentile(sorted_values: Sequence[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, math.ceil(share * len(sorted_values)) - 1)]


def evaluate(corpus_paths: Sequence[Path], queries_path: Path, k: int = 10) -> dict[str, float]:
    """nDCG, recall and MRR at `k` and the p50 and p99 of one search (ms), over questions whose passages are known.

    Corpus lines are {"id", "text"} with `title` and `lang` (guessed from the letters otherwise) if they have them;
    query lines {"id", "text", "meta": {"relevant": [ids]}}. Raises DocumentRefused, naming the line.
    """
    if k < 1:
        raise DocumentRefused(f"k is {k}; it must be at least 1.")
    queries = list(_lines(queries_path, _QueryLine))
    if not queries:
        raise DocumentRefused(f"{queries_path}: it has no questions; add at least one line.")
    passages = _passages(corpus_paths)
    with tempfile.TemporaryDirectory(prefix="qalqan-evaluate-") as folder:
        library = EdgeLibrary(Path(folder))
        library.upsert(passages)
        library.search(queries[0].text, k=k)  # the first search also opens what was written
        gains: list[tuple[float, float, float]] = []
        took: list[float] = []
        for query in queries:
            start = time.perf_counter()
            found = library.search(query.text, k=k)
            took.append((time.perf_counter() - start) * 1000)
            gains.append(_gains([passage.id for passage in found], query.meta.relevant, k))
        library.close()
    took.sort()
    ndcg, recall, mrr = (sum(column) / len(gains) for column in zip(*gains, strict=True))
    return {
        f"ndcg@{k}": ndcg,
        f"recall@{k}": recall,
        f"mrr@{k}": mrr,
        "p50_ms": _percentile(took, 0.5),
        "p99_ms": _percentile(took, 0.99),
    }
