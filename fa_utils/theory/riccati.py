"""How orthonormal columns turn under a constant pull, at any times: a Riccati equation, solved by doubling.

With Q^T Q = I and dQ/dt = (I - Q Q^T) P the overlap M = Q^T P obeys dM/dt = R^T R, R = P - QM. So its rise D
is symmetric: dD/dt = R(0)^T R(0) - M(0)^T D - D M(0) - D^2, and dQ/dt = P - Q (M(0) + D). With dU/dt = (M(0)
+ D) U both are linear in (U, DU), with constant coefficients. A state here is D above Q, shape (k + p, k).
Not in the paper.
"""

from typing import NamedTuple

import numpy as np

LATEST = 1e300  # in units of 1 over the norm of P: later times are as good as this one
LEAST_RESIDUAL = 1e-13  # relative to P: below, R is rounding and nothing turns
MOST_KNOWN = 300  # propagators that are kept
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


def linear_system(pull: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return [[M, I], [R^T R, -M^T]], shape (2k, 2k), whose exponential moves (U, DU)."""
    overlap = columns.T @ pull
    residual = pull - columns @ overlap
    return np.block([[overlap, np.eye(len(overlap))], [residual.T @ residual, -overlap.T]])


def turn_columns(pull: np.ndarray, columns: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return Q (T, p, k) at increasing ``times``, where P is ``pull`` and Q(0) ``columns``, both (p, k).

    However late the time, nothing overflows. Where M has negative eigenvalues rounding grows, as any other
    disturbance does: the solution then starts again from an earlier time, with Q orthonormal once more.
    Raises FloatingPointError where it would do so for ever, some columns being pulled hardly above rounding.
    """
    scale = float(np.linalg.norm(pull)) or 1.0
    pull = pull / scale
    times = scale * np.minimum(times, LATEST / scale)
    path = np.empty((times.size, *columns.shape))
    done = restarts = 0
    now = 0.0
    while done < times.size:
        ahead = _follow(pull, columns, times[done:] - now)
        if len(ahead):
            path[done : done + len(ahead)] = ahead
            done += len(ahead)
            now = times[done - 1]
            columns = ahead[-1]
            restarts = 0
        elif restarts == MOST_RESTARTS:
            raise FloatingPointError(
                f"rounding hides the run after time {now / scale:.3g}; choose earlier times"
            )
        else:
            restarts += 1
            # Part of the way: as far as Q stays orthonormal.
            step, once = _propagators(pull, columns, times[done] - now, {}).popitem()
            columns = columns @ once.decay + once.onset
            now += step
        # Q's polar factor: the nearest columns that are orthonormal to rounding.
        left, _, right = np.linalg.svd(columns, full_matrices=False)
        columns = left @ right
    return path


# --- from time to time ---


def _follow(pull: np.ndarray, columns: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return Q (s, p, k) at the first s of ``times``: all, or as many as rounding leaves orthonormal."""
    # Without a residual nothing turns.
    if np.linalg.norm(pull - columns @ (columns.T @ pull)) <= LEAST_RESIDUAL:
        return np.tile(columns, (times.size, 1, 1))
    k = columns.shape[1]
    states = np.concatenate([np.zeros((k, k)), columns])[None]
    parts = []
    known: dict[float, Propagator] = {}
    for step, count in _equal_steps(times):
        # Times that double share their propagators; others would only fill the memory.
        if len(known) > MOST_KNOWN:
            known.clear()
        once = _propagators(pull, columns, step, known).get(step)
        states = _march(once, states[-1], count) if once else states[:0]
        parts.append(states[:, k:])
        if len(states) < count:
            break
    return np.concatenate(parts)


def _equal_steps(times: np.ndarray) -> list[tuple[float, int]]:
    """Return (step, count) for each run of steps, from time 0, that are equal but for rounding."""
    steps = np.diff(times, prepend=0.0)
    same = np.abs(np.diff(steps)) <= 4 * np.spacing(times[1:])
    ends = np.flatnonzero(np.append(~same, True)) + 1
    counts = np.diff(ends, prepend=0)
    lengths = np.diff(times[ends - 1], prepend=0.0) / counts
    # Steps that drift slowly are not equal: each time must lie on the line that ends its run.
    last = (ends - 1).repeat(counts)
    line = times[last] - lengths.repeat(counts) * (last - np.arange(times.size))
    if (np.abs(times - line) > 4 * np.spacing(times[last])).any():
        return [(step, 1) for step in steps.tolist()]
    return list(zip(lengths.tolist(), counts.tolist(), strict=True))


def _march(once: Propagator, state: np.ndarray, count: int) -> np.ndarray:
    """Return the states (s, k + p, k) after 1, 2, ... equal steps, by doubling, while Q is orthonormal."""
    k = len(once.decay)
    states = _move(once, state)[None]
    sound = _count_orthonormal(states[:, k:])
    while sound == len(states) < count:
        # All that are known so far move on by the time that they span.
        more = _move(once, states[: count - len(states)])
        sound += _count_orthonormal(more[:, k:])
        states = np.concatenate([states, more])
        once = _double(once)
    return states[:sound]


def _count_orthonormal(path: np.ndarray) -> int:
    """Return how many of the first Q (s, p, k) are orthonormal but for rounding that has not grown."""
    bad = np.abs(path.mT @ path - np.eye(path.shape[-1])).max(axis=(1, 2)) > LARGEST_DEFECT
    return int(bad.argmax()) if bad.any() else len(path)


def _move(once: Propagator, states: np.ndarray) -> np.ndarray:
    """Return the states (..., k + p, k) one step later."""
    k = len(once.decay)
    shrink = np.linalg.solve(np.eye(k) + once.spread @ states[..., :k, :], once.decay)
    # D X above Q X: one product takes both on.
    carried = states @ shrink
    moved = np.concatenate([once.decay.T, once.gain]) @ carried[..., :k, :]
    moved[..., :k, :] = once.rise + _symmetric_part(moved[..., :k, :])
    moved[..., k:, :] += carried[..., k:, :] + once.onset
    return moved


# --- propagators ---


def _propagators(
    pull: np.ndarray, columns: np.ndarray, step: float, known: dict[float, Propagator]
) -> dict[float, Propagator]:
    """Return ``known``, by length, with what ``step`` is doubled from and, if rounding allows, ``step``.

    The exponential over a long time overflows; a propagator that is doubled from a short one stays bounded.
    The first spans a time of at most 1, over which nothing grows that starts from rounding.
    """
    length = step
    while length not in known and (length > 1 or length / 2 in known):
        length /= 2
    if length not in known:
        known[length] = _exponential(pull, columns, length)
    while length < step:
        longer = _double(known[length])
        after = columns @ longer.decay + longer.onset
        if not _count_orthonormal(after[None]):
            break
        length *= 2
        known[length] = longer
    return known


def _exponential(pull: np.ndarray, columns: np.ndarray, step: float) -> Propagator:
    """Return the propagator over a short step, from one matrix exponential."""
    from scipy import linalg

    p, k = pull.shape
    # U and DU move by the linear system; below them, QU gathers what P adds to it.
    system = linear_system(pull, columns)
    generator = np.block([[system, np.zeros((2 * k, p))], [pull, np.zeros((p, k + p))]])
    whole = linalg.expm(step * generator)
    decay = np.linalg.inv(whole[:k, :k])
    from_rise = whole[:k, k : 2 * k]
    rise, onset = np.split(whole[k:, :k] @ decay, [k])
    gain = whole[2 * k :, k : 2 * k] - onset @ from_rise
    return Propagator(decay, _symmetric_part(decay @ from_rise), _symmetric_part(rise), onset, gain)


def _double(once: Propagator) -> Propagator:
    """Return the propagator over twice the time."""
    decay, spread, rise, onset, gain = once
    # One solve for both that pass through the first half: decay itself, and what spreads there.
    through = np.linalg.solve(np.eye(len(decay)) + spread @ rise, np.hstack([decay, spread @ decay.T]))
    passed, spread_on = np.split(through, 2, axis=1)
    lead = onset + gain @ rise
    return Propagator(
        decay=decay @ passed,
        spread=spread + _symmetric_part(decay @ spread_on),
        rise=rise + _symmetric_part(decay.T @ rise @ passed),
        onset=onset + lead @ passed,
        gain=gain + gain @ decay.T - lead @ spread_on,
    )


def _symmetric_part(matrices: np.ndarray) -> np.ndarray:
    """Return the symmetric part, without the rounding of the skew one, shape (..., k, k)."""
    return (matrices + matrices.mT) / 2
