"""What leads from one page to the next, and to the repository: links.py, called by make links and make accept.

The last cell of every notebook leads to its neighbours in the index's order. The repository's address stands
in pyproject.toml, as project.urls.Repository; where there is one, that cell, the README and CITATION.cff also
lead to services that open notebooks from it. Without it nothing names an address.
"""

import json
import os
import re
import tomllib
from pathlib import Path
from urllib.parse import quote

import readme

from fa_utils.files import write_whole

TAG = "links"
CITATION = Path("CITATION.cff")
ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git|/)?")
BRANCH = "main"


class AddressError(ValueError):
    """An address of the repository from which nothing can be made."""


def repository() -> str:
    """Return owner/name of the repository on GitHub, or nothing while its address is not known."""
    urls = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    address = urls.get("Repository", "")
    found = ADDRESS.fullmatch(address)
    if address and not found:
        raise AddressError(
            f"project.urls.Repository in pyproject.toml is {address!r}; "
            "write https://github.com/OWNER/NAME, or leave it out"
        )
    return found[1] if found else ""


def title(name: str) -> str:
    """Return the first heading of a notebook, up to its colon."""
    cells = json.loads(readme.path_of(name).read_text(encoding="utf-8"))["cells"]
    return "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ").partition(":")[0]


def openers(name: str, repository: str) -> list[str]:
    """Return links to services that open a notebook from the repository; none without one."""
    path = f"notebooks/{name}.ipynb"
    if not repository:
        return []
    return [
        f"[Binder](https://mybinder.org/v2/gh/{repository}/{BRANCH}?labpath={quote(path, safe='')})",
        f"[Colab](https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{path})",
        f"[nbviewer](https://nbviewer.org/github/{repository}/blob/{BRANCH}/{path})",
    ]


def navigation(name: str, names: list[str], repository: str) -> str:
    """Return the Markdown that leads from one notebook to its neighbours, and to where it can be opened."""
    place = names.index(name)
    around = {"←": names[place - 1] if place else "", "→": names[place + 1] if place + 1 < len(names) else ""}
    before, after = (f"[{arrow} {title(other)}]({link(name, other)})" if other else "" for arrow, other in around.items())
    tour = "" if name == "index" else f"[the tour]({link(name, 'index')})"
    lines = [" · ".join(filter(None, [before, tour, after]))]
    if repository:
        lines.append(f"Open in {' · '.join(openers(name, repository))}")
    return "\n\n".join(lines)


def link(here: str, there: str) -> str:
    """Return the relative link from one notebook to another."""
    return os.path.relpath(f"{there}.ipynb", os.path.dirname(here)).replace(os.sep, "/")


def linked(text: str, markdown: str) -> str:
    """Return a notebook's text with this Markdown in its last cell, the one that is tagged as links."""
    notebook = json.loads(text)
    cells = [cell for cell in notebook["cells"] if TAG not in cell["metadata"].get("tags", [])]
    last = {"cell_type": "markdown", "id": TAG, "metadata": {"tags": [TAG]}, "source": markdown.splitlines(True)}
    notebook["cells"] = [*cells, last]
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False)}\n"
