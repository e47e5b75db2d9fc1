"""Records stay what they are when they are copied, sent to another process, or made anew with a change."""

import copy
import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
from conftest import close

import fa_utils as fa
from fa_utils._records import Record

WAYS = {
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda record: pickle.loads(pickle.dumps(record)),
    "dataclasses.replace": replace,
}
SHOWN = {
    "problem": "Problem(7 x 6, r = 3)",
    "problem in factors": "Problem(7 x 6, r = 3)",
    "target": "FactoredTarget(7 x 6, inner size 2)",
    "Euler": "Trajectory(4 snapshots to time 0.3; Z 7 x 3, W 3 x 6)",
    "flow": "Trajectory(2 snapshots to time 0.25; Z 7 x 3, W 3 x 6)",
    "rest": "Rest(gap 1 after 5 steps)",
}


@pytest.fixture
def records(problem):
    """One of each kind, by name."""
    target = fa.FactoredTarget(np.ones((7, 2)), np.ones((2, 6)))
    return {
        "problem": problem,
        "problem in factors": replace(problem, target=target),
        "target": target,
        "Euler": fa.descend(problem, fa.FA, 0.1, 3),
        "flow": fa.flow(problem, fa.FA_STAR, [0.0, 0.25]),
        "rest": fa.Rest(problem.Z, problem.W, gap=1.0, steps=5),
    }


def arrays_of(record):
    """Return a record's arrays by name, those of its records among them."""
    found = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Record):
            found |= arrays_of(value)
        elif isinstance(value, np.ndarray):
            found[field.name] = value
    return found


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", SHOWN)
def test_a_copy_holds_the_same_numbers_and_is_as_read_only(records, name, way):
    record = records[name]
    found = way(record)
    assert type(found) is type(record)
    assert found is not record
    wanted = arrays_of(record)
    assert arrays_of(found).keys() == wanted.keys()
    for part, array in arrays_of(found).items():
        assert np.array_equal(array, wanted[part])
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert repr(found) == repr(record)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_copied_and_changed_problem_has_its_own_sketch(problem, way):
    assert problem.sketch is problem.sketch
    copied = way(problem)
    assert np.array_equal(copied.sketch, problem.sketch)
    assert not copied.sketch.flags.writeable
    changed = replace(copied, feedback=2 * problem.feedback)
    assert np.array_equal(changed.sketch, 2 * problem.sketch)
    other = replace(way(changed), target=-problem.target)
    assert np.array_equal(other.sketch, -2 * problem.sketch)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_copied_problem_runs_alike(problem, way):
    assert np.array_equal(fa.descend(way(problem), fa.GD, 0.05, 20).Z, fa.descend(problem, fa.GD, 0.05, 20).Z)


@pytest.mark.parametrize("way", [WAYS["copy.deepcopy"], WAYS["pickle"], WAYS["copy.copy"]])
@pytest.mark.parametrize("rule", [fa.GD, fa.FA, fa.FA_STAR])
def test_a_copied_rule_is_the_rule(problem, rule, way):
    assert way(rule) == rule
    assert hash(way(rule)) == hash(rule)


@pytest.mark.parametrize("name", SHOWN)
def test_a_record_is_shown_in_one_short_line(records, name):
    assert repr(records[name]) == SHOWN[name]


def test_factors_are_shown_by_their_shapes_and_unpack_as_a_pair(problem):
    point = fa.stationary_point(problem)
    assert repr(point) == "Factors(Z 7 x 3, W 3 x 6)"
    Z, W = pickle.loads(pickle.dumps(point))
    assert close(Z @ W, point.Z @ point.W, atol=0)


@pytest.mark.parametrize("name", SHOWN)
def test_a_record_cannot_be_changed_and_is_equal_to_itself_alone(records, name):
    record = records[name]
    field = fields(record)[0].name
    with pytest.raises(AttributeError, match="cannot assign to field"):
        setattr(record, field, None)
    assert record == record
    assert record != copy.copy(record)
    assert len({record, copy.copy(record)}) == 2
