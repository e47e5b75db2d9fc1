"""The tables of VERDICTS.md: a line a statement and a line a verdict, of all committed notebooks."""

from pathlib import Path

import pytest
import tables
from made_up import claim, code, verdicts, write

MARKED = "".join(
    f"<!-- {part}: made by make accept -->\n<!-- end of {part} -->\n"
    for part in ("strip", "sentences", "statements", "verdicts")
)


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    """A folder for notebooks, which is the working one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "book").mkdir()
    write_sentences("1,It is so,Lemma 1:,", "2,It cannot be seen,,nothing to measure")


def write_sentences(*lines):
    """Write the list of the paper's sentences."""
    tables.SENTENCES.write_text("\n".join(["section,sentence,key,reason", *lines]))


def test_the_tables_are_those_of_all_notebooks():
    rows = verdicts(claim(0.5), claim(0.5, "Lemma 1: a|b *c*"), claim(1e-9, "Theorem 2: z"))
    write(
        Path("notebooks", "deep", "one.ipynb"), code("1", rows), code("2", verdicts(claim(2.0), broken="x"))
    )
    write(Path("notebooks", "two.ipynb"), code("1", verdicts(claim(0.5))))
    write(Path("notebooks", "three.ipynb"), code("1", verdicts(claim(2.0, "Lemma 7: w"))))
    text = tables.with_tables(MARKED)
    assert (
        "| Lemma 1 | [deep/one](notebooks/deep/one.ipynb), [two](notebooks/two.ipynb) | 3 of 3 hold | new |"
        in text
    )
    assert "| Lemma 7 | [three](notebooks/three.ipynb) | 0 of 1 hold | new |" in text
    assert r"| [Lemma 1: a\|b \*c\*](notebooks/deep/one.ipynb) | new | 0.5 ≤ 1 | holds |" in text
    assert "| [Lemma 7: w](notebooks/three.ipynb) | new | 2 ≤ 1 | fails |" in text
    assert "| The paper | ✘ [Lemma 1]" not in text and "✔ [Lemma 1](notebooks/deep/one.ipynb)" in text
    assert "✘ [Lemma 7](notebooks/three.ipynb)" in text
    assert (
        "| 1 | It is so | [deep/one](notebooks/deep/one.ipynb), [two](notebooks/two.ipynb) | 3 of 3 hold |"
        in text
    )
    assert "| 2 | It cannot be seen |  | nothing to measure |" in text
    assert tables.with_tables(text) == text


@pytest.mark.parametrize("text", ["nothing", "<!-- strip: made by make accept -->"])
def test_a_page_without_its_markers_is_refused(text):
    with pytest.raises(ValueError, match=r"^the page has 0 parts marked 'strip'; it needs exactly one$"):
        tables.with_tables(text)


@pytest.mark.parametrize("line", ["3,It is lost,Lemma 9:,", "3,It is lost,,", "3,It is so,Lemma 1:,but why"])
def test_a_sentence_has_either_verdicts_or_a_reason(line):
    write(Path("notebooks", "two.ipynb"), code("1", verdicts(claim(0.5))))
    write_sentences(line)
    with pytest.raises(
        ValueError, match=r"^'It is (lost|so)' needs verdicts that begin with its keys, or a reason$"
    ):
        tables.with_tables(MARKED)
