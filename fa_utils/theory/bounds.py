"""How long FA* takes to reach a small loss: Theorem 1's time, a shorter one, the true time, test problems.

A bound holds for every start of full column rank whose loss is above epsilon.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import (
    finite_result,
    positive_number,
    positive_values,
    rank_within,
    spawning_generator,
    whole_number,
)
from fa_utils._linalg import upper_triangle
from fa_utils.problems import Problem, checked_problem, core, target_with_spectrum
from fa_utils.rules import refuse_dependent_columns
from fa_utils.theory.exact import fa_star_losses_at

OCTAVES = 40  # how far below the latest time the search for a first time begins, in factors of 2
REFINEMENTS = 4  # of a first time, each to a 32nd of the interval


# --- bounds ---


def theorem_1_time(problem: Problem, epsilon: ArrayLike) -> np.ndarray:
    """Return Theorem 1's T = 20 r sqrt(kappa(Z^T Z)) ||Z|| ||Y|| ||C|| / epsilon, rebuilt.

    Some time up to T has a loss of at most epsilon. With Lemma 6 row by row, as in the paper, T has a further
    factor n; with its form for matrices it has not.

    Parameters
    ----------
    problem
        Gives Y, C and the start Z, of full column rank.
    epsilon
        Of the loss, above 0, any shape.

    Returns
    -------
    np.ndarray
        In gradient-flow time, of the shape of ``epsilon``.

    Raises
    ------
    TypeError, ValueError
        A start Z without full column rank; an epsilon that is not above 0, or no real number.

    References
    ----------
    Garg & Vempala (2022), Theorem 1 and its Appendix A.

    Examples
    --------
    >>> float(theory.theorem_1_time(theory.opposed_copies(3, 0.5), 1.0).round(12))
    60.0
    """
    refuse_dependent_columns(checked_problem(problem).Z)
    root = np.linalg.svd(problem.Z, compute_uv=False)
    norms = np.linalg.norm(core(problem.target), 2) * np.linalg.norm(problem.feedback, 2)
    bound = 20 * root.size * root[0] ** 2 / root[-1] * norms / positive_values("epsilon", epsilon, ndim=None)
    return finite_result("theorem_1_time", bound)


def trace_ceiling(problem: Problem) -> float:
    """Return the most that the trace of the overlap can be, ||Y C^T (Z^T Z)^(-1/2)||_*, a nuclear norm.

    The trace is that of the same problem from an orthonormal start, as in Lemma 12.

    Parameters
    ----------
    problem
        Gives Y, C and the start Z, of full column rank.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        A start Z without full column rank.

    References
    ----------
    Statement N1 of this package.

    Examples
    --------
    >>> round(theory.trace_ceiling(theory.opposed_copies(3, 0.5)), 12)
    3.0
    """
    root = upper_triangle(checked_problem(problem).Z)
    refuse_dependent_columns(root)
    sketch = np.linalg.solve(root.T, problem.sketch.T)
    return float(finite_result("trace_ceiling", float(np.linalg.norm(sketch, "nuc"))))


def trace_time(problem: Problem, epsilon: ArrayLike) -> np.ndarray:
    """Return the time 2 ||Z||^2 ||Y C^T (Z^T Z)^(-1/2)||_* / epsilon, at most a tenth of `theorem_1_time`.

    Until the loss is at most epsilon the trace of the overlap rises at that speed, and it has a ceiling.

    Parameters
    ----------
    problem, epsilon
        As for `theorem_1_time`.

    Returns
    -------
    np.ndarray
        In gradient-flow time, of the shape of ``epsilon``.

    Raises
    ------
    TypeError, ValueError
        A start Z without full column rank; an epsilon that is not above 0, or no real number.

    References
    ----------
    Statement N1 of this package.

    Examples
    --------
    >>> float(theory.trace_time(theory.opposed_copies(3, 0.5), 1.0).round(12))
    6.0
    """
    ceiling = trace_ceiling(problem)
    bound = 2 * np.linalg.norm(problem.Z, 2) ** 2 * ceiling / positive_values("epsilon", epsilon, ndim=None)
    return finite_result("trace_time", bound)


# --- the time itself ---


def first_times(problem: Problem, epsilons: ArrayLike, latest: float) -> np.ndarray:
    """Return the first time with a loss of at most each epsilon, on a grid of factors of 2^(1/2).

    It is too long by up to 41 %, by more if a short dip is missed, and never too short.

    Parameters
    ----------
    problem
        Gives Y, C and the start Z, of full column rank.
    epsilons
        Of the loss, above 0, shape (k,).
    latest
        Where the grid ends, above 0, in gradient-flow time.

    Returns
    -------
    np.ndarray
        Shape (k,). Infinite where the grid has no such time.

    Raises
    ------
    ValueError, FloatingPointError
        As `fa_star_exact`, and for numbers that are not above 0.

    Examples
    --------
    >>> theory.first_times(theory.opposed_copies(3, 0.5), [1.0, 1e-3], latest=4.0).round(2).tolist()
    [2.83, inf]
    """
    epsilons = positive_values("epsilons", epsilons)
    latest = positive_number("latest", latest)
    found = np.full(epsilons.size, np.inf)
    # Two grids of factors of 2, one between the other's times: equal steps share their exponentials.
    for shift in (1.0, 2**0.5):
        times = latest / shift * 2.0 ** np.arange(-OCTAVES, 1)
        low = fa_star_losses_at(problem, times) <= epsilons[:, None]
        first = np.where(low.any(axis=1), times[np.argmax(low, axis=1)], np.inf)
        found = np.minimum(found, first)
    return found


def first_time(problem: Problem, epsilon: float, latest: float) -> float:
    """Return a time at which the loss falls to epsilon, to a millionth of itself.

    It is the first, unless a short dip before it is missed. The interval that `first_times` finds is divided
    again and again.

    Parameters
    ----------
    problem, latest
        As for `first_times`.
    epsilon
        Of the loss, above 0.

    Returns
    -------
    float
        In gradient-flow time; infinite where there is none up to ``latest``.

    Raises
    ------
    ValueError, FloatingPointError
        As `first_times`.

    Examples
    --------
    >>> round(theory.first_time(theory.opposed_copies(1, 1.0), 0.5, latest=4.0), 5)  # 1 / cosh(t)^2 = 1/2
    0.88137
    """
    late = float(first_times(problem, [epsilon], latest)[0])
    if not np.isfinite(late):
        return late
    early = late / 2**0.5
    for _ in range(REFINEMENTS):
        times = np.linspace(early, late, 33)
        low = fa_star_losses_at(problem, times[1:-1]) <= epsilon
        first = np.argmax(np.append(low, True))
        early, late = times[first : first + 2]
    return float(late)


# --- problems ---


def opposed_copies(copies: int, share: float) -> Problem:
    """Return r copies of Example 1 on the way up: the problem that comes closest to the bounds.

    Y C^T has r orthonormal columns, and Z(0) points away from them. With s = artanh(sqrt(1 - share)) the loss
    is r / cosh(t - s)^2: it begins at ``share`` times its largest, and comes back to that at the time 2s.

    Parameters
    ----------
    copies
        r; n is 2r.
    share
        Of the loss at the start in the largest one, above 0 and at most 1.

    Returns
    -------
    Problem
        With C = I and the optimal W.

    Raises
    ------
    ValueError
        No copy, or a share outside (0, 1].

    References
    ----------
    Garg & Vempala (2022), Example 1; statement N1 of this package.

    Examples
    --------
    >>> theory.fa_star_losses_at(theory.opposed_copies(2, 1.0), [0.0]).round(12).tolist()
    [2.0]
    """
    copies = whole_number("copies", copies, least=1)
    if positive_number("share", share) > 1:
        raise ValueError(f"share is {share}; choose a number above 0 and at most 1")
    aim = np.eye(2 * copies, copies)
    aside = np.eye(2 * copies, copies, k=-copies)
    Z = np.sqrt(share) * aside - np.sqrt(1 - share) * aim
    return Problem(target=aim, feedback=np.eye(copies), Z=Z, W=Z.T @ aim)


def gaussian_problem(
    shape: Sequence[int],
    rank: int,
    r: int,
    condition: float,
    *,
    scales: Sequence[float] = (1.0, 1.0, 1.0),
    rng: np.random.Generator,
) -> Problem:
    """Return a problem with a Gaussian C, a Y of Gaussian factors and a Z(0) of a given condition number.

    Parameters
    ----------
    shape
        (n, m) of Y.
    rank
        Of Y, from 1 to the smaller side.
    r
        Hidden units, at most n.
    condition
        Of Z(0), at least 1; its singular values are evenly spread on a logarithmic scale, the largest is 1.
    scales
        By which Y, C and Z(0) are multiplied.
    rng
        Three children are spawned: for Y, C and Z(0).

    Returns
    -------
    Problem
        With W = 0, which does not count for FA*.

    Raises
    ------
    ValueError
        A rank or hidden units that do not fit the shape.

    Examples
    --------
    >>> problem = theory.gaussian_problem((6, 5), 3, 2, condition=10.0, rng=np.random.default_rng(0))
    >>> round(float(np.linalg.cond(problem.Z)), 9)
    10.0
    """
    n, m = shape
    rank = rank_within(rank, (n, m))
    target_scale, feedback_scale, start_scale = scales
    target_rng, feedback_rng, start_rng = spawning_generator(rng).spawn(3)
    target = target_scale * target_rng.standard_normal((n, rank)) @ target_rng.standard_normal((rank, m))
    Z = start_scale * target_with_spectrum(np.geomspace(1, 1 / condition, r), (n, r), rng=start_rng)
    feedback = feedback_scale * feedback_rng.standard_normal((r, m))
    return Problem(target=target, feedback=feedback, Z=Z, W=np.zeros((r, m)))


def problem_of_any_shape(largest_side: int, largest_condition: float, *, rng: np.random.Generator) -> Problem:
    """Return a `gaussian_problem` of random size, rank, scales and condition number of Z(0).

    Sides are from 2 on, r is below n, the scales of Y, C and Z(0) spread over two decades each.

    Parameters
    ----------
    largest_side
        Of Y, at least 2.
    largest_condition
        Of Z(0), at least 1.
    rng
        Draws the sizes; its children draw the problem.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        A side below 2.

    Examples
    --------
    >>> problem = theory.problem_of_any_shape(20, 100.0, rng=np.random.default_rng(0))
    >>> max(problem.target.shape) <= 20
    True
    """
    largest_side = whole_number("largest_side", largest_side, least=2)
    n, m = spawning_generator(rng).integers(2, largest_side, endpoint=True, size=2)
    rank = rng.integers(1, min(n, m), endpoint=True)
    r = rng.integers(1, min(n - 1, m), endpoint=True)
    condition = largest_condition ** rng.random() if r > 1 else 1.0
    scales = (10 ** rng.uniform(-1, 1, 3)).tolist()
    return gaussian_problem((n, m), rank, r, condition, scales=scales, rng=rng)
