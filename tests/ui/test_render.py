"""HTML of turns: the label on every answer, the passage under its number, everything escaped."""

from __future__ import annotations

import re
from html import unescape

import pytest

from qalqan_ui.conversation import Citation, Turn
from qalqan_ui.render import last_turn, turns
from qalqan_ui.texts import LANGUAGES, Language, say

EVIL = "<script>x()</script>\"'&"
CARD = "Өмірге қауіп төнсе, 112-ге қоңырау шал.\nТегін: 111. Желі: 150. <b>"


def plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", ["", "answered", "redacted", "blocked", "crisis", "no_evidence", "failed"])
def test_every_answer_has_its_label(language: Language, outcome: str) -> None:
    html = last_turn(Turn("Сұрақ?", "Жауап.", outcome), 1, language)
    assert html.count('class="q-label"') == 1
    assert say("ai_label", language) in html


def test_label_stands_from_the_first_word() -> None:
    assert 'class="q-label"' not in last_turn(Turn("Сұрақ?"), 1, "kk")
    assert 'class="q-label"' in last_turn(Turn("Сұрақ?", "Ж"), 1, "kk")


def test_whatever_is_said_is_escaped() -> None:
    passage = Citation(1, EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, (EVIL,))
    for outcome in ("answered", "blocked", "crisis", EVIL):
        html = last_turn(Turn(EVIL, EVIL, outcome, EVIL, (passage,)), 1, "kk")
        assert "<script" not in html
        assert html.count("<article") == 1


def test_crisis_card_keeps_its_text_to_the_letter() -> None:
    html = last_turn(Turn("…", CARD, "crisis"), 1, "kk")
    assert 'role="alert"' in html
    assert CARD in plain(html)
    assert re.findall(r'href="tel:(\d+)"', html) == ["112", "111", "150"]


@pytest.mark.parametrize("text", ["1991 жылы", "15.150", "112:30", "№1112", "150,5 км"])
def test_only_a_helpline_becomes_a_number_to_tap(text: str) -> None:
    assert "tel:" not in last_turn(Turn("…", text, "crisis"), 1, "kk")


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("2026-01-01", "", "01.01.2026 бастап"),
        ("", "2026-12-31", "31.12.2026 дейін"),
        ("2026-01-01", "2026-12-31", "01.01.2026 және 31.12.2026 аралығында"),
    ],
)
def test_passage_shows_where_it_comes_from(first: str, last: str, shown: str) -> None:
    passage = Citation(2, "Ту", "Ту көк түсті.", "Qalqan", "CC BY 4.0", first, last, "2026-11-01", ("Заң", "Кітап"))
    text = plain(last_turn(Turn("Ту?", "Көк [2].", "answered", citations=(passage,)), 4, "kk"))
    for piece in ("Ту көк түсті.", "Qalqan", "CC BY 4.0", shown, "01.11.2026", "Заң, Кітап"):
        assert piece in text


def test_each_turn_has_its_own_anchors() -> None:
    passage = (Citation(1, "Ту", "Ту көк түсті."),)
    both = [Turn("а", "б [1]", citations=passage), Turn("в", "г [1]", citations=passage)]
    ids = re.findall(r' id="([^"]+)"', turns(both, "kk"))
    assert ids == ["q-source-1-1", "q-source-2-1"]


def test_notes() -> None:
    assert say("note_stopped", "ru") in last_turn(Turn("а", "б", stopped=True), 1, "ru")
    assert say("note_cut", "ru") in last_turn(Turn("а", "б", cut=True), 1, "ru")
    assert say("note_redacted", "ru") in last_turn(Turn("а", "б", "redacted"), 1, "ru")
    assert say("fault_busy", "ru") in last_turn(Turn("а", fault="fault_busy"), 1, "ru")
