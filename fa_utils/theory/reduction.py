"""The exact small problem inside a large one: no run leaves the span of target, feedback and start."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fa_utils.checks import fits_float64, whole_number
from fa_utils.problems import FactoredTarget, Factors, Problem, product_core, thin_svd


@dataclass(frozen=True, eq=False)
class Reduction:
    """A problem in the few coordinates that its runs ever use, and the way back.

    ``columns`` (n, p) and ``rows`` (q, m) are orthonormal: every Z of a run is ``columns`` times a small one,
    every W a small one times ``rows``, whose span is that of W(0) and ``span`` (s, m): if that is left out,
    what the columns see of the target. ``problem`` is the small problem, of shape (p, q) and the same r. The
    error of lifted factors is ``leftover`` more than that of the small ones. ``rank`` and ``singular_values``
    say what was decided about the target's rank; both are None where nothing had to be.
    """

    full: Problem
    columns: np.ndarray
    span: np.ndarray | None = None
    rank: int | None = None
    singular_values: np.ndarray | None = None

    @cached_property
    def rows(self) -> np.ndarray:
        """Orthonormal rows (q, m) whose span holds every W."""
        span = self.columns.T @ self.full.target if self.span is None else self.span
        return _orthonormal_basis(span, self.full.W).T

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
    @fits_float64
    def leftover(self) -> float:
        """The squared norm of what no run can learn, ||Y||^2 less the small target's, not as a difference."""
        target, columns, rows = self.full.target, self.columns, self.rows.T
        if isinstance(target, FactoredTarget):
            unseen = product_core(_apart(target.left, columns), target.right)
            aside = product_core(columns.T @ target.left, _apart(target.right.T, rows).T)
        else:
            unseen, aside = _apart(target, columns), _apart((columns.T @ target).T, rows)
        return float(np.square(unseen).sum() + np.square(aside).sum())

    def lift(self, Z: np.ndarray, W: np.ndarray) -> Factors:
        """Return the full factors of small ones (..., p, r) and (..., r, q), of a snapshot or a whole run."""
        return Factors(self.columns @ Z, W @ self.rows)

    def __str__(self) -> str:
        (n, m), (p, q) = self.full.target.shape, self.problem.target.shape
        if self.singular_values is None:
            return f"{p} x {q} in place of {n} x {m}, whatever the target's rank"
        beyond = self.singular_values[self.rank :].max(initial=0) / (self.singular_values[0] or 1)
        rest = f"at most {beyond:.0e} of the largest" if beyond > 1e-12 else "0 to rounding"
        return (
            f"{p} x {q} in place of {n} x {m}, the target's rank being {self.rank}: singular values beyond "
            f"it are {rest}"
        )


def reduce(problem: Problem, rank: int | None = None) -> Reduction:
    """Return the exact small problem of GD, FA and FA*, at most (k + r, k + r) for a target of rank k.

    The columns of Z stay in the span of Y's and Z(0)'s, the rows of W in that of Y's and W(0)'s; of C only
    its part in the latter matters. Not in the paper. ``rank`` is what the target's is taken to be; if it is
    left out, singular values count above rounding, as in `np.linalg.matrix_rank`. Below the true rank the
    small problem is no longer exact: what it misses of the target is in ``leftover``. Raises ValueError for a
    rank below 0 or above the number of singular values.

    >>> rng = np.random.default_rng(0)
    >>> target = fa.FactoredTarget(rng.standard_normal((1000, 3)), rng.standard_normal((3, 800)))
    >>> problem = fa.random_problem(target, rank=2, start_scale=0.1, feedback_scale=0.1, rng=rng)
    >>> print(fa.reduce(problem))
    5 x 5 in place of 1000 x 800, the target's rank being 3: singular values beyond it are 0 to rounding
    """
    left, values, right = thin_svd(problem.target)
    if rank is None:
        rank = int((values > values[0] * max(problem.target.shape) * np.finfo(float).eps).sum())
    rank = whole_number("rank", rank, least=0)
    if rank > values.size:
        raise ValueError(
            f"rank {rank} exceeds the {values.size} singular values; choose at most {values.size}"
        )
    return Reduction(problem, _orthonormal_basis(left[:, :rank].T, problem.Z.T), right[:rank], rank, values)


def reduce_feedback(problem: Problem) -> Reduction:
    """Return the exact small problem of FA and FA*, at most (2r, 3r) whatever the target's rank.

    Of Y the first layer sees Y C^T alone: the columns of Z stay in the span of its and Z(0)'s, and the rows
    of W in the span of W(0)'s and of what these columns see of Y. Not in the paper.

    >>> problem = fa.nearly_square_problem(100, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> print(fa.reduce_feedback(problem))
    4 x 6 in place of 100 x 100, whatever the target's rank
    """
    r = problem.Z.shape[1]
    known = problem.target if isinstance(problem.target, FactoredTarget) else None
    spanning = known.left if known is not None and known.left.shape[1] <= r else problem.sketch
    columns = _orthonormal_basis(spanning.T, problem.Z.T)
    rows = known.right if known is not None and known.right.shape[0] <= columns.shape[1] else None
    return Reduction(problem, columns, rows)


def _orthonormal_basis(*blocks: np.ndarray) -> np.ndarray:
    """Return orthonormal columns (n, p) that span the rows of all blocks (.., n); no rank is decided."""
    from scipy.linalg import qr  # here, because SciPy takes longer to import than many a run

    basis, _ = qr(np.vstack(blocks).T, overwrite_a=True, mode="economic", check_finite=False)
    return basis


def _apart(matrix: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return what orthonormal columns ``basis`` miss of the columns of ``matrix``."""
    return matrix - basis @ (basis.T @ matrix)
