"""The pages of the API, as they are put together."""

import pytest
import reference

import fa_utils as fa
from fa_utils import theory

NOTEBOOK = """
import numpy as np
import fa_utils as fa
from fa_utils import theory
from fa_utils.report import figures as drawn
from fa_utils.theory import error_law
np.zeros(3); fa.descend(1); drawn.save(fa.FA); error_law(theory.error_law); other.descend(2)
"""


def test_what_a_program_uses_is_named_in_full():
    assert set(reference.names_used(NOTEBOOK)) - {
        "fa_utils",
        "fa_utils.theory",
        "fa_utils.report.figures",
    } == {
        "fa_utils.descend",
        "fa_utils.FA",
        "fa_utils.report.figures.save",
        "fa_utils.theory.error_law",
    }


def test_a_page_has_what_its_module_defines_in_that_order():
    modules = reference.modules("fa_utils")
    names = ["optimal_forward", "Rule"]
    assert list(modules["fa_utils.rules"])[:2] == [f"fa_utils.{name}" for name in names]
    assert {"fa_utils.GD", "fa_utils.FA", "fa_utils.FA_STAR"} == set(list(modules["fa_utils.rules"])[2:])
    assert theory.error_law in reference.modules("fa_utils.theory")["fa_utils.theory.law"].values()


@pytest.mark.parametrize(
    ("thing", "line"),
    [
        (fa.FA, r"The rule FA, which is feedback alignment (3): dZ = (Y - ZW) C^T, dW = Z^T (Y - ZW)."),
        (fa.error, r"Return the squared error \|\|Y - ZW\|\|\_F^2 of problem (1)."),
    ],
)
def test_a_line_about_a_member_is_no_markup(thing, line):
    assert reference.markdown(reference.first_line(thing)) == line


def test_an_entry_ends_with_the_notebooks_that_use_it():
    text = reference.entry("fa_utils.error", fa.error, ["theorem-2"])
    assert text.startswith(".. autofunction:: fa_utils.error\n")
    assert text.rstrip().endswith(":doc:`Theorem 2 </notebooks/theorem-2>`")
