"""Every page of the book in a real browser: whole, quiet, accessible, and all from disk."""

import colorsys
import io
import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib import colors
from PIL import Image

from fa_utils.report import figures

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


# --- the first page ---


def test_the_first_page_leads_to_every_statement_and_to_the_explorer(page, book):
    opened(page, book / "index.html")
    explorer = page.get_by_role("link", name="Open the explorer")
    box = explorer.bounding_box()
    assert box["y"] + box["height"] < page.viewport_size["height"]
    verdicts = (ROOT / "VERDICTS.md").read_text(encoding="utf-8")
    statements = set(re.findall(r"^\| ([A-Z][\w ]*) \| \[", verdicts, re.MULTILINE))
    linked = page.locator(".strip td a").all_inner_texts()
    assert len(linked) > 60 and set(linked) == statements
    if page.viewport_size["width"] > 1000:
        assert page.evaluate("document.documentElement.scrollHeight") < 2600
    explorer.click()
    assert page.url.endswith("/explorer.html")


def test_pages_say_what_they_are_where_a_link_is_shown(book):
    for path in pages(book):
        text = path.read_text(encoding="utf-8")
        assert text.count('name="description"') == 1, path
        for name in ("og:title", "og:description"):
            assert text.count(f'property="{name}"') == 1, path
        assert re.search(r'<link rel="icon" href="[./]*_static/favicon\.svg"', text), path
        assert ('property="og:image"' in text) == bool(re.search(r'<link rel="canonical"', text))


# --- code and figures ---

CUT = """[...document.querySelectorAll('.highlight pre')]
    .filter(one => one.clientWidth && one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"""


@pytest.mark.parametrize(
    "name", ["notebooks/theorem-3", "notebooks/companions/wang-lazy", "api/theory/law", "book/guide"]
)
def test_no_line_of_code_is_cut(page, book, name):
    opened(page, book / f"{name}.html")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.locator(".highlight pre").count() > 0
    assert page.evaluate(CUT) == []


def test_on_a_phone_a_figure_is_as_large_as_its_letters_need(page, book):
    opened(page, book / "notebooks" / "theorem-3.html")
    picture = page.locator(".picture").first
    image = picture.locator("img").bounding_box()
    frame = picture.bounding_box()
    assert image["width"] >= 600 and frame["width"] <= page.viewport_size["width"]
    picture.focus()
    scrolls = picture.evaluate("one => (one.scrollLeft = 50, one.scrollLeft)")
    assert scrolls == (50 if image["width"] > frame["width"] else 0)


def luminance(colour: np.ndarray) -> float:
    """Return the relative luminance of an sRGB colour, shape (3,), as WCAG defines it."""
    colour = np.asarray(colour) / 255
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def hue(colour: np.ndarray) -> float:
    """Return a colour's hue in degrees."""
    return 360 * colorsys.rgb_to_hsv(*np.asarray(colour) / 255)[0]


def test_in_the_dark_a_figure_stands_on_the_pages_ground_and_its_colours_keep_their_hue(browser, book):
    seen = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
        opened(page, book / "index.html")
        shot = Image.open(io.BytesIO(page.locator(".hero img").screenshot())).convert("RGB")
        seen[scheme] = np.asarray(shot).reshape(-1, 3).astype(float)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.close()
    dark_ground = np.array([float(part) for part in re.findall(r"\d+", ground)[:3]])
    assert np.abs(seen["dark"][0] - dark_ground).max() <= 2
    for rule in figures.COLOURS.values():
        light = np.array(colors.to_rgb(rule)) * 255
        inked = np.abs(seen["light"] - light).max(axis=1) < 3
        dark = np.median(seen["dark"][inked], axis=0)
        contrast = (luminance(dark) + 0.05) / (luminance(dark_ground) + 0.05)
        assert inked.sum() > 20 and contrast > 4.5, (rule, dark, contrast)
        assert abs(hue(dark) - hue(light)) < 8, (rule, dark)
