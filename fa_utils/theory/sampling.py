"""FA's error at rest, drawn exactly, for targets whose size only time limits, or not even that.

FA keeps the range of Sigma G, with G Gaussian, n x r. After G -> G A, A the inverse of its first r rows, the
range is unchanged and those rows are the identity. With D the squares of the r largest singular values (as a
diagonal matrix), and over all other rows g_i and values: T = sum sigma_i^2,
N = A^T (sum sigma_i^2 g_i g_i^T) A, and M likewise with sigma_i^4,

    ||Y - ZW||_F^2 = T + tr[(D + N)^{-1} (D N - M)] = T + tr[(I + D^{-1} N)^{-1} (N - D^{-1} M)].

That is N7, ||Y||_F^2 - tr[(G^T Sigma^2 G)^{-1} G^T Sigma^4 G], but nothing cancels: T alone is the optimum.
Values are taken relative to the least of the r largest, so that no power of them overflows or is lost; where
the others are known, times a power of two that brings the largest of those near 1.

Most of the scatter of these errors can be told in advance. With K = G^T Sigma^2 G, tau = tr K^{-1}, and
P_ii = sigma_i^2 g_i^T K^{-1} g_i what is found of direction i,

    X_i = P_ii / sigma_i^2 - tau (1 - P_ii) + sigma_i^2 ||K^{-1} g_i||^2

has the mean 0, exactly, by Stein's lemma, E g^T f(g) = E div f(g), for f(g_i) = K^{-1} g_i. To first order in
1/V (see `law`) the error's deviation from its mean is -sum_i a_i X_i, where, with the law's p_i and gamma,
a_i = (sigma_i^2 - c) p_i / gamma and c = sum_i p_i^2 / (gamma V). So sum_i a_i X_i is added.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils.checks import (
    Weights,
    checked_values,
    fits_float64,
    random_generator,
    spawning_generator,
    spectrum,
    whole_number,
)
from fa_utils.ensembles import ensemble_over
from fa_utils.law import among_largest, error_law

ENTRIES = 2**16  # of random numbers at a time, so that they stay in the processor's cache
SPANS = 64  # of rows, at most, in which a streamed draw is shared out ...
SPAN_BLOCKS = 16  # ... of at least so many blocks each

Values = Callable[[int, int], ArrayLike]
Block = Callable[[int, np.random.Generator], np.ndarray]  # makes so many draws, shape (draws,)


@fits_float64
def sampled_errors(
    singular_values: ArrayLike, rank: int, draws: int, *, weights: Weights = None, rng: np.random.Generator
) -> np.ndarray:
    """Return ||Y - ZW||_F^2 at FA's rest for independent draws of a Gaussian C, shape (draws,).

    Exact at any size, and in O(rank^2) memory for each draw of a block. A value that by its weight occurs
    at least ``rank`` times beyond the ``rank`` largest costs one Wishart draw, O(rank^3), others a row each.
    Raises ValueError as `error_law` does, and for weights that are not whole numbers.

    >>> rng = np.random.default_rng(0)
    >>> errors = fa.sampled_errors([1.0, 1e-6], rank=20, draws=1000, weights=[20, 10**12], rng=rng)
    >>> errors.shape, bool(errors.min() >= 1.0)
    ((1000,), True)
    """
    return _drawn(_plain, singular_values, rank, draws, weights, rng)


@fits_float64
def steadied_errors(
    singular_values: ArrayLike, rank: int, draws: int, *, weights: Weights = None, rng: np.random.Generator
) -> np.ndarray:
    """Return numbers with the mean of `sampled_errors`, less scattered where V is large, shape (draws,).

    Each is an error and what, to first order in 1/V, makes up for its deviation from the mean; V is
    `undecided_directions`. The variance falls some 50-fold at V = 5, 1000-fold at V = 15, and not at all at
    V = 1. These are no errors, but a means to their mean. Raises as `sampled_errors` does.

    >>> values, rng = np.arange(1, 101) ** -0.5, np.random.default_rng(0)
    >>> errors = [draw(values, 10, draws=100, rng=rng) for draw in (fa.sampled_errors, fa.steadied_errors)]
    >>> [round(float(some.std() / some.mean()), 2) for some in errors]
    [0.03, 0.0]
    """
    return _drawn(_steady, singular_values, rank, draws, weights, rng)


@fits_float64
def streamed_error(
    singular_values: Values, size: int, rank: int, *, rng: np.random.Generator, cluster: str | None = None
) -> float:
    """Return ||Y - ZW||_F^2 at FA's rest for one draw of a Gaussian C, its rows made and forgotten in blocks.

    ``singular_values(start, stop)`` returns the values with these numbers, from 0 to ``size``; the first
    ``rank`` are the largest, and 1e-154 of the least of these counts as 0. Memory does not grow with size.
    The work is shared out, and raises, as in `ensemble`. Raises ValueError where values are negative, not
    finite, too few, too many or larger than the first; EnsembleError where only a later block shows it.

    >>> round(fa.streamed_error(lambda i, j: np.ones(j - i), 1000, rank=4, rng=np.random.default_rng(0)), 9)
    996.0
    """
    rank, size = whole_number("rank", rank, least=1), whole_number("size", size, least=1)
    head_rng, tail_rng = spawning_generator(rng).spawn(2)
    head = np.sort(_block_of(singular_values, 0, min(rank, size)))[::-1]
    if rank >= size:
        return 0.0
    spans = int(np.clip((size - rank) * rank // (SPAN_BLOCKS * ENTRIES), 1, SPANS))
    edges = np.linspace(rank, size, spans + 1).astype(int)
    sums = ensemble_over(
        partial(_span_sums, singular_values, rank, head[-1]),
        list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)),
        rng=tail_rng,
        cluster=cluster,
    ).sum(axis=0)
    if head[-1] == 0:
        return 0.0
    top, grams = head_rng.standard_normal((1, rank, rank)), sums[1:].reshape(2, 1, rank, rank)
    return float(_in_squares_of(head[-1], _errors(np.square(head[-1] / head), sums[0], top, grams)[0]))


def _drawn(
    kind: "Callable[[_Parts, int], Block]",
    singular_values: ArrayLike,
    rank: int,
    draws: int,
    weights: Weights,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return so many draws, made in blocks that fit the processor's cache; 0 where the rank suffices."""
    values, counts = spectrum(singular_values, weights)
    rank, draws = whole_number("rank", rank, least=1), whole_number("draws", draws, least=1)
    broken = counts[counts % 1 != 0]
    if broken.size:
        raise ValueError(f"weights holds {broken[0]}; to draw, each value must occur a whole number of times")
    rng = random_generator(rng)
    taken = among_largest(counts, rank)
    if (taken == counts).all():
        return np.zeros(draws)
    parts = _parted(
        np.repeat(values, taken.astype(int)), values[taken < counts], (counts - taken)[taken < counts]
    )
    block = max(1, ENTRIES // (rank * (rank * (1 + len(parts.crowds)) + parts.rows.size)))
    sizes = [min(block, draws - start) for start in range(0, draws, block)]
    make = kind(parts, rank)
    return _in_squares_of(parts.unit, np.concatenate([make(size, rng) for size in sizes]))


class _Parts(NamedTuple):
    """A spectrum relative to ``unit``, near the largest value beyond its ``rank`` largest."""

    unit: float
    inverse_head: np.ndarray  # one over the squares of the rank largest
    rows: np.ndarray  # all other values that occur less than rank times
    crowds: list[tuple[float, float]]  # the rest: a square, and how often it occurs
    total: float  # of the squares of rows and crowds


def _parted(head: np.ndarray, values: np.ndarray, counts: np.ndarray) -> _Parts:
    """Return the parts of a spectrum: its r largest values, the others, and how often those occur."""
    unit = np.ldexp(head[-1], np.frexp(values.max() / head[-1])[1])
    values, few = values / unit, counts < head.size
    squares = np.square(values)
    return _Parts(
        unit=unit,
        inverse_head=np.square(unit / head),
        rows=np.repeat(values[few], counts[few].astype(int)),
        crowds=list(zip(squares[~few], counts[~few], strict=True)),
        total=float(squares @ counts),
    )


def _in_squares_of(unit: float, errors: np.ndarray) -> np.ndarray:
    """Return unit^2 errors, where unit^2 alone may leave float64."""
    mantissa, exponent = np.frexp(unit)
    return np.ldexp(mantissa**2 * errors, 2 * exponent)


def _plain(parts: _Parts, rank: int) -> Block:
    """Return what makes blocks of `sampled_errors`."""
    return partial(_sampled, parts, rank)


def _sampled(parts: _Parts, rank: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return the errors of a block of draws, shape (draws,)."""
    top = rng.standard_normal((draws, rank, rank))
    grams = _row_grams(parts.rows, draws, rank, rng)
    for square, count in parts.crowds:
        grams += np.multiply.outer((square, square**2), _wishart(count, draws, rank, rng))
    return _errors(parts.inverse_head, parts.total, top, grams)


class _Steadying(NamedTuple):
    """The module's a_i, relative to the unit squared, and their sum over all beyond the rank largest."""

    head: np.ndarray
    rows: np.ndarray
    crowds: np.ndarray
    total: float


def _steady(parts: _Parts, rank: int) -> Block:
    """Return what makes blocks of `steadied_errors`."""
    crowds, counts = np.array(parts.crowds).reshape(-1, 2).T
    squares = np.concatenate([1 / parts.inverse_head, np.square(parts.rows), crowds])
    weights = np.concatenate([np.ones(rank + parts.rows.size), counts])
    gamma = rank / error_law(np.sqrt(squares), rank, weights)
    found, missed = gamma * squares / (1 + gamma * squares), 1 / (1 + gamma * squares)
    middle = (weights @ found**2) / (weights @ (found * missed)) / gamma
    head, rows, crowds = np.split((squares - middle) * found / gamma, [rank, rank + parts.rows.size])
    return partial(_steadied, parts, rank, _Steadying(head, rows, crowds, rows.sum() + crowds @ counts))


def _steadied(
    parts: _Parts, rank: int, steadying: _Steadying, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Return a block of `steadied_errors`, in squares of the unit, shape (draws,)."""
    top = rng.standard_normal((draws, rank, rank))
    squares = np.square(parts.rows)
    grams = _weighted_grams(
        np.array([squares, squares**2, steadying.rows, steadying.rows * squares]), draws, rank, rng
    )
    for (square, count), a in zip(parts.crowds, steadying.crowds, strict=True):
        grams += np.multiply.outer((square, square**2, a, a * square), _wishart(count, draws, rank, rng))
    errors = _errors(parts.inverse_head, parts.total, top, grams[:2])
    return errors + _made_up(1 / np.sqrt(parts.inverse_head), steadying, top, grams)


def _weighted_grams(weights: np.ndarray, draws: int, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Return sums of g_i g_i^T over rows g_i ~ N(0, I), for weights (k, rows); shape (k, draws, r, r)."""
    grams = np.zeros((len(weights), draws, rank, rank))
    rows = max(1, ENTRIES // (draws * rank))
    for start in range(0, weights.shape[1], rows):
        block = weights[:, start : start + rows]
        G = rng.standard_normal((draws, block.shape[1], rank))
        for gram, weight in zip(grams, block, strict=True):
            gram += G.mT @ (weight[:, None] * G)
    return grams


def _made_up(head: np.ndarray, steadying: _Steadying, top: np.ndarray, grams: np.ndarray) -> np.ndarray:
    """Return sum_i a_i X_i from the first rows ``top``, whose values are ``head``, and the sums, (draws,).

    With K^{-1} = T T^T every trace is one of products with T, and T^T (sigma_i g_i) is short.
    """
    T = _inverse_factor(head, top, grams[0])
    trace = np.square(T).sum(axis=(-2, -1))
    by_a, by_square = (T.mT @ gram @ T for gram in grams[2:])
    others = np.trace(by_a, axis1=-2, axis2=-1) + np.sum((T.mT @ T) * by_square, axis=(-2, -1))
    others -= trace * (steadying.total - np.trace(by_square, axis1=-2, axis2=-1))
    rows = head[:, None] * (top @ T)
    found = np.square(rows).sum(axis=-1)
    scatter = found / head**2 - trace[:, None] * (1 - found) + np.square(rows @ T.mT).sum(axis=-1)
    return others + scatter @ steadying.head


def _inverse_factor(head: np.ndarray, top: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """Return T with T T^T = K^{-1}, K being the rows ``top`` times ``head``, squared, and ``gram``."""
    start = np.linalg.inv(top) / head
    T = start @ np.linalg.inv(np.linalg.cholesky(np.eye(head.size) + start.mT @ gram @ start)).mT
    # Where the first rows happen to be nearly dependent, T^T K T is the identity but for what is left
    rows = head[:, None] * (top @ T)
    return T @ np.linalg.inv(np.linalg.cholesky(rows.mT @ rows + T.mT @ gram @ T)).mT


def _span_sums(
    singular_values: Values, rank: int, largest: float, span: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Return sum sigma_i^2 and, flattened, both sums of g_i g_i^T over the rows of a span, (1 + 2 r^2,)."""
    grams, total = np.zeros((2, rank, rank)), 0.0
    rows = max(1, ENTRIES // rank)
    for start in range(*span, rows):
        values = _block_of(singular_values, start, min(start + rows, span[1]))
        if values.max() > largest:
            raise ValueError(
                f"singular value {values.max()} comes after the first {rank}, the least of which is "
                f"{largest}; let the values fall"
            )
        values = values / (largest or 1.0)
        total += float(values @ values)
        _add_rows(grams, values, rng.standard_normal((values.size, rank)))
    return np.concatenate([[total], grams.ravel()])


def _block_of(singular_values: Values, start: int, stop: int) -> np.ndarray:
    """Return the singular values from ``start`` to ``stop``, or raise."""
    values = checked_values(singular_values(start, stop))
    if values.size != stop - start:
        raise ValueError(
            f"singular_values({start}, {stop}) returned {values.size} values; it must return {stop - start}"
        )
    return values


def _row_grams(values: np.ndarray, draws: int, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Return both sums of g_i g_i^T over rows g_i ~ N(0, I) with these values, shape (2, draws, r, r)."""
    grams = np.zeros((2, draws, rank, rank))
    rows = max(1, ENTRIES // (draws * rank))
    for start in range(0, values.size, rows):
        block = values[start : start + rows]
        _add_rows(grams, block, rng.standard_normal((draws, block.size, rank)))
    return grams


def _add_rows(grams: np.ndarray, values: np.ndarray, rows: np.ndarray) -> None:
    """Add to both sums what these rows (..., b, r) contribute; the rows are overwritten."""
    for gram in grams:
        rows *= values[:, None]
        gram += rows.mT @ rows


def _wishart(count: float, draws: int, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Return G^T G for G ~ N(0,1) with ``count`` rows, by Bartlett's decomposition, shape (draws, r, r)."""
    triangles = np.tril(rng.standard_normal((draws, rank, rank)), -1)
    diagonal = np.arange(rank)
    triangles[:, diagonal, diagonal] = np.sqrt(rng.chisquare(count - diagonal, (draws, rank)))
    return triangles @ triangles.mT


def _errors(inverse_head: np.ndarray, total: float, top: np.ndarray, grams: np.ndarray) -> np.ndarray:
    """Return the module's formula for D^{-1}, T = ``total``, the first rows ``top``, both sums; (draws,)."""
    A = np.linalg.inv(top)
    N, M = A.mT @ grams @ A
    inverse = inverse_head[:, None]  # row by row, so that no weak one is lost beside a strong one
    change = np.linalg.solve(np.eye(inverse_head.size) + inverse * N, N - inverse * M)
    return total + np.trace(change, axis1=-2, axis2=-1)
