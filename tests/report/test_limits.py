"""Limits of what chance does: exact for probabilities, Student's for means, Kolmogorov's for samples."""

import numpy as np
import pytest
from conftest import close, refused
from scipy import stats

from fa_utils import report


@pytest.mark.parametrize(("count", "draws"), [(0, 1500), (1, 1500), (17, 40), (39, 40), (40, 40)])
def test_the_probability_limit_is_scipys_exact_one(count, draws):
    exact = stats.binomtest(count, draws, alternative="less").proportion_ci(0.9999, method="exact").high
    assert close(report.probability_limit(count, draws, 0.9999), exact, rtol=1e-10)


@pytest.mark.parametrize(
    ("count", "draws", "confidence", "says"),
    [
        (5, 4, 0.9, "count is 5 of 4 draws; choose at most 4"),
        (-1, 4, 0.9, "count is -1; choose at least 0"),
        (0, 0, 0.9, "draws is 0; choose at least 1"),
        (1, 4, 1.0, "confidence is 1.0; choose a number between 0 and 1"),
        (1, 4, 0.0, "confidence is 0.0; choose a number between 0 and 1"),
        (1, 4, np.nan, "confidence is nan; choose a finite number"),
    ],
)
def test_counts_and_confidences_that_cannot_be_are_refused(count, draws, confidence, says):
    with refused(ValueError, says):
        report.probability_limit(count, draws, confidence)


def test_two_samples_of_one_law_stay_within_the_kolmogorov_limit_as_often_as_it_says(rng):
    limit = report.kolmogorov_limit(40, 60, chance=0.2)
    distances = [stats.ks_2samp(rng.random(40), rng.random(60)).statistic for _ in range(500)]
    assert 0.05 < np.mean(np.array(distances) > limit) < 0.25
    assert report.kolmogorov_limit(10**9, 100, chance=1e-6) == pytest.approx(0.26934, rel=1e-4)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 7), (40, 60), (100, 100)])
def test_the_distance_of_two_samples_is_scipys_also_with_ties(rng, sizes):
    for _ in range(5):
        one, other = (rng.normal(size=size) for size in sizes)
        for digits in (0, 12):
            samples = one.round(digits), other.round(digits)
            expected = stats.ks_2samp(*samples).statistic
            assert report.two_sample_distance(*samples) == pytest.approx(expected, abs=1e-15)
            assert report.two_sample_distance(*samples[::-1]) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([], "{} has shape (0,) and so no entries; give it at least one"),
        ([[1.0, 2.0]], "{} has shape (1, 2); it must have 1 axes: reshape it"),
        ([1.0, np.nan], "{} holds nan at (1,); entries must be finite: remove or repair it"),
    ],
)
def test_what_is_no_list_of_numbers_has_no_distance(wrong, says):
    with refused(ValueError, says.format("one")):
        report.two_sample_distance(wrong, [1.0])
    with refused(ValueError, says.format("other")):
        report.two_sample_distance([1.0], wrong)
    with refused(ValueError, says.format("sample")):
        report.kolmogorov_distance(wrong, lambda x: x)


def test_samples_of_whole_numbers_have_a_distance_as_well():
    assert report.two_sample_distance([1, 2, 3, 4], [3, 5]) == 0.5
    # The law's ends have the probabilities 0 and 1.
    assert report.kolmogorov_distance([0, 1], lambda x: x) == 0.5


@pytest.mark.parametrize("chance", [0.0, 1.0, -0.1])
def test_a_kolmogorov_limit_refuses_what_is_no_chance(chance):
    with refused(ValueError, f"chance is {chance}; choose a number between 0 and 1"):
        report.kolmogorov_limit(3, 4, chance=chance)


def test_a_kolmogorov_limit_refuses_empty_samples():
    with refused(ValueError, "one is 0; choose at least 1"):
        report.kolmogorov_limit(0, 4, chance=0.5)
    with refused(ValueError, "other is 0; choose at least 1"):
        report.kolmogorov_limit(4, 0, chance=0.5)
    with refused(ValueError, "chance is nan; choose a finite number"):
        report.kolmogorov_limit(3, 4, chance=np.nan)


def test_samples_larger_than_any_machine_integer_have_a_kolmogorov_limit():
    assert report.kolmogorov_limit(10**30, 100, chance=1e-6) == pytest.approx(0.26934, rel=1e-4)


def of_samples(*samples):
    """Return deviations and numbers of samples, as the limit takes them."""
    return [np.std(sample, ddof=1, axis=-1) for sample in samples], [sample.shape[-1] for sample in samples]


def test_two_means_are_the_student_limit_apart_at_students_p_value(rng):
    for sizes, scale in (((5, 50), 3.0), ((2, 2), 1.0), ((40, 7), 1e-8), ((6, 6), 1e8)):
        one = scale * rng.standard_normal(sizes[0])
        other = 3 * scale * rng.standard_normal(sizes[1])
        chance = stats.ttest_ind(one / scale, other / scale).pvalue
        limit = report.student_limit(*of_samples(one, other), chance)
        assert close(limit, abs(one.mean() - other.mean()), rtol=1e-9)


def test_with_many_runs_the_student_limit_is_a_gaussian_one():
    for chance in (0.5, 1e-4, 1e-30):
        limit = report.student_limit([3.0, 4.0], [10**30, 10**30], chance)
        assert close(limit * 1e15, 5 * stats.norm.isf(chance / 2), rtol=1e-9)


def test_of_one_sample_the_student_limit_is_that_to_the_mean_of_its_law():
    for runs in (2, 5, 50):
        wanted = stats.t(runs - 1).isf(5e-4) * 3 / np.sqrt(runs)
        assert close(report.student_limit([3.0], [runs], 1e-3), wanted, rtol=1e-12)
    assert report.student_limit([0.0, 0.0], [5, 5], 1e-3) == 0


def test_student_limits_broadcast_and_do_not_depend_on_which_sample_is_which():
    deviations = np.array([[1.0], [2.0]])
    runs = np.array([5, 20, 50])
    limits = report.student_limit([deviations, 0.5], [runs, 10], 0.01)
    assert limits.shape == (2, 3) and report.student_limit([1, 1], [5, 5], 0.1).shape == ()
    assert close(limits, report.student_limit([0.5, deviations], [10, runs], 0.01), rtol=1e-14)
    for (row, column), limit in np.ndenumerate(limits):
        alone = report.student_limit([deviations[row, 0], 0.5], [int(runs[column]), 10], 0.01)
        assert close(alone, limit, rtol=1e-14)


@pytest.mark.parametrize(("runs", "chance"), [((6, 50), 0.2), ((2, 50), 0.01), ((20, 20), 0.05), ((4,), 0.1)])
def test_means_exceed_the_student_limit_as_often_as_it_says(rng, runs, chance):
    draws = 20_000
    samples = [2.0 * rng.standard_normal((draws, size)) for size in runs]
    means = [sample.mean(axis=1) for sample in samples]
    apart = abs(means[0] - means[1] if len(runs) == 2 else means[0])
    beyond = apart > report.student_limit(*of_samples(*samples), chance)
    assert abs(beyond.mean() - chance) < 5 * np.sqrt(chance / draws)


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"runs": [1, 5]}, ValueError, "runs is 1; choose at least 2"),
        ({"runs": [5, [5, 0]]}, ValueError, "runs is 0; choose at least 2"),
        ({"runs": [np.nan, 5]}, ValueError, "runs is nan; choose at least 2"),
        ({"runs": [5]}, ValueError, "2 deviations and 1 runs; give one or two of each"),
        ({"deviations": [], "runs": []}, ValueError, "0 deviations and 0 runs; give one or two of each"),
        (
            {"deviations": [1.0] * 3, "runs": [5] * 3},
            ValueError,
            "3 deviations and 3 runs; give one or two of each",
        ),
        ({"deviations": [-0.5, 1.0]}, ValueError, "deviation is -0.5; choose at least 0"),
        ({"deviations": [1.0, [1, np.nan]]}, ValueError, "deviation is nan; choose at least 0"),
        ({"chance": 0.0}, ValueError, "chance is 0.0; choose a number between 0 and 1"),
        ({"chance": 1.0}, ValueError, "chance is 1.0; choose a number between 0 and 1"),
        ({"chance": np.nan}, ValueError, "chance is nan; choose a finite number"),
        ({"chance": "little"}, TypeError, "chance is 'little'; give one real number"),
    ],
)
def test_a_student_limit_refuses_what_is_no_sample_or_chance(change, kind, says):
    arguments = {"deviations": [1.0, 1.0], "runs": [5, 5], "chance": 0.1}
    with refused(kind, says):
        report.student_limit(**(arguments | change))


def test_the_kolmogorov_distance_is_scipys(rng):
    for law in (stats.norm, stats.chi2(3)):
        sample = law.rvs(size=50, random_state=rng)
        for other in (law, stats.norm(0.3)):
            wanted = stats.ks_1samp(sample, other.cdf, method="asymp").statistic
            assert close(report.kolmogorov_distance(sample, other.cdf), wanted, rtol=1e-14)


def test_a_sample_of_the_law_keeps_massarts_limit_and_another_does_not(rng):
    limit = np.sqrt(np.log(2 / 0.1) / (2 * 40))
    distances = np.array([report.kolmogorov_distance(rng.random(40), lambda x: x) for _ in range(1000)])
    assert 0.04 < np.mean(distances > limit) < 0.13
    assert report.kolmogorov_distance(rng.random(400) ** 2, lambda x: x) > 0.2


def test_a_distribution_function_that_is_none_is_refused():
    with refused(
        ValueError, "distribution_function returned shape (2, 1); it must keep that of its argument, (2,)"
    ):
        report.kolmogorov_distance([0.1, 0.2], lambda x: x[:, None])
    with refused(ValueError, "distribution_function returned 0.1 to 2.0; it must return probabilities"):
        report.kolmogorov_distance([0.1, 2.0], lambda x: x)
