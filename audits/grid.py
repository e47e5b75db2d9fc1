"""Run notebooks with many parameters and gather their verdicts: grid.py sweep | ranges | seeds ...

    grid.py sweep JOBS NOTEBOOK             every combination of values in FA_PARAMETERS: "seed=1:20"
    grid.py ranges JOBS NOTEBOOK ...        each parameter at either end of its range, the others as they are
    grid.py seeds JOBS COUNT NOTEBOOK ...   so many fresh seeds

Each run is one of make's, kept in build/runs, and not made again while it is up to date. Runs go on side by
side, on the Dask cluster that FA_DASK names where there is one (its workers share this folder). All verdicts
end up in a table, build/sweeps/WHAT/verdicts.csv, and a sweep's in a picture. A statement may fail as often
as its chance of failing though true makes plausible: never, where that is 0. Exits with 1 if one fails more.
"""

import ast
import itertools
import math
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import joblib
import pandas as pd
from compare import LABELS
from nbsteady.compare import read_table
from parameters import ParameterError, entries, listed, read, split
from scipy.stats import binom
from summary import run_of

from fa_utils.ensembles import dask_client

MOST_RUNS = 10_000
PLAUSIBLE = 1e-3  # a true statement fails too often in one of a thousand such checks
RANGE = re.compile(r"(-?\d+):(-?\d+)")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")

Job = tuple[str, dict[str, object]]  # a notebook and its parameters


def values(text: str) -> list[str]:
    """Return the values that ``0.1,0.5``, ``1:20`` or a single one names, as texts; a list is one value."""
    ends = RANGE.fullmatch(text)
    if ends:
        return [str(number) for number in range(int(ends[1]), int(ends[2]) + 1)[: MOST_RUNS + 1]]
    found = ast.literal_eval(text)
    return [repr(value) for value in found] if isinstance(found, tuple) else [text]


def combinations(name: str, texts: dict[str, str]) -> list[Job]:
    """Return a job for every combination of the values, the first parameter changing slowest."""
    try:
        grid = [values(text) for text in texts.values()]
    except (ValueError, SyntaxError):
        raise ParameterError(f"{texts}: write values as theta=0.1,0.5,1 or seed=1:20") from None
    if not 1 <= math.prod(map(len, grid)) <= MOST_RUNS:
        raise ParameterError(f"{math.prod(map(len, grid))} combinations; choose 1 to {MOST_RUNS}")
    notebook = Path("notebooks", f"{name}.ipynb")
    return [
        (name, read(notebook, dict(zip(texts, chosen, strict=True)))) for chosen in itertools.product(*grid)
    ]


def ends(name: str) -> Iterator[Job]:
    """Yield a job for both ends of each parameter's range; in a list its least or largest entry is moved."""
    known = listed(Path("notebooks", f"{name}.ipynb"))
    for parameter, one in ((parameter, one) for parameter, one in known.items() if one.least is not None):
        numbers = list(entries(one.default))
        for move, end in ((min(numbers), one.least), (max(numbers), one.most)):
            value = exchanged(one.default, move, end)
            if value != one.default:
                yield name, {parameter: value}


def exchanged(value: object, old: float, new: float) -> object:
    """Return a value with a number in it exchanged for another, which is made whole where the old one is."""
    if isinstance(value, list):
        return [exchanged(part, old, new) for part in value]
    return type(old)(new) if value == old else value


def place(job: Job) -> Path:
    """Return the folder in which make keeps a run with these parameters."""
    return Path("build", "runs", re.sub(r"[^A-Za-z0-9.-]", "_", words(job)))


def words(job: Job) -> str:
    """Return a job's parameters as make takes them."""
    return " ".join(f"{name}={value!r}".replace(" ", "") for name, value in job[1].items())


def make(task: tuple[list[str], str]) -> None:
    """Run make in a folder, here or on a worker, which has that folder but none of these programs."""
    command, folder = task
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "FA_"))}
    subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, check=False)


def made(jobs: list[Job], cores: int) -> Iterator[Exception | None]:
    """Run all jobs, and yield for each, in order, what kept it from being run."""
    tasks = []
    for job in jobs:
        programs = Path(sys.executable).parent
        command = ["make", "executed", f"ONLY={job[0]}", f"P={words(job)}", f"BIN={programs}"]
        tasks.append((command, os.getcwd()))
    if os.environ.get("FA_DASK"):
        with dask_client(os.environ["FA_DASK"]) as client:
            for future in client.map(make, tasks, pure=False):
                yield future.exception()
    else:
        pool = joblib.Parallel(n_jobs=cores, prefer="threads", return_as="generator")
        yield from pool(joblib.delayed(make)(task) for task in tasks)


def rows_of(job: Job, lost: Exception | None) -> list[dict]:
    """Return the verdict rows of a job with its parameters, and one more if it broke; say how it fared."""
    run = run_of(job[0], place(job))
    nothing = dict.fromkeys(("measured", "bound"), math.nan) | {"verdict": "fails", "chance": 0}
    rows = [] if lost else list(run.rows)
    if lost or run.broke:
        rows.append(nothing | {"statement": f"broke: {lost!r}" if lost else f"broke, see {run.place}"})
    holding = sum(row["verdict"] == "holds" for row in rows)
    print(f"{job[0]} {words(job)}: {holding} of {len(rows)} hold", flush=True)
    return [{"notebook": job[0]} | job[1] | row for row in rows]


def gathered(jobs: list[Job], cores: int) -> pd.DataFrame:
    """Return the verdict rows of all jobs; ``claim`` is the statement without the numbers that it names."""
    found = [rows_of(job, lost) for job, lost in zip(jobs, made(jobs, cores), strict=True)]
    table = pd.concat(
        [pd.DataFrame(rows).assign(run=run) for run, rows in enumerate(found)], ignore_index=True
    )
    table["claim"] = table["statement"].str.replace(NUMBER, "…", regex=True)
    table["claim"] += (
        table.groupby(["run", "claim"]).cumcount().map(lambda again: f" ({again + 1})" if again else "")
    )
    numbers = ["measured", "bound", "chance"]
    return table.assign(**{name: pd.to_numeric(table[name]) for name in numbers})


def report(table: pd.DataFrame, folder: Path, failing_only: bool) -> int:
    """Write the table, print a line a statement and how many fail; return the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    table.drop(columns=["claim", "run"]).to_csv(folder / "verdicts.csv", index=False)
    too_often = 0
    for (notebook, claim), rows in table.groupby(["notebook", "claim"], sort=False):
        failed = int((rows["verdict"] != "holds").sum())
        may = int(binom.isf(PLAUSIBLE, len(rows), rows["chance"].max())) if rows["chance"].max() > 0 else 0
        too_often += failed > may
        if failed or not failing_only:
            span = f"{rows['measured'].min():.3g} to {rows['measured'].max():.3g}"
            print(
                f"{notebook}: holds in {len(rows) - failed} of {len(rows)}, {span}, {may} may fail: {claim}"
            )
    failures = (table["verdict"] != "holds").sum()
    print(
        f"{len(table)} verdicts of {table['run'].nunique()} runs, {failures} fail; "
        f"{too_often or 'no'} statements fail too often; table in {folder}"
    )
    return int(too_often > 0)


def draw(table: pd.DataFrame, parameters: list[str], folder: Path) -> None:
    """Draw what was measured for each statement over the first parameter, with spread and bound."""
    import seaborn as sns

    shown = table.dropna(subset=["measured"])
    if shown.empty:
        return
    grid = sns.FacetGrid(shown, col="claim", col_wrap=2, sharey=False, height=2.6, aspect=1.7)
    x, *others = parameters
    hue = next((name for name in others if name != "seed"), None)
    grid.map_dataframe(
        sns.lineplot, x, "measured", hue=hue, estimator="median", errorbar=("pi", 100), marker="o"
    )
    grid.map_dataframe(sns.lineplot, x, "bound", color="black", linestyle="--", errorbar=None, label="bound")
    grid.set_titles("{col_name}", size=8).add_legend(title=hue).savefig(folder / "verdicts.png")


def draw_figure(name: str, jobs: list[Job], folder: Path) -> None:
    """Draw one figure's data of all runs, a panel each of its own, coloured by the first parameter."""
    import seaborn as sns

    paths = [(job, place(job) / "figures" / f"{name}.csv") for job in jobs]
    tables = [
        pd.DataFrame(read_table(path, LABELS).columns).assign(**job[1], run=words(job))
        for job, path in paths
        if path.exists()
    ]
    if not tables:
        raise ParameterError(f"no run saved a figure {name}; choose one that the notebook saves")
    sns.relplot(
        pd.concat(tables),
        x="x",
        y="y",
        hue=next(iter(jobs[0][1])),
        style="series",
        units="run",
        estimator=None,
        col="panel",
        kind="line",
        facet_kws={"sharex": False, "sharey": False},
    ).savefig(folder / f"{name}.png")


def main(what: str, cores: int, rest: list[str]) -> int:
    """Run a grid of one kind, report on it, and return the exit code."""
    if what == "sweep":
        texts = split(os.environ.get("FA_PARAMETERS", ""))
        if len(rest) != 1 or not texts:
            raise ParameterError(
                'give one notebook and values: make sweep ONLY=theorem-3 P="theta=0.1,0.5,1 seed=1:20"'
            )
        jobs = combinations(rest[0], texts)
        folder = Path("build", "sweeps", rest[0])
    elif what == "seeds":
        seeds = [secrets.randbelow(10**6) for _ in range(int(rest[0]))]
        jobs = [(name, {"seed": seed}) for seed in seeds for name in rest[1:]]
        folder = Path("build", "sweeps", "seeds")
    else:
        jobs = [job for name in rest for job in ends(name)]
        folder = Path("build", "sweeps", "ranges")
    table = gathered(jobs, cores)
    code = report(table, folder, failing_only=what != "sweep")
    if what == "sweep":
        draw(table, list(texts), folder)
        if os.environ.get("FA_SHOW"):
            draw_figure(os.environ["FA_SHOW"], jobs, folder)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
    except (ParameterError, ImportError, ConnectionError) as refusal:
        sys.exit(str(refusal))
