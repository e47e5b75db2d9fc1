"""The record that simulations and closed forms both return."""

from dataclasses import dataclass

import numpy as np

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
    ValueError
        Another number of snapshots than of times.

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
            view = np.asarray(getattr(self, name)).view()
            if view.ndim != axes or len(view) != len(self.times):
                raise ValueError(
                    f"{name} has shape {view.shape}; with {len(self.times)} times it must have {axes} axes, "
                    f"the first of length {len(self.times)}"
                )
            view.setflags(write=False)
            object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        n, r = self.Z.shape[1:]
        m = self.W.shape[2]
        end = f" to time {self.times[-1]:.6g}" if len(self) else ""
        return f"Trajectory({len(self)} snapshots{end}; Z {n} x {r}, W {r} x {m})"
