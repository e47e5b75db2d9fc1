"""FA* without a time stepper: where Z^T Z = I it turns Z's columns under the constant pull Y C^T.

Then Z moves by (I - Z Z^T) Y C^T, which `riccati` solves, and the overlap is M = W C^T = Z^T Y C^T. Another
Z^T Z is the same problem in other coordinates (Lemma 12). Hidden units that get no feedback, suitably turned,
do not move. Not in the paper.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import finite_result, increasing_times, states
from fa_utils._linalg import sum_of_squares, upper_triangle
from fa_utils.problems import Problem, checked_problem
from fa_utils.rules import refuse_dependent_columns
from fa_utils.theory.riccati import LEAST_RESIDUAL, linear_system, turn_columns
from fa_utils.trajectory import Trajectory


class Motion(NamedTuple):
    """FA* in p = min(n, 2r) coordinates, the first r of which are the range of Z(0), with Z(0)^T Z(0) = I.

    Shapes: ``root`` (r, r), which turns such a Z into the problem's; ``pull`` Y C^T (p, r), above its part in
    Z(0), below R(0); ``moving`` (r, k), orthonormal: the directions of hidden units that ever move.
    """

    root: np.ndarray
    pull: np.ndarray
    moving: np.ndarray

    def beginning(self) -> tuple[np.ndarray, np.ndarray]:
        """Return P and Q(0) of the units that move, both (p, k): P without what the others explain of it."""
        start = np.eye(*self.pull.shape)
        columns = start @ self.moving
        pull = self.pull @ self.moving
        return pull - (start - columns @ self.moving.T) @ pull[: len(self.root)], columns

    def path(self, times: np.ndarray) -> np.ndarray:
        """Return Z (T, p, r) at ``times``, with Z^T Z = I."""
        pull, columns = self.beginning()
        return np.eye(*self.pull.shape) + (turn_columns(pull, columns, times) - columns) @ self.moving.T


# --- runs ---


def fa_star_exact(problem: Problem, times: ArrayLike) -> Trajectory:
    """Return FA* at any times without the error of a time stepper: the run that `fa.flow` approximates.

    Only rounding is left, and a run without residual is constant. Equal steps between the times share one
    matrix exponential.

    Parameters
    ----------
    problem
        Gives Y, C and the start Z, of full column rank. Its W does not count, since FA* has its own.
    times
        In gradient-flow time, shape (T,), strictly increasing and at least 0, however late.

    Returns
    -------
    Trajectory
        Z (T, n, r), and the optimal W (T, r, m) for it.

    Raises
    ------
    ValueError
        Unusable times, or a start Z without full column rank.
    FloatingPointError
        Units that are pulled so weakly, beside others, that rounding hides how they move before the last
        time; or numbers beyond float64.

    References
    ----------
    Garg & Vempala (2022), rule (4) and Lemma 12; statement N2 of this package.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = theory.fa_star_exact(problem, [0.0, 1.0, 1e9])
    >>> run.Z.shape, run.W.shape
    ((3, 5, 2), (3, 2, 5))
    """
    times = increasing_times(times)
    columns, triangle = np.linalg.qr(np.hstack([checked_problem(problem).Z, problem.sketch]))
    motion = _motion(problem, triangle)
    path = motion.path(times)
    # W = (Z^T Z)^{-1} Z^T Y, and Z^T Z = root^T root never changes: no time needs a solution of its own.
    forward = (path @ np.linalg.inv(motion.root).T).mT
    seen = columns.T @ problem.target
    finite_result("fa_star_exact", len(seen) * np.abs(forward).max() * np.abs(seen).max())
    # Lift: these two products, with n and m columns, take most of the time of a short run.
    return Trajectory(times, columns @ (path @ motion.root), forward @ seen)


def fa_star_overlaps(problem: Problem, times: ArrayLike) -> np.ndarray:
    """Return the overlap M = W C^T of `fa_star_exact`, without forming Z or W.

    From M follow the alignment matrix M + M^T and, by `fa_star_losses`, the loss.

    Parameters
    ----------
    problem, times
        As for `fa_star_exact`.

    Returns
    -------
    np.ndarray
        Shape (T, r, r).

    Raises
    ------
    ValueError, FloatingPointError
        As `fa_star_exact`.

    References
    ----------
    Statement N2 of this package.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> theory.fa_star_overlaps(problem, [0.0, 1.0, 1e9]).shape
    (3, 2, 2)
    """
    times = increasing_times(times)
    motion = _motion(problem, _start_and_sketch(problem))
    # At most the pull times the condition number of Z. The pull's square is finite, so this needs no check.
    return np.linalg.inv(motion.root) @ motion.path(times).mT @ (motion.pull @ motion.root)


def fa_star_losses(problem: Problem, overlaps: np.ndarray) -> np.ndarray:
    """Return FA*'s loss ||(Y - ZW) C^T||_F^2 from its overlaps alone.

    Z^T R = 0 and the constant Z^T Z make it ||Y C^T||^2 - ||Z(0) M||^2. Rounding may leave it just below 0.

    Parameters
    ----------
    problem
        Gives Y, C and the start Z.
    overlaps
        M, shape (..., r, r), as `fa_star_overlaps` returns it.

    Returns
    -------
    np.ndarray
        Shape (...,).

    Raises
    ------
    ValueError
        Overlaps that do not fit the problem.

    References
    ----------
    Garg & Vempala (2022), Section 3; statement N2 of this package.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = theory.fa_star_exact(problem, [0.0, 1.0])
    >>> losses = theory.fa_star_losses(problem, theory.fa_star_overlaps(problem, run.times))
    >>> np.allclose(losses, fa.loss(problem, run.Z, run.W))
    True
    """
    r = checked_problem(problem).Z.shape[1]
    overlaps = states("overlaps", overlaps, (r, r), f"for r = {r}")
    explained = sum_of_squares(upper_triangle(problem.Z) @ overlaps)
    return finite_result("fa_star_losses", sum_of_squares(problem.sketch) - explained)


def fa_star_losses_at(problem: Problem, times: ArrayLike) -> np.ndarray:
    """Return the loss of `fa_star_exact` at any times, without forming Z or W.

    Parameters
    ----------
    problem, times
        As for `fa_star_exact`.

    Returns
    -------
    np.ndarray
        Shape (T,). Rounding may leave it just below 0.

    Raises
    ------
    ValueError, FloatingPointError
        As `fa_star_exact`.

    References
    ----------
    Statement N2 of this package.

    Examples
    --------
    >>> theory.fa_star_losses_at(theory.opposed_copies(3, 0.5), [0.0, 1e9]).round(12).tolist()
    [1.5, 0.0]
    """
    return fa_star_losses(problem, fa_star_overlaps(problem, times))


# --- rates ---


def fa_star_eigenvalues(problem: Problem) -> np.ndarray:
    """Return the eigenvalues of FA*'s linear system.

    They come in pairs of opposite real parts. An imaginary part is a frequency of the loss, and is 0 where
    the overlap is symmetric.

    Parameters
    ----------
    problem
        Gives Y, C and the start Z, of full column rank.

    Returns
    -------
    np.ndarray
        Complex, in units of 1 over time, shape (2k,), k the number of moving units. Sorted by real parts,
        then by imaginary ones.

    Raises
    ------
    ValueError
        A start Z without full column rank.

    References
    ----------
    Statement N3 of this package.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> eigenvalues = theory.fa_star_eigenvalues(problem)
    >>> np.allclose(np.sort(eigenvalues.real), np.sort(-eigenvalues.real))
    True
    """
    pull, columns = _motion(problem, _start_and_sketch(problem)).beginning()
    # In units of the pull: the system mixes entries of its size with entries of its square.
    unit = float(np.linalg.norm(pull))
    return unit * np.sort_complex(np.linalg.eigvals(linear_system(pull / unit, columns)))


def fa_star_rate(problem: Problem) -> float:
    """Return the rate g: from a generic start FA*'s loss ends like exp(-2 g t).

    It is the least positive real part among the eigenvalues. Half of them, one for each unit that moves, have
    positive real parts.

    Parameters
    ----------
    problem
        Gives Y, C and the start Z, of full column rank.

    Returns
    -------
    float
        In units of 1 over time.

    Raises
    ------
    ValueError
        A loss that is 0 from the start, and so has no rate; a start Z without full column rank.

    References
    ----------
    Statement N3 of this package.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> times = np.array([10.0, 11.0]) / theory.fa_star_rate(problem)
    >>> early, late = theory.fa_star_losses(problem, theory.fa_star_overlaps(problem, times))
    >>> round(float(np.log(early / late)), 3)
    2.0
    """
    eigenvalues = fa_star_eigenvalues(problem)
    if not eigenvalues.size:
        raise ValueError("the residual is 0 from the start, so there is no rate; choose another Z, or r < n")
    return float(eigenvalues.real[eigenvalues.size // 2])


# --- coordinates ---


def _start_and_sketch(problem: Problem) -> np.ndarray:
    """Return [Z(0), Y C^T] in coordinates of its own, upper triangular, shape (p, 2r) with p = min(n, 2r)."""
    return upper_triangle(np.hstack([checked_problem(problem).Z, problem.sketch]))


def _motion(problem: Problem, triangle: np.ndarray) -> Motion:
    """Return what moves, and from where; raise ValueError for a start without full column rank."""
    r = problem.Z.shape[1]
    root = triangle[:r, :r]
    sketch = triangle[:, r:]
    refuse_dependent_columns(root)
    pull = np.linalg.solve(root.T, sketch.T).T
    size = finite_result("the pull on the hidden units", float(np.linalg.norm(pull)))
    # As many units move as the sketch has rank, above the rounding of the products that made it.
    rank = np.linalg.matrix_rank(sketch, rtol=max(problem.target.shape) * np.finfo(float).eps)
    # Without a residual none does.
    moving = rank if np.linalg.norm(pull[r:]) > LEAST_RESIDUAL * size else 0
    return Motion(root, pull, np.linalg.svd(pull)[2][:moving].T)
