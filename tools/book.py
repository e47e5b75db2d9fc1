"""Make the book from the committed notebooks, without running them: book.py FOLDER

The pages are put together below build/book-source, in the same places as here, so that their links hold; Sphinx
makes the site of them in FOLDER.
"""

import json
import shutil
import sys
from pathlib import Path

import readme
from verdicts import gather

SOURCE = Path("build", "book-source")
PAGES = ("TESTING.md", "benchmarks/README.md", "tests/mutants.md")


def described(notebook: dict) -> dict:
    """Return the notebook with its pictures' descriptions where MyST-NB looks for alternative texts."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            about = output.get("metadata", {}).get("image/png")
            if about:
                cell["metadata"]["mystnb"] = {"image": {"alt": about["alt"]}}
    return notebook


def homes() -> dict[str, str]:
    """Return where each statement is at home: the first notebook with a verdict on it."""
    found = {}
    for row in gather(readme.NOTEBOOKS, readme.names()):
        found.setdefault(row["statement"].partition(":")[0], f"notebooks/{row['notebook']}")
    return found


def stage(source: Path) -> None:
    """Put the book's pages together."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree("book", source)
    shutil.copytree("figures", source / "figures")
    for name in readme.names():
        path = Path("notebooks", f"{name}.ipynb")
        notebook = described(json.loads(path.read_text(encoding="utf-8")))
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(json.dumps(notebook), encoding="utf-8")
    for page in PAGES:
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, source / page)
    shutil.copy("README.md", source / "README.md")
    (source / "homes.json").write_text(json.dumps(homes()), encoding="utf-8")


def main(folder: str) -> int:
    """Make the site; return the exit code."""
    from sphinx.cmd.build import main as sphinx

    stage(SOURCE)
    return sphinx(["--keep-going", "--quiet", "--jobs=auto", str(SOURCE), folder])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
