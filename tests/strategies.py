"""What property tests draw - problems of every shape, scale and degeneracy - and exact arithmetic."""

import re
from fractions import Fraction
from functools import cache, partial
from math import isqrt

import numpy as np
from hypothesis import strategies as st

import fa_utils as fa

EPS = np.finfo(float).eps
LARGEST = Fraction(np.finfo(float).max)
LEAST = Fraction(1, 2**1022)
KINDS = ("generic", "zero", "repeated columns", "nearly equal columns", "rank one", "equal singular values")
SAYS = (
    "overflows? float64|must be finite|choose a finite number"
    "|FA\\* needs full column rank|diverged: step|was not solved"
    "|evaluations to reach time|the residual is 0 from the start|no times fit between|choose earlier times"
)

exponents = st.integers(-8, 8)  # of ten: scales that people run
mild_exponents = st.integers(-3, 3)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 8)
# Made once: that takes longer than a draw.
one_of = cache(st.sampled_from)
up_to = cache(partial(st.integers, 1))


def half(number):
    return number / 2


def degenerate(rng, shape, kind):
    """Return a matrix with entries near 1 that is ``kind`` of special."""
    matrix = rng.standard_normal(shape)
    if kind == "zero":
        return np.zeros(shape)
    if kind == "rank one":
        return np.outer(matrix[:, 0], matrix[0])
    if kind == "equal singular values":
        left, _, right = np.linalg.svd(matrix, full_matrices=False)
        return left @ right
    if kind == "repeated columns":
        matrix[:, -1] = matrix[:, 0]
    if kind == "nearly equal columns":
        matrix[:, -1] = matrix[:, 0] + 10.0 ** rng.integers(-15, -7) * matrix[:, -1]
    return matrix


def drawn_matrix(draw, rng, shape, scales, kinds):
    """Draw a float64 matrix."""
    return degenerate(rng, shape, draw(one_of(kinds))) * 10.0 ** draw(scales)


@st.composite
def matrices(draw, shape, scales=exponents, kinds=KINDS):
    """A float64 matrix."""
    return drawn_matrix(draw, np.random.default_rng(draw(seeds)), shape, scales, kinds)


def read_only(array):
    array = array.copy(order="K")
    array.setflags(write=False)
    return array


GIVEN_AS = {
    "as it is": lambda array: array,
    "F order": np.asfortranarray,
    "read-only": read_only,
    "read-only, F order": lambda array: read_only(np.asfortranarray(array)),
    "reversed view": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "every other entry": lambda array: np.repeat(np.repeat(array, 2, 0), 2, 1)[::2, ::2],
    "longdouble": lambda array: array.astype(np.longdouble),
    "nested lists": lambda array: array.tolist(),
}
WAYS = tuple(GIVEN_AS)


@st.composite
def problems(draw, scales=exponents, kinds=KINDS, start_kinds=KINDS, spare_units=True, factored=None):
    """A problem; every part has a scale of its own, and arrays come as users may give them."""

    def given_as_users_do(shape, scales, kinds):
        return GIVEN_AS[draw(one_of(WAYS))](drawn_matrix(draw, rng, shape, scales, kinds))

    rng = np.random.default_rng(draw(seeds))
    n = draw(sizes)
    m = draw(sizes)
    r = draw(sizes if spare_units else up_to(n))  # FA* cannot start with more units than rows
    if draw(st.booleans()) if factored is None else factored:
        halves = scales.map(half)
        k = draw(sizes)
        left = given_as_users_do((n, k), halves, kinds)
        target = fa.FactoredTarget(left, given_as_users_do((k, m), halves, kinds))
    else:
        target = given_as_users_do((n, m), scales, kinds)
    feedback = given_as_users_do((r, m), scales, KINDS)
    Z = given_as_users_do((n, r), scales, start_kinds)
    W = given_as_users_do((r, m), scales, KINDS)
    return fa.Problem(target, feedback, Z, W)


@st.composite
def spectra(draw, scales=exponents, most=12):
    """Singular values, in any order, zeros and repeated ones among them, and weights or None."""
    count = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(seeds))
    scale = draw(scales)
    shape = draw(one_of(("generic", "equal", "steep", "zeros", "own scales")))
    values = rng.random(count) + 0.01
    if shape == "equal":
        values[:] = values[0]
    if shape == "steep":
        values = 10.0 ** -np.arange(count, dtype=float) * values
    if shape == "zeros":
        values[: count // 2] = 0
    values = rng.permutation(values) * 10.0**scale
    if shape == "own scales":
        values = 10.0 ** np.array([draw(scales) for _ in range(count)], float)
    weights = draw(st.none() | st.lists(st.integers(1, 10**6), min_size=count, max_size=count))
    return values, weights


def results_or_none(call):
    """Return the numbers that ``call`` gives, all finite, or None where it refuses in words of ours."""
    try:
        results = call()
    except (ValueError, TypeError, FloatingPointError) as error:
        assert type(error) in (ValueError, FloatingPointError) and re.search(SAYS, str(error)), repr(error)
        return None
    for result in results if isinstance(results, tuple) else (results,):
        assert np.isfinite(result).all()
    return results


def fractions(array):
    """Return the array, or the factored target, as exact numbers."""
    if isinstance(array, fa.FactoredTarget):
        return fractions(array.left) @ fractions(array.right)
    return np.array([Fraction(x) for x in np.ravel(array).tolist()], dtype=object).reshape(np.shape(array))


def root(number):
    """Return the square root of a Fraction, to 30 digits, as one."""
    above = number.numerator * number.denominator
    return Fraction(isqrt(above << 200), number.denominator << 100)


def squares(matrix):
    return (matrix * matrix).sum()
