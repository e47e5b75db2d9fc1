"""The update of the slides: what it is the gradient of, and what it has in common with the paper's rules."""

import numpy as np
import pytest
from conftest import OVERFLOWS, close, refused

import fa_utils as fa
from fa_utils.theory import network

ACTIVATIONS = {"linear": network.LINEAR, "ReLU": network.RELU, "tanh": network.TANH}


@pytest.fixture
def drawn(rng):
    """W0 (5, 3), W1 (2, 5), inputs (3, 7), wanted (2, 7) and C1 (2, 5): no two sizes agree."""
    shapes = [(5, 3), (2, 5), (3, 7), (2, 7), (2, 5)]
    return [rng.standard_normal(shape) for shape in shapes]


def directional_derivative(function, point, direction, step=1e-6):
    return (function(point + step * direction) - function(point - step * direction)) / (2 * step)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_without_feedback_of_its_own_both_directions_are_minus_the_gradient(drawn, rng, activation):
    W0, W1, x, y, _ = drawn
    first, second = network.layer_updates(W0, W1, x, y, activation)

    def loss(W0, W1):
        return np.square(y - network.answers(W0, W1, x, activation)).sum() / 2

    U = rng.standard_normal(W0.shape)
    V = rng.standard_normal(W1.shape)
    assert close(directional_derivative(lambda at: loss(at, W1), W0, U), -(first * U).sum(), rtol=1e-7)
    assert close(directional_derivative(lambda at: loss(W0, at), W1, V), -(second * V).sum(), rtol=1e-7)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_feedback_takes_the_place_of_the_transpose_sample_by_sample(drawn, activation):
    W0, W1, x, y, C1 = drawn
    first, second = network.layer_updates(W0, W1, x, y, activation, C1)
    by_hand = np.zeros_like(W0)
    for sample in range(x.shape[1]):
        u = W0 @ x[:, sample]
        e = y[:, sample] - W1 @ activation.value(u)
        by_hand += np.outer((C1.T @ e) * activation.slope(u), x[:, sample])
    assert close(first, by_hand, atol=1e-13)
    assert np.array_equal(second, network.layer_updates(W0, W1, x, y, activation)[1])


@pytest.mark.parametrize(("rule", "own"), [(fa.FA, True), (fa.GD, False)])
def test_linear_units_and_isotropic_inputs_learn_by_the_papers_rules(problem, rule, own, rng):
    inputs = fa.orthonormal_columns(9, len(problem.Z), rng=rng).T
    feedback = problem.feedback.T if own else None
    wanted = problem.target.T @ inputs
    found = network.layer_updates(problem.Z.T, problem.W.T, inputs, wanted, network.LINEAR, feedback)
    for direction, derivative in zip(found, rule.field(problem, problem.Z, problem.W), strict=True):
        assert close(direction.T, derivative, atol=1e-12)


def test_the_slope_of_each_activation_is_its_derivative():
    u = np.array([-2.0, -0.5, 0.3, 4.0])
    for activation in ACTIVATIONS.values():
        slope = directional_derivative(activation.value, u, np.ones_like(u))
        assert close(activation.slope(u), slope, atol=1e-9)


def test_relu_units_that_are_exactly_0_are_off(drawn):
    """From weights of zeros neither layer learns, though the value at 0 is the limit from both sides."""
    W0, W1, x, y, C1 = drawn
    for direction in network.layer_updates(0 * W0, W1, x, y, network.RELU, C1):
        assert not direction.any()


def test_arrays_that_do_not_fit_are_refused(drawn):
    W0, W1, x, y, C1 = drawn
    with refused(ValueError, "W1 has shape (5, 2); it must be (5, 5) to fit the other arrays"):
        network.answers(W0, W1.T, x, network.TANH)
    with refused(ValueError, "inputs has shape (7, 3); it must be (3, 3) to fit the other arrays"):
        network.answers(W0, W1, x.T, network.TANH)
    with refused(ValueError, "wanted has shape (7, 2); it must be (2, 7) to fit the other arrays"):
        network.layer_updates(W0, W1, x, y.T, network.TANH)
    with refused(ValueError, "feedback has shape (5, 2); it must be (2, 5) to fit the other arrays"):
        network.layer_updates(W0, W1, x, y, network.TANH, C1.T)


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize(
    ("values", "kind", "says"),
    [
        (np.float64(1.0), ValueError, "{} has shape (); it must have 2 axes: reshape it"),
        (np.ones(3), ValueError, "{} has shape (3,); it must have 2 axes: reshape it"),
        (
            np.full((2, 2), np.inf),
            ValueError,
            "{} holds inf at (0, 0); entries must be finite: remove or repair it",
        ),
        (
            np.eye(3, dtype=int),
            TypeError,
            "{0} holds int64 entries; they must be real floating-point numbers: convert with np.asarray({0}, "
            "dtype=float), or take .real of complex ones",
        ),
    ],
)
def test_what_is_no_matrix_of_real_numbers_is_refused_by_its_name(drawn, position, values, kind, says):
    W0, W1, x, y, C1 = (values if place == position else array for place, array in enumerate(drawn))
    with refused(kind, says.format(["W0", "W1", "inputs", "wanted", "feedback"][position])):
        network.layer_updates(W0, W1, x, y, network.TANH, C1)


def test_what_overflows_is_told(drawn):
    W0, W1, x, y, _ = drawn
    with refused(FloatingPointError, f"answers{OVERFLOWS}"):
        network.answers(1e200 * W0, 1e200 * W1, x, network.LINEAR)
    with refused(FloatingPointError, f"layer_updates{OVERFLOWS}"):
        network.layer_updates(1e200 * W0, 1e200 * W1, x, y, network.LINEAR)


def test_units_that_overflow_and_cancel_are_told_as_well():
    W0 = np.array([[1e200], [1e200]])
    with refused(FloatingPointError, f"answers{OVERFLOWS}"):
        network.answers(W0, np.array([[1.0, -1.0]]), np.array([[1e200]]), network.LINEAR)


def test_a_second_layer_that_overflows_alone_is_told(drawn):
    W0, W1, x, y, C1 = drawn
    with refused(FloatingPointError, f"layer_updates{OVERFLOWS}"):
        network.layer_updates(1e200 * W0, W1, x, y, network.LINEAR, 0 * C1)
