"""An answer's Markdown as HTML that can hold nothing but text: no raw HTML, no links, no images."""

from __future__ import annotations

import re
from collections.abc import Collection
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

_CITED = re.compile(r"\[(\d{1,2})\]")
# A link or a picture in a model's answer could lead a child out of the building, so both stay plain text.
_LEFT_AS_TEXT = ["link", "image", "autolink", "html_inline", "html_block", "reference"]
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(_LEFT_AS_TEXT)


def markdown(text: str, cited: Collection[int] = (), anchor: str = "", open_label: str = "{n}") -> str:
    """HTML of `text`; each [n] with n in `cited` becomes a button that opens the passage with the id `anchor`-n.

    `open_label` is the button's name for a screen reader, with {n} for the number. Headings start at level 3.
    """
    tokens = _PARSER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        if token.children:
            token.children = [part for child in token.children for part in _marked(child, cited, anchor, open_label)]
    return _PARSER.renderer.render(tokens, _PARSER.options, {})


def _marked(token: Token, cited: Collection[int], anchor: str, open_label: str) -> list[Token]:
    """A text token cut at its citation marks; any other token as it is."""
    if token.type != "text":
        return [token]
    parts: list[Token] = []
    at = 0
    for mark in _CITED.finditer(token.content):
        if int(mark[1]) not in cited:
            continue
        parts.append(Token("text", "", 0, content=token.content[at : mark.start()]))
        name = escape(open_label.format(n=mark[1]), quote=True)
        button = f'<button type="button" class="q-cite" data-opens="{anchor}-{mark[1]}" aria-label="{name}">'
        parts.append(Token("html_inline", "", 0, content=f"{button}{mark[1]}</button>"))
        at = mark.end()
    parts.append(Token("text", "", 0, content=token.content[at:]))
    return parts
