"""Problems: a target to factorise, fixed feedback weights, and where learning starts."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils.checks import (
    checked_values,
    exponents,
    fits_float64,
    number_from_zero,
    random_generator,
    rank_within,
    real_array,
    whole_number,
)


class Factors(NamedTuple):
    """A product ZW given by its factors, shapes (n, r) and (r, m)."""

    Z: np.ndarray
    W: np.ndarray


@dataclass(frozen=True, eq=False)
class FactoredTarget:
    """A target Y = ``left`` ``right`` that is never formed, shapes (n, k) and (k, m).

    Stands wherever a target may stand, and multiplies matrices from both sides with ``@``. Arrays are treated
    as in `Problem`. Raises as `Problem` does, and ValueError where the inner sizes differ or the product
    could overflow.

    >>> target = fa.FactoredTarget(np.ones((1000, 1)), np.ones((1, 800)))
    >>> target.shape, (target @ np.ones((800, 2))).shape
    ((1000, 800), (1000, 2))
    """

    left: np.ndarray
    right: np.ndarray
    __array_ufunc__ = None  # so that NumPy leaves ``array @ target`` to __rmatmul__

    def __post_init__(self) -> None:
        for name in ("left", "right"):
            object.__setattr__(self, name, real_array(name, getattr(self, name), ndim=2))
        if self.left.shape[1] != self.right.shape[0]:
            raise ValueError(
                f"left has {self.left.shape[1]} columns but right has {self.right.shape[0]} rows; "
                "the inner sizes of a factored target must agree"
            )
        largest = [float(np.abs(factor).max()) for factor in (self.left, self.right)]
        if not np.isfinite(len(self.right) * largest[0] * largest[1]):
            raise ValueError(
                f"left and right hold entries up to {largest[0]:.2g} and {largest[1]:.2g}, whose products "
                "overflow float64; divide one of them"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.left.shape[0], self.right.shape[1]

    def __matmul__(self, other: np.ndarray) -> np.ndarray:
        return self.left @ (self.right @ other)

    def __rmatmul__(self, other: np.ndarray) -> np.ndarray:
        return (other @ self.left) @ self.right


Target = np.ndarray | FactoredTarget
TargetLike = ArrayLike | FactoredTarget


def checked_target(target: TargetLike) -> Target:
    """Return a factored target as it is, anything else as a read-only float64 array (n, m), or raise."""
    return target if isinstance(target, FactoredTarget) else real_array("target", target, ndim=2)


def product_core(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return a matrix, at most (k, k), with the singular values of ``left`` (n, k) times ``right`` (k, m)."""
    return triangle(left) @ triangle(right.T).T


def triangle(matrix: np.ndarray) -> np.ndarray:
    """Return R of the QR decomposition, upper triangular (min(n, k), k) for a matrix (n, k)."""
    return np.linalg.qr(matrix, mode="r")  # type: ignore[return-value]  # NumPy annotates other modes only


def in_units(target: Target) -> tuple[Target, int]:
    """Return the target over a power of two, largest entries (of each factor) near 1, and the exponent."""
    if isinstance(target, FactoredTarget):
        (left, one), (right, other) = array_in_units(target.left), array_in_units(target.right)
        return FactoredTarget(left, right), one + other
    return array_in_units(target)


def array_in_units(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the array over a power of two, its largest entry near 1, and the exponent."""
    exponent = exponents(array).item()
    return np.ldexp(array, -exponent), exponent


def core(target: Target) -> np.ndarray:
    """Return a matrix with the target's nonzero singular values: itself, or the core of its factors."""
    return product_core(target.left, target.right) if isinstance(target, FactoredTarget) else target


def thin_svd(target: Target) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return left (n, k), values (k,) in falling order and right (k, m), k at most min(n, m)."""
    if not isinstance(target, FactoredTarget):
        return np.linalg.svd(target, full_matrices=False)
    (left_basis, left), (right_basis, right) = np.linalg.qr(target.left), np.linalg.qr(target.right.T)
    inner_left, values, inner_right = np.linalg.svd(left @ right.T, full_matrices=False)
    return left_basis @ inner_left, values, inner_right @ right_basis.T


@dataclass(frozen=True, eq=False)
class Problem:
    """One factorisation problem (1): bring ||Y - ZW||_F^2 down from a given start.

    Shapes: ``target`` Y (n, m), an array or a `FactoredTarget`, ``feedback`` C (r, m), ``Z`` (n, r),
    ``W`` (r, m), with r at most min(n, m). Arrays become float64 and read-only; they are copied, except
    read-only ones that are no views.
    Raises TypeError for integer or complex entries, ValueError for shapes that do not fit and for
    entries that are not finite.

    >>> rng = np.random.default_rng(0)
    >>> Y, C, Z, W = (rng.standard_normal(shape) for shape in [(4, 3), (2, 3), (4, 2), (2, 3)])
    >>> fa.Problem(target=Y, feedback=C, Z=Z, W=W).sketch.shape
    (4, 2)
    """

    target: Target
    feedback: np.ndarray
    Z: np.ndarray
    W: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", checked_target(self.target))
        for name in ("feedback", "Z", "W"):
            object.__setattr__(self, name, real_array(name, getattr(self, name), ndim=2))
        n, m = self.target.shape
        r = rank_within(self.Z.shape[1], self.target.shape)
        for name, wanted in (("Z", (n, r)), ("W", (r, m)), ("feedback", (r, m))):
            if getattr(self, name).shape != wanted:
                raise ValueError(
                    f"{name} has shape {getattr(self, name).shape}; a target of shape {(n, m)} "
                    f"and r = {r} columns in Z need {wanted}"
                )

    @cached_property
    @fits_float64
    def sketch(self) -> np.ndarray:
        """Y C^T, shape (n, r): all that FA's and FA*'s first layer ever learns of the target.

        Raises FloatingPointError where it overflows.
        """
        product = self.target @ self.feedback.T
        product.setflags(write=False)
        return product


@fits_float64
def gaussian(shape: tuple[int, int], scale: float, *, rng: np.random.Generator) -> np.ndarray:
    """Return a read-only matrix with independent entries scale N(0,1)."""
    draws = rng.standard_normal(shape)
    draws *= scale
    draws.setflags(write=False)
    return draws


def orthonormal_columns(rows: int, columns: int, *, rng: np.random.Generator) -> np.ndarray:
    """Return a uniformly (Haar) distributed matrix of shape (rows, columns) with X^T X = I.

    Raises ValueError for more columns than rows.

    >>> Q = fa.orthonormal_columns(6, 3, rng=np.random.default_rng(0))
    >>> np.allclose(Q.T @ Q, np.eye(3))
    True
    """
    rows, columns = whole_number("rows", rows, least=1), whole_number("columns", columns, least=1)
    if columns > rows:
        raise ValueError(f"{columns} columns cannot be orthonormal in {rows} rows; choose at most {rows}")
    Q, R = np.linalg.qr(random_generator(rng).standard_normal((rows, columns)))
    return Q * np.sign(np.diag(R))


def target_with_spectrum(
    singular_values: ArrayLike, shape: tuple[int, int], *, rng: np.random.Generator
) -> np.ndarray:
    """Return a target of the given ``shape`` (n, m) with these singular values and random bases.

    Both singular bases are uniformly distributed, as in the paper's Figure 2. Values that are not
    listed are zero. Raises ValueError for negative values and for more values than min(n, m).

    >>> Y = fa.target_with_spectrum([2.0, 1.0], shape=(4, 3), rng=np.random.default_rng(0))
    >>> np.linalg.svd(Y, compute_uv=False).round(12).tolist()
    [2.0, 1.0, 0.0]
    """
    values = checked_values(singular_values)
    if values.size > min(shape):
        raise ValueError(
            f"{values.size} singular values exceed the smaller side {min(shape)} of shape {tuple(shape)}; "
            f"give at most {min(shape)}"
        )
    left, right = random_generator(rng).spawn(2)
    n, m = shape
    return (orthonormal_columns(n, values.size, rng=left) * values) @ orthonormal_columns(
        m, values.size, rng=right
    ).T


def random_problem(
    target: TargetLike, rank: int, start_scale: float, feedback_scale: float, *, rng: np.random.Generator
) -> Problem:
    """Return a Problem with Z, W ~ start_scale N(0,1) and C ~ feedback_scale N(0,1), all independent.

    Feedback and start come from streams of their own: changing one scale leaves the other draw as it is.
    Raises ValueError for a rank above min(n, m) and for negative scales.

    >>> rng = np.random.default_rng(0)
    >>> Y = fa.target_with_spectrum([2.0, 1.0], shape=(4, 3), rng=rng)
    >>> problem = fa.random_problem(Y, rank=2, start_scale=0.01, feedback_scale=0.1, rng=rng)
    >>> problem.feedback.shape, problem.Z.shape, problem.W.shape
    ((2, 3), (4, 2), (2, 3))
    """
    target = checked_target(target)
    rank = rank_within(rank, target.shape)
    start_scale = number_from_zero("start_scale", start_scale)
    feedback_scale = number_from_zero("feedback_scale", feedback_scale)
    feedback_rng, start_rng = random_generator(rng).spawn(2)
    n, m = target.shape
    return Problem(
        target=target,
        feedback=gaussian((rank, m), feedback_scale, rng=feedback_rng),
        Z=gaussian((n, rank), start_scale, rng=start_rng),
        W=gaussian((rank, m), start_scale, rng=start_rng),
    )


def nearly_square_problem(
    size: int, rank: int, feedback_scale: float, *, rng: np.random.Generator
) -> Problem:
    """Return the setting of Figures 3b, 4 and 5: Y = AB, all three of shape (size, size), A, B ~ N(0,1).

    C ~ feedback_scale N(0,1), Z has uniformly distributed orthonormal columns, and W = Z^T Y is the best for
    it. All are drawn independently. Raises ValueError for a rank above ``size`` and for negative scales.

    >>> problem = fa.nearly_square_problem(20, 19, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> problem.target.shape, problem.Z.shape
    ((20, 20), (20, 19))
    """
    rank = rank_within(rank, (size, size))
    feedback_scale = number_from_zero("feedback_scale", feedback_scale)
    left, right, feedback_rng, start_rng = random_generator(rng).spawn(4)
    target = left.standard_normal((size, size)) @ right.standard_normal((size, size))
    Z = orthonormal_columns(size, rank, rng=start_rng)
    feedback = gaussian((rank, size), feedback_scale, rng=feedback_rng)
    return Problem(target=target, feedback=feedback, Z=Z, W=Z.T @ target)
