"""Running a rule: explicit Euler as the paper simulates, or the gradient flow to solver accuracy."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fa_utils.checks import increasing_times, positive_number, real_number, whole_number
from fa_utils.problems import FactoredTarget, Problem, core
from fa_utils.reduction import Reduction, reduce, reduce_feedback
from fa_utils.rules import Rule
from fa_utils.trajectory import Trajectory, lifted

SMALLER = 16  # a small problem pays if its target has at most the 16th part of the entries
EVALUATIONS = 500  # what an adaptive solution takes at least, or is quick anyway

Rates = tuple[float, float]  # for Z and W
Field = Callable[[float, np.ndarray], np.ndarray]


def descend(
    problem: Problem, rule: Rule, learning_rate: float | Rates, steps: int, *, every: int = 1
) -> Trajectory:
    """Return the run of explicit Euler: Z + rate dZ, W + rate dW, ``steps`` times.

    ``learning_rate`` is one number, or a pair for (Z, W); time is the number of steps times Z's rate.
    Snapshots are kept at the start, at each ``every``-th step and at the last. A long run of a large problem
    is made on the rule's exact small problem, with the same results to rounding: see `Trajectory`.
    Raises ValueError for rates that are not positive, and FloatingPointError, naming the step, as soon
    as an entry is no longer finite.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.descend(problem, fa.FA, learning_rate=0.01, steps=100, every=50)
    >>> run.times.round(12).tolist(), run.Z.shape
    ([0.0, 0.5, 1.0], (3, 5, 2))
    """
    _check_rule(rule)
    rates = _rates(learning_rate)
    steps = whole_number("steps", steps, least=1)
    every = whole_number("every", every, least=1)
    real_number("the time of the last step", rates[0] * steps)
    reduction = _paying_reduction(problem, rule, steps)
    if reduction is not None:
        small = descend(reduction.problem, replace(rule, reduction=None), rates, steps, every=every)
        return lifted(small, reduction)
    kept = sorted({*range(0, steps, every), steps})
    Z, W = _euler(problem, rule, rates, kept)
    return Trajectory(rates[0] * np.array(kept), lambda: Z, lambda: rule.forward(problem, Z, W))


def _paying_reduction(problem: Problem, rule: Rule, steps: int) -> Reduction | None:
    """Return the rule's exact small problem where a run of so many steps gains by it, else None.

    Making it costs as much as some twenty steps, or some min(n, m) / 4 where an array's rank is to be found.
    """
    finds_rank = rule.reduction is reduce and not isinstance(problem.target, FactoredTarget)
    least = max(50, min(problem.target.shape) // 2) if finds_rank else 50
    if rule.reduction is None or steps < least or _known_not_to_pay(problem, rule):
        return None
    reduction = rule.reduction(problem)
    return reduction if _pays(problem, *reduction.problem.target.shape) else None


def _pays(problem: Problem, p: int, q: int) -> bool:
    n, m = problem.target.shape
    return SMALLER * p * q <= n * m


def _known_not_to_pay(problem: Problem, rule: Rule) -> bool:
    """Return whether the small problem is too large, where that is seen before it is made."""
    (n, m), r = problem.target.shape, problem.Z.shape[1]
    if isinstance(problem.target, FactoredTarget):
        return False
    if rule.reduction is reduce:
        most = int(np.sqrt(n * m / SMALLER)) - r  # a rank above this, also of some rows, is too large
        return most < 0 or bool(np.linalg.matrix_rank(problem.target[: most + 1]) > most)
    return rule.reduction is reduce_feedback and not _pays(problem, min(n, 2 * r), min(m, 3 * r))


def _euler(problem: Problem, rule: Rule, rates: Rates, kept: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return Z and W at the steps in ``kept``, which begins with 0; the only loop over time steps."""
    Z, W = problem.Z, rule.forward(problem, problem.Z, problem.W)
    Z_kept, W_kept = np.empty((len(kept), *Z.shape)), np.empty((len(kept), *W.shape))
    Z_kept[0], W_kept[0] = Z, W
    slot = 1
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, kept[-1] + 1):
            dZ, dW = rule.field(problem, Z, W)
            Z, W = Z + rates[0] * dZ, W + rates[1] * dW
            _refuse_divergence(rule, rates, step, Z, W)
            if step == kept[slot]:
                Z_kept[slot], W_kept[slot] = Z, W
                slot += 1
    return Z_kept, W_kept


def _check_rule(rule: object) -> None:
    if not isinstance(rule, Rule):
        raise TypeError(f"rule is {rule!r}; it must be a Rule: fa.GD, fa.FA, fa.FA_STAR or one of your own")


def _rates(learning_rate: float | Rates) -> Rates:
    pair = learning_rate if isinstance(learning_rate, tuple | list) else (learning_rate, learning_rate)
    if len(pair) != 2:
        raise ValueError(f"learning_rate holds {len(pair)} numbers; give one, or a pair for (Z, W)")
    for_Z, for_W = (positive_number("learning_rate", rate) for rate in pair)
    return for_Z, for_W


def _refuse_divergence(rule: Rule, rates: Rates, step: int, Z: np.ndarray, W: np.ndarray) -> None:
    if math.isfinite(np.vdot(Z, Z) + np.vdot(W, W)):  # one number is quick to look at; squares overflow first
        return
    if not (np.isfinite(Z).all() and np.isfinite(W).all()):
        raise FloatingPointError(
            f"{rule.name} diverged: step {step} at learning rates {rates} for (Z, W) gave an entry that is "
            "not finite; choose smaller rates, for instance a tenth"
        )


def flow(
    problem: Problem,
    rule: Rule,
    times: ArrayLike,
    *,
    tolerance: float = 1e-12,
    most_evaluations: int = 1_000_000,
) -> Trajectory:
    """Return the continuous-time run at ``times``: an adaptive eighth-order solution from time 0.

    ``times`` are increasing and at least 0; they need not contain 0. ``tolerance`` bounds the local
    error relative to the state and, near zero, to the largest entry of the start.
    Raises ValueError for unusable times, and FloatingPointError, naming the time reached, where the solver
    gives up or asks for the vector field more than ``most_evaluations`` times.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.flow(problem, fa.FA, [0.0, 0.5, 1.0])
    >>> run.times.tolist(), run.Z.shape, run.W.shape
    ([0.0, 0.5, 1.0], (3, 5, 2), (3, 2, 5))
    """
    _check_rule(rule)
    times = increasing_times(times)
    tolerance = positive_number("tolerance", tolerance)
    most_evaluations = whole_number("most_evaluations", most_evaluations, least=1)
    reduction = _paying_reduction(problem, rule, EVALUATIONS)
    if reduction is not None:
        limits: dict[str, Any] = {"tolerance": tolerance, "most_evaluations": most_evaluations}
        return lifted(flow(reduction.problem, replace(rule, reduction=None), times, **limits), reduction)
    Z, W = _solution(problem, rule, times, tolerance, _flat_field(problem, rule, most_evaluations))
    return Trajectory(times, lambda: Z, lambda: rule.forward(problem, Z, W))


def _solution(
    problem: Problem, rule: Rule, times: np.ndarray, tolerance: float, field: Field
) -> tuple[np.ndarray, np.ndarray]:
    """Return Z and W at ``times`` by the library's adaptive solver."""
    from scipy.integrate import solve_ivp  # here, because it takes longer to import than many a run

    start = np.concatenate([problem.Z.ravel(), rule.forward(problem, problem.Z, problem.W).ravel()])
    scale = np.abs(start).max() or np.sqrt(np.abs(core(problem.target)).max()) or 1.0
    end = times[-1] or np.finfo(float).tiny  # the solver wants an interval, also for times = [0]
    with np.errstate(over="ignore", invalid="ignore"):
        solution = solve_ivp(
            field, (0.0, end), start, "DOP853", times, rtol=tolerance, atol=tolerance * scale
        )
    if not solution.success:
        raise FloatingPointError(f"the flow of {rule.name} was not solved: {solution.message}")
    Z, W = _unflattened(problem, solution.y.T)
    return np.ascontiguousarray(Z), np.ascontiguousarray(W)


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
    Z, W = states[:, : problem.Z.size], states[:, problem.Z.size :]
    return Z.reshape(-1, *problem.Z.shape), W.reshape(-1, *problem.W.shape)
