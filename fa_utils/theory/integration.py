"""Integrals along a run, as accurate as the run: Gauss quadrature, panel by panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import finite_entries, finite_result, increasing_times
from fa_utils._records import Record

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(4)


@dataclass(frozen=True, eq=False, repr=False)
class Quadrature(Record):
    """Times at which to follow a run, and what they weigh in an integral.

    Attributes
    ----------
    times
        Shape (T,), strictly increasing.
    weights
        In units of time, shape (T,).
    edges
        ``times[edges]`` are the panels' edges, shape (P + 1,), which weigh nothing.

    Examples
    --------
    >>> theory.quadrature([0.0, 1.0, 3.0])
    Quadrature(2 panels, 11 times)
    """

    times: np.ndarray
    weights: np.ndarray
    edges: slice

    def __post_init__(self) -> None:
        self.times.setflags(write=False)
        self.weights.setflags(write=False)

    def __repr__(self) -> str:
        return f"Quadrature({self.times[self.edges].size - 1} panels, {self.times.size} times)"


def quadrature(edges: ArrayLike) -> Quadrature:
    """Return four Gauss nodes in each panel between neighbouring edges, and the edges.

    The error of a smooth function's integral falls with the eighth power of the panels' width.

    Parameters
    ----------
    edges
        Times, shape (P + 1,), strictly increasing and at least 0; two or more.

    Returns
    -------
    Quadrature

    Raises
    ------
    ValueError
        Edges that do not increase from at least 0, fewer than two, or neighbours with no room for nodes
        between them.

    Examples
    --------
    >>> rule = theory.quadrature([0.0, 1.0, 3.0])
    >>> rule.times[rule.edges].tolist(), round(float(rule.weights.sum()), 12)
    ([0.0, 1.0, 3.0], 3.0)
    """
    edges = increasing_times(edges)
    if edges.size < 2:
        raise ValueError(f"edges holds {edges.size} time; give at least two, where a panel begins and ends")
    widths = np.diff(edges)[:, None]
    # Each panel gives its left edge and its nodes; the last edge follows.
    places = (np.append(-1, NODES) + 1) / 2
    times = np.append((edges[:-1, None] + widths * places).ravel(), edges[-1])
    # Neighbouring floats have no room for nodes.
    if (np.diff(times) <= 0).any():
        raise ValueError("edges are so close that no times fit between them; choose fewer")
    weights = np.append((widths / 2 * np.append(0, NODE_WEIGHTS)).ravel(), 0)
    return Quadrature(times, weights, slice(None, None, NODES.size + 1))


def running_integral(rule: Quadrature, values: ArrayLike) -> np.ndarray:
    """Return the integral of values along a run, up to each edge.

    Parameters
    ----------
    rule
        As `quadrature` makes it.
    values
        At ``rule.times``, shape (T, ...).

    Returns
    -------
    np.ndarray
        Shape (P + 1, ...), in units of the values times time. The first is 0.

    Raises
    ------
    ValueError
        Another number of values than of times, or one that is not finite.
    FloatingPointError
        An integral beyond float64.

    Examples
    --------
    >>> rule = theory.quadrature([0.0, 1.0, 3.0])
    >>> theory.running_integral(rule, rule.times**2).round(12).tolist()
    [0.0, 0.333333333333, 9.0]
    """
    values = finite_entries("values", values)
    if len(values) != rule.times.size:
        raise ValueError(f"values has {len(values)} entries for {rule.times.size} times; give one for each")
    # Weights go with the first axis; edges weigh nothing, so that a sum up to one is its panels'.
    integrals = np.cumsum((rule.weights * values.T).T, axis=0)
    return finite_result("running_integral", integrals[rule.edges])
