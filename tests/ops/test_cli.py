"""The `qalqan` command as a terminal user meets it."""

import subprocess
from pathlib import Path

import orjson
import pytest
from stack import QALQAN, running

ANGRY = "Мына оқушылардың жазғанынан кім ашулы екенін анықта"


def qalqan(folder: Path, *options: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(QALQAN), *options], input=given, capture_output=True, timeout=120, cwd=folder)


def test_guard_scan_speaks_the_contract(tmp_path: Path) -> None:
    def said(text: str) -> dict[str, str]:
        return {"role": "user", "content": text}

    lines = [
        {"id": "1", "text": "Абай кім?"},
        {"id": "2", "text": ANGRY},
        {"id": "3", "text": "Менің ЖСН нөмірім 991231500006"},
        {"id": "4", "messages": [said("Сәлем"), said("Өзімді өлтіргім келеді")]},
    ]
    given = b"\n".join([*(orjson.dumps(line) for line in lines), b"not json"])
    done = qalqan(tmp_path, "guard", "scan", "--direction", "input", "--audience", "pupil", given=given)
    assert done.returncode == 0, done.stderr
    answers = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert [a["verdict"] for a in answers] == ["allow", "block", "redact", "crisis", "block"]
    assert [a.get("id") for a in answers] == ["1", "2", "3", "4", None]
    assert answers[1]["categories"][0]["name"] == "emotion_inference"
    assert answers[1]["categories"][0]["article"] == "17(3)(6)"
    assert set(answers[1]["categories"][0]) == {"name", "score", "rule", "article", "spans"}
    assert answers[2]["text"] == "Менің ЖСН нөмірім [ЖСН]"
    assert answers[2]["categories"][0]["spans"] == [[18, 30]]
    assert answers[4]["error"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("guard", "scan", "--direction", "up", "--audience", "pupil"), b"--direction"),
        (("guard", "scan", "--direction", "input", "--audience", "king"), b"--audience"),
        (("audit", "verify"), b"--data"),
        (("knowledge", "evaluate", "--corpus", "none.jsonl", "--queries", "none.jsonl"), b"none.jsonl"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, options: tuple[str, ...], word: bytes) -> None:
    done = qalqan(tmp_path, *options)
    assert done.returncode == 2
    assert word in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


def test_a_document_is_ingested_found_and_refused_when_it_is_marked(tmp_path: Path) -> None:
    head = "---\nid: {id}\ntitle: {title}\nlang: kk\nproducer: Мектеп\nlicence: CC-BY-4.0\nsource: [жарғы]\n"
    head += "valid_from: 2026-09-01\nvalid_to: null\nchecked_on: 2026-11-23\ncollection: national\ntopic: school\n---\n"
    good, marked = tmp_path / "library.kk.md", tmp_path / "secret.kk.md"
    text = "Мектеп кітапханасы дүйсенбіден жұмаға дейін сағат тоғыздан беске дейін жұмыс істейді.\n"
    good.write_text(head.format(id="school/library-hours", title="Кітапхана") + text, encoding="utf-8")
    secret = head.format(id="school/secret", title="Жоспар") + "Қызмет бабында пайдалану үшін\n\n" + text
    marked.write_text(secret, encoding="utf-8")
    first = qalqan(tmp_path, "knowledge", "ingest", str(good), str(marked))
    assert first.returncode == 0, first.stderr
    assert "1 taken, 0 unchanged, 1 refused" in first.stdout.decode()
    assert "secrecy mark" in first.stdout.decode()
    again = qalqan(tmp_path, "knowledge", "ingest", str(good))
    assert "0 taken, 1 unchanged" in again.stdout.decode()
    found = qalqan(tmp_path, "knowledge", "search", "кітапхана сағат нешеде ашылады", "--json")
    assert orjson.loads(found.stdout.splitlines()[0])["document"].startswith("school/library-hours")


def test_audit_verify_tells_whole_from_broken(tmp_path: Path) -> None:
    import sqlite3

    import httpx

    with running(tmp_path) as stack:
        for _ in range(3):
            asked = {"model": "default", "messages": [{"role": "user", "content": ANGRY}]}
            httpx.post(f"{stack.url}/v1/chat/completions", json=asked, timeout=30)
    whole = qalqan(tmp_path, "audit", "verify", "--data", "data")
    assert whole.returncode == 0
    assert b"3 events, chain intact" in whole.stdout
    with sqlite3.connect(tmp_path / "data" / "audit.sqlite") as connection:
        connection.execute("DROP TRIGGER no_update")
        connection.execute("UPDATE event SET body = replace(body, 'blocked', 'answered') WHERE seq = 2")
    broken = qalqan(tmp_path, "audit", "verify", "--data", "data")
    assert broken.returncode == 1
    assert b"broken at row 2" in broken.stdout


def test_the_gateway_bench_measures_both_servers(tmp_path: Path) -> None:
    done = qalqan(tmp_path, "bench", "gateway", "--rounds", "1", "--seconds", "0.5", "--connections", "4", "--json")
    assert done.returncode == 0, done.stderr
    report = orjson.loads(done.stdout)
    assert report["relay"]["requests_per_s"] > 0
    assert report["gateway"]["requests_per_s"] > 0
    assert report["share_of_relay"] == pytest.approx(
        report["gateway"]["requests_per_s"] / report["relay"]["requests_per_s"], abs=0.01
    )
