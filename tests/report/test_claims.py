import subprocess
import sys
from xml.etree import ElementTree

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


def test_a_verdict_says_what_was_measured_against_which_bound():
    shown = report.verdict(
        report.Claim(TEXT, "rebuilt", 0.25, "<=", 0.5), report.Claim("Lemma 1: x", "new", 3.0, ">=", 2.0)
    )
    assert repr(shown) == (
        "holds  Theorem 2: the error vanishes\n       0.25, must be <= 0.5 (rebuilt)\n"
        "holds  Lemma 1: x\n       3, must be >= 2 (new)"
    )


def test_a_control_says_what_is_broken_and_what_holds_all_the_same():
    failing, holding = (report.Claim(TEXT, "stated", value, "<=", 0.5) for value in (0.6, 0.4))
    assert repr(report.control("no feedback", failing, holding)) == (
        "Broken on purpose: no feedback. The same check must fail.\n"
        "fails  Theorem 2: the error vanishes\n       0.6, must be <= 0.5 (stated)\n"
        "holds  Theorem 2: the error vanishes\n       0.4, must be <= 0.5 (stated)"
    )


def test_no_line_of_a_verdict_is_longer_than_a_hundred_columns():
    long = report.Claim("Theorem 2: " + 40 * "error ", "new", 1.0, "<=", 2.0, seen=30 * "1 of 2 draws ")
    lines = repr(report.control(40 * "nothing learns ", long)).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) == 7 + 3 + 5  # heading, statement and number: as few as hold them
    assert {line[:7] for line in lines[7:]} <= {"fails  ", "holds  ", 7 * " "}


def test_a_limit_is_shown_with_what_it_was_computed_from():
    row = report.claim(TEXT, measured=0.0061, at_most=0.01, mark="stated", seen="0 of 1500 draws").row
    assert (row["measured"], row["shown"]) == ("0.0061", "0 of 1500 draws (limit 0.0061)")


@pytest.mark.parametrize("sign", [1, -1])
def test_what_rounding_took_from_a_half_does_not_change_the_last_digit(sign):
    for half in (0.125, np.nextafter(0.125, 0), np.nextafter(0.125, 1)):
        assert float(report.Claim(TEXT, "new", sign * half, "<=", 1.0).row["shown"]) == sign * 0.13


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
        ({"bound": np.inf}, "bound is inf; choose a finite number"),
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


def test_a_notebook_gets_a_table_and_its_rows_as_data():
    claim = report.Claim("Lemma 1: a < b", "stated", 0.25, "<=", 0.5)
    shown = report.verdict(claim)._repr_mimebundle_(include=None, exclude=None)
    assert shown["text/plain"] == repr(report.verdict(claim))
    assert shown["application/vnd.fa-utils.verdicts+json"] == [claim.row]
    table = ElementTree.fromstring(shown["text/html"])
    head, row = ([cell.text for cell in row] for row in table)
    assert head == ["verdict", "statement", "measured", "must be", "source"]
    assert row == ["holds", "Lemma 1: a < b", "0.25", "<= 0.5", "stated"]
    assert "".join(table.itertext()).replace("\n", "") == "".join(head + row)
    assert [cell.tag for cell in table.iter()] == ["table", "tr", *["th"] * 5, "tr", *["td"] * 5]
    left = {"align": "left", "style": "text-align: left"}
    assert all(cell.attrib == left for row in table for cell in row)


def test_the_table_of_a_control_says_what_is_broken_and_so_do_its_rows():
    claim = report.Claim(TEXT, "stated", 0.6, "<=", 0.5)
    shown = report.control("a < b", claim)._repr_mimebundle_()
    heading, _, table = shown["text/html"].partition("\n")
    assert heading == "<p>Broken on purpose: a &lt; b. The same check must fail.</p>"
    assert shown["application/vnd.fa-utils.verdicts+json"] == [claim.row | {"broken": "a < b"}]
    assert ElementTree.fromstring(table)[1][0].text == "fails"


def test_claims_need_no_plotting():
    code = "import sys; from fa_utils import report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
