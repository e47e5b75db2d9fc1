import copy
import pickle
from dataclasses import replace
from functools import partial, reduce
from itertools import combinations_with_replacement
from math import comb

import numpy as np
import pytest
from conftest import close, refused
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fa_utils.companions import wang2020

DEFECTIVE = {(4, 3, 5), (4, 4, 9), (4, 5, 14), (3, 5, 7)}  # order, dimension, vectors: Alexander, Hirschowitz
seeds = st.integers(0, 2**32 - 1)


def power(vector, order):
    """Return the power as a full tensor, of shape (d,) * order."""
    return reduce(np.multiply.outer, [vector] * order)


def full(tensor):
    """Return a power sum as a full tensor."""
    lengths = np.linalg.norm(tensor.vectors, axis=-1)
    terms = zip(tensor.signs, lengths, tensor.vectors, strict=True)
    return sum(a * w ** (tensor.degree - tensor.order) * power(u, tensor.order) for a, w, u in terms if w > 0)


def power_sum(rng, shape, order, degree=2):
    """Return a random power sum with both signs in it."""
    signs = np.where(np.arange(shape[-2]) % 3 == 1, -1.0, 1.0)
    return wang2020.PowerSum(rng.standard_normal(shape), signs, order, degree)


# --- coordinates ----------------------------------------------------------------------------------------


@given(seeds, st.integers(1, 5), st.integers(1, 6))
def test_isometric_coordinates_keep_inner_products_of_powers(seed, dimension, order):
    u, v = np.random.default_rng(seed).standard_normal((2, dimension))
    one = wang2020.symmetric_powers(u, order)
    other = wang2020.symmetric_powers(v, order)
    scale = (np.linalg.norm(u) * np.linalg.norm(v)) ** order
    assert close(one @ other, (u @ v) ** order, atol=1e-13 * scale)
    assert one.size == comb(dimension + order - 1, order)


@pytest.mark.parametrize("order", [20, 21, 40])  # 20! is the last factorial of 64 bits
def test_isometric_coordinates_of_high_orders_are_no_less_accurate(rng, order):
    u, v = rng.standard_normal((2, 2))
    scale = (np.linalg.norm(u) * np.linalg.norm(v)) ** order
    inner = wang2020.symmetric_powers(u, order) @ wang2020.symmetric_powers(v, order)
    assert close(inner, (u @ v) ** order, atol=1e-13 * scale)


@pytest.mark.parametrize(("dimension", "order"), [(1, 3), (2, 1), (2, 5), (3, 3), (4, 2), (3, 4)])
def test_a_coordinate_is_an_entry_times_the_root_of_how_often_it_occurs(rng, dimension, order):
    u = rng.standard_normal(dimension)
    tensor = power(u, order)
    indices = list(combinations_with_replacement(range(dimension), order))
    positions = np.sort(np.indices(tensor.shape).reshape(order, -1), axis=0).T
    counts = [np.all(positions == some, axis=1).sum() for some in indices]
    entries = [tensor[tuple(some)] for some in indices]
    assert close(wang2020.symmetric_powers(u, order), np.sqrt(counts) * entries, atol=1e-13)
    assert sum(counts) == dimension**order


def test_powers_are_taken_over_all_leading_axes(rng):
    vectors = rng.standard_normal((2, 3, 4))
    powers = wang2020.symmetric_powers(vectors, 3)
    assert powers.shape == (2, 3, 20)
    assert np.array_equal(powers[1, 2], wang2020.symmetric_powers(vectors[1, 2], 3))


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
@pytest.mark.parametrize(("dimension", "order"), [(2, 4), (3, 3), (4, 2)])
def test_coordinates_have_the_norm_of_the_full_tensor(rng, dimension, order, degree):
    tensor = power_sum(rng, (5, dimension), order, degree)
    norm = np.linalg.norm(full(tensor))
    assert close(np.linalg.norm(tensor.coordinates), norm, rtol=1e-12)
    zero = wang2020.PowerSum(np.zeros((1, dimension)), [1.0], order, degree)
    assert close(wang2020.tensor_error(zero, tensor), norm**2, rtol=1e-12)


def test_lengths_directions_and_coefficients_make_up_the_vectors(rng):
    tensor = power_sum(rng, (2, 4, 3), 3)
    assert close(tensor.directions * tensor.lengths[..., None], tensor.vectors, atol=1e-14)
    assert close(np.square(tensor.directions).sum(axis=-1), 1, rtol=1e-14)
    assert close(tensor.coefficients, tensor.signs * np.square(tensor.vectors).sum(axis=-1), rtol=1e-14)


def test_a_vector_of_length_0_has_no_direction_and_adds_nothing(rng):
    vectors = rng.standard_normal((3, 4))
    vectors[1] = 0
    tensor = wang2020.PowerSum(vectors, np.ones(3), 3)
    assert not tensor.directions[1].any()
    rest = wang2020.PowerSum(vectors[[0, 2]], np.ones(2), 3)
    assert close(tensor.coordinates, rest.coordinates, atol=1e-13)


def test_of_second_order_and_degree_the_model_is_a_matrix(rng):
    tensor = power_sum(rng, (4, 3), 2)
    assert close(full(tensor), tensor.vectors.T @ np.diag(tensor.signs) @ tensor.vectors, atol=1e-14)


def test_a_power_sum_keeps_its_vectors_from_changes(rng):
    vectors = rng.standard_normal((3, 4))
    tensor = wang2020.PowerSum(vectors, [1.0, 1.0, -1.0], 3)
    vectors[:] = 0
    assert tensor.lengths.all()
    with pytest.raises(ValueError, match="read-only"):
        tensor.vectors[0] = 0
    assert wang2020.PowerSum([[1.0, 2.0]], [1.0], 3).vectors.shape == (1, 2)


def says_signs(signs):
    return f"signs are {signs}; give 1.0 or -1.0 for each of 3"


def says_whole(name):
    return (
        f"{name} holds int64 entries; they must be real floating-point numbers: "
        f"convert with np.asarray({name}, dtype=float), or take .real of complex ones"
    )


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"vectors": np.eye(3, dtype=np.int64)}, TypeError, says_whole("vectors")),
        ({"signs": np.ones(3, dtype=np.int64)}, TypeError, says_whole("signs")),
        ({"signs": [1.0, 2.0, 1.0]}, ValueError, says_signs("[1. 2. 1.]")),
        ({"signs": [1.0, 0.0, 1.0]}, ValueError, says_signs("[1. 0. 1.]")),
        ({"signs": [1.0, -1.0]}, ValueError, says_signs("[ 1. -1.]")),
        ({"vectors": np.ones(3)}, ValueError, "vectors has shape (3,); it must have 2 axes: reshape it"),
        ({"signs": 1.0}, ValueError, "signs has shape (); it must have 1 axes: reshape it"),
        (
            {"vectors": np.diag([1.0, np.nan, 1.0])},
            ValueError,
            "vectors holds nan at (1, 1); entries must be finite: remove or repair it",
        ),
        ({"order": 0}, ValueError, "order is 0; choose at least 1"),
        ({"order": 3.0}, TypeError, "order is 3.0; it must be a whole number: use int(order)"),
        ({"degree": 0}, ValueError, "degree is 0; choose at least 1"),
    ],
)
def test_a_power_sum_refuses_what_is_no_tensor(change, kind, says):
    arguments = {"vectors": np.eye(3), "signs": np.ones(3), "order": 3}
    with refused(kind, says):
        wang2020.PowerSum(**(arguments | change))


def test_power_sums_are_printed_in_a_line_and_copies_are_read_only(rng):
    tensor = power_sum(rng, (2, 4, 3), 4, 1)
    assert repr(tensor) == "PowerSum(order 4, degree 1, vectors of shape (2, 4, 3))"
    for again in (copy.deepcopy(tensor), pickle.loads(pickle.dumps(tensor))):
        assert repr(again) == repr(tensor) and np.array_equal(again.coordinates, tensor.coordinates)
        with pytest.raises(ValueError, match="read-only"):
            again.vectors[0] = 0


# --- tangent spaces -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_tangent_tensors_are_the_derivatives_of_powers(rng, order):
    vectors = rng.standard_normal((3, 4))
    step = 1e-5
    tangents = wang2020.tangent_tensors(vectors, order)
    for axis, move in enumerate(step * np.eye(4)):
        ends = (
            wang2020.symmetric_powers(vectors + move, order),
            wang2020.symmetric_powers(vectors - move, order),
        )
        assert close(order * tangents[:, axis], (ends[0] - ends[1]) / (2 * step), atol=1e-6)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_tangent_tensors_are_symmetric_parts_of_full_ones(rng, order):
    """<sym(u^(l-1) e_j), v^l> = (u^T v)^(l-1) v_j."""
    u, v = rng.standard_normal((2, 5, 3))
    found = wang2020.tangent_tensors(u, order) @ wang2020.symmetric_powers(v, order).T
    wanted = (u @ v.T)[:, None] ** (order - 1) * v.T[None]
    assert found.shape == (5, 3, 5) and close(found, wanted, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_tangent_tensors_at_a_vector_make_up_its_power_at_any_scale(rng, scale):
    """Euler: u^T times the tangents is u^l, to rounding."""
    u = scale * rng.standard_normal((2, 3, 4))
    found = (u[..., None, :] @ wang2020.tangent_tensors(u, 4))[..., 0, :]
    assert close(found / scale**4, wang2020.symmetric_powers(u, 4) / scale**4, atol=1e-13)
    alone = wang2020.tangent_tensors(u[1, 2], 4)
    assert alone.shape == (4, 35) and np.array_equal(alone, wang2020.tangent_tensors(u, 4)[1, 2])


def tangent_matrix(vectors, order):
    """Return the tangents at vectors (k, d) as the rows of a matrix (k d, N)."""
    return wang2020.tangent_tensors(vectors, order).reshape(vectors.size, -1)


def rank_of_tangents(rng, order, dimension, count):
    """Return the rank at almost all vectors, the largest there is, from a few draws of them."""
    draws = (power_sum(rng, (count, dimension), order).directions for _ in range(3))
    values = (np.linalg.svd(tangent_matrix(draw, order), compute_uv=False) for draw in draws)
    return max(np.count_nonzero(some > 1e-11) for some in values)


@pytest.mark.parametrize(("order", "dimensions"), [(3, range(2, 7)), (4, range(2, 6)), (5, range(2, 4))])
def test_tangent_spaces_are_as_large_as_can_be_but_for_the_four_defective_ones(rng, order, dimensions):
    for dimension in dimensions:
        coordinates = comb(dimension + order - 1, order)
        for count in range(1, coordinates // dimension + 3):
            short = (order, dimension, count) in DEFECTIVE
            found = rank_of_tangents(rng, order, dimension, count)
            assert found == min(count * dimension, coordinates) - short, (dimension, count)


def test_tangent_spaces_of_second_order_miss_what_is_at_right_angles_to_all_vectors(rng):
    """Matrices that vanish on all m vectors are those on d - m directions: binom(d - m + 1, 2) of them."""
    for count in range(1, 7):
        assert rank_of_tangents(rng, 2, 5, count) == 15 - comb(max(5 - count, 0) + 1, 2)


def lazy_error(model, target):
    """Return what lazy training of all vectors leaves."""
    return wang2020.lazy_errors(model, target)[..., -1]


def projected(model, target):
    """Return the squared distance of the target from the tangent space, by its singular vectors."""
    lefts, values, _ = np.linalg.svd(tangent_matrix(model.directions, model.order).T, full_matrices=False)
    basis = lefts[:, values > 1e-9 * values[0]]
    wanted = target.coordinates
    return np.square(wanted - basis @ (basis.T @ wanted)).sum()


@pytest.mark.parametrize(
    ("order", "dimension", "count"), [(3, 4, 1), (3, 4, 3), (4, 3, 2), (2, 5, 2), (1, 3, 1)]
)
def test_lazy_training_reaches_the_projection_on_the_tangent_space(rng, order, dimension, count):
    model, target = (power_sum(rng, (some, dimension), order) for some in (count, 3))
    norm = np.square(target.coordinates).sum()
    assert close(lazy_error(model, target), projected(model, target), atol=1e-12 * norm)
    if order > 1:
        assert 1e-3 * norm < lazy_error(model, target) < norm


@pytest.mark.parametrize(("order", "dimension", "count"), sorted(DEFECTIVE))
def test_lazy_training_misses_a_defective_case_and_not_the_next(rng, order, dimension, count):
    target = power_sum(rng, (3, dimension), order)
    norm = np.square(target.coordinates).sum()
    errors = [lazy_error(power_sum(rng, (some, dimension), order), target) for some in (count, count + 1)]
    assert errors[0] > 1e-10 * norm and errors[1] < 1e-20 * norm


def test_lazy_training_knows_its_own_vectors_whatever_their_lengths(rng):
    target = power_sum(rng, (2, 4), 3)
    others = rng.standard_normal((2, 4))
    for scale in (1e-6, 1.0, 1e6):
        model = wang2020.PowerSum(np.vstack([scale * target.vectors, others]), np.ones(4), 3)
        assert lazy_error(model, target) < 1e-24
    norm = np.square(target.coordinates).sum()
    assert lazy_error(wang2020.PowerSum(others, np.ones(2), 3), target) > 1e-3 * norm


def test_lazy_training_of_nothing_learns_nothing(rng):
    target = power_sum(rng, (2, 4), 3)
    still = wang2020.PowerSum(np.zeros((2, 4)), np.ones(2), 3)
    assert close(lazy_error(still, target), np.square(target.coordinates).sum(), rtol=1e-13)


# --- errors and gradients -------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [(2, 2), (3, 3), (2, 4), (1, 2)])
def test_the_error_is_the_squared_distance_in_coordinates(rng, degrees):
    model, target = (power_sum(rng, (k, 4), 3, degree) for k, degree in zip((5, 2), degrees, strict=True))
    gap = model.coordinates - target.coordinates
    assert close(wang2020.tensor_error(model, target), gap @ gap, rtol=1e-12)


def test_errors_of_several_tensors_come_together(rng):
    model = power_sum(rng, (2, 3, 5, 4), 3)
    target = power_sum(rng, (3, 2, 4), 3)
    errors = wang2020.tensor_error(model, target)
    gaps = model.coordinates - target.coordinates
    assert errors.shape == (2, 3) and close(errors, np.square(gaps).sum(axis=-1), rtol=1e-12)


def test_an_error_of_nothing_is_0_and_never_below(rng):
    for _ in range(20):
        model = power_sum(rng, (5, 4), 3)
        turned = replace(model, vectors=model.vectors[[3, 1, 2, 0, 4]])
        assert 0 <= wang2020.tensor_error(model, turned) <= 1e-14 * np.square(model.lengths).sum() ** 2


def naive_gradient(model, target):
    """Return the gradient of ||T - T*||^2 / 2, by the chain rule in coordinates."""
    gap = model.coordinates - target.coordinates
    (order, degree) = (model.order, model.degree)
    rows = []
    for sign, u in zip(model.signs, model.vectors, strict=True):
        w = np.linalg.norm(u)
        along = order * w ** (degree - order) * wang2020.tangent_tensors(u, order)
        scaled = (
            (degree - order) * w ** (degree - order - 2) * np.outer(u, wang2020.symmetric_powers(u, order))
        )
        rows.append(sign * (along + scaled) @ gap)
    return np.array(rows)


@pytest.mark.parametrize(
    ("order", "degree"), [(1, 1), (2, 2), (3, 2), (3, 3), (4, 2), (4, 4), (4, 3), (3, 1)]
)
def test_a_step_goes_down_the_gradient_of_half_the_error(rng, order, degree):
    model = power_sum(rng, (4, 3), order, degree)
    target = power_sum(rng, (2, 3), order)
    step = 1e-6
    gradient = model.vectors - wang2020.descend_tensor(model, target, 1.0, 1).vectors
    moves = step * np.eye(12).reshape(12, 4, 3)
    ahead, behind = (replace(model, vectors=model.vectors + side * moves) for side in (1, -1))
    slopes = (wang2020.tensor_error(ahead, target) - wang2020.tensor_error(behind, target)) / (4 * step)
    scale = np.abs(gradient).max()
    assert close(gradient, slopes.reshape(4, 3), atol=1e-6 * scale)
    assert close(gradient, naive_gradient(model, target), atol=1e-13 * scale)


@pytest.mark.parametrize(("order", "dimension", "count"), [(3, 4, 8), (4, 3, 7), (3, 5, 9), (1, 4, 3)])
def test_lazy_errors_are_those_with_the_first_vectors_also_in_the_exceptional_cases(
    rng, order, dimension, count
):
    target = power_sum(rng, (2, dimension), order)
    model = power_sum(rng, (count, dimension), order)
    norm = np.square(target.coordinates).sum()
    first = [
        replace(model, vectors=model.vectors[:some], signs=model.signs[:some]) for some in range(1, count + 1)
    ]
    one_by_one = [projected(some, target) for some in first]
    errors = wang2020.lazy_errors(model, target)
    assert np.array_equal(errors, [lazy_error(some, target) for some in first])
    assert close(errors, one_by_one, atol=1e-12 * norm)
    assert np.array_equal(errors > 1e-16 * norm, np.array(one_by_one) > 1e-16 * norm)


def test_lazy_errors_of_several_tensors_are_those_one_by_one(rng):
    many = power_sum(rng, (2, 3, 5, 4), 3)
    target = power_sum(rng, (2, 4), 3)
    errors = wang2020.lazy_errors(many, target)
    assert errors.shape == (2, 3, 5)
    for run in np.ndindex(2, 3):
        assert close(errors[run], wang2020.lazy_errors(nth(many, run), target), rtol=1e-9, atol=1e-20)


def test_vectors_that_add_no_direction_leave_lazy_errors_as_they_are(rng):
    model = power_sum(rng, (3, 5), 3)
    target = power_sum(rng, (2, 5), 3)
    again = replace(model, vectors=model.vectors[[0, 0, 1]] * [[1], [-2], [0]])
    assert close(wang2020.lazy_errors(again, target), wang2020.lazy_errors(model, target)[0], rtol=1e-12)


# --- gradient descent -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "degree"), [(3, 2), (3, 3), (4, 2)])
def test_descent_is_the_loop_written_out(rng, order, degree):
    start = power_sum(rng, (4, 3), order, degree)
    target = power_sum(rng, (2, 3), order)
    model = start
    for _ in range(25):
        model = replace(model, vectors=model.vectors - 0.002 * naive_gradient(model, target))
    end = wang2020.descend_tensor(start, target, 0.002, 25)
    assert close(end.vectors, model.vectors, atol=1e-12)
    assert (end.order, end.degree) == (order, degree) and np.array_equal(end.signs, start.signs)


def test_descent_goes_on_from_where_it_ended(rng):
    start = power_sum(rng, (4, 3), 3)
    target = power_sum(rng, (2, 3), 3)
    half = wang2020.descend_tensor(start, target, 0.01, 30)
    whole = wang2020.descend_tensor(start, target, 0.01, 70)
    assert close(wang2020.descend_tensor(half, target, 0.01, 40).vectors, whole.vectors, atol=1e-13)


@pytest.mark.parametrize("degree", [2, 3])
def test_small_steps_lower_the_error_by_the_squared_gradient_to_first_order(rng, degree):
    start = power_sum(rng, (4, 3), 3, degree)
    target = power_sum(rng, (2, 3), 3)
    squared = np.square(naive_gradient(start, target)).sum()
    rates = np.array([1e-5, 5e-6, 2.5e-6])
    ends = [wang2020.tensor_error(wang2020.descend_tensor(start, target, rate, 1), target) for rate in rates]
    falls = (wang2020.tensor_error(start, target) - ends) / 2
    gaps = np.abs(falls / rates - squared)
    assert (falls > 0).all() and abs(np.polyfit(np.log(rates), np.log(gaps), 1)[0] - 1) < 0.1
    errors = [
        wang2020.tensor_error(wang2020.descend_tensor(start, target, 1e-3, steps), target)
        for steps in (1, 10, 99)
    ]
    assert (np.diff([wang2020.tensor_error(start, target), *errors]) < 0).all()


def nth(tensor, run):
    """Return one of several tensors, or the only one there is."""
    return tensor if tensor.vectors.ndim == 2 else replace(tensor, vectors=tensor.vectors[run])


@pytest.mark.parametrize("several", ["models", "targets", "both"])
def test_several_runs_at_once_are_those_one_by_one(rng, several):
    many = power_sum(rng, (3, 4, 3), 3)
    one = power_sum(rng, (4, 3), 3)
    start = one if several == "targets" else many
    target = one if several == "models" else power_sum(rng, (3, 2, 3), 3)
    end = wang2020.descend_tensor(start, target, 0.005, 20)
    assert end.vectors.shape == (3, 4, 3)
    for run in range(3):
        alone, wanted = (nth(some, run) for some in (start, target))
        assert close(end.vectors[run], wang2020.descend_tensor(alone, wanted, 0.005, 20).vectors, atol=1e-13)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_vector_of_length_0_stays(rng, degree):
    start = power_sum(rng, (3, 4), 3, degree)
    target = power_sum(rng, (2, 4), 3)
    vectors = start.vectors * [[0.3], [0], [0.3]]
    end = wang2020.descend_tensor(replace(start, vectors=vectors), target, 0.01, 20)
    assert not end.vectors[1].any() and (end.vectors[[0, 2]] != vectors[[0, 2]]).all()
    without = replace(start, vectors=vectors[[0, 2]], signs=start.signs[[0, 2]])
    assert close(end.vectors[[0, 2]], wang2020.descend_tensor(without, target, 0.01, 20).vectors, atol=1e-13)


def test_vectors_at_right_angles_to_all_of_the_target_and_each_other_shrink_and_do_not_turn():
    """Then T - T* acts on each alone: w <- w (1 - 2 rate w^2), degree 2."""
    end = wang2020.descend_tensor(
        wang2020.PowerSum([[0.0, 0.5]], [1.0], 4), wang2020.PowerSum([[1.0, 0.0]], [1.0], 4), 0.1, 3
    )
    w = 0.5
    for _ in range(3):
        w -= 2 * 0.1 * w**3
    assert close(end.vectors, [[0, w]], atol=1e-15)


@pytest.mark.slow
def test_many_small_components_find_two_orthonormal_ones(rng):
    target = wang2020.PowerSum(np.eye(8)[:2], [1.0, 1.0], 3)
    start = wang2020.PowerSum(0.01 / np.sqrt(8) * rng.standard_normal((4, 16, 8)), np.ones(16), 3)
    end = wang2020.descend_tensor(start, target, 0.05, 3000)
    assert (wang2020.tensor_error(end, target) < 1e-6).all()
    alone = replace(start, vectors=abs(start.vectors[:, :1]), signs=[1.0])
    short = wang2020.descend_tensor(alone, target, 0.05, 3000)
    assert close(wang2020.tensor_error(short, target), 1, atol=1e-7)  # one component finds one


def test_divergence_of_descent_is_named_at_the_first_step_that_is_not_finite(rng):
    start = power_sum(rng, (4, 3), 3)
    target = power_sum(rng, (2, 3), 3)
    with pytest.raises(FloatingPointError) as caught:
        wang2020.descend_tensor(start, target, 10.0, 50)
    step = int(str(caught.value).split("step ")[1].split(";")[0])
    assert np.isfinite(wang2020.descend_tensor(start, target, 10.0, step - 1).vectors).all()
    assert str(caught.value) == (f"descent diverged at step {step}; choose a learning rate below 10.0")


def test_tensors_of_different_order_or_dimension_are_refused(rng):
    model = power_sum(rng, (2, 4), 3)
    for shape, order in (((2, 4), 4), ((2, 3), 3)):
        target = power_sum(rng, shape, order)
        says = f"{model!r} and {target!r} differ in order or dimension; they must agree"
        descend = partial(wang2020.descend_tensor, learning_rate=0.1, steps=1)
        for measure in (wang2020.tensor_error, wang2020.lazy_errors, descend):
            with refused(ValueError, says):
                measure(model, target)


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (
            lambda one: wang2020.descend_tensor(one, one, 0.0, 5),
            ValueError,
            "learning_rate is 0.0; choose a number above 0",
        ),
        (lambda one: wang2020.descend_tensor(one, one, 0.1, 0), ValueError, "steps is 0; choose at least 1"),
        (lambda one: wang2020.symmetric_powers(one.vectors, 0), ValueError, "order is 0; choose at least 1"),
        (lambda one: wang2020.tangent_tensors(one.vectors, 0), ValueError, "order is 0; choose at least 1"),
    ],
)
def test_unusable_settings_for_tensors_are_refused(rng, call, kind, says):
    with refused(kind, says):
        call(power_sum(rng, (2, 4), 3))


# --- components drawn anew ------------------------------------------------------------------------------


def redrawn(model, below=0.5, scale=0.01, seed=3):
    return wang2020.redraw_small(model, below, scale, rng=np.random.default_rng(seed))


def test_only_vectors_that_are_short_are_drawn_anew(rng):
    vectors = rng.standard_normal((2, 50, 4))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    lengths = np.tile([0.0, 0.1, 0.499, 0.501, 3.0], (2, 10))
    model = wang2020.PowerSum(lengths[..., None] * vectors, np.ones(50), 3)
    after = redrawn(model)
    assert np.array_equal((after.vectors != model.vectors).all(axis=-1), lengths < 0.5)
    assert np.array_equal(after.vectors[lengths > 0.5], model.vectors[lengths > 0.5])
    assert (after.order, after.degree) == (3, 2) and np.array_equal(after.signs, model.signs)
    assert np.array_equal(redrawn(model).vectors, after.vectors)
    assert not np.array_equal(redrawn(model, seed=4).vectors, after.vectors)


def test_a_vector_just_as_long_as_the_limit_is_kept():
    model = wang2020.PowerSum([[0.5, 0.0], [0.0, np.nextafter(0.5, 0)]], [1.0, 1.0], 3)
    after = redrawn(model)
    assert np.array_equal(after.vectors[0], model.vectors[0]) and after.vectors[1].all()
    assert np.array_equal(redrawn(model, below=0.0).vectors, model.vectors)
    assert not redrawn(model, scale=0.0).vectors[1].any()


def test_what_is_drawn_anew_is_gaussian_with_the_scale_for_its_length():
    model = wang2020.PowerSum(np.zeros((5000, 4)), np.ones(5000), 3)
    entries = redrawn(model, scale=0.3).vectors / (0.3 / 2)
    assert stats.kstest(entries.ravel(), "norm").pvalue > 1e-6
    assert stats.kstest(np.square(entries).sum(axis=1), stats.chi2(4).cdf).pvalue > 1e-6


@pytest.mark.parametrize(
    ("below", "scale", "rng", "kind", "says"),
    [
        (-0.1, 0.1, np.random.default_rng(0), ValueError, "below is -0.1; choose a number of at least 0"),
        (0.1, -0.1, np.random.default_rng(0), ValueError, "scale is -0.1; choose a number of at least 0"),
        (np.inf, 0.1, np.random.default_rng(0), ValueError, "below is inf; choose a finite number"),
        (0.1, 0.1, 7, TypeError, "rng is 7; it must be a Generator: pass rng=np.random.default_rng(seed)"),
    ],
)
def test_unusable_settings_of_what_is_drawn_anew_are_refused(below, scale, rng, kind, says):
    with refused(kind, says):
        wang2020.redraw_small(wang2020.PowerSum(np.eye(3), np.ones(3), 3), below, scale, rng=rng)
