"""What both stores must do alike: Qdrant Edge in a folder, and a Qdrant server's client (in its local mode)."""

import warnings
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from qdrant_client import QdrantClient

from qalqan_knowledge.contract import Library, Passage
from qalqan_knowledge.edge import EdgeLibrary
from qalqan_knowledge.search import PassageLibrary
from qalqan_knowledge.server import ServerLibrary

# The client's local mode has no payload indexes and warns of it; a server has them.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

TODAY = date(2026, 11, 23)
Make = Callable[..., PassageLibrary]


@pytest.fixture(scope="module", params=["edge", "server"])
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes an empty library of either kind."""
    if request.param == "edge":
        return lambda **more: EdgeLibrary(tmp_path_factory.mktemp("edge"), **more)
    return lambda **more: ServerLibrary("http://127.0.0.1:6333", client=QdrantClient(":memory:"), **more)


@pytest.fixture(scope="module")
def library(make: Make, some_passages: list[Passage]) -> Iterator[PassageLibrary]:
    """A library that no test changes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect")
        made = make(today=lambda: TODAY)
    made.upsert(some_passages)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("question", "lang", "document"),
    [
        ("Қазақстанның астанасы қай қала?", "kk", "capital.kk"),
        ("Қазақстанның астанасы қай қала?", None, "capital.kk"),
        ("елорданың қаласында", "kk", "capital.kk"),
        ("қалалардың теңізде", "kk", "caspian.kk"),
        ("мектебінде оқушылардың каникулы", "kk", "school.kk"),
        ("астансы", "kk", "capital.kk"),  # a letter left out
        ("Касппий тенгізі", "kk", "caspian.kk"),  # misspelt twice
        ("казакстаннын астанасы кай кала", "kk", "capital.kk"),  # from a Russian keyboard
        ("Qazaqstannyñ astanasy qai qala?", "kk", "capital.kk"),  # in Latin script
        ("Абай қашан туды?", "kk", "abai.kk"),
        ("в столице Казахстана", "ru", "capital.ru"),
        ("Какой город столица Казахстана?", "ru", "capital.ru"),
        ("о каспийских тюленях", "ru", "caspian.ru"),
        ("What is Kazakhstan's capital?", "en", "capital.en"),
    ],
)
def test_finds(library: PassageLibrary, question: str, lang, document: str) -> None:
    found = library.search(question, lang=lang)
    assert found[0].document == document
    assert found[0].coverage >= 0.5
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


@pytest.mark.parametrize(
    "question", ["борщ қалай пісіріледі?", "лучший рецепт плова", "who won the football match", "2+2"]
)
def test_what_it_does_not_hold_is_not_covered(library: PassageLibrary, question: str) -> None:
    assert all(p.coverage < 0.5 for p in library.search(question, k=10))


def test_the_asker_s_language_comes_first_unless_another_covers_the_question(library: PassageLibrary) -> None:
    assert {p.lang for p in library.search("Каспий", lang="kk")} == {"kk"}
    assert {p.lang for p in library.search("Каспий", lang="ru")} == {"ru"}
    assert library.search("столица Казахстана", lang="kk")[0].document == "capital.ru"
    assert library.search("Қазақтың ұлы ақыны", lang="en")[0].document == "abai.kk"


def test_is_a_library(library: PassageLibrary, some_passages: list[Passage]) -> None:
    as_promised: Library = library
    assert len(as_promised.search("Астана", k=2)) == 2
    assert as_promised.get("capital.kk#1") == some_passages[0]
    assert as_promised.get("absent#1") is None
    assert as_promised.ready()
    assert library.count() == len(some_passages)


def test_a_passage_comes_back_whole(make: Make, passage) -> None:
    kept = passage("a", valid_from=date(2020, 2, 3), valid_to=date(2099, 4, 5), checked_on=None)
    library = make()
    library.upsert([kept, passage("b", "Тау.")])
    assert library.get("a#1") == kept
    found = library.search("елорда")[0]
    assert (found.valid_from, found.valid_to, found.checked_on) == (kept.valid_from, kept.valid_to, None)
    assert found.score > 0
    assert found.coverage == 1.0


def test_only_passages_in_force(make: Make, passage) -> None:
    today = date(2026, 7, 1)
    library = make(today=lambda: today)
    library.upsert(
        [
            passage("old", valid_to=date(2026, 6, 30)),
            passage("new", valid_from=date(2026, 7, 1)),
            passage("future", valid_from=date(2026, 7, 2)),
            passage("last-day", valid_to=date(2026, 7, 1)),
            passage("open", valid_from=None),
        ]
    )
    assert {p.document for p in library.search("елорда", k=10)} == {"new", "last-day", "open"}
    today = date(2026, 6, 30)
    assert {p.document for p in library.search("елорда", k=10)} == {"old", "last-day", "open"}
    assert library.get("old#1") is not None


def test_collections_are_apart(make: Make, passage) -> None:
    library = make()
    library.upsert([passage("a"), passage("b", collection="agency"), passage("c", collection="other")])
    assert [p.document for p in library.search("елорда")] == ["a"]
    assert [p.document for p in library.search("елорда", collections=["agency"])] == ["b"]
    assert {p.document for p in library.search("елорда", collections=["agency", "other"])} == {"b", "c"}
    assert library.search("елорда", collections=["absent"]) == []


def test_a_document_is_replaced_as_a_whole(make: Make, passage) -> None:
    library = make()
    library.upsert([passage("a"), passage("a", id="a#2", text="Екінші үзінді."), passage("b")], {"a": "one"})
    library.upsert([passage("a", "Жаңа мәтін.")], {"a": "two"})
    assert library.count() == 2
    assert library.get("a#2") is None
    assert library.documents()["a"].digest == "two"
    library.remove({"a"})
    assert set(library.documents()) == {"b"}
    assert {p.document for p in library.search("жаңа мәтін")} <= {"b"}


def test_an_empty_library_answers(make: Make) -> None:
    library = make()
    assert library.search("Астана", lang="kk") == []
    assert library.documents() == {}
    assert library.count() == 0
