"""Exact runs and small problems, at any shape, degeneracy and scale that people run."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import close
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import EPS, fractions, matrices, mild_exponents, problems, results_or_none, squares

import fa_utils as fa
from fa_utils import theory
from fa_utils.theory import riccati

pytestmark = pytest.mark.slow
INDEPENDENT = ("generic", "equal singular values", "nearly equal columns")  # columns of a start for FA*
rules = st.sampled_from([fa.GD, fa.FA, fa.FA_STAR])
times = st.lists(st.integers(-8, 8), min_size=1, max_size=4, unique=True).map(
    lambda exponents: np.sort(10.0 ** np.array(exponents, float))
)
powers = st.integers(-26, 26)  # of two: from 1e-8 to 1e8


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


@given(problems(start_kinds=INDEPENDENT, spare_units=False), times)
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
        Z = found[1] / unit
        start = problem.Z / unit
        assert close(Z.mT @ Z, start.T @ start, atol=1e-10)


@given(
    problems(mild_exponents, start_kinds=INDEPENDENT[:2], spare_units=False, factored=False),
    st.tuples(powers, powers, powers),
)
def test_exact_runs_in_other_units_are_the_same_run(problem, scales):
    target, feedback, Z = scales
    slower = Z - target - feedback
    times = np.array([0.0, 0.1, 2.0])
    scaled = fa.Problem(
        np.ldexp(problem.target, target),
        np.ldexp(problem.feedback, feedback),
        np.ldexp(problem.Z, Z),
        problem.W,
    )
    found = results_or_none(lambda: theory.fa_star_exact(scaled, np.ldexp(times, slower)).Z)
    wanted = results_or_none(lambda: theory.fa_star_exact(problem, times).Z)
    assume(
        found is not None and wanted is not None
    )  # a weak pull among strong ones may be hidden by rounding
    assert close(np.ldexp(found, -Z), wanted, atol=1e-9 * np.abs(problem.Z).max())
    M = theory.fa_star_overlaps(scaled, np.ldexp(times, slower))
    wanted = theory.fa_star_overlaps(problem, times)
    assert close(np.ldexp(M, slower), wanted, atol=1e-9 * np.abs(wanted).max())
    found = theory.fa_star_eigenvalues(scaled) * 2.0**slower
    wanted = theory.fa_star_eigenvalues(problem)
    assert found.shape == wanted.shape
    if wanted.size:  # double ones at best to the root of rounding
        assert np.abs(np.sort(found.real) - np.sort(wanted.real)).max() <= 1e-4 * np.abs(wanted).max()


@given(problems(mild_exponents, start_kinds=INDEPENDENT[:2], spare_units=False))
def test_exact_runs_conserve_what_fa_star_conserves(problem):
    problem = replace(problem, Z=np.linalg.qr(problem.Z)[0])
    overlaps = results_or_none(lambda: theory.fa_star_overlaps(problem, [0.0, 0.3, 5.0, 1e9]))
    assume(overlaps is not None)
    losses = theory.fa_star_losses(problem, overlaps)
    pull = np.linalg.norm(problem.sketch)
    skew = overlaps - overlaps.mT
    assert close(skew, skew[0], atol=1e-10 * pull)
    total = losses + fa.squared_norm(overlaps + overlaps.mT) / 4
    assert close(total, total[0], atol=1e-10 * pull**2)
    assert np.diff(np.trace(overlaps, axis1=1, axis2=2)).min() >= -1e-10 * pull  # alignment is what it climbs


@given(problems(), st.data())
def test_losses_from_overlaps_are_exact_to_rounding(problem, data):
    """Relative to what the products' entries are at most."""
    r = problem.Z.shape[1]
    M = data.draw(matrices((r, r)))
    sketch = fractions(problem.target) @ fractions(problem.feedback).T
    wanted = squares(sketch) - squares(fractions(problem.Z) @ fractions(M))
    size = size_of(replace(problem, W=0 * problem.W)) * np.linalg.norm(problem.feedback)
    moved = np.linalg.norm(problem.Z) * np.linalg.norm(M)
    assert abs(theory.fa_star_losses(problem, M) - float(wanted)) <= 100 * EPS * (size**2 + moved**2)


@given(problems(), st.sampled_from([theory.reduce, theory.reduce_feedback]))
def test_small_problems_are_finite_lift_back_and_leave_nothing_out(problem, reduction):
    small = reduction(problem)
    n, m = problem.target.shape
    p, q = small.problem.target.shape
    r = problem.Z.shape[1]
    assert p <= min(n, small.rank + r if reduction is theory.reduce else 2 * r)
    assert q <= m
    for basis in (small.columns, small.rows.T):
        assert close(basis.T @ basis, np.eye(basis.shape[1]), atol=100 * EPS)
    Z, W = small.lift(small.problem.Z, small.problem.W)
    assert close(Z, problem.Z, atol=100 * EPS * np.abs(problem.Z).max())
    assert close(W, problem.W, atol=100 * EPS * np.abs(problem.W).max())
    error = fa.error(small.problem.target, small.problem.Z, small.problem.W)
    full = fa.error(problem.target, problem.Z, problem.W)
    assert abs(small.leftover + error - full) <= 1000 * EPS * size_of(problem) ** 2


@given(problems(mild_exponents, start_kinds=INDEPENDENT[:2], spare_units=False), rules)
def test_lifted_steps_of_the_small_problem_are_the_full_ones(problem, rule):
    assume(np.linalg.cond(problem.Z) < 1e3)
    full = fa.descend(problem, rule, 1e-3, 3)
    small = theory.reduce(problem)
    run = fa.descend(small.problem, rule, 1e-3, 3)
    Z, W = small.lift(run.Z, run.W)
    bound = 1e-11 * (1 + np.abs(full.Z).max() + np.abs(full.W).max()) ** 2 * (1 + size_of(problem)) ** 2
    assert close(Z, full.Z, atol=bound)
    assert close(W, full.W, atol=bound)
    errors = small.leftover + fa.error(small.problem.target, run.Z, run.W)
    assert close(
        errors, fa.error(problem.target, full.Z, full.W), rtol=1e-9, atol=bound * (1 + size_of(problem))
    )
