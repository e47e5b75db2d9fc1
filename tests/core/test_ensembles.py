"""Ensembles, all of them in this process; in others, some of which end: faults/test_pools and test_dask."""

import os
import pickle
import re
import socket
import sys
import threading
import time

import joblib
import numpy as np
import pytest
from conftest import refused
from experiments import an_ensemble, product, refuses_small_numbers, scaled, stream, three_numbers
from joblib.externals.loky.process_executor import TerminatedWorkerError

import fa_utils as fa
from fa_utils import ensembles


def raises(error, rng):
    raise error


class Pool:
    """In place of joblib's processes: calls are made here, one after another."""

    asked = ()

    def __init__(self, processes, **options):
        Pool.asked = (processes, options)

    def __call__(self, calls):
        return [function(*arguments, **named) for function, arguments, named in calls]


@pytest.fixture
def pool(monkeypatch):
    """Three cores, and no other process, though it seems so."""
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT")
    monkeypatch.setattr(joblib, "cpu_count", lambda: 3)
    monkeypatch.setattr(joblib, "Parallel", Pool)


# --- streams and results -----------------------------------------------------------------------------


def test_results_are_those_of_the_spawned_streams_in_order():
    results = fa.ensemble(three_numbers, 200, rng=stream())
    assert (results == [three_numbers(child) for child in stream().spawn(200)]).all()
    assert fa.ensemble(np.random.Generator.random, 5, rng=stream()).shape == (5,)


def test_each_item_gets_a_stream_of_its_own():
    children = stream().spawn(3)
    wanted = [factor * child.random() for factor, child in zip([1, 10, 100], children, strict=True)]
    assert (fa.ensemble_over(scaled, [1.0, 10.0, 100.0], rng=stream()) == wanted).all()
    assert (fa.ensemble_over(scaled, iter([1.0, 10.0, 100.0]), rng=stream()) == wanted).all()


def test_a_second_ensemble_of_the_same_generator_is_another_one():
    rng = stream()
    assert (fa.ensemble(three_numbers, 4, rng=rng) != fa.ensemble(three_numbers, 4, rng=rng)).all()


def test_other_generators_keep_their_kind():
    for bits in (np.random.MT19937, np.random.SFC64):
        one, other = (np.random.Generator(bits(np.random.SeedSequence(3, pool_size=8))) for _ in range(2))
        wanted = [three_numbers(rng) for rng in other.spawn(3)]
        assert (fa.ensemble(three_numbers, 3, rng=one) == wanted).all()


def test_results_are_copies_of_what_the_experiment_may_use_again():
    buffer = np.empty(1)

    def reuses(rng):
        buffer[:] = rng.random()
        return buffer

    assert np.unique(fa.ensemble(reuses, 5, rng=stream())).size == 5


def test_answers_to_yes_or_no_are_results():
    assert fa.ensemble(lambda rng: rng.random() < 0.5, 4, rng=stream()).dtype == bool


# --- where draws are made ----------------------------------------------------------------------------


def test_a_process_for_each_core_or_draw_gives_the_same_bits(pool):
    for draws, processes in ((1, 2), (2, 2), (3, 3), (9, 3)):
        results = fa.ensemble(product, draws, rng=stream())
        assert (results == [product(child) for child in stream().spawn(draws)]).all()
        assert Pool.asked == (processes, {"backend": "loky", "inner_max_num_threads": 1})


def test_draws_within_a_draw_start_no_processes(pool):
    results = fa.ensemble(an_ensemble, 5, rng=stream())
    assert Pool.asked[0] == 3  # and not 2, for the two draws within each
    assert (results == [an_ensemble(child) for child in stream().spawn(5)]).all()


def test_after_a_fork_draws_start_no_processes(monkeypatch, pool):
    monkeypatch.setattr(ensembles, "_IMPORTED_IN", os.getpid() + 1)
    lock = threading.Lock()
    assert fa.ensemble(lambda rng: lock.locked(), 3, rng=stream()).tolist() == [False] * 3


# --- what goes wrong ---------------------------------------------------------------------------------


def test_a_failed_draw_is_named_with_a_stream_that_repeats_it():
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble(refuses_small_numbers, 100, rng=stream())
    numbers = [child.random() for child in stream().spawn(100)]
    failed = next(draw for draw, number in enumerate(numbers) if number < 0.1)
    said = str(caught.value)
    assert said == (
        f"draw {failed} failed with ValueError('{numbers[failed]:.3f} is too small'); its stream is "
        f"np.random.default_rng(np.random.SeedSequence(5, spawn_key=({failed},)))"
    )
    again = eval(said[said.index("np.random.default_rng(") :], {"np": np})
    assert again.random() == numbers[failed]
    assert isinstance(caught.value.__cause__, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == said


def test_a_draw_may_fail_with_an_exit_or_at_great_length():
    with pytest.raises(fa.EnsembleError, match=r"^draw 0 failed with SystemExit\(3\); its stream"):
        fa.ensemble_over(raises, [SystemExit(3)], rng=stream())
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble_over(raises, [ValueError("long " * 10**5)], rng=stream())
    assert len(str(caught.value)) < 1000


def test_an_interrupt_is_the_users_own():
    with pytest.raises(KeyboardInterrupt):
        fa.ensemble_over(raises, [KeyboardInterrupt()], rng=stream())
    assert not ensembles._DRAWING.get()


def test_a_draw_that_ends_its_process_is_said_in_a_sentence(monkeypatch, pool):
    ended = TerminatedWorkerError("several lines\n\nabout it")
    monkeypatch.setattr(Pool, "__call__", lambda self, calls: raises(ended, None))
    with refused(fa.EnsembleError, ensembles.ENDED.format("TerminatedWorkerError")):
        fa.ensemble(three_numbers, 5, rng=stream())


def test_an_experiment_that_cannot_be_sent_is_refused(pool):
    says = (
        r"experiment cannot be sent to another process \(.*lock.*\); "
        "define it without locks, open files and generators"
    )
    lock = threading.Lock()
    with pytest.raises(TypeError, match=f"^{says}$"):
        fa.ensemble(lambda rng: lock.locked(), 5, rng=stream())
    with pytest.raises(TypeError, match=f"^{says}$"):
        fa.ensemble_over(scaled, [1.0, lock], rng=stream())


def test_results_of_different_shapes_or_kinds_are_refused():
    says = "the draws have shapes [(1,), (2,)]; an experiment must return the same shape every time"
    with refused(ValueError, says):
        fa.ensemble_over(lambda size, rng: rng.random(size), [2, 1, 2], rng=stream())
    for result, kind in (({}, "object"), ("0.1", "<U3")):
        with refused(TypeError, f"draw 1 returned {kind}; an experiment must return numbers"):
            fa.ensemble_over(lambda item, rng: item, [1.0, result], rng=stream())


def test_what_cannot_be_an_ensemble_is_refused():
    with refused(TypeError, "experiment is 3; give a function of a random generator"):
        fa.ensemble(3, 2, rng=stream())
    with refused(ValueError, "draws is 0; choose at least 1"):
        fa.ensemble(three_numbers, 0, rng=stream())
    with refused(ValueError, "items is empty; give at least one"):
        fa.ensemble_over(scaled, [], rng=stream())
    with refused(TypeError, "rng is 3; it must be a Generator: pass rng=np.random.default_rng(seed)"):
        fa.ensemble(three_numbers, 2, rng=3)
    with pytest.raises(TypeError, match="a seed that can be split; pass rng="):
        fa.ensemble(three_numbers, 2, rng=np.random.Generator(np.random.RandomState(3)._bit_generator))


# --- a Dask cluster, whose workers are threads -------------------------------------------------------


@pytest.fixture(scope="module")
def threads():
    """A cluster with two workers, each of them a thread here."""
    from dask.distributed import LocalCluster

    here = {"processes": False, "threads_per_worker": 1, "protocol": "tcp"}
    with LocalCluster(n_workers=2, dashboard_address="127.0.0.1:0", **here) as cluster:
        yield cluster


@pytest.fixture
def scheduler(threads, monkeypatch):
    """The address of that cluster's scheduler, which FA_DASK names."""
    monkeypatch.setenv("FA_DASK", threads.scheduler_address)
    return threads.scheduler_address


def test_a_cluster_gives_the_same_bits(monkeypatch, scheduler):
    there = fa.ensemble(product, 5, rng=stream())
    monkeypatch.setenv("FA_DASK", "")
    assert (there == fa.ensemble(product, 5, rng=stream())).all()


def test_draws_of_a_cluster_are_made_by_its_workers_and_those_within_them_too(scheduler):
    def thread(rng):
        return threading.get_ident()

    def compare_with_inner(rng):
        return [thread(rng), *fa.ensemble(thread, 2, rng=rng)]

    found = fa.ensemble(compare_with_inner, 3, rng=stream())
    assert (found != threading.get_ident()).all() and (found == found[:, :1]).all()


def test_a_cluster_names_a_failed_draw(scheduler):
    with pytest.raises(fa.EnsembleError, match=r"^draw \d+ failed with ValueError\('0.0\d\d is too small'\)"):
        fa.ensemble(refuses_small_numbers, 50, rng=stream())


def test_a_cluster_is_not_sent_what_cannot_be(scheduler):
    lock = threading.Lock()
    with pytest.raises(TypeError, match="cannot be sent to another process"):
        fa.ensemble(lambda rng: lock.locked(), 5, rng=stream())


def test_a_client_is_neither_left_open_nor_made_the_default(threads, scheduler):
    from dask.distributed import default_client

    fa.ensemble(np.random.Generator.random, 5, rng=stream())
    while set(threads.scheduler.clients) != {"fire-and-forget"}:
        time.sleep(0.01)
    with pytest.raises(ValueError):
        default_client()


def test_what_a_cluster_lost_is_said_in_a_sentence(scheduler):
    from dask.distributed import CancelledError, KilledWorker

    says = f"{scheduler}: the Dask scheduler is gone; start it again"
    with refused(ConnectionError, says), ensembles.dask_client(scheduler):
        raise CancelledError("several lines\nabout it")
    says = ensembles.ENDED.format("KilledWorker")
    with refused(fa.EnsembleError, says), ensembles.dask_client(scheduler):
        raise KilledWorker("_draw-1", None, 4)


@pytest.mark.slow
def test_no_scheduler_is_a_clear_error_within_seconds(monkeypatch, impatient, threads):
    with socket.socket() as silent:  # and never listening: nothing answers there
        silent.bind(("127.0.0.1", 0))
        dashboard = threads.scheduler.http_server.port
        closed, other = (f"tcp://127.0.0.1:{port}" for port in (silent.getsockname()[1], dashboard))
        for address in (closed, other, "nonsense://here", "127.0.0.1"):
            monkeypatch.setenv("FA_DASK", address)
            says = (
                rf"{re.escape(address)}: no Dask scheduler with workers answers \(\w+\(.*\)\); start `dask "
                rf"scheduler` and `dask worker {re.escape(address)}`, or unset FA_DASK to use the cores here"
            )
            began = time.monotonic()
            with pytest.raises(ConnectionError, match=f"^{says}$"):
                fa.ensemble(np.random.Generator.random, 5, rng=stream())
            assert time.monotonic() - began < 5


def test_a_cluster_without_dask_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("FA_DASK", "tcp://127.0.0.1:8786")
    monkeypatch.setitem(sys.modules, "distributed", None)
    says = (
        "FA_DASK names a cluster, tcp://127.0.0.1:8786, but Dask is not installed: "
        "pip install 'fa-utils[cluster]', or unset FA_DASK to use the cores here"
    )
    with refused(ImportError, says):
        fa.ensemble(np.random.Generator.random, 5, rng=stream())
