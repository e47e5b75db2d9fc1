"""What a run says at its end: counts, everything that is wrong and where to look, within 100 columns."""

import csv
import os
from pathlib import Path

import pytest
import summary
from made_up import claim, code, figure, prose, stream, verdicts, write

GOOD = claim(0.5)
BAD = claim(2.0, "Theorem 2: the error vanishes")
FAILS = claim(2.0, "Lemma 4: y")
HOLDS = claim(0.5, "Lemma 5: z")


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    """A folder with notebooks, figures and what was run, empty at first; it is the working one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FA_PARAMETERS", raising=False)
    for name in ("notebooks", "figures", "build"):
        (tmp_path / name).mkdir()
    return tmp_path


def ran(name, *cells, folder="build", committed=None):
    """Write a notebook as committed, and as it was run in a folder: the same, unless told otherwise."""
    write(Path("notebooks", f"{name}.ipynb"), *(cells if committed is None else committed))
    return write(Path(folder, f"{name}.ipynb"), *cells)


def said(capsys, *names, folder="build"):
    """Return exit code and lines of a summary."""
    found = summary.main(Path(folder), list(names))
    return found, capsys.readouterr().out.splitlines()


def test_verdicts_are_counted_notebook_by_notebook_and_in_all(capsys):
    ran("one", code("1", verdicts(GOOD, HOLDS)), prose("x"), code("2", stream("3")))
    ran("deep/two", code("1", verdicts(GOOD)), code("2", verdicts(FAILS, broken="n is 8")))
    exit_code, lines = said(capsys, "one", "deep/two")
    assert exit_code == 0
    assert [line.split() for line in lines[:3]] == [
        ["notebook", "hold", "fail", "not", "judged", "outputs", "figures"],
        ["one", "2", "0", "0", "3", "0"],
        ["deep/two", "1", "0", "0", "3", "0"],
    ]
    assert lines[3:] == [
        "3 of 3 verdicts hold, 0 were not judged",
        "6 outputs and 0 figures compared: none differ; data deviate by at most 0 of what is allowed",
        "verdicts: build/verdicts.csv; pictures: build/figures",
    ]


def test_a_failing_verdict_is_named_with_what_was_measured_and_hides_no_later_one(capsys):
    place = ran("one", code("1", verdicts(BAD)), code("2", verdicts(FAILS, HOLDS)))
    exit_code, lines = said(capsys, "one")
    assert exit_code == 1 and "1 of 3 verdicts hold, 0 were not judged" in lines
    assert f"fails: Theorem 2: the error vanishes: 2, must be <= 1; see {place}" in lines
    assert f"fails: Lemma 4: y: 2, must be <= 1; see {place}" in lines


def test_a_control_that_holds_fails_the_run(capsys):
    place = ran("one", code("1", verdicts(GOOD)), code("2", verdicts(FAILS, HOLDS, broken="r is 3")))
    exit_code, lines = said(capsys, "one")
    assert exit_code == 1 and "1 of 1 verdicts hold, 0 were not judged" in lines
    assert [line for line in lines if "although" in line] == [
        f"holds although r is 3: Lemma 5: z: 0.5, must be <= 1; see {place}"
    ]


def test_what_a_broken_notebook_did_not_come_to_is_not_judged(capsys):
    whole = [code("1", verdicts(GOOD, BAD)), code("2", verdicts(HOLDS, FAILS, broken="x"))]
    ran("deep/one", *whole)
    Path("build", "deep", "one.ipynb").unlink()
    failed = write(Path("build", "deep", "failed", "one.ipynb"), code("1", verdicts(GOOD)))
    ran("two", code("1", verdicts(GOOD)))
    exit_code, lines = said(capsys, "deep/one", "two")
    assert exit_code == 1 and "2 of 2 verdicts hold, 1 were not judged" in lines
    assert lines[1].split() == ["deep/one", "1", "0", "1"]
    assert f"broke: deep/one, 1 of its verdicts were not judged; see {failed}" in lines


def test_a_notebook_that_broke_after_its_last_verdict_fails_the_run_too(capsys):
    write(Path("notebooks", "one.ipynb"), code("1", verdicts(GOOD)))
    failed = write(Path("build", "failed", "one.ipynb"), code("1", verdicts(GOOD)), code("1 / 0"))
    exit_code, lines = said(capsys, "one")
    assert exit_code == 1 and f"broke: one, 0 of its verdicts were not judged; see {failed}" in lines


def test_a_notebook_that_was_never_run_is_not_judged(capsys):
    write(Path("notebooks", "one.ipynb"), code("1", verdicts(GOOD, HOLDS)))
    exit_code, lines = said(capsys, "one")
    assert exit_code == 1 and "0 of 0 verdicts hold, 2 were not judged" in lines
    assert "broke: one, 2 of its verdicts were not judged; make executed says why" in lines


def test_a_whole_run_counts_although_an_older_one_broke(capsys):
    ran("one", code("1", verdicts(GOOD)))
    write(Path("build", "failed", "one.ipynb"), code("1", verdicts(BAD)))
    assert said(capsys, "one")[0] == 0


def test_two_notebooks_that_save_one_figure_are_named(capsys):
    drawn = figure(Path("build", "figures"), "same")
    figure(Path("figures"), "same")
    for name in ("one", "two"):
        ran(name, code("1", verdicts(GOOD), drawn))
    exit_code, lines = said(capsys, "one", "two")
    assert exit_code == 1
    assert "figure same is saved by one and two: rename it in one" in lines


def test_whatever_differs_from_what_is_committed_is_named(capsys):
    figure(Path("figures"), "x")
    drawn = figure(Path("build", "figures"), "x", grey=0.0)
    cells = code("1", verdicts(GOOD), drawn), code("2", stream("0.5"))
    ran("one", *cells, committed=[cells[0], code("2", stream("0.6"))])
    exit_code, lines = said(capsys, "one")
    text = " ".join(line.strip() for line in lines)
    assert exit_code == 1 and lines[1].split() == ["one", "1", "0", "0", "3", "1"]
    assert "differs: build/one.ipynb: cell 3: 'stdout: 0.5', committed 'stdout: 0.6'" in lines
    assert "differs: build/figures/x.png: 20 pixels are of another colour, at 0, 0 by 255 of 255" in text
    assert "3 outputs and 1 figures compared: 2 differ" in text


def test_runs_with_parameters_of_their_own_are_judged_and_not_compared(capsys, monkeypatch):
    ran("one", code("1", verdicts(GOOD)), folder="build/runs/seed_7", committed=[code("other")])
    monkeypatch.setenv("FA_PARAMETERS", "seed=7")
    exit_code, lines = said(capsys, "one", folder="build/runs/seed_7")
    assert exit_code == 0 and not any("compared" in line for line in lines)
    assert lines[1].split() == ["one", "1", "0", "0"]


def test_runs_with_another_rounding_are_compared(capsys):
    ran("one", code("1", verdicts(GOOD), stream("1")), folder="build/rounding-up", committed=[code("1")])
    exit_code, lines = said(capsys, "one", folder="build/rounding-up")
    assert exit_code == 1 and any(line.startswith("differs: build/rounding-up/one.ipynb") for line in lines)


def test_all_rows_are_in_the_table(capsys):
    ran("deep/one", code("1", verdicts(GOOD, BAD)), code("2", verdicts(FAILS, broken="x")))
    said(capsys, "deep/one")
    with Path("build", "verdicts.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [*rows[0]] == summary.COLUMNS
    assert [list(row.values()) for row in rows] == [
        ["deep/one", "Lemma 1: x", "new", "0.5", "<=", "1", "holds", "0"],
        ["deep/one", "Theorem 2: the error vanishes", "new", "2", "<=", "1", "fails", "0"],
    ]


def test_a_table_is_written_where_nothing_was_run_yet(capsys):
    write(Path("notebooks", "one.ipynb"), code("1", verdicts(GOOD)))
    assert said(capsys, "one", folder="build/deep/below")[0] == 1
    assert Path("build", "deep", "below", "verdicts.csv").read_text() == ",".join(summary.COLUMNS) + "\n"


def test_everything_fits_a_hundred_columns_whatever_is_long_in_it(capsys):
    long = claim(2.0, "Theorem 2: " + "the error vanishes under conditions that take many words, " * 4)
    name = "companions/a-name-of-forty-four-letters-all-told"
    ran(name, code("1", verdicts(long, GOOD)), committed=[code("1", stream("word " * 60))])
    write(Path("notebooks", "broken.ipynb"), code("1", verdicts(GOOD)))
    exit_code, lines = said(capsys, name, "broken")
    assert exit_code == 1 and max(map(len, lines)) <= 100
    assert "2, must be <= 1" in " ".join(line.strip() for line in lines)


def test_colour_is_for_a_terminal_only(capsys, monkeypatch):
    ran("one", code("1", verdicts(GOOD, BAD)))
    plain = said(capsys, "one")[1]
    assert not any("\033" in line for line in plain)
    monkeypatch.setattr(os, "isatty", lambda descriptor: True)
    coloured = said(capsys, "one")[1]
    assert [line for line in coloured if "\033" in line] == [
        f"\033[31m{line}\033[0m" for line in plain if line.startswith("fails: ")
    ]


@pytest.mark.parametrize("folder", ["notebooks", "build"])
def test_a_damaged_notebook_ends_the_summary_in_one_sentence(folder):
    ran("one", code("1", verdicts(GOOD)))
    Path(folder, "one.ipynb").write_text("{")
    with pytest.raises(SystemExit, match=rf"^{folder}/one\.ipynb is no notebook .*: delete it"):
        summary.main(Path("build"), ["one"])
