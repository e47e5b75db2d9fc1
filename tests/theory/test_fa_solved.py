from dataclasses import replace

import numpy as np
import pytest
from conftest import OVERFLOWS, close, refused
from scipy.integrate import quad

import fa_utils as fa
from fa_utils import theory

# n, m, rank of Y, r: fewer units than rank, as many, spare ones, more than rows, more than columns, both.
SHAPES = [(8, 6, 6, 3), (6, 9, 2, 2), (8, 7, 3, 5), (4, 9, 3, 6), (9, 4, 2, 6), (5, 5, 5, 12)]


def zero_problem(shape, rng):
    """Return a problem with singular values from 2 to 1, Gaussian feedback and a start of zeros."""
    n, m, rank, r = shape
    target = fa.target_with_spectrum(np.linspace(2, 1, rank), (n, m), rng=rng)
    feedback = rng.standard_normal((r, m)) / np.sqrt(m)
    return fa.Problem(target, feedback, Z=np.zeros((n, r)), W=np.zeros((r, m)))


@pytest.fixture
def zero(rng):
    return zero_problem((7, 6, 4, 3), rng)


def trained(problem, rates, steps, momentum=0.0, decay=0.0):
    """Return Z and W after steps of FA on whole matrices, as an optimiser takes them."""
    layers = [problem.Z, problem.W]
    velocities = [0.0, 0.0]
    for _ in range(steps):
        directions = fa.FA.field(problem, *layers)
        for layer in (0, 1):
            velocities[layer] = momentum * velocities[layer] + directions[layer] - decay * layers[layer]
        layers = [layers[layer] + rates[layer] * velocities[layer] for layer in (0, 1)]
    return layers


# --- the flow ---


@pytest.mark.parametrize("shape", SHAPES)
def test_the_exact_run_is_that_of_an_accurate_solver(rng, shape):
    problem = zero_problem(shape, rng)
    for time in np.array([0.3, 1.0, 5.0]) / np.linalg.norm(problem.sketch, 2) ** (2 / 3):
        run = fa.flow(problem, fa.FA, [time])
        exact = theory.fa_exact(problem, [time])
        assert close(exact.Z, run.Z, atol=1e-9 * np.abs(run.Z).max())
        assert close(exact.W, run.W, atol=1e-9 * np.abs(run.W).max())


def test_a_share_is_reached_when_the_integral_says_so():
    """K(x) by quadrature, x from a small share to almost all."""
    x = np.array([1e-6, 0.01, 0.3, 0.9, 1 - 1e-6])
    integrals = [quad(lambda u: 1 / (1 - u**3), 0.0, end, epsabs=0, epsrel=1e-13)[0] for end in x]
    for value in (0.01, 1.0, 30.0):
        shares = theory.fa_shares([value], np.array(integrals) / np.cbrt(value**2 / 2))[:, 0]
        assert close(shares, x**3, rtol=1e-11)


def test_shares_keep_their_digits_from_the_first_moment_to_the_last():
    """Early they are t^3 s^2 / 2; late they miss 1 by the exponential of 3 t (s^2 / 2)^(1/3)."""
    early = theory.fa_shares([2.0], [1e-100, 1e-50, 1e-9])[:, 0]
    assert close(early, 2 * np.array([1e-300, 1e-150, 1e-27]), rtol=1e-8)
    rate = 3 * np.cbrt(2)
    missing = 1 - theory.fa_shares([2.0], np.array([4.0, 5.0]))[:, 0]
    assert np.log(missing[0] / missing[1]) == pytest.approx(rate, rel=1e-4)
    assert theory.fa_shares([2.0], [1e300])[0, 0] == 1.0


def test_half_a_mode_is_learnt_at_a_time_that_falls_like_the_power_two_thirds():
    values = np.array([0.01, 1.0, 100.0])
    times = 0.93771 * np.cbrt(2 / values**2)
    shares = [theory.fa_shares([value], [time])[0, 0] for value, time in zip(values, times, strict=True)]
    assert close(shares, 0.5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_run_ends_at_lemma_1s_product_and_at_a_cube_root(rng, shape):
    problem = zero_problem(shape, rng)
    Z, W = (layers[-1] for layers in (theory.fa_exact(problem, [1e9]).Z, theory.fa_exact(problem, [1e9]).W))
    wanted = fa.stationary_point(problem)
    assert close(Z @ W, wanted.Z @ wanted.W, atol=1e-12)
    assert close(Z @ Z.T @ Z, 2 * problem.sketch, atol=1e-12)
    assert close(Z.T @ Z / 2, W @ problem.feedback.T, atol=1e-12)


def test_the_run_learns_nothing_of_a_zero_target_or_without_feedback(zero):
    for silent in (replace(zero, target=0 * zero.target), replace(zero, feedback=0 * zero.feedback)):
        for run in (
            theory.fa_exact(silent, [0.0, 5.0]),
            theory.fa_descend_exact(silent, learning_rate=0.1, steps=3),
        ):
            assert not run.Z.any() and not run.W.any() and run.Z.shape[1:] == (7, 3)


def test_a_target_given_by_factors_is_never_formed(rng):
    target = fa.FactoredTarget(rng.standard_normal((3000, 2)), rng.standard_normal((2, 2000)))
    feedback = rng.standard_normal((4, 2000)) / 50
    problem = fa.Problem(target, feedback, Z=np.zeros((3000, 4)), W=np.zeros((4, 2000)))
    run = theory.fa_exact(problem, [1e9])
    assert close(run.Z[0] @ (run.W[0] @ feedback.T), problem.sketch, atol=1e-9 * np.abs(problem.sketch).max())


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
def test_scales_of_target_and_feedback_are_units(zero, scale):
    """With Y in units of a and C in units of b, Z is in units of (a b)^(1/3) and time in (a b)^(-2/3)."""
    scaled = replace(zero, target=scale * zero.target, feedback=zero.feedback * scale)
    unit = scale ** (2 / 3)
    run = theory.fa_exact(scaled, np.array([0.5, 3.0]) / unit**2)
    wanted = theory.fa_exact(zero, [0.5, 3.0])
    assert close(run.Z / unit, wanted.Z, atol=1e-12)
    assert close(run.W / scale * unit, wanted.W, atol=1e-12)


# --- training ---


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, 0.0), (0.0, 0.3), (0.9, 0.1)])
def test_training_is_that_of_whole_matrices_to_rounding(rng, shape, momentum, decay):
    problem = zero_problem(shape, rng)
    rates = (0.03, 0.02)
    exact = theory.fa_descend_exact(
        problem, learning_rate=rates, steps=300, momentum=momentum, decay=decay, every=7
    )
    Z, W = trained(problem, rates, 300, momentum, decay)
    assert close(exact.Z[-1], Z, atol=1e-13) and close(exact.W[-1], W, atol=1e-13)
    assert len(exact) == 44 and exact.times[-1] == pytest.approx(300 * 0.03)


def test_training_without_momentum_and_decay_is_descend(zero):
    for rate in (0.1, (0.1, 0.2)):
        run = theory.fa_descend_exact(zero, learning_rate=rate, steps=60, every=20)
        wanted = fa.descend(zero, fa.FA, rate, 60, every=20)
        assert np.array_equal(run.times, wanted.times)
        assert close(run.Z, wanted.Z, atol=1e-13) and close(run.W, wanted.W, atol=1e-13)


def test_training_keeps_every_step_unless_told_otherwise_and_may_be_one_step_long(zero):
    for steps in (1, 2, 5):
        run = theory.fa_descend_exact(zero, learning_rate=0.1, steps=steps)
        assert np.array_equal(run.times, 0.1 * np.arange(steps + 1))
    one = theory.fa_descend_exact(zero, learning_rate=0.1, steps=1)
    assert close(one.Z[1], 0.1 * zero.sketch, atol=1e-15) and not one.W.any()


def test_training_approaches_the_flow_in_first_order_of_the_rate(zero):
    wanted = theory.fa_exact(zero, [2.0])
    rates = 0.1 / 2.0 ** np.arange(2, 7)
    ends = [theory.fa_descend_exact(zero, learning_rate=rate, steps=round(2 / rate)) for rate in rates]
    errors = [np.abs(end.Z[-1] - wanted.Z[0]).max() for end in ends]
    assert np.polyfit(np.log(rates), np.log(errors), 1)[0] == pytest.approx(1, abs=0.1)


def test_with_decay_training_rests_where_the_cubic_says(zero):
    run = theory.fa_descend_exact(zero, learning_rate=0.1, steps=3000, decay=0.2)
    Z = run.Z[-1]
    W = run.W[-1]
    values = np.linalg.svd(Z, compute_uv=False)
    assert close(values**3 + 0.2 * values, np.linalg.svd(zero.sketch, compute_uv=False), atol=1e-12)
    assert close((zero.target - Z @ W) @ zero.feedback.T, 0.2 * Z, atol=1e-12)
    assert close(Z.T @ (zero.target - Z @ W), 0.2 * W, atol=1e-12)


# --- what is refused ---


@pytest.mark.parametrize("layer", ["Z", "W"])
def test_another_start_is_refused_with_the_way_out(zero, layer):
    started = replace(zero, **{layer: 1e-9 + 0 * getattr(zero, layer)})
    way_out = (
        "the start has entries up to 1e-09; {} needs Z = W = 0: dataclasses.replace(problem, "
        "Z=0 * problem.Z, W=0 * problem.W), or take fa.flow or fa.descend"
    )
    with refused(ValueError, way_out.format("fa_exact")):
        theory.fa_exact(started, [1.0])
    with refused(ValueError, way_out.format("fa_descend_exact")):
        theory.fa_descend_exact(started, learning_rate=0.1, steps=1)


def test_a_start_of_minus_zeros_is_a_start_of_zeros(zero):
    assert theory.fa_exact(replace(zero, Z=-zero.Z), [1.0]).Z.any()


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"learning_rate": 0.0}, ValueError, "learning_rate holds 0.0; choose numbers above 0"),
        ({"learning_rate": (0.1, -1.0)}, ValueError, "learning_rate holds -1.0"),
        (
            {"learning_rate": (0.1, 0.1, 0.1)},
            ValueError,
            "learning_rate holds 3 numbers; give one",
        ),
        ({"learning_rate": "fast"}, TypeError, "learning_rate holds"),
        ({"steps": 0}, ValueError, "steps is 0"),
        ({"steps": 1.0}, TypeError, "steps is 1.0"),
        ({"every": 0}, ValueError, "every is 0"),
        ({"momentum": 1.0}, ValueError, "momentum is 1.0; choose a number of at least 0 and below 1"),
        ({"momentum": -0.1}, ValueError, "momentum is -0.1"),
        ({"momentum": "0"}, TypeError, "momentum is '0'"),
        ({"decay": -0.1}, ValueError, "decay is -0.1"),
    ],
)
def test_unusable_settings_of_training_are_refused(zero, change, kind, says):
    with pytest.raises(kind, match=f"^{says}"):
        theory.fa_descend_exact(zero, **({"learning_rate": 0.1, "steps": 5} | change))


def test_a_rate_at_which_training_diverges_is_refused_with_the_step(zero):
    says = (
        r"^FA diverged: step \d+ at learning rates \[9.0\] gave a number that is not finite; "
        r"choose smaller rates, for instance a tenth$"
    )
    with pytest.raises(FloatingPointError, match=says) as caught:
        theory.fa_descend_exact(zero, learning_rate=9.0, steps=200)
    step = int(str(caught.value).split()[3])
    fine = theory.fa_descend_exact(zero, learning_rate=9.0, steps=step - 2)
    assert np.isfinite(fine.Z).all()


@pytest.mark.parametrize(
    ("times", "says"),
    [([-1.0, 1.0], "at least 0"), ([1.0, 1.0], "strictly increasing"), ([0.0, np.nan], "finite")],
)
def test_unusable_times_are_refused(zero, times, says):
    with pytest.raises(ValueError, match=says):
        theory.fa_exact(zero, times)
    with pytest.raises(ValueError, match=says):
        theory.fa_shares([1.0], times)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([0.0], "holds 0.0; choose numbers above 0"),
        ([-1.0, 1.0], "holds -1.0; choose numbers above 0"),
        ([], "has shape (0,) and so no entries; give it at least one"),
    ],
)
def test_shares_need_positive_singular_values(values, says):
    with refused(ValueError, f"singular_values {says}"):
        theory.fa_shares(values, [1.0])


def test_something_that_is_no_problem_is_refused(zero):
    with pytest.raises(TypeError, match="it must be a Problem"):
        theory.fa_exact(zero.target, [1.0])


@pytest.mark.filterwarnings("ignore:overflow")
def test_numbers_beyond_float64_are_refused(zero):
    with pytest.raises(FloatingPointError, match="the time in units of a mode overflows float64"):
        theory.fa_exact(replace(zero, target=1e80 * zero.target), [1e300])


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_second_layer_beyond_float64_is_refused(zero):
    """After two steps at the rates 1 and b it is b times C Y^T Y; Y C^T and the modes' numbers stay small."""
    lopsided = replace(zero, target=1e100 * zero.target, feedback=1e-100 * zero.feedback)
    with refused(FloatingPointError, f"W{OVERFLOWS}"):
        theory.fa_descend_exact(lopsided, learning_rate=(1.0, 1e250), steps=2)
