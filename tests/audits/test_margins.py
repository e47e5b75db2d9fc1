"""The margin of a number: how far rounding moves it, against the last digit that is shown."""

import json
import math
import re

import margins
import numpy as np
import pytest


def line(*values, unit=0.0, digits=None, judged="", hidden=0.0):
    """Return what a run notes of a number or a series."""
    how = {"unit": unit, "digits": digits, "judged": judged, "hidden": hidden}
    return {"what": "x", "values": np.array(values, float)} | how


def said(*values, **how):
    """Return the complaints about one number that comes out so under the four roundings."""
    return [*margins.complaints("good", [[line(value, **how)] for value in values])]


@pytest.mark.parametrize(
    ("value", "digits", "unit", "last"),
    [
        (0.123, 2, 0.0, 0.01),
        (0.123, 2, 0.1, 0.1),
        (9.99, 2, 0.0, 0.1),
        (-123.0, 5, 0.0, 0.01),
        (5.0, None, 1e-3, 1e-3),
        (0.0, 2, 1e-9, 1e-9),
        (0.0, 2, 0.0, 0.0),
        (math.nan, 2, 0.0, 0.0),
        (math.inf, 5, 1e-3, 1e-3),
    ],
)
def test_the_last_digit_shown_is_the_coarser_of_unit_and_digits(value, digits, unit, last):
    (found,) = margins.last_digits(line(value, digits=digits, unit=unit))
    assert math.isclose(found, last, rel_tol=1e-12)


def test_a_spread_above_a_hundredth_of_the_last_digit_is_named():
    assert said(0.5, 0.50009, 0.49991, 0.5, digits=2) == []
    (found,) = said(0.5, 0.5, 0.4998, 0.5, digits=2)
    assert found == "good: x: 0.5 by 0.0002, last digit 0.01"
    assert said(1e-9, 3e-9, 1e-9, 1e-9, digits=2, unit=1e-6) == []


def test_what_is_shown_as_below_a_resolution_must_be_far_from_it():
    assert said(1e-9, 4e-9, 0.0, 2e-9, digits=2, hidden=1e-8) == []
    assert said(9e-9, 9.05e-9, 9e-9, 9e-9, digits=2, hidden=1e-8) == []
    assert len(said(4e-9, 9e-9, 4e-9, 4e-9, digits=2, hidden=1e-8)) == 1
    assert len(said(9e-9, 1.1e-8, 9e-9, 9e-9, digits=2, hidden=1e-8)) == 1


@pytest.mark.parametrize("values", [(math.nan,) * 4, (math.inf,) * 4, (0.0, -0.0, 0.0, 0.0)])
def test_what_never_changes_has_margin_enough(values):
    assert said(*values, digits=2) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e300])
def test_what_becomes_no_number_has_none(value):
    assert len(said(1.0, 1.0, value, 1.0, digits=2)) == 1


def test_a_verdict_that_changes_and_a_series_of_another_length_are_named():
    runs = [[line(1.0, judged="holds")]] * 3 + [[line(1.0, judged="fails")]]
    assert [*margins.complaints("good", runs)] == ["good: x: ['holds', 'holds', 'holds', 'fails']"]
    runs = [[line(1.0, 2.0)]] * 3 + [[line(1.0)]]
    assert [*margins.complaints("good", runs)] == ["good: x: [2, 2, 2, 1]"]
    runs = [[line(1.0)]] * 3 + [[]]
    (found,) = margins.complaints("good", runs)
    assert re.match(r"good: \[1, 1, 1, 0\] numbers and series", found)


def test_values_are_kept_to_the_last_bit(tmp_path):
    values = [1 / 3, 5e-324, -math.inf, math.nan]
    noted = {"what": "x", "values": [value.hex() for value in values], "unit": 0.0, "digits": 2, "judged": ""}
    (tmp_path / "one.jsonl").write_text(json.dumps(noted) + "\n")
    (found,) = margins.read(tmp_path / "one.jsonl")
    assert np.array_equal(found["values"], values, equal_nan=True)


def test_all_notebooks_are_recorded_under_all_roundings_and_counted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    recorded = []

    def record(name, mode):
        recorded.append((name, mode))
        path = margins.FOLDER / mode / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        third = (1 / 3 + (mode == "up") * (name == "bad")).hex()
        path.write_text(f"{json.dumps(line(unit=0.1, digits=2) | {'values': [third]})}\n")

    monkeypatch.setattr(margins, "record", record)
    assert margins.main(1, ["good"]) == 0 and margins.main(1, ["good", "bad"]) == 1
    assert len(recorded) == 12 and {mode for _, mode in recorded} == {*margins.MODES}
    assert capsys.readouterr().out.splitlines() == [
        "1 numbers of 1 notebooks, 0 places with too little margin",
        "bad: x: 0.3333333 by 1, last digit 0.1",
        "2 numbers of 2 notebooks, 1 places with too little margin",
    ]
