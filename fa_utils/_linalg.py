"""Small mathematics that several modules share: matrices, quotients, a root."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def upper_triangle(matrix: np.ndarray) -> np.ndarray:
    """Return R of the QR decomposition of a matrix (n, k): upper triangular, shape (min(n, k), k)."""
    return np.linalg.qr(matrix, mode="r")  # type: ignore[return-value]  # NumPy annotates other modes only


def product_core(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return a matrix, at most (k, k), with the singular values of ``left`` (n, k) times ``right`` (k, m)."""
    # Q1 and Q2 of left = Q1 R1 and right^T = Q2 R2 leave the singular values of R1 R2^T as they are.
    return upper_triangle(left) @ upper_triangle(right.T).T


def above_rounding(values: np.ndarray, sides: Sequence[int]) -> np.ndarray:
    """Return which singular values (..., k), falling, count towards the rank, as `matrix_rank` has it."""
    # A matrix with these sides has others by rounding alone.
    return values > values[..., :1] * max(sides) * np.finfo(float).eps


def sum_of_squares(matrices: np.ndarray) -> np.ndarray:
    """Return the squared Frobenius norm over the last two axes, shape (...,)."""
    return np.square(matrices).sum(axis=(-2, -1))


def quotient(numerator: ArrayLike, denominator: ArrayLike) -> np.ndarray:
    """Return numerator / denominator, broadcast, and 0 where the denominator is 0."""
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    return np.divide(numerator, denominator, out=np.zeros(shape), where=np.not_equal(denominator, 0))[()]


def cubic_root(values: np.ndarray, linear: ArrayLike) -> np.ndarray:
    """Return the real x with x^3 + linear x = value, linear > 0, to full relative accuracy; broadcast."""
    # Cardano's solution in its hyperbolic form, in which nothing cancels.
    unit = np.sqrt(np.divide(linear, 3))
    return 2 * unit * np.sinh(np.arcsinh(values / (2 * unit**3)) / 3)
