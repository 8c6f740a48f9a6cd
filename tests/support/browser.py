"""Headless Chromium for tests of pages and pictures: Debian's, driven by Playwright, which downloads no browser then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine; ends with the block."""
    from playwright.sync_api import sync_playwright

    place = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert place, "no Chromium: `apt-get install chromium`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page of the browser, what its console said, and all that it asked for."""

    def __init__(self, browser: Browser, *, width: int = 1280, height: int = 900, theme: Any = "light") -> None:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda told: self.faults.append(f"{told.type}: {told.text}"))
        self.page.on("pageerror", lambda fault: self.faults.append(f"error: {fault}"))
        self.page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: Path) -> Page:
        """Open a file, as a double click does."""
        self.page.goto(path.resolve().as_uri())
        return self.page

    def close(self) -> None:
        """Close it, and hold that it was quiet: nothing on the console."""
        self.page.context.close()
        assert self.faults == []
