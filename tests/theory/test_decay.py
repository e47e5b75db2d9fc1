from dataclasses import replace

import numpy as np
import pytest
from conftest import close, refused

import fa_utils as fa
from fa_utils import theory

DECAY = 0.3
# n, m, rank of Y, r: fewer units than rank, as many, spare ones, more than rows, more than columns, both.
SHAPES = [(8, 6, 6, 3), (6, 9, 2, 2), (8, 7, 3, 5), (4, 9, 3, 6), (9, 4, 2, 6), (5, 5, 5, 12)]


def random_case(shape, rng):
    """Return a problem with singular values from 2 to 1, Gaussian feedback and a random start."""
    n, m, rank, r = shape
    target = fa.target_with_spectrum(np.linspace(2, 1, rank), (n, m), rng=rng)
    return fa.random_problem(target, r, start_scale=0.4, feedback_scale=1 / np.sqrt(m), rng=rng)


@pytest.fixture
def problem(rng):
    return random_case((7, 6, 4, 5), rng)


@pytest.fixture
def orthonormal(rng):
    """A problem whose C has orthonormal columns times 1.5, with more units than columns."""
    target = fa.target_with_spectrum([2.0, 1.0, 0.3], (7, 5), rng=rng)
    feedback = 1.5 * fa.orthonormal_columns(6, 5, rng=rng)
    return fa.Problem(target, feedback, Z=np.zeros((7, 6)), W=np.zeros((6, 5)))


def derivatives_at(problem, rule, point):
    """Return the largest entry of dZ and dW."""
    return max(np.abs(part).max() for part in rule.field(problem, *point))


# --- rules ---


def test_feedback_on_the_squared_error_is_fa(problem):
    rule = theory.feedback_on(lambda P: problem.target - P)
    for found, wanted in zip(
        rule.field(problem, problem.Z, problem.W), fa.FA.field(problem, problem.Z, problem.W), strict=True
    ):
        assert close(found, wanted, atol=1e-14)


def test_feedback_on_a_loss_is_called_so_where_it_has_no_name_of_its_own():
    assert repr(theory.feedback_on(np.negative)) == "Rule(FA on a loss)"


def test_feedback_on_a_loss_is_not_downhill_but_its_second_layer_is(problem):
    """W moves along minus the gradient of the loss, here the sum of log cosh of the error's entries."""
    rule = theory.feedback_on(lambda P: np.tanh(problem.target - P), "FA")
    dW = rule.field(problem, problem.Z, problem.W)[1]
    direction = np.random.default_rng(0).standard_normal(dW.shape)
    losses = [
        np.log(np.cosh(problem.target - problem.Z @ (problem.W + step * direction))).sum()
        for step in (-1e-5, 1e-5)
    ]
    assert (losses[0] - losses[1]) / 2e-5 == pytest.approx((dW * direction).sum(), rel=1e-7)


@pytest.mark.parametrize(("decay", "parts"), [(0.3, (0.3, 0.3)), ((0.2, 0.5), (0.2, 0.5)), (0.0, (0, 0))])
@pytest.mark.parametrize("rule", [fa.GD, fa.FA], ids=str)
def test_decay_takes_each_layers_share_off_its_direction(problem, rule, decay, parts):
    decaying = theory.with_decay(rule, decay)
    found = decaying.field(problem, problem.Z, problem.W)
    plain = rule.field(problem, problem.Z, problem.W)
    assert np.array_equal(found[0], plain[0] - parts[0] * problem.Z)
    assert np.array_equal(found[1], plain[1] - parts[1] * problem.W)
    assert decaying.name == f"{rule.name} with decay"


# --- alignment ---


@pytest.mark.parametrize("decays", [(0.3, 0.3), (0.0, 0.3), (0.3, 0.0), (0.2, 0.5)])
def test_a_step_of_training_changes_the_excess_of_alignment_by_an_exact_law(problem, decays):
    """A - Z^T Z becomes (1 - rate b) times itself, plus rate (2a - b) Z^T Z, minus the square of Z's step."""
    rule = theory.with_decay(theory.feedback_on(lambda P: np.tanh(problem.target - P)), decays)
    rate = 0.1
    run = fa.descend(problem, rule, rate, 50)
    excess = -fa.conserved_by_fa(problem, run.Z, run.W)
    moved = np.diff(run.Z, axis=0)
    grams = run.Z.mT @ run.Z
    predicted = (1 - rate * decays[1]) * excess + rate * (2 * decays[0] - decays[1]) * grams
    assert close(excess[1:], predicted[:-1] - moved.mT @ moved, atol=1e-13)


def test_misalignment_dies_at_the_rate_of_the_decay(problem):
    opposed = replace(problem, W=-problem.feedback)
    times = np.linspace(0, 10, 21)
    run = fa.flow(opposed, theory.with_decay(fa.FA, DECAY), times)
    excess = -fa.conserved_by_fa(opposed, run.Z, run.W)
    forgotten = np.exp(-DECAY * times)[:, None, None] * excess[0]
    assert np.linalg.eigvalsh(excess - forgotten).min() > -1e-10
    assert np.linalg.eigvalsh(excess[0])[0] < -1


# --- the rest point ---


@pytest.mark.parametrize("decay", [0.01, 0.3, 5.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_moves_at_the_rest_point(rng, shape, decay):
    problem = random_case(shape, rng)
    rule = theory.with_decay(fa.FA, decay)
    assert derivatives_at(problem, rule, theory.decay_rest(problem, decay)) < 1e-13


@pytest.mark.parametrize("shape", SHAPES)
def test_training_from_a_random_start_comes_to_the_rest_point(rng, shape):
    problem = random_case(shape, rng)
    run = fa.descend(problem, theory.with_decay(fa.FA, DECAY), 0.1, 2700, every=2700)
    rest = theory.decay_rest(problem, DECAY)
    assert close(run.Z[-1], rest.Z, atol=1e-11) and close(run.W[-1], rest.W, atol=1e-11)


def test_the_rest_point_is_a_ridge_regression_and_tends_to_lemma_1(problem):
    Z, W = theory.decay_rest(problem, DECAY)
    ridge = np.linalg.solve(Z.T @ Z + DECAY * np.eye(5), Z.T @ problem.target)
    assert close(W, ridge, atol=1e-14)
    limit = np.matmul(*fa.stationary_point(problem))
    for decay in (1e-4, 1e-6):
        assert close(np.matmul(*theory.decay_rest(problem, decay)), limit, atol=2 * decay)


def test_a_target_given_by_factors_has_the_same_rest_point(problem):
    factored = replace(problem, target=fa.FactoredTarget(problem.target, np.eye(6)))
    for found, wanted in zip(
        theory.decay_rest(factored, DECAY), theory.decay_rest(problem, DECAY), strict=True
    ):
        assert close(found, wanted, atol=1e-14)


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
def test_scales_of_target_and_feedback_are_units(problem, scale):
    """With Y in units of a and C of b, Z is in units of (a b)^(1/3) and the decay in (a b)^(2/3)."""
    unit = scale ** (2 / 3)
    scaled = replace(problem, target=scale * problem.target, feedback=scale * problem.feedback)
    found = theory.decay_rest(scaled, DECAY * unit**2)
    wanted = theory.decay_rest(problem, DECAY)
    assert close(found.Z / unit, wanted.Z, atol=1e-13)
    assert close(found.W / scale * unit, wanted.W, atol=1e-13)


# --- the penalty ---


@pytest.mark.parametrize("decay", [0.05, 0.5, 4.0])
def test_what_decay_leaves_solves_the_cubic_and_is_the_rest_points(orthonormal, decay):
    values = np.linalg.svd(orthonormal.target, compute_uv=False)
    left = theory.decay_shrinkage(values, decay, feedback_scale=1.5)
    gone = values - left
    assert close(gone + 1.5**2 * gone**3 / decay**3, values, atol=1e-12)
    product = np.matmul(*theory.decay_rest(orthonormal, decay))
    assert close(np.linalg.svd(product, compute_uv=False), left, atol=1e-13)


def test_however_large_the_decay_something_is_left():
    """For a large decay it is sigma^3 / decay^3, with all its digits."""
    left = theory.decay_shrinkage([2.0, 1e-6, 0.0], decay=1e4)
    assert close(left, [8e-12, 1e-30, 0.0], rtol=1e-7)
    assert close(theory.decay_shrinkage([2.0], decay=1e-9), [2.0], rtol=1e-8)


@pytest.mark.parametrize("exponent", [4 / 3, 1.7, 2.0, 3.0])
def test_the_slope_is_the_gradient_of_the_penalty(rng, exponent):
    P = rng.standard_normal((5, 4))
    direction = rng.standard_normal((5, 4))
    penalties = [
        (np.linalg.svd(P + step * direction, compute_uv=False) ** exponent).sum() / exponent
        for step in (-1e-5, 1e-5)
    ]
    slope = (theory.schatten_slope(P, exponent) * direction).sum()
    assert (penalties[1] - penalties[0]) / 2e-5 == pytest.approx(slope, rel=1e-8)


def test_slopes_of_exponents_two_and_one_are_known(rng):
    P = rng.standard_normal((5, 2)) @ rng.standard_normal((2, 4))
    assert close(theory.schatten_slope(P, 2), P, atol=1e-13)
    slope = theory.schatten_slope(P, 1)
    assert close(slope @ slope.T @ slope, slope, atol=1e-13) and np.linalg.matrix_rank(slope) == 2


@pytest.mark.parametrize("decay", [0.1, 1.0, 3.0])
def test_at_rest_the_gradient_is_the_slope_of_the_four_thirds_penalty(orthonormal, decay):
    product = np.matmul(*theory.decay_rest(orthonormal, decay))
    weight = decay * 1.5 ** (-2 / 3)
    wanted = weight * theory.schatten_slope(product, 4 / 3)
    assert close(orthonormal.target - product, wanted, atol=1e-12)


# --- what is refused ---


def test_fa_star_cannot_decay():
    with refused(ValueError, "the W of FA* follows from Z and does not decay; take fa.GD or fa.FA"):
        theory.with_decay(fa.FA_STAR, 0.1)


@pytest.mark.parametrize(
    ("decay", "kind", "says"),
    [
        (-0.1, ValueError, "decay holds -0.1; choose numbers of at least 0"),
        ((0.1, 0.2, 0.3), ValueError, "decay holds 3 numbers; give one, or a pair for"),
        (np.inf, ValueError, "decay holds inf"),
        ("little", TypeError, "decay holds"),
    ],
)
def test_unusable_decays_of_a_rule_are_refused(decay, kind, says):
    with pytest.raises(kind, match=f"^{says}"):
        theory.with_decay(fa.FA, decay)


def test_what_is_no_rule_or_no_function_is_refused(problem):
    with pytest.raises(TypeError, match="it must be a Rule"):
        theory.with_decay("FA", 0.1)
    with refused(TypeError, "downhill is a ndarray; it must be a function of the product ZW"):
        theory.feedback_on(problem.target)
    with pytest.raises(TypeError, match="it must be a Problem"):
        theory.decay_rest(problem.target, 0.1)


@pytest.mark.parametrize("decay", [0.0, -1.0, np.nan])
def test_the_rest_point_needs_decay(problem, decay):
    with pytest.raises(ValueError, match=r"^decay is"):
        theory.decay_rest(problem, decay)
    with pytest.raises(ValueError, match=r"^decay is"):
        theory.decay_shrinkage([1.0], decay)


def test_unusable_arguments_of_the_penalty_are_refused():
    with pytest.raises(ValueError, match=r"^singular_values holds -1.0"):
        theory.decay_shrinkage([-1.0], 0.1)
    with pytest.raises(ValueError, match=r"^feedback_scale is 0"):
        theory.decay_shrinkage([1.0], 0.1, feedback_scale=0)
    with refused(ValueError, "exponent is 0.5; choose a number of at least 1"):
        theory.schatten_slope(np.eye(2), 0.5)
    with refused(TypeError, "exponent is 'nuclear'; give one real number"):
        theory.schatten_slope(np.eye(2), "nuclear")
    with pytest.raises(ValueError, match=r"^product has shape"):
        theory.schatten_slope(np.ones(3), 2)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
def test_numbers_beyond_float64_are_refused(problem):
    with pytest.raises(FloatingPointError, match="decay_shrinkage overflows float64"):
        theory.decay_shrinkage([1e200], 1e-100)
    with pytest.raises(FloatingPointError, match=r"^Z overflows float64"):
        theory.decay_rest(replace(problem, target=1e200 * problem.target), 1e-100)
    loud = fa.Problem(np.full((4, 1), 1.7e308), np.full((1, 1), 1e-300), np.ones((4, 1)), np.ones((1, 1)))
    with pytest.raises(FloatingPointError, match=r"^W overflows float64"):
        theory.decay_rest(loud, 1.0)
