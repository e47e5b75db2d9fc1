"""Put the book's pages together from the committed notebooks, without running them: stage.py FOLDER

Each page is where its original is, so that its links hold. Sphinx then makes the site of them, which can be
read from disk, without a network.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

from accept import names
from links import TAG, explorer_settings, repository, site, to_explorer, to_notebooks
from reference import plain_title, reference
from tables import all_rows, by_statement, strip

from fa_utils.report.claims import VERDICT_MIME

PAGES = [f"{name}.md" for name in ("VERDICTS", "TESTING", "CHANGELOG", "CONTRIBUTING")]
PAGES += ["book/fa-solved.md", "book/guide.md", "benchmarks/README.md", "tests/mutants.md"]
NOT_STAGED = (
    "tests",
    "*.lock",
    "*.csv",
    "stage.py",
    "links.py",
    "reference.py",
    "tables.py",
    "fa-solved.md",
    "guide.md",
    "__pycache__",
)
OTHER_PAGES = re.compile("(figures|notebooks)/")
FOLDERS = {".": "The paper", "beyond": "Beyond the paper", "companions": "Companion papers"}
LONG = 12  # lines of code; longer cells are folded
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def readable(notebook: dict, explorer: str = "") -> dict:
    """Return a notebook as the book shows it: pictures described, long code folded, the explorer linked."""
    tagged = [cell for cell in notebook["cells"] if TAG in cell["metadata"].get("tags", [])]
    notebook["cells"] = [cell for cell in notebook["cells"] if cell not in tagged]
    notebook["metadata"]["html_theme.sidebar_secondary.remove"] = True  # room for code and figures
    for cell in notebook["cells"]:
        tags = cell["metadata"].setdefault("tags", [])
        long = cell["cell_type"] == "code" and "".join(cell["source"]).count("\n") >= LONG
        if long and "parameters" not in tags:
            tags.append("hide-input")
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(VERDICT_MIME, None)
            about = output.get("metadata", {}).get("image/png")
            if about:
                cell["metadata"]["mystnb"] = {"image": {"alt": about["alt"]}}
    if explorer:
        notebook["cells"].append(
            {"cell_type": "markdown", "id": "explorer", "metadata": {}, "source": explorer}
        )
    return notebook


def resolved(text: str, page: str, repository: str) -> str:
    """Return a page's text in which links to what is no page lead to the repository, or have become text."""

    def link(match: re.Match) -> str:
        words, target = match.groups()
        path = os.path.normpath(Path(page).parent / target.partition("#")[0])
        if path == "README.md":  # the first page stands for it
            return f"[{words}]({os.path.relpath('index.md', Path(page).parent)})"
        if "://" in target or target.startswith("#") or path in PAGES or OTHER_PAGES.match(path):
            return match[0]
        home = f"https://github.com/{repository}/tree/main"
        return f"[{words}]({home}/{path})" if repository else words

    return LINK.sub(link, text)


def homes(rows: list[dict[str, str]]) -> dict[str, str]:
    """Return where each statement is at home: the first notebook with a verdict on it."""
    return {statement: f"notebooks/{of_it[0]['notebook']}" for statement, of_it in by_statement(rows).items()}


def contents(names: list[str]) -> str:
    """Return the tables of contents, one for each folder of notebooks."""
    trees = []
    for folder, caption in FOLDERS.items():
        entries = [
            f"{plain_title(name)} <notebooks/{name}>" for name in names if str(Path(name).parent) == folder
        ]
        trees.append("\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```"]))
    return "\n\n".join(trees)


def stage(source: Path) -> None:
    """Put the book's pages together in an empty folder."""
    order = names()
    home = repository()
    shutil.copytree("book", source, ignore=shutil.ignore_patterns(*NOT_STAGED))
    shutil.copytree("figures", source / "figures", ignore=shutil.ignore_patterns("*.csv"))
    shutil.copytree("notebooks", source / "notebooks", ignore=shutil.ignore_patterns("*.ipynb", ".*"))
    texts = {page: resolved(Path(page).read_text(encoding="utf-8"), page, home) for page in PAGES}
    texts |= reference(order)
    texts["contents.md"] = contents(order)
    rows = all_rows()
    texts["strip.md"] = strip(rows).replace("✔ ", "✔\u00a0")
    texts["staged.json"] = json.dumps({"homes": homes(rows), "address": site(home)})
    settings = explorer_settings()
    texts["settings.md"] = to_notebooks(settings)
    for name in order:
        path = f"notebooks/{name}.ipynb"
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        link = to_explorer(name, settings[name]) if name in settings else ""
        texts[path] = json.dumps(readable(notebook, link))
    for page, text in texts.items():
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        (source / page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    stage(Path(sys.argv[1]))
