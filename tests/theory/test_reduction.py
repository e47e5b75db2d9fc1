import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import close

import fa_utils as fa
from fa_utils import theory

CASES = [
    (theory.reduce, fa.GD),
    (theory.reduce, fa.FA),
    (theory.reduce, fa.FA_STAR),
    (theory.reduce_feedback, fa.FA),
    (theory.reduce_feedback, fa.FA_STAR),
]


def low_rank_problem(rng, shape, rank, r):
    target = fa.target_with_spectrum(np.geomspace(2, 0.5, rank), shape, rng=rng)
    return fa.random_problem(target, r, 0.5, 0.7, rng=rng)


def by_factors(problem):
    """The same problem, its target given by more factors than it has rank."""
    left, values, right = np.linalg.svd(problem.target, full_matrices=False)
    keep = values > 1e-12
    left = left[:, keep] * values[keep]
    right = right[keep]
    doubled = fa.FactoredTarget(np.hstack([left, left]), np.vstack([2 * right, -right]))
    return replace(problem, target=doubled)


@pytest.mark.parametrize("factored", [False, True])
@pytest.mark.parametrize(("reduction", "rule"), CASES)
@pytest.mark.parametrize("shape", [(30, 25, 4, 3), (25, 30, 2, 5), (12, 9, 9, 3), (6, 5, 3, 4), (4, 4, 4, 4)])
def test_lifted_runs_are_the_full_ones(rng, shape, reduction, rule, factored):
    n, m, rank, r = shape
    problem = low_rank_problem(rng, (n, m), rank, r)
    small = reduction(by_factors(problem) if factored else problem)
    full = fa.descend(problem, rule, (0.03, 0.02), 60, every=7)
    run = fa.descend(small.problem, rule, (0.03, 0.02), 60, every=7)
    Z, W = small.lift(run.Z, run.W)
    assert close(Z, full.Z, atol=1e-12) and close(W, full.W, atol=1e-12)
    errors = small.leftover + fa.error(small.problem.target, run.Z, run.W)
    assert close(errors, fa.error(problem.target, full.Z, full.W), atol=1e-12)


@pytest.mark.parametrize("factored", [False, True])
def test_small_sizes_are_those_promised(rng, factored):
    problem = low_rank_problem(rng, (60, 50), 4, 3)
    problem = by_factors(problem) if factored else problem
    assert theory.reduce(problem).problem.target.shape == (4 + 3, 4 + 3)
    p, q = theory.reduce_feedback(problem).problem.target.shape
    assert p == 2 * 3 and q <= 3 * 3


def test_known_factors_of_low_rank_make_the_feedback_problem_smaller_still(rng):
    problem = low_rank_problem(rng, (60, 50), 2, 8)
    left, values, right = np.linalg.svd(problem.target, full_matrices=False)
    factored = replace(problem, target=fa.FactoredTarget(left[:, :2] * values[:2], right[:2]))
    assert theory.reduce_feedback(factored).problem.target.shape == (2 + 8, 2 + 8)


def test_known_factors_are_kept_whole_where_the_sketch_would_be_no_smaller(rng):
    target = fa.FactoredTarget(rng.standard_normal((60, 3)), rng.standard_normal((3, 50)))
    problem = fa.random_problem(target, 3, 0.5, 0.0, rng=rng)  # without feedback the sketch shows nothing
    small = theory.reduce_feedback(problem)
    assert small.problem.target.shape == (3 + 3, 3 + 3) and small.leftover < 1e-24


def test_a_small_problem_is_one_again(problem):
    for reduction in (theory.reduce, theory.reduce_feedback):
        once = reduction(problem)
        twice = reduction(once.problem)
        assert twice.problem.target.shape == once.problem.target.shape
        assert twice.leftover < 1e-28


@pytest.mark.parametrize("reduction", [theory.reduce, theory.reduce_feedback])
def test_columns_and_rows_are_orthonormal_and_hold_the_start(rng, reduction):
    problem = low_rank_problem(rng, (30, 25), 4, 5)
    small = reduction(replace(problem, Z=problem.target @ rng.standard_normal((25, 5))))
    assert close(small.columns.T @ small.columns, np.eye(small.columns.shape[1]), atol=1e-14)
    assert close(small.rows @ small.rows.T, np.eye(len(small.rows)), atol=1e-14)
    Z, W = small.lift(small.problem.Z, small.problem.W)
    assert close(Z, small.full.Z, atol=1e-13) and close(W, small.full.W, atol=1e-13)


@pytest.mark.parametrize("factored", [False, True])
def test_leftover_is_what_the_full_target_has_more(rng, factored):
    problem = low_rank_problem(rng, (12, 11), 9, 2)
    problem = by_factors(problem) if factored else problem
    small = theory.reduce_feedback(problem)
    dense = problem.target.left @ problem.target.right if factored else problem.target
    wanted = np.square(dense).sum() - np.square(small.problem.target).sum()
    assert small.leftover > 0.01 and close(small.leftover, wanted, rtol=1e-12)
    assert theory.reduce(problem).leftover < 1e-28


def test_the_rank_is_decided_above_rounding_and_told(rng):
    problem = low_rank_problem(rng, (30, 25), 4, 3)
    small = theory.reduce(problem)
    assert small.rank == 4 and small.singular_values.shape == (25,)
    told = "7 x 7 in place of 30 x 25, the target's rank being 4: singular values beyond it are 0 to rounding"
    assert str(small) == told
    assert str(theory.reduce_feedback(problem)) == "6 x 9 in place of 30 x 25, whatever the target's rank"


def test_a_rank_that_leaves_out_no_singular_value_is_told_as_well(rng):
    problem = low_rank_problem(rng, (6, 5), 5, 2)
    told = "the target's rank being 5: singular values beyond it are 0 to rounding"
    assert str(theory.reduce(problem)).endswith(told)
    small = replace(theory.reduce(problem), rank=1, singular_values=np.array([2.0, 2e-12, 0.0]))
    assert str(small).endswith("rank being 1: singular values beyond it are 0 to rounding")
    small = replace(small, singular_values=np.array([2.0, 4e-12, 0.0]))
    assert str(small).endswith("singular values beyond it are at most 2e-12 of the largest")


def test_rounding_is_relative_to_the_largest_singular_value(rng):
    target = fa.target_with_spectrum([2.0, 1e-9], (30, 25), rng=rng)
    assert theory.reduce(fa.random_problem(target, 3, 0.5, 0.7, rng=rng)).rank == 2


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize(("size", "rank"), [(1e-10, 5), (1e-17, 4)])
def test_a_singular_value_counts_on_one_side_of_rounding_only(rng, size, rank, scale):
    target = scale * fa.target_with_spectrum([2.0, 1.5, 1.0, 0.5, size], (30, 25), rng=rng)
    assert theory.reduce(fa.random_problem(target, 3, 0.5, 0.7, rng=rng)).rank == rank


def test_the_user_may_decide_the_rank_and_is_told_what_is_left_out(rng):
    target = fa.target_with_spectrum([2.0, 1.5, 1e-6], (30, 25), rng=rng)
    problem = fa.random_problem(target, 3, 0.5, 0.7, rng=rng)
    small = theory.reduce(problem, rank=2)
    assert small.rank == 2 and small.problem.target.shape == (5, 5)
    assert 0.5e-12 < small.leftover <= 1.0001e-12
    assert str(small).endswith("singular values beyond it are at most 5e-07 of the largest")
    assert theory.reduce(problem, rank=9).problem.target.shape == (12, 12)
    coarse = theory.reduce(problem, rank=1)
    missed = np.square(target).sum() - np.square(coarse.problem.target).sum()
    assert coarse.leftover > 1 and close(coarse.leftover, missed, rtol=1e-12)


def test_a_target_of_zeros_has_rank_zero(rng):
    problem = fa.random_problem(np.zeros((9, 8)), 2, 0.5, 0.7, rng=rng)
    small = theory.reduce(problem)
    assert small.rank == 0 and small.problem.target.shape == (2, 2) and "rank being 0" in str(small)


@pytest.mark.parametrize(
    ("rank", "kind", "message"),
    [
        (-1, ValueError, "rank is -1; choose at least 0"),
        (7, ValueError, "rank 7 exceeds the 6 singular values; choose at most 6"),
        (2.5, TypeError, "rank is 2.5; it must be a whole number"),
    ],
)
def test_ranks_that_cannot_be_are_refused(problem, rank, kind, message):
    with pytest.raises(kind, match=message):
        theory.reduce(problem, rank=rank)


@pytest.mark.parametrize("reduction", [theory.reduce, theory.reduce_feedback])
def test_flows_are_lifted_as_well(rng, reduction):
    problem = low_rank_problem(rng, (80, 70), 4, 3)
    small = reduction(problem)
    run = fa.flow(small.problem, fa.FA, [0.5, 3.0])
    full = fa.flow(problem, fa.FA, [0.5, 3.0])
    Z, W = small.lift(run.Z, run.W)
    assert close(Z, full.Z, atol=1e-9) and close(W, full.W, atol=1e-9)


def test_a_target_too_large_to_be_formed_is_ordinary(rng):
    left, right = (part.standard_normal((100_000, 2)) / 300 for part in rng.spawn(2))
    target = fa.FactoredTarget(left, right.T)
    small = theory.reduce_feedback(fa.random_problem(target, 2, 0.01, 0.01, rng=rng))
    run = fa.descend(small.problem, fa.FA, 0.05, 200)
    errors = small.leftover + fa.error(small.problem.target, run.Z, run.W)
    assert run.Z.shape == (201, 4, 2)
    last = small.lift(run.Z[-1], run.W[-1])
    assert close(errors[-1], fa.error(target, *last), rtol=1e-9) and errors[-1] < errors[0]


@pytest.mark.filterwarnings("ignore:overflow")
def test_what_is_left_out_beyond_float64_is_refused(problem):
    with pytest.raises(FloatingPointError, match="leftover overflows float64"):
        _ = theory.reduce(replace(problem, target=1e160 * problem.target), rank=1).leftover


@pytest.mark.parametrize("reduction", [theory.reduce, theory.reduce_feedback])
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda small: pickle.loads(pickle.dumps(small))]
)
def test_a_copy_is_the_same_small_problem_and_read_only(problem, reduction, copied):
    once = reduction(problem)
    twin = copied(once)
    assert np.array_equal(twin.problem.target, once.problem.target) and str(twin) == str(once)
    for array in (twin.columns, twin.rows, twin.problem.Z):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_small_problem_is_shown_on_one_line(problem):
    small = theory.reduce_feedback(problem)
    assert repr(small) == "Reduction(6 x 6 in place of 7 x 6, whatever the target's rank)"
    assert repr(theory.reduce(problem)).startswith(
        "Reduction(7 x 6 in place of 7 x 6, the target's rank being 4"
    )
