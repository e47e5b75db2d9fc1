"""How orthonormal columns turn under a constant pull, at any times: a Riccati equation, solved by doubling.

With Q^T Q = I and dQ/dt = (I - Q Q^T) P the overlap M = Q^T P obeys dM/dt = R^T R, R = P - QM. So its rise D
is symmetric: dD/dt = R(0)^T R(0) - M(0)^T D - D M(0) - D^2, and dQ/dt = P - Q (M(0) + D). With dU/dt = (M(0)
+ D) U both are linear in (U, DU), with constant coefficients. Not in the paper.
"""

from typing import NamedTuple

import numpy as np

from fa_utils.checks import norm

LATEST = 1e300  # in units of 1 over the norm of P: later times are as good as this one
MOST_KNOWN = 300  # propagators that are kept
LEAST_RESIDUAL = 1e-13  # relative to P: below, R is rounding and nothing turns
MOST_RESTARTS = 3000  # on the way to one time
LARGEST_DEFECT = 1e-12  # of Q^T Q from I: beyond, rounding has grown and the solution starts again before


class Propagator(NamedTuple):
    """How a rise D (k, k) and columns Q (p, k) move on in one step.

    D becomes ``rise + decay^T D X`` and Q becomes ``QX + onset + gain D X``, X = (I + spread D)^{-1} decay.
    ``rise`` and ``spread`` are positive semidefinite, so that the inverse exists while rounding is small.
    """

    decay: np.ndarray
    spread: np.ndarray
    rise: np.ndarray
    onset: np.ndarray
    gain: np.ndarray


class Beginning(NamedTuple):
    """Where a solution starts: its linear system (2k, 2k), P and Q(0) (p, k), and propagators by step."""

    system: np.ndarray
    pull: np.ndarray
    columns: np.ndarray
    known: dict[float, Propagator]


def linear_system(pull: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return [[M, I], [R^T R, -M^T]], shape (2k, 2k), whose exponential moves (U, DU)."""
    overlap = columns.T @ pull
    residual = pull - columns @ overlap
    return np.block([[overlap, np.eye(len(overlap))], [residual.T @ residual, -overlap.T]])


def turned(pull: np.ndarray, columns: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return Q (T, p, k) at increasing ``times``, where P is ``pull`` and Q(0) ``columns``, both (p, k).

    However late the time, nothing overflows. Where M has negative eigenvalues rounding grows, as any other
    disturbance does: the solution then starts again from an earlier time, with Q orthonormal once more.
    Raises FloatingPointError where it would do so for ever, some columns being pulled hardly above rounding.
    """
    scale = norm(pull) or 1.0
    with np.errstate(over="ignore"):
        pull, times = pull / scale, np.minimum(scale * times, LATEST)
    path, done, now, restarts = np.empty((times.size, *columns.shape)), 0, 0.0, 0
    while done < times.size:
        if np.linalg.norm(pull - columns @ (columns.T @ pull)) <= LEAST_RESIDUAL:
            path[done:] = columns
            break
        begin = Beginning(linear_system(pull, columns), pull, columns, {})
        ahead = _path(begin, times[done:] - now)
        if len(ahead):
            path[done : done + len(ahead)] = ahead
            done += len(ahead)
            now, columns, restarts = times[done - 1], ahead[-1], 0
        else:
            restarts = _one_more(restarts, now / scale)
            step, columns = _part_way(begin)
            now += step
        left, _, right = np.linalg.svd(columns, full_matrices=False)
        columns = left @ right
    return path


def _one_more(restarts: int, time: float) -> int:
    """Return the number of restarts with this one; raise FloatingPointError where there were too many."""
    if restarts == MOST_RESTARTS:
        raise FloatingPointError(
            f"the exact run came to time {time:.3g}, where rounding grows faster than the most weakly pulled "
            "hidden units move; choose earlier times"
        )
    return restarts + 1


def _path(begin: Beginning, times: np.ndarray) -> np.ndarray:
    """Return Q (s, p, k) at the first s of ``times``: all, or as many as rounding leaves orthonormal."""
    rise, columns = np.zeros_like(begin.columns.T @ begin.pull), begin.columns
    parts = [np.empty((0, *columns.shape))]
    for step, count in _runs_of_equal_steps(times):
        if len(begin.known) > MOST_KNOWN:
            begin.known.clear()
        once = _propagator(begin, step)
        if once is None:
            break
        rises, part = _march(once, rise, columns, count)
        parts.append(part)
        if len(part) < count:
            break
        rise, columns = rises[-1], part[-1]
    return np.concatenate(parts)


def _part_way(begin: Beginning) -> tuple[float, np.ndarray]:
    """Return the longest known step, over which Q stays orthonormal, and the Q after it.

    A short step is always known: over a time of at most 1 nothing grows that starts from rounding.
    """
    longest = max(begin.known)
    return longest, _from_beginning(begin, begin.known[longest])


def _runs_of_equal_steps(times: np.ndarray) -> list[tuple[float, int]]:
    """Return (step, count) for each run of steps, from time 0, that are equal but for rounding."""
    steps = np.diff(times, prepend=0.0)
    same = np.abs(np.diff(steps)) <= 4 * np.spacing(times[1:])
    ends = np.flatnonzero(np.append(~same, True)) + 1
    counts = np.diff(ends, prepend=0)
    lengths = np.diff(times[ends - 1], prepend=0.0) / counts
    last = (ends - 1).repeat(counts)  # of the run that a time belongs to
    line = times[last] - lengths.repeat(counts) * (last - np.arange(times.size))
    if (np.abs(times - line) > 4 * np.spacing(times[last])).any():  # steps that drift slowly are not equal
        return [(step, 1) for step in steps.tolist()]
    return list(zip(lengths.tolist(), counts.tolist(), strict=True))


def _march(
    once: Propagator, rise: np.ndarray, columns: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return D (s, k, k) and Q (s, p, k) after 1, 2, ... equal steps, by doubling, while Q is orthonormal."""
    rises, path = (states[None] for states in _moved(once, rise, columns))
    sound = _sound(path)
    while sound == len(path) < count:
        left = count - len(path)
        more_rises, more_path = _moved(once, rises[:left], path[:left])
        sound += _sound(more_path)
        rises, path = np.concatenate([rises, more_rises]), np.concatenate([path, more_path])
        once = _twice(once)
    return rises[:sound], path[:sound]


def _sound(path: np.ndarray) -> int:
    """Return how many of the first Q (s, p, k) are orthonormal but for rounding that has not grown."""
    bad = np.abs(path.mT @ path - np.eye(path.shape[-1])).max(axis=(1, 2)) > LARGEST_DEFECT
    return int(bad.argmax()) if bad.any() else len(path)


def _moved(propagator: Propagator, rise: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return D (..., k, k) and Q (..., p, k) one step later."""
    decay, spread, rise_from_none, onset, gain = propagator
    shrink = np.linalg.solve(np.eye(len(decay)) + spread @ rise, decay)
    through = rise @ shrink
    return rise_from_none + _symmetric(decay.T @ through), columns @ shrink + onset + gain @ through


def _propagator(begin: Beginning, step: float) -> Propagator | None:
    """Return the propagator over ``step``, or None where Q is not orthonormal all the way from the beginning.

    Exponentials over long times overflow; a propagator that is doubled from a short one stays bounded. All
    that it is doubled from are kept.
    """
    steps = [step]
    while steps[-1] not in begin.known and steps[-1] > 1:
        steps.append(steps[-1] / 2)
    for longer in reversed(steps):
        if longer not in begin.known:
            half = begin.known.get(longer / 2)
            propagator = _short(begin, longer) if half is None else _twice(half)
            if not _sound(_from_beginning(begin, propagator)[None]):
                return None
            begin.known[longer] = propagator
    return begin.known[step]


def _from_beginning(begin: Beginning, propagator: Propagator) -> np.ndarray:
    """Return Q (p, k) one step after the beginning."""
    return begin.columns @ propagator.decay + propagator.onset


def _short(begin: Beginning, step: float) -> Propagator:
    """Return the propagator over a short step, from one matrix exponential."""
    p, k = begin.pull.shape
    generator = np.zeros((2 * k + p, 2 * k + p))
    generator[: 2 * k, : 2 * k], generator[2 * k :, :k] = begin.system, begin.pull
    whole = expm(step * generator)
    from_rise, decay = whole[:k, k : 2 * k], np.linalg.inv(whole[:k, :k])
    rise, onset = np.split(whole[k:, :k] @ decay, [k])
    gain = whole[2 * k :, k : 2 * k] - onset @ from_rise
    return Propagator(decay, _symmetric(decay @ from_rise), _symmetric(rise), onset, gain)


def expm(matrix: np.ndarray) -> np.ndarray:
    """Return the exponential of a matrix (k, k)."""
    from scipy import linalg  # here, because SciPy takes longer to import than many a run

    return linalg.expm(matrix)


def _twice(once: Propagator) -> Propagator:
    """Return the propagator over twice the time."""
    decay, spread, rise, onset, gain = once
    pair = np.concatenate([decay, spread @ decay.T], axis=1)
    through = np.linalg.solve(np.eye(len(decay)) + spread @ rise, pair)
    passed, spread_on = through[:, : len(decay)], through[:, len(decay) :]
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
