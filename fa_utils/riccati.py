"""A Riccati equation and what it drives, at any times: propagators that are doubled and never overflow."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import expm


class Propagator(NamedTuple):
    """How a rise D (k, k) of the overlap and rows Q (f, k) with dQ/dt = push - QM move on in one step.

    D becomes ``rise + decay^T D X`` and Q becomes ``QX + onset + gain D X``, X = (I + spread D)^{-1} decay.
    ``rise`` and ``spread`` are positive semidefinite, so that the inverse always exists.
    """

    decay: np.ndarray
    spread: np.ndarray
    rise: np.ndarray
    onset: np.ndarray
    gain: np.ndarray


def riccati_paths(generator: np.ndarray, push: np.ndarray, rows: np.ndarray, times: np.ndarray):
    """Return D (T, k, k) with D(0) = 0 and Q (T, f, k) with Q(0) = ``rows`` at increasing ``times`` from 0.

    ``generator`` [[M, I], [S, -M^T]], shape (2k, 2k) and of a size about 1, S positive semidefinite, gives
    dD/dt = S - M^T D - D M - D^2; ``push`` (f, k) gives dQ/dt = push - Q (M + D).
    """
    k = push.shape[1]
    rises, path = np.zeros((times.size, k, k)), np.zeros((times.size, len(rows), k))
    if k == 0:
        return rises, path
    rise, known, done = rises[0], {}, 0
    for step, count in _runs_of_equal_steps(times):
        block = slice(done, done + count)
        once = _propagator(generator, push, step, known)
        rises[block], path[block] = _march(once, rise, rows, count)
        done += count
        rise, rows = rises[done - 1], path[done - 1]
    return rises, path


def _runs_of_equal_steps(times: np.ndarray) -> list[tuple[float, int]]:
    """Return (step, count) for each run of steps, from time 0, that are equal but for rounding."""
    steps = np.diff(times, prepend=0.0)
    same = np.abs(np.diff(steps)) <= 4 * np.spacing(times[1:])
    ends = np.flatnonzero(np.append(~same, True)) + 1
    counts = np.diff(ends, prepend=0)
    lengths = np.diff(times[ends - 1], prepend=0.0)
    return list(zip((lengths / counts).tolist(), counts.tolist(), strict=True))


def _march(once: Propagator, rise: np.ndarray, rows: np.ndarray, count: int):
    """Return rises (count, k, k) and rows (count, f, k) after 1, 2, ... equal steps, by doubling."""
    rises, path = (states[None] for states in _moved(once, rise, rows))
    while len(rises) < count:
        left = count - len(rises)
        more_rises, more_path = _moved(once, rises[:left], path[:left])
        rises, path = np.concatenate([rises, more_rises]), np.concatenate([path, more_path])
        once = _twice(once)
    return rises, path


def _moved(propagator: Propagator, rise: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rise (..., k, k) and the rows (..., f, k) one step later."""
    decay, spread, onset_of_rise, onset, gain = propagator
    shrink = np.linalg.solve(np.eye(len(decay)) + spread @ rise, decay)
    turned = rise @ shrink
    return onset_of_rise + _symmetric(decay.T @ turned), rows @ shrink + onset + gain @ turned


def _propagator(generator: np.ndarray, push: np.ndarray, step: float, known: dict[float, Propagator]):
    """Return the propagator over ``step``, kept in ``known`` with all those that it was doubled from.

    Exponentials over long times overflow; a propagator that is doubled from a short one stays bounded.
    """
    if step not in known and step > 1:
        known[step] = _twice(_propagator(generator, push, step / 2, known))
    elif step not in known:
        k = push.shape[1]
        size = 2 * k + len(push)
        whole = np.zeros((size, size))
        whole[: 2 * k, : 2 * k], whole[2 * k :, :k] = generator, push
        whole = expm(step * whole)
        above, from_rise = whole[:k, :k], whole[:k, k : 2 * k]
        decay = np.linalg.inv(above)
        rise, onset = np.split(whole[k:, :k] @ decay, [k])
        gain = whole[2 * k :, k : 2 * k] - onset @ from_rise
        known[step] = Propagator(decay, _symmetric(decay @ from_rise), _symmetric(rise), onset, gain)
    return known[step]


def _twice(once: Propagator) -> Propagator:
    """Return the propagator over twice the time."""
    decay, spread, rise, onset, gain = once
    through = np.linalg.solve(np.eye(len(decay)) + spread @ rise, np.hstack([decay, spread @ decay.T]))
    passed, spread_on = np.hsplit(through, 2)
    lead = onset + gain @ rise
    return Propagator(
        decay @ passed,
        spread + _symmetric(decay @ spread_on),
        rise + _symmetric(decay.T @ rise @ passed),
        onset + lead @ passed,
        gain + gain @ decay.T - lead @ spread_on,
    )


def _symmetric(matrices: np.ndarray) -> np.ndarray:
    """Return the symmetric part, without the rounding of the skew one, shape (..., k, k)."""
    return (matrices + matrices.mT) / 2
