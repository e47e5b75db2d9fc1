import numpy as np
import pytest
from conftest import close, refused
from hypothesis import given
from hypothesis import strategies as st

import fa_utils as fa
from fa_utils.companions import zhang2021

seeds = st.integers(0, 2**32 - 1)
scales = st.floats(-8, 8).map(lambda power: 10**power)


def drawn(rng, rows=7, columns=4, rank=2):
    """Return a target of this rank and a start of order one."""
    factor = rng.standard_normal((rows, rank))
    return factor @ factor.T, rng.standard_normal((rows, columns))


def near_truth(spare, condition, seed=0):
    """Return a target of size 12 and rank 3, and a start near it with so many spare columns."""
    rng = np.random.default_rng(seed)
    factor = zhang2021.random_factor(12, 3, condition, rng=rng)
    start = zhang2021.start_near(factor, 3 + spare, 0.1 / np.sqrt(condition), rng=rng)
    return factor @ factor.T, start


def damped_by_error(error, residual):
    return np.linalg.norm(error)


def damped_by_residual(error, residual):
    return np.square(residual).sum()


# --- targets and starts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("rank", "condition"), [(1, 1.0), (3, 1.0), (4, 1e6)])
def test_a_targets_eigenvalues_run_evenly_on_a_logarithmic_scale(rng, rank, condition):
    factor = zhang2021.random_factor(9, rank, condition, rng=rng)
    values = np.linalg.eigvalsh(factor @ factor.T)[::-1]
    assert close(values[:rank], np.geomspace(1, 1 / condition, rank), atol=1e-14)
    assert close(values[rank:], 0, atol=1e-14)


def test_a_start_without_noise_is_the_truth_with_columns_of_zeros(rng):
    factor = rng.standard_normal((5, 2))
    start = zhang2021.start_near(factor, 4, 0.0, rng=rng)
    assert np.array_equal(start[:, :2], factor)
    assert not start[:, 2:].any()


def test_what_is_added_to_the_truth_has_the_scale(rng):
    factor = np.ones((200, 50))
    noise = zhang2021.start_near(factor, 100, 0.3, rng=rng)
    noise[:, :50] -= 1
    # The relative deviation of a deviation found from N numbers is 1 / sqrt(2 N): here seven of them.
    assert close(noise.std(), 0.3, atol=0.3 * 7 / np.sqrt(2 * noise.size))


@pytest.mark.parametrize(
    ("condition", "says"),
    [(0.5, "condition is 0.5; choose at least 1"), (-1.0, "condition is -1.0; choose a number above 0")],
)
def test_a_condition_below_one_is_refused(rng, condition, says):
    with refused(ValueError, says):
        zhang2021.random_factor(5, 2, condition, rng=rng)


def test_unusable_starts_are_refused(rng):
    with refused(ValueError, "columns is 1; choose at least 2"):
        zhang2021.start_near(np.ones((3, 2)), 1, 0.1, rng=rng)
    with refused(ValueError, "scale is -0.1; choose a number of at least 0"):
        zhang2021.start_near(np.ones((3, 2)), 2, -0.1, rng=rng)
    says = "rng is 7; it must be a Generator: pass rng=np.random.default_rng(seed)"
    with refused(TypeError, says):
        zhang2021.start_near(np.ones((3, 2)), 2, 0.1, rng=7)


# --- the factor -----------------------------------------------------------------------------------------


@given(seeds, scales)
def test_the_damped_inverse_is_what_its_formula_says(seed, scale):
    X = scale * np.random.default_rng(seed).standard_normal((7, 4))
    damping = 0.3 * scale**2
    wanted = X @ np.linalg.inv(X.T @ X + damping * np.eye(4))
    assert close(zhang2021.damped_inverse(X, damping), wanted, atol=1e-12 / scale)


def test_without_damping_it_is_the_pseudo_inverse_also_with_dead_columns(rng):
    X = rng.standard_normal((6, 3)) @ np.diag([1.0, 1.0, 0.0])
    X = np.hstack([X, np.zeros((6, 2))])
    assert close(zhang2021.damped_inverse(X, 0.0), np.linalg.pinv(X).T, atol=1e-13)
    assert np.array_equal(zhang2021.damped_inverse(np.zeros((3, 2)), 0.0), np.zeros((3, 2)))


def test_a_negative_damping_is_refused():
    with refused(ValueError, "damping is -1.0; choose a number of at least 0"):
        zhang2021.damped_inverse(np.eye(2), -1.0)
    with refused(ValueError, "damping is -1.0; choose a number of at least 0"):
        zhang2021.descend_factor(np.eye(2), 2 * np.eye(2), 0.1, 1, lambda error: -1.0)


# --- descent --------------------------------------------------------------------------------------------


def test_a_step_goes_down_the_gradient_of_a_quarter_of_the_squared_error(rng):
    target, start = drawn(rng)
    step = zhang2021.descend_factor(target, start, 1e-3, 1).X - start
    slope = np.empty(start.shape)
    for place in np.ndindex(*start.shape):
        nudged = start.astype(complex)
        nudged[place] += 1e-100j
        slope[place] = np.square(nudged @ nudged.T - target).sum().imag / 4 / 1e-100
    assert close(step, -1e-3 * slope, atol=1e-14 * np.abs(slope).max())


def test_a_preconditioned_step_is_the_gradient_step_times_the_factor(rng):
    target, start = drawn(rng)
    residual = start @ start.T - target
    damping = 0.7 * np.linalg.norm(residual)
    factor = np.linalg.inv(start.T @ start + damping * np.eye(4))
    wanted = start - 0.2 * residual @ start @ factor
    found = zhang2021.descend_factor(target, start, 0.2, 1, lambda error: 0.7 * error)
    assert close(found.X, wanted, atol=1e-13)


@pytest.mark.parametrize("damping", [None, lambda error: error])
def test_errors_are_those_at_the_start_after_each_step_and_in_the_end(rng, damping):
    target, start = drawn(rng)
    run = zhang2021.descend_factor(target, start, 0.01, 5, damping)
    assert run.errors.shape == (6,)
    for steps in range(1, 6):
        shorter = zhang2021.descend_factor(target, start, 0.01, steps, damping)
        assert np.array_equal(shorter.errors, run.errors[: steps + 1])
        assert close(np.linalg.norm(shorter.X @ shorter.X.T - target), shorter.errors[-1], rtol=1e-13)


@given(seeds)
@pytest.mark.parametrize("damping", [None, lambda error: error])
def test_rotations_of_rows_and_columns_rotate_the_run(damping, seed):
    rng = np.random.default_rng(seed)
    target, start = drawn(rng)
    rows = fa.orthonormal_columns(7, 7, rng=rng)
    columns = fa.orthonormal_columns(4, 4, rng=rng)
    run = zhang2021.descend_factor(target, start, 0.01, 10, damping)
    rotated = zhang2021.descend_factor(rows @ target @ rows.T, rows @ start @ columns, 0.01, 10, damping)
    assert close(rotated.X, rows @ run.X @ columns, atol=1e-10)


@given(seeds, scales)
def test_precgd_has_no_unit_and_gd_needs_a_rate_in_one(seed, scale):
    target, start = drawn(np.random.default_rng(seed))
    larger = scale**2 * target, scale * start
    precgd = zhang2021.descend_factor(target, start, 0.1, 20, lambda error: error)
    other = zhang2021.descend_factor(*larger, 0.1, 20, lambda error: error)
    assert close(other.errors / scale**2, precgd.errors, rtol=1e-9, atol=1e-12)
    plain = zhang2021.descend_factor(target, start, 0.001, 20)
    other = zhang2021.descend_factor(*larger, 0.001 / scale**2, 20)
    assert close(other.errors / scale**2, plain.errors, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("condition", [1, 10])
def test_gradient_descent_without_spare_columns_is_linear_at_the_least_eigenvalue(condition):
    target, start = near_truth(0, condition)
    errors = zhang2021.descend_factor(target, start, 0.3, 60 * condition).errors
    found = np.log(errors[-1] / errors[30 * condition]) / (30 * condition)
    assert close(found, np.log(1 - 0.3 / condition), rtol=0.01)


@pytest.mark.parametrize("spare", [1, 4])
def test_gradient_descent_with_spare_columns_falls_as_one_over_time(spare):
    target, start = near_truth(spare, 1)
    errors = zhang2021.descend_factor(target, start, 0.3, 4000).errors
    growth = (1 / errors[-1] - 1 / errors[2000]) / (0.3 * 2000)
    assert close(growth, 2 / np.sqrt(spare), rtol=0.05)


@pytest.mark.parametrize("condition", [1, 1000])
@pytest.mark.parametrize(
    ("spare", "share", "wanted"),
    [
        (0, 1.0, 0.7),
        (4, 0.1, 0.7),  # 0.1 * sqrt(4) is below sqrt(0.7)
        (1, 1.0, (1 - 0.3 / 2) ** 2),
        (4, 1.0, (1 - 0.3 / 3) ** 2),
        (4, 5.0, (1 - 0.3 / 11) ** 2),
    ],
)
def test_precgd_is_linear_and_its_factor_depends_on_damping_and_spare_columns_alone(
    condition, spare, share, wanted
):
    target, start = near_truth(spare, condition)
    errors = zhang2021.descend_factor(target, start, 0.3, 500, lambda error: share * error).errors
    last = np.argmax(errors < 1e-11)
    first = last // 2
    assert close(np.log(errors[last] / errors[first]) / (last - first), np.log(wanted), rtol=0.05)


def test_precgd_goes_on_where_spare_columns_have_died_out():
    target, start = near_truth(3, 10)
    run = zhang2021.descend_factor(target, start, 0.3, 2000, lambda error: 0.01 * error)
    assert run.errors[-1] < 1e-14
    assert np.linalg.matrix_rank(run.X, tol=1e-7) == 3


def test_divergence_is_an_error_that_names_the_step():
    says = "descent diverged at step 2; choose a learning rate below 1000.0"
    with refused(FloatingPointError, says):
        zhang2021.descend_factor(np.eye(2), 2e10 * np.eye(2), 1000.0, 10)


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"target": np.eye(4)}, ValueError, "target has shape (4, 4); a start of shape (3, 2) needs (3, 3)"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate is 0.0; choose a number above 0"),
        ({"steps": 0}, ValueError, "steps is 0; choose at least 1"),
        ({"start": np.ones(3)}, ValueError, "start has shape (3,); it must have 2 axes: reshape it"),
    ],
)
def test_unusable_arguments_are_refused(change, kind, says):
    usable = {"target": np.eye(3), "start": np.ones((3, 2)), "learning_rate": 0.1, "steps": 3}
    with refused(kind, says):
        zhang2021.descend_factor(**(usable | change))


# --- feedback alignment ---------------------------------------------------------------------------------


def test_feedback_moves_z_and_the_factor_stands_before_the_step_of_w(problem):
    rule = zhang2021.preconditioned_feedback("damped", damped_by_error)
    found = rule.field(problem, problem.Z, problem.W)
    wanted = fa.FA.field(problem, problem.Z, problem.W)
    damping = np.linalg.norm(problem.target - problem.Z @ problem.W)
    factor = np.linalg.inv(problem.Z.T @ problem.Z + damping * np.eye(3))
    assert close(found[0], wanted[0], atol=1e-13)
    assert close(found[1], factor @ wanted[1], atol=1e-13)
    assert repr(rule) == "Rule(damped)"


def test_without_damping_a_full_step_makes_w_optimal(problem):
    rule = zhang2021.preconditioned_feedback("undamped", lambda error, residual: 0.0)
    _, direction = rule.field(problem, problem.Z, problem.W)
    assert close(problem.W + direction, fa.optimal_forward(problem, problem.Z), atol=1e-12)


def test_from_zero_each_mode_has_two_numbers_as_under_feedback_alignment(rng):
    target = fa.target_with_spectrum([1.0, 0.3, 0.1], (8, 6), rng=rng)
    problem = fa.random_problem(target, 5, 0.0, 0.5, rng=rng)
    rule = zhang2021.preconditioned_feedback("damped", damped_by_residual)
    run = fa.descend(problem, rule, 0.2, 60)
    left, values, right = np.linalg.svd(problem.sketch)
    left = left[:, :3]
    values = values[:3]
    right = right[:3]
    zeta = np.zeros(3)
    phi = np.zeros(3)
    for _ in range(60):
        missing = 1 - zeta * phi
        damping = np.square(values * missing).sum()
        phi_step = zeta * missing / (zeta**2 + damping)
        zeta = zeta + 0.2 * values * missing
        phi = phi + 0.2 * phi_step
    assert close(run.Z[-1], left * zeta @ right, atol=1e-13)
    assert close(run.W[-1], (right.T * phi) @ left.T @ target, atol=1e-13)


@given(seeds, st.floats(-3, 3).map(lambda power: 10**power))
def test_damped_by_the_residual_the_scale_of_the_feedback_does_not_matter(seed, scale):
    rng = np.random.default_rng(seed)
    target = fa.target_with_spectrum([1.0, 0.5], (6, 5), rng=rng)
    problem = fa.random_problem(target, 4, 0.0, 0.5, rng=rng)
    larger = fa.Problem(target=target, feedback=scale * problem.feedback, Z=problem.Z, W=problem.W)
    rule = zhang2021.preconditioned_feedback("damped", damped_by_residual)
    run = fa.descend(problem, rule, 0.2, 30)
    other = fa.descend(larger, rule, 0.2, 30)
    assert close(other.Z @ other.W, run.Z @ run.W, atol=1e-10)


def test_conditioning_costs_a_power_when_damped_by_the_error_and_a_logarithm_by_the_residual():
    steps = {}
    for damping, most in ((damped_by_error, 1000), (damped_by_residual, 100)):
        rule = zhang2021.preconditioned_feedback("damped", damping)
        for condition in (1e4, 1e5, 1e6):
            target = np.diag([1.0, 1 / condition])
            problem = fa.Problem(target=target, feedback=np.eye(2), Z=np.zeros((2, 2)), W=np.zeros((2, 2)))
            run = fa.descend(problem, rule, 0.3, most)
            errors = np.sqrt(fa.error(target, run.Z, run.W))
            assert errors[-1] < 0.01 / condition
            steps[damping, condition] = np.argmax(errors < 0.01 / condition)
    by_error = [steps[damped_by_error, condition] for condition in (1e5, 1e6)]
    assert close(np.log10(by_error[1] / by_error[0]), 1 / 3, atol=0.05)
    by_residual = np.array([steps[damped_by_residual, condition] for condition in (1e4, 1e5, 1e6)])
    assert np.abs(np.diff(by_residual, n=2)).max() <= 2
