"""Kazakhstan bank accounts: KZ, two check digits, three of the bank, thirteen characters; mod 97 is 1."""

from __future__ import annotations

import re

from stdnum import iban

from qalqan_guardrails.detectors.numbers import Candidate

RULE = "personal_data.iban"
LABEL = "iban"
# Typed on a Cyrillic keyboard, К and З stand for K and Z, and other letters for those that look like them.
LATIN = str.maketrans("кзтавемнорсухі", "kztabemhopcyxi")
ACCOUNT = re.compile(r"(?<![^\W_])[kк][zз](?:[ \-\t\r\n.]{0,2}[0-9a-zа-яі]){18}(?![0-9])")
SEPARATORS = re.compile(r"[ \-\t\r\n.]")


def find(text: str) -> list[Candidate]:
    """Accounts with a right checksum in a normal form."""
    if "kz" not in text and "кз" not in text and "kз" not in text and "кz" not in text:
        return []
    return [
        Candidate(match.start(), match.end(), 0.99, RULE, LABEL)
        for match in ACCOUNT.finditer(text)
        if iban.is_valid(SEPARATORS.sub("", match[0]).translate(LATIN))
    ]
