import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import close, refused
from scipy.integrate import solve_ivp

import fa_utils as fa
from fa_utils import theory
from fa_utils.theory import any_inputs

RULES = [fa.GD, fa.FA, fa.FA_STAR]
# Samples and rank of the inputs, n, m, r: more samples than inputs, fewer, and inputs that are dependent.
SETTINGS = [(20, 6, 6, 5, 3), (5, 5, 9, 6, 2), (20, 4, 8, 3, 3), (4, 4, 4, 6, 4)]


def draw_network(rng, samples, rank, n, m, r):
    """Return a problem and inputs whose nonzero singular values lie between 1 and 1/3."""
    inputs = fa.target_with_spectrum(np.linspace(1, 1 / 3, rank), (samples, n), rng=rng)
    target = fa.target_with_spectrum(np.linspace(2, 1, min(n, m)), (n, m), rng=rng)
    return fa.random_problem(target, r, 0.5, 0.7, rng=rng), inputs


def networks_field(problem, rule, X):
    """Return the motion of a network that is trained from data: predictions, errors, errors sent back."""
    answers = X @ problem.target

    def field(_, Z, W):
        best = np.linalg.lstsq(X @ Z, answers)[0] if rule is fa.FA_STAR else W
        errors = answers - X @ Z @ best
        back = best if rule is fa.GD else problem.feedback
        return X.T @ errors @ back.T, 0 * W if rule is fa.FA_STAR else (X @ Z).T @ errors

    return field


def integrate(problem, field, times):
    """Return Z along a run by SciPy's solver alone, shape (T, n, r)."""
    size = problem.Z.size

    def derivative(_, state):
        pair = field(problem, state[:size].reshape(problem.Z.shape), state[size:].reshape(problem.W.shape))
        return np.concatenate([part.ravel() for part in pair])

    start = np.concatenate([problem.Z.ravel(), problem.W.ravel()])
    run = solve_ivp(derivative, (0, times[-1]), start, "RK45", times, rtol=1e-10, atol=1e-11)
    return run.y.T[:, :size].reshape(-1, *problem.Z.shape), run.y.T[:, size:].reshape(-1, *problem.W.shape)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("setting", SETTINGS)
def test_lifted_flows_are_those_of_a_network_trained_on_the_data(rng, setting, rule):
    problem, inputs = draw_network(rng, *setting)
    small = theory.reduce_inputs(problem, inputs)
    times = [0.5, 2.0, 6.0]
    run = fa.flow(small.problem, small.rule(rule), times)
    Z, W = integrate(problem, networks_field(problem, rule, inputs), times)
    assert close(small.lift(run.Z), Z, atol=1e-7)
    assert rule is fa.FA_STAR or close(run.W, W, atol=1e-7)


@pytest.mark.parametrize("rule", [fa.GD, fa.FA], ids=lambda rule: rule.name)
def test_lifted_euler_steps_are_those_of_a_network_trained_on_the_data(rng, rule):
    problem, inputs = draw_network(rng, *SETTINGS[1])
    small = theory.reduce_inputs(problem, inputs)
    run = fa.descend(small.problem, small.rule(rule), (0.1, 0.05), 50)
    own = fa.descend(problem, fa.Rule("data", networks_field(problem, rule, inputs)), (0.1, 0.05), 50)
    assert close(small.lift(run.Z), own.Z, atol=1e-12) and close(run.W, own.W, atol=1e-12)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_small_target_has_the_outputs_singular_values_and_the_error_is_the_training_error(rng, setting):
    problem, inputs = draw_network(rng, *setting)
    small = theory.reduce_inputs(problem, inputs)
    values = np.linalg.svd(small.problem.target, compute_uv=False)
    assert close(values, np.linalg.svd(inputs @ problem.target, compute_uv=False)[: values.size], atol=1e-14)
    run = fa.flow(small.problem, small.rule(fa.FA), [0.0, 1.0])
    training = fa.squared_norm(inputs @ (problem.target - small.lift(run.Z) @ run.W))
    assert close(fa.error(small.problem.target, run.Z, run.W), training, rtol=1e-12)


def test_isotropic_inputs_leave_the_problem_as_it_is(rng):
    problem, _ = draw_network(rng, *SETTINGS[0])
    small = theory.reduce_inputs(problem, fa.orthonormal_columns(20, 6, rng=rng))
    run = fa.flow(small.problem, small.rule(fa.FA), [1.0])
    assert close(small.scales, 1, atol=1e-14)
    assert close(small.lift(run.Z), fa.flow(problem, fa.FA, [1.0]).Z, atol=1e-10)


def test_what_no_input_sees_never_moves(rng):
    problem, inputs = draw_network(rng, *SETTINGS[1])
    small = theory.reduce_inputs(problem, inputs)
    run = fa.flow(small.problem, small.rule(fa.FA), [0.0, 5.0])
    Z = small.lift(run.Z)
    outside = np.eye(9) - np.linalg.pinv(inputs) @ inputs
    assert close(outside @ Z, outside @ problem.Z, atol=1e-14)
    assert not close(Z[1], Z[0], atol=0.1) and close(Z[0], problem.Z, atol=1e-14)


@pytest.mark.parametrize("rule", [fa.FA, fa.FA_STAR], ids=lambda rule: rule.name)
@pytest.mark.parametrize("setting", SETTINGS)
def test_at_rest_the_outputs_are_projected_on_the_range_of_outputs_times_feedback(rng, setting, rule):
    problem, inputs = draw_network(rng, *setting)
    small = theory.reduce_inputs(problem, inputs)
    rest = theory.flow_to_rest(small.problem, small.rule(rule), 1e7)
    outputs = inputs @ problem.target
    Q, _ = np.linalg.qr(outputs @ problem.feedback.T)
    assert rest.gap < 1e-8
    assert close(inputs @ small.lift(rest.Z) @ rest.W, Q @ (Q.T @ outputs), atol=1e-5)


@pytest.mark.parametrize("smallest", [1e-10, 1e-17])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_directions_count_above_rounding_only(rng, smallest, scale):
    inputs = scale * fa.target_with_spectrum([1.0, 0.5, smallest], (9, 5), rng=rng)
    problem = fa.random_problem(rng.standard_normal((5, 4)), 2, rng=rng)
    small = theory.reduce_inputs(problem, inputs)
    assert small.scales.size == (3 if smallest > 1e-15 else 2)
    assert small.problem.target.shape == (small.scales.size, 4) and small.directions.shape[0] == 5


def test_inputs_may_be_whole_numbers_and_the_target_may_be_factored(rng):
    inputs = rng.integers(0, 16, (7, 5))
    target = fa.FactoredTarget(rng.standard_normal((5, 2)), rng.standard_normal((2, 4)))
    problem = fa.random_problem(target, 2, rng=rng)
    outputs = inputs @ target.left @ target.right
    small = theory.reduce_inputs(problem, inputs)
    assert close(fa.squared_norm(small.problem.target), fa.squared_norm(outputs), rtol=1e-12)


def test_a_million_samples_take_no_square_matrix_of_their_number(rng):
    inputs = rng.standard_normal((1_000_000, 2))
    small = theory.reduce_inputs(fa.random_problem(np.eye(2), 1, rng=rng), inputs)
    assert close(small.scales, 1000, rtol=0.01)


# --- flows to rest ---


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_implicit_solver_follows_the_flow(problem, rule):
    end = fa.flow(problem, rule, [4.0])
    errors = []
    for tolerance in (1e-4, 1e-9):
        rest = theory.flow_to_rest(problem, rule, 4.0, tolerance=tolerance)
        errors.append(max(np.abs(rest.Z - end.Z[0]).max(), np.abs(rest.W - end.W[0]).max()))
    assert errors[1] < 1e-6 < errors[0] < 1e-2
    assert rest.gap == fa.stationarity_gap(problem, rest.Z, rest.W) and rest.steps > 20


def test_many_orders_of_magnitude_of_speed_take_few_steps(rng):
    problem = fa.random_problem(rng.standard_normal((6, 5)), 2, 0.5, 0.7, rng=rng)
    inputs = fa.target_with_spectrum(np.geomspace(1, 1e-4, 6), (9, 6), rng=rng)
    small = theory.reduce_inputs(problem, inputs)
    rest = theory.flow_to_rest(small.problem, small.rule(fa.FA), 1e12)
    assert rest.gap < 1e-8 and rest.steps < 20_000


def test_a_start_at_zero_stays_there(problem):
    zero = replace(problem, Z=0 * problem.Z, W=0 * problem.W, target=0 * problem.target)
    assert not theory.flow_to_rest(zero, fa.FA, 1.0).Z.any()


@pytest.mark.filterwarnings("ignore:.*lsoda")
def test_a_flow_that_ends_in_finite_time_is_refused(problem, monkeypatch):
    faster = fa.Rule("faster and faster", lambda _, Z, W: (1 + Z**2, 0 * W))
    monkeypatch.setattr(any_inputs, "MOST_EVALUATIONS", 5000)
    with pytest.raises(FloatingPointError, match=r"^the flow of faster and faster "):
        theory.flow_to_rest(problem, faster, 1e3)


def test_evaluations_are_bounded(problem, monkeypatch):
    monkeypatch.setattr(any_inputs, "MOST_EVALUATIONS", 20)
    with pytest.raises(FloatingPointError, match=r"^the flow of FA took 20 evaluations to reach time "):
        theory.flow_to_rest(problem, fa.FA, 1.0)


# --- wrong arguments, and records ---


def test_wrong_arguments_are_refused(problem):
    inputs = np.ones((4, 7))
    with refused(ValueError, "inputs has shape (4, 6); for a target with 7 rows it needs 7 columns"):
        theory.reduce_inputs(problem, np.ones((4, 6)))
    with refused(ValueError, "inputs has shape (7,); it must have 2 axes: reshape it"):
        theory.reduce_inputs(problem, inputs[0])
    with refused(ValueError, "inputs has rank 1, below the 3 hidden units; choose at most 1 of them"):
        theory.reduce_inputs(problem, inputs)
    with pytest.raises(ValueError, match="inputs has rank 0, below the 3 hidden units"):
        theory.reduce_inputs(problem, 0 * inputs)
    with pytest.raises(TypeError, match="problem is a ndarray; it must be a Problem"):
        theory.reduce_inputs(inputs, problem)
    with pytest.raises(TypeError, match="inputs is a Problem"):
        theory.reduce_inputs(problem, problem)
    with pytest.raises(ValueError, match="inputs holds nan"):
        theory.reduce_inputs(problem, np.nan * inputs)
    with pytest.raises(TypeError, match="rule is 'FA'; it must be a Rule"):
        theory.reduce_inputs(problem, np.eye(7)).rule("FA")


@pytest.mark.parametrize("change", [{"time": 0}, {"time": -1.0}, {"tolerance": 0.0}, {"tolerance": np.nan}])
def test_a_time_and_a_tolerance_are_positive(problem, change):
    (name,) = change
    with pytest.raises(ValueError, match=f"^{name} is "):
        theory.flow_to_rest(**({"problem": problem, "rule": fa.FA, "time": 1.0} | change))


def test_flow_to_rest_wants_a_problem_and_a_rule(problem):
    with pytest.raises(TypeError, match="rule is 'FA'; it must be a Rule"):
        theory.flow_to_rest(problem, "FA", 1.0)
    with pytest.raises(TypeError, match="problem is a ndarray; it must be a Problem"):
        theory.flow_to_rest(problem.target, fa.FA, 1.0)


def test_copies_are_read_only_and_have_one_line(rng):
    problem, inputs = draw_network(rng, *SETTINGS[1])
    small = theory.reduce_inputs(problem, inputs)
    for one in (small, copy.deepcopy(small), pickle.loads(pickle.dumps(small))):
        assert repr(one) == "InputReduction(5 x 6, of 9 inputs)"
        assert not one.scales.flags.writeable and not one.directions.flags.writeable
        assert close(one.problem.Z, small.problem.Z)
