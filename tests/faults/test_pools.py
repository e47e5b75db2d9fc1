"""Ensembles on the cores here, in processes, some of which end."""

import io
import os
import sys
import threading

import numpy as np
import pytest
from conftest import close
from experiments import ends_its_process, product, refuses_small_numbers, stream, waits_for

import fa_utils as fa
from fa_utils.companions import song2021, song2021_settings
from fa_utils import ensembles


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """Two processes, whatever Make says."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    monkeypatch.delenv("FA_DASK", raising=False)


def test_processes_give_the_same_bits():
    assert (fa.ensemble(product, 70, rng=stream()) == [product(child) for child in stream().spawn(70)]).all()


def test_draws_are_made_in_other_processes():
    assert os.getpid() not in fa.ensemble(lambda rng: os.getpid(), 5, rng=stream())


def test_a_failed_draw_is_the_same_in_another_process(monkeypatch):
    with pytest.raises(fa.EnsembleError) as there:
        fa.ensemble(refuses_small_numbers, 100, rng=stream())
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    with pytest.raises(fa.EnsembleError) as here:
        fa.ensemble(refuses_small_numbers, 100, rng=stream())
    assert str(there.value) == str(here.value) and there.value.results == here.value.results


def test_a_draw_that_ends_its_process_loses_no_other():
    with pytest.raises(fa.EnsembleError, match="its process: Terminated") as caught:
        fa.ensemble_over(ends_its_process, [7, 0, 0, 9] + [0] * 300, rng=stream())
    assert [failure.draw for failure in caught.value.failures] == [0, 3]
    assert len(caught.value.results) == 302


def test_draws_that_all_end_their_process_are_given_up(monkeypatch):
    monkeypatch.setattr(ensembles, "LOSSES", 2)
    with pytest.raises(fa.EnsembleError, match="5 of 5 draws failed"):
        fa.ensemble_over(ends_its_process, [1] * 5, rng=stream())


def test_losses_are_counted_over_all_pieces(monkeypatch):
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


def test_progress_is_shown_while_other_draws_are_being_made(monkeypatch, tmp_path):
    """The second draw ends once the first has been shown, and fails if it never is."""
    terminal, seen = io.StringIO(), tmp_path / "seen"
    terminal.isatty = lambda: True
    terminal.write = lambda text: seen.touch() if "1 of 2 draws" in text else None
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        assert fa.ensemble_over(waits_for, [None, str(seen)], rng=stream()).shape == (2,)


def test_a_draw_that_cannot_be_sent_or_ends_its_process_is_said_in_full(monkeypatch):
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


def test_activations_stay_what_they_are_in_another_process(rng):
    def seen_there(simulation, rng):
        network = song2021.random_network(simulation.activation, 5, 9, 20, rng=np.random.default_rng(3))
        known = [network.activation == own for own in (song2021.LINEAR, song2021.RELU, song2021.TANH)]
        run = song2021.train_network(network, 0.05, 0.1, 20, every=10)
        return [os.getpid(), *known, *run.losses, *run.network.weights]

    simulations = [*song2021_settings.SIMULATIONS.values()]
    there = fa.ensemble_over(seen_there, simulations, rng=rng)
    here = [seen_there(simulation, None) for simulation in simulations]
    assert (there[:, 0] != os.getpid()).all() and np.array_equal(there[:, 1:4], np.eye(3))
    assert close(there[:, 4:], np.array(here)[:, 4:], rtol=1e-12)
