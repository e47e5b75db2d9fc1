"""Two-layer networks that learn by random feedback, as Song, Xu & Lafferty (2021) study them.

A network f(x) = beta^T psi(W x) / sqrt(p) learns n labels y by full-batch steps on ||f - y||^2 / n, to which
decay / 2 ||beta||^2 is added. FA moves beta down the gradient, and each row w_s of W as if b_s, random and
fixed, were beta_s. W moves only along the inputs: kept as W X^T, shape (p, n), it moves by the inputs' inner
products, whatever their dimension is.

A linear network moves along few directions. With h = X W(0)^T, there are alpha, gamma and, in R^n, u and v,
such that X W^T = h + u b^T and beta = alpha beta(0) + gamma b + h^T v: 2n + 2 numbers at any width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from fa_utils.checks import (
    number_from_zero,
    positive_number,
    random_generator,
    real_array,
    whole_number,
)
from fa_utils.problems import triangle

ENTRIES = 2**17  # of W X^T at a time, so that they stay in the processor's cache


class Activation(NamedTuple):
    """An activation psi: its value at an array, and its slope where it has a value; both fill another one."""

    name: str
    value: Callable[..., np.ndarray]
    slope: Callable[..., np.ndarray]


def _one(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    out.fill(1)
    return out


def _positive(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.greater(values, 0, out=out)


def _rectified(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.multiply(values, _positive(values, out), out=out)


def _slope_of_tanh(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.subtract(1, np.square(values, out=out), out=out)


LINEAR = Activation("linear", np.positive, _one)
RELU = Activation("ReLU", _rectified, _positive)
TANH = Activation("tanh", np.tanh, _slope_of_tanh)


@dataclass(frozen=True, eq=False)
class Network:
    """A two-layer network and its task: ``gram`` X X^T (n, n), ``labels`` y (n,), ``hidden`` W X^T (p, n).

    ``weights`` are beta (p,), ``feedback`` is b (p,). Arrays are treated, and errors raised, as in `Problem`.

    >>> network = fa.random_network(fa.RELU, samples=5, inputs=15, width=100, rng=np.random.default_rng(0))
    >>> network.hidden.shape, network.outputs.shape
    ((100, 5), (5,))
    """

    activation: Activation
    gram: np.ndarray
    labels: np.ndarray
    hidden: np.ndarray
    weights: np.ndarray
    feedback: np.ndarray

    def __post_init__(self) -> None:
        for name, axes in (("gram", 2), ("labels", 1), ("hidden", 2), ("weights", 1), ("feedback", 1)):
            object.__setattr__(self, name, real_array(name, getattr(self, name), axes))
        p, n = self.hidden.shape
        for name, wanted in (("gram", (n, n)), ("labels", (n,)), ("weights", (p,)), ("feedback", (p,))):
            if getattr(self, name).shape != wanted:
                raise ValueError(
                    f"{name} has shape {getattr(self, name).shape}; hidden of shape {(p, n)}, a row for each "
                    f"hidden unit and a column for each sample, needs {wanted}"
                )

    @property
    def activity(self) -> np.ndarray:
        """psi(W x) of every hidden unit for every sample, shape (p, n)."""
        return self.activation.value(self.hidden, out=np.empty_like(self.hidden))

    @property
    def outputs(self) -> np.ndarray:
        """f(x) for every sample, shape (n,)."""
        return self.weights @ self.activity / np.sqrt(self.weights.size)

    @property
    def loss(self) -> float:
        """The mean square error ||f - y||^2 / n, without the decay's term."""
        return float(np.square(self.outputs - self.labels).mean())

    @property
    def cosine(self) -> float:
        """The cosine between beta and b."""
        return _cosine(self.weights, self.feedback)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def random_network(
    activation: Activation, samples: int, inputs: int, width: int, *, rng: np.random.Generator
) -> Network:
    """Return a network with X, W, beta and b ~ N(0, 1), and labels that it can learn.

    A linear network's labels are X theta, theta ~ N(0, I); those of any other are the outputs of a teacher, a
    network of the same kind and width. Rows of W X^T are drawn from their law given X, N(0, X X^T).
    Raises ValueError for fewer inputs than samples, for which X X^T is singular.

    >>> network = fa.random_network(fa.LINEAR, samples=5, inputs=15, width=100, rng=np.random.default_rng(0))
    >>> network.gram.shape, network.weights.shape
    ((5, 5), (100,))
    """
    samples, width = whole_number("samples", samples, least=1), whole_number("width", width, least=1)
    inputs = whole_number("inputs", inputs, least=samples)
    input_rng, task_rng, start_rng, feedback_rng = random_generator(rng).spawn(4)
    X = input_rng.standard_normal((samples, inputs))
    root = triangle(X.T)  # root^T root = X X^T
    start = partial(
        Network,
        activation=activation,
        gram=X @ X.T,
        hidden=start_rng.standard_normal((width, samples)) @ root,
        weights=start_rng.standard_normal(width),
        feedback=feedback_rng.standard_normal(width),
    )
    if activation == LINEAR:
        return start(labels=X @ task_rng.standard_normal(inputs))
    teacher = task_rng.standard_normal((width, samples)) @ root
    answers = task_rng.standard_normal(width) @ activation.value(teacher, out=np.empty_like(teacher))
    return start(labels=answers / np.sqrt(width))


def random_linear_network(samples: int, inputs: int, width: int, *, rng: np.random.Generator) -> Network:
    """Return a linear network that learns as a random one of that width: with samples + 2 hidden units.

    How it learns is decided by the inner products of the columns of W X^T, of beta and of b. Those of columns
    ~ N(0, 1) are those of a triangle's columns: N(0, 1) above the diagonal, chi on it (Bartlett). W X^T and b
    are rescaled, so that losses and cosines have, at every step, the law of those of `random_network`; beta's
    products with b have not. Raises ValueError as that does, and for a width below samples + 2.

    >>> network = fa.random_linear_network(samples=5, inputs=15, width=10**6, rng=np.random.default_rng(0))
    >>> network.hidden.shape, bool(abs(network.cosine) < 0.01)
    ((7, 5), True)
    """
    samples = whole_number("samples", samples, least=1)
    inputs = whole_number("inputs", inputs, least=samples)
    width = whole_number("width", width, least=samples + 2)
    input_rng, task_rng, start_rng = random_generator(rng).spawn(3)
    X = input_rng.standard_normal((samples, inputs))
    freedom = width - np.arange(samples + 2)
    columns = np.triu(start_rng.standard_normal((samples + 2, samples + 2)), 1)
    columns += np.diag(np.sqrt(start_rng.chisquare(freedom)))
    share = (samples + 2) / width
    return Network(
        LINEAR,
        gram=X @ X.T,
        labels=X @ task_rng.standard_normal(inputs),
        hidden=np.sqrt(share) * columns[:, :samples] @ triangle(X.T),
        weights=columns[:, -1],
        feedback=share * columns[:, -2],
    )


@dataclass(frozen=True, eq=False)
class Training:
    """A run: its ``steps`` at each look (T,), the ``losses`` and ``cosines`` there (T,), and how it ended."""

    steps: np.ndarray
    losses: np.ndarray
    cosines: np.ndarray
    end: Callable[[], Network]

    @cached_property
    def network(self) -> Network:
        """The network at the last step."""
        return self.end()


def train_network(network: Network, learning_rate: float, decay: float, steps: int, **when: Any) -> Training:
    """Return FA's run of one network: as `train_networks`, which says what else may be given.

    >>> network = fa.random_network(fa.RELU, samples=5, inputs=15, width=100, rng=np.random.default_rng(0))
    >>> run = fa.train_network(network, learning_rate=0.01, decay=0.1, steps=2000)
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
    """Return FA's runs of networks, each with its decay, by at least so many ``steps`` each.

    A run is looked at after each ``every`` steps, and after ``steps``. It has settled once its loss differed
    by less than ``change`` from that ``every`` steps before (the first: from 0). It ends after ``steps`` if
    it has settled by then, else as soon as it settles, or after ``most_steps``. Linear networks of as many
    samples run together, on 2n + 2 numbers each; others one by one, in float32 if ``precision`` says so.
    Raises ValueError for a learning rate that is not positive, a negative decay or change, and another number
    of decays than of networks; FloatingPointError, naming the step, where a loss is no longer finite.

    >>> network = fa.random_network(fa.LINEAR, samples=5, inputs=15, width=100, rng=np.random.default_rng(0))
    >>> aligned, not_aligned = fa.train_networks([network] * 2, 1e-3, decays=[0.5, 0.0], steps=5000)
    >>> bool(aligned.cosines[-1] > not_aligned.cosines[-1])
    True
    """
    rate = positive_number("learning_rate", learning_rate)
    decays = [number_from_zero("decay", decay) for decay in decays]
    if len(decays) != len(networks):
        raise ValueError(f"{len(decays)} decays for {len(networks)} networks; give one for each")
    limits = _Limits(
        steps=whole_number("steps", steps, least=1),
        every=whole_number("every", every, least=1),
        change=change if change == np.inf else number_from_zero("change", change),
        most_steps=whole_number("most_steps", most_steps, least=steps),
    )
    sizes = {network.labels.size for network in networks}
    if len(sizes) == 1 and all(network.activation == LINEAR for network in networks):
        return _until_settled(_LinearRuns(networks, rate, decays), limits)
    pairs = zip(networks, decays, strict=True)
    runs = (_FullRun(network, rate, decay, np.dtype(precision)) for network, decay in pairs)
    return [training for run in runs for training in _until_settled(run, limits)]


class Simulation(NamedTuple):
    """What Song, Xu & Lafferty simulate with one activation, on 50 samples of 150 inputs."""

    activation: Activation
    learning_rate: float
    decays: tuple[float, ...]


WIDTHS = (200, 400, 800, 1600, 3200, 6400, 12800)
SIMULATIONS = {
    "linear": Simulation(LINEAR, 1e-3, (0.0, 0.2, 0.3, 0.5)),
    "relu": Simulation(RELU, 1e-2, (0.0, 0.02, 0.05, 0.2)),
    "tanh": Simulation(TANH, 1e-1, (0.0, 0.001, 0.002, 0.005)),
}


def published_steps(width: int) -> int:
    """Return how many steps a published run has at least: 5000 sqrt(p) / 14, rounded down (rebuilt).

    >>> [fa.published_steps(width) for width in (200, 400, 12800)]
    [5050, 7142, 40406]
    """
    return int(5000 * np.sqrt(whole_number("width", width, least=1)) / 14)


def simulate_published(
    simulation: Simulation,
    width: int,
    networks: int,
    *,
    precision: DTypeLike = np.float64,
    rng: np.random.Generator,
) -> list[list[Training]]:
    """Return for each of so many random networks its runs, one for each decay, as long as the published ones.

    >>> (runs,) = fa.simulate_published(
    ...     fa.SIMULATIONS["linear"], width=200, networks=1, rng=np.random.default_rng(0)
    ... )
    >>> [bool(run.cosines[-1] > 0.6) for run in runs]
    [False, True, True, True]
    """
    activation, learning_rate, decays = simulation
    streams = random_generator(rng).spawn(whole_number("networks", networks, least=1))
    drawn = [
        random_network(activation, samples=50, inputs=150, width=width, rng=stream) for stream in streams
    ]
    runs = train_networks(
        [network for network in drawn for _ in decays],
        learning_rate,
        [*decays] * networks,
        steps=published_steps(width),
        change=1e-3,
        precision=precision,
    )
    return [runs[start : start + len(decays)] for start in range(0, len(runs), len(decays))]


class _Limits(NamedTuple):
    """When runs are looked at, and when they end: see `train_networks`."""

    steps: int
    every: int
    change: float
    most_steps: int

    def next_look(self, steps: int) -> int:
        """Return after how many steps a run is looked at next."""
        looks = steps - steps % self.every + self.every, self.steps, self.most_steps
        return min(look for look in looks if look > steps)


def _until_settled(runs: "_FullRun | _LinearRuns", limits: _Limits) -> list[Training]:
    """Return the runs, which make their steps together, each as long as the limits say."""
    going, steps, looks = np.arange(runs.count), [0], []
    settled, checked = np.full(runs.count, limits.change == np.inf), np.zeros(runs.count)
    ended: dict[int, tuple[int, Callable[[], Network]]] = {}
    while going.size:
        steps.append(limits.next_look(steps[-1]))
        looks.append(np.full((2, runs.count), np.nan))
        with np.errstate(over="ignore", invalid="ignore"):
            runs.advance(steps[-1] - steps[-2])
            looks[-1][:, going] = runs.seen()
        _refuse_divergence(looks[-1][0, going], steps[-1])
        if steps[-1] % limits.every == 0:
            settled |= abs(looks[-1][0] - checked) < limits.change
            checked = looks[-1][0]
        staying = (steps[-1] < limits.steps) | (~settled[going] & (steps[-1] < limits.most_steps))
        for run in np.flatnonzero(~staying).tolist():
            ended[int(going[run])] = len(looks), runs.end(run)
        runs.keep(staying)
        going = going[staying]
    losses, cosines = np.array(looks).transpose(1, 2, 0)
    return [
        Training(np.array(steps[1 : looked + 1]), losses[run, :looked], cosines[run, :looked], end)
        for run, (looked, end) in sorted(ended.items())
    ]


def _refuse_divergence(losses: np.ndarray, steps: int) -> None:
    if not np.isfinite(losses).all():
        raise FloatingPointError(
            f"training diverged before step {steps}: a loss is no longer finite; "
            "choose a smaller learning rate"
        )


class _FullRun:
    """A run of all of W X^T and beta, by blocks of hidden units."""

    count = 1

    def __init__(self, network: Network, rate: float, decay: float, precision: np.dtype) -> None:
        parts = network.gram, network.labels, network.hidden, network.weights, network.feedback
        gram, labels, hidden, weights, feedback = (np.array(part, precision) for part in parts)
        self._start, self._gram, self._labels = network, gram, labels
        self._hidden, self._weights = hidden, weights
        self._activity = network.activation.value(hidden, out=np.empty_like(hidden))
        self._root = precision.type(np.sqrt(weights.size))
        self._pace, self._kept = 2 * rate / labels.size / self._root, precision.type(1 - rate * decay)
        moves = np.repeat(-self._pace * feedback[:, None], labels.size, axis=1)
        state = hidden, self._activity, weights, moves
        size = max(1, ENTRIES // labels.size)
        blocks = [slice(start, start + size) for start in range(0, weights.size, size)]
        self._blocks = [[part[block] for part in state] for block in blocks]
        self._spare = np.empty((2, *hidden[:size].shape), precision)

    def _error(self) -> np.ndarray:
        return self._weights @ self._activity / self._root - self._labels

    def advance(self, steps: int) -> None:
        """Make so many steps: all of W X^T and beta at once, each block while it is in the cache."""
        error = self._error()
        for _ in range(steps):
            pulled = error[:, None] * self._gram
            outputs = np.zeros_like(error)
            for hidden, activity, weights, moves in self._blocks:
                gradient = activity @ error
                hidden += self._change(activity, pulled, moves)
                weights *= self._kept
                weights -= self._pace * gradient
                outputs += weights @ self._start.activation.value(hidden, out=activity)
            error = outputs / self._root - self._labels

    def _change(self, activity: np.ndarray, pulled: np.ndarray, moves: np.ndarray) -> np.ndarray:
        """Return how a block of W X^T moves in a step."""
        slope, change = (spare[: len(activity)] for spare in self._spare)
        self._start.activation.slope(activity, out=slope)
        np.matmul(slope, pulled, out=change)
        change *= moves
        return change

    def seen(self) -> np.ndarray:
        """Return the loss and the cosine, shape (2, 1)."""
        loss = np.square(self._error(), dtype=float).mean()
        return np.array([[loss], [_cosine(self._weights.astype(float), self._start.feedback)]])

    def end(self, run: int) -> Callable[[], Network]:
        """Return what makes the network as it is now."""
        hidden, weights = self._hidden.astype(float), self._weights.astype(float)
        return partial(replace, self._start, hidden=hidden, weights=weights)

    def keep(self, which: np.ndarray) -> None:
        """Go on: there is one run only."""


class _LinearRuns:
    """Runs of linear networks over a first axis: alpha, (v, gamma) and s of each, where u = X X^T s.

    In the axes of X X^T, where it is diagonal. Of beta only its products with h and b are needed: alpha times
    those of beta(0), and the inner products of h and b, of all with all, times (v, gamma).
    """

    def __init__(self, networks: Sequence[Network], rate: float, decays: list[float]) -> None:
        self.count = len(networks)
        values, self._axes = np.linalg.eigh([network.gram for network in networks])
        pairs = list(zip(networks, self._axes, strict=True))
        bases = [np.column_stack([network.hidden @ axes, network.feedback]) for network, axes in pairs]
        self._starts, self._values = list(networks), values
        self._labels = np.array([network.labels @ axes for network, axes in pairs])
        self._roots = np.array([np.sqrt(network.weights.size) for network in networks])[:, None]
        self._squares = np.array([network.weights @ network.weights for network in networks])
        self._begun = np.array([one.weights @ basis for one, basis in zip(networks, bases, strict=True)])
        self._inner = np.array([basis.T @ basis for basis in bases])
        self._pace = 2 * rate / self._labels.shape[1] / self._roots
        self._kept, self._alpha = 1 - rate * np.array(decays)[:, None], np.ones((self.count, 1))
        self._v, self._s = np.zeros(self._begun.shape), np.zeros(self._labels.shape)

    def _errors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return f - y, u, and the products of beta with h and b."""
        products = self._alpha * self._begun + (self._inner @ self._v[:, :, None])[:, :, 0]
        u = self._values * self._s
        return (products[:, :-1] + products[:, -1:] * u) / self._roots - self._labels, u, products

    def advance(self, steps: int) -> None:
        """Make so many steps."""
        for _ in range(steps):
            error, u, _ = self._errors()
            error *= self._pace
            self._alpha *= self._kept
            self._v *= self._kept
            self._v[:, :-1] -= error
            self._v[:, -1] -= (u * error).sum(axis=1)
            self._s -= error

    def seen(self) -> np.ndarray:
        """Return the losses and the cosines, shape (2, runs)."""
        error, _, products = self._errors()
        squares = self._alpha[:, 0] ** 2 * self._squares
        squares += (self._v * (self._alpha * self._begun + products)).sum(axis=1)
        cosines = products[:, -1] / np.sqrt(squares * self._inner[:, -1, -1])
        return np.array([np.square(error).mean(axis=1), cosines])

    def end(self, run: int) -> Callable[[], Network]:
        """Return what makes the network of one run as it is now."""
        axes, (*v, gamma), s = self._axes[run], self._v[run], self._s[run]
        return partial(_lifted, self._starts[run], self._alpha[run, 0], axes @ v, gamma, axes @ s)

    def keep(self, which: np.ndarray) -> None:
        """Go on with those runs only for which ``which`` is true."""
        self._starts = [start for start, stays in zip(self._starts, which, strict=True) if stays]
        for name, part in vars(self).items():
            if isinstance(part, np.ndarray):
                setattr(self, name, part[which])


def _lifted(start: Network, alpha: float, v: np.ndarray, gamma: float, s: np.ndarray) -> Network:
    """Return the linear network that 2n + 2 numbers stand for."""
    weights = alpha * start.weights + gamma * start.feedback + start.hidden @ v
    return replace(start, weights=weights, hidden=start.hidden + np.outer(start.feedback, start.gram @ s))
