"""FA from Z = W = 0, solved: two numbers for each singular triple of Y C^T, for any Y, any C and all sizes.

With Y C^T = U diag(s) V^T all steps keep the form Z = U diag(zeta) V^T, W = V diag(phi) U^T Y, for then
(Y - ZW) C^T = U diag(s (1 - zeta phi)) V^T and Z^T (Y - ZW) = V diag(zeta (1 - zeta phi)) U^T Y. In the flow
phi = zeta^2 / (2 s) and the share zeta phi of a mode that is learnt is a cube. Not in the paper.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import (
    finite_result,
    increasing_times,
    number_from_zero,
    positive_values,
    real_number,
    whole_number,
)
from fa_utils._linalg import above_rounding
from fa_utils.problems import Problem, checked_problem
from fa_utils.simulate import Rates
from fa_utils.trajectory import Trajectory

NEWTON_STEPS = 6  # five are enough for any time, from 1e-30 to 1e30 in a mode's unit


class Modes(NamedTuple):
    """The k singular triples of Y C^T above rounding: ``left`` (n, k), ``values`` (k,), ``right`` (k, r)."""

    left: np.ndarray
    values: np.ndarray
    right: np.ndarray

    def lift(self, problem: Problem, times: np.ndarray, zeta: np.ndarray, phi: np.ndarray) -> Trajectory:
        """Return the run with these numbers for the modes, both of shape (T, k)."""
        Z = (self.left * zeta[:, None, :]) @ self.right
        W = (self.right.T * phi[:, None, :]) @ (self.left.T @ problem.target)
        # No entry of Z exceeds the largest zeta, but Y may be large.
        return Trajectory(times, Z, finite_result("W", W))


# --- the flow ---


def fa_exact(problem: Problem, times: ArrayLike) -> Trajectory:
    """Return FA's flow from Z = W = 0 at any times, without the error of a time stepper.

    It is the run that `fa.flow` approximates, from one singular value decomposition of Y C^T.

    Parameters
    ----------
    problem
        Gives Y and C. Its start must be zero; r may exceed n, m and the rank of Y.
    times
        In gradient-flow time, shape (T,), strictly increasing and at least 0, however late.

    Returns
    -------
    Trajectory
        Z (T, n, r) and W (T, r, m). What rounding hides of Y C^T is not learnt.

    Raises
    ------
    ValueError
        Another start than zero; unusable times.
    FloatingPointError
        Numbers beyond float64.

    References
    ----------
    Garg & Vempala (2022), rule (3); statement N9 of this package.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> problem = fa.random_problem(rng.standard_normal((5, 4)), 2, start_scale=0.0, rng=rng)
    >>> run = theory.fa_exact(problem, [0.0, 1.0, 1e9])
    >>> np.allclose(run.Z[-1] @ run.W[-1], np.matmul(*fa.stationary_point(problem)))
    True
    """
    modes = _modes(problem, "fa_exact")
    times = increasing_times(times)
    x = _roots(times, modes.values)
    # At the end of time zeta is the cube root of 2 s; phi is zeta^2 / (2 s).
    end = np.cbrt(2 * modes.values)
    return modes.lift(problem, times, end * x, x**2 / end)


def fa_shares(singular_values: ArrayLike, times: ArrayLike) -> np.ndarray:
    """Return the share that FA's flow from Z = W = 0 has learnt of each mode of Y C^T: a cube, from 0 to 1.

    The product of the layers is the sum of share_k u_k u_k^T Y, u_k the left singular vectors of Y C^T.

    Parameters
    ----------
    singular_values
        Of Y C^T, shape (k,), all above 0.
    times
        As for `fa_exact`.

    Returns
    -------
    np.ndarray
        Shape (T, k).

    Raises
    ------
    ValueError
        Singular values that are not positive; unusable times.

    References
    ----------
    Statement N9 of this package.

    Examples
    --------
    >>> theory.fa_shares([2.0, 1.0], [0.0, 1.0, 10.0]).round(3).tolist()
    [[0.0, 0.0], [0.755, 0.36], [1.0, 1.0]]
    """
    return _roots(increasing_times(times), positive_values("singular_values", singular_values)) ** 3


def _roots(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return x (T, k) with Theta(x) = (s^2 / 2)^(1/3) t: the integral of 1 / (1 - u^3) up to x."""
    wanted = finite_result("the time in units of a mode", times[:, None] * np.cbrt(values / 2 * values))
    # Newton's method for d = -log(1 - x), in which K is concave with a slope between 1/3 and 1: no step is
    # too long, and neither a small x nor a small 1 - x loses digits.
    depth = wanted
    for _ in range(NEWTON_STEPS):
        x = -np.expm1(-depth)
        rest = np.log1p(x + x * x) / 6 + np.arctan(np.sqrt(3) * x / (2 + x)) / np.sqrt(3)
        depth = depth + (wanted - depth / 3 - rest) * (1 + x + x * x)
    return -np.expm1(-depth)


# --- training ---


def fa_descend_exact(
    problem: Problem,
    *,
    learning_rate: float | Rates,
    steps: int,
    momentum: float = 0.0,
    decay: float = 0.0,
    every: int = 1,
) -> Trajectory:
    """Return FA's training from Z = W = 0, step for step: the run that `fa.descend` computes in matrices.

    Each mode of Y C^T has two numbers, with a recursion of their own: a step costs the same at any n and m.

    Parameters
    ----------
    problem
        As for `fa_exact`.
    learning_rate, steps, every
        As for `fa.descend`.
    momentum
        A step moves a layer by its rate times a velocity, which is FA's direction plus ``momentum`` times the
        velocity before; at least 0 and below 1.
    decay
        The weights times ``decay`` are taken off FA's direction: weight decay, at least 0.

    Returns
    -------
    Trajectory
        Its times are the number of steps times Z's rate.

    Raises
    ------
    ValueError
        Another start than zero; rates, momentum or decay out of range.
    FloatingPointError
        Numbers that are no longer finite, as too large a rate makes them.

    References
    ----------
    Statement N9 of this package.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> problem = fa.random_problem(rng.standard_normal((5, 4)), 2, start_scale=0.0, rng=rng)
    >>> run = theory.fa_descend_exact(problem, learning_rate=(0.1, 0.05), steps=200)
    >>> np.allclose(run.W, fa.descend(problem, fa.FA, (0.1, 0.05), 200).W)
    True
    """
    modes = _modes(problem, "fa_descend_exact")
    rates = positive_values("learning_rate", np.ravel(learning_rate))
    if rates.size > 2:
        raise ValueError(f"learning_rate holds {rates.size} numbers; give one, or a pair for (Z, W)")
    steps = whole_number("steps", steps, least=1)
    every = whole_number("every", every, least=1)
    decay = number_from_zero("decay", decay)
    if not 0 <= real_number("momentum", momentum) < 1:
        raise ValueError(f"momentum is {momentum}; choose a number of at least 0 and below 1")
    path = _trained(modes.values, rates[:, None], steps, momentum, decay)
    kept = np.array(sorted({*range(0, steps, every), steps}))
    return modes.lift(problem, rates[0] * kept, path[kept, 0], path[kept, 1])


def _trained(values: np.ndarray, rates: np.ndarray, steps: int, momentum: float, decay: float) -> np.ndarray:
    """Return zeta and phi after each step, shape (steps + 1, 2, k), for rates of shape (1, 1) or (2, 1)."""
    path = np.zeros((steps + 1, 2, values.size))
    velocity = np.zeros((2, values.size))
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps):
            zeta, phi = path[step]
            direction = np.stack([values, zeta]) * (1 - zeta * phi) - decay * path[step]
            velocity = momentum * velocity + direction
            path[step + 1] = path[step] + rates * velocity
    finite = np.isfinite(path).all(axis=(1, 2))
    if not finite.all():
        raise FloatingPointError(
            f"FA diverged: step {np.argmin(finite)} at learning rates {rates.ravel().tolist()} gave a number "
            "that is not finite; choose smaller rates, for instance a tenth"
        )
    return path


# --- modes ---


def _modes(problem: Problem, name: str) -> Modes:
    """Return the singular triples of Y C^T above rounding; raise ValueError where the start is not zero."""
    checked_problem(problem)
    largest = max(np.abs(problem.Z).max(), np.abs(problem.W).max())
    if largest > 0:
        raise ValueError(
            f"the start has entries up to {largest:.2g}; {name} needs Z = W = 0: "
            "dataclasses.replace(problem, Z=0 * problem.Z, W=0 * problem.W), or take fa.flow or fa.descend"
        )
    left, values, right = np.linalg.svd(problem.sketch, full_matrices=False)
    # The rounding of the product Y C^T has singular values of this size, and directions of no meaning.
    seen = above_rounding(values, problem.target.shape)
    return Modes(left[:, seen], values[seen], right[seen])
