"""FA with D layers: its exponent p = 2^D / (2^D - 1), and where it comes to rest. Not in the paper.

Each layer hands on the square of what it gets, times one more error signal. So D layers raise to the power
2^D - 1, where the gradient's layers raise to the power D. At rest this power becomes a norm that is least:
the Schatten p-norm in linear networks with weight decay, a weighted p-norm in diagonal networks from zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import finite_result, nonnegative_values, positive_number, real_array, whole_number
from fa_utils._linalg import quotient

NEWTON_STEPS = 30  # eight are enough for any value and decay, since no start is far from its root
MOST_STEPS = 500  # of Newton's method for a diagonal network; some ten are enough from the depth before
CONVERGED = 1e-12  # what may be left of the outputs, relative to the largest


def norm_exponent(depth: int) -> float:
    """Return p = 2^D / (2^D - 1), the exponent of the norm that FA makes small with D layers.

    Parameters
    ----------
    depth
        D, the number of layers, at least 1.

    Returns
    -------
    float
        2 for one layer, and nearer to 1 with each more.

    Raises
    ------
    TypeError, ValueError
        A depth that is not a whole number, or below 1.

    References
    ----------
    N11 of this package.

    Examples
    --------
    >>> [round(theory.norm_exponent(depth), 4) for depth in (1, 2, 3, 4)]
    [2.0, 1.3333, 1.1429, 1.0667]
    """
    return 1 / (1 - 0.5 ** whole_number("depth", depth, least=1))


def decayed_values(singular_values: ArrayLike, depth: int, decay: float) -> np.ndarray:
    """Return the singular values that FA with decay leaves of a target's: q with q + decay q^(p-1) = sigma.

    They minimise (sigma - q)^2 / 2 + decay q^p / p.

    Parameters
    ----------
    singular_values
        sigma, shape (k,), at least 0.
    depth
        D, the number of layers, at least 1.
    decay
        lambda, above 0, the same for each layer.

    Returns
    -------
    np.ndarray
        q, shape (k,): between 0 and sigma, and 0 only where sigma is 0 (or q below float64's least).

    Raises
    ------
    TypeError, ValueError
        Negative singular values; a decay that is not positive; an unusable depth.

    References
    ----------
    N11 of this package.

    Examples
    --------
    >>> theory.decayed_values([2.0, 1.0, 0.5], depth=2, decay=0.5).round(3).tolist()
    [1.436, 0.582, 0.205]
    """
    sigma = nonnegative_values("singular_values", singular_values)
    decay = positive_number("decay", decay)
    power = 2.0 ** whole_number("depth", depth, least=1) - 1
    # Newton's method for x^power + decay x = sigma. The left side is convex and at most 2 sigma at the start.
    x = np.minimum(sigma ** (1 / power), sigma / decay)
    for _ in range(NEWTON_STEPS):
        x = x - (x**power + decay * x - sigma) / (power * x ** (power - 1) + decay)
    return x**power


def diagonal_strengths(feedback: ArrayLike) -> np.ndarray:
    """Return kappa of diagonal networks with 1 to D layers, which make beta = kappa s^(2^D - 1) from zero.

    The network's coefficients beta are the product of its layers, entry by entry, and s is the integral of
    X^T (y - X beta) over time.

    Parameters
    ----------
    feedback
        Row l is what stands in place of the layers above layer l, for all layers but the last, (D - 1, d).

    Returns
    -------
    np.ndarray
        Row D - 1 belongs to the network with D layers, shape (D, d). Each entry is at least 0.

    Raises
    ------
    TypeError, ValueError
        Feedback that is not a finite real array with two axes.

    References
    ----------
    N11 of this package.

    Examples
    --------
    >>> theory.diagonal_strengths(np.array([[1.0, -2.0], [3.0, 1.0]])).tolist()
    [[1.0, 1.0], [0.5, 2.0], [0.5625, 1.0]]
    """
    signals = real_array("feedback", feedback, ndim=2)
    strengths = [np.ones(signals.shape[1])]
    for layers, signal in enumerate(signals, start=1):
        strengths.append((signal * strengths[-1]) ** 2 / 2**layers)
    return finite_result("diagonal_strengths", np.array(strengths))


def diagonal_ends(inputs: ArrayLike, outputs: ArrayLike, feedback: ArrayLike) -> np.ndarray:
    """Return where FA's flow from zero ends in diagonal networks with 1 to D layers.

    With D layers that is the beta with X beta = y of least sum_j kappa_j^(1 - p) |beta_j|^p, whose kappa
    `diagonal_strengths` has. Feedback of equal entries gives the plain p-norm.

    Parameters
    ----------
    inputs
        X, shape (N, d), with linearly independent rows.
    outputs
        y, shape (N,).
    feedback
        As for `diagonal_strengths`, without zeros, shape (D - 1, d).

    Returns
    -------
    np.ndarray
        beta with 1, 2, ..., D layers, shape (D, d).

    Raises
    ------
    TypeError, ValueError
        Arrays of other shapes, dependent rows, or zeros in the feedback.
    FloatingPointError
        Newton's method does not converge: feedback of very different sizes, or too many layers.

    References
    ----------
    N11 of this package.

    Examples
    --------
    >>> inputs = np.array([[1.0, 0.0, 0.8], [0.0, 1.0, 0.8]])
    >>> theory.diagonal_ends(inputs, [0.8, 0.8], np.ones((5, 3)))[[0, 2, 5]].round(3).tolist()
    [[0.351, 0.351, 0.561], [0.036, 0.036, 0.956], [0.0, 0.0, 1.0]]
    """
    X = real_array("inputs", inputs, ndim=2)
    y = real_array("outputs", outputs, ndim=1, integers=True)
    strengths = diagonal_strengths(feedback)
    wanted = (len(y), strengths.shape[1])
    if X.shape != wanted:
        raise ValueError(f"inputs have shape {X.shape}; with these outputs and feedback it must be {wanted}")
    if np.linalg.matrix_rank(X) < len(X):
        raise ValueError(f"inputs of shape {X.shape} have dependent rows; drop those that others explain")
    if not strengths.all():
        raise ValueError("feedback has zeros, or entries near 0 whose powers are 0; choose larger ones")
    # One layer: the least squares. Each depth starts where the one before it ended.
    dual = np.linalg.solve(X @ X.T, y)
    ends = []
    # The size of kappa changes only the scale of the dual variable.
    for depth, kappa in enumerate(strengths / strengths.max(axis=1, keepdims=True), start=1):
        dual, beta = _dual_end(X, y, kappa, 2.0**depth - 1, dual)
        ends.append(beta)
    return np.array(ends)


def least_ceiling(inputs: ArrayLike, signs: ArrayLike) -> float:
    """Return rho: the least max |x_j^T mu| outside of a support, where x_j^T mu is the given sign within.

    Below 1, a vector with these signs is the only solution of least l1-norm, and FA's coefficients outside of
    its support fall like rho^(2^D - 1) with depth.

    Parameters
    ----------
    inputs
        X with columns x_j, shape (N, d).
    signs
        1 or -1 in the support, 0 outside of it, shape (d,).

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        Arrays of other shapes; signs that no mu attains, as columns that depend on each other may have.

    References
    ----------
    N11 of this package.

    Examples
    --------
    >>> theory.least_ceiling(np.array([[1.0, 0.0, 0.8], [0.0, 1.0, 0.8]]), [0, 0, 1])
    0.625
    """
    from scipy.optimize import linprog

    columns = real_array("inputs", inputs, ndim=2).T
    signs = real_array("signs", signs, ndim=1, integers=True)
    # The last unknown is the ceiling, from which both x_j^T mu and -x_j^T mu are taken off.
    both = np.vstack([np.insert(side, side.shape[1], -1, axis=1) for side in (columns, -columns)])
    below = both[np.tile(signs == 0, 2)]
    within = np.insert(columns[signs != 0], columns.shape[1], 0, axis=1)
    cost = np.append(np.zeros(columns.shape[1]), 1)
    found = linprog(cost, below, np.zeros(len(below)), within, signs[signs != 0], bounds=(None, None))
    if found.status != 0:
        raise ValueError(f"no mu attains the signs: {found.message}; drop columns that depend on each other")
    return float(found.fun)


def _dual_end(
    X: np.ndarray, y: np.ndarray, kappa: np.ndarray, power: float, dual: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the dual (N,) at which X beta = y, and beta (d,) = kappa s^power with s = X^T dual.

    There sum_j kappa_j |s_j|^(power + 1) / (power + 1) - y^T dual is least. An odd power keeps the sign of s.
    """

    def height(at: np.ndarray) -> float:
        return float(kappa @ np.abs(X.T @ at) ** (power + 1) / (power + 1) - y @ at)

    # The best multiple of the start is known.
    dual = dual * quotient(y @ dual, kappa @ np.abs(X.T @ dual) ** (power + 1)) ** (1 / power)
    for _ in range(MOST_STEPS):
        slopes = power * kappa * np.abs(X.T @ dual) ** (power - 1)
        beta = slopes * (X.T @ dual) / power
        missing = y - X @ beta
        if np.abs(missing).max() <= CONVERGED * np.abs(y).max():
            return dual, beta
        # Newton's step, halved until it takes the height down enough; rounding may hide the last gains.
        step = np.linalg.solve(X * slopes @ X.T, missing)
        slack = 1e-13 * abs(height(dual))
        while not height(dual + step) <= height(dual) - 0.1 * (missing @ step) + slack:
            step = step / 2
        dual = dual + step
    raise FloatingPointError(
        f"no end was found for power {power:g}; choose fewer layers or feedback of one size"
    )
