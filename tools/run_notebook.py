"""Run one notebook and put what it makes into place, whole or not at all: run_notebook.py NOTEBOOK OUTPUT

All is made in a folder beside OUTPUT, and moved at the end: figures to FA_FIGURES, then the executed notebook
that stands for all of them. One that breaks is kept below failed/, and moves no figure. FA_PARAMETERS has its
parameters as NAME=VALUE words; FA_NOTEBOOKS and FA_STARTED say what else is to run, and since when.
"""

import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbsteady.kernel import rounding_kernel
from parameters import read, split

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
PACKAGE = Path(__file__).parents[1] / "fa_utils"


def own_kernel() -> type:
    """Return a manager of kernels of this interpreter, whatever kernelspecs there are; FA_ROUNDING rounds."""

    class OwnKernel(rounding_kernel(AsyncKernelManager, os.environ.get("FA_ROUNDING") or "nearest")):
        kernel_spec = KernelSpec(**get_kernel_dict())

    return OwnKernel


def execute(notebook: Path, output: Path, parameters: dict[str, object]) -> None:
    """Run ``notebook`` in its own folder; write it, broken or not, to ``output``."""
    how = {"kernel_name": "python3", "kernel_manager_class": own_kernel()}
    how |= {"progress_bar": False, "request_save_on_cell_execute": False, "shutdown_kernel": "immediate"}
    how["extra_arguments"] = ["--log-level=CRITICAL", "--HistoryManager.enabled=False"]
    papermill.execute_notebook(str(notebook), str(output), parameters, cwd=str(notebook.parent), **how)


def without_history(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook with the metadata that belong to it, and none of a run or an editor."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.tags} if cell.metadata.get("tags") else {})
    return notebook


def publish(staged: Path, place: Path, when: float) -> None:
    """Move an executed notebook to its place, without its history; its date is when its run began.

    So it is older than whatever was edited while it ran, and make will run it again.
    """
    nbformat.write(without_history(nbformat.read(staged, as_version=4)), staged)
    os.utime(staged, (when, when))
    place.parent.mkdir(exist_ok=True)
    staged.replace(place)


def run(notebook: Path, output: Path, figures: Path) -> str:
    """Run and publish one notebook; return in a line what broke it, or an empty text."""
    began = time.time()
    failed = output.parent / "failed" / output.name
    output.parent.mkdir(parents=True, exist_ok=True)
    figures.mkdir(parents=True, exist_ok=True)
    failed.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.stem}-", dir=output.parent) as folder:
        staged = Path(folder, output.name)
        os.environ["FA_FIGURES"] = str(Path(folder, "figures").resolve())
        try:
            execute(notebook, staged, read(notebook, split(os.environ.get("FA_PARAMETERS", ""))))
        except Exception as broke:
            output.unlink(missing_ok=True)
            with contextlib.suppress(OSError, ValueError):  # a full disk takes half of it
                publish(staged, failed, time.time())
            kind = getattr(broke, "ename", type(broke).__name__)
            return " ".join(f"{kind}: {getattr(broke, 'evalue', broke)}".split())[:200]
        for picture in Path(folder, "figures").glob("*"):
            picture.replace(figures / picture.name)
        publish(staged, output, began)
    return ""


def left(folder: Path, started: float) -> str:
    """Return in words how many notebooks are not done yet, and how long these may take."""
    package = max(path.stat().st_mtime for path in PACKAGE.rglob("*.py"))
    done = waiting = 0
    for name in os.environ.get("FA_NOTEBOOKS", "").split():
        output = folder / f"{name}.ipynb"
        notebook = Path("notebooks", f"{name}.ipynb")
        places = [path for path in (output, output.parent / "failed" / output.name) if path.exists()]
        end = max((path.stat().st_mtime for path in places), default=0.0)
        done += end >= started
        waiting += end < max(package, notebook.stat().st_mtime)
    return f"{waiting} left, about {(time.time() - started) / max(done, 1) * waiting:.0f} s"


def main(notebook: Path, output: Path) -> int:
    """Run and report one notebook; return the exit code."""
    began = time.time()
    name = notebook.relative_to("notebooks").with_suffix("")
    print(f"{name} starts", flush=True)
    try:
        broke = run(notebook, output, Path(os.environ["FA_FIGURES"]))
    except OSError as refusal:
        broke = str(refusal)
    outcome = f"BROKE: {broke}" if broke else f"{time.time() - began:.1f} s"
    folder = output.parents[len(name.parts) - 1]
    print(f"{name} {outcome}; {left(folder, float(os.environ.get('FA_STARTED', began)))}", flush=True)
    return bool(broke)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
