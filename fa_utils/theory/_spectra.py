"""Spectra as the law and the draws take them: singular values, and how often each occurs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import finite_result, nonnegative_values, positive_values

Weights = ArrayLike | None  # None: each value occurs once


def spectrum(singular_values: ArrayLike, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Return the nonzero singular values in falling order and how often each occurs, shapes (k,) and (k,)."""
    values = nonnegative_values("singular_values", singular_values)
    counts = np.ones(values.size) if weights is None else positive_values("weights", weights)
    if counts.size != values.size:
        raise ValueError(f"{counts.size} weights for {values.size} singular values; give one weight each")
    with np.errstate(over="ignore"):
        finite_result("the sum of squared singular values", np.square(values) @ counts)
    # The zeros come last, and are dropped with their weights.
    order = np.argsort(-values, kind="stable")
    nonzero = order[: np.count_nonzero(values)]
    return values[nonzero], counts[nonzero]


def among_largest(counts: np.ndarray, rank: int) -> np.ndarray:
    """Return how many of each value are among the ``rank`` largest, shape (k,)."""
    # Not cumsum(counts) - counts, which loses small counts beside a large one.
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.clip(rank - before, 0, counts)
