"""Checks of arguments and results: each error names the value, the rule that it breaks, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._records import Record

Result = TypeVar("Result", bound=np.ndarray | float)


# --- arrays ---


def real_array(name: str, values: ArrayLike, ndim: int | None, *, integers: bool = False) -> np.ndarray:
    """Return ``values`` as a read-only float64 array in C order: a copy, unless they are one and no view.

    Parameters
    ----------
    name
        What the caller's user calls the argument.
    ndim
        How many axes it must have; None admits any number.
    integers
        Whether whole numbers are converted. Elsewhere they are refused, since they hint at a mistake.

    Raises
    ------
    TypeError
        Entries that are no real numbers, or something that is no array.
    ValueError
        Another number of axes, no entries, entries that are masked or not finite.
    """
    array = real_entries(name, values, ndim, integers=integers)
    # A view of something that others can still write to must not be kept; and rows stay rows in memory, since
    # the last digits of products depend on it, also in a copy that comes back from another process.
    if array.flags.writeable or array.base is not None or not array.flags.c_contiguous:
        array = array.copy()
    array.setflags(write=False)
    return array


def states(name: str, values: ArrayLike, shape: tuple[int, int], because: str) -> np.ndarray:
    """Return ``values`` as float64: one matrix of this ``shape``, or many over leading axes.

    Raises
    ------
    TypeError, ValueError
        As `real_array`; with the reason ``because`` where the last two axes are not ``shape``.
    """
    array = real_entries(name, values)
    if array.shape[-2:] != shape:
        raise ValueError(f"{name} has shape {array.shape}; {because} it must end in {shape}")
    return array


def finite_entries(name: str, values: ArrayLike) -> np.ndarray:
    """Return ``values`` as an array; raise ValueError, naming the first, where some are not finite."""
    array = np.asarray(values)
    if not np.isfinite(array).all():
        position = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(
            f"{name} holds {array[position]!s} at {position}; entries must be finite: remove or repair it"
        )
    return array


def real_entries(name: str, values: Any, ndim: int | None = None, *, integers: bool = False) -> np.ndarray:
    """Return ``values`` as finite float64 entries, at least one, on ``ndim`` axes where given; or raise."""
    # First what NumPy would take without a word, and make something else of.
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked entries; fill them in, or drop their rows or columns")
    if hasattr(values, "toarray"):
        raise TypeError(f"{name} is a sparse {type(values).__name__}; pass {name}.toarray()")
    if hasattr(values, "matvec"):
        raise TypeError(f"{name} is a {type(values).__name__}; pass an array, or a FactoredTarget as target")
    if isinstance(values, Record) or hasattr(values, "_fields"):
        raise TypeError(f"{name} is a {type(values).__name__}; it must be an array: pass one of its arrays")
    # NumPy's own words for ragged lists do not name the argument.
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths; they must be equally long") from None
    # Whole numbers hint at a mistake, unless they are asked for; text and complex numbers always do.
    if array.dtype.kind not in ("fiu" if integers else "f"):
        raise TypeError(
            f"{name} holds {array.dtype} entries; they must be real floating-point numbers: "
            f"convert with np.asarray({name}, dtype=float), or take .real of complex ones"
        )
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape} and so no entries; give it at least one")
    with np.errstate(over="ignore"):  # of a longer type than float64
        numbers = finite_entries(name, array.astype(np.float64, copy=False))
    if ndim not in (None, numbers.ndim):
        raise ValueError(f"{name} has shape {numbers.shape}; it must have {ndim} axes: reshape it")
    return numbers


def _real_list(name: str, values: ArrayLike) -> np.ndarray:
    """Return ``values``, whole numbers among them or not, as a read-only float64 array (k,), or raise."""
    return real_array(name, values, ndim=1, integers=True)


def increasing_times(values: ArrayLike) -> np.ndarray:
    """Return ``values`` as read-only float64 times (T,), strictly increasing and at least 0, or raise."""
    times = _real_list("times", values)
    if times[0] < 0:
        raise ValueError(f"times starts at {times[0]}; time runs from 0: choose times of at least 0")
    if (np.diff(times) <= 0).any():
        raise ValueError("times must be strictly increasing; sort them and drop repeated ones")
    return times


def nonnegative_values(name: str, values: ArrayLike) -> np.ndarray:
    """Return ``values`` as a read-only float64 array (k,), none negative, or raise."""
    array = _real_list(name, values)
    if (array < 0).any():
        raise ValueError(f"{name} holds {array.min()}; choose numbers of at least 0")
    return array


def positive_values(name: str, values: ArrayLike, ndim: int | None = 1) -> np.ndarray:
    """Return ``values`` as a read-only float64 array, all above 0, on ``ndim`` axes where given, or raise."""
    array = real_array(name, values, ndim, integers=True)
    if (array <= 0).any():
        raise ValueError(f"{name} holds {array.min()}; choose numbers above 0")
    return array


# --- numbers ---


def whole_number(name: str, value: object, least: int) -> int:
    """Return ``value`` as an int of at least ``least``; raise TypeError or ValueError otherwise."""
    # To Python, True is a whole number.
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {short_text(value)}; it must be a whole number: use int({name})")
    if value < least:
        raise ValueError(f"{name} is {value}; choose at least {least}")
    return int(value)


def real_number(name: str, value: object) -> float:
    """Return ``value`` as a finite float; raise TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} is {short_text(value)}; give one real number")
    # A whole number may be beyond float64.
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise ValueError(f"{name} is {value!s}; choose a finite number")
    return number


def positive_number(name: str, value: object) -> float:
    """Return ``value`` as a finite float above 0; raise TypeError or ValueError otherwise."""
    number = real_number(name, value)
    if number <= 0:
        raise ValueError(f"{name} is {value}; choose a number above 0")
    return number


def number_from_zero(name: str, value: object) -> float:
    """Return ``value`` as a finite float of at least 0; raise TypeError or ValueError otherwise."""
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


def matrix_shape(shape: object) -> tuple[int, int]:
    """Return ``shape`` as two whole numbers of at least 1; raise TypeError or ValueError otherwise."""
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise TypeError(f"shape is {short_text(shape)}; it must be a pair (n, m), for instance (100, 80)")
    return whole_number("n", shape[0], least=1), whole_number("m", shape[1], least=1)


# --- random generators ---


def random_generator(rng: object) -> np.random.Generator:
    """Return ``rng``; raise TypeError where it is not a NumPy Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng is {short_text(rng)}; it must be a Generator: pass rng=np.random.default_rng(seed)"
        )
    return rng


def spawning_generator(rng: object) -> np.random.Generator:
    """Return ``rng``; raise TypeError where it is no Generator, or cannot spawn independent streams."""
    generator = random_generator(rng)
    # Legacy generators have a seed that no stream can be split from.
    if not isinstance(generator.bit_generator.seed_seq, np.random.bit_generator.ISpawnableSeedSequence):
        raise TypeError("rng was made without a seed that can be split; pass rng=np.random.default_rng(seed)")
    return generator


# --- results ---


def finite_result(name: str, result: Result) -> Result:
    """Return ``result``, what the public function ``name`` computed; raise where it overflows float64.

    Raises
    ------
    FloatingPointError
        An entry that is not finite.
    """
    if not np.isfinite(result).all():
        raise FloatingPointError(
            f"{name} overflows float64, which ends at 1.8e+308; "
            "choose smaller units: divide the large ones among its arguments by a power of ten"
        )
    return result


def short_text(value: object) -> str:
    """Return a value as text that fits a line, whatever it is."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"
