"""HTML of the page's own parts. Every word that came from a person, a model or a document is escaped here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from html import escape

from .conversation import Citation, Turn
from .markdown import markdown
from .texts import Language, say

NOTICE = ("notice_program", "notice_mistakes", "notice_private", "notice_adult", "notice_choice")
_HELPLINE = re.compile(r"(?<![\w.,:+-])1\d{2}(?![\w:+]|[.,]\d)")


def heading(language: Language) -> str:
    """The name of the page, with its mark."""
    return (
        '<div class="q-brand"><img src="ui/icon.svg" alt="" width="32" height="32">'
        f"<h1>Qalqan <span>{escape(say('tagline', language))}</span></h1></div>"
    )


def notice(language: Language) -> str:
    """What a reader must know before the first word: that this is AI, that it errs, that it needs no names."""
    points = "".join(f"<li>{escape(say(key, language))}</li>" for key in NOTICE)
    return f'<h2 id="q-notice-title">{escape(say("notice_title", language))}</h2><ul>{points}</ul>'


def greeting(language: Language) -> str:
    """The empty page's invitation to ask."""
    return f"<h2>{escape(say('greeting', language))}</h2><p>{escape(say('suggestions', language))}</p>"


def line(key: str, language: Language) -> str:
    """One sentence as a paragraph, or nothing for an empty key."""
    return f"<p>{escape(say(key, language))}</p>" if key else ""


def turns(past: Sequence[Turn], language: Language) -> str:
    """The turns before the last one."""
    if not past:
        return ""
    body = "".join(_turn(turn, number, language) for number, turn in enumerate(past, 1))
    return f'<section aria-label="{escape(say("conversation", language), quote=True)}">{body}</section>'


def last_turn(turn: Turn, number: int, language: Language) -> str:
    """The newest turn, announced to a screen reader once it is whole."""
    busy = "true" if turn.running else "false"
    return f'<section role="log" aria-live="polite" aria-busy="{busy}">{_turn(turn, number, language)}</section>'


def _turn(turn: Turn, number: int, language: Language) -> str:
    label = escape(say("question", language), quote=True)
    question = f'<div class="q-question" role="group" aria-label="{label}">{escape(turn.question)}</div>'
    return f'<article class="q-turn">{question}{_answer(turn, number, language)}{_notes(turn, language)}</article>'


def _answer(turn: Turn, number: int, language: Language) -> str:
    if not turn.answer:
        return f'<p class="q-waiting">{escape(say("waiting", language))}</p>' if turn.running else ""
    attributes = f'data-outcome="{escape(turn.outcome, quote=True)}" data-receipt="{escape(turn.receipt, quote=True)}"'
    label = f'<p class="q-label">{escape(say("ai_label", language))}</p>'
    if turn.outcome == "crisis":
        title = escape(say("crisis", language))
        card = f"<h2>{title}</h2><p>{_callable(turn.answer)}</p>"
        return f'<div class="q-crisis" role="alert" {attributes}>{card}{label}</div>'
    anchor = f"q-source-{number}"
    cited = {citation.index for citation in turn.citations}
    body = markdown(turn.answer, cited, anchor, say("source_number", language, n="{n}"))
    kind = "q-answer q-blocked" if turn.outcome == "blocked" else "q-answer"
    sources = _sources(turn.citations, anchor, language)
    return f'<div class="{kind}" {attributes}>{label}<div class="q-text">{body}</div>{sources}</div>'


def _callable(text: str) -> str:
    """The card's text unchanged, its helpline numbers made to be tapped on a phone."""
    return _HELPLINE.sub(lambda number: f'<a href="tel:{number[0]}">{number[0]}</a>', escape(text))


def _sources(citations: Sequence[Citation], anchor: str, language: Language) -> str:
    if not citations:
        return ""
    items = "".join(f"<li>{_source(citation, anchor, language)}</li>" for citation in citations)
    title = escape(say("sources", language))
    return f'<div class="q-sources"><h3>{title}</h3><ol>{items}</ol></div>'


def _source(citation: Citation, anchor: str, language: Language) -> str:
    facts = [
        ("producer", citation.producer),
        ("licence", citation.licence),
        ("in_force", _period(citation, language)),
        ("checked", _day(citation.checked_on)),
        ("origin", ", ".join(citation.sources)),
    ]
    rows = "".join(f"<dt>{escape(say(key, language))}</dt><dd>{escape(value)}</dd>" for key, value in facts if value)
    number = f'<span class="q-number">{citation.index}</span>'
    return (
        f'<details id="{anchor}-{citation.index}"><summary>{number}{escape(citation.title)}</summary>'
        f"<blockquote>{escape(citation.text)}</blockquote><dl>{rows}</dl></details>"
    )


def _period(citation: Citation, language: Language) -> str:
    first, last = _day(citation.valid_from), _day(citation.valid_to)
    if first and last:
        return say("between", language, first=first, last=last)
    if first:
        return say("since", language, day=first)
    return say("until", language, day=last) if last else ""


def _day(iso: str) -> str:
    """An ISO date as 31.12.2026; what is no date stays as it is."""
    try:
        return date.fromisoformat(iso).strftime("%d.%m.%Y")
    except ValueError:
        return iso


def _notes(turn: Turn, language: Language) -> str:
    keys: list[str] = []
    if turn.stopped:
        keys.append("note_stopped")
    if turn.cut:
        keys.append("note_cut")
    if turn.outcome == "redacted":
        keys.append("note_redacted")
    notes = "".join(f'<p class="q-note">{escape(say(key, language))}</p>' for key in keys)
    fault = f'<p class="q-fault" role="alert">{escape(say(turn.fault, language))}</p>' if turn.fault else ""
    return notes + fault
