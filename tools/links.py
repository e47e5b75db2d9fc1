"""What leads from page to page, and to services that open them; make links writes it anew.

The last cell of every notebook leads to its neighbours in the index's order. The repository's address stands
in pyproject.toml alone, as Repository of project.urls. Where there is one, that cell, the README's badges and
CITATION.cff lead there and to services that open notebooks from there; without one nothing names an address.
"""

import json
import os
import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import quote

import readme

from fa_utils.files import write_whole

TAG = "links"
BRANCH = "main"
ADDRESS = re.compile(r"https://github\.com/([\w-]+/[\w.-]+?)(?:\.git)?/?")
TITLE = re.compile(r"^# ([^:,\n]+)", re.MULTILINE)
CITED = re.compile(r"^repository-code: .*\n", re.MULTILINE)


class AddressError(ValueError):
    """An address of the repository from which nothing can be made."""


def repository() -> str:
    """Return OWNER/NAME of the repository on GitHub, or nothing while its address is not known."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project.get("urls", {}).get("Repository", "")
    found = ADDRESS.fullmatch(address)
    if address and not found:
        raise AddressError(
            f"Repository in pyproject.toml is {address!r}; "
            "write https://github.com/OWNER/NAME, or leave it out"
        )
    return found[1] if found else ""


def openers(repository: str, name: str) -> dict[str, str]:
    """Return the addresses under which services open a notebook of the repository."""
    path = f"notebooks/{name}.ipynb"
    return {
        "Binder": f"https://mybinder.org/v2/gh/{repository}/{BRANCH}?labpath={quote(path, safe='')}",
        "Colab": f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{path}",
        "nbviewer": f"https://nbviewer.org/github/{repository}/blob/{BRANCH}/{path}",
    }


def title(name: str) -> str:
    """Return a notebook's title up to its first colon or comma, or its name where it has none."""
    cells = json.loads((readme.NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    found = TITLE.search(prose)
    return found[1] if found else name


def neighbours(name: str, names: list[str]) -> str:
    """Return Markdown that leads to the notebook before this one, to the index, and to the one after it."""

    def link(other: str, text: str) -> str:
        path = os.path.relpath(f"{other}.ipynb", os.path.dirname(name)).replace(os.sep, "/")
        return f"[{text}]({path})"

    before, after = [*names[: names.index(name)][-1:]], names[names.index(name) + 1 :][:1]
    found = [link(other, f"← {title(other)}") for other in before if other != "index"]
    found += [link("index", "Tour")] if name != "index" and "index" in names else []
    return " · ".join([*found, *(link(other, f"{title(other)} →") for other in after)])


def cell(name: str, names: list[str], repository: str) -> str:
    """Return the Markdown of a notebook's last cell."""
    found = neighbours(name, names)
    if repository:
        services = " · ".join(f"[{service}]({url})" for service, url in openers(repository, name).items())
        package = f"%pip install git+https://github.com/{repository}"
        found += f"\n\nOpen in {services}. (On Colab, run `{package}` in a cell of its own first.)"
    return found


def with_cell(text: str, markdown: str) -> str:
    """Return a notebook's text with this Markdown in its last cell, the one that is tagged for it."""
    notebook = json.loads(text)
    others = [cell for cell in notebook["cells"] if TAG not in cell["metadata"].get("tags", [])]
    last = {"cell_type": "markdown", "id": TAG, "metadata": {"tags": [TAG]}}
    notebook["cells"] = [*others, last | {"source": markdown.splitlines(keepends=True)}]
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False)}\n"


def badges(repository: str) -> str:
    """Return the README's badges; without a repository the one that needs none."""
    licence = "[MIT licence](LICENSE)"
    if not repository:
        return licence
    home, tour = f"https://github.com/{repository}", openers(repository, "index")
    return " ".join(
        [
            f"[![CI]({home}/actions/workflows/ci.yml/badge.svg)]({home}/actions/workflows/ci.yml)",
            f"[![Binder](https://mybinder.org/badge_logo.svg)]({tour['Binder']})",
            f"[![Colab](https://colab.research.google.com/assets/colab-badge.svg)]({tour['Colab']})",
            f"[![nbviewer](https://raw.githubusercontent.com/jupyter/design/main/logos/Badges/nbviewer_badge.svg)]"
            f"({tour['nbviewer']})",
            licence,
        ]
    )


def cited(text: str, repository: str) -> str:
    """Return CITATION.cff's text with the repository's address, or without any."""
    line = f"repository-code: https://github.com/{repository}\n" if repository else ""
    return f"{CITED.sub('', text)}{line}"


def remade() -> dict[Path, str]:
    """Return the text of every file that leads somewhere, made anew."""
    home, names = repository(), readme.names()
    notebooks = {name: readme.NOTEBOOKS / f"{name}.ipynb" for name in names}
    files = {
        path: with_cell(path.read_text(encoding="utf-8"), cell(name, names, home))
        for name, path in notebooks.items()
    }
    citation = Path("CITATION.cff")
    files[citation] = cited(citation.read_text(encoding="utf-8"), home)
    text = readme.README.read_text(encoding="utf-8")
    files[readme.README] = readme.with_part(text, "badges", badges(home), by="make links")
    return files


if __name__ == "__main__":
    try:
        for path, text in remade().items():
            write_whole(path, text.encode())
    except AddressError as refusal:
        sys.exit(str(refusal))
