"""Many independent draws of a seeded experiment: on the cores here, or on a Dask cluster.

Each draw has a random stream of its own, so the numbers do not depend on where a draw is computed, nor on
how many are computed at a time. (Two kinds of processor may still round a matrix product differently.)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pickle import dumps
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import spawning_generator, whole_number

PATIENCE = 5.0  # seconds for a scheduler to answer, and for a worker to be there
ENDED = (
    "a draw ended its process, or memory ran out ({}); "
    "set LOKY_MAX_CPU_COUNT=1 and unset FA_DASK to draw in this process and see which"
)

Item = TypeVar("Item")
Task = tuple[Callable[..., ArrayLike], int, tuple[Any, ...], np.random.Generator]

_IMPORTED_IN = os.getpid()
_DRAWING = ContextVar("_DRAWING", default=False)


class EnsembleError(RuntimeError):
    """A draw failed, or the process that made it ended. The message says how to repeat it."""


def ensemble(
    experiment: Callable[[np.random.Generator], ArrayLike], draws: int, *, rng: np.random.Generator
) -> np.ndarray:
    """Return the results of ``experiment(rng)`` for many independent streams, in order.

    The draws run in one process per core, as many as joblib counts; the environment variable
    LOKY_MAX_CPU_COUNT limits them, and 1 keeps them in this process. Where FA_DASK holds the address of a
    Dask scheduler, they run on its workers. Draws within a draw, and after a fork, stay in their process.

    The numbers are the same everywhere, to the last bit, where one thread makes a matrix product. The
    processes started here see to that, and so does `dask worker`. In this process it is up to
    OPENBLAS_NUM_THREADS and its like, which ``make`` sets to 1: with more threads, last digits may change.

    Parameters
    ----------
    experiment
        A function of a random generator. It returns a number or an array, of the same shape every time, and
        changes nothing outside itself: it may run in another process, or twice.
    draws
        How many draws to make, at least 1.
    rng
        The generator whose children, ``rng.spawn(draws)``, are the streams.

    Returns
    -------
    numpy.ndarray
        The results, shape (draws, ...).

    Raises
    ------
    EnsembleError
        A draw raised an error, or ended its process.
    TypeError
        A result that is not numeric, or an experiment that cannot be sent to another process.
    ValueError
        Results of different shapes.
    ConnectionError
        No scheduler answers at FA_DASK within some seconds, or it has no workers.
    ImportError
        FA_DASK is set, but Dask is not installed.

    Examples
    --------
    >>> fa.ensemble(lambda rng: rng.standard_normal(3), 4, rng=np.random.default_rng(0)).shape
    (4, 3)
    """
    return _stack_draws(experiment, [()] * whole_number("draws", draws, least=1), rng)


def ensemble_over(
    experiment: Callable[[Item, np.random.Generator], ArrayLike],
    items: Iterable[Item],
    *,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the results of ``experiment(item, rng)``, one draw for each item, in order.

    The draws run where those of `ensemble` do, and give the same bits.

    Parameters
    ----------
    experiment
        A function of an item and a random generator; otherwise as in `ensemble`.
    items
        What the draws are made for, at least one.
    rng
        The generator whose children, one for each item, are the streams.

    Returns
    -------
    numpy.ndarray
        The results, shape (items, ...).

    Raises
    ------
    ValueError
        No items, or results of different shapes.
    EnsembleError, TypeError, ConnectionError, ImportError
        As in `ensemble`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fa.ensemble_over(lambda size, rng: np.ptp(rng.random(size)), [1, 10, 100], rng=rng).shape
    (3,)
    """
    arguments = [(item,) for item in items]
    if not arguments:
        raise ValueError("items is empty; give at least one")
    return _stack_draws(experiment, arguments, rng)


def _stack_draws(
    experiment: Callable[..., ArrayLike], arguments: Sequence[tuple[Any, ...]], rng: np.random.Generator
) -> np.ndarray:
    """Return the results for all arguments, a stream each, stacked in order."""
    if not callable(experiment):
        raise TypeError(f"experiment is {experiment!r}; give a function of a random generator")
    # A stream for each draw: the numbers do not depend on where, and when, it is made.
    streams = spawning_generator(rng).spawn(len(arguments))
    tasks = [(experiment, draw, *rest) for draw, rest in enumerate(zip(arguments, streams, strict=True))]
    results = [_draw(task) for task in tasks] if _stays_here() else _draw_elsewhere(tasks)
    shapes = {result.shape for result in results}
    if len(shapes) > 1:
        raise ValueError(
            f"the draws have shapes {sorted(shapes)}; an experiment must return the same shape every time"
        )
    return np.stack(results)


def _stays_here() -> bool:
    """Return whether draws are made in this process."""
    # After a fork joblib's processes are out of reach, and a draw's own draws would only crowd the cores.
    if _DRAWING.get() or os.getpid() != _IMPORTED_IN:
        return True
    return os.environ.get("LOKY_MAX_CPU_COUNT") == "1" and not os.environ.get("FA_DASK")


def _draw(task: Task) -> np.ndarray:
    """Return the result of one draw, any shape; an error names the draw and its stream."""
    experiment, draw, arguments, rng = task
    seed: Any = rng.bit_generator.seed_seq
    # What a draw draws itself stays in its process.
    outside = _DRAWING.set(True)
    try:
        result = np.array(experiment(*arguments, rng))
    except (Exception, SystemExit) as error:
        raise EnsembleError(
            f"draw {draw} failed with {error!r:.500}; its stream is "
            f"np.random.default_rng(np.random.SeedSequence({seed.entropy}, spawn_key={seed.spawn_key}))"
        ) from error
    finally:
        _DRAWING.reset(outside)
    if not (np.issubdtype(result.dtype, np.number) or result.dtype == bool):
        raise TypeError(f"draw {draw} returned {result.dtype}; an experiment must return numbers")
    return result


def _draw_elsewhere(tasks: list[Task]) -> list[np.ndarray]:
    """Return the results of all draws, made by Dask's workers or by one process per core."""
    import joblib  # here, since it takes long, as does Dask

    # Checked first, because what cannot be sent fails in many ways later.
    try:
        dumps(joblib.wrap_non_picklable_objects(tasks))
    except Exception as error:
        raise TypeError(
            f"experiment cannot be sent to another process ({error!r:.500}); "
            "define it without locks, open files and generators"
        ) from None
    if os.environ.get("FA_DASK"):
        with dask_client(os.environ["FA_DASK"]) as client:
            return client.gather(client.map(_draw, tasks, pure=False))
    # At least two processes: joblib would make a single one's draws here, with many threads each.
    processes = max(2, min(joblib.cpu_count(), len(tasks)))
    try:
        parallel = joblib.Parallel(processes, backend="loky", inner_max_num_threads=1)
        return parallel(joblib.delayed(_draw)(task) for task in tasks)
    except BrokenExecutor as error:
        raise EnsembleError(ENDED.format(type(error).__name__)) from error


@contextmanager
def dask_client(address: str) -> Iterator[Any]:
    """Yield a client of the Dask cluster whose scheduler has this address.

    Parameters
    ----------
    address
        Where the scheduler listens, for instance ``tcp://host:8786``.

    Raises
    ------
    ConnectionError
        No scheduler answers within some seconds, it has no workers, or it goes away.
    EnsembleError
        One call ended several workers.
    ImportError
        Dask is not installed.
    """
    try:
        from distributed import Client, KilledWorker
        from distributed.core import connect
    except ImportError:
        raise ImportError(
            f"FA_DASK names a cluster, {address}, but Dask is not installed: "
            "pip install 'fa-utils[cluster]', or unset FA_DASK to use the cores here"
        ) from None
    import asyncio

    with ExitStack() as stack:
        try:
            # A Dask client waits for good where something else listens, a dashboard for instance. The thread
            # is for notebooks, in which a loop is running already.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, asyncio.wait_for(connect(address), PATIENCE)).result().abort()
            client = stack.enter_context(Client(address, timeout=PATIENCE, set_as_default=False))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError, MemoryError) as error:
            raise ConnectionError(
                f"{address}: no Dask scheduler with workers answers ({error!r}); start `dask scheduler` and "
                f"`dask worker {address}`, or unset FA_DASK to use the cores here"
            ) from None
        try:
            yield client
        except CancelledError:
            raise ConnectionError(f"{address}: the Dask scheduler is gone; start it again") from None
        except KilledWorker as error:
            raise EnsembleError(ENDED.format("KilledWorker")) from error
