"""Weight decay under feedback alignment: it aligns, leaves one point of rest, and is a Schatten penalty.

With decay lambda FA is dZ = G C^T - lambda Z, dW = Z^T G - lambda W, where G is the direction downhill: minus
the gradient of a loss of the product P = ZW; for problem (1) it is Y - ZW. Not in the paper.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import finite_result, nonnegative_values, positive_number, real_array, real_number
from fa_utils._linalg import above_rounding, cubic_root
from fa_utils.problems import Factors, Problem, checked_problem
from fa_utils.rules import Derivatives, Rule, checked_rule

Downhill = Callable[[np.ndarray], np.ndarray]


# --- rules ---


def feedback_on(downhill: Downhill, name: str = "FA on a loss") -> Rule:
    """Return FA on any loss of the product ZW: dZ = G C^T, dW = Z^T G.

    Parameters
    ----------
    downhill
        Called with the product ZW, shape (n, m); returns G, minus the loss's gradient there, of its shape.
    name
        Of the rule, as legends have it.

    Returns
    -------
    Rule
        Of the problem it is run on, it uses the feedback and the start; the target is in ``downhill``.

    Raises
    ------
    TypeError
        Something that cannot be called, or a name that is no text.

    References
    ----------
    Garg & Vempala (2022), rule (3), where G = Y - ZW.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> seen = np.arange(25).reshape(5, 5) % 3 > 0
    >>> completion = theory.feedback_on(lambda P: seen * (problem.target - P), "FA, two thirds seen")
    >>> fa.descend(problem, completion, learning_rate=0.01, steps=100)
    Trajectory(101 snapshots to time 1; Z 5 x 2, W 2 x 5)
    """
    if not callable(downhill):
        raise TypeError(f"downhill is a {type(downhill).__name__}; it must be a function of the product ZW")

    def field(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
        # Both layers see the same G; the first one sees it through C.
        G = downhill(Z @ W)
        return G @ problem.feedback.T, Z.T @ G

    return Rule(name, field)


def with_decay(rule: Rule, decay: float | tuple[float, float]) -> Rule:
    """Return a rule with weight decay: decay times Z is taken off dZ, and decay times W off dW.

    Parameters
    ----------
    rule
        In which W moves by itself: `GD`, `FA`, or one of your own.
    decay
        One number, or a pair for (Z, W), per unit of time; at least 0.

    Returns
    -------
    Rule

    Raises
    ------
    TypeError, ValueError
        Something that is no rule; FA*, whose W follows from Z; a decay below 0, or more than two.

    References
    ----------
    Statement N10 of this package.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> decaying = theory.with_decay(fa.FA, 0.5)
    >>> decaying
    Rule(FA with decay)
    >>> run = fa.descend(problem, decaying, learning_rate=0.02, steps=5000, every=5000)
    >>> np.allclose(run.Z[-1], theory.decay_rest(problem, 0.5).Z)
    True
    """
    checked_rule(rule)
    if rule.forward is not None:
        raise ValueError(f"the W of {rule.name} follows from Z and does not decay; take fa.GD or fa.FA")
    decays = nonnegative_values("decay", np.ravel(decay))
    # One number is first and last at once: it goes for both layers.
    if decays.size > 2:
        raise ValueError(f"decay holds {decays.size} numbers; give one, or a pair for (Z, W)")

    def field(problem: Problem, Z: np.ndarray, W: np.ndarray) -> Derivatives:
        dZ, dW = rule.field(problem, Z, W)
        return dZ - decays[0] * Z, dW - decays[-1] * W

    return Rule(f"{rule.name} with decay", field)


# --- where decay leads ---


def decay_rest(problem: Problem, decay: float) -> Factors:
    """Return the only point at which FA with decay rests, whatever C and the start are.

    With Y C^T = U diag(s) V^T it is Z = U diag(zeta) V^T, zeta^3 + decay zeta = s, and the W of ridge
    regression on Z, (Z^T Z + decay I)^-1 Z^T Y.

    Parameters
    ----------
    problem
        Gives Y and C; its start does not count.
    decay
        Of both layers, above 0.

    Returns
    -------
    Factors
        Z (n, r) and W (r, m).

    Raises
    ------
    TypeError, ValueError
        Something that is no problem; a decay that is not above 0.
    FloatingPointError
        Numbers beyond float64.

    References
    ----------
    Statements N9 and N10 of this package.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> Z, W = theory.decay_rest(problem, 0.5)
    >>> np.allclose(fa.residual(problem, Z, W), 0.5 * Z)
    True
    """
    checked_problem(problem)
    decay = positive_number("decay", decay)
    left, values, right = np.linalg.svd(problem.sketch, full_matrices=False)
    zeta = cubic_root(values, decay)
    Z = left * zeta @ right
    # In the modes of Y C^T ridge regression is a division.
    W = right.T * (zeta / (zeta**2 + decay)) @ (left.T @ problem.target)
    return Factors(finite_result("Z", Z), finite_result("W", W))


def decay_shrinkage(singular_values: ArrayLike, decay: float, feedback_scale: float = 1.0) -> np.ndarray:
    """Return what FA with decay leaves of each singular value of Y, where C^T C = feedback_scale^2 I.

    Of sigma it leaves sigma - e, where e + feedback_scale^2 e^3 / decay^3 = sigma: less, but never nothing.
    Gradient descent leaves max(sigma - decay, 0).

    Parameters
    ----------
    singular_values
        Of Y, shape (k,), at least 0.
    decay
        Of both layers, above 0.
    feedback_scale
        The length of every column of C, above 0.

    Returns
    -------
    np.ndarray
        The singular values of ZW at rest, shape (k,).

    Raises
    ------
    TypeError, ValueError
        Negative singular values; a decay or a scale that is not above 0.
    FloatingPointError
        Numbers beyond float64.

    References
    ----------
    Statement N10 of this package.

    Examples
    --------
    >>> theory.decay_shrinkage([2.0, 1.0, 0.1], decay=0.5).round(3).tolist()
    [1.436, 0.582, 0.007]
    """
    values = nonnegative_values("singular_values", singular_values)
    decay = positive_number("decay", decay)
    weight = decay / positive_number("feedback_scale", feedback_scale) ** (2 / 3)
    # With e = weight x what is left is x^3; as sigma - e it would lose digits where it is little.
    return finite_result("decay_shrinkage", cubic_root(values, weight) ** 3)


def schatten_slope(product: ArrayLike, exponent: float) -> np.ndarray:
    """Return the gradient of ||P||_p^p / p, the p-th powers of P's singular values summed, over p.

    It has the singular vectors of P, and the power p - 1 of its singular values.

    Parameters
    ----------
    product
        P, shape (n, m).
    exponent
        p, at least 1. At p = 1, the nuclear norm, singular values that are rounding count as 0.

    Returns
    -------
    np.ndarray
        Shape (n, m).

    Raises
    ------
    TypeError, ValueError
        Something that is no matrix; an exponent below 1.

    References
    ----------
    Statement N10 of this package: at rest, minus the gradient of the loss is this for p = 4/3, times
    decay feedback_scale^(-2/3).

    Examples
    --------
    >>> theory.schatten_slope(np.diag([8.0, 1.0, 0.0]), 4 / 3).round(12).tolist()
    [[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    P = real_array("product", product, ndim=2)
    if real_number("exponent", exponent) < 1:
        raise ValueError(f"exponent is {exponent}; choose a number of at least 1")
    left, values, right = np.linalg.svd(P, full_matrices=False)
    # A root would make much of what is rounding.
    seen = above_rounding(values, P.shape)
    return left[:, seen] * values[seen] ** (exponent - 1) @ right[seen]
