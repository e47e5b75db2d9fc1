"""FA* without a time stepper: its r x r overlap obeys a Riccati equation that a matrix exponential solves.

Where Z^T Z = I the overlap M = W C^T obeys dM/dt = S - M^T M, S = (Y C^T)^T (Y C^T). Its skew part never
changes, so that its rise D = M - M(0) is symmetric: dD/dt = R(0)^T R(0) - M(0)^T D - D M(0) - D^2. With dU/dt
= MU this is linear in (U, DU) with constant coefficients, and Z = (Z(0) + Y C^T int U) U^{-1}. Another Z^T Z
is the same problem in other coordinates (Lemma 12). Hidden units, suitably turned, that get no feedback do
not move; the rest is solved. Not in the paper.
"""

from typing import NamedTuple

import numpy as np

from fa_utils.checks import increasing_times
from fa_utils.problems import Problem
from fa_utils.reduction import Reduction
from fa_utils.riccati import riccati_paths
from fa_utils.rules import optimal_forward, refuse_dependent_columns
from fa_utils.trajectory import Trajectory, lifted

ROUNDING = 1e-13  # a residual this small, relative to Y C^T, is rounding
STILL = 1e-7  # real parts this small, relative to the largest eigenvalue, are rounding


class Motion(NamedTuple):
    """FA* in coordinates with Z(0)^T Z(0) = I, the first r of which are Z(0)'s own.

    Shapes: ``root`` (r, r), which turns such a Z into the problem's; ``sketch`` Y C^T (p, r) in units of the
    number ``speed``: above M(0) (r, r), below R(0) (p - r, r); ``moving`` (r, k), orthonormal: the directions
    of hidden units that ever move.
    """

    root: np.ndarray
    speed: float
    sketch: np.ndarray
    moving: np.ndarray


def fa_star_exact(problem: Problem, times) -> Trajectory:
    """Return FA* at ``times`` without the error of a time stepper: the run that `flow` approximates.

    ``times`` are strictly increasing and at least 0, however late; equal steps share one matrix exponential.
    Only rounding is left, and a run without residual is constant. Z is lifted from the 2r coordinates that
    FA* never leaves, W solved for, both on first access. The problem's own W is not looked at. Raises
    ValueError for unusable times and for a start Z without full column rank.
    """
    times = increasing_times(times)
    columns, triangle = np.linalg.qr(np.hstack([problem.Z, problem.sketch]))
    motion = _motion(problem, triangle)
    start = np.eye(*motion.sketch.shape)
    begin, push = start @ motion.moving, motion.sketch @ motion.moving
    push -= (start - begin @ motion.moving.T) @ push[
        : len(motion.root)
    ]  # what units that do not move explain
    _, rows = riccati_paths(_generator(motion), push, begin, motion.speed * times)
    Z = (start + (rows - begin) @ motion.moving.T) @ motion.root
    reduction = Reduction(problem, columns)
    small = Trajectory(times, lambda: Z, lambda: optimal_forward(reduction.problem, Z, problem.W))
    return lifted(small, reduction)


def fa_star_overlaps(problem: Problem, times) -> np.ndarray:
    """Return the overlap M = W C^T of `fa_star_exact` at ``times``, shape (T, r, r), without forming Z or W.

    From M follow the alignment matrix M + M^T and, by `fa_star_losses`, the loss. Raises as `fa_star_exact`.
    """
    times = increasing_times(times)
    motion = _motion(problem, _triangle(problem))
    no_rows = np.empty((0, motion.moving.shape[1]))
    rises, _ = riccati_paths(_generator(motion), no_rows, no_rows, motion.speed * times)
    overlaps = motion.sketch[: len(motion.root)] + motion.moving @ rises @ motion.moving.T
    return motion.speed * np.linalg.solve(motion.root, overlaps @ motion.root)


def fa_star_eigenvalues(problem: Problem) -> np.ndarray:
    """Return the eigenvalues of FA*'s linear system, complex, shape (2k,), k the number of moving units.

    They come in pairs of opposite real parts. An imaginary part is a frequency of the loss, and is 0 where
    the overlap is symmetric. Raises ValueError for a start Z without full column rank.
    """
    motion = _motion(problem, _triangle(problem))
    return motion.speed * np.linalg.eigvals(_generator(motion))


def fa_star_rate(problem: Problem) -> float:
    """Return g with which FA*'s loss ends like exp(-2 g t): the least real part above rounding.

    Raises ValueError where the loss is 0 from the start, and so has no rate, and as `fa_star_eigenvalues`.
    """
    eigenvalues = fa_star_eigenvalues(problem)
    if not eigenvalues.size:
        raise ValueError(
            "the residual is 0 from the start, so the loss has no rate; start from a Z whose range does not "
            "contain that of Y C^T (with r = n it always does)"
        )
    return float(eigenvalues.real[eigenvalues.real > STILL * np.abs(eigenvalues).max()].min())


def _triangle(problem: Problem) -> np.ndarray:
    """Return [Z(0), Y C^T] in coordinates of its own, upper triangular, shape (p, 2r) with p = min(n, 2r)."""
    return np.linalg.qr(np.hstack([problem.Z, problem.sketch]), mode="r")


def _motion(problem: Problem, triangle: np.ndarray) -> Motion:
    """Return what moves, and from where; raise ValueError for a start without full column rank."""
    r = problem.Z.shape[1]
    root, sketch = triangle[:r, :r], triangle[:, r:]
    refuse_dependent_columns(root)
    whitened = np.linalg.solve(root.T, sketch.T).T
    speed = float(np.linalg.norm(whitened)) or 1.0
    if np.linalg.norm(whitened[r:]) <= ROUNDING * speed:
        return Motion(root, speed, whitened / speed, np.empty((r, 0)))
    seen = np.linalg.matrix_rank(sketch, rtol=max(problem.target.shape) * np.finfo(float).eps)
    return Motion(root, speed, whitened / speed, np.linalg.svd(whitened)[2][:seen].T)


def _generator(motion: Motion) -> np.ndarray:
    """Return the matrix (2k, 2k) of the linear system that U and DU obey, for the units that move."""
    r, k = motion.moving.shape
    pulls = motion.sketch @ motion.moving
    overlap, residual = motion.moving.T @ pulls[:r], pulls[r:]
    return np.block([[overlap, np.eye(k)], [residual.T @ residual, -overlap.T]])
