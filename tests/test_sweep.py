"""Many runs of one notebook: which, kept how, and what is made of their verdicts; ranges of parameters."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import gathered
import numpy as np
import parameters
import pytest
import ranges
import sweep
from check_notebooks import complaints
from matplotlib import pyplot as plt
from parameters import ParameterError
from small_copy import BIN, clean_environment, files_below, make, write_notebook

import fa_utils as fa
from fa_utils.claims import VERDICT_MIME

LINES = "seed = 1  # of every draw [0 to 9]\ntheta = 1.0  # weight of the tail [1/time, 0.5 to 2]"
CLAIM = 'fa.verdict(fa.Claim(f"Lemma 1: n = 7, theta = {theta:g}: x", "new", theta * seed, "<=", 2.0))'


# --- which runs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("theta=0.1,0.5,1", ["0.1", "0.5", "1"]),
        ("theta=.5", ["0.5"]),
        ("theta=2,2.0,2", ["2", "2.0"]),
        ("seed=1:3", ["1", "2", "3"]),
        ("seed=-1:-1", ["-1"]),
        ("sizes=[1, 2]", ["[1, 2]"]),
        ("sizes=[1],[2,3]", ["[1]", "[2, 3]"]),
        ("name='a','b'", ["'a'", "'b'"]),
    ],
)
def test_a_word_names_a_list_of_values_or_a_range_with_both_ends(word, values):
    name = word.partition("=")[0]
    assert sweep.choices(word) == [f"{name}={value}" for value in values]


def test_every_combination_comes_once_and_the_first_parameter_changes_slowest():
    grid = sweep.combinations(["theta=0.1,1", "seed=1:3"])
    assert grid == [(f"theta={theta}", f"seed={seed}") for theta in ("0.1", "1") for seed in (1, 2, 3)]


def test_a_run_has_a_place_of_its_own_whatever_the_order_of_its_parameters():
    words = [
        ("a=1", "b=2"),
        ("a=12", "b=2"),
        (f"a={list(range(99))}",),
        (f"a={list(range(98))}",),
        ("a='/'",),
    ]
    places = {sweep.run_of("beyond/x", point).output for point in words}
    assert len(places) == 5 and {place.parent for place in places} == {Path("build/sweeps/beyond/x")}
    assert sweep.run_of("x", ("a=1", "b=2")).output == sweep.run_of("x", ("b=2", "a=1")).output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=3:1"], "'seed=3:1' names no value; a range goes up"),
        (["seed=()"], "'seed=()' names no value"),
        (["seed=0:10000"], "'seed=0:10000' names more than 10000 values"),
        (["seed=0:99999999999999999999"], "names more than 10000 values"),
        (["seed=0:99", "theta=0:100"], "10100 combinations; choose at most 10000"),
        (["seed=1", "seed=2"], "seed=1 seed=2: one name comes twice"),
        (["seed"], "'seed' is not name=values: theta=0.1,0.5,1 or seed=1:20"),
        (["seed="], "'seed=' is not name=values"),
        (["seed=1:2:3"], "'seed=1:2:3' is not name=values"),
        (["seed=one"], "'seed=one' is not name=values"),
        (["=1"], "'=1' is not name=values"),
        (["seed=1", "sede=1"], "good.ipynb has no parameter 'sede'; it has seed, theta"),
    ],
)
def test_what_names_no_runs_is_refused_before_anything_runs(copy, monkeypatch, words, message):
    monkeypatch.chdir(copy)
    write_notebook(copy, "good", CLAIM, parameters=LINES)
    with pytest.raises(ParameterError) as refused:
        sweep.main(["1", "good", *words])
    assert message in str(refused.value) and not Path("build").exists()


def test_a_notebook_that_is_not_there_is_refused(copy, monkeypatch):
    monkeypatch.chdir(copy)
    with pytest.raises(ParameterError, match=r"there is no notebooks/bad\.ipynb"):
        sweep.main(["1", "bad", "seed=1"])


# --- runs, kept -------------------------------------------------------------------------------------


def executed_notebook(rows, error=""):
    """Return an executed notebook with these verdict rows, and an error at its end."""
    outputs = [{"output_type": "display_data", "metadata": {}, "data": {VERDICT_MIME: rows}}]
    if error:
        name, _, value = error.partition(": ")
        outputs.append(
            {"output_type": "error", "ename": name, "evalue": f"{value}\nand more", "traceback": []}
        )
    return json.dumps({"cells": [{"cell_type": "code", "outputs": outputs}]}).encode()


def outcome(theta, seed):
    """Return what a run leaves: it fails where theta times seed is above 2, and breaks for some seeds."""
    claim = fa.Claim(f"Lemma 1: n = 7, theta = {theta:g}: x", "new", theta * seed, "<=", 2.0)
    errors = {5: "ZeroDivisionError: division by zero", 6: "VerdictError: holds although n is 8: Lemma 1"}
    error = errors.get(seed, "" if claim.holds else "VerdictError: does not hold: Lemma 1: x")
    if seed == 7:
        return b"", "DeadKernelError: Kernel died"
    return executed_notebook([] if seed in errors else [claim.row], error), error


@pytest.fixture
def ran(copy, monkeypatch):
    """The runs of a notebook that were made, by no kernel; a small copy is the working directory."""
    made = []

    def executed(files, settings, words):
        made.append(words)
        return outcome(**parameters.parse(list(words)))

    write_notebook(copy, "good", CLAIM, parameters=LINES)
    monkeypatch.chdir(copy)
    monkeypatch.setattr(sweep, "executed", executed)
    return made


def table():
    return Path("build/sweeps/good/verdicts.csv").read_text().splitlines()


def test_runs_that_are_there_are_not_made_again_in_whatever_grid_they_come(ran, capsys):
    assert sweep.main(["2", "good", "theta=0.5,1", "seed=1:2"]) == 0
    assert sorted(ran) == sorted(sweep.combinations(["theta=0.5,1", "seed=1:2"]))
    assert sweep.main(["2", "good", "seed=1:3", "theta=0.5"]) == 0 and ran[4:] == [("seed=3", "theta=0.5")]
    said = capsys.readouterr().out
    assert "3 runs of good, 2 of them there already\n[1/1] seed=3 theta=0.5\n" in said
    assert "holds in 3 of 3  0.5 to 1.5  <=  2  Lemma 1: n = 7, theta = 0.5: x\n3 of 3 verdicts hold" in said
    assert table() == [
        "seed,theta,statement,mark,measured,relation,bound,verdict",
        *(f'{seed},0.5,"Lemma 1: n = 7, theta = 0.5: x",new,{seed / 2:.2g},<=,2,holds' for seed in (1, 2, 3)),
    ]


def test_runs_of_a_changed_notebook_are_made_again(ran, copy):
    sweep.main(["1", "good", "seed=1", "theta=1"])
    path = copy / "notebooks" / "good.ipynb"
    text = path.read_text()
    path.write_text(text.replace("<=", "<= "))
    assert path.read_text() != text and sweep.main(["1", "good", "seed=1", "theta=1"]) == 0
    assert len(ran) == 2
    next(Path("build/sweeps/good").glob("*.ipynb")).write_bytes(executed_notebook([]))
    assert sweep.main(["1", "good", "seed=1", "theta=1"]) == 0 and len(ran) == 3


def test_a_sweep_that_was_interrupted_goes_on_from_there(ran, monkeypatch):
    whole = sweep.keep

    def interrupted(run, *rest):
        if len(list(Path("build/sweeps/good").glob("*.ipynb"))) == 2:
            raise KeyboardInterrupt
        whole(run, *rest)

    monkeypatch.setattr(sweep, "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep.main(["1", "good", "theta=0.1", "seed=1:4"])
    assert not Path("build/sweeps/good/verdicts.csv").exists()
    monkeypatch.setattr(sweep, "keep", whole)
    before = len(ran)
    assert sweep.main(["1", "good", "theta=0.1", "seed=1:4"]) == 0 and len(ran) == before + 2
    assert len(table()) == 5


def test_what_fails_or_breaks_is_in_the_table_and_stops_nothing(ran, capsys):
    assert sweep.main(["1", "good", "theta=1", "seed=2:7"]) == 1
    said = capsys.readouterr().out
    assert "[4/6] theta=1 seed=5  BROKE: ZeroDivisionError: division by zero\n" in said
    lemma = '"Lemma 1: n = 7, theta = 1: x",new'
    assert table()[1:] == [
        f"1,2,{lemma},2,<=,2,holds",
        f"1,3,{lemma},3,<=,2,fails",
        f"1,4,{lemma},4,<=,2,fails",
        "1,5,the run broke: ZeroDivisionError: division by zero,,,,,broke",
        "1,6,the run broke: VerdictError: holds although n is 8: Lemma 1,,,,,broke",
        "1,7,the run broke: DeadKernelError: Kernel died,,,,,broke",
    ]
    assert "holds in 1 of 3  2 to 4  <=  2  Lemma 1: n = 7, theta = 1: x\n" in said
    assert "in 1 of 6                       the run broke: DeadKernelError: Kernel died\n" in said


def test_a_run_whose_verdict_failed_is_kept_and_one_that_broke_otherwise_is_tried_again(ran):
    sweep.main(["1", "good", "theta=1", "seed=2:7"])
    before = table()
    assert len(ran) == 6 and sweep.main(["1", "good", "theta=1", "seed=2:7"]) == 1
    assert ran[6:] == [("theta=1", "seed=5"), ("theta=1", "seed=7")] and table() == before


def test_values_outside_of_their_sensible_range_are_said_once_and_tried(ran, capsys):
    sweep.main(["1", "good", "theta=0.1,1", "seed=9:10"])
    assert capsys.readouterr().err.splitlines() == [
        "good: theta=0.1 is outside its sensible range 0.5 to 2",
        "good: seed=10 is outside its sensible range 0 to 9",
    ]
    assert len(ran) == 4


# --- what is made of the verdicts -------------------------------------------------------------------


def rows_of(*claims, **values):
    return [{name: str(value) for name, value in values.items()} | claim.row for claim in claims]


def small(statement, measured, bound=1.0, relation="<="):
    return fa.Claim(statement, "new", measured, relation, bound)


def test_a_statement_that_names_the_parameter_is_one_statement():
    runs = [
        rows_of(
            *(small(f"Lemma 1: n = {n}, theta = {theta:g}: x", n) for n in (5, 9)), small("y", 0), theta=theta
        )
        for theta in (0.5, 1e-3)
    ]
    groups = gathered.by_statement(runs)
    assert [statement for statement, _ in groups] == [
        "Lemma 1: n = 5, theta = …: x",
        "Lemma 1: n = 9, theta = …: x",
        "y",
    ]
    assert [[row["theta"] for row in rows] for _, rows in groups] == [["0.5", "0.001"]] * 3


def test_a_statement_that_some_runs_did_not_reach_is_counted_where_it_was():
    runs = [rows_of(small("x", 1), small("y", 3), t=1), rows_of(small("x", 2), t=2)]
    said = gathered.summary(gathered.by_statement(runs), 2).splitlines()
    assert said == ["holds in 1 of 2  1 to 2  <=  1  x", "holds in 0 of 1  3       <=  1  y"]


def test_the_axis_is_the_first_parameter_with_several_values():
    rows = [{"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "c": "2"}]
    assert gathered.axis_of(["a", "b", "c"], rows) == "b"
    assert gathered.axis_of(["c", "b"], rows) == "c"
    assert gathered.axis_of(["a"], rows) == "a"


def test_numbers_stand_at_their_place_and_anything_else_in_turn():
    assert gathered.places(["0.5", "1", "0.5"]) == {"0.5": 0.5, "1": 1.0}
    assert gathered.places(["[1, 2]", "[1]", "[1]"]) == {"[1, 2]": 0.0, "[1]": 1.0}


@pytest.mark.parametrize(
    ("points", "scale"),
    [
        ([1, 2, 3, 4], "linear"),
        ([0.1, 0.5, 1], "linear"),
        ([10, 100, 1000], "log"),
        ([0, 10, 1000], "linear"),
        ([3], "linear"),
    ],
)
def test_a_scale_spaces_the_values_as_evenly_as_it_can(points, scale):
    assert gathered.most_even_scale(np.array(points, float)) == scale


def test_runs_at_one_place_are_drawn_side_by_side_and_the_others_where_they_are():
    moved = gathered.side_by_side(np.array([1.0, 1.0, 1.0, 2.0, 5.0, 5.0]))
    assert len(set(moved)) == 6 and moved[3] == 2.0
    assert np.allclose([moved[:3].mean(), moved[4:].mean()], [1, 5])
    assert np.all(np.abs(moved - [1, 1, 1, 2, 5, 5]) < 0.5)


@pytest.fixture
def ax():
    figure, drawn = plt.subplots()
    yield drawn
    plt.close(figure)


def points_of(ax, label):
    return next(line.get_xydata() for line in ax.lines if line.get_label() == label)


def test_a_panel_shows_every_run_the_medians_the_bound_and_what_it_excludes(ax):
    measured = {0.5: [1, 2, 6], 1.0: [3, 4, 5]}
    rows = [
        row
        for theta, values in measured.items()
        for seed, value in enumerate(values)
        for row in rows_of(small("x", value, 5), theta=theta, seed=seed)
    ]
    gathered.draw_statement(ax, rows, "theta")
    assert sorted(points_of(ax, "holds")[:, 1]) == [1, 2, 3, 4, 5]
    assert points_of(ax, "fails")[:, 1].tolist() == [6]
    assert points_of(ax, "median").tolist() == [[0.5, 2], [1, 4]]
    bound = points_of(ax, "bound")
    assert set(bound[:, 1]) == {5} and tuple(bound[[0, -1], 0]) == ax.get_xlim()
    excluded = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (excluded.min(), excluded.max()) == (5, ax.get_ylim()[1]) and ax.get_ylim()[1] > 6
    assert ax.get_xlabel() == "theta" and [tick.get_text() for tick in ax.get_xticklabels()] == ["0.5", "1.0"]


def test_what_must_be_large_is_excluded_below_its_tightest_bound(ax):
    bounds = {1: [2, 3], 2: [4, 4]}
    rows = [row for n, of_n in bounds.items() for b in of_n for row in rows_of(small("x", 9, b, ">="), n=n)]
    gathered.draw_statement(ax, rows, "n")
    assert points_of(ax, "bound")[1:-1].tolist() == [[1, 3], [2, 4]]
    assert ax.collections[0].get_paths()[0].vertices[:, 1].min() == ax.get_ylim()[0] < 3


def test_numbers_far_apart_have_a_logarithmic_axis_and_what_is_no_number_is_left_out(ax):
    rows = [row for value in (1e-9, np.nan, np.inf) for row in rows_of(small("x", value), seed=1)]
    gathered.draw_statement(ax, rows, "seed")
    assert ax.get_yscale() == "log" and points_of(ax, "holds").shape == (1, 2)
    assert points_of(ax, "fails").size == 0


def test_a_picture_has_a_panel_for_each_statement_and_says_how_many_runs_broke(tmp_path, monkeypatch, capsys):
    runs = [rows_of(small("x", 1), small("y", 1), small("z", 1), t=t) for t in (1, 2)]
    runs.append([{"t": "3"} | gathered.broken("KeyError: 7")])
    drawn = []
    monkeypatch.setattr(gathered.plt, "close", drawn.append)
    assert gathered.write(tmp_path, "good", runs) == 1
    monkeypatch.undo()
    (figure,) = drawn
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["x", "y", "z"]
    assert figure.get_suptitle() == "good: 3 runs, 1 broke"
    plt.close(figure)
    assert (tmp_path / "verdicts.png").read_bytes().startswith(b"\x89PNG")
    assert "6 of 7 verdicts hold" in capsys.readouterr().out


def test_a_sweep_in_which_all_runs_broke_has_a_table_and_a_picture(tmp_path):
    assert gathered.write(tmp_path, "good", [[{"t": "3"} | gathered.broken("KeyError: 7")]]) == 1
    assert (tmp_path / "verdicts.csv").exists() and (tmp_path / "verdicts.png").exists()


# --- parameters and their ranges --------------------------------------------------------------------


def test_a_notebooks_parameters_are_listed_with_meaning_unit_and_range(copy):
    write_notebook(copy, "good", CLAIM, parameters=f"{LINES}\nsizes = [[3, 4]]  # n\nname = 'x'")
    known = parameters.listed(copy / "notebooks" / "good.ipynb")
    assert list(known.values()) == [
        parameters.Parameter("seed", 1, "of every draw", "", 0, 9),
        parameters.Parameter("theta", 1.0, "weight of the tail", "1/time", 0.5, 2),
        parameters.Parameter("sizes", [[3, 4]], "n", "", None, None),
        parameters.Parameter("name", "x", "", "", None, None),
    ]
    assert parameters.as_table(list(known.values())[:2]).splitlines() == [
        "parameter  default  sensible range  unit    meaning",
        "seed       1        0 to 9                  of every draw",
        "theta      1.0      0.5 to 2        1/time  weight of the tail",
    ]


@pytest.mark.parametrize(
    ("value", "holds"),
    [(1, True), (3, True), (3.1, False), (0, False), ([1, [2, 3]], True), ([1, [2, 4]], False), ([], True)],
)
def test_all_entries_of_a_value_must_be_within_its_range(value, holds):
    assert parameters.Parameter("x", 1, "", "", 1, 3).holds(value) is holds
    assert parameters.Parameter("x", 1, "", "", None, None).holds(value)


def test_a_value_with_blanks_in_it_is_one_word():
    assert parameters.parse(["sizes=[1,", "2]", "seed=7"]) == {"sizes": [1, 2], "seed": 7}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("seed = 1", "parameter seed lacks a meaning or a range"),
        ("seed = 1  # of every draw", "parameter seed lacks a meaning or a range"),
        ("seed = 1  # [0 to 9]", "parameter seed lacks a meaning or a range"),
        ("seed = 1  # of every draw [0 to many]", "parameter seed lacks a meaning or a range"),
        ("seed = 1  # of every draw [2 to 9]", "parameter seed is 1, outside its range 2 to 9"),
        ("seed = [1, 9]  # of every draw [0 to 8]", "parameter seed is [1, 9], outside its range 0 to 8"),
    ],
)
def test_a_parameter_without_a_sensible_range_is_named(copy, lines, message):
    write_notebook(copy, "good", CLAIM, parameters=LINES)
    assert not any("parameter " in line for line in complaints(copy / "notebooks" / "good.ipynb"))
    write_notebook(copy, "good", CLAIM, parameters=lines)
    assert any(message in line for line in complaints(copy / "notebooks" / "good.ipynb"))


@pytest.mark.parametrize(
    ("default", "least", "most", "words"),
    [
        (3, 1, 9, ["x=1", "x=9"]),
        (3, 3, 1e3, ["x=1000"]),
        (0.5, 0, 1, ["x=0.0", "x=1.0"]),
        ([3, 5, 7], 1, 9, ["x=[1, 5, 7]", "x=[3, 5, 9]"]),
        ([[3, 5], [7, 3]], 1, 7, ["x=[[1, 5], [7, 1]]"]),
    ],
)
def test_the_ends_of_a_range_are_values_of_the_defaults_kind_other_than_it(default, least, most, words):
    assert ranges.ends(parameters.Parameter("x", default, "", "", least, most)) == words


def test_a_parameter_without_a_range_has_no_ends():
    with pytest.raises(ParameterError, match="x has no range"):
        ranges.ends(parameters.Parameter("x", 1, "", "", None, None))


def test_what_fails_at_an_end_of_a_range_is_named(ran, monkeypatch, capsys):
    monkeypatch.setattr(
        sweep,
        "executed",
        lambda files, settings, words: outcome(**({"theta": 1, "seed": 1} | parameters.parse(words))),
    )
    assert ranges.main(["1", "good"]) == 1
    said = capsys.readouterr().out
    assert "    seed=9 Lemma 1: n = 7, theta = 1: x 9 <= 2\ngood: all verdicts hold in 3 of 4 runs\n" in said


# --- as a user meets it -----------------------------------------------------------------------------


def test_make_sweeps_a_notebook_and_leaves_no_other_trace(copy):
    write_notebook(copy, "theorem-3", CLAIM, "1 / (seed - 3)", parameters=LINES)
    before = files_below(copy)
    ran = make(copy, "sweep", "NOTEBOOK=theorem-3", "P=theta=0.5,1 seed=2:3")
    assert (
        ran.returncode != 0 and "holds in 3 of 4  1 to 3  <=  2  Lemma 1: n = 7, theta = …: x" in ran.stdout
    )
    assert "theta=0.5 seed=3  BROKE: ZeroDivisionError: division by zero\n" in ran.stdout
    assert "theta=1 seed=3  BROKE: VerdictError: does not hold: Lemma 1: n = 7, theta = 1: x\n" in ran.stdout
    assert "4 of 6 verdicts hold" not in ran.stdout and "3 of 5 verdicts hold" in ran.stdout
    after = files_below(copy)
    assert {name: after[name] for name in before} == before
    made = set(after) - set(before)
    assert all(name.startswith("build/sweeps/theorem-3/") for name in made) and len(made) == 4 + 3 + 2
    with open(copy / "build/sweeps/theorem-3/verdicts.csv", encoding="utf-8") as written:
        rows = list(csv.DictReader(written))
    assert [(row["theta"], row["seed"], row["measured"], row["verdict"]) for row in rows] == [
        ("0.5", "2", "1", "holds"),
        ("0.5", "3", "1.5", "holds"),
        ("0.5", "3", "", "broke"),
        ("1", "2", "2", "holds"),
        ("1", "3", "3", "fails"),
    ]


@pytest.mark.slow
def test_a_sweep_that_is_killed_goes_on_from_there(copy):
    arguments = ["sweep", "NOTEBOOK=good", "P=seed=1:3", "JOBS=1"]
    killed = subprocess.Popen(
        ["make", f"BIN={BIN}", *arguments],
        cwd=copy,
        env=clean_environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    while not (kept := list((copy / "build" / "sweeps" / "good").glob("*.ipynb"))):
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    ran = make(copy, *arguments)
    assert ran.returncode == 0 and f"3 runs of good, {len(kept)} of them there already" in ran.stdout
    assert len((copy / "build/sweeps/good/verdicts.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "P=seed=1:2"], "sweep needs one notebook and its parameters: make sweep NOTEBOOK="),
        (["sweep", "NOTEBOOK=good"], "sweep needs one notebook and its parameters"),
        (["sweep", "NOTEBOOK=good good", "P=seed=1"], "sweep needs one notebook and its parameters"),
        (["sweep", "NOTEBOOK=bad", "P=seed=1"], "no notebook is called bad; choose from: good"),
        (["sweep", "NOTEBOOK=good", "P=sede=1"], "has no parameter 'sede'; it has seed"),
        (["sweep", "NOTEBOOK=good", "P=seed=2:1"], "'seed=2:1' names no value"),
    ],
)
def test_make_refuses_a_sweep_of_nothing_in_a_sentence(copy, arguments, message):
    ran = make(copy, *arguments)
    assert ran.returncode != 0 and message in ran.stderr and "Traceback" not in ran.stderr
    assert not (copy / "build" / "sweeps").exists()


def test_make_lists_parameters_and_says_which_values_are_unusual(copy):
    write_notebook(copy, "good", CLAIM, parameters=LINES)
    listed = make(copy, "parameters", "NOTEBOOK=good").stdout
    assert listed.startswith(
        "notebooks/good.ipynb\nparameter  default  sensible range  unit    meaning\nseed"
    )
    assert make(copy, "parameters").stdout == listed
    ran = make(copy, "reproduce", "P=theta=0.25 seed=2")
    assert ran.returncode == 0 and ran.stderr == "good: theta=0.25 is outside its sensible range 0.5 to 2\n"


@pytest.mark.slow
def test_runs_on_a_cluster_need_nothing_of_this_repository_there(copy, scheduler, workers):
    """The workers know of another fa_utils only, and not what this process is told."""
    sent = "float(Path(fa.__file__).resolve().parents[1] == Path.cwd().parent)"
    here = 'fa.verdict(fa.Claim("x", "new", 0.0 + ("ONLY_HERE" in os.environ), "<=", seed - 2.0))'
    cells = (
        "import os\nfrom pathlib import Path",
        f'fa.verdict(fa.Claim("y", "new", {sent}, "==", 1))',
        here,
    )
    write_notebook(copy, "good", *cells, parameters=LINES)
    command = [BIN / "python", "tools/sweep.py", "1", "good", "seed=1:2"]
    environment = clean_environment() | {"FA_DASK": scheduler, "ONLY_HERE": "1"}
    ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    assert "holds in 2 of 2  1  ==  1        y\nholds in 1 of 2  0  <=  -1 to 0  x\n" in ran.stdout
    again = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert "2 runs of good, 2 of them there already" in again.stdout


def test_a_worker_that_is_lost_with_a_run_breaks_no_other(copy, monkeypatch):
    monkeypatch.chdir(copy)
    monkeypatch.setenv("FA_DASK", "tcp://here")
    lost = ConnectionError("tcp://here: the Dask scheduler is gone")
    monkeypatch.setattr(sweep, "map_on_cluster", lambda run, pieces, address: iter([outcome(1, 1), lost]))
    write_notebook(copy, "good", CLAIM, parameters=LINES)
    assert sweep.main(["1", "good", "theta=1", "seed=1:2"]) == 1
    assert table()[2] == f"1,2,the run broke: {lost!r},,,,,broke"
