"""The exact small problem inside a large one: no run leaves the span of target, feedback and start."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fa_utils._checks import finite_result, whole_number
from fa_utils._linalg import above_rounding, product_core, sum_of_squares
from fa_utils._records import Record
from fa_utils.problems import FactoredTarget, Factors, Problem, checked_problem, thin_svd


@dataclass(frozen=True, eq=False, repr=False)
class Reduction(Record):
    """A problem in the few coordinates that its runs ever use, and the way back.

    Every Z of a run is ``columns`` times a small one, every W a small one times ``rows``.

    Attributes
    ----------
    full
        The problem, of shape (n, m).
    columns
        Orthonormal, shape (n, p).
    rows
        Orthonormal, shape (q, m).
    rank
        What the target's rank was decided to be. None where nothing had to be.
    singular_values
        Of the target, in falling order, where its rank was decided.
    problem
        The small problem, of shape (p, q) and the same r.
    leftover
        The squared norm of what no run can learn: by so much the error of lifted factors is more than that
        of the small ones.

    References
    ----------
    Statement N5 of this package.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(100, 2, feedback_scale=0.1, rng=np.random.default_rng(0))
    >>> small = theory.reduce_feedback(problem)
    >>> run = fa.descend(small.problem, fa.FA, learning_rate=1e-3, steps=50)
    >>> errors = small.leftover + fa.error(small.problem.target, run.Z, run.W)
    >>> Z, W = small.lift(run.Z, run.W)
    >>> Z.shape, W.shape, np.allclose(errors, fa.error(problem.target, Z, W))
    ((51, 100, 2), (51, 2, 100), True)
    """

    full: Problem
    columns: np.ndarray
    rows: np.ndarray
    rank: int | None = None
    singular_values: np.ndarray | None = None

    def __post_init__(self) -> None:
        for array in (self.columns, self.rows, self.singular_values):
            if array is not None:
                array.setflags(write=False)

    @cached_property
    def problem(self) -> Problem:
        """The small problem, of shape (p, q)."""
        return Problem(
            target=self.columns.T @ (self.full.target @ self.rows.T),
            feedback=self.full.feedback @ self.rows.T,
            Z=self.columns.T @ self.full.Z,
            W=self.full.W @ self.rows.T,
        )

    @cached_property
    def leftover(self) -> float:
        """The squared norm of what no run can learn, ||Y||^2 less the small target's, not as a difference."""
        target = self.full.target
        # What the columns miss of Y, and what the rows miss of the rest.
        if isinstance(target, FactoredTarget):
            unseen = product_core(_outside(target.left, self.columns), target.right)
            aside = product_core(self.columns.T @ target.left, _outside(target.right.T, self.rows.T).T)
        else:
            unseen = _outside(target, self.columns)
            aside = _outside((self.columns.T @ target).T, self.rows.T)
        return finite_result("leftover", float(sum_of_squares(unseen) + sum_of_squares(aside)))

    def lift(self, Z: np.ndarray, W: np.ndarray) -> Factors:
        """Return the full factors of small ones.

        Parameters
        ----------
        Z, W
            Of a snapshot or of a whole run, shapes (..., p, r) and (..., r, q).

        Returns
        -------
        Factors
            Shapes (..., n, r) and (..., r, m).
        """
        return Factors(self.columns @ Z, W @ self.rows)

    def __repr__(self) -> str:
        return f"Reduction({self})"

    def __str__(self) -> str:
        n, m = self.full.target.shape
        sizes = f"{self.columns.shape[1]} x {self.rows.shape[0]} in place of {n} x {m}"
        if self.singular_values is None:
            return f"{sizes}, whatever the target's rank"
        beyond = self.singular_values[self.rank :].max(initial=0) / (self.singular_values[0] or 1)
        rest = f"at most {beyond:.0e} of the largest" if beyond > 1e-12 else "0 to rounding"
        return f"{sizes}, the target's rank being {self.rank}: singular values beyond it are {rest}"


def reduce(problem: Problem, rank: int | None = None) -> Reduction:
    """Return the exact small problem of GD, FA and FA*, at most (k + r, k + r) for a target of rank k.

    The columns of Z stay in the span of Y's and Z(0)'s, the rows of W in that of Y's and W(0)'s. Of C only
    its part in the latter matters.

    Parameters
    ----------
    problem
        Of any shape (n, m).
    rank
        What the target's rank k is taken to be. None counts the singular values above rounding, as
        `np.linalg.matrix_rank` does. Below the true rank the small problem is no longer exact: what it misses
        of the target is in ``leftover``.

    Returns
    -------
    Reduction

    Raises
    ------
    ValueError
        A rank below 0 or above the number of singular values.

    References
    ----------
    Statement N5 of this package.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> target = fa.FactoredTarget(rng.standard_normal((1000, 3)), rng.standard_normal((3, 800)))
    >>> print(theory.reduce(fa.random_problem(target, rank=2, rng=rng)))
    5 x 5 in place of 1000 x 800, the target's rank being 3: singular values beyond it are 0 to rounding
    """
    left, values, right = thin_svd(checked_problem(problem).target)
    if rank is None:
        rank = int(above_rounding(values, problem.target.shape).sum())
    rank = whole_number("rank", rank, least=0)
    most = values.size
    if rank > most:
        raise ValueError(f"rank {rank} exceeds the {most} singular values; choose at most {most}")
    # Spans of target and start: bases of both together, in which nothing is decided.
    columns = _orthonormal_basis(left[:, :rank].T, problem.Z.T)
    rows = _orthonormal_basis(right[:rank], problem.W).T
    return Reduction(problem, columns, rows, rank, values)


def reduce_feedback(problem: Problem) -> Reduction:
    """Return the exact small problem of FA and FA*, at most (2r, 3r) for any rank of the target.

    Of Y the first layer sees Y C^T alone: the columns of Z stay in the span of its and Z(0)'s, and the rows
    of W in the span of W(0)'s and of what these columns see of Y.

    Parameters
    ----------
    problem
        Of any shape (n, m).

    Returns
    -------
    Reduction

    References
    ----------
    Statement N5 of this package.

    Examples
    --------
    >>> problem = fa.nearly_square_problem(100, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> theory.reduce_feedback(problem)
    Reduction(4 x 6 in place of 100 x 100, whatever the target's rank)
    """
    r = checked_problem(problem).Z.shape[1]
    # Factors of low rank span no more than the sketch does, and are at hand.
    known = problem.target if isinstance(problem.target, FactoredTarget) else None
    spanning = known.left if known is not None and known.left.shape[1] <= r else problem.sketch
    columns = _orthonormal_basis(spanning.T, problem.Z.T)
    span = columns.T @ problem.target
    # They are also fewer than the rows that so many columns see of the target.
    if known is not None and len(known.right) <= len(span):
        span = known.right
    return Reduction(problem, columns, _orthonormal_basis(span, problem.W).T)


def _orthonormal_basis(*blocks: np.ndarray) -> np.ndarray:
    """Return orthonormal columns (n, p) that span the rows of all blocks (.., n); no rank is decided."""
    # Each column in one piece of memory, since products with its transpose follow.
    return np.asfortranarray(np.linalg.qr(np.vstack(blocks).T)[0])


def _outside(matrix: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return what orthonormal columns ``basis`` miss of the columns of ``matrix``."""
    return matrix - basis @ (basis.T @ matrix)
