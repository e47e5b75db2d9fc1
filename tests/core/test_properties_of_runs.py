"""Simulations at any shape, degeneracy and scale that people run."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import close
from hypothesis import given
from hypothesis import strategies as st
from strategies import EPS, mild_exponents, problems, results_or_none

import fa_utils as fa

pytestmark = pytest.mark.slow
RULES = [fa.GD, fa.FA, fa.FA_STAR]
rules = st.sampled_from(RULES)
rates = st.integers(-8, 8).map(lambda exponent: 10.0**exponent)
times = st.lists(st.integers(-8, 8), min_size=1, max_size=4, unique=True).map(
    lambda exponents: np.sort(10.0 ** np.array(exponents, float))
)


def size_of(problem):
    """Return what the problem's parts and products are at most, in the Frobenius norm."""
    target = problem.target
    if isinstance(target, fa.FactoredTarget):
        of_target = np.linalg.norm(target.left) * np.linalg.norm(target.right)
    else:
        of_target = np.linalg.norm(target)
    return of_target + np.linalg.norm(problem.Z) * np.linalg.norm(problem.W)


@given(problems(), rules, rates, st.integers(1, 60))
def test_euler_stays_finite_or_names_the_step_where_it_does_not(problem, rule, rate, steps):
    def run():
        run = fa.descend(problem, rule, rate, steps, every=7)
        return run.times, run.Z, run.W

    results_or_none(run)


@given(problems(), rules, st.integers(1, 200))
def test_a_divergent_run_is_finite_up_to_the_step_that_it_names(problem, rule, steps):
    """At a rate far beyond what is safe."""
    rate = 1e4 * fa.safe_learning_rate(problem)
    try:
        fa.descend(problem, rule, rate, steps)
    except FloatingPointError as error:
        step = int(str(error).split("step ")[1].split()[0])
        assert 1 <= step <= steps
        with pytest.raises(FloatingPointError, match=f"step {step} "):
            fa.descend(problem, rule, rate, step)
        if step > 1:
            run = fa.descend(problem, fa.Rule("its field alone", rule.field), rate, step - 1)
            assert np.isfinite(run.Z).all()
    except ValueError as error:
        assert "full column rank" in str(error)
        assert rule is fa.FA_STAR


@given(problems(), rules, times)
def test_flows_are_finite_or_say_how_far_they_came(problem, rule, times):
    def run():
        run = fa.flow(problem, rule, times, tolerance=1e-6, most_evaluations=100)
        return run.times, run.Z, run.W

    results_or_none(run)


@given(problems(), rules, rates)
def test_a_run_to_rest_is_finite_or_refused(problem, rule, rate):
    def run():
        rest = fa.descend_to_rest(problem, rule, rate, gap=1e-3, most_steps=120)
        return rest.Z, rest.W, rest.gap, rest.steps

    found = results_or_none(run)
    if found is not None:
        assert found[2] <= 1e-3 or found[3] == 120


@given(problems(mild_exponents), st.sampled_from([fa.GD, fa.FA]))
def test_an_euler_step_adds_the_rate_times_the_direct_formulas(problem, rule):
    run = fa.descend(problem, rule, (1e-3, 2e-3), 1)
    Z = problem.Z
    W = problem.W
    E = problem.target @ np.eye(W.shape[1]) - Z @ W
    back = W if rule is fa.GD else problem.feedback
    norms = 1 + np.linalg.norm(Z) + np.linalg.norm(W) + np.linalg.norm(back)
    bound = 1e3 * EPS * norms * (1 + size_of(problem))
    assert close(run.Z[1], Z + 1e-3 * E @ back.T, atol=bound)
    assert close(run.W[1], W + 2e-3 * Z.T @ E, atol=bound)


@given(
    problems(
        start_kinds=("zero", "generic", "equal singular values", "nearly equal columns", "repeated columns")
    )
)
def test_the_best_forward_weights_leave_no_error_in_the_range_of_the_start_or_are_refused(problem):
    found = results_or_none(lambda: fa.optimal_forward(problem, problem.Z))
    unit = np.abs(problem.Z).max()
    if found is None:
        values = np.linalg.svd(problem.Z / (unit or 1), compute_uv=False)
        assert len(problem.W) > len(problem.Z) or values[-1] < 1e-12
        return
    target = problem.target @ np.eye(problem.target.shape[1])
    basis = np.linalg.qr(problem.Z)[0]
    condition = np.linalg.cond(problem.Z / unit)
    size = size_of(replace(problem, W=0 * found))
    bound = 100 * EPS * (size + condition * np.linalg.norm(basis.T @ target))
    assert np.abs(basis.T @ (target - problem.Z @ found)).max() <= bound


@given(problems(mild_exponents), st.sampled_from([fa.GD, fa.FA]), st.integers(1, 60))
def test_runs_and_problems_come_back_from_a_pickle_or_a_copy_unchanged(problem, rule, steps):
    run = fa.descend(problem, rule, 1e-12, steps, every=5)
    for sent in (pickle.loads(pickle.dumps(run)), copy.deepcopy(run)):
        for name in ("times", "Z", "W"):
            assert np.array_equal(getattr(sent, name), getattr(run, name))
            assert not getattr(sent, name).flags.writeable
    for sent in (pickle.loads(pickle.dumps(problem)), copy.deepcopy(problem)):
        assert np.array_equal(sent.sketch, problem.sketch)
        assert np.array_equal(fa.descend(sent, rule, 1e-12, steps, every=5).Z, run.Z)


@given(problems(), rules)
def test_a_safe_rate_is_a_positive_number_at_which_no_rule_diverges(problem, rule):
    rate = fa.safe_learning_rate(problem)
    assert 0 < rate < np.inf

    def run():
        run = fa.descend(problem, rule, rate, 300, every=300)
        return run.Z, run.W

    if results_or_none(run) is None:
        assert rule is fa.FA_STAR  # whose start had dependent columns
