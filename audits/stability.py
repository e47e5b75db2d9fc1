"""Run every notebook on every ground that is supported here, and compare: stability.py RUNS

A cell is a Python, its packages (as locked, the oldest and the newest that pyproject.toml admits), one or
two threads, and a kernel of OpenBLAS; where two cores share a kernel, it is run once. In each, nbval compares
all outputs with the committed ones, and the figures are compared: their data, and with locked packages every
byte. RUNS runs of the default cell follow.

Prints a line for each cell, also in build/stability/cells.csv: an interrupted run goes on there, unless the
notebooks, the package or the lock have changed. Exits with 1 unless nothing at all differs.
"""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from compare_figures import differences
from up_to_date import fingerprint

from fa_utils.files import write_whole

FOLDER = Path("build", "stability")
CORES = ("Prescott", "Sandybridge", "Haswell", "SkylakeX", "Zen")
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
# Such a long product ends OpenBLAS 0.3.34 where its Haswell kernel is forced on a Zen 4 (its issue 6021).
KERNELS_IN_USE = """\
import numpy, scipy.linalg, threadpoolctl
scipy.linalg.lu(numpy.ones((99, 999)) @ numpy.ones((999, 99)))
print(*sorted({library.get("architecture") for library in threadpoolctl.threadpool_info()}), sep=" and ")"""


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
            for core in distinct(f"Python {version}, {packages}", binaries(version, packages)):
                yield from (Cell(version, packages, threads, core) for threads in "12")
    for run in range(1, runs + 1):
        yield Cell("default", "locked", "1", "default", str(run))


def lock_of(version: str, packages: str) -> Path:
    """Return the lock file of an environment."""
    return FOLDER / f"{version}-{packages}.lock" if packages in RESOLUTIONS else Path("requirements.lock")


@cache
def binaries(version: str, packages: str) -> Path:
    """Return where the environment's programs are, after making it from packages as they are today."""
    if version == "default":
        return Path(".venv", "bin")
    folder, lock = FOLDER / f"{version}-{packages}", lock_of(version, packages)
    if packages in RESOLUTIONS:
        extras = [f"--extra={extra}" for extra in ("notebooks", "test", "build")]
        how = [f"--python-version={version}", f"--resolution={RESOLUTIONS[packages]}", "--generate-hashes"]
        quiet = ["--no-emit-index-url", "--no-annotate", "--quiet", f"--output-file={lock}"]
        uv = Path(sys.executable).with_name("uv")
        checked([uv, "pip", "compile", "pyproject.toml", *extras, *how, *quiet])
    checked(["sh", "tools/make_environment.sh", folder, lock, f"python{version}"])
    return folder / "bin"


def checked(command: list) -> None:
    """Run a command that must succeed; exit with its last words otherwise."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{ran.stdout}{ran.stderr}")


def distinct(ground: str, programs: Path) -> list[str]:
    """Return the cores whose kernels can run here, each kernel once; print why the others are left out."""
    found: dict[str, str] = {}
    for core in CORES:
        kernel = kernel_of(programs, core)
        if not kernel:
            print(f"{ground}: the kernel for {core} does not run on this processor")
        elif kernel in found:
            print(f"{ground}: the kernel for {core} ({kernel}) is the one for {found[kernel]}")
        else:
            found[kernel] = core
    return list(found.values())


def kernel_of(programs: Path, core: str) -> str:
    """Return what OpenBLAS calls the kernel that it takes for this core, or nothing where that stops."""
    surroundings = os.environ | {"OPENBLAS_CORETYPE": core}
    command = [programs / "python", "-c", KERNELS_IN_USE]
    ran = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else ""


def outcome(cell: Cell) -> Outcome:
    """Run all notebooks in a cell; return what differs from the committed outputs and figures."""
    report = FOLDER / "nbval.xml"
    report.unlink(missing_ok=True)
    surroundings = os.environ | {"PYTEST_ADDOPTS": f"--junit-xml={report}"}
    if cell.core != "default":
        surroundings["OPENBLAS_CORETYPE"] = cell.core
    command = ["make", "nbval", f"BIN={binaries(cell.python, cell.packages)}", f"THREADS={cell.threads}"]
    ran = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    counts = ElementTree.parse(report).getroot()[0].attrib if report.exists() else {}
    drawn, committed = Path("build", "nbval"), Path("figures")
    mismatches = sum(int(counts.get(name, 0)) for name in ("failures", "errors", "skipped"))
    mismatches += len(differences(drawn, committed))
    if (ran.returncode != 0) != (mismatches > 0):
        sys.exit(f"{cell}: nbval did not run to its end:\n{ran.stdout}{ran.stderr}")
    files = {path.name for folder in (drawn, committed) for path in folder.iterdir()}
    differing = sum(content(drawn / name) != content(committed / name) for name in files)
    if mismatches:
        (FOLDER / f"{'-'.join(cell)}.log").write_text(ran.stdout + ran.stderr, encoding="utf-8")
    return Outcome(counts["tests"], str(mismatches), str(differing) if cell.packages == "locked" else "")


def content(path: Path) -> bytes | None:
    """Return what is in a file, or None where there is none."""
    return path.read_bytes() if path.exists() else None


def state_of(cell: Cell) -> str:
    """Return the fingerprint of all files on which a cell's outcome depends."""
    patterns = "fa_utils/*.py", "notebooks/**/*.ipynb", "notebooks/**/*.csv", "figures/*.*"
    files = [path for pattern in patterns for path in sorted(Path().glob(pattern))]
    files += [Path("tools", f"{tool}.py") for tool in ("stability", "kernels_on_files", "compare_figures")]
    files += [Path("Makefile"), lock_of(cell.python, cell.packages)]
    return fingerprint("".join(f"{path} {fingerprint(path.read_bytes())}\n" for path in files).encode())


def known(table: Path) -> dict[Cell, Outcome]:
    """Return the outcomes that an earlier run found of cells that are still the same; forget the others."""
    rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines())) if table.exists() else []
    found = {Cell(*row[1:6]): (row[0], Outcome(*row[6:])) for row in rows}
    same = {
        cell: outcome
        for cell, (state, outcome) in found.items()
        if lock_of(cell.python, cell.packages).exists() and state == state_of(cell)
    }
    keep(table, same)
    return same


def keep(table: Path, found: dict[Cell, Outcome]) -> None:
    """Write the table of outcomes."""
    text = io.StringIO()
    csv.writer(text).writerows([state_of(cell), *cell, *outcome] for cell, outcome in found.items())
    write_whole(table, text.getvalue().encode())


def main(runs: int) -> int:
    """Run each cell that was not run yet, print them all, and return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    table, grounds = FOLDER / "cells.csv", list(cells(runs))
    found = known(table)
    print("  ".join([*Cell._fields, *Outcome._fields]))
    for cell in grounds:
        if cell not in found:
            found[cell] = outcome(cell)
            keep(table, found)
        print("  ".join([*cell, *found[cell]]), flush=True)
    return summary([found[cell] for cell in grounds])


def summary(outcomes: list[Outcome]) -> int:
    """Print whether all cells compared as much, and nothing differs; return the exit code."""
    bad = sum(result.mismatches != "0" or result.files_differing not in ("0", "") for result in outcomes)
    compared = {result.compared for result in outcomes}
    print(f"{len(outcomes)} cells, {' or '.join(sorted(compared))} outputs in each; {bad} cells differ")
    return 0 if bad == 0 and len(compared) == 1 else 1


if __name__ == "__main__":
    try:
        sys.exit(main(int(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)
