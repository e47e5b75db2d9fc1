"""Where the rules stop: Lemma 1's point, the optimum, and how near a state is to stopping."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from fa_utils import _checks as checks
from fa_utils._linalg import above_rounding, quotient, sum_of_squares
from fa_utils._records import Record
from fa_utils.alignment import factors, residual
from fa_utils.problems import Factors, Problem, TargetLike, checked_problem, checked_target, core, thin_svd
from fa_utils.rules import Rule, second_layer
from fa_utils.simulate import descend

DOUBTFUL = 1e-8  # of R's largest diagonal entry: below, columns may depend on each other; the SVD decides

# --- Lemma 1 ---


def stationary_point(problem: Problem) -> Factors:
    """Return Lemma 1's product P Y, P the projection on the range of Y C^T, without simulating.

    Parameters
    ----------
    problem
        Gives Y and C. The start does not count.

    Returns
    -------
    Factors
        Z (n, r) has orthonormal columns that span the range, and zero columns beyond its rank (singular
        values below rounding, as in `np.linalg.matrix_rank`): spare units stay at 0. W (r, m) is Z^T Y.

    References
    ----------
    Garg & Vempala (2022), Lemma 1 and equations (7).

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> Z, W = fa.stationary_point(problem)
    >>> bool(fa.error(problem.target, Z, W) >= fa.optimal_error(problem.target, rank=2))
    True
    """
    sketch = checked_problem(problem).sketch
    Z = _padded(_seen_directions(sketch), sketch.shape)
    return Factors(Z, Z.T @ problem.target)


def _seen_directions(sketches: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that span the ranges, then zeros: (..., n, r) -> (..., n, min(n, r))."""
    left, values, _ = np.linalg.svd(sketches, full_matrices=False)
    # Directions that FA never sees have singular values that are rounding.
    return left * above_rounding(values, sketches.shape[-2:])[..., None, :]


def stationary_errors(singular_values: ArrayLike, mixtures: ArrayLike) -> np.ndarray:
    """Return the error ||Y - P Y||_F^2 of Lemma 1's point for many draws of C at once.

    The singular vectors of Y do not matter (Lemma 17). The draws may have dependent rows, as in
    `stationary_point`.

    Parameters
    ----------
    singular_values
        Of Y, shape (k,).
    mixtures
        g, shape (..., k, r), with which Y C^T is sum_i sigma_i u_i g_i. They are independent N(0, 1) where
        C is.

    Returns
    -------
    np.ndarray
        Shape (...,).

    Raises
    ------
    ValueError
        Shapes that do not fit.

    References
    ----------
    Garg & Vempala (2022), Lemmas 1 and 17.

    Examples
    --------
    >>> mixtures = np.random.default_rng(0).standard_normal((1000, 3, 2))
    >>> errors = fa.stationary_errors([3.0, 2.0, 1.0], mixtures)
    >>> errors.shape, bool((errors >= 1.0).all())
    ((1000,), True)
    """
    values = checks.nonnegative_values("singular_values", singular_values)
    mixtures = checks.real_entries("mixtures", mixtures)
    r = mixtures.shape[-1] if mixtures.ndim else 0
    wanted = (values.size, checks.whole_number("rank", r, least=1))
    mixtures = checks.states("mixtures", mixtures, wanted, f"for {values.size} singular values")
    # In the basis of Y's left singular vectors.
    sketches = values[:, None] * mixtures
    Q, R = np.linalg.qr(sketches)
    # Columns that depend on earlier ones show on R's diagonal. Their Q is arbitrary, so the SVD takes over.
    sizes = np.abs(np.diagonal(R, axis1=-2, axis2=-1))
    doubtful = sizes.min(axis=-1) <= DOUBTFUL * sizes.max(axis=-1)
    if doubtful.any():
        Q[doubtful] = _seen_directions(sketches[doubtful])
    errors = np.square(values).sum() - np.square(values[:, None] * Q).sum(axis=(-2, -1))
    return checks.finite_result("stationary_errors", errors)


# --- the optimum ---


def optimal_point(target: TargetLike, rank: int) -> Factors:
    """Return the best factors of this rank, singular values shared evenly: Z^T Z = W W^T.

    Parameters
    ----------
    target
        Y, shape (n, m).
    rank
        r, at least 1.

    Returns
    -------
    Factors
        Shapes (n, r) and (r, m). Units beyond the target's singular values are zero.

    Raises
    ------
    ValueError
        A rank below 1.

    Examples
    --------
    >>> Z, W = fa.optimal_point(np.diag([3.0, 2.0, 1.0]), rank=1)
    >>> round(float(fa.error(np.diag([3.0, 2.0, 1.0]), Z, W)), 12)
    5.0
    """
    target = checked_target(target)
    rank = checks.whole_number("rank", rank, least=1)
    left, values, right = thin_svd(target)
    # Each factor takes the root of every singular value.
    root = np.sqrt(values[:rank])
    n, m = target.shape
    Z = _padded(left[:, :rank] * root, (n, rank))
    return Factors(Z, _padded(root[:, None] * right[:rank], (rank, m)))


def optimal_error(target: TargetLike, rank: int) -> float:
    """Return the least ||Y - ZW||_F^2 at this rank: the sum of the squared singular values beyond it.

    Parameters
    ----------
    target
        Y, shape (n, m).
    rank
        r, at least 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        A rank below 1.

    Examples
    --------
    >>> round(fa.optimal_error(np.diag([3.0, 2.0, 1.0]), rank=1), 12)
    5.0
    """
    target = checked_target(target)
    rank = checks.whole_number("rank", rank, least=1)
    # Eckart and Young: what is beyond the r largest is lost.
    beyond = np.linalg.svd(core(target), compute_uv=False)[rank:]
    return checks.finite_result("optimal_error", float(beyond @ beyond))


def _padded(matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a matrix with zeros below and beside it, of the given shape, which is at least its own."""
    return np.pad(matrix, [(0, wanted - size) for wanted, size in zip(shape, matrix.shape, strict=True)])


# --- coming to rest ---


def stationarity_gap(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return how far a state is from (7): the larger of both equations' relative sizes.

    The equations are (Y - ZW) C^T = 0, relative to ||Y|| ||C||, and Z^T (Y - ZW) = 0, relative to
    ||Z|| ||Y||, in Frobenius norms.

    Parameters
    ----------
    problem
        Gives Y and C.
    Z, W
        Shapes (..., n, r) and (..., r, m).

    Returns
    -------
    np.ndarray
        Shape (...,). 0 at a stationary point of FA and FA*.

    References
    ----------
    Garg & Vempala (2022), equations (7).

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> bool(fa.stationarity_gap(problem, *fa.stationary_point(problem)) < 1e-14)
    True
    """
    state = factors(checked_problem(problem).target.shape, Z, W)
    # The two equations (7), squared, without their scales.
    fed_back = quotient(sum_of_squares(residual(problem, *state)), sum_of_squares(problem.feedback))
    forward = quotient(sum_of_squares(second_layer(problem, *state)), sum_of_squares(state.Z))
    squares = quotient(np.maximum(fed_back, forward), sum_of_squares(core(problem.target)))
    return np.sqrt(checks.finite_result("stationarity_gap", squares))


@dataclass(frozen=True, eq=False, repr=False)
class Rest(Record):
    """Where a run came to rest.

    Attributes
    ----------
    Z, W
        Shapes (n, r) and (r, m).
    gap
        The stationarity gap there.
    steps
        How many steps it took.
    """

    Z: np.ndarray
    W: np.ndarray
    gap: float
    steps: int

    def __post_init__(self) -> None:
        for name in ("Z", "W"):
            object.__setattr__(self, name, checks.real_array(name, getattr(self, name), ndim=2))

    def __repr__(self) -> str:
        return f"Rest(gap {self.gap:.2g} after {self.steps} steps)"


def descend_to_rest(
    problem: Problem, rule: Rule, learning_rate: float, *, gap: float = 1e-8, most_steps: int = 10_000
) -> Rest:
    """Return where Euler stops: the first check at which the stationarity gap is at most ``gap``.

    Checks come after 100 steps and then whenever the run is half as long again.

    Parameters
    ----------
    problem, rule, learning_rate
        As for `descend`.
    gap
        How near to (7) counts as rest.
    most_steps
        A run that needs more is returned unfinished: its own ``gap`` says so.

    Returns
    -------
    Rest

    Raises
    ------
    ValueError, FloatingPointError
        As `descend`.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> rest = fa.descend_to_rest(problem, fa.FA, learning_rate=0.02)
    >>> rest.Z.shape, rest.gap <= 1e-8
    ((5, 2), True)
    """
    gap = checks.positive_number("gap", gap)
    most_steps = checks.whole_number("most_steps", most_steps, least=1)
    steps = 0
    block = 100
    while True:
        block = min(block, most_steps - steps)
        # Only the end is kept: the next block starts from there.
        run = descend(problem, rule, learning_rate, block, every=block)
        problem = replace(problem, Z=run.Z[-1], W=run.W[-1])
        steps += block
        reached = float(stationarity_gap(problem, problem.Z, problem.W))
        if reached <= gap or steps == most_steps:
            return Rest(problem.Z, problem.W, reached, steps)
        # Half as many steps again, so that checks cost less and less.
        block = steps // 2
