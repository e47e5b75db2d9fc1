"""How fast the book's explorer answers a slider at n = 100: all curves computed and drawn, in the browser.

Each slider in turn goes to and fro by one step, the others at their defaults. The book is that in the folder
named by FA_BOOK, default build/book, as `make book` makes it. The first answers, before the browser has
compiled the page's functions for speed, are not counted.
"""

import os
import shutil
import sys
from pathlib import Path

import measure

SLIDERS = ("n", "rank", "r", "log10C", "log10start", "log10time")
UNITS = (5, 8)  # the default r and the largest
MOVES, FIRST = 40, 10
MOVE = """async ([name, moves]) => {
    const slider = document.querySelector(`#explorer [name=${name}]`), milliseconds = [];
    const drawn = () => document.querySelectorAll("#explorer canvas").forEach(
        (canvas) => canvas.getContext("2d").getImageData(0, 0, 1, 1));
    for (let move = 0; move < moves; move++) {
        if (move % 2) slider.stepUp(); else slider.stepDown();
        const started = performance.now();
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await null;
        drawn();
        milliseconds.push(performance.now() - started);
        await new Promise(requestAnimationFrame);
    }
    return milliseconds;
}"""


def page_of_book() -> Path:
    """Return the explorer's page."""
    return Path(os.environ.get("FA_BOOK", "build/book"), "explorer.html").resolve()


def answers(page, slider: str, r: int) -> list[float]:
    """Return the milliseconds that each move of a slider takes, until the canvases hold the new curves."""
    page.goto("about:blank")
    page.goto(f"{page_of_book().as_uri()}#n=100&r={r}")
    return page.evaluate(MOVE, [slider, MOVES + FIRST])[FIRST:]


def main() -> int:
    """Print a table, a line for each slider; return the exit code."""
    measure.refuse_arguments(__doc__)
    chromium = shutil.which("chromium")
    if not measure.installed("playwright"):
        return 0
    if chromium is None or not page_of_book().exists():
        print(f"chromium and {page_of_book()} are both needed; one is missing", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    measure.print_title("The explorer's answers", "playwright")
    measure.print_header("milliseconds at n = 100", *(f"r = {r}" for r in UNITS))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        for slider in SLIDERS:
            measure.print_row(slider, *(measure.spread(answers(page, slider, r)) for r in UNITS))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
