"""Scripts behind the Makefile: figures compared, verdicts gathered, parameters read, notebooks seen."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import check_notebooks
import mutants
import pytest
import seeds
import stability
import wrong_on_purpose
from compare_figures import differences
from parameters import ParameterError, parse, refuse_unknown
from verdicts import COLUMNS, as_csv, main

import fa_utils as fa
from fa_utils.claims import VERDICT_MIME

ROOT = Path(__file__).parents[1]
HEADER = "panel,kind,series,x,y\n"
ROWS = "0,line,FA,0,3\n0,line,FA,1,2\n0,line,GD,0,1e-05\n"


def folder_with(path, **figures):
    path.mkdir()
    for name, rows in figures.items():
        (path / f"{name}.csv").write_text(HEADER + rows)
    return path


def test_equal_figures_do_not_differ(tmp_path):
    assert not differences(folder_with(tmp_path / "a", one=ROWS), folder_with(tmp_path / "b", one=ROWS))


def test_a_difference_within_the_tolerance_passes(tmp_path):
    nearly = ROWS.replace("1,2\n", "1,2.0001\n")
    assert not differences(folder_with(tmp_path / "a", one=nearly), folder_with(tmp_path / "b", one=ROWS))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS.replace("1,2\n", "1,2.001\n"), "one.csv: series ('0', 'line', 'FA') differs by up to 0.001"),
        (ROWS.replace("1e-05", "1.1e-05"), "series ('0', 'line', 'GD') differs"),
        (ROWS.replace("0,line,FA,1,2\n", ""), "has 1 points, committed 2"),
        (ROWS.replace("GD", "FA*"), "series ('0', 'line', 'FA*') is on one side only"),
        (ROWS.replace("1e-05", "nan"), "differs"),
    ],
)
def test_a_figure_that_drifted_is_named(tmp_path, rows, message):
    found = differences(folder_with(tmp_path / "a", one=rows), folder_with(tmp_path / "b", one=ROWS))
    assert any(message in line for line in found)


def test_a_missing_figure_is_named_on_either_side(tmp_path):
    some, none = folder_with(tmp_path / "some", one=ROWS), folder_with(tmp_path / "none")
    assert differences(some, none) == [f"one.csv is missing in {none}"]
    assert differences(none, some) == [f"one.csv is missing in {none}"]
    assert differences(none, none) == [f"no figure data in {none} and {none}"]


def notebook_with(path, *outputs, sources=(), tags=("parameters",), counts=(1,), metadata=None):
    """Write a notebook: one tagged code cell, one code cell a count with these outputs, markdown sources."""
    cells = [{"cell_type": "markdown", "metadata": {}, "source": source} for source in sources]
    for count in counts:
        cell = {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": "seed = 0  # of it [0 to 1]"}
        cells.append(cell | {"execution_count": count, "outputs": list(outputs)})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"cells": cells, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5})
    )
    return path


def verdict_output(measured):
    rows = [fa.Claim("Lemma 1: x", "stated", measured, "<=", 1.0).row]
    return {"output_type": "display_data", "metadata": {}, "data": {VERDICT_MIME: rows, "text/plain": "x"}}


GOOD = verdict_output(0.5)
STREAM = {"output_type": "stream", "name": "stdout", "text": "Z/W and a/b: 3"}


def test_a_good_notebook_has_no_complaints(tmp_path):
    prose = "[x](https://x.org): $a \\lt b$, `\\mbox`.\n\n$$\na = b\n$$\n\nand $x$ costs `$5 < 6$`."
    prose += "\n\n| a | b |\n|---|---|\n| $x$ | $\\vert y \\vert$ and $z$ |"
    assert (
        check_notebooks.complaints(notebook_with(tmp_path / "x.ipynb", GOOD, STREAM, sources=[prose])) == []
    )


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"counts": (None,)}, "execution counts are [None]"),
        ({"counts": (2,)}, "execution counts are [2]"),
        ({"tags": ()}, "exactly one must be 'parameters'"),
        ({"tags": ("parameters", "injected-parameters")}, "none 'injected-parameters'"),
        ({"metadata": {"widgets": {}}}, "metadata of widgets"),
        ({"metadata": {"papermill": {}}}, "metadata of papermill"),
        ({"sources": [r"$\operatorname{tr} M$"]}, r"\operatorname in a formula"),
        ({"sources": [r"$\newcommand{\x}{y}$"]}, r"\newcommand in a formula"),
        ({"sources": [r"$\mbox{a}$"]}, r"\mbox in a formula"),
        ({"sources": [r"$\phantom{a} b$"]}, r"\phantom in a formula"),
        ({"sources": [r"$a \tag{1}$"]}, r"\tag in a formula"),
        ({"sources": ["| a | b |\n|---|---|\n| $x$ | $|y|$ |"]}, "| in the formula"),
        ({"sources": ["$a < b$"]}, "< in the formula 'a < b'"),
        ({"sources": ["$$\na < b\n$$"]}, "< in the formula"),
        ({"sources": ["$a\n= b$"]}, "a line break in the formula"),
        ({"sources": ["$$a = b$$"]}, "$$ needs lines"),
        ({"sources": ["text\n$$\na\n$$"]}, "$$ needs lines"),
        ({"sources": ["![one](https://example.org/one.png)"]}, "![one](https:// loads from elsewhere"),
        ({"sources": ["![one](<//example.org/one.png>)"]}, "![one](<// loads from elsewhere"),
        ({"sources": ["![one][there]"]}, "![one][ loads from elsewhere"),
        ({"sources": ['<IMG src="one.png">']}, "<IMG src= loads from elsewhere"),
        ({"sources": ['<svg><image width="3" href="x"/></svg>']}, "loads from elsewhere"),
        ({"sources": ["<script>1</script>"]}, "<script loads from elsewhere"),
        ({"sources": ["x" * 1_000_000]}, "GitHub shows notebooks below"),
    ],
)
def test_each_thing_that_github_or_a_reader_stumbles_over_is_named(tmp_path, bad, message):
    found = check_notebooks.complaints(notebook_with(tmp_path / "x.ipynb", GOOD, **bad))
    assert any(message in line for line in found)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"output_type": "stream", "name": "stderr", "text": "a warning"}, "stderr: a warning"),
        ({"output_type": "error", "ename": "KeyError"}, "an output is KeyError"),
        (
            {"output_type": "stream", "name": "stdout", "text": "saved to /home/me/x.png"},
            "path /home/me/x.png",
        ),
        ({"output_type": "display_data", "data": {"image/svg+xml": "<svg/>"}}, "image/svg+xml"),
        ({"output_type": "display_data", "data": {"text/html": "<b>1</b>"}}, "text/html"),
        ({"output_type": "display_data", "data": {"application/javascript": "1"}}, "application/javascript"),
        ({"output_type": "display_data", "data": {"image/png": "x"}}, "a picture without a description"),
        ({"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": {}}}, "widget"),
    ],
)
def test_each_output_that_does_not_belong_is_named(tmp_path, output, message):
    found = check_notebooks.complaints(notebook_with(tmp_path / "x.ipynb", GOOD, output))
    assert any(message in line for line in found)


def test_a_notebook_without_outputs_or_without_a_verdict_is_named(tmp_path):
    assert "no outputs; run it (make accept)" in check_notebooks.complaints(
        notebook_with(tmp_path / "x.ipynb")
    )
    assert check_notebooks.complaints(notebook_with(tmp_path / "y.ipynb", STREAM)) == [
        "no verdict: nothing that could fail"
    ]


def test_checking_nothing_is_no_success(tmp_path, capsys):
    assert check_notebooks.main(tmp_path) and "no notebook below" in capsys.readouterr().out


def test_verdicts_are_gathered_into_the_table_and_all_hold(tmp_path, capsys):
    notebook_with(tmp_path / "deep" / "one.ipynb", GOOD)
    assert main(tmp_path, ["deep/one"]) == 0
    assert (tmp_path / "verdicts.csv").read_text() == (
        ",".join(COLUMNS) + "\ndeep/one,Lemma 1: x,stated,0.5,<=,1,holds,0\n"
    )
    assert "1 of 1 verdicts hold" in capsys.readouterr().out


def test_a_failing_verdict_of_a_broken_notebook_is_in_the_table(tmp_path, capsys):
    notebook_with(tmp_path / "failed" / "one.ipynb", verdict_output(2.0))
    assert main(tmp_path, ["one"]) == 1
    assert (tmp_path / "verdicts.csv").read_text().endswith("one,Lemma 1: x,stated,2,<=,1,fails,0\n")
    assert "one did not finish" in capsys.readouterr().err


def test_a_missing_notebook_is_no_success(tmp_path):
    assert main(tmp_path, ["one"]) == 1
    assert (tmp_path / "verdicts.csv").read_text() == as_csv([])


def test_parameters_are_python_literals():
    assert parse(["seed=7", "rate=1e-3", "ranks=(3,6)", "name='x'"]) == {
        "seed": 7,
        "rate": 1e-3,
        "ranks": [3, 6],  # papermill would write a tuple as a string
        "name": "x",
    }


@pytest.mark.parametrize("word", ["seed", "seed=", "seed=seven", "7=7", "=7"])
def test_what_is_no_parameter_is_refused_by_name(word):
    with pytest.raises(ParameterError, match=f"'{word}' is not name=value"):
        parse([word])


def test_a_parameter_that_a_notebook_lacks_is_refused_by_name():
    notebook = Path(__file__).parents[1] / "notebooks" / "theorem-2.ipynb"
    refuse_unknown(notebook, {"seed": 7, "draws": 5})
    with pytest.raises(ParameterError, match="has no parameter 'sede'; it has seed, size"):
        refuse_unknown(notebook, {"sede": 7})


def test_a_statement_may_fail_as_often_as_its_chance_makes_plausible():
    assert seeds.most_failures(50, 0.0) == 0
    assert seeds.most_failures(50, 1e-6) == 0
    assert seeds.most_failures(50, 1e-4) == 1
    assert seeds.most_failures(10_000, 1e-2) == 132


def test_failures_at_fresh_seeds_are_counted_by_statement(capsys):
    sure, likely = ("one", "Lemma 1: x"), ("two", "Theorem 3: y")
    runs, chances = Counter({sure: 50, likely: 50}), {sure: 0.0, likely: 1e-4}
    assert seeds.summary(runs, Counter(), chances) == 0
    assert seeds.summary(runs, Counter({likely: 1}), chances) == 0
    assert "two: Theorem 3: y: 1 of 50 seeds fail, 1 may" in capsys.readouterr().out
    assert seeds.summary(runs, Counter({likely: 2}), chances) == 1
    assert seeds.summary(runs, Counter({likely: 1, sure: 1}), chances) == 1
    assert capsys.readouterr().out.endswith(
        "one: Lemma 1: x: 1 of 50 seeds fail, 0 may\n"
        "100 verdicts at fresh seeds, 2 failures; 1 statements fail too often\n"
    )


def test_every_patch_that_breaks_the_package_applies_and_names_notebooks():
    patches = [wrong_on_purpose.read(path) for path in sorted((ROOT / "tests" / "wrong").glob("*.patch"))]
    assert len(patches) == 14
    names = {path.stem for path in (ROOT / "notebooks").rglob("*.ipynb")}
    for wrong in patches:
        assert wrong.concerned and set(wrong.concerned) <= names
        command = ["patch", "--dry-run", "--strip=1", "--quiet", f"--input={wrong.patch}"]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0, wrong.patch.name


def test_outcomes_of_another_state_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(stability, "state_of", lambda cell: f"now {cell.python}")
    table, cell = tmp_path / "cells.csv", stability.Cell("3.12", "locked", "2", "Haswell")
    monkeypatch.setattr(stability, "lock_of", lambda python, packages: tmp_path)
    assert stability.known(table) == {}
    table.write_text("now 3.12,3.11,locked,1,Zen,1,288,0,0\nnow 3.12,3.12,locked,2,Haswell,1,288,3,\n")
    assert stability.known(table) == {cell: stability.Outcome("288", "3", "")}
    assert table.read_text().splitlines() == ["now 3.12,3.12,locked,2,Haswell,1,288,3,"]


def test_the_state_of_a_cell_changes_with_what_its_outcome_depends_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tools = [f"tools/{name}.py" for name in ("stability", "kernels_on_files", "compare_figures")]
    (tmp_path / "tools").mkdir()
    for name in ("requirements.lock", "Makefile", *tools):
        (tmp_path / name).write_text("")
    cell, states = stability.Cell("3.12", "locked", "2", "Haswell"), set()
    for name in ("Makefile", "requirements.lock", "figures/x.csv", "notebooks/b/x.ipynb", *tools):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(name)
        states.add(stability.state_of(cell))
    assert len(states) == 7


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([("288", "0", "0"), ("288", "0", "")], 0),
        ([("288", "0", "0"), ("287", "0", "")], 1),
        ([("288", "1", "0")], 1),
        ([("288", "0", "1")], 1),
        ([], 1),
    ],
)
def test_stable_means_that_every_cell_compared_all_and_nothing_differs(outcomes, code):
    assert stability.summary([stability.Outcome(*outcome) for outcome in outcomes]) == code


def test_each_kernel_that_runs_here_is_a_cell_once(monkeypatch, capsys):
    kernels = {"Prescott": "Katmai", "Sandybridge": "Sandybridge", "Haswell": "Haswell", "Zen": "Haswell"}
    monkeypatch.setattr(stability, "kernel_of", lambda programs, core: kernels.get(core, ""))
    assert stability.distinct("here", Path()) == ["Prescott", "Sandybridge", "Haswell"]
    assert capsys.readouterr().out.splitlines() == [
        "here: the kernel for SkylakeX does not run on this processor",
        "here: the kernel for Zen (Haswell) is the one for Haswell",
    ]


def test_a_kernel_has_a_name_unless_it_stops(tmp_path):
    programs = Path(sys.executable).parent
    assert stability.kernel_of(programs, "Haswell")
    (tmp_path / "python").symlink_to(shutil.which("false"))
    assert not stability.kernel_of(tmp_path, "Haswell")


MUTATED = """\
def x_halve__mutmut_orig(number, times=1):
    return number / (
        2 * times
    )

def x_halve__mutmut_1(number, times=2):
    return number / (
        2 * times
    )

def x_halve__mutmut_2(number, times=1):
    return number * (
        2 * times
    )

class Pair:
    def xǁPairǁswap__mutmut_orig(self):
        return self.b, self.a

    def xǁPairǁswap__mutmut_1(self):
        return None
"""
HALVED = ["one.halve", "def x_halve(number, times=1):", "def x_halve(number, times=2):"]
SWAPPED = ["one.Pair.swap", "return self.b, self.a", "return None"]


def mutation_run(path, halve_1=0, halve_2=1, swap=0, reasons=(HALVED, SWAPPED)):
    """Write what a run of mutmut leaves for a module of three mutants, and a file with these reasons."""
    path.mkdir(exist_ok=True)
    codes = {"x_halve__mutmut_1": halve_1, "x_halve__mutmut_2": halve_2, "xǁPairǁswap__mutmut_1": swap}
    codes = {f"fa_utils.one.{name}": code for name, code in codes.items()}
    (path / "one.py").write_text(MUTATED)
    (path / "one.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    (path / "none.py.meta").write_text(json.dumps({"exit_code_by_key": {}}))
    (path / "trust.lock").write_text("mutmut==3.8.1 \\\n    --hash=sha256:0\n")
    (path / "equivalent_mutants.toml").write_text(
        "".join(f'[[equivalent]]\nwhy = "No use."\nmutants = {json.dumps([one])}\n' for one in reasons)
        or "equivalent = []"
    )
    return mutants.main(path, path)


def test_mutants_are_counted_and_survivors_listed_below_their_reasons(tmp_path, capsys):
    assert mutation_run(tmp_path, halve_2=-24) == 0
    page = (tmp_path / "mutants.md").read_text()
    assert "| one | 3 | 0 | 1 | 2 | 33.3 % |\n| all | 3 | 0 | 1 | 2 | 33.3 % |\n" in page
    assert "| one | 3 |" in capsys.readouterr().out
    assert page.endswith(
        "\nNo use.\n\n- one.halve: `` def x_halve(number, times=1): `` becomes "
        "`` def x_halve(number, times=2): ``\n\n"
        "No use.\n\n- one.Pair.swap: `` return self.b, self.a `` becomes `` return None ``\n"
    )


def test_a_mutant_that_timed_out_may_have_a_reason_but_is_no_survivor(tmp_path):
    assert mutation_run(tmp_path, swap=-24) == 0
    page = (tmp_path / "mutants.md").read_text()
    assert "| all | 3 | 1 | 1 | 1 | 66.7 % |" in page and "one.halve" in page and "one.Pair" not in page


def test_a_mutant_that_ends_the_tests_own_process_is_killed(tmp_path):
    assert mutation_run(tmp_path, halve_2=7) == 0
    assert "| all | 3 | 1 | 0 | 2 | 33.3 % |" in (tmp_path / "mutants.md").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reasons": [HALVED]}, "survives without a reason: one.Pair.swap: return self.b, self.a"),
        ({"swap": 33, "reasons": [HALVED]}, "survives without a reason: one.Pair.swap"),
        ({"swap": 1}, "has a reason but is killed: one.Pair.swap"),
        ({"reasons": [HALVED, SWAPPED, SWAPPED]}, "has two reasons: one.Pair.swap"),
        ({"halve_2": None}, "1 mutants have not been run, or not to an end"),
        ({"halve_1": None, "halve_2": 0, "reasons": [SWAPPED]}, "return number / ( -> return number * ("),
    ],
)
def test_a_mutant_without_reason_or_a_reason_without_mutant_is_named(tmp_path, capsys, change, message):
    assert mutation_run(tmp_path, **change) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "mutants.md").exists()


def test_no_mutants_are_no_success(tmp_path, capsys):
    (tmp_path / "trust.lock").write_text("mutmut==3.8.1 \\\n")
    (tmp_path / "equivalent_mutants.toml").write_text("equivalent = []")
    assert mutants.main(tmp_path, tmp_path) == 1
    assert "there are no mutants" in capsys.readouterr().err


def test_a_decorator_that_would_hide_a_function_is_moved_below_it():
    source = "@fits_float64\ndef one(x):\n    return x\n\n\n@cached\ndef two():\n    return one(2)\n"
    moved = mutants.undecorated(source)
    assert moved == source.removeprefix("@fits_float64\n") + "\n\none = fits_float64(one)\n"
    found = {"fits_float64": lambda function: lambda x: -function(x), "cached": lambda function: function}
    exec(moved, found)
    assert found["one"](3) == -3 and found["two"]() == -2
