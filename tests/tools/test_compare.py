"""What differs from what is committed is noticed and named, wherever it is; what is within tolerance, not."""

import json
import random
from functools import cache
from itertools import pairwise
from pathlib import Path

import compare
import numpy as np
import pytest
from compare import LABELS, NUMBERS, allowed, data_difference, picture_difference, read_data
from made_up import HEADER, ROWS, code, figure, png, prose, shown, stream, write
from PIL import Image

ROOT = Path(__file__).parents[2]
FIGURES = sorted(path.stem for path in (ROOT / "figures").glob("*.csv"))
open_image = Image.open
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("[!.]*.ipynb"))


def committed(name):
    return read_data(ROOT / "figures" / f"{name}.csv")


def some_rows(data):
    """Return the last row, the first row of a series drawn at random, and any other."""
    draw = random.Random(len(data))
    return len(data) - 1, draw.choice(data.drop_duplicates(LABELS).index), draw.randrange(len(data))


def without(rows, row):
    """Return all rows but one."""
    return rows[:row] + rows[row + 1 :]


# --- data of every committed figure ------------------------------------------------------------------


@pytest.mark.parametrize("name", FIGURES)
def test_any_number_that_changes_is_noticed_and_named(name):
    data = committed(name)
    assert data_difference(data, data) == ("", 0.0)
    tolerances = {column: allowed(data, column) for column in NUMBERS}
    for row, column in zip(some_rows(data), "yxy", strict=True):
        value, tolerance = data.loc[row, column], tolerances[column][row]
        changed = data.copy()
        changed.loc[row, column] = 0.0 if np.isnan(value) else value + 1.01 * (tolerance or 1e-300)
        said, deviation = data_difference(changed, data)
        panel, kind, series, _ = data.loc[row, LABELS]
        assert said.startswith(f"panel {panel}, {kind} {series!r}, row {row + 2}: {column} is ")
        assert said.endswith(f", committed {value:g}") and deviation > 1


@pytest.mark.parametrize("name", FIGURES)
def test_no_number_has_more_tolerance_than_the_design_gives_its_series(name):
    data = committed(name)
    for column in NUMBERS:
        found = allowed(data, column)
        for _, sizes in data[column].abs().replace(np.inf, np.nan).groupby([*map(data.get, LABELS)]):
            most = 1e-4 * sizes + 1e-6 * sizes.max()
            assert (found[sizes.index] <= 1.0000001 * most).where(sizes.notna(), True).all()


@pytest.mark.parametrize("name", FIGURES)
def test_any_change_within_the_tolerance_passes_and_its_size_is_told(name):
    data = committed(name)
    for sign in (-1, 1):
        changed = data.copy()
        for column in NUMBERS:
            changed[column] += sign * 0.5 * allowed(data, column)
        said, deviation = data_difference(changed, data)
        assert said == "" and 0 <= deviation < 0.51


@pytest.mark.parametrize("name", FIGURES)
def test_any_row_missing_repeated_or_in_another_place_is_noticed(name):
    data = committed(name)
    rows = [*range(len(data))]
    last, first, any_row = some_rows(data)
    for row, other in (
        (last, [*rows, last]),
        (first, without(rows, first)),
        (any_row, without(rows, any_row)),
    ):
        panel, kind, series, _ = data.loc[row, LABELS]
        said, deviation = data_difference(data.loc[other].reset_index(drop=True), data)
        counts = f"{len(other)} rows in all, committed {len(data)}"
        assert said == f"panel {panel}, {kind} {series!r}: {counts}" and deviation == np.inf
    upside_down = data.loc[::-1].reset_index(drop=True)
    assert data_difference(upside_down, data)[0] or upside_down.equals(data)


@pytest.mark.parametrize("name", FIGURES)
def test_any_panel_kind_series_or_scale_that_changes_is_noticed(name):
    data = committed(name)
    for row, label in zip([*some_rows(data), 0], LABELS, strict=True):
        changed = data.copy()
        changed.loc[row, label] += "x"
        said, deviation = data_difference(changed, data)
        old = ", ".join(data.loc[row, LABELS])
        assert said.startswith(f"row {row + 2} is of ") and said.endswith(f", committed {old}")
        assert deviation == np.inf


# --- data, in small ----------------------------------------------------------------------------------


def difference(tmp_path, fresh, old=ROWS):
    """Return what is said of these rows where the others are committed."""
    for name, rows in (("fresh", fresh), ("old", old)):
        (tmp_path / f"{name}.csv").write_text(HEADER + rows)
    return data_difference(read_data(tmp_path / "fresh.csv"), read_data(tmp_path / "old.csv"))[0]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (",1,2\n", ",1,2.0001\n"),
        (",1,2\n", ",1.00005,2\n"),
        (",0,3\n", ",-1e-7,3\n"),
        ("1e-05", "1.00005e-05"),
    ],
)
def test_a_difference_within_the_tolerance_passes(tmp_path, was, becomes):
    assert was in ROWS and difference(tmp_path, ROWS.replace(was, becomes)) == ""


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (",1,2\n", ",1,2.001\n", "panel 0, line 'FA', row 3: y is 2.001, committed 2"),
        (",1,2\n", ",1.001,2\n", "panel 0, line 'FA', row 3: x is 1.001, committed 1"),
        (",0,3\n", ",0.0001,3\n", "panel 0, line 'FA', row 2: x is 0.0001, committed 0"),
        ("1e-05", "1.1e-05", "panel 0, line 'GD', row 4: y is 1.1e-05, committed 1e-05"),
        ("1e-05", "nan", "row 4: y is nan, committed 1e-05"),
        ("1e-05", "inf", "row 4: y is inf, committed 1e-05"),
        ("linear log", "log log", "row 4 is of 0, line, GD, log log, committed 0, line, GD, linear log"),
        ("GD", "", "row 4 is of 0, line, , linear log, committed 0, line, GD, linear log"),
        ("GD", "nan", "row 4 is of 0, line, nan, linear log, committed 0, line, GD, linear log"),
        ("0,line,FA,linear linear,1,2\n", "", "panel 0, line 'FA': 2 rows in all, committed 3"),
    ],
)
def test_where_it_differs_most_is_named(tmp_path, was, becomes, says):
    assert was in ROWS and says in difference(tmp_path, ROWS.replace(was, becomes))


def test_each_column_and_series_has_a_scale_of_its_own(tmp_path):
    old = "0,line,a,linear linear,1000000,1\n0,line,b,linear linear,1000000,1000\n"
    old += "0,line,a,linear linear,0,0.001\n"
    for was, becomes in ((",1\n", ",1.001\n"), ("0.001", "0.0011"), ("1000\n", "1001\n")):
        assert was in old and difference(tmp_path, old.replace(was, becomes), old)


def test_rows_of_a_series_need_not_be_adjacent(tmp_path):
    old = "".join(f"0,line,{'ab'[row % 2]},linear linear,{row},1\n" for row in range(20))
    for row in (0, 7, 18, 19):
        was = f",{row},1\n"
        assert f"row {row + 2}: y is 2" in difference(tmp_path, old.replace(was, f",{row},2\n"), old)


def test_a_small_number_on_a_logarithmic_axis_counts_as_much_as_a_large_one(tmp_path):
    for scale, noticed in (("linear log", True), ("linear linear", False)):
        old = f"0,line,a,{scale},1,1000\n0,line,a,{scale},2,1e-06\n"
        assert bool(difference(tmp_path, old.replace("1e-06", "2e-06"), old)) == noticed


@pytest.mark.parametrize("same", ["nan", "inf", "-inf", "0"])
def test_what_is_no_number_or_has_no_size_must_be_the_same(tmp_path, same):
    old = f"0,line,a,linear linear,{same},{same}\n0,line,a,linear linear,{same},{same}\n"
    assert difference(tmp_path, old, old) == ""
    for other in {"nan", "inf", "-inf", "1e-300"} - {same}:
        assert "row 3: y is" in difference(tmp_path, f"{old[: old.rindex(',')]},{other}\n", old)


def test_a_figure_without_points_is_like_itself_only(tmp_path):
    assert difference(tmp_path, "", "") == ""
    assert "0 rows in all, committed 3" in difference(tmp_path, "", ROWS)
    assert "3 rows in all, committed 0" in difference(tmp_path, ROWS, "")


# --- pictures of every committed figure --------------------------------------------------------------


@pytest.fixture
def pixels(monkeypatch):
    """Pictures that are in no file, by name."""
    pictures = {}
    monkeypatch.setattr(compare.Image, "open", lambda name: Image.fromarray(pictures[name]))
    return pictures


@pytest.mark.parametrize("name", FIGURES)
def test_any_colour_that_changes_is_noticed(name, pixels):
    drawn = read_picture(name)
    colours = drawn.view(np.uint32).ravel()
    for colour in random.Random(0).sample(sorted({*colours.tolist()} - {0xFFFFFFFF}), 2):
        places = drawn.view(np.uint32)[..., 0] == colour
        for change, noticed in ((17, True), (16, False)):
            other = drawn.copy()
            old = int(drawn[places][0][0])
            other[places, 0] = old + (change if old < 128 else -change)
            pixels |= {"fresh": other, "old": drawn}
            said = picture_difference("fresh", "old")
            row, column = np.argwhere(places)[0]
            wanted = f"{places.sum()} pixels are of another colour, at {column}, {row} by 17 of 255"
            assert said == (wanted if noticed else "")


@cache
def read_picture(name):
    """Return a committed picture's pixels as bytes, (rows, columns, 4), every third row and column."""
    with open_image(ROOT / "figures" / f"{name}.png") as whole:
        return np.ascontiguousarray(np.asarray(whole)[::3, ::3])


def test_a_picture_in_the_place_of_another_is_noticed(pixels):
    pixels |= {name: read_picture(name) for name in FIGURES}
    for one, other in pairwise([*FIGURES, FIGURES[0]]):
        assert picture_difference(one, other), (one, other)


def test_pictures_of_other_sizes_or_channels_differ(tmp_path, pixels):
    def black(*shape):
        return np.zeros(shape, np.uint8)

    for shape in ((4, 5, 3), (5, 4, 4), (4, 5)):
        pixels |= {"fresh": black(*shape), "old": black(4, 5, 4)}
        assert picture_difference("fresh", "old").endswith("committed (5, 4) of RGBA")
    pixels |= {"fresh": black(4, 5), "old": black(4, 5)}
    assert picture_difference("fresh", "old") == ""
    pixels["fresh"][1, 2] = 255
    assert picture_difference("fresh", "old") == "1 pixels are of another colour, at 2, 1 by 255 of 255"


# --- whole figures -----------------------------------------------------------------------------------


def test_figures_are_compared_with_their_pictures(tmp_path):
    new, old = tmp_path / "new", tmp_path / "old"
    figure(new, "one")
    figure(old, "one")
    assert compare.compare_figure("one", new, old) == compare.Comparison(0, 1)
    png(new, "one", grey=0.5)
    found = compare.compare_figure("one", new, old)
    assert found.differences == (f"{new}/one.png: 20 pixels are of another colour, at 0, 0 by 128 of 255",)


@pytest.mark.parametrize("kind", ["csv", "png", "gif"])
@pytest.mark.parametrize("side", ["new", "old"])
def test_a_missing_file_is_named(tmp_path, kind, side):
    for folder in (tmp_path / "new", tmp_path / "old"):
        figure(folder, "one")
        (folder / "one.gif").touch()
    missing = tmp_path / side / f"one.{kind}"
    missing.unlink()
    found = compare.compare_figure("one", tmp_path / "new", tmp_path / "old")
    assert found == compare.Comparison(0, 1, (f"{missing} is missing",), np.inf)


@pytest.mark.parametrize("side", ["new", "old"])
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("csv", b""),
        ("csv", b"\xff\xfe"),
        ("csv", b"panel,kind,series,x,y\n0,line,FA,0,3\n"),
        ("csv", (HEADER + "0,line,FA,linear linear,one,3\n").encode()),
        ("csv", (HEADER + "0,line,FA,linear linear,1\n").encode()),
        ("csv", (HEADER + "0,line,FA,linear linear,1,2,3\n").encode()),
        ("png", b""),
        ("png", b"no picture"),
        ("png", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_a_damaged_file_is_a_difference_in_one_sentence(tmp_path, side, kind, content):
    for folder in ("new", "old"):
        figure(tmp_path / folder, "one")
    (tmp_path / side / f"one.{kind}").write_bytes(content)
    found = compare.compare_figure("one", tmp_path / "new", tmp_path / "old")
    (line,) = found.differences
    assert line.startswith("figure one in ") and " cannot be read: " in line
    assert "\n" not in line.strip() and found.deviation == np.inf


# --- printed outputs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_any_cell_that_prints_another_digit_is_noticed_and_named(notebook, tmp_path):
    content = json.loads(notebook.read_bytes())
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    for output in (output for cell in cells for output in cell["outputs"]):
        output.get("data", {}).pop("image/png", None)
    old, new = tmp_path / "old.ipynb", tmp_path / "new.ipynb"
    old.write_text(json.dumps(content))
    assert compare.output_differences(old, old) == []
    noticed = 0
    for number, cell in enumerate(cells, start=1):
        for output in cell["outputs"]:
            holder, name = (output, "text") if "text" in output else (output["data"], "text/plain")
            was = holder[name]
            text = "".join(was)
            places = [place for place, letter in enumerate(text) if letter.isdigit()]
            if not places:
                continue
            place = random.Random(number).choice(places)
            holder[name] = f"{text[:place]}{(int(text[place]) + 1) % 10}{text[place + 1 :]}"
            new.write_text(json.dumps(content))
            (line,) = compare.output_differences(new, old)
            assert line.startswith(f"{new}: cell {number}: ") and ", committed " in line
            holder[name] = was
            noticed += 1
    assert noticed


def test_text_is_compared_kind_by_kind_and_pictures_bytes_are_not(tmp_path):
    def cell(*outputs):
        return write(tmp_path / f"{random.random()}.ipynb", code("1", *outputs))

    plain, split = stream("a\nb\n"), (stream("a\n"), stream("b\n"))
    assert compare.output_differences(cell(*split), cell(plain)) == []
    said = compare.output_differences(cell(stream("a\nb\n", "stderr")), cell(plain))
    assert "cell 2: 'stderr: a', committed 'stdout: a'" in said[0]
    said = compare.output_differences(cell(), cell(plain))
    assert "cell 2: 'nothing', committed 'stdout: a'" in said[0]
    said = compare.output_differences(cell(plain, stream("c\n")), cell(plain))
    assert "cell 2: 'stdout: c', committed 'nothing'" in said[0]
    tables = [shown({"text/html": "<b>", "text/plain": "b", "image/png": other}) for other in ("x", "y")]
    assert compare.output_differences(cell(tables[0]), cell(tables[1])) == []
    other = shown({"text/html": "<i>", "text/plain": "b"})
    assert "text/html: <i>" in compare.output_differences(cell(other), cell(tables[0]))[0]


def test_other_cells_are_not_compared_but_named(tmp_path):
    old = write(tmp_path / "old.ipynb", code("1"))
    for other in (code("2"), prose("1")):
        new = write(tmp_path / "new.ipynb", other)
        assert compare.output_differences(new, old) == [f"{new}: other cells than in {old}"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": [{"cell_type": "code"}]}', "\x00", "null"])
def test_what_is_no_notebook_ends_the_program_in_one_sentence(tmp_path, content):
    path = tmp_path / "one.ipynb"
    path.write_text(content)
    with pytest.raises(SystemExit, match=r"one\.ipynb is no notebook .*: delete it, or take it from git$"):
        compare.cells(path)


def test_a_notebooks_figures_are_those_that_its_committed_copy_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    old = figure(Path("figures"), "one")
    new = [figure(Path("build", "figures"), name) for name in ("one", "two")]
    write(Path("notebooks", "deep", "a.ipynb"), code("1", old, stream("x")))
    write(Path("build", "deep", "a.ipynb"), code("1", *new, stream("y")))
    found = compare.compare_notebook("deep/a", Path("build"))
    assert found.outputs == 2 and found.figures == 1
    assert any("'stdout: y', committed 'stdout: x'" in line for line in found.differences)
    assert found.differences[-1] == "figure two is not committed"
    both = compare.together([found, compare.Comparison(3, 2, ("z",), 0.5)])
    assert both.outputs == 5 and both.figures == 3 and both.differences == (*found.differences, "z")
    assert str(compare.Comparison(deviation=0.1234)) == (
        "none differ; data deviate by at most 0.12 of what is allowed"
    )
