import time
from pathlib import Path

import pytest

from qalqan_knowledge import encoder
from qalqan_knowledge.edge import EdgeLibrary
from qalqan_knowledge.errors import StoreUnavailable
from qalqan_knowledge.library import ensure_starter, ingest, open_library, starter_library_path


@pytest.fixture
def library(tmp_path: Path) -> EdgeLibrary:
    opened = open_library(tmp_path / "data")
    assert isinstance(opened, EdgeLibrary)
    return opened


def stamp(library: EdgeLibrary) -> int:
    return (library._folder / "current").stat().st_ino


def test_takes_a_folder_in_and_a_second_time_does_nothing(library: EdgeLibrary, article, tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    article("sub/one.md", folder=folder, id="a/one")
    article("two.txt", folder=folder, id="two", lang="ru", body="Город Алматы большой.")
    article(".hidden/three.md", folder=folder, id="three")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    first = ingest([folder], library)
    assert sorted(first.taken) == ["a/one.kk", "two.ru"]
    assert (first.refused, first.passages, library.count()) == ([], 2, 2)
    before = stamp(library)
    second = ingest([folder], library)
    assert sorted(second.unchanged) == ["a/one.kk", "two.ru"]
    assert (second.taken, second.passages) == ([], 0)
    assert stamp(library) == before


def test_a_changed_document_replaces_its_passages(library: EdgeLibrary, article) -> None:
    path = article("one.md", body="## А\nБұрынғы мәтін.\n## Б\nЕкінші бөлім.")
    ingest([path], library)
    assert library.count() == 2
    article("one.md", body="Қазіргі мәтін.")
    assert ingest([path], library).taken == ["test/one.kk"]
    assert library.count() == 1
    assert library.search("қазіргі")[0].text == "Қазіргі мәтін."


def test_another_encoding_encodes_anew(library: EdgeLibrary, article, monkeypatch: pytest.MonkeyPatch) -> None:
    path = article("one.md")
    ingest([path], library)
    monkeypatch.setattr(encoder, "VERSION", "another")
    assert ingest([path], library).taken == ["test/one.kk"]


def test_one_bad_file_stops_nothing(library: EdgeLibrary, article, tmp_path: Path) -> None:
    good = article("good.md", id="good")
    bad = [
        article("no-licence.md", id="bad", licence=None),
        article("reserved.md", id="reserved", ai_input="no"),
        article("again.md", id="good"),
        tmp_path / "absent.md",
    ]
    garbage = tmp_path / "garbage.md"
    garbage.write_bytes(b"\xff\xfe\x00\x01")
    report = ingest([good, *bad, garbage], library)
    assert report.taken == ["good.kk"]
    assert [Path(path).name for path, _ in report.refused] == [
        "no-licence.md", "reserved.md", "again.md", "absent.md", "garbage.md",
    ]  # fmt: skip
    assert all(why.endswith(".") and "\n" not in why for _, why in report.refused)
    assert library.search("Алматы")[0].document == "good.kk"


def test_collection_given_overrides_the_document_s(library: EdgeLibrary, article) -> None:
    ingest([article("one.md")], library, collection="agency")
    assert library.search("Алматы") == []
    assert library.search("Алматы", collections=["agency"])[0].collection == "agency"


def test_a_document_of_another_collection_is_not_overwritten(library: EdgeLibrary, article) -> None:
    path = article("one.md")
    ingest([path], library, collection="agency")
    report = ingest([path], library, collection="other")
    assert "already in the collection agency" in report.refused[0][1]
    assert library.documents()["test/one.kk"].collection == "agency"


def test_the_screen_keeps_texts_out(library: EdgeLibrary, article) -> None:
    path = article("one.md", body="Құпия құжат.")
    report = ingest([path], library, screen=lambda text: "it bears a secrecy mark." if "Құпия" in text else None)
    assert report.refused == [(str(path), "one.md: it bears a secrecy mark.")]
    assert library.count() == 0


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        open_library(tmp_path, url="http://127.0.0.1:9")


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> EdgeLibrary:
    opened = EdgeLibrary(tmp_path_factory.mktemp("starter"))
    report = ensure_starter(opened)
    assert report.refused == []
    assert len(report.taken) >= 180
    return opened


def test_the_starter_library_is_whole_in_three_languages(starter: EdgeLibrary) -> None:
    by_article: dict[str, set[str]] = {}
    for key in starter.documents():
        article, _, lang = key.rpartition(".")
        by_article.setdefault(article, set()).add(lang)
    assert len(by_article) >= 60
    assert {article for article, langs in by_article.items() if langs != {"kk", "ru", "en"}} == set()
    files = {path.relative_to(starter_library_path()).as_posix() for path in starter_library_path().rglob("*.md")}
    assert files == {f"{key}.md" for key in starter.documents()}


@pytest.mark.parametrize(
    ("question", "lang"),
    [
        ("Қазақстанның астанасы қай қала?", "kk"),
        ("Какой город столица Казахстана?", "ru"),
        ("What is the capital of Kazakhstan?", "en"),
    ],
)
def test_the_starter_library_knows_the_capital(starter: EdgeLibrary, question: str, lang) -> None:
    best = starter.search(question, lang=lang)[0]
    assert best.document == f"state/capital-astana.{lang}"
    assert best.coverage > 0.9
    assert best.producer
    assert best.licence


def test_a_second_start_is_quick(starter: EdgeLibrary) -> None:
    took: list[float] = []
    for _ in range(5):
        start = time.process_time()
        assert ensure_starter(starter).taken == []
        took.append(time.process_time() - start)
    assert min(took) < 0.1
