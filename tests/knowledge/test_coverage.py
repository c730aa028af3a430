import pytest

from qalqan_knowledge.coverage import Evidence, evidence
from qalqan_knowledge.encoder import encode_question

TEXT = "Қазақстанның астанасы – Астана қаласы. Қалада оқушылар көп."


def covered(question: str, text: str = TEXT, title: str = "Елорда") -> Evidence:
    asked = encode_question(question).words
    return evidence(asked, [1.0] * len(asked), title, text, "kk")


@pytest.mark.parametrize(
    ("question", "least", "most"),
    [
        ("Қазақстанның астанасы қай қала?", 1.0, 1.0),
        ("қалалардың астаналары", 1.0, 1.0),
        ("казакстаннын астанасы", 0.85, 1.0),
        ("оқушы астаан", 0.8, 1.0),  # two letters swapped
        ("астана мұхит", 0.5, 0.5),
        ("борщ пісіру", 0.0, 0.0),
        ("қазан", 0.0, 0.0),  # begins like «қазақ», is another word
    ],
)
def test_share_of_the_question(question: str, least: float, most: float) -> None:
    assert least - 1e-9 <= covered(question).coverage <= most + 1e-9


def test_weights_decide() -> None:
    asked = encode_question("астана мұхит").words
    assert evidence(asked, [3.0, 1.0], "", TEXT, "kk").coverage == pytest.approx(0.75)


def test_one_sentence_having_all_beats_two_halves() -> None:
    together = covered("астана оқушы", "Астанада оқушы көп. Тау биік.")
    apart = covered("астана оқушы", "Астана әдемі. Оқушы тауға шықты.")
    assert together.coverage == apart.coverage == 1.0
    assert together.sentence == 1.0
    assert apart.sentence == pytest.approx(0.5)


def test_title_named_by_the_question() -> None:
    assert covered("Қазақстанның астанасы қай қала?", title="Қазақстанның астанасы").title == 1.0
    assert covered("Қазақстанның астанасы қай қала?", title="Қазақстанның облыстары").title == 0.5
    assert covered("астана", title="").title == 0.0


def test_nothing_asked_is_not_covered() -> None:
    assert evidence((), (), "Елорда", TEXT, "kk") == Evidence(0.0, 0.0, 0.0)
