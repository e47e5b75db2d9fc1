"""Integrals along a run, as accurate as the run: Gauss quadrature, panel by panel."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils.checks import fits_float64, increasing_times, refuse_not_finite

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(4)


class Quadrature(NamedTuple):
    """Times at which to follow a run, shape (T,), and what they weigh, shape (T,).

    ``times[edges]`` are the panels' edges, shape (P + 1,), which weigh nothing.
    """

    times: np.ndarray
    weights: np.ndarray
    edges: slice


def quadrature(edges: ArrayLike) -> Quadrature:
    """Return four Gauss nodes in each panel between neighbouring ``edges`` (P + 1,), and the edges.

    The error of a smooth function's integral falls with the eighth power of the panels' width. Raises
    ValueError for edges that do not increase from at least 0, for fewer than two, and for neighbours with no
    room for nodes between them.

    >>> rule = fa.quadrature([0.0, 1.0, 3.0])
    >>> rule.times.shape, rule.times[rule.edges].tolist(), round(float(rule.weights.sum()), 12)
    ((11,), [0.0, 1.0, 3.0], 3.0)
    """
    edges = increasing_times(edges)
    if edges.size < 2:
        raise ValueError(f"edges holds {edges.size} time; give at least two, where a panel begins and ends")
    widths = np.diff(edges)[:, None]
    times = np.append((edges[:-1, None] + widths * ((np.r_[-1, NODES] + 1) / 2)).ravel(), edges[-1])
    if (np.diff(times) <= 0).any():
        raise ValueError("edges are so close that no times fit between them; choose fewer")
    weights = np.append((widths / 2 * np.r_[0, NODE_WEIGHTS]).ravel(), 0)
    return Quadrature(times, weights, slice(None, None, NODES.size + 1))


@fits_float64
def running_integral(rule: Quadrature, values: ArrayLike) -> np.ndarray:
    """Return the integral of ``values`` (T, ...) at ``rule.times`` up to each edge, shape (P + 1, ...).

    Raises ValueError where there are not as many values as times, or one is not finite.

    >>> rule = fa.quadrature([0.0, 1.0, 3.0])
    >>> fa.running_integral(rule, rule.times**2).round(12).tolist()
    [0.0, 0.333333333333, 9.0]
    """
    values = np.asarray(values)
    if len(values) != rule.times.size:
        raise ValueError(f"values has {len(values)} entries for {rule.times.size} times; give one for each")
    refuse_not_finite("values", values, values)
    return np.cumsum((rule.weights * values.T).T, axis=0)[rule.edges]
