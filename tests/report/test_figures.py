import itertools
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from conftest import close
from matplotlib import pyplot as plt
from matplotlib.layout_engine import ConstrainedLayoutEngine
from nbsteady.launcher import set_rounding
from PIL import Image, ImageSequence

import fa_utils as fa
from fa_utils.report import figures


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FA_FIGURES", str(tmp_path / "pictures"))
    return tmp_path / "pictures"


@pytest.fixture(autouse=True)
def no_window():
    with mpl.rc_context():
        mpl.use("Agg")
        figures.use()
        yield
        plt.close("all")


def one_curve(values):
    figure, (ax,) = figures.panels()
    figures.draw_rule(ax, fa.FA, np.arange(len(values)), np.array(values, float))
    return figure


def test_a_saved_figure_is_a_picture_and_its_data(folder):
    picture = figures.save(one_curve([3, 2, 1.5]), "curve", "A falling curve")
    assert (folder / "curve.png").read_bytes() == picture.png
    with Image.open(folder / "curve.png") as image:
        assert image.size == (1408, 576)  # 160 dots to the inch
    rows = b"".join(b"0,line,FA,linear linear,%d,%g\n" % point for point in ((0, 3), (1, 2), (2, 1.5)))
    rows = b"panel,kind,series,scales,x,y\n" + rows
    assert (folder / "curve.csv").read_bytes() == rows
    assert sorted(path.name for path in folder.iterdir()) == ["curve.csv", "curve.png"]


def test_the_same_data_give_the_same_bytes(folder):
    one, other = (figures.save(one_curve([3, 2, 1.5]), name, "x") for name in ("one", "other"))
    assert one.png == other.png and b"Software" not in one.png


def test_a_picture_shows_itself_with_its_description(folder):
    picture = figures.save(one_curve([1, 2]), "curve", "A rising curve")
    assert repr(picture) == "[picture curve: A rising curve]"
    assert picture._repr_png_() == (picture.png, {"alt": "A rising curve", "figure": "curve"})


def test_saving_closes_the_figure_and_no_other(folder):
    figure = one_curve([1, 2])
    later, _ = figures.panels()
    figures.save(figure, "curve", "x")
    assert plt.get_fignums() == [later.number]


def test_a_picture_is_a_png_whatever_a_users_settings_in_any_folder_that_can_be_made(folder, monkeypatch):
    monkeypatch.setenv("FA_FIGURES", str(folder / "deep" / "below"))
    mpl.rcParams["savefig.format"] = "pdf"
    picture = figures.save(one_curve([1, 2]), "curve", "x")
    assert picture.png.startswith(b"\x89PNG")
    figures.save(one_curve([1, 2]), "other", "x")
    names = sorted(path.name for path in (folder / "deep" / "below").iterdir())
    assert names == ["curve.csv", "curve.png", "other.csv", "other.png"]


def test_a_figure_that_moves_has_the_data_of_all_frames_and_the_picture_of_the_last(folder):
    figure, (ax,) = figures.panels()
    (dot,) = ax.plot([0], [0], "o", label="dot")
    ax.set(xlim=(-1, 5), ylim=(-1, 1))

    def move(frame):
        dot.set_xdata([frame])

    picture = figures.save_moving(figure, "dot", "a dot that moves", move, 4)
    assert repr(picture) == "[picture dot: a dot that moves]"
    rows = [line.split(",") for line in (folder / "dot.csv").read_text().splitlines()[1:]]
    assert [(row[0], row[4]) for row in rows] == [("0", "0"), ("1", "1"), ("2", "2"), ("3", "3")]
    assert picture.png == (folder / "dot.png").read_bytes()
    with Image.open(folder / "dot.gif") as moving:
        frames = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(moving)]
    assert len(frames) == 4 and all((one != next_one).any() for one, next_one in itertools.pairwise(frames))


def test_a_figure_that_moves_is_small_and_repeats_and_its_panels_stand_still(folder):
    figure, (ax,) = figures.panels()
    image = ax.imshow(np.arange(400.0).reshape(20, 20), cmap="hsv", aspect="auto")
    places = []

    def move(frame):
        places.append(ax.get_position().bounds)
        image.set_data(np.roll(image.get_array(), 1))
        ax.set_ylabel("\n".join(["a label that grows"] * frame))

    figures.save_moving(figure, "colours", "x", move, 4)
    places.append(ax.get_position().bounds)
    assert len(set(places[1:])) == 1
    with Image.open(folder / "colours.gif") as moving:
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(moving)]
        assert moving.size == (704, 288)  # 80 dots to the inch
        assert (moving.info["duration"], moving.info["loop"]) == (100, 0)  # ms, and for ever
    assert max(len(frame.getcolors()) for frame in frames) <= 64
    assert all(frame.getpixel((0, 0)) == (255, 255, 255) for frame in frames)  # white stays white


def test_panels_stand_side_by_side_at_githubs_width():
    for figure, axes, count, height in (
        (*figures.panels(), 1, 3.6),
        (*figures.panels(3), 3, 3.6),
        (*figures.panels(2, height=5), 2, 5),
    ):
        assert axes.shape == (count,) and figure.axes == list(axes)
        assert tuple(figure.get_size_inches()) == (figures.WIDTH, height)


def test_a_rules_curve_has_its_colour_dashes_and_name_unless_told_otherwise():
    _, (ax,) = figures.panels()
    assert figures.draw_rule(ax, fa.FA, np.array([2.0, 5.0]), np.array([1.0, 3.0])) is ax
    figures.draw_rule(ax, fa.FA, np.array([2.0, 5.0]), np.array([1.0, 3.0]), label="other", color="red")
    own, told = ax.lines
    assert own.get_xydata().tolist() == [[2, 1], [5, 3]]
    assert (own.get_color(), own.get_label()) == (figures.COLOURS["FA"], "FA")
    assert (told.get_color(), told.get_label()) == ("red", "other")
    assert own.is_dashed() and told.is_dashed()
    figures.draw_rule(ax, fa.GD, np.array([2.0, 5.0]), np.array([1.0, 3.0]))
    assert not ax.lines[2].is_dashed() and ax.lines[2].get_color() == figures.COLOURS["GD"]


def test_theory_is_a_thin_black_line_behind_what_was_measured():
    _, (ax,) = figures.panels()
    figures.draw_rule(ax, fa.FA, np.arange(3), np.arange(3.0))
    assert figures.draw_theory(ax, np.array([2.0, 5.0]), np.array([1.0, 3.0]), "law") is ax
    assert figures.draw_level(ax, 0.5, "limit") is ax
    figures.draw_level(ax, 0.7, "other", linestyle=":")
    measured, curve, level, other = ax.lines
    assert curve.get_xydata().tolist() == [[2, 1], [5, 3]]
    assert list(level.get_ydata()) == [0.5, 0.5] and list(other.get_ydata()) == [0.7, 0.7]
    assert [line.get_label() for line in (curve, level, other)] == ["law", "limit", "other"]
    for line, dashes in ((curve, "-"), (level, "-"), (other, ":")):
        assert (line.get_color(), line.get_linewidth(), line.get_linestyle()) == ("black", 1.1, dashes)
        assert line.get_zorder() == 1 < measured.get_zorder()


def test_a_violin_reaches_from_its_least_draw_to_its_largest_around_a_dot():
    _, (ax,) = figures.panels()
    samples = np.random.default_rng(0).random((2, 30)) + np.array([[1.0], [4.0]])
    assert figures.draw_violins(ax, fa.FA, [10.0, 20.0], samples, "draws") is ax
    figures.draw_violins(ax, fa.GD, [12.0], samples[:1], "means", middle=np.mean, color="red", width=0.5)
    for violin, sample, x in zip(ax.collections, [*samples, samples[0]], (10, 20, 12), strict=True):
        corners = violin.get_paths()[0].vertices
        assert np.allclose([corners[:, 1].min(), corners[:, 1].max()], [sample.min(), sample.max()])
        assert np.isclose((corners[:, 0].min() + corners[:, 0].max()) / 2, x)
        assert len(np.unique(corners[:, 1])) == 50 and violin.get_linewidth() == 0
    medians, mean = ax.lines
    assert np.allclose(medians.get_xydata(), np.column_stack([[10, 20], np.median(samples, axis=1)]))
    assert np.allclose(mean.get_xydata(), [[12, samples[0].mean()]])
    assert (medians.get_linestyle(), medians.get_color()) == ("None", figures.COLOURS["FA"])
    assert (medians.get_label(), medians.get_markersize()) == ("_middle", 4)
    assert mean.get_color() == "red"
    assert ax.get_legend() is None and ax.get_legend_handles_labels()[1] == ["draws", "means"]


def test_on_a_logarithmic_axis_a_violin_is_that_of_the_logarithms():
    _, (plain, logarithmic) = figures.panels(2)
    logarithmic.set(xscale="log", yscale="log")
    samples = np.random.default_rng(0).normal(size=(2, 30))
    figures.draw_violins(plain, fa.FA, [1.0, 2.0], samples, "draws")
    figures.draw_violins(logarithmic, fa.FA, [10.0, 100.0], 10.0**samples, "draws")
    for one, other in zip(plain.collections, logarithmic.collections, strict=True):
        logarithms = np.log10(other.get_paths()[0].vertices)
        assert np.allclose(one.get_paths()[0].vertices, logarithms, atol=1e-4)


def test_draws_that_differ_by_rounding_alone_have_no_width():
    _, (ax,) = figures.panels()
    samples = np.array([[1.0, 2.0, 3.0], [1e-17, -2e-17, 3e-17]])
    figures.draw_violins(ax, fa.FA, [1.0, 2.0], samples, "draws")
    figures.draw_violins(ax, fa.FA, [3.0], np.zeros((1, 3)), "zeros")
    (violin,) = ax.collections
    assert np.isclose(np.ptp(violin.get_paths()[0].vertices[:, 1]), 2)
    assert [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "o"] == [[1, 2], [3]]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_draws_that_agree_to_seven_digits_are_one_number(scale):
    _, (ax,) = figures.panels()
    ax.set_yscale(scale)
    for apart, violins in ((1e-7, 0), (1e-6, 1)):
        figures.draw_violins(ax, fa.FA, [1.0], [[1.0, 1.0 + apart]], "draws")
        assert len(ax.collections) == violins


def test_draws_below_a_ten_millionth_of_the_largest_are_one_number_on_a_linear_axis():
    _, (ax,) = figures.panels()
    for small, violins in ((4e-5, 1), (6e-5, 3)):
        figures.draw_violins(ax, fa.FA, [1.0, 2.0], [[0.0, 1000.0], [0.0, small]], "draws")
        assert len(ax.collections) == violins


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(folder, monkeypatch):
    figures.save(one_curve([1, 2]), "curve", "x")
    before = (folder / "curve.csv").read_text()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        figures.save(one_curve([5, 6]), "curve", "x")
    assert (folder / "curve.csv").read_text() == before


def rows_of(figure):
    """Return kind, series and coordinates of a figure's data, as texts, and check panel and scales."""
    rows = [row.split(",") for row in figures.figure_data(figure).splitlines()[1:]]
    assert all(
        row[3] == f"{ax.get_xscale()} {ax.get_yscale()}" for row in rows for ax in [figure.axes[int(row[0])]]
    )
    return [",".join([*row[:3], *row[4:]]) for row in rows]


def test_data_cover_every_kind_of_mark():
    figure, (ax, other) = figures.panels(2)
    ax.plot([1, 2, 3], [1, 1e-30, 3], label="curve")
    ax.set(yscale="log", ylim=(1e-6, 10), xlim=(1, 3))
    figures.draw_level(ax, 0.5, "level")
    ax.scatter([2], [2], label="point")
    ax.vlines([2, 3], [1, 1], [2, 3], label="sticks")
    ax.vlines([], [], [], label="no sticks")
    ax.fill_between([1, 2], [1, 1], [2, 2], label="band")
    other.bar([1], [4])
    other.imshow([[1.0, 2.0]], label="image")
    rows = rows_of(figure)
    assert {"0,line,curve,1,1", "0,line,curve,2,1e-30", "0,scatter,point,2,2", "1,image,image,1,2"} <= set(
        rows
    )
    assert {"0,bar,sticks,2,1", "0,bar,sticks,2,2", "0,bar,sticks,3,3"} <= set(rows)
    assert {"0,line,level,0,0.5", "0,line,level,1,0.5", "0,area,band,2,2"} <= set(rows)
    assert any(row.startswith("1,patch") and row.endswith(",1.4,4") for row in rows)
    assert not any("no sticks" in row for row in rows)


def test_data_do_not_depend_on_what_is_in_view():
    figure, (ax,) = figures.panels()
    ax.plot([1, 2, 9, 3], [1, 9, 2, np.nan], label="curve")
    ax.scatter([5, 6], [7, 8], label="points")
    whole = rows_of(figure)
    assert len(whole) == 6
    for limits in ({"xlim": (0, 4), "ylim": (0, 4)}, {"xlim": (2, 2.1)}, {"ylim": (9, 1)}):
        ax.set(**limits)
        assert rows_of(figure) == whole


@pytest.mark.parametrize("view", [{}, {"xlim": (1, 2)}, {"ylim": (1e-3, 1)}])
def test_what_is_drawn_is_what_is_written(folder, view):
    figure, (ax, other) = figures.panels(2)
    rng = np.random.default_rng(0)
    ax.plot(rng.random(9) * 100, rng.random(9), label="curve")
    ax.scatter(rng.random(9), rng.random(9) * 1e-9, label="points")
    other.imshow(rng.random((3, 4)), label="image")
    ax.set(**view)
    figures.save(figure, "both", "x")
    written = (folder / "both.csv").read_text()
    drawn = [line.get_xydata() for line in ax.lines] + [scatter.get_offsets() for scatter in ax.collections]
    points = np.concatenate([*drawn, np.column_stack([np.arange(12), other.images[0].get_array().ravel()])])
    assert written == figures.figure_data(figure)  # a second time, nothing is rounded away
    texts = [row.split(",")[-2:] for row in written.splitlines()[1:]]
    assert close(points, np.array(texts, float), rtol=1e-12)
    assert texts == [[f"{x:z.5g}", f"{y:z.5g}"] for x, y in points.tolist()]
    assert all(float(f"{end:.6g}") == end for end in (*ax.get_xlim(), *ax.get_ylim()))


def test_rounding_of_the_data_does_not_reach_the_picture(folder):
    values = np.array([3.0, 2.0, 1.5])
    pictures = [
        figures.save(one_curve(values * (1 + noise)), "curve", "x").png for noise in (0, 1e-13, -1e-13)
    ]
    assert len({*pictures}) == 1
    assert figures.save(one_curve(values * 1.02), "curve", "x").png not in pictures


def test_data_have_no_digits_that_are_rounding():
    figure, (ax,) = figures.panels()
    ax.plot([0, 1, 2, 3, 4], [1.0, 3e-17, -1e-18, 2.4968e-9, 0.123456789])
    assert rows_of(figure) == [
        f"0,line,_child0,{x},{y}" for x, y in ((0, 1), (1, 0), (2, 0), (3, 0), (4, 0.12346))
    ]


def test_numbers_are_rounded_once():
    figure, (ax,) = figures.panels()
    ax.plot([1.2344496, 2], [1, 1.2344504], label="curve")
    assert rows_of(figure) == ["0,line,curve,1.2344,1", "0,line,curve,2,1.2345"]


def test_a_zero_has_no_sign_in_the_data():
    figure, (ax,) = figures.panels()
    ax.plot([-0.0, 1.0], [-1e-20, 1.0], label="curve")
    assert rows_of(figure) == ["0,line,curve,0,0", "0,line,curve,1,1"]


def test_masked_points_and_pixels_are_no_numbers():
    figure, (ax, other) = figures.panels(2)
    ax.scatter([1, 2], np.ma.masked_array([1.0, 2.0], [False, True]), label="points")
    ax.vlines([], [], [], label="no sticks")
    for scale in (ax.set_xscale, ax.set_yscale):
        scale("log")
    ax.set(xlim=(0.1, 1e21), ylim=(0.1, 1e21))  # masked entries are filled with 1e20 elsewhere
    other.imshow(np.ma.masked_array([[1.0, 2.0]], [[False, True]]), label="image")
    first, masked, *image = rows_of(figure)
    assert (
        first == "0,scatter,points,1,1" and masked.startswith("0,scatter,points,") and masked.endswith("nan")
    )
    assert image == ["1,image,image,0,1", "1,image,image,1,nan"]


def test_a_ten_millionth_of_a_linear_axis_is_rounded_away_and_of_another_is_not():
    figure, (ax, other) = figures.panels(2)
    for each in (ax, other):
        each.plot([0, 500, 1000], [4e-5, 6e-5, 1000.0], label="curve")
        each.set(xlim=(0, 1000), ylim=(0, 1000))
    other.set(yscale="log", ylim=(1e-5, 1000))
    assert rows_of(figure) == [
        *("0,line,curve,0,0", "0,line,curve,500,0.0001", "0,line,curve,1000,1000"),
        *("1,line,curve,0,4e-05", "1,line,curve,500,6e-05", "1,line,curve,1000,1000"),
    ]


def test_each_linear_axis_is_rounded_by_its_own_largest_number():
    figure, (ax,) = figures.panels()
    ax.plot([0, 4e-5, 1000], [3e-9, 1e-15, 1e-17], label="curve")
    ax.set(xlim=(0, 1000), ylim=(0, 3e-9))
    assert rows_of(figure) == ["0,line,curve,0,3e-09", "0,line,curve,0,1e-15", "0,line,curve,1000,0"]


@pytest.mark.parametrize("least", [1e-3, 1e-9, 0.5])
def test_resolved_values_are_whole_multiples_of_the_last_digit_and_small_ones_are_none(least):
    values = least * np.array([1234.4, 10.6, 9.6, 9.4, 3.0, 0.0, -3.0, -12.3, np.nan, np.inf])
    found = figures.resolved(values, least) / least
    assert np.allclose(found[[0, 1, 2, 7]], [1234, 11, 10, -12], rtol=1e-12)
    assert np.isnan(found[[3, 4, 5, 6, 8]]).all() and found[9] == np.inf


def test_resolved_values_do_not_go_where_the_processor_rounds():
    for value in (0.0125, 0.0135, 0.123456):
        near = [figures.resolved(np.array([value * (1 + noise)]), 1e-3)[0] for noise in (-1e-6, 0.0, 1e-6)]
        assert len({f"{one:.12g}" for one in near}) <= 2
    assert figures.resolved([0.0125], 1e-3) == figures.resolved(np.array([0.0125]), 1e-3)


def test_style_does_not_depend_on_a_users_settings():
    mpl.rcParams["font.size"] = 31
    mpl.rcParams["lines.marker"] = "x"
    figures.use()
    assert mpl.rcParams["font.size"] == 12 and mpl.rcParams["lines.marker"] == "None"


def test_the_style_is_a_thick_curve_on_a_pale_grid_in_an_open_frame():
    figures.use()
    figure, (ax,) = figures.panels()
    (curve,) = ax.plot(np.arange(1000), label="curve")
    assert curve.get_linewidth() == 2.2 and not curve.get_path().should_simplify
    gridlines = [*ax.get_xgridlines(), *ax.get_ygridlines()]
    assert all(line.get_visible() and line.get_color() == "0.92" for line in gridlines)
    assert ax.get_axisbelow() is True
    assert {side for side, spine in ax.spines.items() if spine.get_visible()} == {"left", "bottom"}
    assert not ax.legend().get_frame_on()
    assert isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine)


def test_each_rule_has_a_colour_and_dashes_of_its_own():
    for table in (figures.COLOURS, figures.DASHES):
        assert set(table) == {"GD", "FA", "FA*"} and len({str(value) for value in table.values()}) == 3


def test_figures_go_below_build_unless_the_environment_says_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("FA_FIGURES", raising=False)
    monkeypatch.chdir(tmp_path)
    assert figures.figures_folder() == Path(fa.__file__).resolve().parents[1] / "build" / "figures"
    monkeypatch.setenv("FA_FIGURES", "")
    assert figures.figures_folder() == Path(fa.__file__).resolve().parents[1] / "build" / "figures"
    monkeypatch.setenv("FA_FIGURES", str(tmp_path / "x"))
    assert figures.figures_folder() == tmp_path / "x"
    monkeypatch.delenv("FA_FIGURES")
    installed = tmp_path / "site-packages" / "fa_utils" / "report" / "figures.py"
    monkeypatch.setattr(figures, "__file__", str(installed))
    monkeypatch.chdir(tmp_path)
    assert figures.figures_folder() == tmp_path / "build" / "figures"


def test_computing_does_not_import_plotting():
    code = "import sys, fa_utils; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("mode", ["nearest", "up", "down", "zero"])
def test_numbers_are_written_alike_wherever_the_processor_rounds(mode):
    values = [np.nextafter(1.0, 0.0), 0.7, 1 / 3, -9.99996, np.nextafter(1e-3, 0.0)]
    wanted = ["1", "0.7", "0.33333", "-10", "0.001"]
    figure = one_curve(values)
    set_rounding(mode)
    try:
        text = figures.figure_data(figure)
    finally:
        set_rounding("nearest")
    assert [row.rpartition(",")[2] for row in text.splitlines()[1:]] == wanted


@pytest.mark.parametrize("ends", [(1e-9, 1.0), (1.0, 1e-9)])
def test_logarithmic_limits_lie_beyond_the_ticks_at_their_ends(folder, ends):
    figure, (ax,) = figures.panels()
    ax.plot([1.0, 2.0], [1e-4, 1e-2])
    ax.set(yscale="log", ylim=ends)
    figures.save(figure, "limits", "a logarithmic axis")
    low, high = sorted(ax.get_ylim())
    assert 0.99999e-9 < low < 1e-9 and 1 < high < 1.00001
    assert (ax.get_ylim()[0] > ax.get_ylim()[1]) == (ends[0] > ends[1])


@pytest.mark.parametrize(("ends", "between"), [((10, 990), True), ((10, 1010), False), ((1010, 10), False)])
def test_a_long_logarithmic_axis_has_ticks_at_its_decades_alone(folder, ends, between):
    figure, (ax,) = figures.panels()
    ax.set(xlim=ends, yscale="log", ylim=ends)
    ax.minorticks_on()
    figures.save(figure, "ticks", "x")
    assert (len(ax.yaxis.get_minorticklocs()) > 0) == between
    assert len(ax.xaxis.get_minorticklocs()) > 0  # a linear axis keeps its own


def test_a_comparison_shows_each_rules_error_and_the_optimum(problem):
    _, (ax,) = figures.panels()
    runs = fa.compare(problem, steps=100)
    assert figures.draw_comparison(ax, problem, runs) is ax
    *measured, optimum = ax.lines
    for line, (rule, run) in zip(measured, runs.items(), strict=True):
        assert (line.get_label(), line.get_color()) == (rule.name, figures.COLOURS[rule.name])
        assert np.array_equal(line.get_xdata(), run.times)
        assert np.array_equal(line.get_ydata(), fa.error(problem.target, run.Z, run.W))
    assert list(optimum.get_ydata()) == [fa.optimal_error(problem.target, 3)] * 2
    assert (optimum.get_label(), optimum.get_color(), optimum.get_linewidth()) == ("optimum", "black", 1.1)
    assert (ax.get_yscale(), ax.get_xlabel()) == ("log", "time")
    assert ax.get_ylabel() == r"error  $\|Y-ZW\|_F^2$"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["GD", "FA", "FA*", "optimum"]


def test_a_rule_of_ones_own_is_drawn_in_a_colour_that_no_other_has(problem):
    _, (ax,) = figures.panels()
    own = fa.Rule("own", fa.FA.field)
    figures.draw_comparison(ax, problem, {rule: fa.descend(problem, rule, steps=5) for rule in (fa.FA, own)})
    figures.draw_violins(ax, own, [1.0], [[1.0, 2.0, 3.0]], "draws")
    assert [line.get_label() for line in ax.lines[:2]] == ["FA", "own"]
    assert len({line.get_color() for line in ax.lines[:2]}) == 2
    assert ax.lines[-1].get_color() == "0.4"  # the middles of grey violins


def test_bars_are_saved_as_they_are_and_a_figure_may_do_without_a_layout(folder):
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure, (ax,) = figures.panels()
    ax.bar([1], [1 / 3], width=1.0)
    ax.vlines([2], [0], [1 / 3], label="stick")
    place = ax.get_position().bounds
    assert figures.save(figure, "bars", "x").png.startswith(b"\x89PNG")
    assert (ax.patches[0].get_height(), ax.get_position().bounds) == (1 / 3, place)
    assert "0,bar,stick,linear linear,2,0.33333" in (folder / "bars.csv").read_text()
