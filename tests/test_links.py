"""What leads from page to page: neighbours, and addresses that come from one place."""

import json
import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import links
import pytest
import readme

ROOT = Path(__file__).parents[1]
HOME = "someone/something"


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_what_leads_somewhere_is_up_to_date():
    stale = [path for path, text in links.remade().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run make links"


def test_neighbours_lead_through_all_notebooks_and_back():
    names = readme.names()
    cells = {name: links.neighbours(name, names) for name in names}
    for before, after in pairwise(names):
        assert "→](" in cells[before].rpartition(" · ")[2] and Path(after).name in cells[before]
        assert "index.ipynb" in cells[after] and Path(before).name in cells[after]
    assert "→" not in cells[names[-1]] and "←" not in cells[names[1]]


def test_while_the_address_is_not_known_nothing_names_one():
    if links.repository():
        pytest.skip("the repository's address is known")
    assert not [path for path, text in links.remade().items() if re.search(r"github\.com|mybinder", text)]


def test_an_address_is_used_by_all_that_needs_it_and_leads_to_real_files(monkeypatch):
    monkeypatch.setattr(links, "repository", lambda: HOME)
    for path, text in links.remade().items():
        found = re.findall(rf"(?:{HOME}|raw\.githubusercontent\.com)[^\s)`]*", unquote(text))
        assert found, path
        for address in found:
            named = re.search(r"(notebooks/[\w/.-]+\.ipynb|actions/workflows/\w+\.yml)", address)
            if named:
                assert Path(named[1].replace("actions", ".github")).is_file()
    index = json.loads(links.remade()[Path("notebooks/index.ipynb")])
    assert "Open in [Binder]" in index["cells"][-1]["source"][-1]


def test_a_second_time_changes_nothing(monkeypatch):
    monkeypatch.setattr(links, "repository", lambda: HOME)
    text = Path("CITATION.cff").read_text(encoding="utf-8")
    once = links.cited(text, HOME)
    assert once != text and links.cited(once, HOME) == once and links.cited(once, "") == text
    notebook = Path("notebooks/lemma-1.ipynb").read_text(encoding="utf-8")
    assert links.with_cell(links.with_cell(notebook, "a"), "b") == links.with_cell(notebook, "b")


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
    with pytest.raises(links.AddressError, match=r"write https://github.com/OWNER/NAME, or leave it out"):
        links.repository()
