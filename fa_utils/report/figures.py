"""How every figure looks and is saved: one style, one colour for each rule, picture and data together.

Examples in docstrings come after ``from fa_utils.report import figures``.
"""

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from PIL import Image

import fa_utils as fa
from fa_utils.report.claims import short_number
from fa_utils.report.files import write_whole

WIDTH = 8.8  # inches: at 100 dots to the inch, about what GitHub's notebook page shows
COLOURS = {"GD": "#0072B2", "FA": "#D55E00", "FA*": "#009E73"}
DASHES = {"GD": "-", "FA": (0, (5, 1.5)), "FA*": (0, (1, 1))}
THEORY = "black"
LONG = 100  # last over first of a logarithmic axis: beyond, only decades have ticks


def use() -> None:
    """Set Matplotlib's defaults to this package's style; a user's own settings do not count.

    Examples
    --------
    >>> figures.use()
    """
    # From Matplotlib's own defaults on, so that no figure depends on who draws it.
    mpl.rcdefaults()
    mpl.rc("figure.constrained_layout", use=True)
    mpl.rc("font", size=12)
    mpl.rc("axes.spines", top=False, right=False)
    mpl.rc("axes", grid=True, axisbelow=True)
    mpl.rc("grid", color="0.92")
    mpl.rc("legend", frameon=False)
    mpl.rc("lines", linewidth=2.2)
    # Which points a simplified path leaves out depends on rounding, and shows.
    mpl.rc("path", simplify=False)


# --- drawing ---


def panels(count: int = 1, height: float = 3.6) -> tuple[Figure, np.ndarray]:
    """Return a figure of GitHub's width with panels side by side, and their axes.

    Parameters
    ----------
    count
        How many panels.
    height
        Of the figure, in inches.

    Returns
    -------
    tuple
        The figure, and its axes, shape (count,).

    Examples
    --------
    >>> figure, (left, right) = figures.panels(2)
    """
    figure, axes = plt.subplots(1, count, figsize=(WIDTH, height), squeeze=False)
    return figure, axes[0]


def draw_rule(ax: Axes, rule: fa.Rule, times: np.ndarray, values: np.ndarray, **look: Any) -> Axes:
    """Draw one rule's curve in its colour and dashes, named in the legend; return ``ax``.

    Parameters
    ----------
    ax
        Where to draw.
    rule
        Gives colour, dashes and name. One that is none of the paper's has Matplotlib's next colour.
    times, values
        The curve, shapes (points,).
    look
        Changes what `Axes.plot` is told: ``label``, ``color``, ``linestyle``, ...

    Returns
    -------
    Axes

    Examples
    --------
    >>> figure, (ax,) = figures.panels()
    >>> figures.draw_rule(ax, fa.FA, np.arange(3), np.array([3.0, 2.0, 1.0])).lines[0].get_label()
    'FA'
    """
    usual = {"color": COLOURS.get(rule.name), "linestyle": DASHES.get(rule.name), "label": rule.name}
    ax.plot(times, values, **(usual | look))
    return ax


def draw_theory(ax: Axes, x: np.ndarray, y: np.ndarray, name: str) -> Axes:
    """Draw a curve that theory predicts, a thin black line behind the measured ones; return ``ax``.

    Parameters
    ----------
    ax
        Where to draw.
    x, y
        The curve, shapes (points,).
    name
        What the legend calls it.

    Returns
    -------
    Axes

    Examples
    --------
    >>> figure, (ax,) = figures.panels()
    >>> figures.draw_theory(ax, np.arange(3), np.exp(-np.arange(3)), "exponential").lines[0].get_color()
    'black'
    """
    # Behind the measured curves, which have a higher zorder.
    ax.plot(x, y, color=THEORY, linewidth=1.1, zorder=1, label=name)
    return ax


def draw_level(ax: Axes, level: float, name: str, linestyle: str = "-") -> Axes:
    """Draw a value that theory predicts, a thin black line behind the curves; return ``ax``.

    Parameters
    ----------
    ax
        Where to draw.
    level
        The value.
    name
        What the legend calls it.
    linestyle
        As Matplotlib has it, where there are several levels.

    Returns
    -------
    Axes

    Examples
    --------
    >>> figure, (ax,) = figures.panels()
    >>> figures.draw_level(ax, 0.5, "optimum").lines[0].get_ydata()
    [0.5, 0.5]
    """
    ax.axhline(level, color=THEORY, linewidth=1.1, linestyle=linestyle, zorder=1, label=name)
    return ax


def draw_violins(
    ax: Axes,
    rule: fa.Rule,
    x: Sequence[float] | np.ndarray,
    samples: Sequence[np.ndarray] | np.ndarray,
    name: str,
    *,
    middle: Callable[[np.ndarray], float] = np.median,
    **look: Any,
) -> Axes:
    """Draw how a rule's draws are distributed at each x, a violin with a dot at its middle; return ``ax``.

    Parameters
    ----------
    ax
        Where to draw. A logarithmic axis must be so already: the density is that of the logarithms then.
    rule
        Gives the colour.
    x
        Shape (points,).
    samples
        The draws at each x, shape (points, draws).
    name
        What the legend calls them.
    middle
        What the dot is: of a violin's draws, shape (draws,), one number.
    look
        Changes what `seaborn.violinplot` is told: ``color``, ``width`` (a share of the least distance), ...

    Returns
    -------
    Axes

    Examples
    --------
    >>> figure, (ax,) = figures.panels()
    >>> draws = np.random.default_rng(0).random((2, 50))
    >>> len(figures.draw_violins(ax, fa.FA, [1, 2], draws, "50 draws").collections)
    2
    """
    import seaborn as sns

    before = len(ax.collections)
    colour = look.setdefault("color", COLOURS.get(rule.name, "0.4"))
    places = np.repeat(x, [len(sample) for sample in samples])
    values = np.concatenate(samples)
    # Draws that differ by rounding alone are one number, so that rounding does not make the shape.
    linear = ax.get_yscale() == "linear" and values.any()
    values = _rounded(values, 7, 7 - np.ceil(np.log10(np.abs(values).max())) if linear else np.inf)
    shape = {"cut": 0, "density_norm": "width", "gridsize": 50, "inner": None, "native_scale": True}
    usual = shape | {"linewidth": 0, "saturation": 1, "alpha": 0.45, "legend": False}
    sns.violinplot(x=places, y=values, ax=ax, **(usual | look))
    # There is none where all draws are one number.
    for violin in ax.collections[before : before + 1]:
        violin.set_label(name)
    ax.plot(x, [middle(sample) for sample in samples], "o", color=colour, markersize=4, label="_middle")
    return ax


def draw_comparison(ax: Axes, problem: fa.Problem, runs: Mapping[fa.Rule, fa.Trajectory]) -> Axes:
    """Draw how the error of several rules falls with time, and its optimum; return ``ax``.

    Parameters
    ----------
    ax
        Where to draw: one panel, whose y axis becomes logarithmic.
    problem
        What the rules were run on.
    runs
        A run of each rule, as `compare` returns them.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        Runs on a problem of another shape.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> figure, (ax,) = figures.panels()
    >>> ax = figures.draw_comparison(ax, problem, fa.compare(problem, steps=100))
    >>> ax.get_legend_handles_labels()[1]
    ['GD', 'FA', 'FA*', 'optimum']
    """
    for rule, run in runs.items():
        draw_rule(ax, rule, run.times, fa.error(problem.target, run.Z, run.W))
    draw_level(ax, fa.optimal_error(problem.target, problem.Z.shape[1]), "optimum")
    ax.set(xlabel="time", ylabel=r"error  $\|Y-ZW\|_F^2$", yscale="log")
    ax.legend()
    return ax


def resolved(values: np.ndarray, least: float) -> np.ndarray:
    """Return values with ``least`` as last digit, and NaN, which is not drawn, for those below ten of it.

    For a logarithmic axis: a solver's tolerance, or rounding, ends what can be said of small values.

    Parameters
    ----------
    values
        Any shape.
    least
        The last digit that can be relied on, in the values' unit.

    Returns
    -------
    np.ndarray
        Of the values' shape.

    Examples
    --------
    >>> figures.resolved(np.array([0.123456, 0.0123456, 0.00123456]), 1e-3)
    array([0.123, 0.012,   nan])
    """
    # np.round would go where the processor rounds.
    rounded = least * np.floor(np.asarray(values) / least + 0.5)
    return np.where(np.abs(rounded) < 9.5 * least, np.nan, rounded)


# --- keeping pictures with their data ---


class Picture(NamedTuple):
    """A saved figure: a notebook shows the picture, a text reader its description.

    Attributes
    ----------
    name
        Of its files, without an ending.
    description
        What is to be seen, in words.
    png
        The picture's bytes.

    Examples
    --------
    >>> figures.Picture("curve", "A falling curve", png=b"")
    [picture curve: A falling curve]
    """

    name: str
    description: str
    png: bytes

    def __repr__(self) -> str:
        return f"[picture {self.name}: {self.description}]"

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        return self.png, {"alt": self.description, "figure": self.name}


def save(figure: Figure, name: str, description: str) -> Picture:
    """Write ``name``.png and ``name``.csv, its data, to the figures' folder; close and return the picture.

    The picture is drawn from the data as they are written: with the digits that do not depend on the machine.

    Parameters
    ----------
    figure
        As `panels` makes it, drawn.
    name
        Of the files, without an ending.
    description
        What is to be seen, for who cannot see it.

    Returns
    -------
    Picture

    Raises
    ------
    OSError
        A folder that cannot be made, or a file that cannot be written. What was there before stays.

    Examples
    --------
    >>> figure, (ax,) = figures.panels()
    >>> figures.save(figure, "empty", "An empty panel")  # doctest: +SKIP
    [picture empty: An empty panel]
    """
    # Data first: what is drawn has the digits that are written.
    for ax in figure.axes:
        _shorten(ax)
    return _kept(figure, name, description, _rows(figure))


def save_moving(
    figure: Figure, name: str, description: str, draw_frame: Callable[[int], object], frames: int
) -> Picture:
    """Write ``name``.gif, a figure that moves, and as `save` the data of all frames and the last picture.

    Parameters
    ----------
    figure
        As `panels` makes it, with all that does not move.
    name, description
        As for `save`.
    draw_frame
        A function of the frame's number, from 0, that changes what is drawn.
    frames
        How many frames there are.

    Returns
    -------
    Picture
        Of the last frame.

    Raises
    ------
    OSError
        As `save`.

    Examples
    --------
    >>> figure, (ax,) = figures.panels()
    >>> (dot,) = ax.plot([0], [0], "o")
    >>> figures.save_moving(figure, "dot", "A dot", lambda k: dot.set_xdata([k]), 9)  # doctest: +SKIP
    [picture dot: A dot]
    """
    rows: list[tuple[object, ...]] = []
    small = []
    for frame in range(frames):
        draw_frame(frame)
        for ax in figure.axes:
            _shorten(ax)
        rows += _rows(figure, before=frame * len(figure.axes))
        small.append(Image.open(io.BytesIO(_printed(figure, dpi=80))).convert("RGB").quantize(64))
    moving = io.BytesIO()
    small[0].save(moving, "GIF", save_all=True, append_images=small[1:], duration=100, loop=0)
    return _kept(figure, name, description, rows, moving.getvalue())


def figures_folder() -> Path:
    """Return the folder named by FA_FIGURES; without it build/figures of this checkout or the work folder.

    Returns
    -------
    Path
        It need not exist yet.

    Examples
    --------
    >>> figures.figures_folder()  # doctest: +SKIP
    PosixPath('build/figures')
    """
    # An installed package has no notebooks beside it.
    checkout = Path(__file__).resolve().parents[2]
    home = checkout if (checkout / "notebooks").is_dir() else Path.cwd()
    return Path(os.environ.get("FA_FIGURES") or home / "build" / "figures")


def figure_data(figure: Figure) -> str:
    """Return what a figure's axes show as CSV: every line, scatter, area, patch and image, point by point.

    Each number has five digits, and on a linear axis none below a ten-millionth of its panel's largest, the
    axis' ends among them. Points that are out of view are written as well.

    Parameters
    ----------
    figure
        Any figure.

    Returns
    -------
    str
        With the columns panel, kind, series, scales, x and y.

    Examples
    --------
    >>> figure, (ax,) = figures.panels()
    >>> ax = figures.draw_rule(ax, fa.FA, np.arange(2), np.array([3.0, 2.0]))
    >>> figures.figure_data(figure).splitlines()[1]
    '0,line,FA,linear linear,0,3'
    """
    return _csv(_rows(figure))


def _csv(rows: Iterable[tuple[object, ...]]) -> str:
    """Return rows of points as a table, with its header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("panel", "kind", "series", "scales", "x", "y"))
    writer.writerows(rows)
    return text.getvalue()


def _rows(figure: Figure, before: int = 0) -> Iterator[tuple[object, ...]]:
    """Yield a row for each point that a figure's axes show, after so many panels of earlier frames."""
    for panel, ax in enumerate(figure.axes, start=before):
        scales = f"{ax.get_xscale()} {ax.get_yscale()}"
        decimals = _decimals(ax)
        for kind, artist, points in _series(ax):
            for point in _rounded(points, 5, decimals):
                numbers = (short_number(value, 5) for value in point)
                yield panel, kind, artist.get_label(), scales, *numbers


def _kept(
    figure: Figure, name: str, description: str, rows: Iterable[tuple[object, ...]], moving: bytes = b""
) -> Picture:
    """Write a figure's picture, its data, and what moves of it; close it and return the picture."""
    folder = figures_folder()
    folder.mkdir(parents=True, exist_ok=True)
    table = _csv(rows)
    png = _printed(figure)
    plt.close(figure)
    write_whole(folder / f"{name}.csv", table.encode())
    write_whole(folder / f"{name}.png", png)
    if moving:
        write_whole(folder / f"{name}.gif", moving)
    return Picture(name, description, png)


def _printed(figure: Figure, dpi: int = 160) -> bytes:
    """Return the picture as PNG, as `savefig` makes it, which would draw all of it twice."""
    picture = io.BytesIO()
    figure.set_dpi(dpi)
    # As savefig does: find the layout once, and draw without looking for it again. So panels of what moves
    # stay in their place.
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine("none")
    FigureCanvasAgg(figure).print_png(picture, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return picture.getvalue()


def _series(ax: Axes) -> Iterator[tuple[str, Any, np.ndarray]]:
    """Yield kind, artist and points, shape (points, 2), of all that the axes show."""
    for line in ax.lines:
        yield "line", line, np.asarray(line.get_xydata())
    for collection in ax.collections:
        if isinstance(collection, PathCollection):
            yield "scatter", collection, np.ma.filled(collection.get_offsets(), np.nan)
        else:
            kind = "bar" if isinstance(collection, LineCollection) else "area"
            # A collection without paths has no points.
            corners = [path.vertices for path in collection.get_paths()]
            yield kind, collection, np.vstack([np.zeros((0, 2)), *corners])
    # Patches keep their corners in units of their own.
    for patch in ax.patches:
        yield "patch", patch, patch.get_patch_transform().transform(patch.get_path().vertices)
    for image in ax.images:
        values = np.ma.filled(image.get_array(), np.nan).ravel()  # type: ignore[arg-type]  # it has data
        yield "image", image, np.column_stack([np.arange(values.size), values])


def _decimals(ax: Axes) -> np.ndarray:
    """Return how many decimals count on each axis, (2,): to a ten-millionth of its largest; inf if log."""
    sizes = np.abs(np.vstack([ax.viewLim.get_points(), *(points for _, _, points in _series(ax))]))
    largest = np.max(sizes, axis=0, where=np.isfinite(sizes), initial=0.0)
    # Beside a large number, a small one on the same linear axis is rounding.
    linear = [scale == "linear" for scale in (ax.get_xscale(), ax.get_yscale())]
    return np.where(linear, 7 - np.ceil(np.log10(largest)), np.inf)


def _rounded(values: np.ndarray, digits: int, most_decimals: np.ndarray | float = np.inf) -> np.ndarray:
    """Return values with so many significant digits, and no more decimals than said; shapes broadcast.

    By hand, since `round`, `np.round` and float's format go astray where the processor rounds upward.
    """
    # Zeros and what is not drawn have no first digit, and stay.
    counts = np.isfinite(values) & (values != 0)
    sizes = np.floor(np.log10(np.abs(values), where=counts, out=np.zeros(values.shape)))
    scales = 10.0 ** np.minimum(digits - 1 - sizes, most_decimals)
    return np.floor(values * scales + 0.5) / scales


def _shorten(ax: Axes) -> None:
    """Give the axes' curves, points and images the numbers that are written, and limits of six digits."""
    decimals = _decimals(ax)
    for kind, artist, points in _series(ax):
        short = _rounded(points, 5, decimals)
        if kind == "line":
            artist.set_data(*short.T)
        elif kind == "scatter":
            artist.set_offsets(short)
        elif kind == "image":
            artist.set_data(short[:, 1].reshape(artist.get_array().shape))
    # Six digits of the limits do not depend on the machine either.
    limits = _rounded(ax.viewLim.get_points(), 6)
    # Logarithmic limits lie a little apart, so that rounding does not decide which ticks there are.
    beyond = limits * np.where(limits == limits.max(axis=0), 1 + 1e-6, 1 - 1e-6)
    logarithmic = [scale == "log" for scale in (ax.get_xscale(), ax.get_yscale())]
    ends = np.where(logarithmic, beyond, limits)
    ax.set(xlim=ends[:, 0], ylim=ends[:, 1])
    # Ticks between the decades say nothing on a long axis, and take most of the time.
    for axis, (low, high) in zip((ax.xaxis, ax.yaxis), ends.T, strict=True):
        if axis.get_scale() == "log" and max(low, high) > LONG * min(low, high):
            axis.set_minor_locator(NullLocator())
