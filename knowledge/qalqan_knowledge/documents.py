"""Documents as they lie in files: Markdown or plain text under a block of YAML that says whose they are and since when.

A document becomes passages, cut at the ends of sentences, each of which can be cited on its own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from qalqan_knowledge.contract import Language, Passage
from qalqan_knowledge.errors import DocumentRefused

SUFFIXES = (".md", ".txt")
_MOST_BYTES = 10_000_000
_ENOUGH_WORDS, _MOST_WORDS, _FEWEST_WORDS = 110, 160, 40
_FRONT = re.compile(r"\A---[ \t]*\n(?P<front>.*?)\n---[ \t]*(?:\n|\Z)(?P<body>.*)\Z", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$")
_LIST_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|`)(.+?)\1")
_STOP = re.compile(r"[.!?…]+[»”\"')\]]*(?=\s)")
_NEXT_LETTER = re.compile(r"[^\W_]")
_LAST_WORD = re.compile(r"([^\s«“\"'(\[]+?)\.$")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Metadata(BaseModel):
    """What a document must say of itself; an unknown key is refused, since it may be a reservation of rights."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: str = Field(pattern=r"^[\w-]+(?:[/.][\w-]+)*$", max_length=200)
    title: str = Field(min_length=1, max_length=300)
    lang: Language
    producer: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    source: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]
    valid_from: date | None
    valid_to: date | None
    checked_on: date
    collection: str = Field(default="national", pattern=r"^[\w-]+$", max_length=100)
    topic: str = ""
    ai_input: bool = True
    """False where the rights holder forbids answers drawn from the document (Content-Signal's ai-input=no)."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> Metadata:
        if self.valid_from and self.valid_to and self.valid_from > self.valid_to:
            raise ValueError("valid_from is later than valid_to")
        return self


@dataclass(frozen=True, slots=True)
class Document:
    """A document read: `key` names it in the library (id and language), `digest` is the SHA-256 of its file."""

    key: str
    metadata: Metadata
    text: str
    digest: str


def read_document(path: Path, content: bytes | None = None) -> Document:
    """The document in a UTF-8 file (`content`, when its bytes are already at hand).

    Raises DocumentRefused, saying why, when it cannot or may not be taken in.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DocumentRefused(f"{path.name}: only {' and '.join(SUFFIXES)} files are taken in; save it as one of them.")
    content = read_bytes(path) if content is None else content
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise DocumentRefused(f"{path.name}: byte {error.start} is not UTF-8; save the file as UTF-8.") from error
    parts = _FRONT.match(text)
    if parts is None:
        raise DocumentRefused(f"{path.name}: it does not begin with its metadata between two lines of '---'; add them.")
    metadata = _metadata(path, parts["front"])
    if not metadata.ai_input:
        raise DocumentRefused(f"{path.name}: its rights holder forbids use in answers (ai_input); it is left out.")
    body = parts["body"].strip()
    if not body:
        raise DocumentRefused(f"{path.name}: it has no text after its metadata; add the text.")
    return Document(f"{metadata.id}.{metadata.lang}", metadata, body, hashlib.sha256(content).hexdigest())


def read_bytes(path: Path) -> bytes:
    """A file's bytes; DocumentRefused when it cannot be read or is larger than 10 MB."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DocumentRefused(f"{path.name}: it is larger than {_MOST_BYTES // 1_000_000} MB; split it.")
        return path.read_bytes()
    except OSError as error:
        raise DocumentRefused(f"{path.name}: it cannot be read ({error.strerror}); check it.") from error


def _metadata(path: Path, front: str) -> Metadata:
    try:
        raw = yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 2}" if mark is not None else ""
        raise DocumentRefused(f"{path.name}: its metadata is not valid YAML{where}; correct it.") from error
    if not isinstance(raw, dict):
        raise DocumentRefused(f"{path.name}: its metadata is not a list of 'key: value' lines; correct it.")
    try:
        return Metadata.model_validate(raw)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'dates'}: {fault['msg']}" for fault in error.errors())
        raise DocumentRefused(f"{path.name}: its metadata is not accepted ({wrong}); correct it.") from error


@lru_cache(maxsize=1)
def _abbreviations() -> frozenset[str]:
    text = resources.files("qalqan_knowledge").joinpath("abbreviations.yaml").read_text(encoding="utf-8")
    return frozenset(str(word) for word in yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506 - builds strings only


def sentences(text: str) -> list[str]:
    """The sentences of a text in order; a stop after an abbreviation, an initial or a number's part ends none."""
    found: list[str] = []
    start = 0
    for stop in _STOP.finditer(text):
        follows = _NEXT_LETTER.search(text, stop.end())
        if _ends_sentence(text[start : stop.end()]) and not (follows and follows[0].islower()):
            found.append(text[start : stop.end()].strip())
            start = stop.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _ends_sentence(text: str) -> bool:
    before = _LAST_WORD.search(text)
    if before is None:
        return True
    last = before[1].lower()
    return len(last) > 1 and "." not in last and last not in _abbreviations()


def _plain(line: str) -> str:
    return _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", line)).strip()


def _sections(body: str) -> list[tuple[str, list[str]]]:
    """Headings ("" before the first) with the sentences under each; a list item is a sentence of its own."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    paragraph: list[str] = []

    def end_paragraph() -> None:
        sections[-1][1].extend(sentences(" ".join(paragraph)))
        paragraph.clear()

    for line in _COMMENT.sub("", body).splitlines():
        heading = _HEADING.match(line)
        item = _LIST_ITEM.match(line)
        if heading or item or not line.strip():
            end_paragraph()
        if heading:
            sections.append((_plain(heading[1]), []))
        elif line.strip():
            paragraph.append(_plain(line[item.end() :] if item else line))
    end_paragraph()
    return [(heading, lines) for heading, lines in sections if lines]


def _bounded(sentence: str) -> list[str]:
    """A sentence, cut by words when it alone is longer than a passage may be."""
    parts = sentence.split()
    return [" ".join(parts[at : at + _MOST_WORDS]) for at in range(0, len(parts), _MOST_WORDS)]


def _packed(lines: list[str]) -> list[str]:
    """Sentences gathered into passages; a short rest joins the passage before it."""
    passages: list[list[str]] = [[]]
    size = 0
    for sentence in (part for line in lines for part in _bounded(line)):
        length = len(sentence.split())
        if passages[-1] and (size >= _ENOUGH_WORDS or size + length > _MOST_WORDS):
            passages.append([])
            size = 0
        passages[-1].append(sentence)
        size += length
    if len(passages) > 1 and size < _FEWEST_WORDS:
        rest = passages.pop()
        passages[-1].extend(rest)
    return [" ".join(passage) for passage in passages]


def passages(document: Document, collection: str | None = None) -> list[Passage]:
    """The document's passages of some 40 to 160 words (a whole short section may have fewer).

    Ids are `key#1`, `key#2`, ...; a section's heading stands in the title after the document's own.
    """
    meta = document.metadata
    texts = [(heading, text) for heading, lines in _sections(document.text) for text in _packed(lines)]
    return [
        Passage(
            id=f"{document.key}#{number}",
            document=document.key,
            title=f"{meta.title} · {heading}" if heading and heading != meta.title else meta.title,
            text=text,
            lang=meta.lang,
            collection=collection or meta.collection,
            producer=meta.producer,
            licence=meta.licence,
            source="; ".join(meta.source),
            valid_from=meta.valid_from,
            valid_to=meta.valid_to,
            checked_on=meta.checked_on,
        )
        for number, (heading, text) in enumerate(texts, start=1)
    ]
