"""Run the simulations of Song, Xu & Lafferty in full, and keep a table of them: published_table.py RUNS

Every activation, width and regularisation, so many runs each, on the cores here or on the Dask cluster that
FA_DASK names. A run has a random stream of its own: its numbers do not depend on when or where it is made.
All runs are kept in build/companions/runs.csv as they end: the same command goes on where it was stopped. The
table, notebooks/companions/alignment.csv, gets a cell anew as soon as it would not have fewer runs than it
has. Linear networks, which cost little, come first and are made five at a time; then all others get a few
runs each, and then more.
"""

import csv
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import cpu_count

import fa_utils as fa
from fa_utils.companions import song2021_settings
from fa_utils.report.files import write_whole

RUNS = Path("build", "companions", "runs.csv")
TABLE = Path("notebooks", "companions", "alignment.csv")
COLUMNS = ["network", "regularisation", "width", "alignment_mean", "alignment_sd", "runs"]
OF_A_RUN = ["network", "regularisation", "width", "run", "alignment", "steps", "loss"]
LINEAR, *COSTLY = song2021_settings.SIMULATIONS
ROUNDS = (5, 20)  # runs of every costly cell before any has more
SEED = 2021


class Unit(NamedTuple):
    """What is made at once: a few random networks, each trained with every regularisation."""

    name: str
    width: int
    first: int


def networks_of(name: str) -> int:
    """Return how many networks a unit has: linear ones are faster together."""
    return 5 if name == LINEAR else 1


def units(runs: int) -> Iterator[list[Unit]]:
    """Yield all units in the order in which they are to be made; those in a list take equally long."""
    for width in song2021_settings.WIDTHS:
        yield [Unit(LINEAR, width, first) for first in range(0, runs, networks_of(LINEAR))]
    for start, end in zip((0, *ROUNDS), (*ROUNDS, runs), strict=True):
        for width in song2021_settings.WIDTHS:
            for name in COSTLY:
                yield [Unit(name, width, first) for first in range(start, min(end, runs))]


def made(unit: Unit, _: np.random.Generator) -> np.ndarray:
    """Return alignment, steps and loss of all runs of a unit, shape (networks, regularisations, 3)."""
    rng = np.random.default_rng(
        [SEED, list(song2021_settings.SIMULATIONS).index(unit.name), unit.width, unit.first]
    )
    trained = song2021_settings.simulate_published(
        song2021_settings.SIMULATIONS[unit.name],
        unit.width,
        networks_of(unit.name),
        precision=np.float32,
        rng=rng,
    )
    return np.array([[(run.cosines[-1], run.steps[-1], run.losses[-1]) for run in runs] for runs in trained])


def rows_of(unit: Unit, numbers: np.ndarray) -> Iterator[dict]:
    """Yield what is kept of a unit's runs."""
    for run, of_it in enumerate(numbers, start=unit.first):
        for decay, (cosine, steps, loss) in zip(
            song2021_settings.SIMULATIONS[unit.name].decays, of_it, strict=True
        ):
            values = unit.name, decay, unit.width, run, f"{cosine:.8f}", f"{steps:.0f}", f"{loss:.3g}"
            yield dict(zip(OF_A_RUN, map(str, values), strict=True))


def cells() -> Iterator[tuple[str, str, str]]:
    """Yield network, regularisation and width of every cell, in the published order."""
    for name, simulation in song2021_settings.SIMULATIONS.items():
        for decay in simulation.decays:
            yield from ((name, str(decay), str(width)) for width in song2021_settings.WIDTHS)


def table(rows: list[dict], committed: Sequence[dict] = ()) -> list[dict]:
    """Return the mean and the standard deviation of each cell's alignments, or the committed ones of more."""
    alignments = {}
    found = {tuple(row[name] for name in COLUMNS[:3]): row for row in committed}
    for row in rows:
        alignments.setdefault(tuple(row[name] for name in COLUMNS[:3]), []).append(float(row["alignment"]))
    for cell, values in alignments.items():
        if len(values) >= max(2, int(found.get(cell, {}).get("runs", 0))):
            numbers = f"{np.mean(values):.4f}", f"{np.std(values, ddof=1):.4f}", str(len(values))
            found[cell] = dict(zip(COLUMNS, (*cell, *numbers), strict=True))
    return [found[cell] for cell in cells() if cell in found]


def main(runs: int) -> None:
    """Make all units that are not there yet, keeping them and the table after each few."""
    rows = rows_in(RUNS)
    there = {Unit(row["network"], int(row["width"]), int(row["run"])) for row in rows}
    for alike in units(runs):
        missing = [unit for unit in alike if unit not in there]
        together = len(missing) if os.environ.get("FA_DASK") else cpu_count()
        for start in range(0, len(missing), together or 1):
            some = missing[start : start + together]
            results = fa.ensemble_over(made, some, rng=np.random.default_rng(SEED))
            rows += [
                row for unit, numbers in zip(some, results, strict=True) for row in rows_of(unit, numbers)
            ]
            keep(rows)
            name, width, last = some[-1]
            print(f"{name}, width {width}: {last + networks_of(name)} runs", flush=True)
    keep(rows)


def keep(rows: list[dict]) -> None:
    """Write all runs and the table of them, each whole or not at all."""
    RUNS.parent.mkdir(parents=True, exist_ok=True)
    write_table(RUNS, rows, OF_A_RUN)
    write_table(TABLE, table(rows, rows_in(TABLE)), COLUMNS)


def write_table(path: Path, rows: list[dict], columns: list[str]) -> None:
    """Write rows as a CSV, whole or not at all."""
    write_whole(path, pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n").encode())


def rows_in(path: Path) -> list[dict]:
    """Return the rows of a CSV, none where there is no such file."""
    return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
