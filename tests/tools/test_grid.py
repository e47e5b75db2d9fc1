"""Grids of runs: which they are, what becomes of their verdicts, and the picture; no run is really made."""

import math
import os
import re
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import grid
import pandas as pd
import pytest
from grid import ParameterError, combinations, values
from made_up import claim
from matplotlib import pyplot as plt
from small_copy import write_notebook
from summary import Run

LINES = """\
seed = 1  # of every draw [0 to 9]
theta = 1.0  # weight of the tail [1/time, 0.5 to 2]
sizes = [3, 7, 5]  # of both layers [1 to 9]
deep = [[3, 5], [7, 3]]  # x [3 to 7]
free = 1.0"""


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    """A folder with one notebook, which is the working one; nobody names a cluster."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FA_DASK", raising=False)
    monkeypatch.delenv("FA_SHOW", raising=False)
    (tmp_path / "notebooks").mkdir()
    write_notebook(tmp_path, "good", parameters=LINES)
    return tmp_path


# --- which runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.1,0.5,1", ["0.1", "0.5", "1"]),
        (".5", [".5"]),
        ("1:3", ["1", "2", "3"]),
        ("-1:1", ["-1", "0", "1"]),
        ("-1:-1", ["-1"]),
        ("3:1", []),
        ("()", []),
        ("[1, 2]", ["[1, 2]"]),
        ("[1],[2,3]", ["[1]", "[2, 3]"]),
    ],
)
def test_a_text_names_a_list_of_values_or_a_range_with_both_ends(text, found):
    assert values(text) == found


def test_an_endless_range_is_no_endless_list():
    assert len(values("0:99999999999999999999")) == grid.MOST_RUNS + 1


def test_every_combination_comes_once_and_the_first_parameter_changes_slowest():
    found = combinations("good", {"theta": "0.5,1", "seed": "1:3"})
    assert found == [("good", {"theta": theta, "seed": seed}) for theta in (0.5, 1.0) for seed in (1, 2, 3)]
    assert all(type(job[1]["theta"]) is float for job in found)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"seed": "3:1"}, "0 combinations; choose 1 to 10000"),
        ({"seed": "()"}, "0 combinations"),
        ({"seed": "0:10000"}, "10001 combinations"),
        ({"seed": "0:99", "theta": "0:100"}, "10100 combinations"),
        ({"seed": "one"}, "write values as theta=0.1,0.5,1 or seed=1:20"),
        ({"seed": "1:2:3"}, "write values as theta=0.1,0.5,1 or seed=1:20"),
        ({"seed": "1,None"}, "seed=None: seed is a whole number, such as 1"),
        ({"seed": "1,2.5"}, "seed=2.5: seed is a whole number"),
        ({"sede": "1"}, "has no parameter 'sede'; did you mean seed?"),
    ],
)
def test_what_names_no_runs_is_refused(texts, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        combinations("good", texts)


def test_both_ends_of_every_range_are_tried_with_all_else_as_it_is():
    found = [job[1] for job in grid.ends("good")]
    assert found == [
        {"seed": 0},
        {"seed": 9},
        {"theta": 0.5},
        {"theta": 2.0},
        {"sizes": [1, 7, 5]},
        {"sizes": [3, 9, 5]},
    ]


@pytest.mark.parametrize(
    ("value", "old", "new", "found"),
    [(3, 3, 1e3, 1000), (0.5, 0.5, 1, 1.0), ([3, [3, 5]], 3, 1, [1, [1, 5]]), (4, 3, 1, 4)],
)
def test_numbers_are_exchanged_wherever_they_are(value, old, new, found):
    assert repr(grid.exchanged(value, old, new)) == repr(found)


def test_a_run_has_a_place_of_its_own():
    jobs = [{"seed": 1}, {"seed": 12}, {"seed": -1}, {"theta": 1.0}, {"sizes": [1, 2]}, {"sizes": [12]}]
    places = {grid.place(("good", job)) for job in jobs}
    assert len(places) == len(jobs) and {place.parent for place in places} == {Path("build/runs")}
    assert grid.words(("good", {"sizes": [1, 2], "seed": 7})) == "sizes=[1,2] seed=7"
    assert grid.place(("good", {"sizes": [1, 2], "seed": 7})).name == "sizes__1_2__seed_7"


# --- runs --------------------------------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch):
    """The commands that were run, none of them really; each leaves verdicts, or breaks for a seed of 5."""
    commands = []

    def pretended(command, **how):
        commands.append(command)
        assert how["cwd"] == os.getcwd()
        assert not {name for name in how["env"] if name.startswith(("FA_", "MAKE"))}

    def run_of(name, folder):
        seed = int(re.search(r"seed_(\d+)", folder.name)[1])
        theta = re.search(r"theta_([\d.]+)", folder.name)
        statement = f"Lemma 1: theta = {float(theta[1]):g}: x" if theta else "Lemma 1: x"
        rows = [] if seed == 5 else [claim(seed / 4, statement).row, claim(0.5, "Lemma 2: y").row]
        return Run(name, folder / "good.ipynb", rows, [], seed == 5, 0)

    monkeypatch.setattr(grid.subprocess, "run", pretended)
    monkeypatch.setattr(grid, "run_of", run_of)
    return commands


def sweep(monkeypatch, words, *rest, cores=2):
    monkeypatch.setenv("FA_PARAMETERS", words)
    return grid.main("sweep", cores, [*rest])


def test_runs_are_makes_own(made, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "-j4")
    assert sweep(monkeypatch, "seed=1:3 theta=0.5", "good") == 0
    assert sorted(command[3] for command in made) == [f"P=seed={seed} theta=0.5" for seed in (1, 2, 3)]
    assert {(*command[:3], command[4]) for command in made} == {
        ("make", "executed", "ONLY=good", f"BIN={Path(grid.sys.executable).parent}")
    }


def test_all_verdicts_are_in_the_table_with_the_parameters_of_their_run(made, monkeypatch, capsys):
    assert sweep(monkeypatch, "theta=0.5,2 seed=4:5", "good") == 1
    table = pd.read_csv("build/sweeps/good/verdicts.csv")
    shown = table[["theta", "seed", "statement", "measured", "verdict"]].astype(object).fillna("none")
    assert [*shown.itertuples(index=False, name=None)] == [
        (0.5, 4, "Lemma 1: theta = 0.5: x", 1.0, "holds"),
        (0.5, 4, "Lemma 2: y", 0.5, "holds"),
        (0.5, 5, "broke, see build/runs/theta_0.5_seed_5/good.ipynb", "none", "fails"),
        (2.0, 4, "Lemma 1: theta = 2: x", 1.0, "holds"),
        (2.0, 4, "Lemma 2: y", 0.5, "holds"),
        (2.0, 5, "broke, see build/runs/theta_2.0_seed_5/good.ipynb", "none", "fails"),
    ]
    said = capsys.readouterr().out.splitlines()
    assert "good theta=0.5 seed=5: 0 of 1 hold" in said and "good theta=2.0 seed=4: 2 of 2 hold" in said
    assert "good: holds in 2 of 2, 1 to 1, 0 may fail: Lemma …: theta = …: x" in said
    assert said[-1] == (
        "6 verdicts of 4 runs, 2 fail; 1 statements fail too often; table in build/sweeps/good"
    )


def test_a_statement_is_one_whatever_numbers_it_names_and_two_of_a_run_are_two(monkeypatch):
    rows = [claim(1, "n = 5, 1e-3: x").row, claim(2, "n = 9, 0.5: x").row]
    monkeypatch.setattr(grid, "made", lambda jobs, cores: iter([None] * len(jobs)))
    monkeypatch.setattr(grid, "rows_of", lambda job, lost: [{"notebook": "good"} | row for row in rows])
    found = grid.gathered([("good", {"seed": 1}), ("good", {"seed": 2})], 1)
    assert found["claim"].tolist() == ["n = …, …: x", "n = …, …: x (2)"] * 2


@pytest.mark.parametrize(
    ("runs", "chance", "failing", "code"),
    [
        (50, 0.0, 0, 0),
        (50, 0.0, 1, 1),
        (50, 1e-6, 1, 1),
        (50, 1e-4, 1, 0),
        (50, 1e-4, 2, 1),
        (1000, 1e-2, 21, 0),
        (1000, 1e-2, 22, 1),
    ],
)
def test_a_statement_may_fail_as_often_as_its_chance_makes_plausible(
    tmp_path, capsys, runs, chance, failing, code
):
    verdict = ["fails"] * failing + ["holds"] * (runs - failing)
    rows = {"notebook": "good", "claim": "x", "run": range(runs), "chance": chance, "measured": 1.0}
    table = pd.DataFrame(rows | {"verdict": verdict})
    assert grid.report(table, tmp_path, failing_only=True) == code
    assert f"{failing} fail; {code or 'no'} statements fail too often" in capsys.readouterr().out


def test_fresh_seeds_are_others_each_time_and_the_same_for_all_notebooks(made, checkout, monkeypatch):
    write_notebook(checkout, "other", parameters=LINES)
    drawn = iter([6, 8])
    monkeypatch.setattr(grid.secrets, "randbelow", lambda most: next(drawn))
    assert grid.main("seeds", 1, ["2", "good", "other"]) == 1  # a seed above 4 fails here
    assert [command[2:4] for command in made] == [
        [f"ONLY={name}", f"P=seed={seed}"] for seed in (6, 8) for name in ("good", "other")
    ]
    assert Path("build", "sweeps", "seeds", "verdicts.csv").exists()


def test_ranges_run_every_end(made, monkeypatch):
    monkeypatch.setattr(grid, "ends", lambda name: iter([(name, {"seed": 0}), (name, {"seed": 4})]))
    assert grid.main("ranges", 1, ["good"]) == 0
    assert [command[3] for command in made] == ["P=seed=0", "P=seed=4"]


@pytest.mark.parametrize(("words", "rest"), [("", ["good"]), ("seed=1", []), ("seed=1", ["good", "good"])])
def test_a_sweep_of_nothing_is_refused_in_a_sentence(monkeypatch, words, rest):
    with pytest.raises(ParameterError, match=r'^give one notebook and values: make sweep ONLY=theorem-3 P="'):
        sweep(monkeypatch, words, *rest)
    assert not Path("build").exists()


@pytest.fixture
def asked(monkeypatch):
    """The addresses of clusters that were asked for; they lose a run, if any, with seed 2."""
    addresses = []

    class Client:
        def map(self, function, tasks, pure):
            assert not pure
            return [self.run(function, task) for task in tasks]

        def run(self, function, task):
            lost = ConnectionError("lost") if "P=seed=2" in task[0] else None
            if lost is None:
                function(task)
            return SimpleNamespace(exception=lambda: lost)

    @contextmanager
    def dask_client(address):
        addresses.append(address)
        yield Client()

    monkeypatch.setattr(grid, "dask_client", dask_client)
    return addresses


def test_a_cluster_is_asked_only_where_one_is_named(made, asked, monkeypatch):
    sweep(monkeypatch, "seed=0:1", "good")
    assert asked == []
    monkeypatch.setenv("FA_DASK", "tcp://there")
    assert sweep(monkeypatch, "seed=0:1", "good") == 0 and asked == ["tcp://there"]


def test_a_run_that_is_lost_with_its_cluster_is_broken_whatever_an_older_one_left(
    made, asked, monkeypatch, capsys
):
    monkeypatch.setenv("FA_DASK", "tcp://there")
    assert sweep(monkeypatch, "seed=1:3", "good") == 1
    assert "good seed=2: 0 of 1 hold" in capsys.readouterr().out
    statements = pd.read_csv("build/sweeps/good/verdicts.csv")["statement"].tolist()
    assert [words for words in statements if "broke" in words] == ["broke: ConnectionError('lost')"]


# --- pictures ----------------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were drawn; what would be closed stays open until the end."""
    yield lambda: plt.figure(plt.get_fignums()[-1])
    plt.close("all")


def table_of(rows):
    """Return verdict rows as `gathered` makes them, from (theta, seed, measured)."""
    table = pd.DataFrame(rows, columns=["theta", "seed", "measured"])
    return table.assign(
        notebook="good", claim="x", bound=5.0, verdict="holds", chance=0.0, run=range(len(table))
    )


def test_seeds_are_points_with_a_spread_at_their_parameters_value(drawn, tmp_path):
    rows = [(theta, seed, theta + seed) for theta in (0.5, 1.0) for seed in (1, 2, 6)]
    grid.draw(table_of(rows), ["theta", "seed"], tmp_path)
    assert (tmp_path / "verdicts.png").read_bytes().startswith(b"\x89PNG")
    (ax,) = drawn().axes
    curves = [line.get_xydata().tolist() for line in ax.lines if line.get_marker() == "o"]
    assert [[0.5, 2.5], [1.0, 3.0]] in curves
    spread = ax.collections[0].get_paths()[0].vertices
    assert (spread[:, 1].min(), spread[:, 1].max()) == (1.5, 7.0) and {*spread[:, 0]} == {0.5, 1.0}
    assert any({*line.get_ydata()} == {5.0} and line.get_linestyle() == "--" for line in ax.lines)
    assert (ax.get_xlabel(), ax.get_title()) == ("theta", "x")
    assert [text.get_text() for text in drawn().legends[0].get_texts()] == ["bound"]


def test_a_second_parameter_has_colours_and_a_legend(drawn, tmp_path):
    table = table_of([(theta, seed, theta) for theta in (0.5, 1.0) for seed in (1, 2)])
    grid.draw(table.rename(columns={"seed": "size"}), ["theta", "size"], tmp_path)
    legend = drawn().legends[0]
    assert legend.get_title().get_text() == "size"
    assert {"1", "2", "bound"} <= {text.get_text() for text in legend.get_texts()}


def test_every_statement_has_a_panel_and_what_broke_has_none(drawn, tmp_path):
    table = pd.concat([table_of([(0.5, 1, 1.0)]).assign(claim=name) for name in "abc"])
    table = pd.concat([table, table_of([(0.5, 1, math.nan)]).assign(claim="broke")], ignore_index=True)
    grid.draw(table, ["theta", "seed"], tmp_path)
    assert [ax.get_title() for ax in drawn().axes] == ["a", "b", "c"]


def test_a_sweep_in_which_all_broke_has_a_table_and_no_picture(made, monkeypatch, capsys):
    assert sweep(monkeypatch, "seed=5", "good") == 1
    folder = Path("build", "sweeps", "good")
    assert [path.name for path in folder.iterdir()] == ["verdicts.csv"]


def test_the_curves_of_a_figure_are_shown_for_all_runs(drawn, tmp_path, monkeypatch, made):
    jobs = [("good", {"theta": theta, "seed": 1}) for theta in (0.5, 2.0)]
    for place in map(grid.place, jobs):
        (place / "figures").mkdir(parents=True)
        rows = "".join(f"0,line,{series},linear log,{x},{x}\n" for series in ("FA", "GD") for x in (1, 2))
        (place / "figures" / "one.csv").write_text(f"panel,kind,series,scales,x,y\n{rows}")
    grid.draw_figure("one", jobs, tmp_path)
    (ax,) = drawn().axes
    assert len([line for line in ax.lines if len(line.get_xdata()) == 2]) == 4
    assert {"theta", "series", "FA", "GD"} <= {text.get_text() for text in drawn().legends[0].get_texts()}
    with pytest.raises(
        ParameterError, match="no run saved a figure other; choose one that the notebook saves"
    ):
        grid.draw_figure("other", jobs, tmp_path)
    monkeypatch.setenv("FA_SHOW", "one")
    assert sweep(monkeypatch, "theta=0.5,2 seed=1", "good") == 0
    assert sorted(path.name for path in Path("build/sweeps/good").iterdir()) == [
        "one.png",
        "verdicts.csv",
        "verdicts.png",
    ]
