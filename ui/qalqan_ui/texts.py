"""The page's sentences and suggested questions, read from the YAML files beside this module."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, cast, get_args

import yaml

Language = Literal["kk", "ru", "en"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE_NAMES: dict[Language, str] = {"kk": "Қазақша", "ru": "Русский", "en": "English"}
"""Each language by its own name, whatever the page's language is."""


def _load(name: str) -> Any:
    return yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))


TEXTS = cast("dict[str, dict[Language, str]]", _load("texts.yaml"))
SUGGESTIONS = cast("dict[Language, list[str]]", _load("suggestions.yaml"))


def say(key: str, language: Language, **values: object) -> str:
    """The sentence `key` in `language`, with its {placeholders} filled in. KeyError when there is none."""
    return TEXTS[key][language].format(**values)
