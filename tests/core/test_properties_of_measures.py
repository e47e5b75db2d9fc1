"""What is measured in one state, at any shape, scale and degeneracy, against exact arithmetic."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from conftest import close
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import EPS, LEAST, fractions, mild_exponents, problems, root, squares

import fa_utils as fa

pytestmark = pytest.mark.slow
ROUNDINGS = 100 * Fraction(EPS)  # no sum here has more than 32 terms, no product more than five factors
powers = st.integers(-13, 13)  # of four: from 1e-8 to 1e8


def norm(matrix):
    return root(squares(matrix))


def reach(*parts):
    """Return what the product's entries are at most; no product of two counts below the least number."""
    size = abs(parts[0])
    for part in parts[1:]:
        size = size @ abs(part) + LEAST
    return size


def assert_exact(found, exact, size):
    """Assert that a result is exact but for ``ROUNDINGS size``."""
    assert np.isfinite(found).all()
    assert np.all(abs(fractions(found) - exact) <= ROUNDINGS * size + LEAST)


def assert_exact_square(found, matrix, size):
    """The same of a matrix's squared norm, the matrix being rounded by ``ROUNDINGS size`` in the norm."""
    bound = ROUNDINGS * size * (3 * norm(matrix) + ROUNDINGS * size)
    assert abs(Fraction(float(found)) - squares(matrix)) <= bound + LEAST


class Exact:
    """A problem's state in exact arithmetic, and what its products' entries are at most."""

    def __init__(self, problem):
        parts = problem.target, problem.feedback, problem.Z, problem.W
        self.Y, self.C, self.Z, self.W = map(fractions, parts)
        self.E = self.Y - self.Z @ self.W
        factors = [self.Y]
        if isinstance(problem.target, fa.FactoredTarget):
            factors = [fractions(problem.target.left), fractions(problem.target.right)]
        self.target_reach = reach(*factors)
        self.of_target = norm(self.Y)
        if len(factors) == 2:
            left, right = factors
            self.of_target = sum(norm(left[:, [j]]) * norm(right[[j]]) for j in range(len(right)))
        self.fed_back_reach = reach(self.target_reach, self.C.T) + reach(self.Z, reach(self.W, self.C.T))


@given(problems())
def test_the_cosine_is_exact_to_rounding_whatever_the_scales(problem):
    W = fractions(problem.W)
    C = fractions(problem.feedback)
    found = fa.alignment_cosine(problem, problem.W)
    both = squares(W) * squares(C)
    inner = (W * C).sum()
    cosine = root(inner**2 / both) * (-1 if inner < 0 else 1) if both else 0
    assert abs(Fraction(float(found)) - cosine) <= ROUNDINGS and abs(found) <= 1 + 4 * EPS


@given(problems())
def test_lemma_1s_point_is_the_projection_on_the_sketchs_range_at_any_scale(problem):
    exact = Exact(problem)
    Z, W = fa.stationary_point(problem)
    size = exact.of_target * norm(exact.C)
    kept = np.square(Z).sum(axis=0) > 0.5
    assert close(Z.T @ Z, np.diag(kept), atol=100 * EPS)
    assert_exact(W, fractions(Z).T @ exact.Y, reach(fractions(Z).T, exact.target_reach))
    if not size:
        assert not kept.any()
        return
    sketch = np.array((exact.Y @ exact.C.T) / size, float)
    assert np.linalg.norm(sketch - Z @ (Z.T @ sketch)) <= 100 * EPS
    left, values, _ = np.linalg.svd(sketch, full_matrices=False)
    basis = left[:, : kept.sum()]
    if kept.any():  # what is kept lies in the range, as surely as the least value kept is above rounding
        assert np.linalg.norm(Z - basis @ (basis.T @ Z)) <= 100 * EPS / max(values[kept.sum() - 1], EPS / 100)


@given(problems())
def test_lemma_1s_point_is_stationary_and_its_error_lies_between_the_least_and_the_targets(problem):
    exact = Exact(problem)
    Z, W = fa.stationary_point(problem)
    r = problem.Z.shape[1]
    full = squares(exact.Y)
    size = exact.of_target
    error = Fraction(float(fa.error(problem.target, Z, W)))
    least = Fraction(fa.optimal_error(problem.target, r))
    slack = ROUNDINGS * size * (norm(exact.Y) + ROUNDINGS * size) + LEAST
    assert least - slack <= error <= full + slack
    if exact.Y.any():
        assert fa.stationarity_gap(problem, Z, W) <= ROUNDINGS * 8 * (1 + size / norm(exact.Y)) ** 2


@given(problems(factored=False))
def test_the_optimum_shares_singular_values_evenly_and_reaches_the_least_error(problem):
    exact = Exact(problem)
    r = problem.Z.shape[1]
    Z, W = fa.optimal_point(problem.target, r)
    size = squares(exact.Y)
    values = np.square(np.linalg.svd(np.array(exact.Y / (norm(exact.Y) or 1), float), compute_uv=False))
    for found in (fa.error(problem.target, Z, W), fa.optimal_error(problem.target, r)):
        assert abs(Fraction(float(found)) - Fraction(values[r:].sum()) * size) <= ROUNDINGS * size + LEAST
    gram = fractions(Z).T @ fractions(Z) - fractions(W) @ fractions(W).T
    assert (abs(gram) <= ROUNDINGS * norm(exact.Y)).all()


@given(problems())
def test_errors_and_losses_are_exact_to_rounding(problem):
    exact = Exact(problem)
    size = exact.of_target + norm(exact.Z) * norm(exact.W)
    R = exact.E @ exact.C.T
    assert_exact_square(fa.error(problem.target, problem.Z, problem.W), exact.E, size)
    assert_exact(fa.residual(problem, problem.Z, problem.W), R, exact.fed_back_reach)
    assert_exact_square(fa.loss(problem, problem.Z, problem.W), R, norm(exact.fed_back_reach))


@given(problems())
def test_overlaps_and_conserved_quantities_are_exact_to_rounding(problem):
    exact = Exact(problem)
    Z = exact.Z
    W = exact.W
    M = W @ exact.C.T
    overlap = reach(W, exact.C.T)
    gram = reach(Z.T, Z)
    assert_exact(fa.overlap(problem, problem.W), M, overlap)
    assert_exact(fa.alignment_matrix(problem, problem.W), M + M.T, overlap + overlap.T)
    by_fa = fa.conserved_by_fa(problem, problem.Z, problem.W)
    assert_exact(by_fa, Z.T @ Z - M - M.T, gram + overlap + overlap.T)
    by_gd = fa.conserved_by_gd(problem, problem.Z, problem.W)
    assert_exact(by_gd, Z.T @ Z - W @ W.T, gram + reach(W, W.T))
    assert_exact(fa.squared_norm(problem.Z), squares(Z), squares(Z))


@given(problems())
def test_fields_are_the_direct_formulas(problem):
    exact = Exact(problem)
    second = reach(exact.Z.T, exact.target_reach) + reach(reach(exact.Z.T, exact.Z), exact.W)
    by_gd = reach(exact.target_reach, exact.W.T) + reach(exact.Z, reach(exact.W, exact.W.T))
    for rule, back, size in ((fa.GD, exact.W, by_gd), (fa.FA, exact.C, exact.fed_back_reach)):
        dZ, dW = rule.field(problem, problem.Z, problem.W)
        assert_exact(dZ, exact.E @ back.T, size)
        assert_exact(dW, exact.Z.T @ exact.E, second)


@given(problems())
def test_the_gap_is_exact_to_rounding_whatever_the_scales(problem):
    exact = Exact(problem)
    Y = squares(exact.Y)
    C = squares(exact.C)
    Z = squares(exact.Z)
    found = Fraction(float(fa.stationarity_gap(problem, problem.Z, problem.W)))
    # Else the factors' product is nothing but rounding.
    assume(ROUNDINGS * exact.of_target < norm(exact.Y) / 1000)
    share = (exact.of_target + norm(exact.Z) * norm(exact.W)) / norm(exact.Y)
    fed_back = squares(exact.E @ exact.C.T) / C if C else 0
    forward = squares(exact.Z.T @ exact.E) / Z if Z else 0
    gap = root(Fraction(max(fed_back, forward)) / Y)
    assert abs(found - gap) <= ROUNDINGS * share * (1 + gap)


MEASURES = {
    # name: the measure, and its degree in the scales of target, feedback and Z; W scales as target / Z
    "error": (lambda p: fa.error(p.target, p.Z, p.W), (2, 0, 0)),
    "residual": (lambda p: fa.residual(p, p.Z, p.W), (1, 1, 0)),
    "loss": (lambda p: fa.loss(p, p.Z, p.W), (2, 2, 0)),
    "overlap": (lambda p: fa.overlap(p, p.W), (1, 1, -1)),
    "alignment_cosine": (lambda p: fa.alignment_cosine(p, p.W), (0, 0, 0)),
    "stationarity_gap": (lambda p: fa.stationarity_gap(p, p.Z, p.W), (0, 0, 0)),
    "stationary_point": (lambda p: fa.stationary_point(p).Z, (0, 0, 0)),
    "stationary_point's W": (lambda p: fa.stationary_point(p).W, (1, 0, 0)),
    "optimal_error": (lambda p: fa.optimal_error(p.target, 1), (2, 0, 0)),
}


def scaled(problem, target, feedback, Z):
    """Return the problem times powers of two, W by what goes with the target and Z."""
    if isinstance(problem.target, fa.FactoredTarget):
        half = target // 2
        left = np.ldexp(problem.target.left, half)
        Y = fa.FactoredTarget(left, np.ldexp(problem.target.right, target - half))
    else:
        Y = np.ldexp(problem.target, target)
    return fa.Problem(
        Y, np.ldexp(problem.feedback, feedback), np.ldexp(problem.Z, Z), np.ldexp(problem.W, target - Z)
    )


@given(problem=problems(mild_exponents), scales=st.tuples(powers, powers, powers))
def test_powers_of_two_scale_a_measure_and_change_no_digit(problem, scales):
    powers_of_two = [2 * scale for scale in scales]
    large = scaled(problem, *powers_of_two)
    small = scaled(problem, 0, 0, 0)
    size_of_target = float(Exact(problem).of_target)
    for name, (measure, degrees) in MEASURES.items():
        found = measure(large)
        wanted = np.ldexp(measure(small), int(np.dot(degrees, powers_of_two)))
        # The library's singular value decomposition has units of its own, which are no powers of two.
        value = 50 * EPS * np.ldexp(size_of_target, powers_of_two[0])  # to which a singular value is exact
        rounding = value * (2 * np.sqrt(wanted) + value) if name == "optimal_error" else 0
        assert (np.abs(found - wanted) <= rounding + float(LEAST)).all(), name


@given(problems(mild_exponents), st.data())
def test_orthogonal_transforms_of_target_feedback_and_state_change_no_measure(problem, data):
    n, m = problem.target.shape
    assume(not isinstance(problem.target, fa.FactoredTarget))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    U = fa.orthonormal_columns(n, n, rng=rng)
    V = fa.orthonormal_columns(m, m, rng=rng)
    turned = fa.Problem(U @ problem.target @ V, problem.feedback @ V, U @ problem.Z, problem.W @ V)
    size = 1 + np.linalg.norm(problem.target) + np.linalg.norm(problem.Z) * np.linalg.norm(problem.W)
    for name in ("error", "loss", "alignment_cosine", "optimal_error"):
        measure, (of_target, of_feedback, _) = MEASURES[name]
        bound = 1e3 * EPS * size**of_target * (1 + np.linalg.norm(problem.feedback)) ** of_feedback
        assert close(measure(turned), measure(problem), atol=bound)


@given(problems())
def test_a_problem_holds_the_numbers_given_as_its_own_read_only_float64(problem):
    for array in (problem.feedback, problem.Z, problem.W):
        assert array.dtype == float
        assert not array.flags.writeable
        assert array.base is None
    again = replace(problem, W=problem.W.astype(np.longdouble)[::-1][::-1])
    assert np.array_equal(again.W, problem.W)
    for dtype in (np.float32, np.float16):
        with np.errstate(over="ignore"):
            short = problem.Z.astype(dtype)
        if np.isfinite(short).all():
            assert np.array_equal(replace(problem, Z=short).Z, short.astype(float))
        else:
            with pytest.raises(ValueError, match=r"Z holds -?inf at \(.*finite"):
                replace(problem, Z=short)
