"""Every text in three languages; the fixed card."""

import re
from datetime import date

import pytest

from qalqan_guardrails.contract import CATEGORIES, LANGUAGES, Language
from qalqan_guardrails.policy import load_policies
from qalqan_guardrails.texts import crisis_card, helplines, mask, message, message_ids

KAZAKH = re.compile("[әғқңөұүһі]", re.IGNORECASE)
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_message_is_in_its_language(lang: Language):
    for id in message_ids():
        text = message(id, lang)
        assert bool(KAZAKH.search(text)) == (lang == "kk"), id
        assert bool(CYRILLIC.search(text)) == (lang != "en"), id
        assert text == text.strip()
        assert "{" not in text


def test_each_category_and_outcome_has_words():
    used = {outcome.message for policy in load_policies().values() for outcome in policy.outcomes.values()}
    assert {*CATEGORIES} - {"self_harm_crisis"} <= message_ids()
    assert {"could_not_check", "no_evidence", "model_unavailable", "crisis_card"} <= message_ids()
    assert used <= message_ids()
    with pytest.raises(KeyError):
        message("nobody", "kk")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_card_names_help_in_order_and_says_what_it_is(lang: Language):
    card = crisis_card(lang)
    assert re.findall(r"\d+", card) == ["112", "111", "150"]
    assert {"kk": "бағдарламамын", "ru": "программа", "en": "a program"}[lang] in card
    assert card == message("crisis_card", lang) == crisis_card(lang)
    assert len(card) < 450


def test_the_numbers_carry_the_day_of_their_check():
    assert date(2026, 1, 1) < helplines().verified_on <= date.today()


def test_masks():
    assert [mask("iin", lang) for lang in LANGUAGES] == ["[ЖСН]", "[ИИН]", "[IIN]"]
    assert mask("unheard of", "en") == "[REDACTED]"
