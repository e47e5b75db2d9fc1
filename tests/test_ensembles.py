import io
import os
import pickle
import signal
import sys
import threading
import time

import numpy as np
import pytest
from conftest import refused, workers_of
from threadpoolctl import threadpool_info, threadpool_limits

import fa_utils as fa
from fa_utils import cluster, ensembles


def three_numbers(rng):
    return rng.standard_normal(3)


def product(rng):
    matrix = rng.standard_normal((200, 200))
    return matrix @ matrix


def scaled(factor, rng):
    return factor * rng.random()


def slow(rng):
    time.sleep(0.05)
    return rng.standard_normal(3)


def refuses_small_numbers(rng):
    number = rng.random()
    if number < 0.1:
        raise ValueError(f"{number:.3f} is too small")
    return number


def ends_its_process(status, rng):
    if status:
        os._exit(status)
    return rng.random()


def waits_for(path, rng):
    ends = time.monotonic() + 20
    while path and not os.path.exists(path):
        if time.monotonic() > ends:
            raise TimeoutError
        time.sleep(0.01)
    return rng.random()


def threads_seen(rng):
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


class UnspeakableError(Exception):
    def __repr__(self):
        raise RuntimeError


def raises(error, rng):
    raise error


def on_a_cluster_again(rng):
    return fa.ensemble(three_numbers, 2, rng=rng)


def stream():
    return np.random.default_rng(5)


@pytest.fixture
def two_cores(monkeypatch):
    """Two processes, whatever Make says."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")


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


@pytest.mark.slow
def test_processes_give_the_same_bits(two_cores):
    assert (fa.ensemble(product, 70, rng=stream()) == [product(child) for child in stream().spawn(70)]).all()


def test_a_second_ensemble_of_the_same_generator_is_another_one():
    rng = stream()
    assert (fa.ensemble(three_numbers, 4, rng=rng) != fa.ensemble(three_numbers, 4, rng=rng)).all()


@pytest.mark.parametrize("cores", ["1", "2"])
def test_a_failed_draw_is_named_with_its_seed_and_loses_no_other(monkeypatch, cores):
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


@pytest.mark.slow
def test_a_draw_that_ends_its_process_loses_no_other(two_cores):
    with pytest.raises(fa.EnsembleError, match="its process: Terminated") as caught:
        fa.ensemble_over(ends_its_process, [7, 0, 0, 9] + [0] * 300, rng=stream())
    assert [failure.draw for failure in caught.value.failures] == [0, 3]
    assert len(caught.value.results) == 302


@pytest.mark.slow
def test_draws_that_all_end_their_process_are_given_up(monkeypatch, two_cores):
    monkeypatch.setattr(ensembles, "LOSSES", 2)
    with pytest.raises(fa.EnsembleError, match="5 of 5 draws failed"):
        fa.ensemble_over(ends_its_process, [1] * 5, rng=stream())


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
    lock = threading.Lock()
    with pytest.raises(TypeError, match=r"experiment cannot be sent to another process .* without locks"):
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


@pytest.mark.slow
def test_losses_are_counted_over_all_pieces(monkeypatch, two_cores):
    monkeypatch.setattr(ensembles, "LOSSES", 2)
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble_over(ends_its_process, [1, 1, 0, 0, 0], rng=stream())
    assert [failure.draw for failure in caught.value.failures] == [0, 1, 2, 3, 4]
    monkeypatch.setattr(ensembles, "PIECES", 2)
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble_over(ends_its_process, [1, 0, 0, 1, 0, 0], rng=stream())
    assert sorted(caught.value.results) == [1, 2]
    errors = {failure.draw: failure.error.split(":")[0] for failure in caught.value.failures}
    assert errors == {0: "its process", 3: "its process", 4: "nothing", 5: "nothing"}


@pytest.mark.slow
def test_progress_is_shown_while_other_draws_are_being_made(monkeypatch, tmp_path, two_cores):
    """The second draw ends once the first has been shown, and fails if it never is."""
    terminal, seen = io.StringIO(), tmp_path / "seen"
    terminal.isatty = lambda: True
    terminal.write = lambda text: seen.touch() if "1 of 2 draws" in text else None
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        assert fa.ensemble_over(waits_for, [None, str(seen)], rng=stream()).shape == (2,)


@pytest.mark.slow
def test_a_draw_that_cannot_be_sent_or_ends_its_process_is_said_in_full(monkeypatch, two_cores):
    says = (
        r"experiment cannot be sent to another process \(.*lock.*\); "
        "define it without locks, open files and generators"
    )
    lock = threading.Lock()
    with pytest.raises(TypeError, match=f"^{says}$"):
        fa.ensemble(lambda rng: lock.locked(), 5, rng=stream())
    monkeypatch.setattr(ensembles, "LOSSES", 1)
    monkeypatch.setattr(ensembles, "PIECES", 2)
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble_over(ends_its_process, [1, 0, 0, 0, 0, 0], rng=stream())
    errors = [failure.error for failure in caught.value.failures]
    assert [failure.draw for failure in caught.value.failures] == list(range(6)) and not caught.value.results
    assert errors[1:3] == ["nothing: given up, since many others ended their process"] * 2
    assert all(errors[k].startswith("its process: TerminatedWorkerError(") for k in (0, 3, 4, 5))


# --- on a cluster ----------------------------------------------------------------------------------


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_cluster_reports_a_failed_draw_and_loses_no_other(scheduler, workers):
    with pytest.raises(fa.EnsembleError) as there:
        fa.ensemble(refuses_small_numbers, 100, rng=stream(), cluster=scheduler)
    with pytest.raises(fa.EnsembleError) as here:
        fa.ensemble(refuses_small_numbers, 100, rng=stream(), cluster="")
    assert str(there.value) == str(here.value) and there.value.results == here.value.results


def kill_once_something_is_done(monkeypatch, processes):
    """Kill these as soon as the first draws are there."""
    monkeypatch.setattr(ensembles, "_show", lambda progress: [process.kill() for process in processes])


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_nothing(monkeypatch, scheduler, workers):
    kill_once_something_is_done(monkeypatch, workers[:1])
    results = fa.ensemble(slow, 80, rng=stream(), cluster=scheduler)
    assert workers[0].wait(5) == -signal.SIGKILL
    assert (results == [child.standard_normal(3) for child in stream().spawn(80)]).all()


@pytest.mark.slow
def test_a_streamed_error_is_the_same_on_a_cluster(scheduler, workers):
    def error(cluster):
        return fa.streamed_error(
            lambda a, b: np.arange(a + 1.0, b + 1) ** -0.5, 1_000_000, 5, rng=stream(), cluster=cluster
        )

    assert error(scheduler) == error("")


@pytest.mark.slow
def test_an_ensemble_within_a_clusters_draw_stays_in_its_worker(monkeypatch, scheduler):
    monkeypatch.setenv("FA_DASK", scheduler)  # so that the worker has it as well
    with workers_of(scheduler, 1):
        there = fa.ensemble(on_a_cluster_again, 3, rng=stream())
    monkeypatch.delenv("FA_DASK")
    assert (there == [on_a_cluster_again(child) for child in stream().spawn(3)]).all()


@pytest.mark.slow
def test_a_cluster_that_goes_away_is_said_and_loses_nothing_made_before(
    monkeypatch, impatient, scheduler, workers
):
    kill_once_something_is_done(monkeypatch, workers)
    with pytest.raises(fa.EnsembleError, match="the Dask scheduler has no workers") as caught:
        fa.ensemble(slow, 200, rng=stream(), cluster=scheduler)
    assert len(caught.value.failures) + len(caught.value.results) == 200
    assert (caught.value.results[0] == stream().spawn(1)[0].standard_normal(3)).all()
