"""Ensembles on a Dask cluster, all of it in this process; in processes that are killed: faults/test_dask."""

import os
import re
import socket
import sys
import threading
import time
from concurrent.futures import CancelledError
from contextlib import nullcontext

import numpy as np
import pytest
from conftest import refused, without_workers
from experiments import an_ensemble, product, refuses_small_numbers, stream

import fa_utils as fa
from fa_utils import theory
from fa_utils import cluster, ensembles


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler with two workers, each of them a thread."""
    from dask.distributed import LocalCluster

    threads = {
        "processes": False,
        "threads_per_worker": 1,
        "protocol": "tcp",
        "dashboard_address": "127.0.0.1:0",
    }
    with LocalCluster(n_workers=2, **threads) as here:
        yield here.scheduler_address


@pytest.fixture
def asked(monkeypatch):
    """The addresses of the schedulers that were asked for."""
    addresses = []
    connected = cluster._connected

    def noted(address):
        addresses.append(address)
        return connected(address)

    monkeypatch.setattr(cluster, "_connected", noted)
    return addresses


def thread(rng=None):
    return threading.get_ident()


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

    def submit(self, function, argument, pure):
        return function(argument)

    def map(self, function, *arguments, pure):
        return [self] * len(arguments[0])


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


def test_without_workers_no_piece_is_waited_for(monkeypatch):
    nobody = Waiting(workers=False)
    monkeypatch.setattr(cluster, "_connected", lambda address: nullcontext(nobody))
    with refused(ConnectionError, without_workers("tcp://here")):
        fa.ensemble(np.random.Generator.random, 5, rng=stream(), cluster="tcp://here")
    assert nobody.awaited == [(1, cluster.PATIENCE)] and not nobody.asked


@pytest.mark.parametrize(
    ("last", "workers", "says"),
    [
        (("cancelled", CancelledError()), True, "tcp://here: the Dask scheduler is gone"),
        (("pending", TimeoutError()), False, without_workers("tcp://here")),
    ],
)
def test_once_nobody_is_left_no_further_piece_is_asked_for(monkeypatch, last, workers, says):
    future = Waiting(("finished", 7), ("error", ValueError("of this piece")), last)
    monkeypatch.setattr(cluster, "_connected", lambda address: nullcontext(future))
    outcomes = cluster.map_on_cluster(abs, range(5), "tcp://here")
    assert next(outcomes) == 7
    future.workers = workers
    own, *rest = outcomes
    assert str(own) == "of this piece" and len(future.asked) == 3
    assert [(type(error), str(error)) for error in rest] == [(ConnectionError, says)] * 3


def test_what_a_cluster_made_before_it_went_away_is_kept(monkeypatch):
    def goes_away(run, pieces, address):
        yield run(pieces[0])
        yield from [ConnectionError("gone")] * (len(pieces) - 1)

    monkeypatch.setattr(ensembles, "map_on_cluster", goes_away)
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble(np.random.Generator.random, 600, rng=stream(), cluster="tcp://here")
    first = [child.random() for child in stream().spawn(3)]  # 600 draws in 256 pieces
    assert caught.value.results == dict(enumerate(first))
    assert [failure.draw for failure in caught.value.failures] == [*range(3, 600)]
    assert {failure.error for failure in caught.value.failures} == {"its process: ConnectionError('gone')"}


def test_a_cluster_gives_the_same_bits(monkeypatch, scheduler, asked):
    here = fa.ensemble(product, 5, rng=stream())
    assert (fa.ensemble(product, 5, rng=stream(), cluster=scheduler) == here).all()
    monkeypatch.setenv("FA_DASK", scheduler)
    assert (fa.ensemble(product, 5, rng=stream()) == here).all()
    assert (fa.ensemble(product, 5, rng=stream(), cluster="") == here).all()
    assert asked == [scheduler, scheduler]


def test_a_cluster_reports_a_failed_draw_and_loses_no_other(scheduler):
    with pytest.raises(fa.EnsembleError) as there:
        fa.ensemble(refuses_small_numbers, 50, rng=stream(), cluster=scheduler)
    with pytest.raises(fa.EnsembleError) as here:
        fa.ensemble(refuses_small_numbers, 50, rng=stream(), cluster="")
    assert str(there.value) == str(here.value) and there.value.results == here.value.results


def test_an_ensemble_within_a_clusters_draw_stays_in_its_worker(monkeypatch, scheduler, asked):
    monkeypatch.setenv("FA_DASK", scheduler)  # which its workers see as well, being here
    there = fa.ensemble(an_ensemble, 3, rng=stream())
    threads = fa.ensemble(lambda rng: fa.ensemble(thread, 1, rng=rng)[0] == thread(), 3, rng=stream())
    assert asked == [scheduler] * 2 and threads.all()
    monkeypatch.delenv("FA_DASK")
    assert (there == [an_ensemble(child) for child in stream().spawn(3)]).all()


def test_a_streamed_error_is_the_same_on_a_cluster(scheduler):
    def error(cluster):
        return theory.streamed_error(
            lambda a, b: np.arange(a + 1.0, b + 1) ** -0.5, 1_000_000, 5, rng=stream(), cluster=cluster
        )

    assert error(scheduler) == error("")


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


def test_a_cluster_without_dask_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    says = (
        "a cluster is asked for (tcp://127.0.0.1:8786) but Dask is not installed: "
        "pip install 'dask[distributed]', or unset FA_DASK to use the cores here"
    )
    with refused(ImportError, says):
        fa.ensemble(np.random.Generator.random, 5, rng=stream(), cluster="tcp://127.0.0.1:8786")


def test_a_client_is_neither_left_open_nor_made_the_default(scheduler):
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


def test_equal_pieces_are_made_each_for_itself(scheduler):
    results = [*cluster.map_on_cluster(os.urandom, [8, 8, 8], scheduler)]
    results += cluster.map_on_cluster(os.urandom, [8], scheduler)
    assert len(set(results)) == 4
