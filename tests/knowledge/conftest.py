"""A handful of passages in three languages, and libraries that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from qalqan_knowledge.contract import Language, Passage
from qalqan_knowledge.edge import EdgeLibrary

TODAY = date(2026, 11, 23)

TEXTS: dict[str, tuple[Language, str, str]] = {
    "capital.kk": (
        "kk",
        "Елорда",
        "Қазақстанның астанасы – Астана қаласы. Елорда 1997 жылы Алматыдан көшірілді. Қала Есіл өзенінің бойында тұр.",
    ),
    "almaty.kk": (
        "kk",
        "Алматы",
        "Алматы – Қазақстандағы ең көп халқы бар қала. Ол Іле Алатауының бөктерінде орналасқан. Алма бағымен әйгілі.",
    ),
    "caspian.kk": (
        "kk",
        "Каспий теңізі",
        "Каспий – дүниежүзіндегі ең үлкен көл. Жағасында Ақтау мен Атырау қалалары бар. Теңізде итбалық мекендейді.",
    ),
    "school.kk": (
        "kk",
        "Оқу жылы",
        "Оқу жылы бірінші қыркүйекте басталады. Мектептерде оқушылар төрт тоқсан оқиды. Каникул маусымда басталады.",
    ),
    "abai.kk": (
        "kk",
        "Абай Құнанбайұлы",
        "Абай – қазақтың ұлы ақыны. Ол 1845 жылы Шыңғыстауда туған. Оның қара сөздерін бүкіл ел біледі.",
    ),
    "capital.ru": (
        "ru",
        "Столица",
        "Столица Казахстана – город Астана. Её перенесли из Алматы в 1997 году. Город стоит на реке Ишим.",
    ),
    "caspian.ru": (
        "ru",
        "Каспийское море",
        "Каспий – самое большое озеро в мире. На его берегу стоят Актау и Атырау. В море живёт каспийский тюлень.",
    ),
    "capital.en": (
        "en",
        "The capital",
        "Astana is the capital city of Kazakhstan. It took over from Almaty in 1997. The Ishim river runs through it.",
    ),
}


def make_passage(key: str, lang: Language, title: str, text: str, **more: object) -> Passage:
    given: dict[str, object] = {
        "id": f"{key}#1",
        "document": key,
        "title": title,
        "text": text,
        "lang": lang,
        "collection": "national",
        "producer": "Qalqan",
        "licence": "CC-BY-4.0",
        "source": "A source",
        "valid_from": date(2020, 1, 1),
        "checked_on": date(2026, 11, 1),
    }
    return Passage(**{**given, **more})  # type: ignore[arg-type]


@pytest.fixture
def passage():
    """Makes a passage of a document named by its key."""

    def make(key: str, text: str = "Астана – елорда.", **more: object) -> Passage:
        return make_passage(key, "kk", "Тақырып", text, **more)

    return make


@pytest.fixture(scope="session")
def some_passages() -> list[Passage]:
    return [make_passage(key, *text) for key, text in TEXTS.items()]


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory, some_passages: list[Passage]) -> Iterator[EdgeLibrary]:
    """A library in a folder that no test changes."""
    library = EdgeLibrary(tmp_path_factory.mktemp("edge"), today=lambda: TODAY)
    library.upsert(some_passages)
    yield library
    library.close()


@pytest.fixture
def article(tmp_path: Path):
    """Writes a document file and gives its path; keyword arguments change its metadata, None leaves a key out."""

    def write(name: str, body: str = "Алматы – үлкен қала.", folder: Path = tmp_path, **meta: object) -> Path:
        lines = {
            "id": "test/one",
            "title": "Тақырып",
            "lang": "kk",
            "producer": "Мектеп",
            "licence": "CC-BY-4.0",
            "source": "['Дереккөз']",
            "valid_from": "2024-01-01",
            "valid_to": "null",
            "checked_on": "2026-11-01",
            **meta,
        }
        front = "\n".join(f"{key}: {value}" for key, value in lines.items() if value is not None)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\n{front}\n---\n\n{body}\n", encoding="utf-8")
        return path

    return write
