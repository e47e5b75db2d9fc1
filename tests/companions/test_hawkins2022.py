import numpy as np
import pytest
from conftest import close, refused
from scipy import integrate, stats

from fa_utils.companions import hawkins2022

PRIOR = hawkins2022.VariancePrior(shape=4.0, scale=0.002)
FIXED = hawkins2022.VariancePrior(shape=1e6, scale=1e6)  # every variance is 1


def completion_of(rng, runs=2, size=4):
    return hawkins2022.random_completion(runs, size, 2, 0.6, 0.3, rng=rng)


def unseen(*shape):
    """Return tensors of which nothing is seen, so that the posterior is the prior."""
    return hawkins2022.Completion(np.zeros(shape), np.zeros(shape), np.zeros(shape), 1.0)


def by_moves(function, factors, step=1e-6):
    """Return the slope of a function of the factors, from moving each number."""
    slope = np.zeros_like(factors)
    for place in np.ndindex(factors.shape):
        move = np.zeros_like(factors)
        move[place] = step
        slope[place] = (function(factors + move) - function(factors - move)) / (2 * step)
    return slope


# --- tensors --------------------------------------------------------------------------------------------


def test_a_tensor_is_the_sum_of_its_components(rng):
    factors = rng.standard_normal((5, 3, 4, 2))
    expected = np.einsum("sic,sjc,slc->sijl", *np.moveaxis(factors, 1, 0))
    assert close(hawkins2022.tensor(factors), expected, atol=1e-13)
    assert close(hawkins2022.tensor(factors[0]), expected[0], atol=1e-13)


def test_a_components_size_is_the_norm_of_its_tensor(rng):
    factors = rng.standard_normal((3, 4, 2))
    norms = [np.linalg.norm(hawkins2022.tensor(factors[..., [one]])) for one in range(2)]
    assert close(hawkins2022.component_sizes(factors), norms, rtol=1e-13)


def test_the_tensor_is_linear_in_each_factor_so_that_its_slope_gives_it_back(rng):
    factors = rng.standard_normal((2, 3, 4, 3))
    weights = rng.standard_normal((2, 4, 4, 4))
    slope = hawkins2022.tensor_slope(factors, weights)
    weighted = (weights * hawkins2022.tensor(factors)).sum(axis=(1, 2, 3))
    assert close((slope * factors).sum(axis=(2, 3)), np.stack([weighted] * 3, axis=1), rtol=1e-11)


def test_the_slope_of_a_tensor_is_what_small_moves_show(rng):
    factors = rng.standard_normal((3, 3, 2))
    weights = rng.standard_normal((3, 3, 3))
    moved = by_moves(lambda some: (weights * hawkins2022.tensor(some)).sum(), factors)
    assert close(hawkins2022.tensor_slope(factors, weights), moved, atol=1e-8)


def test_a_completion_has_entries_of_unit_size_with_the_noise_and_the_share_asked_for(rng):
    completion = hawkins2022.random_completion(3, 20, 2, 0.3, 0.5, rng=rng)
    count = completion.truth.size
    assert close(np.square(completion.truth).mean(axis=(1, 2, 3)), 1, rtol=1e-12)
    noise = (completion.entries - completion.truth) / 0.5
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-6
    assert stats.binomtest(int(completion.seen.sum()), count, 0.3).pvalue > 1e-6
    assert {*np.unique(completion.seen)} == {0.0, 1.0}
    # Two components: each unfolding has two singular values above rounding.
    assert np.linalg.matrix_rank(completion.truth[0].reshape(20, -1)) == 2


# --- the posterior --------------------------------------------------------------------------------------


def log_posterior(completion, prior, factors, counts=1.0):
    """Return the logarithm of the density up to a constant, written out for one tensor."""
    missed = completion.seen * counts * (completion.entries - hawkins2022.tensor(factors)) ** 2
    squares = np.square(factors).sum(axis=(0, 1))
    exponent = prior.shape + factors[..., 0].size / 2
    return -missed.sum() / (2 * completion.deviation**2) - exponent * np.log(prior.scale + squares / 2).sum()


@pytest.mark.parametrize("counted", [False, True])
def test_the_posteriors_slope_is_what_small_moves_show(rng, counted):
    completion = completion_of(rng, 1, 3)
    factors = rng.standard_normal((1, 3, 3, 2))
    counts = rng.random((1, 3, 3, 3)) if counted else 1.0
    slope = hawkins2022.posterior_slope(completion, PRIOR, factors, counts)
    one = hawkins2022.Completion(*(array[0] for array in completion[:3]), completion.deviation)
    moved = by_moves(lambda some: log_posterior(one, PRIOR, some, np.squeeze(counts)), factors[0])
    assert close(slope[0], moved, atol=1e-6 * np.abs(moved).max())


def test_the_pull_of_the_prior_is_that_of_all_variances_together():
    prior = hawkins2022.VariancePrior(shape=2.5, scale=0.7)
    factors = np.full((3, 2, 1), 0.4)  # six numbers

    def density(number):
        factors[0, 0, 0] = number
        law = stats.invgamma(prior.shape, scale=prior.scale)
        return integrate.quad(
            lambda v: law.pdf(v) * np.prod(stats.norm.pdf(factors, scale=np.sqrt(v))), 0, np.inf, epsabs=1e-13
        )[0]

    slope = (np.log(density(0.4 + 1e-3)) - np.log(density(0.4 - 1e-3))) / 2e-3
    factors[0, 0, 0] = 0.4
    pull = hawkins2022.posterior_slope(unseen(2, 2, 2), prior, factors)
    assert close(pull, slope, rtol=1e-5)


# --- Hamiltonian Monte Carlo ----------------------------------------------------------------------------


def test_a_chain_is_the_loop_written_out(rng):
    completion = completion_of(rng)
    start = rng.standard_normal((2, 3, 4, 3))
    chain = hawkins2022.sample_hamiltonian(
        completion, PRIOR, start, step=1e-4, steps=45, rng=np.random.default_rng(5)
    )
    stream = np.random.default_rng(5)
    factors = start
    velocity = 0 * start
    for number in range(1, 46):
        rate = 1e-4 * min(1, number / (45 / 8))
        used = stream.random(completion.seen.shape) < 0.8
        slope = hawkins2022.posterior_slope(completion, PRIOR, factors, used / 0.8)
        velocity = 0.9 * velocity + rate * slope + np.sqrt(0.2 * rate) * stream.standard_normal(start.shape)
        factors = factors + velocity
        if number == 40:
            assert close(chain[-1], factors, rtol=1e-9, atol=1e-12)
    assert chain.shape == (2, 2, 3, 4, 3)


def test_a_chain_without_data_samples_the_prior(rng):
    start = rng.standard_normal((400, 3, 2, 3))
    chain = hawkins2022.sample_hamiltonian(unseen(400, 2, 2, 2), FIXED, start, step=0.01, steps=600, rng=rng)
    end = chain[-1].ravel()
    assert end.size > 7000 and stats.kstest(end, "norm").pvalue > 1e-6
    # A step of 0.01 with a curvature of 1 makes the variance larger by about 0.01 / 2 / 1.9 at most.
    assert abs(np.square(end).mean() - 1) < 0.01 + 6 * np.sqrt(2 / end.size)


def test_where_the_components_number_is_known_their_tensor_is_sampled_around_the_truth(rng):
    completion = hawkins2022.random_completion(4, 5, 1, 0.9, 0.1, rng=rng)
    start = 0.5 * rng.standard_normal((4, 3, 5, 1))
    chain = hawkins2022.sample_hamiltonian(completion, PRIOR, start, step=5e-5, steps=3000, rng=rng)
    gaps = hawkins2022.tensor(chain[75:]) - completion.truth
    # Some 13 free numbers are estimated from 112 entries, so that errors are far below the noise.
    assert np.square(gaps.mean(axis=0)).mean() < 0.1**2


# --- Stein's particles ----------------------------------------------------------------------------------


def test_steins_direction_is_the_double_sum_written_out(rng):
    particles, slopes = rng.standard_normal((2, 6, 3, 2, 1))
    points = particles.reshape(6, -1)
    flat = slopes.reshape(6, -1)
    squares = [np.square(points[i] - points[j]).sum() for i in range(6) for j in range(i)]
    width = np.median(squares) / np.log(6)
    expected = np.zeros((6, 6))
    for i in range(6):
        for j in range(6):
            kernel = np.exp(-np.square(points[i] - points[j]).sum() / width)
            expected[i] += kernel * (flat[j] + 2 / width * (points[i] - points[j])) / 6
    assert close(hawkins2022.stein_direction(particles, slopes).reshape(6, -1), expected, atol=1e-12)


def test_particles_of_several_tensors_move_as_those_of_each(rng):
    completion = completion_of(rng)
    start = rng.standard_normal((4, 2, 3, 4, 2))
    end = hawkins2022.descend_stein(completion, PRIOR, start, learning_rate=0.05, steps=20)
    for run in range(2):
        one = hawkins2022.Completion(*(array[run] for array in completion[:3]), completion.deviation)
        alone = hawkins2022.descend_stein(one, PRIOR, start[:, run], learning_rate=0.05, steps=20)
        assert close(end[:, run], alone, atol=1e-8)


def test_particles_without_data_come_to_rest_around_the_priors_mean(rng):
    start = 3 + rng.standard_normal((40, 3, 1, 1))
    nothing = unseen(1, 1, 1)
    end = hawkins2022.descend_stein(nothing, FIXED, start, learning_rate=0.1, steps=1500)
    rest = hawkins2022.stein_direction(end, hawkins2022.posterior_slope(nothing, FIXED, end))
    assert np.abs(rest).max() < 1e-3
    # In three dimensions with many particles hardly any of the spread is lost.
    assert np.abs(end.mean(axis=0)).max() < 0.1 and 0.6 < np.square(end).mean() < 1.1


def test_the_first_of_adams_steps_has_the_length_of_its_rate(rng):
    completion = completion_of(rng)
    start = rng.standard_normal((4, 2, 3, 4, 2))
    move = hawkins2022.stein_direction(start, hawkins2022.posterior_slope(completion, PRIOR, start))
    end = hawkins2022.descend_stein(completion, PRIOR, start, learning_rate=0.1, steps=2)
    # The second step is the last, and has no length: the rate has fallen to 0.
    assert close(end - start, 0.05 * np.sign(move), atol=1e-6)


# --- what is refused ------------------------------------------------------------------------------------


def sample(**changed):
    given = {"step": 1e-4, "steps": 20, "rng": np.random.default_rng(0)} | changed
    return hawkins2022.sample_hamiltonian(unseen(2, 2, 2), PRIOR, np.ones((3, 2, 1)), **given)


def descend(**changed):
    given = {"learning_rate": 0.1, "steps": 5} | changed
    return hawkins2022.descend_stein(unseen(2, 2, 2), PRIOR, np.ones((2, 3, 2, 1)), **given)


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: sample(step=0.0), ValueError, "step is 0.0; choose a number above 0"),
        (lambda: sample(steps=19), ValueError, "steps is 19; choose at least 20"),
        (lambda: descend(learning_rate=-1.0), ValueError, "learning_rate is -1.0; choose a number above 0"),
        (lambda: descend(steps=0), ValueError, "steps is 0; choose at least 1"),
        (
            lambda: sample(rng=7),
            TypeError,
            "rng is 7; it must be a Generator: pass rng=np.random.default_rng(seed)",
        ),
        (
            lambda: hawkins2022.random_completion(1, 3, 1, 0.5, 0.0, rng=np.random.default_rng(0)),
            ValueError,
            "deviation is 0.0; choose a number above 0",
        ),
    ],
)
def test_unusable_settings_are_refused(call, kind, says):
    with refused(kind, says):
        call()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_chain_that_diverges_is_named(rng):
    start = rng.standard_normal((2, 3, 4, 3))
    with pytest.raises(FloatingPointError, match="sample_hamiltonian"):
        hawkins2022.sample_hamiltonian(completion_of(rng), PRIOR, start, step=1.0, steps=200, rng=rng)


def test_a_completion_says_how_much_is_seen(rng):
    assert repr(unseen(2, 2, 2)) == "Completion(0 of 8 entries seen, noise 1)"
