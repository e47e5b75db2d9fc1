"""Preconditioned gradient descent for low-rank factors: Zhang, Fattahi & Zhang (2021).

A symmetric positive semidefinite M of rank r* is to be X X^T, where X has r >= r* columns. The loss is
||X X^T - M||_F^2 / 4, whose gradient is (X X^T - M) X. PrecGD multiplies the gradient from the right by
(X^T X + eta I)^-1, and keeps eta, the damping, in proportion to the error ||X X^T - M||_F.

The same factor may stand before FA's step of W, which is not in the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import number_from_zero, positive_number, random_generator, real_array, whole_number
from fa_utils._linalg import quotient
from fa_utils.problems import Problem, orthonormal_columns
from fa_utils.rules import Derivatives, Rule


class Descent(NamedTuple):
    """A run of descent.

    Attributes
    ----------
    errors
        ||X X^T - M||_F at the start and after each step, shape (steps + 1,).
    X
        The factor in the end, shape (n, r).

    Examples
    --------
    >>> run = zhang2021.descend_factor(np.eye(3), 2 * np.eye(3)[:, :2], learning_rate=0.1, steps=5)
    >>> run.errors.shape, run.X.shape
    ((6,), (3, 2))
    """

    errors: np.ndarray
    X: np.ndarray


# --- targets and starts ---


def random_factor(size: int, rank: int, condition: float, *, rng: np.random.Generator) -> np.ndarray:
    """Return X*, such that M = X* X*^T has geometrically spaced eigenvalues from 1 to 1 / condition.

    Parameters
    ----------
    size
        n, at least 1.
    rank
        r*, from 1 to n.
    condition
        kappa, at least 1.
    rng
        Source of the eigenvectors, which are uniformly distributed.

    Returns
    -------
    np.ndarray
        Shape (n, r*), with orthogonal columns.

    Raises
    ------
    TypeError, ValueError
        Impossible sizes or condition; something that is no Generator.

    References
    ----------
    The setting is this package's own; the paper's is not known here.

    Examples
    --------
    >>> factor = zhang2021.random_factor(20, rank=3, condition=100.0, rng=np.random.default_rng(0))
    >>> np.linalg.eigvalsh(factor @ factor.T)[-3:].round(12).tolist()
    [0.01, 0.1, 1.0]
    """
    if positive_number("condition", condition) < 1:
        raise ValueError(f"condition is {condition}; choose at least 1")
    # Columns of these lengths: the eigenvalues of X* X*^T are their squares.
    columns = orthonormal_columns(size, rank, rng=rng)
    return columns * np.sqrt(np.geomspace(1, 1 / condition, rank))


def start_near(factor: ArrayLike, columns: int, scale: float, *, rng: np.random.Generator) -> np.ndarray:
    """Return a start near a factor: spare columns of zeros are added, then ``scale`` times N(0, 1).

    Parameters
    ----------
    factor
        X*, shape (n, r*).
    columns
        r, at least r*. The other r - r* columns are spare ones.
    scale
        Deviation of what is added, at least 0.
    rng
        Source of the draw.

    Returns
    -------
    np.ndarray
        Shape (n, r).

    Raises
    ------
    TypeError, ValueError
        Fewer columns than the factor has; a negative scale; something that is no Generator.

    Examples
    --------
    >>> zhang2021.start_near(np.ones((2, 1)), 3, scale=0.0, rng=np.random.default_rng(0)).tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    factor = real_array("factor", factor, ndim=2)
    rows, rank = factor.shape
    columns = whole_number("columns", columns, least=rank)
    # Spare columns are zero in the truth, and get as much noise as the others.
    noise = random_generator(rng).standard_normal((rows, columns))
    return np.pad(factor, ((0, 0), (0, columns - rank))) + number_from_zero("scale", scale) * noise


# --- descent ---


def damped_inverse(X: np.ndarray, damping: float) -> np.ndarray:
    """Return X (X^T X + eta I)^-1: singular values s become s / (s^2 + eta), and 0 where that is 0 / 0.

    Parameters
    ----------
    X
        Shape (n, r).
    damping
        eta, at least 0. At 0 what is returned is the transpose of X's pseudo-inverse, to rounding.

    Returns
    -------
    np.ndarray
        Shape (n, r).

    Raises
    ------
    TypeError, ValueError
        A damping that is no number, or negative.

    Examples
    --------
    >>> zhang2021.damped_inverse(np.diag([2.0, 1.0, 0.0]), damping=1.0).diagonal().tolist()
    [0.4, 0.5, 0.0]
    """
    damping = number_from_zero("damping", damping)
    # Through X's singular values, since X^T X is singular once spare columns have died out.
    left, values, right = np.linalg.svd(X, full_matrices=False)
    return left * quotient(values, np.square(values) + damping) @ right


def descend_factor(
    target: ArrayLike,
    start: ArrayLike,
    learning_rate: float,
    steps: int,
    damping: Callable[[float], float] | None = None,
) -> Descent:
    """Return the run of gradient descent on ||X X^T - M||_F^2 / 4, or of PrecGD where a damping is given.

    Parameters
    ----------
    target
        M, symmetric, shape (n, n).
    start
        X at the start, shape (n, r).
    learning_rate
        Above 0.
    steps
        How many, at least 1.
    damping
        ``damping(error)`` returns eta for the error ||X X^T - M||_F. None stands for gradient descent, which
        has no factor at all.

    Returns
    -------
    Descent

    Raises
    ------
    TypeError, ValueError
        Arrays that are no real matrices; shapes that do not fit; an unusable learning rate or step count.
    FloatingPointError
        An error that is no longer finite. The message names the step.

    References
    ----------
    Zhang, Fattahi & Zhang (2021), "Preconditioned gradient descent for over-parameterized nonconvex matrix
    factorization".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> factor = zhang2021.random_factor(20, rank=3, condition=100.0, rng=rng)
    >>> start = zhang2021.start_near(factor, columns=6, scale=0.01, rng=rng)
    >>> plain = zhang2021.descend_factor(factor @ factor.T, start, 0.3, steps=200)
    >>> preconditioned = zhang2021.descend_factor(factor @ factor.T, start, 0.3, 200, lambda error: error)
    >>> bool(plain.errors[-1] > 1e-3), bool(preconditioned.errors[-1] < 1e-13)
    (True, True)
    """
    target = real_array("target", target, ndim=2)
    X = real_array("start", start, ndim=2)
    if target.shape != (len(X), len(X)):
        raise ValueError(f"target has shape {target.shape}; a start of shape {X.shape} needs {2 * (len(X),)}")
    rate = positive_number("learning_rate", learning_rate)
    steps = whole_number("steps", steps, least=1)
    errors = np.empty(steps + 1)
    for step in range(steps + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            residual = X @ X.T - target
            errors[step] = np.linalg.norm(residual)
        if not np.isfinite(errors[step]):
            raise FloatingPointError(f"descent diverged at step {step}; choose a learning rate below {rate}")
        # The error after the last step is measured, and no further step taken.
        if step < steps:
            factor = X if damping is None else damped_inverse(X, damping(errors[step]))
            X = X - rate * residual @ factor
    return Descent(errors, X)


# --- the same factor in feedback alignment ---


def preconditioned_feedback(name: str, damping: Callable[[np.ndarray, np.ndarray], float]) -> Rule:
    """Return FA with PrecGD's factor before the step of W: dW = (Z^T Z + eta I)^-1 Z^T (Y - ZW).

    Z moves by the feedback, as under FA. Without damping, W makes for its optimum at the rate 1.

    Parameters
    ----------
    name
        As legends have it.
    damping
        ``damping(error, residual)`` returns eta from Y - ZW (n, m) and (Y - ZW) C^T (n, r).

    Returns
    -------
    Rule

    References
    ----------
    New; Garg & Vempala (2022), rule (3), for the step of Z.

    Examples
    --------
    >>> rule = zhang2021.preconditioned_feedback("PrecFA", lambda E, R: np.square(R).sum())
    >>> rng = np.random.default_rng(0)
    >>> target = fa.target_with_spectrum([1.0, 1e-4], shape=(6, 5), rng=rng)
    >>> problem = fa.random_problem(target, 4, start_scale=0.0, feedback_scale=0.5, rng=rng)
    >>> run = fa.descend(problem, rule, learning_rate=0.3, steps=100)
    >>> bool(fa.error(target, run.Z, run.W)[-1] < 1e-12)
    True
    """

    def field(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
        error = problem.target - Z @ W
        residual = error @ problem.feedback.T
        # Z moves as under FA: only the step of W has the factor.
        return residual, damped_inverse(Z, damping(error, residual)).T @ error

    return Rule(name, field)
