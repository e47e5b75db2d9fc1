"""The book as made, and a browser to read it with; what needs a browser is skipped where there is none."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def book() -> Path:
    """Return the folder of the book; make test-book makes it first."""
    folder = Path(os.environ.get("FA_BOOK", ROOT / "build" / "book"))
    assert (folder / "index.html").exists(), f"no book in {folder}: run make book"
    return folder


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM:
        pytest.skip("no chromium here; install it to read the book in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
