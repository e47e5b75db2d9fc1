"""The committed notebooks as they stand: pictures are those in figures/, the README's tables are theirs."""

import ast
import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import papermill
import pytest
import readme
from check_notebooks import notebooks_below
from matplotlib import image

import fa_utils as fa

ROOT = Path(__file__).parents[1]
NOTEBOOKS = notebooks_below(ROOT / "notebooks")
PAGES = [ROOT / "README.md", ROOT / "TESTING.md"]


def pictures(notebook):
    """Return (name, PNG bytes) of every picture in a notebook's outputs."""
    return [(name, base64.b64decode(png)) for name, _, png in readme.pictures(notebook)]


def same_picture(one: bytes, other: bytes) -> bool:
    """Same size, and nearly the same pixels: other systems smooth edges a little differently."""
    pixels = [image.imread(io.BytesIO(png)) for png in (one, other)]
    return pixels[0].shape == pixels[1].shape and np.sqrt(np.mean((pixels[0] - pixels[1]) ** 2)) < 0.02


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_pictures_in_a_notebook_are_the_committed_figures(notebook):
    found = pictures(notebook)
    assert found
    for name, png in found:
        assert same_picture(png, (ROOT / "figures" / f"{name}.png").read_bytes()), name


def test_every_committed_figure_is_some_notebooks_and_has_its_data():
    drawn = [name for notebook in NOTEBOOKS for name, _ in pictures(notebook)]
    assert len(drawn) == len(set(drawn))
    for kind in ("png", "csv"):
        assert sorted(path.stem for path in (ROOT / "figures").glob(f"*.{kind}")) == sorted(drawn)


def test_a_different_picture_is_noticed():
    one, other = ((ROOT / "figures" / f"figure-2{part}.png").read_bytes() for part in "ab")
    assert not same_picture(one, other)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_a_seed_and_no_cell_beyond_a_screen(notebook):
    code = [
        "".join(cell["source"])
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    assert any(re.search(r"^seed = \d+", source, re.MULTILINE) for source in code)
    assert max(source.count("\n") for source in code) < 32


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_shows_a_control(notebook):
    assert "Broken on purpose" in notebook.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "document", [ROOT / "README.md", ROOT / "TESTING.md", *NOTEBOOKS], ids=lambda path: path.stem
)
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    if document.suffix == ".ipynb":
        text = "".join(
            "".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"
        )
    targets = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert targets
    headings = {
        re.sub("[^a-z0-9]+", "-", line.lower()).strip("-") for line in re.findall("^#+ .*", text, re.M)
    }
    for target in targets:
        path, _, heading = target.partition("#")
        assert (document.parent / path).exists(), target
        assert path or heading in headings, target


def test_the_readmes_tables_are_those_of_the_committed_notebooks(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = Path("README.md").read_text(encoding="utf-8")
    assert readme.remade(text) == text, "README.md is stale; run make accept"


def test_a_readme_without_its_markers_is_refused(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(ValueError, match="0 parts marked 'gallery'"):
        readme.remade("nothing here")


def test_the_readmes_code_runs_from_top_to_bottom():
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(code)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    promised = re.search(r"print\(run\.reduction\)  # (.*)", code[-1])[1]
    assert ran.stdout.strip() == promised


def test_the_index_leads_to_every_notebook():
    tour = (ROOT / "notebooks" / "index.ipynb").read_text(encoding="utf-8").rpartition("Where to go")[2]
    names = {path.relative_to(ROOT / "notebooks").as_posix() for path in NOTEBOOKS} - {"index.ipynb"}
    assert names == {name for name in names if f"({name})" in tour}


def test_every_statement_has_a_verdict():
    rows = [row for path in NOTEBOOKS for row in fa.read_verdicts(path)]
    found = {row["statement"].partition(":")[0] for row in rows}
    figures = {f"Figure {number}" for number in ("1", "2a", "2b", "3a", "3b", "4a", "4b", "5", "6")}
    lemmas = {f"Lemma {number}" for number in (1, *range(4, 15), *range(17, 22))}
    theorems = {f"Theorem {number}" for number in range(1, 5)}
    rest = {"Example 1", "Fact 2", "Fact 3", "Section 5", "Appendix B", "Appendix D", "Appendix E"}
    beyond = {f"New {number}" for number in range(1, 8)}
    companions = {f"{paper} claim {number}" for paper in ("Song", "Wang") for number in range(1, 5)}
    assert figures | lemmas | theorems | rest | beyond | companions <= found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_parameter_can_be_set_from_the_command_line(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    (cell,) = (cell for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    tree = ast.parse("".join(cell["source"]))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert names == set(papermill.inspect_notebook(str(notebook)))


READS = re.compile(
    r"\b(?:pickle|shelve|marshal|urllib\.request|requests|(?:joblib|np|cloudpickle)\.loads?)\b"
)
ADDRESS = re.compile(r"https?://")


def test_no_code_reads_pickles_or_the_network():
    assert all(
        READS.search(bad) for bad in ("import pickle", "np.load(x)", "urllib.request", "joblib.load(x)")
    )
    files = [*ROOT.glob("fa_utils/*.py"), *ROOT.glob("tools/*.py")]
    code = {path.stem: path.read_text(encoding="utf-8") for path in files}
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code[path.name] = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert len(code) > 50
    assert [name for name, text in code.items() if READS.search(text)] == []
    writing = {"links", "book"}  # these write addresses into pages, and ask for none
    assert {name for name, text in code.items() if ADDRESS.search(text)} <= writing
