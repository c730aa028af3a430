"""The exact rails: personal data and marks of restricted documents, found by rule and checksum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from qalqan_guardrails.contract import Category, Finding, Sample
from qalqan_guardrails.detectors import card, email, iban, iin, markings, phone
from qalqan_guardrails.detectors.numbers import Candidate, stretches
from qalqan_guardrails.normalise import Normalised, normalise

# No identifier is without a digit or an @: most texts are done after this look.
_TRIGGER = re.compile("[0-9@]")


@dataclass(slots=True)
class PersonalData:
    """IIN, phone, card, KZ account and e-mail of persons. 94-V; 230-VIII, Art. 17(3)(4)."""

    name: str = "personal_data"
    categories: tuple[Category, ...] = ("personal_data",)

    def check(self, sample: Sample) -> Sequence[Finding]:
        """One finding for each rule and certainty, with the spans of all that it covers."""
        normal = normalise(sample.text)
        text = normal.text
        if not _TRIGGER.search(text):
            return ()
        numbers = stretches(text)
        found = iban.find(text) + email.find(text)
        if numbers:
            found += iin.find(text, numbers) + phone.find(text, numbers) + card.find(text, numbers)
        return _findings("personal_data", normal, found)


@dataclass(slots=True)
class Confidentiality:
    """Marks of official use and grades of state secrets. Rules 429; 349-I; 230-VIII, Art. 17(4)."""

    name: str = "confidentiality"
    categories: tuple[Category, ...] = ("confidential_leak",)

    def check(self, sample: Sample) -> Sequence[Finding]:
        """One finding for each kind of mark and certainty."""
        normal = normalise(sample.text)
        return _findings("confidential_leak", normal, markings.find(normal, sample.text))


def _findings(category: Category, normal: Normalised, found: list[Candidate]) -> Sequence[Finding]:
    if not found:
        return ()

    def kind(candidate: Candidate) -> tuple[str, str, float]:
        return candidate.rule, candidate.label, candidate.score

    return [
        Finding(category, score, rule, tuple(normal.span(one.start, one.end) for one in alike), label)
        for (rule, label, score), alike in groupby(sorted(found, key=kind), key=kind)
    ]
