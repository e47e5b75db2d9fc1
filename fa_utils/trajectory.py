"""The record that simulations and closed forms both return."""

from dataclasses import dataclass

import numpy as np

from fa_utils._checks import real_entries
from fa_utils._records import Record


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory(Record):
    """Snapshots of a run, as plain arrays that are read-only.

    Attributes
    ----------
    times
        In gradient-flow time, shape (T,).
    Z
        First layers, shape (T, n, r).
    W
        Second layers, shape (T, r, m).

    Raises
    ------
    TypeError
        Entries that are no floating-point numbers; something that is no array.
    ValueError
        Another number of snapshots than of times; layers that do not fit each other; no snapshots; entries
        that are masked or not finite.

    Examples
    --------
    >>> run = fa.Trajectory(times=np.arange(3.0), Z=np.zeros((3, 5, 2)), W=np.zeros((3, 2, 4)))
    >>> run
    Trajectory(3 snapshots to time 2; Z 5 x 2, W 2 x 4)
    >>> len(run)
    3
    """

    times: np.ndarray
    Z: np.ndarray
    W: np.ndarray

    def __post_init__(self) -> None:
        for name, axes in (("times", 1), ("Z", 3), ("W", 3)):
            # A view can be made read-only without a copy, and a run may be large.
            view = real_entries(name, getattr(self, name), axes, integers=name == "times").view()
            view.setflags(write=False)
            object.__setattr__(self, name, view)
            if len(view) != len(self.times):
                raise ValueError(
                    f"{name} has {len(view)} snapshots but times has {len(self.times)}; give one for each"
                )
        # Layers fit each other where they share the hidden units.
        if self.Z.shape[2] != self.W.shape[1]:
            raise ValueError(
                f"W has shape {self.W.shape}; with Z of shape {self.Z.shape} its second axis must have "
                f"length {self.Z.shape[2]}"
            )

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        n, r = self.Z.shape[1:]
        m = self.W.shape[2]
        end = f"{self.times[-1]:.6g}"
        return f"Trajectory({len(self)} snapshots to time {end}; Z {n} x {r}, W {r} x {m})"
