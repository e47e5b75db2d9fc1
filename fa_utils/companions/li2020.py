"""Labels that are partly wrong, and training that stops early: Li, Soltanolkotabi & Oymak (2020).

"Gradient descent with early stopping is provably robust to label noise for overparameterized neural
networks". Inputs lie in clusters, each with one true label, 1 or -1, and some points carry the other one. A
network f(x) = v^T tanh(W x) learns the labels y that it is given, by full-batch steps on ||f - y||^2 / 2n.
The paper trains W alone, by gradient descent. With feedback alignment (FA) W moves as if b, fixed, were v.

Wrong labels are far away. Let x and x' lie in one cluster, and let W be at a distance D from its start W(0).
While v stays, f(x) - f(x') has a slope in W of at most a + c D there, with

    a = ||v|| ||x - x'|| + c_0 ||x|| ||W(0) (x - x')||,   c = c_0 ||x|| ||x - x'||,   c_0 = bend max_s |v_s|,

since tanh has a slope of at most 1, which itself changes at a rate of at most bend = 4 / (3 sqrt 3). So the
difference has changed by at most a D + c D^2 / 2. Inputs that are close need a large D to be told apart. The
paper proves a statement of this kind. The setting and these constants are rebuilt.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fa_utils import _checks as checks
from fa_utils._records import Record
from fa_utils.problems import orthonormal_columns
from fa_utils.simulate import Rates

# --- data ---


@dataclass(frozen=True, eq=False, repr=False)
class NoisyClusters(Record):
    """Points in K clusters of N, of which some have the wrong label. True labels are 1 and -1 in turn.

    Attributes
    ----------
    inputs
        x, shape (K, N, d).
    flipped
        In each cluster the first so many points have the other label. From 0 to N.

    Raises
    ------
    TypeError
        Entries that are not real floating-point numbers; a number of points that is not whole.
    ValueError
        Entries that are not finite; more flipped points than there are.

    Examples
    --------
    >>> data = li2020.NoisyClusters(np.ones((2, 3, 4)), flipped=1)
    >>> data
    NoisyClusters(2 x 3 points in 4 dimensions, 1 of 3 flipped)
    >>> data.labels.tolist()
    [[-1.0, 1.0, 1.0], [1.0, -1.0, -1.0]]
    """

    inputs: np.ndarray
    flipped: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", checks.real_array("inputs", self.inputs, ndim=3))
        if checks.whole_number("flipped", self.flipped, least=0) > self.inputs.shape[1]:
            raise ValueError(
                f"flipped is {self.flipped}; choose at most {self.inputs.shape[1]}, all of a cluster"
            )

    def __repr__(self) -> str:
        K, N, d = self.inputs.shape
        return f"NoisyClusters({K} x {N} points in {d} dimensions, {self.flipped} of {N} flipped)"

    @property
    def truth(self) -> np.ndarray:
        """The true label of each cluster, shape (K, 1): it stands for all of its points."""
        return np.where(np.arange(len(self.inputs)) % 2 == 0, 1.0, -1.0)[:, None]

    @property
    def labels(self) -> np.ndarray:
        """y, the labels that are learnt, shape (K, N)."""
        return self.truth * np.where(np.arange(self.inputs.shape[1]) < self.flipped, -1.0, 1.0)

    def differences(self, values: np.ndarray) -> np.ndarray:
        """Return values of flipped points less others, (K, N, ...) -> (K, flipped, N - flipped, ...)."""
        return values[:, : self.flipped, None] - values[:, None, self.flipped :]


def noisy_clusters(
    shape: tuple[int, int, int], radius: float, flipped: int, *, rng: np.random.Generator
) -> NoisyClusters:
    """Return clusters around orthonormal centres.

    Parameters
    ----------
    shape
        (K, N, d): K clusters of N points in d dimensions, K at most d.
    radius
        Each point is so far from its centre, in a random direction. At least 0.
    flipped
        Points of each cluster whose label is the wrong one.
    rng
        Spawns a stream each for the centres and for the directions.

    Returns
    -------
    NoisyClusters

    Raises
    ------
    TypeError, ValueError
        Impossible numbers; something that is no Generator.

    Examples
    --------
    >>> li2020.noisy_clusters((4, 20, 30), radius=0.2, flipped=4, rng=np.random.default_rng(0))
    NoisyClusters(4 x 20 points in 30 dimensions, 4 of 20 flipped)
    """
    radius = checks.number_from_zero("radius", radius)
    clusters, points, inputs = (checks.whole_number("shape", size, least=1) for size in shape)
    centre_rng, direction_rng = checks.spawning_generator(rng).spawn(2)
    centres = orthonormal_columns(inputs, clusters, rng=centre_rng).T
    directions = direction_rng.standard_normal((clusters, points, inputs))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return NoisyClusters(centres[:, None] + radius * directions, flipped)


# --- networks and their training ---


class Network(NamedTuple):
    """A network f(x) = v^T tanh(W x).

    Attributes
    ----------
    first
        W, shape (k, d).
    second
        v, shape (k,).

    Examples
    --------
    >>> li2020.random_network(6, 4, rng=np.random.default_rng(0))
    Network(k = 6, d = 4)
    """

    first: np.ndarray
    second: np.ndarray

    def __repr__(self) -> str:
        return f"Network(k = {self.second.size}, d = {self.first.shape[1]})"


def random_network(units: int, inputs: int, *, rng: np.random.Generator) -> Network:
    """Return a network with W ~ N(0, 1), and v = 1 / sqrt(k) and -1 / sqrt(k) in turn.

    Parameters
    ----------
    units
        k, at least 1.
    inputs
        d, at least 1.
    rng
        Draws W.

    Returns
    -------
    Network

    Raises
    ------
    TypeError, ValueError
        Impossible sizes; something that is no Generator.

    References
    ----------
    Li, Soltanolkotabi & Oymak (2020): a network of the kind of theirs.

    Examples
    --------
    >>> li2020.random_network(4, 3, rng=np.random.default_rng(0)).second.tolist()
    [0.5, -0.5, 0.5, -0.5]
    """
    units = checks.whole_number("units", units, least=1)
    inputs = checks.whole_number("inputs", inputs, least=1)
    first = checks.random_generator(rng).standard_normal((units, inputs))
    return Network(first, np.where(np.arange(units) % 2 == 0, 1.0, -1.0) / np.sqrt(units))


class Training(NamedTuple):
    """A run of T steps.

    Attributes
    ----------
    outputs
        f(x) at the start and after each step, shape (T + 1, K, N).
    distances
        ||W - W(0)|| then, shape (T + 1,).
    network
        After the last step.

    Examples
    --------
    >>> data = li2020.noisy_clusters((2, 5, 3), radius=0.1, flipped=1, rng=np.random.default_rng(0))
    >>> network = li2020.random_network(50, 3, rng=np.random.default_rng(1))
    >>> li2020.train_layers(network, data, rates=(1.0, 0.0), steps=30)
    Training(30 steps, k = 50, d = 3)
    """

    outputs: np.ndarray
    distances: np.ndarray
    network: Network

    def __repr__(self) -> str:
        return f"Training({self.distances.size - 1} steps, {repr(self.network)[8:-1]})"


def train_layers(
    network: Network, data: NoisyClusters, rates: Rates, steps: int, feedback: np.ndarray | None = None
) -> Training:
    """Return the run of backpropagation, or of FA where there is feedback.

    Parameters
    ----------
    network
        Where the run starts.
    data
        Its labels are learnt, the wrong ones among them.
    rates
        Learning rates, of W and of v, each at least 0. With a rate of 0 the layer stays.
    steps
        At least 1.
    feedback
        b, shape (k,). Without it, the v of each step.

    Returns
    -------
    Training

    Raises
    ------
    TypeError, ValueError
        Unusable rates or steps; feedback of another shape.
    FloatingPointError
        An output is no longer finite. The message names the step.

    References
    ----------
    Li, Soltanolkotabi & Oymak (2020): rates (a, 0), without feedback.

    Examples
    --------
    >>> data = li2020.noisy_clusters((2, 5, 3), radius=0.1, flipped=1, rng=np.random.default_rng(0))
    >>> network = li2020.random_network(50, 3, rng=np.random.default_rng(1))
    >>> run = li2020.train_layers(network, data, rates=(1.0, 0.0), steps=30)
    >>> bool((np.sign(run.outputs[-1]) == data.truth).all())
    True
    """
    first_rate, second_rate = (checks.number_from_zero("rates", rate) for rate in rates)
    W, v = network
    if feedback is not None and np.shape(feedback) != v.shape:
        raise ValueError(f"feedback has shape {np.shape(feedback)}; {network} needs {v.shape}")
    X = data.inputs.reshape(-1, W.shape[1])
    outputs = []
    distances = []
    for step in range(checks.whole_number("steps", steps, least=1) + 1):
        hidden = np.tanh(W @ X.T)
        outputs.append(v @ hidden)
        distances.append(np.linalg.norm(W - network.first))
        if not np.isfinite(outputs[-1]).all():
            raise FloatingPointError(f"training diverged at step {step}; choose lower rates than {rates}")
        reached = Network(W, v)
        # Both layers move from where they are now.
        errors = (data.labels.ravel() - outputs[-1]) / len(X)
        backward = v if feedback is None else feedback
        W = W + first_rate * (backward[:, None] * (1 - hidden**2) * errors) @ X
        v = v + second_rate * hidden @ errors
    return Training(np.reshape(outputs, (-1, *data.labels.shape)), np.array(distances), reached)


# --- how far a network must go ---


def largest_changes(network: Network, data: NoisyClusters, distances: np.ndarray) -> np.ndarray:
    """Return by how much f(x) - f(x') can change at most while W goes so far from its start and v stays.

    Parameters
    ----------
    network
        At the start.
    data
        x is a flipped point and x' another one of its cluster.
    distances
        D, shape (T,), none negative.

    Returns
    -------
    np.ndarray
        a D + c D^2 / 2 for each pair, shape (T, K, flipped, N - flipped).

    Raises
    ------
    TypeError, ValueError
        Distances that are no list of numbers, or negative.

    References
    ----------
    Li, Soltanolkotabi & Oymak (2020) prove a statement of this kind; the constants are rebuilt.

    Examples
    --------
    >>> data = li2020.noisy_clusters((2, 5, 3), radius=0.1, flipped=1, rng=np.random.default_rng(0))
    >>> network = li2020.random_network(50, 3, rng=np.random.default_rng(1))
    >>> li2020.largest_changes(network, data, distances=[0.5, 1.0]).shape
    (2, 2, 1, 4)
    """
    slope, growth = _slopes(network, data)
    distances = checks.nonnegative_values("distances", distances)[:, None, None, None]
    return slope * distances + growth * distances**2 / 2


def distance_needed(network: Network, data: NoisyClusters) -> float:
    """Return a distance from its start that W has at least once f = y at all points, if v stays.

    Parameters
    ----------
    network
        At the start.
    data
        With flipped points, not all of a cluster.

    Returns
    -------
    float
        The largest that a pair asks for, by `largest_changes`.

    References
    ----------
    Li, Soltanolkotabi & Oymak (2020) prove a statement of this kind; the constants are rebuilt.

    Examples
    --------
    >>> network = li2020.random_network(50, 3, rng=np.random.default_rng(1))
    >>> for radius in (0.2, 0.1):
    ...     data = li2020.noisy_clusters((2, 5, 3), radius, flipped=1, rng=np.random.default_rng(0))
    ...     print(round(li2020.distance_needed(network, data)))
    19
    31
    """
    slope, growth = _slopes(network, data)
    at_start = np.tanh(data.inputs @ network.first.T) @ network.second
    change = np.abs(data.differences(data.labels - at_start))
    # The root of slope D + growth D^2 / 2 = change, in a form that loses no digits.
    return float((2 * change / (slope + np.sqrt(slope**2 + 2 * growth * change))).max())


def _slopes(network: Network, data: NoisyClusters) -> tuple[np.ndarray, np.ndarray]:
    """Return a and c of each pair, shapes (K, flipped, N - flipped)."""
    apart = data.differences(data.inputs)
    distances = np.linalg.norm(apart, axis=-1)
    # Of each pair the flipped point is x; the bound holds with the other one as well.
    lengths = np.linalg.norm(data.inputs[:, : data.flipped, None], axis=-1)
    growth = 4 / (3 * np.sqrt(3)) * np.abs(network.second).max() * lengths
    moved = np.linalg.norm(apart @ network.first.T, axis=-1)
    return np.linalg.norm(network.second) * distances + growth * moved, growth * distances
