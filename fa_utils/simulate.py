"""Running a rule: explicit Euler as the paper simulates, or the gradient flow to solver accuracy."""

from collections.abc import Callable
from itertools import count

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import increasing_times, positive_number, real_number, whole_number
from fa_utils.problems import Factors, Problem, checked_problem, core
from fa_utils.rules import FA, FA_STAR, GD, Rule, checked_rule
from fa_utils.trajectory import Trajectory

BETWEEN_CHECKS = 64  # Euler steps after which entries are looked at: whether they are finite

Rates = tuple[float, float]  # for Z and W
Field = Callable[[float, np.ndarray], np.ndarray]


# --- Euler steps ---


def descend(
    problem: Problem,
    rule: Rule,
    learning_rate: float | Rates | None = None,
    steps: int = 1000,
    *,
    every: int = 1,
) -> Trajectory:
    """Return the run of explicit Euler: Z + rate dZ, W + rate dW, ``steps`` times.

    Parameters
    ----------
    problem
        What is learnt, and from which start. A run costs as much as its target is large: `theory.reduce`
        makes the exact small problem of a large one.
    rule
        `GD`, `FA`, `FA_STAR`, or one of your own.
    learning_rate
        One number, or a pair for (Z, W). None stands for `safe_learning_rate`.
    steps
        How many, at least 1.
    every
        Snapshots are kept at the start, at each ``every``-th step and at the last.

    Returns
    -------
    Trajectory
        Its times are the number of steps times Z's rate.

    Raises
    ------
    ValueError
        Rates that are not positive.
    FloatingPointError
        An entry that is no longer finite. The message names the step.

    References
    ----------
    Garg & Vempala (2022), rules (2), (3) and (4).

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.descend(problem, fa.FA, learning_rate=0.01, steps=100, every=50)
    >>> run
    Trajectory(3 snapshots to time 1; Z 5 x 2, W 2 x 5)
    """
    checked_problem(problem)
    checked_rule(rule)
    rates = _rates(safe_learning_rate(problem) if learning_rate is None else learning_rate)
    steps = whole_number("steps", steps, least=1)
    every = whole_number("every", every, least=1)
    real_number("the time of the last step", rates[0] * steps)
    kept = sorted({*range(0, steps, every), steps})
    Z, W = _euler(problem, rule, rates, kept)
    # Of a W that follows from Z, Euler has no steps: it is computed at the snapshots alone.
    return Trajectory(rates[0] * np.array(kept), Z, rule.weights(problem, Z, W))


def _euler(problem: Problem, rule: Rule, rates: Rates, kept: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return Z (T, n, r) and W (T, r, m) at the steps in ``kept``, which begins with 0."""
    Z = problem.Z
    W = rule.weights(problem, Z, problem.W)
    Z_kept = np.empty((len(kept), *Z.shape))
    W_kept = np.empty((len(kept), *W.shape))
    Z_kept[0] = Z
    W_kept[0] = W
    slot = 1
    sound = (0, Z, W)
    # The only loop over time steps. Entries are looked at now and then, since each look costs as a product.
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, kept[-1] + 1):
            Z, W = _step(problem, rule, rates, Z, W)
            if step == kept[slot]:
                Z_kept[slot] = Z
                W_kept[slot] = W
                slot += 1
            if step % BETWEEN_CHECKS == 0 or step == kept[-1]:
                if not _finite(Z, W):
                    raise _divergence(problem, rule, rates, *sound)
                sound = (step, Z, W)
    return Z_kept, W_kept


def _step(problem: Problem, rule: Rule, rates: Rates, Z: np.ndarray, W: np.ndarray) -> Factors:
    """Return Z (n, r) and W (r, m) one Euler step later."""
    dZ, dW = rule.field(problem, Z, W)
    return Factors(Z + rates[0] * dZ, W + rates[1] * dW)


def _finite(Z: np.ndarray, W: np.ndarray) -> bool:
    return bool(np.isfinite(Z).all() and np.isfinite(W).all())


def _divergence(
    problem: Problem, rule: Rule, rates: Rates, step: int, Z: np.ndarray, W: np.ndarray
) -> FloatingPointError:
    """Return an error that names the first step after a sound one at which an entry is not finite."""
    # A rule that keeps a state may not take the same course again: then the last of these steps is named.
    for _ in range(BETWEEN_CHECKS):
        Z, W = _step(problem, rule, rates, Z, W)
        step += 1
        if not _finite(Z, W):
            break
    return FloatingPointError(
        f"{rule.name} diverged: step {step} at learning rates {rates} for (Z, W) gave an entry that is "
        "not finite; choose smaller rates, for instance a tenth"
    )


def _rates(learning_rate: float | Rates) -> Rates:
    """Return the learning rates of Z and W, or raise."""
    pair = learning_rate if isinstance(learning_rate, tuple | list) else (learning_rate, learning_rate)
    if len(pair) != 2:
        raise ValueError(f"learning_rate holds {len(pair)} numbers; give one, or a pair for (Z, W)")
    for_Z, for_W = (positive_number("learning_rate", rate) for rate in pair)
    return for_Z, for_W


# --- what everybody writes first ---


def safe_learning_rate(problem: Problem) -> float:
    """Return a learning rate at which Euler's GD, FA and FA* stay near their flows' course.

    Euler is stable where the rate times the field's steepest slope is below 2; this one aims at 1/2. The
    slope is taken as the largest of ||Z||^2 + ||W||^2 + ||W|| ||C|| at the start, 2 ||Y||, which GD has at
    the optimum, and 3/2 (2 ||Y|| ||C||)^(2/3), which FA has at rest when it comes from a small start. All
    norms are spectral. A start far from balance may still need less.

    Parameters
    ----------
    problem
        What is to be learnt, and from which start.

    Returns
    -------
    float
        The rate, in gradient-flow time per step.

    References
    ----------
    N9 of this package for FA's slope at rest.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> problem = fa.random_problem(np.diag([4.0, 2.0, 1.0]), rank=2, rng=rng)
    >>> fa.safe_learning_rate(problem)
    0.0625
    """
    checked_problem(problem)
    Y, C, Z, W = (
        float(np.linalg.norm(matrix, 2))
        for matrix in (core(problem.target), problem.feedback, problem.Z, problem.W)
    )
    at_start = Z**2 + W**2 + W * C
    at_rest = max(2 * Y, 1.5 * (2 * Y * C) ** (2 / 3))
    return 0.5 / (max(at_start, at_rest) or 1.0)


def compare(
    problem: Problem, learning_rate: float | Rates | None = None, steps: int = 1000
) -> dict[Rule, Trajectory]:
    """Return the runs of GD, FA and FA* on one problem, by rule, with about 200 snapshots each.

    `report.figures.draw_comparison` draws them.

    Parameters
    ----------
    problem, learning_rate, steps
        As for `descend`.

    Returns
    -------
    dict
        A Trajectory for each of `GD`, `FA` and `FA_STAR`.

    Raises
    ------
    ValueError, FloatingPointError
        As `descend`; ValueError also for a start from which FA* cannot run.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> runs = fa.compare(problem, steps=400)
    >>> {rule.name: len(run) for rule, run in runs.items()}
    {'GD': 201, 'FA': 201, 'FA*': 201}
    """
    every = max(1, whole_number("steps", steps, least=1) // 200)
    return {rule: descend(problem, rule, learning_rate, steps, every=every) for rule in (GD, FA, FA_STAR)}


# --- gradient flow ---


def flow(
    problem: Problem,
    rule: Rule,
    times: ArrayLike,
    *,
    tolerance: float = 1e-12,
    most_evaluations: int = 1_000_000,
) -> Trajectory:
    """Return the continuous-time run at ``times``: an adaptive eighth-order solution from time 0.

    Parameters
    ----------
    problem, rule
        As for `descend`.
    times
        Strictly increasing and at least 0, shape (T,). They need not contain 0.
    tolerance
        Bound of the local error, relative to the state and, near zero, to the largest entry of the start.
    most_evaluations
        How often the vector field may be asked for.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        Times that cannot be used.
    FloatingPointError
        The solver gives up, or would take more evaluations. The message names the time reached.

    References
    ----------
    Garg & Vempala (2022), flows (2), (3) and (4).

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> fa.flow(problem, fa.FA, [0.0, 0.5, 1.0])
    Trajectory(3 snapshots to time 1; Z 5 x 2, W 2 x 5)
    """
    checked_problem(problem)
    checked_rule(rule)
    times = increasing_times(times)
    tolerance = positive_number("tolerance", tolerance)
    most = whole_number("most_evaluations", most_evaluations, least=1)
    states = _solution(problem, rule, times, tolerance, _flat_field(problem, rule, most))
    Z, W = _unflattened(problem, states)
    return Trajectory(times, Z, rule.weights(problem, Z, W))


def _solution(problem: Problem, rule: Rule, times: np.ndarray, tolerance: float, field: Field) -> np.ndarray:
    """Return the states (T, n r + r m) at ``times`` by the library's adaptive solver."""
    from scipy.integrate import solve_ivp  # here, because it takes longer to import than many a run

    W = rule.weights(problem, problem.Z, problem.W)
    start = np.concatenate([problem.Z.ravel(), W.ravel()])
    scale = np.abs(start).max() or np.sqrt(np.abs(core(problem.target)).max()) or 1.0
    end = times[-1] or np.finfo(float).tiny  # the solver wants an interval, also for times = [0]
    with np.errstate(over="ignore", invalid="ignore"):
        solution = solve_ivp(
            field, (0.0, end), start, "DOP853", times, rtol=tolerance, atol=tolerance * scale
        )
    if not solution.success:
        raise FloatingPointError(f"the flow of {rule.name} was not solved: {solution.message}")
    return np.ascontiguousarray(solution.y.T)


def _flat_field(problem: Problem, rule: Rule, most_evaluations: int) -> Field:
    """Return the rule's vector field on states of shape (n r + r m,), for so many evaluations at most."""
    evaluation = count(1)

    def derivative(time: float, state: np.ndarray) -> np.ndarray:
        if next(evaluation) > most_evaluations:
            raise FloatingPointError(
                f"the flow of {rule.name} took {most_evaluations} evaluations to reach time {time:.3g}, with "
                f"entries up to {np.abs(state).max():.2g}; choose earlier times, a larger tolerance, or a "
                "larger most_evaluations"
            )
        Z, W = _unflattened(problem, state[None])
        dZ, dW = rule.field(problem, Z[0], W[0])
        return np.concatenate([dZ.ravel(), dW.ravel()])

    return derivative


def _unflattened(problem: Problem, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Z (T, n, r) and W (T, r, m) from states (T, n r + r m)."""
    Z = states[:, : problem.Z.size]
    W = states[:, problem.Z.size :]
    return Z.reshape(-1, *problem.Z.shape), W.reshape(-1, *problem.W.shape)
