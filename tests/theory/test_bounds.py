"""Bounds on FA*'s time hold, come as near as they should, and move with scales as they say."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import OVERFLOWS, close, refused

import fa_utils as fa
from fa_utils import theory
from fa_utils.theory import bounds

KINDS = [(7, 6, 4, 3, 1.0), (6, 6, 6, 5, 30.0), (8, 5, 2, 4, 5.0), (5, 9, 5, 1, 1.0)]


def problem_of(kind, rng):
    n, m, rank, r, condition = kind
    return theory.gaussian_problem((n, m), rank, r, condition, scales=(2.0, 0.5, 3.0), rng=rng)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gaussian_problem_is_what_was_asked_for(rng, kind):
    n, m, rank, r, condition = kind
    problem = problem_of(kind, rng)
    assert problem.target.shape == (n, m) and problem.feedback.shape == (r, m)
    assert np.linalg.matrix_rank(problem.target) == rank
    assert close(np.linalg.svd(problem.Z, compute_uv=False)[[0, -1]], [3.0, 3.0 / condition], rtol=1e-12)
    assert not problem.W.any()


def test_scales_multiply_the_same_draw():
    plain = theory.gaussian_problem((6, 5), 3, 2, 4.0, rng=np.random.default_rng(5))
    scales = (2.0, 4.0, 0.5)
    scaled = theory.gaussian_problem((6, 5), 3, 2, 4.0, scales=scales, rng=np.random.default_rng(5))
    assert close(scaled.target, 2 * plain.target)
    assert close(scaled.feedback, 4 * plain.feedback)
    assert close(scaled.Z, plain.Z / 2)


def test_entries_of_the_feedback_and_of_the_targets_factors_have_variance_one(rng):
    problem = theory.gaussian_problem((80, 60), 4, 40, 10.0, rng=rng)
    assert np.square(problem.feedback).mean() == pytest.approx(1, rel=0.1)
    assert np.square(problem.target).mean() == pytest.approx(4, rel=0.3)


def test_problems_of_any_shape_keep_their_limits_and_differ(rng):
    problems = [theory.problem_of_any_shape(6, 50.0, rng=one) for one in rng.spawn(60)]
    sides = {side for problem in problems for side in problem.target.shape}
    assert sides == set(range(2, 7))
    assert all(problem.Z.shape[1] < problem.Z.shape[0] for problem in problems)
    conditions = [np.linalg.cond(problem.Z) for problem in problems]
    assert max(conditions) <= 50 * (1 + 1e-9) and max(conditions) > 10
    ranks = {int(np.linalg.matrix_rank(problem.target)) for problem in problems}
    assert {1, 2, 3, 4} <= ranks


def test_logarithms_of_scales_and_of_condition_numbers_are_evenly_spread(rng):
    starts = [theory.problem_of_any_shape(6, 50.0, rng=one).Z for one in rng.spawn(300)]
    decades = np.log10([np.linalg.norm(Z, 2) for Z in starts])
    assert -1 <= decades.min() < -0.9 and 0.9 < decades.max() <= 1
    assert abs(decades.mean()) < 0.15
    for r in (2, 3):
        powers = [np.log(np.linalg.cond(Z)) / np.log(50) for Z in starts if Z.shape[1] == r]
        assert min(powers) < 0.1 and max(powers) > 0.9
        assert np.mean(powers) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("side", "sizes"), [(2, (0.282107336104, 101.387353201)), (6, (5.58607665212, 2.27324655297))]
)
def test_a_seed_draws_the_same_problem_of_any_shape_as_ever(side, sizes):
    """Notebooks are run again: with one hidden unit no condition number is drawn before the scales."""
    problem = theory.problem_of_any_shape(side, 50.0, rng=np.random.default_rng(7))
    assert (np.linalg.norm(problem.Z, 2), np.linalg.norm(problem.sketch)) == pytest.approx(sizes, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_theorem_1s_time_is_its_formula(rng, kind):
    problem = problem_of(kind, rng)
    r = problem.Z.shape[1]
    norms = [np.linalg.norm(one, 2) for one in (problem.Z, problem.target, problem.feedback)]
    wanted = 20 * r * np.sqrt(np.linalg.cond(problem.Z.T @ problem.Z)) * np.prod(norms) / 0.3
    assert close(theory.theorem_1_time(problem, 0.3), wanted, rtol=1e-9)
    epsilons = np.array([0.1, 0.2])
    assert close(
        theory.theorem_1_time(problem, epsilons)[0], 2 * theory.theorem_1_time(problem, 0.2), rtol=1e-12
    )
    assert close(theory.trace_time(problem, epsilons)[0], 2 * theory.trace_time(problem, 0.2), rtol=1e-12)
    for bound in (theory.theorem_1_time, theory.trace_time):
        assert close(bound(problem, [[1, 2]]), np.multiply(bound(problem, 2.0), [[2.0, 1.0]]), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_shorter_time_is_at_most_a_tenth_and_the_true_one_is_below_it(rng, kind):
    problem = problem_of(kind, rng)
    start = theory.fa_star_losses_at(problem, [0.0])[0]
    for epsilon in start * np.array([0.5, 1e-2, 1e-4]):
        bound = float(theory.trace_time(problem, epsilon))
        assert bound <= theory.theorem_1_time(problem, epsilon) / 10 * (1 + 1e-12)
        assert theory.first_time(problem, epsilon, bound) <= bound


@pytest.mark.parametrize("kind", KINDS)
def test_the_trace_of_the_overlap_stays_below_its_ceiling_and_may_reach_it(rng, kind):
    problem = problem_of(kind, rng)
    ceiling = theory.trace_ceiling(problem)
    Q, root = np.linalg.qr(problem.Z)
    sketch = np.linalg.solve(root.T, problem.sketch.T).T
    left, _, right = np.linalg.svd(sketch, full_matrices=False)
    assert np.trace(Q.T @ sketch) <= ceiling
    assert close(np.trace((left @ right).T @ sketch), ceiling, rtol=1e-12)


@pytest.mark.parametrize("copies", [1, 3])
def test_opposed_copies_follow_a_squared_sech(copies):
    share = 0.3
    problem = theory.opposed_copies(copies, share)
    times = np.linspace(0, 5, 11)
    wanted = copies / np.cosh(times - np.arctanh(np.sqrt(1 - share))) ** 2
    assert close(theory.fa_star_losses_at(problem, times), wanted, atol=1e-12)
    assert close(problem.W, fa.optimal_forward(problem, problem.Z), atol=1e-12)


@pytest.mark.parametrize("level", [0.2, 0.58, 0.9])
def test_no_bound_can_be_much_sharper_than_the_shorter_one(level):
    """From a start just above the level the loss is below it after 2 arcosh(level^(-1/2))."""
    problem = theory.opposed_copies(2, level * (1 + 1e-9))
    bound = float(theory.trace_time(problem, level * 2))
    time = theory.first_time(problem, level * 2, bound)
    assert close(time, 2 * np.arccosh(level**-0.5), rtol=2e-6)
    assert time <= bound < 5 * time


def test_first_times_are_too_long_by_at_most_a_step_and_never_too_short():
    problem = theory.opposed_copies(1, 1.0)
    epsilons = np.array([0.9, 0.5, 1e-3, 1e-6])
    exact = np.arccosh(epsilons**-0.5)
    found = theory.first_times(problem, epsilons, latest=100.0)
    assert (found >= exact).all() and (found <= exact * 2**0.5 * (1 + 1e-9)).all()
    refined = [theory.first_time(problem, epsilon, 100.0) for epsilon in epsilons]
    assert (np.array(refined) >= exact * (1 - 1e-12)).all() and close(refined, exact, rtol=1e-6)


def test_the_grid_ends_at_the_latest_time_and_its_steps_are_the_root_of_2():
    problem = theory.opposed_copies(1, 1.0)
    exact = np.arccosh(0.5**-0.5)
    for steps_before_the_end in (0, 1, 2):
        latest = exact * 2 ** (steps_before_the_end / 2) * (1 + 1e-9)
        assert close(theory.first_times(problem, [0.5], latest), exact, rtol=2e-9)
    found = theory.first_times(problem, [0.9, 0.5], exact * (1 - 1e-9))
    assert np.isfinite(found).tolist() == [True, False]


def test_a_loss_of_exactly_epsilon_is_low_enough_and_a_refinement_is_to_a_32nd_of_the_interval(monkeypatch):
    problem = theory.opposed_copies(1, 1.0)
    grid = 4.0 * 2.0 ** np.arange(-bounds.OCTAVES, 1)
    epsilons = theory.fa_star_losses_at(problem, grid)[-3:]
    assert np.array_equal(theory.first_times(problem, epsilons, 4.0), grid[-3:])
    monkeypatch.setattr(bounds, "REFINEMENTS", 1)
    inner = np.linspace(4.0 / 2**0.5, 4.0, 33)[1:-1]
    losses = theory.fa_star_losses_at(problem, inner)
    for k in (0, 10, 30):
        assert theory.first_time(problem, losses[k], 4.0) == inner[k]


def test_a_loss_that_is_not_reached_has_an_infinite_time():
    problem = theory.opposed_copies(1, 1.0)
    assert np.isinf(theory.first_times(problem, [1e-3], latest=1.0)).all()
    assert theory.first_time(problem, 1e-3, latest=1.0) == np.inf


@pytest.mark.parametrize("name", ["theorem_1_time", "trace_time"])
def test_times_move_with_scales_as_time_itself_does(rng, name):
    problem = problem_of(KINDS[0], rng)
    bound = getattr(theory, name)
    epsilon = 1e-2 * float(fa.squared_norm(problem.sketch))
    before = bound(problem, epsilon), theory.first_time(problem, epsilon, 100.0)
    louder = replace(problem, target=10 * problem.target)
    assert close(bound(louder, 100 * epsilon), before[0] / 10, rtol=1e-9)
    assert close(theory.first_time(louder, 100 * epsilon, 100.0), before[1] / 10, rtol=1e-5)
    longer = replace(problem, Z=10 * problem.Z)
    assert close(bound(longer, epsilon), before[0] * 10, rtol=1e-9)
    assert close(theory.first_time(longer, epsilon, 1000.0), before[1] * 10, rtol=1e-5)


@pytest.mark.parametrize("bound", [theory.theorem_1_time, theory.trace_time])
def test_a_start_without_full_column_rank_is_refused(problem, bound):
    flat = replace(problem, Z=problem.Z * (np.arange(problem.Z.shape[1]) > 0))
    with pytest.raises(ValueError, match="FA\\* needs full column rank"):
        bound(flat, 1.0)


@pytest.mark.filterwarnings("ignore:overflow")
def test_bounds_beyond_float64_are_refused():
    problem = theory.opposed_copies(3, 1.0)
    for bound in (theory.theorem_1_time, theory.trace_time):
        with refused(FloatingPointError, bound.__name__ + OVERFLOWS):
            bound(problem, [1.0, 1e-308])
    with refused(FloatingPointError, f"trace_ceiling{OVERFLOWS}"):
        theory.trace_ceiling(replace(problem, target=1e308 * problem.target))


@pytest.mark.parametrize("share", [0.0, -0.5])
def test_a_share_of_nothing_is_refused(share):
    with refused(ValueError, f"share is {share}; choose a number above 0"):
        theory.opposed_copies(1, share)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda rng: theory.opposed_copies(0, 0.5), "copies is 0; choose at least 1"),
        (lambda rng: theory.opposed_copies(2, 1.5), "share is 1.5; choose a number above 0 and at most 1"),
        (lambda rng: theory.problem_of_any_shape(1, 2.0, rng=rng), "largest_side is 1; choose at least 2"),
        (
            lambda rng: theory.gaussian_problem((3, 4), 4, 2, 1.0, rng=rng),
            "rank 4 exceeds the smaller side 3",
        ),
        (lambda rng: theory.first_times(theory.opposed_copies(1, 1.0), [0.0], 1.0), "epsilons holds 0.0"),
        (lambda rng: theory.first_time(theory.opposed_copies(1, 1.0), 0.1, -1.0), "latest is -1.0"),
    ],
)
def test_unusable_arguments_are_refused_with_the_rule(rng, call, says):
    with pytest.raises(ValueError, match=f"^{says}"):
        call(rng)


@pytest.mark.parametrize(
    ("epsilon", "kind", "says"),
    [
        (0.0, ValueError, "epsilon holds 0.0; choose numbers above 0"),
        ([1.0, -2.0], ValueError, "epsilon holds -2.0; choose numbers above 0"),
        (
            [[np.nan]],
            ValueError,
            "epsilon holds nan at (0, 0); entries must be finite: remove or repair it",
        ),
    ],
)
def test_a_loss_that_is_not_above_zero_is_refused(epsilon, kind, says):
    for bound in (theory.theorem_1_time, theory.trace_time):
        with refused(kind, says):
            bound(theory.opposed_copies(1, 0.5), epsilon)
