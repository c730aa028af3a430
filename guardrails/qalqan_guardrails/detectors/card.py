"""Payment card numbers: 13 to 19 digits with a known first digit and Luhn's check."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stdnum import luhn

from qalqan_guardrails.detectors.numbers import Candidate, Stretch, near, stands_alone

RULE = "personal_data.card"
LABEL = "card"
# Networks seen in Kazakhstan, by first digits and length: Visa, Mastercard, Mir, Amex, UnionPay, JCB, Uzcard, Humo.
NETWORK = re.compile(
    r"4\d{15}|4\d{18}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|220[0-4]\d{12}"
    r"|3[47]\d{13}|62\d{14,17}|81\d{14}|35\d{14}|8600\d{12}|9860\d{12}"
)
FIRST_DIGITS = "2345689"
SHORTEST_CARD = 13
USUAL_SIZES = {(4, 4, 4, 4), (4, 6, 5), (4, 4, 4, 4, 3), (6, 13), (4, 4, 8), (8, 8), (4, 12), (1,) * 16}
CONTEXT = ("карт", "card", "visa", "mastercard", "kaspi", "каспи")
BEFORE, AFTER = 60, 30


def find(text: str, stretches: Sequence[Stretch]) -> list[Candidate]:
    """Card numbers among the stretches of a normal form."""
    found: list[Candidate] = []
    for stretch in stretches:
        digits = stretch.digits
        if len(digits) < SHORTEST_CARD or digits[0] not in FIRST_DIGITS or len(set(digits)) == 1:
            continue
        score = _score(text, stretch)
        if score and luhn.is_valid(digits):
            found.append(Candidate(stretch.start, stretch.end, score, RULE, LABEL))
    return found


def _score(text: str, stretch: Stretch) -> float:
    """How sure the digits are a card's if Luhn's check holds; one number in ten passes that by chance."""
    if near(text, stretch, CONTEXT, BEFORE, AFTER):
        return 0.97
    if not NETWORK.fullmatch(stretch.digits) or not stands_alone(text, stretch):
        return 0.0
    return 0.9 if stretch.sizes in USUAL_SIZES else 0.75 if len(stretch.sizes) == 1 else 0.0
