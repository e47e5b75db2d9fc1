"""What to measure along a run: errors, overlaps and conserved quantities, over any leading axes.

Every function takes one state, shapes (n, r) and (r, m), or many, (..., n, r) and (..., r, m), and returns
one value per state. Wrong shapes, empty trajectories and entries that are not finite raise ValueError, a
result beyond float64 FloatingPointError.
"""

import numpy as np
from numpy.typing import ArrayLike

from fa_utils.checks import exponents, fits_float64, refuse_not_finite, states
from fa_utils.problems import (
    FactoredTarget,
    Problem,
    Target,
    TargetLike,
    checked_target,
    product_core,
    triangle,
)
from fa_utils.trajectory import Trajectory


@fits_float64
def error(target: TargetLike, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return the squared error ||Y - ZW||_F^2 of problem (1), shape (...,).

    Y - ZW is formed for one state at a time: memory stays at n x m, and small errors stay accurate. Of a
    `FactoredTarget` Y - ZW is kept in factors instead.

    >>> Z, W = np.array([[1.0], [0.0]]), np.array([[3.0, 0.0]])
    >>> float(fa.error(np.diag([3.0, 2.0]), Z, W))
    4.0
    """
    target = checked_target(target)
    Z, W = factors(target.shape, Z, W)
    leading = np.broadcast_shapes(Z.shape[:-2], W.shape[:-2])
    Z, W = (np.broadcast_to(factor, leading + factor.shape[-2:]) for factor in (Z, W))
    errors = np.empty(leading)
    for index in np.ndindex(leading):
        errors[index] = np.square(_difference(target, Z[index], W[index])).sum()
    return errors[()]


def _difference(target: Target, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return a matrix with the singular values of Y - ZW: itself, where Y is an array."""
    if isinstance(target, FactoredTarget):
        return product_core(np.hstack([target.left, -Z]), np.vstack([target.right, W]))
    return target - Z @ W


@fits_float64
def error_curve(problem: Problem, run: Trajectory) -> np.ndarray:
    """Return the squared error ||Y - ZW||_F^2 at the run's times, shape (T,), as `error` would.

    A run on a small problem of this target is measured there: no snapshot is lifted, and the cost does not
    depend on n and m.

    >>> rng = np.random.default_rng(0)
    >>> left, right = rng.standard_normal((1000, 2)) / 30, rng.standard_normal((2, 800)) / 30
    >>> target = fa.FactoredTarget(left, right)
    >>> problem = fa.random_problem(target, rank=2, start_scale=0.1, feedback_scale=0.1, rng=rng)
    >>> run = fa.flow(problem, fa.FA, [0.0, 1.0])
    >>> np.allclose(fa.error_curve(problem, run), fa.error(target, run.Z, run.W))
    True
    """
    if run.reduction is None or run.reduction.full.target is not problem.target:
        return error(problem.target, run.Z, run.W)
    assert run.small is not None  # it comes with the reduction
    return run.reduction.leftover + error(run.reduction.problem.target, run.small.Z, run.small.W)


@fits_float64
def residual(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return R = (Y - ZW) C^T, what FA and FA* feed back, shape (..., n, r).

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> fa.residual(problem, problem.Z, problem.W).shape
    (5, 2)
    """
    Z, W = factors(problem.target.shape, Z, W)
    return problem.sketch - Z @ (W @ problem.feedback.T)


@fits_float64
def loss(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return ||(Y - ZW) C^T||_F^2, the loss of the paper's Section 3, shape (...,).

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> bool(fa.loss(problem, *fa.stationary_point(problem)) < 1e-20)
    True
    """
    return sum_of_squares(residual(problem, Z, W))


@fits_float64
def fa_star_losses(problem: Problem, overlaps: np.ndarray) -> np.ndarray:
    """Return ||(Y - ZW) C^T||_F^2 for FA*'s ``overlaps`` (..., r, r), shape (...,).

    Z^T R = 0 and the constant Z^T Z make it ||Y C^T||^2 - ||Z(0) M||^2; rounding may leave it just below 0.
    Raises ValueError for overlaps that do not fit the problem.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run, overlaps = fa.fa_star_exact(problem, [0.0, 1.0]), fa.fa_star_overlaps(problem, [0.0, 1.0])
    >>> np.allclose(fa.fa_star_losses(problem, overlaps), fa.loss(problem, run.Z, run.W))
    True
    """
    r = problem.Z.shape[1]
    overlaps = states("overlaps", overlaps, (r, r), f"for r = {r}")
    return sum_of_squares(problem.sketch) - sum_of_squares(triangle(problem.Z) @ overlaps)


@fits_float64
def overlap(problem: Problem, W: np.ndarray) -> np.ndarray:
    """Return M = W C^T: how forward weights (rows of W) lie to feedback weights, shape (..., r, r).

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.flow(problem, fa.FA, [0.0, 1.0, 2.0])
    >>> fa.overlap(problem, run.W).shape
    (3, 2, 2)
    """
    W = states("W", W, problem.feedback.shape, f"for feedback of shape {problem.feedback.shape}")
    return W @ problem.feedback.T


@fits_float64
def alignment_matrix(problem: Problem, W: np.ndarray) -> np.ndarray:
    """Return A = W C^T + C W^T, the alignment matrix of the paper's Section 3, shape (..., r, r).

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> start, end = np.linalg.eigvalsh(fa.alignment_matrix(problem, fa.fa_star_exact(problem, [0.0, 1.0]).W))
    >>> bool((end > start).all())
    True
    """
    M = overlap(problem, W)
    return M + M.mT


def alignment_cosine(problem: Problem, W: np.ndarray) -> np.ndarray:
    """Return the cosine between W and C as long vectors, shape (...,): 1 where W is C up to scale.

    0 where W or C is zero, and so has no direction.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> round(float(fa.alignment_cosine(problem, -3 * problem.feedback)), 12)
    -1.0
    """
    W = states("W", W, problem.feedback.shape, f"for feedback of shape {problem.feedback.shape}")
    W, C = (np.ldexp(rows, -exponents(rows, (-2, -1))) for rows in (W, problem.feedback))
    inner = np.trace(W @ C.T, axis1=-2, axis2=-1)
    return quotient(inner, np.sqrt(sum_of_squares(W) * sum_of_squares(C)))


@fits_float64
def conserved_by_fa(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return Z^T Z - W C^T - C W^T, constant under FA's flow (Appendix E), shape (..., r, r).

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.flow(problem, fa.FA, [0.0, 1.0])
    >>> start, end = fa.conserved_by_fa(problem, run.Z, run.W)
    >>> np.allclose(start, end)
    True
    """
    Z, W = factors(problem.target.shape, Z, W)
    return Z.mT @ Z - alignment_matrix(problem, W)


@fits_float64
def conserved_by_gd(Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return Z^T Z - W W^T, constant under gradient flow, shape (..., r, r).

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.flow(problem, fa.GD, [0.0, 1.0])
    >>> start, end = fa.conserved_by_gd(run.Z, run.W)
    >>> np.allclose(start, end)
    True
    """
    Z, W = factors((np.atleast_2d(Z).shape[-2], np.atleast_2d(W).shape[-1]), Z, W)
    return Z.mT @ Z - W @ W.mT


@fits_float64
def squared_norm(matrices: np.ndarray) -> np.ndarray:
    """Return the squared Frobenius norm over the last two axes, shape (...,).

    >>> float(fa.squared_norm(np.diag([3.0, 4.0])))
    25.0
    """
    matrices = np.asarray(matrices)
    refuse_not_finite("matrices", matrices, matrices)
    return sum_of_squares(matrices)


def sum_of_squares(matrices: np.ndarray) -> np.ndarray:
    """Return `squared_norm`, whatever comes out."""
    return np.square(matrices, dtype=float).sum(axis=(-2, -1))


def quotient(numerator: ArrayLike, denominator: ArrayLike) -> np.ndarray:
    """Return numerator / denominator, broadcast, and 0 where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, float), denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator != 0)[()]


def factors(shape: tuple[int, int], Z: ArrayLike, W: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return Z and W, checked against each other and the target's shape."""
    n, m = shape
    r = np.shape(W)[-2] if np.ndim(W) > 1 else 1
    fitting = f"with a target of shape {(n, m)}"
    return states("Z", Z, (n, r), f"{fitting} and W of shape {np.shape(W)}"), states("W", W, (r, m), fitting)
