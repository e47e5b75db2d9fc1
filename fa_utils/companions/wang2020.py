"""Symmetric tensors as sums of powers, and how they are learnt, as Wang, Wu, Lee, Ma & Ge (2020) have it.

A symmetric tensor of order l in dimension d has binom(d + l - 1, l) coordinates; each times the root of its
multinomial, they keep inner products. Sums of powers are learnt without any, since the inner product of the
l-th powers of u and v is (u^T v)^l: a step costs what the vectors cost.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations_with_replacement
from math import factorial, prod

import numpy as np

from fa_utils.checks import (
    fits_float64,
    number_from_zero,
    positive_number,
    random_generator,
    real_array,
    states,
    whole_number,
)


@dataclass(frozen=True, eq=False)
class PowerSum:
    """A tensor: the sum over i of a_i ||u_i||^degree times the power of order l of u_i / ||u_i||.

    ``vectors`` u (..., k, d), ``signs`` a (k,), each 1 or -1; with leading axes these are several tensors.
    Degree 2 is Wang et al.'s model, degree l the plain sum of powers. Raises TypeError for entries that are
    not real floating-point numbers, ValueError for those that are not finite, for other signs or another
    number of them, and for an order or a degree below 1.

    >>> target = fa.PowerSum(np.eye(4)[:2], signs=[1.0, -1.0], order=3)
    >>> float(fa.tensor_error(fa.PowerSum(2 * np.eye(4)[:1], signs=[1.0], order=3), target))
    10.0
    """

    vectors: np.ndarray
    signs: np.ndarray
    order: int
    degree: int = 2

    def __post_init__(self) -> None:
        vectors = np.atleast_2d(self.vectors)
        vectors = states("vectors", vectors, vectors.shape[-2:], "").copy()
        vectors.setflags(write=False)
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "signs", real_array("signs", self.signs, 1))
        if (abs(self.signs) != 1).any() or self.signs.size != vectors.shape[-2]:
            raise ValueError(
                f"signs are {self.signs} for {vectors.shape[-2]} vectors; give 1.0 or -1.0 for each"
            )
        for name in ("order", "degree"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least=1))

    @property
    def lengths(self) -> np.ndarray:
        """||u_i||, shape (..., k)."""
        return np.linalg.norm(self.vectors, axis=-1)

    @property
    def directions(self) -> np.ndarray:
        """u_i / ||u_i||, and 0 where u_i is 0, shape (..., k, d)."""
        lengths = self.lengths[..., None]
        return self.vectors / np.where(lengths == 0, 1, lengths)

    @property
    def coefficients(self) -> np.ndarray:
        """a_i ||u_i||^degree, shape (..., k)."""
        return self.signs * self.lengths**self.degree

    @property
    def coordinates(self) -> np.ndarray:
        """The tensor in isometric coordinates, shape (..., N)."""
        return (self.coefficients[..., None, :] @ symmetric_powers(self.directions, self.order))[..., 0, :]


@cache
def _multisets(dimension: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of each coordinate, shape (N, order), and its weight, shape (N,)."""
    indices = list(combinations_with_replacement(range(dimension), order))
    multinomials = [factorial(order) // prod(map(factorial, Counter(some).values())) for some in indices]
    return np.array(indices), np.sqrt(np.array(multinomials, float))


def symmetric_powers(vectors: np.ndarray, order: int) -> np.ndarray:
    """Return the l-th power of each vector (..., d) in isometric coordinates, shape (..., N).

    >>> u, v = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, -1.0])
    >>> round(float(fa.symmetric_powers(u, 3) @ fa.symmetric_powers(v, 3)), 9), float((u @ v) ** 3)
    (-8.0, -8.0)
    """
    indices, weights = _multisets(vectors.shape[-1], whole_number("order", order, least=1))
    return weights * vectors[..., indices].prod(axis=-1)


def tangent_tensors(vectors: np.ndarray, order: int) -> np.ndarray:
    """Return the symmetric parts of u^(l-1) with e_j, for each vector u (k, d) and each j; shape (k d, N).

    They span all that the powers of these vectors reach by small moves, in isometric coordinates.

    >>> u = np.array([[1.0, 2.0, 3.0]])
    >>> np.allclose(u[0] @ fa.tangent_tensors(u, 3), fa.symmetric_powers(u[0], 3))
    True
    """
    order, (count, dimension) = whole_number("order", order, least=1), real_array("vectors", vectors, 2).shape
    indices, weights = _multisets(dimension, order)
    tangents = np.zeros((count, dimension, len(indices)))
    for factor in range(order):
        others = vectors[:, np.delete(indices, factor, axis=1)].prod(axis=-1)
        tangents[:, indices[:, factor], range(len(indices))] += weights / order * others
    return tangents.reshape(count * dimension, -1)


def lazy_error(model: PowerSum, target: PowerSum) -> float:
    """Return the least ||T - T*||^2 in the tangent space at the model's vectors: what lazy training reaches.

    Raises as `tensor_error` does, and ValueError for a model of several tensors.

    >>> target = fa.PowerSum(np.eye(4)[:2], signs=[1.0, 1.0], order=3)
    >>> round(fa.lazy_error(fa.PowerSum(np.eye(4)[:1], signs=[1.0], order=3), target), 12)
    1.0
    """
    _refuse_different(model, target)
    tangents, wanted = tangent_tensors(model.directions, model.order), target.coordinates
    combination = np.linalg.lstsq(tangents.T, wanted)[0]
    return float(np.square(wanted - combination @ tangents).sum())


def lazy_errors(model: PowerSum, target: PowerSum) -> np.ndarray:
    """Return `lazy_error` with only the first vector of the model, the first two, and so on, shape (..., k).

    For all of them at a fraction of the cost, and for several tensors as well. What is left of a tangent by
    those before it, and shorter than 1e-10, is taken for rounding. Raises as `tensor_error` does.

    >>> target = fa.PowerSum(np.eye(4)[:2], signs=[1.0, 1.0], order=3)
    >>> fa.lazy_errors(fa.PowerSum(np.eye(4)[:3], signs=np.ones(3), order=3), target).round(12).tolist()
    [1.0, 0.0, 0.0]
    """
    _refuse_different(model, target)
    *several, count, dimension = model.vectors.shape
    tangents = tangent_tensors(model.directions.reshape(-1, dimension), model.order)
    missing = np.broadcast_to(target.coordinates, (*several, tangents.shape[-1]))[..., None]
    basis, errors = np.zeros((*several, tangents.shape[-1], 0)), []
    for block in np.moveaxis(tangents.reshape(*several, count, dimension, -1), -3, 0):
        new = block.mT
        for _ in range(2):  # once leaves rounding of what was large
            new = new - basis @ (basis.mT @ new)
        left, lengths, _ = np.linalg.svd(new, full_matrices=False)
        left = left * (lengths > 1e-10)[..., None, :]
        missing = missing - left @ (left.mT @ missing)
        basis = np.concatenate([basis, left], axis=-1)
        errors.append(np.square(missing).sum(axis=(-2, -1)))
    return np.stack(errors, axis=-1)


@fits_float64
def tensor_error(model: PowerSum, target: PowerSum) -> np.ndarray:
    """Return ||T - T*||^2, shape (...,), at least 0, to rounding of the tensors' squared norms.

    Raises ValueError for tensors of different order or dimension.

    >>> one, other = (fa.PowerSum(u, signs=[1.0], order=3) for u in np.eye(4)[:2])
    >>> float(fa.tensor_error(one, one)), float(fa.tensor_error(one, other))
    (0.0, 2.0)
    """
    _refuse_different(model, target)
    return np.maximum(_inner(model, model) - 2 * _inner(model, target) + _inner(target, target), 0)


def _refuse_different(model: PowerSum, target: PowerSum) -> None:
    one, other = ((tensor.order, tensor.vectors.shape[-1]) for tensor in (model, target))
    if one != other:
        raise ValueError(f"the model has order and dimension {one}, the target {other}; they must agree")


def _inner(model: PowerSum, other: PowerSum) -> np.ndarray:
    cosines = model.directions @ other.directions.mT
    return (model.coefficients[..., None] * cosines**model.order * other.coefficients[..., None, :]).sum(
        axis=(-2, -1)
    )


def descend_tensor(model: PowerSum, target: PowerSum, learning_rate: float, steps: int) -> PowerSum:
    """Return the model after so many steps of gradient descent on ||T - T*||^2 / 2.

    Raises as `tensor_error` does, and FloatingPointError where a vector is no longer finite.

    >>> rng = np.random.default_rng(0)
    >>> target = fa.PowerSum(np.eye(4)[:2], signs=[1.0, 1.0], order=3)
    >>> start = fa.PowerSum(0.01 * rng.standard_normal((6, 4)), signs=np.ones(6), order=3)
    >>> bool(fa.tensor_error(fa.descend_tensor(start, target, 0.05, steps=2000), target) < 1e-4)
    True
    """
    _refuse_different(model, target)
    rate, vectors = positive_number("learning_rate", learning_rate), model.vectors
    gradient = _gradient_field(model, target)
    for step in range(1, whole_number("steps", steps, least=1) + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            vectors = vectors - rate * gradient(vectors)
        if not np.isfinite(vectors).all():
            raise FloatingPointError(
                f"gradient descent diverged: step {step} at learning rate {rate} gave an entry that is not "
                "finite; choose a smaller learning rate"
            )
    return replace(model, vectors=vectors)


def _gradient_field(model: PowerSum, target: PowerSum) -> Callable[[np.ndarray], np.ndarray]:
    """Return the gradient of ||T - T*||^2 / 2 as a function of the model's vectors (..., k, d).

    With w = ||u||, v = u / w and F(v) = <T - T*, v^l>, it is a w^(degree - 1) (degree F v + the part of F's
    gradient in v that is at right angles to v).
    """
    order, degree, signs = model.order, model.degree, model.signs
    wanted, missing = target.directions, -target.coefficients[..., None, :]

    def gradient(vectors: np.ndarray) -> np.ndarray:
        lengths = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
        directions = vectors / np.where(lengths == 0, 1, lengths)
        scale = signs[:, None] * lengths ** (degree - 1)
        cosines, cosines_wanted = directions @ directions.mT, directions @ wanted.mT
        powers = (scale * lengths).mT * _power(cosines, order - 1)
        powers_wanted = missing * _power(cosines_wanted, order - 1)
        slope = order * (powers @ directions + powers_wanted @ wanted)
        value = (powers * cosines).sum(axis=-1) + (powers_wanted * cosines_wanted).sum(axis=-1)
        return scale * (slope + (degree - order) * value[..., None] * directions)

    return gradient


def _power(base: np.ndarray, exponent: int) -> np.ndarray:
    """Return base ** exponent by products, which is faster: a cube takes NumPy as long as ten of them."""
    return prod([base] * (exponent - 1), start=base) if exponent else np.ones_like(base)


def redraw_small(model: PowerSum, below: float, scale: float, *, rng: np.random.Generator) -> PowerSum:
    """Return the model with each vector shorter than ``below`` drawn anew: entries scale / sqrt(d) N(0, 1).

    >>> model = fa.PowerSum(np.diag([1.0, 0.001]), signs=[1.0, 1.0], order=3)
    >>> fa.redraw_small(model, below=0.1, scale=0.01, rng=np.random.default_rng(0)).vectors[0].tolist()
    [1.0, 0.0]
    """
    small = model.lengths < number_from_zero("below", below)
    vectors, dimension = model.vectors.copy(), model.vectors.shape[-1]
    draws = random_generator(rng).standard_normal((np.count_nonzero(small), dimension))
    vectors[small] = number_from_zero("scale", scale) / np.sqrt(dimension) * draws
    return replace(model, vectors=vectors)
