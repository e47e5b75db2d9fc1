"""Run one notebook with every combination of some parameters: sweep.py JOBS NOTEBOOK NAME=VALUES ...

VALUES are some with commas between them (theta=0.1,0.5,1), or whole numbers from one to another (seed=1:20).
Runs go on side by side, on the Dask cluster that FA_DASK names where there is one. Each leaves its notebook
in build/sweeps/NOTEBOOK; those that are there and up to date are not run again. All verdicts end up in one
table there, verdicts.csv, and in one picture, verdicts.png. Exits with 1 where a verdict fails.
"""

import ast
import csv
import io
import itertools
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cloudpickle
import joblib
import parameters
import papermill
import run_notebook
from parameters import ParameterError, parse, refuse_unknown
from up_to_date import fingerprint, inputs_of, is_up_to_date, record, record_of

from fa_utils import read_verdicts
from fa_utils.cluster import map_on_cluster
from fa_utils.files import write_whole

MOST_RUNS = 10_000
RANGE = re.compile(r"(-?\d+):(-?\d+)")


class Run(NamedTuple):
    """One combination: its parameters, as words and as values, and where its notebook is kept."""

    words: tuple[str, ...]
    values: dict
    output: Path


def choices(word: str) -> list[str]:
    """Return ``name=value`` for each value that ``word`` names.

    Raises ParameterError for what is no list or range of values, and for a range without numbers.
    """
    name, _, values = word.partition("=")
    ends = RANGE.fullmatch(values)
    if ends:
        first, last = int(ends[1]), int(ends[2])
        if first > last:
            raise ParameterError(f"{word!r} has no numbers: write {name}={last}:{first}")
        return [f"{name}={number}" for number in range(first, last + 1)]
    parse([word])  # raises where this is no value, or no name
    several = ast.literal_eval(values)
    return [f"{name}={value!r}" for value in (several if isinstance(several, tuple) else (several,))]


def combinations(notebook: Path, words: list[str]) -> list[Run]:
    """Return a run for every combination, the first parameter changing slowest."""
    grid = list(itertools.product(*map(choices, words)))
    if len(grid) > MOST_RUNS:
        raise ParameterError(f"{len(grid)} combinations; choose at most {MOST_RUNS}")
    folder = Path("build", "sweeps", notebook.stem)
    runs = []
    for point in grid:
        name = re.sub(r"[^\w.=-]+", "_", "_".join(point))[:80]
        runs.append(Run(point, parse(list(point)), folder / f"{name}-{fingerprint(repr(point).encode())[:8]}.ipynb"))
    return runs


def executed(text: str, run: Run) -> str:
    """Return the text of the notebook after it ran with these parameters, here or on another machine.

    A notebook that breaks, as one does whose verdict fails, is returned as far as it came.
    """
    with tempfile.TemporaryDirectory(prefix="fa-") as folder:
        notebook, output = Path(folder, "notebook.ipynb"), Path(folder, "executed.ipynb")
        notebook.write_text(text, encoding="utf-8")
        os.environ["FA_FIGURES"] = folder
        try:
            run_notebook.execute(notebook, output, run.values)
        except papermill.PapermillExecutionError:
            pass
        return output.read_text(encoding="utf-8")


def results(text: str, runs: list[Run], jobs: int) -> Iterator[str]:
    """Yield the executed notebooks' texts in order, made on the cluster or on so many processes here."""
    address = os.environ.get("FA_DASK")
    run_one = partial(executed, text)
    if address:
        for module in (parameters, run_notebook, up_to_date):
            cloudpickle.register_pickle_by_value(module)  # the workers have fa_utils, but not these tools
        yield from map_on_cluster(run_one, runs, address)
    else:
        yield from joblib.Parallel(n_jobs=jobs, return_as="generator")(joblib.delayed(run_one)(run) for run in runs)


def make(notebook: Path, runs: list[Run], jobs: int) -> None:
    """Run what is not there yet, and keep each as soon as it is made."""
    missing = [run for run in runs if not is_up_to_date(run.output, inputs_of(notebook, list(run.words)))]
    print(f"{len(runs)} combinations, {len(runs) - len(missing)} there already", flush=True)
    text = notebook.read_text(encoding="utf-8")
    for number, (run, done) in enumerate(zip(missing, results(text, missing, jobs), strict=True), start=1):
        run.output.parent.mkdir(parents=True, exist_ok=True)
        content = done.encode()
        write_whole(record_of(run.output), record(inputs_of(notebook, list(run.words)), {str(run.output): content}))
        write_whole(run.output, content)
        failing = sum(row["verdict"] != "holds" for row in read_verdicts(run.output))
        print(f"[{number}/{len(missing)}] {' '.join(run.words)}{f': {failing} fail' if failing else ''}", flush=True)
