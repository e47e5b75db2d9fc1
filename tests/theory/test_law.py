from fractions import Fraction

import numpy as np
import pytest
from conftest import OVERFLOWS, refused

from fa_utils import theory
from fa_utils.theory import _spectra

SPECTRA = {
    "polynomial": np.arange(1, 101.0) ** -1,
    "exponential": 0.8 ** np.arange(60.0),
    "stepped": np.r_[np.ones(5), np.full(95, 0.1)],
}
QUANTITIES = (
    theory.error_law,
    theory.error_law_correction,
    theory.corrected_error_law,
    theory.undecided_directions,
    theory.least_error,
)


def law_by_definition(values, gamma):
    """The two sums of the law at this gamma, in exact arithmetic."""
    squares = [Fraction(float(value)) ** 2 for value in values]
    gamma = Fraction(gamma)
    return (
        sum(gamma * s / (1 + gamma * s) for s in squares),
        sum(s / (1 + gamma * s) for s in squares),
    )


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("rank", [1, 5, 40])
def test_law_solves_its_equation_to_rounding(name, rank):
    values = SPECTRA[name]
    law = theory.error_law(values, rank)
    found, error = law_by_definition(values, rank / law)
    assert abs(found / rank - 1) < 1e-14
    assert abs(float(error) / law - 1) < 1e-12


@pytest.mark.parametrize("rank", [1, 3, 9])
def test_law_of_a_flat_spectrum_is_exact_and_needs_no_correction(rank):
    assert theory.error_law(np.full(10, 2.0), rank) == pytest.approx(4.0 * (10 - rank), rel=1e-13)
    assert theory.error_law_correction(np.full(10, 2.0), rank) == pytest.approx(0, abs=1e-28)


def test_law_of_two_values_and_one_unit_is_their_product():
    assert theory.error_law([3.0, 2.0], 1) == pytest.approx(6.0, rel=1e-14)
    assert theory.error_law([1e8, 1e-8], 1) == pytest.approx(1.0, rel=1e-13)
    assert theory.error_law([3, 2], 1) == pytest.approx(6.0, rel=1e-14)


@pytest.mark.parametrize(("values", "rank"), [([1.0, 1e-10, 3e-11, 1e-11], 1), ([1.0, 0.5, 1e-8, 1e-9], 2)])
def test_law_of_a_steep_spectrum_balances_found_and_missed_in_exact_arithmetic(values, rank):
    gamma = Fraction(rank) / Fraction(theory.error_law(values, rank))
    shares = [gamma * Fraction(value) ** 2 for value in values]
    found = sum(share / (1 + share) for share in shares[rank:])
    missed = sum(1 / (1 + share) for share in shares[:rank])
    assert float(found / missed) == pytest.approx(1, rel=1e-13)


def test_huge_and_fractional_weights_are_counted_exactly():
    assert theory.error_law([1.0, 1e-3], 1, [1, 1e17]) == pytest.approx(1e11, rel=1e-3)
    assert theory.error_law([1.0, 1e-3], 21, [21, 1e16]) >= theory.least_error([1.0, 1e-3], 21, [21, 1e16])
    assert theory.least_error([1.0, 0.5], 3, [2.5, 4]) == pytest.approx(3.5 * 0.25)
    assert theory.oversampling_bound([1.0, 0.5], 2, 5, [2, 10]) == pytest.approx((1 + 2 / 2) * 2.5)
    assert theory.error_law([0.0, 0.0], 1, [5, 5]) == 0


def test_correction_for_two_values_far_apart_is_a_quarter_of_the_larger_square():
    assert theory.error_law_correction([1.0, 1e-16], 1) == pytest.approx(0.25, rel=1e-12)
    assert theory.error_law_correction([1e8, 1e-8], 1) == pytest.approx(0.25e16, rel=1e-12)


@pytest.mark.parametrize("size", [20, 10**9])
@pytest.mark.parametrize(("strong", "spare"), [(50, 5), (100, 6), (10, 6), (60, 10), (20, 3)])
def test_corrected_law_is_the_exact_mean_of_a_flat_tail_below_strong_values(strong, spare, size):
    """The strong values mix in what p spare units leave of the tail, k / (p - 1) times on average.

    The law has k / p in place of that, and its first correction adds k / p^2.
    """
    values = [1e6, 1e-6]
    weights = [strong, size]
    rank = strong + spare
    left = 1e-12 * (size - spare)
    law = theory.error_law(values, rank, weights)
    first = theory.error_law_correction(values, rank, weights)
    assert law / left == pytest.approx(1 + strong / spare, rel=1e-9)
    assert first / left == pytest.approx(strong / spare**2, rel=1e-9)
    exact = 1 + strong / (spare - 1)
    assert theory.corrected_error_law(values, rank, weights) / left == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(("strong", "spare", "size"), [(5, 3, 12), (2, 4, 30)])
def test_draws_have_the_exact_mean_of_a_flat_tail_below_strong_values(rng, strong, spare, size):
    values = [1e4, 1e-2]
    weights = [strong, size]
    errors = theory.sampled_errors(values, strong + spare, 40_000, weights=weights, rng=rng)
    exact = 1e-4 * (size - spare) * (1 + strong / (spare - 1))
    assert errors.mean() == pytest.approx(exact, rel=6 * errors.std() / exact / 200)


def test_corrected_law_is_at_most_the_whole_target_where_its_series_diverges():
    # One spare unit: the mean error grows without bound with the strong values.
    for strength in (1e2, 1e4, 1e6):
        corrected = theory.corrected_error_law([strength, 1.0], 6, [5, 20])
        assert 5 * corrected > strength and corrected <= 5 * strength**2 + 20
    steep = theory.corrected_error_law([1.0, 1e-3, 1e-6], 1, [1, 1, 50])
    assert theory.error_law([1.0, 1e-3, 1e-6], 1, [1, 1, 50]) < steep <= 1.0 + 1e-5
    # The ratio of the series is 1 but for rounding, above, below or neither.
    for strength in np.geomspace(1e9, 1e11, 300):
        corrected = theory.corrected_error_law([strength, 1.0], 6, [5, 20])
        assert strength < corrected <= 5 * strength**2 + 20


@pytest.mark.parametrize(
    ("values", "rank", "weights"),
    [
        ([1.0, 1.2e-3, 1.7e-4], 3, [2, 2, 1]),  # the ratio is 1.005
        ([1.0, 1e-3], 1, [1.7, 0.5]),  # 1 / 0.7
        ([1.0, 1e-3], 1, [1.1, 0.5]),  # 1 / 0.1
    ],
)
def test_where_its_series_diverges_the_corrected_law_is_the_whole_target(values, rank, weights):
    assert theory.undecided_directions(values, rank, weights) < 1
    whole = np.square(values) @ weights
    assert theory.corrected_error_law(values, rank, weights) == pytest.approx(whole, rel=1e-12)


def test_a_first_correction_of_a_part_in_1e11_of_the_law_is_added_as_it_is():
    values = np.linspace(1 - 2e-5, 1 + 2e-5, 10)
    law = theory.error_law(values, 4)
    first = theory.error_law_correction(values, 4)
    assert 1e-11 < first / law < 1e-10
    assert theory.corrected_error_law(values, 4) - law == pytest.approx(first, rel=1e-3)


def test_first_correction_is_at_most_one_over_v_of_the_law_and_the_second_hardly_more_of_the_first(rng):
    for _ in range(200):
        values = np.exp(rng.uniform(-6, 0, 4))
        weights = rng.integers(1, 1000, 4)
        rank = int(rng.integers(1, weights.sum()))
        undecided = theory.undecided_directions(values, rank, weights)
        law = theory.error_law(values, rank, weights)
        first = theory.error_law_correction(values, rank, weights)
        assert first * undecided <= law
        if undecided > 1.1:
            further = theory.corrected_error_law(values, rank, weights) - law
            assert first / (1 + 1 / undecided) <= further * (1 + 1e-9)
            assert further <= first / (1 - 1 / undecided) * (1 + 1e-9)


def test_law_scales_with_the_square_of_the_target():
    values = SPECTRA["polynomial"]
    assert theory.error_law(3 * values, 7) == pytest.approx(9 * theory.error_law(values, 7), rel=1e-13)
    assert theory.error_law_correction(3 * values, 7) == pytest.approx(
        9 * theory.error_law_correction(values, 7)
    )
    for scale in (3, 1e8, 1e-8):
        assert theory.undecided_directions(scale * values, 7) == pytest.approx(
            theory.undecided_directions(values, 7)
        )


def test_weights_stand_for_repeated_values_in_any_order():
    values = np.array([0.5, 2.0, 0.0, 1.0])
    weights = np.array([40, 3, 7, 10])
    repeated = np.repeat(values, weights)
    for quantity in QUANTITIES:
        assert quantity(values, 8, weights) == pytest.approx(quantity(repeated, 8), rel=1e-12)


def test_law_is_continuous_in_the_weights():
    close = theory.error_law([1.0, 0.5], 3, [10, 20 + 1e-9])
    assert close == pytest.approx(theory.error_law([1.0, 0.5], 3, [10, 20]), rel=1e-9)


def test_law_is_zero_from_the_rank_of_the_target_on():
    values = np.array([3.0, 2.0, 1.0, 0.0])
    assert theory.error_law(values, 2) > 0
    for rank in (3, 4, 9):
        assert theory.error_law(values, rank) == 0
        assert theory.error_law_correction(values, rank) == 0
        assert theory.corrected_error_law(values, rank) == 0
        assert theory.undecided_directions(values, rank) == 0
        assert theory.least_error(values, rank) == 0


@pytest.mark.parametrize("name", SPECTRA)
def test_law_falls_with_the_rank_and_stays_above_the_optimum(name):
    values = SPECTRA[name]
    laws = np.array([theory.error_law(values, rank) for rank in range(1, 60)])
    optima = np.array([theory.least_error(values, rank) for rank in range(1, 60)])
    assert (np.diff(laws) < 0).all() and (laws > optima).all() and laws[0] < np.square(values).sum()


@pytest.mark.slow
def test_law_misses_by_first_order_in_the_rank_and_the_corrected_law_by_less(rng):
    """At any rank the standard deviation of one draw is 2.6 times what the law misses by."""
    ranks = np.array([12, 36])
    theta = 0.3
    law_misses = []
    corrected_misses = []
    for rank, draws in zip(ranks.tolist(), (30_000, 10_000), strict=True):
        values, weights = theory.separation_spectrum(20 * rank, rank, theta)
        mean = theory.sampled_errors(values, rank, draws, weights=weights, rng=rng).mean()
        law = theory.error_law(values, rank, weights)
        law_misses.append(mean / law - 1)
        corrected_misses.append(abs(mean / (law + theory.error_law_correction(values, rank, weights)) - 1))
    slope = np.polyfit(np.log(ranks), np.log(law_misses), 1)[0]
    assert abs(slope + 1) < 0.1
    assert corrected_misses[0] < 0.2 * law_misses[0] and corrected_misses[1] < 0.1 * law_misses[1]


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "draws"), [(5, 20_000), (10, 5000), (20, 1500)])
def test_corrected_law_is_the_mean_of_draws(rng, rank, draws):
    """A draw's standard deviation is about the law over the rank, so that means are as good at each rank."""
    values = SPECTRA["polynomial"]
    errors = theory.sampled_errors(values, rank, draws, rng=rng)
    corrected = theory.error_law(values, rank) + theory.error_law_correction(values, rank)
    assert abs(errors.mean() / corrected - 1) < 0.01
    assert errors.mean() / theory.error_law(values, rank) > 1.015  # without the correction it is too small


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rank"), [("polynomial", 5), ("exponential", 5), ("stepped", 6)])
def test_second_correction_leaves_a_fraction_of_what_the_first_leaves(rng, name, rank):
    values = SPECTRA[name]
    mean = theory.steadied_errors(values, rank, 40_000, rng=rng).mean()
    once = theory.error_law(values, rank) + theory.error_law_correction(values, rank)
    left_by_one = abs(mean / once - 1)
    left_by_two = abs(mean / theory.corrected_error_law(values, rank) - 1)
    assert left_by_two < 0.5 * left_by_one


def test_oversampling_bound_is_its_formula_and_holds_on_average(rng):
    values = SPECTRA["polynomial"]
    bound = theory.oversampling_bound(values, 10, 15)
    assert bound == pytest.approx((1 + 10 / 4) * np.square(values[10:]).sum(), rel=1e-14)
    assert theory.error_law(values, 15) < theory.sampled_errors(values, 15, 2000, rng=rng).mean() < bound


def test_separation_law_tends_to_its_limit():
    for theta in (0.1, 0.5, 1.0, 3.0):
        gaps = []
        for size in (10**3, 10**5):
            values, weights = theory.separation_spectrum(size, 4, theta)
            optimum = theory.least_error(values, 4, weights)
            assert optimum == pytest.approx(4 * theta)
            gaps.append(abs(theory.error_law(values, 4, weights) / optimum - theory.separation_limit(theta)))
        assert gaps[1] < gaps[0] / 50
    assert theory.separation_limit(1.0) == (1 + 5**0.5) / 2
    assert theory.separation_limit([0.5, 2.0]).shape == (2,)


@pytest.mark.parametrize(
    ("values", "rank", "weights", "kind", "message"),
    [
        ([1.0, 2.0], 0, None, ValueError, "rank is 0; choose at least 1"),
        ([1.0, 2.0], 1.5, None, TypeError, "rank is 1.5"),
        ([1.0, -2.0], 1, None, ValueError, "singular_values holds -2.0; choose numbers of at least 0"),
        ([1.0, np.nan], 1, None, ValueError, "nan at"),
        ([[1.0, 2.0]], 1, None, ValueError, "must have 1 axes"),
        ([1.0, 2.0], 1, [1, 0], ValueError, "weights holds 0.0; choose numbers above 0"),
        ([1.0, 2.0], 1, [1, np.inf], ValueError, "inf at"),
        ([1.0, 2.0], 1, [1, 2, 3], ValueError, "3 weights for 2 singular values"),
    ],
)
def test_a_spectrum_that_is_none_is_refused(values, rank, weights, kind, message):
    for quantity in QUANTITIES:
        with pytest.raises(kind, match=message):
            quantity(values, rank, weights)


REAL = "they must be real floating-point numbers: convert with np.asarray({0}, dtype=float), or take .real"


@pytest.mark.parametrize(
    ("values", "weights", "kind", "message"),
    [
        ([1.0, -2.0, -3.0], None, ValueError, "singular_values holds -3.0; choose numbers of at least 0"),
        ([1.0, 2.0], [1, 2, 3], ValueError, "3 weights for 2 singular values; give one weight each"),
        ([1.0, 2.0, 3.0], [1.0, -2.0, 0.0], ValueError, "weights holds -2.0; choose numbers above 0"),
        (
            [1.0],
            [1j],
            TypeError,
            f"weights holds complex128 entries; {REAL.format('weights')} of complex ones",
        ),
        (
            ["2"],
            None,
            TypeError,
            f"singular_values holds <U1 entries; {REAL.format('singular_values')} of complex ones",
        ),
    ],
)
def test_what_is_wrong_with_a_spectrum_is_said_in_full(values, weights, kind, message):
    with refused(kind, message):
        _spectra.spectrum(values, weights)


def test_a_spectrum_whose_squares_overflow_is_refused():
    with refused(FloatingPointError, f"the sum of squared singular values{OVERFLOWS}"):
        theory.error_law([1e160, 1e150], 1)


def test_a_spectrum_falls_without_zeros_and_keeps_its_weights_in_order():
    values, counts = _spectra.spectrum([1, 0, 3, 1, 2], [0.5, 7, 2, 9, 4])
    assert values.tolist() == [3, 2, 1, 1] and counts.tolist() == [2, 4, 0.5, 9]
    values, counts = _spectra.spectrum([1.0, 2.0], None)
    assert values.tolist() == [2, 1] and counts.tolist() == [1, 1]


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"leaves 1 spare units .* at least 5"):
        theory.oversampling_bound([1.0, 0.5], 3, 4)
    assert theory.oversampling_bound([1.0, 0.5], 1, 3) == pytest.approx(2 * 0.25)
    with pytest.raises(ValueError, match=r"size 6 is not above \(1 \+ theta\) rank = 6; choose a larger"):
        theory.separation_spectrum(6, 3, 1.0)
    assert theory.separation_spectrum(7, 3, 1.0)[0][1] < 1
    for theta in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="theta"):
            theory.separation_limit(theta)
        with pytest.raises(ValueError, match="theta"):
            theory.separation_spectrum(10, 3, theta)


def test_what_is_wrong_with_a_rank_or_a_share_is_said_in_full():
    says = "rank 4 leaves 1 spare units beyond the target rank 3, and the bound needs 2; choose a rank of "
    with refused(ValueError, says + "at least 5"):
        theory.oversampling_bound([1.0, 0.5], 3, 4)
    with refused(ValueError, "target_rank is 0; choose at least 1"):
        theory.oversampling_bound([1.0, 0.5], 0, 4)
    with refused(ValueError, "rank is 0; choose at least 1"):
        theory.oversampling_bound([1.0, 0.5], 1, 0)
    with refused(ValueError, "size 6 is not above (1 + theta) rank = 6; choose a larger size"):
        theory.separation_spectrum(6, 3, 1.0)
    with refused(ValueError, "rank is 0; choose at least 1"):
        theory.separation_spectrum(6, 0, 1.0)
    with refused(ValueError, "size is 0; choose at least 1"):
        theory.separation_spectrum(0, 3, 1.0)
    with refused(ValueError, "theta is 0.0; choose a number above 0"):
        theory.separation_spectrum(6, 3, 0.0)
    with refused(ValueError, "theta holds -1.0; choose numbers above 0"):
        theory.separation_limit([2.0, -1.0, 0.0])
    for quantity in QUANTITIES:
        with refused(ValueError, "rank is 0; choose at least 1"):
            quantity([1.0, 0.5], 0)


@pytest.mark.parametrize("name", SPECTRA)
def test_undecided_directions_are_counted_by_their_shares(name):
    squares = SPECTRA[name] ** 2
    gamma = 5 / theory.error_law(SPECTRA[name], 5)
    found = gamma * squares / (1 + gamma * squares)
    assert theory.undecided_directions(SPECTRA[name], 5) == pytest.approx(
        np.sum(found * (1 - found)), rel=1e-10
    )


def test_the_separation_limit_of_single_precision_is_as_exact_as_any():
    assert float(theory.separation_limit(np.float32(1.0))) == (1 + 5**0.5) / 2


def test_a_flat_spectrum_leaves_nothing_to_correct():
    # Every C captures as much of it: r of n equal values.
    assert theory.corrected_error_law(np.ones(10), 4) == pytest.approx(6, rel=1e-12)
