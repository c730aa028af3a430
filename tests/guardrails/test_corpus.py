"""The corpus holds what its data card says: form, balance, look-alikes, language, no text twice."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from qalqan_guardrails.contract import CATEGORIES
from qalqan_guardrails.corpus import ORDINARY, CorpusError, Example, read_corpus
from qalqan_guardrails.detectors import iin
from qalqan_guardrails.normalise import normalise

FOLDER = Path(__file__).parents[2] / "guardrails" / "corpus"
EXAMPLES = read_corpus(FOLDER)
KAZAKH = set("әғқңөұүһі")


def judged(example: Example) -> str:
    return example.sample().text


def test_there_is_enough_and_no_more_positives_than_benign() -> None:
    assert len(EXAMPLES) >= 12_000
    assert sum(e.label for e in EXAMPLES) <= len(EXAMPLES) / 2
    assert {e.lang for e in EXAMPLES} == {"kk", "ru", "en", "mixed"}
    assert {e.direction for e in EXAMPLES} == {"input", "output", "retrieved"}


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_positives_and_look_alikes_in_every_language(category: str) -> None:
    counts = Counter((e.lang, e.label) for e in EXAMPLES if e.category == category)
    for lang in ("kk", "ru", "en", "mixed"):
        assert counts[lang, True] >= 50
        assert counts[lang, False] >= 50


def test_every_family_with_positives_has_a_look_alike() -> None:
    labels = defaultdict(set)
    for e in EXAMPLES:
        if e.category != ORDINARY:
            labels[e.family].add(e.label)
    alone = [family for family, found in labels.items() if found != {True, False}]
    assert not alone


def test_no_text_stands_twice_in_a_category() -> None:
    def key(e: Example) -> str:
        before = " ".join(m.content for m in e.sample().before)
        return e.category + re.sub(r"\W+", " ", f"{before} {judged(e)}".casefold()).strip()

    twice = [text for text, count in Counter(map(key, EXAMPLES)).items() if count > 1]
    assert not twice


def test_languages_are_what_they_say() -> None:
    for e in EXAMPLES:
        text = judged(e)
        if e.lang == "kk" and len(text) > 40:
            assert KAZAKH & set(text.lower()), e.id
        if e.lang == "en":
            assert not re.search("[а-яё]", text.lower()), e.id


def test_identifiers_are_the_test_vectors_that_belong_to_nobody() -> None:
    for e in EXAMPLES:
        for number in re.findall(r"(?<!\d)\d{12}(?!\d)", normalise(judged(e)).text):
            assert not iin.is_iin(number) or number.startswith("9912315"), e.id


GOOD = {
    "id": "a",
    "family": "f",
    "category": "ordinary",
    "label": False,
    "lang": "kk",
    "direction": "input",
    "text": "x",
}


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "not json",
        *(json.dumps({**GOOD, **bad}) for bad in ({"category": "nothing"}, {"label": True}, {"text": ""})),
    ],
)
def test_a_bad_line_is_told_with_its_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "x.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"x\.jsonl:1"):
        read_corpus(tmp_path)
