"""Every page of the book in a real browser: whole, quiet, accessible, and all from disk."""

import ast
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

ROOT = Path(__file__).parents[2]
SIZES = {"laptop": (1280, "light"), "phone": (390, "dark")}
LOCAL = ("file:", "data:", "blob:", "about:")
UNTYPESET = ".math:not(:has(mjx-container)), mjx-merror, [data-mjx-error]"
BROKEN_PICTURES = "[...document.images].filter(one => !one.naturalWidth || !one.alt).map(one => one.src)"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(params=SIZES)
def page(browser, request):
    """Yield a page, small or large; its console must say nothing, and nothing be asked of the network."""
    width, scheme = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.heard = []
    page.on("console", lambda said: said.type in ("error", "warning") and page.heard.append(said.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(LOCAL) or page.heard.append(asked.url))
    yield page
    assert page.heard == []
    context.close()


def pages(book: Path) -> list[Path]:
    return [path for path in sorted(book.rglob("*.html")) if "_static" not in path.relative_to(book).parts]


def opened(page, path: Path) -> None:
    """Open a page of the book, its formulas typeset."""
    page.goto(path.as_uri())
    page.wait_for_function("!window.MathJax || MathJax.startup?.promise")
    page.evaluate("window.MathJax?.startup?.promise")


def violations(page) -> list[tuple[str, str]]:
    """Return what axe finds wrong with a page: each rule, and one element that breaks it."""
    found = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


def test_every_page_is_whole_and_accessible(page, book):
    for path in pages(book):
        opened(page, path)
        assert page.locator(UNTYPESET).count() == 0, path
        assert page.evaluate(BROKEN_PICTURES) == [], path
        assert page.evaluate(TOO_WIDE) <= 0, path
        assert violations(page) == [], path


def test_axe_would_find_something(browser):
    page = browser.new_page()
    page.set_content("<html><body><img src='data:,'><input></body></html>")
    assert {"image-alt", "label"} <= {rule for rule, _ in violations(page)}
    page.close()


def test_a_formula_that_cannot_be_typeset_would_be_seen(page, book):
    opened(page, book / "notebooks" / "theorem-1.html")
    page.evaluate(r"document.querySelector('.math').textContent = '\\(\\frac{1}{2\\)'")
    page.evaluate("MathJax.typesetPromise()")
    assert page.locator(UNTYPESET).count() > 0


def test_search_finds_theorem_3(page, book):
    page.goto(f"{(book / 'search.html').as_uri()}?q=Theorem+3")
    page.locator("#search-results li").first.wait_for()
    first = page.locator("#search-results li a").first.get_attribute("href")
    assert first.partition("?")[0] == "notebooks/theorem-3.html"


def test_a_statement_named_anywhere_leads_to_its_notebook(page, book):
    opened(page, book / "notebooks" / "beyond" / "rate.html")
    page.get_by_role("link", name="Theorem 1", exact=True).first.click()
    assert page.url.endswith("/notebooks/theorem-1.html")


def test_every_statement_is_two_clicks_from_the_first_page(page, book):
    opened(page, book / "index.html")
    table = page.locator("table").filter(has=page.get_by_role("columnheader", name="notebook", exact=True))
    rows = table.locator("tbody tr").all()
    assert len(rows) > 40
    for row in rows:
        target = row.get_by_role("link").first.get_attribute("href")
        assert (book / unquote(urlsplit(target).path)).exists(), target


def test_links_within_the_book_lead_somewhere(book):
    for path in pages(book):
        for target in re.findall(r'<a [^>]*href="([^"]+)"', path.read_text(encoding="utf-8")):
            address = urlsplit(target)
            if not address.scheme and address.path:
                assert (path.parent / unquote(address.path)).exists(), (path, target)


@pytest.mark.parametrize("room", ["fa_utils", "fa_utils/theory", "fa_utils/report"])
def test_all_that_a_room_exports_is_described(book, room):
    text = (book / "api.html").read_text(encoding="utf-8")
    module = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))
    exported = [
        alias.name for node in module.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    described = [name for name in exported if not name.isupper()]
    path = room.replace("/", ".")
    assert described and [name for name in described if f'id="{path}.{name}"' not in text] == []
