"""Running a rule: explicit Euler as the paper simulates, or the gradient flow to solver accuracy."""

from __future__ import annotations

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
    # The start, each so many steps, and the end.
    kept = sorted({*range(0, steps, every), steps})
    path = _euler(problem, rule, rates, kept)
    # Of a W that follows from Z, Euler has no steps: it is computed at the snapshots alone.
    return Trajectory(rates[0] * np.array(kept), path.Z, rule.weights(problem, *path))


def _euler(problem: Problem, rule: Rule, rates: Rates, kept: list[int]) -> Factors:
    """Return Z (T, n, r) and W (T, r, m) at the steps in ``kept``, which begins with 0."""
    state = Factors(problem.Z, rule.weights(problem, problem.Z, problem.W))
    path = Factors(*(np.empty((len(kept), *part.shape)) for part in state))
    sound = (0, state)
    slot = 0
    # The only loop over time steps. Entries are looked at now and then, since each look costs as a product.
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(kept[-1] + 1):
            if step > 0:
                state = _step(problem, rule, rates, state)
            if step == kept[slot]:
                path.Z[slot] = state.Z
                path.W[slot] = state.W
                slot += 1
            if step % BETWEEN_CHECKS == 0 or step == kept[-1]:
                if not _finite(state):
                    raise _divergence(problem, rule, rates, *sound)
                sound = (step, state)
    return path


def _step(problem: Problem, rule: Rule, rates: Rates, state: Factors) -> Factors:
    """Return Z (n, r) and W (r, m) one Euler step later."""
    dZ, dW = rule.field(problem, *state)
    return Factors(state.Z + rates[0] * dZ, state.W + rates[1] * dW)


def _finite(state: Factors) -> bool:
    """Return whether all entries of Z (n, r) and W (r, m) are finite."""
    return bool(np.isfinite(state.Z).all() and np.isfinite(state.W).all())


def _divergence(problem: Problem, rule: Rule, rates: Rates, step: int, state: Factors) -> FloatingPointError:
    """Return an error that names the first step after a sound one at which an entry is not finite."""
    # A rule that keeps a state may not take the same course again: then the last of these steps is named.
    for _ in range(BETWEEN_CHECKS):
        state = _step(problem, rule, rates, state)
        step += 1
        if not _finite(state):
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
    return positive_number("learning_rate", pair[0]), positive_number("learning_rate", pair[1])


# --- what everybody writes first ---


def safe_learning_rate(problem: Problem) -> float:
    """Return a learning rate at which Euler's GD, FA and FA* stay near their flows.

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
    # How steep GD and FA are at the start, at GD's optimum, and where FA comes to rest.
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
    path, _ = solve_flow(problem, rule, times, tolerance, most)
    return Trajectory(times, *path)


def solve_flow(
    problem: Problem,
    rule: Rule,
    times: np.ndarray,
    tolerance: float,
    most_evaluations: int,
    method: str = "DOP853",
) -> tuple[Factors, int]:
    """Return Z (T, n, r) and W (T, r, m) by one of SciPy's solvers, and how often it asked for the field."""
    from scipy.integrate import solve_ivp  # here, because it takes longer to import than many a run

    # The state is one long vector: Z's entries, then W's.
    W = rule.weights(problem, problem.Z, problem.W)
    start = np.concatenate([problem.Z.ravel(), W.ravel()])
    # From a start at zero, entries grow to the size of the target's root.
    scale = np.abs(start).max() or np.sqrt(np.abs(core(problem.target)).max()) or 1.0
    field = _flat_field(problem, rule, most_evaluations)
    end = times[-1] or np.finfo(float).tiny  # the solver wants an interval, also for times = [0]
    with np.errstate(over="ignore", invalid="ignore"):
        solution = solve_ivp(field, (0.0, end), start, method, times, rtol=tolerance, atol=tolerance * scale)
    if not solution.success:
        why = solution.message.rstrip(".")
        raise FloatingPointError(
            f"the flow of {rule.name} was not solved: {why}; choose earlier times or a larger tolerance"
        )
    Z, W = _unflattened(problem, np.ascontiguousarray(solution.y.T))
    return Factors(Z, rule.weights(problem, Z, W)), solution.nfev


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
        Z, W = _unflattened(problem, state)
        return np.concatenate([part.ravel() for part in rule.field(problem, Z, W)])

    return derivative


def _unflattened(problem: Problem, states: np.ndarray) -> Factors:
    """Return Z (..., n, r) and W (..., r, m) from states (..., n r + r m)."""
    Z = states[..., : problem.Z.size]
    W = states[..., problem.Z.size :]
    leading = states.shape[:-1]
    return Factors(Z.reshape(*leading, *problem.Z.shape), W.reshape(*leading, *problem.W.shape))
