import pickle

import numpy as np
import pytest
from conftest import close, refused

from fa_utils import theory


def test_integrals_of_polynomials_up_to_degree_seven_are_exact():
    rule = theory.quadrature([0.0, 0.3, 1.0, 2.5])
    powers = np.arange(8)
    integrals = theory.running_integral(rule, rule.times[:, None] ** powers)
    edges = rule.times[rule.edges]
    assert close(integrals, edges[:, None] ** (powers + 1) / (powers + 1), rtol=1e-13)


def test_the_error_falls_with_the_eighth_power_of_the_width():
    errors = []
    for panels in (8, 16):
        rule = theory.quadrature(np.linspace(0, 8, panels + 1))
        errors.append(abs(theory.running_integral(rule, np.cos(rule.times))[-1] - np.sin(8)))
    assert abs(np.log2(errors[0] / errors[1]) - 8) < 0.5


def test_times_are_fit_for_a_flow_and_edges_weigh_nothing():
    rule = theory.quadrature([0.5, 1.0, 4.0])
    assert (np.diff(rule.times) > 0).all() and close(rule.weights.sum(), 3.5, rtol=1e-12)
    assert np.array_equal(rule.times[rule.edges], [0.5, 1.0, 4.0]) and not rule.weights[rule.edges].any()


def test_matrices_are_integrated_entry_by_entry():
    rule = theory.quadrature([0.0, 2.0])
    values = np.einsum("t,ij->tij", rule.times, [[1.0, 2.0], [3.0, 4.0]])
    assert close(
        theory.running_integral(rule, values), [np.zeros((2, 2)), [[2.0, 4.0], [6.0, 8.0]]], rtol=1e-12
    )


@pytest.mark.parametrize(
    ("edges", "says"), [([0.0], "at least two"), ([0.0, 0.0], "increasing"), ([-1.0, 1.0], "at least 0")]
)
def test_unusable_edges_are_refused(edges, says):
    with pytest.raises(ValueError, match=says):
        theory.quadrature(edges)


def test_values_at_other_times_are_refused():
    with pytest.raises(ValueError, match="5 entries for 6 times"):
        theory.running_integral(theory.quadrature([0.0, 1.0]), np.ones(5))


def test_edges_without_room_between_them_are_refused():
    with refused(ValueError, "edges are so close that no times fit between them; choose fewer"):
        theory.quadrature([1.0, np.nextafter(1.0, 2.0)])
    assert np.isfinite(theory.quadrature([0.0, 1.7e308]).times).all()


@pytest.mark.filterwarnings("ignore:overflow")
def test_an_integral_beyond_float64_is_refused():
    rule = theory.quadrature([0.0, 1e10])
    with pytest.raises(FloatingPointError, match="running_integral overflows float64"):
        theory.running_integral(rule, np.full(rule.times.size, 1e300))


def test_values_that_are_not_finite_are_refused():
    rule = theory.quadrature([0.0, 1.0])
    with pytest.raises(ValueError, match=r"values holds nan at \(0,\)"):
        theory.running_integral(rule, np.full(rule.times.size, np.nan))


def test_a_quadrature_is_shown_on_one_line_and_its_copies_are_read_only():
    rule = pickle.loads(pickle.dumps(theory.quadrature([0.0, 1.0, 3.0])))
    assert repr(rule) == "Quadrature(2 panels, 11 times)"
    assert theory.running_integral(rule, rule.times)[-1] == pytest.approx(4.5)
    for array in (rule.times, rule.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
