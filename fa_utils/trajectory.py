"""The record that simulations and closed forms both return."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fa_utils.reduction import Reduction


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Snapshots of a run: ``times`` (T,) in gradient-flow time, ``Z`` (T, n, r), ``W`` (T, r, m).

    Z and W are made on first access by ``first`` and ``second`` and are read-only. Where the run was made on
    an exact small problem, ``reduction`` is that, and ``small`` the run there; else both are None.
    """

    times: np.ndarray
    first: Callable[[], np.ndarray]
    second: Callable[[], np.ndarray]
    reduction: Reduction | None = None
    small: "Trajectory | None" = None

    def __post_init__(self) -> None:
        self.times.setflags(write=False)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.reduction is not None:
            return lifted, (self.small, self.reduction)
        return recorded, (self.times, self.Z, self.W)

    @cached_property
    def Z(self) -> np.ndarray:
        """First layers, shape (T, n, r)."""
        return _read_only(self.first())

    @cached_property
    def W(self) -> np.ndarray:
        """Second layers, shape (T, r, m)."""
        return _read_only(self.second())


def recorded(times: np.ndarray, Z: np.ndarray, W: np.ndarray) -> Trajectory:
    """Return the run with these snapshots."""
    return Trajectory(times, lambda: Z, lambda: W)


def lifted(small: Trajectory, reduction: Reduction) -> Trajectory:
    """Return the full run that a run on the reduction's small problem stands for."""
    return Trajectory(
        small.times, lambda: reduction.columns @ small.Z, lambda: small.W @ reduction.rows, reduction, small
    )


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
