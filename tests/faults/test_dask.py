"""Ensembles on a Dask cluster of processes, some of which are killed; in one process: core/test_ensembles."""

import signal
import threading

import numpy as np
import pytest
from conftest import refused, running_scheduler, workers_of
from experiments import an_ensemble, ends_its_process, product, refuses_small_numbers, slow, stream

import fa_utils as fa
from fa_utils import ensembles


@pytest.fixture
def cluster(monkeypatch, scheduler):
    """The address of a scheduler, which FA_DASK names."""
    monkeypatch.setenv("FA_DASK", scheduler)
    return scheduler


@pytest.fixture
def kill_soon():
    """A function that kills a process in the middle of an ensemble."""
    timers = []

    def start(process):
        timers.append(threading.Timer(1.5, process.kill))
        timers[-1].start()

    yield start
    for timer in timers:
        timer.join()


def test_a_cluster_gives_the_same_bits_and_names_a_failed_draw(cluster, workers):
    results = fa.ensemble(product, 70, rng=stream())
    assert (results == [product(child) for child in stream().spawn(70)]).all()
    with pytest.raises(fa.EnsembleError, match=r"^draw \d+ failed with ValueError\('0.0\d\d is too small'\)"):
        fa.ensemble(refuses_small_numbers, 100, rng=stream())


def test_a_worker_killed_in_the_middle_changes_nothing(cluster, workers, kill_soon):
    kill_soon(workers[0])
    results = fa.ensemble(slow, 200, rng=stream())
    assert workers[0].wait(5) == -signal.SIGKILL
    assert (results == [child.standard_normal(3) for child in stream().spawn(200)]).all()


def test_an_ensemble_within_a_clusters_draw_stays_in_its_worker(monkeypatch, cluster):
    with workers_of(cluster, 1):  # which has FA_DASK as well
        there = fa.ensemble(an_ensemble, 3, rng=stream())
    monkeypatch.delenv("FA_DASK")
    assert (there == [an_ensemble(child) for child in stream().spawn(3)]).all()


def test_a_draw_that_ends_its_workers_is_said(cluster):
    says = ensembles.ENDED.format("KilledWorker")
    with workers_of(cluster, 1, "--nanny"), refused(fa.EnsembleError, says):
        fa.ensemble_over(ends_its_process, [0, 7, 0], rng=stream())


def test_a_scheduler_without_workers_is_a_clear_error(impatient, cluster):
    with pytest.raises(ConnectionError, match="no Dask scheduler with workers answers"):
        fa.ensemble(np.random.Generator.random, 5, rng=stream())


def test_a_scheduler_that_goes_away_is_said(monkeypatch, tmp_path, kill_soon):
    with running_scheduler(tmp_path) as (process, address), workers_of(address, 2):
        monkeypatch.setenv("FA_DASK", address)
        kill_soon(process)
        with refused(ConnectionError, f"{address}: the Dask scheduler is gone; start it again"):
            fa.ensemble(slow, 200, rng=stream())
