"""Telephone numbers of persons: the plan of Kazakhstan and Russia (+7) by the library's own patterns, others with a +.

The patterns are those of `phonenumbers`; its matcher takes 100 µs and more for each candidate, and a page of digits
would take seconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc

from qalqan_guardrails.detectors.numbers import Candidate, Stretch, near, stands_alone
from qalqan_guardrails.detectors.public import PUBLIC

RULE = "personal_data.phone"
LABEL = "phone"
MOST = 15
CONTEXT = (
    "тел.", "тел:", "телефон", "нөмір", "номер", "звон", "хабарлас", "қоңырау", "whatsapp", "ватсап", "phone", "call",
)  # fmt: skip
BEFORE, AFTER = 40, 20
# 7 747 000 000 is a sum of money or a count of people, written in thousands.
THOUSANDS = re.compile(r"[0-9]{1,3}(?:[ .][0-9]{3}){3,}")
# Beyond so many numbers with a foreign code in one text, length alone decides: checking each would take too long.
FOREIGN_CHECKS = 100


def _pattern(region: str) -> re.Pattern[str]:
    metadata = PhoneMetadata.metadata_for_region(region)
    kinds: list[PhoneNumberDesc | None] = [metadata.mobile, metadata.fixed_line] if metadata else []
    return re.compile("|".join(f"(?:{kind.national_number_pattern})" for kind in kinds if kind))


KAZAKHSTAN, RUSSIA = _pattern("KZ"), _pattern("RU")


def find(text: str, stretches: Sequence[Stretch]) -> list[Candidate]:
    """Phone numbers among the stretches of a normal form."""
    found: list[Candidate] = []
    foreign = free_from = 0
    for stretch in stretches:
        start, digits = stretch.start, stretch.digits
        if start < free_from or len(digits) > MOST:
            continue
        plus = text[max(0, start - 2) : start].rstrip("(").endswith("+")
        score = _score(text, stretch, plus)
        if not score and plus and not digits.startswith("7"):
            foreign += 1
            score = 0.9 if foreign > FOREIGN_CHECKS or _is_foreign(digits) else 0.0
        if score:
            found.append(Candidate(_with_prefix(text, start, plus), stretch.end, score, RULE, LABEL))
            free_from = stretch.end if score > 0.5 else free_from
    return found


def _score(text: str, stretch: Stretch, plus: bool) -> float:
    """How sure a number of the +7 plan is a person's; 0 when it is none, or a public one."""
    digits = stretch.digits
    prefixed = len(digits) == 11 and digits[0] in ("7" if plus else "78")
    national = digits[1:] if prefixed else digits
    if len(national) != 10 or national.startswith(PUBLIC.prefixes) or national in PUBLIC.numbers:
        return 0.0
    known = KAZAKHSTAN.fullmatch(national) or (prefixed and RUSSIA.fullmatch(national))
    if not known or not stands_alone(text, stretch):
        return 0.0
    if not prefixed and len(set(national)) < 3:
        return 0.3  # seven thousand million, written out
    if plus or near(text, stretch, CONTEXT, BEFORE, AFTER):
        return 0.98
    if THOUSANDS.fullmatch(text, stretch.start, stretch.end):
        return 0.3
    return 0.9 if prefixed else 0.65


@lru_cache(maxsize=1024)
def _is_foreign(digits: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse("+" + digits))
    except phonenumbers.NumberParseException:
        return False


def _with_prefix(text: str, start: int, plus: bool) -> int:
    """Where the number begins for a reader: at its plus or its bracket."""
    if plus:
        return text.rindex("+", 0, start)
    return start - 1 if start and text[start - 1] == "(" else start
