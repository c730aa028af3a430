"""Marks of restricted documents: text -> (rule, marked words) at the policies' threshold."""

import pytest

from qalqan_guardrails.detectors.markings import OFFICIAL_USE, STATE_SECRET, find
from qalqan_guardrails.normalise import normalise

FOUND = [
    ("Для служебного пользования\nЭкз. № 3\nПриказ о проверке", OFFICIAL_USE, "Для служебного пользования"),
    ("ДЛЯ  СЛУЖЕБНОГО\nПОЛЬЗОВАНИЯ", OFFICIAL_USE, "ДЛЯ  СЛУЖЕБНОГО\nПОЛЬЗОВАНИЯ"),
    ("Дл\u200bя служебнoго пользования", OFFICIAL_USE, "Дл\u200bя служебнoго пользования"),
    ("Қызмет бабында пайдалану үшін\nДана № 2", OFFICIAL_USE, "Қызмет бабында пайдалану үшін"),
    ("ДСП\nПриказ № 5", OFFICIAL_USE, "ДСП"),
    ("Вышлите документ с пометкой ДСП", OFFICIAL_USE, "ДСП"),
    ("ҚБП\nБұйрық", OFFICIAL_USE, "ҚБП"),
    ("СОВЕРШЕННО СЕКРЕТНО\nЭкз. № 1\nСправка", STATE_SECRET, "СОВЕРШЕННО СЕКРЕТНО"),
    ("Совершенно секретно. Отчёт за год", STATE_SECRET, "Совершенно секретно"),
    ("Секретно\nОтчёт", STATE_SECRET, "Секретно"),
    ("Особой важности\nЭкз. № 1", STATE_SECRET, "Особой важности"),
    ("ӨТЕ ҚҰПИЯ\nДана № 1", STATE_SECRET, "ӨТЕ ҚҰПИЯ"),
    ("ҚҰПИЯ\n1-дана", STATE_SECRET, "ҚҰПИЯ"),
    ("Аса маңызды\n№ 4 дана", STATE_SECRET, "Аса маңызды"),
]
NOT_FOUND = [
    "Служебная собака помогла пограничникам",
    "Қария балаға құпия хат қалдырды",
    "Құпия\nЕртеде бір хан болыпты.",
    "Шкаф сделан из ДСП",
    "Что значит ДСП на документе?",
    "Что означает гриф «Для служебного пользования»?",
    "Это совершенно секретно, никому не говори",
    "Аса маңызды мәселе талқыланды",
    "Вопрос особой важности решает совет",
    "Секретно пробрались в сад и нарвали яблок",
    "дсп",
]


@pytest.mark.parametrize(("text", "rule", "marked"), FOUND)
def test_found(text: str, rule: str, marked: str):
    normal = normalise(text)
    sure = [one for one in find(normal, text) if one.score >= 0.6]
    spans = [normal.span(one.start, one.end) for one in sure]
    assert [(one.rule, text[start:end]) for one, (start, end) in zip(sure, spans, strict=True)] == [(rule, marked)]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_not_found(text: str):
    assert [one for one in find(normalise(text), text) if one.score >= 0.6] == []
