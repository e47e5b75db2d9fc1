import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import close, refused

import fa_utils as fa
from fa_utils import theory
from fa_utils.rules import refuse_dependent_columns


def directional_derivative(function, point, direction, step=1e-6):
    return (function(point + step * direction) - function(point - step * direction)) / (2 * step)


def test_gd_is_minus_half_the_gradient_of_the_error(problem, rng):
    dZ, dW = fa.GD.field(problem, problem.Z, problem.W)
    V = rng.standard_normal(problem.Z.shape)
    U = rng.standard_normal(problem.W.shape)
    along_Z = directional_derivative(lambda Z: fa.error(problem.target, Z, problem.W), problem.Z, V)
    along_W = directional_derivative(lambda W: fa.error(problem.target, problem.Z, W), problem.W, U)
    assert close(along_Z, -2 * (dZ * V).sum(), rtol=1e-8)
    assert close(along_W, -2 * (dW * U).sum(), rtol=1e-8)


def test_fa_feeds_the_error_back_through_the_fixed_matrix(problem):
    E = problem.target - problem.Z @ problem.W
    dZ, dW = fa.FA.field(problem, problem.Z, problem.W)
    assert close(dZ, E @ problem.feedback.T, atol=1e-14)
    assert close(dW, problem.Z.T @ E, atol=1e-14)


def test_fa_with_feedback_equal_to_the_forward_weights_is_gd(problem):
    tied = replace(problem, feedback=problem.W)
    for one, other in zip(*(rule.field(tied, tied.Z, tied.W) for rule in (fa.FA, fa.GD)), strict=True):
        assert close(one, other, atol=1e-14)


def test_fa_star_is_fa_at_the_optimal_forward_weights(problem):
    W = fa.optimal_forward(problem, problem.Z)
    dZ, _ = fa.FA_STAR.field(problem, problem.Z, problem.W)
    assert close(dZ, (problem.target - problem.Z @ W) @ problem.feedback.T, atol=1e-14)


def test_fa_star_does_not_look_at_the_forward_weights_it_is_given(problem):
    one = fa.FA_STAR.field(problem, problem.Z, problem.W)
    other = fa.FA_STAR.field(problem, problem.Z, 5 + problem.W)
    assert np.array_equal(one[0], other[0]) and not one[1].any()


def test_fa_star_turns_around_the_columns_it_has(problem):
    """Z^T dZ = 0 (Fact 2), which keeps Z^T Z constant (Fact 3)."""
    dZ, _ = fa.FA_STAR.field(problem, problem.Z, problem.W)
    assert close(problem.Z.T @ dZ, 0, atol=1e-14)


def test_optimal_forward_solves_the_normal_equations_for_a_whole_trajectory(problem, rng):
    Z = rng.standard_normal((4, *problem.Z.shape))
    W = fa.optimal_forward(problem, Z)
    assert W.shape == (4, 3, 6)
    assert close(np.swapaxes(Z, 1, 2) @ (problem.target - Z @ W), 0, atol=1e-13)


def test_optimal_forward_is_exact_for_nearly_dependent_columns(problem):
    Z = problem.Z.copy()
    Z[:, 2] = Z[:, 0] + 1e-9 * Z[:, 2]
    span, _ = np.linalg.qr(problem.Z)
    W = fa.optimal_forward(problem, Z)
    assert close(Z @ W, span @ (span.T @ problem.target), atol=1e-6)


def test_optimal_forward_refuses_dependent_columns(problem):
    Z = problem.Z.copy()
    Z[:, 2] = Z[:, 0] - 2 * Z[:, 1]
    says = (
        "Z has rank 2 but 3 columns; FA* needs full column rank: "
        "start from linearly independent columns, for instance random ones"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        fa.optimal_forward(problem, Z)
    run = np.stack([problem.Z, Z])
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        refuse_dependent_columns(run)
    assert refuse_dependent_columns(run[:1]) is None


@pytest.mark.parametrize("factored", [False, True])
def test_fa_star_refuses_more_hidden_units_than_rows_and_says_what_takes_them(factored, rng):
    target = fa.FactoredTarget(rng.standard_normal((4, 3)), rng.standard_normal((3, 6)))
    problem = fa.random_problem(target if factored else target.left @ target.right, 5, rng=rng)
    says = (
        "Z has 5 columns in 4 rows; FA* needs full column rank: "
        "choose r of at most 4, or GD or FA, which take any r"
    )
    for run in (
        lambda: fa.optimal_forward(problem, problem.Z),
        lambda: fa.descend(problem, fa.FA_STAR, steps=2),
        lambda: fa.flow(problem, fa.FA_STAR, [1.0]),
        lambda: fa.compare(problem, steps=2),
        lambda: theory.fa_star_exact(problem, [1.0]),
        lambda: theory.fa_star_overlaps(problem, [1.0]),
        lambda: theory.fa_star_eigenvalues(problem),
    ):
        with refused(ValueError, says):
            run()


def test_fa_star_takes_more_hidden_units_than_columns(rng):
    problem = fa.random_problem(rng.standard_normal((7, 3)), 5, 1.0, 1.0, rng=rng)
    W = fa.optimal_forward(problem, problem.Z)
    assert close(problem.Z.T @ (problem.target - problem.Z @ W), 0, atol=1e-13)
    exact = theory.fa_star_exact(problem, [0.5, 2.0])
    assert close(fa.flow(problem, fa.FA_STAR, [0.5, 2.0]).Z, exact.Z, atol=1e-9)


def test_optimal_forward_refuses_starts_and_results_that_are_not_finite(problem):
    with pytest.raises(ValueError, match=r"Z holds nan at \(0, 0\)"):
        fa.optimal_forward(problem, np.full((7, 3), np.nan))
    says = "Z has shape (6, 3); for a problem whose Z has shape (7, 3) it must end in (7, 3)"
    with refused(ValueError, says):
        fa.optimal_forward(problem, np.ones((6, 3)))
    strong = replace(problem, target=1e200 * problem.target)
    with pytest.raises(FloatingPointError, match="optimal_forward overflows float64"):
        fa.optimal_forward(strong, 1e-200 * problem.Z)


def test_only_fa_star_derives_its_forward_weights_from_the_representation(problem):
    for rule in (fa.GD, fa.FA):
        assert rule.forward is None
        assert rule.weights(problem, problem.Z, problem.W) is problem.W
    best = fa.FA_STAR.weights(problem, problem.Z, problem.W)
    assert np.array_equal(best, fa.optimal_forward(problem, problem.Z))


def test_a_rule_is_shown_by_its_name_and_told_apart_by_its_field():
    assert repr(fa.FA_STAR) == "Rule(FA*)"
    assert fa.Rule("FA", fa.FA.field) == fa.FA
    assert len({fa.GD, fa.FA, fa.FA_STAR, replace(fa.FA, field=fa.GD.field)}) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, fa.GD.field), "name is 3; it must be text, for instance 'FA with decay'"),
        (("own", "FA"), "field is 'FA'; it must be a function of (problem, Z, W)"),
        (("own", None), "field is None; it must be a function of (problem, Z, W)"),
        (("own", fa.GD.field, 3), "forward is 3; it must be a function of (problem, Z), or None"),
    ],
)
def test_a_rule_is_a_name_and_functions(arguments, message):
    with refused(TypeError, message):
        fa.Rule(*arguments)
