"""The verdicts of many runs of one notebook: as one table, as a summary in words, and as one picture."""

import io
import math
import re
import textwrap
from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from parameters import literal
from verdicts import as_csv

from fa_utils import style
from fa_utils.files import write_whole

COLUMNS = ["statement", "mark", "measured", "relation", "bound", "verdict"]
NUMBER = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
BROKE = "the run broke"
MARKS = {"holds": {"marker": "o", "color": "#4477AA"}, "fails": {"marker": "x", "color": "#CC3311"}}
WIDE = 30  # an axis of numbers that differ by more than this factor is logarithmic

Rows = list[dict[str, str]]


def broken(error: str) -> dict[str, str]:
    """Return the row of a run that broke before it came to all its verdicts."""
    return dict.fromkeys(COLUMNS, "") | {"statement": f"{BROKE}: {error}", "verdict": "broke"}


def by_statement(runs: list[Rows]) -> list[tuple[str, Rows]]:
    """Return each statement with its rows from all runs.

    Rows whose statements differ in numbers only, and that are the first such rows of their runs (or the
    second, and so on), belong together: a statement may name a parameter's value. Such numbers are left out.
    """
    groups = {}
    for rows in runs:
        seen = Counter()
        for row in rows:
            pattern = NUMBER.sub("", row["statement"])
            seen[pattern] += 1
            groups.setdefault((pattern, seen[pattern]), []).append(row)
    return [(common([row["statement"] for row in rows]), rows) for rows in groups.values()]


def common(statements: list[str]) -> str:
    """Return statements that differ in numbers only as one, with dots in place of these."""
    pieces = zip(*map(NUMBER.split, statements), strict=True)
    return "".join(alike[0] if len(set(alike)) == 1 else "…" for alike in pieces)


def count_holding(rows: Rows) -> int:
    """Return how many of these verdicts hold."""
    return sum(row["verdict"] == "holds" for row in rows)


def summary(groups: list[tuple[str, Rows]], runs: int) -> str:
    """Return a line for each statement: in how many runs it holds, what was measured, and the bound."""
    lines = []
    for statement, rows in groups:
        if statement.startswith(BROKE):
            lines.append((f"in {len(rows)} of {runs}", "", "", "", statement))
            continue
        measured, bounds = (span([float(row[name]) for row in rows]) for name in ("measured", "bound"))
        held = f"holds in {count_holding(rows)} of {len(rows)}"
        lines.append((held, measured, rows[0]["relation"], bounds, statement))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def span(values: list[float]) -> str:
    """Return the least and the largest of some numbers, or the only one."""
    return " to ".join(f"{value:g}" for value in sorted({min(values), max(values)}))


def axis_of(names: list[str], rows: Rows) -> str:
    """Return the parameter that goes along the axis: the first that has several values, else the first."""
    return next((name for name in names if len({row[name] for row in rows}) > 1), names[0])


def places(values: list[str]) -> dict[str, float]:
    """Return where each value stands along an axis: at its number, or in turn where one is no number."""
    found = {value: literal(value) for value in values}
    if all(isinstance(number, int | float) for number in found.values()):
        return {value: float(number) for value, number in found.items()}
    return {value: float(place) for place, value in enumerate(found)}


def most_even_scale(points: np.ndarray) -> str:
    """Return the scale, linear or log, on which the gaps between these points differ less."""

    def unevenness(gaps: np.ndarray) -> float:
        return gaps.max() / gaps.min() if gaps.size else 1.0

    distinct = np.unique(points)
    if distinct[0] <= 0:
        return "linear"
    return "log" if unevenness(np.diff(np.log(distinct))) < unevenness(np.diff(distinct)) else "linear"


def side_by_side(x: np.ndarray) -> np.ndarray:
    """Return places near those given that all differ: equal ones become a row about where they were."""
    distinct = np.unique(x)
    reach = np.ptp(x) or 1.0
    half_width = min(0.07 * reach, 0.35 * np.diff(distinct).min(initial=reach))
    moved = x.copy()
    for value in distinct:
        equal = x == value
        moved[equal] += half_width * np.linspace(-1, 1, equal.sum()) if equal.sum() > 1 else 0
    return moved


def draw_runs(ax: Axes, x: np.ndarray, measured: np.ndarray, verdicts: np.ndarray) -> Axes:
    """Draw a mark for each run, and a line through the medians where an x has several runs."""
    apart = 10 ** side_by_side(np.log10(x)) if ax.get_xscale() == "log" else side_by_side(x)
    for verdict, marks in MARKS.items():
        chosen = (verdicts == verdict) & np.isfinite(measured)
        ax.plot(
            apart[chosen],
            measured[chosen],
            markersize=5,
            linestyle="none",
            fillstyle="none",
            label=verdict,
            **marks,
        )
    distinct = np.unique(x)
    if distinct.size < x.size:
        medians = [np.median(measured[x == value]) for value in distinct]
        ax.plot(distinct, medians, color=MARKS["holds"]["color"], linewidth=1.3, label="median")
    return ax


def draw_bound(ax: Axes, x: np.ndarray, bounds: np.ndarray, relation: str) -> Axes:
    """Draw the bound, at each x the tightest, from end to end of the axis, and shade what it excludes."""
    tightest = np.max if relation == ">=" else np.min
    distinct = np.unique(x)
    along = np.array([tightest(bounds[x == value]) for value in distinct])
    ax.update_datalim(np.column_stack([distinct, along]))
    ax.autoscale_view()
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    across, along = np.r_[left, distinct, right], np.r_[along[0], along, along[-1]]
    style.draw_theory(ax, across, along, "bound")
    if relation != "==":
        beyond = high if relation == "<=" else low
        ax.fill_between(across, along, beyond, color="0.88", linewidth=0, zorder=0, label="excluded")
    ax.set(xlim=(left, right), ylim=(low, high))
    return ax


def draw_statement(ax: Axes, rows: Rows, name: str) -> Axes:
    """Draw what was measured for one statement over a parameter, and its bound."""
    place = places([row[name] for row in rows])
    x = np.array([place[row[name]] for row in rows])
    measured, bounds = (np.array([float(row[column]) for row in rows]) for column in ("measured", "bound"))
    drawn = np.concatenate([measured[np.isfinite(measured)], bounds])
    wide = drawn.min() > 0 and drawn.max() > WIDE * drawn.min()
    ax.set(xscale=most_even_scale(x), yscale="log" if wide else "linear")
    ax.set_xlabel(name, fontsize=10)
    ax.tick_params(labelsize=9)
    ax.margins(0.1)
    draw_runs(ax, x, measured, np.array([row["verdict"] for row in rows]))
    draw_bound(ax, x, bounds, rows[0]["relation"])
    if len(place) <= 10:
        ax.set_xticks(list(place.values()), list(place))
        ax.minorticks_off()
    return ax


def picture(groups: list[tuple[str, Rows]], names: list[str], title: str) -> Figure:
    """Return a figure with a panel for each statement, two a row: what was measured, over a parameter."""
    style.use()
    name = axis_of(names, [row for _, rows in groups for row in rows])
    shown = [(statement, rows) for statement, rows in groups if not statement.startswith(BROKE)]
    count = max(1, math.ceil(len(shown) / 2))
    figure, axes = plt.subplots(count, 2, figsize=(style.WIDTH, 0.9 + 2.4 * count), squeeze=False)
    for ax, (statement, rows) in zip(axes.flat, shown, strict=False):
        draw_statement(ax, rows, name)
        ax.set_title("\n".join(textwrap.wrap(statement, 52)), fontsize=10, loc="left")
    for ax in axes.flat[len(shown) :]:
        ax.remove()
    handles = {}
    for ax in figure.axes:
        handles |= {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper right", ncols=5, fontsize=10)
    figure.suptitle(title, x=0.01, ha="left", fontsize=13)
    return figure


def write(folder: Path, name: str, runs: list[Rows]) -> int:
    """Write a sweep's table and picture, and print its summary; return the exit code."""
    rows = [row for of_run in runs for row in of_run]
    names = [column for column in rows[0] if column not in (*COLUMNS, "chance", "shown")]
    groups, holding = by_statement(runs), count_holding(rows)
    broke = sum(len(of_it) for statement, of_it in groups if statement.startswith(BROKE))
    title = f"{name}: {len(runs)} runs{f', {broke} broke' if broke else ''}"
    figure, drawn = picture(groups, names, title), io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    plt.close(figure)
    write_whole(folder / "verdicts.csv", as_csv(rows, [*names, *COLUMNS]).encode())
    write_whole(folder / "verdicts.png", drawn.getvalue())
    print(summary(groups, len(runs)))
    print(f"{holding} of {len(rows)} verdicts hold; see verdicts.csv and verdicts.png in {folder}")
    return int(holding < len(rows))
