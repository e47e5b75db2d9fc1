"""How our cost grows: slopes of log seconds over log size, and one problem with a million rows and columns.

Targets are given by their factors. FA's cost comes in two parts: finding the small problem, once, and the
steps there, which know neither n nor m.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import measure
import numpy as np

import fa_utils as fa
from fa_utils import theory

R = 20
TIMES = 200
STEPS = 1000
RATE = 0.02
MILLION = 1_000_000
DECADES = (1000, 10_000, 100_000, MILLION)


def drawn(n: int, m: int, r: int, rank: int) -> fa.Problem:
    """Return a problem whose target of that rank is given by factors; every singular value is about 1."""
    rng = np.random.default_rng(0)
    left = n**-0.5 * rng.standard_normal((n, rank))
    right = m**-0.5 * rng.standard_normal((rank, m))
    target = fa.FactoredTarget(left, right)
    return fa.random_problem(target, r, n**-0.5, m**-0.5, rng=rng)


def fa_star_costs(n: int, r: int, count: int, *names: str) -> dict[str, float]:
    """Return the seconds that these ways to FA* take, at ``count`` times until the loss has vanished."""
    problem = drawn(n, n, r, 2 * r)
    times = np.linspace(0, np.log(1e10) / (2 * theory.fa_star_rate(problem)), count + 1)[1:]
    ways = {
        "M and loss": lambda: theory.fa_star_losses(problem, theory.fa_star_overlaps(problem, times)),
        "every Z": lambda: theory.fa_star_exact(problem, times).Z,
    }
    return {name: measure.median_seconds(ways[name]) for name in names or ways}


def fa_costs(n: int, m: int) -> dict[str, float]:
    """Return the seconds that FA's small problem takes to find, and its steps there."""
    problem = drawn(n, m, R, R)
    small = theory.reduce_feedback(problem).problem
    return {
        "set-up": measure.median_seconds(lambda: theory.reduce_feedback(replace(problem)).problem),
        "steps": measure.median_seconds(lambda: fa.descend(small, fa.FA, RATE, STEPS, every=STEPS)),
    }


def print_growth(what: str, sizes: Sequence[int], costs: Callable[[int], dict[str, float]]) -> None:
    """Print a table: a line for each cost, with its milliseconds at every size, and the slope."""
    measure.print_header(what, *(f"{size:,}" for size in sizes), "slope")
    measured = [costs(size) for size in sizes]
    for name in measured[0]:
        seconds = [at_size[name] for at_size in measured]
        cells = (f"{1000 * second:.3g} ms" for second in seconds)
        measure.print_row(name, *cells, f"{measure.slope(sizes, seconds):.2f}")


def million() -> tuple[float, float, float, float]:
    """Return seconds of drawing, of FA's steps and of their error curve at n = m = a million, and peak GiB.

    Afterwards asserts that the curve's end is the error of the lifted factors.
    """
    draw, problem = measure.timed(lambda: drawn(MILLION, MILLION, R, R))
    set_up, small = measure.timed(lambda: theory.reduce_feedback(problem))
    steps, run = measure.timed(lambda: fa.descend(small.problem, fa.FA, RATE, STEPS))
    curve, errors = measure.timed(lambda: small.leftover + fa.error(small.problem.target, run.Z, run.W))
    peak = measure.peak_memory() / 2**30
    lifted = fa.error(problem.target, *small.lift(run.Z[-1], run.W[-1]))
    off = measure.difference((errors[-1:],), (np.array([lifted]),))
    measure.assert_agreement("the error of the lifted factors", off, 1e-9)
    return draw, set_up + steps, curve, peak


def print_million() -> None:
    """Print the largest problem's line, measured in a process of its own, so that the peak is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        draw, steps, curve, peak = processes.submit(million).result()
    measure.print_header(f"FA, n = m = {MILLION:,}, r = {R}", "seconds", "GiB")
    measure.print_row("problem drawn", f"{draw:.1f}", "")
    measure.print_row(f"{STEPS} steps, set-up included", f"{steps:.1f}", "")
    measure.print_row(f"errors at {STEPS + 1} times", f"{curve:.1f}", "")
    measure.print_row("peak memory of all", "", f"{peak:.2f}")


def main() -> None:
    """Print a table for all that cost may grow with."""
    measure.refuse_arguments(__doc__)
    measure.print_title("Growth of cost")
    print_million()
    print_growth(f"FA: n = m, at r = {R}", DECADES, lambda n: fa_costs(n, n))
    print_growth(f"FA: m, at n = 1000, r = {R}", DECADES, lambda m: fa_costs(1000, m))
    print_growth(f"FA*: n, at r = {R}", DECADES, lambda n: fa_star_costs(n, R, TIMES, "M and loss"))
    print_growth(
        f"FA*: n, at r = {R}", (500, 1000, 2000, 4000), lambda n: fa_star_costs(n, R, TIMES, "every Z")
    )
    print_growth("FA*: r, at n = 1000", (10, 20, 40, 80), lambda r: fa_star_costs(1000, r, TIMES))
    print_growth("FA*: times, at n = 1000", (100, 200, 400, 800), lambda count: fa_star_costs(1000, R, count))


if __name__ == "__main__":
    main()
