"""Simulations, exact runs and small problems, at any shape, scale and degeneracy."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import close
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import EPS, mild_exponents, problems, results_or_none

import fa_utils as fa
from fa_utils import theory
from fa_utils import riccati

pytestmark = pytest.mark.slow
INDEPENDENT = ("generic", "equal singular values", "nearly equal columns")  # columns of a start for FA*
rules = st.sampled_from([fa.GD, fa.FA, fa.FA_STAR])
rates = st.integers(-150, 150).map(lambda exponent: 10.0**exponent)
times = st.lists(st.integers(-300, 300), min_size=1, max_size=4, unique=True).map(
    lambda exponents: np.sort(10.0 ** np.array(exponents, float))
)
powers = st.integers(-499, 499)  # of two: up to 1e150


def size_of(problem):
    """Return what the problem's parts and products are at most, in the Frobenius norm."""
    target = problem.target
    if isinstance(target, fa.FactoredTarget):
        of_target = np.linalg.norm(target.left) * np.linalg.norm(target.right)
    else:
        of_target = np.linalg.norm(target)
    return of_target + np.linalg.norm(problem.Z) * np.linalg.norm(problem.W)


@pytest.fixture(autouse=True, scope="module")
def few_restarts():
    """Where an exact run is refused, it is refused soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(riccati, "MOST_RESTARTS", 20)
        yield


@given(problems(), rules, rates, st.integers(1, 60))
def test_euler_stays_finite_or_names_the_step_where_it_does_not(problem, rule, rate, steps):
    def run():
        run = fa.descend(problem, rule, rate, steps, every=7)
        return run.times, run.Z, run.W

    results_or_none(run)


@given(problems(), rules, times)
def test_flows_are_finite_or_say_how_far_they_came(problem, rule, times):
    def run():
        run = fa.flow(problem, rule, times, tolerance=1e-6, most_evaluations=100)
        return run.times, run.Z, run.W

    results_or_none(run)


@given(problems(), rules, rates)
def test_a_run_to_rest_is_finite_or_refused(problem, rule, rate):
    rest = results_or_none(lambda: tuple(fa.descend_to_rest(problem, rule, rate, gap=1e-3, most_steps=120)))
    if rest is not None:
        assert rest[2] <= 1e-3 or rest[3] == 120


@given(problems(mild_exponents), st.sampled_from([fa.GD, fa.FA]))
def test_an_euler_step_adds_the_rate_times_the_direct_formulas(problem, rule):
    run = fa.descend(problem, rule, (1e-3, 2e-3), 1)
    Z, W = problem.Z, problem.W
    E = problem.target @ np.eye(W.shape[1]) - Z @ W
    back = W if rule is fa.GD else problem.feedback
    bound = (
        1e3
        * EPS
        * (1 + np.linalg.norm(Z) + np.linalg.norm(W) + np.linalg.norm(back))
        * (1 + size_of(problem))
    )
    assert close(run.Z[1], Z + 1e-3 * E @ back.T, atol=bound)
    assert close(run.W[1], W + 2e-3 * Z.T @ E, atol=bound)


@given(problems(start_kinds=INDEPENDENT), times)
def test_exact_runs_are_finite_and_keep_the_gram_matrix_or_are_refused(problem, times):
    def run():
        run = theory.fa_star_exact(problem, times)
        return run.times, run.Z, run.W

    found = results_or_none(run)
    results_or_none(lambda: theory.fa_star_overlaps(problem, times))
    results_or_none(lambda: theory.fa_star_eigenvalues(problem))
    results_or_none(lambda: theory.fa_star_rate(problem))
    if found is not None:
        unit = np.abs(problem.Z).max()
        Z, start = found[1] / unit, problem.Z / unit
        assert close(Z.mT @ Z, start.T @ start, atol=1e-10)


@given(problems(mild_exponents, start_kinds=INDEPENDENT[:2]), st.tuples(powers, powers, powers))
def test_exact_runs_in_other_units_are_the_same_run(problem, scales):
    assume(not isinstance(problem.target, fa.FactoredTarget))
    target, feedback, Z = scales
    slower = Z - target - feedback
    assume(abs(slower) < 900 and abs(target - Z) < 900)
    times = np.array([0.0, 0.1, 2.0])
    scaled = fa.Problem(
        np.ldexp(problem.target, target),
        np.ldexp(problem.feedback, feedback),
        np.ldexp(problem.Z, Z),
        problem.W,
    )
    run, wanted = theory.fa_star_exact(scaled, np.ldexp(times, slower)), theory.fa_star_exact(problem, times)
    assert close(np.ldexp(run.Z, -Z), wanted.Z, atol=1e-9 * np.abs(problem.Z).max())
    M, wanted = (
        theory.fa_star_overlaps(scaled, np.ldexp(times, slower)),
        theory.fa_star_overlaps(problem, times),
    )
    assert close(np.ldexp(M, slower), wanted, atol=1e-9 * np.abs(wanted).max())
    found, wanted = theory.fa_star_eigenvalues(scaled), theory.fa_star_eigenvalues(problem)
    found = np.ldexp(found.real, slower) + 1j * np.ldexp(found.imag, slower)
    assert found.shape == wanted.shape
    if wanted.size:  # double ones at best to the root of rounding
        assert np.abs(np.sort(found.real) - np.sort(wanted.real)).max() <= 1e-4 * np.abs(wanted).max()


@given(problems(mild_exponents, start_kinds=INDEPENDENT[:2]))
def test_exact_runs_conserve_what_fa_star_conserves(problem):
    Z = np.linalg.qr(problem.Z)[0]
    problem = replace(problem, Z=Z)
    overlaps = results_or_none(lambda: theory.fa_star_overlaps(problem, [0.0, 0.3, 5.0, 1e9]))
    assume(overlaps is not None)
    losses = theory.fa_star_losses(problem, overlaps)
    pull = np.linalg.norm(problem.sketch)
    skew = overlaps - overlaps.mT
    assert close(skew, skew[0], atol=1e-10 * pull)
    total = losses + fa.squared_norm(overlaps + overlaps.mT) / 4
    assert close(total, total[0], atol=1e-10 * pull**2)
    assert np.diff(np.trace(overlaps, axis1=1, axis2=2)).min() >= -1e-10 * pull  # alignment is what it climbs


@given(problems(), st.sampled_from([theory.reduce, theory.reduce_feedback]))
def test_small_problems_are_finite_lift_back_and_leave_nothing_out(problem, reduction):
    def reduced():
        small = reduction(problem)
        return small.columns, small.rows, small.leftover, small.problem.Z, small.problem.W

    found = results_or_none(reduced)
    if found is None:
        return
    small = reduction(problem)
    n, m, p, q, r = *problem.target.shape, *small.problem.target.shape, problem.Z.shape[1]
    assert p <= min(n, small.rank + r if reduction is theory.reduce else 2 * r) and q <= m
    for basis in (small.columns, small.rows.T):
        assert close(basis.T @ basis, np.eye(basis.shape[1]), atol=100 * EPS)
    Z, W = small.lift(small.problem.Z, small.problem.W)
    assert close(Z, problem.Z, atol=100 * EPS * np.abs(problem.Z).max())
    assert close(W, problem.W, atol=100 * EPS * np.abs(problem.W).max())
    size = size_of(problem) * (1 + 1e-12)
    if 1e-150 < size < 1e150:
        error = fa.error(small.problem.target, small.problem.Z, small.problem.W)
        full = fa.error(problem.target, problem.Z, problem.W)
        assert abs(small.leftover + error - full) <= 1000 * EPS * size**2


@given(problems(mild_exponents, start_kinds=INDEPENDENT[:2]), rules)
def test_lifted_steps_of_the_small_problem_are_the_full_ones(problem, rule):
    full = fa.descend(problem, rule, 1e-3, 3)
    small = rule.reduction(problem)
    run = fa.descend(small.problem, rule, 1e-3, 3)
    Z, W = small.lift(run.Z, run.W)
    assume(np.linalg.cond(problem.Z) < 1e3)
    bound = 1e-11 * (1 + np.abs(full.Z).max() + np.abs(full.W).max()) ** 2 * (1 + size_of(problem)) ** 2
    assert close(Z, full.Z, atol=bound) and close(W, full.W, atol=bound)


@given(problems(start_kinds=("zero", *INDEPENDENT, "repeated columns")))
def test_the_best_forward_weights_leave_no_error_in_the_range_of_the_start_or_are_refused(problem):
    found = results_or_none(lambda: fa.optimal_forward(problem, problem.Z, problem.W))
    unit = np.abs(problem.Z).max()
    if found is None:
        values = np.linalg.svd(problem.Z / (unit or 1), compute_uv=False)
        assert values[-1] < 1e-12 or unit < 1e-140  # dependent, or weights that may overflow
        return
    target = problem.target @ np.eye(problem.target.shape[1])
    basis = np.linalg.qr(problem.Z)[0]
    condition = np.linalg.cond(problem.Z / unit)
    least = (
        100 * EPS * (size_of(replace(problem, W=found * 0)) + condition * np.linalg.norm(basis.T @ target))
    )
    assert np.abs(basis.T @ (target - problem.Z @ found)).max() <= least + 1e-290


@given(problems(mild_exponents), st.sampled_from([fa.GD, fa.FA]), st.integers(1, 60))
def test_runs_come_back_from_a_pickle_as_they_were(problem, rule, steps):
    run = fa.descend(problem, rule, 1e-12, steps, every=5)
    sent = pickle.loads(pickle.dumps(run))
    for name in ("times", "Z", "W"):
        assert (
            np.array_equal(getattr(sent, name), getattr(run, name)) and np.isfinite(getattr(run, name)).all()
        )
    errors = fa.error_curve(problem, run)
    bound = 1000 * EPS * (1 + size_of(problem)) ** 2
    assert close(errors, fa.error(problem.target, run.Z, run.W), atol=bound)
