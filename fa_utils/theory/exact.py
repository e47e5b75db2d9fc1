"""FA* without a time stepper: where Z^T Z = I it turns Z's columns under the constant pull Y C^T.

Then Z moves by (I - Z Z^T) Y C^T, which `riccati` solves, and the overlap is M = W C^T = Z^T Y C^T. Another
Z^T Z is the same problem in other coordinates (Lemma 12). Hidden units that get no feedback, suitably turned,
do not move. Not in the paper.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fa_utils.checks import fits_float64, increasing_times, norm
from fa_utils.problems import Problem, triangle
from fa_utils.reduction import Reduction
from fa_utils.riccati import LEAST_RESIDUAL, linear_system, turned
from fa_utils.rules import optimal_forward, refuse_dependent_columns
from fa_utils.trajectory import Trajectory, lifted


class Motion(NamedTuple):
    """FA* in p = min(n, 2r) coordinates, the first r of which are the range of Z(0), with Z(0)^T Z(0) = I.

    Shapes: ``root`` (r, r), which turns such a Z into the problem's; ``pull`` Y C^T (p, r), above its part in
    Z(0), below R(0); ``moving`` (r, k), orthonormal: the directions of hidden units that ever move.
    """

    root: np.ndarray
    pull: np.ndarray
    moving: np.ndarray

    @property
    def start(self) -> np.ndarray:
        """Z(0), shape (p, r)."""
        return np.eye(*self.pull.shape)

    @property
    def pull_on_moving(self) -> np.ndarray:
        """What pulls the units that move, shape (p, k): without what the others explain of it."""
        pull, begin = self.pull @ self.moving, self.start @ self.moving
        return pull - (self.start - begin @ self.moving.T) @ pull[: len(self.root)]

    def path(self, times: np.ndarray) -> np.ndarray:
        """Return Z (T, p, r) at ``times``, with Z^T Z = I."""
        begin = self.start @ self.moving
        return self.start + (turned(self.pull_on_moving, begin, times) - begin) @ self.moving.T


def fa_star_exact(problem: Problem, times: ArrayLike) -> Trajectory:
    """Return FA* at ``times`` without the error of a time stepper: the run that `flow` approximates.

    ``times`` are strictly increasing and at least 0, however late; equal steps share one matrix exponential.
    Only rounding is left, and a run without residual is constant. Z is lifted from the 2r coordinates that
    FA* never leaves, W solved for, both on first access. The problem's own W is not looked at. Raises
    ValueError for unusable times and for a start Z without full column rank, and FloatingPointError where
    units are pulled so weakly, beside others, that rounding hides how they move before the last time.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> run = fa.fa_star_exact(problem, [0.0, 1.0, 1e9])
    >>> run.Z.shape, run.W.shape
    ((3, 5, 2), (3, 2, 5))
    """
    times = increasing_times(times)
    columns, triangle = np.linalg.qr(np.hstack([problem.Z, problem.sketch]))
    motion = _motion(problem, triangle)
    Z = motion.path(times) @ motion.root
    reduction = Reduction(problem, columns)
    small = Trajectory(times, lambda: Z, lambda: optimal_forward(reduction.problem, Z, problem.W))
    return lifted(small, reduction)


@fits_float64
def fa_star_overlaps(problem: Problem, times: ArrayLike) -> np.ndarray:
    """Return the overlap M = W C^T of `fa_star_exact` at ``times``, shape (T, r, r), without forming Z or W.

    From M follow the alignment matrix M + M^T and, by `fa_star_losses`, the loss. Raises as `fa_star_exact`.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> fa.fa_star_overlaps(problem, [0.0, 1.0, 1e9]).shape
    (3, 2, 2)
    """
    times = increasing_times(times)
    motion = _motion(problem, _triangle(problem))
    return np.linalg.inv(motion.root) @ motion.path(times).mT @ (motion.pull @ motion.root)


@fits_float64
def fa_star_eigenvalues(problem: Problem) -> np.ndarray:
    """Return the eigenvalues of FA*'s linear system, complex, shape (2k,), k the number of moving units.

    They come in pairs of opposite real parts; sorted by real parts, then by imaginary ones. An imaginary part
    is a frequency of the loss, and is 0 where the overlap is symmetric. Raises ValueError for a start Z
    without full column rank.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> eigenvalues = fa.fa_star_eigenvalues(problem)
    >>> np.allclose(np.sort(eigenvalues.real), np.sort(-eigenvalues.real))
    True
    """
    motion = _motion(problem, _triangle(problem))
    pull = motion.pull_on_moving
    unit = norm(pull) or 1.0
    return unit * np.sort_complex(np.linalg.eigvals(linear_system(pull / unit, motion.start @ motion.moving)))


def fa_star_rate(problem: Problem) -> float:
    """Return the rate g: from a generic start FA*'s loss ends like exp(-2 g t). The least positive real part.

    Half of the eigenvalues, one for each unit that moves, have positive real parts. Raises ValueError where
    the loss is 0 from the start, and so has no rate, and as `fa_star_eigenvalues`.

    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=np.random.default_rng(0))
    >>> times = np.array([10.0, 11.0]) / fa.fa_star_rate(problem)
    >>> run = fa.fa_star_exact(problem, times)
    >>> early, late = fa.loss(problem, run.Z, run.W)
    >>> round(float(np.log(early / late)), 3)
    2.0
    """
    eigenvalues = fa_star_eigenvalues(problem)
    if not eigenvalues.size:
        raise ValueError(
            "the residual is 0 from the start, so the loss has no rate; start from a Z whose range does not "
            "contain that of Y C^T (with r = n it always does)"
        )
    return float(eigenvalues.real[eigenvalues.size // 2])


def _triangle(problem: Problem) -> np.ndarray:
    """Return [Z(0), Y C^T] in coordinates of its own, upper triangular, shape (p, 2r) with p = min(n, 2r)."""
    return triangle(np.hstack([problem.Z, problem.sketch]))


def _motion(problem: Problem, triangle: np.ndarray) -> Motion:
    """Return what moves, and from where; raise ValueError for a start without full column rank."""
    r = problem.Z.shape[1]
    root, sketch = triangle[:r, :r], triangle[:, r:]
    refuse_dependent_columns(root)
    pull = _pull(root, sketch)
    if norm(pull[r:]) <= LEAST_RESIDUAL * norm(pull):
        return Motion(root, pull, np.zeros((r, 0)))
    seen = np.linalg.matrix_rank(sketch, rtol=max(problem.target.shape) * np.finfo(float).eps)
    return Motion(root, pull, np.linalg.svd(pull)[2][:seen].T)


@fits_float64
def _pull(root: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    """Return Y C^T in coordinates in which Z(0)^T Z(0) = I, shape (p, r)."""
    return np.linalg.solve(root.T, sketch.T).T
