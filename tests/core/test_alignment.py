from dataclasses import replace

import numpy as np
import pytest
from conftest import OVERFLOWS, close, refused

import fa_utils as fa
from fa_utils._linalg import quotient


@pytest.fixture
def batch(problem, rng):
    """Eight states in two leading axes."""
    return rng.standard_normal((2, 4, *problem.Z.shape)), rng.standard_normal((2, 4, *problem.W.shape))


MEASURES = {
    "error": lambda problem, Z, W: fa.error(problem.target, Z, W),
    "residual": fa.residual,
    "loss": fa.loss,
    "overlap": lambda problem, Z, W: fa.overlap(problem, W),
    "alignment_matrix": lambda problem, Z, W: fa.alignment_matrix(problem, W),
    "alignment_cosine": lambda problem, Z, W: fa.alignment_cosine(problem, W),
    "conserved_by_fa": fa.conserved_by_fa,
    "conserved_by_gd": fa.conserved_by_gd,
    "stationarity_gap": fa.stationarity_gap,
}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_one_call_measures_a_batch_as_it_measures_each_state(problem, batch, measure):
    together = measure(problem, *batch)
    for index in np.ndindex(2, 4):
        assert close(together[index], measure(problem, batch[0][index], batch[1][index]), atol=1e-13)


def test_measures_are_what_their_formulas_say(problem):
    Z = problem.Z
    W = problem.W
    C = problem.feedback
    E = problem.target - Z @ W
    assert close(fa.error(problem.target, Z, W), np.linalg.norm(E) ** 2, rtol=1e-12)
    assert close(fa.residual(problem, Z, W), E @ C.T, rtol=1e-12)
    assert close(fa.loss(problem, Z, W), np.linalg.norm(E @ C.T) ** 2, rtol=1e-12)
    assert close(fa.overlap(problem, W), W @ C.T, rtol=1e-12)
    assert close(fa.alignment_matrix(problem, W), W @ C.T + C @ W.T, rtol=1e-12)
    assert close(fa.conserved_by_fa(problem, Z, W), Z.T @ Z - W @ C.T - C @ W.T, rtol=1e-12)
    assert close(fa.conserved_by_gd(problem, Z, W), Z.T @ Z - W @ W.T, rtol=1e-12)


def test_cosine_is_one_at_a_multiple_of_the_feedback_and_minus_one_at_its_opposite(problem):
    assert close(fa.alignment_cosine(problem, 3 * problem.feedback), 1, rtol=1e-12)
    assert close(fa.alignment_cosine(problem, -0.1 * problem.feedback), -1, rtol=1e-12)


def test_cosine_of_nothing_is_zero(problem):
    assert fa.alignment_cosine(problem, 0 * problem.W) == 0


def test_overlap_trace_rises_at_the_rate_of_the_loss(problem):
    """d/dt tr M = ||R||_F^2 under FA* where Z^T Z = I (N1)."""
    Z, _ = np.linalg.qr(problem.Z)
    start = fa.Problem(problem.target, problem.feedback, Z, problem.W)
    run = fa.flow(start, fa.FA_STAR, [0.999, 1.0, 1.001])
    trace = np.trace(fa.overlap(start, run.W), axis1=1, axis2=2)
    assert close((trace[2] - trace[0]) / 0.002, fa.loss(start, run.Z, run.W)[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("Z", "W", "message"),
    [
        (np.ones((7, 3)), np.ones((2, 6)), r"Z has shape \(7, 3\).*must end in \(7, 2\)"),
        (np.ones((6, 3)), np.ones((3, 6)), r"Z has shape \(6, 3\).*must end in \(7, 3\)"),
        (np.ones((7, 3)), np.ones((3, 7)), r"W has shape \(3, 7\).*must end in \(3, 6\)"),
        (np.ones((0, 7, 3)), np.ones((0, 3, 6)), "and so no entries; give it at least one"),
        (np.ones(7), np.ones(6), r"Z has shape \(7,\)"),
    ],
)
@pytest.mark.parametrize(
    "measure", [MEASURES["error"], fa.residual, fa.loss, fa.conserved_by_fa, fa.conserved_by_gd]
)
def test_measures_refuse_states_that_do_not_fit(problem, measure, Z, W, message):
    with pytest.raises(ValueError, match=message):
        measure(problem, Z, W)


@pytest.mark.parametrize(
    ("Z", "kind", "message"),
    [
        (np.full((7, 3), np.nan), ValueError, r"Z holds nan at \(0, 0\)"),
        (np.ones((7, 3), int), TypeError, "Z holds int64 entries"),
    ],
)
def test_measures_refuse_entries_that_are_no_numbers(problem, Z, kind, message):
    for measure in (MEASURES["error"], fa.residual, fa.stationarity_gap):
        with pytest.raises(kind, match=message):
            measure(problem, Z, problem.W)


def test_measures_take_nested_lists(problem):
    assert fa.loss(problem, problem.Z.tolist(), problem.W.tolist()) == fa.loss(problem, problem.Z, problem.W)


def test_overlap_refuses_weights_that_do_not_fit(problem):
    with pytest.raises(ValueError, match=r"W has shape \(2, 6\); for feedback of shape \(3, 6\)"):
        fa.overlap(problem, np.ones((2, 6)))


def test_short_floats_are_measured_as_double_precision_ones(problem):
    Z = np.full_like(problem.Z, 300.0)  # whose squares float16 cannot hold
    W = np.full_like(problem.W, 300.0)
    for name, measure in MEASURES.items():
        found = measure(problem, Z.astype(np.float16), W.astype(np.float16))
        assert np.array_equal(found, measure(problem, Z, W)), name
    assert fa.squared_norm(W.astype(np.float16)) == fa.squared_norm(W)


FIT = "with a target of shape (7, 6)"


@pytest.mark.parametrize(
    ("Z", "W", "message"),
    [
        ((7, 3), (2, 6), f"Z has shape (7, 3); {FIT} and W of shape (2, 6) it must end in (7, 2)"),
        ((7, 3), (3, 7), f"W has shape (3, 7); {FIT} it must end in (3, 6)"),
        ((7,), (6,), f"Z has shape (7,); {FIT} and W of shape (6,) it must end in (7, 1)"),
        ((7, 1), (6,), f"W has shape (6,); {FIT} it must end in (1, 6)"),
    ],
)
@pytest.mark.parametrize(
    "measure", [MEASURES["error"], fa.residual, fa.loss, fa.conserved_by_fa, fa.conserved_by_gd]
)
def test_what_does_not_fit_a_measure_is_said_in_full(problem, measure, Z, W, message):
    with refused(ValueError, message):
        measure(problem, np.ones(Z), np.ones(W))


def test_one_layer_may_stay_while_the_other_runs(problem, batch):
    for Z, W, shape in (
        (batch[0], problem.W, (2, 4)),
        (problem.Z, batch[1], (2, 4)),
        (batch[0][:, :1], batch[1][0], (2, 4)),
    ):
        errors = fa.error(problem.target, Z, W)
        assert errors.shape == shape
        assert close(errors, np.square(problem.target - Z @ W).sum(axis=(-2, -1)), rtol=1e-12)


@pytest.mark.parametrize("size", [1, 10, 100, 1000])
def test_a_quotient_by_zero_is_zero_whatever_was_in_memory(size):
    before = [np.full(size, 7.0) for _ in range(5)]
    del before
    assert np.array_equal(quotient(np.ones(size), np.zeros(size)), np.zeros(size))
    assert np.array_equal(quotient(np.ones(size), 2.0), np.full(size, 0.5))
    assert np.array_equal(quotient(3.0, np.full(size, 2.0)), np.full(size, 1.5))


def test_error_stays_accurate_where_it_is_small(rng):
    """Multiplying the square out would leave 1e-16 of ||Y||^2 instead."""
    Z = rng.standard_normal((5, 2))
    W = rng.standard_normal((2, 4))
    change = 1e-12 * rng.standard_normal((5, 4))
    assert close(fa.error(Z @ W + change, Z, W), np.square(change).sum(), rtol=1e-2)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_cosine_does_not_see_the_scale_of_either_matrix(problem, scale):
    wanted = fa.alignment_cosine(problem, problem.W)
    assert close(fa.alignment_cosine(problem, scale * problem.W), wanted, rtol=1e-14)
    scaled = replace(problem, feedback=scale * problem.feedback)
    assert close(fa.alignment_cosine(scaled, scale * problem.W), wanted, rtol=1e-14)
    batch = np.stack([problem.W, scale * problem.W])
    assert close(fa.alignment_cosine(problem, batch), [wanted, wanted], rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("error", "error"),
        ("residual", "residual"),
        ("loss", "residual"),
        ("overlap", "overlap"),
        ("alignment_matrix", "overlap"),
        ("alignment_cosine", "alignment_cosine"),
        ("conserved_by_fa", "overlap"),
        ("conserved_by_gd", "conserved_by_gd"),
        ("stationarity_gap", "residual"),
    ],
)
def test_measures_beyond_float64_are_refused_with_one_sentence(problem, name, names):
    strong = replace(problem, feedback=1e160 * problem.feedback)
    with np.errstate(all="ignore"), refused(FloatingPointError, names + OVERFLOWS):
        MEASURES[name](strong, 1e250 * problem.Z, 1e250 * problem.W)


@pytest.mark.parametrize(
    ("name", "Z", "W"),
    [
        ("loss", 1e200, 1.0),
        ("alignment_matrix", 1.0, 1.2e308),
        ("conserved_by_fa", 1e200, 1.0),
        ("stationarity_gap", 1e200, 1.0),
    ],
)
def test_a_measure_whose_parts_are_finite_is_refused_by_its_own_name(name, Z, W):
    unit = np.ones((1, 1))
    problem = fa.Problem(unit, unit, unit, unit)
    with np.errstate(all="ignore"), refused(FloatingPointError, name + OVERFLOWS):
        MEASURES[name](problem, Z * unit, W * unit)


def test_what_does_not_fit_the_feedback_is_said_in_full(problem):
    for measure in (fa.overlap, fa.alignment_matrix, fa.alignment_cosine):
        with refused(ValueError, "W has shape (2, 6); for feedback of shape (3, 6) it must end in (3, 6)"):
            measure(problem, np.ones((2, 6)))
    with refused(ValueError, "target has shape (6,); it must have 2 axes: reshape it"):
        fa.error(np.ones(6), problem.Z, problem.W)


def test_layers_with_other_numbers_of_snapshots_are_refused(problem):
    Z = np.ones((5, 7, 3))
    W = np.ones((4, 3, 6))
    says = (
        "Z has shape (5, 7, 3) but W (4, 3, 6); their leading axes must fit each other: "
        "give as many snapshots of one as of the other, or one"
    )
    for name in ("error", "residual", "loss", "conserved_by_fa", "conserved_by_gd", "stationarity_gap"):
        with refused(ValueError, says):
            MEASURES[name](problem, Z, W)


def test_a_squared_norm_is_of_finite_numbers_in_at_least_two_axes():
    assert fa.squared_norm(np.ones((2, 3), int)) == 6
    assert fa.squared_norm(np.ones((4, 2, 3))).tolist() == [6, 6, 6, 6]
    with refused(ValueError, "matrices holds nan at (0, 1); entries must be finite: remove or repair it"):
        fa.squared_norm(np.array([[1.0, np.nan]]))
    with refused(ValueError, "matrices has shape (2,); it must have at least 2 axes: reshape it"):
        fa.squared_norm(np.ones(2))
    with np.errstate(all="ignore"), refused(FloatingPointError, "squared_norm" + OVERFLOWS):
        fa.squared_norm(np.full((1, 1), 1e200))
