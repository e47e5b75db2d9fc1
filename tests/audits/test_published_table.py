"""The table of published simulations: which runs are made, in which order, and what is kept of them."""

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import published_table
import pytest
from published_table import Unit

import fa_utils as fa
from fa_utils.companions import song2021_settings

ROOT = Path(__file__).parents[2]
FEW = 7  # runs, beyond the first round


def instant(simulation, width, networks, *, precision, rng):
    """Return runs that were never made, in place of `song2021_settings.simulate_published`."""
    assert (
        simulation in song2021_settings.SIMULATIONS.values()
        and width in song2021_settings.WIDTHS
        and precision is np.float32
    )
    return [
        [SimpleNamespace(cosines=rng.random(2), steps=[1000, 5000], losses=rng.random(2)) for _ in decays]
        for _, _, decays in [simulation] * networks
    ]


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Two widths, instant runs on one core, and an empty folder; its `made` counts units."""
    seen = SimpleNamespace(made=[], folder=tmp_path)

    def counted(simulation, width, networks, **rest):
        seen.made.append((simulation.activation.name, width, networks))
        return instant(simulation, width, networks, **rest)

    monkeypatch.setattr(song2021_settings, "simulate_published", counted)
    monkeypatch.setattr(song2021_settings, "WIDTHS", (200, 400))
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.delenv("FA_DASK", raising=False)
    in_folder(monkeypatch, tmp_path / "one")
    return seen


def in_folder(monkeypatch, folder):
    folder.mkdir()
    monkeypatch.setattr(published_table, "RUNS", folder / "build" / "runs.csv")
    monkeypatch.setattr(published_table, "TABLE", folder / "alignment.csv")


def kept():
    return published_table.RUNS.read_text(), published_table.TABLE.read_text()


# --- which runs, and in which order ---------------------------------------------------------------------


@pytest.mark.parametrize("runs", [1, 3, 5, 7, 20, 22, 50])
def test_every_cell_has_each_of_its_runs_once(runs):
    lists = list(published_table.units(runs))
    for name in song2021_settings.SIMULATIONS:
        together = published_table.networks_of(name)
        for width in song2021_settings.WIDTHS:
            firsts = [unit.first for alike in lists for unit in alike if unit[:2] == (name, width)]
            numbers = [first + offset for first in firsts for offset in range(together)]
            assert numbers == list(range(-(-runs // together) * together))
    assert {unit[:2] for alike in lists for unit in alike} == {
        (name, width) for name in song2021_settings.SIMULATIONS for width in song2021_settings.WIDTHS
    }


def test_linear_cells_come_first_then_every_cell_has_a_round_before_any_has_the_next():
    units = [unit for alike in published_table.units(50) for unit in alike]
    linear = [unit.name == "linear" for unit in units]
    assert linear == sorted(linear, reverse=True)
    rounds = [sum(unit.first >= end for end in (5, 20)) for unit in units if unit.name != "linear"]
    assert rounds == sorted(rounds) and set(rounds) == {0, 1, 2}


def test_units_of_a_list_are_alike_and_small_widths_come_first():
    lists = list(published_table.units(5))
    linear = [("linear", width) for width in song2021_settings.WIDTHS]
    costly = [(name, width) for width in song2021_settings.WIDTHS for name in ("relu", "tanh")]
    assert [alike[0][:2] for alike in lists if alike] == linear + costly
    assert all(len({unit[:2] for unit in alike}) == 1 for alike in lists if alike)


# --- one unit -------------------------------------------------------------------------------------------


def test_a_units_numbers_depend_on_nothing_but_the_unit(published, rng):
    units = [Unit(*what) for what in (("linear", 200, 0), ("linear", 200, 5), ("linear", 400, 0))]
    units += [Unit("relu", 200, 0), Unit("tanh", 200, 0)]
    numbers = [published_table.made(unit, rng) for unit in units]
    assert [part.shape for part in numbers] == [(5, 4, 3)] * 3 + [(1, 4, 3)] * 2
    assert len({part[0, 0, 0] for part in numbers}) == 5
    for unit, part in zip(units, numbers, strict=True):
        assert np.array_equal(published_table.made(unit, np.random.default_rng(8)), part)
    assert published.made[:5] == [("linear", 200, 5)] * 2 + [
        ("linear", 400, 5),
        ("ReLU", 200, 1),
        ("tanh", 200, 1),
    ]


def test_of_a_run_its_end_is_kept(monkeypatch):
    ends = [
        [
            SimpleNamespace(
                cosines=[0.9, 0.25 + 0.1 * decay], steps=[1000, 5000 + decay], losses=[9.0, 1e-4 / 3]
            )
            for decay in range(4)
        ]
    ]
    monkeypatch.setattr(song2021_settings, "simulate_published", lambda *arguments, **options: ends)
    unit = Unit("relu", 400, 6)
    rows = list(published_table.rows_of(unit, published_table.made(unit, None)))
    assert [list(row.values()) for row in rows] == [
        ["relu", "0.0", "400", "6", "0.25000000", "5000", "3.33e-05"],
        ["relu", "0.02", "400", "6", "0.35000000", "5001", "3.33e-05"],
        ["relu", "0.05", "400", "6", "0.45000000", "5002", "3.33e-05"],
        ["relu", "0.2", "400", "6", "0.55000000", "5003", "3.33e-05"],
    ]
    assert all(list(row) == published_table.OF_A_RUN for row in rows)


def test_runs_of_a_unit_are_numbered_from_its_first(published, rng):
    unit = Unit("linear", 400, 15)
    rows = list(published_table.rows_of(unit, published_table.made(unit, rng)))
    assert [row["run"] for row in rows] == [str(run) for run in range(15, 20) for _ in range(4)]
    assert [row["regularisation"] for row in rows] == ["0.0", "0.2", "0.3", "0.5"] * 5


@pytest.mark.slow
def test_a_unit_of_linear_networks_is_what_the_package_simulates():
    rng = np.random.default_rng([2021, 0, 200, 10])
    runs = song2021_settings.simulate_published(song2021_settings.SIMULATIONS["linear"], 200, 5, rng=rng)
    wanted = [[(run.cosines[-1], run.steps[-1], run.losses[-1]) for run in of_one] for of_one in runs]
    assert np.array_equal(published_table.made(Unit("linear", 200, 10), None), wanted)


# --- the table ------------------------------------------------------------------------------------------


def row_of(name, decay, width, alignment):
    return {"network": name, "regularisation": decay, "width": width, "alignment": alignment}


def test_the_table_has_means_deviations_and_counts_in_the_published_order():
    rows = [
        row_of("tanh", "0.001", "200", "0.5"),
        row_of("linear", "0.2", "12800", "-0.25"),
        row_of("linear", "0.2", "200", "0.1"),
        row_of("linear", "0.0", "12800", "0.7"),
        row_of("tanh", "0.001", "200", "0.5"),
        row_of("linear", "0.2", "200", "0.2"),
        row_of("linear", "0.2", "12800", "0.75"),
        row_of("linear", "0.2", "200", "0.6"),
        row_of("relu", "0.02", "400", "0.3"),  # an only run has no deviation
        row_of("linear", "0.0", "12800", "0.7"),
    ]
    found = published_table.table(rows)
    assert [tuple(row) for row in found] == [tuple(published_table.COLUMNS)] * 4
    assert [tuple(row.values()) for row in found] == [
        ("linear", "0.0", "12800", "0.7000", "0.0000", "2"),
        ("linear", "0.2", "200", "0.3000", "0.2646", "3"),
        ("linear", "0.2", "12800", "0.2500", "0.7071", "2"),
        ("tanh", "0.001", "200", "0.5000", "0.0000", "2"),
    ]
    assert published_table.table([]) == []


@pytest.mark.parametrize(("runs", "wanted"), [(2, "0.9000"), (3, "0.5000"), (4, "0.5000")])
def test_a_cell_keeps_what_is_committed_until_there_are_as_many_runs(runs, wanted):
    cell = ("linear", "0.2", "200")
    other = ("linear", "0.2", "400")
    committed = [
        dict(zip(published_table.COLUMNS, (*of, "0.9000", "0.1", "3"), strict=True)) for of in (other, cell)
    ]
    found = published_table.table([row_of(*cell, "0.5")] * runs, committed)
    assert [row["alignment_mean"] for row in found] == [wanted, "0.9000"]


def test_the_order_is_that_of_the_published_table():
    published = published_table.rows_in(ROOT / "notebooks" / "companions" / "song2021_alignment.csv")
    cells = [tuple(row[name] for name in published_table.COLUMNS[:3]) for row in published]
    shuffled = [row_of(*cell, "0.5") for cell in reversed(cells) for _ in range(2)]
    found = [
        tuple(row[name] for name in published_table.COLUMNS[:3]) for row in published_table.table(shuffled)
    ]
    assert found == cells and list(published[0]) == published_table.COLUMNS


def test_the_committed_table_is_one_of_these():
    rows = published_table.rows_in(ROOT / "notebooks" / "companions" / "alignment.csv")
    cells = [tuple(row[name] for name in published_table.COLUMNS[:3]) for row in rows]
    again = published_table.table([row_of(*cell, "0.5") for cell in cells for _ in range(2)])
    assert [tuple(row[name] for name in published_table.COLUMNS[:3]) for row in again] == cells
    assert list(rows[0]) == published_table.COLUMNS and all(int(row["runs"]) > 1 for row in rows)


# --- all of it ------------------------------------------------------------------------------------------


def test_all_runs_are_made_once_and_the_table_is_made_of_them(published):
    published_table.main(FEW)
    rows = published_table.rows_in(published_table.RUNS)
    table = published_table.rows_in(published_table.TABLE)
    assert len(published.made) == 2 * (2 + 7 + 7)
    counts = {"linear": 10, "relu": 7, "tanh": 7}  # linear networks are made five at a time
    assert [int(row["runs"]) for row in table] == [counts[row["network"]] for row in table]
    assert len(table) == 3 * 4 * 2 and len(rows) == 4 * 2 * sum(counts.values())
    assert published_table.table(rows) == table
    published_table.main(FEW)
    assert len(published.made) == 2 * (2 + 7 + 7)


@pytest.mark.parametrize("after", [0, 1, 3, 14, 30])
def test_a_run_that_was_stopped_goes_on_with_the_same_numbers(monkeypatch, published, after):
    published_table.main(FEW)
    whole = kept()
    counted = song2021_settings.simulate_published
    in_folder(monkeypatch, published.folder / "two")
    published.made.clear()

    def stopping(*arguments, **options):
        if len(published.made) == after:
            raise KeyboardInterrupt
        return counted(*arguments, **options)

    monkeypatch.setattr(song2021_settings, "simulate_published", stopping)
    with pytest.raises(KeyboardInterrupt):
        published_table.main(FEW)
    assert published_table.RUNS.exists() == (after > 0)
    if after:
        assert whole[0].startswith(published_table.RUNS.read_text())
        assert published_table.rows_in(published_table.TABLE) == published_table.table(
            published_table.rows_in(published_table.RUNS)
        )
    monkeypatch.setattr(song2021_settings, "simulate_published", counted)
    published_table.main(FEW)
    assert kept() == whole and len(published.made) == 2 * (2 + 7 + 7)


def test_more_runs_may_be_asked_for_later(monkeypatch, published):
    monkeypatch.setattr(song2021_settings, "WIDTHS", (200,))
    published_table.main(22)
    runs, table = kept()
    in_folder(monkeypatch, published.folder / "two")
    for some in (3, FEW, 22, 5):
        published_table.main(some)
    assert sorted(kept()[0].splitlines()) == sorted(runs.splitlines()) and kept()[1] == table


def test_numbers_do_not_depend_on_how_many_are_made_at_a_time(monkeypatch, published):
    published_table.main(FEW)
    whole = kept()
    in_folder(monkeypatch, published.folder / "two")
    monkeypatch.setattr(published_table, "cpu_count", lambda: 3)
    published_table.main(FEW)
    assert kept() == whole


@pytest.mark.parametrize(
    ("cores", "address", "sizes", "left"),
    [
        (1, None, [1, *[1] * 5, *[1] * 5], [1, 1, 1]),
        (2, None, [1, 2, 2, 1, 2, 2, 1], [2, 1]),
        (2, "", [1, 2, 2, 1, 2, 2, 1], [2, 1]),
        (2, "tcp://here", [1, 5, 5], [3]),
    ],
)
def test_a_cluster_gets_whole_lists_and_the_cores_here_one_unit_each(
    monkeypatch, published, cores, address, sizes, left
):
    handed = []

    def ensemble_over(experiment, items, rng):
        handed.append(len(items))
        return np.array([experiment(item, rng) for item in items])

    monkeypatch.setattr(song2021_settings, "WIDTHS", (200,))
    monkeypatch.setattr(fa, "ensemble_over", ensemble_over)
    monkeypatch.setattr(published_table, "cpu_count", lambda: cores)
    if address is not None:
        monkeypatch.setenv("FA_DASK", address)
    published_table.main(5)
    assert handed == sizes
    rows = published_table.rows_in(published_table.RUNS)
    published_table.keep([row for row in rows if row["network"] != "relu" or int(row["run"]) < 2])
    handed.clear()
    published_table.main(5)
    assert handed == left
    assert {tuple(row.items()) for row in published_table.rows_in(published_table.RUNS)} == {
        tuple(row.items()) for row in rows
    }


def test_it_says_how_far_it_is(monkeypatch, published, capsys):
    monkeypatch.setattr(song2021_settings, "WIDTHS", (200,))
    monkeypatch.setattr(published_table, "cpu_count", lambda: 3)
    published_table.main(5)
    assert capsys.readouterr().out == (
        "linear, width 200: 5 runs\n"
        "relu, width 200: 3 runs\nrelu, width 200: 5 runs\n"
        "tanh, width 200: 3 runs\ntanh, width 200: 5 runs\n"
    )


def test_who_stops_it_is_told_that_it_goes_on(monkeypatch, published, capsys):
    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(song2021_settings, "simulate_published", stopped)
    monkeypatch.setattr(sys, "argv", ["published_table.py", "5"])
    monkeypatch.chdir(published.folder)
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(ROOT / "audits" / "published_table.py"), run_name="__main__")
    assert caught.value.code == 130
    assert capsys.readouterr().err == "Stopped; the same command goes on from here\n"
