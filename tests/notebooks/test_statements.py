"""Each number that a notebook cites is a statement of the paper, and the right one."""

import json
import re
from pathlib import Path

import pytest
from compare import notebooks
from statements import ABOUT, misnamed, misplaced
from summary import rows_in

ROOT = Path(__file__).parents[2]
NOTEBOOKS = notebooks(ROOT / "notebooks")
EACH = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def prose(notebook):
    """Return the text of all cells of prose but the links to neighbours."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    kept = [cell for cell in cells if cell["cell_type"] == "markdown" and cell["id"] != "links"]
    return "\n\n".join("".join(cell["source"]) for cell in kept)


@EACH
def test_a_sentence_that_cites_a_statement_is_about_it(notebook):
    assert [*misplaced(prose(notebook))] == []


@EACH
def test_a_claim_is_about_the_statement_it_begins_with(notebook):
    assert [wrong for row in rows_in(notebook) for wrong in misnamed(row["statement"])] == []


@pytest.mark.parametrize("step", [-1, 1])
def test_a_lemmas_claim_under_its_neighbours_number_is_noticed(step):
    claims = {row["statement"] for notebook in NOTEBOOKS for row in rows_in(notebook)}
    moved = set()
    for claim in claims:
        numbered = re.match(r"(Fact|Lemma) (\d+)(.*)", claim, re.DOTALL)
        kind, number, rest = numbered.groups() if numbered else ("", "0", "")
        if f"{kind} {int(number) + step}" in ABOUT:
            moved.add(f"{kind} {int(number) + step}{rest}")
    assert len(moved) > 20
    assert [claim for claim in moved if not [*misnamed(claim)]] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("$Z^\\top Z = I$ stays (Lemma 4), so $W = Z^\\top Y$.", "not what Lemma 4 is about"),
        ("Lemma 22 bounds the loss.", "the paper has no Lemma 22"),
        ("As Lemmas 4, 5 and 50 say, the loss falls.", "the paper has no Lemma 50"),
        ("[Figure 3c](figure-3b.ipynb) shows the loss.", "the paper has no Figure 3c"),
        ("In Appendix G.", "the paper has no Appendix G"),
    ],
)
def test_a_wrong_citation_is_noticed(text, says):
    (wrong,) = misplaced(text)
    assert wrong.startswith(says)


@pytest.mark.parametrize(
    "text",
    ["The loss falls (Lemma 4).", "An error (Halko, 2011, Theorem 9).", "See Theorem 10.5."],
)
def test_a_right_citation_and_another_papers_pass(text):
    assert [*misplaced(text)] == []


def test_a_claim_needs_a_number_of_this_paper_or_package():
    assert [*misnamed("New 3: the rate")] == [*misnamed("Song claim 2: cosine")] == []
    assert "is no statement" in next(misnamed("New 12: the rate"))
    assert "is no statement" in next(misnamed("the rate"))
