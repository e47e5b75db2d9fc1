"""Problems that several tests share."""

import numpy as np
import pytest

import fa_utils as fa


@pytest.fixture
def rng():
    return np.random.default_rng(20220328)


@pytest.fixture
def problem(rng):
    """A target of rank 4 and shape (7, 6), with three hidden units."""
    target = fa.target_with_spectrum([2.0, 1.5, 1.0, 0.5], (7, 6), rng=rng)
    return fa.random_problem(target, 3, start_scale=0.5, feedback_scale=0.7, rng=rng)
