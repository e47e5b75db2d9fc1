"""How close `make reproduce` comes to the cost of just starting its kernels.

Runs, in turn, `make reproduce` from scratch and the same make on as many notebooks that hold nothing but
the imports of NumPy, SciPy, Matplotlib and seaborn. Prints each run's seconds, and the median of the ratios.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
IMPORTS = "import numpy, scipy.integrate, scipy.linalg, matplotlib.pyplot, seaborn"
BIN = Path(sys.executable).parent


def seconds(folder: Path) -> float:
    """Return how long `make reproduce` takes in ``folder`` with an empty build/; the environment stands."""
    shutil.rmtree(folder / "build", ignore_errors=True)
    started = time.perf_counter()
    subprocess.run(["make", f"BIN={BIN}", "reproduce"], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def notebooks() -> list[Path]:
    """Return the notebooks that make would find, relative to their folder."""
    found = (path.relative_to(ROOT / "notebooks") for path in (ROOT / "notebooks").rglob("*.ipynb"))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.parts))


def copy_with_imports_only(folder: Path) -> Path:
    """Return a copy of what make needs in which each notebook is one cell of imports."""
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "tools", folder / "tools")
    for name in notebooks():
        kernel = nbformat.read(ROOT / "notebooks" / name, as_version=4).metadata
        empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)], metadata=kernel)
        (folder / "notebooks" / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(empty, folder / "notebooks" / name)
    return folder


def positive(text: str) -> int:
    """Return a whole number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def main() -> None:
    """Time both in turn and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("repeats", type=positive, nargs="?", default=3, help="runs of each (default: 3)")
    repeats = parser.parse_args().repeats
    os.environ.pop("FA_FIGURES", None)
    with tempfile.TemporaryDirectory() as folder:
        floor = copy_with_imports_only(Path(folder))
        pairs = [(seconds(ROOT), seconds(floor)) for _ in range(repeats)]
    for reproduce, kernels in pairs:
        print(
            f"reproduce {reproduce:5.1f} s   imports only {kernels:5.1f} s   ratio {reproduce / kernels:.2f}"
        )
    print(f"median ratio {statistics.median(reproduce / kernels for reproduce, kernels in pairs):.2f}")


if __name__ == "__main__":
    main()
