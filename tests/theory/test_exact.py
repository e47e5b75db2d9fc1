import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import close, refused

import fa_utils as fa
from fa_utils import theory
from fa_utils.theory import riccati


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
    exact = theory.fa_star_exact(problem, times)
    assert np.array_equal(exact.times, times)
    assert close(exact.Z, run.Z, atol=1e-9)
    assert close(exact.W, run.W, atol=1e-9 * condition * np.abs(run.W).max())
    overlaps = theory.fa_star_overlaps(problem, times)
    wanted = fa.overlap(problem, run.W)
    assert close(overlaps, wanted, atol=1e-9 * condition * np.abs(wanted).max())
    wanted = fa.loss(problem, run.Z, run.W)
    assert close(theory.fa_star_losses(problem, overlaps), wanted, atol=1e-9 * condition * wanted.max())


def test_one_hidden_unit_follows_a_tanh():
    y = np.array([[3.0], [4.0]])
    z = np.array([[2.0], [-1.0]])
    problem = fa.Problem(target=y, feedback=np.ones((1, 1)), Z=z, W=np.zeros((1, 1)))
    a = 5 / np.sqrt(5)
    start = (y.T @ z).item() / 5
    times = np.linspace(0, 5, 11)
    overlaps = theory.fa_star_overlaps(problem, times)
    assert close(overlaps[:, 0, 0], a * np.tanh(a * times + np.arctanh(start / a)), atol=1e-13)
    wanted = 25 / np.cosh(a * times + np.arctanh(start / a)) ** 2
    assert close(theory.fa_star_losses(problem, overlaps), wanted, atol=1e-12)


@pytest.mark.parametrize("r", [3, 6])
def test_nothing_depends_on_the_times_in_between(rng, r):
    problem = fa.random_problem(
        fa.target_with_spectrum([2.0, 1.5, 1.0, 0.5], (9, 8), rng=rng), r, 1, 1, rng=rng
    )
    last = theory.fa_star_exact(problem, [7.3])
    for times in ([0.0, 1.0, 2.0, 7.3], np.linspace(0, 7.3, 30), [3.65, 7.3], np.geomspace(1e-6, 7.3, 25)):
        assert close(theory.fa_star_overlaps(problem, times)[-1], fa.overlap(problem, last.W)[-1], atol=1e-12)
        assert close(theory.fa_star_exact(problem, times).Z[-1], last.Z[-1], atol=1e-12)


def test_a_run_may_start_again_from_any_of_its_snapshots(problem):
    whole = theory.fa_star_exact(problem, [0.7, 2.0])
    rest = theory.fa_star_exact(replace(problem, Z=whole.Z[0]), [1.3])
    assert close(whole.Z[1], rest.Z[0], atol=1e-13)


def test_ten_thousand_steps_add_no_more_than_rounding(problem):
    many = theory.fa_star_exact(problem, np.arange(0, 10_001) * 1e-3)
    one = theory.fa_star_exact(problem, [10.0])
    rounding = 10_000 * np.finfo(float).eps
    assert close(many.Z[-1], one.Z[-1], atol=rounding)
    assert close(many.Z.mT @ many.Z, problem.Z.T @ problem.Z, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("shape", [(9, 8, 4, 3), (9, 8, 4, 6), (40, 30, 30, 6), (9, 8, 2, 7)])
def test_the_last_of_an_endless_run_is_lemma_1s_point(rng, shape):
    n, m, rank, r = shape
    problem = fa.random_problem(fa.target_with_spectrum(np.ones(rank), (n, m), rng=rng), r, 1, 1, rng=rng)
    run = theory.fa_star_exact(problem, [1e9])
    assert close(run.Z[0].T @ run.Z[0], problem.Z.T @ problem.Z, atol=1e-11)
    wanted = fa.error(problem.target, *fa.stationary_point(problem))
    assert close(fa.error(problem.target, run.Z, run.W), wanted, atol=1e-11)


def test_targets_may_be_factored(rng):
    left = rng.standard_normal((300, 2))
    right = rng.standard_normal((2, 200))
    dense = fa.random_problem(left @ right, 4, 1.0, 0.1, rng=rng)
    given = replace(dense, target=fa.FactoredTarget(left, right))
    run = theory.fa_star_exact(given, [0.01, 0.1])
    wanted = fa.flow(dense, fa.FA_STAR, [0.01, 0.1])
    assert close(run.Z, wanted.Z, atol=1e-8) and close(run.W, wanted.W, atol=1e-6)


def test_the_forward_weights_are_the_best_for_each_first_layer(problem):
    run = theory.fa_star_exact(problem, [0.0, 0.3, 2.0, 50.0])
    assert close(run.W, fa.optimal_forward(problem, run.Z), atol=1e-12)


def test_units_without_feedback_do_not_move(rng):
    """With r beyond the rank of Y C^T, some combination of the hidden units sees nothing."""
    problem = fa.random_problem(fa.target_with_spectrum([2.0, 1.0], (9, 8), rng=rng), 5, 1, 1, rng=rng)
    run = theory.fa_star_exact(problem, [0.5, 3.0, 1e15])
    assert theory.fa_star_eigenvalues(problem).shape == (2 * 2,)
    silent = np.linalg.svd(problem.sketch)[2][2:].T
    assert close(run.Z @ silent, problem.Z @ silent, atol=1e-12)
    assert np.abs(run.Z[0] - problem.Z).max() > 0.1


def test_feedback_below_the_rounding_of_so_large_a_target_moves_nothing():
    feedback = np.zeros((2, 20_000))
    Z = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    for size, moving in ((1e-12, 1), (1e-10, 2)):  # rounding is 4e-12 here
        feedback[:, :2] = [[1.0, 0.0], [1.0, size]]
        problem = fa.Problem(np.eye(3, 20_000), feedback, Z, np.zeros_like(feedback))
        assert theory.fa_star_eigenvalues(problem).shape == (2 * moving,)


@pytest.mark.parametrize(("residual", "moving"), [(1e-13, 0), (1.001e-13, 1)])
def test_a_residual_of_at_most_a_ten_million_millionth_of_the_pull_moves_nothing(residual, moving):
    target = np.array([[1.0], [residual]])
    problem = fa.Problem(target, np.ones((1, 1)), Z=np.array([[1.0], [0.0]]), W=np.zeros((1, 1)))
    assert theory.fa_star_eigenvalues(problem).shape == (2 * moving,)


def test_time_zero_is_the_optimal_forward_weights_overlap(problem):
    best = fa.overlap(problem, fa.optimal_forward(problem, problem.Z))
    assert close(theory.fa_star_overlaps(problem, [0.0])[0], best, atol=1e-13)


def test_the_skew_part_never_changes(problem, rng):
    overlaps = theory.fa_star_overlaps(orthonormal(problem, rng), [0.0, 0.5, 1.0, 100.0])
    skew = overlaps - overlaps.mT
    assert np.abs(skew[0]).max() > 0.1 and close(skew, skew[0], atol=1e-13)


def test_alignment_never_falls_in_any_direction(problem, rng):
    overlaps = theory.fa_star_overlaps(orthonormal(problem, rng), np.linspace(0, 10, 50))
    assert np.linalg.eigvalsh(np.diff(overlaps + overlaps.mT, axis=0)).min() > -1e-13


def test_however_late_the_overlap_is_finite_and_the_loss_is_rounding(problem):
    overlaps = theory.fa_star_overlaps(problem, [1e3, 1e9, 1e15])
    losses = theory.fa_star_losses(problem, overlaps)
    assert close(overlaps, overlaps[0], atol=1e-6 * np.abs(overlaps).max())
    assert np.abs(losses).max() < 1e-12 * fa.squared_norm(problem.sketch)


def test_time_runs_inversely_to_the_scales_of_target_and_feedback(problem):
    overlaps = theory.fa_star_overlaps(problem, [0.2, 0.7])
    scaled = replace(problem, target=3 * problem.target, feedback=0.1 * problem.feedback)
    assert close(theory.fa_star_overlaps(scaled, [0.2 / 0.3, 0.7 / 0.3]), 0.3 * overlaps, atol=1e-12)


@pytest.mark.parametrize("late", [1e30, 1e300])
def test_no_time_is_too_late(problem, late):
    run = theory.fa_star_exact(replace(problem, target=1e10 * problem.target), [late])
    assert close(run.Z, theory.fa_star_exact(problem, [1e12]).Z, atol=1e-9)


@pytest.mark.parametrize("fitted", ["square Z", "Z spans the sketch"])
def test_a_run_without_residual_is_constant(problem, rng, fitted):
    if fitted == "square Z":
        target = rng.standard_normal((4, 6))
        r = 4
        problem = fa.random_problem(target, r, 1.0, 1.0, rng=rng)
    else:
        problem = replace(problem, Z=problem.sketch @ rng.standard_normal((3, 3)))
    overlaps = theory.fa_star_overlaps(problem, [0.0, 1.0, 1e6])
    run = theory.fa_star_exact(problem, [0.0, 1e6])
    assert np.array_equal(overlaps[0], overlaps[2])
    assert np.array_equal(run.Z[0], run.Z[1]) and close(run.Z[0], problem.Z, atol=1e-12)
    says = "the residual is 0 from the start, so there is no rate; choose another Z, or r < n"
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        theory.fa_star_rate(problem)
    assert np.abs(theory.fa_star_losses(problem, overlaps)).max() < 1e-12 * fa.squared_norm(problem.sketch)


def test_the_given_forward_weights_do_not_matter(problem):
    other = replace(problem, W=7 * problem.W)
    assert np.array_equal(theory.fa_star_overlaps(problem, [1.0]), theory.fa_star_overlaps(other, [1.0]))


def test_overlaps_that_do_not_fit_are_refused(problem):
    with refused(ValueError, "overlaps has shape (2, 2); for r = 3 it must end in (3, 3)"):
        theory.fa_star_losses(problem, np.ones((2, 2)))


def test_no_feedback_leaves_everything_at_zero(problem):
    silent = replace(problem, feedback=np.zeros_like(problem.feedback))
    assert np.array_equal(theory.fa_star_overlaps(silent, [0.0, 5.0]), np.zeros((2, 3, 3)))
    assert close(theory.fa_star_exact(silent, [5.0]).Z, problem.Z, atol=1e-14)


def fitted_rate(problem, rate):
    """Half the slope of log loss over the last decades above rounding."""
    times = np.linspace(6, 10, 40) / rate
    run = theory.fa_star_exact(problem, times)
    return -np.polyfit(times, np.log(fa.loss(problem, run.Z, run.W)) / 2, 1)[0]


@pytest.mark.parametrize("shape", [(9, 8, 8, 1), (9, 8, 4, 3), (9, 8, 2, 4), (30, 20, 20, 6)])
def test_the_loss_ends_at_the_predicted_rate(rng, shape):
    n, m, rank, r = shape
    problem = fa.random_problem(fa.target_with_spectrum(np.ones(rank), (n, m), rng=rng), r, 1, 1, rng=rng)
    rate = theory.fa_star_rate(problem)
    assert abs(fitted_rate(problem, rate) / rate - 1) < 0.05


def test_one_hidden_units_rate_is_that_of_the_tanh(rng):
    y = rng.standard_normal((5, 1))
    z = rng.standard_normal((5, 1))
    problem = fa.Problem(target=y, feedback=np.ones((1, 1)), Z=z, W=np.zeros((1, 1)))
    assert close(theory.fa_star_rate(problem), np.linalg.norm(y) / np.linalg.norm(z), rtol=1e-12)


def test_eigenvalues_solve_the_second_order_system_of_the_statement(problem, rng):
    """They are those of [[0, I], [S, 2K]], K the skew part of the overlap."""
    problem = orthonormal(problem, rng)
    S = problem.sketch.T @ problem.sketch
    M = problem.Z.T @ problem.sketch
    wanted = np.linalg.eigvals(np.block([[np.zeros((3, 3)), np.eye(3)], [S, M - M.T]]))
    found = theory.fa_star_eigenvalues(problem)
    assert close(np.sort_complex(found.round(9)), np.sort_complex(wanted.round(9)), atol=1e-8)
    assert found.dtype == complex and np.array_equal(found, np.sort_complex(found))
    assert close(theory.fa_star_rate(problem), np.abs(wanted.real).min(), rtol=1e-9)


def test_a_symmetric_overlap_has_real_eigenvalues(problem, rng):
    """At first Z has the range of Y C^T turned into the rest of the space, so that M(0) = 0."""
    basis = np.linalg.qr(np.hstack([problem.sketch, rng.standard_normal((7, 3))]))[0]
    eigenvalues = theory.fa_star_eigenvalues(replace(problem, Z=basis[:, 3:]))
    assert np.abs(eigenvalues.imag).max() < 1e-6 and eigenvalues.dtype == complex
    values = np.linalg.svd(problem.sketch, compute_uv=False)
    assert close(np.sort(eigenvalues.real), np.sort(np.concatenate([values, -values])), atol=1e-9)


def test_dependent_columns_are_refused_with_the_way_out(problem):
    with pytest.raises(ValueError, match="rank 2 but 3 columns; FA\\* needs full column rank: start from"):
        theory.fa_star_overlaps(replace(problem, Z=problem.Z[:, [0, 1, 1]]), [1.0])
    with pytest.raises(ValueError, match="rank 2 but 3 columns"):
        theory.fa_star_exact(replace(problem, Z=problem.Z[:, [0, 1, 1]]), [1.0])


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
        theory.fa_star_overlaps(problem, times)
    with pytest.raises(ValueError, match=says):
        theory.fa_star_exact(problem, times)


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
def test_exact_runs_do_not_see_the_scales_of_target_and_feedback(problem, scale):
    scaled = replace(problem, target=scale * problem.target, feedback=scale * problem.feedback)
    times = np.array([0.1, 2.0])
    run = theory.fa_star_exact(scaled, times / scale / scale)
    wanted = theory.fa_star_exact(problem, times)
    assert close(run.Z, wanted.Z, atol=1e-10) and np.abs(run.Z[1] - problem.Z).max() > 0.1
    overlaps = theory.fa_star_overlaps(scaled, times / scale / scale) / scale / scale
    assert close(overlaps, theory.fa_star_overlaps(problem, times), atol=1e-10)
    assert theory.fa_star_rate(scaled) / scale / scale == pytest.approx(
        theory.fa_star_rate(problem), rel=1e-9
    )


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(
    ("target", "feedback", "start", "says"),
    [
        (1e200, 1.0, 1e-150, "the pull on the hidden units overflows float64"),
        (1e120, 1e-190, 1e-190, "fa_star_exact overflows float64"),  # the pull is mild, W beyond
    ],
)
def test_numbers_beyond_float64_are_refused(problem, target, feedback, start, says):
    scaled = fa.Problem(target * problem.target, feedback * problem.feedback, start * problem.Z, problem.W)
    with pytest.raises(FloatingPointError, match=f"^{says}"):
        theory.fa_star_exact(scaled, [1.0])


@pytest.mark.filterwarnings("ignore:overflow")
def test_losses_beyond_float64_are_refused(problem):
    with pytest.raises(FloatingPointError, match=r"^fa_star_losses overflows float64"):
        theory.fa_star_losses(problem, np.full((3, 3), 1e200))


def test_a_late_time_that_rounding_hides_is_refused_with_the_time_reached(monkeypatch):
    """Of seven hidden units one is pulled a thousand million times as weakly as the others."""
    monkeypatch.setattr(riccati, "MOST_RESTARTS", 20)
    rng = np.random.default_rng(1)
    target = rng.standard_normal((8, 7))
    feedback = rng.standard_normal((7, 7))
    feedback[:, 6] = feedback[:, 0] + 1e-9 * feedback[:, 6]
    problem = fa.Problem(target, feedback, rng.standard_normal((8, 7)), rng.standard_normal((7, 7)))
    assert np.isfinite(theory.fa_star_exact(problem, [100.0]).Z).all()
    with pytest.raises(
        FloatingPointError, match=r"rounding hides the run after time [0-9.e+]+; choose earlier times"
    ):
        theory.fa_star_exact(problem, [1e300])
