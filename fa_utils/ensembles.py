"""Many independent draws of a seeded experiment: on the cores here, or on a Dask cluster.

Each draw has a random stream of its own, so the numbers do not depend on where a draw is computed, nor on
how many are computed at a time. (Two kinds of processor may still round a matrix product differently.)
"""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from fa_utils.checks import random_generator, whole_number

PIECES = 64  # in which draws are handed out: enough to share them evenly, few enough to be cheap
WORTHWHILE = 0.5  # seconds of work before other processes are started, which takes as long
PATIENCE = 5.0  # seconds for a scheduler to answer, and then for a first worker to be there


class Task(NamedTuple):
    """One draw to be made: its number, what the experiment gets besides its stream, and the stream's seed."""

    draw: int
    arguments: tuple
    seed: np.random.SeedSequence


class Failure(NamedTuple):
    """A draw that failed: its number, the seed of its stream, and the error as text."""

    draw: int
    seed: np.random.SeedSequence
    error: str

    def __str__(self) -> str:
        key = tuple(int(part) for part in self.seed.spawn_key)
        return (
            f"draw {self.draw} failed with {self.error}; its stream is np.random.default_rng("
            f"np.random.SeedSequence({self.seed.entropy}, spawn_key={key}))"
        )


class EnsembleError(RuntimeError):
    """Some draws failed. ``failures`` says which and why; ``results`` maps each other draw to its array."""

    def __init__(self, failures: list[Failure], results: dict[int, np.ndarray]):
        total = len(failures) + len(results)
        super().__init__(
            f"{len(failures)} of {total} draws failed, the others are in this error's .results: {failures[0]}"
        )
        self.failures = failures
        self.results = results


def ensemble(experiment: Callable, draws: int, *, rng, cluster: str | None = None) -> np.ndarray:
    """Return the results of ``experiment(rng)`` for many independent streams, in order, shape (draws, ...).

    The streams are ``rng.spawn(draws)``. The experiment returns a number or an array, of the same shape every
    time, and must not change anything outside itself: it may run in another process, or twice.
    Draws run on the cores here (as many as joblib counts; LOKY_MAX_CPU_COUNT limits them), or on the Dask
    cluster whose scheduler has the address ``cluster``, by default the environment variable FA_DASK. The
    numbers are the same, to the last bit. A terminal sees how many are done.
    Raises EnsembleError, after all the others are done, where draws failed; ValueError for differing shapes;
    ConnectionError where no scheduler answers or none has workers; ImportError for a cluster without Dask.
    """
    return _gathered(experiment, [()] * whole_number("draws", draws, least=1), rng, cluster)


def ensemble_over(experiment: Callable, items: Sequence, *, rng, cluster: str | None = None) -> np.ndarray:
    """Return the results of ``experiment(item, rng)``, one draw for each item, shape (items, ...).

    Otherwise as `ensemble`. Raises ValueError where there are no items.
    """
    if len(items) == 0:
        raise ValueError("items is empty; give at least one")
    return _gathered(experiment, [(item,) for item in items], rng, cluster)


def _gathered(experiment: Callable, arguments: list[tuple], rng, cluster: str | None) -> np.ndarray:
    """Return the results for all arguments, a stream each, stacked in order."""
    address = os.environ.get("FA_DASK") if cluster is None else cluster
    if not isinstance(address, str | None):
        raise TypeError(f"cluster is {address!r}; give the address of a Dask scheduler, tcp://host:8786")
    bits = random_generator(rng).bit_generator
    seeds = bits.seed_seq.spawn(len(arguments))
    tasks = [Task(draw, *rest) for draw, rest in enumerate(zip(arguments, seeds, strict=True))]
    size = -(-len(tasks) // PIECES)
    pieces = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    run = partial(_run, experiment, type(bits))
    outcomes = []
    for piece in _on_cluster(run, pieces, address) if address else _on_cores(run, pieces):
        outcomes += piece
        _show_progress(len(outcomes), len(tasks))
    return _stacked(outcomes)


def _run(experiment: Callable, bit_generator: type, tasks: list[Task]) -> list[np.ndarray | Failure]:
    """Return the outcomes of these draws, matrix products made by one thread, as everywhere else."""
    with threadpool_limits(limits=1):
        return [_attempt(experiment, bit_generator, task) for task in tasks]


def _attempt(experiment: Callable, bit_generator: type, task: Task) -> np.ndarray | Failure:
    """Return the outcome of one draw; an error of the experiment's own is an outcome as well."""
    try:
        result = np.asarray(experiment(*task.arguments, np.random.Generator(bit_generator(task.seed))))
    except Exception as error:
        return Failure(task.draw, task.seed, repr(error))
    if not (np.issubdtype(result.dtype, np.number) or result.dtype == bool):
        said = f"a result of type {result.dtype}; an experiment returns a number or an array of numbers"
        return Failure(task.draw, task.seed, said)
    return result


def _on_cores(run: Callable, pieces: list[list[Task]]) -> Iterator[list]:
    """Yield the outcomes of each piece in order: at first from here, then from a process on every core."""
    began = time.perf_counter()
    for done, piece in enumerate(pieces):
        if done and time.perf_counter() - began > WORTHWHILE:
            yield from _on_processes(run, pieces[done:])
            return
        yield run(piece)


def _on_processes(run: Callable, pieces: list[list[Task]]) -> Iterator[list]:
    """Yield the outcomes of each piece in order; once a process died, those still missing are failures."""
    from joblib import Parallel, cpu_count, delayed  # here, because it takes longer than many an ensemble

    waiting = iter(pieces)
    try:
        for outcomes in Parallel(n_jobs=cpu_count(), return_as="generator")(
            delayed(run)(piece) for piece in pieces
        ):
            next(waiting)
            yield outcomes
    except BrokenProcessPool as error:
        yield from (_lost(piece, error) for piece in waiting)


def _on_cluster(run: Callable, pieces: list[list[Task]], address: str) -> Iterator[list]:
    """Yield the outcomes of each piece in order from a Dask cluster, which repeats what a lost worker had."""
    with _connected(address) as client:
        _await_workers(client, address)
        shared = client.submit(_same, run, pure=False)
        futures = client.map(_apply, [shared] * len(pieces), pieces, pure=False)
        for piece, future in zip(pieces, futures, strict=True):
            error = future.exception()
            yield _lost(piece, error) if error else future.result()


def _connected(address: str):
    """Return a Dask client of the scheduler at this address; raise ConnectionError where none answers."""
    try:
        from dask.distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError:
        raise ImportError(
            f"a cluster is asked for ({address}) but Dask is not installed: pip install 'dask[distributed]', "
            "or unset FA_DASK to use the cores here"
        ) from None
    try:
        # Tried first by hand: a Dask client that failed to connect can block the next one's start for good.
        socket.create_connection(get_address_host_port(address), timeout=PATIENCE).close()
        return Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"{address}: no Dask scheduler answers ({error}); start one with `dask scheduler`, "
            "or unset FA_DASK to use the cores here"
        ) from None


def _await_workers(client, address: str) -> None:
    """Return once there is a worker; raise ConnectionError where none comes."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise ConnectionError(
            f"{address}: the Dask scheduler has no workers; start some with `dask worker {address}`, "
            "or unset FA_DASK to use the cores here"
        ) from None


def _same(value):
    """Return the value: as a task of its own it is sent once, and made again if its worker is lost."""
    return value


def _apply(function: Callable, argument):
    return function(argument)


def _lost(tasks: list[Task], error: BaseException) -> list[Failure]:
    """Return these draws as failures, none of which can be told apart from the one to blame."""
    return [Failure(task.draw, task.seed, f"its process: {error!r}") for task in tasks]


def _stacked(outcomes: list[np.ndarray | Failure]) -> np.ndarray:
    """Return the outcomes as one array; raise where one is a failure or of another shape than the first."""
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if failures:
        results = {draw: outcome for draw, outcome in enumerate(outcomes) if not isinstance(outcome, Failure)}
        raise EnsembleError(failures, results)
    for draw, outcome in enumerate(outcomes):
        if outcome.shape != outcomes[0].shape:
            raise ValueError(
                f"draw {draw} returned shape {outcome.shape}, draw 0 {outcomes[0].shape}; "
                "an experiment must return the same shape every time"
            )
    return np.stack(outcomes)


def _show_progress(done: int, total: int) -> None:
    """Say on a terminal how many draws are done, on one line that is cleared at the end."""
    if sys.stderr.isatty():
        line = f"{done} of {total} draws" if done < total else ""
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()
