"""The chat as a pupil uses it, in a real Chromium, over a scripted gateway."""

from __future__ import annotations

import re
import signal
import time

import pytest
from playwright.async_api import Browser, expect
from ui.browser import PHONE, Chat, eventually, reader
from ui.fake_gateway import BLOCK, CRISIS, FakeGateway
from ui.servers import chat_process, free_port, served

from qalqan_ui.texts import LANGUAGES, SUGGESTIONS, Language, say

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CAPITAL = "Қазақстанның астанасы қай қала?"
# Everything that a reader can see or a screen reader can say.
VISIBLE_WORDS = """() => {
  const words = [document.title];
  for (const element of document.querySelectorAll("body *")) {
    if (["SCRIPT", "STYLE"].includes(element.tagName) || !element.checkVisibility()) continue;
    for (const name of ["aria-label", "title", "placeholder", "alt"]) words.push(element.getAttribute(name) ?? "");
    for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) words.push(node.textContent);
    if ("value" in element && element.tagName !== "INPUT") words.push(element.value);
  }
  return words.join(" ");
}"""
UNDRAWN_LETTERS = """async (letters) => {
  await document.fonts.ready;
  const pen = document.createElement("canvas").getContext("2d");
  const width = (weight, font, letter) => {
    pen.font = `${weight} 40px ${font}`;
    return pen.measureText(letter).width;
  };
  const undrawn = (name) => [400, 700].flatMap((weight) => [...letters].filter((letter) =>
    width(weight, `${name}, monospace`, letter) !== width(weight, `${name}, serif`, letter)));
  return { plex: undrawn('"IBM Plex Sans"'), none: undrawn('"No Such Font"').length };
}"""


async def test_notice_comes_before_the_first_word(chat: Chat, fake: FakeGateway) -> None:
    page = chat.page
    for key in ("notice_program", "notice_mistakes", "notice_private"):
        await expect(page.locator("#q-notice")).to_contain_text(say(key, "kk"))
    await expect(chat.question).to_be_hidden()
    await chat.accept()
    await expect(page.locator("#q-notice")).to_be_hidden()
    await expect(chat.question).to_be_focused()
    assert fake.requests == []


async def test_cited_answer_in_kazakh(chat: Chat, fake: FakeGateway, chat_url: str) -> None:
    page = chat.page
    await chat.accept()
    answer = await chat.answered(CAPITAL)
    await expect(chat.question).to_have_value("")
    await expect(answer.locator(".q-text")).to_have_text(
        "Қазақстанның астанасы — Астана қаласы 1. Ол Есіл өзенінің бойында тұр 2."
    )
    await expect(answer.locator("strong")).to_have_text("Астана")
    await expect(answer.locator(".q-label")).to_have_text("ЖИ жасаған")
    assert await answer.get_attribute("data-receipt") == "rcpt-1"

    passage = answer.locator("details").first
    await expect(passage.locator("blockquote")).to_be_hidden()
    await answer.locator(".q-cite").first.click()
    await expect(passage.locator("blockquote")).to_contain_text("Есіл өзенінің жағасында")
    await expect(passage.locator("dl")).to_contain_text("CC BY 4.0")
    await expect(passage.locator("dl")).to_contain_text("01.01.2026 бастап")

    await chat.answered("Ол қай өзеннің бойында?")
    await expect(page.locator("#q-past .q-question")).to_have_text(CAPITAL)
    sent = fake.requests[-1]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[0]["content"] == CAPITAL
    assert fake.headers[-1]["accept-language"] == "kk"

    await page.locator("#q-new").click()
    await expect(page.locator(".q-question")).to_have_count(0)
    await expect(page.locator("#q-start")).to_be_visible()
    await page.get_by_role("button", name=SUGGESTIONS["kk"][0]).click()
    await expect(chat.answer.locator(".q-sources")).to_be_visible()
    assert len(fake.requests[-1]["messages"]) == 1

    origin = f"{chat_url}/"
    assert [url for url in chat.requests if not url.startswith(origin)] == []
    assert len(chat.requests) > 20
    assert chat.errors == []


async def test_stop_closes_the_stream(chat: Chat, fake: FakeGateway) -> None:
    await chat.accept()
    await chat.ask("ұзақ әңгіме айт")
    await expect(chat.answer).to_contain_text("5-сөйлем.")
    await expect(chat.send).to_be_hidden()
    await chat.stop.click()
    await expect(chat.page.locator("#q-last .q-note")).to_have_text(say("note_stopped", "kk"))
    await expect(chat.send).to_be_visible()
    await eventually(lambda: fake.abandoned == 1)
    said = await chat.answer.inner_text()
    await chat.page.wait_for_timeout(400)
    assert await chat.answer.inner_text() == said
    await expect(chat.answer.locator(".q-label")).to_be_visible()
    await chat.answered(CAPITAL)
    await expect(chat.answer).to_contain_text("Астана")


async def test_leaving_the_page_closes_the_stream(browser: Browser, chat_url: str, fake: FakeGateway) -> None:
    async with reader(browser, chat_url) as chat:
        await chat.accept()
        await chat.ask("ұзақ әңгіме айт")
        await expect(chat.answer).to_contain_text("3-сөйлем.")
    async with reader(browser, chat_url) as other:
        await other.accept()
        await expect(other.page.locator(".q-question")).to_have_count(0)
        await eventually(lambda: fake.abandoned == 1)


async def test_block_and_crisis_and_what_follows(chat: Chat, fake: FakeGateway) -> None:
    await chat.accept()
    blocked = await chat.answered("Мына оқушылардың қайсысы ашулы?")
    await expect(blocked).to_have_class(re.compile("q-blocked"))
    await expect(blocked.locator(".q-text")).to_have_text(BLOCK)
    await expect(blocked.locator(".q-label")).to_be_visible()

    card = await chat.answered("өлгім келеді")
    await expect(card).to_have_attribute("role", "alert")
    assert await card.locator("p").first.text_content() == CRISIS
    assert [await link.get_attribute("href") for link in await card.locator("a").all()] == [
        "tel:112",
        "tel:111",
        "tel:150",
    ]
    await expect(card.locator(".q-label")).to_be_visible()
    await expect(card).to_be_in_viewport(ratio=1)

    await chat.answered(CAPITAL)
    assert [message["content"] for message in fake.requests[-1]["messages"]] == [CAPITAL]
    await expect(chat.page.locator("#q-past .q-crisis")).to_be_visible()


async def test_hostile_text_does_nothing(chat: Chat, chat_url: str) -> None:
    page = chat.page
    await chat.accept()
    title = await page.title()
    answer = await chat.answered("зиянды <img src=x onerror=\"document.title='pwned'\"> ${1+1} {{value}} \u202e сұрақ")
    await answer.locator("summary").click()
    await expect(answer).to_contain_text("<img src=x onerror=\"document.title='pwned'\">")
    await expect(answer).to_contain_text("${document.title='pwned'} {{constructor}}")
    await expect(answer.locator("code").first).to_have_text("<b>код</b>")
    for tag in ("img", "script", "iframe", "a", "b", "i"):
        assert await page.locator(f".q-turn {tag}").count() == 0, tag
    await page.wait_for_timeout(300)
    assert await page.title() == title
    assert [url for url in chat.requests if not url.startswith(chat_url)] == []
    assert chat.errors == []


async def test_too_long_a_question_stays_in_the_box(chat: Chat, fake: FakeGateway) -> None:
    await chat.accept()
    long = "қалқан " * 14_000
    await chat.ask(long)
    await expect(chat.page.locator("#q-complaint")).to_have_text(say("fault_long", "kk"))
    await expect(chat.question).to_have_value(long)
    assert fake.requests == []
    await chat.answered(CAPITAL)
    await expect(chat.page.locator("#q-complaint")).to_be_hidden()


async def test_each_fault_is_one_friendly_sentence(chat: Chat, fake: FakeGateway) -> None:
    await chat.accept()
    faults = {"429": "fault_busy", "413": "fault_long", "500": "fault_unreachable", "400": "fault_refused"}
    for question, key in (faults | {"үзіл": "fault_broken", "бітпе": "fault_broken"}).items():
        await chat.ask(question)
        await expect(chat.page.locator("#q-last .q-question")).to_have_text(question)
        await expect(chat.page.locator("#q-last .q-fault")).to_have_text(say(key, "kk"))
        assert not re.search("Traceback|Error|error|0x", await chat.page.locator("body").inner_text())
    await expect(chat.answer.locator(".q-label")).to_be_visible()
    await expect(chat.answer).to_contain_text("Жауаптың басы.")
    await chat.page.locator("#q-retry").click()
    await eventually(lambda: len(fake.requests) == 7)
    await expect(chat.page.locator("#q-retry")).to_be_visible()
    await expect(chat.page.locator(".q-question")).to_have_count(6)


async def test_gateway_away_and_back(browser: Browser, fake: FakeGateway) -> None:
    port = free_port()
    with chat_process(f"http://127.0.0.1:{port}") as (url, process):
        async with reader(browser, url) as chat:
            await chat.accept()
            await chat.ask(CAPITAL)
            await expect(chat.page.locator("#q-last .q-fault")).to_have_text(say("fault_unreachable", "kk"))
            await expect(chat.page.locator("#q-last .q-question")).to_have_text(CAPITAL)
            with served(fake.app(), port):
                await chat.page.locator("#q-retry").click()
                await expect(chat.answer.locator(".q-text")).to_contain_text("Астана қаласы")
            await expect(chat.page.locator(".q-fault")).to_have_count(0)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
            assert time.monotonic() - began < 4
            await chat.ask(CAPITAL)
            await expect(chat.page.locator("#q-offline")).to_have_text(say("offline", "kk"))
            await expect(chat.question).to_have_value(CAPITAL)
            await check_words(chat, "kk")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_whole_page_speaks_one_language(chat: Chat, language: Language) -> None:
    page = chat.page
    await expect(page.locator("html")).to_have_attribute("lang", "kk")
    if language != "kk":
        await chat.speak(language)
    await expect(page.locator("#q-accept")).to_have_text(say("accept", language))
    await check_words(chat, language)
    await chat.accept()
    await expect(chat.question).to_have_attribute("placeholder", say("placeholder", language))
    await check_words(chat, language)
    await chat.ask("ұзақ" if language == "kk" else "500")
    if language == "kk":
        await expect(chat.answer).to_contain_text("3-сөйлем.")
        await check_words(chat, language)
        await chat.stop.click()
    await expect(page.locator("#q-last .q-note, #q-last .q-fault")).to_be_visible()
    await expect(chat.send).to_have_text(say("send", language))
    await check_words(chat, language)
    await expect(page).to_have_title(say("page_title", language))


async def check_words(chat: Chat, language: Language) -> None:
    words = str(await chat.page.evaluate(VISIBLE_WORDS))
    for name in ("Қазақша", "Русский", "English", "Qalqan", "IIN"):
        words = words.replace(name, "")
    foreign = {"kk": r"[A-Za-z]{2,}", "ru": r"[A-Za-z]{2,}|\w*[әғқңөұүһі]\w*", "en": r"[а-яәғқңөұүһі]+"}
    assert re.findall(foreign[language], words, re.IGNORECASE) == []


async def test_language_can_change_in_mid_answer(chat: Chat) -> None:
    await chat.accept()
    await chat.ask("ұзақ әңгіме айт")
    await expect(chat.answer).to_contain_text("3-сөйлем.")
    await chat.speak("ru")
    await expect(chat.answer.locator(".q-label")).to_have_text("Создано ИИ")
    await expect(chat.stop).to_have_text("Остановить")
    await chat.stop.click()
    await expect(chat.page.locator("#q-last .q-note")).to_have_text(say("note_stopped", "ru"))
    await expect(chat.page.locator("#q-last .q-question")).to_have_text("ұзақ әңгіме айт")


async def test_phone(browser: Browser, chat_url: str, fake: FakeGateway) -> None:
    async with reader(browser, chat_url, PHONE) as chat:
        page = chat.page
        await expect(page.locator("#q-accept")).to_be_in_viewport(ratio=1)
        await chat.accept()
        await expect(chat.send).to_be_in_viewport(ratio=1)
        await chat.answered("зиянды " + "ә" * 300)
        await chat.answered(CAPITAL)
        await chat.answer.locator(".q-cite").last.click()
        await expect(chat.question).to_be_in_viewport(ratio=1)
        await expect(chat.answer.locator("details").last.locator("blockquote")).to_be_in_viewport()
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        small = await page.evaluate(
            """() => [...document.querySelectorAll("button, summary, textarea, #q-language label")]
              .filter((e) => e.checkVisibility()).map((e) => [e.textContent, e.getBoundingClientRect()])
              .filter(([, box]) => box.width < 24 || box.height < 24).map(([text]) => text)"""
        )
        assert small == []


async def test_letters_and_dark_colours(chat: Chat) -> None:
    drawn = await chat.page.evaluate(UNDRAWN_LETTERS, "әғқңөұүһіӘҒҚҢӨҰҮҺІабвяёАЯЁabcABC«»—…№₸")
    assert drawn["plex"] == []
    assert drawn["none"] > 20
    light = await chat.page.evaluate("getComputedStyle(document.body).backgroundColor")
    await chat.page.emulate_media(color_scheme="dark")
    await expect(chat.page.locator("body")).to_have_class(re.compile("dark"))
    assert await chat.page.evaluate("getComputedStyle(document.body).backgroundColor") != light


async def test_keyboard_alone(chat: Chat) -> None:
    page = chat.page
    await page.locator("#q-accept").focus()
    await page.keyboard.press("Enter")
    await expect(chat.question).to_be_focused()
    await page.keyboard.type("Қазақстан")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("астанасы?")
    await page.keyboard.press("Enter")
    await expect(chat.answer.locator(".q-sources")).to_be_visible()
    await expect(page.locator("#q-last .q-question")).to_have_text("Қазақстан\nастанасы?", use_inner_text=True)
    await chat.answer.locator(".q-cite").first.focus()
    await page.keyboard.press("Enter")
    await expect(chat.answer.locator("summary").first).to_be_focused()
    await expect(chat.answer.locator("blockquote").first).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(chat.answer.locator("blockquote").first).to_be_hidden()
