"""Problems: a target to factorise, fixed feedback weights, and where learning starts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils import _checks as checks
from fa_utils._linalg import product_core
from fa_utils._records import Record

# --- targets ---


class Factors(NamedTuple):
    """A product ZW given by its factors, shapes (n, r) and (r, m)."""

    Z: np.ndarray
    W: np.ndarray

    def __repr__(self) -> str:
        n, r = self.Z.shape
        return f"Factors(Z {n} x {r}, W {r} x {self.W.shape[1]})"


@dataclass(frozen=True, eq=False, repr=False)
class FactoredTarget(Record):
    """A target Y = ``left`` ``right`` that is never formed.

    It stands wherever a target may stand, and multiplies matrices from both sides with ``@``.

    Attributes
    ----------
    left
        Shape (n, k).
    right
        Shape (k, m).

    Raises
    ------
    TypeError, ValueError
        As `Problem`; ValueError also where the inner sizes differ.

    Examples
    --------
    >>> target = fa.FactoredTarget(np.ones((1000, 1)), np.ones((1, 800)))
    >>> target
    FactoredTarget(1000 x 800, inner size 1)
    >>> (target @ np.ones((800, 2))).shape
    (1000, 2)
    """

    left: np.ndarray
    right: np.ndarray
    __array_ufunc__ = None  # so that NumPy leaves ``array @ target`` to __rmatmul__

    def __post_init__(self) -> None:
        for name in ("left", "right"):
            object.__setattr__(
                self, name, checks.real_array(name, getattr(self, name), ndim=2, integers=True)
            )
        if self.left.shape[1] != self.right.shape[0]:
            raise ValueError(
                f"left has {self.left.shape[1]} columns but right has {self.right.shape[0]} rows; "
                "the inner sizes of a factored target must agree"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.left.shape[0], self.right.shape[1]

    def __repr__(self) -> str:
        n, m = self.shape
        return f"FactoredTarget({n} x {m}, inner size {self.left.shape[1]})"

    def __matmul__(self, other: np.ndarray) -> np.ndarray:
        # Factor by factor, so that nothing of shape (n, m) is formed.
        return self.left @ (self.right @ other)

    def __rmatmul__(self, other: np.ndarray) -> np.ndarray:
        return (other @ self.left) @ self.right


Target = np.ndarray | FactoredTarget
TargetLike = ArrayLike | FactoredTarget


def checked_target(target: TargetLike) -> Target:
    """Return a factored target unchanged, anything else as a read-only float64 array (n, m), or raise."""
    if isinstance(target, FactoredTarget):
        return target
    if isinstance(target, Problem):
        raise TypeError("target is a Problem; pass problem.target")
    return checks.real_array("target", target, ndim=2, integers=True)


def core(target: Target) -> np.ndarray:
    """Return a matrix with the target's nonzero singular values: itself, or the core of its factors."""
    return product_core(target.left, target.right) if isinstance(target, FactoredTarget) else target


def thin_svd(target: Target) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return left (n, k), values (k,) in falling order and right (k, m), k at most min(n, m)."""
    if not isinstance(target, FactoredTarget):
        return np.linalg.svd(target, full_matrices=False)
    # Only the small product in the middle is decomposed: n and m enter through two QR factorisations.
    left_basis, left = np.linalg.qr(target.left)
    right_basis, right = np.linalg.qr(target.right.T)
    inner_left, values, inner_right = np.linalg.svd(left @ right.T, full_matrices=False)
    return left_basis @ inner_left, values, inner_right @ right_basis.T


# --- problems ---


@dataclass(frozen=True, eq=False, repr=False)
class Problem(Record):
    """A factorisation problem (1): make ||Y - ZW||_F^2 small, from a given start.

    Arrays become float64 and read-only. They are copied, except read-only ones that are no views.

    Attributes
    ----------
    target
        Y, shape (n, m): an array, also of whole numbers, or a `FactoredTarget`.
    feedback
        C, shape (r, m).
    Z
        First layer at the start, shape (n, r). Any r will do, but FA* needs r at most n.
    W
        Second layer at the start, shape (r, m).

    Raises
    ------
    TypeError
        Entries that are no floating-point numbers; something that is no array.
    ValueError
        Shapes that do not fit; entries that are masked or not finite.

    References
    ----------
    Garg & Vempala (2022), problem (1).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> C, Z, W = (rng.standard_normal(shape) for shape in [(2, 3), (4, 2), (2, 3)])
    >>> problem = fa.Problem(target=np.ones((4, 3)), feedback=C, Z=Z, W=W)
    >>> problem
    Problem(4 x 3, r = 2)
    """

    target: Target
    feedback: np.ndarray
    Z: np.ndarray
    W: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", checked_target(self.target))
        for name in ("feedback", "Z", "W"):
            object.__setattr__(self, name, checks.real_array(name, getattr(self, name), ndim=2))
        n, m = self.target.shape
        r = self.Z.shape[1]
        # Z alone says what r is: the others must agree with it.
        for name, wanted in (("Z", (n, r)), ("W", (r, m)), ("feedback", (r, m))):
            if getattr(self, name).shape != wanted:
                raise ValueError(
                    f"{name} has shape {getattr(self, name).shape}; a target of shape {(n, m)} "
                    f"and r = {r} columns in Z need {wanted}"
                )

    def __repr__(self) -> str:
        n, m = self.target.shape
        return f"Problem({n} x {m}, r = {self.Z.shape[1]})"

    @cached_property
    def sketch(self) -> np.ndarray:
        """Y C^T, shape (n, r): all that FA's and FA*'s first layer ever learns of the target."""
        # An overflow is an error that names the sketch, not a warning.
        with np.errstate(over="ignore", invalid="ignore"):
            product = checks.finite_result("sketch", self.target @ self.feedback.T)
        product.setflags(write=False)
        return product


def checked_problem(problem: object) -> Problem:
    """Return ``problem``; raise TypeError where it is none."""
    if not isinstance(problem, Problem):
        raise TypeError(
            f"problem is a {type(problem).__name__}; it must be a Problem: "
            "make one with fa.random_problem or fa.Problem"
        )
    return problem


# --- random problems ---


def orthonormal_columns(rows: int, columns: int, *, rng: np.random.Generator) -> np.ndarray:
    """Return a uniformly (Haar) distributed matrix with orthonormal columns.

    Parameters
    ----------
    rows, columns
        Its shape, with at most as many columns as rows.
    rng
        Source of the draw.

    Returns
    -------
    np.ndarray
        Shape (rows, columns).

    Raises
    ------
    ValueError
        More columns than rows.

    Examples
    --------
    >>> Q = fa.orthonormal_columns(6, 3, rng=np.random.default_rng(0))
    >>> np.allclose(Q.T @ Q, np.eye(3))
    True
    """
    rows = checks.whole_number("rows", rows, least=1)
    columns = checks.whole_number("columns", columns, least=1)
    if columns > rows:
        raise ValueError(f"{columns} columns cannot be orthonormal in {rows} rows; choose at most {rows}")
    Q, R = np.linalg.qr(checks.random_generator(rng).standard_normal((rows, columns)))
    # With R's diagonal made positive, Q is unique and its law is uniform.
    return Q * np.sign(np.diag(R))


def target_with_spectrum(
    singular_values: ArrayLike, shape: tuple[int, int], *, rng: np.random.Generator
) -> np.ndarray:
    """Return a target with these singular values and uniformly distributed singular vectors.

    Parameters
    ----------
    singular_values
        Shape (k,), none negative, with k at most min(n, m). The others are zero.
    shape
        (n, m).
    rng
        Source of the draw.

    Returns
    -------
    np.ndarray
        Y, shape (n, m).

    Raises
    ------
    ValueError
        Negative values, or more of them than min(n, m).

    References
    ----------
    Garg & Vempala (2022), the targets of Figure 2.

    Examples
    --------
    >>> Y = fa.target_with_spectrum([2.0, 1.0], shape=(4, 3), rng=np.random.default_rng(0))
    >>> np.linalg.svd(Y, compute_uv=False).round(12).tolist()
    [2.0, 1.0, 0.0]
    """
    values = checks.nonnegative_values("singular_values", singular_values)
    n, m = checks.matrix_shape(shape)
    if values.size > min(n, m):
        raise ValueError(
            f"{values.size} singular values exceed the smaller side {min(n, m)} of shape {(n, m)}; "
            f"give at most {min(n, m)}"
        )
    # A stream each, so that another n leaves the right singular vectors unchanged.
    left_rng, right_rng = checks.spawning_generator(rng).spawn(2)
    left = orthonormal_columns(n, values.size, rng=left_rng)
    right = orthonormal_columns(m, values.size, rng=right_rng)
    return (left * values) @ right.T


def random_problem(
    target: TargetLike,
    rank: int,
    start_scale: float = 0.01,
    feedback_scale: float = 0.1,
    *,
    rng: np.random.Generator,
) -> Problem:
    """Return a Problem with Gaussian start and feedback, all entries independent.

    Feedback and start come from streams of their own: changing one scale leaves the other draw unchanged.

    Parameters
    ----------
    target
        Y, shape (n, m).
    rank
        The number r of hidden units. Those beyond min(n, m) are spare ones, which FA* cannot start from.
    start_scale
        Standard deviation of the entries of Z and W.
    feedback_scale
        Standard deviation of the entries of C. Both scales are by default those of Figure 2.
    rng
        Source of the draw.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        A rank below 1, or a negative scale.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> Y = fa.target_with_spectrum([2.0, 1.0], shape=(4, 3), rng=rng)
    >>> fa.random_problem(Y, rank=2, rng=rng)
    Problem(4 x 3, r = 2)
    """
    target = checked_target(target)
    rank = checks.whole_number("rank", rank, least=1)
    start_scale = checks.number_from_zero("start_scale", start_scale)
    feedback_scale = checks.number_from_zero("feedback_scale", feedback_scale)
    # Two streams: each scale multiplies draws that do not depend on the other.
    feedback_rng, start_rng = checks.spawning_generator(rng).spawn(2)
    n, m = target.shape
    return Problem(
        target=target,
        feedback=feedback_scale * feedback_rng.standard_normal((rank, m)),
        Z=start_scale * start_rng.standard_normal((n, rank)),
        W=start_scale * start_rng.standard_normal((rank, m)),
    )


def nearly_square_problem(
    size: int, rank: int, feedback_scale: float, *, rng: np.random.Generator
) -> Problem:
    """Return the setting of Figures 3b, 4 and 5: a square Gaussian product, and a start where W is optimal.

    Y = AB with A, B ~ N(0, 1) of shape (size, size). Z has uniformly distributed orthonormal columns, and
    W = Z^T Y is the best for it. All are drawn independently.

    Parameters
    ----------
    size
        n and m.
    rank
        The number r of hidden units, at most ``size``.
    feedback_scale
        Standard deviation of the entries of C.
    rng
        Source of the draw.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        A rank above ``size``, or a negative scale.

    References
    ----------
    Garg & Vempala (2022), Section 3.

    Examples
    --------
    >>> fa.nearly_square_problem(20, 19, feedback_scale=1.0, rng=np.random.default_rng(0))
    Problem(20 x 20, r = 19)
    """
    size = checks.whole_number("size", size, least=1)
    rank = checks.rank_within(rank, (size, size))
    feedback_scale = checks.number_from_zero("feedback_scale", feedback_scale)
    left_rng, right_rng, feedback_rng, start_rng = checks.spawning_generator(rng).spawn(4)
    target = left_rng.standard_normal((size, size)) @ right_rng.standard_normal((size, size))
    # Where Z^T Z = I the best W is Z^T Y: FA* starts without a jump.
    Z = orthonormal_columns(size, rank, rng=start_rng)
    feedback = feedback_scale * feedback_rng.standard_normal((rank, size))
    return Problem(target=target, feedback=feedback, Z=Z, W=Z.T @ target)
