"""What readers see from us: refusals, the fixed crisis card and masks, in Kazakh, Russian and English (texts/*.yaml).

Every text must stand in all three languages, or the package does not start.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, RootModel

from qalqan_guardrails.contract import Language
from qalqan_guardrails.data import HERE, read_as

FOLDER = HERE / "texts"
CRISIS_CARD: Final = "crisis_card"
COULD_NOT_CHECK: Final = "could_not_check"


class InThree(BaseModel):
    """One text in the three languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kk: str = Field(min_length=1)
    ru: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_(self, lang: Language) -> str:
        """The text in one language."""
        return {"kk": self.kk, "ru": self.ru, "en": self.en}[lang]


class ById(RootModel[dict[str, InThree]]):
    """Texts by their id."""


class Helplines(BaseModel):
    """Numbers on the crisis card and the day on which they were checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    verified_on: date
    emergency: str = Field(pattern=r"^\d{3,11}$")
    contact: str = Field(pattern=r"^\d{3,11}$")
    youth: str = Field(pattern=r"^\d{3,11}$")


@cache
def helplines() -> Helplines:
    """The numbers on the crisis card."""
    return read_as(FOLDER / "helplines.yaml", Helplines)


def message_ids() -> frozenset[str]:
    """Every id that `message` knows."""
    return frozenset(_messages()) | {CRISIS_CARD}


def message(id: str, lang: Language) -> str:
    """The reader's text for `Verdict.message`; for "crisis_card" the card. Raises KeyError for an unknown id."""
    return crisis_card(lang) if id == CRISIS_CARD else _messages()[id].in_(lang)


def crisis_card(lang: Language) -> str:
    """The fixed card: who can be called now, and that an adult should know. The same bytes each time."""
    numbers = helplines().model_dump(include={"emergency", "contact", "youth"})
    return _card().in_(lang).format_map(numbers)


def mask(label: str, lang: Language) -> str:
    """What stands in place of something redacted, such as "[ЖСН]"."""
    return (_masks().get(label) or _masks()["other"]).in_(lang)


@cache
def _messages() -> dict[str, InThree]:
    return read_as(FOLDER / "messages.yaml", ById).root


@cache
def _masks() -> dict[str, InThree]:
    return read_as(FOLDER / "masks.yaml", ById).root


@cache
def _card() -> InThree:
    return read_as(FOLDER / "crisis_card.yaml", InThree)
