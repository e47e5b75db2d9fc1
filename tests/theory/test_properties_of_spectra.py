"""What needs singular values, times or counts alone: laws, draws, integrals, limits, at scales to 1e8."""

from fractions import Fraction

import numpy as np
import pytest
from conftest import close
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import EPS, fractions, mild_exponents, results_or_none, seeds, sizes, spectra

import fa_utils as fa
from fa_utils import report, theory

pytestmark = pytest.mark.slow
ranks = st.integers(1, 14)
scales = st.integers(-8, 8)  # powers of ten
ROUNDINGS = Fraction(100 * EPS)
SOUND = Fraction(1 - 1e-9)  # a drawn system may be ill-conditioned
LOGS = Fraction(1000 * EPS)  # rounding of a number given by its logarithm, of at most 100


def squared_values(values, weights):
    """Return the exact squares, largest first, as (square, how often) pairs."""
    counts = [1] * len(values) if weights is None else weights
    return sorted(((float(v), int(c)) for v, c in zip(values, counts, strict=True)), reverse=True)


def exact_least(values, weights, rank):
    total = Fraction(0)
    for value, count in squared_values(values, weights):
        taken = min(count, rank)
        rank = rank - taken
        total = total + Fraction(value) ** 2 * (count - taken)
    return total


@given(spectra(scales), ranks)
def test_the_least_error_is_exact_to_rounding_and_the_law_lies_between_it_and_the_whole(spectrum, rank):
    values, weights = spectrum
    least = exact_least(values, weights, rank)
    full = exact_least(values, weights, 0)
    assert abs(Fraction(theory.least_error(values, rank, weights)) - least) <= ROUNDINGS * least
    assert least * (1 - LOGS) <= Fraction(theory.error_law(values, rank, weights)) <= full * (1 + LOGS)


@given(spectra(scales), ranks)
def test_laws_are_finite_and_direction_counts_within_the_rank(spectrum, rank):
    values, weights = spectrum
    assert 0 <= theory.error_law_correction(values, rank, weights) < np.inf
    undecided = theory.undecided_directions(values, rank, weights)
    assert 0 <= undecided <= rank * float(1 + LOGS)


@given(spectra(scales), ranks, st.integers(2, 5))
def test_the_oversampling_bound_is_its_formula(spectrum, rank, spare):
    values, weights = spectrum
    found = theory.oversampling_bound(values, rank, rank + spare, weights)
    wanted = exact_least(values, weights, rank) * (1 + Fraction(rank, spare - 1))
    assert abs(Fraction(found) - wanted) <= ROUNDINGS * wanted


@given(spectra(mild_exponents), ranks, scales, seeds)
def test_laws_scale_with_the_square_of_the_values_and_do_not_see_their_order(spectrum, rank, exponent, seed):
    values, weights = spectrum
    order = np.random.default_rng(seed).permutation(len(values))
    scale = 2.0 ** (3 * exponent)
    others = None if weights is None else [weights[index] for index in order]
    size = theory.error_law(values, rank, weights)  # that of the correction may be nothing but its rounding
    for law in (theory.error_law, theory.error_law_correction, theory.least_error):
        wanted = law(values, rank, weights)
        slack = 1000 * float(LOGS) * (wanted + size)
        assert abs(law(values[order], rank, others) - wanted) <= slack
        assert abs(law(scale * values, rank, weights) / scale**2 - wanted) <= slack


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), ranks, seeds)
def test_weights_stand_for_repeated_values(weights, rank, seed):
    values = np.random.default_rng(seed).random(len(weights)) + 0.01
    for law in (theory.error_law, theory.least_error, theory.undecided_directions):
        one = law(values, rank, weights)
        other = law(np.repeat(values, weights), rank)
        assert abs(one - other) <= float(LOGS) * (1 + abs(other))


@given(spectra(scales), ranks, seeds)
def test_drawn_errors_are_finite_and_at_least_the_least(spectrum, rank, seed):
    values, weights = spectrum
    rng = np.random.default_rng(seed)
    errors = theory.sampled_errors(values, rank, 5, weights=weights, rng=rng)
    least = exact_least(values, weights, rank)
    assert errors.shape == (5,) and (fractions(errors) >= least * SOUND).all()


@given(spectra(scales), ranks, seeds)
def test_a_streamed_error_is_finite_and_at_least_the_least(spectrum, rank, seed):
    values = np.sort(spectrum[0])[::-1]
    rng = np.random.default_rng(seed)
    error = theory.streamed_error(lambda start, stop: values[start:stop], len(values), rank, rng=rng)
    assert Fraction(error) >= exact_least(values, None, rank) * SOUND


@given(spectra(scales), st.integers(1, 12), scales, seeds)
def test_errors_from_mixtures_do_not_see_the_mixtures_scale_and_lie_within_the_whole(
    spectrum, rank, exponent, seed
):
    values = spectrum[0]
    assume(rank <= len(values))
    mixtures = np.random.default_rng(seed).standard_normal((3, len(values), rank))
    errors = fa.stationary_errors(values, mixtures)
    full = exact_least(values, None, 0)
    least = exact_least(values, None, rank)
    slack = 10 * ROUNDINGS * full
    assert (fractions(errors) >= least - slack).all() and (fractions(errors) <= full + slack).all()
    assert np.array_equal(errors, fa.stationary_errors(values, np.ldexp(mixtures, 3 * exponent)))


@given(st.floats(1e-8, 1e8), st.integers(1, 10), st.integers(1, 10**12))
def test_the_separation_is_finite_and_falls_with_theta(theta, rank, size):
    limit = theory.separation_limit(theta)
    assert 1 <= limit < np.inf and limit >= theory.separation_limit(2 * theta)
    square = (1 + 4 / Fraction(theta)) / 4
    assert abs((Fraction(float(limit)) - Fraction(1, 2)) ** 2 - square) <= ROUNDINGS * square
    if size > (1 + theta) * rank:
        values, weights = theory.separation_spectrum(size, rank, theta)
        assert weights.sum() == size and 0 <= values[1] <= 1
        assert abs(values[1] ** 2 * weights[1] - theta * rank) <= 100 * EPS * theta * rank


@given(sizes, sizes, spectra(scales, most=8), seeds)
def test_a_target_has_the_values_asked_for_at_any_scale(n, m, spectrum, seed):
    values = spectrum[0][: min(n, m)]
    target = fa.target_with_spectrum(values, (n, m), rng=np.random.default_rng(seed))
    wanted = np.zeros(min(n, m))
    wanted[: len(values)] = np.sort(values)[::-1]
    assert close(np.linalg.svd(target, compute_uv=False), wanted, atol=100 * EPS * wanted[0])


@given(sizes, sizes, seeds)
def test_orthonormal_columns_are_so_or_too_many(rows, columns, seed):
    rng = np.random.default_rng(seed)
    if columns > rows:
        with pytest.raises(ValueError, match=f"{columns} columns cannot be orthonormal in {rows} rows"):
            fa.orthonormal_columns(rows, columns, rng=rng)
    else:
        X = fa.orthonormal_columns(rows, columns, rng=rng)
        assert close(X.T @ X, np.eye(columns), atol=100 * EPS)


@given(sizes, sizes, st.floats(0, 1e8), st.floats(0, 1e8), seeds)
def test_random_problems_have_the_scales_asked_for(n, m, start, feedback, seed):
    def drawn(*scales):
        return fa.random_problem(np.ones((n, m)), min(n, m), *scales, rng=np.random.default_rng(seed))

    found = drawn(start, feedback)
    one = drawn(1.0, 1.0)
    assert np.array_equal(found.Z, start * one.Z) and np.array_equal(found.feedback, feedback * one.feedback)
    square = fa.nearly_square_problem(n, n, feedback, rng=np.random.default_rng(seed))
    assert np.isfinite(square.feedback).all()


edges = st.lists(st.floats(0, 1e8), min_size=2, max_size=5, unique=True).map(sorted)


@given(edges)
def test_nodes_lie_between_their_edges_or_are_refused(edges):
    def nodes():
        rule = theory.quadrature(edges)
        return rule.times, rule.weights

    found = results_or_none(nodes)
    if found is None:
        gaps = np.diff(edges)
        assert (gaps <= 100 * EPS * np.array(edges[1:]) + 1e-320).any()
        return
    times, weights = found
    assert (np.diff(times) > 0).all() and np.array_equal(times[::5], edges) and (weights >= 0).all()
    length = edges[-1] / 2 - edges[0] / 2
    assert abs((weights / 2).sum() - length) <= 100 * EPS * edges[-1]


@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=5, unique=True).map(sorted),
    st.lists(st.integers(-9, 9), min_size=1, max_size=8),
    scales,
)
def test_integrals_of_polynomials_up_to_degree_seven_are_exact_at_any_scale(edges, coefficients, exponent):
    rule = theory.quadrature(np.array(edges) / 1000)
    polynomial = np.polynomial.Polynomial(coefficients)
    primitive = polynomial.integ()
    integrals = theory.running_integral(rule, 10.0**exponent * polynomial(rule.times))
    wanted = 10.0**exponent * (primitive(rule.times[rule.edges]) - primitive(edges[0] / 1000))
    size = 10.0**exponent * np.abs(coefficients).sum()
    assert close(integrals, wanted, atol=100 * EPS * size)


@given(st.integers(0, 10**15), st.integers(1, 10**15), st.floats(1e-12, 1 - 1e-12))
def test_limits_of_probabilities_and_distances_are_monotone(count, draws, chance):
    count = min(count, draws)
    limit = report.probability_limit(count, draws, chance)
    sound = 1 + 1e-6  # as the library is
    assert 0 < limit <= 1 and report.probability_limit(count, draws + 1, chance) <= limit * sound
    assert report.probability_limit(min(count + 1, draws), draws, chance) * sound >= limit
    distance = report.kolmogorov_limit(count + 1, draws, chance)
    assert 0 < distance < np.inf
    for further in (
        report.kolmogorov_limit(count + 2, draws, chance),
        report.kolmogorov_limit(count + 1, draws + 1, chance),
        report.kolmogorov_limit(count + 1, draws, min(1.1 * chance, 1 - 1e-13)),
    ):
        assert further <= distance * (1 + 4 * EPS)
    assert report.kolmogorov_limit(draws, count + 1, chance) == pytest.approx(distance, rel=4 * EPS)


numbers = st.floats(allow_nan=True) | st.integers(-(10**30), 10**30)
bounds = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(texts, st.sampled_from(["stated", "rebuilt", "new"]), numbers, bounds)
def test_a_claim_holds_exactly_where_what_was_measured_is_within_its_bound(text, mark, measured, bound):
    most = report.claim(text, measured=measured, at_most=bound, mark=mark)
    least = report.claim(text, measured=measured, at_least=bound, mark=mark)
    assert most.holds == (measured <= bound) and least.holds == (measured >= bound)
    assert (most.row["verdict"] == "holds") == most.holds


@given(draws=st.integers(1, 40), seed=seeds, shape=st.sampled_from([(), (2,), (2, 3)]))
def test_an_ensemble_is_its_streams_in_order(draws, seed, shape):
    def experiment(rng):
        return rng.standard_normal(shape)

    results = fa.ensemble(experiment, draws, rng=np.random.default_rng(seed))
    streams = np.random.default_rng(seed).spawn(draws)
    assert np.array_equal(results, [experiment(stream) for stream in streams])
    items = list(range(draws))
    over = fa.ensemble_over(lambda item, rng: item + experiment(rng), items, rng=np.random.default_rng(seed))
    assert np.array_equal(over, [item + result for item, result in zip(items, results, strict=True)])
