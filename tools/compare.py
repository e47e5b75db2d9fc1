"""Compare what a run made with what is committed: compare.py FIGURES NOTEBOOK ...

A figure's data and picture are compared as nbsteady has it. Printed outputs agree if they are equal, as nbval
has it: all that is text, cell by cell.
"""

import json
import os
import sys
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
from nbsteady.compare import file_difference

LABELS = ["panel", "kind", "series", "scales"]


class Comparison(NamedTuple):
    """How much was compared, a line for each difference, and the largest deviation over what is allowed."""

    outputs: int = 0
    figures: int = 0
    differences: tuple[str, ...] = ()
    deviation: float = 0.0

    def __str__(self) -> str:
        many = len(self.differences) or "none"
        return f"{many} differ; data deviate by at most {self.deviation:.2g} of what is allowed"


def together(found: list[Comparison]) -> Comparison:
    """Return several comparisons as one."""
    lines = tuple(line for one in found for line in one.differences)
    counts = sum(one.outputs for one in found), sum(one.figures for one in found)
    return Comparison(*counts, lines, max((one.deviation for one in found), default=0.0))


def notebooks(folder: Path) -> list[Path]:
    """Return the notebooks below a folder in alphabetical order, without hidden ones and editors' copies."""
    found = sorted(folder.rglob("*.ipynb"))
    return [path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts)]


def cells(notebook: Path) -> list[dict]:
    """Return the code cells of a notebook; end the program in a sentence where it is none."""
    try:
        found = json.loads(notebook.read_bytes())["cells"]
        return [cell for cell in found if cell["cell_type"] == "code" and cell["outputs"] is not None]
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{notebook} is no notebook ({error!r}): delete it, or take it from git") from None


def outputs(notebook: Path) -> list[dict]:
    """Return all outputs of a notebook, in order."""
    return [output for cell in cells(notebook) for output in cell["outputs"]]


def figures_of(notebook: Path) -> list[str]:
    """Return the names of the figures that a notebook's outputs show."""
    about = [output.get("metadata", {}).get("image/png", {}) for output in outputs(notebook)]
    return [one["figure"] for one in about if "figure" in one]


# --- figures ---


def compare_figure(name: str, fresh: Path, committed: Path) -> Comparison:
    """Compare a figure's data and its picture in one folder with the committed ones in another."""
    # Another Matplotlib draws otherwise: the audit that tries some leaves pictures out.
    kinds = [".csv"] if os.environ.get("FA_PIXELS") == "no" else [".csv", ".png"]
    pairs = [(fresh / f"{name}{kind}", committed / f"{name}{kind}") for kind in kinds]
    found = [file_difference(*pair, LABELS) for pair in pairs]
    # Of a figure that moves, all frames are in the data.
    moving = [folder / f"{name}.gif" for folder in (fresh, committed)]
    if any(path.exists() for path in moving):
        found += [(f"{path} is missing", np.inf) for path in moving if not path.exists()]
    differences = tuple(said for said, _ in found if said)
    return Comparison(0, 1, differences, max(deviation for _, deviation in found))


# --- notebooks ---


def printed(cell: dict) -> list[str]:
    """Return the lines of all that a cell prints and shows as text, stream by stream and kind by kind."""
    found: dict[str, str] = {}
    for output in cell["outputs"]:
        data = {output["name"]: output["text"]} if "name" in output else output.get("data", {})
        for kind, text in data.items():
            if kind in ("stdout", "stderr") or kind.startswith("text/"):
                found[kind] = found.get(kind, "") + "".join(text)
    return [f"{kind}: {line}" for kind in sorted(found) for line in found[kind].splitlines()]


def output_differences(fresh: Path, committed: Path) -> list[str]:
    """Return a line for each cell whose printed output is not the committed one."""
    new = cells(fresh)
    old = cells(committed)
    if [cell["source"] for cell in new] != [cell["source"] for cell in old]:
        return [f"{fresh}: other cells than in {committed}"]
    lines = []
    for number, pair in enumerate(zip(map(printed, new), map(printed, old), strict=True), start=1):
        apart = [(one, other) for one, other in zip_longest(*pair, fillvalue="nothing") if one != other]
        if apart:
            lines.append(f"{fresh}: cell {number}: {apart[0][0]!r}, committed {apart[0][1]!r}")
    return lines


def compare_figures(name: str, folder: Path) -> Comparison:
    """Compare all figures that a notebook, as committed, shows with those in a folder."""
    shown = figures_of(Path("notebooks", f"{name}.ipynb"))
    return together([compare_figure(figure, folder, Path("figures")) for figure in shown])


def compare_notebook(name: str, folder: Path) -> Comparison:
    """Compare all that a notebook's run in a folder printed and drew with what is committed."""
    fresh = folder / f"{name}.ipynb"
    committed = Path("notebooks", f"{name}.ipynb")
    new = sorted({*figures_of(fresh)} - {*figures_of(committed)})
    lines = output_differences(fresh, committed) + [f"figure {figure} is not committed" for figure in new]
    texts = Comparison(len(cells(fresh)), 0, tuple(lines))
    return together([texts, compare_figures(name, folder / "figures")])


if __name__ == "__main__":
    of_all = together([compare_figures(name, Path(sys.argv[1])) for name in sys.argv[2:]])
    print(*of_all.differences, f"{of_all.figures} figures compared: {of_all}", sep="\n")
    sys.exit(bool(of_all.differences))
