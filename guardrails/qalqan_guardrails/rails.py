"""The rails that ship, and the names of every rule that they report."""

from __future__ import annotations

from functools import cache

from qalqan_guardrails.concepts import Concepts, compiled
from qalqan_guardrails.contract import Category, Rail
from qalqan_guardrails.detectors import card, email, iban, iin, markings, phone
from qalqan_guardrails.exact import Confidentiality, PersonalData

# Names under which each group of concepts also stands alone, as an agency's validator.
CONCEPT_RAILS: dict[str, Category] = {
    "emotion_inference": "emotion_inference",
    "manipulation": "manipulation",
    "self_harm": "self_harm_crisis",
    "prompt_injection": "prompt_injection",
    "social_scoring": "social_scoring",
    "automated_grading": "automated_grading",
}
EXACT_RULES = (iin.RULE, phone.RULE, card.RULE, iban.RULE, email.RULE, markings.OFFICIAL_USE, markings.STATE_SECRET)


def default_rails() -> tuple[Rail, ...]:
    """The rails of the gateway: exact ones, and all concepts in one rail, so that the text is read once."""
    return PersonalData(), Confidentiality(), Concepts.of("concepts")


def single_rails() -> dict[str, Rail]:
    """Each rail by itself, by name. Marks are `confidentiality`; answers that give keys away `confidential_leak`."""
    rails: list[Rail] = [PersonalData(), Confidentiality(), Concepts.of("confidential_leak", ["confidential_leak"])]
    for name, category in CONCEPT_RAILS.items():
        rails.append(Concepts.of(name, [category]))
    return {rail.name: rail for rail in rails}


@cache
def known_rules() -> frozenset[str]:
    """The id of every rule that a shipped rail reports."""
    return frozenset(EXACT_RULES).union(rule.id for rules in compiled().by_direction.values() for rule in rules)
