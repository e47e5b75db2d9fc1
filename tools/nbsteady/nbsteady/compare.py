"""Compare tables of numbers and pictures, with room for what another machine computes or draws otherwise.

A table is a CSV file. Columns of numbers are compared; the others label the rows, and rows with equal labels
are a series. Two numbers agree if they differ by at most 1e-4 of the committed one plus 1e-6 of the largest
in its column and series. A label column "scales", such as "linear log", may say which columns of numbers are
drawn on a logarithmic axis: there, a tenth of the smallest replaces 1e-6 of the largest, if it is less.
Two pictures agree if no pixel differs by more than 16 of 255 in any channel.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, ImageChops

RELATIVE = 1e-4
OF_THE_LARGEST = 1e-6
OF_THE_SMALLEST = 0.1
OF_A_PIXEL = 16  # of 255
PICTURES = (".png", ".jpg", ".jpeg")


class Table(NamedTuple):
    """The columns of a CSV file by name, texts or numbers, and the names of those that label the rows."""

    columns: dict[str, np.ndarray]
    labels: list[str]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The labels of each row."""
        count = len(next(iter(self.columns.values())))
        return [*zip(*(self.columns[name] for name in self.labels), strict=True)] or [()] * count

    @property
    def numbers(self) -> list[str]:
        """The names of the columns that have numbers."""
        return [name for name in self.columns if name not in self.labels]


def is_number(text: str) -> bool:
    """Return whether a field is a number; an empty one is, since it stands for a missing one."""
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def read_table(path: Path, labels: Sequence[str] | None = None) -> Table:
    """Return a CSV file's columns; without ``labels``, those that are not all numbers label the rows."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.reader(file, strict=True) if line]
    if not lines or len({*lines[0]}) < len(lines[0]):
        raise ValueError("it has no first line with a name for each column")
    header = lines[0]
    rows = lines[1:]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} fields, and not {len(header)}")
    texts = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    words = [name for name in header if not all(map(is_number, texts[name]))]
    labels = words if labels is None else labels
    if {*words} - {*labels}:
        said = f"not all entries of {', '.join(words)} are numbers"
        raise ValueError(f"{said}; labels are {', '.join(labels)}")
    columns = {
        name: np.array(column if name in labels else [float(text or "nan") for text in column])
        for name, column in texts.items()
    }
    return Table(columns, [name for name in header if name in labels])


def logarithmic(table: Table, column: str) -> np.ndarray:
    """Return of each row whether its label "scales" has the column of numbers on a logarithmic axis."""
    place = table.numbers.index(column)
    scales = table.columns["scales"] if "scales" in table.labels else [""] * len(table.rows)
    return np.array([text.split()[place : place + 1] == ["log"] for text in scales], bool)


def allowed(table: Table, column: str) -> np.ndarray:
    """Return by how much each number of a column may differ."""
    sizes = np.abs(table.columns[column])
    sizes[np.isinf(sizes)] = np.nan
    number_of = {labels: number for number, labels in enumerate(dict.fromkeys(table.rows))}
    series = np.array([number_of[labels] for labels in table.rows], int)
    largest = np.zeros(len(number_of))
    smallest = np.full(len(number_of), np.inf)
    np.fmax.at(largest, series, sizes)
    np.fmin.at(smallest, series, np.where(sizes > 0, sizes, np.inf))
    beside = OF_THE_LARGEST * largest[series]
    least = OF_THE_SMALLEST * smallest[series]
    return RELATIVE * sizes + np.where(logarithmic(table, column), np.minimum(beside, least), beside)


def deviations(fresh: np.ndarray, committed: np.ndarray, tolerances: np.ndarray) -> np.ndarray:
    """Return by how much of what is allowed numbers differ; what has no size must be the same."""
    same = (fresh == committed) | (np.isnan(fresh) & np.isnan(committed))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.abs(fresh - committed) / tolerances
    return np.where(same, 0.0, np.nan_to_num(found, nan=np.inf, posinf=np.inf))


def data_difference(fresh: Table, committed: Table) -> tuple[str, float]:
    """Return where two tables differ most, or an empty text, and by how much of what is allowed."""
    if [*fresh.columns] != [*committed.columns]:
        return f"its columns are {', '.join(fresh.columns)}, committed {', '.join(committed.columns)}", np.inf
    new = fresh.rows
    old = committed.rows
    if len(new) != len(old):
        more = Counter(new)
        more.subtract(old)
        where = ", ".join(max(more, key=lambda labels: abs(more[labels])))
        return f"{where + ': ' * bool(where)}{len(new)} rows in all, committed {len(old)}", np.inf
    for number, (one, other) in enumerate(zip(new, old, strict=True), start=2):
        if one != other:
            return f"row {number} is of {', '.join(one)}, committed {', '.join(other)}", np.inf
    said = ""
    most = 0.0
    for name in committed.numbers if old else ():
        columns = fresh.columns[name], committed.columns[name]
        apart = deviations(*columns, allowed(committed, name))
        row = apart.argmax()
        if apart[row] > max(most, 1.0):
            of = f" ({', '.join(old[row])})" if old[row] else ""
            said = f"row {row + 2}{of}: {name} is {columns[0][row]:g}, committed {columns[1][row]:g}"
        most = max(most, float(apart[row]))
    return said, most


def picture_difference(fresh: Path | IO, committed: Path | IO, tolerance: float = OF_A_PIXEL) -> str:
    """Return where two pictures differ most, or an empty text."""
    with Image.open(fresh) as new, Image.open(committed) as old:
        if (new.size, new.mode) != (old.size, old.mode):
            return f"{new.size} pixels of {new.mode}, committed {old.size} of {old.mode}"
        apart = np.atleast_3d(ImageChops.difference(new, old)).max(axis=-1)
    if apart.max() <= tolerance:
        return ""
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    many = f"{np.count_nonzero(apart > tolerance)} pixels are of another colour"
    return f"{many}, at {column}, {row} by {apart.max()} of 255"


def file_difference(
    fresh: Path, committed: Path, labels: Sequence[str] | None = None, tolerance: float = OF_A_PIXEL
) -> tuple[str, float]:
    """Return in a line how a table or a picture differs, or an empty text; and the deviation of a table."""
    missing = [str(path) for path in (fresh, committed) if not path.exists()]
    if missing:
        return f"{' and '.join(missing)} is missing", np.inf
    if fresh.read_bytes() == committed.read_bytes():
        return "", 0.0
    try:
        if committed.suffix.lower() in PICTURES:
            said = picture_difference(fresh, committed, tolerance)
            deviation = 0.0
        else:
            table = read_table(committed, labels)
            said, deviation = data_difference(read_table(fresh, table.labels), table)
    except (ValueError, OSError, SyntaxError, csv.Error) as error:
        return f"{fresh} or {committed} cannot be read: {error}", np.inf
    return said and f"{fresh}: {said}", deviation
