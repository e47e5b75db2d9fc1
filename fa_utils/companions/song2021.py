"""Two-layer networks that learn by random feedback: Song, Xu & Lafferty (2021).

A network f(x) = beta^T psi(W x) / sqrt(p) learns n labels y by full-batch steps on ||f - y||^2 / n plus
decay / 2 ||beta||^2. Feedback alignment (FA) moves beta down the gradient, and each row w_s of W as if b_s,
random and fixed, were beta_s. W moves along the inputs only. It is kept as W X^T, shape (p, n), which moves
by the inner products of the inputs, so that their dimension costs nothing.

A linear network moves along few directions. With h = X W(0)^T there are alpha, gamma and, in R^n, u and v,
such that X W^T = h + u b^T and beta = h^T v + gamma b + alpha beta(0): 2n + 2 numbers at any width p.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from fa_utils._checks import number_from_zero, positive_number, real_array, spawning_generator, whole_number
from fa_utils._linalg import upper_triangle
from fa_utils._records import Record

ENTRIES = 2**17  # of W X^T at a time, so that they stay in the processor's cache


# --- networks ---


class Activation(NamedTuple):
    """An activation psi.

    Attributes
    ----------
    name
        As it is printed.
    value
        Called as ``value(array, out=None)``: returns psi of each entry, in ``out`` where that is given.
    slope
        Called as ``slope(values, out)``: returns, in ``out``, psi's slope where psi has these values.

    Examples
    --------
    >>> np.array_equal(song2021.RELU.value(np.array([-1.0, 2.0])), [0.0, 2.0])
    True
    """

    name: str
    value: Callable[..., np.ndarray]
    slope: Callable[..., np.ndarray]


def _constant_slope(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return 1 for each entry, in ``out``."""
    return np.power(values, 0, out=out)


def _rectify(values: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return each entry, or 0 where it is negative."""
    return np.multiply(values, np.greater(values, 0, out=out), out=out)


def _rectifier_slope(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return 1 where an entry is positive and 0 elsewhere, in ``out``."""
    return np.greater(values, 0, out=out)


def _tanh_slope(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return 1 - tanh^2, in ``out``, for values of tanh."""
    return np.subtract(1, np.square(values, out=out), out=out)


LINEAR = Activation("linear", np.positive, _constant_slope)
RELU = Activation("ReLU", _rectify, _rectifier_slope)
TANH = Activation("tanh", np.tanh, _tanh_slope)


@dataclass(frozen=True, eq=False, repr=False)
class Network(Record):
    """A two-layer network together with its task. Its arrays are read-only.

    Attributes
    ----------
    activation
        psi.
    gram
        X X^T, shape (n, n).
    labels
        y, shape (n,).
    hidden
        W X^T, shape (p, n): a row for each hidden unit, a column for each sample.
    weights
        beta, shape (p,).
    feedback
        b, shape (p,).

    Raises
    ------
    TypeError
        Entries that are not real floating-point numbers.
    ValueError
        Entries that are not finite; shapes that do not fit ``hidden``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = song2021.random_network(song2021.RELU, samples=5, inputs=15, width=100, rng=rng)
    >>> network
    Network(ReLU, 5 samples, p = 100)
    >>> network.outputs.shape
    (5,)
    """

    activation: Activation
    gram: np.ndarray
    labels: np.ndarray
    hidden: np.ndarray
    weights: np.ndarray
    feedback: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", real_array("hidden", self.hidden, 2))
        # All other shapes follow from that of W X^T.
        p, n = self.hidden.shape
        for name, shape in (("gram", (n, n)), ("labels", (n,)), ("weights", (p,)), ("feedback", (p,))):
            array = real_array(name, getattr(self, name), len(shape))
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}; hidden of shape {(p, n)} needs {shape}")
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        return f"Network({self.activation.name}, {self.labels.size} samples, p = {self.weights.size})"

    @property
    def outputs(self) -> np.ndarray:
        """f(x) for every sample, shape (n,)."""
        return self.weights @ self.activation.value(self.hidden) / np.sqrt(self.weights.size)

    @property
    def loss(self) -> float:
        """The mean square error ||f - y||^2 / n, without the decay's term."""
        return float(np.square(self.outputs - self.labels).mean())

    @property
    def cosine(self) -> float:
        """The cosine between beta and b."""
        return _cosine(self.weights, self.feedback)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Return the cosine between two vectors (p,)."""
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def random_network(
    activation: Activation, samples: int, inputs: int, width: int, *, rng: np.random.Generator
) -> Network:
    """Return a network with X, W, beta and b ~ N(0, 1), and labels that it can learn.

    The labels of a linear network are X theta with theta ~ N(0, I). Those of any other are the outputs of a
    teacher, a network of the same kind and width.

    Parameters
    ----------
    activation
        psi, of the network and of its teacher.
    samples
        n, at least 1.
    inputs
        Dimension of x, at least 1. With fewer inputs than samples X X^T is singular.
    width
        p, at least 1.
    rng
        Spawns a stream each for inputs, task, start and feedback.

    Raises
    ------
    TypeError, ValueError
        Impossible sizes; something that is no Generator.

    References
    ----------
    Song, Xu & Lafferty (2021), "Convergence and alignment of gradient descent with random backpropagation
    weights": the setting of their simulations.

    Examples
    --------
    >>> song2021.random_network(song2021.LINEAR, 5, inputs=15, width=100, rng=np.random.default_rng(0))
    Network(linear, 5 samples, p = 100)
    """
    samples = whole_number("samples", samples, least=1)
    width = whole_number("width", width, least=1)
    inputs = whole_number("inputs", inputs, least=1)
    input_rng, task_rng, start_rng, feedback_rng = spawning_generator(rng).spawn(4)
    X = input_rng.standard_normal((samples, inputs))
    # Rows of W X^T are drawn from their law given X, N(0, X X^T), of which this triangle is a root.
    root = upper_triangle(X.T)
    # Labels that a network of this kind can learn.
    if activation == LINEAR:
        labels = X @ task_rng.standard_normal(inputs)
    else:
        teacher = task_rng.standard_normal((width, len(root))) @ root
        labels = task_rng.standard_normal(width) @ activation.value(teacher) / np.sqrt(width)
    hidden = start_rng.standard_normal((width, len(root))) @ root
    weights = start_rng.standard_normal(width)
    return Network(activation, X @ X.T, labels, hidden, weights, feedback_rng.standard_normal(width))


def random_linear_network(samples: int, inputs: int, width: int, *, rng: np.random.Generator) -> Network:
    """Return a linear network of samples + 2 hidden units that learns as a random one of that width.

    How a linear network learns is decided by the inner products of the columns of W X^T, of beta and of b.
    W X^T and b are rescaled, so that losses and cosines have, at every step, the law of those of
    `random_network`. The products of beta with b have not.

    Parameters
    ----------
    samples
        n, at least 1.
    inputs
        Dimension of x, at least n.
    width
        p, of the network whose law this is. At least n + 2.
    rng
        Spawns a stream each for inputs, task and start.

    Raises
    ------
    TypeError, ValueError
        Impossible sizes; something that is no Generator.

    References
    ----------
    Bartlett (1933): the triangle that has the inner products of Gaussian columns.

    Examples
    --------
    >>> song2021.random_linear_network(samples=5, inputs=15, width=10**6, rng=np.random.default_rng(0))
    Network(linear, 5 samples, p = 7)
    """
    samples = whole_number("samples", samples, least=1)
    inputs = whole_number("inputs", inputs, least=samples)
    width = whole_number("width", width, least=samples + 2)
    input_rng, task_rng, start_rng = spawning_generator(rng).spawn(3)
    X = input_rng.standard_normal((samples, inputs))
    # Bartlett: Gaussian columns have the inner products of a triangle, N(0, 1) above its diagonal, chi on it.
    columns = np.triu(start_rng.standard_normal((samples + 2, samples + 2)), 1)
    columns += np.diag(np.sqrt(start_rng.chisquare(width - np.arange(samples + 2))))
    # Outputs are divided by the root of fewer units.
    share = (samples + 2) / width
    hidden = np.sqrt(share) * columns[:, :samples] @ upper_triangle(X.T)
    labels = X @ task_rng.standard_normal(inputs)
    return Network(LINEAR, X @ X.T, labels, hidden, weights=columns[:, -1], feedback=share * columns[:, -2])


def layer_kernels(activation: Activation, gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return K2 and K1, by which the second and the first layer of a wide network learn, each (n, n).

    With w ~ N(0, I), K2 is the mean of psi(w^T x) psi(w^T x') and K1 that of psi'(w^T x) psi'(w^T x') x^T x'.

    Parameters
    ----------
    activation
        `LINEAR`, or else the kernels are those of `RELU`.
    gram
        X X^T, shape (n, n).

    Returns
    -------
    tuple
        K2, which is also the covariance of the outputs of wide random networks, and K1.

    References
    ----------
    Cho & Saul (2009), "Kernel methods for deep learning": the arc-cosine kernels of orders 1 and 0.

    Examples
    --------
    >>> second, first = song2021.layer_kernels(song2021.RELU, np.array([[2.0, 0.0], [0.0, 2.0]]))
    >>> second.round(3).tolist(), first.round(3).tolist()
    ([[1.0, 0.318], [0.318, 1.0]], [[1.0, 0.0], [0.0, 1.0]])
    """
    if activation == LINEAR:
        return gram, gram
    lengths = np.sqrt(np.diag(gram))
    angles = np.arccos(np.clip(gram / np.outer(lengths, lengths), -1, 1))
    # Both units are active with this probability.
    both = (np.pi - angles) / (2 * np.pi)
    return np.outer(lengths, lengths) * np.sin(angles) / (2 * np.pi) + gram * both, gram * both


# --- training ---


@dataclass(frozen=True, eq=False, repr=False)
class Training(Record):
    """A run of FA.

    Attributes
    ----------
    steps
        How many steps had been made at each look, shape (T,).
    losses
        ||f - y||^2 / n at each look, shape (T,).
    cosines
        Between beta and b at each look, shape (T,).
    network
        The network after the last step.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = song2021.random_network(song2021.RELU, samples=5, inputs=15, width=100, rng=rng)
    >>> song2021.train_network(network, learning_rate=0.01, decay=0.1, steps=2000)
    Training(ReLU, 5 samples, p = 100, 2000 steps)
    """

    steps: np.ndarray
    losses: np.ndarray
    cosines: np.ndarray
    network: Network

    def __repr__(self) -> str:
        return f"Training({str(self.network)[8:-1]}, {self.steps[-1]} steps)"


def train_network(network: Network, learning_rate: float, decay: float, steps: int, **when: Any) -> Training:
    """Return FA's run of one network.

    Parameters
    ----------
    network
        Where the run starts.
    learning_rate, decay, steps, when
        As in `train_networks`.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `train_networks`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = song2021.random_network(song2021.RELU, samples=5, inputs=15, width=100, rng=rng)
    >>> run = song2021.train_network(network, learning_rate=0.01, decay=0.1, steps=2000)
    >>> run.steps.tolist(), bool(run.losses[-1] < network.loss)
    ([1000, 2000], True)
    """
    return train_networks([network], learning_rate, [decay], steps, **when)[0]


def train_networks(
    networks: Sequence[Network],
    learning_rate: float,
    decays: Sequence[float],
    steps: int,
    *,
    every: int = 1000,
    change: float = np.inf,
    most_steps: int = 1_000_000,
    precision: DTypeLike = np.float64,
) -> list[Training]:
    """Return FA's runs of networks, each with a decay of its own.

    A run has settled once its loss differs by less than ``change`` from that ``every`` steps before; the
    first is compared with 0. A run ends after ``steps`` if it has settled by then, or else once it settles.

    Parameters
    ----------
    networks
        Where the runs start. Linear networks of as many samples run together, on 2n + 2 numbers each.
    learning_rate
        Above 0.
    decays
        At least 0, one for each network.
    steps
        How many steps a run has at least, 1 or more.
    every
        After each so many steps a run is looked at, and after ``steps``.
    change
        At least 0; ``np.inf`` lets every run end after ``steps``.
    most_steps
        A run ends after so many, settled or not. At least ``steps``.
    precision
        ``np.float32`` for steps in single precision. Linear networks that are trained together ignore it.

    Raises
    ------
    TypeError, ValueError
        Unusable numbers; another number of decays than of networks.
    FloatingPointError
        A loss is no longer finite. The message names the step.

    References
    ----------
    Song, Xu & Lafferty (2021): feedback alignment with and without regularisation.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = song2021.random_network(song2021.LINEAR, samples=5, inputs=15, width=100, rng=rng)
    >>> aligned, free = song2021.train_networks([network] * 2, 1e-3, decays=[0.5, 0.0], steps=5000)
    >>> bool(aligned.cosines[-1] > free.cosines[-1])
    True
    """
    rate = positive_number("learning_rate", learning_rate)
    decays = [number_from_zero("decay", decay) for decay in decays]
    if len(decays) != len(networks):
        raise ValueError(f"{len(decays)} decays for {len(networks)} networks; give one for each")
    limits = _limits(steps, every, change, most_steps)
    # Linear networks of one size fit one array; any others are trained one by one.
    kinds = {(network.activation, network.labels.size) for network in networks}
    if len(kinds) == 1 and networks[0].activation == LINEAR:
        return _train_until_settled(_LinearRuns(networks, rate, decays), limits)
    trainings = []
    for network, decay in zip(networks, decays, strict=True):
        trainings += _train_until_settled(_FullRun(network, rate, decay, np.dtype(precision)), limits)
    return trainings


def backpropagate_network(
    network: Network, learning_rate: float, decay: float, steps: int, *, every: int = 1000
) -> Training:
    """Return the run of backpropagation, in which beta itself takes the place of b at every step.

    Parameters
    ----------
    network
        Where the run starts. Its feedback plays no part; cosines are between beta and it all the same.
    learning_rate, decay, steps, every
        As in `train_networks`. The run ends after ``steps``.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `train_networks`.

    References
    ----------
    Song, Xu & Lafferty (2021): what they compare feedback alignment with.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = song2021.random_network(song2021.RELU, samples=5, inputs=15, width=100, rng=rng)
    >>> run = song2021.backpropagate_network(network, learning_rate=0.01, decay=0.0, steps=500)
    >>> bool(run.losses[-1] < 0.01 * network.loss)
    True
    """
    rate = positive_number("learning_rate", learning_rate)
    decay = number_from_zero("decay", decay)
    limits = _limits(steps, every, np.inf, steps)
    return _train_until_settled(_BackpropagationRun(network, rate, decay, np.dtype(float)), limits)[0]


def first_samples(network: Network, samples: int) -> Network:
    """Return the network of the first samples only: what it learns if it does not see the others.

    Parameters
    ----------
    network
        Of at least so many samples.
    samples
        At least 1.

    Raises
    ------
    TypeError, ValueError
        A number that is not whole, or below 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> everything = song2021.random_network(song2021.RELU, samples=8, inputs=15, width=100, rng=rng)
    >>> song2021.first_samples(everything, 5)
    Network(ReLU, 5 samples, p = 100)
    """
    n = whole_number("samples", samples, least=1)
    gram = network.gram[:n, :n]
    return replace(network, gram=gram, labels=network.labels[:n], hidden=network.hidden[:, :n])


def on_all_samples(network: Network, trained: Network) -> Network:
    """Return a trained network with the samples that it did not learn: its outputs there are predictions.

    Parameters
    ----------
    network
        Before training, with all samples.
    trained
        After training on its `first_samples`, whose X X^T must not be singular.

    Raises
    ------
    ValueError
        More samples in ``trained``, or another width.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> everything = song2021.random_network(song2021.LINEAR, samples=8, inputs=6, width=100, rng=rng)
    >>> run = song2021.train_network(song2021.first_samples(everything, 5), 0.05, decay=0.0, steps=2000)
    >>> predicted = song2021.on_all_samples(everything, run.network).outputs[5:]
    >>> errors = predicted - everything.labels[5:]
    >>> bool(np.sum(errors**2) < np.sum((everything.outputs - everything.labels)[5:] ** 2))
    True
    """
    n = trained.labels.size
    # W moves along the learnt inputs only: how it moved there tells how it moved anywhere.
    moved = trained.hidden - network.hidden[:, :n]
    along = np.linalg.solve(network.gram[:n, :n], network.gram[:n])
    return replace(network, hidden=network.hidden + moved @ along, weights=trained.weights)


class _Limits(NamedTuple):
    """When runs are looked at, and when they end: see `train_networks`."""

    steps: int
    every: int
    change: float
    most_steps: int

    def next_look(self, made: int) -> int:
        """Return after how many steps runs are looked at next, once so many are made."""
        looks = (made - made % self.every + self.every, self.steps, self.most_steps)
        return min(look for look in looks if look > made)


def _limits(steps: int, every: int, change: float, most_steps: int) -> _Limits:
    """Return the limits, or raise TypeError or ValueError where one is unusable."""
    return _Limits(
        steps=whole_number("steps", steps, least=1),
        every=whole_number("every", every, least=1),
        change=change if change == np.inf else number_from_zero("change", change),
        most_steps=whole_number("most_steps", most_steps, least=steps),
    )


def _train_until_settled(runs: "_FullRun | _LinearRuns", limits: _Limits) -> list[Training]:
    """Return the runs, which make their steps together, each as long as the limits say."""
    going = np.arange(runs.count)
    settled = np.full(runs.count, limits.change == np.inf)
    compared = np.zeros(runs.count)
    seen: list[list[tuple[float, float]]] = [[] for _ in going]
    trainings: dict[int, Training] = {}
    steps = [0]
    while going.size:
        steps.append(limits.next_look(steps[-1]))
        with np.errstate(over="ignore", invalid="ignore"):
            runs.advance(steps[-1] - steps[-2])
            losses, cosines = runs.measure()
        if not np.isfinite(losses).all():
            raise FloatingPointError(
                f"training diverged before step {steps[-1]}; choose a smaller learning rate"
            )
        # Whether a run has settled is decided at multiples of `every` only.
        if steps[-1] % limits.every == 0:
            settled[going] |= abs(losses - compared[going]) < limits.change
            compared[going] = losses
        # Runs that end leave the arrays, and the others go on without them.
        staying = (steps[-1] < limits.steps) | (~settled[going] & (steps[-1] < limits.most_steps))
        for place, run in enumerate(going.tolist()):
            seen[run].append((losses[place], cosines[place]))
            if not staying[place]:
                run_losses, run_cosines = np.transpose(seen[run])
                trainings[run] = Training(np.array(steps[1:]), run_losses, run_cosines, runs.network(place))
        runs.keep(staying)
        going = going[staying]
    return [trainings[run] for run in sorted(trainings)]


class _FullRun:
    """A run on all of W X^T and beta, by blocks of hidden units."""

    count = 1

    def __init__(self, network: Network, rate: float, decay: float, precision: np.dtype) -> None:
        parts = (network.gram, network.labels, network.hidden, network.weights)
        self._gram, self._labels, self._hidden, self._weights = (np.array(part, precision) for part in parts)
        self._start = network
        self._activity = network.activation.value(self._hidden)
        self._root = precision.type(np.sqrt(self._weights.size))
        self._error = self._weights @ self._activity / self._root - self._labels
        self._pace = 2 * rate / self._labels.size / self._root
        self._kept = precision.type(1 - rate * decay)
        # A whole array, since the product with a column is slower.
        moves = -self._pace * network.feedback.astype(precision)[:, None]
        state = (self._hidden, self._activity, self._weights, np.repeat(moves, self._labels.size, axis=1))
        # Blocks are views: their steps are those of the whole.
        size = max(1, ENTRIES // self._labels.size)
        cuts = range(size, self._weights.size, size)
        self._blocks = list(zip(*(np.split(part, cuts) for part in state), strict=True))
        self._spare = np.empty((2, *self._hidden[:size].shape), precision)

    def advance(self, steps: int) -> None:
        """Make so many steps of W X^T and beta, a block while it is in the cache."""
        for _ in range(steps):
            pulled = self._error[:, None] * self._gram
            outputs = np.zeros_like(self._error)
            for hidden, activity, weights, moves in self._blocks:
                slope, change = self._spare[:, : len(hidden)]
                gradient = activity @ self._error
                # The hidden units move along their feedback, and beta down its gradient.
                np.matmul(self._start.activation.slope(activity, out=slope), pulled, out=change)
                change *= moves
                hidden += change
                weights *= self._kept
                weights -= self._pace * gradient
                # The next step's error needs all blocks.
                outputs += weights @ self._start.activation.value(hidden, out=activity)
            self._error = outputs / self._root - self._labels

    def measure(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the loss and the cosine, each of shape (1,)."""
        loss = np.square(self._error, dtype=float).mean()
        return np.array([loss]), np.array([_cosine(self._weights.astype(float), self._start.feedback)])

    def network(self, place: int) -> Network:
        """Return the network as it is now."""
        return replace(self._start, hidden=self._hidden.astype(float), weights=self._weights.astype(float))

    def keep(self, which: np.ndarray) -> None:
        """Go on: there is one run only."""


class _BackpropagationRun(_FullRun):
    """A run on all of W X^T and beta, in which hidden units move along beta."""

    def advance(self, steps: int) -> None:
        """Make so many steps, before each of which beta takes the place of the feedback."""
        for _ in range(steps):
            for _, _, weights, moves in self._blocks:
                moves[:] = -self._pace * weights[:, None]
            super().advance(1)


class _LinearRuns:
    """Runs of linear networks over a first axis, on 2n + 2 numbers each: c = (v, gamma, alpha), and s.

    All is in the axes of X X^T, where this is diagonal and u = X X^T s. Of beta, which is a basis h^T, b and
    beta(0) times c, only the products with this basis are needed: its own inner products, times c.
    """

    def __init__(self, networks: Sequence[Network], rate: float, decays: Sequence[float]) -> None:
        self.count = len(networks)
        self._starts = np.array(networks, dtype=object)
        self._values, self._axes = np.linalg.eigh([network.gram for network in networks])
        turned = list(zip(networks, self._axes, strict=True))
        self._labels = np.array([network.labels @ axes for network, axes in turned])
        self._inner = np.array([_inner_products(network, axes) for network, axes in turned])
        self._roots = np.sqrt([[network.weights.size] for network in networks])
        self._pace = 2 * rate / self._labels.shape[1] / self._roots
        self._kept = 1 - rate * np.array(decays)[:, None]
        self._s = np.zeros(self._labels.shape)
        # At the start beta is beta(0).
        self._c = np.tile(np.eye(self._inner.shape[1])[-1], (self.count, 1))

    def _errors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return f - y and u, shape (runs, n), and the products of beta with the basis, (runs, n + 2)."""
        # f = X W^T beta, since X W^T = h + u b^T.
        products = (self._inner @ self._c[:, :, None])[:, :, 0]
        u = self._values * self._s
        return (products[:, :-2] + products[:, -2:-1] * u) / self._roots - self._labels, u, products

    def advance(self, steps: int) -> None:
        """Make so many steps."""
        for _ in range(steps):
            error, u, _ = self._errors()
            error *= self._pace
            # beta decays, and moves against the error along h + u b^T.
            self._c *= self._kept
            self._c[:, :-2] -= error
            self._c[:, -2] -= (u * error).sum(axis=1)
            self._s -= error

    def measure(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the losses and the cosines, each of shape (runs,)."""
        error, _, products = self._errors()
        squares = (self._c * products).sum(axis=1)
        return np.square(error).mean(axis=1), products[:, -2] / np.sqrt(squares * self._inner[:, -2, -2])

    def network(self, place: int) -> Network:
        """Return the network of one run as it is now, of its full width."""
        start = self._starts[place]
        axes = self._axes[place]
        gamma, alpha = self._c[place, -2:]
        weights = alpha * start.weights + gamma * start.feedback + start.hidden @ (axes @ self._c[place, :-2])
        # Back from the axes of X X^T.
        u = start.gram @ (axes @ self._s[place])
        return replace(start, weights=weights, hidden=start.hidden + np.outer(start.feedback, u))

    def keep(self, which: np.ndarray) -> None:
        """Go on with those runs only for which ``which`` is true."""
        for name, part in vars(self).items():
            if isinstance(part, np.ndarray):
                setattr(self, name, part[which])


def _inner_products(network: Network, axes: np.ndarray) -> np.ndarray:
    """Return the inner products of h^T in ``axes`` (n, n), b and beta(0), all with all, (n + 2, n + 2)."""
    basis = np.column_stack([network.hidden @ axes, network.feedback, network.weights])
    return basis.T @ basis
