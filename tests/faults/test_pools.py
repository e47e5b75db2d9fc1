"""Ensembles on the cores here, in processes, some of which end."""

import multiprocessing
import os

import numpy as np
import pytest
from conftest import close, refused
from experiments import an_ensemble, ends_its_process, product, refuses_small_numbers, stream, three_numbers

import fa_utils as fa
from fa_utils import ensembles


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """Two processes, whatever Make says."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    monkeypatch.delenv("FA_DASK", raising=False)


def test_processes_give_the_same_bits():
    assert (fa.ensemble(product, 70, rng=stream()) == [product(child) for child in stream().spawn(70)]).all()


def test_draws_are_made_in_other_processes_with_one_thread_each():
    def process_and_threads(rng):
        return os.getpid(), int(os.environ["OPENBLAS_NUM_THREADS"])

    for draws in (1, 5):
        processes, threads = fa.ensemble(process_and_threads, draws, rng=stream()).T
        assert os.getpid() not in processes and (threads == 1).all()


def test_draws_within_a_draw_stay_in_its_process():
    def processes(rng):
        return os.getpid(), *fa.ensemble(lambda rng: os.getpid(), 2, rng=rng)

    outer, *inner = fa.ensemble(processes, 5, rng=stream()).T
    assert (inner == outer).all()
    results = fa.ensemble(an_ensemble, 5, rng=stream())
    assert (results == [an_ensemble(child) for child in stream().spawn(5)]).all()


def test_a_failed_draw_is_named_from_another_process_as_well():
    with pytest.raises(fa.EnsembleError) as caught:
        fa.ensemble(refuses_small_numbers, 100, rng=stream())
    said = str(caught.value)
    again = eval(said[said.index("np.random.default_rng(") :], {"np": np})
    assert f"ValueError('{again.random():.3f} is too small')" in said


def test_a_draw_that_ends_its_process_is_said_and_the_next_ensemble_is_made():
    with refused(fa.EnsembleError, ensembles.ENDED.format("TerminatedWorkerError")):
        fa.ensemble_over(ends_its_process, [0, 0, 7] + [0] * 20, rng=stream())
    assert fa.ensemble_over(ends_its_process, [0] * 20, rng=stream()).shape == (20,)


def test_a_fork_draws_for_itself():
    fa.ensemble(three_numbers, 2, rng=stream())  # so that there are processes, which a fork cannot reach
    with multiprocessing.get_context("fork").Pool(1) as fork:
        results = fork.apply_async(fa.ensemble, (three_numbers, 5), {"rng": stream()}).get(timeout=20)
    assert (results == [three_numbers(child) for child in stream().spawn(5)]).all()


def test_activations_stay_what_they_are_in_another_process(rng):
    from fa_utils.companions import song2021, song2021_settings  # here: the other tests need no companion

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
