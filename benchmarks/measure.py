"""Timing several ways to the same result in turn, and saying how their times compare.

Import it before NumPy: unless the environment says otherwise, BLAS gets one thread, under ours as under the
others. PyTorch's own threads are set to one where it is imported; XLA, below diffrax, may still use every
core. Tables are Markdown, so that a run's output can be kept as it is.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("VECLIB_MAXIMUM_THREADS", "1")

import argparse
import importlib.util
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

Arrays = tuple[np.ndarray, ...]
NAME = 32  # width of the tables' first column
FIGURES = 22  # and of the others


@dataclass(frozen=True)
class Entry:
    """One way to a result: its name, and a call that returns the result's arrays.

    Every entry is called once for its result; ``repeats`` more calls are timed. A slow one may have 0: then
    its first call is timed. ``tolerance`` bounds how far the result may be from ours, relative to the largest
    entry of each array.
    """

    name: str
    run: Callable[[], Arrays]
    repeats: int = 5
    tolerance: float = 1e-9


def timed(run: Callable) -> tuple[float, object]:
    """Return the seconds that one call takes, and what it returns."""
    started = time.perf_counter()
    result = run()
    return time.perf_counter() - started, result


def difference(first: Arrays, second: Arrays) -> float:
    """Return the largest difference between two results, relative to each array's largest entry."""
    pairs = zip(first, second, strict=True)
    return max(float(np.abs(one - other).max() / np.abs(one).max()) for one, other in pairs)


def assert_agreement(name: str, off: float, tolerance: float) -> None:
    """Raise AssertionError where a result is further off than it may be."""
    assert off <= tolerance, f"{name} differs from ours by {off:.1e}; at most {tolerance:.0e} is allowed"


def compare(problem: str, ours: Entry, others: Sequence[Entry], besides: Sequence[Entry] = ()) -> None:
    """Assert that the others' results are ours, time all entries in turn and print a table of one problem.

    ``besides`` are further calls of ours, with results of another kind that the caller has checked; the
    others' times are set against theirs, too.
    """
    entries = (ours, *besides, *others)
    first = {entry.name: timed(entry.run) for entry in entries}
    offs = {entry.name: difference(first[ours.name][1], first[entry.name][1]) for entry in others}
    for entry in others:
        assert_agreement(entry.name, offs[entry.name], entry.tolerance)
    seconds = {entry.name: [] if entry.repeats else [first[entry.name][0]] for entry in entries}
    del first
    for turn in range(max(entry.repeats for entry in entries)):
        for entry in entries:
            if turn < entry.repeats:
                seconds[entry.name].append(timed(entry.run)[0])
    rivals = [entry.name for entry in (ours, *besides)]
    print_header(problem, "milliseconds", *(f"times {name}" for name in rivals), "differs by")
    for name, values in seconds.items():
        against = [spread(ratios(values, seconds[rival])) if name in offs else "" for rival in rivals]
        off = f"{offs[name]:.0e}" if name in offs else ""
        print_row(name, spread([1000 * value for value in values]), *against, off)


def ratios(seconds: Sequence[float], ours: Sequence[float]) -> list[float]:
    """Return how many times as long as ours each turn took; a single time is set against our median."""
    ours = ours if len(seconds) > 1 else [statistics.median(ours)]
    return [theirs / own for theirs, own in zip(seconds, ours, strict=False)]


def spread(values: Sequence[float]) -> str:
    """Return the median and, of more than one value, the range."""
    middle = statistics.median(values)
    decimals = 0 if middle >= 100 else 1 if middle >= 10 else 2
    between = f" ({min(values):.{decimals}f} to {max(values):.{decimals}f})" if len(values) > 1 else ""
    return f"{middle:.{decimals}f}{between}"


def median_seconds(run: Callable, repeats: int = 3) -> float:
    """Return the median time of ``repeats`` calls, after one that is not counted."""
    timed(run)
    return statistics.median(timed(run)[0] for _ in range(repeats))


def peak_memory() -> int:
    """Return the most bytes that this process has held so far."""
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 2**10  # macOS counts bytes, others KiB
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def slope(sizes: Iterable[float], seconds: Iterable[float]) -> float:
    """Return the least-squares slope of log seconds over log size: the power with which the cost grows."""
    return float(np.polyfit(np.log(list(sizes)), np.log(list(seconds)), 1)[0])


def print_row(name: str, *cells: str) -> None:
    """Print one line of a table, aligned."""
    print(f"| {name:{NAME}} | " + " | ".join(f"{cell:>{FIGURES}}" for cell in cells) + " |", flush=True)


def print_header(name: str, *cells: str) -> None:
    """Print a table's first two lines, after an empty one."""
    print()
    print_row(name, *cells)
    print(f"| :{'-' * (NAME - 1)} |" + f" {'-' * (FIGURES - 1)}: |" * len(cells), flush=True)


def refuse_arguments(description: str) -> None:
    """Answer --help with ``description``, a script's docstring, and refuse whatever else it is given."""
    formatter = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=description, formatter_class=formatter).parse_args()


def print_title(title: str, *libraries: str) -> None:
    """Print what is compared, and on what: cores, system and the versions of what is installed."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", *libraries) if _found(name))
    system = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    threads = os.environ["OPENBLAS_NUM_THREADS"]
    print(f"\n### {title}\n\n{system}, {versions}; BLAS threads: {threads}.", flush=True)


def installed(name: str) -> bool:
    """Return whether a library is there, and say how to get it where it is not."""
    if not _found(name):
        print(f"\n{name} is not installed; skipped: pip install {name}", flush=True)
    return _found(name)


def _found(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
