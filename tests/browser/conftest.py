"""What tests of the book in a browser share: the book's folder, a browser, and pages that must not complain.

The book is that in the folder named by FA_BOOK, default build/book. Nothing is served: pages are opened as files.
"""

import os
import shutil
from pathlib import Path

import pytest

LOCAL = ("file:", "data:", "blob:", "about:")


@pytest.fixture(scope="session")
def book():
    """The folder of the built book."""
    folder = Path(os.environ.get("FA_BOOK", "build/book")).resolve()
    if not (folder / "index.html").exists():
        pytest.skip(f"there is no book in {folder}; make it: python tools/book.py build/book")
    return folder


@pytest.fixture(scope="session")
def browser():
    """Chromium, without a window."""
    reason = "Playwright is not installed; install it: pip install playwright"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed; install it, for instance: apt install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Return a function that opens an address in a context of its own, with Playwright's options for that.

    Afterwards no page may have complained in the console, or asked for anything beyond its own files.
    """
    contexts, complaints = [], []

    def opened(address, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(LOCAL) or complaints.append(asked.url))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
