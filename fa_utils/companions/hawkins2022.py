"""Tensors completed by sampling, which finds their rank: Zhang, Hawkins & Zhang (2022).

A tensor is a sum of k components, T_ijl = sum over c of A_ic B_jc C_lc, of which some entries are seen with
noise. Under the prior, the 3 n numbers of a component, its columns of A, B and C, come from N(0, v). Its
variance v comes from an inverse gamma law of shape a and scale b. Integrated over v, a component whose
numbers have the sum of squares q costs (a + 3 n / 2) log(b + q / 2). Relative to its size, a small component
is pulled to 0 harder than a large one: what the data do not need shrinks to almost nothing.

The paper's abstract names a prior that determines the rank and two samplers, stochastic gradient Hamiltonian
Monte Carlo and Stein variational gradient descent. The prior's form, the steps and all constants are ours.
"""

from typing import NamedTuple

import numpy as np

from fa_utils._checks import finite_result, positive_number, random_generator, whole_number

FRICTION = 0.1  # share of its velocity that a chain loses in a step
BATCH = 0.8  # a seen entry counts in a step of a chain with this probability
KEPT = 20  # steps of a chain from one kept state to the next


class Completion(NamedTuple):
    """Several tensors, of which some entries are seen with noise. `random_completion` makes it.

    Attributes
    ----------
    truth
        T, shape (..., n, n, n). No sampler looks at it.
    entries
        T with noise, in the same shape. Only those that are seen count.
    seen
        1.0 where an entry is seen and 0.0 elsewhere, in the same shape.
    deviation
        Of the noise, above 0. The samplers know it.

    References
    ----------
    Zhang, Hawkins & Zhang (2022), "General-purpose Bayesian tensor learning with automatic rank determination
    and uncertainty quantification", Frontiers in Artificial Intelligence 4.

    Examples
    --------
    >>> hawkins2022.Completion(np.ones((2, 2, 2)), np.ones((2, 2, 2)), np.ones((2, 2, 2)), deviation=0.1)
    Completion(8 of 8 entries seen, noise 0.1)
    """

    truth: np.ndarray
    entries: np.ndarray
    seen: np.ndarray
    deviation: float

    def __repr__(self) -> str:
        return f"Completion({self.seen.sum():.0f} of {self.seen.size} entries seen, noise {self.deviation:g})"


class VariancePrior(NamedTuple):
    """The inverse gamma law of a component's variance v, with a density like v^(-shape - 1) exp(-scale / v).

    A large ``shape`` fixes the variance at ``scale / shape``: then nothing shrinks.

    Attributes
    ----------
    shape, scale
        a and b, above 0.

    Examples
    --------
    >>> hawkins2022.VariancePrior(shape=4.0, scale=0.002)
    VariancePrior(shape=4.0, scale=0.002)
    """

    shape: float
    scale: float


# --- tensors ---


def tensor(factors: np.ndarray) -> np.ndarray:
    """Return the sum of the components, shapes (..., 3, n, k) -> (..., n, n, n).

    Parameters
    ----------
    factors
        A, B and C, each n x k.

    Examples
    --------
    >>> hawkins2022.tensor(np.full((3, 2, 1), 2.0)).ravel().tolist()
    [8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0]
    """
    flat = factors[..., 0, :, :] @ _products(factors[..., 1:, :, :]).mT
    return flat.reshape(*flat.shape[:-1], flat.shape[-2], -1)


def tensor_slope(factors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how the weighted sum of the tensor's entries moves with the factors, in the factors' shape.

    Parameters
    ----------
    factors
        A, B and C, shape (..., 3, n, k).
    weights
        Of the entries, shape (..., n, n, n).

    Examples
    --------
    >>> hawkins2022.tensor_slope(np.full((3, 2, 1), 2.0), np.ones((2, 2, 2))).ravel().tolist()
    [16.0, 16.0, 16.0, 16.0, 16.0, 16.0]
    """
    slopes = []
    for axis in range(3):
        # This factor's index first, then the two others as one.
        flat = np.moveaxis(weights, axis - 3, -3).reshape(*weights.shape[:-2], -1)
        slopes.append(flat @ _products(np.delete(factors, axis, axis=-3)))
    return np.stack(slopes, axis=-3)


def _products(pair: np.ndarray) -> np.ndarray:
    """Return the products of a row of one factor and one of the other, (..., 2, n, k) -> (..., n * n, k)."""
    both = pair[..., 0, :, None, :] * pair[..., 1, None, :, :]
    return both.reshape(*both.shape[:-3], -1, both.shape[-1])


def component_sizes(factors: np.ndarray) -> np.ndarray:
    """Return the Frobenius norm of each component, shapes (..., 3, n, k) -> (..., k).

    Parameters
    ----------
    factors
        A, B and C, each n x k.

    Examples
    --------
    >>> hawkins2022.component_sizes(np.ones((3, 4, 1))).tolist()
    [8.0]
    """
    return np.sqrt(np.square(factors).sum(axis=-2)).prod(axis=-2)


def random_completion(
    runs: int, size: int, rank: int, share: float, deviation: float, *, rng: np.random.Generator
) -> Completion:
    """Return several tensors of Gaussian components, scaled so that their entries have a mean square of 1.

    Parameters
    ----------
    runs
        How many tensors.
    size
        n.
    rank
        Components of each tensor.
    share
        An entry is seen with this probability.
    deviation
        Of the noise, above 0.
    rng
        Draws components, noise and what is seen.

    Returns
    -------
    Completion
        With arrays of shape (runs, n, n, n).

    Raises
    ------
    TypeError, ValueError
        A deviation that is not above 0; something that is no Generator.

    Examples
    --------
    >>> hawkins2022.random_completion(2, 6, 3, 0.5, 0.1, rng=np.random.default_rng(0))
    Completion(216 of 432 entries seen, noise 0.1)
    """
    truth = tensor(random_generator(rng).standard_normal((runs, 3, size, rank)))
    truth = truth / np.sqrt(np.square(truth).mean(axis=(1, 2, 3), keepdims=True))
    entries = truth + positive_number("deviation", deviation) * rng.standard_normal(truth.shape)
    return Completion(truth, entries, (rng.random(truth.shape) < share).astype(float), deviation)


# --- the two samplers ---


def posterior_slope(
    completion: Completion, prior: VariancePrior, factors: np.ndarray, counts: np.ndarray | float = 1.0
) -> np.ndarray:
    """Return how the logarithm of the posterior's density moves with the factors, in their shape.

    Parameters
    ----------
    completion
        What is seen.
    prior
        Of the components' variances, which are integrated out.
    factors
        A, B and C, shape (..., 3, n, k).
    counts
        How often each entry counts, where it is seen.

    References
    ----------
    Zhang, Hawkins & Zhang (2022), with a prior of ours.

    Examples
    --------
    >>> unseen = hawkins2022.Completion(*np.zeros((3, 2, 2, 2)), deviation=1.0)
    >>> prior = hawkins2022.VariancePrior(shape=1.0, scale=1.0)
    >>> hawkins2022.posterior_slope(unseen, prior, np.ones((3, 2, 1)))[0].tolist()
    [[-1.0], [-1.0]]
    """
    error = counts * completion.seen * (completion.entries - tensor(factors))
    lengths = np.square(factors).sum(axis=(-3, -2), keepdims=True)
    pull = (prior.shape + 1.5 * factors.shape[-2]) / (prior.scale + lengths / 2)
    return tensor_slope(factors, error / completion.deviation**2) - pull * factors


def sample_hamiltonian(
    completion: Completion,
    prior: VariancePrior,
    start: np.ndarray,
    *,
    step: float,
    steps: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return a chain by stochastic gradient Hamiltonian Monte Carlo, shape (steps // 20, ..., 3, n, k).

    In each step the velocity loses a tenth of itself. It gains the posterior's slope, estimated from a random
    batch of four fifths of the entries, and Gaussian noise of variance 0.2 times the step. The step grows
    linearly during the first eighth of the run. Every 20th state is kept.

    Parameters
    ----------
    completion
        What is seen of one tensor or of several, whose chains run side by side.
    prior
        Of the components' variances.
    start
        The first factors, shape (..., 3, n, k).
    step
        In units of the posterior's variances, above 0.
    steps
        How many, at least 20.
    rng
        Draws batches and noise.

    Raises
    ------
    TypeError, ValueError
        An unusable step or number of steps; something that is no Generator.
    FloatingPointError
        A chain that diverges: choose a smaller step.

    References
    ----------
    Chen, Fox & Guestrin (2014), "Stochastic gradient Hamiltonian Monte Carlo"; Zhang, Hawkins & Zhang (2022).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> completion = hawkins2022.random_completion(1, 4, 1, 0.9, 0.1, rng=rng)
    >>> prior = hawkins2022.VariancePrior(shape=4.0, scale=0.002)
    >>> start = rng.standard_normal((1, 3, 4, 2))
    >>> chain = hawkins2022.sample_hamiltonian(completion, prior, start, step=5e-5, steps=2000, rng=rng)
    >>> sizes = hawkins2022.component_sizes(chain[-1, 0])
    >>> bool(sizes.min() < 0.01 * sizes.max())
    True
    """
    step = positive_number("step", step)
    steps = whole_number("steps", steps, least=KEPT)
    rng = random_generator(rng)
    factors = start
    velocity = np.zeros_like(start)
    chain = []
    for number in range(1, steps + 1):
        rate = step * min(1, 8 * number / steps)
        # Each entry that counts stands for those that do not.
        counts = (rng.random(completion.seen.shape) < BATCH) / BATCH
        push = np.sqrt(2 * FRICTION * rate) * rng.standard_normal(start.shape)
        velocity = (1 - FRICTION) * velocity + push
        velocity = velocity + rate * posterior_slope(completion, prior, factors, counts)
        factors = factors + velocity
        if number % KEPT == 0:
            chain.append(finite_result("sample_hamiltonian", factors))
    return np.array(chain)


def descend_stein(
    completion: Completion, prior: VariancePrior, particles: np.ndarray, *, learning_rate: float, steps: int
) -> np.ndarray:
    """Return particles after Stein variational gradient descent, in the shape of their start.

    Steps are Adam's, with a rate that falls linearly to 0.

    Parameters
    ----------
    completion
        What is seen of one tensor or of several.
    prior
        Of the components' variances.
    particles
        Where they start: the factors of P of them, shape (P, ..., 3, n, k).
    learning_rate
        The first, above 0.
    steps
        How many, at least 1.

    Raises
    ------
    TypeError, ValueError
        An unusable rate or number of steps.
    FloatingPointError
        Particles that diverge.

    References
    ----------
    Liu & Wang (2016), "Stein variational gradient descent"; Kingma & Ba (2015), "Adam"; Zhang, Hawkins &
    Zhang (2022).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> completion = hawkins2022.random_completion(1, 4, 1, 0.9, 0.1, rng=rng)
    >>> prior = hawkins2022.VariancePrior(shape=4.0, scale=0.002)
    >>> start = rng.standard_normal((5, 1, 3, 4, 2))
    >>> end = hawkins2022.descend_stein(completion, prior, start, learning_rate=0.1, steps=500)
    >>> bool(np.abs(hawkins2022.tensor(end) - completion.truth).mean() < 0.1)
    True
    """
    rate = positive_number("learning_rate", learning_rate)
    steps = whole_number("steps", steps, least=1)
    mean = square = np.zeros_like(particles)
    for number in range(1, steps + 1):
        move = stein_direction(particles, posterior_slope(completion, prior, particles))
        # Adam: the mean of past moves over their root mean square, both freed of their start at 0.
        mean = 0.9 * mean + 0.1 * move
        square = 0.999 * square + 0.001 * move**2
        scale = np.sqrt(square / (1 - 0.999**number)) + 1e-8
        particles = particles + rate * (1 - number / steps) * mean / (1 - 0.9**number) / scale
    return finite_result("descend_stein", particles)


def stein_direction(particles: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return where each particle goes: along the kernel's mean of all slopes, and away from the others.

    The kernel of x and y is exp(-||x - y||^2 / h), with h the median squared distance over log P.

    Parameters
    ----------
    particles
        Factors of P particles, at least two, shape (P, ..., 3, n, k). Those of each tensor are a sample.
    slopes
        Of the posterior's logarithm at each particle, in the same shape.

    References
    ----------
    Liu & Wang (2016), equation (8) and their choice of the kernel.

    Examples
    --------
    >>> particles = np.array([-1.0, 1.0]).reshape(2, 1, 1, 1)
    >>> hawkins2022.stein_direction(particles, 0 * particles).round(3).ravel().tolist()
    [-0.173, 0.173]
    """
    points, directions = (np.moveaxis(one.reshape(*one.shape[:-3], -1), 0, -2) for one in (particles, slopes))
    squares = np.square(points).sum(axis=-1, keepdims=True)
    distances = squares + squares.mT - 2 * points @ points.mT
    middle = np.median(distances[..., *np.triu_indices(len(particles), 1)], axis=-1)
    width = middle[..., None, None] / np.log(len(particles))
    kernel = np.exp(-distances / width)
    # The kernel's own slope points away from the others.
    away = kernel.sum(axis=-1, keepdims=True) * points - kernel @ points
    moves = (kernel @ directions + 2 / width * away) / len(particles)
    return np.moveaxis(moves, -2, 0).reshape(particles.shape)
