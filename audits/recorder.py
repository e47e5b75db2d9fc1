"""What a kernel does for margins.py: note every number that a notebook shows, in full, in the file FA_RECORD.

A kernel calls `listen` at its start. A line of JSON for a number or a series: what shows it, its values as
hexadecimal texts, and where the last digit is: at ``unit``, or after so many significant ``digits``. What is
below ``hidden`` is shown as that.
"""

import ast
import json
import os
import re
from pathlib import Path

import numpy as np
from IPython import get_ipython

from fa_utils.report import claims, figures

SPECIFIED = re.compile(r".*?\.(\d+)([efg%])")
PLACES = {"f": 0, "%": 2}  # of these, digits are counted from the decimal point
SAVE = figures.save
SAVE_MOVING = figures.save_moving
RESOLVED = figures.resolved
ROW = claims.Claim.row.fget
COARSE: list[tuple[np.ndarray, float]] = []  # values in full of each resolved curve, and its last digit


def note(what, values, *, unit=0.0, digits=None, judged="", hidden=0.0) -> None:
    """Add a line for a number, or for the numbers of a series."""
    texts = [float(value).hex() for value in np.ravel(values)]
    line = {"what": what, "values": texts, "unit": unit, "digits": digits, "judged": judged, "hidden": hidden}
    with Path(os.environ["FA_RECORD"]).open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(line)}\n")


def row(claim) -> dict[str, str]:
    """Return a claim's row, after noting what it measured."""
    found = ROW(claim)
    unit = float(isinstance(claim.measured, int | np.integer))
    note(
        claim.statement,
        claim.measured,
        unit=unit,
        digits=2,
        judged=found["verdict"],
        hidden=claim.resolution,
    )
    return found


def resolved(values, least) -> np.ndarray:
    """Return the values in full where they are drawn."""
    full = np.where(np.isnan(RESOLVED(values, least)), np.nan, values)
    COARSE.append((full, least))
    return full


def note_figure(figure, name) -> None:
    """Add a line for each series that a figure shows."""
    for panel, ax in enumerate(figure.axes):
        for kind, artist, points in figures._series(ax):
            for axis, values, decimals in zip("xy", points.T, figures._decimals(ax), strict=True):
                drawn = values[~np.isnan(values)]
                units = [least for full, least in COARSE if np.isin(drawn, full).all()]
                unit = max([10.0**-decimals, *units])
                note(
                    f"{name}: panel {panel}, {kind} {artist.get_label()!r}, {axis}",
                    values,
                    unit=unit,
                    digits=5,
                )


def save(figure, name, description) -> figures.Picture:
    """Save a figure, after noting all of its data."""
    note_figure(figure, name)
    return SAVE(figure, name, description)


def save_moving(figure, name, description, draw_frame, frames) -> figures.Picture:
    """Save a figure that moves, after noting the data of each frame."""

    def noted(frame) -> None:
        draw_frame(frame)
        note_figure(figure, f"{name}, frame {frame}")

    return SAVE_MOVING(figure, name, description, noted, frames)


def shown(value, specification):
    """Return a value that an f-string shows, after noting it."""
    found = SPECIFIED.fullmatch(specification)
    if isinstance(value, float | np.floating) and found:
        what = f"f-string {{:{specification}}}"
        digits = int(found[1])
        kind = found[2]
        if kind in PLACES:
            note(what, value, unit=10.0 ** -(digits + PLACES[kind]))
        else:
            note(what, value, digits=digits + (kind == "e"))
    return value


class Listening(ast.NodeTransformer):
    """Sends each value in an f-string through `shown`."""

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.FormattedValue:
        """Return the node with its value in a call."""
        self.generic_visit(node)
        specification = node.format_spec or ast.JoinedStr([])
        node.value = ast.Call(ast.Name("_shown", ast.Load()), [node.value, specification], [])
        return node


def listen() -> None:
    """Listen to claims, to figures as they are saved, and to what f-strings in cells show."""
    figures.save = save
    figures.save_moving = save_moving
    figures.resolved = resolved
    claims.Claim.row = property(row)
    shell = get_ipython()
    shell.user_ns["_shown"] = shown
    shell.ast_transformers.append(Listening())
