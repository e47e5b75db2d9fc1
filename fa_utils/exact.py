"""FA* without a time stepper: its r x r overlap obeys a Riccati equation that a matrix exponential solves."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import expm

from fa_utils.checks import increasing_times
from fa_utils.problems import Problem
from fa_utils.rules import refuse_dependent_columns

ROUNDING = 1e-13  # a residual this small, relative to Y C^T, is rounding


class Propagator(NamedTuple):
    """How a rise D of the overlap moves on in one step: ``rise + decay^T D (I + spread D)^{-1} decay``.

    All three are (r, r); ``rise`` and ``spread`` are positive semidefinite, so the inverse always exists.
    """

    decay: np.ndarray
    spread: np.ndarray
    rise: np.ndarray


def fa_star_overlaps(problem: Problem, times) -> np.ndarray:
    """Return FA*'s overlap M = W C^T at ``times``, without the error of a time stepper, shape (T, r, r).

    ``times`` are strictly increasing and at least 0, however late. From M alone follow the alignment matrix
    M + M^T and, by `fa_star_losses`, the loss. Raises ValueError for a start Z without full column rank; W is
    not looked at. Only rounding is left. Where Y C^T lacks full column rank it adds up in directions without
    loss, to 1e-5 of M by a time of 1e12 / ||Y C^T||.

    With Z^T Z = I the overlap obeys dM/dt = S - M^T M, where S = (Y C^T)^T (Y C^T). Its skew part never
    changes, so its rise D = M - M(0) is symmetric: dD/dt = R(0)^T R(0) - M(0)^T D - D M(0) - D^2.
    Another Z^T Z is the same problem in other coordinates (Lemma 12). Not in the paper.
    """
    times = increasing_times(times)
    refuse_dependent_columns(problem.Z)
    Q, root = np.linalg.qr(problem.Z)
    sketch = np.linalg.solve(root.T, problem.sketch.T).T
    start = Q.T @ sketch
    residual = sketch - Q @ start
    if np.linalg.norm(residual) <= ROUNDING * np.linalg.norm(sketch):
        return np.broadcast_to(np.linalg.solve(root, start @ root), (times.size, *start.shape)).copy()
    rises = _rises(start, residual.T @ residual, times)
    return np.linalg.solve(root, (start + rises) @ root)


def _rises(start: np.ndarray, drive: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return D (T, r, r) with D(0) = 0 and dD/dt = drive - start^T D - D start - D^2."""
    scale = np.sqrt(np.trace(drive)) + np.linalg.norm(start)  # times in its inverse, so that all sizes are 1
    start, drive, identity = start / scale, drive / scale**2, np.eye(len(start))
    generator = np.block([[start, identity], [drive, -start.T]])
    rises, rise, known = np.empty((times.size, *start.shape)), np.zeros_like(start), {}
    for k, step in enumerate(np.diff(times, prepend=0.0) * scale):
        decay, spread, onset = _propagator(generator, step, known)
        moved = decay.T @ rise @ np.linalg.solve(identity + spread @ rise, decay)
        rise = onset + (moved + moved.T) / 2
        rises[k] = rise * scale
    return rises


def _propagator(generator: np.ndarray, step: float, known: dict[float, Propagator]) -> Propagator:
    """Return the propagator over ``step``, kept in ``known`` with all those that it was doubled from.

    Exponentials over long times overflow; a propagator that is doubled from a short one stays bounded.
    """
    if step not in known and step * np.linalg.norm(generator) > 1:
        known[step] = _twice(_propagator(generator, step / 2, known))
    elif step not in known:
        r = len(generator) // 2
        whole = expm(generator * step)
        decay = np.linalg.inv(whole[:r, :r])
        known[step] = Propagator(decay, decay @ whole[:r, r:], whole[r:, :r] @ decay)
    return known[step]


def _twice(once: Propagator) -> Propagator:
    """Return the propagator over twice the time."""
    decay, spread, rise = once
    through = np.linalg.solve(np.eye(len(decay)) + spread @ rise, np.hstack([decay, spread @ decay.T]))
    passed, spread_on = np.hsplit(through, 2)
    gained, spread_more = decay.T @ rise @ passed, decay @ spread_on
    return Propagator(
        decay @ passed,
        spread + (spread_more + spread_more.T) / 2,
        rise + (gained + gained.T) / 2,
    )
