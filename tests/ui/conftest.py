"""One Chromium, one chat and one scripted gateway for all browser tests; each test gets its own reader."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from ui.browser import Chat, chromium, reader
from ui.fake_gateway import FakeGateway
from ui.servers import chat_process, served


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as instance:
        yield instance


@pytest.fixture(scope="session")
def shared_gateway() -> Iterator[tuple[FakeGateway, str]]:
    fake = FakeGateway()
    with served(fake.app()) as url:
        yield fake, url


@pytest.fixture(scope="session")
def chat_url(shared_gateway: tuple[FakeGateway, str]) -> Iterator[str]:
    with chat_process(shared_gateway[1]) as (url, _):
        yield url


@pytest.fixture
def fake(shared_gateway: tuple[FakeGateway, str]) -> FakeGateway:
    shared_gateway[0].requests.clear()
    shared_gateway[0].headers.clear()
    shared_gateway[0].abandoned = 0
    return shared_gateway[0]


@pytest_asyncio.fixture(loop_scope="session")
async def chat(browser: Browser, chat_url: str, fake: FakeGateway) -> AsyncIterator[Chat]:
    async with reader(browser, chat_url) as instance:
        yield instance
