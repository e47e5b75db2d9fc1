from dataclasses import replace

import numpy as np
import pytest
from conftest import close, refused

import fa_utils as fa
from fa_utils import problems


def test_target_has_exactly_the_singular_values_asked_for(rng):
    target = fa.target_with_spectrum([3.0, 2.0, 0.5], (6, 4), rng=rng)
    assert close(np.linalg.svd(target, compute_uv=False), [3, 2, 0.5, 0], atol=1e-14)


def test_orthonormal_columns_are_orthonormal(rng):
    X = fa.orthonormal_columns(9, 4, rng=rng)
    assert close(X.T @ X, np.eye(4), atol=1e-14)


def test_start_and_feedback_have_the_scales_asked_for(rng):
    problem = fa.random_problem(rng.standard_normal((300, 200)), 50, 0.01, 0.3, rng=rng)
    for array, scale in ((problem.Z, 0.01), (problem.W, 0.01), (problem.feedback, 0.3)):
        assert abs(array.std() / scale - 1) < 5 / np.sqrt(2 * array.size)


def test_changing_one_scale_leaves_the_other_draws_as_they_are():
    target = np.ones((4, 3))
    one = fa.random_problem(target, 2, 1.0, 1.0, rng=np.random.default_rng(1))
    two = fa.random_problem(target, 2, 2.0, 0.5, rng=np.random.default_rng(1))
    assert np.array_equal(2 * one.Z, two.Z) and np.array_equal(2 * one.W, two.W)
    assert np.array_equal(0.5 * one.feedback, two.feedback)


def test_start_and_feedback_are_different_draws():
    problem = fa.random_problem(np.ones((3, 3)), 3, 1.0, 1.0, rng=np.random.default_rng(1))
    assert not close(problem.Z, problem.feedback, rtol=1e-12)
    assert not close(problem.W, problem.feedback, rtol=1e-12)


def test_sketch_is_the_target_times_the_transposed_feedback(problem):
    assert close(problem.sketch, problem.target @ problem.feedback.T, atol=1e-15)


def test_a_problem_keeps_its_own_read_only_copies():
    target = np.ones((3, 2))
    problem = fa.Problem(target, np.ones((1, 2)), np.ones((3, 1)), np.ones((1, 2)))
    target[0, 0] = 7.0
    assert problem.target[0, 0] == 1.0
    for array in (problem.target, problem.feedback, problem.Z, problem.W, problem.sketch):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 5.0


def test_single_precision_is_taken_as_double(problem):
    arrays = (problem.target, problem.feedback, problem.Z, problem.W)
    assert fa.Problem(*(array.astype(np.float32) for array in arrays)).Z.dtype == np.float64


GOOD = {"target": np.ones((5, 6)), "feedback": np.ones((2, 6)), "Z": np.ones((5, 2)), "W": np.ones((2, 6))}
NEED = "; a target of shape (5, 6) and r = 2 columns in Z need "


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (
            {"Z": np.ones((5, 2), int)},
            TypeError,
            "Z holds int64 entries; they must be real floating-point numbers: "
            "convert with np.asarray(Z, dtype=float), or take .real of complex ones",
        ),
        (
            {"W": np.ones((2, 6), complex)},
            TypeError,
            "W holds complex128 entries; they must be real floating-point numbers: "
            "convert with np.asarray(W, dtype=float), or take .real of complex ones",
        ),
        (
            {"Z": np.full((5, 2), np.nan)},
            ValueError,
            "Z holds nan at (0, 0); entries must be finite: remove or repair it",
        ),
        (
            {"feedback": np.full((2, 6), np.inf)},
            ValueError,
            "feedback holds inf at (0, 0); entries must be finite: remove or repair it",
        ),
        ({"target": np.ones(5)}, ValueError, "target has shape (5,); it must have 2 axes: reshape it"),
        ({"W": np.ones(6)}, ValueError, "W has shape (6,); it must have 2 axes: reshape it"),
        (
            {"target": np.ones((0, 6))},
            ValueError,
            "target has shape (0, 6) and so no entries; give it at least one",
        ),
        ({"Z": np.ones((4, 2))}, ValueError, f"Z has shape (4, 2){NEED}(5, 2)"),
        ({"W": np.ones((2, 5))}, ValueError, f"W has shape (2, 5){NEED}(2, 6)"),
        ({"feedback": np.ones((6, 2))}, ValueError, f"feedback has shape (6, 2){NEED}(2, 6)"),
        (
            {"Z": np.ones((5, 7))},
            ValueError,
            "W has shape (2, 6); a target of shape (5, 6) and r = 7 columns in Z need (7, 6)",
        ),
    ],
)
def test_a_problem_refuses_what_does_not_fit(change, kind, message):
    fa.Problem(**GOOD)
    with refused(kind, message):
        fa.Problem(**(GOOD | change))


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([1.0, -0.5], ValueError, "singular_values holds -0.5; choose numbers of at least 0"),
        (
            [1.0] * 5,
            ValueError,
            "5 singular values exceed the smaller side 4 of shape (6, 4); give at most 4",
        ),
        (
            [1.0, np.nan],
            ValueError,
            "singular_values holds nan at (1,); entries must be finite: remove or repair it",
        ),
        (
            ["2", "1"],
            TypeError,
            "singular_values holds <U1 entries; they must be real floating-point numbers: "
            "convert with np.asarray(singular_values, dtype=float), or take .real of complex ones",
        ),
        (
            [1j],
            TypeError,
            "singular_values holds complex128 entries; they must be real floating-point numbers: "
            "convert with np.asarray(singular_values, dtype=float), or take .real of complex ones",
        ),
        (
            np.empty(0),
            ValueError,
            "singular_values has shape (0,) and so no entries; give it at least one",
        ),
    ],
)
def test_a_spectrum_refuses_what_is_none(values, kind, message, rng):
    with refused(kind, message):
        fa.target_with_spectrum(values, [6, 4], rng=rng)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"rank": 0}, ValueError, "rank is 0; choose at least 1"),
        ({"rank": 2.0}, TypeError, "rank is 2.0; it must be a whole number: use int(rank)"),
        ({"rank": True}, TypeError, "rank is True; it must be a whole number: use int(rank)"),
        ({"start_scale": -1.0}, ValueError, "start_scale is -1.0; choose a number of at least 0"),
        ({"feedback_scale": -1.0}, ValueError, "feedback_scale is -1.0; choose a number of at least 0"),
        ({"feedback_scale": np.inf}, ValueError, "feedback_scale is inf; choose a finite number"),
        ({"feedback_scale": "1"}, TypeError, "feedback_scale is '1'; give one real number"),
        (
            {"rng": 7},
            TypeError,
            "rng is 7; it must be a Generator: pass rng=np.random.default_rng(seed)",
        ),
        (
            {"target": np.ones(6)},
            ValueError,
            "target has shape (6,); it must have 2 axes: reshape it",
        ),
    ],
)
def test_a_random_problem_refuses_what_it_cannot_draw(change, kind, message, rng):
    arguments = {"target": np.ones((6, 4)), "rank": 2, "start_scale": 1.0, "feedback_scale": 1.0, "rng": rng}
    with refused(kind, message):
        fa.random_problem(**(arguments | change))


def test_more_hidden_units_than_rows_and_columns_and_a_start_at_zero_are_allowed(rng):
    for target in (np.ones((6, 4)), fa.FactoredTarget(np.ones((6, 2)), np.ones((2, 4)))):
        problem = fa.random_problem(target, 9, 0.0, 1.0, rng=rng)
        assert (problem.Z.shape, problem.W.shape, problem.feedback.shape) == ((6, 9), (9, 4), (9, 4))
        assert not problem.Z.any() and not problem.W.any() and problem.feedback.all()


def test_nearly_square_problem_starts_orthonormal_with_the_best_forward_weights(rng):
    problem = fa.nearly_square_problem(8, 7, 1e-3, rng=rng)
    assert problem.target.shape == (8, 8) and problem.feedback.shape == (7, 8)
    assert close(problem.Z.T @ problem.Z, np.eye(7), atol=1e-13)
    assert close(problem.W, fa.optimal_forward(problem, problem.Z), atol=1e-12)


def test_nearly_square_problem_has_the_variances_it_says():
    problem = fa.nearly_square_problem(60, 50, 0.01, rng=np.random.default_rng(0))
    assert close(problem.target.var(), 60, rtol=0.1)  # 3600 products, nearly independent
    assert close(problem.feedback.std(), 0.01, rtol=0.1)


def test_nearly_square_problem_draws_feedback_and_start_from_streams_of_their_own():
    one = fa.nearly_square_problem(6, 5, 1.0, rng=np.random.default_rng(1))
    two = fa.nearly_square_problem(6, 5, 2.0, rng=np.random.default_rng(1))
    assert np.array_equal(one.target, two.target) and np.array_equal(one.Z, two.Z)
    assert np.array_equal(2 * one.feedback, two.feedback)


def test_nearly_square_problem_refuses_a_rank_above_its_size(rng):
    with refused(ValueError, "rank 9 exceeds the smaller side 8; choose at most 8"):
        fa.nearly_square_problem(8, 9, 1.0, rng=rng)
    with refused(ValueError, "feedback_scale is -1.0; choose a number of at least 0"):
        fa.nearly_square_problem(8, 7, -1.0, rng=rng)
    with refused(TypeError, "rng is 7; it must be a Generator: pass rng=np.random.default_rng(seed)"):
        fa.nearly_square_problem(8, 7, 1.0, rng=7)
    with refused(TypeError, "size is 8.0; it must be a whole number: use int(size)"):
        fa.nearly_square_problem(8.0, 7, 1.0, rng=rng)


def test_arrays_are_shared_only_where_they_are_read_only_and_no_views(problem):
    assert replace(problem, W=2 * problem.W).target is problem.target
    base = np.ones((7, 6))
    view = base.view()
    view.setflags(write=False)
    kept = replace(problem, target=view)
    base[:] = 0
    assert np.array_equal(kept.target, np.ones((7, 6)))
    slices = np.ones((2, 7, 6))
    slices.setflags(write=False)
    assert replace(problem, target=slices[0]).target.base is None


def test_a_factored_target_multiplies_like_the_array_it_stands_for(rng):
    left = rng.standard_normal((7, 2))
    right = rng.standard_normal((2, 6))
    stack = rng.standard_normal((3, 4, 7))
    target = fa.FactoredTarget(left, right)
    assert target.shape == (7, 6)
    assert close(target @ np.eye(6), left @ right, rtol=1e-12)
    assert close(stack @ target, stack @ left @ right, rtol=1e-12)


@pytest.mark.parametrize(
    ("left", "right", "kind", "message"),
    [
        (
            np.ones((7, 2)),
            np.ones((3, 6)),
            ValueError,
            "left has 2 columns but right has 3 rows; the inner sizes of a factored target must agree",
        ),
        (
            np.full((7, 2), np.nan),
            np.ones((2, 6)),
            ValueError,
            "left holds nan at (0, 0); entries must be finite: remove or repair it",
        ),
        (
            np.ones((7, 2)),
            np.ones(2),
            ValueError,
            "right has shape (2,); it must have 2 axes: reshape it",
        ),
        (
            np.ones((7, 2), complex),
            np.ones((2, 6)),
            TypeError,
            "left holds complex128 entries; they must be real floating-point numbers: "
            "convert with np.asarray(left, dtype=float), or take .real of complex ones",
        ),
    ],
)
def test_factors_that_do_not_fit_are_refused(left, right, kind, message):
    with refused(kind, message):
        fa.FactoredTarget(left, right)


@pytest.mark.skipif(np.finfo(np.longdouble).maxexp == 1024, reason="longdouble is float64 here")
def test_a_long_number_beyond_float64_is_refused_as_not_finite():
    target = np.full((5, 6), np.longdouble("1e400"))
    with pytest.raises(ValueError, match=r"target holds inf at \(0, 0\); entries must be finite"):
        fa.Problem(**(GOOD | {"target": target}))
    for scale in (np.longdouble("1e400"), 10**400):
        with pytest.raises(ValueError, match=r"start_scale is 1.*; choose a finite number"):
            fa.random_problem(np.ones((5, 6)), 2, scale, 1.0, rng=np.random.default_rng(0))


def test_more_columns_than_rows_cannot_be_orthonormal(rng):
    with pytest.raises(ValueError, match="5 columns cannot be orthonormal in 3 rows; choose at most 3"):
        fa.orthonormal_columns(3, 5, rng=rng)
    with refused(ValueError, "rows is 0; choose at least 1"):
        fa.orthonormal_columns(0, 1, rng=rng)
    with refused(ValueError, "columns is 0; choose at least 1"):
        fa.orthonormal_columns(3, 0, rng=rng)


@pytest.mark.parametrize(("left", "right"), [((7, 9), (9, 3)), ((3, 9), (9, 7)), ((7, 2), (2, 6))])
def test_a_thin_decomposition_is_no_larger_than_it_must_be(rng, left, right):
    factored = fa.FactoredTarget(rng.standard_normal(left), rng.standard_normal(right))
    for target in (factored, factored.left @ factored.right):
        U, values, V = problems.thin_svd(target)
        k = min(left[0], right[1], left[1] if target is factored else 9)
        assert (U.shape, values.shape, V.shape) == ((left[0], k), (k,), (k, right[1]))
        assert close((U * values) @ V, factored.left @ factored.right, atol=1e-13)


def test_orthonormal_columns_are_uniform_on_the_sphere(rng):
    """Entries of a uniform unit vector in d dimensions: mean 0, variance 1/d, fourth moment 3/d(d+2)."""
    draws = np.array([fa.orthonormal_columns(5, 2, rng=rng) for _ in range(4000)])
    for power, expected in ((1, 0), (2, 1 / 5), (3, 0), (4, 3 / 35)):
        sample = draws**power
        assert np.all(np.abs(sample.mean(axis=0) - expected) < 5 * sample.std(axis=0) / np.sqrt(4000))


def test_a_start_and_feedback_are_by_default_those_of_figure_2():
    target = np.ones((6, 4))
    plain = fa.random_problem(target, 2, rng=np.random.default_rng(1))
    scaled = fa.random_problem(target, 2, 0.01, 0.1, rng=np.random.default_rng(1))
    for name in ("feedback", "Z", "W"):
        assert np.array_equal(getattr(plain, name), getattr(scaled, name))


def test_a_target_may_hold_whole_numbers(problem):
    images = np.arange(42).reshape(7, 6)
    assert np.array_equal(replace(problem, target=images).target, images.astype(float))
    assert fa.FactoredTarget(images, np.ones((6, 2), np.uint8)).left.dtype == np.float64
    assert fa.optimal_error(images, 2) == fa.optimal_error(1.0 * images, 2)
    assert fa.error(images, problem.Z, problem.W) == fa.error(1.0 * images, problem.Z, problem.W)


def test_a_factored_target_has_the_same_sketch_and_the_same_runs(problem):
    factored = factored_copy(problem)
    assert close(factored.sketch, problem.sketch, atol=1e-14)
    for rule in (fa.GD, fa.FA, fa.FA_STAR):
        run = fa.descend(factored, rule, 0.1, 20)
        wanted = fa.descend(problem, rule, 0.1, 20)
        assert close(run.Z, wanted.Z, atol=1e-13)
        assert close(run.W, wanted.W, atol=1e-13)
        assert close(fa.flow(factored, rule, [1.0]).Z, fa.flow(problem, rule, [1.0]).Z, atol=1e-10)
        errors = fa.error(factored.target, run.Z, run.W)
        assert close(errors, fa.error(problem.target, run.Z, run.W), atol=1e-13)


def test_a_factored_target_has_the_same_optimum_and_the_same_gap(problem):
    factored = factored_copy(problem)
    assert close(fa.optimal_error(factored.target, 2), fa.optimal_error(problem.target, 2), rtol=1e-12)
    best = fa.optimal_point(factored.target, 2)
    wanted = fa.optimal_point(problem.target, 2)
    assert close(best.Z @ best.W, wanted.Z @ wanted.W, atol=1e-13)
    gap = fa.stationarity_gap(factored, problem.Z, problem.W)
    assert close(gap, fa.stationarity_gap(problem, problem.Z, problem.W), rtol=1e-12)


def factored_copy(problem):
    """Return the problem with its target in factors."""
    left, values, right = np.linalg.svd(problem.target, full_matrices=False)
    return replace(problem, target=fa.FactoredTarget(left * values, right))


def test_a_sketch_beyond_float64_is_refused(problem):
    strong = replace(problem, target=1e200 * problem.target, feedback=1e200 * problem.feedback)
    with pytest.raises(FloatingPointError, match="sketch overflows float64"):
        fa.stationary_point(strong)


def test_a_generator_that_cannot_be_split_is_refused():
    old = np.random.Generator(np.random.RandomState(3)._bit_generator)
    says = "rng was made without a seed that can be split; pass rng=np.random.default_rng(seed)"
    with refused(TypeError, says):
        fa.random_problem(np.ones((6, 4)), 2, rng=old)
    with refused(TypeError, says):
        fa.target_with_spectrum([1.0], (6, 4), rng=old)
    with refused(TypeError, says):
        fa.nearly_square_problem(6, 4, 1.0, rng=old)


def test_a_target_may_have_one_column_and_as_many_values_as_its_smaller_side(rng):
    column = fa.target_with_spectrum([2.0], (3, 1), rng=rng)
    assert close(np.linalg.norm(column), 2.0, rtol=1e-14)
    full = fa.target_with_spectrum([3.0, 2.0, 1.0], (3, 5), rng=rng)
    assert close(np.linalg.svd(full, compute_uv=False), [3.0, 2.0, 1.0], rtol=1e-13)


def test_a_problem_in_place_of_a_target_and_the_reverse_are_told_apart(problem):
    with refused(TypeError, "target is a Problem; pass problem.target"):
        fa.random_problem(problem, 2, rng=np.random.default_rng(0))
    message = "problem is a ndarray; it must be a Problem: make one with fa.random_problem or fa.Problem"
    with refused(TypeError, message):
        fa.stationary_point(problem.target)
