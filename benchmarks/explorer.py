"""How fast the book's explorer answers a slider at n = 100, in the browser, and what that costs the page.

Each slider in turn goes to and fro by one step, the others at their defaults. An answer takes until its
curves are drawn; a worker computes it. The page's own work is the processor time of its main thread for one
answer, drawing included: below 16 ms no frame can be late. The book is that in the folder named by FA_BOOK,
default build/book, as `make book` makes it. The first answers, before the browser has compiled the page's
functions for speed, are not counted.
"""

import os
import shutil
import sys
from pathlib import Path

import measure

SLIDERS = ("n", "rank", "r", "log10C", "log10start", "decay", "log10time")
UNITS = (5, 8, 32)  # the default r, that of the promise, and the largest
MOVES = 20
FIRST = 10
MOVE = """async ([name, moves]) => {
    const instrument = document.querySelector("#instrument");
    const slider = instrument.querySelector(`[name=${name}]`);
    const answered = () => new Promise((resolve) => {
        const done = () => instrument.hasAttribute("aria-busy") || resolve(observer.disconnect());
        const observer = new MutationObserver(done);
        observer.observe(instrument, { attributes: true });
    });
    const milliseconds = [];
    for (let move = 0; move < moves; move++) {
        if (move % 2) slider.stepUp(); else slider.stepDown();
        const started = performance.now();
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await answered();
        milliseconds.push(performance.now() - started);
        await new Promise(requestAnimationFrame);
    }
    return milliseconds;
}"""


def page_of_book() -> Path:
    """Return the explorer's page."""
    return Path(os.environ.get("FA_BOOK", "build/book"), "explorer.html").resolve()


def processor_seconds(session) -> float:
    """Return the processor time that the page's main thread has used."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def measured(page, session, slider: str, r: int) -> tuple[str, str]:
    """Return the milliseconds until a slider's move is answered, and those of the page's own work on it."""
    page.goto("about:blank")
    page.goto(f"{page_of_book().as_uri()}#n=100&r={r}")
    page.wait_for_selector("#instrument:not([aria-busy])")
    page.evaluate(MOVE, [slider, FIRST])
    before = processor_seconds(session)
    answers = page.evaluate(MOVE, [slider, MOVES])
    work = 1000 * (processor_seconds(session) - before) / MOVES
    return measure.spread(answers), f"{work:.1f}"


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
    columns = (f"{what}, r = {r}" for r in UNITS for what in ("answer", "page's work"))
    measure.print_header("milliseconds at n = 100", *columns)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        for slider in SLIDERS:
            cells = [cell for r in UNITS for cell in measured(page, session, slider, r)]
            measure.print_row(slider, *cells)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
