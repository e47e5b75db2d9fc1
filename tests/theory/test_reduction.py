from dataclasses import replace

import numpy as np
import pytest
from conftest import close

import fa_utils as fa
from fa_utils import theory
from fa_utils import simulate

IN_FULL = {rule: replace(rule, reduction=None) for rule in (fa.GD, fa.FA, fa.FA_STAR)}
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
    left, right = left[:, keep] * values[keep], right[keep]
    doubled = fa.FactoredTarget(np.hstack([left, left]), np.vstack([2 * right, -right]))
    return replace(problem, target=doubled)


@pytest.mark.parametrize("factored", [False, True])
@pytest.mark.parametrize(("reduction", "rule"), CASES)
@pytest.mark.parametrize("shape", [(30, 25, 4, 3), (25, 30, 2, 5), (12, 9, 9, 3), (6, 5, 3, 4), (4, 4, 4, 4)])
def test_lifted_runs_are_the_full_ones(rng, shape, reduction, rule, factored):
    n, m, rank, r = shape
    problem = low_rank_problem(rng, (n, m), rank, r)
    small = reduction(by_factors(problem) if factored else problem)
    full = fa.descend(problem, IN_FULL[rule], (0.03, 0.02), 60, every=7)
    run = fa.descend(small.problem, IN_FULL[rule], (0.03, 0.02), 60, every=7)
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


@pytest.mark.parametrize("rule", [fa.GD, fa.FA, fa.FA_STAR])
@pytest.mark.parametrize("factored", [False, True])
def test_simulations_reduce_a_long_run_of_a_large_problem_and_show_it(rng, rule, factored):
    problem = low_rank_problem(rng, (80, 70), 4, 3)
    given = by_factors(problem) if factored else problem
    run, full = (
        fa.descend(*arguments, (0.03, 0.02), 80, every=7)
        for arguments in ((given, rule), (problem, IN_FULL[rule]))
    )
    assert run.reduction is not None and full.reduction is None and full.small is None
    assert np.array_equal(run.times, full.times)
    assert close(run.Z, full.Z, atol=1e-12) and close(run.W, full.W, atol=1e-12)
    wanted = fa.error(problem.target, full.Z, full.W)
    assert close(fa.error_curve(given, run), wanted, rtol=1e-12)
    assert close(fa.error_curve(problem, full), wanted, rtol=1e-14)


@pytest.mark.parametrize("rule", [fa.GD, fa.FA, fa.FA_STAR])
def test_flows_reduce_as_well(rng, rule):
    problem = low_rank_problem(rng, (80, 70), 4, 3)
    run, full = fa.flow(problem, rule, [0.5, 3.0]), fa.flow(problem, IN_FULL[rule], [0.5, 3.0])
    assert run.reduction is not None and full.reduction is None
    assert close(run.Z, full.Z, atol=1e-9) and close(run.W, full.W, atol=1e-9)
    with pytest.raises(FloatingPointError, match="took 20 evaluations"):
        fa.flow(problem, rule, [3.0], most_evaluations=20)


def test_simulations_run_in_full_where_reducing_would_not_pay(rng):
    small, full_rank = low_rank_problem(rng, (9, 8), 2, 2), low_rank_problem(rng, (60, 60), 60, 2)
    large = low_rank_problem(rng, (80, 70), 4, 3)
    wide = low_rank_problem(rng, (80, 70), 4, 30)
    larger = low_rank_problem(rng, (300, 280), 3, 2)
    own = fa.Rule("my own", fa.FA.field)
    runs = {
        "a small problem": fa.descend(small, fa.FA, 0.01, 80),
        "a short run": fa.descend(large, fa.FA, 0.01, 40),
        "a rank to be found": fa.descend(larger, fa.GD, 0.01, 100),
        "a target of full rank": fa.descend(full_rank, fa.GD, 0.01, 80),
        "many hidden units": fa.descend(wide, fa.FA, 0.01, 80),
        "a rule that says nothing of a small problem": fa.descend(large, own, 0.01, 80),
    }
    assert {why: run.reduction for why, run in runs.items()} == dict.fromkeys(runs)
    for paying in (fa.descend(full_rank, fa.FA, 0.01, 80), fa.descend(larger, fa.GD, 0.01, 150)):
        assert paying.reduction is not None


def test_a_reduced_run_that_diverges_says_so_as_a_full_one_does(rng):
    problem = low_rank_problem(rng, (80, 70), 4, 3)
    with pytest.raises(FloatingPointError, match=r"GD diverged: step \d+ at learning rates \(100.0, 100.0\)"):
        fa.descend(problem, fa.GD, 100.0, 80)


def test_lifted_layers_are_read_only_and_made_once(rng):
    run = fa.descend(low_rank_problem(rng, (80, 70), 4, 3), fa.FA, 0.01, 80)
    assert run.Z is run.Z and run.W is run.W
    for array in (run.times, run.Z, run.W, run.small.Z):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_target_too_large_to_be_formed_is_ordinary(rng):
    left, right = (part.standard_normal((100_000, 2)) / 300 for part in rng.spawn(2))
    target = fa.FactoredTarget(left, right.T)
    problem = fa.random_problem(target, 2, 0.01, 0.01, rng=rng)
    run = fa.descend(problem, fa.FA, 0.05, 200)
    errors = fa.error_curve(problem, run)
    assert run.small.Z.shape == (201, 4, 2)
    last = run.reduction.lift(run.small.Z[-1], run.small.W[-1])
    assert close(errors[-1], fa.error(target, *last), rtol=1e-9) and errors[-1] < errors[0]


def test_what_is_left_out_beyond_float64_is_refused(problem):
    with pytest.raises(FloatingPointError, match="leftover overflows float64"):
        _ = theory.reduce(replace(problem, target=1e160 * problem.target), rank=1).leftover


def of_rank(rng, shape, rank, r):
    return low_rank_problem(rng, shape, rank, r) if rank else zeros(rng, shape, r)


def zeros(rng, shape, r):
    return fa.random_problem(np.zeros(shape), r, 0.5, 0.7, rng=rng)


@pytest.mark.parametrize(
    ("rule", "shape", "rank", "r", "steps", "made", "pays"),
    [
        (fa.GD, (80, 80), 17, 3, 50, True, True),  # 16 times 20 x 20 is 80 x 80
        (fa.GD, (80, 80), 18, 3, 50, False, False),  # as 18 rows show
        (fa.GD, (80, 80), 0, 20, 50, True, True),
        (fa.GD, (80, 80), 0, 21, 50, False, False),
        (fa.GD, (80, 80), 17, 3, 49, False, False),
        (fa.GD, (121, 130), 3, 2, 60, True, True),  # half of 121 steps pay for finding the rank
        (fa.GD, (121, 130), 3, 2, 59, False, False),
        (fa.FA, (121, 130), 3, 2, 50, True, True),  # for FA there is no rank to be found
        (fa.FA, (24, 16), 3, 2, 50, True, True),  # 16 times 4 x 6 is 24 x 16
        (fa.FA, (16, 24), 3, 2, 50, True, True),
        (fa.FA, (23, 16), 3, 2, 50, False, False),
        (fa.FA, (80, 70), 4, 30, 50, False, False),
        (fa.FA, (20, 500), 4, 12, 50, False, False),  # all 20 rows, and 36 of 500 columns
        (fa.FA, (500, 20), 4, 8, 50, True, True),
        (fa.FA_STAR, (24, 16), 3, 2, 49, False, False),
    ],
)
def test_a_small_problem_is_made_where_it_may_pay_only(
    monkeypatch, rng, rule, shape, rank, r, steps, made, pays
):
    calls = []
    name = rule.reduction.__name__
    reduction = getattr(simulate, name)

    def noted(problem):
        calls.append(problem)
        return reduction(problem)

    monkeypatch.setattr(simulate, name, noted)
    run = fa.descend(of_rank(rng, shape, rank, r), replace(rule, reduction=noted), 0.001, steps)
    assert (bool(calls), run.reduction is not None) == (made, pays)


def test_a_small_problem_that_turns_out_to_be_large_is_not_used(rng):
    late = np.zeros((80, 80))  # the first rows show nothing of its rank
    late[40:, :40] = np.eye(40)
    many = fa.FactoredTarget(np.eye(80, 60), np.eye(60, 80))
    for target in (late, many):
        run = fa.descend(fa.random_problem(target, 3, 0.5, 0.7, rng=rng), fa.GD, 0.001, 80)
        assert run.reduction is None


def test_known_factors_pay_for_a_run_of_fifty_steps_however_large_the_target(rng):
    problem = by_factors(low_rank_problem(rng, (300, 280), 3, 2))
    for rule in (fa.GD, fa.FA):
        assert fa.descend(problem, rule, 0.001, 50).reduction is not None


def test_a_rules_own_small_problem_is_judged_by_its_size_alone(rng):
    problem = low_rank_problem(rng, (80, 70), 1, 9)  # FA's would be 18 x 27
    own = replace(fa.FA, reduction=lambda problem: theory.reduce(problem))
    assert fa.descend(problem, own, 0.001, 50).reduction.problem.target.shape == (10, 10)
    assert fa.descend(problem, fa.FA, 0.001, 50).reduction is None
