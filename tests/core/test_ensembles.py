"""Ensembles, all of them in this process; in other processes, some of which end: faults/test_pools."""

import io
import os
import pickle
import sys
import threading

import cloudpickle
import joblib
import numpy as np
import pytest
from conftest import refused
from experiments import product, refuses_small_numbers, scaled, stream, three_numbers
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_info, threadpool_limits

import fa_utils as fa
from fa_utils import ensembles


def threads_seen(rng):
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


class UnspeakableError(Exception):
    def __repr__(self):
        raise RuntimeError


def raises(error, rng):
    raise error


class EndOfProcess(BaseException):
    """What an experiment raises instead of ending the process in which it is pretended to run."""


def pretends_to_end_its_process(status, rng):
    if status:
        raise EndOfProcess
    return rng.random()


class Pool:
    """In place of joblib's: calls are made here, one after another, until one ends its process."""

    def __init__(self, n_jobs, return_as="list"):
        self.returned = iter if return_as == "generator" else list

    def __call__(self, calls):
        return self.returned(map(self.made, calls))

    def made(self, call):
        function, arguments, named = call
        try:
            return function(*arguments, **named)
        except EndOfProcess:
            raise TerminatedWorkerError("a process ended") from None


@pytest.fixture
def two_cores(monkeypatch):
    """Two cores, whatever Make says."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")


@pytest.fixture
def threads(two_cores):
    """Two threads in place of processes."""
    with joblib.parallel_config("threading"):
        yield


@pytest.fixture
def pool(monkeypatch, two_cores):
    """No other process, though it seems so."""
    monkeypatch.setattr(joblib, "Parallel", Pool)


def test_results_are_those_of_the_spawned_streams_in_order():
    results = fa.ensemble(three_numbers, 200, rng=stream())
    assert (results == [three_numbers(child) for child in stream().spawn(200)]).all()
    assert fa.ensemble(np.random.Generator.random, 5, rng=stream()).shape == (5,)


def test_more_draws_than_pieces_are_all_made_once_and_in_order(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    made = []

    def noted(item, rng):
        made.append(item)
        return rng.random()

    draws = 2 * ensembles.PIECES + 5
    results = fa.ensemble_over(noted, range(draws), rng=stream())
    assert made == list(range(draws))
    assert (results == [child.random() for child in stream().spawn(draws)]).all()


def test_one_piece_of_work_stays_here(two_cores):
    lock = threading.Lock()  # which no other process could be sent
    assert fa.ensemble(lambda rng: lock.locked(), 1, rng=stream()).tolist() == [False]


def test_a_worker_of_a_cluster_starts_no_processes_and_asks_no_cluster(monkeypatch, two_cores):
    monkeypatch.setattr(ensembles, "inside_a_worker", lambda: True)
    monkeypatch.setenv("FA_DASK", "nonsense://here")
    lock = threading.Lock()
    assert fa.ensemble(lambda rng: lock.locked(), 3, rng=stream()).tolist() == [False] * 3


def test_each_item_gets_a_stream_of_its_own():
    results = fa.ensemble_over(scaled, [1.0, 10.0, 100.0], rng=stream())
    assert (
        results == [f * child.random() for f, child in zip([1, 10, 100], stream().spawn(3), strict=True)]
    ).all()


def test_two_at_a_time_give_the_same_bits(threads):
    assert (fa.ensemble(product, 9, rng=stream()) == [product(child) for child in stream().spawn(9)]).all()


def test_as_many_are_made_at_a_time_as_there_are_cores_or_pieces(monkeypatch):
    jobs = []

    def noted(n_jobs, **rest):
        jobs.append(n_jobs)
        return Pool(n_jobs, **rest)

    monkeypatch.setattr(joblib, "Parallel", noted)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 3)
    for draws in (2, 3, 4, 5):
        fa.ensemble(np.random.Generator.random, draws, rng=stream())
    assert jobs == [2, 3, 3, 3]


def test_a_second_ensemble_of_the_same_generator_is_another_one():
    rng = stream()
    assert (fa.ensemble(three_numbers, 4, rng=rng) != fa.ensemble(three_numbers, 4, rng=rng)).all()


@pytest.mark.parametrize("cores", ["1", "2"])
def test_a_failed_draw_is_named_with_its_seed_and_loses_no_other(monkeypatch, threads, cores):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", cores)
    with pytest.raises(fa.EnsembleError, match="of 100 draws failed") as caught:
        fa.ensemble(refuses_small_numbers, 100, rng=stream())
    numbers = [child.random() for child in stream().spawn(100)]
    failed = [draw for draw, number in enumerate(numbers) if number < 0.1]
    assert [failure.draw for failure in caught.value.failures] == failed != []
    assert caught.value.results == {k: x for k, x in enumerate(numbers) if k not in failed}
    said = str(caught.value)
    again = eval(said[said.index("np.random.Generator(") :], {"np": np})
    assert again.random() == numbers[failed[0]]


def test_a_draw_that_ends_its_process_loses_no_other(monkeypatch, pool):
    monkeypatch.setattr(ensembles, "PIECES", 10)  # of two draws each
    with pytest.raises(fa.EnsembleError, match="its process: Terminated") as caught:
        fa.ensemble_over(pretends_to_end_its_process, [7, 0, 0, 9] + [0] * 16, rng=stream())
    assert [failure.draw for failure in caught.value.failures] == [0, 3]
    numbers = [child.random() for child in stream().spawn(20)]
    assert caught.value.results == {draw: x for draw, x in enumerate(numbers) if draw not in (0, 3)}


def test_draws_that_all_end_their_process_are_given_up(monkeypatch, pool):
    monkeypatch.setattr(ensembles, "LOSSES", 2)
    with pytest.raises(fa.EnsembleError, match="5 of 5 draws failed"):
        fa.ensemble_over(pretends_to_end_its_process, [1] * 5, rng=stream())


def test_losses_are_counted_over_all_pieces(monkeypatch, pool):
    monkeypatch.setattr(ensembles, "LOSSES", 2)
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble_over(pretends_to_end_its_process, [1, 1, 0, 0, 0], rng=stream())
    assert [failure.draw for failure in caught.value.failures] == [0, 1, 2, 3, 4]
    monkeypatch.setattr(ensembles, "PIECES", 2)
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble_over(pretends_to_end_its_process, [1, 0, 0, 1, 0, 0], rng=stream())
    assert sorted(caught.value.results) == [1, 2]
    errors = {failure.draw: failure.error.split(":")[0] for failure in caught.value.failures}
    assert errors == {0: "its process", 3: "its process", 4: "nothing", 5: "nothing"}


def test_a_draw_that_ends_its_process_is_said_in_full(monkeypatch, pool):
    monkeypatch.setattr(ensembles, "LOSSES", 1)
    monkeypatch.setattr(ensembles, "PIECES", 2)
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble_over(pretends_to_end_its_process, [1, 0, 0, 0, 0, 0], rng=stream())
    errors = [failure.error for failure in caught.value.failures]
    assert [failure.draw for failure in caught.value.failures] == list(range(6)) and not caught.value.results
    assert errors[1:3] == ["nothing: given up, since many others ended their process"] * 2
    assert [errors[k] for k in (0, 3, 4, 5)] == ["its process: TerminatedWorkerError('a process ended')"] * 4


def test_results_of_different_shapes_or_kinds_are_refused():
    with pytest.raises(ValueError, match=r"draw 1 returned shape \(2,\), draw 0 \(1,\)"):
        fa.ensemble_over(lambda size, rng: rng.random(size), [1, 2], rng=stream())
    with pytest.raises(
        fa.EnsembleError, match=r"a result of type object; .* a number or an array of numbers"
    ):
        fa.ensemble(lambda rng: {"error": 1.0}, 2, rng=stream())
    with pytest.raises(fa.EnsembleError, match="a result of type <U3"):
        fa.ensemble(lambda rng: "0.1", 2, rng=stream())
    with pytest.raises(ValueError, match=r"shape \(3, 2\), draw 0 \(2, 3\)"):
        fa.ensemble_over(lambda shape, rng: rng.random(shape), [(2, 3), (3, 2)], rng=stream())
    assert fa.ensemble(lambda rng: rng.random() < 0.5, 4, rng=stream()).dtype == bool


def test_results_are_copies_of_what_the_experiment_may_use_again():
    buffer = np.empty(1)

    def reuses(rng):
        buffer[:] = rng.random()
        return buffer

    assert np.unique(fa.ensemble(reuses, 5, rng=stream())).size == 5


@pytest.mark.parametrize("error", [UnspeakableError(), SystemExit(3), ValueError("long " * 10**5)])
def test_whatever_a_draw_raises_is_its_failure_alone(error):
    with pytest.raises(fa.EnsembleError, match="2 of 2 draws failed") as caught:
        fa.ensemble_over(raises, [error, error], rng=stream())
    assert len(str(caught.value)) < 1000


def test_an_interrupt_is_the_users_own():
    with pytest.raises(KeyboardInterrupt):
        fa.ensemble_over(raises, [KeyboardInterrupt()], rng=stream())


def test_an_ensembles_error_can_be_sent_on():
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble(refuses_small_numbers, 100, rng=stream())
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.results == caught.value.results


def test_other_generators_keep_their_kind():
    for bits in (np.random.MT19937, np.random.SFC64):
        one, other = (np.random.Generator(bits(np.random.SeedSequence(3, pool_size=8))) for _ in range(2))
        assert (
            fa.ensemble(three_numbers, 3, rng=one) == [three_numbers(rng) for rng in other.spawn(3)]
        ).all()
        with pytest.raises(fa.EnsembleError) as caught:
            fa.ensemble_over(raises, [ValueError()], rng=one)
        said = str(caught.value)
        again = eval(said[said.index("np.random.Generator(") :], {"np": np})
        assert again.random() == other.spawn(1)[0].random()


def test_matrix_products_of_a_draw_are_made_by_one_thread():
    with threadpool_limits(2):
        assert (fa.ensemble(threads_seen, 3, rng=stream()) == 1).all()
        with ensembles.ONE_THREAD, ensembles.ONE_THREAD:
            assert threads_seen(None) == 1
        assert threads_seen(None) == min(2, os.cpu_count())


def test_threads_are_given_back_when_the_last_user_leaves():
    one_thread = ensembles._OneThread()
    with threadpool_limits(2):
        for _ in range(2):
            with one_thread:
                with one_thread:
                    assert threads_seen(None) == 1
                assert threads_seen(None) == 1
            assert threads_seen(None) == min(2, os.cpu_count())


def test_an_experiment_that_cannot_be_sent_is_refused(two_cores):
    says = (
        r"experiment cannot be sent to another process \(.*lock.*\); "
        "define it without locks, open files and generators"
    )
    lock = threading.Lock()
    with pytest.raises(TypeError, match=f"^{says}$"):
        fa.ensemble(lambda rng: lock.locked(), 5, rng=stream())


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="draws is 0"):
        fa.ensemble(three_numbers, 0, rng=stream())
    with pytest.raises(ValueError, match="items is empty"):
        fa.ensemble_over(scaled, [], rng=stream())
    with pytest.raises(TypeError, match="rng is 3"):
        fa.ensemble(three_numbers, 2, rng=3)
    with pytest.raises(TypeError, match="a seed that can be split; pass rng="):
        fa.ensemble(three_numbers, 2, rng=np.random.Generator(np.random.RandomState(3)._bit_generator))
    with pytest.raises(TypeError, match="experiment is 3; give a function"):
        fa.ensemble(3, 2, rng=stream())
    assert fa.ensemble_over(scaled, iter([1.0, 2.0]), rng=stream()).shape == (2,)
    with pytest.raises(TypeError, match="cluster is 8786; give the address"):
        fa.ensemble(three_numbers, 2, rng=stream(), cluster=8786)


def test_progress_is_shown_on_a_terminal_only(monkeypatch, capfd):
    fa.ensemble(three_numbers, 100, rng=stream())
    assert capfd.readouterr() == ("", "")
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        fa.ensemble(three_numbers, 100, rng=stream())
        patched.setattr(sys, "stderr", None)
        fa.ensemble(three_numbers, 100, rng=stream())
    shown = terminal.getvalue()
    assert "\r\x1b[K50 of 100 draws" in shown and shown.endswith("\r\x1b[K")


def test_progress_is_shown_while_other_draws_are_being_made(monkeypatch, threads):
    """The second draw waits until the first has been shown, and fails if it never is."""
    terminal, seen = io.StringIO(), threading.Event()
    terminal.isatty = lambda: True
    terminal.write = lambda text: seen.set() if "1 of 2 draws" in text else None
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        patched.setattr(cloudpickle, "dumps", lambda run: None)  # an event could not be sent
        shown = fa.ensemble_over(lambda late, rng: not late or seen.wait(20), [False, True], rng=stream())
    assert shown.all()


def test_what_cannot_be_an_ensemble_is_said_in_full(monkeypatch):
    with refused(TypeError, "experiment is 3; give a function of a random generator"):
        fa.ensemble(3, 2, rng=stream())
    with refused(ValueError, "draws is 0; choose at least 1"):
        fa.ensemble(three_numbers, 0, rng=stream())
    with refused(ValueError, "items is empty; give at least one"):
        fa.ensemble_over(scaled, [], rng=stream())
    with refused(TypeError, "cluster is 8786; give the address of a Dask scheduler, tcp://host:8786"):
        fa.ensemble(three_numbers, 2, rng=stream(), cluster=8786)
    with refused(TypeError, "rng is 3; it must be a Generator: pass rng=np.random.default_rng(seed)"):
        fa.ensemble(three_numbers, 2, rng=3)
    says = "draw 2 returned shape (2,), draw 0 (1,); an experiment must return the same shape every time"
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    with refused(ValueError, says):
        fa.ensemble_over(lambda size, rng: rng.random(size), [1, 1, 2], rng=stream())


def test_what_is_wrong_with_a_draw_is_said_in_full(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble_over(lambda item, rng: item, [1.0, "x", {}], rng=np.random.default_rng(5))
    kinds = [failure.error for failure in caught.value.failures]
    said = "; an experiment returns a number or an array of numbers"
    assert kinds == [f"a result of type <U1{said}", f"a result of type object{said}"]
    assert str(caught.value) == (
        "2 of 3 draws failed, the others are in this error's .results: draw 1 failed with a result of type "
        f"<U1{said}; its stream is np.random.Generator(np.random.PCG64(np.random.SeedSequence(5, "
        "spawn_key=(1,), pool_size=4)))"
    )
    assert [failure.draw for failure in caught.value.failures] == [1, 2]
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble_over(raises, [UnspeakableError(), ValueError("y" * 600)], rng=stream())
    kinds = [failure.error for failure in caught.value.failures]
    assert kinds == ["UnspeakableError", ("ValueError('" + "y" * 600)[:500]]
