"""The three learning rules as vector fields: (problem, Z, W) -> (dZ/dt, dW/dt)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fa_utils.checks import fits_float64, states
from fa_utils.problems import Problem
from fa_utils.reduction import Reduction, reduce, reduce_feedback

Derivatives = tuple[np.ndarray, np.ndarray]


def second_layer(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return Z^T (Y - ZW), multiplied out: how GD and FA move W; shapes (..., n, r) -> (..., r, m)."""
    return Z.mT @ problem.target - (Z.mT @ Z) @ W


def gd(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
    """Return gradient flow (2): dZ = (Y - ZW) W^T, dW = Z^T (Y - ZW).

    Multiplied out, so that no n x m matrix is formed: dZ = Y W^T - Z (W W^T).
    """
    return problem.target @ W.T - Z @ (W @ W.T), second_layer(problem, Z, W)


def fa(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
    """Return feedback alignment (3): dZ = (Y - ZW) C^T, dW = Z^T (Y - ZW), multiplied out as in `gd`."""
    return problem.sketch - Z @ (W @ problem.feedback.T), second_layer(problem, Z, W)


def fa_star(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
    """Return FA* (4): dZ = (Y - ZW) C^T at the optimal W, which is (I - P_Z) Y C^T; dW = 0.

    W has no motion of its own under FA*: it follows Z, as `optimal_forward` says, so the W given here is
    not looked at and its slot is zero.
    """
    Q, _ = np.linalg.qr(Z)
    return problem.sketch - Q @ (Q.T @ problem.sketch), np.zeros_like(W)


def moving_forward(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return W as it is: under GD and FA the forward weights move by themselves."""
    return W


@fits_float64
def optimal_forward(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return W = (Z^T Z)^{-1} Z^T Y, the best forward weights for Z; shapes (..., n, r) -> (..., r, m).

    Raises ValueError where a Z has no full column rank to rounding: then the optimum is not unique.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> W = fa.optimal_forward(problem, problem.Z, problem.W)
    >>> np.allclose(W, np.linalg.lstsq(problem.Z, problem.target)[0])
    True
    """
    Z = states("Z", Z, problem.Z.shape, f"for a problem whose Z has shape {problem.Z.shape}")
    Q, R = np.linalg.qr(Z)
    refuse_dependent_columns(R)
    return np.linalg.solve(R, Q.mT @ problem.target)


def refuse_dependent_columns(Z: np.ndarray) -> None:
    """Raise ValueError where a Z, shapes (..., n, r), has no full column rank to rounding."""
    rank = np.min(np.linalg.matrix_rank(Z))
    if rank < Z.shape[-1]:
        raise ValueError(
            f"Z has rank {rank} but {Z.shape[-1]} columns; FA* needs full column rank: "
            "start from linearly independent columns, for instance random ones"
        )


@dataclass(frozen=True)
class Rule:
    """A learning rule: its name, its vector field, which W goes with a Z, and its exact small problem.

    ``forward(problem, Z, W)`` accepts whole trajectories, shapes (..., n, r) and (..., r, m). ``reduction``
    returns the small problem that the rule never leaves, for simulations to run on where that pays: only name
    one whose directions the field cannot tell from others, as it could by looking at single entries. A rule
    without one runs in full, and so does ``dataclasses.replace(rule, reduction=None)``.

    >>> def decaying(problem, Z, W):
    ...     dZ, dW = fa.FA.field(problem, Z, W)
    ...     return dZ - 0.1 * Z, dW - 0.1 * W
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.descend(problem, fa.Rule("FA with decay", decaying), learning_rate=0.01, steps=100)
    >>> run.Z.shape
    (101, 5, 2)
    """

    name: str
    field: Callable[[Problem, np.ndarray, np.ndarray], Derivatives]
    forward: Callable[[Problem, np.ndarray, np.ndarray], np.ndarray] = moving_forward
    reduction: Callable[[Problem], Reduction] | None = None


GD = Rule("GD", gd, reduction=reduce)
FA = Rule("FA", fa, reduction=reduce_feedback)
FA_STAR = Rule("FA*", fa_star, optimal_forward, reduce_feedback)
