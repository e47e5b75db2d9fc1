"""What multiplying the vector fields out saves: Euler steps with and without n x m products in the loop.

Usage: python benchmarks/descend_against_plain_loop.py

The plain loop forms Y - ZW in every step. Both loops run in turn on one BLAS thread; their ends must agree.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Callable

import numpy as np

import fa_utils as fa

RANK, STEPS, RATE, REPEATS = 10, 200, 0.01, 5


def plain_loop(problem: fa.Problem, rule: fa.Rule) -> np.ndarray:
    """Return the product after Euler steps written as the paper's equations (2) and (3)."""
    Z, W = problem.Z, problem.W
    for _ in range(STEPS):
        E = problem.target - Z @ W
        back = W if rule is fa.GD else problem.feedback
        Z, W = Z + RATE * E @ back.T, W + RATE * Z.T @ E
    return Z @ W


def ours(problem: fa.Problem, rule: fa.Rule) -> np.ndarray:
    """Return the product after the same steps by `descend`."""
    run = fa.descend(problem, rule, RATE, STEPS, every=STEPS)
    return run.Z[-1] @ run.W[-1]


def seconds(run: Callable, *arguments) -> float:
    """Return how long one call takes."""
    started = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - started


def main() -> None:
    """Print a line per size and rule: milliseconds of both, and the ratios' median and range."""
    for size in (50, 200, 500, 1000):
        rng = np.random.default_rng(0)
        target = fa.target_with_spectrum(np.linspace(2, 1, RANK), (size, size), rng=rng)
        problem = fa.random_problem(target, RANK, 0.1, size**-0.5, rng=rng)
        for rule in (fa.GD, fa.FA):
            assert np.allclose(plain_loop(problem, rule), ours(problem, rule), atol=1e-10)
            pairs = [
                (seconds(plain_loop, problem, rule), seconds(ours, problem, rule)) for _ in range(REPEATS)
            ]
            ratios = [plain / short for plain, short in pairs]
            plain, short = (1000 * statistics.median(times) for times in zip(*pairs, strict=True))
            print(
                f"n = {size:4}  {rule.name}  plain {plain:7.1f} ms  descend {short:7.1f} ms  "
                f"ratio {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
            )


if __name__ == "__main__":
    main()
