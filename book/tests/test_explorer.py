"""The book's explorer: its numbers are fa_utils' own, its controls work, and it needs only its files."""

import csv
import shutil

import matplotlib.pyplot as plt
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
    "spectrum": "linear",
    "values": "",
    "r": "5",
    "feedback": "gaussian",
    "log10C": "-1",
    "start": "random",
    "log10start": "-0.5",
    "decay": "0",
    "seed": "1",
    "seeds": "1",
    "log10time": "1.5",
    "timeaxis": "linear",
    "erroraxis": "linear",
    "eigenvalues": "FA*",
    "moment": "60",
}
SETTINGS = (
    {},
    {"r": 8, "seed": 2, "eigenvalues": "FA", "moment": 20},
    {"spectrum": "flat", "log10time": 2},
    {"spectrum": "polynomial", "rank": 60, "log10C": 0},
    {"spectrum": "exponential", "rank": 60, "r": 7},
    {"spectrum": "stepped", "r": 3, "timeaxis": "log", "moment": 30},
    {"spectrum": "custom", "values": "0.5,1,0.01,0.77", "rank": 4, "r": 2},
    {"rank": 100, "log10start": -1},  # the rank is n
    {"rank": 3, "r": 8, "log10time": 2.5, "eigenvalues": "FA"},  # more units than the rank
    {"rank": 1, "r": 1},
    {"n": 20, "rank": 20, "r": 8, "log10C": 0.5},  # 3r > n: no direction is left out for W
    {"n": 20, "rank": 20, "r": 19, "eigenvalues": "FA"},
    {"n": 20, "rank": 7, "r": 7, "log10start": 0},
    {"n": 200, "rank": 200, "r": 8},
    {"r": 32, "rank": 60},
    {"log10C": -2, "log10time": 2.5},
    {"log10C": 1, "log10time": 0},
    {"log10start": -3, "log10time": 2, "timeaxis": "log"},
    {"feedback": "orthonormal", "r": 12},
    {"feedback": "signs", "rank": 6, "eigenvalues": "FA"},
    {
        "feedback": "sparse",
        "n": 20,
        "rank": 20,
        "eigenvalues": "FA",
    },  # two rows of C see the same column of Y
    {"start": "zero", "timeaxis": "log", "r": 12},
    {"start": "zero", "rank": 3, "r": 8, "log10time": 2.5, "moment": 10},
    {"start": "zero", "decay": 0.2, "r": 12},
    {"decay": 0.05, "r": 8, "log10time": 2},
    {"decay": 1, "moment": 5},  # the rate of the first direction is 0
)
EXTREMES = (
    {"log10C": 1, "log10time": 2.5, "r": 8},
    {"log10C": 1, "log10start": -3, "log10time": 2.5, "n": 200, "rank": 200},
    {"log10C": -2, "log10start": -3, "n": 20, "rank": 1, "r": 8},
    {"log10C": 1, "log10start": -3, "log10time": 2.5, "n": 20, "rank": 2, "r": 7, "spectrum": "polynomial"},
    {"spectrum": "exponential", "n": 200, "rank": 200, "r": 8, "seed": 999999},
    {"feedback": "sparse", "rank": 1, "r": 1},  # C sees nothing of Y
    {"n": 20, "rank": 1, "r": 20, "timeaxis": "log", "erroraxis": "log"},
)
NO_FA_STAR = {
    "zero": "FA* is not drawn: it needs a start of full rank.",
    "decay": "FA* is not drawn: its W follows from Z and cannot decay.",
}
READ = """async () => ({
    ...explorer.answer, setting: explorer.setting, problem: await engine.ask("problem"),
})"""
PICTURES = "[...document.querySelectorAll('#instrument .uplot canvas')].map((canvas) => canvas.toDataURL())"


LOCAL = ("file:", "data:", "blob:", "about:")


@pytest.fixture
def open_page(browser):
    """Return a function that opens an address in a context of its own, with Playwright's options for that.

    Afterwards no page may have complained in the console, or have asked for anything beyond its own files.
    """
    contexts = []
    heard = []

    def opened(address, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and heard.append(said.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(LOCAL) or heard.append(asked.url))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert heard == []


@pytest.fixture
def explorer(book, open_page):
    """Return a function that opens the explorer, in a folder, at a setting, given by names in the address."""

    def opened(options=None, folder=book, **setting):
        fragment = "&".join(f"{name}={value}" for name, value in setting.items())
        address = (folder / "explorer.html").as_uri()
        return settled(open_page(f"{address}#{fragment}", **(options or {})))

    return opened


def with_script(book, folder, file, text):
    """Return a folder with the book's explorer, in which one script is another."""
    shutil.copy(book / "explorer.html", folder)
    (folder / "_static").mkdir()
    for path in [*book.iterdir(), *(book / "_static").iterdir()]:
        link = folder / path.relative_to(book)
        if path.name != file and not link.exists():
            link.symlink_to(path)
    (folder / "_static" / file).write_text(text, encoding="utf-8")
    return folder


def settled(page):
    """Return a page once it shows what its controls ask for."""
    page.wait_for_selector("#instrument:not([aria-busy])", state="attached")
    return page


def shown(page):
    """Return what the controls show, by name."""
    return page.evaluate("""Object.fromEntries(
        [...setting.form.elements].filter(({ name }) => name).map(({ name, value }) => [name, value])
    )""")


def said(page):
    return page.locator("#explorer-status").text_content()


def done(page):
    """Return what a page says beside its buttons."""
    return page.locator("#explorer-done").text_content()


def problem_of(page):
    """Return the problem that a page shows, and what the page found for it."""
    found = page.evaluate(READ)
    # A list of one kind of numbers comes back as an object with its indices for names.
    rows = {name: [as_list(row) for row in found["problem"][name]] for name in ("C", "Z", "W")}
    matrices = {name: np.array(matrix, float) for name, matrix in rows.items()}
    target = np.diag(np.array(found["problem"]["values"], float))
    return fa.Problem(target, matrices["C"], matrices["Z"], matrices["W"]), found


def as_list(numbers):
    return list(numbers.values()) if isinstance(numbers, dict) else numbers


def largest_difference(found, wanted, unit):
    assert np.shape(found) == np.shape(wanted)
    return np.abs(np.array(found, float) - wanted).max() / max(unit, 1e-300)


def runs_of(problem, setting, times):
    """Return fa_utils' own runs of what a page draws, and where FA stops."""
    decay = setting["decay"]
    rules = {rule.name: theory.with_decay(rule, decay) if decay else rule for rule in (fa.GD, fa.FA)}
    runs = {name: fa.flow(problem, rule, times, tolerance=1e-13) for name, rule in rules.items()}
    if setting["start"] == "zero" and not decay:
        runs["FA"] = theory.fa_exact(problem, times)
    if setting["start"] == "random" and not decay:
        runs["FA*"] = theory.fa_star_exact(problem, times)
    return runs, theory.decay_rest(problem, decay) if decay else fa.stationary_point(problem)


def differences(problem, found):
    """Return how far a page's curves, matrices and values are from fa_utils', in the tolerance's units."""
    times = np.array(found["times"], float)
    r = problem.Z.shape[1]
    total = fa.squared_norm(problem.target)
    runs, rest = runs_of(problem, found["setting"], times)
    wanted = {name: fa.error(problem.target, run.Z, run.W) / total for name, run in runs.items()}
    assert found["errors"].keys() == wanted.keys()
    far = {name: largest_difference(found["errors"][name], wanted[name], 1) for name in runs}
    run = runs[found["rule"]]
    moment = found["setting"]["moment"]
    eigenvalues = np.linalg.eigvalsh(fa.alignment_matrix(problem, run.W))
    far["eigenvalues"] = largest_difference(found["eigenvalues"], eigenvalues, np.abs(eigenvalues).max())
    matrices = {"Z": run.Z[moment], "W": run.W[moment], "overlap": run.W[moment] @ problem.feedback.T}
    for name, matrix in matrices.items():
        entries = np.reshape(as_list(found["state"][name]), matrix.shape)
        far[f"matrix {name}"] = largest_difference(entries, matrix, np.abs(matrix).max())
    levels = {
        "stationary": fa.error(problem.target, *rest) / total,
        "optimum": fa.optimal_error(problem.target, r) / total,
        "law": theory.error_law(np.diag(problem.target), r) / total,
    }
    if found["setting"]["decay"]:
        del levels["law"]
    assert found["levels"].keys() == levels.keys()
    return far | {name: abs(found["levels"][name] - level) for name, level in levels.items()}


def sentences(chosen):
    """Return what a page says of a setting that it can draw to the end."""
    if chosen.get("start") == "zero":
        return NO_FA_STAR["zero"]
    return NO_FA_STAR["decay"] if chosen.get("decay") else ""


@pytest.mark.parametrize("chosen", SETTINGS, ids=str)
def test_every_curve_and_every_value_is_that_of_fa_utils(explorer, chosen):
    page = explorer(**chosen)
    assert said(page) == sentences(chosen)
    assert shown(page) == DEFAULTS | {name: str(value) for name, value in chosen.items()}
    far = differences(*problem_of(page))
    assert {name: by for name, by in far.items() if not by <= TOLERANCE} == {}


@pytest.mark.parametrize(
    "file, right, wrong, chosen, curve",
    [
        ("integrate.js", "35 / 384", "35 / 384.01", {}, "FA"),
        ("runs.js", "Growth(2 * (rate - decay)", "Growth(2.0001 * (rate - decay)", {}, "GD"),
        ("runs.js", "- decay * Z[i]", "- 0.999 * decay * Z[i]", {"decay": 0.1}, "FA"),
        ("runs.js", "exp((rate - decay) * step)", "exp((rate - 0.999 * decay) * step)", {"decay": 0.1}, "GD"),
        ("riccati.js", "TERMS = 16", "TERMS = 4", {}, "FA*"),
        ("modes.js", "NEWTON_STEPS = 6", "NEWTON_STEPS = 2", {"start": "zero"}, "FA"),
        (
            "modes.js",
            "asinh(value / (2 * unit ** 3)) / 3",
            "asinh(value / unit ** 3) / 3",
            {"decay": 0.1},
            "stationary",
        ),
        ("modes.js", "if (decay === 0) return 1;", "if (decay === 0) return 0.999;", {}, "stationary"),
        ("answer.js", ".slice(C.rows)", ".slice(C.rows + 1)", {}, "optimum"),
        ("answer.js", "[low, high] = [-100, 100]", "[low, high] = [2, 100]", {}, "law"),
    ],
)
def test_a_wrong_number_is_noticed(book, tmp_path, explorer, file, right, wrong, chosen, curve):
    script = (book / "_static" / file).read_text(encoding="utf-8")
    assert script.count(right) == 1
    folder = with_script(book, tmp_path, file, script.replace(right, wrong))
    page = explorer(folder=folder, **chosen)
    far = differences(*problem_of(page))
    known = [name for name in far if "eigenvalues" not in name and "matrix" not in name]
    assert [name for name in known if not far[name] <= TOLERANCE] == [curve]


@pytest.mark.parametrize("chosen", EXTREMES, ids=str)
def test_extreme_settings_give_finite_numbers_or_say_where_they_end(explorer, chosen):
    page = explorer(**chosen)
    _, found = problem_of(page)
    curves = [*found["errors"].values(), found["eigenvalues"], list(found["levels"].values())]
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


@pytest.mark.parametrize("name", ["n", "rank", "r", "log10C", "log10start", "decay", "log10time", "seed"])
def test_each_slider_moves_the_curves(explorer, name):
    page = explorer()
    before = page.evaluate("explorer.answer")
    pictures = page.evaluate(PICTURES)
    page.locator(f"[name={name}]").press("ArrowUp")
    after = settled(page).evaluate("explorer.answer")
    assert all(before[part] != after[part] for part in ("errors", "eigenvalues"))
    page.wait_for_function(f"before => {PICTURES}.every((picture, i) => picture !== before[i])", arg=pictures)
    assert float(shown(page)[name]) > float(DEFAULTS[name])


@pytest.mark.parametrize("name, count", [("spectrum", 5), ("feedback", 4), ("start", 2)])
def test_each_choice_has_its_own_curves(explorer, name, count):
    page = explorer()
    choices = page.locator(f"[name={name}] option").evaluate_all("all => all.map(({ value }) => value)")
    errors = []
    for choice in choices:
        page.select_option(f"[name={name}]", choice)
        errors.append(tuple(settled(page).evaluate("explorer.answer.errors.FA")))
    # One's own singular values begin as those shown.
    assert len(set(errors)) == count


def test_a_change_while_the_worker_is_busy_is_answered_last(explorer):
    page = explorer(r=24)
    for key in ["ArrowUp"] * 6:
        page.locator("[name=r]").press(key)
    assert len(settled(page).evaluate("explorer.answer.eigenvalues[0]")) == 30
    assert page.evaluate("explorer.setting.r") == 30


def test_the_eigenvalues_drawn_are_those_of_the_rule_that_was_chosen(explorer):
    page = explorer()
    picture = page.locator("#explorer-eigenvalues")
    before = page.evaluate(PICTURES)
    label = picture.get_attribute("aria-label")
    page.select_option("[name=eigenvalues]", "FA")
    page.wait_for_function(f"before => {PICTURES}[1] !== before[1]", arg=before)
    assert label.startswith("Eigenvalues under FA*: ")
    assert picture.get_attribute("aria-label").startswith("Eigenvalues under FA: ")
    assert set(page.locator(".explorer-rule").all_text_contents()) == {"FA"}


def test_where_there_is_no_fa_star_the_eigenvalues_are_those_of_fa(explorer):
    page = explorer(start="zero")
    assert page.evaluate("[explorer.setting.rule, explorer.answer.rule]") == ["FA*", "FA"]
    assert set(page.locator(".explorer-rule").all_text_contents()) == {"FA"}


@pytest.mark.parametrize("moment", [60, 25])
def test_the_table_and_the_descriptions_hold_the_numbers(explorer, moment):
    page = explorer(moment=moment)
    answer = page.evaluate("explorer.answer")
    levels = [answer["levels"][name] for name in ("stationary", "law", "optimum")]
    there = [answer["errors"][name][moment] for name in ("GD", "FA", "FA*")]
    cells = page.locator("#explorer-numbers td:last-child").all_text_contents()
    assert cells == [f"{value:.4g}" for value in there + levels]
    last = [answer["errors"][name][-1] for name in ("GD", "FA", "FA*")]
    label = page.locator("#explorer-errors").get_attribute("aria-label")
    assert all(f"{value:.4g}" in label for value in last + levels)


def test_the_moment_moves_without_a_new_answer(explorer):
    page = explorer()
    page.evaluate("window.before = explorer.answer")
    maps = "[...document.querySelectorAll('#explorer-maps canvas')].map((canvas) => canvas.toDataURL())"
    shown_before = page.evaluate(maps)
    page.locator("[name=moment]").press("Home")
    page.wait_for_function(f"before => {maps}.every((map, i) => map !== before[i])", arg=shown_before)
    assert page.evaluate("explorer.answer === before")
    first = page.evaluate("explorer.answer.errors.GD[0]")
    assert page.locator("#explorer-numbers td:last-child").first.text_content() == f"{first:.4g}"
    assert page.locator("[name=moment]").get_attribute("aria-valuetext") == "time 0"


def test_the_maps_show_the_matrices(explorer):
    page = explorer(n=20, r=3, rank=20, eigenvalues="FA", moment=30)
    state = page.evaluate("explorer.answer.state")
    read = """canvas => ({ rows: canvas.height, columns: canvas.width,
        data: [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data] })"""
    drawn = page.locator("#explorer-maps canvas").evaluate_all(f"all => all.map({read})")
    matrices = [np.reshape(as_list(state["Z"]), (20, 3)).T, np.reshape(as_list(state["W"]), (3, 20))]
    matrices.append(np.reshape(as_list(state["overlap"]), (3, 3)))
    for one, matrix in zip(drawn, matrices, strict=True):
        pixels = np.reshape(one["data"], (one["rows"], one["columns"], 4))
        assert pixels.shape[:2] == matrix.shape
        wanted = 255 * np.abs(matrix) / np.abs(matrix).max()
        assert np.abs(pixels[..., 3] - wanted).max() <= 1
        strong = wanted > 20
        assert ((pixels[..., 0] > pixels[..., 2]) == (matrix > 0))[strong].all()


def test_the_pointer_reads_the_curves(explorer):
    page = explorer({"viewport": {"width": 1280, "height": 900}})
    page.locator("#explorer-errors .u-over").hover()
    readout = page.locator("#explorer-errors-readout:not(:empty)")
    answer = page.evaluate("explorer.answer")
    said_there = readout.text_content()
    nearest = next(i for i, time in enumerate(answer["times"]) if f"at time {time:.4g}: " in said_there)
    wanted = {name: curve[nearest] for name, curve in answer["errors"].items()}
    assert all(f"{name} {value:.4g}" in said_there for name, value in wanted.items())
    assert page.locator("#explorer-eigenvalues-readout").text_content().startswith("at time ")
    page.locator("#explorer-errors .u-over").click()
    assert shown(page)["moment"] == str(nearest)


@pytest.mark.parametrize("axes", [("log", "linear"), ("linear", "log"), ("log", "log")])
def test_logarithmic_axes_draw_the_same_problem(explorer, axes):
    time, error = axes
    page = explorer(timeaxis=time, erroraxis=error)
    plain = explorer()
    assert page.evaluate(PICTURES)[0] != plain.evaluate(PICTURES)[0]
    assert page.evaluate("explorer.answer.levels") == plain.evaluate("explorer.answer.levels")
    ends = [one.evaluate("explorer.answer.errors.FA.at(-1)") for one in (page, plain)]
    assert abs(ends[0] - ends[1]) <= TOLERANCE


# --- singular values of one's own ---


def test_a_bar_follows_the_pointer(explorer):
    page = explorer({"viewport": {"width": 1280, "height": 900}}, rank=4)
    page.locator("#explorer-spectrum").scroll_into_view_if_needed()
    box = page.locator("#explorer-spectrum").bounding_box()
    middle = box["x"] + 0.375 * box["width"]
    page.mouse.move(middle, box["y"] + 0.9 * box["height"])
    page.mouse.down()
    page.mouse.move(middle, box["y"] + 0.5 * box["height"])
    page.mouse.up()
    found = settled(page).evaluate("explorer.setting")
    assert (found["spectrum"], found["rank"]) == ("custom", 4)
    assert found["values"][1] == pytest.approx(0.5, abs=0.03)
    assert [found["values"][i] for i in (0, 2, 3)] == [1, 0.67, 0.5]
    assert shown(page)["values"] == ",".join(f"{value:g}" for value in found["values"])


def test_a_bar_obeys_the_arrow_keys(explorer):
    page = explorer(rank=3)
    bars = page.locator("#explorer-spectrum [role=slider]")
    bars.nth(0).focus()
    page.keyboard.press("ArrowRight")
    for key in ("ArrowDown", "ArrowDown", "PageUp", "PageDown"):
        page.keyboard.press(key)
    assert settled(page).evaluate("explorer.setting.values") == [1, 0.73, 0.5]
    assert bars.nth(1).get_attribute("aria-valuenow") == "0.73"
    for key in ("Home", "ArrowRight", "End"):
        page.keyboard.press(key)
    assert settled(page).evaluate("explorer.setting.values") == [1, 0.01, 1]


def test_values_of_ones_own_follow_the_rank_and_the_size(explorer):
    page = explorer(spectrum="custom", values="0.9,0.4", n=30)
    assert shown(page)["rank"] == "2"
    page.locator("[name=rank]").press("ArrowUp")
    assert settled(page).evaluate("explorer.setting.values") == [0.9, 0.4, 0.4]
    page.locator("[name=rank]").press("End")
    page.locator("[name=n]").press("Home")
    assert len(settled(page).evaluate("explorer.setting.values")) == 20


# --- many seeds, pins, files ---


def test_many_seeds_are_those_of_one_by_one(explorer):
    page = explorer(seeds=20, seed=3, n=40, rank=30)
    assert len(page.evaluate("explorer.stops")) == 20
    for number in (0, 7):
        found = explorer(seed=3 + number, n=40, rank=30).evaluate("explorer.answer")
        curve = page.evaluate(f"explorer.curves[{number}]")
        assert largest_difference(curve, found["errors"]["FA"], 1) <= TOLERANCE
        assert abs(page.evaluate(f"explorer.stops[{number}]") - found["levels"]["stationary"]) <= TOLERANCE
    band = page.evaluate("many.band(explorer.curves)")
    wanted = np.quantile(page.evaluate("explorer.curves"), [0.05, 0.95], axis=0)
    assert largest_difference(band, wanted, 1) <= TOLERANCE
    described = page.locator("#explorer-many svg").get_attribute("aria-label")
    stops, law = page.evaluate("[explorer.stops, explorer.answer.levels.law]")
    assert f"mean {np.mean(stops):.4g}, law {law:.4g}" in described
    heights = page.locator("#explorer-many rect").evaluate_all(
        "all => all.map((bar) => +bar.getAttribute('height'))"
    )
    counts = np.histogram(stops, 24, (min(*stops, law), max(*stops, law)))[0]
    assert np.allclose(np.array(heights) / max(heights), counts / counts.max(), rtol=0, atol=1e-6)


def test_gaussian_feedback_stops_near_the_law_and_sparse_feedback_does_not(explorer):
    means = {}
    for kind in ("gaussian", "orthonormal", "sparse"):
        page = explorer(seeds=100, feedback=kind, spectrum="stepped", log10time=0)
        means[kind] = np.mean(page.evaluate("explorer.stops")) / page.evaluate("explorer.answer.levels.law")
    assert abs(means["gaussian"] - 1) < 0.05
    # Orthonormal rows of the same draws span the same: they stop at the same errors.
    assert abs(means["orthonormal"] - means["gaussian"]) < TOLERANCE
    assert means["sparse"] > 1.2


def test_a_pin_stays_while_the_setting_changes(explorer):
    page = explorer()
    page.locator("#explorer-pin").press("Enter")
    assert done(page) == "Pinned, with number 1. Change the setting to compare."
    pinned = page.evaluate(PICTURES)[0]
    page.locator("[name=r]").press("End")
    both = settled(page).evaluate(PICTURES)[0]
    assert done(page) == ""
    page.locator("#explorer-unpin").press("Enter")
    page.wait_for_function(f"before => {PICTURES}[0] !== before", arg=both)
    assert len({pinned, both, page.evaluate(PICTURES)[0]}) == 3
    assert not page.locator("#explorer-unpin").is_visible()
    assert not page.locator("#explorer-pins").is_visible()
    assert page.evaluate("document.activeElement.id") == "explorer-pin"
    assert done(page) == "The pins are off."


def test_each_pin_says_what_differs_from_the_present_setting(explorer):
    page = explorer()
    names = page.locator("#explorer-pins li")
    page.locator("#explorer-pin").press("Enter")
    assert names.all_text_contents() == ["nothing"]
    page.locator("[name=r]").press("ArrowUp")
    page.select_option("[name=start]", "zero")
    settled(page).locator("#explorer-pin").press("Enter")
    assert names.all_text_contents() == ["r = 5; start’s scale 0.32", "nothing"]
    page.select_option("[name=feedback]", "signs")
    page.locator("#explorer-spectrum [role=slider]").first.press("ArrowDown")
    settled(page)
    wanted = "singular values 1 down to 1/2; {}C: Gaussian"
    assert names.all_text_contents() == [wanted.format("r = 5; ") + "; start’s scale 0.32", wanted.format("")]
    page.locator("#explorer-pin").press("Enter")
    page.locator("#explorer-spectrum [role=slider]").first.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    settled(page)
    assert names.last.text_content() == "singular values 0.99, 0.97, 0.95, 0.92, ..."


def test_the_picture_holds_both_charts(explorer):
    page = explorer()
    with page.expect_download() as waiting:
        page.locator("#explorer-picture").press("Enter")
    assert done(page) == "The browser saves charts.png."
    picture = plt.imread(waiting.value.path(), format="png")
    sizes = page.locator("#instrument .uplot canvas").evaluate_all(
        "all => all.map((one) => [one.height, one.width])"
    )
    assert picture.shape[:2] == (sum(height for height, _ in sizes), sizes[0][1])
    assert all(part[..., :3].std() > 0.01 for part in np.array_split(picture, 2))


def test_each_thing_to_try_sets_the_controls(explorer):
    page = explorer()
    for button in page.locator("#explorer-try button").all():
        wanted = dict(part.split("=") for part in button.get_attribute("data-set").split("&"))
        button.press("Enter")
        assert shown(page) == DEFAULTS | wanted
        settled(page)
        said = button.locator("..").text_content().removeprefix(button.text_content())
        assert " ".join(said.split()) in " ".join(page.locator("#explorer-status").text_content().split())


# --- keyboard and address ---


def test_everything_works_by_keyboard_alone(explorer):
    page = explorer()
    page.locator("[name=n]").focus()
    focused = "(({ name, id, role, tagName }) => name || id || role || tagName)(document.activeElement)"
    reached = []
    while "explorer-program" not in reached:
        reached.append(page.evaluate(focused))
        if reached[-1] in DEFAULTS:
            down = page.evaluate("document.activeElement.tagName === 'SELECT'") or reached[-1] == "moment"
            page.keyboard.press("ArrowDown" if down else "ArrowUp")
        if reached[-1] == "SUMMARY":
            page.keyboard.press("Enter")
        page.keyboard.press("Tab")
    controls = [name for name in DEFAULTS if name != "values"]  # it is hidden until there are some
    controls.insert(controls.index("spectrum") + 1, "slider")
    buttons = ["explorer-pin", "explorer-copy", "explorer-save", "explorer-picture", "explorer-reset"]
    assert reached == [*controls, *buttons, "SUMMARY", "explorer-program"]
    assert [name for name, value in shown(page).items() if value == DEFAULTS[name]] == ["values"]
    assert page.locator("#explorer-python").is_visible()


def test_start_over_brings_the_defaults_back_by_keyboard(explorer):
    page = explorer(r=7, n=200, rank=150)
    page.locator("#explorer-reset").press("Enter")
    assert shown(page) == DEFAULTS
    assert done(page) == "All controls are as at first."


def test_an_address_brings_the_same_state_back(explorer, open_page):
    page = explorer()
    for name in ("n", "rank", "log10C", "log10start", "log10time", "seed"):
        page.locator(f"[name={name}]").press("ArrowUp")
    chosen = {
        "spectrum": "custom",
        "eigenvalues": "FA",
        "feedback": "signs",
        "timeaxis": "log",
        "erroraxis": "log",
    }
    for name, value in chosen.items():
        page.select_option(f"[name={name}]", value)
    page.locator("[name=moment]").press("ArrowDown")
    settled(page).wait_for_function("location.hash === setting.fragment()")
    again = settled(open_page(page.url))
    assert shown(again) == shown(page)
    same = ("setting", "errors", "eigenvalues", "problem")
    assert [again.evaluate(READ)[name] for name in same] == [page.evaluate(READ)[name] for name in same]


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
        ("r", "33", "a number from 1 to 32 in steps of 1"),
        ("r", "2.5", "a number from 1 to 32 in steps of 1"),
        ("r", "", "a number from 1 to 32 in steps of 1"),
        ("rank", "101", "a number from 1 to 100 in steps of 1"),
        ("n", "many", "a number from 20 to 200 in steps of 10"),
        ("seed", "-1", "a number from 0 to 999999 in steps of 1"),
        ("log10C", "1e9", "a number from -2 to 1 in steps of 0.1"),
        ("log10start", "NaN", "a number from -3 to 0 in steps of 0.1"),
        ("eigenvalues", "GD", "one of FA*, FA"),
        ("spectrum", "<b>", "one of flat, linear, polynomial, exponential, stepped, custom"),
        ("decay", "-0.1", "a number from 0 to 1 in steps of 0.01"),
        ("moment", "61", "a number from 0 to 60 in steps of 1"),
        ("feedback", "GAUSSIAN", "one of gaussian, orthonormal, signs, sparse"),
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
    assert settled(page).evaluate("[explorer.setting.n, explorer.setting.rank]") == [20, 20]
    assert shown(page)["rank"] == "20"


def test_more_units_than_a_smaller_size_become_the_size(explorer):
    page = explorer(r=32)
    page.locator("[name=n]").press("Home")
    assert settled(page).evaluate("[explorer.setting.n, explorer.setting.r]") == [20, 20]


@pytest.mark.parametrize("text", ["0.5,,0.4", "2,1", "0", "one", "1," * 100 + "1"])
def test_values_that_are_none_are_refused_in_words(explorer, text):
    page = explorer(spectrum="custom", values=text)
    rule = "numbers from 0.01 to 1 with commas between them, at most n of them"
    assert said(page) == f"The address asks for values = {text}; it must be {rule}, and is left out here."
    assert len(page.evaluate("explorer.setting.values")) == 20


def test_what_is_refused_is_said_and_never_in_the_address(explorer):
    page = explorer(r=3)
    page.locator("[name=seed]").fill("2")
    settled(page).wait_for_function("location.hash.includes('seed=2&')")
    before = page.evaluate("explorer.answer")
    address = page.url
    page.locator("[name=r]").press("ArrowUp")  # what was not yet written is not written later
    page.locator("[name=seed]").fill("99999999")
    rule = "a number from 0 to 999999 in steps of 1"
    refusal = f"The seed must be {rule}; the curves are still those of before."
    assert said(page) == refusal
    assert said(settled(page)) == refusal
    page.locator("[name=moment]").press("Home")
    page.locator("#explorer-copy").press("Enter")
    page.wait_for_timeout(600)
    assert page.url == address
    assert page.evaluate("explorer.setting.seed") == 2 and before is not None
    page.locator("[name=seed]").fill("3")
    assert settled(page).evaluate("explorer.setting.seed") == 3
    assert said(page) == ""
    page.wait_for_function("location.hash.includes('seed=3&')")


@pytest.mark.parametrize(
    "chosen",
    [
        {"eigenvalues": "FA"},
        {"timeaxis": "log", "feedback": "orthonormal"},
        {"start": "zero", "feedback": "signs"},
        {"start": "zero", "decay": 0.1, "feedback": "sparse"},
        {"decay": 0.3, "spectrum": "custom", "values": "1,0.8,0.5,0.5"},
    ],
    ids=str,
)
def test_the_program_in_python_is_that_of_the_setting(explorer, chosen):
    page = explorer(**{"n": 20, "rank": 12, "r": 3, "log10time": 0.5} | chosen)
    program = page.locator("#explorer-python").text_content()
    answer = page.evaluate("explorer.answer")
    names = {}
    exec(program, names)
    assert names["errors"].keys() == answer["errors"].keys()
    assert all(len(curve) == 61 for curve in names["errors"].values())
    assert np.allclose(names["times"], answer["times"], rtol=1e-13, atol=0)
    known = {name: names[name] for name in ("law", "optimum") if name in names}
    assert known.keys() == answer["levels"].keys() - {"stationary"}
    assert all(abs(value - answer["levels"][name]) <= TOLERANCE for name, value in known.items())
    assert names["eigenvalues"].shape == np.shape(answer["eigenvalues"])
    # The draws are others, but of the same size.
    assert 0.2 < names["errors"]["FA"][0] / answer["errors"]["FA"][0] < 5
    wanted = np.array(page.evaluate("engine.ask('problem').then(({ C }) => [...C.map((row) => [...row])])"))
    assert 0.2 < fa.squared_norm(names["problem"].feedback) / fa.squared_norm(wanted) < 5


@pytest.mark.parametrize("chosen", [{}, {"start": "zero"}, {"decay": 0.2}], ids=str)
def test_the_program_in_python_finds_the_same_curves_for_the_same_draws(explorer, chosen):
    page = explorer(**{"n": 20, "rank": 12, "r": 3} | chosen)
    program = page.locator("#explorer-python").text_content()
    (problem, found) = problem_of(page)
    lines = program.splitlines()
    first = lines.index("problem = fa.Problem(")
    del lines[first : lines.index(")", first) + 1]
    names = {}
    exec("\n".join(lines[:first]), names)
    names["problem"] = problem
    exec("\n".join(lines[first:]), names)
    for name, curve in found["errors"].items():
        assert largest_difference(curve, names["errors"][name], 1) <= 1e-6
    assert abs(names["stationary"] - found["levels"]["stationary"]) <= TOLERANCE


@pytest.mark.parametrize("spectrum", ["flat", "linear", "polynomial", "exponential", "stepped"])
def test_the_program_in_python_knows_every_spectrum(explorer, spectrum):
    page = explorer(spectrum=spectrum, rank=7)
    program = page.locator("#explorer-python").text_content().splitlines()
    names = {"np": np, "rank": 7, "r": 5}
    exec(next(line for line in program if line.startswith("values = ")), names)
    assert np.allclose(names["values"], page.evaluate("explorer.setting.values"), rtol=1e-14, atol=0)


def test_the_saved_curves_are_those_on_the_page(explorer):
    page = explorer(r=2)
    with page.expect_download() as waiting:
        page.locator("#explorer-save").press("Enter")
    assert done(page) == "The browser saves curves.csv."
    rows = list(csv.reader(waiting.value.path().read_text(encoding="utf-8").splitlines()))
    answer = page.evaluate("explorer.answer")
    assert rows[0] == ["time", "GD", "FA", "FA*", "eigenvalue 1 (FA*)", "eigenvalue 2 (FA*)"]
    columns = [answer["times"], *answer["errors"].values(), *zip(*answer["eigenvalues"], strict=True)]
    assert np.array_equal(np.array(rows[1:], float).T, np.array(columns, float))


def test_the_copied_link_leads_to_the_setting(explorer):
    page = explorer({"permissions": ["clipboard-read", "clipboard-write"]}, r=4)
    page.locator("#explorer-copy").press("Enter")
    page.wait_for_function("document.querySelector('#explorer-done').textContent !== ''")
    assert done(page) == "The link is copied."
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith(page.evaluate("setting.fragment()"))
    assert "&r=4&" in copied


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_to_mend(explorer, scheme, width):
    page = explorer({"color_scheme": scheme, "viewport": {"width": width, "height": 844}})
    page.locator("#instrument summary").press("Enter")
    violations = Axe().run(page, options={"preload": False}).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []


def test_a_narrow_screen_needs_no_scrolling_sideways(explorer):
    page = explorer({"viewport": {"width": 390, "height": 844}})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    widths = page.evaluate(
        "[...document.querySelectorAll('#instrument .uplot')].map((one) => one.clientWidth)"
    )
    assert all(250 < width <= 390 for width in widths)


def test_another_theme_draws_the_pictures_anew(explorer):
    page = explorer({"color_scheme": "light"})
    before = page.evaluate(PICTURES)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"before => {PICTURES}.every((picture, i) => picture !== before[i])", arg=before)


def test_colours_are_those_of_the_figures_and_lines_differ_in_dashes_too(explorer):
    page = explorer()
    read = "name => getComputedStyle(document.querySelector('#instrument')).getPropertyValue(name).trim()"
    names = {"GD": "gd", "FA": "fa", "FA*": "fa-star"}
    assert {rule: page.evaluate(read, f"--{name}").upper() for rule, name in names.items()} == figures.COLOURS
    assert len({page.evaluate(read, f"--{name}-dash") for name in names.values()}) == 3
