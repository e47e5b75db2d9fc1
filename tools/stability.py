"""Run every notebook on every ground that is supported here, and compare: stability.py RUNS

A cell is a Python, its packages (as locked, the oldest and the newest that pyproject.toml admits), one or
two threads, and a kernel of OpenBLAS. In each, nbval compares all outputs with the committed ones, and the
figures are compared: their data, and with locked packages every byte. RUNS runs of the default cell follow.

Prints a line for each cell, also in build/stability/cells.csv: an interrupted run goes on there, unless the
notebooks, the package or the lock have changed. Exits with 1 unless nothing at all differs.
"""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from compare_figures import differences
from up_to_date import fingerprint

FOLDER = Path("build", "stability")
CORES = ("Prescott", "Sandybridge", "Haswell", "SkylakeX", "Zen")
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
CORE_IN_USE = """\
import numpy, threadpoolctl
numpy.ones((99, 99)) @ numpy.ones((99, 99))
print({library.get("architecture") for library in threadpoolctl.threadpool_info()})"""


class Cell(NamedTuple):
    """One ground to run on; ``run`` counts repetitions."""

    python: str
    packages: str
    threads: str
    core: str
    run: str = "1"


class Outcome(NamedTuple):
    """How many cells of notebooks were compared, what differed, and in whole files of figures what bytes."""

    compared: str
    mismatches: str
    files_differing: str


def cells(runs: int) -> Iterator[Cell]:
    """Yield all cells that this machine can run, and then the default one so many times."""
    for version in ("3.11", "3.12", "3.13"):
        if subprocess.run(["sh", "-c", f"python{version} -V"], capture_output=True, check=False).returncode:
            print(f"Python {version}: not on this machine")
            continue
        for packages in ("locked", *RESOLUTIONS):
            for core in CORES:
                if has_core(binaries(version, packages), core):
                    yield from (Cell(version, packages, threads, core) for threads in "12")
                else:
                    print(f"Python {version}, {packages}: this processor cannot run {core}")
    for run in range(1, runs + 1):
        yield Cell("default", "locked", "1", "default", str(run))


def binaries(version: str, packages: str) -> Path:
    """Return where the environment's programs are, after making it."""
    if version == "default":
        return Path(".venv", "bin")
    name, lock = f"{version}-{packages}", Path("requirements.lock")
    if packages in RESOLUTIONS:
        lock = FOLDER / f"{name}.lock"
        extras = [f"--extra={extra}" for extra in ("notebooks", "test", "build")]
        how = [f"--python-version={version}", f"--resolution={RESOLUTIONS[packages]}", "--generate-hashes"]
        quiet = ["--no-emit-index-url", "--no-annotate", "--quiet", f"--output-file={lock}"]
        if not lock.exists():
            checked(["uv", "pip", "compile", "pyproject.toml", *extras, *how, *quiet])
    checked(["sh", "tools/make_environment.sh", FOLDER / name, lock, f"python{version}"])
    return FOLDER / name / "bin"


def checked(command: list) -> None:
    """Run a command that must succeed; exit with its last words otherwise."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{ran.stdout}{ran.stderr}")


def has_core(programs: Path, core: str) -> bool:
    """Return whether OpenBLAS runs this kernel here when told to."""
    surroundings = os.environ | {"OPENBLAS_CORETYPE": core}
    command = [programs / "python", "-c", CORE_IN_USE]
    ran = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    return ran.returncode == 0 and f"'{core}'" in ran.stdout


def outcome(cell: Cell) -> Outcome:
    """Run all notebooks in a cell; return what differs from the committed outputs and figures."""
    report = FOLDER / "nbval.xml"
    report.unlink(missing_ok=True)
    surroundings = os.environ | {"PYTEST_ADDOPTS": f"--junit-xml={report}"}
    if cell.core != "default":
        surroundings["OPENBLAS_CORETYPE"] = cell.core
    command = ["make", "nbval", f"BIN={binaries(cell.python, cell.packages)}", f"THREADS={cell.threads}"]
    ran = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    if not report.exists():
        sys.exit(f"{cell}: nbval did not run:\n{ran.stdout}{ran.stderr}")
    counts = ElementTree.parse(report).getroot()[0].attrib
    drawn, committed = Path("build", "nbval"), Path("figures")
    mismatches = int(counts["failures"]) + int(counts["errors"]) + len(differences(drawn, committed))
    files = {path.name for folder in (drawn, committed) for path in folder.iterdir()}
    differing = sum(content(drawn / name) != content(committed / name) for name in files)
    if mismatches:
        (FOLDER / f"{'-'.join(cell)}.log").write_text(ran.stdout + ran.stderr, encoding="utf-8")
    return Outcome(counts["tests"], str(mismatches), str(differing) if cell.packages == "locked" else "")


def content(path: Path) -> bytes | None:
    """Return what is in a file, or None where there is none."""
    return path.read_bytes() if path.exists() else None


def compared_files() -> list[Path]:
    """Return all files on which outcomes depend."""
    folders = {"fa_utils": "*.py", "notebooks": "*.ipynb", "figures": "*"}
    files = [path for folder, names in folders.items() for path in sorted(Path(folder).rglob(names))]
    return [path for path in files if path.is_file()] + [Path("requirements.lock"), Path("pyproject.toml")]


def known(table: Path, state: str) -> dict[Cell, Outcome]:
    """Return the outcomes that an earlier run of the same state found; forget those of another state."""
    rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines())) if table.exists() else []
    rows = [row for row in rows if row[0] == state]
    with table.open("w", encoding="utf-8", newline="") as kept:
        csv.writer(kept).writerows(rows)
    return {Cell(*row[1:6]): Outcome(*row[6:]) for row in rows}


def main(runs: int) -> int:
    """Run each cell that was not run yet, print them all, and return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    table = FOLDER / "cells.csv"
    state = fingerprint(b"".join(path.read_bytes() for path in compared_files()))
    found = known(table, state)
    print("  ".join(["python", "packages", "threads", "core", "run", *Outcome._fields]))
    for cell in cells(runs):
        if cell not in found:
            found[cell] = outcome(cell)
            with table.open("a", encoding="utf-8", newline="") as kept:
                csv.writer(kept).writerow([state, *cell, *found[cell]])
        print("  ".join([*cell, *found[cell]]), flush=True)
    bad = sum(any(int(number or 0) for number in result[1:]) for result in found.values())
    print(
        f"{len(found)} cells, {sum(int(result.compared) for result in found.values())} comparisons", end="; "
    )
    print(f"{bad} cells differ" if bad else "no cell differs")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
