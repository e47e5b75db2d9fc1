"""Measure how far every number shown is from what rounding would change: margins.py JOBS NOTEBOOK ...

Each notebook runs with the processor rounding to nearest, up, down and towards zero. Of every datum of a
figure, every verdict and every number in an f-string, the spread of the four is compared with the last digit
shown. Lists those whose spread is above a hundredth of it, and verdicts that change; exits with 1 for any.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np

MODES = ("nearest", "up", "down", "zero")
SHARE = 0.01
FOLDER = Path("build", "margins")


def record(name: str, mode: str) -> Path:
    """Run a notebook with one rounding, and return where its numbers are noted."""
    path = FOLDER / mode / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    startup = FOLDER.resolve() / "startup.py"  # IPython runs what PYTHONSTARTUP names
    startup.write_text("import audits.recorder\n\naudits.recorder.listen()\n", encoding="utf-8")
    given = {"FA_RECORD": str(path.resolve()), "FA_ROUNDING": mode, "FA_PARAMETERS": ""}
    given |= {"FA_FIGURES": str(FOLDER.resolve() / mode / "figures"), "PYTHONSTARTUP": str(startup)}
    notebook = f"notebooks/{name}.ipynb"
    output = f"{FOLDER}/{mode}/{name}.ipynb"
    command = [sys.executable, "tools/run_notebook.py", notebook, output]
    ran = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{name}, rounding {mode}: {ran.stdout}{ran.stderr}")
    return path


def read(path: Path) -> list[dict]:
    """Return all that one run noted, its values as numbers."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [line | {"values": np.array([*map(float.fromhex, line["values"])])} for line in lines]


def last_digits(line: dict) -> np.ndarray:
    """Return the size of the last digit shown of each value."""
    sizes = np.abs(line["values"])
    sizes = np.where(np.isfinite(sizes) & (sizes > 0), sizes, np.inf if line["digits"] else 1.0)
    with np.errstate(over="ignore"):
        significant = 10.0 ** (np.floor(np.log10(sizes)) - (line["digits"] or 0) + 1)
    exact = np.where(np.isinf(sizes), 0.0, significant) if line["digits"] else np.zeros_like(sizes)
    return np.maximum(exact, line["unit"])


def complaints(name: str, runs: list[list[dict]]) -> Iterator[str]:
    """Yield a line for each number of a notebook that has too little margin."""
    if len({len(run) for run in runs}) > 1:
        yield f"{name}: {[len(run) for run in runs]} numbers and series, one for each of {', '.join(MODES)}"
        return
    for lines in zip(*runs, strict=True):
        first = lines[0]
        if len({len(line["values"]) for line in lines}) > 1 or len({line["judged"] for line in lines}) > 1:
            yield f"{name}: {first['what']}: {[line['judged'] or len(line['values']) for line in lines]}"
            continue
        values = np.array([line["values"] for line in lines])
        same = (values == values[0]) | (np.isnan(values) & np.isnan(values[0]))
        with np.errstate(invalid="ignore"):
            apart = np.where(same, 0.0, values - values[0])
        spread = np.abs(np.nan_to_num(apart, nan=np.inf)).max(axis=0)
        allowed = SHARE * last_digits(first)
        # What is below the claim's resolution is shown as that, and must be far from it.
        largest = np.abs(values).max(initial=0.0)
        hidden = first["hidden"]
        far = largest < hidden / 2 or (largest < hidden and spread.max() < SHARE * hidden)
        if not far and (spread > allowed).any():
            worst = np.argmax(spread - allowed)
            numbers = (
                f"{values[0, worst]:.7g} by {spread[worst]:.2g}, last digit {allowed[worst] / SHARE:.2g}"
            )
            yield f"{name}: {first['what']}: {numbers}"


def main(jobs: int, names: list[str]) -> int:
    """Record all notebooks under all roundings, print what has too little margin; return the exit code."""
    tasks = [(name, mode) for name in names for mode in MODES]
    joblib.Parallel(n_jobs=jobs, prefer="threads")(joblib.delayed(record)(*task) for task in tasks)
    numbers = 0
    lines = []
    for name in names:
        runs = [read(FOLDER / mode / f"{name}.jsonl") for mode in MODES]
        numbers += sum(len(line["values"]) for line in runs[0])
        lines += complaints(name, runs)
    print(
        *lines,
        f"{numbers} numbers of {len(names)} notebooks, {len(lines)} places with too little margin",
        sep="\n",
    )
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
