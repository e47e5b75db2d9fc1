"""Diagonal networks between two regimes: Woodworth, Gunasekar, Lee, Moroshko, Savarese & others (2020).

A linear model X beta = y has more unknowns than equations, and its coefficients are made of the layers of a
network, entry by entry. Let s be the integral of X^T (y - X beta) over time: beta is a function of s alone,
its link. A link that rises everywhere is the inverse of a potential's slope. Among all solutions the flow
ends at the one of least potential, and the start's scale alpha decides which norm that resembles.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import positive_number, real_array, whole_number
from fa_utils._linalg import cubic_root

Link = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

MOST_STEPS = 200  # of Newton's method; a small scale takes some forty
CONVERGED = 1e-11  # what may be left of the outputs, relative to the largest


def gradient_link(scale: float, depth: int) -> Link:
    """Return GD's link: beta = w_+^D - w_-^D, both layers starting at alpha in every entry.

    Parameters
    ----------
    scale
        alpha, above 0.
    depth
        D, at least 2.

    Returns
    -------
    Callable
        A function: of s, shape (d,), it returns beta and its slope, (d,) each. For D above 2 they are NaN
        unless |s| < 1 / (D (D - 2) alpha^(D - 2)); the flow keeps within.

    Raises
    ------
    TypeError, ValueError
        A scale that is not positive; a depth that is not a whole number, or below 2.

    References
    ----------
    Woodworth et al. (2020), "Kernel and rich regimes in overparametrized models".

    Examples
    --------
    >>> beta, slope = woodworth2020.gradient_link(1.0, depth=2)(np.array([0.0, 0.1]))
    >>> np.allclose(beta, 2 * np.sinh([0.0, 0.4])), np.allclose(slope, 8 * np.cosh([0.0, 0.4]))
    (True, True)
    """
    alpha = positive_number("scale", scale)
    depth = whole_number("depth", depth, least=2)
    if depth == 2:
        return lambda s: (2 * alpha**2 * np.sinh(4 * s), 8 * alpha**2 * np.cosh(4 * s))
    speed = depth * (depth - 2) * alpha ** (depth - 2)

    def link(s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # A layer is infinite where 1 -+ z is 0; the flow never comes beyond.
        z = np.where(np.abs(speed * s) < 1, speed * s, np.nan)
        up = alpha * (1 - z) ** (-1 / (depth - 2))
        down = alpha * (1 + z) ** (-1 / (depth - 2))
        # A layer moves by D times its own power D - 1.
        slope = depth**2 * (up ** (2 * depth - 2) + down ** (2 * depth - 2))
        return up**depth - down**depth, slope

    return link


def feedback_link(scale: float, feedback: ArrayLike) -> Link:
    """Return FA's link: beta = u v with feedback c, from u = 0 and v = alpha times the sign of c.

    Parameters
    ----------
    scale
        alpha, at least 0 - at 0 the slope vanishes where s does.
    feedback
        c, what stands in place of v, shape (d,).

    Returns
    -------
    Callable
        As `gradient_link` has it: beta = |c| alpha s + c^2 s^3 / 2.

    Raises
    ------
    TypeError, ValueError
        Feedback that is not a real array with one axis.

    References
    ----------
    N11 of this package.

    Examples
    --------
    >>> beta, slope = woodworth2020.feedback_link(0.5, [1.0, -2.0])(np.array([1.0, 1.0]))
    >>> beta.tolist(), slope.tolist()
    ([1.0, 3.0], [2.0, 7.0])
    """
    strength = np.abs(real_array("feedback", feedback, ndim=1, integers=True))
    return lambda s: (
        strength * scale * s + strength**2 * s**3 / 2,
        strength * scale + 1.5 * strength**2 * s**2,
    )


def feedback_dual(coefficients: ArrayLike, scale: float, feedback: ArrayLike) -> np.ndarray:
    """Return the s that FA's link takes to these coefficients: the slope of FA's potential.

    Parameters
    ----------
    coefficients
        beta, shape (d,).
    scale
        alpha, above 0.
    feedback
        c without zeros, shape (d,).

    Returns
    -------
    np.ndarray
        s, shape (d,).

    Raises
    ------
    TypeError, ValueError
        A scale that is not positive, or arrays that are not real with one axis.

    References
    ----------
    N11 of this package.

    Examples
    --------
    >>> woodworth2020.feedback_dual([1.0, 3.0], 0.5, [1.0, -2.0]).round(12).tolist()
    [1.0, 1.0]
    """
    alpha = positive_number("scale", scale)
    strength = np.abs(real_array("feedback", feedback, ndim=1, integers=True))
    beta = real_array("coefficients", coefficients, ndim=1, integers=True)
    # The link, a cubic in s, divided by half of c^2.
    return cubic_root(2 * beta / strength**2, 2 * alpha / strength)


def mirror_end(inputs: ArrayLike, outputs: ArrayLike, link: Link) -> np.ndarray:
    """Return the solution of X beta = y of least potential: beta = link(X^T nu), by Newton's method for nu.

    Parameters
    ----------
    inputs
        X, shape (N, d), with linearly independent rows.
    outputs
        y, shape (N,).
    link
        Rises, with a slope above 0, as `gradient_link` has it.

    Returns
    -------
    np.ndarray
        beta, shape (d,).

    Raises
    ------
    TypeError, ValueError
        Arrays that are not real, or of another number of axes.
    FloatingPointError
        Newton's method does not converge.

    References
    ----------
    Woodworth et al. (2020), "Kernel and rich regimes in overparametrized models".

    Examples
    --------
    >>> link = woodworth2020.gradient_link(100.0, depth=2)
    >>> woodworth2020.mirror_end(np.array([[1.0, 2.0]]), [5.0], link).round(6).tolist()
    [1.0, 2.0]
    """
    X = real_array("inputs", inputs, ndim=2)
    y = real_array("outputs", outputs, ndim=1, integers=True)
    nu = np.zeros(len(y))
    for _ in range(MOST_STEPS):
        beta, slope = link(X.T @ nu)
        missing = y - X @ beta
        if np.abs(missing).max() <= CONVERGED * np.abs(y).max():
            return beta
        step = np.linalg.solve(X * slope @ X.T, missing)
        # Newton's step, halved until less is missing; where the link is not defined, nothing compares.
        with np.errstate(over="ignore", invalid="ignore"):
            while not np.linalg.norm(y - X @ link(X.T @ (nu + step))[0]) < np.linalg.norm(missing):
                step = step / 2
                if np.array_equal(nu + step, nu):
                    raise FloatingPointError("rounding hides the end; choose a scale nearer to 1")
        nu = nu + step
    raise FloatingPointError(f"no end was found in {MOST_STEPS} steps; choose a scale nearer to 1")
