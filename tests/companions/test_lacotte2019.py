import copy
import pickle

import numpy as np
import pytest
from conftest import close, refused
from hypothesis import given
from hypothesis import strategies as st

import fa_utils as fa
from fa_utils.companions import lacotte2019

seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1e-8, 1.0, 1e8])
LOSSES = ("squared", "logistic")


def loss_of(kind, samples, rng):
    """Return a loss with random targets or labels."""
    if kind == "squared":
        return lacotte2019.SquaredLoss(rng.standard_normal(samples))
    return lacotte2019.LogisticLoss(np.where(rng.random(samples) < 0.5, -1.0, 1.0))


def value(loss, w):
    """Return f(w), as its formula has it."""
    if isinstance(loss, lacotte2019.SquaredLoss):
        return np.sum((w - loss.targets) ** 2) / 2
    return np.logaddexp(0, -loss.labels * w).sum()


def problem(seed, kind="squared", samples=5, dimension=7):
    rng = np.random.default_rng(seed)
    return rng, rng.standard_normal((samples, dimension)), loss_of(kind, samples, rng)


# --- losses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOSSES)
def test_gradient_and_curvature_are_derivatives_of_the_loss(rng, kind):
    """Central differences err by the square of their step."""
    loss = loss_of(kind, 6, rng)
    w = rng.standard_normal(6)
    step = 1e-5 * np.eye(6)
    slopes = [(value(loss, w + e) - value(loss, w - e)) / 2e-5 for e in step]
    bends = [(loss.gradient(w + e) - loss.gradient(w - e)) / 2e-5 for e in step]
    assert close(loss.gradient(w), slopes, atol=1e-8)
    assert close(np.diag(loss.curvature(w)), bends, atol=1e-8)


@pytest.mark.parametrize("kind", LOSSES)
def test_smoothness_is_the_largest_curvature(rng, kind):
    loss = loss_of(kind, 6, rng)
    curvatures = np.array([loss.curvature(w) for w in 3 * rng.standard_normal((100, 6))])
    assert curvatures.max() <= loss.smoothness
    assert close(loss.curvature(np.zeros(6)), loss.smoothness, atol=1e-15)


def test_the_logistic_loss_is_finite_far_out():
    loss = lacotte2019.LogisticLoss(np.array([1.0, -1.0]))
    far = np.array([1e4, 1e4])
    assert close(loss.gradient(far), [0, 1], atol=1e-15) and not loss.curvature(far).any()


# --- answers in a subspace ------------------------------------------------------------------------------


@given(seeds, st.sampled_from(LOSSES), st.sampled_from([0.01, 1.0, 100.0]))
def test_the_slope_vanishes_at_the_minimiser_which_recovery_keeps(seed, kind, decay):
    _, A, loss = problem(seed, kind)
    best = lacotte2019.solve_in_subspace(A, loss, decay, A.T)
    slope = A.T @ loss.gradient(A @ best.plain) + decay * best.plain
    assert np.linalg.norm(slope) < 1e-8 * (1 + np.linalg.norm(A.T @ loss.gradient(np.zeros(5))))
    assert close(best.recovered, best.plain, atol=1e-8 * (1 + np.linalg.norm(best.plain)) / min(decay, 1))


@given(seeds, st.sampled_from(LOSSES), st.integers(1, 7))
def test_the_plain_answer_is_the_best_one_in_the_range_of_the_sketch(seed, kind, size):
    rng, A, loss = problem(seed, kind)
    S = rng.standard_normal((7, size))
    answers = lacotte2019.solve_in_subspace(A, loss, 0.3, S)
    inside = S @ np.linalg.lstsq(S, answers.plain)[0]
    assert close(inside, answers.plain, atol=1e-10 * (1 + np.linalg.norm(answers.plain)))

    def objective(x):
        return value(loss, A @ x) + 0.15 * x @ x

    others = answers.plain + (S @ rng.standard_normal((size, 50))).T * np.geomspace(1e-3, 1, 50)[:, None]
    assert all(objective(other) > objective(answers.plain) for other in others)


def test_regression_has_the_ridge_solution(rng):
    A = rng.standard_normal((5, 7))
    b = rng.standard_normal(5)
    best = lacotte2019.solve_in_subspace(A, lacotte2019.SquaredLoss(b), 0.1, A.T).plain
    assert close(best, np.linalg.solve(A.T @ A + 0.1 * np.eye(7), A.T @ b), atol=1e-12)


@pytest.mark.parametrize("kind", LOSSES)
def test_the_recovered_answer_comes_from_the_slope_at_the_plain_one(kind):
    rng, A, loss = problem(3, kind)
    answers = lacotte2019.solve_in_subspace(A, loss, 0.2, rng.standard_normal((7, 3)))
    assert close(0.2 * answers.recovered, -A.T @ loss.gradient(A @ answers.plain), atol=1e-12)
    assert not close(answers.recovered, answers.plain, atol=0.01)


@given(seeds, scales)
def test_only_the_range_of_a_sketch_counts(seed, scale):
    rng, A, loss = problem(seed)
    S = rng.standard_normal((7, 3))
    repeated = scale * S @ rng.standard_normal((3, 5))
    one = lacotte2019.solve_in_subspace(A, loss, 1.0, S)
    other = lacotte2019.solve_in_subspace(A, loss, 1.0, repeated)
    tolerance = 1e-12 * np.linalg.cond(S) ** 2 * np.linalg.norm(A) ** 2 * (1 + np.linalg.norm(loss.targets))
    assert close(one.plain, other.plain, atol=tolerance)
    assert close(one.recovered, other.recovered, atol=tolerance)
    missing = [lacotte2019.residual_norm(A, sketch) for sketch in (S, repeated)]
    assert close(missing[0], missing[1], atol=tolerance)


@given(seeds, st.sampled_from(LOSSES), st.integers(1, 6), st.floats(1.01, 20))
def test_the_sharper_bound_holds_in_every_subspace_and_hence_claim_1(seed, kind, size, room):
    rng, A, loss = problem(seed, kind)
    S = rng.standard_normal((7, size))
    Z = lacotte2019.residual_norm(A, S)
    decay = room * loss.smoothness * Z**2
    best = lacotte2019.solve_in_subspace(A, loss, decay, A.T).plain
    error = np.linalg.norm(lacotte2019.solve_in_subspace(A, loss, decay, S).recovered - best)
    missed = np.linalg.norm(best - S @ np.linalg.lstsq(S, best)[0])
    sharper = np.sqrt(loss.smoothness / (decay - loss.smoothness * Z**2)) * Z * missed / 2
    assert error <= sharper + 1e-9 * np.linalg.norm(best)
    if room >= 2:
        assert sharper <= np.sqrt(loss.smoothness / (2 * decay)) * Z * np.linalg.norm(best) * (1 + 1e-9)


def test_one_sample_attains_the_bound_at_its_limit_and_breaks_it_below(rng):
    A = rng.standard_normal((1, 4))
    loss = lacotte2019.SquaredLoss(np.array([0.7]))
    across = np.linalg.svd(A)[2][1:].T
    Z = lacotte2019.residual_norm(A, across)
    assert close(Z, np.linalg.norm(A), atol=1e-14)
    for room, wanted in ((2.0, 1.0), (0.5, 2.0), (8.0, 0.5)):
        decay = room * Z**2
        best = lacotte2019.solve_in_subspace(A, loss, decay, A.T).plain
        error = np.linalg.norm(lacotte2019.solve_in_subspace(A, loss, decay, across).recovered - best)
        assert close(error / (np.sqrt(1 / (2 * decay)) * Z * np.linalg.norm(best)), wanted, atol=1e-12)


# --- what a subspace misses -----------------------------------------------------------------------------


def test_a_subspace_of_singular_vectors_misses_the_next_singular_value(rng):
    A = fa.target_with_spectrum([5.0, 3.0, 1.0, 0.1], (6, 9), rng=rng)
    rows = np.linalg.svd(A)[2]
    for k, missing in ((1, 3.0), (2, 1.0), (3, 0.1)):
        assert close(lacotte2019.residual_norm(A, rows[:k].T), missing, atol=1e-13)


@given(seeds, st.integers(1, 6))
def test_a_subspace_misses_at_least_the_next_singular_value_and_at_most_the_first(seed, size):
    rng, A, _ = problem(seed)
    missing = lacotte2019.residual_norm(A, rng.standard_normal((7, size)))
    values = [*np.linalg.svd(A, compute_uv=False), 0.0, 0.0]
    assert values[size] - 1e-12 <= missing <= values[0] + 1e-12


def test_feedback_alignment_misses_what_its_sketch_misses(rng):
    """Lemma 1: at rest FA's product is the projection on the range of Y C^T."""
    run = fa.nearly_square_problem(6, 3, feedback_scale=1.0, rng=rng)
    Z, W = fa.stationary_point(run)
    missing = lacotte2019.residual_norm(run.target.T, run.sketch)
    assert close(np.linalg.norm(run.target - Z @ W, 2), missing, atol=1e-12)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=8), st.integers(1, 9), scales)
def test_the_spectral_scale_is_as_its_formula_says_in_any_unit(values, k, scale):
    falling = sorted(values, reverse=True)
    wanted = sum(value**2 for value in falling[k : k + 1]) + sum(value**2 for value in falling[k:]) / k
    found = lacotte2019.spectral_scale(scale * np.array(values), k) / scale
    assert close(found, np.sqrt(wanted), atol=1e-12 * (1 + np.sqrt(wanted)))


@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_the_limit_is_passed_by_fewer_draws_than_it_says(rng, decay):
    values = np.arange(1.0, 31) ** -decay
    limit = lacotte2019.residual_limit(5, 0.05) * lacotte2019.spectral_scale(values, 5)
    sketches = values[:, None] * rng.standard_normal((200, 30, 10))
    missing = np.array([lacotte2019.residual_norm(np.diag(values), sketch) for sketch in sketches])
    # 24 of 200 are beyond with a chance of 1e-4 if 5 percent are.
    assert np.sum(missing > limit) <= 24


def test_the_limit_falls_with_spare_columns_and_rises_as_its_chance_falls():
    of_sizes = [lacotte2019.residual_limit(k, 0.01) for k in (4, 8, 16, 32, 64)]
    of_chances = [lacotte2019.residual_limit(16, chance) for chance in (5.0, 0.5, 0.05, 1e-6)]
    assert (np.diff(of_sizes) < 0).all() and (np.diff(of_chances) > 0).all()


def test_the_limit_is_the_theorems_where_t_and_u_are_whole():
    """Theorem 10.8 of Halko, Martinsson & Tropp with k = p = 4, and t = 2 for a chance of 1/4."""
    chance = 4 / 2**4
    u = np.sqrt(2 * np.log(2 / chance))
    on_largest = 2 * np.sqrt(3 * 4 / 5) + u * 2 * np.e * np.sqrt(8) / 5
    on_tail = 2 * np.e * np.sqrt(8) / 5 * np.sqrt(4)
    wanted = np.sqrt(1 + on_largest**2 + on_tail**2)
    assert close(lacotte2019.residual_limit(4, chance), wanted, atol=1e-12)


# --- records and refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOSSES)
def test_losses_are_read_only_also_as_copies(rng, kind):
    loss = loss_of(kind, 3, rng)
    for one in (loss, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        array = one.targets if kind == "squared" else one.labels
        assert not array.flags.writeable
        assert repr(one) in ("SquaredLoss(3 targets)", "LogisticLoss(3 labels)")


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (
            lambda A, loss: lacotte2019.solve_in_subspace(A, loss, 0.0, A.T),
            ValueError,
            "decay is 0.0; choose a number above 0",
        ),
        (
            lambda A, loss: lacotte2019.solve_in_subspace(A, loss, 1.0, A),
            ValueError,
            "sketch has 5 rows; give one for each of the 7 columns of data",
        ),
        (
            lambda A, loss: lacotte2019.residual_norm(A, np.ones(7)),
            ValueError,
            "sketch has shape (7,); it must have 2 axes: reshape it",
        ),
        (lambda A, loss: lacotte2019.spectral_scale([1.0], 0), ValueError, "k is 0; choose at least 1"),
        (
            lambda A, loss: lacotte2019.spectral_scale([-1.0], 1),
            ValueError,
            "singular_values holds -1.0; choose numbers of at least 0",
        ),
        (lambda A, loss: lacotte2019.residual_limit(3, 0.1), ValueError, "k is 3; choose at least 4"),
        (
            lambda A, loss: lacotte2019.residual_limit(4, 0.0),
            ValueError,
            "chance is 0.0; choose a number above 0",
        ),
        (
            lambda A, loss: lacotte2019.LogisticLoss(np.array([1.0, 0.5])),
            ValueError,
            "labels are [1.  0.5]; give 1.0 or -1.0 for each sample",
        ),
    ],
)
def test_unusable_arguments_are_refused(call, kind, says):
    _, A, loss = problem(0)
    with refused(kind, says):
        call(A, loss)


class JumpingLoss(lacotte2019.SquaredLoss):
    """A loss with a gradient that jumps over zero, so that no point is a minimum."""

    def gradient(self, w):
        return np.where(w > self.targets, 1.0, -1.0)


def test_where_no_minimum_is_found_the_error_says_so(rng):
    data = rng.standard_normal((6, 4))
    with pytest.raises(FloatingPointError, match=r"^SciPy's root finds no minimum: .*choose a larger decay$"):
        lacotte2019.solve_in_subspace(data, JumpingLoss(np.ones(6)), 1e-3, rng.standard_normal((4, 2)))
