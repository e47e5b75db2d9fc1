"""FA* at many times: the closed form against adaptive integrators, from the start to a vanished loss.

Z starts with orthonormal columns, so that the integrators may use the cheap form dZ/dt = B - Z Z^T B; all are
given B = Y C^T. One does as the definition says instead, with a least-squares W at every evaluation, and at a
moderate tolerance. How many steps an integrator takes depends on the target: FA* ends slowly where the rank
of Y is r, and quickly where it is full.
"""

import measure
import numpy as np
from scipy.integrate import solve_ivp

import fa_utils as fa
from fa_utils import theory

SHAPES = ((50, 10, 10), (200, 10, 10), (1000, 20, 20), (1000, 20, 1000), (2000, 48, 48))  # n, r, Y's rank
TIMES = 200
TOLERANCE = 1e-10
MODERATE = 1e-6
FALL = 1e10  # by which the loss falls until the last time
LARGEST_LEAST_SQUARES = 1000


def drawn(n: int, r: int, rank: int) -> fa.Problem:
    """Return a problem with a random target (n, n) of that rank, C ~ N(0,1) and orthonormal Z(0)."""
    rng = np.random.default_rng(0)
    target = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, n)) / n
    feedback = rng.standard_normal((r, n))
    Z = fa.orthonormal_columns(n, r, rng=rng)
    return fa.Problem(target=target, feedback=feedback, Z=Z, W=Z.T @ target)


def integrated(field, Z: np.ndarray, times: np.ndarray, tolerance: float) -> np.ndarray:
    """Return Z at ``times`` by SciPy's eighth-order integrator, shape (T, n, r)."""
    solution = solve_ivp(
        lambda time, state: field(state.reshape(Z.shape)).ravel(),
        (0.0, times[-1]),
        Z.ravel(),
        "DOP853",
        times,
        rtol=tolerance,
        atol=tolerance / 100,
    )
    return solution.y.T.reshape(-1, *Z.shape)


def cheap(problem: fa.Problem):
    """Return the field B - Z Z^T B, which is FA*'s where Z^T Z = I."""
    sketch = problem.sketch
    return lambda Z: sketch - Z @ (Z.T @ sketch)


def least_squares(problem: fa.Problem):
    """Return FA*'s field as its definition reads: the best W for Z, the error, and the error fed back."""
    target = problem.target
    back = problem.feedback.T

    def field(Z):
        W = np.linalg.lstsq(Z, target, rcond=None)[0]
        return (target - Z @ W) @ back

    return field


def overlaps_and_losses(problem: fa.Problem, times: np.ndarray) -> measure.Arrays:
    """Return the overlaps M and the losses at ``times``, without any Z."""
    overlaps = theory.fa_star_overlaps(problem, times)
    return overlaps, theory.fa_star_losses(problem, overlaps)


def check(problem: fa.Problem, times: np.ndarray) -> None:
    """Assert that Z agrees with a finer integration where that ends, and overlaps and losses with Z."""
    Z = theory.fa_star_exact(problem, times).Z
    sketch = problem.sketch
    began = 0.0
    reached = problem.Z
    for index in range(TIMES // 5 - 1, TIMES, TIMES // 5):
        reached = integrated(cheap(problem), reached, np.array([times[index] - began]), TOLERANCE / 100)[0]
        off = measure.difference((Z[index],), (reached,))
        measure.assert_agreement("a finer integration", off, 1e-9)
        began = times[index]
    overlaps = Z.mT @ sketch
    losses = fa.squared_norm(sketch - Z @ overlaps)
    off = measure.difference((overlaps, losses), overlaps_and_losses(problem, times))
    measure.assert_agreement("overlaps or losses", off, 1e-9)


def competitors(problem: fa.Problem, times: np.ndarray, with_diffrax: bool) -> list[measure.Entry]:
    """Return the integrators. Between its own steps DOP853 interpolates, far less accurately."""

    def by_scipy(field, tolerance):
        return lambda: (integrated(field(problem), problem.Z, times, tolerance),)

    entries = [measure.Entry("DOP853", by_scipy(cheap, TOLERANCE), 3, 1e-5)]
    if with_diffrax:
        from diffrax_solution import solution

        entries.append(
            measure.Entry(
                "diffrax Dopri8", lambda: (solution(problem.Z, problem.sketch, times, TOLERANCE),), 3
            )
        )
    if problem.target.shape[0] <= LARGEST_LEAST_SQUARES:
        slow = by_scipy(least_squares, MODERATE)
        entries.append(measure.Entry(f"DOP853 at {MODERATE:.0e}, lstsq W", slow, 0, 100 * MODERATE))
    return entries


def compare(n: int, r: int, rank: int, with_diffrax: bool) -> None:
    """Print the table of one shape."""
    problem = drawn(n, r, rank)
    times = np.linspace(0, np.log(FALL) / (2 * theory.fa_star_rate(problem)), TIMES + 1)[1:]
    check(problem, times)
    measure.compare(
        f"n = {n}, r = {r}, rank Y = {rank}",
        measure.Entry("every Z", lambda: (theory.fa_star_exact(problem, times).Z,)),
        competitors(problem, times, with_diffrax),
        [measure.Entry("M and loss", lambda: overlaps_and_losses(problem, times))],
    )


def main() -> None:
    """Print a table for each shape."""
    measure.refuse_arguments(__doc__)
    measure.print_title(f"FA* at {TIMES} times", "diffrax", "jax")
    with_diffrax = measure.installed("diffrax")
    for shape in SHAPES:
        compare(*shape, with_diffrax)


if __name__ == "__main__":
    main()
