"""What a run of a cell of Song, Xu & Lafferty's table costs, in single precision: ours against PyTorch.

PyTorch multiplies inputs X (50 x 150) and W (p x 150), with a backward pass of its own. Ours keeps W X^T.
A linear network is ours on 2n + 2 numbers, in double precision, and here alone, though many may run together.
A hundred steps are timed, set-up included; a cell's run has as many as its published ones have at least.
"""

import functools
import statistics
from collections.abc import Callable

import measure
import numpy as np

from fa_utils.companions import song2021, song2021_settings

SAMPLES = 50
INPUTS = 150
STEPS = 100
DECAY = 0.02
TURNS = 5
TOLERANCE = 1e-2  # of weights after STEPS steps in single precision


def drawn(name: str, width: int) -> tuple[np.ndarray, np.ndarray, song2021.Network]:
    """Return inputs X (n, d), first weights W (p, d), and the network of both."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((SAMPLES, INPUTS))
    W = rng.standard_normal((width, INPUTS))
    labels, weights, feedback = (rng.standard_normal(size) for size in (SAMPLES, width, width))
    activation = song2021_settings.SIMULATIONS[name].activation
    return X, W, song2021.Network(activation, X @ X.T, 10 * labels, W @ X.T, weights, feedback)


def ours(network: song2021.Network, rate: float) -> measure.Arrays:
    """Return W X^T and beta after the steps."""
    run = song2021.train_network(network, rate, DECAY, STEPS, every=STEPS, precision=np.float32)
    return run.network.hidden, run.network.weights


def print_cell(name: str, width: int, trained_network: Callable) -> None:
    """Print what a run costs, in seconds: ours, PyTorch's, and how many times ours that is."""
    X, W, network = drawn(name, width)
    rate = song2021_settings.SIMULATIONS[name].learning_rate
    theirs = functools.partial(trained_network, X, W, network, rate, DECAY, STEPS)
    off = measure.difference(ours(network, rate), theirs())
    measure.assert_agreement("PyTorch", off, TOLERANCE)
    turns = [
        (measure.timed(functools.partial(ours, network, rate))[0], measure.timed(theirs)[0])
        for _ in range(TURNS)
    ]
    own, other = zip(*turns, strict=True)
    steps = song2021_settings.published_steps(width)
    seconds = (measure.spread([statistics.median(times) * steps / STEPS]) for times in (own, other))
    measure.print_row(
        f"{name}, p = {width}", str(steps), *seconds, measure.spread(measure.ratios(other, own)), f"{off:.0e}"
    )


def main() -> None:
    """Print a row for each activation and width."""
    measure.refuse_arguments(__doc__)
    measure.print_title(
        f"A run of a two-layer network, {SAMPLES} samples of {INPUTS} inputs, in seconds", "torch"
    )
    if not measure.installed("torch"):
        return
    from pytorch_loop import trained_network

    measure.print_header("a run of a cell", "steps", "ours", "PyTorch", "times ours", "differs by")
    for name in song2021_settings.SIMULATIONS:
        for width in song2021_settings.WIDTHS:
            print_cell(name, width, trained_network)


if __name__ == "__main__":
    main()
