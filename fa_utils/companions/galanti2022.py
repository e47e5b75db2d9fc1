"""Small batches, weight decay and rank: Galanti, Siegel, Gupte & Poggio (2022).

A linear network ZW should turn inputs X (N, n) into the labels XY. A step on a batch of B samples is

    Z <- (1 - mu lambda) Z + mu G F^T,    W <- (1 - mu lambda) W + mu Z^T G,
    G = X_B^T (X_B Y - X_B Z W) / B,

F being W under GD and C under FA. Both layers forget a share mu lambda of themselves, and gain a matrix of
rank B or less. That is all that the paper's bound on ranks uses, so that it holds for both rules.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import (
    number_from_zero,
    positive_number,
    random_generator,
    real_array,
    states,
    whole_number,
)
from fa_utils._linalg import above_rounding, sum_of_squares
from fa_utils.problems import Problem, checked_problem
from fa_utils.rules import FA, GD, Derivatives, Rule, checked_rule
from fa_utils.trajectory import Trajectory

# --- training ---


def random_batches(samples: int, batch_size: int, steps: int, *, rng: np.random.Generator) -> np.ndarray:
    """Return which samples each step sees, drawn anew for each step, none twice in one batch.

    Parameters
    ----------
    samples
        N, at least 1.
    batch_size
        B, from 1 to N. With N all samples are seen at every step.
    steps
        At least 1.
    rng
        Draws an order of the samples for each step.

    Returns
    -------
    np.ndarray
        Row numbers, shape (steps, B).

    Raises
    ------
    TypeError, ValueError
        Impossible sizes; something that is no Generator.

    Examples
    --------
    >>> galanti2022.random_batches(5, batch_size=2, steps=3, rng=np.random.default_rng(0)).shape
    (3, 2)
    """
    _checked_sizes(samples, batch_size)
    # The first B of a random order of all: no sample twice.
    orders = np.tile(np.arange(samples), (whole_number("steps", steps, least=1), 1))
    return random_generator(rng).permuted(orders, axis=1)[:, :batch_size]


def _checked_sizes(samples: int, batch_size: int) -> None:
    """Raise unless the samples are enough for a batch."""
    samples = whole_number("samples", samples, least=1)
    if whole_number("batch_size", batch_size, least=1) > samples:
        raise ValueError(f"batch_size is {batch_size}; choose at most the number of samples, {samples}")


def train_on_batches(
    problem: Problem,
    rule: Rule,
    inputs: ArrayLike,
    batches: np.ndarray,
    learning_rate: float,
    decay: float,
) -> Trajectory:
    """Return the run of a linear network on batches, both layers decaying, with each step as a snapshot.

    Parameters
    ----------
    problem
        What the network should compute, Y (n, m), the feedback C, and the start.
    rule
        `fa.GD` or `fa.FA`.
    inputs
        X, shape (N, n), one row for each sample.
    batches
        Row numbers of the samples that each step sees, shape (steps, B), from `random_batches`.
    learning_rate
        mu, above 0.
    decay
        lambda, at least 0, of both layers.

    Returns
    -------
    Trajectory
        Its times are the number of steps times the learning rate.

    Raises
    ------
    TypeError, ValueError
        Another rule; inputs that do not fit the target; unusable numbers.
    FloatingPointError
        An entry is no longer finite. The message names the step.

    References
    ----------
    Galanti, Siegel, Gupte & Poggio (2022), "SGD and weight decay secretly minimize the rank of your neural
    network".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> problem = fa.nearly_square_problem(5, 2, feedback_scale=1.0, rng=rng)
    >>> batches = galanti2022.random_batches(30, batch_size=4, steps=100, rng=rng)
    >>> galanti2022.train_on_batches(problem, fa.FA, rng.standard_normal((30, 5)), batches, 0.01, decay=0.1)
    Trajectory(101 snapshots to time 1; Z 5 x 2, W 2 x 5)
    """
    if checked_rule(rule) not in (GD, FA):
        raise ValueError(f"rule is {rule}; choose fa.GD or fa.FA")
    inputs = real_array("inputs", inputs, ndim=2)
    n = len(checked_problem(problem).Z)
    if inputs.shape[1] != n:
        raise ValueError(f"inputs has shape {inputs.shape}; for a target with {n} rows it needs {n} columns")
    labels = inputs @ problem.target
    rate = positive_number("learning_rate", learning_rate)
    kept = 1 - rate * number_from_zero("decay", decay)
    # All snapshots from the start on, filled in as the run goes.
    Z = np.empty((len(batches) + 1, *problem.Z.shape))
    W = np.empty((len(batches) + 1, *problem.W.shape))
    Z[0] = problem.Z
    W[0] = problem.W
    with np.errstate(over="ignore", invalid="ignore"):
        for step, rows in enumerate(batches):
            dZ, dW = _batch_field(problem, rule, inputs[rows], labels[rows], Z[step], W[step])
            Z[step + 1] = kept * Z[step] + rate * dZ
            W[step + 1] = kept * W[step] + rate * dW
    _refuse_divergence(Z, W, rate)
    return Trajectory(rate * np.arange(len(Z)), Z, W)


def _batch_field(
    problem: Problem, rule: Rule, inputs: np.ndarray, labels: np.ndarray, Z: np.ndarray, W: np.ndarray
) -> Derivatives:
    """Return G F^T (n, r) and Z^T G (r, m) for a batch of inputs (B, n) and labels (B, m)."""
    # Through the B hidden vectors: cheaper than G, and the rank is B at most also in floating point.
    hidden = inputs @ Z
    errors = (labels - hidden @ W) / len(inputs)
    back = W if rule == GD else problem.feedback
    return inputs.T @ (errors @ back.T), hidden.T @ errors


def _refuse_divergence(Z: np.ndarray, W: np.ndarray, rate: float) -> None:
    """Raise FloatingPointError, naming the step, where Z (T, n, r) or W (T, r, m) is no longer finite."""
    sound = np.isfinite(Z).all(axis=(1, 2)) & np.isfinite(W).all(axis=(1, 2))
    if not sound.all():
        raise FloatingPointError(
            f"training diverged at step {sound.argmin()}; choose a learning rate below {rate}"
        )


# --- ranks ---


def counted_rank(matrices: np.ndarray, share: float) -> np.ndarray:
    """Return how many singular values exceed a share of the largest, shape (...,).

    Parameters
    ----------
    matrices
        Shape (..., n, r).
    share
        Above 0.

    Examples
    --------
    >>> int(galanti2022.counted_rank(np.diag([2.0, 1.0, 0.01]), share=0.02))
    2
    """
    values = np.linalg.svd(matrices, compute_uv=False)
    return np.sum(values > positive_number("share", share) * values[..., :1], axis=-1)


def weyl_ratio(after: np.ndarray, before: np.ndarray, rank: int, kept: ArrayLike) -> np.ndarray:
    """Return the largest ratio of sigma_{rank+j}(after) to kept sigma_j(before) over all j, shape (...,).

    By Weyl's inequality it is at most 1 if ``after - kept before`` has at most this rank. What `after` has
    of singular values at the size of rounding counts as 0.

    Parameters
    ----------
    after, before
        Shapes (..., n, r); leading axes broadcast.
    rank
        At least 0. From min(n, r) on nothing is compared, and the ratio is 0.
    kept
        Above 0, shape (...,).

    References
    ----------
    Galanti, Siegel, Gupte & Poggio (2022) use j = 1, with the steps' rank and decay: rebuilt here.

    Examples
    --------
    >>> before = np.diag([3.0, 2.0, 1.0])
    >>> after = 0.5 * before + np.ones((3, 3))
    >>> bool(galanti2022.weyl_ratio(after, before, rank=1, kept=0.5) <= 1)
    True
    """
    left = np.linalg.svd(after, compute_uv=False)
    left = np.where(above_rounding(left, after.shape[-2:]), left, 0)[..., rank:]
    allowed = np.asarray(kept)[..., None] * np.linalg.svd(before, compute_uv=False)
    # What is compared with nothing is 0; what exceeds a 0 is infinite.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(left > 0, left / allowed[..., : left.shape[-1]], 0)
    return ratios.max(axis=-1, initial=0)


# --- steps that never end ---


def least_step(Z: np.ndarray, samples: int, batch_size: int, forgotten: float) -> np.ndarray:
    """Return how far Z moves at least in a step, in root mean square over all batches, shape (...,).

    A step is the mean of a batch's moves, one for each sample: a matrix of rank 1 less ``forgotten`` Z. None
    is shorter than ``forgotten`` times the distance of Z from the matrices of rank 1. So the samples' moves
    have at least this mean square; the variance of a mean of B out of N is (N - B) / (B (N - 1)) of theirs.

    Parameters
    ----------
    Z
        Shape (..., n, r).
    samples
        N, at least 2.
    batch_size
        B, from 1 to N. At N the bound is 0.
    forgotten
        mu lambda, at least 0.

    References
    ----------
    New. Galanti, Siegel, Gupte & Poggio (2022) have the qualitative statement: with B < N there is no rest.

    Examples
    --------
    >>> round(float(galanti2022.least_step(np.diag([4.0, 3.0]), samples=10, batch_size=1, forgotten=0.1)), 6)
    0.3
    """
    _checked_sizes(samples, batch_size)
    Z = states("Z", Z, np.shape(Z)[-2:], "for a layer")
    share = (samples - batch_size) / (batch_size * (whole_number("samples", samples, least=2) - 1))
    # The squared distance from rank 1: all singular values but the first.
    beyond_one = np.maximum(sum_of_squares(Z) - np.linalg.norm(Z, 2, axis=(-2, -1)) ** 2, 0)
    return number_from_zero("forgotten", forgotten) * np.sqrt(share * beyond_one)
