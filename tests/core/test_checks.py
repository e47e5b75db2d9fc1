import numpy as np
import pytest
from conftest import refused
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator

import fa_utils as fa
from fa_utils import _checks as checks

REAL = "they must be real floating-point numbers: convert with np.asarray({0}, dtype=float), or take .real"
FILL = "fill them in, or drop their rows or columns"


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (np.ones((2, 2), int), TypeError, f"Z holds int64 entries; {REAL.format('Z')} of complex ones"),
        ([[1j]], TypeError, f"Z holds complex128 entries; {REAL.format('Z')} of complex ones"),
        ([["1"]], TypeError, f"Z holds <U1 entries; {REAL.format('Z')} of complex ones"),
        (np.ones((2, 0)), ValueError, "Z has shape (2, 0) and so no entries; give it at least one"),
        (
            [[0.0, 1.0], [np.nan, np.inf]],
            ValueError,
            "Z holds nan at (1, 0); entries must be finite: remove or repair it",
        ),
        ([0.5, 1.0], ValueError, "Z has shape (2,); it must have 2 axes: reshape it"),
        (np.ones((1, 2, 3)), ValueError, "Z has shape (1, 2, 3); it must have 2 axes: reshape it"),
        ([[1.0, 2.0], [3.0]], ValueError, "Z has rows of different lengths; they must be equally long"),
        (None, TypeError, f"Z holds object entries; {REAL.format('Z')} of complex ones"),
        (np.ma.masked_equal([[1.0, 2.0]], 2.0), ValueError, f"Z has masked entries; {FILL}"),
        (sparse.eye_array(3), TypeError, "Z is a sparse dia_array; pass Z.toarray()"),
        (
            aslinearoperator(np.eye(3)),
            TypeError,
            "Z is a MatrixLinearOperator; pass an array, or a FactoredTarget as target",
        ),
        (
            fa.FactoredTarget(np.ones((3, 1)), np.ones((1, 2))),
            TypeError,
            "Z is a FactoredTarget; it must be an array: pass one of its arrays",
        ),
        (
            fa.Factors(np.ones((2, 2)), np.ones((2, 2))),
            TypeError,
            "Z is a Factors; it must be an array: pass one of its arrays",
        ),
    ],
)
def test_an_array_that_is_none_of_real_numbers_is_refused(values, kind, message):
    with refused(kind, message):
        checks.real_array("Z", values, ndim=2)


def test_an_array_becomes_read_only_float64():
    array = checks.real_array("Z", np.ones((2, 3), np.float32), ndim=2)
    assert array.dtype == np.float64 and not array.flags.writeable and array.shape == (2, 3)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (np.ones((4, 3)), ValueError, "W has shape (4, 3); for two units it must end in (2, 3)"),
        (np.ones(3), ValueError, "W has shape (3,); for two units it must end in (2, 3)"),
        (
            np.ones((0, 2, 3)),
            ValueError,
            "W has shape (0, 2, 3) and so no entries; give it at least one",
        ),
        (
            np.full((5, 2, 3), np.inf),
            ValueError,
            "W holds inf at (0, 0, 0); entries must be finite: remove or repair it",
        ),
        (np.ones((2, 3), int), TypeError, f"W holds int64 entries; {REAL.format('W')} of complex ones"),
    ],
)
def test_states_that_do_not_fit_are_refused(values, kind, message):
    with refused(kind, message):
        checks.states("W", values, (2, 3), "for two units")


def test_states_are_given_back_as_float64_and_not_copied_if_they_are():
    run = np.ones((5, 2, 3))
    assert checks.states("W", run, (2, 3), "for two units") is run
    assert checks.states("W", run.astype(np.float32), (2, 3), "for two units").dtype == np.float64


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([-0.5, 1.0], ValueError, "times starts at -0.5; time runs from 0: choose times of at least 0"),
        ([1.0, 1.0], ValueError, "times must be strictly increasing; sort them and drop repeated ones"),
        ([2.0, 1.0], ValueError, "times must be strictly increasing; sort them and drop repeated ones"),
        ([], ValueError, "times has shape (0,) and so no entries; give it at least one"),
        ([[1.0]], ValueError, "times has shape (1, 1); it must have 1 axes: reshape it"),
        ([0.0, np.inf], ValueError, "times holds inf at (1,); entries must be finite: remove or repair it"),
        ([True], TypeError, f"times holds bool entries; {REAL.format('times')} of complex ones"),
    ],
)
def test_times_that_are_none_are_refused(values, kind, message):
    with refused(kind, message):
        checks.increasing_times(values)


def test_times_from_zero_on_are_kept_whole_numbers_among_them():
    for values in ([0, 1, 3], [0.0, 1.0, 3.0]):
        times = checks.increasing_times(values)
        assert times.dtype == np.float64 and not times.flags.writeable
        assert np.array_equal(times, [0.0, 1.0, 3.0])


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (2, ValueError, "rank is 2; choose at least 3"),
        (np.int64(-1), ValueError, "rank is -1; choose at least 3"),
        (3.0, TypeError, "rank is 3.0; it must be a whole number: use int(rank)"),
        ("3", TypeError, "rank is '3'; it must be a whole number: use int(rank)"),
        (True, TypeError, "rank is True; it must be a whole number: use int(rank)"),
    ],
)
def test_a_number_that_is_not_whole_or_too_small_is_refused(value, kind, message):
    with refused(kind, message):
        checks.whole_number("rank", value, least=3)


def test_a_whole_number_is_given_back_as_pythons_own():
    assert [type(checks.whole_number("rank", value, least=3)) for value in (3, np.int32(4))] == [int, int]


@pytest.mark.parametrize("check", [checks.real_number, checks.positive_number, checks.number_from_zero])
@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("1", TypeError, "gap is '1'; give one real number"),
        (True, TypeError, "gap is True; give one real number"),
        (1j, TypeError, "gap is 1j; give one real number"),
        (np.inf, ValueError, "gap is inf; choose a finite number"),
    ],
)
def test_what_is_no_finite_number_is_refused(check, value, kind, message):
    with refused(kind, message):
        check("gap", value)


def test_a_number_on_the_wrong_side_of_zero_is_refused():
    for value in (0, -1.5):
        with refused(ValueError, f"gap is {value}; choose a number above 0"):
            checks.positive_number("gap", value)
    with refused(ValueError, "gap is -1.5; choose a number of at least 0"):
        checks.number_from_zero("gap", -1.5)
    assert checks.number_from_zero("gap", 0) == 0.0


@pytest.mark.parametrize("check", [checks.real_number, checks.positive_number, checks.number_from_zero])
@pytest.mark.parametrize("value", [2, 0.5, np.int64(3), np.float32(0.25)])
def test_a_number_is_given_back_as_a_float(check, value):
    assert type(check("gap", value)) is float and check("gap", value) == value


def test_a_rank_is_at_most_the_smaller_side():
    assert checks.rank_within(4, (9, 4)) == 4
    with refused(ValueError, "rank 5 exceeds the smaller side 4; choose at most 4"):
        checks.rank_within(5, (9, 4))
    with refused(ValueError, "rank is 0; choose at least 1"):
        checks.rank_within(0, (9, 4))
    with refused(TypeError, "rank is 2.0; it must be a whole number: use int(rank)"):
        checks.rank_within(2.0, (9, 4))


def test_generators_are_given_back_and_nothing_else_is():
    rng = np.random.default_rng(1)
    for check in (checks.random_generator, checks.spawning_generator):
        assert check(rng) is rng
        with refused(TypeError, "rng is 7; it must be a Generator: pass rng=np.random.default_rng(seed)"):
            check(7)
    old = np.random.Generator(np.random.RandomState(3)._bit_generator)
    with refused(
        TypeError, "rng was made without a seed that can be split; pass rng=np.random.default_rng(seed)"
    ):
        checks.spawning_generator(old)


def test_an_array_of_whole_numbers_is_converted_where_they_are_allowed_and_nowhere_else():
    array = checks.real_array("target", [[1, 2], [3, 4]], ndim=2, integers=True)
    assert array.dtype == np.float64
    assert array.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    with refused(TypeError, f"target holds bool entries; {REAL.format('target')} of complex ones"):
        checks.real_array("target", [[True]], ndim=2, integers=True)


def test_a_mask_that_hides_nothing_is_no_reason_to_refuse():
    array = checks.real_array("Z", np.ma.array(np.ones((2, 2)), mask=False), ndim=2)
    assert type(array) is np.ndarray


def test_numbers_of_at_least_0_may_be_zero_and_positive_ones_may_not():
    for values in ([0.0, 1.0], [0, 1]):
        array = checks.nonnegative_values("singular_values", values)
        assert array.dtype == np.float64
        assert not array.flags.writeable
        assert array.tolist() == [0.0, 1.0]
        with refused(ValueError, "weights holds 0.0; choose numbers above 0"):
            checks.positive_values("weights", values)
    assert checks.positive_values("weights", [3, 1]).tolist() == [3.0, 1.0]
    with refused(ValueError, "singular_values holds -3.0; choose numbers of at least 0"):
        checks.nonnegative_values("singular_values", [1.0, -2.0, -3.0])


@pytest.mark.parametrize("check", [checks.nonnegative_values, checks.positive_values])
@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([1j], TypeError, f"weights holds complex128 entries; {REAL.format('weights')} of complex ones"),
        (["2"], TypeError, f"weights holds <U1 entries; {REAL.format('weights')} of complex ones"),
        ([], ValueError, "weights has shape (0,) and so no entries; give it at least one"),
        ([[1.0]], ValueError, "weights has shape (1, 1); it must have 1 axes: reshape it"),
    ],
)
def test_values_that_are_no_list_of_real_numbers_are_refused(check, values, kind, message):
    with refused(kind, message):
        check("weights", values)


PAIR = "it must be a pair (n, m), for instance (100, 80)"


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        (4, TypeError, f"shape is 4; {PAIR}"),
        ((4,), TypeError, f"shape is (4,); {PAIR}"),
        ((4, 3, 2), TypeError, f"shape is (4, 3, 2); {PAIR}"),
        ("44", TypeError, f"shape is '44'; {PAIR}"),
        (np.ones(2), TypeError, f"shape is an array of shape (2,); {PAIR}"),
        ((4, 3.0), TypeError, "m is 3.0; it must be a whole number: use int(m)"),
        ((0, 3), ValueError, "n is 0; choose at least 1"),
    ],
)
def test_a_shape_that_is_no_pair_of_sizes_is_refused(shape, kind, message):
    with refused(kind, message):
        checks.matrix_shape(shape)


def test_a_shape_is_a_tuple_or_a_list_of_two_sizes():
    assert checks.matrix_shape([4, np.int64(3)]) == (4, 3)


def test_a_result_is_given_back_if_it_is_finite():
    array = np.ones(3)
    assert checks.finite_result("loss", array) is array
    for result in (np.inf, np.nan, np.array([1.0, np.inf])):
        with pytest.raises(FloatingPointError, match=r"^loss overflows float64, which ends at"):
            checks.finite_result("loss", result)


def test_what_is_long_or_has_several_lines_is_named_by_its_kind():
    assert checks.short_text("FA") == "'FA'"
    assert checks.short_text(np.ones((9, 9))) == "an array of shape (9, 9)"
    assert checks.short_text(list(range(100))) == "a list"
    assert checks.short_text([np.eye(2)]) == "a list"


def test_an_array_in_any_order_of_memory_is_kept_in_the_same_one():
    rows = np.arange(6.0).reshape(2, 3)
    columns = np.asfortranarray(rows)
    columns.setflags(write=False)
    for given in (rows, columns, rows.T.copy().T, rows[::-1][::-1]):
        array = checks.real_array("Z", given, ndim=2)
        assert array.flags.c_contiguous
        assert np.array_equal(array, rows)
        assert not np.shares_memory(array, given)


def test_a_read_only_array_that_is_no_view_is_not_copied():
    array = checks.real_array("Z", np.ones((2, 3)), ndim=2)
    assert checks.real_array("Z", array, ndim=2) is array


def test_a_value_is_shown_if_it_fits_a_line_and_named_by_its_kind_if_not():
    assert checks.short_text("x" * 58) == repr("x" * 58)  # of 60 letters, with its marks
    assert checks.short_text("x" * 59) == "a str"
    assert checks.short_text(np.ones((4, 3))) == "an array of shape (4, 3)"
