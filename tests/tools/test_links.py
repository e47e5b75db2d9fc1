"""What leads from page to page: neighbours, and addresses that come from one place."""

import json
import re
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import accept
import links
import pytest

import fa_utils

ROOT = Path(__file__).parents[2]
HOME = "someone/something"


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_what_leads_somewhere_is_up_to_date():
    stale = [path for path, text in links.linked().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run make accept"


def test_neighbours_lead_through_all_notebooks_and_back():
    order = accept.names()
    cells = {name: links.last_cell(name, order, "") for name in order}
    for before, after in pairwise(order):
        assert "→](" in cells[before].rpartition(" · ")[2] and Path(after).name in cells[before]
        assert "index.ipynb" in cells[after] and Path(before).name in cells[after]
    assert "→" not in cells[order[-1]] and "←" not in cells[order[1]]


def test_links_are_relative_to_the_notebook_that_has_them():
    order = ["index", "a", "deep/b", "deep/c", "d"]
    titles = {"a": "A", "deep/b": "B", "deep/c": "C", "d": "D"}
    links_to = {name: re.findall(r"\]\(([^)]*)\)", links_cell(name, order, titles)) for name in order}
    assert links_to == {
        "index": ["a.ipynb"],
        "a": ["index.ipynb", "deep/b.ipynb"],
        "deep/b": ["../a.ipynb", "../index.ipynb", "c.ipynb"],
        "deep/c": ["b.ipynb", "../index.ipynb", "../d.ipynb"],
        "d": ["deep/c.ipynb", "index.ipynb"],
    }


def links_cell(name, order, titles):
    """Return the last cell of a notebook where all of them have these titles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(links, "title", lambda other: titles.get(other, other))
        return links.last_cell(name, order, "")


def test_a_title_ends_before_its_first_colon_or_comma(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("notebooks").mkdir()
    for text, title in (("# Theorem 2: it\nx", "Theorem 2"), ("x\n# A, b", "A"), ("no title", "one")):
        cells = [{"cell_type": "code", "source": "# no"}, {"cell_type": "markdown", "source": [text]}]
        Path("notebooks", "one.ipynb").write_text(json.dumps({"cells": cells}))
        assert links.title("one") == title


def test_while_the_address_is_not_known_nothing_names_one():
    if links.repository():
        pytest.skip("the repository's address is known")
    assert not [path for path, text in links.linked().items() if re.search(r"github\.com|mybinder", text)]


def test_an_address_is_used_by_all_that_needs_it_and_leads_to_real_files(monkeypatch):
    monkeypatch.setattr(links, "repository", lambda: HOME)
    for path, text in links.linked().items():
        found = re.findall(rf"{HOME}[^\s)`]*", unquote(text))
        assert found, path
        for address in found:
            named = re.search(r"(notebooks/[\w/.-]+\.ipynb|actions/workflows/\w+\.yml)", address)
            if named:
                assert Path(named[1].replace("actions", ".github")).is_file()
    index = json.loads(links.linked()[Path("notebooks/index.ipynb")])
    assert "Open in [Binder]" in index["cells"][-1]["source"][-1]


def test_where_the_address_is_known_the_first_code_installs_the_package_on_colab_and_nowhere_else(
    monkeypatch,
):
    text = links.with_made_cells(Path("notebooks/beyond/width.ipynb").read_text(), "", "b")
    added = links.with_made_cells(text, links.installation("beyond/width", HOME), "b")
    code = [cell for cell in json.loads(added)["cells"] if cell["cell_type"] == "code"]
    said = []
    here = {"system": said.append, "run_line_magic": lambda *line: said.append(line)}
    ask = {"get_ipython": lambda: SimpleNamespace(**here)}
    exec("".join(code[0]["source"]), ask)
    assert said == []
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    exec("".join(code[0]["source"]), ask)
    clone = f"git clone --quiet --depth 1 https://github.com/{HOME}"
    there = ("cd", "-q something/notebooks/beyond")
    assert said == [clone, "pip install --quiet ./something", there]
    assert links.with_made_cells(added, "", "b") == text


def test_a_cell_that_has_run_keeps_its_number():
    ran = json.loads(links.with_made_cells(Path("notebooks/lemma-1.ipynb").read_text(), "1", "b"))
    ran["cells"][1]["execution_count"] = 1
    again = links.with_made_cells(json.dumps(ran), "1", "b")
    assert json.loads(again) == ran


def test_a_second_time_changes_nothing(monkeypatch):
    home = links.repository()
    texts = {}
    for each in (HOME, HOME, "", home):
        monkeypatch.setattr(links, "repository", lambda each=each: each)
        made = links.linked()[Path("CITATION.cff")]
        assert texts.setdefault(each, made) == made
    assert texts[HOME] == f"{texts['']}repository-code: https://github.com/{HOME}\n"
    notebook = Path("notebooks/lemma-1.ipynb").read_text(encoding="utf-8")
    once = links.with_made_cells(notebook, "", "b")
    assert links.with_made_cells(links.with_made_cells(notebook, "1", "a"), "", "b") == once != notebook


def test_the_citation_has_the_packages_version_and_the_day_on_which_it_was_released(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    version = f"version: {fa_utils.__version__}\n"
    for day, line in (("unreleased", ""), ("2027-01-31", "date-released: 2027-01-31\n")):
        Path("CHANGELOG.md").write_text(
            f"# Changes\n\n## {fa_utils.__version__} - {day}\n\n## 0.1.0 - 2025-01-01\n"
        )
        assert links.release_lines("") == version + line


@pytest.mark.parametrize(
    ("page", "made"),
    [("README.md", ["badges"]), ("VERDICTS.md", ["sentences", "statements", "strip", "verdicts"])],
)
def test_every_part_of_a_page_is_made_by_make_accept(page, made):
    text = Path(page).read_text(encoding="utf-8")
    assert re.findall(r"<!-- (\w+): made by (.*) -->", text) == re.findall(
        r"<!-- (\w+): made by (make accept) -->", text
    )
    parts = re.findall(r"<!-- (\w+): made", text)
    assert sorted(parts) == made == sorted(re.findall(r"<!-- end of (\w+) -->", text))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/someone/some-thing.x", "someone/some-thing.x"),
        ("https://github.com/someone/something.git", "someone/something"),
        ("https://github.com/someone/something/", "someone/something"),
    ],
)
def test_addresses_are_read(tmp_path, monkeypatch, address, name):
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(f'[project]\nurls.Repository = "{address}"\n')
    assert links.repository() == name


@pytest.mark.parametrize("address", ["https://example.org/x/y", "github.com/x/y", "https://github.com/x"])
def test_an_address_of_another_kind_is_refused(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(f'[project]\nurls.Repository = "{address}"\n')
    with pytest.raises(SystemExit, match=r"write https://github.com/OWNER/NAME or nothing"):
        links.repository()


def test_the_book_is_where_github_publishes_it():
    assert links.site("Some/thing") == "https://some.github.io/thing/"
    assert links.site("") == "" and ".github.io" not in links.badges("")
    assert "(https://someone.github.io/something/explorer.html)" in links.badges(HOME)
