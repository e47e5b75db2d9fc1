"""CONTRIBUTING's four steps to a notebook, taken literally on a small copy of this repository."""

import re
import shlex
import shutil
import subprocess

import nbformat
import pytest
from small_copy import BIN, CLAIM, PICTURE, ROOT, make, run, write_notebook

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
STEPS = re.findall(r"```\n(.*?)```", PAGE.partition("## Add a notebook")[2].partition("\n## ")[0], re.DOTALL)
TABLE = "## Where to go from here\n\n| the question | the answer | notebook |\n|---|---|---|\n"


@pytest.fixture
def ready(copy):
    """A small repository with an index and all that the four steps name, and the tests of notebooks."""
    (copy / "notebooks" / "good.ipynb").unlink()
    (copy / "notebooks" / "beyond").mkdir()
    for name in ("conftest.py", "small_copy.py", "made_up.py", "notebooks", "experiments.py"):
        if (ROOT / "tests" / name).exists():
            (copy / "tests").mkdir(exist_ok=True)
            subprocess.run(["cp", "-r", ROOT / "tests" / name, copy / "tests"], check=True)
    (copy / ".github").mkdir()
    shutil.copy(ROOT / ".github" / "notebook-template.ipynb", copy / ".github")
    shutil.copy(ROOT / "notebooks" / "notation.md", copy / "notebooks")
    write_notebook(copy, "index", PICTURE.format(name="index"), CLAIM.format(bound=5))
    write_index(copy, "")
    return copy


def write_index(folder, line):
    """Make this line all of the table at the end of the index."""
    path = folder / "notebooks" / "index.ipynb"
    index = nbformat.read(path, as_version=4)
    index.cells = [cell for cell in index.cells if cell.cell_type == "code"]
    index.cells.append(nbformat.v4.new_markdown_cell(TABLE + line))
    nbformat.write(index, path)


def checks_of_notebooks(folder):
    """Run the tests of the new notebook, and of the pages that lead to it."""
    chosen = "my-question or leads_to_every_notebook or readmes_tables or byte_for_byte"
    return run(
        folder, BIN / "python", "-m", "pytest", "-q", "-k", chosen, "tests/notebooks", PYTHONPATH=str(folder)
    )


def test_four_steps_add_a_notebook_that_passes_all_checks(ready):
    copying, line, commands = STEPS
    subprocess.run(shlex.split(copying), cwd=ready, check=True)
    notebook = ready / "notebooks" / "beyond" / "my-question.ipynb"
    text = notebook.read_text(encoding="utf-8")
    assert text.count("notebook-template") == 2
    notebook.write_text(text.replace("notebook-template", "my-question"), encoding="utf-8")
    write_index(ready, line)
    accepting, testing = commands.strip().splitlines()
    accepted = make(ready, *shlex.split(accepting)[1:])
    for name in ("index", "beyond/my-question"):
        assert f"adopted {name}\n" in accepted.stdout, accepted.stdout + accepted.stderr

    assert testing == "make test"
    for command in (["check"], ["format", "--check"]):
        checked = run(ready, BIN / "ruff", *command, "notebooks/beyond")
        assert checked.returncode == 0, checked.stdout
    checked = checks_of_notebooks(ready)
    assert checked.returncode == 0, checked.stdout
    assert int(re.search(r"(\d+) passed", checked.stdout)[1]) >= 8, checked.stdout
    compared = make(ready, "nbval", "JOBS=1")
    assert compared.returncode == 0, compared.stdout
    page = (ready / "VERDICTS.md").read_text(encoding="utf-8")
    assert "[beyond/my-question](notebooks/beyond/my-question.ipynb) | 1 of 1 hold | stated |" in page

    write_index(ready, "")
    assert checks_of_notebooks(ready).returncode != 0
