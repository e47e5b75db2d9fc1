import json
import locale
import sys
import types

import numpy as np
import pytest
from conftest import close, refused
from scipy import stats

import fa_utils as fa
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


def test_digits_below_the_resolution_are_not_shown():
    row = report.Claim(TEXT, "stated", 3.21e-15, "<=", 1e-6, resolution=1e-9).row
    assert (row["measured"], row["shown"]) == ("1e-09", "<1e-09")
    row = report.Claim(TEXT, "stated", 3.21e-8, "<=", 1e-6, resolution=1e-9).row
    assert (row["measured"], row["shown"]) == ("3.2e-08", "3.2e-08")


def test_counts_are_shown_in_full_and_other_numbers_to_two_digits():
    shown = [
        report.Claim(TEXT, "new", value, ">=", 1234.5).row["shown"] for value in (np.int64(1234), 1234.0, 0.3456)
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
    report.verdict(report.Claim(TEXT, "rebuilt", 0.25, "<=", 0.5), report.Claim("Lemma 1: x", "new", 3.0, ">=", 2.0))
    assert capsys.readouterr().out == (
        "holds  0.25  <=  0.5  Theorem 2: the error vanishes (rebuilt)\n"
        "holds  3     >=  2    Lemma 1: x (new)\n"
    )


def test_a_verdict_that_fails_is_shown_and_stops_nothing_after_it(capsys):
    good, bad = report.Claim("Lemma 1: x", "new", 3.0, ">=", 2.0), report.Claim(TEXT, "stated", 0.6, "<=", 0.5)
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


def test_read_verdicts_finds_the_rows_in_a_notebooks_outputs(tmp_path):
    row = report.Claim(TEXT, "stated", 0.1, "<=", 0.5).row
    mime = "application/vnd.fa-utils.verdicts+json"
    outputs = [
        {"output_type": "stream"},
        {"data": {"text/plain": "x", mime: [row]}},
        {"data": {"text/plain": "x", mime: [row | {"broken": "a control is no verdict"}]}},
    ]
    notebook = tmp_path / "one.ipynb"
    notebook.write_text(
        json.dumps({"cells": [{"cell_type": "markdown"}, {"outputs": outputs}, {"outputs": []}]})
    )
    assert report.read_verdicts(notebook) == [row]


def test_verdicts_are_read_as_utf_8_whatever_the_locale(tmp_path):
    row = report.Claim("Théorème 2: ‖Y − ZW‖ = 0", "stated", 0.1, "<=", 0.5).row
    cells = [{"outputs": [{"data": {"application/vnd.fa-utils.verdicts+json": [row]}}]}]
    notebook = tmp_path / "one.ipynb"
    notebook.write_text(json.dumps({"cells": cells}, ensure_ascii=False), encoding="utf-8")
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C")
        assert report.read_verdicts(notebook) == [row]
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


@pytest.mark.parametrize(("count", "draws"), [(0, 1500), (1, 1500), (17, 40), (39, 40), (40, 40)])
def test_the_probability_limit_is_scipys_exact_one(count, draws):
    exact = stats.binomtest(count, draws, alternative="less").proportion_ci(0.9999, method="exact").high
    assert close(report.probability_limit(count, draws, 0.9999), exact, rtol=1e-10)


@pytest.mark.parametrize(
    ("count", "draws", "confidence", "says"),
    [
        (5, 4, 0.9, "count is 5 of 4 draws; choose at most 4"),
        (-1, 4, 0.9, "count is -1; choose at least 0"),
        (0, 0, 0.9, "draws is 0; choose at least 1"),
        (1, 4, 1.0, "confidence is 1.0; choose a number between 0 and 1"),
        (1, 4, 0.0, "confidence is 0.0; choose a number between 0 and 1"),
        (1, 4, np.nan, "confidence is nan; it must be finite"),
    ],
)
def test_counts_and_confidences_that_cannot_be_are_refused(count, draws, confidence, says):
    with refused(ValueError, says):
        report.probability_limit(count, draws, confidence)


def test_two_samples_of_one_law_stay_within_the_kolmogorov_limit_as_often_as_it_says(rng):
    limit = report.kolmogorov_limit(40, 60, chance=0.2)
    distances = [stats.ks_2samp(rng.random(40), rng.random(60)).statistic for _ in range(500)]
    assert 0.05 < np.mean(np.array(distances) > limit) < 0.25
    assert report.kolmogorov_limit(10**9, 100, chance=1e-6) == pytest.approx(0.26934, rel=1e-4)


@pytest.mark.parametrize("chance", [0.0, 1.0, -0.1])
def test_a_kolmogorov_limit_refuses_what_is_no_chance(chance):
    with refused(ValueError, f"chance is {chance}; choose a number between 0 and 1"):
        report.kolmogorov_limit(3, 4, chance=chance)
    with refused(ValueError, "one is 0; choose at least 1"):
        report.kolmogorov_limit(0, 4, chance=0.5)


def test_samples_larger_than_any_machine_integer_have_a_kolmogorov_limit():
    assert report.kolmogorov_limit(10**30, 100, chance=1e-6) == pytest.approx(0.26934, rel=1e-4)

    with refused(ValueError, "other is 0; choose at least 1"):
        report.kolmogorov_limit(4, 0, chance=0.5)
    with refused(ValueError, "chance is nan; it must be finite"):
        report.kolmogorov_limit(3, 4, chance=np.nan)


def of_samples(*samples):
    """Return deviations and numbers of samples, as the limit takes them."""
    return [np.std(sample, ddof=1, axis=-1) for sample in samples], [sample.shape[-1] for sample in samples]


def test_two_means_are_the_student_limit_apart_at_students_p_value(rng):
    for sizes, scale in (((5, 50), 3.0), ((2, 2), 1.0), ((40, 7), 1e-100), ((6, 6), 1e100)):
        one, other = scale * rng.standard_normal(sizes[0]), 3 * scale * rng.standard_normal(sizes[1])
        chance = stats.ttest_ind(one / scale, other / scale).pvalue
        limit = report.student_limit(*of_samples(one, other), chance)
        assert close(limit, abs(one.mean() - other.mean()), rtol=1e-9)


def test_with_many_runs_the_student_limit_is_a_gaussian_one():
    for chance in (0.5, 1e-4, 1e-30):
        limit = report.student_limit([3.0, 4.0], [10**30, 10**30], chance)
        assert close(limit * 1e15, 5 * stats.norm.isf(chance / 2), rtol=1e-9)


def test_of_one_sample_the_student_limit_is_that_to_the_mean_of_its_law():
    for runs in (2, 5, 50):
        wanted = stats.t(runs - 1).isf(5e-4) * 3 / np.sqrt(runs)
        assert close(report.student_limit([3.0], [runs], 1e-3), wanted, rtol=1e-12)
    assert report.student_limit([0.0, 0.0], [5, 5], 1e-3) == 0


def test_student_limits_broadcast_and_do_not_depend_on_which_sample_is_which():
    deviations, runs = np.array([[1.0], [2.0]]), np.array([5, 20, 50])
    limits = report.student_limit([deviations, 0.5], [runs, 10], 0.01)
    assert limits.shape == (2, 3) and report.student_limit([1, 1], [5, 5], 0.1).shape == ()
    assert close(limits, report.student_limit([0.5, deviations], [10, runs], 0.01), rtol=1e-14)
    for (row, column), limit in np.ndenumerate(limits):
        alone = report.student_limit([deviations[row, 0], 0.5], [int(runs[column]), 10], 0.01)
        assert close(alone, limit, rtol=1e-14)


@pytest.mark.parametrize(("runs", "chance"), [((6, 50), 0.2), ((2, 50), 0.01), ((20, 20), 0.05), ((4,), 0.1)])
def test_means_exceed_the_student_limit_as_often_as_it_says(rng, runs, chance):
    draws = 20_000
    samples = [2.0 * rng.standard_normal((draws, size)) for size in runs]
    means = [sample.mean(axis=1) for sample in samples]
    apart = abs(means[0] - means[1] if len(runs) == 2 else means[0])
    beyond = apart > report.student_limit(*of_samples(*samples), chance)
    assert abs(beyond.mean() - chance) < 5 * np.sqrt(chance / draws)


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"runs": [1, 5]}, ValueError, "runs is 1; a deviation needs at least 2"),
        ({"runs": [5, [5, 0]]}, ValueError, "runs is 0; a deviation needs at least 2"),
        ({"runs": [np.nan, 5]}, ValueError, "runs is nan; a deviation needs at least 2"),
        ({"runs": [5]}, ValueError, "2 deviations and 1 runs; give one or two of each"),
        (
            {"deviations": [1.0] * 3, "runs": [5] * 3},
            ValueError,
            "3 deviations and 3 runs; give one or two of each",
        ),
        ({"deviations": [-0.5, 1.0]}, ValueError, "deviation is -0.5; choose a number of at least 0"),
        ({"deviations": [1.0, [1, np.nan]]}, ValueError, "deviation is nan; choose a number of at least 0"),
        ({"chance": 0.0}, ValueError, "chance is 0.0; choose a number between 0 and 1"),
        ({"chance": 1.0}, ValueError, "chance is 1.0; choose a number between 0 and 1"),
        ({"chance": np.nan}, ValueError, "chance is nan; it must be finite"),
        ({"chance": "little"}, TypeError, "chance is 'little'; it must be one real number"),
    ],
)
def test_a_student_limit_refuses_what_is_no_sample_or_chance(change, kind, says):
    arguments = {"deviations": [1.0, 1.0], "runs": [5, 5], "chance": 0.1}
    with refused(kind, says):
        report.student_limit(**(arguments | change))


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
