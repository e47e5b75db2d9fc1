"""FA's error at rest, drawn: Wishart matrices against rows, and rows streamed over cores and Dask workers.

Streaming is held against drawing the same random numbers and doing nothing with them. Every run of one table
must return the same bits.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import measure
import numpy as np

import fa_utils as fa
from fa_utils import theory
from fa_utils.theory.sampling import ENTRIES

R = 20
THETA = 0.5
STREAMED = 100_000_000  # rows
LOCAL = "LOKY_MAX_CPU_COUNT"


def power_law(start: int, stop: int) -> np.ndarray:
    """Return singular values without repetition: i to the power of -1/2, i counted from 1."""
    return np.arange(start + 1.0, stop + 1) ** -0.5


def streamed(size: int) -> float:
    """Return one streamed error, the same for the same size wherever it is made."""
    return theory.streamed_error(power_law, size, R, rng=np.random.default_rng(0))


def draw_alone(size: int) -> None:
    """Draw as many normal numbers as a streamed error of this size needs, in blocks as large."""
    rng = np.random.default_rng(0)
    rows = ENTRIES // R
    for start in range(0, size, rows):
        rng.standard_normal((min(rows, size - start), R))


def print_draws() -> None:
    """Print the milliseconds that one draw costs, by Wishart matrices, by rows, and by NumPy's QR."""
    measure.print_header(f"one draw, r = {R}, theta = {THETA}", "n", "milliseconds", "mean over law")
    for size, ways in ((2000, ("Wishart", "rows", "QR in NumPy")), (10**12, ("Wishart",))):
        values, weights = theory.separation_spectrum(size, R, THETA)
        every = np.repeat(values, weights) if len(ways) > 1 else None
        calls = {
            "Wishart": lambda rng, v=values, w=weights: theory.sampled_errors(v, R, 1000, weights=w, rng=rng),
            "rows": lambda rng, v=every: theory.sampled_errors(v, R, 1000, rng=rng),
            "QR in NumPy": lambda rng, v=every: np.array(
                [fa.stationary_errors(v, rng.standard_normal((v.size, R))) for _ in range(1000)]
            ),
        }
        law = theory.error_law(values, R, weights) + theory.error_law_correction(values, R, weights)
        for way in ways:
            ratio = calls[way](np.random.default_rng(0)).mean() / law
            measure.assert_agreement(f"the mean of {way}", abs(ratio - 1), 0.01)
            seconds = measure.median_seconds(lambda way=way, c=calls: c[way](np.random.default_rng(1)))
            measure.print_row(way, f"{size:.0e}", f"{seconds:.3f}", f"{ratio:.4f}")


def streaming_costs(size: int) -> tuple[float, float, float]:
    """Return the seconds of streaming and of drawing alone, medians of three in turn, and peak MiB."""
    pairs = [
        (measure.timed(lambda: streamed(size))[0], measure.timed(lambda: draw_alone(size))[0])
        for _ in range(3)
    ]
    return (*np.median(pairs, axis=0), measure.peak_memory() / 2**20)


def print_streaming() -> None:
    """Print what a row costs on one core, each size in a process of its own, so that the peak is its own."""
    measure.print_header(f"streamed, one core, r = {R}", "ns a row", "drawing alone", "ratio", "peak MiB")
    for size in (10**6, 10**7, STREAMED):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
            ours, drawing, peak = processes.submit(streaming_costs, size).result()
        cells = (
            f"{1e9 * ours / size:.0f}",
            f"{1e9 * drawing / size:.0f}",
            f"{ours / drawing:.2f}",
            f"{peak:.0f}",
        )
        measure.print_row(f"n = {size:,}", *cells)


@contextlib.contextmanager
def cluster_of(workers: int) -> Iterator[str]:
    """Run a scheduler and so many workers of one thread on loopback; yield the scheduler's address."""
    from dask.distributed import Client

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        written = str(Path(folder, "scheduler.json"))
        common = ["--scheduler-file", written, "--host", "127.0.0.1", "--no-dashboard"]
        parts = [["scheduler", "--port", "0"], *[["worker", "--nthreads", "1", "--no-nanny"]] * workers]
        for part in parts:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *part, *common],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
                stderr=subprocess.DEVNULL,
            )
            ends.callback(process.wait)
            ends.callback(process.kill)
        with Client(scheduler_file=written, timeout=30, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=30)
            address = client.scheduler.address
        yield address


def print_workers() -> None:
    """Print how much faster two processes are than one, on the cores here and on a Dask cluster."""
    measure.print_header(f"streamed, n = {STREAMED:,}, r = {R}", "seconds", "times as fast as one")
    taken = []
    errors = []
    for cores in (1, 2):
        os.environ[LOCAL] = str(cores)
        seconds, error = measure.timed(lambda: streamed(STREAMED))
        taken.append(seconds)
        errors.append(error)
        measure.print_row(f"processes here: {cores}", f"{seconds:.1f}", f"{taken[0] / seconds:.2f}")
    assert errors[0] == errors[1], "two processes return other bits than one"
    if measure.installed("distributed"):
        print_cluster(errors[0])


def print_cluster(error: float) -> None:
    """Print the same on one Dask worker and on two, which must return this error."""
    taken = []
    for workers in (1, 2):
        with cluster_of(workers) as address:
            os.environ["FA_DASK"] = address
            seconds, again = measure.timed(lambda: streamed(STREAMED))
            del os.environ["FA_DASK"]
        assert again == error, "a cluster returns other bits"
        taken.append(seconds)
        measure.print_row(f"Dask workers: {workers}", f"{seconds:.1f}", f"{taken[0] / seconds:.2f}")


def main() -> None:
    """Print a table for each way to draw."""
    measure.refuse_arguments(__doc__)
    os.environ[LOCAL] = "1"
    measure.print_title("Draws of FA's error", "joblib", "distributed")
    print_draws()
    print_streaming()
    print_workers()


if __name__ == "__main__":
    main()
