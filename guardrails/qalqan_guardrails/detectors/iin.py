"""Individual identification number (ЖСН, ИИН): date, century digit and a checksum in two passes.

Government resolution 565 of 11.06.2003. A business number (БСН, БИН) has the same length and checksum but 4 to 6 in
digit 5, where an IIN has the tens of a day: so it never passes here, and it is not personal data.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence

from qalqan_guardrails.detectors.numbers import Candidate, Stretch, near, stands_alone

RULE = "personal_data.iin"
LABEL = "iin"
FIRST_PASS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
SECOND_PASS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
CENTURIES = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}
CONTEXT = ("жсн", "иин", "iin", "жеке сәйкестендіру", "идентификационн", "individual identif")
BEFORE, AFTER = 60, 30
# How people write it apart: date, century, serial, check; or in equal parts.
USUAL_SIZES = {(12,), (6, 6), (6, 1, 5), (6, 1, 4, 1), (4, 4, 4), (3, 3, 3, 3), (6, 2, 4), (2, 2, 2, 6), (1,) * 12}


def find(text: str, stretches: Sequence[Stretch]) -> list[Candidate]:
    """IINs among the stretches of a normal form. Sure with the word ЖСН/ИИН near, or in one piece; else doubtful."""
    return [
        Candidate(stretch.start, stretch.end, _score(text, stretch), RULE, LABEL)
        for stretch in stretches
        if len(stretch.digits) == 12 and is_iin(stretch.digits)
    ]


def is_iin(digits: str) -> bool:
    """Whether 12 digits are a date, a century digit and a check digit that agree."""
    return digits[6] in CENTURIES and _is_date(digits) and _check_digit(digits) == int(digits[11])


def is_bin(digits: str) -> bool:
    """Whether 12 digits are a business number: month of registration, type of entity, check digit."""
    return "01" <= digits[2:4] <= "12" and digits[4] in "456" and _check_digit(digits) == int(digits[11])


def _is_date(digits: str) -> bool:
    year, month, day = CENTURIES[digits[6]] + int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    return 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def _check_digit(digits: str) -> int | None:
    """None where the second pass gives 10 as well: such a number is never assigned."""
    for weights in (FIRST_PASS, SECOND_PASS):
        check = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % 11
        if check < 10:
            return check
    return None


def _score(text: str, stretch: Stretch) -> float:
    if near(text, stretch, CONTEXT, BEFORE, AFTER):
        return 0.99
    if not stands_alone(text, stretch) or stretch.sizes not in USUAL_SIZES:
        return 0.3
    # One random 12-digit number in four hundred passes; a birth in the 1800s makes it a random one.
    doubtful = CENTURIES[stretch.digits[6]] == 1800
    return 0.4 if doubtful else 0.85 if len(stretch.sizes) == 1 else 0.7
