"""Makes the README's screenshots from a running stack: `make screenshots`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from stack import running  # noqa: E402
from ui.browser import DESKTOP, PHONE, chromium, reader  # noqa: E402

OUT = ROOT / "ops" / "screenshots"
SHOTS = (("chat-desktop", DESKTOP), ("chat-phone", PHONE))


async def shoot(url: str) -> None:
    """One question in Kazakh, on a desktop and on a phone."""
    OUT.mkdir(exist_ok=True)
    async with chromium() as browser:
        for name, viewport in SHOTS:
            async with reader(browser, url, viewport) as chat:
                await chat.accept()
                answer = await chat.answered("Қазақстанның астанасы қай қала?")
                await answer.locator("details summary").first.click()
                await chat.page.wait_for_timeout(500)
                await chat.page.screenshot(path=OUT / f"{name}.png")


def main() -> None:
    """Starts the stack on free ports, takes the pictures, stops it."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), ui=True, timeout=180) as stack:
        asyncio.run(shoot(stack.ui_url))


if __name__ == "__main__":
    main()
