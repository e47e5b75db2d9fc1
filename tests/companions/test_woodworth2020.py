import numpy as np
import pytest
from conftest import close
from scipy.integrate import solve_ivp
from scipy.optimize import linprog

from fa_utils.companions import woodworth2020


@pytest.fixture
def regression(rng):
    """Eight equations, twenty unknowns, and a solution with two nonzero entries."""
    inputs = rng.standard_normal((8, 20)) / np.sqrt(8)
    sparse = np.append([1.0, -1.0], np.zeros(18))
    return inputs, inputs @ sparse


def least_l1(inputs, outputs):
    """Return a solution of X beta = y of least l1-norm, by a linear program on both signs."""
    found = linprog(np.ones(2 * inputs.shape[1]), A_eq=np.hstack([inputs, -inputs]), b_eq=outputs)
    return found.x[: inputs.shape[1]] - found.x[inputs.shape[1] :]


def least_l2(inputs, outputs):
    return inputs.T @ np.linalg.solve(inputs @ inputs.T, outputs)


def gradient_flow(inputs, outputs, scale, depth, time):
    """Return beta and s, from both layers and the integral of the missing outputs."""
    unknowns = inputs.shape[1]

    def field(_, state):
        layers = state[: 2 * unknowns].reshape(2, unknowns)
        missing = outputs - inputs @ (layers[0] ** depth - layers[1] ** depth)
        moves = depth * layers ** (depth - 1) * (inputs.T @ missing) * np.array([[1], [-1]])
        return np.append(moves, missing)

    start = np.append(np.full(2 * unknowns, scale), np.zeros(len(outputs)))
    state = solve_ivp(field, (0, time), start, "LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
    up, down = state[: 2 * unknowns].reshape(2, unknowns)
    return up**depth - down**depth, inputs.T @ state[2 * unknowns :]


def feedback_flow(inputs, outputs, first, second, feedback, time):
    """Return beta under FA, from both layers."""

    def field(_, state):
        u, v = state.reshape(2, -1)
        push = inputs.T @ (outputs - inputs @ (u * v))
        return np.append(feedback * push, u * push)

    state = solve_ivp(field, (0, time), np.append(first, second), "LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
    return state.reshape(2, -1).prod(axis=0)


# --- links ---


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("scale", [0.2, 1.0])
def test_gradient_flow_keeps_its_link_and_ends_at_the_least_potential(regression, depth, scale):
    link = woodworth2020.gradient_link(scale, depth)
    beta, s = gradient_flow(*regression, scale, depth, 1.0)
    assert close(beta, link(s)[0], atol=1e-7)
    beta, _ = gradient_flow(*regression, scale, depth, 1e5)
    assert close(beta, woodworth2020.mirror_end(*regression, link), atol=1e-7)


@pytest.mark.parametrize("scale", [0.0, 0.1, 3.0])
def test_fas_flow_ends_at_the_least_point_of_its_potential(regression, rng, scale):
    feedback = rng.uniform(0.5, 1.5, 20) * rng.choice([-1.0, 1.0], 20)
    beta = feedback_flow(*regression, np.zeros(20), scale * np.sign(feedback), feedback, 1e6)
    if scale:
        end = woodworth2020.mirror_end(*regression, woodworth2020.feedback_link(scale, feedback))
        assert close(beta, end, atol=1e-7)
    dual = woodworth2020.feedback_dual(beta, max(scale, 1e-12), feedback)
    rows = regression[0].T
    assert close(rows @ np.linalg.lstsq(rows, dual)[0], dual, atol=1e-3 if scale == 0 else 1e-6)


@pytest.mark.parametrize(
    "link",
    [
        *(woodworth2020.gradient_link(0.7, depth) for depth in (2, 3, 5)),
        woodworth2020.feedback_link(0.7, np.linspace(-2, 2, 9)),
    ],
)
def test_a_slope_is_the_derivative_of_its_link(link):
    s = np.linspace(-0.06, 0.06, 9)
    difference = (link(s + 1e-6)[0] - link(s - 1e-6)[0]) / 2e-6
    assert close(link(s)[1], difference, rtol=1e-6, atol=1e-9)


def test_beyond_its_pole_a_link_is_nan():
    beta, slope = woodworth2020.gradient_link(1.0, 3)(np.array([0.2, 0.4, -0.4]))
    assert np.isfinite(beta[0]) and np.isnan(beta[1:]).all() and np.isnan(slope[1:]).all()


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e8])
def test_the_dual_of_fas_link_is_its_inverse(rng, scale):
    feedback = rng.standard_normal(9)
    s = np.linspace(-2, 2, 9)
    beta, _ = woodworth2020.feedback_link(scale, feedback)(s)
    assert close(woodworth2020.feedback_dual(beta, scale, feedback), s, rtol=1e-9, atol=1e-12)


# --- ends ---


def test_large_scales_give_the_least_l2_norm_small_ones_the_least_l1_norm(regression):
    far = woodworth2020.mirror_end(*regression, woodworth2020.gradient_link(30.0, 2))
    near = woodworth2020.mirror_end(*regression, woodworth2020.gradient_link(0.003, 3))
    assert close(far, least_l2(*regression), atol=1e-5)
    assert close(near, least_l1(*regression), atol=1e-5)


# --- what is refused ---


@pytest.mark.parametrize(
    ("scale", "depth", "kind", "says"),
    [
        (0.0, 2, ValueError, "scale is 0.0"),
        (1.0, 1, ValueError, "depth is 1"),
        (1.0, 2.0, TypeError, "depth is 2.0"),
    ],
)
def test_unusable_links_are_refused(scale, depth, kind, says):
    with pytest.raises(kind, match=says):
        woodworth2020.gradient_link(scale, depth)
    with pytest.raises(ValueError, match="scale is 0"):
        woodworth2020.feedback_dual([1.0], 0, [1.0])


def test_an_end_that_rounding_hides_is_refused(regression):
    with pytest.raises(FloatingPointError, match="rounding hides the end; choose a scale nearer to 1"):
        woodworth2020.mirror_end(*regression, woodworth2020.gradient_link(1e-7, 3))


def test_a_search_without_end_is_refused(regression, monkeypatch):
    monkeypatch.setattr(woodworth2020, "MOST_STEPS", 1)
    with pytest.raises(FloatingPointError, match="no end was found in 1 steps"):
        woodworth2020.mirror_end(*regression, woodworth2020.gradient_link(0.1, 2))
