"""How every figure looks and is kept: one style, one colour per rule, picture and data saved together."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from fa_utils.files import write_whole
from fa_utils.rules import FA, FA_STAR, GD, Rule

WIDTH = 8.8  # inches: at 100 dots to the inch, about what GitHub's notebook page shows
COLOURS = {GD.name: "#0072B2", FA.name: "#D55E00", FA_STAR.name: "#009E73"}
DASHES = {GD.name: "-", FA.name: (0, (5, 1.5)), FA_STAR.name: (0, (1, 1))}
THEORY = "black"
DATA_COLUMNS = ("panel", "kind", "series", "x", "y")
_SETTINGS: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "savefig.dpi": 160,
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.92",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 2.2,
}


def use() -> None:
    """Set Matplotlib's defaults to this package's style, whatever a user's own settings are."""
    mpl.rcdefaults()
    mpl.rcParams.update(_SETTINGS)


def panels(count: int = 1, height: float = 3.6) -> tuple[Figure, np.ndarray]:
    """Return a figure of GitHub's width with ``count`` panels side by side, and their axes (count,)."""
    figure, axes = plt.subplots(1, count, figsize=(WIDTH, height), squeeze=False)
    return figure, axes[0]


def draw_rule(ax: Axes, rule: Rule, times: np.ndarray, values: np.ndarray, **marks: Any) -> Axes:
    """Draw one rule's curve in its colour and dashes, named in the legend; ``marks`` change any of them."""
    usual = {"color": COLOURS[rule.name], "linestyle": DASHES[rule.name], "label": rule.name}
    ax.plot(times, values, **(usual | marks))
    return ax


def draw_theory(ax: Axes, x: np.ndarray, y: np.ndarray, name: str) -> Axes:
    """Draw a curve that theory predicts: a thin black line behind the measured ones, named in the legend."""
    ax.plot(x, y, color=THEORY, linewidth=1.1, zorder=1, label=name)
    return ax


def draw_spread(ax: Axes, rule: Rule, x: np.ndarray, quantiles: np.ndarray, name: str, **marks: Any) -> Axes:
    """Draw how a rule's draws spread at each x: ``quantiles`` (3, points) are lower end, dot, upper end."""
    low, middle, high = quantiles
    usual: dict[str, Any] = {"fmt": "o", "capsize": 4, "color": COLOURS[rule.name], "label": name}
    ax.errorbar(x, middle, yerr=[middle - low, high - middle], **(usual | marks))
    return ax


def draw_level(ax: Axes, level: float, name: str, linestyle: str = "-") -> Axes:
    """Draw a value that theory predicts: a thin black line behind the curves, named in the legend."""
    ax.axhline(level, color=THEORY, linewidth=1.1, linestyle=linestyle, zorder=1, label=name)
    return ax


@dataclass(frozen=True)
class Picture:
    """A saved figure: a notebook shows the picture, a text reader its description."""

    name: str
    description: str
    png: bytes

    def __repr__(self) -> str:
        return f"[picture {self.name}: {self.description}]"

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        return self.png, {"alt": self.description, "figure": self.name}


def save(figure: Figure, name: str, description: str) -> Picture:
    """Write ``name``.png and ``name``.csv, its data, to the figures' folder; close and return the picture.

    The same data give the same bytes: no dates, and only digits that do not depend on the machine.
    """
    folder = figures_folder()
    folder.mkdir(parents=True, exist_ok=True)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    plt.close(figure)
    write_whole(folder / f"{name}.csv", figure_data(figure).encode())
    write_whole(folder / f"{name}.png", picture.getvalue())
    return Picture(name, description, picture.getvalue())


def figures_folder() -> Path:
    """Return the folder named by FA_FIGURES; without it figures/ of this checkout, or of the work folder."""
    if os.environ.get("FA_FIGURES"):
        return Path(os.environ["FA_FIGURES"])
    checkout = Path(__file__).resolve().parents[1]
    return (checkout if (checkout / "notebooks").is_dir() else Path.cwd()) / "figures"


def figure_data(figure: Figure) -> str:
    """Return what a figure's axes show as CSV: every line, scatter, patch and image, point by point.

    Only digits that do not depend on the machine: five of each number, none of points outside the view, and
    none below a ten-millionth of a linear axis. A line across a whole panel, as `draw_level` draws it, is
    always in view.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(DATA_COLUMNS)
    for panel, ax in enumerate(figure.axes):
        for kind, label, points in _series(ax):
            for x, y in _without_rounding(ax, points):
                writer.writerow((panel, kind, label, f"{x:.5g}", f"{y:.5g}"))
    return text.getvalue()


def _series(ax: Axes) -> Iterator[tuple[str, object, np.ndarray]]:
    for line in ax.lines:
        points = np.asarray(line.get_xydata())
        yield "line", line.get_label(), points[_in_view(ax, points) | (line.get_transform() != ax.transData)]
    for collection in ax.collections:
        if isinstance(collection, LineCollection):
            kind, points = "bar", np.concatenate([*collection.get_segments(), np.zeros((0, 2))])
        else:
            kind, points = "scatter", np.ma.filled(collection.get_offsets(), np.nan)
        yield kind, collection.get_label(), points[_in_view(ax, points)]
    for patch in ax.patches:
        yield "patch", patch.get_label(), patch.get_patch_transform().transform(patch.get_path().vertices)
    for image in ax.images:
        values = np.ma.filled(image.get_array(), np.nan).ravel()  # type: ignore[arg-type]  # it has data
        yield "image", image.get_label(), np.column_stack([np.arange(values.size), values])


def _in_view(ax: Axes, points: np.ndarray) -> np.ndarray:
    """Return which points lie within the axes' limits, shape (points,)."""
    inside = np.ones(len(points), bool)
    for values, limits in zip(points.T, (ax.get_xlim(), ax.get_ylim()), strict=True):
        low, high = sorted(limits)
        margin = 1e-9 * (high - low)
        inside &= (values >= low - margin) & (values <= high + margin)
    return inside


def _without_rounding(ax: Axes, points: np.ndarray) -> np.ndarray:
    """Return the points with what lies below a ten-millionth of a linear axis rounded away."""
    kept = points.copy()
    for column, axis in enumerate((ax.xaxis, ax.yaxis)):
        if axis.get_scale() == "linear":
            digits = 7 - int(np.floor(np.log10(np.abs(np.subtract(*axis.get_view_interval())))))
            kept[:, column] = np.round(kept[:, column], digits) + 0.0  # no negative zero
    return kept
