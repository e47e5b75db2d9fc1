from itertools import pairwise

import numpy as np
import pytest
from conftest import close, refused
from scipy.integrate import solve_ivp
from scipy.optimize import linprog

import fa_utils as fa
from fa_utils import theory


def singular_power(matrix, power):
    """Return the matrix with its singular values raised to a power."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return left * values**power @ right


def least_by_reweighting(inputs, outputs, strengths, exponent):
    """Return the solution of least weighted p-norm, by least squares weighted anew each time."""
    beta = inputs.T @ np.linalg.solve(inputs @ inputs.T, outputs)
    for _ in range(3000):
        weights = strengths ** (exponent - 1) * np.abs(beta) ** (2 - exponent)
        beta = weights * (inputs.T @ np.linalg.solve(inputs * weights @ inputs.T, outputs))
    return beta


@pytest.fixture
def regression(rng):
    """Six equations in fifteen unknowns, and random feedback for up to four layers."""
    inputs = rng.standard_normal((6, 15))
    feedback = rng.uniform(0.5, 1.5, (3, 15)) * rng.choice([-1.0, 1.0], (3, 15))
    return inputs, rng.standard_normal(6), feedback


# --- the exponent ---


@pytest.mark.parametrize("depth", range(1, 8))
def test_the_exponents_inverse_is_short_of_1_by_a_power_of_a_half(depth):
    exponent = theory.norm_exponent(depth)
    assert 1 / exponent == pytest.approx(1 - 2.0**-depth, rel=1e-15)
    assert exponent - 1 == pytest.approx(1 / (2**depth - 1), rel=1e-13)


@pytest.mark.parametrize(("depth", "kind"), [(0, ValueError), (2.0, TypeError), (True, TypeError)])
def test_a_depth_is_a_whole_number_from_1(depth, kind):
    for function in (theory.norm_exponent, lambda depth: theory.decayed_values([1.0], depth, 0.1)):
        with pytest.raises(kind, match="depth is"):
            function(depth)


# --- linear networks with decay ---


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("decay", [1e-3, 0.3, 0.9])
def test_decayed_values_are_where_the_penalised_error_is_level(depth, decay):
    """(sigma - q)^2 / 2 + decay q^p / p is strictly convex: it is least where its slope vanishes."""
    sigma = np.array([3.0, 1.0, 0.2])
    found = theory.decayed_values(sigma, depth, decay)
    assert close(found + decay * found ** (theory.norm_exponent(depth) - 1), sigma, rtol=1e-12)


def test_eight_of_newtons_steps_are_enough_for_any_value_and_decay(monkeypatch):
    monkeypatch.setattr(theory.depth, "NEWTON_STEPS", 8)
    sigma = np.geomspace(1e-8, 1e8, 17)
    for depth in range(1, 9):
        for decay in sigma:
            found = theory.decayed_values(sigma, depth, decay)
            seen = found > 1e-280  # nearer to 0 powers lose digits
            gone = decay * found[seen] ** (theory.norm_exponent(depth) - 1)
            assert close(found[seen] + gone, sigma[seen], rtol=1e-12)


def test_one_layer_shrinks_every_value_by_the_same_factor():
    assert close(theory.decayed_values([3.0, 1.0], 1, 0.5), np.array([2.0, 2 / 3]), rtol=1e-14)


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
def test_decayed_values_have_units(scale):
    """With sigma in units of u, the decay is in units of u^(2 - p)."""
    sigma = np.array([2.0, 1.0, 0.5])
    unit = scale ** (2 - theory.norm_exponent(3))
    found = theory.decayed_values(scale * sigma, 3, 0.4 * unit) / scale
    assert close(found, theory.decayed_values(sigma, 3, 0.4), rtol=1e-12)


def test_decayed_values_approach_soft_thresholding_with_depth():
    sigma = np.array([2.0, 1.0, 0.3])
    gaps = [np.abs(theory.decayed_values(sigma, depth, 0.5) - [1.5, 0.5, 0]).max() for depth in (2, 4, 6, 8)]
    assert np.all(np.diff(gaps) < 0) and gaps[-1] < 0.01
    assert theory.decayed_values([0.0, 1.0], 3, 0.5)[0] == 0


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_deep_networks_with_decay_rest_at_the_power_of_their_error_and_at_decayed_values(depth, rng):
    decay = 0.4
    target = fa.target_with_spectrum(np.linspace(2, 0.6, 4), (5, 4), rng=rng)
    sides = [5, *[6] * (depth - 1), 4]
    layers = [0.3 * rng.standard_normal(shape) for shape in pairwise(sides)]
    feedback = [fa.orthonormal_columns(6, 4, rng=rng) for _ in range(depth - 1)] + [np.eye(4)]
    for _ in range(3000):
        below = [np.eye(5)]
        for layer in layers:
            below.append(below[-1] @ layer)
        error = target - below[-1]
        layers = [
            layer + 0.05 * (before.T @ error @ signal.T - decay * layer)
            for layer, before, signal in zip(layers, below[:-1], feedback, strict=True)
        ]
    assert close(below[-1], singular_power(error / decay, 2**depth - 1), atol=1e-10)
    found = np.linalg.svd(below[-1], compute_uv=False)
    assert close(found, theory.decayed_values(np.linspace(2, 0.6, 4), depth, decay), atol=1e-10)


# --- diagonal networks from zero ---


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_diagonal_network_is_a_power_all_along_and_ends_where_it_should(depth, regression):
    inputs, outputs, feedback = regression
    signals = np.vstack([feedback[: depth - 1], np.ones(15)])

    def field(time, state):
        layers = state[:-15].reshape(depth, 15)
        below = np.cumprod(np.vstack([np.ones(15), layers]), axis=0)
        push = inputs.T @ (outputs - inputs @ below[-1])
        return np.concatenate([(below[:-1] * signals * push).ravel(), push])

    run = solve_ivp(field, (0, 1e6), np.zeros(15 * (depth + 1)), "LSODA", [10.0, 1e6], rtol=1e-10, atol=1e-13)
    coefficients = run.y[:-15].reshape(depth, 15, 2).prod(axis=0).T
    strengths = theory.diagonal_strengths(feedback[: depth - 1])[-1] if depth > 1 else np.ones(15)
    powers = strengths * run.y[-15:].T ** (2**depth - 1)
    assert close(coefficients, powers, atol=1e-7)
    assert close(coefficients[-1], theory.diagonal_ends(inputs, outputs, feedback)[depth - 1], atol=1e-7)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_an_end_is_the_solution_of_least_weighted_norm(depth, regression):
    inputs, outputs, feedback = regression
    strengths = theory.diagonal_strengths(feedback)[depth - 1]
    wanted = least_by_reweighting(inputs, outputs, strengths, theory.norm_exponent(depth))
    assert close(theory.diagonal_ends(inputs, outputs, feedback)[depth - 1], wanted, atol=1e-9)


def test_signs_of_the_feedback_do_not_matter_and_outputs_are_units(regression):
    inputs, outputs, feedback = regression
    ends = theory.diagonal_ends(inputs, outputs, feedback)
    assert close(theory.diagonal_ends(inputs, outputs, -feedback), ends)
    for scale in (1e-8, 1e8):
        assert close(theory.diagonal_ends(inputs, scale * outputs, feedback) / scale, ends, atol=1e-9)
        assert close(theory.diagonal_ends(scale * inputs, outputs, feedback) * scale, ends, atol=1e-9)


def test_outputs_may_be_whole_numbers(regression):
    inputs, _, feedback = regression
    ends = theory.diagonal_ends(inputs, np.arange(6), feedback)
    assert np.array_equal(ends, theory.diagonal_ends(inputs, np.arange(6.0), feedback))


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_the_size_of_all_the_feedback_does_not_matter_though_strengths_grow_like_its_powers(rng, scale):
    inputs = rng.standard_normal((6, 15))
    outputs = rng.standard_normal(6)
    feedback = np.ones((5, 15))
    ends = theory.diagonal_ends(inputs, outputs, feedback)
    assert close(theory.diagonal_ends(inputs, outputs, scale * feedback), ends, atol=1e-9)


@pytest.mark.parametrize("seed", [18, 64])
@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_six_of_newtons_steps_are_enough_where_whole_ones_go_too_far(monkeypatch, seed, unit):
    """Without halving them, or with another slope of the height, these take more, up to no end."""
    monkeypatch.setattr(theory.depth, "MOST_STEPS", 7)  # the last finds that nothing is missing
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((2, 5))
    feedback = rng.uniform(0.5, 1.5, (4, 5))
    outputs = unit * rng.standard_normal(2)
    ends = theory.diagonal_ends(inputs, outputs, feedback)
    assert close(inputs @ ends.T / unit, np.tile(outputs / unit, (5, 1)).T, atol=1e-10)


def test_depth_finds_what_is_sparse_and_no_norm_exceeds_its_bound(rng):
    inputs = rng.standard_normal((20, 40))
    sparse = np.zeros(40)
    sparse[:2] = 1.0
    ends = theory.diagonal_ends(inputs, inputs @ sparse, np.ones((5, 40)))
    norms = np.abs(ends).sum(axis=1)
    assert np.all(norms <= 2 * 40 ** (0.5 ** np.arange(1, 7)))
    assert np.abs(ends[0] - sparse).max() > 0.1 and np.abs(ends[-1] - sparse).max() < 1e-9
    assert close(inputs @ ends.T, np.tile(inputs @ sparse, (6, 1)).T, atol=1e-10)


def test_the_ceiling_bounds_what_is_wrong_from_both_sides(rng):
    """Step by step as N11 proves it, at four layers."""
    inputs = rng.standard_normal((20, 40))
    signs = np.append([1.0, -1.0], np.zeros(38))
    beta = theory.diagonal_ends(inputs, inputs @ signs, np.ones((3, 40)))[3]
    roots = np.sign(beta) * np.abs(beta) ** (1 / 15)
    ceiling = theory.least_ceiling(inputs, signs)
    change = inputs[:, 2:].T @ np.linalg.pinv(inputs[:, :2]).T @ (roots - signs)[:2]
    off = np.abs(change).max()
    assert ceiling - off <= np.abs(roots[2:]).max() <= 38 ** (1 / 16) * (ceiling + off)
    assert off < 0.05 < ceiling < 1


def test_a_ceiling_below_1_means_that_the_least_l1_norm_finds_the_vector(rng):
    for rows in (4, 6, 8, 10):
        inputs = rng.standard_normal((rows, 20))
        signs = np.append([1.0, 1.0, -1.0], np.zeros(17))
        parts = linprog(np.ones(40), A_eq=np.hstack([inputs, -inputs]), b_eq=inputs @ signs).x
        found = close(parts[:20] - parts[20:], signs, atol=1e-7)
        assert found == (theory.least_ceiling(inputs, signs) < 1)


def test_signs_that_nothing_attains_are_refused():
    with pytest.raises(ValueError, match="no mu attains the signs"):
        theory.least_ceiling(np.ones((3, 4)), [1, -1, 0, 0])


def test_nothing_is_learnt_of_outputs_that_are_zero(regression):
    inputs, outputs, feedback = regression
    assert not theory.diagonal_ends(inputs, 0 * outputs, feedback).any()


# --- what is refused ---


@pytest.mark.parametrize(
    ("values", "decay", "says"),
    [([-1.0], 0.1, "singular_values holds -1.0"), ([1.0], 0.0, "decay is 0.0; choose a number above 0")],
)
def test_unusable_values_and_decays_are_refused(values, decay, says):
    with pytest.raises(ValueError, match=says):
        theory.decayed_values(values, 2, decay)


def test_unusable_regressions_are_refused_with_the_way_out(regression):
    inputs, outputs, feedback = regression
    with refused(ValueError, "inputs have shape (6, 15); with these outputs and feedback it must be (5, 15)"):
        theory.diagonal_ends(inputs, outputs[:5], feedback)
    with pytest.raises(ValueError, match="it must be"):
        theory.diagonal_ends(inputs, outputs, feedback[:, :4])
    for dependent in (np.tile(inputs, (3, 1)), inputs[[0, 1, 2, 3, 4, 4]]):
        with pytest.raises(ValueError, match="have dependent rows; drop those that others explain"):
            theory.diagonal_ends(dependent, np.resize(outputs, len(dependent)), feedback)
    says = "feedback has zeros, or entries near 0 whose powers are 0; choose larger ones"
    with refused(ValueError, says):
        theory.diagonal_ends(inputs, outputs, 0 * feedback)


def test_arrays_with_other_axes_are_refused_by_name(regression):
    inputs, outputs, feedback = regression
    with refused(ValueError, "feedback has shape (15,); it must have 2 axes: reshape it"):
        theory.diagonal_strengths(feedback[0])
    with refused(ValueError, "inputs has shape (15,); it must have 2 axes: reshape it"):
        theory.diagonal_ends(inputs[0], outputs, feedback)
    with refused(ValueError, "outputs has shape (6, 1); it must have 1 axes: reshape it"):
        theory.diagonal_ends(inputs, outputs[:, None], feedback)
    with refused(ValueError, "inputs has shape (15,); it must have 2 axes: reshape it"):
        theory.least_ceiling(inputs[0], np.ones(15))
    with refused(ValueError, "signs has shape (1, 15); it must have 1 axes: reshape it"):
        theory.least_ceiling(inputs, np.ones((1, 15)))


@pytest.mark.filterwarnings("ignore:overflow")
def test_strengths_beyond_float64_are_refused(regression):
    with pytest.raises(FloatingPointError, match="diagonal_strengths overflows float64"):
        theory.diagonal_strengths(1e100 * regression[2])


def test_a_search_without_end_is_refused(regression, monkeypatch):
    monkeypatch.setattr(theory.depth, "MOST_STEPS", 1)
    with pytest.raises(FloatingPointError, match="no end was found for power 3; choose fewer layers"):
        theory.diagonal_ends(*regression)
