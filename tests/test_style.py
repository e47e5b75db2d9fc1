import subprocess
import sys

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
    assert (
        folder / "curve.csv"
    ).read_text() == "panel,kind,series,x,y\n0,line,FA,0,3\n0,line,FA,1,2\n0,line,FA,2,1.5\n"
    assert sorted(path.name for path in folder.iterdir()) == ["curve.csv", "curve.png"]


def test_the_same_data_give_the_same_bytes(folder):
    one, other = (style.save(one_curve([3, 2, 1.5]), name, "x") for name in ("one", "other"))
    assert one.png == other.png and b"Software" not in one.png


def test_a_picture_shows_itself_with_its_description(folder):
    picture = style.save(one_curve([1, 2]), "curve", "A rising curve")
    assert repr(picture) == "[picture curve: A rising curve]"
    assert picture._repr_png_() == (picture.png, {"alt": "A rising curve", "figure": "curve"})


def test_saving_closes_the_figure(folder):
    style.save(one_curve([1, 2]), "curve", "x")
    assert not plt.get_fignums()


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
    assert style.figures_folder().name == "figures"
    assert (style.figures_folder().parent / "notebooks").is_dir()
    monkeypatch.setattr(style, "__file__", str(tmp_path / "site-packages" / "fa_utils" / "style.py"))
    monkeypatch.chdir(tmp_path)
    assert style.figures_folder() == tmp_path / "figures"


def test_computing_does_not_import_plotting():
    code = "import sys, fa_utils; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
