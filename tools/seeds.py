"""Judge every statement at fresh seeds: seeds.py COUNT [NOTEBOOK ...]

Each seed is drawn anew and run by make reproduce. A statement may fail as often as its chance of failing
though true makes plausible (more than that happens once in a thousand cases): never, where that chance is 0.
Runs in which all verdicts hold are deleted, others stay in build/runs. Exits with 1 for too many failures.
"""

import csv
import os
import secrets
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from scipy.stats import binom

PLAUSIBLE = 1e-3


def most_failures(runs: int, chance: float) -> int:
    """Return how many failures in so many runs a statement with this chance of failing may have."""
    return int(binom.isf(PLAUSIBLE, runs, chance)) if chance else 0


def run(seed: int, names: list[str]) -> list[dict[str, str]]:
    """Run the notebooks with this seed; return their verdict rows, or exit where one broke in another way."""
    folder = Path("build", "runs", f"seed_{seed}")
    done = subprocess.run(
        [
            "make",
            "reproduce",
            f"P=seed={seed}",
            f"ONLY={' '.join(names)}",
            f"BIN={Path(sys.executable).parent}",
        ],
        env={name: value for name, value in os.environ.items() if not name.startswith(("FA_", "MAKE"))},
        capture_output=True,
        text=True,
        check=False,
    )
    table = folder / "verdicts.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines())) if table.exists() else []
    failing = {row["notebook"] for row in rows if row["verdict"] != "holds"}
    unfinished = {name for name in names if not (folder / f"{name}.ipynb").exists()}
    if unfinished - failing:
        sys.exit(f"seed {seed}: no verdict failed, but something else:\n{done.stdout}{done.stderr}")
    if not failing:
        shutil.rmtree(folder)
    return rows


def main(count: int, names: list[str]) -> int:
    """Run so many seeds, print each failure and the table of statements that failed; return the exit code."""
    if count < 1:
        sys.exit(f"{count} seeds; choose at least 1")
    runs, failures, chances = Counter(), Counter(), {}
    for number in range(1, count + 1):
        seed = secrets.randbelow(10**6)
        rows = run(seed, names)
        failing = [row for row in rows if row["verdict"] != "holds"]
        print(f"[{number}/{count}] seed {seed}: {len(rows) - len(failing)} of {len(rows)} hold", flush=True)
        for row in failing:
            print("   ", *(row[name] for name in ("notebook", "statement", "measured", "relation", "bound")))
        runs.update((row["notebook"], row["statement"]) for row in rows)
        failures.update((row["notebook"], row["statement"]) for row in failing)
        chances |= {(row["notebook"], row["statement"]): float(row["chance"]) for row in rows}
    return summary(runs, failures, chances)


def summary(runs: Counter, failures: Counter, chances: dict) -> int:
    """Print how often statements failed and how often they may; return 1 where that is too often, else 0."""
    too_many = 0
    for key, failed in failures.items():
        allowed = most_failures(runs[key], chances[key])
        too_many += failed > allowed
        print(f"{key[0]}: {key[1]}: {failed} of {runs[key]} seeds fail, {allowed} may")
    print(f"{sum(runs.values())} verdicts at fresh seeds, {sum(failures.values())} failures", end="; ")
    print(f"{too_many} statements fail too often" if too_many else "no statement fails too often")
    return 1 if too_many else 0


if __name__ == "__main__":
    try:
        sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
