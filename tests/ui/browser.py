"""A real Chromium for tests, and the chat as a reader uses it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 860}
WAIT_MS = 20_000


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The machine's Chromium, headless."""
    path = shutil.which("chromium")
    assert path, "the browser tests need Chromium: apt-get install chromium"
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


async def eventually(condition: Callable[[], bool]) -> None:
    """Returns once `condition` holds; fails after WAIT_MS."""
    for _ in range(WAIT_MS // 50):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come true in time")


class Chat:
    """One reader's page, with the addresses of all `requests` it made and the `errors` of its console."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)

    @property
    def question(self) -> Locator:
        return self.page.locator("#q-question textarea")

    @property
    def send(self) -> Locator:
        return self.page.locator("#q-send")

    @property
    def stop(self) -> Locator:
        return self.page.locator("#q-stop")

    @property
    def answer(self) -> Locator:
        """The newest answer, block note or crisis card."""
        return self.page.locator("#q-last [data-outcome]")

    async def accept(self) -> None:
        """Reads the notice and starts."""
        await self.page.locator("#q-accept").click()
        await expect(self.question).to_be_editable()

    async def speak(self, language: str) -> None:
        """Chooses kk, ru or en."""
        await self.page.locator(f"#q-language input[value={language}]").check(force=True)
        await expect(self.page.locator("html")).to_have_attribute("lang", language)

    async def ask(self, text: str) -> None:
        """Writes a question and presses Enter."""
        await self.question.fill(text)
        await self.question.press("Enter")

    async def answered(self, text: str) -> Locator:
        """Asks, and waits until the answer is whole."""
        await self.ask(text)
        await expect(self.page.locator("#q-last .q-question")).to_have_text(text)
        await expect(self.page.locator("#q-last [role=log]")).to_have_attribute("aria-busy", "false")
        return self.answer


@asynccontextmanager
async def reader(browser: Browser, url: str, viewport: dict[str, int] = DESKTOP) -> AsyncIterator[Chat]:
    """A reader who has just opened the chat at `url`."""
    context = await browser.new_context(viewport=viewport, locale="en-US")
    try:
        chat = Chat(context, await context.new_page())
        await chat.page.goto(url)
        await expect(chat.page.locator("#q-accept")).to_be_visible()
        yield chat
    finally:
        await context.close()
