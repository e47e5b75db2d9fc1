"""Optimisation in random subspaces that know the data, or do not: Lacotte, Pilanci & Pavone (2019).

"High-dimensional optimization in adaptive random subspaces" minimises f(A x) + decay / 2 ||x||^2 over
x = S a with few coordinates a. The subspace, the range of S, is *oblivious* where S is drawn without looking
at A, and *adaptive* where S = A^T times a Gaussian matrix. The answer in the subspace is x_plain = S a. A
step of duality *recovers* another one, -A^T f'(A x_plain) / decay, which leaves the subspace.

What decides is zeta = ||(I - P) A^T||, the largest singular value of what the subspace misses of the data; P
projects on the range of S. Where decay >= 2 mu zeta^2, with mu the smoothness of f,

    ||x_recovered - x||  <=  (mu / (2 decay))^(1/2) zeta ||x||

for the minimiser x. The formulas are rebuilt, and the notebook companions/adaptive-subspaces proves this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import nonnegative_values, positive_number, real_array, whole_number
from fa_utils._linalg import above_rounding
from fa_utils._records import Record

# --- losses f ---


@dataclass(frozen=True, eq=False, repr=False)
class SquaredLoss(Record):
    """f(w) = ||w - b||^2 / 2: regression.

    Attributes
    ----------
    targets
        b, shape (n,).
    smoothness
        mu, the most that a second derivative of f is: 1.

    Raises
    ------
    TypeError, ValueError
        Targets that are not finite floating-point numbers, or not a list of them.

    Examples
    --------
    >>> lacotte2019.SquaredLoss(np.array([1.0, 2.0])).gradient(np.zeros(2)).tolist()
    [-1.0, -2.0]
    """

    targets: np.ndarray
    smoothness: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", real_array("targets", self.targets, ndim=1))

    def __repr__(self) -> str:
        return f"SquaredLoss({self.targets.size} targets)"

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return f'(w), shape (n,)."""
        return w - self.targets

    def curvature(self, w: np.ndarray) -> np.ndarray:
        """Return the second derivatives of f, of each sample's term by its own entry, shape (n,)."""
        return np.ones(w.shape)


@dataclass(frozen=True, eq=False, repr=False)
class LogisticLoss(Record):
    """f(w) = sum_i log(1 + exp(-b_i w_i)): classification.

    Attributes
    ----------
    labels
        b, shape (n,), each 1.0 or -1.0.
    smoothness
        mu, the most that a second derivative of f is: 1/4.

    Raises
    ------
    TypeError, ValueError
        Other labels.

    Examples
    --------
    >>> lacotte2019.LogisticLoss(np.array([1.0, -1.0])).gradient(np.zeros(2)).tolist()
    [-0.5, 0.5]
    """

    labels: np.ndarray
    smoothness: ClassVar[float] = 0.25

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", real_array("labels", self.labels, ndim=1))
        if (abs(self.labels) != 1).any():
            raise ValueError(f"labels are {self.labels}; give 1.0 or -1.0 for each sample")

    def __repr__(self) -> str:
        return f"LogisticLoss({self.labels.size} labels)"

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return f'(w), shape (n,)."""
        from scipy.special import expit

        # SciPy's logistic function does not overflow.
        return -self.labels * expit(-self.labels * w)

    def curvature(self, w: np.ndarray) -> np.ndarray:
        """Return the second derivatives of f, of each sample's term by its own entry, shape (n,)."""
        from scipy.special import expit

        return expit(w) * expit(-w)


Loss = SquaredLoss | LogisticLoss


# --- answers ---


class Answers(NamedTuple):
    """What a subspace gives: the best point in it, ``plain``, and ``recovered``, both of shape (d,).

    Examples
    --------
    >>> lacotte2019.Answers(plain=np.zeros(2), recovered=np.ones(2)).recovered.tolist()
    [1.0, 1.0]
    """

    plain: np.ndarray
    recovered: np.ndarray


def solve_in_subspace(data: np.ndarray, loss: Loss, decay: float, sketch: np.ndarray) -> Answers:
    """Return the best x in the range of a sketch for f(A x) + decay / 2 ||x||^2, and what it recovers.

    The minimiser over all x lies in the range of A^T: it is the answer for the sketch A^T, twice.

    Parameters
    ----------
    data
        A, shape (n, d), a row for each sample.
    loss
        f.
    decay
        Above 0.
    sketch
        S, shape (d, m). Only its range counts.

    Returns
    -------
    Answers

    Raises
    ------
    TypeError, ValueError
        Arrays of other shapes or entries; a decay that is not above 0.
    FloatingPointError
        SciPy's solver does not find the point of vanishing slope.

    References
    ----------
    Lacotte, Pilanci & Pavone (2019).

    Examples
    --------
    >>> A = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> loss = lacotte2019.SquaredLoss(np.array([1.0, 1.0]))
    >>> answers = lacotte2019.solve_in_subspace(A, loss, 1.0, np.array([[1.0], [0.0]]))
    >>> answers.plain.tolist(), answers.recovered.tolist()
    ([0.5, 0.0], [0.5, 2.0])
    """
    from scipy.optimize import root

    basis = _basis(data, sketch)
    decay = positive_number("decay", decay)
    # In orthonormal coordinates a of the subspace ||x|| is ||a||.
    seen = data @ basis

    def slope(a: np.ndarray) -> np.ndarray:
        return seen.T @ loss.gradient(seen @ a) + decay * a

    def second_derivatives(a: np.ndarray) -> np.ndarray:
        return (seen.T * loss.curvature(seen @ a)) @ seen + decay * np.eye(a.size)

    # The objective is strictly convex: where its slope vanishes is its only minimum.
    found = root(slope, np.zeros(seen.shape[1]), jac=second_derivatives, tol=1e-13)
    if np.linalg.norm(slope(found.x)) > 1e-9 * np.linalg.norm(slope(np.zeros(found.x.shape))):
        why = " ".join(found.message.split())
        raise FloatingPointError(f"SciPy's root finds no minimum: {why}; choose a larger decay")
    return Answers(basis @ found.x, -data.T @ loss.gradient(seen @ found.x) / decay)


def _basis(data: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    """Return orthonormal columns with the range of a sketch (d, m); raise where it does not fit (n, d)."""
    sketch = real_array("sketch", sketch, ndim=2)
    columns = real_array("data", data, ndim=2).shape[1]
    if len(sketch) != columns:
        raise ValueError(f"sketch has {len(sketch)} rows; give one for each of the {columns} columns of data")
    # Directions that rounding alone adds to a sketch of lower rank are left out.
    left, values, _ = np.linalg.svd(sketch, full_matrices=False)
    return left[:, above_rounding(values, sketch.shape)]


# --- what a subspace misses ---


def residual_norm(data: np.ndarray, sketch: np.ndarray) -> float:
    """Return zeta = ||(I - P) A^T||, the largest singular value of what the range of a sketch misses.

    Parameters
    ----------
    data, sketch
        As in `solve_in_subspace`.

    Returns
    -------
    float
        From 0 to the largest singular value of A.

    Raises
    ------
    TypeError, ValueError
        Arrays of other shapes or entries.

    References
    ----------
    Lacotte, Pilanci & Pavone (2019).

    Examples
    --------
    >>> lacotte2019.residual_norm(np.diag([3.0, 2.0, 1.0]), np.array([[1.0], [0.0], [0.0]]))
    2.0
    """
    basis = _basis(data, sketch)
    return float(np.linalg.norm(data - (data @ basis) @ basis.T, 2))


def spectral_scale(singular_values: ArrayLike, k: int) -> float:
    """Return R_k = (sigma_(k+1)^2 + sum_(j>k) sigma_j^2 / k)^(1/2): the order of zeta with 2k coordinates.

    Parameters
    ----------
    singular_values
        Of A, shape (n,), none negative, in any order.
    k
        At least 1.

    Returns
    -------
    float
        In the unit of the singular values, and 0 where there are at most k of them.

    Raises
    ------
    TypeError, ValueError
        Values that are no real numbers, or negative; a k that is not a whole number of at least 1.

    References
    ----------
    Lacotte, Pilanci & Pavone (2019).

    Examples
    --------
    >>> lacotte2019.spectral_scale([5.0, 2.0, 2.0, 1.0], k=1)
    3.605551275463989
    """
    k = whole_number("k", k, least=1)
    tail = np.sort(nonnegative_values("singular_values", singular_values))[::-1][k:]
    largest_left = tail[:1].sum()
    return float(np.sqrt(largest_left**2 + np.square(tail).sum() / k))


def residual_limit(k: int, chance: float) -> float:
    """Return what zeta / R_k exceeds with at most this chance, for an adaptive sketch with 2k coordinates.

    It holds for every spectrum and is loose: zeta is rarely above R_k.

    Parameters
    ----------
    k
        At least 4.
    chance
        Above 0.

    Returns
    -------
    float
        At least 1.

    Raises
    ------
    TypeError, ValueError
        A k that is not a whole number of at least 4; a chance that is not above 0.

    References
    ----------
    Halko, Martinsson & Tropp (2011), "Finding structure with randomness", Theorem 10.8 with k spare columns.
    The constant that Lacotte, Pilanci & Pavone (2019) have is another one.

    Examples
    --------
    >>> round(lacotte2019.residual_limit(16, chance=0.05), 1)
    7.3
    """
    k = whole_number("k", k, least=4)
    chance = positive_number("chance", chance)
    # Half of the chance goes to the inverse of a k x 2k Gaussian matrix: it is t times what is usual.
    t = max((4 / chance) ** (1 / k), 1.0)
    # The other half goes to the Gaussian matrix of the tail, which this inverse multiplies.
    u = np.sqrt(2 * np.log(max(2 / chance, 1.0)))
    inverse = np.e * np.sqrt(2 * k) / (k + 1)
    of_largest = t * (np.sqrt(3 * k / (k + 1)) + u * inverse)
    of_tail = t * inverse * np.sqrt(k)
    # zeta^2 is at most s^2 + (of_largest s + of_tail T)^2, and R_k^2 = s^2 + T^2: Cauchy-Schwarz.
    return float(np.sqrt(1 + of_largest**2 + of_tail**2))
