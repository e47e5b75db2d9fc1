"""Compare the data behind figures: compare_figures.py DRAWN COMMITTED

Exits with 1 and one line per difference where a figure is missing on either side, a series is missing or
named otherwise, or a number differs by more than 1e-4 of itself plus 1e-6 of the series' largest.
"""

import csv
import sys
from itertools import groupby
from pathlib import Path

import numpy as np


def read_series(path: Path) -> dict[tuple[str, ...], np.ndarray]:
    """Return {(panel, kind, series): points (k, 2)} of one figure's data."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    return {
        key: np.array([row[3:] for row in group], float)
        for key, group in groupby(rows, lambda row: tuple(row[:3]))
    }


def differences(drawn: Path, committed: Path) -> list[str]:
    """Return a line for each way in which the drawn figures are not the committed ones."""
    names = sorted({path.name for folder in (drawn, committed) for path in folder.glob("*.csv")})
    lines = []
    for name in names:
        absent = [str(folder) for folder in (drawn, committed) if not (folder / name).exists()]
        if absent:
            lines.append(f"{name} is missing in {' and '.join(absent)}")
        else:
            lines += [f"{name}: {line}" for line in _figure_differences(drawn / name, committed / name)]
    if not names:
        lines.append(f"no figure data in {drawn} and {committed}")
    return lines


def _figure_differences(drawn: Path, committed: Path) -> list[str]:
    new, old = read_series(drawn), read_series(committed)
    lines = [f"series {key} is on one side only" for key in sorted(new.keys() ^ old.keys())]
    for key in sorted(new.keys() & old.keys()):
        if new[key].shape != old[key].shape:
            lines.append(f"series {key} has {len(new[key])} points, committed {len(old[key])}")
        elif not np.allclose(
            new[key], old[key], rtol=1e-4, atol=1e-6 * np.abs(old[key]).max(), equal_nan=True
        ):
            lines.append(f"series {key} differs by up to {np.abs(new[key] - old[key]).max():.2g}")
    return lines


if __name__ == "__main__":
    found = differences(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(found) or "figures' data are the committed ones")
    sys.exit(bool(found))
