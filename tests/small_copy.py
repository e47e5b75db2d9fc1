"""A small copy of this repository, with notebooks of a few lines, and make as a user runs it there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
IMPORTS = """import fa_utils as fa
from fa_utils import report
from fa_utils.report import figures"""
CLAIM = 'report.verdict(report.claim("Lemma 1: seed is small", measured=seed, at_most={bound}, mark="new"))'
PICTURE = "figures.save(figures.panels()[0], '{name}', 'an empty panel')"


def write_notebook(folder, name, *code, parameters="seed = 1  # of every draw [0 to 1_000_000_000]"):
    """Write a notebook with the usual imports, the parameter seed = 1 or these lines, and these cells."""
    cells = [
        nbformat.v4.new_code_cell(
            "import fa_utils as fa\nfrom fa_utils import report\nfrom fa_utils.report import figures"
        ),
        nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        *(nbformat.v4.new_code_cell(line) for line in code),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "notebooks" / f"{name}.ipynb"
    )


def copy_repository(folder):
    """Copy what make needs to ``folder``, with one notebook that was never run; return the folder."""
    folder.mkdir()
    for name in ("tools", "fa_utils", "audits"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        "Makefile",
        "pyproject.toml",
        "requirements.lock",
        "tests/develop.lock",
        "CITATION.cff",
        "CHANGELOG.md",
        "book/links.py",
        "book/tables.py",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("notebooks", "figures"):
        (folder / name).mkdir()
    marked = "<!-- {0}: made by make accept -->\n<!-- end of {0} -->\n"
    (folder / "README.md").write_text(marked.format("badges"))
    (folder / "book/sentences.csv").write_text("section,sentence,key,reason\n1,It is so,Lemma 1:,\n")
    parts = ("strip", "sentences", "statements", "verdicts")
    (folder / "VERDICTS.md").write_text("".join(marked.format(part) for part in parts))
    write_notebook(folder, "good", PICTURE.format(name="good"), CLAIM.format(bound=5))
    return folder


def clean_environment():
    """Return the surroundings without what this test run itself was given."""
    ours = ("MAKE", "MFLAGS", "FA_", "JUPYTER", "IPYTHON", "MPL", "PYTEST", "PYTHON", "LOKY")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def run(folder, *command, **environment):
    """Run a command as a user would in a folder; return what it did."""
    surroundings = clean_environment() | environment
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)


def make(folder, *arguments, under=(), **environment):
    """Run make with this test's Python in place of .venv, ``under`` another command; return what it did."""
    return run(folder, *under, "make", f"BIN={BIN}", *arguments, **environment)


def files_below(folder):
    """Every file and when it last changed, without caches."""
    caches = ("__pycache__", ".ipython", ".jupyter", "matplotlib")
    paths = (path for path in folder.rglob("*") if path.is_file() and not set(caches) & set(path.parts))
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in paths}


def contents_below(folder):
    """The bytes of every file outside of build/, by name."""
    names = [name for name in files_below(folder) if name.partition("/")[0] not in ("build", ".venv")]
    return {name: (folder / name).read_bytes() for name in names}
