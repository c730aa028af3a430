"""Quotation over the starter library: what it answers, what it admits not to know, that it invents nothing."""

from pathlib import Path

import pytest
import yaml

from qalqan_guardrails.contract import Message
from qalqan_guardrails.language import detect
from qalqan_guardrails.texts import message
from qalqan_knowledge.contract import Library
from qalqan_knowledge.library import ensure_starter, open_library
from qalqan_serving.engines.extractive import ExtractiveModel
from qalqan_serving.engines.model import Prompt
from qalqan_serving.query import query

SUGGESTED = yaml.safe_load(
    (Path(__file__).parents[2] / "ui" / "qalqan_ui" / "suggestions.yaml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    library = open_library(tmp_path_factory.mktemp("library"))
    ensure_starter(library)
    yield library
    library.close()


async def ask(library: Library, question: str) -> tuple[str, bool, tuple]:
    lang = detect(question, default="kk")
    passages = tuple(library.search(query(question), k=4, lang=lang))
    prompt = Prompt((Message("user", question),), question, passages, lang, 512, False)
    text, evidence = "", True
    async for delta in ExtractiveModel().stream(prompt):
        text += delta.text
        evidence = delta.evidence
    return text, evidence, passages


def strings(found: object) -> list[str]:
    if isinstance(found, str):
        return [found]
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    return [text for part in parts for text in strings(part)]


@pytest.mark.parametrize("question", strings(SUGGESTED))
async def test_every_question_that_the_chat_suggests_is_answered(library: Library, question: str) -> None:
    text, evidence, _ = await ask(library, question)
    assert evidence, text


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Қазақстанның астанасы қай қала?", "Астана қаласы"),
        ("Қазақстан астанасының аты кім?", "Астана"),
        ("Какой город столица Казахстана?", "город Астана"),
        ("Абай кім?", "ақын"),
        ("Кто такой аль-Фараби?", "мыслитель"),
        ("Когда Казахстан стал независимым?", "16 декабря 1991"),
        ("Хан Тәңірінің биіктігі қанша?", "6995"),
        ("Президент неше жылға сайланады?", "жеті жыл"),
        ("Сколько областей в Казахстане?", "17"),
        ("How many deputies are in the Kurultai?", "145"),
        ("Домбыраның неше ішегі бар?", "екі"),
    ],
)
async def test_what_is_in_the_library_is_quoted(library: Library, question: str, answer: str) -> None:
    text, evidence, passages = await ask(library, question)
    assert evidence
    assert answer in text
    for line in text.splitlines():
        if line.startswith("> "):
            quote, _, number = line[2:].rpartition(" [")
            held = " ".join(passages[int(number.rstrip("]")) - 1].text.split())
            assert " ".join(quote.split()) in held


@pytest.mark.parametrize(
    "question",
    [
        "Кванттық хромодинамикадағы глюондардың түсі қандай?",
        "What is the capital of France?",
        "Франция астанасы қай қала?",
        "Как приготовить борщ?",
        "Пифагор теоремасы деген не?",
        "Кто директор моей школы?",
        "сәлем",
        "🙂",
    ],
)
async def test_what_is_not_in_the_library_is_admitted(library: Library, question: str) -> None:
    text, evidence, _ = await ask(library, question)
    assert not evidence
    assert text == message("no_evidence", detect(question, default="kk"))
