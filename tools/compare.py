"""Compare what a run made with what is committed: compare.py FIGURES NOTEBOOK ...

Data of a figure agree if every number does: to 1e-4 of itself and 1e-6 of the largest in its series, on a
logarithmic axis to a tenth of the smallest if that is less. Its pictures agree if no pixel differs by more
than 16 of 255. Printed outputs agree if they are equal, as nbval has it: all that is text, cell by cell.
"""

import json
import os
import sys
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import image

RELATIVE = 1e-4
OF_THE_LARGEST = 1e-6
OF_THE_SMALLEST = 0.1
OF_A_PIXEL = 16 / 255
NUMBERS = ["x", "y"]
LABELS = ["panel", "kind", "series", "scales"]


class Comparison(NamedTuple):
    """How much was compared, a line for each difference, and the largest deviation over what is allowed."""

    outputs: int = 0
    figures: int = 0
    differences: tuple[str, ...] = ()
    deviation: float = 0.0

    def __str__(self) -> str:
        return (
            f"{len(self.differences)} differ; data deviate by at most {self.deviation:.2g} of what is allowed"
        )


def together(found: list[Comparison]) -> Comparison:
    """Return several comparisons as one."""
    lines = tuple(line for one in found for line in one.differences)
    counts = sum(one.outputs for one in found), sum(one.figures for one in found)
    return Comparison(*counts, lines, max((one.deviation for one in found), default=0.0))


def cells(notebook: Path) -> list[dict]:
    """Return the code cells of a notebook."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


def outputs(notebook: Path) -> list[dict]:
    """Return all outputs of a notebook, in order."""
    return [output for cell in cells(notebook) for output in cell["outputs"]]


def figures_of(notebook: Path) -> list[str]:
    """Return the names of the figures that a notebook's outputs show."""
    about = [output.get("metadata", {}).get("image/png", {}) for output in outputs(notebook)]
    return [one["figure"] for one in about if "figure" in one]


# --- figures ---


def read_data(path: Path) -> pd.DataFrame:
    """Return a figure's data, a row a point."""
    kinds = dict.fromkeys(LABELS, str) | dict.fromkeys(NUMBERS, float)
    return pd.read_csv(
        path, dtype=kinds, keep_default_na=False, na_values={name: ["nan"] for name in NUMBERS}
    )


def allowed(data: pd.DataFrame, column: str) -> pd.Series:
    """Return by how much each number of a column may differ."""
    sizes = data[column].abs().replace(np.inf, np.nan)
    series = [data[label] for label in LABELS]
    beside = OF_THE_LARGEST * sizes.groupby(series, sort=False).transform("max")
    least = OF_THE_SMALLEST * sizes.where(sizes > 0).groupby(series, sort=False).transform("min")
    logarithmic = data["scales"].str.split().str[NUMBERS.index(column)] == "log"
    return RELATIVE * sizes + beside.mask(logarithmic & (least < beside), least)


def data_difference(fresh: pd.DataFrame, committed: pd.DataFrame) -> tuple[str, float]:
    """Return where the data of a figure differ most, or an empty text, and by how much of what is allowed."""
    if [*fresh] != [*committed] or len(fresh) != len(committed):
        return f"{len(fresh)} rows of {[*fresh]}, committed {len(committed)} of {[*committed]}", np.inf
    renamed = (fresh[LABELS] != committed[LABELS]).any(axis=1)
    if renamed.any():
        row = renamed.idxmax()
        return (
            f"row {row + 2} is {[*fresh.loc[row, LABELS]]}, committed {[*committed.loc[row, LABELS]]}",
            np.inf,
        )
    columns = {}
    for column in NUMBERS:
        new, old = fresh[column], committed[column]
        apart = (new - old).abs() / allowed(committed, column)
        columns[column] = apart.fillna(np.inf).mask((new == old) | (new.isna() & old.isna()), 0.0)
    deviations = pd.DataFrame(columns)
    if not (deviations > 1).any(axis=None):
        return "", float(deviations.max(axis=None)) if len(deviations) else 0.0
    row, column = deviations.stack().idxmax()
    panel, kind, series, _ = fresh.loc[row, LABELS]
    numbers = f"{column} is {fresh.loc[row, column]:g}, committed {committed.loc[row, column]:g}"
    return f"panel {panel}, {kind} {series!r}, row {row + 2}: {numbers}", float(deviations.loc[row, column])


def picture_difference(fresh: Path, committed: Path) -> str:
    """Return where two pictures differ most, or an empty text."""
    new, old = image.imread(fresh), image.imread(committed)
    if new.shape != old.shape:
        return f"{new.shape[1]} x {new.shape[0]} pixels, committed {old.shape[1]} x {old.shape[0]}"
    apart = np.abs(new - old).max(axis=-1)
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    many = f"{np.count_nonzero(apart > OF_A_PIXEL)} pixels are of another colour"
    return f"{many}, at {column}, {row} by {255 * apart.max():.0f} of 255" if apart.max() > OF_A_PIXEL else ""


def compare_figure(name: str, fresh: Path, committed: Path) -> Comparison:
    """Compare a figure's data and its picture in one folder with those in another."""
    paths = [folder / f"{name}{kind}" for folder in (fresh, committed) for kind in (".csv", ".png")]
    missing = tuple(f"{path} is missing" for path in paths if not path.exists())
    if missing:
        return Comparison(0, 1, missing, np.inf)
    in_data, deviation = data_difference(read_data(paths[0]), read_data(paths[2]))
    # Another Matplotlib draws otherwise: the audit that tries some leaves pictures out.
    in_picture = "" if os.environ.get("FA_PIXELS") == "no" else picture_difference(paths[1], paths[3])
    lines = [f"{path}: {line}" for path, line in zip(paths[:2], (in_data, in_picture), strict=True) if line]
    return Comparison(0, 1, tuple(lines), deviation)


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
    new, old = cells(fresh), cells(committed)
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
    figures = figures_of(Path("notebooks", f"{name}.ipynb"))
    return together([compare_figure(figure, folder, Path("figures")) for figure in figures])


def compare_notebook(name: str, folder: Path) -> Comparison:
    """Compare all that a notebook's run in a folder printed and drew with what is committed."""
    fresh, committed = folder / f"{name}.ipynb", Path("notebooks", f"{name}.ipynb")
    new = sorted({*figures_of(fresh)} - {*figures_of(committed)})
    lines = output_differences(fresh, committed) + [f"figure {figure} is not committed" for figure in new]
    texts = Comparison(outputs=len(cells(fresh)), differences=tuple(lines))
    return together([texts, compare_figures(name, folder / "figures")])


if __name__ == "__main__":
    of_all = together([compare_figures(name, Path(sys.argv[1])) for name in sys.argv[2:]])
    print(*of_all.differences, f"{of_all.figures} figures compared: {of_all}", sep="\n")
    sys.exit(bool(of_all.differences))
