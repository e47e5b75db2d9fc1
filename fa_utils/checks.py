"""Checks of input and results: each names the value, the rule it breaks and the way out."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result", bound=np.ndarray | float)
Weights = ArrayLike | None  # how often each singular value occurs: once each where it is None


def real_array(name: str, values: ArrayLike, ndim: int) -> np.ndarray:
    """Return ``values`` as a read-only float64 array: a copy, unless they are one already and no view.

    Raises TypeError where the entries are not real floating-point numbers, ValueError where there are
    none, where one is not finite, or where the array has not ``ndim`` axes.
    """
    array = _real_entries(name, values)
    array = array.copy() if array.flags.writeable or array.base is not None else array
    if array.ndim != ndim:
        raise ValueError(f"{name} has shape {array.shape}; it must have {ndim} axes: reshape it")
    array.setflags(write=False)
    return array


def states(name: str, values: ArrayLike, shape: tuple[int, int], because: str) -> np.ndarray:
    """Return ``values`` as float64, one or many matrices of this ``shape`` over leading axes.

    Raises as `real_array` does, and ValueError, with the reason ``because``, where the last two axes differ.
    """
    array = np.asarray(values)
    if array.shape[-2:] != shape:
        raise ValueError(f"{name} has shape {array.shape}; {because} it must end in {shape}")
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, an empty trajectory; keep at least one snapshot")
    return _real_entries(name, array)


def _real_entries(name: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(
            f"{name} holds {array.dtype} entries; they must be real floating-point numbers: "
            f"convert with np.asarray({name}, dtype=float), or take .real of complex ones"
        )
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape} and so no entries; give it at least one")
    with np.errstate(over="ignore"):  # of a longer type than float64
        numbers = array.astype(np.float64, copy=False)
    refuse_not_finite(name, numbers, array)
    return numbers


def refuse_not_finite(name: str, numbers: np.ndarray, given: np.ndarray) -> None:
    """Raise ValueError, naming the first of ``given``, where ``numbers`` made of them are not all finite."""
    if not np.isfinite(numbers).all():
        position = tuple(int(index) for index in np.argwhere(~np.isfinite(numbers))[0])
        raise ValueError(
            f"{name} holds {given[position]!s} at {position}; entries must be finite: remove or repair it"
        )


def _real_list(name: str, values: ArrayLike) -> np.ndarray:
    """Return ``values``, whole numbers among them or not, as a read-only float64 array (k,), or raise."""
    whole = np.issubdtype(np.asarray(values).dtype, np.integer)
    return real_array(name, np.asarray(values, float) if whole else values, ndim=1)


def increasing_times(values: ArrayLike) -> np.ndarray:
    """Return ``values`` as read-only float64 times (T,), strictly increasing and at least 0, or raise."""
    times = _real_list("times", values)
    if times[0] < 0:
        raise ValueError(f"times starts at {times[0]}; time runs from 0: choose times of at least 0")
    if (np.diff(times) <= 0).any():
        raise ValueError("times must be strictly increasing; sort them and drop repeated ones")
    return times


def checked_values(singular_values: ArrayLike) -> np.ndarray:
    """Return singular values as a read-only float64 array (k,), none negative, or raise."""
    values = _real_list("singular_values", singular_values)
    if (values < 0).any():
        raise ValueError(f"singular_values holds {values.min()}; singular values are at least 0")
    return values


def spectrum(singular_values: ArrayLike, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Return the nonzero singular values in falling order and how often each occurs, shapes (k,) and (k,).

    ``weights`` None means once each. Raises as `checked_values` does, and ValueError for weights that are not
    positive and for another number of them than of values.
    """
    values = checked_values(singular_values)
    counts = np.ones(values.size) if weights is None else _real_list("weights", weights)
    if counts.size != values.size:
        raise ValueError(f"{counts.size} weights for {values.size} singular values; give one weight each")
    if (counts <= 0).any():
        raise ValueError(f"weights holds {counts.min()}; a value occurs a positive number of times: drop it")
    order = np.argsort(-values, kind="stable")
    order = order[: np.count_nonzero(values)]
    return values[order], counts[order]


def whole_number(name: str, value: object, least: int) -> int:
    """Return ``value`` as an int of at least ``least``; raise TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}; it must be a whole number: use int({name})")
    if value < least:
        raise ValueError(f"{name} is {value}; choose at least {least}")
    return int(value)


def real_number(name: str, value: object) -> float:
    """Return ``value`` as a finite float; raise TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} is {value!r}; it must be one real number")
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise ValueError(f"{name} is {value!s}; it must be finite")
    return number


def positive_number(name: str, value: object) -> float:
    """Return ``value`` as a finite float above zero; raise TypeError or ValueError otherwise."""
    number = real_number(name, value)
    if number <= 0:
        raise ValueError(f"{name} is {value}; choose a number above 0")
    return number


def number_from_zero(name: str, value: object) -> float:
    """Return ``value`` as a finite float of at least zero; raise TypeError or ValueError otherwise."""
    number = real_number(name, value)
    if number < 0:
        raise ValueError(f"{name} is {value}; choose a number of at least 0")
    return number


def rank_within(rank: object, shape: Sequence[int]) -> int:
    """Return ``rank`` as an int from 1 to the smaller side of ``shape``; raise otherwise."""
    rank = whole_number("rank", rank, least=1)
    if rank > min(shape):
        raise ValueError(f"rank {rank} exceeds the smaller side {min(shape)}; choose at most {min(shape)}")
    return rank


def random_generator(rng: object) -> np.random.Generator:
    """Return ``rng``; raise TypeError where it is not a NumPy Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; it must be a Generator: pass rng=np.random.default_rng(seed)")
    return rng


def spawning_generator(rng: object) -> np.random.Generator:
    """Return ``rng``; raise TypeError where it is no Generator, or cannot spawn independent streams."""
    generator = random_generator(rng)
    if not isinstance(generator.bit_generator.seed_seq, np.random.bit_generator.ISpawnableSeedSequence):
        raise TypeError("rng was made without a seed that can be split; pass rng=np.random.default_rng(seed)")
    return generator


def fits_float64(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return ``function``, its result an array or number, made to raise FloatingPointError if that overflows.

    No warning comes before. What underflows is 0, the nearest float64.
    """

    @wraps(function)
    def checked(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        with np.errstate(over="ignore", invalid="ignore"):
            result = function(*arguments, **options)
        if not np.isfinite(result).all():
            raise FloatingPointError(
                f"{function.__name__.strip('_')} overflows float64, which ends at 1.8e+308; "
                "choose smaller units: divide the large ones among its arguments by a power of ten"
            )
        return result

    return checked


def exponents(arrays: np.ndarray, axes: tuple[int, ...] | None = None) -> np.ndarray:
    """Return e, those axes kept as 1: the largest entries of ``ldexp(arrays, -e)`` lie from 1/2 to 1.

    Powers of two change no digit: what is made in such units is what it would be, but does not overflow.
    """
    return np.frexp(np.abs(arrays).max(axis=axes, keepdims=True))[1]


def norm(matrix: np.ndarray) -> float:
    """Return the Frobenius norm, of entries whose squares may leave float64."""
    exponent = exponents(matrix) if matrix.size else 0
    return np.ldexp(np.linalg.norm(np.ldexp(matrix, -exponent)), exponent).item()
