"""Run one notebook with every combination of some parameters: sweep.py JOBS NOTEBOOK NAME=VALUES ...

VALUES are some with commas between them (theta=0.1,0.5,1), or whole numbers from one to another (seed=1:20);
a list is one value. Runs go on side by side, on the Dask cluster that FA_DASK names where there is one. Each
is kept in build/sweeps/NOTEBOOK once it is made, and not made again as long as it is up to date. All verdicts
end up in one table there, verdicts.csv, and in one picture, verdicts.png. Exits with 1 where one fails or a
run breaks.
"""

import ast
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from functools import partial
from math import prod
from pathlib import Path
from typing import NamedTuple

import cloudpickle
import gathered
from parameters import ParameterError, parse, refuse_unknown, rejoined, say_unusual
from up_to_date import data_of, fingerprint, inputs_of, is_up_to_date, record, record_of

from fa_utils import read_verdicts
from fa_utils.cluster import map_on_cluster
from fa_utils.files import write_whole

MOST_RUNS = 10_000
RANGE = re.compile(r"(-?\d+):(-?\d+)")
# What a run needs besides its notebook and the package, and which of these settings it gets wherever it runs.
TOOLS = ["tools/run_notebook.py", "tools/parameters.py", "tools/up_to_date.py", "requirements.lock"]
THREADS = ["OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM"]
SETTINGS = [*(f"{name}_NUM_THREADS" for name in THREADS), "LOKY_MAX_CPU_COUNT", "JUPYTER_PREFER_ENV_PATH"]
PLACES = ["FA_FIGURES", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"]


class Run(NamedTuple):
    """One combination, as name=value words, and where its notebook is kept."""

    words: tuple[str, ...]
    output: Path


def choices(word: str) -> list[str]:
    """Return ``name=value`` for each value that ``word`` names, once.

    Raises ParameterError for what is no list or range of values, and for one that is empty or too long.
    """
    name, equals, values = word.partition("=")
    ends = RANGE.fullmatch(values)
    try:
        found = range(int(ends[1]), int(ends[2]) + 1) if ends else ast.literal_eval(values)
    except (ValueError, SyntaxError):
        equals = ""
    if not (equals and name.isidentifier()):
        raise ParameterError(f"{word!r} is not name=values: theta=0.1,0.5,1 or seed=1:20")
    several = found if isinstance(found, range | tuple) else (found,)
    if not several:
        raise ParameterError(f"{word!r} names no value; a range goes up, as in seed=1:20")
    if several[MOST_RUNS:]:
        raise ParameterError(f"{word!r} names more than {MOST_RUNS} values; choose at most so many")
    return list(dict.fromkeys(f"{name}={value!r}" for value in several))


def combinations(words: list[str]) -> list[tuple[str, ...]]:
    """Return every combination of the values, the first parameter changing slowest.

    Raises ParameterError for a parameter that is given twice, and for too many combinations.
    """
    grid = {word.partition("=")[0]: choices(word) for word in words}
    if len(grid) < len(words):
        raise ParameterError(
            f"{' '.join(words)}: one name comes twice; give all its values with commas between them"
        )
    count = prod(map(len, grid.values()))
    if count > MOST_RUNS:
        raise ParameterError(f"{count} combinations; choose at most {MOST_RUNS}")
    return list(itertools.product(*grid.values()))


def run_of(name: str, words: tuple[str, ...]) -> Run:
    """Return the run of a notebook with these parameters, whose place does not depend on their order."""
    ordered = sorted(words)
    short = re.sub(r"[^\w.=-]+", "_", "_".join(ordered))[:80]
    return Run(words, Path("build/sweeps", name, f"{short}-{fingerprint(repr(ordered).encode())[:8]}.ipynb"))


def executed(files: dict[str, bytes], settings: dict[str, str], words: tuple[str, ...]) -> tuple[bytes, str]:
    """Return the notebook that ran with these parameters, as far as it came, and in a line what broke it.

    It runs by the command that make has, in a folder and a process of its own, from these files, of which the
    notebook is the first: so it does the same on a worker, which need not have this repository.
    """
    with tempfile.TemporaryDirectory(prefix="fa-") as folder:
        for path, content in files.items():
            Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, path).write_bytes(content)
        places = {place: f"{folder}/{place}" for place in PLACES}
        places["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        ran = subprocess.run(
            [sys.executable, "tools/run_notebook.py", next(iter(files)), "build/run.ipynb", *words],
            cwd=folder,
            env=os.environ | settings | places,
            capture_output=True,
            text=True,
            check=False,
        )
        copies = [path.read_bytes() for path in Path(folder, "build").rglob("run.ipynb")]
    content = copies[0] if copies else b""
    if ran.returncode == 0:
        return content, ""
    said = f"{ran.stderr}{ran.stdout}".strip() or f"its process ended with {ran.returncode}"
    return content, said.splitlines()[-1].rpartition("BROKE: ")[2].partition("  (see ")[0]


def outcomes(run_one: Callable, runs: list[Run], jobs: int) -> Iterator[tuple[Run, tuple[bytes, str]]]:
    """Yield each run with what came of it: in any order from processes here, in order from the cluster."""
    address = os.environ.get("FA_DASK")
    if address:
        cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers have fa_utils, but not this
        results = map_on_cluster(run_one, [run.words for run in runs], address)
        for run, result in zip(runs, results, strict=True):
            yield run, (b"", repr(result)) if isinstance(result, Exception) else result
        return
    pool = ThreadPoolExecutor(jobs)
    waiting = {pool.submit(run_one, run.words): run for run in runs}
    try:
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def keep(run: Run, inputs: str, content: bytes, error: str) -> None:
    """Keep what is there of a run, whole or not at all; as done if it came to its end or a verdict failed."""
    run.output.parent.mkdir(parents=True, exist_ok=True)
    if not error or error.startswith("VerdictError"):
        write_whole(record_of(run.output), record(inputs, {str(run.output): content}))
    if content:
        write_whole(run.output, content)
    else:
        run.output.unlink(missing_ok=True)


def error_in(notebook: Path) -> str:
    """Return in a line the error with which an executed notebook ends, or an empty text."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    errors = [
        output for cell in cells for output in cell.get("outputs", []) if output["output_type"] == "error"
    ]
    return f"{errors[-1]['ename']}: {errors[-1]['evalue']}".splitlines()[0] if errors else ""


def rows_of(run: Run, error: str) -> list[dict[str, str]]:
    """Return a run's verdict rows, and one more where it broke otherwise than by a claim that fails."""
    values = dict(word.split("=", 1) for word in run.words)
    rows = read_verdicts(run.output) if run.output.exists() else []
    error = error or (error_in(run.output) if run.output.exists() else "")
    if error and all(row["verdict"] == "holds" for row in rows):
        rows.append(gathered.broken(error))
    return [values | row for row in rows]


def complete(name: str, runs: list[Run], jobs: int) -> list[list[dict[str, str]]]:
    """Return the verdict rows of each run, after making and keeping what is not there yet."""
    notebook = Path("notebooks", f"{name}.ipynb")
    inputs = {run: inputs_of(notebook, sorted(run.words)) for run in runs}
    missing = [run for run in runs if not is_up_to_date(run.output, inputs[run])]
    print(f"{len(runs)} runs of {name}, {len(runs) - len(missing)} of them there already", flush=True)
    files = {
        str(path): Path(path).read_bytes()
        for path in [notebook, *data_of(notebook), *TOOLS, *Path("fa_utils").glob("*.py")]
    }
    settings = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    run_one = partial(executed, files, settings | {"MPLBACKEND": "", "FA_DASK": ""})
    errors = {}
    with closing(outcomes(run_one, missing, jobs)) as made:
        for number, (run, (content, error)) in enumerate(made, start=1):
            keep(run, inputs[run], content, error)
            errors[run] = error
            broke = f"  BROKE: {error}" if error else ""
            print(f"[{number}/{len(missing)}] {' '.join(run.words)}{broke}", flush=True)
    return [rows_of(run, errors.get(run, "")) for run in runs]


def main(arguments: list[str]) -> int:
    """Run the grid, gather its verdicts; return the exit code."""
    jobs, name, words = int(arguments[0]), arguments[1], rejoined(arguments[2:])
    notebook = Path("notebooks", f"{name}.ipynb")
    if not notebook.exists():
        raise ParameterError(f"there is no {notebook}; choose one that is")
    grid = combinations(words)
    refuse_unknown(notebook, parse(list(grid[0])))
    for word in dict.fromkeys(itertools.chain(*grid)):
        say_unusual(notebook, parse([word]))
    rows = complete(name, [run_of(name, point) for point in grid], jobs)
    return gathered.write(Path("build/sweeps", name), name, rows)


def end_with(program: Callable[[], int]) -> None:
    """Run a program and end with its exit code, or with a sentence; runs under way are waited for."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.pop("FA_FIGURES", None)  # it goes by P, and a run is the same one in whatever grid
    try:
        sys.exit(program())
    except (ParameterError, ImportError) as refusal:
        sys.exit(str(refusal))
    except OSError as error:
        sys.exit(f"{error}; mend that and run make again")
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    end_with(partial(main, sys.argv[1:]))
