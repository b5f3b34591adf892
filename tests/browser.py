"""Headless browser of the tests: a page fails its test by an error in the console, or by asking another server."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCREENS = {"phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
           "desktop": {"viewport": {"width": 1300, "height": 900}}}  # fmt: skip
PATIENCE = 120  # seconds, for a machine with much other work
WIDTHS = """() => [...document.images].map((image) => {
  const box = image.getBoundingClientRect();
  return [image.alt, image.complete, image.naturalWidth, Math.round(box.left), Math.round(box.right), box.height];
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A Chromium of the system, or the one of `playwright install`; of a module, since its event loop stops asyncio."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as machine:
        downloaded = machine.chromium.executable_path
        found = next(filter(None, map(shutil.which, (*BROWSERS, downloaded))), None)
        if found is None:
            pytest.skip("no Chromium is installed")
        started = machine.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def open_page(
    browser: "Browser", address: str, screen: str = "desktop", may_say: tuple[str, ...] = (), may_ask: str = ""
) -> Iterator["Page"]:
    """Open an address in a window of its own.

    Parameters
    ----------
    browser : Browser
        The fixture `browser`.
    address : str
        Of a server or a file.
    screen : str
        phone or desktop.
    may_say : tuple[str, ...]
        Parts of the console's lines that are expected.
    may_ask : str
        What all addresses that the page asks begin with; by default its own, without the key.
    """
    context = browser.new_context(**SCREENS[screen])  # type: ignore[arg-type]
    context.set_default_timeout(1000 * PATIENCE)
    page, complaints, asked = context.new_page(), [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    context.close()
    assert [line for line in complaints if not any(part in line for part in may_say)] == []
    own = may_ask or address.partition("?")[0]
    assert [url for url in asked if not url.startswith((own, "data:", "blob:"))] == []


def look_at_report(browser: "Browser", path: Path, pictures: int) -> None:
    """Open an HTML report on a phone and a desktop: all pictures are seen whole, and only tables scroll sideways."""
    for screen, settings in SCREENS.items():
        with open_page(browser, path.as_uri(), screen) as page:
            assert page.locator("h1").is_visible()
            width = settings["viewport"]["width"]  # type: ignore[index]
            sides = page.evaluate("[window.innerWidth, document.documentElement.scrollWidth]")
            assert sides == [width, width], (screen, sides)
            found = page.evaluate(WIDTHS)
            assert len(found) == pictures
            for name, complete, natural, left, right, height in found:
                assert complete and natural and height and left >= 0 and right <= width, (screen, name, left, right)
