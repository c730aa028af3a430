"""IIN: the full rule, as text -> spans."""

import pytest

from qalqan_guardrails.detectors import iin
from qalqan_guardrails.detectors.numbers import stretches
from qalqan_guardrails.normalise import normalise

# The vectors are of people born on 31.12.2099, so they belong to nobody.
FOUND = [
    ("ЖСН 991231500006", ["991231500006"], 0.9),
    ("Менің ЖСН-ім: 991231500707.", ["991231500707"], 0.9),
    ("мой иин 991231 500 719", ["991231 500 719"], 0.9),
    ("991231500006", ["991231500006"], 0.8),
    ("991231-500006 және 991231500719", ["991231-500006", "991231500719"], 0.6),
    ("иин\n9912\n3150\n0006", ["9912\n3150\n0006"], 0.9),
    ("9 9 1 2 3 1 5 0 0 0 0 6", ["9 9 1 2 3 1 5 0 0 0 0 6"], 0.6),
    ("iin 900715300005", ["900715300005"], 0.9),
]
NOT_FOUND = [
    "991231500001",  # the check digit is wrong
    "991331500006",  # no thirteenth month
    "990231500006",  # no 31 February
    "991231700006",  # digit 7 is beyond 6
    *[f"99123150077{check}" for check in range(10)],  # both passes give 10: never assigned
    "бин 050140000005",  # digit 5 of a BIN is no day
    "1991231500006",  # 13 digits in one piece
    "2012 2013 2014",
    "2 3 5 7 11 13",
    "жсн",
]


def _find(text: str) -> list[tuple[str, float]]:
    normal = normalise(text)
    found = [(normal.span(one.start, one.end), one.score) for one in iin.find(normal.text, stretches(normal.text))]
    return [(text[start:end], score) for (start, end), score in found]


@pytest.mark.parametrize(("text", "expected", "at_least"), FOUND)
def test_found(text: str, expected: list[str], at_least: float):
    found = _find(text)
    assert [number for number, _ in found] == expected
    assert min(score for _, score in found) >= at_least


@pytest.mark.parametrize("text", NOT_FOUND)
def test_not_found(text: str):
    assert _find(text) == []


def test_doubtful_without_context():
    born_in_the_1800s = "701231100002"
    assert iin.is_iin(born_in_the_1800s)
    assert _find(born_in_the_1800s)[0][1] < 0.6
    assert _find(f"ЖСН {born_in_the_1800s}")[0][1] > 0.9


def test_a_bin_is_kept_apart():
    business = "050140000001"
    assert iin.is_bin(business)
    assert not iin.is_iin(business)
    assert not iin.is_bin("991231500006")
    assert _find(f"БСН {business}") == []
