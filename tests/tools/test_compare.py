"""What differs from what is committed is noticed and named, wherever it is; what is within tolerance, not."""

import json
import random
from pathlib import Path

import compare
import numpy as np
import pytest
from compare import notebooks
from made_up import HEADER, code, figure, png, prose, shown, stream, write

ROOT = Path(__file__).parents[2]
NOTEBOOKS = notebooks(ROOT / "notebooks")


# --- whole figures -----------------------------------------------------------------------------------


def test_figures_are_compared_with_their_pictures(tmp_path):
    new = tmp_path / "new"
    old = tmp_path / "old"
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
    paths = [f"{tmp_path}/{folder}/one.{kind}" for folder in ("new", "old")]
    assert line.startswith(f"{' or '.join(paths)} cannot be read: ")
    assert "\n" not in line.strip() and found.deviation == np.inf


# --- printed outputs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_any_cell_that_prints_another_digit_is_noticed_and_named(notebook, tmp_path):
    content = json.loads(notebook.read_bytes())
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    for output in (output for cell in cells for output in cell["outputs"]):
        output.get("data", {}).pop("image/png", None)
    old = tmp_path / "old.ipynb"
    new = tmp_path / "new.ipynb"
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

    plain = stream("a\nb\n")
    split = (stream("a\n"), stream("b\n"))
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
