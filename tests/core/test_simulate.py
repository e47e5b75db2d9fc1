import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import close, refused

import fa_utils as fa
from fa_utils import simulate
from fa_utils.simulate import BETWEEN_CHECKS

RULES = [fa.GD, fa.FA, fa.FA_STAR]


def plain_euler(problem, rule, rates, steps):
    """Euler as the paper writes it: with Y - ZW formed, and W re-solved under FA*."""
    Z = problem.Z
    W = problem.W
    for _ in range(steps):
        if rule is fa.FA_STAR:
            W = np.linalg.lstsq(Z, problem.target)[0]
        E = problem.target - Z @ W
        back = W if rule is fa.GD else problem.feedback
        moved = Z + rates[0] * E @ back.T
        W = W + rates[1] * Z.T @ E
        Z = moved
    return Z, (np.linalg.lstsq(Z, problem.target)[0] if rule is fa.FA_STAR else W)


@pytest.mark.parametrize("rule", RULES)
def test_descend_is_euler_as_the_paper_writes_it(problem, rule):
    run = fa.descend(problem, rule, (0.03, 0.02), 50)
    Z, W = plain_euler(problem, rule, (0.03, 0.02), 50)
    assert close(run.Z[-1], Z, atol=1e-13)
    assert close(run.W[-1], W, atol=1e-13)


@pytest.mark.parametrize("hidden_units", [3, 9])
def test_from_a_start_at_zero_fa_learns_what_feedback_shows_it_and_gd_stays(problem, rng, hidden_units):
    zero = fa.random_problem(problem.target, hidden_units, 0.0, 0.7, rng=rng)
    wanted = fa.stationary_point(zero)
    for run in (fa.flow(zero, fa.FA, [0.0, 300.0]), fa.descend(zero, fa.FA, steps=9000, every=9000)):
        assert not run.Z[0].any() and not run.W[0].any()
        assert close(run.Z[-1] @ run.W[-1], wanted.Z @ wanted.W, atol=1e-6)
    for run in (fa.flow(zero, fa.GD, [5.0]), fa.descend(zero, fa.GD, steps=5)):
        assert not run.Z.any() and not run.W.any()
    with pytest.raises(ValueError, match="FA\\* needs full column rank"):
        fa.descend(zero, fa.FA_STAR, steps=1)


@pytest.mark.parametrize("rule", RULES)
def test_euler_approaches_the_flow_in_proportion_to_the_rate(problem, rule):
    end = fa.flow(problem, rule, [1.0])
    rates = [0.02, 0.01, 0.005]
    distances = []
    for rate in rates:
        run = fa.descend(problem, rule, rate, round(1 / rate))
        off_Z = np.linalg.norm(run.Z[-1] - end.Z[-1])
        off_W = np.linalg.norm(run.W[-1] - end.W[-1])
        distances.append(np.hypot(off_Z, off_W))
    slope = np.polyfit(np.log(rates), np.log(distances), 1)[0]
    assert abs(slope - 1) < 0.1


@pytest.mark.parametrize("rule", RULES)
def test_a_flow_does_not_depend_on_where_its_interval_is_cut(problem, rule):
    whole = fa.flow(problem, rule, [0.7, 2.0])
    rest = fa.flow(replace(problem, Z=whole.Z[0], W=whole.W[0]), rule, [1.3])
    assert close(whole.Z[1], rest.Z[0], atol=1e-8) and close(whole.W[1], rest.W[0], atol=1e-8)


def test_a_run_starts_where_the_problem_says(problem):
    for run in (
        fa.flow(problem, fa.FA, [0.0, 1.0]),
        fa.flow(problem, fa.FA, [0.0]),
        fa.descend(problem, fa.FA, 0.1, 1),
    ):
        assert np.array_equal(run.Z[0], problem.Z) and np.array_equal(run.W[0], problem.W)


def test_fa_star_starts_at_the_optimal_forward_weights_whatever_the_problem_has(problem):
    for run in (fa.flow(problem, fa.FA_STAR, [0.0, 1.0]), fa.descend(problem, fa.FA_STAR, 0.1, 1)):
        assert close(run.W[0], np.linalg.lstsq(problem.Z, problem.target)[0], atol=1e-13)


def test_flow_of_gd_conserves_the_difference_of_the_layers(problem):
    run = fa.flow(problem, fa.GD, np.linspace(0, 5, 6))
    start = fa.conserved_by_gd(problem, problem.Z, problem.W)
    assert close(fa.conserved_by_gd(problem, run.Z, run.W), start, atol=1e-8)


def test_flow_of_fa_conserves_appendix_es_matrix(problem):
    run = fa.flow(problem, fa.FA, np.linspace(0, 5, 6))
    start = fa.conserved_by_fa(problem, problem.Z, problem.W)
    assert close(fa.conserved_by_fa(problem, run.Z, run.W), start, atol=1e-8)


def test_flow_of_fa_star_conserves_the_representation_gram_matrix(problem):
    run = fa.flow(problem, fa.FA_STAR, np.linspace(0, 5, 6))
    assert close(np.swapaxes(run.Z, 1, 2) @ run.Z, problem.Z.T @ problem.Z, atol=1e-8)


def test_euler_for_fa_star_lets_the_gram_matrix_grow_by_the_squared_step(problem):
    """Z^T R = 0, so that one step adds rate^2 R^T R to Z^T Z, and nothing else."""
    run = fa.descend(problem, fa.FA_STAR, 0.1, 1)
    R = fa.residual(problem, run.Z[0], run.W[0])
    assert close(run.Z[1].T @ run.Z[1], run.Z[0].T @ run.Z[0] + 0.01 * R.T @ R, atol=1e-13)


def test_time_counts_the_rate_of_the_first_layer(problem):
    assert close(fa.descend(problem, fa.FA, (0.1, 0.7), 3).times, [0, 0.1, 0.2, 0.3], rtol=1e-12)


def test_entries_whose_squares_overflow_are_no_divergence(problem):
    growing = fa.Rule("growing", lambda problem, Z, W: (np.full(Z.shape, 1e200), np.zeros(W.shape)))
    run = fa.descend(problem, growing, 1.0, 3)
    assert np.isfinite(run.Z).all() and close(run.Z[-1], np.full(problem.Z.shape, 3e200), rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"rule": "FA"}, TypeError, "rule is 'FA'; it must be a Rule: fa.GD"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate is 0.0; choose a number above 0"),
        ({"learning_rate": -0.1}, ValueError, "learning_rate is -0.1; choose a number above 0"),
        ({"learning_rate": (0.1, 0.0)}, ValueError, "learning_rate is 0.0"),
        (
            {"learning_rate": (0.1, 0.1, 0.1)},
            ValueError,
            "learning_rate holds 3 numbers; give one, or a pair",
        ),
        ({"learning_rate": np.nan}, ValueError, "learning_rate is nan; choose a finite number"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate is 'fast'"),
        ({"steps": 0}, ValueError, "steps is 0; choose at least 1"),
        ({"steps": 2.5}, TypeError, "steps is 2.5; it must be a whole number"),
        ({"every": 0}, ValueError, "every is 0; choose at least 1"),
    ],
)
def test_descend_refuses_unusable_settings(problem, change, kind, message):
    arguments = {"problem": problem, "rule": fa.FA, "learning_rate": 0.1, "steps": 3}
    with pytest.raises(kind, match=message):
        fa.descend(**(arguments | change))


@pytest.mark.parametrize(
    ("times", "kind", "message"),
    [
        ([-1.0, 1.0], ValueError, "times starts at -1.0; time runs from 0"),
        ([1.0, 1.0], ValueError, "strictly increasing"),
        ([2.0, 1.0], ValueError, "strictly increasing"),
        (np.empty(0), ValueError, "no entries"),
        ([0.0, np.inf], ValueError, r"inf at \(1,\)"),
        ([0, 1j], TypeError, "complex128"),
    ],
)
def test_flow_refuses_unusable_times(problem, times, kind, message):
    with pytest.raises(kind, match=message):
        fa.flow(problem, fa.FA, times)


def test_flow_refuses_a_tolerance_of_zero(problem):
    with pytest.raises(ValueError, match="tolerance is 0; choose a number above 0"):
        fa.flow(problem, fa.FA, [1.0], tolerance=0)


def test_a_flow_that_runs_away_is_stopped_and_says_where(problem):
    away = fa.Rule("reversed GD", lambda problem, Z, W: tuple(-d for d in fa.GD.field(problem, Z, W)))
    with pytest.raises(
        FloatingPointError, match=r"flow of reversed GD (took 3000 evaluations to reach time|was not)"
    ):
        fa.flow(problem, away, [400.0], most_evaluations=3000)


def test_fa_star_refuses_a_start_of_deficient_rank(problem):
    broken = replace(problem, Z=problem.Z * [1, 1, 0])
    for run in (lambda: fa.descend(broken, fa.FA_STAR, 0.1, 1), lambda: fa.flow(broken, fa.FA_STAR, [1.0])):
        with pytest.raises(ValueError, match="Z has rank 2 but 3 columns"):
            run()


def test_a_run_whose_last_time_overflows_is_refused(problem):
    silent = replace(problem, target=0 * problem.target, Z=0 * problem.Z, W=0 * problem.W)
    with pytest.raises(ValueError, match="the time of the last step is inf; choose a finite number"):
        fa.descend(silent, fa.FA, (1e308, 1.0), 10)
    assert fa.descend(silent, fa.FA, (1.0, 1e308), 10).times[-1] == 10


def test_what_is_wrong_with_a_simulation_is_said_in_full(problem):
    says = "rule is 'FA'; it must be a Rule: fa.GD, fa.FA, fa.FA_STAR or one of your own"
    with refused(TypeError, says):
        fa.descend(problem, "FA", 0.1, 3)
    with refused(TypeError, says):
        fa.flow(problem, "FA", [1.0])
    with refused(ValueError, "learning_rate holds 3 numbers; give one, or a pair for (Z, W)"):
        fa.descend(problem, fa.FA, [0.1, 0.1, 0.1], 3)
    with refused(ValueError, "learning_rate is -0.1; choose a number above 0"):
        fa.descend(problem, fa.FA, [0.1, -0.1], 3)
    with refused(ValueError, "steps is 0; choose at least 1"):
        fa.descend(problem, fa.FA, 0.1, 0)
    with refused(ValueError, "every is 0; choose at least 1"):
        fa.descend(problem, fa.FA, 0.1, 3, every=0)
    with refused(ValueError, "tolerance is 0; choose a number above 0"):
        fa.flow(problem, fa.FA, [1.0], tolerance=0)
    with refused(ValueError, "most_evaluations is 0; choose at least 1"):
        fa.flow(problem, fa.FA, [1.0], most_evaluations=0)


def test_a_flow_cut_short_says_how_far_it_came(problem):
    still = replace(fa.GD, field=lambda problem, Z, W: (0 * Z, 0 * W))
    largest = max(np.abs(problem.Z).max(), np.abs(problem.W).max())
    says = (
        f"the flow of GD took 1 evaluations to reach time 1e-06, with entries up to {largest:.2g}; "
        "choose earlier times, a larger tolerance, or a larger most_evaluations"
    )
    with refused(FloatingPointError, says):
        fa.flow(problem, still, [1.0], most_evaluations=1)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("entry", [np.inf, 0.0])  # times infinity: infinite, and not even that
def test_either_layer_may_diverge_without_a_warning(problem, layer, entry):
    def field(problem, Z, W):
        moves = [np.zeros_like(Z), np.zeros_like(W)]
        moves[layer][-1, -1] = entry
        moves[layer] *= np.inf
        return tuple(moves)

    says = (
        "own diverged: step 1 at learning rates (0.1, 0.2) for (Z, W) gave an entry that is "
        "not finite; choose smaller rates, for instance a tenth"
    )
    with refused(FloatingPointError, says):
        fa.descend(problem, fa.Rule("own", field), (0.1, 0.2), 3)


def test_a_flow_that_cannot_be_solved_says_so_without_a_warning():
    def field(problem, Z, W):
        return np.exp(300 * Z), 0 * W

    problem = fa.Problem(np.ones((2, 2)), np.ones((1, 2)), np.ones((2, 1)), np.ones((1, 2)))
    says = (
        "the flow of own was not solved: Required step size is less than spacing between numbers; "
        "choose earlier times or a larger tolerance"
    )
    with refused(FloatingPointError, says):
        fa.flow(problem, fa.Rule("own", field), [10.0], most_evaluations=20_000)


def test_importing_the_package_does_not_wait_for_what_only_some_runs_need():
    slow = {"scipy.special", "scipy.integrate", "scipy.linalg", "scipy.optimize", "joblib", "cloudpickle"}
    code = f"import sys, fa_utils; sys.exit(' '.join({slow} & sys.modules.keys()) or 0)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_flow_of_fa_star_solves_example_1():
    """m = r = 1, c = 1: w(t) = a tanh(at + artanh(w(0)/a)) with a = ||y|| / ||z||."""
    y = np.array([[0.6], [0.8], [0.0]])
    z = np.array([[0.1], [-0.3], [0.2]])
    times = np.linspace(0.1, 3, 7)
    run = fa.flow(fa.Problem(y, np.ones((1, 1)), z, np.ones((1, 1))), fa.FA_STAR, times)
    a = 1 / np.linalg.norm(z)
    start = (z.T @ y).item() / np.linalg.norm(z) ** 2
    assert close(run.W[:, 0, 0], a * np.tanh(a * times + np.arctanh(start / a)), atol=1e-8)


def test_descend_keeps_the_snapshots_asked_for_and_the_last(problem):
    run = fa.descend(problem, fa.FA, 0.1, 10, every=4)
    full = fa.descend(problem, fa.FA, 0.1, 10)
    kept = [0, 4, 8, 10]
    assert close(run.times, [0, 0.4, 0.8, 1.0], rtol=1e-12)
    assert len(run) == 4
    assert np.array_equal(run.Z, full.Z[kept])
    assert np.array_equal(run.W, full.W[kept])


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e3, 1e8])
def test_flow_is_as_accurate_in_other_units(problem, scale):
    """GD with Y scaled by s^2 and Z, W by s runs s^2 times as fast along the scaled curve."""
    scaled = fa.Problem(scale**2 * problem.target, problem.feedback, scale * problem.Z, scale * problem.W)
    run = fa.flow(scaled, fa.GD, [1.0 / scale**2])
    assert close(run.Z / scale, fa.flow(problem, fa.GD, [1.0]).Z, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_flow_from_nothing_is_as_accurate_in_other_units(problem, scale):
    """FA with Y scaled by s^2 and C, Z, W by s runs s^2 times as fast along the scaled curve."""
    silent = replace(problem, Z=0 * problem.Z, W=0 * problem.W)
    scaled = replace(silent, target=scale**2 * problem.target, feedback=scale * problem.feedback)
    run = fa.flow(silent, fa.FA, [1.0])
    other = fa.flow(scaled, fa.FA, [1.0 / scale**2])
    assert close(other.Z / scale, run.Z, atol=1e-9)
    assert close(other.W / scale, run.W, atol=1e-9)
    assert np.abs(run.Z).max() > 0.1


def test_times_may_be_whole_numbers(problem):
    whole = fa.flow(problem, fa.FA, [0, 1])
    assert np.array_equal(whole.Z, fa.flow(problem, fa.FA, [0.0, 1.0]).Z)
    assert whole.times.dtype == float


def test_a_flow_may_take_a_million_evaluations_unless_told_otherwise(monkeypatch, problem):
    seen = []
    flat_field = simulate._flat_field

    def noted(problem, rule, most):
        seen.append(most)
        return flat_field(problem, rule, most)

    monkeypatch.setattr(simulate, "_flat_field", noted)
    fa.flow(problem, fa.FA, [0.1])
    fa.flow(problem, fa.FA, [0.1], most_evaluations=500)
    assert seen == [1_000_000, 500]


# --- divergence ---


def test_divergence_is_named_at_the_first_step_that_is_not_finite(problem):
    with pytest.raises(FloatingPointError) as caught:
        fa.descend(problem, fa.GD, 100.0, 50)
    step = int(str(caught.value).split("step ")[1].split()[0])
    assert np.isfinite(fa.descend(problem, fa.GD, 100.0, step - 1).Z).all()
    assert str(caught.value) == (
        f"GD diverged: step {step} at learning rates (100.0, 100.0) for (Z, W) gave an entry that is "
        "not finite; choose smaller rates, for instance a tenth"
    )


@pytest.mark.parametrize("first", [1, 2, 63, 64, 65, 100, 128, 129, 150])
@pytest.mark.parametrize("layer", ["Z", "W"])
def test_the_very_step_is_named_although_entries_are_looked_at_only_every_64_steps(problem, first, layer):
    # An entry that doubles at every step, from where the step after `first` would still be finite.
    start = 2.0 ** (1024 - first)
    doubling = fa.Rule("doubling", lambda problem, Z, W: (Z, W))
    grown = replace(problem, **{layer: np.full(getattr(problem, layer).shape, start)})
    says = (
        f"doubling diverged: step {first} at learning rates (1.0, 1.0) for (Z, W) gave an entry that is "
        "not finite; choose smaller rates, for instance a tenth"
    )
    with refused(FloatingPointError, says):
        fa.descend(grown, doubling, 1.0, 150)
    run = fa.descend(grown, doubling, 1.0, first - 1) if first > 1 else None
    assert run is None or np.isfinite(getattr(run, layer)).all()


def test_a_divergence_after_the_last_look_is_found_at_the_end(problem):
    steps = BETWEEN_CHECKS + 7
    grown = replace(problem, Z=np.full(problem.Z.shape, 2.0 ** (1024 - steps)))
    doubling = fa.Rule("doubling", lambda problem, Z, W: (Z, 0 * W))
    with pytest.raises(FloatingPointError, match=f"step {steps} "):
        fa.descend(grown, doubling, 1.0, steps)


def test_a_rule_that_does_not_diverge_again_is_not_run_for_ever(problem):
    """Its field depends on how often it was asked, so that the step cannot be found by a second run."""
    asked = []

    def field(problem, Z, W):
        asked.append(len(asked))
        return np.full(Z.shape, np.inf if len(asked) == 10 else 0.0), 0 * W

    with pytest.raises(FloatingPointError, match=f"moody diverged: step {BETWEEN_CHECKS} at"):
        fa.descend(problem, fa.Rule("moody", field), 1.0, 100)
    assert len(asked) == 2 * BETWEEN_CHECKS


# --- learning rates ---


def test_a_run_without_a_rate_takes_the_safe_one(problem):
    rate = fa.safe_learning_rate(problem)
    run = fa.descend(problem, fa.FA, steps=30)
    assert np.array_equal(run.Z, fa.descend(problem, fa.FA, rate, 30).Z)
    assert close(run.times[1], rate, rtol=1e-15)
    assert len(fa.descend(problem, fa.FA, every=1000)) == 2


def test_a_safe_rate_is_half_the_inverse_of_the_steepest_slope(problem):
    large = replace(problem, target=100 * problem.target, feedback=0.01 * problem.feedback)
    assert close(fa.safe_learning_rate(large), 0.5 / (2 * 100 * 2), rtol=1e-12)  # whose largest value is 2
    strong = replace(problem, feedback=100 * problem.feedback, Z=0 * problem.Z, W=0 * problem.W)
    norm = np.linalg.norm(strong.feedback, 2)
    assert close(fa.safe_learning_rate(strong), 0.5 / (1.5 * (2 * 2 * norm) ** (2 / 3)), rtol=1e-12)
    far = replace(problem, Z=100 * problem.Z, W=10 * problem.W)
    Z, W, C = (np.linalg.norm(array, 2) for array in (far.Z, far.W, far.feedback))
    assert close(fa.safe_learning_rate(far), 0.5 / (Z**2 + W**2 + W * C), rtol=1e-12)


def test_a_safe_rate_of_a_factored_target_is_that_of_its_product(problem):
    left, values, right = np.linalg.svd(problem.target, full_matrices=False)
    factored = replace(problem, target=fa.FactoredTarget(left * values, right))
    assert close(fa.safe_learning_rate(factored), fa.safe_learning_rate(problem), rtol=1e-12)


def test_where_nothing_moves_any_rate_is_safe(problem):
    arrays = (problem.target, problem.feedback, problem.Z, problem.W)
    silent = fa.Problem(*(0 * array for array in arrays))
    assert fa.safe_learning_rate(silent) == 0.5
    assert not fa.descend(silent, fa.FA, steps=3).Z.any()


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1e2, 1e4])
def test_a_safe_rate_goes_with_the_units_of_time(problem, scale):
    """With Y scaled by s^2 and C, Z, W by s, all rules run s^2 times as fast."""
    scaled = fa.Problem(
        scale**2 * problem.target, scale * problem.feedback, scale * problem.Z, scale * problem.W
    )
    assert close(fa.safe_learning_rate(scaled), fa.safe_learning_rate(problem) / scale**2, rtol=1e-12)


def error_ratios(problem):
    """Return each rule's error after 2000 steps at the safe rate, relative to the start's."""
    start = fa.error(problem.target, problem.Z, problem.W)
    runs = [fa.descend(problem, rule, steps=2000, every=2000) for rule in RULES]
    return np.array([fa.error(problem.target, run.Z[-1], run.W[-1]) for run in runs]) / start


@pytest.mark.slow
def test_no_rule_diverges_or_gets_worse_at_the_safe_rate_whatever_the_scales():
    """Y is of size s^2 and C, Z, W of size s, times up to three powers of ten less and some more."""
    rng = np.random.default_rng(5)
    for _ in range(15):
        scale = 10.0 ** rng.uniform(-4, 4)
        start_scale = scale * 10 ** rng.uniform(-3, 0.5)
        feedback_scale = scale * 10 ** rng.uniform(-3, 1)
        n, m = rng.integers(2, 12, 2)
        rank = int(rng.integers(1, min(n, m) + 1))
        target = scale**2 * rng.standard_normal((n, m))
        ratios = error_ratios(fa.random_problem(target, rank, start_scale, feedback_scale, rng=rng))
        assert (ratios <= 1).all(), (n, m, rank, start_scale / scale, feedback_scale / scale, ratios)


@pytest.mark.slow
def test_no_rule_diverges_at_the_safe_rate_even_where_each_part_has_a_scale_of_its_own():
    rng = np.random.default_rng(6)
    for _ in range(15):
        of_target, of_start, of_feedback = 10.0 ** rng.uniform(-8, 8, 3)
        target = of_target * rng.standard_normal((6, 5))
        problem = fa.random_problem(target, 3, of_start, of_feedback, rng=rng)
        ratios = error_ratios(problem)
        assert np.isfinite(ratios).all()
        assert ratios[0] <= 1
        assert ratios[2] <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("start_scale", "feedback_scale"), [(0.01, 0.1), (1.0, 1.0)])
def test_no_rule_diverges_or_gets_worse_at_the_safe_rate_on_images_of_digits(start_scale, feedback_scale):
    """Raw images, of grey values from 0 to 16: the target's largest singular value is above 2000."""
    from sklearn.datasets import load_digits  # here, since most tests do without
    from threadpoolctl import threadpool_limits

    images = load_digits().data
    assert images.max() == 16
    problem = fa.random_problem(images, 10, start_scale, feedback_scale, rng=np.random.default_rng(7))
    with threadpool_limits(1):  # threads that wait for each other take twenty times as long on busy cores
        assert (error_ratios(problem) <= 1).all()


def test_a_comparison_has_the_three_rules_at_one_rate_with_200_snapshots_or_so(problem):
    runs = fa.compare(problem, 0.05, 1000)
    assert list(runs) == RULES
    for rule, run in runs.items():
        wanted = fa.descend(problem, rule, 0.05, 1000, every=5)
        assert len(run) == 201
        assert np.array_equal(run.Z, wanted.Z)
        assert np.array_equal(run.W, wanted.W)
        assert np.array_equal(run.times, wanted.times)


def test_a_comparison_takes_the_safe_rate_and_keeps_every_step_of_a_short_run(problem):
    runs = fa.compare(problem, steps=150)
    assert [len(run) for run in runs.values()] == [151] * 3
    assert {run.times[1] for run in runs.values()} == {fa.safe_learning_rate(problem)}
    assert [len(run) for run in fa.compare(problem).values()] == [201] * 3
    with refused(ValueError, "steps is 0; choose at least 1"):
        fa.compare(problem, steps=0)
