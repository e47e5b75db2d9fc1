"""Ensembles on a Dask cluster of processes, some of which are killed; in one process: test_cluster."""

import signal
import time

import numpy as np
import pytest
from conftest import refused, running_scheduler, without_workers, workers_of
from experiments import an_ensemble, product, refuses_small_numbers, slow, stream

import fa_utils as fa
from fa_utils import cluster, ensembles


def test_a_cluster_gives_the_same_bits(monkeypatch, scheduler, workers):
    here = fa.ensemble(product, 70, rng=stream())
    assert (fa.ensemble(product, 70, rng=stream(), cluster=scheduler) == here).all()
    asked = []
    connected = cluster._connected
    monkeypatch.setattr(cluster, "_connected", lambda address: (asked.append(address), connected(address))[1])
    monkeypatch.setenv("FA_DASK", scheduler)
    assert (fa.ensemble(product, 70, rng=stream()) == here).all()
    assert (fa.ensemble(product, 70, rng=stream(), cluster="") == here).all()
    assert asked == [scheduler]


def test_a_cluster_reports_a_failed_draw_and_loses_no_other(scheduler, workers):
    with pytest.raises(fa.EnsembleError) as there:
        fa.ensemble(refuses_small_numbers, 100, rng=stream(), cluster=scheduler)
    with pytest.raises(fa.EnsembleError) as here:
        fa.ensemble(refuses_small_numbers, 100, rng=stream(), cluster="")
    assert str(there.value) == str(here.value) and there.value.results == here.value.results


def kill_once_something_is_done(monkeypatch, processes):
    """Kill these as soon as the first draws are there."""
    monkeypatch.setattr(ensembles, "_show", lambda progress: [process.kill() for process in processes])


def test_a_worker_killed_in_the_middle_changes_nothing(monkeypatch, scheduler, workers):
    kill_once_something_is_done(monkeypatch, workers[:1])
    results = fa.ensemble(slow, 80, rng=stream(), cluster=scheduler)
    assert workers[0].wait(5) == -signal.SIGKILL
    assert (results == [child.standard_normal(3) for child in stream().spawn(80)]).all()


def test_an_ensemble_within_a_clusters_draw_stays_in_its_worker(monkeypatch, scheduler):
    monkeypatch.setenv("FA_DASK", scheduler)  # so that the worker has it as well
    with workers_of(scheduler, 1):
        there = fa.ensemble(an_ensemble, 3, rng=stream())
    monkeypatch.delenv("FA_DASK")
    assert (there == [an_ensemble(child) for child in stream().spawn(3)]).all()


def test_a_cluster_that_goes_away_is_said_and_loses_nothing_made_before(
    monkeypatch, impatient, scheduler, workers
):
    kill_once_something_is_done(monkeypatch, workers)
    with pytest.raises(fa.EnsembleError, match="the Dask scheduler has no workers") as caught:
        fa.ensemble(slow, 200, rng=stream(), cluster=scheduler)
    assert len(caught.value.failures) + len(caught.value.results) == 200
    assert (caught.value.results[0] == stream().spawn(1)[0].standard_normal(3)).all()


def test_a_scheduler_without_workers_is_a_clear_error(impatient, scheduler):
    with refused(ConnectionError, without_workers(scheduler)):
        fa.ensemble(np.random.Generator.random, 5, rng=stream(), cluster=scheduler)


def asked_for_once_all_are_made(scheduler, lost):
    """Return what comes of pieces whose workers are lost once the last is made, before it is asked for."""

    def states(dask_scheduler):
        return {task.state for task in dask_scheduler.tasks.values()}

    outcomes = cluster.map_on_cluster(abs, range(-10, 0), scheduler)
    assert next(outcomes) == 10
    with cluster._connected(scheduler) as client:
        while client.run_on_scheduler(states) != {"memory"}:
            time.sleep(0.05)
    for process in lost:
        process.kill()
        process.wait()
    return list(outcomes)


def test_results_lost_with_one_worker_are_made_again(scheduler, workers):
    assert asked_for_once_all_are_made(scheduler, workers[:1]) == [9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_results_lost_with_the_last_worker_are_said_to_be(impatient, scheduler, workers):
    outcomes = asked_for_once_all_are_made(scheduler, workers)
    assert len(outcomes) == 9
    assert {str(outcome) for outcome in outcomes} == {without_workers(scheduler)}


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
