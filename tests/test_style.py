import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import fa_utils as fa
from fa_utils import style


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FA_FIGURES", str(tmp_path / "pictures"))
    return tmp_path / "pictures"


@pytest.fixture(autouse=True)
def no_window():
    with mpl.rc_context():
        mpl.use("Agg")
        style.use()
        yield
        plt.close("all")


def one_curve(values):
    figure, (ax,) = style.panels()
    style.draw_rule(ax, fa.FA, np.arange(len(values)), np.array(values, float))
    return figure


def test_a_saved_figure_is_a_picture_and_its_data(folder):
    picture = style.save(one_curve([3, 2, 1.5]), "curve", "A falling curve")
    assert (folder / "curve.png").read_bytes() == picture.png
    rows = b"panel,kind,series,x,y\n0,line,FA,0,3\n0,line,FA,1,2\n0,line,FA,2,1.5\n"
    assert (folder / "curve.csv").read_bytes() == rows
    assert sorted(path.name for path in folder.iterdir()) == ["curve.csv", "curve.png"]


def test_the_same_data_give_the_same_bytes(folder):
    one, other = (style.save(one_curve([3, 2, 1.5]), name, "x") for name in ("one", "other"))
    assert one.png == other.png and b"Software" not in one.png


def test_a_picture_shows_itself_with_its_description(folder):
    picture = style.save(one_curve([1, 2]), "curve", "A rising curve")
    assert repr(picture) == "[picture curve: A rising curve]"
    assert picture._repr_png_() == (picture.png, {"alt": "A rising curve", "figure": "curve"})


def test_saving_closes_the_figure_and_no_other(folder):
    figure, (later, _) = one_curve([1, 2]), style.panels()
    style.save(figure, "curve", "x")
    assert plt.get_fignums() == [later.number]


def test_a_picture_is_a_png_whatever_a_users_settings_in_any_folder_that_can_be_made(folder, monkeypatch):
    monkeypatch.setenv("FA_FIGURES", str(folder / "deep" / "below"))
    mpl.rcParams["savefig.format"] = "pdf"
    picture = style.save(one_curve([1, 2]), "curve", "x")
    assert picture.png.startswith(b"\x89PNG")
    style.save(one_curve([1, 2]), "other", "x")
    names = sorted(path.name for path in (folder / "deep" / "below").iterdir())
    assert names == ["curve.csv", "curve.png", "other.csv", "other.png"]


def test_panels_stand_side_by_side_at_githubs_width():
    for figure, axes, count, height in (
        (*style.panels(), 1, 3.6),
        (*style.panels(3), 3, 3.6),
        (*style.panels(2, height=5), 2, 5),
    ):
        assert axes.shape == (count,) and figure.axes == list(axes)
        assert tuple(figure.get_size_inches()) == (style.WIDTH, height)


def test_a_rules_curve_has_its_colour_dashes_and_name_unless_told_otherwise():
    _, (ax,) = style.panels()
    assert style.draw_rule(ax, fa.FA, np.array([2.0, 5.0]), np.array([1.0, 3.0])) is ax
    style.draw_rule(ax, fa.FA, np.array([2.0, 5.0]), np.array([1.0, 3.0]), label="other", color="red")
    own, told = ax.lines
    assert own.get_xydata().tolist() == [[2, 1], [5, 3]]
    assert (own.get_color(), own.get_label()) == (style.COLOURS["FA"], "FA")
    assert (told.get_color(), told.get_label()) == ("red", "other")
    assert own.is_dashed() and told.is_dashed()
    style.draw_rule(ax, fa.GD, np.array([2.0, 5.0]), np.array([1.0, 3.0]))
    assert not ax.lines[2].is_dashed() and ax.lines[2].get_color() == style.COLOURS["GD"]


def test_theory_is_a_thin_black_line_behind_what_was_measured():
    _, (ax,) = style.panels()
    style.draw_rule(ax, fa.FA, np.arange(3), np.arange(3.0))
    assert style.draw_theory(ax, np.array([2.0, 5.0]), np.array([1.0, 3.0]), "law") is ax
    assert style.draw_level(ax, 0.5, "limit") is ax
    style.draw_level(ax, 0.7, "other", linestyle=":")
    measured, curve, level, other = ax.lines
    assert curve.get_xydata().tolist() == [[2, 1], [5, 3]]
    assert list(level.get_ydata()) == [0.5, 0.5] and list(other.get_ydata()) == [0.7, 0.7]
    assert [line.get_label() for line in (curve, level, other)] == ["law", "limit", "other"]
    for line, dashes in ((curve, "-"), (level, "-"), (other, ":")):
        assert (line.get_color(), line.get_linewidth(), line.get_linestyle()) == ("black", 1.1, dashes)
        assert line.get_zorder() == 1 < measured.get_zorder()


def test_a_spread_is_a_dot_between_the_ends_of_its_bar():
    _, (ax,) = style.panels()
    quantiles = np.array([[1.0, 2.0], [2.0, 4.0], [5.0, 9.0]])
    assert style.draw_spread(ax, fa.FA, np.array([10.0, 20.0]), quantiles, "draws") is ax
    style.draw_spread(ax, fa.FA, np.array([10.0, 20.0]), quantiles, "draws", color="red", fmt="s")
    (dots, caps, (bars,)), (others, _, _) = ax.containers
    assert dots.get_xydata().tolist() == [[10, 2], [20, 4]]
    assert [bar.tolist() for bar in bars.get_segments()] == [[[10, 1], [10, 5]], [[20, 2], [20, 9]]]
    assert (dots.get_marker(), dots.get_linestyle(), dots.get_color()) == ("o", "None", style.COLOURS["FA"])
    assert [cap.get_markersize() for cap in caps] == [8, 8]  # four points to either side
    assert ax.get_legend_handles_labels()[1] == ["draws", "draws"]
    assert (others.get_marker(), others.get_color()) == ("s", "red")


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(folder, monkeypatch):
    style.save(one_curve([1, 2]), "curve", "x")
    before = (folder / "curve.csv").read_text()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        style.save(one_curve([5, 6]), "curve", "x")
    assert (folder / "curve.csv").read_text() == before


def test_data_cover_every_kind_of_mark_and_leave_out_what_is_not_in_view():
    figure, (ax, other) = style.panels(2)
    ax.plot([1, 2, 3], [1, 1e-30, 3], label="curve")
    ax.set(yscale="log", ylim=(1e-6, 10), xlim=(1, 3))
    style.draw_level(ax, 0.5, "level")
    ax.scatter([2], [2], label="point")
    ax.vlines([2, 3], [1, 1], [2, 3], label="sticks")
    ax.vlines([], [], [], label="no sticks")
    other.bar([1], [4])
    other.imshow([[1.0, 2.0]], label="image")
    rows = style.figure_data(figure).splitlines()
    assert {"0,line,curve,1,1", "0,line,curve,3,3", "0,scatter,point,2,2", "1,image,image,1,2"} <= set(rows)
    assert {"0,bar,sticks,2,1", "0,bar,sticks,2,2", "0,bar,sticks,3,3"} <= set(rows)
    assert {"0,line,level,0,0.5", "0,line,level,1,0.5"} <= set(rows)
    assert any(row.startswith("1,patch") and row.endswith(",1.4,4") for row in rows)
    assert not any("e-30" in row for row in rows)


def test_data_have_no_digits_that_are_rounding():
    figure, (ax,) = style.panels()
    ax.plot([0, 1, 2, 3, 4], [1.0, 3e-17, -1e-18, 2.4968e-9, 0.123456789])
    assert style.figure_data(figure).splitlines()[1:] == [
        f"0,line,_child0,{x},{y}" for x, y in ((0, 1), (1, 0), (2, 0), (3, 0), (4, 0.12346))
    ]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (100.0, 101.0), (0.0, 1e-3)])
def test_a_point_is_in_view_up_to_a_billionth_of_the_axis_beyond_it(low, high):
    _, (ax,) = style.panels()
    margin = 1e-9 * (high - low)
    values = np.array([low - 20 * margin, low - margin, high + margin, high + 20 * margin])
    ax.plot(values, np.full(4, 0.5))
    ax.plot(np.full(4, 0.5), values)
    ax.set(xlim=(low, high), ylim=(-1, 1))
    inside = style._in_view(ax, ax.lines[0].get_xydata())
    assert inside.tolist() == [False, True, True, False]
    ax.set(xlim=(-1, 1), ylim=(high, low))  # upside down
    inside = style._in_view(ax, ax.lines[1].get_xydata())
    assert inside.tolist() == [False, True, True, False]


def test_a_point_is_in_view_only_if_both_its_coordinates_are():
    figure, (ax,) = style.panels()
    ax.plot([1, 2, 9, 3], [1, 9, 2, 3], label="curve")
    ax.set(xlim=(0, 4), ylim=(0, 4))
    assert style.figure_data(figure).splitlines()[1:] == ["0,line,curve,1,1", "0,line,curve,3,3"]


def test_masked_points_are_left_out_and_masked_pixels_are_no_numbers():
    figure, (ax, other) = style.panels(2)
    ax.scatter([1, 2], np.ma.masked_array([1.0, 2.0], [False, True]), label="points")
    ax.vlines([], [], [], label="no sticks")
    for scale in (ax.set_xscale, ax.set_yscale):
        scale("log")
    ax.set(xlim=(0.1, 1e21), ylim=(0.1, 1e21))  # masked entries are filled with 1e20 elsewhere
    other.imshow(np.ma.masked_array([[1.0, 2.0]], [[False, True]]), label="image")
    assert style.figure_data(figure).splitlines()[1:] == [
        "0,scatter,points,1,1",
        "1,image,image,0,1",
        "1,image,image,1,nan",
    ]


def test_a_ten_millionth_of_a_linear_axis_is_rounded_away_and_of_another_is_not():
    figure, (ax, other) = style.panels(2)
    for each in (ax, other):
        each.plot([0, 500, 1000], [4e-5, 6e-5, 1.0], label="curve")
        each.set(xlim=(0, 1000), ylim=(0, 1000))
    other.set(yscale="log", ylim=(1e-5, 1000))
    assert style.figure_data(figure).splitlines()[1:] == [
        *("0,line,curve,0,0", "0,line,curve,500,0.0001", "0,line,curve,1000,1"),
        *("1,line,curve,0,4e-05", "1,line,curve,500,6e-05", "1,line,curve,1000,1"),
    ]


def test_style_does_not_depend_on_a_users_settings():
    mpl.rcParams["font.size"] = 31
    mpl.rcParams["lines.marker"] = "x"
    style.use()
    assert mpl.rcParams["font.size"] == 12 and mpl.rcParams["lines.marker"] == "None"


def test_each_rule_has_a_colour_and_dashes_of_its_own():
    for table in (style.COLOURS, style.DASHES):
        assert set(table) == {"GD", "FA", "FA*"} and len({str(value) for value in table.values()}) == 3


def test_figures_go_to_the_checkout_unless_the_environment_says_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("FA_FIGURES", raising=False)
    monkeypatch.chdir(tmp_path)
    assert style.figures_folder() == Path(fa.__file__).resolve().parents[1] / "figures"
    assert (style.figures_folder().parent / "notebooks").is_dir()
    monkeypatch.setattr(style, "__file__", str(tmp_path / "site-packages" / "fa_utils" / "style.py"))
    monkeypatch.chdir(tmp_path)
    assert style.figures_folder() == tmp_path / "figures"


def test_computing_does_not_import_plotting():
    code = "import sys, fa_utils; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
