"""Put the book's pages together from the committed notebooks, without running them: stage.py FOLDER

Each page is where its original is, so that its links hold. Sphinx then makes the site of them, which can be
read from disk, without a network.
"""

import importlib
import inspect
import json
import os
import re
import shutil
import sys
from pathlib import Path

from accept import NOTEBOOKS, names, with_part
from links import TAG, explorer_settings, repository, title, to_explorer, to_notebooks
from summary import run_of

from fa_utils.report.claims import VERDICT_MIME

PAGES = [f"{name}.md" for name in ("README", "VERDICTS", "TESTING", "CHANGELOG", "CONTRIBUTING")]
PAGES += ["book/fa-solved.md", "book/guide.md", "benchmarks/README.md", "tests/mutants.md"]
NOT_STAGED = (
    "tests",
    "*.lock",
    "*.csv",
    "stage.py",
    "links.py",
    "tables.py",
    "fa-solved.md",
    "guide.md",
    "__pycache__",
)
OTHER_PAGES = re.compile("(figures|notebooks)/")
FOLDERS = {".": "The paper", "beyond": "Beyond the paper", "companions": "Companion papers"}
LONG = 12  # lines of code; longer cells are folded
GALLERY = re.compile(r"\| \| \|\n(?:\|.*\n)+")
PICTURE = re.compile(r"\[(!\[[^\]]*\]\([^)]*\))\]\(([^)]*)\)<br>(.+?) \|")
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def readable(notebook: dict, explorer: str = "") -> dict:
    """Return a notebook as the book shows it: pictures described, long code folded, the explorer linked."""
    tagged = [cell for cell in notebook["cells"] if TAG in cell["metadata"].get("tags", [])]
    notebook["cells"] = [cell for cell in notebook["cells"] if cell not in tagged]
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


def with_grid(text: str) -> str:
    """Return the README's text with its gallery as a grid that fits any screen; book.css lays it out."""
    pictures = PICTURE.findall(text)
    grid = "\n".join(
        [
            ":::{container} gallery",
            *(f"\n[{image}]({to})\\\n{caption}" for image, to, caption in pictures),
            "\n:::",
        ]
    )
    return GALLERY.sub(lambda _: f"{grid}\n", text)


def resolved(text: str, page: str, repository: str) -> str:
    """Return a page's text in which links to what is no page lead to the repository, or have become text."""

    def link(match: re.Match) -> str:
        words, target = match.groups()
        path = os.path.normpath(Path(page).parent / target.partition("#")[0])
        if path == "README.md":  # the first page includes it
            return f"[{words}]({os.path.relpath('index.md', Path(page).parent)})"
        if "://" in target or target.startswith("#") or path in PAGES or OTHER_PAGES.match(path):
            return match[0]
        home = f"https://github.com/{repository}/tree/main"
        return f"[{words}]({home}/{path})" if repository else words

    return LINK.sub(link, text)


def homes(names: list[str]) -> dict[str, str]:
    """Return where each statement is at home: the first notebook with a verdict on it."""
    found = {}
    for name in names:
        for row in run_of(name, NOTEBOOKS).rows:
            found.setdefault(row["statement"].partition(":")[0], f"notebooks/{name}")
    return found


def contents(names: list[str]) -> str:
    """Return the tables of contents, one for each folder of notebooks."""
    trees = []
    for folder, caption in FOLDERS.items():
        entries = [
            f"{title(name).replace(chr(92), '')} <notebooks/{name}>"
            for name in names
            if str(Path(name).parent) == folder
        ]
        trees.append("\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```"]))
    return "\n\n".join(trees)


ROOMS = ["fa_utils", "fa_utils.theory", "fa_utils.report", "fa_utils.report.figures"]
ROOMS += [f"fa_utils.companions.{path.stem}" for path in sorted(Path("fa_utils/companions").glob("[!_]*.py"))]


def reference() -> str:
    """Return Sphinx's directives for the API: room by room, the functions and classes that are public."""
    lines = []
    for room in ROOMS:
        module = importlib.import_module(room)
        lines += [f"## {room}", "", "```{eval-rst}", f".. automodule:: {room}", "   :no-index:", ""]
        for name, thing in vars(module).items():
            if name.startswith("_") or not thing_of(thing, room):
                continue
            kind = ["class", "   :members:"] if inspect.isclass(thing) else ["function"]
            lines += [f".. auto{kind[0]}:: {room}.{name}", *kind[1:], ""]
        lines += ["```", ""]
    return "\n".join(lines)


def thing_of(thing: object, room: str) -> bool:
    """Return whether this is a function or class that belongs to a room."""
    documented = inspect.isfunction(thing) or inspect.isclass(thing)
    return documented and thing.__module__.startswith(room)


def stage(source: Path) -> None:
    """Put the book's pages together in an empty folder."""
    order, home = names(), repository()
    shutil.copytree("book", source, ignore=shutil.ignore_patterns(*NOT_STAGED))
    shutil.copytree("figures", source / "figures", ignore=shutil.ignore_patterns("*.csv"))
    shutil.copytree("notebooks", source / "notebooks", ignore=shutil.ignore_patterns("*.ipynb", ".*"))
    texts = {page: resolved(Path(page).read_text(encoding="utf-8"), page, home) for page in PAGES}
    texts["README.md"] = with_part(with_grid(texts["README.md"]), "badges", "")
    texts["reference.md"] = reference()
    texts["contents.md"] = contents(order)
    texts["homes.json"] = json.dumps(homes(order))
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
