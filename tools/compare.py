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
from PIL import Image, ImageChops

RELATIVE = 1e-4
OF_THE_LARGEST = 1e-6
OF_THE_SMALLEST = 0.1
OF_A_PIXEL = 16  # of 255
NUMBERS = ["x", "y"]
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


def read_data(path: Path) -> pd.DataFrame:
    """Return a figure's data, a row a point; raise ValueError where a file has none."""
    kinds = dict.fromkeys(LABELS, str) | dict.fromkeys(NUMBERS, float)
    missing = {name: ["nan"] for name in NUMBERS}
    data = pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=missing)
    if [*data] != [*kinds] or not isinstance(data.index, pd.RangeIndex):
        raise ValueError(f"its columns are {', '.join(data)}, and not {', '.join(kinds)}")
    return data


def allowed(data: pd.DataFrame, column: str) -> pd.Series:
    """Return by how much each number of a column may differ."""
    sizes = data[column].abs().replace(np.inf, np.nan)
    series = data.groupby(LABELS, sort=False).ngroup()
    beside = OF_THE_LARGEST * sizes.groupby(series, sort=False).transform("max")
    least = OF_THE_SMALLEST * sizes.where(sizes > 0).groupby(series, sort=False).transform("min")
    scales = data["scales"].str
    logarithmic = scales.startswith("log ") if column == "x" else scales.endswith(" log")
    return RELATIVE * sizes + beside.mask(logarithmic & (least < beside), least)


def data_difference(fresh: pd.DataFrame, committed: pd.DataFrame) -> tuple[str, float]:
    """Return where the data of a figure differ most, or an empty text, and by how much of what is allowed."""
    if len(fresh) != len(committed):
        more = fresh[LABELS].value_counts().sub(committed[LABELS].value_counts(), fill_value=0)
        where = "panel {}, {} {!r}".format(*more.abs().idxmax())
        return f"{where}: {len(fresh)} rows in all, committed {len(committed)}", np.inf
    renamed = (fresh[LABELS] != committed[LABELS]).any(axis=1)
    if renamed.any():
        new, old = (", ".join(data.loc[renamed.idxmax(), LABELS]) for data in (fresh, committed))
        return f"row {renamed.idxmax() + 2} is of {new}, committed {old}", np.inf
    new, old = fresh[NUMBERS], committed[NUMBERS]
    apart = (new - old).abs() / pd.DataFrame({column: allowed(committed, column) for column in NUMBERS})
    deviations = apart.fillna(np.inf).mask((new == old) | (new.isna() & old.isna()), 0.0)
    if not (deviations > 1).any(axis=None):
        return "", float(deviations.max(axis=None)) if len(deviations) else 0.0
    row, column = deviations.stack().idxmax()
    panel, kind, series, _ = fresh.loc[row, LABELS]
    numbers = f"{column} is {fresh.loc[row, column]:g}, committed {committed.loc[row, column]:g}"
    return f"panel {panel}, {kind} {series!r}, row {row + 2}: {numbers}", float(deviations.loc[row, column])


def picture_difference(fresh: Path, committed: Path) -> str:
    """Return where two pictures differ most, or an empty text."""
    with Image.open(fresh) as new, Image.open(committed) as old:
        if (new.size, new.mode) != (old.size, old.mode):
            return f"{new.size} pixels of {new.mode}, committed {old.size} of {old.mode}"
        apart = np.atleast_3d(ImageChops.difference(new, old))
    if apart.max() <= OF_A_PIXEL:
        return ""
    apart = apart.max(axis=-1)
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    many = f"{np.count_nonzero(apart > OF_A_PIXEL)} pixels are of another colour"
    return f"{many}, at {column}, {row} by {apart.max()} of 255"


def compare_figure(name: str, fresh: Path, committed: Path) -> Comparison:
    """Compare a figure's data and its picture in one folder with the committed ones in another."""
    paths = [folder / f"{name}{kind}" for folder in (fresh, committed) for kind in (".csv", ".png")]
    missing = [f"{path} is missing" for path in paths if not path.exists()]
    # Of a figure that moves, all frames are in the data.
    moving = [folder / f"{name}.gif" for folder in (fresh, committed)]
    if any(path.exists() for path in moving):
        missing += [f"{path} is missing" for path in moving if not path.exists()]
    if missing:
        return Comparison(0, 1, tuple(missing), np.inf)
    # Another Matplotlib draws otherwise: the audit that tries some leaves pictures out.
    pixels = os.environ.get("FA_PIXELS") != "no"
    try:
        same = [new.read_bytes() == old.read_bytes() for new, old in zip(paths[:2], paths[2:], strict=True)]
        in_data, deviation = ("", 0.0) if same[0] else data_difference(*map(read_data, paths[::2]))
        in_picture = "" if same[1] or not pixels else picture_difference(*paths[1::2])
    except (ValueError, OSError, SyntaxError) as error:
        return Comparison(0, 1, (f"figure {name} in {fresh} or {committed} cannot be read: {error}",), np.inf)
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
    shown = figures_of(Path("notebooks", f"{name}.ipynb"))
    return together([compare_figure(figure, folder, Path("figures")) for figure in shown])


def compare_notebook(name: str, folder: Path) -> Comparison:
    """Compare all that a notebook's run in a folder printed and drew with what is committed."""
    fresh, committed = folder / f"{name}.ipynb", Path("notebooks", f"{name}.ipynb")
    new = sorted({*figures_of(fresh)} - {*figures_of(committed)})
    lines = output_differences(fresh, committed) + [f"figure {figure} is not committed" for figure in new]
    texts = Comparison(len(cells(fresh)), 0, tuple(lines))
    return together([texts, compare_figures(name, folder / "figures")])


if __name__ == "__main__":
    of_all = together([compare_figures(name, Path(sys.argv[1])) for name in sys.argv[2:]])
    print(*of_all.differences, f"{of_all.figures} figures compared: {of_all}", sep="\n")
    sys.exit(bool(of_all.differences))
