"""FA from Z = W = 0: the closed form against an integrator, and the recursion against training.

The flow is asked for at 200 times, until the weakest mode misses e^-20 of its end. Its rivals are DOP853
on the whole matrices and on the exact small problem. Training takes 2000 steps, on the whole matrices, on
the small problem, and by PyTorch. The last table shows what one time costs: the shares of the modes,
which know nothing of n, and lifting them to Z and W, whose entries must be written.
"""

import measure
import numpy as np

import fa_utils as fa
from fa_utils import theory

SHAPES = ((50, 15, 10), (200, 30, 20), (1000, 30, 20))  # n = m, r, Y's rank
TIMES = 200
STEPS = 2000
RATE = 0.05
TOLERANCE = 1e-10
SLOW = 1000  # the size from which loops over full matrices run once
GROWTH = (250, 500, 1000, 2000)


def drawn(n: int, r: int, rank: int) -> fa.Problem:
    """Return a problem with a target (n, n) of singular values from 2 to 1 that starts from zero."""
    rng = np.random.default_rng(0)
    target = fa.target_with_spectrum(np.linspace(2, 1, rank), (n, n), rng=rng)
    return fa.random_problem(target, r, 0.0, n**-0.5, rng=rng)


def times_of(problem: fa.Problem) -> np.ndarray:
    """Return 200 times, to where the weakest mode misses about e^-20 of its end."""
    weakest = np.linalg.svd(problem.sketch, compute_uv=False)
    weakest = weakest[weakest > 1e-10 * weakest[0]][-1]
    return np.linspace(0, 20 / (1.5 * np.cbrt(2 * weakest) ** 2), TIMES + 1)[1:]


def factors(run: fa.Trajectory) -> measure.Arrays:
    """Return a run's layers."""
    return run.Z, run.W


def last(run: fa.Trajectory) -> measure.Arrays:
    """Return a run's last layers."""
    return run.Z[-1], run.W[-1]


# --- the flow ---


def reduced_flow(problem: fa.Problem, times: np.ndarray) -> measure.Arrays:
    """Return Z and W by the integrator on the exact small problem, lifted."""
    small = theory.reduce(problem)
    run = fa.flow(small.problem, fa.FA, times, tolerance=TOLERANCE)
    return tuple(small.lift(run.Z, run.W))


def compare_flows(problem: fa.Problem, name: str) -> None:
    """Print the table of the flow. Between its own steps DOP853 interpolates, far less accurately."""
    times = times_of(problem)
    in_full = measure.Entry(
        "DOP853, whole matrices",
        lambda: factors(fa.flow(problem, fa.FA, times, tolerance=TOLERANCE)),
        0 if problem.target.shape[0] >= SLOW else 3,
        1e-5,
    )
    small = measure.Entry("DOP853, small problem", lambda: reduced_flow(problem, times), 3, 1e-5)
    ours = measure.Entry("fa_exact", lambda: factors(theory.fa_exact(problem, times)))
    measure.compare(f"flow at {TIMES} times, {name}", ours, [in_full, small])


# --- training ---


def reduced_training(problem: fa.Problem) -> measure.Arrays:
    """Return the last Z and W of training the exact small problem, lifted."""
    small = theory.reduce(problem)
    run = fa.descend(small.problem, fa.FA, RATE, STEPS, every=STEPS)
    return tuple(small.lift(run.Z[-1], run.W[-1]))


def solved_training(problem: fa.Problem) -> measure.Arrays:
    """Return the last Z and W by the recursion."""
    return last(theory.fa_descend_exact(problem, learning_rate=RATE, steps=STEPS, every=STEPS))


def compare_training(problem: fa.Problem, name: str, with_torch: bool) -> None:
    """Print the table of training."""
    repeats = 0 if problem.target.shape[0] >= SLOW else 3
    others = [
        measure.Entry("descend", lambda: last(fa.descend(problem, fa.FA, RATE, STEPS, every=STEPS)), repeats),
        measure.Entry("descend, small problem", lambda: reduced_training(problem), 3),
    ]
    if with_torch:
        from pytorch_loop import trained

        others.append(measure.Entry("PyTorch", lambda: trained(problem, fa.FA, RATE, STEPS), repeats))
    ours = measure.Entry("fa_descend_exact", lambda: solved_training(problem))
    measure.compare(f"{STEPS} steps, {name}", ours, others)


# --- what one time costs ---


def show_growth() -> None:
    """Print how the cost of one time grows with n, at r = 30 and rank 20."""
    rows = []
    for n in GROWTH:
        problem = drawn(n, 30, 20)
        times = times_of(problem)
        values = np.linalg.svd(problem.sketch, compute_uv=False)[:20]
        shares = measure.median_seconds(lambda v=values, t=times: theory.fa_shares(v, t))
        one = measure.median_seconds(lambda p=problem, t=times: theory.fa_exact(p, t[-1:]))
        many = measure.median_seconds(lambda p=problem, t=times: theory.fa_exact(p, t))
        rows.append([shares / TIMES, one, (many - one) / (TIMES - 1)])
    measure.print_header("microseconds", "shares, per time", "one time, with the SVD", "Z and W, per time")
    for n, row in zip(GROWTH, rows, strict=True):
        measure.print_row(f"n = m = {n}", *(f"{1e6 * seconds:.1f}" for seconds in row))
    slopes = (measure.slope(GROWTH, column) for column in zip(*rows, strict=True))
    measure.print_row("slope in n", *(f"{slope:.2f}" for slope in slopes))


def main() -> None:
    """Print all tables."""
    measure.refuse_arguments(__doc__)
    measure.print_title("FA from zero", "torch")
    with_torch = measure.installed("torch")
    for shape in SHAPES:
        problem = drawn(*shape)
        name = "n = m = {}, r = {}, rank Y = {}".format(*shape)
        compare_flows(problem, name)
        compare_training(problem, name, with_torch)
    show_growth()


if __name__ == "__main__":
    main()
