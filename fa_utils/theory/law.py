"""How far from optimal FA stops: the law of its mean error, a correction, and what spare units buy.

Each function takes the singular values of Y, and optionally how often each occurs (``weights``), so that a
spectrum with 10^12 values may be a short array. Singular vectors do not matter (Lemma 17), nor does the scale
of C, which has independent N(0,1) entries. All raise ValueError for a rank below 1, for negative or
non-finite values, and for weights that are not positive, FloatingPointError for a result beyond float64.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils.checks import Weights, exponents, fits_float64, positive_number, spectrum, whole_number


class _Equivalent(NamedTuple):
    """The law's solution: log of its error, and for each value its weight w, found share p, and 1 - p."""

    log_error: float
    weights: np.ndarray
    found: np.ndarray
    missed: np.ndarray


@fits_float64
def error_law(singular_values: ArrayLike, rank: int, weights: Weights = None) -> float:
    """Return the law of FA's mean error ||Y - ZW||_F^2 at rest: sum_i sigma_i^2 / (1 + gamma sigma_i^2).

    gamma solves sum_i p_i = rank, where p_i = gamma sigma_i^2 / (1 + gamma sigma_i^2) is the share of
    direction i that FA finds; so the law is rank / gamma (N4; Derezinski et al. 2020). From as many units on
    as there are nonzero singular values the error is 0 (Theorem 2). Solved to rounding.

    >>> round(fa.error_law([1.0, 0.1], rank=4, weights=[2, 1000]), 3)
    11.447
    """
    return float(np.exp(_solved(singular_values, rank, weights).log_error))


@fits_float64
def error_law_correction(singular_values: ArrayLike, rank: int, weights: Weights = None) -> float:
    """Return what to add to `error_law` for the mean error to first order in 1/V: derived, not proved.

    It is error_law times sum_i p_i (p_i - m)^2 / V^2, never negative, with m = sum_i p_i^2 / rank and
    V = `undecided_directions` (new; the notebook beyond/error-law says where it is accurate).

    >>> round(fa.error_law_correction([1.0, 0.1], rank=4, weights=[2, 1000]), 3)
    0.023
    """
    log_error, w, found, missed = _solved(singular_values, rank, weights)
    mean = np.sum(w * found**2) / rank
    undecided = np.sum(w * found * missed)
    spread = np.sum(w * found * (found - mean) ** 2)
    return float((np.exp(log_error) / undecided) * (spread / undecided)) if undecided else 0.0


def undecided_directions(singular_values: ArrayLike, rank: int, weights: Weights = None) -> float:
    """Return V = sum_i p_i (1 - p_i): how many directions FA neither finds nor misses for sure.

    The law is accurate where V is large: it is the number of independent draws that its averages take.

    >>> round(fa.undecided_directions([1.0, 0.1], rank=4, weights=[2, 1000]), 3)
    3.854
    """
    _, w, found, missed = _solved(singular_values, rank, weights)
    return float(np.sum(w * found * missed))


@fits_float64
def least_error(singular_values: ArrayLike, rank: int, weights: Weights = None) -> float:
    """Return the least ||Y - ZW||_F^2 at this rank: the sum of the squared singular values beyond it.

    >>> fa.least_error([3.0, 2.0, 1.0], rank=1)
    5.0
    """
    return _least_error(singular_values, rank, weights)


def _least_error(singular_values: ArrayLike, rank: int, weights: Weights) -> float:
    """Return `least_error`, whatever comes out."""
    values, counts = spectrum(singular_values, weights)
    rank = whole_number("rank", rank, least=1)
    beyond = counts - among_largest(counts, rank)
    values, beyond = values[beyond > 0], beyond[beyond > 0]
    if not values.size:
        return 0.0
    exponent = exponents(values).item()
    return float(np.ldexp(np.square(np.ldexp(values, -exponent)) @ beyond, 2 * exponent))


@fits_float64
def oversampling_bound(
    singular_values: ArrayLike, target_rank: int, rank: int, weights: Weights = None
) -> float:
    """Return a bound on FA's mean error with spare units: (1 + k / (p - 1)) times the least error at rank k.

    k is ``target_rank``, p = ``rank`` - k (Halko, Martinsson & Tropp 2011, Theorem 10.5; N4).
    Raises ValueError for fewer than two spare units.

    >>> fa.oversampling_bound([3.0, 2.0, 1.0], target_rank=1, rank=3)
    10.0
    """
    target_rank = whole_number("target_rank", target_rank, least=1)
    spare = whole_number("rank", rank, least=1) - target_rank
    if spare < 2:
        raise ValueError(
            f"rank {rank} leaves {spare} spare units beyond the target rank {target_rank}, and the bound "
            f"needs 2; choose a rank of at least {target_rank + 2}"
        )
    return (1 + target_rank / (spare - 1)) * _least_error(singular_values, target_rank, weights)


def separation_spectrum(size: int, rank: int, theta: float) -> tuple[np.ndarray, np.ndarray]:
    """Return Theorem 3's singular values and how often each occurs: 1, and (theta r / (n - r))^(1/2).

    The weak values carry theta times as much in total as the r = ``rank`` strong ones. Raises ValueError
    where ``size`` n is not above (1 + theta) r: the weak values would not be weaker.

    >>> values, weights = fa.separation_spectrum(size=104, rank=4, theta=1.0)
    >>> values.tolist(), weights.tolist()
    ([1.0, 0.2], [4, 100])
    """
    rank, size = whole_number("rank", rank, least=1), whole_number("size", size, least=1)
    least = (1 + positive_number("theta", theta)) * rank
    if size <= least:
        raise ValueError(f"size {size} is not above (1 + theta) rank = {least:g}; choose a larger size")
    weak = np.sqrt(theta * rank / (size - rank))
    return np.array([1.0, weak]), np.array([rank, size - rank])


def separation_limit(theta: ArrayLike) -> np.ndarray:
    """Return the law over the optimum in Theorem 3 as n / r grows: (1 + (1 + 4 / theta)^(1/2)) / 2.

    It is the golden ratio at theta = 1. Broadcasts over ``theta``, which must be above 0.

    >>> fa.separation_limit(np.array([1.0, 10.0])).round(6).tolist()
    [1.618034, 1.091608]
    """
    theta = np.asarray(theta, float)
    if not (theta > 0).all():
        raise ValueError(f"theta holds {theta.min()}; choose numbers above 0")
    return (1 + 2.0**30 * np.sqrt(2.0**-60 + 2.0**-58 / theta)) / 2  # in units where the least theta fits


def among_largest(counts: np.ndarray, rank: int) -> np.ndarray:
    """Return how many of each value are among the ``rank`` largest, shape (k,)."""
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])  # as a difference it would cancel for large counts
    return np.clip(rank - before, 0, counts)


def _solved(singular_values: ArrayLike, rank: int, weights: Weights) -> _Equivalent:
    """Return the law's solution, from the balance of what is found beyond the rank and missed within it.

    Both sides are sums of positive terms, so that nothing cancels however steep the spectrum is; they are
    compared as logarithms, x = log gamma being the unknown.
    """
    from scipy.optimize import brentq  # here, because SciPy takes longer to import than many a notebook runs
    from scipy.special import expit, log_expit

    values, counts = spectrum(singular_values, weights)
    rank = whole_number("rank", rank, least=1)
    head = among_largest(counts, rank)
    tail = counts - head
    if not tail.any():
        return _Equivalent(-np.inf, counts, np.ones(counts.size), np.zeros(counts.size))
    logs = 2 * (np.log(values) - np.log(values[0]))

    beyond, within = tail > 0, head > 0
    logs_beyond, tail_beyond = logs[beyond], tail[beyond]
    logs_within, head_within = logs[within], head[within]

    def balance(x: float) -> float:
        found = _log_of_sum(log_expit(x + logs_beyond), tail_beyond)
        return found - _log_of_sum(log_expit(-x - logs_within), head_within)

    middle, reach = -(logs[head > 0][-1] + logs[tail > 0][0]) / 2, 1.0
    while not balance(middle - reach) < 0 < balance(middle + reach):
        reach *= 2
    x = brentq(balance, middle - reach, middle + reach, xtol=1e-15, rtol=4 * np.finfo(float).eps)
    return _Equivalent(np.log(rank) - x + 2 * np.log(values[0]), counts, expit(x + logs), expit(-x - logs))


def _log_of_sum(logs: np.ndarray, weights: np.ndarray) -> float:
    """Return log sum_i weights_i exp(logs_i), where no exponential alone may fit float64.

    SciPy's logsumexp does so, too, and takes as long as the whole of `_solved` with this.
    """
    largest = logs.max()
    return float(largest + np.log(weights @ np.exp(logs - largest)))
