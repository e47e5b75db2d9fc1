import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import fa_utils as fa
from fa_utils import ensembles


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


def ends_its_process(parent, rng):
    if os.getpid() != parent:
        os._exit(3)
    return rng.random()


def stream():
    return np.random.default_rng(5)


@pytest.fixture
def at_once(monkeypatch):
    """Start processes after the first piece, however fast it was, and two whatever Make says."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    monkeypatch.setattr(ensembles, "WORTHWHILE", 0.0)


def test_results_are_those_of_the_spawned_streams_in_order():
    results = fa.ensemble(three_numbers, 200, rng=stream())
    assert (results == [three_numbers(child) for child in stream().spawn(200)]).all()
    assert fa.ensemble(np.random.Generator.random, 5, rng=stream()).shape == (5,)


def test_each_item_gets_a_stream_of_its_own():
    results = fa.ensemble_over(scaled, [1.0, 10.0, 100.0], rng=stream())
    assert (
        results == [f * child.random() for f, child in zip([1, 10, 100], stream().spawn(3), strict=True)]
    ).all()


def test_processes_give_the_same_bits(at_once):
    assert (fa.ensemble(product, 70, rng=stream()) == [product(child) for child in stream().spawn(70)]).all()


def test_a_second_ensemble_of_the_same_generator_is_another_one():
    rng = stream()
    assert (fa.ensemble(three_numbers, 4, rng=rng) != fa.ensemble(three_numbers, 4, rng=rng)).all()


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_a_failed_draw_is_named_with_its_seed_and_loses_no_other(at_once, monkeypatch, seconds):
    monkeypatch.setattr(ensembles, "WORTHWHILE", seconds)
    with pytest.raises(fa.EnsembleError, match="of 100 draws failed") as caught:
        fa.ensemble(refuses_small_numbers, 100, rng=stream())
    numbers = [child.random() for child in stream().spawn(100)]
    failed = [draw for draw, number in enumerate(numbers) if number < 0.1]
    assert [failure.draw for failure in caught.value.failures] == failed != []
    assert caught.value.results == {k: x for k, x in enumerate(numbers) if k not in failed}
    said = str(caught.value)
    again = eval(said[said.index("np.random.default_rng(") :], {"np": np})
    assert again.random() == numbers[failed[0]]


def test_a_process_that_dies_loses_only_what_it_had(at_once):
    with pytest.raises(fa.EnsembleError, match="its process") as caught:
        fa.ensemble_over(ends_its_process, [os.getpid()] * 100, rng=stream())
    assert 0 in caught.value.results
    assert len(caught.value.results) + len(caught.value.failures) == 100


def test_results_of_different_shapes_or_kinds_are_refused():
    with pytest.raises(ValueError, match=r"draw 1 returned shape \(2,\), draw 0 \(1,\)"):
        fa.ensemble_over(lambda size, rng: rng.random(size), [1, 2], rng=stream())
    with pytest.raises(
        fa.EnsembleError, match=r"a result of type object; .* a number or an array of numbers"
    ):
        fa.ensemble(lambda rng: {"error": 1.0}, 2, rng=stream())


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="draws is 0"):
        fa.ensemble(three_numbers, 0, rng=stream())
    with pytest.raises(ValueError, match="items is empty"):
        fa.ensemble_over(scaled, [], rng=stream())
    with pytest.raises(TypeError, match="rng is 3"):
        fa.ensemble(three_numbers, 2, rng=3)
    with pytest.raises(TypeError, match="cluster is 8786; give the address"):
        fa.ensemble(three_numbers, 2, rng=stream(), cluster=8786)


def test_progress_is_shown_on_a_terminal_only(monkeypatch, capfd):
    fa.ensemble(three_numbers, 100, rng=stream())
    assert capfd.readouterr() == ("", "")
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        fa.ensemble(three_numbers, 100, rng=stream())
    shown = os.read(master, 10_000).decode()
    os.close(master)
    assert "50 of 100 draws" in shown and shown.endswith("\r\x1b[K")


# --- a cluster ---------------------------------------------------------------------------------------


def dask(*arguments):
    """Start a part of a cluster on loopback."""
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    command = [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, **quiet)


def worker(address):
    return dask("worker", address, "--nthreads", "1", "--no-nanny")


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler without workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = dask("scheduler", "--port", str(port))
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"tcp://127.0.0.1:{port}"
    process.kill()
    process.wait()


@pytest.fixture
def workers(scheduler):
    """Two workers of the scheduler."""
    processes = [worker(scheduler), worker(scheduler)]
    with ensembles._connected(scheduler) as client:
        client.wait_for_workers(2, timeout=30)
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def test_a_cluster_gives_the_same_bits(monkeypatch, scheduler, workers):
    here = fa.ensemble(product, 70, rng=stream())
    assert (fa.ensemble(product, 70, rng=stream(), cluster=scheduler) == here).all()
    asked = []
    connected = ensembles._connected
    monkeypatch.setattr(
        ensembles, "_connected", lambda address: (asked.append(address), connected(address))[1]
    )
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


def test_a_worker_killed_in_the_middle_changes_nothing(scheduler, workers):
    timer = threading.Timer(1.0, workers[0].send_signal, [signal.SIGKILL])
    timer.start()
    results = fa.ensemble(slow, 80, rng=stream(), cluster=scheduler)
    timer.join()
    assert workers[0].wait(5) == -signal.SIGKILL
    assert (results == [child.standard_normal(3) for child in stream().spawn(80)]).all()


def test_a_streamed_error_is_the_same_on_a_cluster(scheduler, workers):
    def error(cluster):
        return fa.streamed_error(
            lambda a, b: np.arange(a + 1.0, b + 1) ** -0.5, 1_000_000, 5, rng=stream(), cluster=cluster
        )

    assert error(scheduler) == error("")


def test_an_unreachable_scheduler_is_a_clear_error_within_seconds(monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("FA_DASK", closed)
    for address in (None, closed, "nonsense://here", "127.0.0.1"):
        began = time.monotonic()
        with pytest.raises(ConnectionError, match=r"no Dask scheduler answers .*unset FA_DASK"):
            fa.ensemble(three_numbers, 5, rng=stream(), cluster=address)
        assert time.monotonic() - began < 10


def test_a_scheduler_without_workers_is_a_clear_error(monkeypatch, scheduler):
    monkeypatch.setattr(ensembles, "PATIENCE", 0.5)
    with pytest.raises(ConnectionError, match=f"no workers; start some with `dask worker {scheduler}`"):
        fa.ensemble(three_numbers, 5, rng=stream(), cluster=scheduler)


def test_a_cluster_without_dask_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(ImportError, match="Dask is not installed: pip install"):
        fa.ensemble(three_numbers, 5, rng=stream(), cluster="tcp://127.0.0.1:8786")
