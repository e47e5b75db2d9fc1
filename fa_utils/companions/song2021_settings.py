"""The simulations that Song, Xu & Lafferty (2021) published: 50 samples of 150 inputs, and many widths."""

from itertools import product
from typing import Any, NamedTuple

import numpy as np

from fa_utils._checks import spawning_generator, whole_number
from fa_utils.companions import song2021


class Simulation(NamedTuple):
    """What Song, Xu & Lafferty simulate with one activation.

    Attributes
    ----------
    activation
        Of the networks.
    learning_rate
        Of all runs.
    decays
        The regularisations, each a run of its own.

    Examples
    --------
    >>> song2021_settings.SIMULATIONS["relu"].decays
    (0.0, 0.02, 0.05, 0.2)
    """

    activation: song2021.Activation
    learning_rate: float
    decays: tuple[float, ...]


# The columns of the published table, and its rows.
WIDTHS = (200, 400, 800, 1600, 3200, 6400, 12800)
SIMULATIONS = {
    "linear": Simulation(song2021.LINEAR, 1e-3, (0.0, 0.2, 0.3, 0.5)),
    "relu": Simulation(song2021.RELU, 1e-2, (0.0, 0.02, 0.05, 0.2)),
    "tanh": Simulation(song2021.TANH, 1e-1, (0.0, 0.001, 0.002, 0.005)),
}


def published_steps(width: int) -> int:
    """Return how many steps a published run has at least: 5000 sqrt(p) / 14, rounded down (rebuilt).

    Parameters
    ----------
    width
        p, at least 1.

    Raises
    ------
    TypeError, ValueError
        A width that is not a whole number, or below 1.

    References
    ----------
    Song, Xu & Lafferty (2021): the number of steps is rebuilt from what they published.

    Examples
    --------
    >>> [song2021_settings.published_steps(width) for width in (200, 400, 12800)]
    [5050, 7142, 40406]
    """
    return int(5000 * np.sqrt(whole_number("width", width, least=1)) / 14)


def simulate_published(
    simulation: Simulation, width: int, networks: int, *, rng: np.random.Generator, **when: Any
) -> list[list[song2021.Training]]:
    """Return for each of so many random networks its runs, one for each decay, as long as the published ones.

    Parameters
    ----------
    simulation
        One of `SIMULATIONS`.
    width
        p, at least 1.
    networks
        How many, at least 1.
    rng
        Spawns a stream for each network.
    when
        What else `train_networks` takes, such as ``precision``.

    Raises
    ------
    TypeError, ValueError
        Unusable numbers; something that is no Generator.

    References
    ----------
    Song, Xu & Lafferty (2021), simulations of alignment.

    Examples
    --------
    >>> linear = song2021_settings.SIMULATIONS["linear"]
    >>> (runs,) = song2021_settings.simulate_published(linear, 200, networks=1, rng=np.random.default_rng(0))
    >>> [bool(run.cosines[-1] > 0.6) for run in runs]
    [False, True, True, True]
    """
    streams = spawning_generator(rng).spawn(whole_number("networks", networks, least=1))
    drawn = [song2021.random_network(simulation.activation, 50, 150, width, rng=stream) for stream in streams]
    # All runs of all networks in one call, which trains linear networks together.
    starts, decays = zip(*product(drawn, simulation.decays), strict=True)
    steps = published_steps(width)
    runs = song2021.train_networks(starts, simulation.learning_rate, decays, steps, change=1e-3, **when)
    # One list for each network again.
    count = len(simulation.decays)
    return [runs[start : start + count] for start in range(0, len(runs), count)]
