from itertools import combinations

import numpy as np
import pytest
from conftest import close, refused
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import fa_utils as fa
from fa_utils.companions import galanti2022

seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1e-8, 1.0, 1e8])
RULES = [fa.GD, fa.FA]
RATE = 0.02
DECAY = 1.0
KEPT = 1 - RATE * DECAY


def values(matrix):
    """Return a matrix's singular values."""
    return np.linalg.svd(matrix, compute_uv=False)


def of_rank(rng, rank, shape=(7, 5)):
    """Return a random matrix of this rank."""
    return rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))


def training(problem, rule, rng, batch_size=3, steps=40, samples=12):
    """Return inputs, batches and the run on them."""
    inputs = rng.standard_normal((samples, len(problem.Z)))
    batches = galanti2022.random_batches(samples, batch_size, steps, rng=rng)
    return inputs, batches, galanti2022.train_on_batches(problem, rule, inputs, batches, RATE, DECAY)


# --- batches --------------------------------------------------------------------------------------------


def test_a_batch_holds_no_sample_twice_and_all_samples_are_as_likely(rng):
    batches = galanti2022.random_batches(6, 4, 3000, rng=rng)
    assert batches.shape == (3000, 4)
    assert all(len({*batch}) == 4 for batch in batches)
    assert stats.chisquare(np.bincount(batches.ravel(), minlength=6)).pvalue > 1e-6
    # Neither does the first place of a batch, nor the step before, tell which sample comes next.
    pairs = np.histogram2d(batches[:-1, 0], batches[1:, 0], bins=np.arange(7) - 0.5)[0]
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-6


def test_a_batch_of_all_samples_holds_each_once(rng):
    assert (np.sort(galanti2022.random_batches(5, 5, 20, rng=rng)) == np.arange(5)).all()


# --- training -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_training_is_the_loop_over_samples_written_out(problem, rule, rng):
    inputs, batches, run = training(problem, rule, rng)
    Z = problem.Z
    W = problem.W
    for batch in batches:
        back = W if rule is fa.GD else problem.feedback
        dZ = np.zeros_like(Z)
        dW = np.zeros_like(W)
        for x in inputs[batch]:
            error = x @ problem.target - x @ Z @ W
            dZ += np.outer(x, back @ error) / len(batch)
            dW += np.outer(Z.T @ x, error) / len(batch)
        Z = Z + RATE * (dZ - DECAY * Z)
        W = W + RATE * (dW - DECAY * W)
    assert close(run.Z[-1], Z, atol=1e-13) and close(run.W[-1], W, atol=1e-13)
    assert np.array_equal(run.Z[0], problem.Z) and np.array_equal(run.W[0], problem.W)
    assert close(run.times, RATE * np.arange(41), rtol=1e-15)


@pytest.mark.parametrize("rule", RULES)
def test_all_samples_of_isotropic_inputs_without_decay_make_an_euler_step_of_the_factorisation(
    problem, rule, rng
):
    n = len(problem.Z)
    inputs = np.sqrt(10) * np.linalg.qr(rng.standard_normal((10, n)))[0]  # X^T X = 10 I
    batches = galanti2022.random_batches(10, 10, 30, rng=rng)
    run = galanti2022.train_on_batches(problem, rule, inputs, batches, 0.05, 0.0)
    euler = fa.descend(problem, rule, 0.05, 30)
    assert close(run.Z, euler.Z, atol=1e-13) and close(run.W, euler.W, atol=1e-13)


def test_divergence_is_named_at_the_first_step_that_is_not_finite(problem, rng):
    inputs = rng.standard_normal((12, len(problem.Z)))
    batches = galanti2022.random_batches(12, 3, 200, rng=rng)
    with pytest.raises(FloatingPointError) as caught:
        galanti2022.train_on_batches(problem, fa.GD, inputs, batches, 5.0, 0.4)
    step = int(str(caught.value).split("step ")[1].split(";")[0])
    assert str(caught.value) == f"training diverged at step {step}; choose a learning rate below 5.0"
    run = galanti2022.train_on_batches(problem, fa.GD, inputs, batches[: step - 1], 5.0, 0.4)
    assert np.isfinite(run.Z).all() and np.isfinite(run.W).all()


# --- ranks ----------------------------------------------------------------------------------------------


@given(seeds, scales, st.integers(1, 5))
def test_a_rank_is_counted_at_any_scale(seed, scale, rank):
    matrix = scale * of_rank(np.random.default_rng(seed), rank)
    assert galanti2022.counted_rank(matrix, 1e-12) == np.linalg.matrix_rank(matrix)
    assert galanti2022.counted_rank(matrix, 0.999999) >= 1


def test_ranks_of_many_matrices_are_counted_at_once():
    matrices = np.array([np.diag([2.0, 1.0, 0.5]), np.diag([1.0, 0.3, 0.0])])
    assert galanti2022.counted_rank(matrices, 0.4).tolist() == [2, 1]


@given(seeds, scales, st.integers(0, 6), st.floats(0.1, 2))
def test_weyls_ratio_is_at_most_1_after_a_change_of_this_rank(seed, scale, rank, kept):
    rng = np.random.default_rng(seed)
    before = scale * rng.standard_normal((7, 5))
    after = kept * before + scale * of_rank(rng, rank) if rank else kept * before
    ratio = galanti2022.weyl_ratio(after, before, rank, kept)
    assert 0 <= ratio <= 1 + 1e-12
    assert (ratio == 0) == (rank >= 5)


@given(seeds, st.integers(0, 3))
def test_weyls_ratio_reaches_1_for_some_change_and_exceeds_it_for_a_change_of_one_rank_more(seed, rank):
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.standard_normal((5, 5)))[0] for _ in range(2))
    before = U * np.array([5.0, 4.0, 3.0, 2.0, 1.0]) @ V.T
    large = np.where(np.arange(5) >= 5 - rank, 100.0, 0)  # put on what is smallest
    assert close(galanti2022.weyl_ratio(before + U * large @ V.T, before, rank, 1.0), 1, rtol=1e-12)
    larger = np.where(np.arange(5) >= 4 - rank, 100.0, 0)
    assert galanti2022.weyl_ratio(before + U * larger @ V.T, before, rank, 1.0) > 10


def test_weyls_ratio_is_taken_over_all_singular_values_of_each_matrix(rng):
    after, before = rng.standard_normal((2, 4, 7, 5))
    kept = np.array([0.2, 0.5, 1.0, 2.0])
    ratios = galanti2022.weyl_ratio(after, before, 2, kept)
    for one in range(4):
        wanted = (values(after[one])[2:] / (kept[one] * values(before[one])[:3])).max()
        assert close(ratios[one], wanted, rtol=1e-13)


def test_what_comes_from_nothing_is_infinitely_more_and_rounding_is_nothing(rng):
    nothing = np.zeros((7, 5))
    assert galanti2022.weyl_ratio(of_rank(rng, 3), nothing, 2, 1.0) == np.inf
    assert galanti2022.weyl_ratio(of_rank(rng, 2), nothing, 2, 1.0) == 0
    assert galanti2022.weyl_ratio(nothing, nothing, 0, 1.0) == 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("batch_size", [1, 2])
def test_ranks_of_both_layers_grow_by_the_batch_size_with_each_step(problem, rule, batch_size, rng):
    _, _, run = training(problem, rule, rng, batch_size)
    for layers in (run.Z, run.W):
        for window in (1, 2, 5):
            ratio = galanti2022.weyl_ratio(
                layers[window:], layers[:-window], window * batch_size, KEPT**window
            )
            assert ratio.max() <= 1 + 1e-12


def test_fa_from_a_second_layer_at_0_adds_a_matrix_of_the_rank_of_the_target_to_the_forgotten_start(rng):
    problem = fa.random_problem(of_rank(rng, 2), 6, 0.5, 0.5, rng=rng)
    problem = fa.Problem(problem.target, problem.feedback, problem.Z, 0 * problem.W)
    for batch_size in (1, 3, 12):
        _, _, run = training(problem, fa.FA, rng, batch_size)
        added = run.Z[-1] - KEPT**40 * run.Z[0]
        assert np.linalg.matrix_rank(added) == 2


def test_gd_forgets_the_start_at_the_decays_pace_as_steps_become_small(rng):
    """Z^T Z - W W^T is then exp(-2 lambda t) times what it was, whatever the batches are."""
    problem = fa.random_problem(0.2 * of_rank(rng, 2), 6, 0.3, 0.3, rng=rng)
    inputs = rng.standard_normal((12, 7)) / 2
    gaps = []
    for steps in (200, 400, 800):
        batches = galanti2022.random_batches(12, 3, steps, rng=rng)
        run = galanti2022.train_on_batches(problem, fa.GD, inputs, batches, 4 / steps, 0.35)
        start, end = (run.Z[one].T @ run.Z[one] - run.W[one] @ run.W[one].T for one in (0, -1))
        gaps.append(np.linalg.norm(end - np.exp(-2 * 0.35 * 4) * start))
    assert close(np.diff(np.log2(gaps)), -1, atol=0.1)


# --- steps that never end -------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
def test_over_all_batches_no_layer_moves_less_than_the_least_step(problem, rule, batch_size, rng):
    inputs, _, run = training(problem, rule, rng, steps=400, samples=5)
    late = fa.Problem(problem.target, problem.feedback, run.Z[-1], run.W[-1])
    squares = []
    for batch in combinations(range(5), batch_size):
        step = galanti2022.train_on_batches(late, rule, inputs, np.array([batch]), RATE, DECAY)
        squares.append(fa.squared_norm(step.Z[1] - step.Z[0]))
    least = galanti2022.least_step(late.Z, 5, batch_size, RATE * DECAY)
    assert np.sqrt(np.mean(squares)) >= least * (1 - 1e-12)
    assert (least > 0) == (batch_size < 5)


def test_the_least_step_is_the_distance_from_rank_1_times_the_spread_of_means_without_replacement(rng):
    Z = rng.standard_normal((4, 3))
    s = values(Z)
    for batch_size in (1, 2, 3):
        share = (6 - batch_size) / (batch_size * 5)
        wanted = 0.3 * np.sqrt(share) * np.linalg.norm(s[1:])
        assert close(galanti2022.least_step(Z, 6, batch_size, 0.3), wanted, rtol=1e-13)


def test_a_layer_of_rank_1_may_rest(rng):
    assert galanti2022.least_step(of_rank(rng, 1), 10, 2, 0.1) < 1e-7
    assert galanti2022.least_step(np.zeros((3, 2)), 10, 2, 0.1) == 0


def test_least_steps_of_many_layers_come_together(rng):
    layers = rng.standard_normal((3, 4, 5))
    each = [galanti2022.least_step(layer, 8, 3, 0.1) for layer in layers]
    assert close(galanti2022.least_step(layers, 8, 3, 0.1), each, rtol=1e-13)


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "batch_size", "says"),
    [
        (0, 1, "samples is 0; choose at least 1"),
        (5, 0, "batch_size is 0; choose at least 1"),
        (5, 6, "batch_size is 6; choose at most the number of samples, 5"),
    ],
)
def test_impossible_sizes_are_refused(rng, samples, batch_size, says):
    with refused(ValueError, says):
        galanti2022.random_batches(samples, batch_size, 3, rng=rng)
    with refused(ValueError, says):
        galanti2022.least_step(np.eye(3), samples, batch_size, 0.1)


def test_unusable_settings_of_training_are_refused(problem, rng):
    inputs = rng.standard_normal((5, len(problem.Z)))
    batches = galanti2022.random_batches(5, 2, 3, rng=rng)
    with refused(ValueError, "rule is Rule(FA*); choose fa.GD or fa.FA"):
        galanti2022.train_on_batches(problem, fa.FA_STAR, inputs, batches, 0.1, 0.1)
    with refused(ValueError, "learning_rate is 0.0; choose a number above 0"):
        galanti2022.train_on_batches(problem, fa.FA, inputs, batches, 0.0, 0.1)
    with refused(ValueError, "decay is -0.1; choose a number of at least 0"):
        galanti2022.train_on_batches(problem, fa.FA, inputs, batches, 0.1, -0.1)
    n = len(problem.Z)
    says = f"inputs has shape (5, {n - 1}); for a target with {n} rows it needs {n} columns"
    with refused(ValueError, says):
        galanti2022.train_on_batches(problem, fa.FA, inputs[:, 1:], batches, 0.1, 0.1)
    with refused(ValueError, "steps is 0; choose at least 1"):
        galanti2022.random_batches(5, 2, 0, rng=rng)
    with refused(ValueError, "samples is 1; choose at least 2"):
        galanti2022.least_step(np.eye(3), 1, 1, 0.1)
    with refused(ValueError, "share is 0.0; choose a number above 0"):
        galanti2022.counted_rank(np.eye(3), 0.0)
    with refused(TypeError, "rng is 7; it must be a Generator: pass rng=np.random.default_rng(seed)"):
        galanti2022.random_batches(5, 2, 3, rng=7)
