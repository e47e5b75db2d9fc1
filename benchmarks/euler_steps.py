"""A thousand Euler steps: ours, set-up included, against the plain NumPy loop and PyTorch.

The plain loop forms Y - ZW in every step, as the paper's equations read. Ours starts from a problem of which
nothing is known yet, and runs on its exact small problem where the target is at least 16 times as large; what
this saves shows beside ours in full. At large sizes the loops over full matrices run once.
"""

import functools
from dataclasses import replace

import measure
import numpy as np

import fa_utils as fa
from fa_utils import theory

SHAPES = ((50, 10), (200, 10), (500, 10), (1000, 20), (2000, 48))  # n = m, and r = rank Y
STEPS = 1000
RATE = 0.01
TOLERANCE = 1e-10
SLOW = 1000  # size from which loops over full matrices run once
SLOWEST = 2000  # and from which they run for FA alone


def drawn(n: int, r: int) -> fa.Problem:
    """Return a problem with a random target (n, n) of rank r."""
    rng = np.random.default_rng(0)
    target = rng.standard_normal((n, r)) @ rng.standard_normal((r, n)) / n
    return fa.random_problem(target, r, 0.1, n**-0.5, rng=rng)


def best(target: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """Return W = (Z^T Z)^{-1} Z^T Y."""
    return np.linalg.solve(Z.T @ Z, Z.T @ target)


def plain(problem: fa.Problem, rule: fa.Rule) -> measure.Arrays:
    """Return Z and W after Euler steps written as the paper's equations (2) to (4)."""
    target = problem.target
    feedback = problem.feedback
    Z = problem.Z
    W = problem.W
    for _ in range(STEPS):
        if rule is fa.FA_STAR:
            W = best(target, Z)
        E = target - Z @ W
        back = W if rule is fa.GD else feedback
        W = W if rule is fa.FA_STAR else W + RATE * (Z.T @ E)
        Z = Z + RATE * (E @ back.T)
    return Z, best(target, Z) if rule is fa.FA_STAR else W


def in_full(problem: fa.Problem, rule: fa.Rule) -> measure.Arrays:
    """Return Z and W after the same steps by `descend`, from a problem with nothing cached."""
    run = fa.descend(replace(problem), rule, RATE, STEPS, every=STEPS)
    return run.Z[-1], run.W[-1]


def ours(problem: fa.Problem, rule: fa.Rule) -> measure.Arrays:
    """Return Z and W after the same steps, on the small problem where that pays."""
    n, r = problem.Z.shape
    if n * n < 16 * 6 * r * r:
        return in_full(problem, rule)
    reduce = theory.reduce if rule is fa.GD else theory.reduce_feedback
    small = reduce(replace(problem))
    run = fa.descend(small.problem, rule, RATE, STEPS, every=STEPS)
    return small.lift(run.Z[-1], run.W[-1])


def competitors(problem: fa.Problem, rule: fa.Rule, with_torch: bool) -> list[measure.Entry]:
    """Return the loops over full matrices."""
    n = problem.target.shape[0]
    repeats = 0 if n >= SLOW else 3
    entries = [measure.Entry("in full", lambda: in_full(problem, rule), repeats, TOLERANCE)]
    if n >= SLOWEST and rule is not fa.FA:
        return entries
    entries.append(measure.Entry("plain NumPy", lambda: plain(problem, rule), repeats, TOLERANCE))
    if with_torch and rule is not fa.FA_STAR:
        from pytorch_loop import trained

        run = functools.partial(trained, problem, rule, RATE, STEPS)
        entries.append(measure.Entry("PyTorch", run, repeats, TOLERANCE))
    return entries


def compare(problem: fa.Problem, rule: fa.Rule, with_torch: bool) -> None:
    """Print the table of one problem and rule."""
    n, r = problem.Z.shape
    measure.compare(
        f"{rule.name}, n = m = {n}, r = {r}",
        measure.Entry("ours", lambda: ours(problem, rule), 3),
        competitors(problem, rule, with_torch),
    )


def main() -> None:
    """Print a table for each shape and rule."""
    measure.refuse_arguments(__doc__)
    measure.print_title(f"{STEPS} Euler steps, set-up included", "torch")
    with_torch = measure.installed("torch")
    for shape in SHAPES:
        problem = drawn(*shape)
        for rule in (fa.FA, fa.GD, fa.FA_STAR):
            compare(problem, rule, with_torch)


if __name__ == "__main__":
    main()
