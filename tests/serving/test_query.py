"""What the library is asked of a message."""

import pytest

from qalqan_serving.query import query


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Сәлем! Маған керек еді. Қазақстанның астанасы қай қала?", "Қазақстанның астанасы қай қала?"),
        ("Менің ЖСН-ім [ЖСН]. Абай кім?", "Абай кім?"),
        ("Расскажи про Абая.", "Расскажи про Абая."),
        ("Кто такой Абай? Когда он жил? Спасибо!", "Кто такой Абай? Когда он жил?"),
        ("[IIN]", "[IIN]"),
        ("???", "???"),
        ("", ""),
    ],
)
def test_the_question_is_found(said: str, asked: str) -> None:
    assert query(said) == asked
