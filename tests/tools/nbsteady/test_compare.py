"""What differs is noticed and named, wherever it is; what is within tolerance is not."""

import random
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from compare import LABELS
from made_up import HEADER, ROWS, figure
from nbsteady import __main__, compare
from nbsteady.compare import Table, allowed, data_difference, file_difference, picture_difference, read_table
from PIL import Image

ROOT = Path(__file__).parents[3]
FIGURES = sorted(path.stem for path in (ROOT / "figures").glob("*.csv"))
open_image = Image.open


def committed(name):
    return read_table(ROOT / "figures" / f"{name}.csv", LABELS)


def selected(table, rows):
    """Return a table of these rows only, in this order."""
    return Table({name: column[rows] for name, column in table.columns.items()}, table.labels)


def changed(table, name, row, value):
    """Return a table with one entry in the place of another."""
    column = table.columns[name].astype(object)
    column[row] = value
    kind = str if name in table.labels else float
    return Table(table.columns | {name: column.astype(kind)}, table.labels)


def some_rows(table):
    """Return the last row, the first row of a series drawn at random, and any other."""
    rows = table.rows
    draw = random.Random(len(rows))
    first = rows.index(draw.choice([*dict.fromkeys(rows)]))
    return len(rows) - 1, first, draw.randrange(len(rows))


def without(rows, row):
    """Return all rows but one."""
    return rows[:row] + rows[row + 1 :]


# --- data of every committed figure ------------------------------------------------------------------


@pytest.mark.parametrize("name", FIGURES)
def test_any_number_that_changes_is_noticed_and_named(name):
    data = committed(name)
    assert data_difference(data, data) == ("", 0.0)
    assert data.labels == LABELS and data.numbers == ["x", "y"]
    tolerances = {column: allowed(data, column) for column in data.numbers}
    for row, column in zip(some_rows(data), "yxy", strict=True):
        value = data.columns[column][row]
        tolerance = tolerances[column][row]
        other = 0.0 if np.isnan(value) else value + 1.01 * (tolerance or 1e-300)
        said, deviation = data_difference(changed(data, column, row, other), data)
        assert said.startswith(f"row {row + 2} ({', '.join(data.rows[row])}): {column} is ")
        assert said.endswith(f", committed {value:g}") and deviation > 1


@pytest.mark.parametrize("name", FIGURES)
def test_no_number_has_more_tolerance_than_the_design_gives_its_series(name):
    data = committed(name)
    rows = data.rows
    for column in data.numbers:
        found = allowed(data, column)
        sizes = np.abs(data.columns[column])
        sizes[np.isinf(sizes)] = np.nan
        for labels in dict.fromkeys(rows):
            here = np.array([row == labels for row in rows])
            most = 1e-4 * sizes[here] + 1e-6 * np.nanmax(sizes[here], initial=0.0)
            assert ((found[here] <= 1.0000001 * most) | np.isnan(sizes[here])).all()


@pytest.mark.parametrize("name", FIGURES)
def test_any_change_within_the_tolerance_passes_and_its_size_is_told(name):
    data = committed(name)
    for sign in (-1, 1):
        moved = {column: data.columns[column] + sign * 0.5 * allowed(data, column) for column in data.numbers}
        moved = {name: np.where(np.isnan(new), data.columns[name], new) for name, new in moved.items()}
        said, deviation = data_difference(Table(data.columns | moved, data.labels), data)
        assert said == "" and 0 <= deviation < 0.51


@pytest.mark.parametrize("name", FIGURES)
def test_any_row_missing_repeated_or_in_another_place_is_noticed(name):
    data = committed(name)
    rows = [*range(len(data.rows))]
    last, first, any_row = some_rows(data)
    for row, other in (
        (last, [*rows, last]),
        (first, without(rows, first)),
        (any_row, without(rows, any_row)),
    ):
        said, deviation = data_difference(selected(data, other), data)
        counts = f"{len(other)} rows in all, committed {len(rows)}"
        assert said == f"{', '.join(data.rows[row])}: {counts}" and deviation == np.inf
    upside_down = selected(data, rows[::-1])
    same = all(
        np.array_equal(upside_down.columns[name], data.columns[name], equal_nan=name in data.numbers)
        for name in data.columns
    )
    assert same or data_difference(upside_down, data)[0]


@pytest.mark.parametrize("name", FIGURES)
def test_any_panel_kind_series_or_scale_that_changes_is_noticed(name):
    data = committed(name)
    for row, label in zip([*some_rows(data), 0], LABELS, strict=True):
        said, deviation = data_difference(changed(data, label, row, data.columns[label][row] + "x"), data)
        assert said.startswith(f"row {row + 2} is of ")
        assert said.endswith(f", committed {', '.join(data.rows[row])}") and deviation == np.inf


# --- data, in small ----------------------------------------------------------------------------------


def difference(tmp_path, fresh, old=ROWS):
    """Return what is said of these rows where the others are committed."""
    for name, rows in (("fresh", fresh), ("old", old)):
        (tmp_path / f"{name}.csv").write_text(HEADER + rows)
    return data_difference(*(read_table(tmp_path / f"{name}.csv", LABELS) for name in ("fresh", "old")))[0]


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
        (",1,2\n", ",1,2.001\n", "row 3 (0, line, FA, linear linear): y is 2.001, committed 2"),
        (",1,2\n", ",1.001,2\n", "row 3 (0, line, FA, linear linear): x is 1.001, committed 1"),
        (",0,3\n", ",0.0001,3\n", "row 2 (0, line, FA, linear linear): x is 0.0001, committed 0"),
        ("1e-05", "1.1e-05", "row 4 (0, line, GD, linear log): y is 1.1e-05, committed 1e-05"),
        ("1e-05", "nan", "linear log): y is nan, committed 1e-05"),
        ("1e-05", "inf", "linear log): y is inf, committed 1e-05"),
        ("linear log", "log log", "row 4 is of 0, line, GD, log log, committed 0, line, GD, linear log"),
        ("GD", "", "row 4 is of 0, line, , linear log, committed 0, line, GD, linear log"),
        ("GD", "nan", "row 4 is of 0, line, nan, linear log, committed 0, line, GD, linear log"),
        ("0,line,FA,linear linear,1,2\n", "", "0, line, FA, linear linear: 2 rows in all, committed 3"),
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
        said = difference(tmp_path, old.replace(f",{row},1\n", f",{row},2\n"), old)
        assert f"row {row + 2} (0, line, {'ab'[row % 2]}, linear linear): y is 2" in said


def test_a_small_number_on_a_logarithmic_axis_counts_as_much_as_a_large_one(tmp_path):
    for scale, noticed in (("linear log", True), ("linear linear", False)):
        old = f"0,line,a,{scale},1,1000\n0,line,a,{scale},2,1e-06\n"
        assert bool(difference(tmp_path, old.replace("1e-06", "2e-06"), old)) == noticed


@pytest.mark.parametrize("same", ["nan", "inf", "-inf", "0"])
def test_what_is_no_number_or_has_no_size_must_be_the_same(tmp_path, same):
    old = f"0,line,a,linear linear,{same},{same}\n0,line,a,linear linear,{same},{same}\n"
    assert difference(tmp_path, old, old) == ""
    for other in {"nan", "inf", "-inf", "1e-300"} - {same}:
        assert "row 3 (0, line, a, linear linear): y is" in difference(
            tmp_path, f"{old[: old.rindex(',')]},{other}\n", old
        )


def test_a_figure_without_points_is_like_itself_only(tmp_path):
    assert difference(tmp_path, "", "") == ""
    assert "0 rows in all, committed 3" in difference(tmp_path, "", ROWS)
    assert "3 rows in all, committed 0" in difference(tmp_path, ROWS, "")


# --- tables of any project ---------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path):
    """Two folders, by name."""
    for name in ("fresh", "old"):
        (tmp_path / name).mkdir()
    return tmp_path


def told(folders, fresh, old, labels=None):
    """Return what is said of a table with these lines where the others are committed."""
    for name, lines in (("fresh", fresh), ("old", old)):
        (folders / name / "t.csv").write_text(lines)
    said, _ = file_difference(folders / "fresh" / "t.csv", folders / "old" / "t.csv", labels)
    return said.removeprefix(f"{folders}/fresh/t.csv: ")


PLAIN = "method,steps,loss\nGD,1,2.0\nGD,2,\nFA,1,3000\nFA,2,1e-3\n"


def test_columns_that_are_not_all_numbers_label_the_rows(folders):
    assert told(folders, PLAIN.replace("2.0", "2.0001"), PLAIN) == ""
    assert told(folders, PLAIN.replace("2.0", "2.001"), PLAIN) == "row 2 (GD): loss is 2.001, committed 2"
    assert told(folders, PLAIN.replace("GD,2,", "GD,2,0"), PLAIN) == "row 3 (GD): loss is 0, committed nan"
    assert told(folders, PLAIN.replace("FA,2", "GD,2"), PLAIN) == "row 5 is of GD, committed FA"
    assert told(folders, PLAIN.replace("steps", "step"), PLAIN).startswith("its columns are method, step, ")


def test_a_series_has_a_scale_of_its_own_and_without_labels_there_is_one(folders):
    old = "s,v\na,1000\na,0\nb,1\nb,0\n"
    assert told(folders, old.replace("a,0", "a,5e-4"), old) == ""
    assert told(folders, old.replace("b,0", "b,5e-4"), old) == "row 5 (b): v is 0.0005, committed 0"
    bare = old.replace("a", "1").replace("b", "2")
    assert told(folders, bare.replace("2,0", "2,5e-4"), bare) == ""
    assert told(folders, bare.replace("2,0", "2,5e-4"), bare, ["s"]) == "row 5 (2): v is 0.0005, committed 0"
    assert told(folders, "v\n1\n", "v\n2\n") == "row 2: v is 1, committed 2"
    assert told(folders, "v\n1\n", "v\n1\n2\n") == "1 rows in all, committed 2"
    assert told(folders, 'v\n"1"\n', "v\n1\n") == ""


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("", "it has no first line with a name for each column"),
        ("a,a\n1,2\n", "it has no first line with a name for each column"),
        ("a,b\n1,2\n1\n", "row 3 has 1 fields, and not 2"),
        ("method,steps,loss\nGD,1,two\n", "not all entries of method, loss are numbers; labels are method"),
    ],
)
def test_what_is_no_table_is_said_in_one_sentence(folders, lines, says):
    paths = f"{folders}/fresh/t.csv or {folders}/old/t.csv"
    assert told(folders, lines, PLAIN) == f"{paths} cannot be read: {says}"


def test_the_command_names_each_file_that_differs_or_is_missing(folders, capsys):
    assert told(folders, PLAIN, PLAIN) == ""
    command = [str(folders / "fresh"), str(folders / "old")]
    assert __main__.main(command) == 0
    assert capsys.readouterr().out == "1 files compared, none differ\n"
    told(folders, PLAIN.replace("2.0", "2.001"), PLAIN)
    figure(folders / "old" / "deep", "one")
    figure(folders / "fresh" / "deep", "one", grey=0.9)
    figure(folders / "old", "two")
    assert __main__.main(command) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{folders}/fresh/deep/one.png: 20 pixels are of another colour, at 0, 0 by 26 of 255",
        f"{folders}/fresh/t.csv: row 2 (GD): loss is 2.001, committed 2",
        f"{folders}/fresh/two.csv is missing",
        f"{folders}/fresh/two.png is missing",
        "5 files compared, 4 differ",
    ]
    assert __main__.main([*command, "--picture-tolerance=26", "--labels=method,steps"]) == 1
    said = capsys.readouterr().out
    assert "deep/one.png" not in said and "row 2 (GD, 1): loss is 2.001, committed 2" in said
    with pytest.raises(SystemExit):
        __main__.main(["nowhere", "neither"])
    assert "neither nowhere nor neither has a table or a picture" in capsys.readouterr().err


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
