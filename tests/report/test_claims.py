import subprocess
import sys
import types

import numpy as np
import pytest
from conftest import refused

from fa_utils import report

TEXT = "Theorem 2: the error vanishes"


@pytest.mark.parametrize(
    ("measured", "relation", "bound", "holds"),
    [
        (1.0, "<=", 1.0, True),
        (1.0001, "<=", 1.0, False),
        (1.0, ">=", 1.0, True),
        (0.9999, ">=", 1.0, False),
        (0, "==", 0, True),
        (1, "==", 0, False),
        (np.nan, "<=", 1.0, False),
        (np.nan, ">=", 1.0, False),
        (np.inf, "<=", 1.0, False),
    ],
)
def test_a_claim_holds_on_one_side_of_its_bound_only(measured, relation, bound, holds):
    claim = report.Claim(TEXT, "stated", measured, relation, bound)
    assert claim.holds is holds
    assert claim.row["verdict"] == ("holds" if holds else "fails")


def test_a_claim_is_made_with_its_bound_by_name():
    for bounds, relation in (({"at_most": 2}, "<="), ({"at_least": 0.0}, ">="), ({"equal_to": 0}, "==")):
        made = report.claim(TEXT, measured=1, mark="new", resolution=0.0, chance=0.1, **bounds)
        assert made == report.Claim(TEXT, "new", 1, relation, *bounds.values(), chance=0.1)
    made = report.claim(TEXT, measured=1e-9, at_most=1.0, mark="stated", resolution=1e-3)
    assert made == report.Claim(TEXT, "stated", 1e-9, "<=", 1.0, resolution=1e-3)


@pytest.mark.parametrize("bounds", [{}, {"at_most": 1.0, "at_least": 0.0}, {"at_most": 0, "equal_to": 0}])
def test_a_claim_has_exactly_one_bound(bounds):
    says = f"{len(bounds)} bounds are given; give exactly one of at_most, at_least and equal_to"
    with refused(TypeError, says):
        report.claim(TEXT, measured=0.5, mark="new", **bounds)


def test_what_comes_after_the_statement_of_a_claim_is_named():
    with pytest.raises(TypeError):
        report.claim(TEXT, 0.5, at_most=1.0, mark="new")
    with pytest.raises(TypeError):
        report.claim(TEXT, measured=0.5, at_most=1.0)


def test_digits_below_the_resolution_are_not_shown():
    row = report.Claim(TEXT, "stated", 3.21e-15, "<=", 1e-6, resolution=1e-9).row
    assert (row["measured"], row["shown"]) == ("1e-09", "<1e-09")
    row = report.Claim(TEXT, "stated", 3.21e-8, "<=", 1e-6, resolution=1e-9).row
    assert (row["measured"], row["shown"]) == ("3.2e-08", "3.2e-08")


def test_counts_are_shown_in_full_and_other_numbers_to_two_digits():
    shown = [
        report.Claim(TEXT, "new", value, ">=", 1234.5).row["shown"]
        for value in (np.int64(1234), 1234.0, 0.3456)
    ]
    assert shown == ["1234", "1.2e+03", "0.35"]
    assert report.Claim(TEXT, "new", 1, ">=", 1234.5).row["bound"] == "1234.5"


def test_a_claim_says_with_which_chance_it_fails_though_true():
    assert report.Claim(TEXT, "new", 1.0, "<=", 2.0).row["chance"] == "0"
    assert report.Claim(TEXT, "new", 1.0, "<=", 2.0, chance=1e-4).row["chance"] == "0.0001"
    for chance in (-1e-4, 1.0, np.nan):
        with pytest.raises(ValueError, match=r"^chance is "):
            report.Claim(TEXT, "new", 1.0, "<=", 2.0, chance=chance)


def test_verdict_prints_what_was_measured_against_which_bound(capsys):
    report.verdict(
        report.Claim(TEXT, "rebuilt", 0.25, "<=", 0.5), report.Claim("Lemma 1: x", "new", 3.0, ">=", 2.0)
    )
    assert capsys.readouterr().out == (
        "holds  0.25  <=  0.5  Theorem 2: the error vanishes (rebuilt)\n"
        "holds  3     >=  2    Lemma 1: x (new)\n"
    )


def test_a_verdict_that_fails_is_shown_and_stops_nothing_after_it(capsys):
    good = report.Claim("Lemma 1: x", "new", 3.0, ">=", 2.0)
    bad = report.Claim(TEXT, "stated", 0.6, "<=", 0.5)
    assert report.verdict(bad, good) is None
    assert capsys.readouterr().out == (
        "fails  0.6  <=  0.5  Theorem 2: the error vanishes (stated)\nholds  3    >=  2    Lemma 1: x (new)\n"
    )


def test_a_control_shows_what_fails_and_what_holds_although_something_is_broken(capsys):
    failing, holding = (report.Claim(TEXT, "stated", value, "<=", 0.5) for value in (0.6, 0.4))
    assert report.control("no feedback", failing, holding) is None
    assert capsys.readouterr().out == (
        "Broken on purpose: no feedback\n"
        "fails  0.6  <=  0.5  Theorem 2: the error vanishes (stated)\n"
        "holds  0.4  <=  0.5  Theorem 2: the error vanishes (stated)\n"
    )


@pytest.mark.parametrize(
    ("measured", "bound", "shown"),
    [(-0.0, 0.0, "0"), (-1e-300, -0.0, "-1e-300"), (0.0, 0.0, "0"), (np.int64(0), 0, "0")],
)
def test_a_zero_has_no_sign(measured, bound, shown):
    row = report.Claim(TEXT, "new", measured, ">=", bound).row
    assert (row["measured"], row["bound"]) == (shown, "0")
    assert report.Claim(TEXT, "new", -0.0, "<=", 1.0, resolution=1e-3).row["shown"] == "<0.001"


def test_verdicts_and_controls_need_a_claim():
    for call in (report.verdict, lambda: report.control("nothing")):
        with refused(ValueError, "no claim was given, so nothing was judged; give at least one"):
            call()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mark": "proven"}, "mark is 'proven'; choose one of stated, rebuilt, new"),
        ({"relation": "<"}, "relation is '<'; choose one of <=, >=, =="),
        ({"bound": np.inf}, "bound is inf; it must be finite"),
        ({"resolution": 0.5}, "resolution 0.5 reaches the bound 0.5; choose a smaller one"),
        (
            {"resolution": 0.6, "bound": -0.5},
            "resolution 0.6 reaches the bound -0.5; choose a smaller one",
        ),
    ],
)
def test_a_claim_refuses_what_could_not_be_judged(change, message):
    arguments = {"statement": TEXT, "mark": "new", "measured": 0.1, "relation": "<=", "bound": 0.5}
    with refused(ValueError, message):
        report.Claim(**(arguments | change))


@pytest.mark.parametrize("inside", [True, False])
def test_a_notebook_gets_the_rows_as_data_and_those_of_a_control_say_what_is_broken(
    monkeypatch, capsys, inside
):
    shown = []
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: ipython if inside else None
    ipython.display = types.SimpleNamespace(display=lambda data, raw: shown.append((data, raw)))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    claim = report.Claim(TEXT, "stated", 0.25, "<=", 0.5)
    report.verdict(claim)
    text = "holds  0.25  <=  0.5  Theorem 2: the error vanishes (stated)"
    if not inside:
        assert capsys.readouterr().out == text + "\n" and not shown
        return
    fails = report.Claim(TEXT, "stated", 0.6, "<=", 0.5)
    report.control("no feedback", fails)
    broken = "Broken on purpose: no feedback\nfails  0.6  <=  0.5  Theorem 2: the error vanishes (stated)"
    told = fails.row | {"broken": "no feedback"}
    assert capsys.readouterr().out == ""
    assert shown == [
        ({"text/plain": text, "application/vnd.fa-utils.verdicts+json": [claim.row]}, True),
        ({"text/plain": broken, "application/vnd.fa-utils.verdicts+json": [told]}, True),
    ]


def test_claims_need_no_plotting():
    code = "import sys; from fa_utils import report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
