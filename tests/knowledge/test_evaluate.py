import json
import math
from pathlib import Path

import pytest

from qalqan_knowledge.errors import DocumentRefused
from qalqan_knowledge.evaluate import evaluate

CORPUS = [
    {"id": "d1", "text": "Астана – Қазақстанның астанасы.", "lang": "kk"},
    {"id": "d2", "text": "Каспий – ең үлкен көл."},
    {"id": "d3", "text": "Столица Франции – Париж."},
    {"id": "d4", "text": "The Ishim flows through Astana."},
]


def lines(path: Path, rows: list[object]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n", encoding="utf-8")
    return path


def query(key: str, text: str, *relevant: str) -> dict[str, object]:
    return {"id": key, "text": text, "meta": {"relevant": list(relevant)}, "lang": "kk"}


def test_figures(tmp_path: Path) -> None:
    queries = [
        query("q1", "Қазақстанның астанасы", "d1"),
        query("q2", "в столице Франции", "d3"),
        query("q3", "үлкен көл", "d2", "absent"),
        query("q4", "борщ", "d1"),
    ]
    figures = evaluate([lines(tmp_path / "c.jsonl", CORPUS)], lines(tmp_path / "q.jsonl", queries))
    assert set(figures) == {"ndcg@10", "recall@10", "mrr@10", "p50_ms", "p99_ms"}
    half = 1 / (1 + 1 / math.log2(3))
    assert figures["ndcg@10"] == pytest.approx((1 + 1 + half + 0) / 4)
    assert figures["recall@10"] == pytest.approx((1 + 1 + 0.5 + 0) / 4)
    assert figures["mrr@10"] == pytest.approx(3 / 4)
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]


def test_several_corpora_and_another_k(tmp_path: Path) -> None:
    corpora = [lines(tmp_path / "c1.jsonl", CORPUS[:1]), lines(tmp_path / "c2.jsonl", CORPUS[1:])]
    figures = evaluate(corpora, lines(tmp_path / "q.jsonl", [query("q", "Париж", "d3")]), k=3)
    assert figures["ndcg@3"] == 1.0


@pytest.mark.parametrize(
    ("corpus", "queries", "says"),
    [
        ('{"id": "d1"}', '{"id":"q","text":"т","meta":{"relevant":["d1"]}}', r"c\.jsonl, line 1: text"),
        ('{"id": "d1", "text": "т"}\n{oops', "", r"c\.jsonl, line 2: it is not JSON"),
        ('{"id": "d1", "text": "т"}', '{"id":"q","text":"т"}', r"q\.jsonl, line 1: meta"),
        ('{"id": "d1", "text": "т"}', '{"id":"q","text":"т","meta":{"relevant":[]}}', "meta.relevant"),
        ('{"id": "d1", "text": "т"}\n{"id": "d1", "text": "т"}', None, "d1 stands twice"),
        ('{"id": "d1", "text": "т"}', "", "no questions"),
        ("", None, "no lines"),
        ("[1]", None, "line 1"),
        ("[" * 100_000, None, "line 1: it is not JSON"),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, corpus: str, queries: str | None, says: str) -> None:
    good = '{"id":"q","text":"т","meta":{"relevant":["d1"]}}'
    (tmp_path / "c.jsonl").write_text(corpus, encoding="utf-8")
    # Where the corpus is at fault, the questions must not be.
    wrong_corpus = queries == "" and "oops" in corpus
    (tmp_path / "q.jsonl").write_text(good if queries is None or wrong_corpus else queries, encoding="utf-8")
    with pytest.raises(DocumentRefused, match=says) as told:
        evaluate([tmp_path / "c.jsonl"], tmp_path / "q.jsonl")
    assert "\n" not in str(told.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    queries = lines(tmp_path / "q.jsonl", [query("q", "т", "d1")])
    (tmp_path / "c.jsonl").write_bytes(b"\xff\xfe")
    for corpus in (tmp_path / "c.jsonl", tmp_path / "absent.jsonl"):
        with pytest.raises(DocumentRefused, match=corpus.name):
            evaluate([corpus], queries)
    with pytest.raises(DocumentRefused, match="at least 1"):
        evaluate([], queries, k=0)
