"""The explorer's first screen: its numbers are those of fa_utils; it can be played, and read aloud."""

import csv
import html
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

import fa_utils as fa
from fa_utils.report import figures

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-8  # of errors over ||Y||^2, of W and of cosines
FRAME = 16  # milliseconds
CHOICES = [(rank, angle) for rank in (1, 2) for angle in (75, 0, 110, 200, 255, 290, 355)]  # of Y; of C
LOCAL = ("file:", "data:", "blob:", "about:")
FRAMES = """async () => {
    const slider = document.querySelector("#story-frame"), milliseconds = [];
    for (let frame = 0; frame <= slider.max; frame++) {
        const started = performance.now();
        slider.value = frame;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        document.querySelector("#story").getBoundingClientRect();
        milliseconds.push(performance.now() - started);
        await new Promise(requestAnimationFrame);
    }
    return milliseconds;
}"""
SENTENCES = """() => [...Array(241).keys()].map((frame) => {
    const slider = document.querySelector("#story-frame");
    slider.value = frame;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    return document.querySelector("#story-status").textContent;
})"""
OVERLAPS = """() => {
    const texts = [...document.querySelectorAll("#story svg text")].filter((text) => text.textContent);
    const boxes = texts.map((text) => text.getBoundingClientRect());
    const shared = (one, other, start, end) =>
        Math.min(one[end], other[end]) - Math.max(one[start], other[start]);
    return texts.flatMap((text, i) => texts.slice(0, i).filter((_, k) =>
        shared(boxes[i], boxes[k], "left", "right") > 0 && shared(boxes[i], boxes[k], "top", "bottom") > 4
    ).map((other) => text.textContent + " on " + other.textContent));
}"""
CONTROLS = """Object.fromEntries(
    [...document.querySelector("[name=log10C]").form.elements].map(({ name, value }) => [name, value]))"""
SETTINGS = list(csv.DictReader((ROOT / "book" / "settings.csv").read_text(encoding="utf-8").splitlines()))


@pytest.fixture
def story(book, browser):
    """Return a function that opens the first screen; no page may complain, or ask anything of the network."""
    contexts = []
    heard = []

    def opened(fragment="", scripts=(), **options):
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options))
        page = contexts[-1].new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and heard.append(said.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(LOCAL) or heard.append(asked.url))
        for name, text in dict(scripts).items():
            page.route(f"**/{name}", lambda route, _, body=text: route.fulfill(body=body))
        page.goto(f"{(book / 'explorer.html').as_uri()}{fragment}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert heard == []


def choose(page, rank, angle):
    """Set the rank of Y, and the direction of C in degrees."""
    page.locator(f"[name=story-rank][value='{rank}']").check()
    slide(page, "feedback", angle)


def slide(page, name, value):
    page.locator(f"#story-{name}").fill(str(value))


def frame(page):
    return int(page.locator("#story-frame").input_value())


def said(page):
    return page.locator("#story-status").text_content()


def shown(page):
    """Return the problem that the page shows, its times, and its answer."""
    found = page.evaluate("story")
    Y, C, Z, W = (np.array(found["problem"][name], float) for name in ("Y", "C", "Z", "W"))
    problem = fa.Problem(target=Y, feedback=C[None], Z=Z[:, None], W=W[None])
    runs = found["answer"]["runs"]
    return problem, found["answer"]["step"] * np.arange(len(runs["FA"]["errors"])), found["answer"]


def differences(page):
    """Return how far the page's numbers are from those of fa_utils, by name."""
    problem, times, answer = shown(page)
    total = fa.squared_norm(problem.target)
    far = {}
    for rule in (fa.GD, fa.FA):
        run = fa.flow(problem, rule, times, tolerance=1e-13)
        found = answer["runs"][rule.name]
        W = run.W[:, 0]
        cosines = W @ problem.feedback[0] / np.linalg.norm(W, axis=1)
        far[f"W of {rule.name}"] = np.abs(found["W"] - W).max()
        far[f"cosine of {rule.name}"] = np.abs(found["cosines"] - cosines).max()
        errors = fa.error(problem.target, run.Z, run.W) / total
        far[f"error of {rule.name}"] = np.abs(found["errors"] - errors).max()
    levels = answer["levels"]
    stationary = fa.error(problem.target, *fa.stationary_point(problem)) / total
    far["stationary"] = abs(levels["stationary"] - stationary)
    far["optimum"] = abs(levels["optimum"] - fa.optimal_error(problem.target, 1) / total)
    return far


def too_far(page):
    return [name for name, by in differences(page).items() if not by <= TOLERANCE]


def test_every_number_is_that_of_fa_utils(story):
    page = story()
    for rank, angle in CHOICES:
        choose(page, rank, angle)
        assert too_far(page) == [], (rank, angle)


@pytest.mark.parametrize(
    "right, wrong, noticed",
    [
        ("slope[i] = e1 * b1 + e2 * b2", "slope[i] = e1 * b1 + 1.0001 * e2 * b2", "W of GD"),
        ('rule === "GD" ? [w1, w2] : C', 'rule === "GD" ? [w1, w2] : [C[0], -C[1]]', "W of FA"),
        ("squared(projected) / squared(sketch)", "squared(projected) / squared(projected)", "stationary"),
        ("1 - squared(Y[0]) / total", "1 - squared(Y[1]) / total", "optimum"),
        ("dot(row, C) / Math.hypot(...row)", "dot(row, C)", "cosine of FA"),
    ],
)
def test_a_wrong_number_is_noticed(book, story, right, wrong, noticed):
    script = (book / "_static" / "story.js").read_text(encoding="utf-8")
    assert script.count(right) == 1
    page = story(scripts={"story.js": script.replace(right, wrong)})
    choose(page, 2, 75)
    assert noticed in too_far(page)


def test_the_line_of_y_is_its_leading_right_singular_vector(story):
    page = story()
    choose(page, 2, 75)
    problem, _, _ = shown(page)
    leading = np.linalg.svd(problem.target)[2][0]
    line = page.locator("#story-target")
    x, y = (float(line.get_attribute(f"{name}1")) for name in "xy")
    assert abs(abs(leading @ [x, -y]) / np.hypot(x, y) - 1) <= 1e-14


def test_the_story_that_is_told_is_true(story):
    """W starts opposite to C, FA's error grows first, and FA ends on C's side; GD ends along Y, elsewhere."""
    page = story()
    problem, _, answer = shown(page)
    fa_run = answer["runs"]["FA"]
    gd_run = answer["runs"]["GD"]
    assert fa_run["cosines"][0] == pytest.approx(-1, abs=1e-12)
    assert max(fa_run["errors"]) > 1.1 * fa_run["errors"][0] and fa_run["cosines"][-1] > 0.5
    assert np.all(np.diff(gd_run["errors"]) <= 0) and gd_run["cosines"][-1] < 0
    for run in (fa_run, gd_run):
        assert run["errors"][-1] < 1e-3
        assert abs(np.dot(run["W"][-1], problem.target[0])) / np.linalg.norm(run["W"][-1]) > 0.999
    choose(page, 2, 75)
    problem, _, answer = shown(page)
    end = problem.feedback @ problem.target.T @ problem.target
    last = np.array(answer["runs"]["FA"]["W"][-1])
    assert (end @ last)[0] / np.linalg.norm(end) / np.linalg.norm(last) > 0.9999
    assert abs(answer["runs"]["FA"]["errors"][-1] - answer["levels"]["stationary"]) < 1e-3
    assert abs(answer["runs"]["GD"]["errors"][-1] - answer["levels"]["optimum"]) < 1e-3


def test_at_rank_two_fa_stops_higher_the_further_c_is_from_y(story):
    page = story()
    levels = []
    for angle in range(20, 115, 15):
        choose(page, 2, angle)
        levels.append(page.evaluate("story.answer.levels.stationary"))
    assert levels == sorted(levels) and levels[0] < levels[-1]


def test_play_goes_to_the_end_and_pause_stops_it(story):
    page = story()
    button = page.locator("#story-play")
    assert button.text_content() == "Play"
    button.press("Enter")
    assert button.text_content() == "Pause"
    page.wait_for_function("document.querySelector('#story-frame').value > 3")
    button.press("Enter")
    stopped = frame(page)
    page.wait_for_timeout(200)
    assert (button.text_content(), frame(page)) == ("Play", stopped)
    slide(page, "frame", 236)
    button.press("Enter")
    page.wait_for_function("document.querySelector('#story-frame').value == 240")
    assert (button.text_content(), said(page)[:8]) == ("Play", "At time ")
    button.press("Enter")
    page.wait_for_function("document.querySelector('#story-frame').value < 100")


def test_nothing_moves_until_it_is_asked_to(story):
    page = story()
    page.wait_for_timeout(300)
    assert frame(page) == 0


def test_reduced_motion_jumps_once_for_each_press(story):
    page = story(reduced_motion="reduce")
    button = page.locator("#story-play")
    frames = []
    for _ in range(11):
        button.press("Enter")
        page.wait_for_timeout(30)
        frames.append(frame(page))
    assert button.text_content() == "Next"
    assert frames == [*range(24, 241, 24), 0]


def test_the_slider_moves_arrows_points_and_numbers_by_keyboard(story):
    page = story()
    slider = page.locator("#story-frame")
    errors = page.evaluate("story.answer.runs.FA.errors")
    parts = ["#story-circle [data-rule=fa] line", "#story-chart [data-rule=fa] circle"]
    before = [page.locator(part).evaluate("one => one.outerHTML") for part in parts]
    slider.press("ArrowRight")
    assert frame(page) == 1
    slider.press("End")
    slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "time 8.0"
    after = [page.locator(part).evaluate("one => one.outerHTML") for part in parts]
    assert [one for one, other in zip(before, after, strict=True) if one == other] == []
    assert page.locator("#story-error-fa").text_content() == f"{errors[239]:.2f}"


def test_the_sentence_says_what_the_numbers_say_and_changes_seldom(story):
    page = story()
    for rank, angle in CHOICES[::2]:
        choose(page, rank, angle)
        run = page.evaluate("story.answer.runs.FA")
        sentences = page.evaluate(SENTENCES)
        assert f"FA’s error is {run['errors'][-1]:.2f}" in sentences.pop()
        for sentence, cosine, step in zip(sentences, run["cosines"], np.diff(run["errors"]), strict=False):
            assert ("points away" in sentence) == (cosine < 0)
            assert sentence.endswith("the error falls." if step < 0 else "the error grows.")
        assert sum(one != other for one, other in pairwise(sentences)) <= 4


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_to_mend(story, scheme, width):
    page = story(color_scheme=scheme, viewport={"width": width, "height": 844})
    slide(page, "frame", 40)
    violations = Axe().run(page, "#story", options={"preload": False}).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []


def test_all_of_it_is_on_the_first_screen_of_a_laptop(story):
    page = story()
    assert page.locator("#story").bounding_box()["y"] + page.locator("#story").bounding_box()["height"] <= 800


def test_pictures_and_play_are_on_the_first_screen_of_a_phone(story):
    page = story(viewport={"width": 390, "height": 844})
    box = page.locator("#story-play").bounding_box()
    assert box["y"] + box["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("width", [390, 1280])
def test_no_name_in_the_pictures_is_over_another(story, width):
    page = story(viewport={"width": width, "height": 844})
    for rank, angle in [*CHOICES, (2, 20), (2, 45)]:
        choose(page, rank, angle)
        for moment in (0, 40, 100, 240):
            slide(page, "frame", moment)
            assert page.evaluate(OVERLAPS) == [], (rank, angle, moment)
    page.add_style_tag(content="#story figure text { font-size: 60px !important; }")
    assert page.evaluate(OVERLAPS) != []


def test_tab_leads_past_formulas_and_a_link_to_the_instrument(story):
    page = story()
    link = page.get_by_role("link", name="Skip to the instrument")
    link.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "story-play"
    link.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "n"


def test_a_frame_takes_less_than_16_milliseconds(story):
    assert np.median(story().evaluate(FRAMES)) < FRAME


def test_colours_are_those_of_the_figures(story):
    page = story()
    read = "name => getComputedStyle(document.querySelector('#story')).getPropertyValue(name).trim()"
    found = {rule: page.evaluate(read, f"--{rule.lower()}").upper() for rule in ("GD", "FA")}
    assert found == {rule: figures.COLOURS[rule] for rule in found}


def test_the_explorer_takes_every_setting_without_complaint(story):
    page = story()
    for row in SETTINGS:
        page.evaluate("fragment => (location.hash = fragment)", row["setting"])
        page.wait_for_function("fragment => location.hash === `#${fragment}`", arg=row["setting"])
        page.wait_for_timeout(50)
        wanted = dict(part.split("=") for part in row["setting"].split("&"))
        controls = page.evaluate(CONTROLS)
        assert {name: controls[name] for name in wanted} == wanted, row
        assert page.locator("#explorer-status").text_content() == "", row


def test_notebooks_lead_to_the_explorer_and_back(book, story):
    page = story()
    for row in SETTINGS:
        assert page.locator(f"article a[href='notebooks/{row['notebook']}.html']").count() >= 1
        text = (book / "notebooks" / f"{row['notebook']}.html").read_text(encoding="utf-8")
        assert f'explorer.html#{html.escape(row["setting"])}"' in text


def test_a_link_to_a_setting_leads_past_the_first_screen(story):
    assert abs(story("#n=100").locator("#the-instrument").bounding_box()["y"]) < 200
    assert story("#").evaluate("scrollY") == 0


def test_each_setting_belongs_to_one_notebook():
    found = [row["notebook"] for row in SETTINGS]
    assert len(set(found)) == len(found)
    assert [name for name in found if not (ROOT / "notebooks" / f"{name}.ipynb").exists()] == []
