"""Many independent draws of a seeded experiment: on the cores here, or on a Dask cluster.

Each draw has a random stream of its own, so the numbers do not depend on where a draw is computed, nor on
how many are computed at a time. (Two kinds of processor may still round a matrix product differently.)
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from fa_utils._checks import spawning_generator, whole_number
from fa_utils.cluster import inside_a_worker, map_on_cluster

PIECES = 256  # in which draws are handed out: enough to share them evenly, few enough to be cheap
LOSSES = 10  # draws that may end their process before the rest is given up

Item = TypeVar("Item")


class Task(NamedTuple):
    """One draw to be made: its number, what the experiment gets besides its stream, and the stream's seed."""

    draw: int
    arguments: tuple[Any, ...]
    seed: np.random.SeedSequence
    bit_generator: type[np.random.BitGenerator]


class Failure(NamedTuple):
    """A draw that failed, and the error as text."""

    task: Task
    error: str

    @property
    def draw(self) -> int:
        """The draw's number, from 0."""
        return self.task.draw

    def __str__(self) -> str:
        seed = self.task.seed
        key = tuple(int(part) for part in seed.spawn_key)
        return (
            f"draw {self.draw} failed with {self.error}; its stream is np.random.Generator("
            f"np.random.{self.task.bit_generator.__name__}(np.random.SeedSequence({seed.entropy}, "
            f"spawn_key={key}, pool_size={seed.pool_size})))"
        )


Outcome = np.ndarray | Failure
Run = Callable[[list[Task]], list[Outcome]]


class EnsembleError(RuntimeError):
    """Some draws failed. ``failures`` says which and why; ``results`` maps each other draw to its array."""

    def __init__(self, failures: list[Failure], results: dict[int, np.ndarray]) -> None:
        total = len(failures) + len(results)
        super().__init__(
            f"{len(failures)} of {total} draws failed, the others are in this error's .results: {failures[0]}"
        )
        self.failures = failures
        self.results = results

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.failures, self.results)


class _OneThread:
    """A context in which matrix products are made by one thread, as long as any thread is within it."""

    def __init__(self) -> None:
        self._lock, self._users, self._limits = threading.Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._limits.enter_context(threadpool_limits(limits=1))
            self._users += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limits.close()


ONE_THREAD = _OneThread()


def ensemble(
    experiment: Callable[[np.random.Generator], ArrayLike],
    draws: int,
    *,
    rng: np.random.Generator,
    cluster: str | None = None,
) -> np.ndarray:
    """Return the results of ``experiment(rng)`` for many independent streams, in order, shape (draws, ...).

    The streams are ``rng.spawn(draws)``. The experiment returns a number or an array, of the same shape every
    time, and must not change anything outside itself: it may run in another process, or twice.
    Draws run on the cores here (as many as joblib counts; LOKY_MAX_CPU_COUNT limits them), or on the Dask
    cluster whose scheduler has the address ``cluster``, by default the environment variable FA_DASK. The
    numbers are the same, to the last bit. A terminal sees how many are done.
    Raises EnsembleError, after all the others are done, where draws failed; ValueError for differing shapes;
    TypeError for an experiment that cannot be sent to another process; ConnectionError where no scheduler
    answers or it has no workers; ImportError for a cluster without Dask.

    >>> fa.ensemble(lambda rng: rng.standard_normal(3), 4, rng=np.random.default_rng(0)).shape
    (4, 3)
    """
    return _gathered(experiment, [()] * whole_number("draws", draws, least=1), rng, cluster)


def ensemble_over(
    experiment: Callable[[Item, np.random.Generator], ArrayLike],
    items: Iterable[Item],
    *,
    rng: np.random.Generator,
    cluster: str | None = None,
) -> np.ndarray:
    """Return the results of ``experiment(item, rng)``, one draw for each item, shape (items, ...).

    Otherwise as `ensemble`. Raises ValueError where there are no items.

    >>> rng = np.random.default_rng(0)
    >>> fa.ensemble_over(lambda size, rng: np.ptp(rng.random(size)), [1, 10, 100], rng=rng).shape
    (3,)
    """
    arguments = [(item,) for item in items]
    if not arguments:
        raise ValueError("items is empty; give at least one")
    return _gathered(experiment, arguments, rng, cluster)


def _gathered(
    experiment: Callable[..., ArrayLike],
    arguments: Sequence[tuple[Any, ...]],
    rng: np.random.Generator,
    cluster: str | None,
) -> np.ndarray:
    """Return the results for all arguments, a stream each, stacked in order."""
    if not callable(experiment):
        raise TypeError(f"experiment is {experiment!r}; give a function of a random generator")
    address = os.environ.get("FA_DASK") if cluster is None else cluster
    if not isinstance(address, str | None):
        raise TypeError(f"cluster is {address!r}; give the address of a Dask scheduler, tcp://host:8786")
    bits = spawning_generator(rng).bit_generator
    seeds = bits.seed_seq.spawn(len(arguments))  # type: ignore[attr-defined]  # seen just now that it can
    tasks = [Task(draw, *rest, type(bits)) for draw, rest in enumerate(zip(arguments, seeds, strict=True))]
    size = -(-len(tasks) // PIECES)
    pieces = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    run = partial(_run, experiment)
    outcomes: list[Outcome] = []
    try:
        for piece in _made(run, pieces, "" if inside_a_worker() else address):
            outcomes += piece
            _show(f"{len(outcomes)} of {len(tasks)} draws")
    finally:
        _show("")
    return _stacked(outcomes)


def _run(experiment: Callable[..., ArrayLike], tasks: list[Task]) -> list[Outcome]:
    """Return the outcomes of these draws, matrix products made by one thread, as everywhere else."""
    with ONE_THREAD:
        return [_attempt(experiment, task) for task in tasks]


def _attempt(experiment: Callable[..., ArrayLike], task: Task) -> Outcome:
    """Return the outcome of one draw; an error of the experiment's own is an outcome as well."""
    try:
        rng = np.random.Generator(task.bit_generator(task.seed))
        result = np.array(experiment(*task.arguments, rng))
    except (Exception, SystemExit) as error:
        return Failure(task, _said(error))
    if not (np.issubdtype(result.dtype, np.number) or result.dtype == bool):
        said = f"a result of type {result.dtype}; an experiment returns a number or an array of numbers"
        return Failure(task, said)
    return result


def _said(error: BaseException) -> str:
    """Return an error as one text of bounded length, whatever its own code does."""
    try:
        return repr(error)[:500]
    except Exception:
        return type(error).__name__


def _made(run: Run, pieces: list[list[Task]], address: str | None) -> Iterator[Sequence[Outcome]]:
    """Yield the outcomes of each piece in order: from a cluster, from a process per core, or from here."""
    from joblib import cpu_count  # here, because it takes as long as many a use of this package

    processes = 1 if inside_a_worker() else min(cpu_count(), len(pieces))
    if processes == 1 and not address:
        with ONE_THREAD:
            yield from map(run, pieces)
        return
    import cloudpickle  # here, like joblib: one process needs neither

    try:
        cloudpickle.dumps(run)
    except Exception as error:
        raise TypeError(
            f"experiment cannot be sent to another process ({_said(error)}); "
            "define it without locks, open files and generators"
        ) from None
    yield from _on_cluster(run, pieces, address) if address else _on_processes(run, pieces, processes)


def _on_processes(run: Run, pieces: list[list[Task]], processes: int) -> Iterator[Sequence[Outcome]]:
    """Yield the outcomes of each piece in order, as long as fewer than LOSSES draws end their process.

    After such a death the draws that may have caused it are made again, one by one: only those that end their
    process again are lost.
    """
    from joblib import Parallel, delayed

    waiting, lost = list(pieces), 0
    while waiting:
        try:
            for outcomes in Parallel(n_jobs=processes, return_as="generator")(
                delayed(run)(piece) for piece in tuple(waiting)
            ):
                del waiting[0]
                yield outcomes
        except BrokenProcessPool as error:
            outcomes = _one_by_one(run, waiting.pop(0), LOSSES - lost)
            lost += sum(isinstance(outcome, Failure) for outcome in outcomes)
            yield outcomes
            if lost >= LOSSES:
                yield from (_lost(piece, error) for piece in waiting)
                return


def _one_by_one(run: Run, tasks: list[Task], losses: int) -> list[Outcome]:
    """Return the outcomes of draws that may end their process, each in one of its own, up to some losses."""
    from joblib import Parallel, delayed

    outcomes: list[Outcome] = []
    for task in tasks:
        if losses == 0:
            outcomes.append(Failure(task, "nothing: given up, since many others ended their process"))
            continue
        try:
            outcomes += Parallel(n_jobs=2)([delayed(run)([task])])[0]
        except BrokenProcessPool as error:
            outcomes += _lost([task], error)
            losses -= 1
    return outcomes


def _on_cluster(run: Run, pieces: list[list[Task]], address: str) -> Iterator[Sequence[Outcome]]:
    """Yield the outcomes of each piece in order from a Dask cluster; a piece that did not return is lost."""
    for piece, outcomes in zip(pieces, map_on_cluster(run, pieces, address), strict=True):
        yield _lost(piece, outcomes) if isinstance(outcomes, Exception) else outcomes


def _lost(tasks: list[Task], error: BaseException) -> list[Outcome]:
    """Return these draws as failures, none of which can be told apart from the one to blame."""
    return [Failure(task, f"its process: {_said(error)}") for task in tasks]


def _stacked(outcomes: list[Outcome]) -> np.ndarray:
    """Return the outcomes as one array; raise where one is a failure or of another shape than the first."""
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    results = {draw: outcome for draw, outcome in enumerate(outcomes) if not isinstance(outcome, Failure)}
    if failures:
        raise EnsembleError(failures, results)
    for draw, result in results.items():
        if result.shape != results[0].shape:
            raise ValueError(
                f"draw {draw} returned shape {result.shape}, draw 0 {results[0].shape}; "
                "an experiment must return the same shape every time"
            )
    return np.stack(list(results.values()))


def _show(progress: str) -> None:
    """Show this on a terminal, in place of what was shown before; elsewhere do nothing."""
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{progress}")
        sys.stderr.flush()
