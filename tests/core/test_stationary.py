from dataclasses import replace

import numpy as np
import pytest
from conftest import close, refused

import fa_utils as fa
from fa_utils import stationary


def projection_on_range(matrix):
    return matrix @ np.linalg.pinv(matrix)


@pytest.mark.parametrize("hidden_units", [1, 3, 4, 6])
def test_stationary_point_is_the_projection_and_satisfies_both_equations(rng, hidden_units):
    target = fa.target_with_spectrum([2.0, 1.5, 1.0, 0.5], (7, 6), rng=rng)
    problem = fa.random_problem(target, hidden_units, 0.5, 0.7, rng=rng)
    Z, W = fa.stationary_point(problem)
    assert Z.shape == problem.Z.shape and W.shape == problem.W.shape
    assert close(Z @ W, projection_on_range(problem.sketch) @ target, atol=1e-12)
    assert fa.stationarity_gap(problem, Z, W) < 1e-13


def test_stationary_point_of_dependent_feedback_is_stationary_too(problem):
    twice = replace(problem, feedback=problem.feedback[[0, 1, 1]])
    Z, W = fa.stationary_point(twice)
    assert np.linalg.matrix_rank(Z) == 2
    assert fa.stationarity_gap(twice, Z, W) < 1e-13


def test_fa_and_fa_star_flow_to_the_stationary_point(problem):
    Z, W = fa.stationary_point(problem)
    for rule in (fa.FA, fa.FA_STAR):
        run = fa.flow(problem, rule, [400.0])
        assert close(run.Z[0] @ run.W[0], Z @ W, atol=1e-6)


def test_optimum_is_the_truncated_singular_value_decomposition(rng):
    target = fa.target_with_spectrum([3.0, 2.0, 1.0], (5, 4), rng=rng)
    Z, W = fa.optimal_point(target, 2)
    assert close(fa.error(target, Z, W), 1.0, rtol=1e-12)
    assert close(fa.optimal_error(target, 2), 1.0, rtol=1e-12)
    assert close(Z.T @ Z - W @ W.T, 0, atol=1e-13)


def test_no_projection_beats_the_optimum(problem):
    assert fa.error(problem.target, *fa.stationary_point(problem)) > fa.optimal_error(problem.target, 3)


def test_gap_is_each_equations_relative_size(problem):
    E = problem.target - problem.Z @ problem.W
    norm = np.linalg.norm
    fed_back = norm(E @ problem.feedback.T) / norm(problem.target) / norm(problem.feedback)
    forward = norm(problem.Z.T @ E) / norm(problem.target) / norm(problem.Z)
    assert close(fa.stationarity_gap(problem, problem.Z, problem.W), max(fed_back, forward), rtol=1e-12)


def test_gap_sees_each_equation_alone(problem):
    best = fa.optimal_forward(problem, problem.Z)
    assert fa.stationarity_gap(problem, problem.Z, best) > 0.1  # only Z^T E = 0
    blind = replace(problem, feedback=1e-8 * problem.feedback)
    assert fa.stationarity_gap(blind, problem.Z, problem.W) > 0.1


def test_nothing_learnt_from_nothing_is_stationary(problem):
    silent = replace(problem, feedback=0 * problem.feedback)
    assert fa.stationarity_gap(silent, 0 * problem.Z, problem.W) == 0


def test_descend_to_rest_stops_at_the_first_check_within_the_gap(problem):
    rest = fa.descend_to_rest(problem, fa.FA_STAR, 0.1, gap=1e-6)
    assert rest.gap <= 1e-6
    run = fa.descend(problem, fa.FA_STAR, 0.1, rest.steps, every=rest.steps)
    assert close(run.Z[-1], rest.Z, atol=1e-12) and close(run.W[-1], rest.W, atol=1e-12)
    earlier = fa.descend(problem, fa.FA_STAR, 0.1, round(rest.steps / 1.5) - 1)
    assert fa.stationarity_gap(problem, earlier.Z[-1], earlier.W[-1]) > 1e-6


def test_descend_to_rest_returns_an_unfinished_run_with_its_gap(problem):
    rest = fa.descend_to_rest(problem, fa.FA, 0.01, gap=1e-12, most_steps=130)
    assert rest.steps == 130 and rest.gap > 1e-12


@pytest.mark.parametrize("rank", [4, 6, 7, 12])
def test_more_units_than_singular_values_reach_the_target_and_the_others_are_zero(problem, rank):
    left, values, right = np.linalg.svd(problem.target, full_matrices=False)
    for target in (problem.target, fa.FactoredTarget(left[:, :4] * values[:4], right[:4])):
        Z, W = fa.optimal_point(target, rank)
        assert Z.shape == (7, rank) and W.shape == (rank, 6)
        assert close(Z @ W, problem.target, atol=1e-14)
        assert close(Z[:, 4:], 0, atol=1e-7) and close(W[4:], 0, atol=1e-7)  # roots of rounding
        assert close(fa.optimal_error(target, rank), 0, atol=1e-28)


@pytest.mark.parametrize("hidden_units", [7, 9])
def test_the_stationary_point_has_spare_units_at_zero_and_fa_flows_to_it(problem, rng, hidden_units):
    wide = fa.random_problem(problem.target, hidden_units, 0.3, 0.7, rng=rng)
    Z, W = fa.stationary_point(wide)
    assert Z.shape == (7, hidden_units) and W.shape == (hidden_units, 6)
    assert close(Z @ W, problem.target, atol=1e-13)
    assert not Z[:, 4:].any() and not W[4:].any()
    run = fa.flow(wide, fa.FA, [400.0])
    assert close(run.Z[0] @ run.W[0], problem.target, atol=1e-6)
    rest = fa.descend_to_rest(wide, fa.FA, fa.safe_learning_rate(wide))
    assert rest.gap <= 1e-8 and close(rest.Z @ rest.W, problem.target, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"), [({"gap": 0.0}, "gap is 0.0"), ({"most_steps": 0}, "most_steps is 0")]
)
def test_descend_to_rest_refuses_unusable_settings(problem, change, message):
    with pytest.raises(ValueError, match=message):
        fa.descend_to_rest(problem, fa.FA, 0.1, **change)


def test_errors_from_mixtures_are_those_of_the_stationary_point(rng):
    values = np.array([3.0, 2.0, 1.0, 0.5])
    target = fa.target_with_spectrum(values, (6, 5), rng=rng)
    right = np.linalg.svd(target)[2][:4]
    feedbacks = rng.standard_normal((10, 2, 5))
    errors = fa.stationary_errors(values, right @ feedbacks.mT)
    for error, feedback in zip(errors, feedbacks, strict=True):
        problem = fa.Problem(target, feedback, np.ones((6, 2)), np.ones((2, 5)))
        assert close(error, fa.error(target, *fa.stationary_point(problem)), rtol=1e-12)


DEPENDENT_ROWS = {
    "a zero row": lambda C: C * [[1.0], [0.0], [1.0]],
    "a zero row first": lambda C: C * [[0.0], [1.0], [1.0]],
    "no feedback at all": lambda C: 0 * C,
    "repeated rows": lambda C: C[[0, 1, 1]],
    "one row thrice": lambda C: C[[0, 0, 0]],
    "rows of opposite sign": lambda C: np.stack([C[0], C[1], -C[0]]),
    "a combination of rows": lambda C: np.stack([C[0], C[1], 0.3 * C[0] - 2.0 * C[1]]),
    "a repeated row but for rounding": lambda C: np.stack([C[0], C[1], C[0] * (1 + 2e-16)]),
    "nearly repeated rows": lambda C: np.stack([C[0], C[1], C[1] + 1e-7 * C[2]]),
    "rows of many scales": lambda C: C * [[1.0], [1e-12], [1e-5]],
    "four rows of which two are one": lambda C: C[[0, 0, 1, 2]],
    "more rows than columns, but of rank 2": lambda C: C[[0, 1, 1, 0, 0, 1, 0]],
    "more rows than columns, the first dependent": lambda C: np.vstack([C[[0, 0, 0, 0]], np.eye(5)]),
}


@pytest.mark.parametrize("change", DEPENDENT_ROWS.values(), ids=DEPENDENT_ROWS)
def test_errors_from_mixtures_of_dependent_rows_are_those_of_the_stationary_point(rng, change):
    """The first half of the draws have independent rows: neither kind may disturb the other."""
    values = np.array([3.0, 2.0, 1.0, 0.5])
    target = fa.target_with_spectrum(values, (6, 5), rng=rng)
    right = np.linalg.svd(target)[2][:4]
    r = len(change(rng.standard_normal((3, 5))))
    feedbacks = [rng.standard_normal((r, 5)) for _ in range(5)]
    feedbacks += [change(rng.standard_normal((3, 5))) for _ in range(5)]
    mixtures = right @ np.array(feedbacks).mT
    errors = fa.stationary_errors(values, mixtures)
    for error, mixture, feedback in zip(errors, mixtures, feedbacks, strict=True):
        problem = fa.Problem(target, feedback, np.ones((6, r)), np.ones((r, 5)))
        assert close(error, fa.error(target, *fa.stationary_point(problem)), atol=1e-8 * error + 1e-12)
        assert close(fa.stationary_errors(values, mixture), error, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("k", [3, 40])
def test_dependent_draws_are_the_only_ones_that_take_the_slower_way(monkeypatch, rng, k):
    mixtures = rng.standard_normal((6, k, 3))
    mixtures[4, :, 1] = mixtures[4, :, 0]
    slower = []
    monkeypatch.setattr(
        stationary, "_seen_directions", lambda one: slower.append(one.shape) or np.zeros_like(one)
    )
    fa.stationary_errors(1.0 / np.arange(1, k + 1), mixtures)
    assert slower == [(1, k, 3)]


def test_errors_from_mixtures_vanish_at_full_rank_and_ignore_zero_singular_values(rng):
    assert close(fa.stationary_errors([2.0, 1.0], rng.standard_normal((7, 2, 2))), 0, atol=1e-13)
    padded = fa.stationary_errors([2.0, 1.0, 0.0, 0.0], rng.standard_normal((7, 4, 3)))
    assert close(padded, 0, atol=1e-13)


@pytest.mark.parametrize(
    ("values", "shape", "says"),
    [
        ([2.0, 1.0, 0.5], (2, 1), r"shape \(2, 1\); for 3 singular values it must end in \(3, 1\)"),
        ([2.0, 1.0], (2,), r"shape \(2,\)"),
        ([2.0, 1.0], (), "rank is 0"),
        ([2.0, 1.0], (0, 2, 1), "and so no entries"),
    ],
)
def test_mixtures_that_do_not_fit_are_refused(values, shape, says):
    with pytest.raises(ValueError, match=says):
        fa.stationary_errors(values, np.ones(shape))


def test_an_optimum_beyond_float64_is_refused(problem):
    with (
        pytest.raises(FloatingPointError, match="optimal_error overflows float64"),
        np.errstate(all="ignore"),
    ):
        fa.optimal_error(1e160 * problem.target, 1)


def test_what_is_wrong_with_a_point_of_rest_is_said_in_full(problem):
    with refused(ValueError, "mixtures has shape (2, 1); for 3 singular values it must end in (3, 1)"):
        fa.stationary_errors([2.0, 1.0, 0.5], np.ones((2, 1)))
    with refused(ValueError, "rank is 0; choose at least 1"):
        fa.stationary_errors([2.0, 1.0], 1.0)
    with refused(ValueError, "gap is 0.0; choose a number above 0"):
        fa.descend_to_rest(problem, fa.FA, 0.1, gap=0.0)
    with refused(ValueError, "most_steps is 0; choose at least 1"):
        fa.descend_to_rest(problem, fa.FA, 0.1, most_steps=0)
    for optimum in (fa.optimal_error, fa.optimal_point):
        with refused(ValueError, "rank is 0; choose at least 1"):
            optimum(problem.target, 0)
        with refused(ValueError, "target has shape (6,); it must have 2 axes: reshape it"):
            optimum(np.ones(6), 1)


def test_what_feedback_shows_below_rounding_is_not_learnt(problem):
    silent = replace(problem, feedback=0 * problem.feedback)
    Z, W = fa.stationary_point(silent)
    assert not Z.any() and not W.any()
    feedback = np.diag([1.0, 1.0, 4e-16, 0.0, 0.0, 0.0])[:3]  # rounding is 6 times 2e-16 here
    start = {"Z": np.ones((6, 3)), "W": np.ones((3, 6))}
    Z, _ = fa.stationary_point(fa.Problem(np.eye(6), feedback, **start))
    assert np.array_equal(Z @ Z.T, np.diag([1.0, 1.0, 0.0, 0.0, 0.0, 0.0]))


def test_a_run_is_checked_after_100_steps_and_then_when_half_as_long_again(monkeypatch, problem):
    runs = []

    def noted(*rest, **settings):
        runs.append(fa.descend(*rest, **settings))
        return runs[-1]

    monkeypatch.setattr(stationary, "descend", noted)
    rest = fa.descend_to_rest(problem, fa.FA, 0.05, gap=1e-30, most_steps=600)
    assert close([run.times[-1] / 0.05 for run in runs], [100, 50, 75, 112, 168, 95], rtol=1e-12)
    assert rest.steps == 600 and [len(run.times) for run in runs] == [2] * 6  # and only the ends are kept


def test_a_gap_that_is_just_reached_is_rest(problem):
    rest = fa.descend_to_rest(problem, fa.FA_STAR, 0.1, gap=1e-6)
    assert fa.descend_to_rest(problem, fa.FA_STAR, 0.1, gap=rest.gap).steps == rest.steps


def test_a_run_to_rest_ends_at_a_gap_of_1e_8_or_after_10_000_steps():
    problem = fa.Problem(np.eye(2, 1), np.ones((1, 1)), np.array([[1.0], [1.0]]), np.zeros((1, 1)))
    assert 1e-12 < fa.descend_to_rest(problem, fa.FA, 0.1).gap <= 1e-8
    assert fa.descend_to_rest(problem, fa.FA, 1e-6).steps == 10_000


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
def test_the_gap_and_the_stationary_point_do_not_see_the_scales(problem, scale):
    scaled = replace(
        problem, target=scale * problem.target, feedback=scale * problem.feedback, Z=scale * problem.Z
    )
    wanted = fa.stationarity_gap(problem, problem.Z, problem.W)
    assert close(fa.stationarity_gap(scaled, scaled.Z, scaled.W), wanted, rtol=1e-12)
    Z = np.stack([problem.Z, scale * problem.Z])
    W = np.stack([problem.W, problem.W / scale])
    assert close(fa.stationarity_gap(problem, Z, W), [wanted, wanted], rtol=1e-12)
    one = fa.stationary_point(problem)
    other = fa.stationary_point(scaled)
    assert close(one.Z @ one.Z.T, other.Z @ other.Z.T, atol=1e-13)
    assert close(other.Z @ (other.W / scale), one.Z @ one.W, atol=1e-13)


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
def test_errors_from_mixtures_do_not_see_the_scale_of_the_feedback(rng, scale):
    values = np.array([2.0, 1.0, 0.5])
    mixtures = rng.standard_normal((5, 3, 1))
    wanted = fa.stationary_errors(values, mixtures)
    assert close(fa.stationary_errors(values, scale * mixtures), wanted, rtol=1e-12)
    batch = np.stack([mixtures / scale, scale * mixtures])
    assert close(fa.stationary_errors(values, batch), wanted, rtol=1e-12)
    assert close(fa.stationary_errors(scale * values, mixtures) / scale**2, wanted, rtol=1e-12)


def test_errors_from_mixtures_beyond_float64_are_refused(rng):
    mixtures = rng.standard_normal((5, 3, 1))
    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match="stationary_errors overflows float64"),
    ):
        fa.stationary_errors([2e160, 1e160, 1e160], mixtures)


def test_a_draws_error_does_not_depend_on_how_many_others_there_are(rng):
    # Two columns that differ by a thousand times rounding: enough to see both directions, by however little.
    nearly = np.array([[1.0, 1.0], [0.0, 1e-13], [0.0, 0.0]])
    many = fa.stationary_errors([3.0, 2.0, 1.0], np.broadcast_to(nearly, (5000, 3, 2)))
    assert close(many, 1.0, atol=1e-4)


@pytest.mark.parametrize(("name", "axes"), [("Z", 3), ("W", 1)])
def test_rest_refuses_layers_that_are_no_matrices(problem, name, axes):
    layers = {"Z": problem.Z, "W": problem.W, name: np.zeros(axes * (2,))}
    with refused(ValueError, f"{name} has shape {axes * (2,)}; it must have 2 axes: reshape it"):
        fa.Rest(**layers, gap=1.0, steps=5)
