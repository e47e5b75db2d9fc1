import numpy as np
import pytest
from conftest import refused

import fa_utils as fa

TIMES = np.arange(3.0)
Z = np.zeros((3, 5, 2))
W = np.zeros((3, 2, 4))


def test_simulations_return_plain_read_only_arrays(problem):
    for run in (fa.descend(problem, fa.FA, 0.1, 2), fa.flow(problem, fa.FA, [0.0, 0.1, 0.2])):
        assert [type(array) for array in (run.times, run.Z, run.W)] == [np.ndarray] * 3
        assert [array.shape for array in (run.times, run.Z, run.W)] == [(3,), (3, 7, 3), (3, 3, 6)]
        for array in (run.times, run.Z, run.W):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0


def test_making_a_run_leaves_the_arrays_given_writable_and_copies_no_layer():
    layer = Z.copy()
    run = fa.Trajectory(TIMES, layer, W)
    assert layer.flags.writeable
    assert np.shares_memory(run.Z, layer)


def test_a_run_is_as_long_as_its_times(problem):
    assert len(fa.descend(problem, fa.FA, 0.1, 10, every=5)) == 3
    assert len(fa.flow(problem, fa.FA, [1.0])) == 1


def test_a_run_may_be_given_in_lists_with_times_that_are_whole_numbers():
    run = fa.Trajectory([0, 1, 2], Z.tolist(), W.tolist())
    assert run.times.dtype == run.Z.dtype == run.W.dtype == np.float64
    assert repr(run) == repr(fa.Trajectory(TIMES, Z, W))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((1.0, Z, W), "times has shape (); it must have 1 axes: reshape it"),
        ((TIMES, Z[0], W), "Z has shape (5, 2); it must have 3 axes: reshape it"),
        ((TIMES, Z, W[0]), "W has shape (2, 4); it must have 3 axes: reshape it"),
        ((Z, TIMES, W), "times has shape (3, 5, 2); it must have 1 axes: reshape it"),
        ((TIMES, Z[:2], W), "Z has 2 snapshots but times has 3; give one for each"),
        ((TIMES[:1], Z[:1], W), "W has 3 snapshots but times has 1; give one for each"),
        (
            (TIMES, W, Z),
            "W has shape (3, 5, 2); with Z of shape (3, 2, 4) its second axis must have length 4",
        ),
        ((TIMES[:0], Z[:0], W[:0]), "times has shape (0,) and so no entries; give it at least one"),
        (
            (TIMES, np.full((3, 5, 2), np.inf), W),
            "Z holds inf at (0, 0, 0); entries must be finite: remove or repair it",
        ),
    ],
)
def test_arrays_that_make_no_run_are_refused(arrays, message):
    with refused(ValueError, message):
        fa.Trajectory(*arrays)
