"""How close `make reproduce` comes to starting as many kernels: reproduce_against_floor.py [REPEATS]

The floor is plain papermill on notebooks that only import numpy, scipy.linalg and matplotlib.pyplot, as many
as this repository has, and as many at a time. Prints the seconds of both in turn, and their median ratio.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
JOBS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
IMPORTS = "import numpy\nimport scipy.linalg\nimport matplotlib.pyplot"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def reproduce() -> float:
    """Return the seconds of `make reproduce` with an empty build/; the environment stands."""
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    started = time.perf_counter()
    command = ["make", "reproduce", f"BIN={BIN}", f"JOBS={JOBS}"]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def floor(count: int) -> float:
    """Return the seconds of papermill on so many notebooks that only import."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(IMPORTS)]
    with tempfile.TemporaryDirectory() as folder:
        notebook = Path(folder, "imports.ipynb")
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), notebook)
        commands = [[BIN / "papermill", notebook, f"{folder}/{number}.ipynb"] for number in range(count)]

        def run(command: list) -> None:
            subprocess.run(command, env=os.environ | ONE_THREAD, stderr=subprocess.DEVNULL, check=True)

        started = time.perf_counter()
        with ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(run, commands))
        return time.perf_counter() - started


def main(repeats: int) -> None:
    """Time both in turn and print each, with the median ratio."""
    count = len(
        [path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    )
    ratios = []
    for _ in range(repeats):
        ours = reproduce()
        kernels = floor(count)
        ratios.append(ours / kernels)
        print(f"{count} notebooks, {JOBS} at a time: {ours:.1f} s; imports only {kernels:.1f} s", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
