import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import close, refused

import fa_utils as fa
from fa_utils import simulate

RULES = [fa.GD, fa.FA, fa.FA_STAR]


def plain_euler(problem, rule, rates, steps):
    """Euler as the paper writes it: with Y - ZW formed, and W re-solved under FA*."""
    Z, W = problem.Z, problem.W
    for _ in range(steps):
        if rule is fa.FA_STAR:
            W = np.linalg.lstsq(Z, problem.target)[0]
        E = problem.target - Z @ W
        back = W if rule is fa.GD else problem.feedback
        Z, W = Z + rates[0] * E @ back.T, W + rates[1] * Z.T @ E
    return Z, (np.linalg.lstsq(Z, problem.target)[0] if rule is fa.FA_STAR else W)


@pytest.mark.parametrize("rule", RULES)
def test_descend_is_euler_as_the_paper_writes_it(problem, rule):
    run = fa.descend(problem, rule, (0.03, 0.02), 50)
    Z, W = plain_euler(problem, rule, (0.03, 0.02), 50)
    assert close(run.Z[-1], Z, atol=1e-13) and close(run.W[-1], W, atol=1e-13)


@pytest.mark.parametrize("rule", RULES)
def test_euler_approaches_the_flow_in_proportion_to_the_rate(problem, rule):
    end = fa.flow(problem, rule, [1.0])
    rates = [0.02, 0.01, 0.005]
    distances = []
    for rate in rates:
        run = fa.descend(problem, rule, rate, round(1 / rate))
        distances.append(
            np.hypot(*(np.linalg.norm(a[-1] - b[-1]) for a, b in ((run.Z, end.Z), (run.W, end.W))))
        )
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
    assert close(fa.conserved_by_gd(run.Z, run.W), fa.conserved_by_gd(problem.Z, problem.W), atol=1e-8)


def test_flow_of_fa_conserves_appendix_es_matrix(problem):
    run = fa.flow(problem, fa.FA, np.linspace(0, 5, 6))
    start = fa.conserved_by_fa(problem, problem.Z, problem.W)
    assert close(fa.conserved_by_fa(problem, run.Z, run.W), start, atol=1e-8)


def test_flow_of_fa_star_conserves_the_representation_gram_matrix(problem):
    run = fa.flow(problem, fa.FA_STAR, np.linspace(0, 5, 6))
    assert close(np.swapaxes(run.Z, 1, 2) @ run.Z, problem.Z.T @ problem.Z, atol=1e-8)


def test_flow_of_fa_star_solves_example_1():
    """m = r = 1, c = 1: w(t) = a tanh(at + artanh(w(0)/a)) with a = ||y|| / ||z||."""
    y, z = np.array([[0.6], [0.8], [0.0]]), np.array([[0.1], [-0.3], [0.2]])
    times = np.linspace(0.1, 3, 7)
    run = fa.flow(fa.Problem(y, np.ones((1, 1)), z, np.ones((1, 1))), fa.FA_STAR, times)
    a, start = 1 / np.linalg.norm(z), (z.T @ y).item() / np.linalg.norm(z) ** 2
    assert close(run.W[:, 0, 0], a * np.tanh(a * times + np.arctanh(start / a)), atol=1e-8)


def test_euler_for_fa_star_lets_the_gram_matrix_grow_by_the_squared_step(problem):
    """Z^T R = 0, so that one step adds rate^2 R^T R to Z^T Z, and nothing else."""
    run = fa.descend(problem, fa.FA_STAR, 0.1, 1)
    R = fa.residual(problem, run.Z[0], run.W[0])
    assert close(run.Z[1].T @ run.Z[1], run.Z[0].T @ run.Z[0] + 0.01 * R.T @ R, atol=1e-13)


@pytest.mark.parametrize("scale", [1e-60, 1e-3, 1e3])
def test_flow_is_as_accurate_in_other_units(problem, scale):
    """GD with Y scaled by s^2 and Z, W by s runs s^2 times as fast along the scaled curve."""
    scaled = fa.Problem(scale**2 * problem.target, problem.feedback, scale * problem.Z, scale * problem.W)
    run, small = fa.flow(problem, fa.GD, [1.0]), fa.flow(scaled, fa.GD, [1.0 / scale**2])
    assert close(small.Z / scale, run.Z, atol=1e-8)


def test_descend_keeps_the_snapshots_asked_for_and_the_last(problem):
    run, full = fa.descend(problem, fa.FA, 0.1, 10, every=4), fa.descend(problem, fa.FA, 0.1, 10)
    assert close(run.times, [0, 0.4, 0.8, 1.0], rtol=1e-12)
    assert np.array_equal(run.Z, full.Z[[0, 4, 8, 10]]) and np.array_equal(run.W, full.W[[0, 4, 8, 10]])


def test_time_counts_the_rate_of_the_first_layer(problem):
    assert close(fa.descend(problem, fa.FA, (0.1, 0.7), 3).times, [0, 0.1, 0.2, 0.3], rtol=1e-12)


def test_trajectories_are_read_only(problem):
    run = fa.descend(problem, fa.FA, 0.1, 2)
    for array in (run.times, run.Z, run.W):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_entries_whose_squares_overflow_are_no_divergence(problem):
    growing = fa.Rule("growing", lambda problem, Z, W: (np.full(Z.shape, 1e200), np.zeros(W.shape)))
    run = fa.descend(problem, growing, 1.0, 3)
    assert np.isfinite(run.Z).all() and close(run.Z[-1], np.full(problem.Z.shape, 3e200), rtol=1e-12)


def test_divergence_is_named_at_the_first_step_that_is_not_finite(problem):
    with pytest.raises(FloatingPointError) as caught:
        fa.descend(problem, fa.GD, 100.0, 50)
    step = int(str(caught.value).split("step ")[1].split()[0])
    assert np.isfinite(fa.descend(problem, fa.GD, 100.0, step - 1).Z).all()
    assert str(caught.value) == (
        f"GD diverged: step {step} at learning rates (100.0, 100.0) for (Z, W) gave an entry that is "
        "not finite; choose smaller rates, for instance a tenth"
    )


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
        ({"learning_rate": np.nan}, ValueError, "learning_rate is nan; it must be finite"),
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


def test_times_may_be_whole_numbers(problem):
    whole, real = (fa.flow(problem, fa.FA, times) for times in ([0, 1], [0.0, 1.0]))
    assert np.array_equal(whole.Z, real.Z) and whole.times.dtype == float


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
    with pytest.raises(ValueError, match="the time of the last step is inf; it must be finite"):
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
    says = "the flow of own was not solved: Required step size is less than spacing between numbers."
    with refused(FloatingPointError, says):
        fa.flow(problem, fa.Rule("own", field), [10.0], most_evaluations=20_000)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_flow_from_nothing_is_as_accurate_in_other_units(problem, scale):
    """FA with Y scaled by s^2 and C, Z, W by s runs s^2 times as fast along the scaled curve."""
    run, other = (
        fa.flow(
            fa.Problem(s**2 * problem.target, s * problem.feedback, 0 * problem.Z, 0 * problem.W),
            fa.FA,
            [1.0 / s**2],
        )
        for s in (1.0, scale)
    )
    assert close(other.Z / scale, run.Z, atol=1e-9) and close(other.W / scale, run.W, atol=1e-9)
    assert np.abs(run.Z).max() > 0.1


def test_a_flow_may_take_a_million_evaluations_unless_told_otherwise(monkeypatch, problem):
    seen = []
    flat = simulate._flat_field
    monkeypatch.setattr(simulate, "_flat_field", lambda *rest: (seen.append(rest[2]), flat(*rest))[1])
    fa.flow(problem, fa.FA, [0.1])
    fa.flow(problem, fa.FA, [0.1], most_evaluations=500)
    assert seen == [1_000_000, 500]


def test_importing_the_package_does_not_wait_for_what_only_some_runs_need():
    slow = {"scipy.special", "scipy.integrate", "scipy.linalg", "scipy.optimize", "joblib", "cloudpickle"}
    code = f"import sys, fa_utils; sys.exit(' '.join({slow} & sys.modules.keys()) or 0)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
