"""What several tests share: random streams, a problem, a Dask cluster on loopback."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import configuration, settings
from small_copy import copy_repository

import fa_utils as fa
from fa_utils import ensembles

configuration.set_hypothesis_home_dir(Path(__file__).parents[1] / "build" / ".hypothesis")
settings.register_profile("suite", derandomize=True, database=None, deadline=None, max_examples=60)
settings.register_profile("thorough", database=None, deadline=None, max_examples=1000, print_blob=True)


def pytest_configure():
    """Take the suite's profile before Hypothesis looks at --hypothesis-profile, and once alone.

    This module is imported a second time by tests that say ``from conftest import ...``.
    """
    settings.load_profile("suite")


def pytest_collection_modifyitems(items):
    """Run the slow tests last: what is wrong mostly shows before."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(autouse=True, scope="session")
def one_core():
    """Ensembles stay in this process, as they do in the notebooks; tests in other processes are in faults."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")
        patch.delenv("FA_DASK", raising=False)
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(20220328)


@pytest.fixture
def problem(rng):
    """A target of rank 4 and shape (7, 6), with three hidden units."""
    target = fa.target_with_spectrum([2.0, 1.5, 1.0, 0.5], (7, 6), rng=rng)
    return fa.random_problem(target, 3, start_scale=0.5, feedback_scale=0.7, rng=rng)


@pytest.fixture
def copy(tmp_path):
    """A small repository in a folder whose name has a space and a letter beyond ASCII."""
    return copy_repository(tmp_path / "a cópy")


OVERFLOWS = (
    " overflows float64, which ends at 1.8e+308; choose smaller units: "
    "divide the large ones among its arguments by a power of ten"
)


@contextlib.contextmanager
def refused(kind, message):
    """Expect an error of this kind that says exactly this."""
    with pytest.raises(kind) as caught:
        yield
    assert str(caught.value) == message


def close(found, wanted, *, rtol=0.0, atol=0.0):
    """Return whether all entries are as close as said: what is not said is 0, other than in `np.allclose`."""
    return np.allclose(found, wanted, rtol=rtol, atol=atol)


def dask(*arguments):
    """Start a part of a cluster on loopback."""
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    command = [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, **quiet)


@contextlib.contextmanager
def workers_of(address, count, nanny="--no-nanny"):
    """Run so many workers of one thread, once they have reached their scheduler; a nanny restarts them."""
    from distributed import Client  # here, since most tests do without Dask

    processes = []
    try:
        with Client(address, set_as_default=False) as client:
            while client.ncores():  # until the scheduler has missed those that were killed before
                time.sleep(0.05)
            processes += [dask("worker", address, "--nthreads", "1", nanny) for _ in range(count)]
            client.wait_for_workers(count, timeout=30)
        yield processes
    finally:
        for process in processes:
            process.terminate() if nanny == "--nanny" else process.kill()  # a nanny ends its worker first
            process.wait()


@contextlib.contextmanager
def running_scheduler(folder):
    """Run a scheduler without workers, on a free port of its choice; give its process and its address."""
    from distributed.utils import json_load_robust  # here, since most tests do without Dask

    written = folder / "scheduler.json"
    process = dask("scheduler", "--port", "0", "--scheduler-file", str(written))
    try:
        yield process, json_load_robust(written, timeout=30)["address"]
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def impatient(monkeypatch):
    """Little patience with a cluster."""
    monkeypatch.setattr(ensembles, "PATIENCE", 1.0)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a scheduler without workers."""
    with running_scheduler(tmp_path_factory.mktemp("scheduler")) as (_, address):
        yield address


@pytest.fixture
def workers(scheduler):
    """Two workers of the scheduler."""
    with workers_of(scheduler, 2) as processes:
        yield processes
