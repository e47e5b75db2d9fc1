"""What a kernel does for margins.py: note every number that a notebook shows, in full, in the file FA_RECORD.

Executed at the kernel's start. A line of JSON for a number or a series: what shows it, its values as
hexadecimal texts, and where the last digit is: at ``unit``, or after so many significant ``digits``.
"""

import ast
import json
import os
import re

import numpy as np
from IPython import get_ipython

from fa_utils import claims, style

SPECIFIED = re.compile(r".*?\.(\d+)([efg%])")
UNITS = {"f": 0, "%": 2}


def install() -> None:
    """Listen to claims, to figures as they are saved, and to what f-strings in cells show."""
    file = open(os.environ["FA_RECORD"], "w", encoding="utf-8")  # noqa: SIM115  # as long as the kernel lives
    originals = {"save": style.save, "resolved": style.resolved, "row": claims.Claim.row.fget}
    coarse: list[tuple[np.ndarray, float]] = []

    def note(what, values, unit=0.0, digits=None, judged="", hidden=0.0):
        texts = [float(value).hex() for value in np.ravel(values)]
        line = {"what": what, "values": texts, "unit": unit, "digits": digits}
        line |= {"judged": judged, "hidden": hidden}
        file.write(f"{json.dumps(line)}\n")
        file.flush()

    def row(claim):
        shown = originals["row"](claim)
        count = isinstance(claim.measured, int | np.integer)
        note(claim.statement, claim.measured, float(count), 2, shown["verdict"], claim.resolution)
        return shown

    def resolved(values, least):
        full = np.where(np.isnan(originals["resolved"](values, least)), np.nan, values)
        coarse.append((full, least))
        return full

    def save(figure, name, description):
        for panel, ax in enumerate(figure.axes):
            for kind, artist, points in style._series(ax):
                for axis, values, grain in zip("xy", points.T, style._grains(ax), strict=True):
                    drawn = values[~np.isnan(values)]
                    units = [least for full, least in coarse if np.isin(drawn, full).all()]
                    unit = max([0.0 if grain is None else 10.0**-grain, *units])
                    note(f"{name}: panel {panel}, {kind} {artist.get_label()!r}, {axis}", values, unit, 5)
        return originals["save"](figure, name, description)

    def shown(value, specification):
        found = SPECIFIED.fullmatch(specification)
        if isinstance(value, float | np.floating) and found:
            digits, kind = int(found[1]), found[2]
            unit = 10.0 ** -(digits + UNITS[kind]) if kind in UNITS else 0.0
            note(
                f"f-string {{:{specification}}}",
                value,
                unit,
                None if kind in UNITS else digits + (kind == "e"),
            )
        return value

    class Listening(ast.NodeTransformer):
        """Sends each value in an f-string through ``shown``."""

        def visit_FormattedValue(self, node):
            self.generic_visit(node)
            specification = node.format_spec or ast.JoinedStr([])
            node.value = ast.Call(ast.Name("_shown", ast.Load()), [node.value, specification], [])
            return node

    style.save, style.resolved, claims.Claim.row = save, resolved, property(row)
    ipython = get_ipython()
    ipython.user_ns_hidden["_shown"] = ipython.user_ns["_shown"] = shown
    ipython.ast_transformers.append(Listening())


install()
del install
