"""FA with D layers: its exponent p = 2^D / (2^D - 1), and where it comes to rest. Not in the paper.

Each layer hands on the square of what it gets, times one more error signal. So D layers raise to the power
2^D - 1, where the gradient's layers raise to the power D. At rest this power becomes a norm that is least:
the Schatten p-norm in linear networks with weight decay, a weighted p-norm in diagonal networks from zero.
"""

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import finite_result, nonnegative_values, positive_number, real_array, whole_number
from fa_utils._linalg import above_rounding

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
    if len(y) != len(X) or strengths.shape[1] != X.shape[1]:
        raise ValueError(
            f"inputs have shape {X.shape}, outputs {y.shape} and feedback {np.shape(feedback)}; "
            "they must be (N, d), (N,) and (D - 1, d)"
        )
    if not above_rounding(np.linalg.svd(X, compute_uv=False), X.shape).all() or len(X) > X.shape[1]:
        raise ValueError(f"inputs of shape {X.shape} have dependent rows; drop those that others explain")
    if not strengths.all():
        raise ValueError("feedback has zeros, or entries near 0 whose powers are 0; choose larger ones")
    # One layer: the least squares. Each depth starts where the one before it ended.
    dual = np.linalg.solve(X @ X.T, y)
    ends = []
    for depth, kappa in enumerate(strengths, start=1):
        # The size of kappa changes only the scale of the dual variable.
        dual = _dual_end(X, y, kappa / kappa.max(), 2.0**depth - 1, dual)
        ends.append(_power(X, kappa / kappa.max(), 2.0**depth - 1, dual))
    return np.array(ends)


def _power(X: np.ndarray, kappa: np.ndarray, power: float, dual: np.ndarray) -> np.ndarray:
    """Return beta = kappa s^power with s = X^T dual, shape (d,)."""
    s = X.T @ dual
    return kappa * np.abs(s) ** power * np.sign(s)


def _dual_end(X: np.ndarray, y: np.ndarray, kappa: np.ndarray, power: float, dual: np.ndarray) -> np.ndarray:
    """Return where sum_j kappa_j |s_j|^(power + 1) / (power + 1) - y^T dual is least, (N,), s = X^T dual."""
    if not y.any():
        return np.zeros_like(dual)

    def height(at: np.ndarray) -> float:
        return float(kappa @ np.abs(X.T @ at) ** (power + 1) / (power + 1) - y @ at)

    # The best multiple of the start is known.
    dual = dual * (y @ dual / (kappa @ np.abs(X.T @ dual) ** (power + 1))) ** (1 / power)
    for _ in range(MOST_STEPS):
        missing = y - X @ _power(X, kappa, power, dual)
        if np.abs(missing).max() <= CONVERGED * np.abs(y).max():
            return dual
        slopes = power * kappa * np.abs(X.T @ dual) ** (power - 1)
        step = np.linalg.solve(X * slopes @ X.T, missing)
        # Newton's step, halved until it takes the height down enough; rounding may hide the last gains.
        slack = 1e-13 * abs(height(dual))
        while not height(dual + step) <= height(dual) - 0.1 * (missing @ step) + slack:
            step = step / 2
        dual = dual + step
    raise FloatingPointError(
        f"no end was found for power {power:g}; choose fewer layers or feedback of one size"
    )
