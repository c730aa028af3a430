"""What stands where on the page, and how each part looks in each state of the conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block

from . import render
from .conversation import Conversation
from .texts import LANGUAGE_NAMES, LANGUAGES, SUGGESTIONS, Language, say

FIRST = Conversation()
"""How every page begins."""
Updates = dict[Block, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """The page's components, from top to bottom; `conversation` is its state."""

    conversation: gr.State
    heading: gr.HTML
    language: gr.Radio
    new: gr.Button
    notice_panel: gr.Column
    notice: gr.HTML
    accept: gr.Button
    past: gr.HTML
    last: gr.HTML
    retry: gr.Button
    start_panel: gr.Column
    greeting: gr.HTML
    suggestions: tuple[gr.Button, ...]
    composer: gr.Column
    complaint: gr.HTML
    question: gr.Textbox
    send: gr.Button
    stop: gr.Button
    reminder: gr.HTML

    def turns(self, conversation: Conversation) -> Updates:
        """Everything that depends on the turns and on whether an answer is on its way."""
        language, held = conversation.language, conversation.turns
        running = conversation.running
        return {
            self.past: render.turns(held[:-1], language),
            self.last: self.answer(conversation),
            self.retry: gr.update(visible=conversation.failed and not running),
            self.new: gr.update(visible=bool(held)),
            self.start_panel: gr.update(visible=conversation.accepted and not held),
            self.send: gr.update(visible=not running),
            self.stop: gr.update(visible=running),
        }

    def answer(self, conversation: Conversation) -> str:
        """The newest turn alone; all that changes while an answer streams."""
        held = conversation.turns
        return render.last_turn(held[-1], len(held), conversation.language) if held else ""

    def everything(self, conversation: Conversation) -> Updates:
        """Every part of the page in the conversation's language."""
        language, accepted = conversation.language, conversation.accepted
        updates: Updates = self.turns(conversation) | {
            self.heading: render.heading(language),
            self.language: gr.update(label=say("language", language)),
            self.notice_panel: gr.update(visible=not accepted),
            self.notice: render.notice(language),
            self.greeting: render.greeting(language),
            self.complaint: "",
            self.composer: gr.update(visible=accepted),
            self.question: gr.update(label=say("question", language), placeholder=say("placeholder", language)),
            self.reminder: render.line("reminder", language),
        }
        named = {"accept": self.accept, "send": self.send, "stop": self.stop, "retry": self.retry, "new": self.new}
        for key, button in named.items():
            updates[button] = updates.get(button, gr.update()) | {"value": say(key, language)}
        for button, text in zip(self.suggestions, SUGGESTIONS[language], strict=True):
            updates[button] = gr.update(value=text)
        return updates


def lay_out() -> Layout:
    """Creates the components inside the current Blocks, as they stand before the notice is accepted."""
    return Layout(gr.State(FIRST), *_header(FIRST.language), *_main(FIRST.language), *_composer(FIRST.language))


def _header(language: Language) -> tuple[gr.HTML, gr.Radio, gr.Button]:
    label = say("language", language)
    choices: list[str | int | float | tuple[str, str | int | float]] = [
        (LANGUAGE_NAMES[code], code) for code in LANGUAGES
    ]
    with gr.Row(elem_id="q-header"):
        heading = _html(render.heading(language), "q-heading")
        switch = gr.Radio(choices, value=language, label=label, elem_id="q-language", container=False)
        new = gr.Button(say("new", language), elem_id="q-new", size="sm", visible=False)
    return heading, switch, new


def _main(
    language: Language,
) -> tuple[gr.Column, gr.HTML, gr.Button, gr.HTML, gr.HTML, gr.Button, gr.Column, gr.HTML, tuple[gr.Button, ...]]:
    with gr.Column(elem_id="q-main"):
        with gr.Column(elem_id="q-notice") as notice_panel:
            notice = _html(render.notice(language), "q-notice-text")
            accept = gr.Button(say("accept", language), variant="primary", elem_id="q-accept")
        past = _html("", "q-past")
        last = _html("", "q-last")
        retry = gr.Button(say("retry", language), elem_id="q-retry", size="sm", visible=False)
        with gr.Column(elem_id="q-start", visible=False) as start_panel:
            greeting = _html(render.greeting(language), "q-greeting")
            suggestions = tuple(gr.Button(text, elem_classes="q-suggestion") for text in SUGGESTIONS[language])
    return notice_panel, notice, accept, past, last, retry, start_panel, greeting, suggestions


def _composer(language: Language) -> tuple[gr.Column, gr.HTML, gr.Textbox, gr.Button, gr.Button, gr.HTML]:
    with gr.Column(elem_id="q-composer", visible=False) as composer:
        complaint = _html("", "q-complaint")
        with gr.Row(elem_id="q-ask"):
            question = gr.Textbox(
                label=say("question", language),
                placeholder=say("placeholder", language),
                elem_id="q-question",
                lines=1,
                max_lines=6,
                show_label=False,
                container=False,
                interactive=True,
            )
            send = gr.Button(say("send", language), variant="primary", elem_id="q-send")
            stop = gr.Button(say("stop", language), variant="stop", elem_id="q-stop", visible=False)
        reminder = _html(render.line("reminder", language), "q-reminder")
    return composer, complaint, question, send, stop, reminder


def _html(value: str, name: str) -> gr.HTML:
    return gr.HTML(value, elem_id=name, apply_default_css=False, js_on_load=None)
