"""Where the rules stop: Lemma 1's point, the optimum, and how near a state is to stopping."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils.alignment import factors, quotient, residual, sum_of_squares
from fa_utils.checks import (
    checked_values,
    exponents,
    fits_float64,
    positive_number,
    rank_within,
    states,
    whole_number,
)
from fa_utils.law import least_error
from fa_utils.problems import (
    Factors,
    Problem,
    TargetLike,
    array_in_units,
    checked_target,
    core,
    in_units,
    thin_svd,
)
from fa_utils.rules import Rule, second_layer
from fa_utils.simulate import descend


class Rest(NamedTuple):
    """Where a run came to rest: its factors, the stationarity gap there, and the steps it took."""

    Z: np.ndarray
    W: np.ndarray
    gap: float
    steps: int


def stationary_point(problem: Problem) -> Factors:
    """Return Lemma 1's product P Y, P the projection on the range of Y C^T, without simulating.

    Z has orthonormal columns that span the range, and zero columns beyond its rank (singular values
    below rounding, as in `np.linalg.matrix_rank`), so (7) holds whatever the rank is. W = Z^T Y.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> Z, W = fa.stationary_point(problem)
    >>> bool(fa.error(problem.target, Z, W) >= fa.optimal_error(problem.target, rank=2))
    True
    """
    target, feedback = in_units(problem.target)[0], array_in_units(problem.feedback)[0]
    left, values, _ = np.linalg.svd(target @ feedback.T, full_matrices=False)
    seen = values > values[0] * max(problem.Z.shape) * np.finfo(float).eps
    Z = left * seen
    return Factors(Z, Z.T @ problem.target)


@fits_float64
def stationary_errors(singular_values: ArrayLike, mixtures: ArrayLike) -> np.ndarray:
    """Return the error ||Y - P Y||_F^2 of Lemma 1's point for many draws of C at once, shape (...,).

    ``singular_values`` of Y, shape (k,), and ``mixtures`` g, shape (..., k, r), with which Y C^T is
    sum_i sigma_i u_i g_i: independent N(0,1) where C is. The singular vectors do not matter (Lemma 17).
    Raises ValueError for r above k and for shapes that do not fit.

    >>> mixtures = np.random.default_rng(0).standard_normal((1000, 3, 2))
    >>> errors = fa.stationary_errors([3.0, 2.0, 1.0], mixtures)
    >>> errors.shape, bool((errors >= fa.least_error([3.0, 2.0, 1.0], rank=2)).all())
    ((1000,), True)
    """
    values = checked_values(singular_values)
    mixtures = np.asarray(mixtures)
    r = mixtures.shape[-1] if mixtures.ndim else 0
    wanted = (values.size, rank_within(r, (values.size,)))
    mixtures = states("mixtures", mixtures, wanted, f"for {values.size} singular values")
    exponent, unit = exponents(values), exponents(mixtures, (-2, -1))
    values = np.ldexp(values, -exponent)
    Q, _ = np.linalg.qr(values[:, None] * np.ldexp(mixtures, -unit))
    errors = np.square(values).sum() - np.square(values[:, None] * Q).sum(axis=(-2, -1))
    return np.ldexp(errors, 2 * exponent.item())


def optimal_point(target: TargetLike, rank: int) -> Factors:
    """Return the best factors of this rank, singular values shared evenly: Z^T Z = W W^T.

    Raises ValueError for a rank above min(n, m).

    >>> Z, W = fa.optimal_point(np.diag([3.0, 2.0, 1.0]), rank=1)
    >>> round(float(fa.error(np.diag([3.0, 2.0, 1.0]), Z, W)), 12)
    5.0
    """
    target = checked_target(target)
    rank = rank_within(rank, target.shape)
    left, values, right = thin_svd(target)
    root = np.sqrt(values[:rank])
    return Factors(left[:, :rank] * root, root[:, None] * right[:rank])


@fits_float64
def optimal_error(target: TargetLike, rank: int) -> float:
    """Return the least ||Y - ZW||_F^2 at this rank: the sum of the squared singular values beyond it.

    >>> round(fa.optimal_error(np.diag([3.0, 2.0, 1.0]), rank=1), 12)
    5.0
    """
    target = checked_target(target)
    rank = rank_within(rank, target.shape)
    return least_error(np.linalg.svd(core(target), compute_uv=False), rank)


@fits_float64
def stationarity_gap(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return how far a state is from (7): the larger of both equations' relative sizes, shape (...,).

    The equations are (Y - ZW) C^T = 0, relative to ||Y|| ||C||, and Z^T (Y - ZW) = 0, relative to
    ||Z|| ||Y||, in Frobenius norms. 0 at a stationary point of FA and FA*.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> bool(fa.stationarity_gap(problem, *fa.stationary_point(problem)) < 1e-14)
    True
    """
    Z, W = factors(problem.target.shape, Z, W)
    problem, Z, W = _in_units(problem, Z, W)
    fed_back = quotient(sum_of_squares(residual(problem, Z, W)), sum_of_squares(problem.feedback))
    unexplained = second_layer(problem, Z, W)
    forward = quotient(sum_of_squares(unexplained), sum_of_squares(Z))
    return np.sqrt(quotient(np.maximum(fed_back, forward), sum_of_squares(core(problem.target))))


def _in_units(problem: Problem, Z: np.ndarray, W: np.ndarray) -> tuple[Problem, np.ndarray, np.ndarray]:
    """Return Y, C and Z over powers of two, largest entries near 1, and W over what goes with them."""
    (target, of_target), (feedback, _) = in_units(problem.target), array_in_units(problem.feedback)
    of_Z = exponents(Z, (-2, -1))
    problem = replace(problem, target=target, feedback=feedback)
    return problem, np.ldexp(Z, -of_Z), np.ldexp(W, of_Z - of_target)


def descend_to_rest(
    problem: Problem, rule: Rule, learning_rate: float, *, gap: float = 1e-8, most_steps: int = 10_000
) -> Rest:
    """Return where Euler stops: the first check at which the stationarity gap is at most ``gap``.

    Checks come after 100 steps and then whenever the run is half as long again. A run that needs more than
    ``most_steps`` is returned as it stands: its own ``gap`` says so. Raises as `descend` does.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> rest = fa.descend_to_rest(problem, fa.FA, learning_rate=0.02)
    >>> rest.Z.shape, rest.gap <= 1e-8
    ((5, 2), True)
    """
    gap = positive_number("gap", gap)
    most_steps = whole_number("most_steps", most_steps, least=1)
    steps, block = 0, 100
    while True:
        block = min(block, most_steps - steps)
        run = descend(problem, rule, learning_rate, block, every=block)
        problem = replace(problem, Z=run.Z[-1], W=run.W[-1])
        steps += block
        reached = float(stationarity_gap(problem, problem.Z, problem.W))
        if reached <= gap or steps == most_steps:
            return Rest(problem.Z, problem.W, reached, steps)
        block = steps // 2
