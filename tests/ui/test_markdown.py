"""Markdown of an answer: its shape stays, and nothing in it can act."""

from __future__ import annotations

import re

import pytest

from qalqan_ui.markdown import markdown


def test_shape() -> None:
    html = markdown("# Тақырып\n\n**қалың** ~~жоқ~~ `код`\n\n- бір\n- екі\n\n| а | ә |\n|---|---|\n| 1 | 2 |\n")
    for piece in (
        "<h3>Тақырып</h3>",
        "<strong>қалың</strong>",
        "<s>жоқ</s>",
        "<code>код</code>",
        "<li>бір</li>",
        "<td>2</td>",
    ):
        assert piece in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a\n\n<div onclick='x()'>\n\nb",
        "<iframe src='http://outside.example'></iframe>",
        "[click](javascript:alert(1))",
        "[click](http://outside.example)",
        "![pic](http://outside.example/a.png)",
        "<http://outside.example>",
        "[a]\n\n[a]: http://outside.example",
        "`<b onclick=x>`",
        "```<script>\n<script>alert(1)</script>\n```",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "\\<script>",
        "| <script> |\n|---|\n| <a href=x> |",
    ],
)
def test_nothing_but_text(hostile: str) -> None:
    html = markdown(hostile, cited={1}, anchor="q")
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", html))
    assert tags <= {"p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"}
    for tag in re.findall(r"<[^>]*>", html):
        assert re.fullmatch(r'</?\w+( class="language-[^"<>]*")?>', tag)


def test_citation_marks_open_their_passage() -> None:
    html = markdown("Астана [1], өзен [2][9]; `[1]`", cited={1, 2}, anchor="q-source-3", open_label="{n}-дереккөз")
    assert html.count("<button") == 2
    assert 'data-opens="q-source-3-1" aria-label="1-дереккөз">1</button>' in html
    assert 'data-opens="q-source-3-2"' in html
    assert "[9]" in html
    assert "<code>[1]</code>" in html


def test_mark_without_its_passage_stays_text() -> None:
    assert markdown("Астана [1]") == "<p>Астана [1]</p>\n"
