"""How every figure looks and is kept: one style, one colour per rule, picture and data saved together."""

import csv
import io
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from fa_utils.files import write_whole
from fa_utils.rules import FA, FA_STAR, GD, Rule

WIDTH = 8.8  # inches: at 100 dots to the inch, about what GitHub's notebook page shows
COLOURS = {GD.name: "#0072B2", FA.name: "#D55E00", FA_STAR.name: "#009E73"}
DASHES = {GD.name: "-", FA.name: (0, (5, 1.5)), FA_STAR.name: (0, (1, 1))}
DOTS = 160  # to the inch, of a picture that is kept
THEORY = "black"
DATA_COLUMNS = ("panel", "kind", "series", "scales", "x", "y")
A_HAIR_ABOVE = 1 + 1e-12  # rounding upward, Python shows what is a hair below a power of ten as nan
_SETTINGS: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.92",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 2.2,
    "path.simplify": False,  # which points are left out depends on rounding, and shows
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


def resolved(values: np.ndarray, least: float) -> np.ndarray:
    """Return values with ``least`` as last digit, and NaN, which is not drawn, for those below ten of it.

    For a logarithmic axis: a solver's tolerance, or rounding, ends what can be said of small values.

    >>> style.resolved(np.array([0.123456, 0.0123456, 0.00123456]), 1e-3)
    array([0.123, 0.012,   nan])
    """
    rounded = least * np.floor(np.asarray(values) / least + 0.5)  # np.round goes where the processor rounds
    return np.where(np.abs(rounded) < 9.5 * least, np.nan, rounded)


def save(figure: Figure, name: str, description: str) -> Picture:
    """Write ``name``.png and ``name``.csv, its data, to the figures' folder; close and return the picture.

    The picture is drawn from the data as they are written: with the digits that do not depend on the machine.
    """
    folder = figures_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for ax in figure.axes:
        _shorten(ax)
    png = _printed(figure)
    plt.close(figure)
    write_whole(folder / f"{name}.csv", figure_data(figure).encode())
    write_whole(folder / f"{name}.png", png)
    return Picture(name, description, png)


def _printed(figure: Figure) -> bytes:
    """Return the picture as PNG, as `savefig` makes it, which would draw all of it twice."""
    picture = io.BytesIO()
    figure.set_dpi(DOTS)
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine("none")
    FigureCanvasAgg(figure).print_png(picture, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return picture.getvalue()


def figures_folder() -> Path:
    """Return the folder named by FA_FIGURES; without it build/figures of this checkout or the work folder."""
    if os.environ.get("FA_FIGURES"):
        return Path(os.environ["FA_FIGURES"])
    checkout = Path(__file__).resolve().parents[1]
    return (checkout if (checkout / "notebooks").is_dir() else Path.cwd()) / "build" / "figures"


def figure_data(figure: Figure) -> str:
    """Return what a figure's axes show as CSV: every line, scatter, area, patch and image, point by point.

    Each number has five digits, and on a linear axis none below a ten-millionth of its panel's largest, the
    axis' ends among them. Points that are out of view are written as well.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(DATA_COLUMNS)
    for panel, ax in enumerate(figure.axes):
        scales = f"{ax.get_xscale()} {ax.get_yscale()}"
        grains = _grains(ax)
        for kind, artist, points in _series(ax):
            for x, y in _shortened(points, grains) * A_HAIR_ABOVE:
                writer.writerow((panel, kind, artist.get_label(), scales, f"{x:z.5g}", f"{y:z.5g}"))
    return text.getvalue()


def _series(ax: Axes) -> Iterator[tuple[str, Any, np.ndarray]]:
    """Yield kind, artist and points, shape (points, 2), of all that the axes show."""
    for line in ax.lines:
        yield "line", line, np.asarray(line.get_xydata())
    for collection in ax.collections:
        if isinstance(collection, PathCollection):
            yield "scatter", collection, np.ma.filled(collection.get_offsets(), np.nan)
        else:
            kind = "bar" if isinstance(collection, LineCollection) else "area"
            yield kind, collection, _joined([path.vertices for path in collection.get_paths()])
    for patch in ax.patches:
        yield "patch", patch, patch.get_patch_transform().transform(patch.get_path().vertices)
    for image in ax.images:
        values = np.ma.filled(image.get_array(), np.nan).ravel()  # type: ignore[arg-type]  # it has data
        yield "image", image, np.column_stack([np.arange(values.size), values])


def _joined(pieces: Sequence[Any]) -> np.ndarray:
    """Return the points of all pieces, shape (points, 2)."""
    return np.concatenate([np.zeros((0, 2)), *(np.reshape(piece, (-1, 2)) for piece in pieces)])


def _grains(ax: Axes) -> list[int | None]:
    """Return how many decimals count on each axis: a ten-millionth of its largest, all if logarithmic."""
    grains: list[int | None] = []
    points = _joined(
        [*(points for _, _, points in _series(ax)), np.transpose([ax.get_xlim(), ax.get_ylim()])]
    )
    for column, axis in enumerate((ax.xaxis, ax.yaxis)):
        sizes = np.abs(points[:, column])
        largest = sizes[np.isfinite(sizes)].max(initial=0.0)
        linear = axis.get_scale() == "linear" and largest > 0
        grains.append(7 - math.ceil(math.log10(largest)) if linear else None)
    return grains


def _shortened(points: np.ndarray, grains: list[int | None]) -> np.ndarray:
    """Return points with five digits in each number, and no digit below its axis's grain."""
    return np.column_stack([_rounded(points[:, axis], 5, grain) for axis, grain in enumerate(grains)])


def _rounded(values: np.ndarray, digits: int, grain: int | None = None) -> np.ndarray:
    """Return values with so many significant digits, and at most ``grain`` decimals.

    By hand, since `round`, `np.round` and float's format go astray where the processor rounds upward.
    """
    counts = np.isfinite(values) & (values != 0)
    sizes = np.floor(np.log10(np.abs(values), where=counts, out=np.zeros(values.shape)))
    decimals = digits - 1 - sizes if grain is None else np.minimum(digits - 1 - sizes, grain)
    scales = 10.0**decimals
    return np.where(counts, np.floor(np.where(counts, values, 0.0) * scales + 0.5) / scales, values)


def _shorten(ax: Axes) -> None:
    """Give the axes' curves, points and images the numbers that are written, and limits of six digits."""
    grains = _grains(ax)
    limits = [_limits(ax.xaxis), _limits(ax.yaxis)]
    for kind, artist, points in _series(ax):
        short = _shortened(points, grains)
        if kind == "line":
            artist.set_data(*short.T)
        elif kind == "scatter":
            artist.set_offsets(short)
        elif kind == "image":
            artist.set_data(short[:, 1].reshape(artist.get_array().shape))
    ax.set(xlim=limits[0], ylim=limits[1])


def _limits(axis: Axis) -> np.ndarray:
    """Return an axis's limits with six digits; logarithmic ones a little apart: none is just a tick."""
    ends = _rounded(np.array(axis.get_view_interval()), 6)
    if axis.get_scale() == "log":
        ends *= np.where(ends == ends.max(), 1 + 1e-6, 1 - 1e-6)
    return ends
