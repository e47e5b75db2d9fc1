"""How far from optimal FA stops: the law of its mean error, a correction, and what spare units buy.

The r hidden units of FA find the share p_i of direction i of the target, and r directions in all:

    p_i = gamma sigma_i^2 / (1 + gamma sigma_i^2),        sum_i p_i = r.

The second equation fixes gamma. What FA misses is then close to

    E ||Y - ZW||_F^2  =  sum_i sigma_i^2 (1 - p_i)  =  r / gamma.

This is the first term of a series in 1 / V, where V = sum_i p_i (1 - p_i) counts the directions of which FA
is undecided. `_second_correction` says where the series comes from.

The feedback C has independent N(0, 1) entries; its scale does not matter, nor do the singular vectors of Y
(Lemma 17). Each function therefore takes the singular values, and optionally how often each occurs
(``weights``), so that a spectrum with 10^12 values may be a short array.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import positive_number, whole_number
from fa_utils._linalg import quotient
from fa_utils.theory._spectra import Weights, among_largest, spectrum

FLAT = 1e-10  # a first correction below this part of the law is too small to be corrected itself


class _Shares(NamedTuple):
    """The law's solution: gamma, and for each value how often it occurs, its share p, and 1 - p, all (k,)."""

    gamma: float
    counts: np.ndarray
    found: np.ndarray
    missed: np.ndarray

    @property
    def undecided(self) -> float:
        """V = sum_i p_i (1 - p_i)."""
        return float(np.sum(self.counts * self.found * self.missed))


# --- the law ---


def error_law(singular_values: ArrayLike, rank: int, weights: Weights = None) -> float:
    """Return the law of FA's mean error ||Y - ZW||_F^2 at rest, r / gamma where sum_i p_i = r.

    It is 0 from as many hidden units on as there are nonzero singular values (Theorem 2). It is computed
    to rounding.

    Parameters
    ----------
    singular_values
        Those of Y, shape (k,), none negative, in any order.
    rank
        The number r of hidden units.
    weights
        How often each value occurs, shape (k,): positive, and not necessarily whole. None means once each.

    Returns
    -------
    float
        The law, in the units of the squared singular values.

    Raises
    ------
    TypeError
        A rank that is no whole number, values that are no real numbers.
    ValueError
        A rank below 1, values that are negative or not finite, weights that are not positive, or another
        number of weights than of values.
    FloatingPointError
        Squared values whose sum overflows float64.

    References
    ----------
    N4 of this package. Derezinski, Liang, Liao & Mahoney (2020), "Precise expressions for random
    projections", have it for the randomised range finder, which FA is by Lemma 1.

    Examples
    --------
    >>> round(theory.error_law([1.0, 0.1], rank=4, weights=[2, 1000]), 3)
    11.447
    """
    return float(rank / _solve_law(singular_values, rank, weights).gamma)


def error_law_correction(singular_values: ArrayLike, rank: int, weights: Weights = None) -> float:
    """Return the term of order 1 / V that the law leaves out: r / gamma times sum_i p_i (p_i - mean)^2 / V^2.

    Here the mean is sum_i p_i^2 / r, and V is `undecided_directions`. The correction is never negative, and
    at most 1 / V of the law. What the law and its correction leave out is of order 1 / V^2: up to
    1 / (V (V - 1)) of the law, a percent at V = 11. `corrected_error_law` goes further.

    Parameters
    ----------
    singular_values, rank, weights
        As in `error_law`.

    Returns
    -------
    float
        What to add to the law, in the units of the squared singular values.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `error_law`.

    References
    ----------
    N4 of this package.

    Examples
    --------
    >>> round(theory.error_law_correction([1.0, 0.1], rank=4, weights=[2, 1000]), 3)
    0.023
    """
    return _first_correction(_solve_law(singular_values, rank, weights), rank)


def corrected_error_law(singular_values: ArrayLike, rank: int, weights: Weights = None) -> float:
    """Return the mean error to order 1 / V^2: the law, and its two corrections summed as a geometric series.

    With c_1 (`error_law_correction`) and c_2, the terms of order 1 / V and 1 / V^2, it is the law plus
    c_1 / (1 - c_2 / c_1). That is exact where a few equal values are far above a flat tail. The series is
    derived, not proved: the notebook beyond/error-law compares it with draws. From V = 5 on they agree
    within a percent.

    Parameters
    ----------
    singular_values, rank, weights
        As in `error_law`.

    Returns
    -------
    float
        The mean error, in the units of the squared singular values. It is never above ||Y||_F^2, which is
        returned where the series diverges. That can happen for V below 1 only.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `error_law`.

    References
    ----------
    N4 of this package.

    Examples
    --------
    50 strong values over a long flat tail, and 5 spare units: the mean error is 1 + 50 / 4 times the tail.

    >>> tail = 1e-8 * 10**9
    >>> values, weights = [1e6, 1e-4], [50, 10**9]
    >>> laws = (theory.error_law, theory.corrected_error_law)
    >>> [round(law(values, 55, weights) / tail, 3) for law in laws]
    [11.0, 13.5]
    """
    shares = _solve_law(singular_values, rank, weights)
    law = float(rank / shares.gamma)
    first = _first_correction(shares, rank)
    if first <= FLAT * law:
        return law + first
    values, counts = spectrum(singular_values, weights)
    whole = float(counts @ np.square(values))
    ratio = _second_correction(shares) / first
    return min(law + first / (1 - ratio), whole) if ratio < 1 else whole


def undecided_directions(singular_values: ArrayLike, rank: int, weights: Weights = None) -> float:
    """Return V = sum_i p_i (1 - p_i): how many directions FA neither finds nor misses for sure.

    The law averages over about V independent draws, so it is accurate where V is large.

    Parameters
    ----------
    singular_values, rank, weights
        As in `error_law`.

    Returns
    -------
    float
        A number of directions from 0 to r.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `error_law`.

    References
    ----------
    N4 of this package.

    Examples
    --------
    >>> round(theory.undecided_directions([1.0, 0.1], rank=4, weights=[2, 1000]), 3)
    3.854
    """
    return _solve_law(singular_values, rank, weights).undecided


def _first_correction(shares: _Shares, rank: int) -> float:
    """Return the term of order 1 / V of the mean error, as `error_law_correction` has it."""
    mean_share = np.sum(shares.counts * shares.found**2) / rank
    spread = np.sum(shares.counts * shares.found * (shares.found - mean_share) ** 2)
    undecided = shares.undecided
    # One V under each factor, since V^2 may be far smaller than both.
    return float(quotient(rank / shares.gamma, undecided) * quotient(spread, undecided))


def _second_correction(shares: _Shares) -> float:
    """Return the term of order 1 / V^2 of the mean error.

    With a_i = sigma_i^2 and S = sum_i a_i g_i g_i^T, the mean share of direction i is a_i times the
    derivative of E log det S by a_i. Powers of 1 / det S are integrals over symmetric q x q matrices T,

        E det(S)^{-q/2}  ~  integral of det(T)^{(r-q-1)/2} prod_i det(I + a_i T)^{-1/2} dT,

    and E log det S is -2/q times their logarithm as q goes to 0. Laplace's method around T = gamma I gives

        E log det S  =  const + sum_i log(1 + gamma a_i) - r log gamma + log(V) / 2
                        + 1 / (6 V) + 5 k_4 / (24 V^2) - 7 k_3^2 / (24 V^3) + ...

    with k_n the sum of the n-th cumulants of coins that show heads with probability p_i; k_2 = V. Found is
    sum_i a_i times the mean share: the derivative along a_i -> a_i (1 + s a_i), at s = 0. The first line's
    sums give the law, log(V) / 2 the first correction, and the last line, differentiated here, the second.
    """
    found = shares.found
    open_shares = found * shares.missed
    lean = shares.missed - found
    # The cumulants from the second on, each over p (1 - p).
    factors = np.array([np.ones(found.size), lean, 1 - 6 * open_shares, lean * (1 - 12 * open_shares)])
    V, k3, k4, k5 = factors @ (shares.counts * open_shares)
    # How k_2, k_3 and k_4 change along a_i -> a_i (1 + s a_i); gamma moves so that the shares sum to r.
    means = np.array([k3, k4, k5]) / V
    changes = (factors[1:] - means[:, None]) @ (shares.counts * found**2) / shares.gamma
    by_k2 = -1 / (6 * V**2) - 5 * k4 / (12 * V**3) + 7 * k3**2 / (8 * V**4)
    by_k3 = -7 * k3 / (12 * V**3)
    by_k4 = 5 / (24 * V**2)
    return -float(np.array([by_k2, by_k3, by_k4]) @ changes)


def _solve_law(singular_values: ArrayLike, rank: int, weights: Weights) -> _Shares:
    """Return the solution of sum_i p_i = r, for k distinct values."""
    from scipy.optimize import brentq  # here, because SciPy takes longer to import than many a notebook runs

    values, counts = spectrum(singular_values, weights)
    rank = whole_number("rank", rank, least=1)
    strongest = among_largest(counts, rank)
    others = counts - strongest
    if not others.any():
        # There is a unit for every direction, and each is found.
        return _Shares(np.inf, counts, np.ones(counts.size), np.zeros(counts.size))
    squares = np.square(values)
    whole = counts @ squares
    relative_squares = rank / whole * squares

    def imbalance(x: float) -> float:
        # sum_i p_i = r, written as "found among the others = missed among the r strongest": both sides are
        # sums of positive terms, so nothing cancels however steep the spectrum is.
        strengths = np.exp(x) * relative_squares
        found = others @ (strengths / (1 + strengths))
        missed = strongest @ (1 / (1 + strengths))
        return float(np.log(found / missed))

    # The law r / gamma lies between the least error, where it is for a flat spectrum, and ||Y||_F^2: x is the
    # logarithm of ||Y||_F^2 over the law. A 1 on either side keeps rounding from excluding it.
    highest = np.log(whole / (others @ squares)) + 1
    x = brentq(imbalance, -1.0, highest, xtol=1e-15)
    strengths = np.exp(x) * relative_squares
    gamma = float(np.exp(x) * rank / whole)
    return _Shares(gamma, counts, strengths / (1 + strengths), 1 / (1 + strengths))


# --- the optimum, and spare units ---


def least_error(singular_values: ArrayLike, rank: int, weights: Weights = None) -> float:
    """Return the least ||Y - ZW||_F^2 at this rank: sum of sigma_i^2 beyond the r largest.

    Parameters
    ----------
    singular_values, rank, weights
        As in `error_law`.

    Returns
    -------
    float
        The least error, in the units of the squared singular values.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `error_law`.

    References
    ----------
    Eckart & Young (1936), "The approximation of one matrix by another of lower rank".

    Examples
    --------
    >>> theory.least_error([3.0, 2.0, 1.0], rank=1)
    5.0
    """
    values, counts = spectrum(singular_values, weights)
    rank = whole_number("rank", rank, least=1)
    return float(np.square(values) @ (counts - among_largest(counts, rank)))


def oversampling_bound(
    singular_values: ArrayLike, target_rank: int, rank: int, weights: Weights = None
) -> float:
    """Return (1 + k / (p - 1)) sum_{i > k} sigma_i^2: FA's mean error with k + p units is at most that.

    Parameters
    ----------
    singular_values, weights
        As in `error_law`.
    target_rank
        The rank k whose least error FA is compared with.
    rank
        The number k + p of hidden units that FA has, at least k + 2.

    Returns
    -------
    float
        The bound, in the units of the squared singular values.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `error_law`; ValueError also for fewer than two spare units.

    References
    ----------
    N4 of this package. Halko, Martinsson & Tropp (2011), "Finding structure with randomness", Theorem 10.5.

    Examples
    --------
    >>> theory.oversampling_bound([3.0, 2.0, 1.0], target_rank=1, rank=3)
    10.0
    """
    target_rank = whole_number("target_rank", target_rank, least=1)
    spare = whole_number("rank", rank, least=1) - target_rank
    if spare < 2:
        raise ValueError(
            f"rank {rank} leaves {spare} spare units beyond the target rank {target_rank}, and the bound "
            f"needs 2; choose a rank of at least {target_rank + 2}"
        )
    return (1 + target_rank / (spare - 1)) * least_error(singular_values, target_rank, weights)


# --- Theorem 3's spectrum ---


def separation_spectrum(size: int, rank: int, theta: float) -> tuple[np.ndarray, np.ndarray]:
    """Return Theorem 3's singular values, 1 and (theta r / (n - r))^(1/2), and how often each occurs.

    The n - r weak values carry theta times as much in total as the r strong ones.

    Parameters
    ----------
    size
        The number n of singular values, above (1 + theta) r: otherwise the weak ones would not be weaker.
    rank
        The number r of strong values, and of hidden units.
    theta
        The sum of the weak squares over that of the strong ones, above 0.

    Returns
    -------
    values
        The strong and the weak value, shape (2,).
    weights
        How often they occur, r and n - r, shape (2,).

    Raises
    ------
    TypeError
        A size or rank that is no whole number, a theta that is no number.
    ValueError
        A size or rank below 1, a theta that is not above 0, or a size that is not above (1 + theta) r.

    References
    ----------
    Garg & Vempala (2022), Theorem 3.

    Examples
    --------
    >>> values, weights = theory.separation_spectrum(size=104, rank=4, theta=1.0)
    >>> values.tolist(), weights.tolist()
    ([1.0, 0.2], [4, 100])
    """
    rank = whole_number("rank", rank, least=1)
    size = whole_number("size", size, least=1)
    least = (1 + positive_number("theta", theta)) * rank
    if size <= least:
        raise ValueError(f"size {size} is not above (1 + theta) rank = {least:g}; choose a larger size")
    # The n - r weak squares sum to theta r.
    weak = np.sqrt(theta * rank / (size - rank))
    return np.array([1.0, weak]), np.array([rank, size - rank])


def separation_limit(theta: ArrayLike) -> np.ndarray:
    """Return (1 + sqrt(1 + 4 / theta)) / 2: the law over the optimum in Theorem 3 as n / r grows.

    It solves f (f - 1) = 1 / theta, and is the golden ratio at theta = 1.

    Parameters
    ----------
    theta
        As in `separation_spectrum`, of any shape.

    Returns
    -------
    np.ndarray
        The limit for each theta, in its shape, above 1.

    Raises
    ------
    ValueError
        A theta that is not above 0.

    References
    ----------
    N7 of this package.

    Examples
    --------
    >>> theory.separation_limit(np.array([1.0, 10.0])).round(6).tolist()
    [1.618034, 1.091608]
    """
    theta = np.asarray(theta, float)
    if not (theta > 0).all():
        raise ValueError(f"theta holds {theta.min()}; choose numbers above 0")
    return (1 + np.sqrt(1 + 4 / theta)) / 2
