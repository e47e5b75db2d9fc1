from dataclasses import replace

import numpy as np
import pytest

import fa_utils as fa


def orthonormal(problem, rng):
    return replace(problem, Z=fa.orthonormal_columns(*problem.Z.shape, rng=rng))


@pytest.mark.parametrize("condition", [1.0, 100.0])
@pytest.mark.parametrize("shape", [(7, 6, 4, 3), (6, 6, 6, 5), (8, 5, 2, 4), (5, 9, 5, 1)])
def test_overlaps_and_losses_are_those_of_the_flow(rng, shape, condition):
    n, m, rank, r = shape
    target = fa.target_with_spectrum(np.linspace(2, 1, rank), (n, m), rng=rng)
    problem = fa.random_problem(target, r, 1.0, 0.7, rng=rng)
    problem = replace(problem, Z=fa.target_with_spectrum(np.geomspace(1, 1 / condition, r), (n, r), rng=rng))
    times = np.array([0.0, 0.1, 0.15, 0.9, 2.0]) / condition
    run = fa.flow(problem, fa.FA_STAR, times)
    overlaps = fa.fa_star_overlaps(problem, times)
    wanted = fa.overlap(problem, run.W)
    assert np.allclose(overlaps, wanted, atol=1e-8 * np.abs(wanted).max())
    wanted = fa.loss(problem, run.Z, run.W)
    assert np.allclose(fa.fa_star_losses(problem, overlaps), wanted, atol=1e-9 * wanted.max())


def test_one_hidden_unit_follows_a_tanh():
    y, z = np.array([[3.0], [4.0]]), np.array([[2.0], [-1.0]])
    problem = fa.Problem(target=y, feedback=np.ones((1, 1)), Z=z, W=np.zeros((1, 1)))
    a, start = 5 / np.sqrt(5), (y.T @ z).item() / 5
    times = np.linspace(0, 5, 11)
    overlaps = fa.fa_star_overlaps(problem, times)
    assert np.allclose(overlaps[:, 0, 0], a * np.tanh(a * times + np.arctanh(start / a)), atol=1e-13)
    wanted = 25 / np.cosh(a * times + np.arctanh(start / a)) ** 2
    assert np.allclose(fa.fa_star_losses(problem, overlaps), wanted, atol=1e-12)


def test_overlaps_do_not_depend_on_the_times_in_between(problem):
    last = fa.fa_star_overlaps(problem, [7.3])[-1]
    for times in ([0.0, 1.0, 2.0, 7.3], np.linspace(0, 7.3, 30), [3.65, 7.3], np.geomspace(1e-6, 7.3, 25)):
        assert np.allclose(fa.fa_star_overlaps(problem, times)[-1], last, atol=1e-12)


def test_time_zero_is_the_optimal_forward_weights_overlap(problem):
    best = fa.overlap(problem, fa.optimal_forward(problem, problem.Z, problem.W))
    assert np.allclose(fa.fa_star_overlaps(problem, [0.0])[0], best, atol=1e-13)


def test_the_skew_part_never_changes(problem, rng):
    overlaps = fa.fa_star_overlaps(orthonormal(problem, rng), [0.0, 0.5, 1.0, 100.0])
    skew = overlaps - overlaps.mT
    assert np.abs(skew[0]).max() > 0.1 and np.allclose(skew, skew[0], atol=1e-13)


def test_alignment_never_falls_in_any_direction(problem, rng):
    overlaps = fa.fa_star_overlaps(orthonormal(problem, rng), np.linspace(0, 10, 50))
    assert np.linalg.eigvalsh(np.diff(overlaps + overlaps.mT, axis=0)).min() > -1e-13


def test_however_late_the_overlap_is_finite_and_the_loss_is_rounding(problem):
    overlaps = fa.fa_star_overlaps(problem, [1e3, 1e9, 1e15])
    losses = fa.fa_star_losses(problem, overlaps)
    assert np.allclose(overlaps, overlaps[0], atol=1e-6 * np.abs(overlaps).max())
    assert np.abs(losses).max() < 1e-12 * fa.squared_norm(problem.sketch)


def test_time_runs_inversely_to_the_scales_of_target_and_feedback(problem):
    overlaps = fa.fa_star_overlaps(problem, [0.2, 0.7])
    scaled = replace(problem, target=3 * problem.target, feedback=0.1 * problem.feedback)
    assert np.allclose(fa.fa_star_overlaps(scaled, [0.2 / 0.3, 0.7 / 0.3]), 0.3 * overlaps, atol=1e-12)


@pytest.mark.parametrize("fitted", ["square Z", "Z spans the sketch"])
def test_a_run_without_residual_is_constant(problem, rng, fitted):
    if fitted == "square Z":
        target, r = rng.standard_normal((4, 6)), 4
        problem = fa.random_problem(target, r, 1.0, 1.0, rng=rng)
    else:
        problem = replace(problem, Z=problem.sketch @ rng.standard_normal((3, 3)))
    overlaps = fa.fa_star_overlaps(problem, [0.0, 1.0, 1e6])
    assert np.array_equal(overlaps[0], overlaps[2])
    assert np.abs(fa.fa_star_losses(problem, overlaps)).max() < 1e-12 * fa.squared_norm(problem.sketch)


def test_the_given_forward_weights_do_not_matter(problem):
    other = replace(problem, W=7 * problem.W)
    assert np.array_equal(fa.fa_star_overlaps(problem, [1.0]), fa.fa_star_overlaps(other, [1.0]))


def test_overlaps_that_do_not_fit_are_refused(problem):
    with pytest.raises(ValueError, match=r"shape \(2, 2\); for r = 3 it must end in \(3, 3\)"):
        fa.fa_star_losses(problem, np.ones((2, 2)))


def test_no_feedback_leaves_everything_at_zero(problem):
    silent = replace(problem, feedback=np.zeros_like(problem.feedback))
    assert np.array_equal(fa.fa_star_overlaps(silent, [0.0, 5.0]), np.zeros((2, 3, 3)))


def test_dependent_columns_are_refused_with_the_way_out(problem):
    with pytest.raises(ValueError, match="rank 2 but 3 columns; FA\\* needs full column rank: start from"):
        fa.fa_star_overlaps(replace(problem, Z=problem.Z[:, [0, 1, 1]]), [1.0])


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ([-1.0, 1.0], "at least 0"),
        ([1.0, 1.0], "strictly increasing"),
        ([0.0, np.nan], "finite"),
        ([[1.0]], "axes"),
    ],
)
def test_unusable_times_are_refused(problem, times, says):
    with pytest.raises(ValueError, match=says):
        fa.fa_star_overlaps(problem, times)
