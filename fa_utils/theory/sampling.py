"""FA's error at rest, drawn exactly for targets of any size: plain, steadied about its mean, or streamed.

FA keeps the range of Y C^T (Lemma 1). In the singular bases of Y that matrix is Sigma Omega, with one row
sigma_i g_i for each direction and g_i ~ N(0, I_r) independent, so that (N7)

    ||Y - ZW||_F^2  =  ||Y||_F^2 - tr[S^{-1} sum_i sigma_i^4 g_i g_i^T],        S = sum_i sigma_i^2 g_i g_i^T.

Both sums are r x r. The w equal singular values of a *crowd* enter them by one Wishart matrix with w degrees
of freedom, so that 10^12 of them cost no more than a few. `_errors` derives that formula without
cancellation, and `_steadying_sums` what can be added so that a few draws give its mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import (
    finite_result,
    nonnegative_values,
    random_generator,
    spawning_generator,
    whole_number,
)
from fa_utils.ensembles import ensemble_over
from fa_utils.theory._spectra import Weights, among_largest, spectrum
from fa_utils.theory.law import error_law

ENTRIES = 2**16  # of random numbers at a time, so that they stay in the processor's cache
SPANS = 64  # of rows, at most, in which a streamed draw is shared out ...
SPAN_BLOCKS = 16  # ... of at least so many blocks each

Values = Callable[[int, int], ArrayLike]


@dataclass(frozen=True, eq=False)
class _Parts:
    """A spectrum as it is drawn: the r largest values, then single rows, then crowds of equal values.

    Shapes: ``head`` (r,), ``beyond`` (k,) and ``sizes`` (k,), how often each of ``beyond`` occurs; its first
    ``rows`` values are drawn a row each, the others are crowds of at least r.
    """

    head: np.ndarray
    beyond: np.ndarray
    sizes: np.ndarray
    rows: int

    @property
    def least(self) -> float:
        """The least error at this rank."""
        return float(np.square(self.beyond) @ self.sizes)

    @cached_property
    def coefficients(self) -> np.ndarray:
        """The a_i of `_steadying_sums`, for head and beyond, shape (r + k,)."""
        rank = self.head.size
        values = np.concatenate([self.head, self.beyond])
        counts = np.concatenate([np.ones(rank), self.sizes])
        squares = np.square(values)
        gamma = rank / error_law(values, rank, counts)
        found = gamma * squares / (1 + gamma * squares)
        missed = 1 / (1 + gamma * squares)
        middle = (counts @ found**2) / (counts @ (found * missed)) / gamma
        return (squares - middle) * found / gamma


Block = Callable[[_Parts, int, np.random.Generator], np.ndarray]


# --- what is public ---


def sampled_errors(
    singular_values: ArrayLike, rank: int, draws: int, *, weights: Weights = None, rng: np.random.Generator
) -> np.ndarray:
    """Return ||Y - ZW||_F^2 at FA's rest for independent draws of a Gaussian C, shape (draws,).

    The draws are exact at any size, and take O(r^2) memory for each draw of a block. A value that occurs at
    least r times beyond the r largest costs one Wishart matrix, O(r^3). Any other value costs O(r^2) each
    time that it occurs.

    Parameters
    ----------
    singular_values
        Those of Y, shape (k,), none negative, in any order.
    rank
        The number r of hidden units.
    draws
        How many independent C are drawn.
    weights
        How often each value occurs, shape (k,): whole numbers. None means once each.
    rng
        Where the random numbers come from.

    Returns
    -------
    np.ndarray
        One error for each draw, shape (draws,), in the units of the squared singular values.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `error_law`; ValueError also for weights that are not whole and for less than one draw, TypeError
        also for an rng that is no Generator.

    References
    ----------
    N7 of this package.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> errors = theory.sampled_errors([1.0, 1e-6], rank=20, draws=1000, weights=[20, 10**12], rng=rng)
    >>> errors.shape, bool(errors.min() >= 1.0)
    ((1000,), True)
    """
    errors = _draw_in_blocks(_sample_block, singular_values, rank, draws, weights, rng)
    return finite_result("sampled_errors", errors)


def steadied_errors(
    singular_values: ArrayLike, rank: int, draws: int, *, weights: Weights = None, rng: np.random.Generator
) -> np.ndarray:
    """Return numbers with the mean of `sampled_errors` that scatter less where V is large, shape (draws,).

    V is `undecided_directions`. To each error is added a sum of mean 0 that makes up, to first order in
    1 / V, for its deviation from the mean. The variance falls about 50-fold at V = 5 and 1000-fold at V = 15,
    and not at all at V = 1. The numbers are not errors of FA; only their mean is that of its errors.

    Parameters
    ----------
    singular_values, rank, draws, weights, rng
        As in `sampled_errors`.

    Returns
    -------
    np.ndarray
        One number for each draw, shape (draws,), in the units of the squared singular values.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `sampled_errors`.

    References
    ----------
    N4 and N7 of this package.

    Examples
    --------
    >>> values = np.arange(1, 101) ** -0.5
    >>> plain = theory.sampled_errors(values, 10, draws=100, rng=np.random.default_rng(0))
    >>> steadied = theory.steadied_errors(values, 10, draws=100, rng=np.random.default_rng(0))
    >>> [round(float(errors.std() / errors.mean()), 2) for errors in (plain, steadied)]
    [0.03, 0.0]
    """
    errors = _draw_in_blocks(_steady_block, singular_values, rank, draws, weights, rng)
    return finite_result("steadied_errors", errors)


def streamed_error(singular_values: Values, size: int, rank: int, *, rng: np.random.Generator) -> float:
    """Return ||Y - ZW||_F^2 at FA's rest for one draw of a Gaussian C, made row by row in bounded memory.

    The rows are made and forgotten in blocks, which are shared out as the draws of `ensemble_over`.

    Parameters
    ----------
    singular_values
        A function: ``singular_values(start, stop)`` returns those with the numbers ``start`` to ``stop`` - 1,
        shape (stop - start,). The first r must be the largest; the others may have any order.
    size
        How many there are.
    rank
        The number r of hidden units.
    rng
        Where the random numbers come from. It must be able to spawn independent streams.

    Returns
    -------
    float
        The error, in the units of the squared singular values.

    Raises
    ------
    TypeError
        A size or rank that is no whole number, an rng that is no Generator or cannot spawn.
    ValueError
        A size or rank below 1; among the first r values, one that is negative or not finite, or too many or
        too few of them.
    EnsembleError
        The same among later values, or one of these that is larger than the least of the first r.
    FloatingPointError
        An error that overflows float64.

    References
    ----------
    N7 of this package.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(theory.streamed_error(lambda start, stop: np.ones(stop - start), 1000, rank=4, rng=rng), 9)
    996.0
    """
    rank = whole_number("rank", rank, least=1)
    size = whole_number("size", size, least=1)
    head_rng, tail_rng = spawning_generator(rng).spawn(2)
    head = np.sort(_values_between(singular_values, 0, min(rank, size)))[::-1]
    if rank >= size:
        return 0.0
    # Share out the rows beyond the first r: each span returns its sums, which are all that is kept.
    count = min(max((size - rank) * rank // (SPAN_BLOCKS * ENTRIES), 1), SPANS)
    edges = np.linspace(rank, size, count + 1).astype(int).tolist()
    spans = list(pairwise(edges))
    totals = ensemble_over(partial(_sum_span, singular_values, head), spans, rng=tail_rng).sum(axis=0)
    if head[-1] == 0:
        # The target's rank is below r.
        return 0.0
    top = head_rng.standard_normal((rank, rank))
    sums = totals[1:].reshape(2, rank, rank)
    return finite_result("streamed_error", _errors(head, totals[0], top, sums).item())


# --- blocks of draws ---


def _draw_in_blocks(
    draw_block: Block,
    singular_values: ArrayLike,
    rank: int,
    draws: int,
    weights: Weights,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return draws, made in blocks that fit the cache, shape (draws,); 0 where the rank suffices."""
    parts = _split_spectrum(singular_values, rank, weights)
    draws = whole_number("draws", draws, least=1)
    rng = random_generator(rng)
    if parts.beyond.size == 0:
        return np.zeros(draws)
    crowds = parts.beyond.size - parts.rows
    # Random numbers that one draw takes: the first rows, a Wishart matrix for each crowd, the other rows.
    numbers = rank * (rank * (1 + crowds) + parts.rows)
    block = max(1, ENTRIES // numbers)
    sizes = [min(block, draws - start) for start in range(0, draws, block)]
    return np.concatenate([draw_block(parts, size, rng) for size in sizes])


def _split_spectrum(singular_values: ArrayLike, rank: int, weights: Weights) -> _Parts:
    """Return the parts of a spectrum whose values occur a whole number of times."""
    values, counts = spectrum(singular_values, weights)
    rank = whole_number("rank", rank, least=1)
    broken = counts[counts % 1 != 0]
    if broken.size:
        raise ValueError(f"weights holds {broken[0]}; to draw, each value must occur a whole number of times")
    taken = among_largest(counts, rank)
    left = counts - taken
    head = np.repeat(values, taken.astype(int))
    # A Wishart matrix needs at least r degrees of freedom: what occurs less often is drawn a row each.
    crowded = left >= rank
    rows = np.repeat(values[~crowded], left[~crowded].astype(int))
    beyond = np.concatenate([rows, values[crowded]])
    sizes = np.concatenate([np.ones(rows.size), left[crowded]])
    return _Parts(head, beyond, sizes, rows.size)


def _sample_block(parts: _Parts, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return a block of `sampled_errors`, shape (draws,)."""
    squares = np.square(parts.beyond)
    top = rng.standard_normal((draws, parts.head.size, parts.head.size))
    sums = _draw_sums(parts, np.array([squares, squares**2]), draws, rng)
    return _errors(parts.head, parts.least, top, sums)


def _steady_block(parts: _Parts, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return a block of `steadied_errors`, shape (draws,)."""
    squares = np.square(parts.beyond)
    a = parts.coefficients[parts.head.size :]
    top = rng.standard_normal((draws, parts.head.size, parts.head.size))
    sums = _draw_sums(parts, np.array([squares, squares**2, a, a * squares]), draws, rng)
    return _errors(parts.head, parts.least, top, sums[:2]) + _steadying_sums(parts, top, sums)


# --- sums of g_i g_i^T ---


def _draw_sums(parts: _Parts, weights: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return sums of g_i g_i^T beyond the r largest, for ``weights`` (s, k), shape (s, draws, r, r)."""
    rank = parts.head.size
    sums = np.zeros((len(weights), draws, rank, rank))
    step = max(1, ENTRIES // (draws * rank))
    for start in range(0, parts.rows, step):
        block = weights[:, start : min(start + step, parts.rows)]
        _add_rows(sums, block, rng.standard_normal((draws, block.shape[1], rank)))
    for weight, size in zip(weights.T[parts.rows :], parts.sizes[parts.rows :], strict=True):
        sums += np.multiply.outer(weight, _wishart(size, draws, rank, rng))
    return sums


def _add_rows(sums: np.ndarray, weights: np.ndarray, rows: np.ndarray) -> None:
    """Add what ``rows`` (..., b, r) contribute with ``weights`` (s, b) to the sums (s, ..., r, r)."""
    for one_sum, weight in zip(sums, weights, strict=True):
        one_sum += rows.mT @ (weight[:, None] * rows)


def _wishart(count: float, draws: int, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Return Omega^T Omega for Omega ~ N(0, 1) with ``count`` rows, shape (draws, r, r)."""
    # Bartlett's decomposition: normal numbers below the diagonal, chi-distributed ones on it.
    triangles = np.tril(rng.standard_normal((draws, rank, rank)), -1)
    diagonal = np.arange(rank)
    triangles[:, diagonal, diagonal] = np.sqrt(rng.chisquare(count - diagonal, (draws, rank)))
    return triangles @ triangles.mT


def _sum_span(
    singular_values: Values, head: np.ndarray, span: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Return sum sigma_i^2 and, flattened, both sums of g_i g_i^T over the rows of a span, (1 + 2 r^2,)."""
    rank = head.size
    sums = np.zeros((2, rank, rank))
    total = 0.0
    step = max(1, ENTRIES // rank)
    for start in range(*span, step):
        values = _values_between(singular_values, start, min(start + step, span[1]))
        if values.max() > head[-1]:
            raise ValueError(
                f"singular value {values.max()} comes after the first {rank}, the least of which is "
                f"{head[-1]}; give the {rank} largest first"
            )
        squares = np.square(values)
        total += squares.sum()
        _add_rows(sums, np.array([squares, squares**2]), rng.standard_normal((values.size, rank)))
    return np.concatenate([[total], sums.ravel()])


def _values_between(singular_values: Values, start: int, stop: int) -> np.ndarray:
    """Return the singular values from ``start`` to ``stop``, or raise, shape (stop - start,)."""
    values = nonnegative_values("singular_values", singular_values(start, stop))
    if values.size != stop - start:
        raise ValueError(
            f"singular_values({start}, {stop}) returned {values.size} values; it must return {stop - start}"
        )
    return values


# --- the two formulas ---


def _errors(head: np.ndarray, least: float, top: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Return the error of each draw by N7 without cancellation, shape (...).

    ``head`` (r,) are the r largest singular values and ``top`` (..., r, r) their rows g_i. Over all others,
    ``least`` is the sum of their squares, and ``sums`` (2, ..., r, r) are those of sigma_i^2 g_i g_i^T and
    sigma_i^4 g_i g_i^T.

    The range of Sigma Omega stays the same if Omega is multiplied by A, the inverse of ``top``. Then its
    first r rows are the identity, and with D = diag(head^2), N = A^T sums[0] A and M = A^T sums[1] A

        ||Y||_F^2 = tr D + least,        S = D + N,        sum_i sigma_i^4 g_i g_i^T = D^2 + M.

    Since tr D = tr[(D + N)^{-1} D (D + N)], the large D^2 drops out of N7, and only what FA misses is left:

        ||Y - ZW||_F^2 = least + tr[(D + N)^{-1} (D N - M)] = least + tr[(I + D^{-1} N)^{-1} (N - D^{-1} M)].
    """
    A = np.linalg.inv(top)
    N, M = A.mT @ sums @ A
    # Divide row by row, so that no weak direction is lost beside a strong one.
    inverse = 1 / np.square(head)[:, None]
    excess = np.linalg.solve(np.eye(head.size) + inverse * N, N - inverse * M)
    return least + np.trace(excess, axis1=-2, axis2=-1)


def _steadying_sums(parts: _Parts, top: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Return sum_i a_i x_i of each draw: of mean 0, and opposed to the error's deviation, shape (draws,).

    ``top`` (draws, r, r) are the rows g_i of the r largest values. Over all others, ``sums`` (4, draws, r, r)
    are those of g_i g_i^T with the weights sigma_i^2, sigma_i^4, a_i and a_i sigma_i^2.

    Let tau = tr S^{-1}, and P_ii = sigma_i^2 g_i^T S^{-1} g_i: what FA finds of direction i. Stein's lemma is
    E g^T f(g) = E div f(g). For f(g_i) = S^{-1} g_i, where S changes with g_i as well,

        g_i^T f = P_ii / sigma_i^2,        div f = tau (1 - P_ii) - sigma_i^2 ||S^{-1} g_i||^2.

    So x_i = g_i^T f - div f has the mean 0, exactly. To first order in 1 / V, the error deviates from its
    mean by -sum_i a_i x_i, where with the law's p_i and gamma

        a_i = (sigma_i^2 - c) p_i / gamma,        c = sum_i p_i^2 / (gamma V).
    """
    head = parts.head
    a_head, a_beyond = np.split(parts.coefficients, [head.size])
    root = _inverse_root(head, top, sums[0])
    tau = np.square(root).sum(axis=(-2, -1))
    # All others: since S^{-1} = root root^T, every term is a trace of products with the root.
    by_a, by_a_square = root.mT @ sums[2:] @ root
    shares = np.trace(by_a_square, axis1=-2, axis2=-1)
    lengths = np.sum((root.mT @ root) * by_a_square, axis=(-2, -1))
    others = np.trace(by_a, axis1=-2, axis2=-1) - tau * (a_beyond @ parts.sizes - shares) + lengths
    # The r largest: x_i itself, from their rows of sigma_i g_i^T root.
    rows = head[:, None] * (top @ root)
    found = np.square(rows).sum(axis=-1)
    x = found / head**2 - tau[:, None] * (1 - found) + np.square(rows @ root.mT).sum(axis=-1)
    return others + x @ a_head


def _inverse_root(head: np.ndarray, top: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """Return a root of S^{-1} = root root^T, S being of rows head * top and ``gram``, shape (draws, r, r)."""
    start = np.linalg.inv(top) / head
    root = start @ np.linalg.inv(np.linalg.cholesky(np.eye(head.size) + start.mT @ gram @ start)).mT
    # Refine once: root^T S root is the identity but for rounding, which is large where ``top`` is nearly
    # singular.
    rows = head[:, None] * (top @ root)
    return root @ np.linalg.inv(np.linalg.cholesky(rows.mT @ rows + root.mT @ gram @ root)).mT
