"""Marks of restricted documents: official use (ДСП, ҚБП) by Rules 429, and the grades of state secrets by Law 349-I.

A grade counts where a document bears it: on its own line, or with a copy number. A mention in a sentence is a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from qalqan_guardrails.detectors.numbers import Candidate
from qalqan_guardrails.normalise import Normalised

OFFICIAL_USE, STATE_SECRET = "marking.official_use", "marking.state_secret"
LONG_FORM = re.compile(
    r"для\s{1,5}служебного\s{1,5}пользования|қызмет\s{1,5}бабында\s{1,5}пайдалан\w{1,6}(?:\s{1,5}үшін)?|for\s{1,5}official\s{1,5}use\s{1,5}only"
)
SHORT_FORM = re.compile(r"(?<![\w-])(?:дсп|қбп)(?![\w-])")
GRADE = re.compile(
    r"(?:совершенно\s{1,5}секретно|особой\s{1,5}важности|секретно|өте\s{1,5}құпия|аса\s{1,5}маңызды|құпия|top\s{1,5}secret)(?![\w-])"
)
# Grades that are everyday words too: on a line of their own they may be a title.
EVERYDAY = ("құпия", "аса", "особой")
COPY = re.compile(r"экз(?:емпляр)?\b|\bэкз\.|\bдана\s{0,3}№|№\s{0,3}\d{1,4}\s{0,3}дана|\bcopy\s{1,3}no")
BEARING = re.compile(
    r"гриф|пометк|экз|дана\b|белгі|құжат|документ|приказ|бұйрық|хат\s{0,2}№|рег|вх\.|исх\.|marked|document"
)
ASKED = re.compile(
    r"\?|что\s(?:такое|значит|означа)|деген(?:іміз)?\s(?:не|сөз)|нені\sбілдір|what\s(?:is|does)|расшифр|означает|meaning"
)
FRAME = " \t\r«»\"'()[]*_#|<>.,:;-—=№0123456789"
NEAR = 60
MOST = 500
# One of these stands in a text that bears a mark; most texts are done after looking for them.
LONG_WORDS = ("пользован", "пайдалан", "official")
GRADE_WORDS = ("секретно", "құпия", "особой", "маңызды", "secret")


def find(normal: Normalised, original: str) -> list[Candidate]:
    """Marks in a normal form; `original` tells capitals from small letters."""
    text = normal.text
    found: list[Candidate] = []
    if any(word in text for word in LONG_WORDS):
        found += [_mention(text, match) for match in _few(LONG_FORM, text)]
    if "дсп" in text or "қбп" in text:
        found += [_short(text, match) for match in _few(SHORT_FORM, text) if _in_capitals(normal, original, match)]
    if any(word in text for word in GRADE_WORDS):
        found += _grades(normal, original)
    return found


def _few(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The first matches: one mark decides on a document, and a page of marks would take long."""
    return islice(pattern.finditer(text), MOST)


def _mention(text: str, match: re.Match[str]) -> Candidate:
    asked = ASKED.search(_around(text, match)) and not _alone(text, match)
    return Candidate(match.start(), match.end(), 0.4 if asked else 0.95, OFFICIAL_USE, "")


def _short(text: str, match: re.Match[str]) -> Candidate:
    """ДСП is also chipboard: it needs its own line or a word of a document beside it."""
    around = _around(text, match)
    if _alone(text, match):
        score = 0.95
    elif ASKED.search(around):
        score = 0.3
    else:
        score = 0.9 if BEARING.search(around) or match[0] == "қбп" else 0.3
    return Candidate(match.start(), match.end(), score, OFFICIAL_USE, "")


def _grades(normal: Normalised, original: str) -> Iterator[Candidate]:
    text = normal.text
    for match in _few(GRADE, text):
        copy = COPY.search(text, match.end(), match.end() + NEAR)
        if not _opens_line(text, match) or not (copy or _alone(text, match)):
            continue
        plain = match[0].startswith(EVERYDAY) and not copy and not _in_capitals(normal, original, match)
        yield Candidate(match.start(), match.end(), 0.5 if plain else 0.97, STATE_SECRET, "")


def _in_capitals(normal: Normalised, original: str, match: re.Match[str]) -> bool:
    start, end = normal.span(*match.span())
    return original[start:end].isupper()


def _around(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - NEAR) : match.end() + NEAR]


def _opens_line(text: str, match: re.Match[str]) -> bool:
    """Whether nothing but punctuation and numbers stands before it on its line (looked at 40 characters back)."""
    before = text[max(0, match.start() - 40) : match.start()]
    return not before.rpartition("\n")[2].strip(FRAME)


def _alone(text: str, match: re.Match[str]) -> bool:
    """Whether it fills its line, or opens it and a full stop or a copy number follows."""
    after = text[match.end() : match.end() + 40].partition("\n")[0]
    if not _opens_line(text, match):
        return False
    return not after.strip(FRAME) or after.lstrip(" »\"')").startswith(".") or bool(COPY.match(after.lstrip(FRAME)))
