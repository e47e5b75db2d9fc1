"""The three learning rules as vector fields: (problem, Z, W) -> (dZ/dt, dW/dt)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fa_utils._checks import finite_result, short_text, states
from fa_utils.problems import Problem, checked_problem

FEW = 8  # times as many rows or columns as hidden units: up to there the error is formed

Derivatives = tuple[np.ndarray, np.ndarray]


# --- vector fields ---


def second_layer(problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return Z^T (Y - ZW), multiplied out: how GD and FA move W; shapes (..., n, r) -> (..., r, m)."""
    return Z.mT @ problem.target - (Z.mT @ Z) @ W


def forms_error(problem: Problem) -> bool:
    """Return whether Y - ZW is worth forming: it takes three products in place of six, but larger ones."""
    return isinstance(problem.target, np.ndarray) and min(problem.target.shape) <= FEW * len(problem.W)


def direct_products(problem: Problem, Z: np.ndarray, W: np.ndarray, back: np.ndarray) -> Derivatives:
    """Return (Y - ZW) B^T and Z^T (Y - ZW), shapes (n, r) and (r, m), for B = ``back`` (r, m)."""
    error = problem.target - Z @ W
    return error @ back.T, Z.T @ error


def gradient_field(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
    """Return gradient flow (2): dZ = (Y - ZW) W^T, dW = Z^T (Y - ZW)."""
    if forms_error(problem):
        return direct_products(problem, Z, W, W)
    # Multiplied out, so that no n x m matrix is formed.
    return problem.target @ W.T - Z @ (W @ W.T), second_layer(problem, Z, W)


def feedback_field(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
    """Return feedback alignment (3): dZ = (Y - ZW) C^T, dW = Z^T (Y - ZW)."""
    if forms_error(problem):
        return direct_products(problem, Z, W, problem.feedback)
    # Multiplied out, with Y C^T, which never changes.
    return problem.sketch - Z @ (W @ problem.feedback.T), second_layer(problem, Z, W)


def optimal_feedback_field(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
    """Return FA* (4): dZ = (Y - ZW) C^T at the optimal W, which is (I - P_Z) Y C^T; dW = 0.

    W has no motion of its own under FA*. It follows Z, so the W given here does not count. Z has full column
    rank: `optimal_forward` refuses any other, and so do `descend` and `flow` at the start.
    """
    # Q Q^T projects on the range of Z; what is left is the residual at the best W.
    Q, _ = np.linalg.qr(Z)
    return problem.sketch - Q @ (Q.T @ problem.sketch), np.zeros_like(W)


def optimal_forward(problem: Problem, Z: np.ndarray) -> np.ndarray:
    """Return W = (Z^T Z)^{-1} Z^T Y, the best forward weights for Z.

    Parameters
    ----------
    problem
        Gives the target Y.
    Z
        Shape (..., n, r), of full column rank.

    Returns
    -------
    np.ndarray
        W, shape (..., r, m).

    Raises
    ------
    ValueError
        A Z without full column rank (to rounding), for which the optimum is not unique; r above n.
    FloatingPointError
        Weights beyond float64.

    References
    ----------
    Garg & Vempala (2022), Section 3.1.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> W = fa.optimal_forward(problem, problem.Z)
    >>> np.allclose(W, np.linalg.lstsq(problem.Z, problem.target)[0])
    True
    """
    shape = checked_problem(problem).Z.shape
    Z = states("Z", Z, shape, f"for a problem whose Z has shape {shape}")
    # Through QR, since Z^T Z would square the condition number.
    Q, R = np.linalg.qr(Z)
    refuse_dependent_columns(R)
    return finite_result("optimal_forward", np.linalg.solve(R, Q.mT @ problem.target))


def refuse_dependent_columns(Z: np.ndarray) -> None:
    """Raise ValueError where a Z, shapes (..., n, r), or its triangle has no full column rank to rounding."""
    # More columns than rows depend on each other, whatever their entries.
    n, r = Z.shape[-2:]
    if r > n:
        raise ValueError(
            f"Z has {r} columns in {n} rows; FA* needs full column rank: "
            f"choose r of at most {n}, or GD or FA, which take any r"
        )
    rank = np.min(np.linalg.matrix_rank(Z))
    if rank < r:
        raise ValueError(
            f"Z has rank {rank} but {r} columns; FA* needs full column rank: "
            "start from linearly independent columns, for instance random ones"
        )


# --- rules ---


@dataclass(frozen=True)
class Rule:
    """A learning rule: its name, its vector field, and which W goes with a Z.

    Attributes
    ----------
    name
        As legends have it.
    field
        ``field(problem, Z, W)`` returns dZ/dt and dW/dt, of the shapes of Z and W.
    forward
        ``forward(problem, Z)`` returns the W that follows from Z, shapes (..., n, r) -> (..., r, m). None
        where W moves by itself.

    Raises
    ------
    TypeError
        A name that is no text, or a field that cannot be called.

    Examples
    --------
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
    forward: Callable[[Problem, np.ndarray], np.ndarray] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"name is {short_text(self.name)}; it must be text, for instance 'FA with decay'")
        if not callable(self.field):
            raise TypeError(f"field is {short_text(self.field)}; it must be a function of (problem, Z, W)")
        if self.forward is not None and not callable(self.forward):
            raise TypeError(
                f"forward is {short_text(self.forward)}; it must be a function of (problem, Z), or None"
            )

    def __repr__(self) -> str:
        return f"Rule({self.name})"

    def weights(self, problem: Problem, Z: np.ndarray, W: np.ndarray) -> np.ndarray:
        """Return the second layer that goes with Z: W itself, or what follows from Z."""
        return W if self.forward is None else self.forward(problem, Z)


GD = Rule("GD", gradient_field)
FA = Rule("FA", feedback_field)
FA_STAR = Rule("FA*", optimal_feedback_field, optimal_forward)


def checked_rule(rule: object) -> Rule:
    """Return ``rule``; raise TypeError where it is none."""
    if not isinstance(rule, Rule):
        raise TypeError(
            f"rule is {short_text(rule)}; it must be a Rule: fa.GD, fa.FA, fa.FA_STAR or one of your own"
        )
    return rule
