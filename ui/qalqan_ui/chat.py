"""What happens on the page: accepting the notice, asking, stopping, asking again, starting anew, switching language."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import gradio as gr

from . import render
from .conversation import QUESTION_LIMIT, Conversation, Turn
from .gateway import Fragment, Gateway, GatewayFault
from .layout import FIRST, Layout, Updates, lay_out
from .texts import Language, say

_log = logging.getLogger(__name__)


class Chat:
    """The page's events over one gateway. Nothing here is kept between pages: all state is in `Conversation`."""

    def __init__(self, gateway: Gateway, layout: Layout) -> None:
        self._gateway = gateway
        self._layout = layout

    async def ask(self, question: str, conversation: Conversation) -> AsyncGenerator[Updates, None]:
        """Asks what stands in the question box, and clears it once the question is on its way."""
        layout, text = self._layout, question.strip()
        if not text or not conversation.accepted or conversation.running:
            return
        if len(text) > QUESTION_LIMIT:
            yield {layout.complaint: render.line("fault_long", conversation.language)}
            return
        cleared: Updates = {layout.question: "", layout.complaint: ""}
        conversation.turns.append(Turn(text))
        yield layout.turns(conversation) | cleared
        async with aclosing(self._stream(conversation)) as updates:
            async for update in updates:
                yield update

    async def suggest(self, suggestion: str, conversation: Conversation) -> AsyncGenerator[Updates, None]:
        """Asks a suggested question and leaves what is being written in the box alone."""
        if not conversation.accepted or conversation.running:
            return
        conversation.turns.append(Turn(suggestion))
        yield self._layout.turns(conversation)
        async with aclosing(self._stream(conversation)) as updates:
            async for update in updates:
                yield update

    async def retry(self, conversation: Conversation) -> AsyncGenerator[Updates, None]:
        """Asks the last question again in the place of its failed turn."""
        if not conversation.failed:
            return
        async with aclosing(self.suggest(conversation.turns.pop().question, conversation)) as updates:
            async for update in updates:
                yield update

    async def _stream(self, conversation: Conversation) -> AsyncGenerator[Updates, None]:
        """Fills the last turn from the gateway; whatever ends it, the turn is left closed and upstream is too."""
        layout, turn = self._layout, conversation.turns[-1]
        try:
            async with aclosing(self._gateway.answer(conversation.messages(), conversation.language)) as fragments:
                async for fragment in _until(turn.left, fragments):
                    turn.answer += fragment.text
                    turn.receipt = fragment.receipt or turn.receipt
                    turn.outcome = fragment.outcome or turn.outcome
                    turn.citations = fragment.citations or turn.citations
                    turn.cut = turn.cut or fragment.finish == "length"
                    yield {layout.last: layout.answer(conversation)}
            turn.running = False
        except GatewayFault as fault:
            turn.running, turn.fault = False, fault.text
        except Exception as error:
            # The kind of a fault may be logged; its text may hold a pupil's words.
            _log.error("an answer failed: %s", type(error).__name__)
            turn.running, turn.fault = False, "fault_broken"
        finally:
            turn.stop()
        if not turn.answer and not turn.fault:
            turn.fault = "fault_broken"
        yield layout.turns(conversation)

    async def stop(self, conversation: Conversation) -> Updates:
        """Leaves the answer as far as it came."""
        if conversation.turns:
            conversation.turns[-1].stop()
        return self._layout.turns(conversation)

    async def renew(self, conversation: Conversation) -> Updates:
        """An empty page; an answer on its way is left."""
        await self.stop(conversation)
        conversation.turns.clear()
        return self._layout.everything(conversation)

    async def accept(self, conversation: Conversation) -> Updates:
        """Opens the chat to a reader who has read the notice."""
        conversation.accepted = True
        return self._layout.everything(conversation) | {self._layout.conversation: conversation}

    async def switch(self, language: Language, conversation: Conversation) -> Updates:
        """The whole page in another language; what was said stays as it was said."""
        conversation.language = language
        return self._layout.everything(conversation) | {self._layout.conversation: conversation}


async def _until(left: asyncio.Event, fragments: AsyncGenerator[Fragment, None]) -> AsyncGenerator[Fragment, None]:
    """The fragments as they come, until they end or `left` is set.

    Gradio can cancel an event too, but a cancelled one sometimes leaves its English "Error" on the page.
    """
    leaving = asyncio.ensure_future(left.wait())
    try:
        while True:
            coming = asyncio.ensure_future(anext(fragments, None))
            try:
                await asyncio.wait({leaving, coming}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            fragment = None if left.is_set() else coming.result()
            if fragment is None:
                return
            yield fragment
    finally:
        leaving.cancel()


def build(gateway: Gateway) -> gr.Blocks:
    """The page, wired to `gateway`."""
    with gr.Blocks(title=say("page_title", FIRST.language), analytics_enabled=False, fill_width=True) as blocks:
        layout = lay_out()
        _wire(Chat(gateway, layout), layout)
    blocks.queue(default_concurrency_limit=None, api_open=False)
    return blocks


def _wire(chat: Chat, page: Layout) -> None:
    """Which act of the reader leads to which event."""
    # Gradio would drop a question that comes in the moment in which it still winds up the answer before it; whether an
    # answer is on its way is asked of the conversation instead.
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}
    state = page.conversation
    turns: list[Any] = [page.past, page.last, page.retry, page.new, page.start_panel, page.send, page.stop]
    everything = [part for part in _parts(page) if part is not state]

    gr.on([page.question.submit, page.send.click], chat.ask, [page.question, state],
                  [*turns, page.question, page.complaint], **quiet)  # fmt: skip
    page.retry.click(chat.retry, [state], turns, **quiet)
    for button in page.suggestions:
        button.click(chat.suggest, [button, state], turns, **quiet)

    page.stop.click(chat.stop, [state], turns, **quiet)
    page.new.click(chat.renew, [state], everything, **quiet)
    page.accept.click(chat.accept, [state], [*everything, state], **quiet).then(js="() => qalqan.write()", **quiet)
    page.language.input(chat.switch, [page.language, state], [*everything, state], **quiet)
    page.language.input(None, [page.language], js="(language) => qalqan.speak(language)", **quiet)


def _parts(page: Layout) -> list[Any]:
    """Every component of the layout, the suggestions one by one."""
    named = [getattr(page, name) for name in page.__slots__ if name != "suggestions"]
    return [*named, *page.suggestions]
