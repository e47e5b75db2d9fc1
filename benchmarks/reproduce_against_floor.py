"""How close `make reproduce` comes to the cost of just starting its kernels.

Usage: python benchmarks/reproduce_against_floor.py [REPEATS]   (from the repository's folder)

Runs, in turn, `make reproduce` from scratch and the same make on as many notebooks that hold nothing but
the imports of NumPy, SciPy, Matplotlib and seaborn. Prints each run's seconds, and the median of the ratios.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

IMPORTS = "import numpy, scipy.integrate, scipy.linalg, matplotlib.pyplot, seaborn"
BIN = Path(sys.executable).parent


def seconds(folder: Path) -> float:
    """Return how long `make reproduce` takes in ``folder`` with an empty build/; the environment stands."""
    shutil.rmtree(folder / "build", ignore_errors=True)
    started = time.perf_counter()
    subprocess.run(["make", f"BIN={BIN}", "reproduce"], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def copy_with_imports_only(root: Path, folder: Path) -> Path:
    """Return a copy of what make needs in which each notebook is one cell of imports."""
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(root / name, folder / name)
    shutil.copytree(root / "tools", folder / "tools")
    (folder / "notebooks").mkdir()
    for notebook in (root / "notebooks").glob("*.ipynb"):
        kernel = nbformat.read(notebook, as_version=4).metadata
        empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)], metadata=kernel)
        nbformat.write(empty, folder / "notebooks" / notebook.name)
    return folder


def main(repeats: int) -> None:
    """Time both in turn and print the table."""
    root = Path.cwd()
    os.environ.pop("FA_FIGURES", None)
    with tempfile.TemporaryDirectory() as folder:
        floor = copy_with_imports_only(root, Path(folder))
        pairs = [(seconds(root), seconds(floor)) for _ in range(repeats)]
    for reproduce, kernels in pairs:
        print(
            f"reproduce {reproduce:5.1f} s   imports only {kernels:5.1f} s   ratio {reproduce / kernels:.2f}"
        )
    print(f"median ratio {statistics.median(reproduce / kernels for reproduce, kernels in pairs):.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
