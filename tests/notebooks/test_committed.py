"""The committed notebooks as they stand: fit to be read; pictures and verdicts are those shown elsewhere."""

import ast
import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import accept
import numpy as np
import papermill
import pytest
import tables
from compare import LABELS, figures_of, notebooks, outputs
from complaints import BADLY_NAMED, complaints, complaints_about_prose
from nbsteady.compare import read_table
from parameters import listed
from summary import failures, rows_in, run_of

ROOT = Path(__file__).parents[2]
NOTEBOOKS = notebooks(ROOT / "notebooks")
NOTATION = ROOT / "notebooks" / "notation.md"
EACH = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def sources(notebook, kind):
    """Return the texts of all cells of a kind."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


def test_there_are_notebooks():
    assert len(NOTEBOOKS) == len(accept.names()) > 30


@EACH
def test_a_notebook_is_executed_whole_and_fit_for_github(notebook):
    assert complaints(notebook) == []


def test_folders_of_notebooks_are_named_as_notebooks_are():
    folders = {path.relative_to(ROOT).parent for path in NOTEBOOKS}
    assert not [folder for folder in folders if any(map(BADLY_NAMED.search, folder.parts))]


@EACH
def test_every_verdict_holds_and_every_control_fails(notebook):
    name = notebook.relative_to(ROOT / "notebooks").with_suffix("").as_posix()
    run = run_of(name, Path("notebooks"))
    assert failures([run]) == [] and run.controls


@EACH
def test_pictures_in_a_notebook_are_the_committed_figures_byte_for_byte(notebook):
    pictures = [one for one in outputs(notebook) if "image/png" in one.get("data", {})]
    assert pictures and len(pictures) == len(figures_of(notebook))
    for name, picture in zip(figures_of(notebook), pictures, strict=True):
        embedded = base64.b64decode("".join(picture["data"]["image/png"]))
        assert embedded == Path("figures", f"{name}.png").read_bytes(), name


def test_no_two_notebooks_save_one_figure_and_every_committed_figure_is_some_notebooks():
    runs = [run_of(name, Path("notebooks")) for name in accept.names()]
    assert [line for line in failures(runs) if line.startswith("figure ")] == []
    shown = sorted(name for notebook in NOTEBOOKS for name in figures_of(notebook))
    for kind in ("png", "csv"):
        assert sorted(path.stem for path in Path("figures").glob(f"*.{kind}")) == shown
    assert {path.suffix for path in Path("figures").iterdir()} == {".csv", ".png", ".gif"}
    moving = list(Path("figures").glob("*.gif"))
    assert all(path.with_suffix(".png").exists() and path.stat().st_size < 2_000_000 for path in moving)


@pytest.mark.parametrize("name", sorted({name for path in NOTEBOOKS for name in figures_of(path)}))
def test_a_figures_data_can_be_read_and_are_not_nothing(name):
    data = read_table(Path("figures", f"{name}.csv"), LABELS)
    assert data.numbers == ["x", "y"]
    assert any(np.isfinite(data.columns[column]).any() for column in data.numbers)
    scales = [scale for text in data.columns["scales"] for scale in text.split()]
    assert {*scales} <= {"linear", "log", "symlog"} and len(scales) == 2 * len(data.rows)


@EACH
def test_every_parameter_can_be_set_from_the_command_line(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    (cell,) = (cell for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    tree = ast.parse("".join(cell["source"]))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert names == set(papermill.inspect_notebook(str(notebook))) == {*listed(notebook)}


DOCUMENTS = [
    ROOT / f"{name}.md"
    for name in (
        "README",
        "VERDICTS",
        "TESTING",
        "CONTRIBUTING",
        "CHANGELOG",
        "book/guide",
        "book/fa-solved",
        "notebooks/notation",
    )
]


@pytest.mark.parametrize("document", [*DOCUMENTS, *NOTEBOOKS], ids=lambda path: path.stem)
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    if document.suffix == ".ipynb":
        text = "\n".join(sources(document, "markdown"))
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert links
    headings = {
        re.sub("[^a-z0-9]+", "-", line.lower()).strip("-") for line in re.findall("^#+ .*", text, re.M)
    }
    for target in (link for link in links if "://" not in link):
        path, _, heading = target.partition("#")
        assert (document.parent / path).exists(), target
        assert path or heading in headings, target


@EACH
def test_a_notebooks_first_cell_leads_to_the_list_of_symbols(notebook):
    (first, *_) = sources(notebook, "markdown")
    to_notation = os.path.relpath(NOTATION, notebook.parent).replace(os.sep, "/")
    assert f"Symbols: [notation]({to_notation})" in first


def test_every_listed_symbol_occurs_in_the_notebooks_that_are_said_to_define_it():
    rows = [line for line in NOTATION.read_text(encoding="utf-8").splitlines() if line.startswith("| $")]
    linked = {row: re.findall(r"\(([\w/-]+\.ipynb)\)", row) for row in rows}
    assert sum(map(bool, linked.values())) > 50
    for row, paths in linked.items():
        texts = [text for path in paths for text in sources(NOTATION.parent / path, "markdown")]
        prose = re.sub(r"[{}]", "", " ".join(texts))
        for symbol in re.findall(r"\$([^$]+)\$", row.split(" | ")[0]) if paths else ():
            assert re.sub(r"[{}]|_[ijk]$", "", symbol) in prose, row


def test_the_list_of_symbols_has_formulas_that_github_shows():
    text = NOTATION.read_text(encoding="utf-8")
    assert [*complaints_about_prose(text)] == []


def test_the_tables_are_those_of_the_committed_notebooks():
    text = tables.VERDICTS.read_text(encoding="utf-8")
    assert tables.with_tables(text) == text, "VERDICTS.md is stale; run make accept"


@pytest.mark.parametrize("page", ["README.md", "book/guide.md"])
def test_a_pages_code_runs_from_top_to_bottom(page):
    code = re.findall(r"```python\n(.*?)```", Path(page).read_text(encoding="utf-8"), re.DOTALL)
    assert code
    command = [sys.executable, "-W", "error", "-c", "\n".join(code)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    promised = re.findall(r"print\(.*?\)  # (.*)", "\n".join(code))
    assert ran.stdout.splitlines() == promised


def test_the_readme_is_short():
    assert len(accept.README.read_text(encoding="utf-8").splitlines()) <= 150


@EACH
def test_a_notebook_reads_no_file_that_only_its_own_folder_leads_to(notebook):
    relative = re.compile(r"""(?:open|Path|read_csv|loadtxt)\(["'](?!/)""")
    assert relative.search('open("table.csv")')
    assert [source for source in sources(notebook, "code") if relative.search(source)] == []


def test_the_index_leads_to_every_notebook():
    tour = Path("notebooks/index.ipynb").read_text(encoding="utf-8").rpartition("Where to go")[2]
    names = {*accept.names()} - {"index"}
    assert names == {name for name in names if f"({name}.ipynb)" in tour}


def test_every_statement_has_a_verdict():
    rows = [row for path in NOTEBOOKS for row in rows_in(path) if "broken" not in row]
    found = {row["statement"].partition(":")[0] for row in rows}
    figures = {f"Figure {number}" for number in ("1", "2a", "2b", "3a", "3b", "4a", "4b", "5", "6")}
    lemmas = {f"Lemma {number}" for number in (1, *range(4, 15), *range(17, 22))}
    theorems = {f"Theorem {number}" for number in range(1, 5)}
    rest = {"Example 1", "Fact 2", "Fact 3", "Section 5", "Appendix B", "Appendix D", "Appendix E"}
    beyond = {f"New {number}" for number in range(1, 12)}
    claims = {
        "Song": 4,
        "Wang": 4,
        "Galanti": 3,
        "Zhang": 3,
        "Lacotte": 3,
        "Woodworth": 4,
        "Hawkins": 4,
        "Li": 2,
    }
    companions = {f"{paper} claim {number + 1}" for paper, many in claims.items() for number in range(many)}
    assert figures | lemmas | theorems | rest | beyond | companions <= found


READS = re.compile(
    r"\b(?:import pickle|from pickle import (?!dumps$)|shelve|marshal|urllib\.request|requests"
    r"|(?:joblib|np|pickle|cloudpickle)\.loads?\b)",
    re.MULTILINE,
)
ADDRESS = re.compile(r"https?://")


def test_no_code_reads_pickles_or_the_network():
    bad = ("import pickle", "from pickle import loads", "np.load(x)", "urllib.request", "joblib.load(x)")
    assert all(READS.search(one) for one in bad)
    files = [path for folder in ("fa_utils", "tools", "audits") for path in Path(folder).rglob("*.py")]
    code = {path.stem: path.read_text(encoding="utf-8") for path in files}
    code |= {path.name: "\n".join(sources(path, "code")) for path in NOTEBOOKS}
    assert len(code) > 50
    assert [name for name, text in code.items() if READS.search(text)] == []
    assert [name for name, text in code.items() if ADDRESS.search(text)] == []
