"""Payment card numbers: 13 to 19 digits with a known first digit and Luhn's check."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stdnum import luhn

from qalqan_guardrails.detectors.numbers import Candidate, Run, Stretch, near, stands_alone, stretches

RULE = "personal_data.card"
LABEL = "card"
# Networks seen in Kazakhstan, by first digits and length: Visa, Mastercard, Mir, Amex, UnionPay, JCB, Uzcard, Humo.
NETWORK = re.compile(
    r"4\d{15}|4\d{18}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|220[0-4]\d{12}"
    r"|3[47]\d{13}|62\d{14,17}|81\d{14}|35\d{14}|8600\d{12}|9860\d{12}"
)
FIRST_DIGITS = "2345689"
USUAL_SIZES = {(4, 4, 4, 4), (4, 6, 5), (4, 4, 4, 4, 3), (6, 13), (4, 4, 8), (8, 8), (4, 12), (1,) * 16}
CONTEXT = ("карт", "card", "visa", "mastercard", "kaspi", "каспи")
BEFORE, AFTER = 60, 30


def find(text: str, runs: Sequence[Run]) -> list[Candidate]:
    """Card numbers among the number runs of a normal form."""
    found: list[Candidate] = []
    for run in runs:
        for stretch in stretches(run, 13, 19):
            digits = stretch.digits
            if digits[0] in FIRST_DIGITS and len(set(digits)) > 1 and luhn.is_valid(digits):
                found.append(Candidate(stretch.start, stretch.end, _score(text, stretch), RULE, LABEL))
    return found


def _score(text: str, stretch: Stretch) -> float:
    if near(text, stretch, CONTEXT, BEFORE, AFTER):
        return 0.97
    if not NETWORK.fullmatch(stretch.digits) or not stands_alone(text, stretch):
        return 0.3
    return 0.9 if stretch.sizes in USUAL_SIZES else 0.75 if len(stretch.sizes) == 1 else 0.5
