import os
import re
import socket
import sys
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest
from conftest import refused, running_scheduler, workers_of

import fa_utils as fa
from fa_utils import cluster


def stream():
    return np.random.default_rng(5)


def without_workers(address):
    return (
        f"{address}: the Dask scheduler has no workers; start some with `dask worker {address}`, "
        "or unset FA_DASK to use the cores here"
    )


class Waiting:
    """A future and a client in one: what comes of asking for a result, in turn, with the status then."""

    def __init__(self, *outcomes, workers=True):
        self.outcomes, self.workers, self.asked, self.awaited = iter(outcomes), workers, [], []

    def result(self, timeout):
        self.asked.append(timeout)
        self.status, outcome = next(self.outcomes)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def wait_for_workers(self, count, timeout):
        self.awaited.append((count, timeout))
        if not self.workers:
            raise TimeoutError


def test_a_result_is_waited_for_and_longer_if_it_is_made_and_large():
    late = TimeoutError()
    future = Waiting(("pending", late), ("finished", late), ("finished", late), ("finished", 7))
    assert cluster._outcome(future, future, "tcp://here") == 7
    patience = cluster.PATIENCE
    assert future.asked == [patience, patience, 2 * patience, 4 * patience]
    assert future.awaited == [(1, patience)] * 3


def test_an_error_in_a_piece_is_its_outcome_a_timeout_of_its_own_among_them():
    for status, error in (("error", TimeoutError("its own")), ("error", ValueError()), ("lost", OSError())):
        future = Waiting((status, error))
        assert cluster._outcome(future, future, "tcp://here") is error and not future.awaited


def test_nobody_left_to_ask_is_said():
    future = Waiting(("cancelled", CancelledError()))
    with refused(ConnectionError, "tcp://here: the Dask scheduler is gone"):
        cluster._outcome(future, future, "tcp://here")
    future = Waiting(("pending", TimeoutError()), workers=False)
    with refused(ConnectionError, without_workers("tcp://here")):
        cluster._outcome(future, future, "tcp://here")


@pytest.mark.slow
def test_a_port_where_something_else_listens_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(ConnectionError, match="no Dask scheduler answers"):
            fa.ensemble(
                np.random.Generator.random,
                5,
                rng=stream(),
                cluster=f"tcp://127.0.0.1:{silent.getsockname()[1]}",
            )


@pytest.mark.slow
def test_an_unreachable_scheduler_is_a_clear_error_within_seconds(monkeypatch):
    with socket.socket() as bound:  # and never listening: nothing answers there
        bound.bind(("127.0.0.1", 0))
        closed = f"tcp://127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("FA_DASK", closed)
        monkeypatch.setattr(cluster, "PATIENCE", 1.0)
        for address in (None, closed, "nonsense://here", "127.0.0.1"):
            began = time.monotonic()
            says = (
                r": no Dask scheduler answers \(\w+\(.*\)\); start one with `dask scheduler`, "
                "or unset FA_DASK to use the cores here$"
            )
            with pytest.raises(ConnectionError, match="^" + re.escape(address or closed) + says):
                fa.ensemble(np.random.Generator.random, 5, rng=stream(), cluster=address)
            assert time.monotonic() - began < 10


@pytest.mark.slow
def test_a_scheduler_without_workers_is_a_clear_error(impatient, scheduler):
    with refused(ConnectionError, without_workers(scheduler)):
        fa.ensemble(np.random.Generator.random, 5, rng=stream(), cluster=scheduler)


def test_a_cluster_without_dask_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    says = (
        "a cluster is asked for (tcp://127.0.0.1:8786) but Dask is not installed: "
        "pip install 'dask[distributed]', or unset FA_DASK to use the cores here"
    )
    with refused(ImportError, says):
        fa.ensemble(np.random.Generator.random, 5, rng=stream(), cluster="tcp://127.0.0.1:8786")


@pytest.mark.slow
def test_a_client_is_neither_left_open_nor_made_the_default(scheduler, workers):
    from dask.distributed import default_client

    def clients(dask_scheduler):
        return len([name for name in dask_scheduler.clients if name != "fire-and-forget"])

    fa.ensemble(np.random.Generator.random, 5, rng=stream(), cluster=scheduler)
    with cluster._connected(scheduler) as client:
        assert client.run_on_scheduler(clients) == 1
        with pytest.raises(ValueError):
            default_client()


def test_a_worker_is_sent_the_function_as_it_is_and_applies_it():
    """Both run in workers only, which these tests do not see into."""
    assert cluster._apply(cluster._same(abs), -3) == 3


@pytest.mark.slow
def test_equal_pieces_are_made_each_for_itself(scheduler, workers):
    results = [*cluster.map_on_cluster(os.urandom, [8, 8, 8], scheduler)]
    results += cluster.map_on_cluster(os.urandom, [8], scheduler)
    assert len(set(results)) == 4


def states_of_tasks(dask_scheduler):
    return {task.state for task in dask_scheduler.tasks.values()}


def asked_for_once_all_are_made(scheduler, lost):
    """Return what comes of pieces whose workers are lost once the last is made, before it is asked for."""
    outcomes = cluster.map_on_cluster(abs, range(-10, 0), scheduler)
    assert next(outcomes) == 10
    with cluster._connected(scheduler) as client:
        while client.run_on_scheduler(states_of_tasks) != {"memory"}:
            time.sleep(0.05)
    for process in lost:
        process.kill()
        process.wait()
    return list(outcomes)


@pytest.mark.slow
def test_results_lost_with_one_worker_are_made_again(scheduler, workers):
    assert asked_for_once_all_are_made(scheduler, workers[:1]) == [9, 8, 7, 6, 5, 4, 3, 2, 1]


@pytest.mark.slow
def test_results_lost_with_the_last_worker_are_said_to_be(impatient, scheduler, workers):
    outcomes = asked_for_once_all_are_made(scheduler, workers)
    assert len(outcomes) == 9
    assert {str(outcome) for outcome in outcomes} == {without_workers(scheduler)}


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_said(impatient, tmp_path):
    with running_scheduler(tmp_path) as (process, address), workers_of(address, 1):
        outcomes = cluster.map_on_cluster(time.sleep, [0.0, 60.0, 0.0], address)
        assert next(outcomes) is None
        process.kill()
        rest = list(outcomes)
    assert all(isinstance(outcome, ConnectionError) for outcome in rest) and len(rest) == 2
    assert {str(outcome) for outcome in rest} <= {
        f"{address}: the Dask scheduler is gone",
        without_workers(address),
    }
