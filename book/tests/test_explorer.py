"""The book's explorer: its numbers are fa_utils' own, its controls work, and it needs only its files."""

import csv

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

import fa_utils as fa
from fa_utils import theory
from fa_utils.report import figures

TOLERANCE = 1e-8  # of errors over ||Y||^2, and of eigenvalues over the largest
DEFAULTS = {
    "n": "100",
    "rank": "20",
    "r": "5",
    "spectrum": "linear",
    "log10C": "-1",
    "log10start": "-0.5",
    "log10time": "1.5",
    "seed": "1",
    "eigenvalues": "FA*",
}
SETTINGS = (
    {},
    {"r": 8, "seed": 2},
    {"spectrum": "flat", "log10time": 2},
    {"spectrum": "polynomial", "rank": 60, "log10C": 0},
    {"spectrum": "exponential", "rank": 60, "r": 7},
    {"spectrum": "stepped", "r": 3},
    {"rank": 100, "log10start": -1},  # the rank is n
    {"rank": 3, "r": 8, "log10time": 2.5},  # more units than the rank
    {"rank": 1, "r": 1},
    {"n": 20, "rank": 20, "r": 8, "log10C": 0.5},  # 3r > n: no direction is left out for W
    {"n": 20, "rank": 7, "r": 7, "log10start": 0},
    {"n": 200, "rank": 200, "r": 8},
    {"log10C": -2, "log10time": 2.5},
    {"log10C": 1, "log10time": 0},
    {"log10start": -3, "log10time": 2},
)
EXTREMES = (
    {"log10C": 1, "log10time": 2.5, "r": 8},
    {"log10C": 1, "log10start": -3, "log10time": 2.5, "n": 200, "rank": 200},
    {"log10C": -2, "log10start": -3, "n": 20, "rank": 1, "r": 8},
    {"log10C": 1, "log10start": -3, "log10time": 2.5, "n": 20, "rank": 2, "r": 7, "spectrum": "polynomial"},
    {"spectrum": "exponential", "n": 200, "rank": 200, "r": 8, "seed": 999999},
)
READ = """() => ({
    ...explorer.answer, setting: explorer.setting, values: explorer.problem.values,
    ...Object.fromEntries(["C", "Z", "W"].map((name) => [name, explorer.problem[name].to2DArray()]))
})"""
PICTURES = "[...document.querySelectorAll('#explorer canvas')].map((canvas) => canvas.toDataURL())"


LOCAL = ("file:", "data:", "blob:", "about:")


@pytest.fixture
def open_page(browser):
    """Return a function that opens an address in a context of its own, with Playwright's options for that.

    `scripts` stand in for the page's own, by name. Afterwards no page may have complained in the console, or
    have asked for anything beyond its own files.
    """
    contexts, heard = [], []

    def opened(address, scripts=(), **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and heard.append(said.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(LOCAL) or heard.append(asked.url))
        for name, text in dict(scripts).items():
            page.route(f"**/{name}", lambda route, _, body=text: route.fulfill(body=body))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert heard == []


@pytest.fixture
def explorer(book, open_page):
    """Return a function that opens the explorer at a setting, given by names in the address."""
    page = (book / "explorer.html").as_uri()

    def opened(options=None, **setting):
        fragment = "&".join(f"{name}={value}" for name, value in setting.items())
        return open_page(f"{page}#{fragment}", **(options or {}))

    return opened


def shown(page):
    """Return what the controls show, by name."""
    return page.evaluate(
        "Object.fromEntries([...setting.form.elements].map(({ name, value }) => [name, value]))"
    )


def said(page):
    return page.locator("#explorer-status").text_content()


def problem_of(page):
    """Return the problem that a page shows, and what the page found for it."""
    found = page.evaluate(READ)
    values, *matrices = (np.array(found[name], float) for name in ("values", "C", "Z", "W"))
    return fa.Problem(np.diag(values), *matrices), found


def largest_difference(found, wanted, unit):
    assert np.shape(found) == np.shape(wanted)
    return np.abs(np.array(found, float) - wanted).max() / unit


def differences(problem, found):
    """Return how far a page's curves and values are from fa_utils', in the units of the tolerance."""
    times, r, total = np.array(found["times"], float), problem.Z.shape[1], fa.squared_norm(problem.target)
    runs = {rule.name: fa.flow(problem, rule, times, tolerance=1e-13) for rule in (fa.GD, fa.FA)}
    runs["FA*"] = theory.fa_star_exact(problem, times)
    wanted = {name: fa.error(problem.target, run.Z, run.W) / total for name, run in runs.items()}
    far = {name: largest_difference(found["errors"][name], wanted[name], 1) for name in runs}
    for name in ("FA", "FA*"):
        eigenvalues = np.linalg.eigvalsh(fa.alignment_matrix(problem, runs[name].W))
        far[f"eigenvalues of {name}"] = largest_difference(
            found["eigenvalues"][name], eigenvalues, np.abs(eigenvalues).max()
        )
    levels = {
        "stationary": fa.error(problem.target, *fa.stationary_point(problem)) / total,
        "optimum": fa.optimal_error(problem.target, r) / total,
        "law": theory.error_law(np.array(found["values"], float), r) / total,
    }
    return far | {name: abs(found["levels"][name] - level) for name, level in levels.items()}


@pytest.mark.parametrize("chosen", SETTINGS, ids=str)
def test_every_curve_and_every_value_is_that_of_fa_utils(explorer, chosen):
    page = explorer(**chosen)
    assert said(page) == ""
    assert shown(page) == DEFAULTS | {name: str(value) for name, value in chosen.items()}
    far = differences(*problem_of(page))
    assert {name: by for name, by in far.items() if not by <= TOLERANCE} == {}


@pytest.mark.parametrize(
    "file, right, wrong, curve",
    [
        ("integrate.js", "35 / 384", "35 / 384.01", "FA"),
        ("dynamics.js", "Math.expm1(2 * rate * step)", "Math.expm1(2.0001 * rate * step)", "GD"),
        ("riccati.js", "TERMS = 16", "TERMS = 4", "FA*"),
        ("dynamics.js", "values.slice(C.rows)", "values.slice(C.rows + 1)", "optimum"),
        ("dynamics.js", "basis(weighted(values, C.transpose()))", "basis(C.transpose())", "stationary"),
        ("dynamics.js", "[low, high] = [-100, 100]", "[low, high] = [2, 100]", "law"),
    ],
)
def test_a_wrong_number_is_noticed(book, explorer, file, right, wrong, curve):
    script = (book / "_static" / file).read_text(encoding="utf-8")
    assert script.count(right) == 1
    page = explorer({"scripts": {file: script.replace(right, wrong)}})
    far = differences(*problem_of(page))
    assert [name for name, by in far.items() if not by <= TOLERANCE and "eigenvalues" not in name] == [curve]


@pytest.mark.parametrize("chosen", EXTREMES, ids=str)
def test_extreme_settings_give_finite_numbers_or_say_where_they_end(explorer, chosen):
    page = explorer(**chosen)
    _, found = problem_of(page)
    curves = [*found["errors"].values(), *found["eigenvalues"].values(), list(found["levels"].values())]
    assert all(np.isfinite(np.array(curve, float)).all() for curve in curves)
    assert [len(found["errors"][name]) for name in ("GD", "FA*")] == [len(found["times"])] * 2
    ended = len(found["errors"]["FA"])
    last = float(f"{found['times'][ended - 1]:.4g}")
    sentence = (
        f"FA is drawn until time {last:g} only, since the rest would take too long; choose an earlier last "
        "time or a smaller scale of C."
    )
    assert said(page) == ("" if ended == len(found["times"]) else sentence)


def test_a_run_that_would_take_too_long_ends_early(explorer):
    _, found = problem_of(explorer(**EXTREMES[0]))
    assert 1 < len(found["errors"]["FA"]) < len(found["times"])


@pytest.mark.parametrize("name", ["n", "rank", "r", "log10C", "log10start", "log10time", "seed"])
def test_each_slider_moves_the_curves(explorer, name):
    page = explorer()
    before, pictures = page.evaluate("explorer.answer"), page.evaluate(PICTURES)
    page.locator(f"[name={name}]").press("ArrowUp")
    after = page.evaluate("explorer.answer")
    assert all(before[part] != after[part] for part in ("errors", "eigenvalues"))
    page.wait_for_function(f"before => {PICTURES}.every((picture, i) => picture !== before[i])", arg=pictures)
    assert float(shown(page)[name]) > float(DEFAULTS[name])


def test_each_spectrum_has_its_own_curves(explorer):
    page = explorer()
    spectra = page.locator("[name=spectrum] option").evaluate_all("all => all.map(({ value }) => value)")
    errors = []
    for spectrum in spectra:
        page.select_option("[name=spectrum]", spectrum)
        errors.append(tuple(page.evaluate("explorer.answer.errors.GD")))
    assert len(set(errors)) == len(spectra) == 5


def test_the_eigenvalues_drawn_are_those_of_the_rule_that_was_chosen(explorer):
    page = explorer()
    picture = page.locator("#explorer-eigenvalues")
    before, label = page.evaluate(PICTURES), picture.get_attribute("aria-label")
    page.select_option("[name=eigenvalues]", "FA")
    page.wait_for_function(f"before => {PICTURES}[1] !== before[1]", arg=before)
    assert page.evaluate(PICTURES)[0] == before[0]
    assert label.startswith("Eigenvalues under FA*: ")
    assert picture.get_attribute("aria-label").startswith("Eigenvalues under FA: ")
    assert page.locator("#explorer-rule").text_content() == "FA"


def test_the_table_and_the_descriptions_hold_the_numbers(explorer):
    page = explorer()
    answer = page.evaluate("explorer.answer")
    last = [answer["errors"][name][-1] for name in ("GD", "FA", "FA*")]
    wanted = last + [answer["levels"][name] for name in ("stationary", "law", "optimum")]
    cells = page.locator("#explorer-numbers td:last-child").all_text_contents()
    assert cells == [f"{value:.4g}" for value in wanted]
    label = page.locator("#explorer-errors").get_attribute("aria-label")
    assert all(cell in label for cell in cells)


def test_everything_works_by_keyboard_alone(explorer):
    page = explorer()
    page.locator("[name=n]").focus()
    focused, reached = "(({ name, id, tagName }) => name || id || tagName)(document.activeElement)", []
    while "explorer-python" not in reached:
        reached.append(page.evaluate(focused))
        if reached[-1] in DEFAULTS:
            page.keyboard.press("ArrowDown" if reached[-1] == "eigenvalues" else "ArrowUp")
        if reached[-1] == "SUMMARY":
            page.keyboard.press("Enter")
        page.keyboard.press("Tab")
    buttons = ["explorer-copy", "explorer-save", "explorer-reset"]
    assert reached == [*DEFAULTS, *buttons, "SUMMARY", "explorer-python"]
    assert [name for name, value in shown(page).items() if value == DEFAULTS[name]] == []
    assert page.locator("#explorer-python").is_visible()


def test_start_over_brings_the_defaults_back_by_keyboard(explorer):
    page = explorer(r=7, n=200, rank=150)
    page.locator("#explorer-reset").press("Enter")
    assert shown(page) == DEFAULTS


def test_an_address_brings_the_same_state_back(explorer, open_page):
    page = explorer()
    for name in ("n", "rank", "log10C", "log10start", "log10time", "seed"):
        page.locator(f"[name={name}]").press("ArrowUp")
    page.select_option("[name=spectrum]", "stepped")
    page.select_option("[name=eigenvalues]", "FA")
    page.wait_for_function("location.hash === setting.fragment()")
    again = open_page(page.url)
    assert shown(again) == shown(page)
    assert again.evaluate(READ) == page.evaluate(READ)


def test_an_address_typed_into_an_open_page_is_followed(explorer):
    page = explorer(r=3)
    page.evaluate("location.hash = '#r=8'")
    page.wait_for_function("explorer.setting.r === 8")
    assert shown(page) == DEFAULTS | {"r": "8"}


def test_a_place_on_the_page_is_no_setting(explorer):
    page = explorer(r=3)
    page.evaluate("location.hash = '#what-to-try'")
    page.wait_for_timeout(50)
    assert (shown(page), said(page)) == (DEFAULTS | {"r": "3"}, "")


@pytest.mark.parametrize(
    "name, text, rule",
    [
        ("r", "9", "a number from 1 to 8 in steps of 1"),
        ("r", "2.5", "a number from 1 to 8 in steps of 1"),
        ("r", "", "a number from 1 to 8 in steps of 1"),
        ("rank", "101", "a number from 1 to 100 in steps of 1"),
        ("n", "many", "a number from 20 to 200 in steps of 10"),
        ("seed", "-1", "a number from 0 to 999999 in steps of 1"),
        ("log10C", "1e9", "a number from -2 to 1 in steps of 0.1"),
        ("log10start", "NaN", "a number from -3 to 0 in steps of 0.1"),
        ("eigenvalues", "GD", "one of FA*, FA"),
        ("spectrum", "<b>", "one of flat, linear, polynomial, exponential, stepped"),
    ],
)
def test_what_an_address_must_not_ask_for_is_said_and_left_out(explorer, name, text, rule):
    page = explorer(**{name: text}, log10time=2)
    ours = DEFAULTS[name]
    assert said(page) == f"The address asks for {name} = {text}; it must be {rule}, and is {ours} here."
    assert shown(page) == DEFAULTS | {"log10time": "2"}
    assert page.evaluate("explorer.setting.end") == 100


def test_an_address_with_a_name_that_is_no_setting_is_answered_all_the_same(explorer):
    page = explorer(colour="red", r=2)
    assert said(page) == "The address asks for colour, which this page does not know."
    assert shown(page) == DEFAULTS | {"r": "2"}


def test_a_rank_above_a_smaller_size_becomes_the_size(explorer):
    page = explorer(rank=90)
    page.locator("[name=n]").press("Home")
    assert page.evaluate("[explorer.setting.n, explorer.setting.rank]") == [20, 20]
    assert shown(page)["rank"] == "20"


def test_a_seed_that_is_none_is_refused_in_words(explorer):
    page = explorer()
    before = page.evaluate("explorer.answer")
    page.locator("[name=seed]").fill("-3")
    rule = "a number from 0 to 999999 in steps of 1"
    assert said(page) == f"The seed must be {rule}; the curves are still those of before."
    assert page.evaluate("explorer.answer") == before
    page.locator("[name=seed]").fill("3")
    assert said(page) == ""
    assert page.evaluate("explorer.setting.seed") == 3


def test_the_program_in_python_finds_the_same_values(explorer):
    page = explorer(rank=12, r=3, log10time=0.5, eigenvalues="FA")
    program, answer = page.locator("#explorer-python").text_content(), page.evaluate("explorer.answer")
    names = {}
    exec(program, names)
    assert abs(names["law"] - answer["levels"]["law"]) <= TOLERANCE
    assert abs(names["optimum"] - answer["levels"]["optimum"]) <= TOLERANCE
    assert np.allclose(names["times"], answer["times"], rtol=1e-14, atol=0)
    assert {name: len(curve) for name, curve in names["errors"].items()} == {"GD": 61, "FA": 61, "FA*": 61}
    assert names["eigenvalues"].shape == np.shape(answer["eigenvalues"]["FA"])


@pytest.mark.parametrize("spectrum", ["flat", "linear", "polynomial", "exponential", "stepped"])
def test_the_program_in_python_knows_every_spectrum(explorer, spectrum):
    page = explorer(spectrum=spectrum, rank=7)
    program = page.locator("#explorer-python").text_content().splitlines()
    names = {"np": np, "rank": 7, "r": 5}
    exec(next(line for line in program if line.startswith("values = ")), names)
    wanted = page.evaluate("explorer.problem.values.slice(0, 7)")
    assert np.allclose(names["values"], wanted, rtol=1e-14, atol=0)


def test_the_saved_curves_are_those_on_the_page(explorer):
    page = explorer(r=2)
    with page.expect_download() as waiting:
        page.locator("#explorer-save").press("Enter")
    rows = list(csv.reader(waiting.value.path().read_text(encoding="utf-8").splitlines()))
    answer = page.evaluate("explorer.answer")
    assert rows[0] == ["time", "GD", "FA", "FA*", "eigenvalue 1 (FA*)", "eigenvalue 2 (FA*)"]
    columns = [answer["times"], *answer["errors"].values(), *zip(*answer["eigenvalues"]["FA*"], strict=True)]
    assert np.array_equal(np.array(rows[1:], float).T, np.array(columns, float))


def test_the_copied_link_leads_to_the_setting(explorer):
    page = explorer({"permissions": ["clipboard-read", "clipboard-write"]}, r=4)
    page.locator("#explorer-copy").press("Enter")
    page.wait_for_function("document.querySelector('#explorer-status').textContent !== ''")
    assert said(page) == "The link is copied."
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith(page.evaluate("setting.fragment()"))
    assert "&r=4&" in copied


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_to_mend(explorer, scheme, width):
    page = explorer({"color_scheme": scheme, "viewport": {"width": width, "height": 844}})
    page.locator("#explorer summary").press("Enter")
    violations = Axe().run(page, options={"preload": False}).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []


def test_a_narrow_screen_needs_no_scrolling_sideways(explorer):
    page = explorer({"viewport": {"width": 390, "height": 844}})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    widths = page.evaluate("[...document.querySelectorAll('#explorer .uplot')].map((one) => one.clientWidth)")
    assert all(250 < width <= 390 for width in widths)


def test_another_theme_draws_the_pictures_anew(explorer):
    page = explorer({"color_scheme": "light"})
    before = page.evaluate(PICTURES)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"before => {PICTURES}.every((picture, i) => picture !== before[i])", arg=before)


def test_colours_are_those_of_the_figures_and_lines_differ_in_dashes_too(explorer):
    page = explorer()
    read = "name => getComputedStyle(document.querySelector('#explorer')).getPropertyValue(name).trim()"
    names = {"GD": "gd", "FA": "fa", "FA*": "fa-star"}
    assert {rule: page.evaluate(read, f"--{name}").upper() for rule, name in names.items()} == figures.COLOURS
    assert len({page.evaluate(read, f"--{name}-dash") for name in names.values()}) == 3
