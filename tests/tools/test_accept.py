"""Adopting what was run: whatever differs, and said so; nothing where something is wrong, or was edited."""

import json
import os
import re
from pathlib import Path

import accept
import pytest
from made_up import METADATA, claim, code, figure, prose, stream, verdicts, write

GOOD = code("1", verdicts(claim(0.5)))


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    """A folder for notebooks, figures and what was run, nothing at first; it is the working one."""
    monkeypatch.chdir(tmp_path)
    for name in ("notebooks", "figures", "build/figures"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def ran(name, *cells, committed=None):
    """Write a notebook as it was run, and as committed: without outputs, unless they are told."""
    bare = [cell | ({"outputs": []} if "outputs" in cell else {}) for cell in cells]
    write(Path("notebooks", f"{name}.ipynb"), *(bare if committed is None else committed))
    return write(Path("build", f"{name}.ipynb"), *cells)


def content(folder="."):
    """Return the bytes of every file, by name."""
    paths = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.as_posix(): path.read_bytes() for path in paths}


def test_what_differs_is_adopted_with_its_figures_and_named(capsys):
    drawn = figure(Path("build", "figures"), "x")
    run = ran("one", GOOD, code("2", stream("0.5"), drawn), committed=[GOOD, code("2", stream("0.6"))])
    assert accept.main(["one"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "adopted one",
        "    build/one.ipynb: cell 3: 'stdout: 0.5', committed 'stdout: 0.6'",
        "    figure x is not committed",
        "1 of 1 notebooks differed from what is committed",
    ]
    assert Path("notebooks", "one.ipynb").read_bytes() == run.read_bytes()
    for kind in ("csv", "png"):
        path = Path("figures", f"x.{kind}")
        assert path.read_bytes() == ("build" / path).read_bytes()


def test_nothing_is_adopted_where_nothing_differs(capsys):
    drawn = figure(Path("build", "figures"), "x")
    ran("one", GOOD, code("2", drawn))
    assert accept.main(["one"]) == 0 and "adopted one" in capsys.readouterr().out
    before = content()
    assert accept.main(["one"]) == 0 and content() == before
    assert capsys.readouterr().out == "no of 1 notebooks differed from what is committed\n"


def test_what_is_within_the_tolerance_is_not_adopted_but_more_is(capsys):
    drawn = figure(Path("build", "figures"), "x")
    ran("one", GOOD, code("2", drawn))
    accept.main(["one"])
    before = content("figures") | content("notebooks")
    for y, adopted in (("2.0001", False), ("2.001", True)):
        rows = Path("figures", "x.csv").read_text().replace(",1,2\n", f",1,{y}\n").partition("\n")[2]
        drawn = figure(Path("build", "figures"), "x", rows, grey=0.99)
        write(Path("build", "one.ipynb"), GOOD, code("2", drawn))
        assert accept.main(["one"]) == 0
        assert (content("figures") | content("notebooks") != before) == adopted
    embedded = json.loads(Path("notebooks", "one.ipynb").read_bytes())["cells"][2]["outputs"][0]
    assert embedded["data"]["image/png"] == drawn["data"]["image/png"]
    assert "row 3 (0, line, FA, linear linear): y is 2.001, committed 2" in capsys.readouterr().out


def test_an_editors_metadata_is_accepted_away(capsys):
    ran("one", GOOD, committed=[GOOD])
    editors = METADATA | {"kernelspec": {"name": "another", "display_name": "x"}, "widgets": {}}
    write(Path("notebooks", "one.ipynb"), GOOD, metadata=editors)
    assert accept.main(["one"]) == 0 and capsys.readouterr().out.startswith("adopted one\n")
    assert json.loads(Path("notebooks", "one.ipynb").read_bytes())["metadata"] == METADATA


def test_an_adopted_run_is_newer_than_the_notebook_that_it_has_become():
    run = ran("one", GOOD)
    os.utime(run, (0, 0))
    accept.main(["one"])
    assert run.stat().st_mtime >= Path("notebooks", "one.ipynb").stat().st_mtime


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (code("2", verdicts(claim(2.0))), "fails: Lemma 1: x: 2, must be <= 1; see build/bad.ipynb"),
        (code("2", verdicts(claim(0.5), broken="y")), "holds although y: Lemma 1: x: 0.5"),
    ],
)
def test_nothing_is_adopted_while_a_verdict_fails_or_a_control_holds(capsys, cell, says):
    ran("good", GOOD)
    ran("bad", GOOD, cell)
    before = content()
    assert accept.main(["good", "bad"]) == 1 and content() == before
    said = capsys.readouterr().err.splitlines()
    assert says in said[0] and said[-1] == "Nothing is adopted"


def test_nothing_is_adopted_where_a_notebook_broke(capsys):
    ran("good", GOOD)
    ran("bad", GOOD).rename(Path("build", "x"))
    write(Path("build", "failed", "bad.ipynb"), GOOD)
    before = content()
    assert accept.main(["good", "bad"]) == 1 and content() == before
    assert "broke: bad" in capsys.readouterr().err


@pytest.mark.parametrize("edited", [code("1 + 1"), prose("other words")])
def test_a_notebook_that_was_edited_while_it_ran_keeps_its_edit(capsys, edited):
    ran("good", GOOD)
    ran("one", GOOD, prose("words"), committed=[GOOD, edited])
    before = content()
    assert accept.main(["good", "one"]) == 1 and content() == before
    assert capsys.readouterr().err.splitlines() == [
        "notebooks/one.ipynb was edited after it ran: touch it, and run make accept again",
        "Nothing is adopted",
    ]


def test_figures_that_no_notebook_shows_any_more_are_deleted(capsys):
    for folder in ("figures", "build/figures"):
        drawn = {name: figure(Path(folder), name) for name in ("old", "moved", "kept")}
    ran("b", GOOD, code("2", drawn["kept"]), committed=[GOOD, code("2", drawn["old"], drawn["moved"])])
    ran("a", GOOD, code("2", drawn["moved"]), committed=[GOOD, code("2", drawn["kept"])])
    assert accept.main(["a", "b"]) == 0
    assert sorted(path.name for path in Path("figures").iterdir()) == [
        f"{name}.{kind}" for name in ("kept", "moved") for kind in ("csv", "png")
    ]
    assert "deleted figures/old, which no notebook shows any more\n" in capsys.readouterr().out


def test_a_figure_that_has_gone_to_a_notebook_not_adopted_now_stays():
    for folder in ("figures", "build/figures"):
        drawn = figure(Path(folder), "x")
    write(Path("notebooks", "other.ipynb"), GOOD, code("2", drawn))
    ran("one", GOOD, committed=[code("1", drawn)])
    assert accept.main(["one"]) == 0 and Path("figures", "x.png").exists()


def test_notebooks_are_named_in_the_order_in_which_the_index_leads_to_them():
    for name in ("a", "b", "deep/c", "d"):
        ran(name, GOOD)
    assert accept.names() == ["a", "b", "d", "deep/c"]
    places = "Where to go [x](deep/c.ipynb) [y](b.ipynb)"
    ran("index", prose(f"see [a](a.ipynb) {places}"))
    write(Path("notebooks", ".ipynb_checkpoints", "a-checkpoint.ipynb"))
    write(Path("notebooks", "deep", ".ipynb_checkpoints", "c-checkpoint.ipynb"))
    write(Path("notebooks", ".hidden.ipynb"))
    assert accept.names() == ["index", "deep/c", "b", "a", "d"]


def test_a_file_is_written_whole_and_only_where_it_changes(monkeypatch):
    path = Path("one")
    accept.write(path, b"a")
    os.utime(path, (0, 0))
    accept.write(path, b"a")
    assert path.stat().st_mtime == 0 and not re.findall("unfinished", " ".join(os.listdir()))
    accept.write(path, b"b")
    assert path.read_bytes() == b"b" and path.stat().st_mtime > 0


def test_a_part_is_exchanged_and_what_is_around_it_stays():
    text = "a\n<!-- x: made by make accept -->\nold\n<!-- end of x -->\nb"
    new = accept.with_part(text, "x", r"new \1")
    assert new == "a\n<!-- x: made by make accept -->\nnew \\1\n<!-- end of x -->\nb"
    with pytest.raises(ValueError, match="has 2 parts marked 'x'"):
        accept.with_part(text + text, "x", "")
