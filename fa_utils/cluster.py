"""An existing Dask cluster: work sent to it piece by piece, and what came back or went wrong."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any, TypeVar

PATIENCE = 5.0  # seconds for a scheduler to answer, and for a worker to be there

Piece = TypeVar("Piece")
Outcome = TypeVar("Outcome")


def inside_a_worker() -> bool:
    """Return whether this code runs in a task of a Dask worker."""
    distributed = sys.modules.get("distributed")
    try:
        return distributed is not None and distributed.get_worker() is not None
    except ValueError:
        return False


def map_on_cluster(
    function: Callable[[Piece], Outcome], pieces: Sequence[Piece], address: str
) -> Iterator[Outcome | Exception]:
    """Yield what ``function`` returns for each piece, in order, or the exception that kept it from returning.

    Dask repeats what a lost worker had. Once the scheduler or the last worker is gone, so are all pieces
    still missing. Raises ConnectionError where no scheduler answers at first or it has no workers,
    ImportError without Dask.
    """
    with _connected(address) as client:
        _await_workers(client, address)
        shared = client.submit(_same, function, pure=False)
        futures = client.map(_apply, [shared] * len(pieces), pieces, pure=False)
        gone = None
        for future in futures:
            try:
                yield gone or _outcome(future, client, address)
            except ConnectionError as error:
                gone = error
                yield gone


def _outcome(future: Any, client: Any, address: str) -> Any:
    """Return what a piece returned, or the error in it; raise ConnectionError once nobody is left to ask.

    Asked again and again, since a worker can be lost between making a result and handing it over.
    """
    patience = PATIENCE
    while True:
        try:
            return future.result(timeout=patience)
        except CancelledError:
            raise ConnectionError(f"{address}: the Dask scheduler is gone") from None
        except Exception as error:
            if future.status == "error" or not isinstance(error, TimeoutError):
                return error
        _await_workers(client, address)
        if future.status == "finished":
            patience *= 2  # it is made, and large


def _connected(address: str) -> Any:
    """Return a Dask client of the scheduler at this address; raise ConnectionError where none answers."""
    try:
        from dask.distributed import Client
    except ImportError:
        raise ImportError(
            f"a cluster is asked for ({address}) but Dask is not installed: pip install 'dask[distributed]', "
            "or unset FA_DASK to use the cores here"
        ) from None
    import asyncio  # here, like Dask: without a cluster nothing needs it

    try:
        # Asked first by hand, and in a thread, since a notebook's own loop is running: a Dask client waits
        # for good where something else listens, and one that failed can block the next one's start.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, _identity(address)).result()
        return Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, MemoryError) as error:
        raise ConnectionError(
            f"{address}: no Dask scheduler answers ({error!r}); start one with `dask scheduler`, "
            "or unset FA_DASK to use the cores here"
        ) from None


async def _identity(address: str) -> dict[str, Any]:
    """Return what the scheduler says of itself, within the time of patience."""
    import asyncio

    from distributed.core import connect

    async def ask() -> dict[str, Any]:
        comm = await connect(address, timeout=PATIENCE)
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            comm.abort()

    return await asyncio.wait_for(ask(), PATIENCE)


def _await_workers(client: Any, address: str) -> None:
    """Return once there is a worker; raise ConnectionError where none comes."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise ConnectionError(
            f"{address}: the Dask scheduler has no workers; start some with `dask worker {address}`, "
            "or unset FA_DASK to use the cores here"
        ) from None


def _same(value: Piece) -> Piece:
    """Return the value: as a task of its own it is sent once, and made again if its worker is lost."""
    return value


def _apply(function: Callable[[Piece], Outcome], argument: Piece) -> Outcome:
    return function(argument)
