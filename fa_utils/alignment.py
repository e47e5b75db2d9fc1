"""What to measure along a run: errors, overlaps and conserved quantities.

Every function takes one state, shapes (n, r) and (r, m), or many, (..., n, r) and (..., r, m), and returns
one value per state. Wrong shapes, empty trajectories and entries that are not finite raise ValueError, a
result beyond float64 raises FloatingPointError.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import finite_result, real_entries, states
from fa_utils._linalg import product_core, quotient, sum_of_squares
from fa_utils.problems import Factors, Problem, Target, TargetLike, checked_problem, checked_target

# --- how good the product is ---


def error(target: TargetLike, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return the squared error ||Y - ZW||_F^2 of problem (1).

    Y - ZW is formed for one state at a time, so that memory stays at n x m and small errors stay accurate.
    Of a `FactoredTarget` it is kept in factors instead.

    Parameters
    ----------
    target
        Y, shape (n, m).
    Z, W
        Shapes (..., n, r) and (..., r, m).

    Returns
    -------
    np.ndarray
        Shape (...,).

    References
    ----------
    Garg & Vempala (2022), problem (1).

    Examples
    --------
    >>> Z, W = np.array([[1.0], [0.0]]), np.array([[3.0, 0.0]])
    >>> float(fa.error(np.diag([3.0, 2.0]), Z, W))
    4.0
    """
    target = checked_target(target)
    run = factors(target.shape, Z, W)
    leading = np.broadcast_shapes(run.Z.shape[:-2], run.W.shape[:-2])
    Z = np.broadcast_to(run.Z, leading + run.Z.shape[-2:])
    W = np.broadcast_to(run.W, leading + run.W.shape[-2:])
    errors = np.empty(leading)
    # One state at a time: all differences at once would take T times the target's memory.
    for index in np.ndindex(leading):
        errors[index] = np.square(_difference(target, Z[index], W[index])).sum()
    return finite_result("error", errors)[()]


def _difference(target: Target, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return a matrix with the singular values of Y - ZW: itself, where Y is an array."""
    if isinstance(target, np.ndarray):
        return target - Z @ W
    # Y - ZW = [left, -Z] [right; W], and the triangles of both have its singular values.
    return product_core(np.hstack([target.left, -Z]), np.vstack([target.right, W]))


def residual(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return R = (Y - ZW) C^T, what FA and FA* feed back.

    Parameters
    ----------
    problem
        Gives Y and C.
    Z, W
        Shapes (..., n, r) and (..., r, m).

    Returns
    -------
    np.ndarray
        Shape (..., n, r).

    References
    ----------
    Garg & Vempala (2022), Section 3.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> fa.residual(problem, problem.Z, problem.W).shape
    (5, 2)
    """
    state = factors(checked_problem(problem).target.shape, Z, W)
    # W C^T comes first: it is r x r, where ZW would be n x m.
    return finite_result("residual", problem.sketch - state.Z @ (state.W @ problem.feedback.T))


def loss(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return ||(Y - ZW) C^T||_F^2, the loss of the paper's Section 3.

    Parameters
    ----------
    problem
        Gives Y and C.
    Z, W
        Shapes (..., n, r) and (..., r, m).

    Returns
    -------
    np.ndarray
        Shape (...,).

    References
    ----------
    Garg & Vempala (2022), Section 3.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> bool(fa.loss(problem, *fa.stationary_point(problem)) < 1e-20)
    True
    """
    return finite_result("loss", sum_of_squares(residual(problem, Z, W)))


# --- how forward and feedback weights lie to each other ---


def overlap(problem: Problem, W: np.ndarray) -> np.ndarray:
    """Return M = W C^T: the inner products of forward weights (rows of W) and feedback weights (rows of C).

    Parameters
    ----------
    problem
        Gives C.
    W
        Shape (..., r, m).

    Returns
    -------
    np.ndarray
        Shape (..., r, r).

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.flow(problem, fa.FA, [0.0, 1.0, 2.0])
    >>> fa.overlap(problem, run.W).shape
    (3, 2, 2)
    """
    W = _second_layers(problem, W)
    return finite_result("overlap", W @ problem.feedback.T)


def alignment_matrix(problem: Problem, W: np.ndarray) -> np.ndarray:
    """Return A = W C^T + C W^T, the alignment matrix of the paper's Section 3.

    Parameters
    ----------
    problem
        Gives C.
    W
        Shape (..., r, m).

    Returns
    -------
    np.ndarray
        Symmetric, shape (..., r, r).

    References
    ----------
    Garg & Vempala (2022), Lemma 5.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.flow(problem, fa.FA_STAR, [0.0, 1.0])
    >>> start, end = np.linalg.eigvalsh(fa.alignment_matrix(problem, run.W))
    >>> bool((end > start).all())
    True
    """
    M = overlap(problem, W)
    return finite_result("alignment_matrix", M + M.mT)


def alignment_cosine(problem: Problem, W: np.ndarray) -> np.ndarray:
    """Return the cosine between W and C as long vectors: 1 where W is C up to scale.

    Parameters
    ----------
    problem
        Gives C.
    W
        Shape (..., r, m).

    Returns
    -------
    np.ndarray
        Shape (...,). 0 where W or C is zero, and so has no direction.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> round(float(fa.alignment_cosine(problem, -3 * problem.feedback)), 12)
    -1.0
    """
    W = _second_layers(problem, W)
    C = problem.feedback
    # The inner product of two matrices is the trace of one times the other's transpose.
    inner = np.trace(W @ C.T, axis1=-2, axis2=-1)
    lengths = np.sqrt(sum_of_squares(W) * sum_of_squares(C))
    return quotient(inner, finite_result("alignment_cosine", lengths))


# --- what the flows conserve ---


def conserved_by_fa(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return Z^T Z - W C^T - C W^T, constant under FA's flow.

    Parameters
    ----------
    problem
        Gives C.
    Z, W
        Shapes (..., n, r) and (..., r, m).

    Returns
    -------
    np.ndarray
        Symmetric, shape (..., r, r).

    References
    ----------
    Garg & Vempala (2022), Appendix E.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.flow(problem, fa.FA, [0.0, 1.0])
    >>> start, end = fa.conserved_by_fa(problem, run.Z, run.W)
    >>> np.allclose(start, end)
    True
    """
    state = factors(checked_problem(problem).target.shape, Z, W)
    return finite_result("conserved_by_fa", state.Z.mT @ state.Z - alignment_matrix(problem, state.W))


def conserved_by_gd(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return Z^T Z - W W^T, constant under gradient flow.

    Parameters
    ----------
    problem
        Gives the shapes.
    Z, W
        Shapes (..., n, r) and (..., r, m).

    Returns
    -------
    np.ndarray
        Symmetric, shape (..., r, r).

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.flow(problem, fa.GD, [0.0, 1.0])
    >>> start, end = fa.conserved_by_gd(problem, run.Z, run.W)
    >>> np.allclose(start, end)
    True
    """
    state = factors(checked_problem(problem).target.shape, Z, W)
    return finite_result("conserved_by_gd", state.Z.mT @ state.Z - state.W @ state.W.mT)


def squared_norm(matrices: np.ndarray) -> np.ndarray:
    """Return the squared Frobenius norm over the last two axes.

    Parameters
    ----------
    matrices
        Shape (..., n, m); whole numbers are converted.

    Returns
    -------
    np.ndarray
        Shape (...,).

    Examples
    --------
    >>> float(fa.squared_norm(np.diag([3.0, 4.0])))
    25.0
    """
    matrices = real_entries("matrices", matrices, integers=True)
    if matrices.ndim < 2:
        raise ValueError(f"matrices has shape {matrices.shape}; it must have at least 2 axes: reshape it")
    return finite_result("squared_norm", sum_of_squares(matrices))


# --- checks ---


def factors(shape: tuple[int, int], Z: ArrayLike, W: ArrayLike) -> Factors:
    """Return Z and W as float64, checked against each other and the target's shape."""
    n, m = shape
    W = real_entries("W", W)
    # W says what r is, and Z has to follow.
    r = W.shape[-2] if W.ndim > 1 else 1
    fitting = f"with a target of shape {(n, m)}"
    Z = states("Z", Z, (n, r), f"{fitting} and W of shape {W.shape}")
    W = states("W", W, (r, m), fitting)
    try:
        np.broadcast_shapes(Z.shape[:-2], W.shape[:-2])
    except ValueError:
        raise ValueError(
            f"Z has shape {Z.shape} but W {W.shape}; their leading axes must fit each other: "
            "give as many snapshots of one as of the other, or one"
        ) from None
    return Factors(Z, W)


def _second_layers(problem: Problem, W: ArrayLike) -> np.ndarray:
    """Return W as float64, checked against the problem's feedback."""
    shape = checked_problem(problem).feedback.shape
    return states("W", W, shape, f"for feedback of shape {shape}")
