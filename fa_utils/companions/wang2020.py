"""Symmetric tensors as sums of powers, and how they are learnt: Wang, Wu, Lee, Ma & Ge (2020).

A symmetric tensor of order l in dimension d has N = binom(d + l - 1, l) coordinates. Each is multiplied by
the root of its multinomial, so that inner products of coordinates are those of the tensors: these coordinates
are isometric. Learning needs no coordinates: the inner product of the l-th powers of u and v is (u^T v)^l,
so a step works on the vectors alone.
"""

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from math import factorial, prod

import numpy as np

from fa_utils._checks import number_from_zero, positive_number, random_generator, real_array, whole_number
from fa_utils._records import Record


@dataclass(frozen=True, eq=False, repr=False)
class PowerSum(Record):
    """A symmetric tensor: the sum over i of a_i ||u_i||^degree times the l-th power of u_i / ||u_i||.

    Degree 2 is the model of Wang et al.; degree l is the plain sum of powers.

    Attributes
    ----------
    vectors
        u, shape (..., k, d). With leading axes these are several tensors.
    signs
        a, shape (k,), each 1.0 or -1.0.
    order
        l, at least 1.
    degree
        At least 1.

    Raises
    ------
    TypeError
        Entries that are not real floating-point numbers; an order or a degree that is not a whole number.
    ValueError
        Entries that are not finite; other signs, or another number of them; an order or a degree below 1.

    References
    ----------
    Wang, Wu, Lee, Ma & Ge (2020), "Beyond lazy training for over-parameterized tensor decomposition".

    Examples
    --------
    >>> wang2020.PowerSum(np.eye(4)[:2], signs=[1.0, -1.0], order=3)
    PowerSum(order 3, degree 2, vectors of shape (2, 4))
    """

    vectors: np.ndarray
    signs: np.ndarray
    order: int
    degree: int = 2

    def __post_init__(self) -> None:
        # One tensor has vectors of two axes, several have more.
        for name, axes in (("vectors", max(2, np.ndim(self.vectors))), ("signs", 1)):
            object.__setattr__(self, name, real_array(name, getattr(self, name), axes))
        if (abs(self.signs) != 1).any() or self.signs.size != self.vectors.shape[-2]:
            raise ValueError(f"signs are {self.signs}; give 1.0 or -1.0 for each of {self.vectors.shape[-2]}")
        for name in ("order", "degree"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least=1))

    def __repr__(self) -> str:
        return f"PowerSum(order {self.order}, degree {self.degree}, vectors of shape {self.vectors.shape})"

    @property
    def lengths(self) -> np.ndarray:
        """||u_i||, shape (..., k)."""
        return np.sqrt(np.vecdot(self.vectors, self.vectors))

    @property
    def directions(self) -> np.ndarray:
        """u_i / ||u_i||, and 0 where u_i is 0, shape (..., k, d)."""
        # The bound matters for a vector of length 0 only.
        return self.vectors / np.maximum(self.lengths, 1e-300)[..., None]

    @property
    def coefficients(self) -> np.ndarray:
        """a_i ||u_i||^degree, shape (..., k)."""
        return self.signs * self.lengths**self.degree

    @property
    def coordinates(self) -> np.ndarray:
        """The tensor in isometric coordinates, shape (..., N)."""
        return (self.coefficients[..., None, :] @ symmetric_powers(self.directions, self.order))[..., 0, :]


def symmetric_powers(vectors: np.ndarray, order: int) -> np.ndarray:
    """Return the l-th power of each vector in isometric coordinates, shape (..., N).

    Parameters
    ----------
    vectors
        Shape (..., d).
    order
        l, at least 1.

    Raises
    ------
    TypeError, ValueError
        An order that is not a whole number, or below 1.

    Examples
    --------
    >>> u = np.array([1.0, 2.0, 3.0])
    >>> v = np.array([1.0, 0.0, -1.0])
    >>> inner_product = wang2020.symmetric_powers(u, 3) @ wang2020.symmetric_powers(v, 3)
    >>> round(float(inner_product), 9), float((u @ v) ** 3)
    (-8.0, -8.0)
    """
    order = whole_number("order", order, least=1)
    indices = np.array([*combinations_with_replacement(range(vectors.shape[-1]), order)])
    # The multinomial of a sorted index: l! over the product of how often each entry has occurred so far.
    repeats = np.tril(indices[:, :, None] == indices[:, None, :]).sum(axis=-1).prod(axis=-1, dtype=float)
    return np.sqrt(factorial(order) / repeats) * prod(vectors[..., index] for index in indices.T)


def tangent_tensors(vectors: np.ndarray, order: int) -> np.ndarray:
    """Return the symmetric part of u^(l-1) times e_j for each vector u and each j, shape (..., d, N).

    They span all that the powers of these vectors reach by small moves. They are in isometric coordinates.

    Parameters
    ----------
    vectors
        u, shape (..., d).
    order
        l, at least 1.

    Raises
    ------
    TypeError, ValueError
        An order that is not a whole number, or below 1.

    Examples
    --------
    >>> u = np.array([1.0, 2.0, 3.0])
    >>> np.allclose(u @ wang2020.tangent_tensors(u, 3), wang2020.symmetric_powers(u, 3))
    True
    """
    # The imaginary step's square is 0 in float64, so that this derivative is exact to rounding.
    nudged = vectors[..., None, :] + 1e-200j * np.eye(vectors.shape[-1])
    return symmetric_powers(nudged, order).imag / 1e-200 / order


def lazy_errors(model: PowerSum, target: PowerSum) -> np.ndarray:
    """Return the least ||T - T*||^2 in the tangent spaces at the model's first vector, its first two, ...

    The last is what lazy training reaches, in which the vectors hardly move. What the tangents before it
    leave of a tangent is taken for rounding where it is shorter than 1e-10.

    Parameters
    ----------
    model
        Its vectors' lengths do not matter.
    target
        T*, of the same order and dimension.

    Returns
    -------
    np.ndarray
        Shape (..., k) for k vectors.

    Raises
    ------
    ValueError
        Tensors of different order or dimension.

    Examples
    --------
    >>> target = wang2020.PowerSum(np.eye(4)[:2], signs=[1.0, 1.0], order=3)
    >>> model = wang2020.PowerSum(np.eye(4)[:3], signs=np.ones(3), order=3)
    >>> wang2020.lazy_errors(model, target).round(12).tolist()
    [1.0, 0.0, 0.0]
    """
    _refuse_different(model, target)
    # What is left of the target after each vector; columns, so that all are matrix products.
    left = [target.coordinates[..., None]]
    basis = np.zeros((*model.vectors.shape[:-2], left[0].shape[-2], 0))
    for added in np.moveaxis(tangent_tensors(model.directions, model.order).mT, -3, 0):
        # Gram-Schmidt, twice: once leaves rounding of what was large.
        for _ in range(2):
            added = added - basis @ (basis.mT @ added)
        factors = np.linalg.svd(added, full_matrices=False)
        # The directions that this vector adds: the others are rounding.
        added = factors.U * (factors.S > 1e-10)[..., None, :]
        # What is left of the target loses its part along them.
        basis = np.concatenate([basis, added], axis=-1)
        left.append(left[-1] - added @ (added.mT @ left[-1]))
    return np.moveaxis(np.square(left[1:]).sum(axis=(-2, -1)), 0, -1)


def tensor_error(model: PowerSum, target: PowerSum) -> np.ndarray:
    """Return ||T - T*||^2, shape (...,), at least 0, to rounding of the tensors' squared norms.

    Parameters
    ----------
    model
        T, of any degree.
    target
        T*, of the same order and dimension.

    Raises
    ------
    ValueError
        Tensors of different order or dimension.

    Examples
    --------
    >>> target = wang2020.PowerSum(np.eye(4)[:2], signs=[1.0, -1.0], order=3)
    >>> float(wang2020.tensor_error(wang2020.PowerSum(2 * np.eye(4)[:1], signs=[1.0], order=3), target))
    10.0
    """
    return np.maximum(_inner(model, model) - 2 * _inner(model, target) + _inner(target, target), 0)


def descend_tensor(model: PowerSum, target: PowerSum, learning_rate: float, steps: int) -> PowerSum:
    """Return the model after so many steps of gradient descent on ||T - T*||^2 / 2.

    Parameters
    ----------
    model
        Where descent starts.
    target
        T*, of the same order and dimension. Leading axes of both are broadcast.
    learning_rate
        Time per step, above 0.
    steps
        At least 1.

    Raises
    ------
    TypeError, ValueError
        Tensors of different order or dimension; an unusable learning rate or number of steps.
    FloatingPointError
        An entry is no longer finite. The message names the step.

    Examples
    --------
    >>> target = wang2020.PowerSum(np.eye(4)[:2], signs=[1.0, 1.0], order=3)
    >>> vectors = 0.01 * np.random.default_rng(0).standard_normal((6, 4))
    >>> start = wang2020.PowerSum(vectors, signs=np.ones(6), order=3)
    >>> end = wang2020.descend_tensor(start, target, learning_rate=0.05, steps=2000)
    >>> bool(wang2020.tensor_error(end, target) < 1e-4)
    True
    """
    _refuse_different(model, target)
    rate = positive_number("learning_rate", learning_rate)
    vectors = model.vectors
    for step in range(1, whole_number("steps", steps, least=1) + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            vectors = vectors - rate * _gradient(vectors, model, target)
        if not np.isfinite(vectors).all():
            raise FloatingPointError(f"descent diverged at step {step}; choose a learning rate below {rate}")
    return replace(model, vectors=vectors)


def _gradient(vectors: np.ndarray, model: PowerSum, target: PowerSum) -> np.ndarray:
    """Return the gradient of ||T - T*||^2 / 2 in the model's vectors, of shape (..., k, d) as these.

    With w = ||u||, v = u / w and F(v) = <T - T*, v^l>, it is a w^(degree - 1) times the sum of degree F(v) v
    and the part of F's gradient at right angles to v. F's gradient is l ``slope``; v^T ``slope`` is F(v).
    """
    # Not through PowerSum, whose checks would cost as much as a step.
    lengths = np.sqrt(np.vecdot(vectors, vectors))[..., None]
    directions = vectors / np.maximum(lengths, 1e-300)
    scale = model.signs[:, None] * lengths ** (model.degree - 1)
    # The model's own pull, then the target's. Products, since NumPy takes ten times as long for a cube.
    powers = prod([directions @ directions.mT] * (model.order - 1), start=(scale * lengths).mT)
    cosines = directions @ target.directions.mT
    powers_wanted = prod([cosines] * (model.order - 1), start=target.coefficients[..., None, :])
    slope = powers @ directions - powers_wanted @ target.directions
    value = np.vecdot(slope, directions)[..., None]
    return scale * (model.order * slope + (model.degree - model.order) * value * directions)


def _inner(one: PowerSum, other: PowerSum) -> np.ndarray:
    """Return the inner product of two tensors, shape (...,); raise ValueError where there is none."""
    _refuse_different(one, other)
    powers = (one.directions @ other.directions.mT) ** one.order
    return (one.coefficients[..., None, :] @ powers @ other.coefficients[..., None])[..., 0, 0]


def _refuse_different(model: PowerSum, target: PowerSum) -> None:
    """Raise ValueError where two tensors differ in order or dimension."""
    if (model.order, model.vectors.shape[-1]) != (target.order, target.vectors.shape[-1]):
        raise ValueError(f"{model} and {target} differ in order or dimension; they must agree")


def redraw_small(model: PowerSum, below: float, scale: float, *, rng: np.random.Generator) -> PowerSum:
    """Return the model with each short vector drawn anew, its entries from N(0, scale^2 / d).

    Parameters
    ----------
    model
        Not changed.
    below
        Vectors shorter than this are drawn anew. At least 0.
    scale
        Root mean square length of what is drawn. At least 0.
    rng
        Draws as many vectors as are replaced.

    Raises
    ------
    TypeError, ValueError
        A negative or infinite ``below`` or ``scale``; something that is no Generator.

    Examples
    --------
    >>> model = wang2020.PowerSum(np.diag([1.0, 0.001]), signs=[1.0, 1.0], order=3)
    >>> wang2020.redraw_small(model, below=0.1, scale=0.01, rng=np.random.default_rng(0)).vectors[0].tolist()
    [1.0, 0.0]
    """
    # Only what is replaced is drawn: the stream does not depend on the rest.
    small = model.lengths < number_from_zero("below", below)
    vectors = model.vectors.copy()
    draws = random_generator(rng).standard_normal(vectors[small].shape)
    vectors[small] = number_from_zero("scale", scale) / np.sqrt(vectors.shape[-1]) * draws
    return replace(model, vectors=vectors)
