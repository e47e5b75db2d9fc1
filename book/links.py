"""Make anew what leads from page to page: the last cell of every notebook, to its neighbours in the tour.

The repository's address stands in pyproject.toml alone, as Repository of project.urls. Where there is one,
these cells, the README's badges and CITATION.cff lead there, and the badges to the published book; without
one nothing names an address.
"""

import json
import os
import re
import tomllib
from pathlib import Path
from urllib.parse import quote

from accept import NOTEBOOKS, README, names, read, with_part, write

TAG = "links"
ADDRESS = re.compile(r"https://github\.com/([\w-]+/[\w.-]+?)(?:\.git)?/?")
TITLE = re.compile(r"^# ([^:,\n]+)", re.MULTILINE)
CITED = re.compile(r"^repository-code: .*\n", re.MULTILINE)


def repository() -> str:
    """Return OWNER/NAME of the repository on GitHub, or nothing while its address is not known."""
    address = tomllib.loads(read(Path("pyproject.toml")))["project"].get("urls", {}).get("Repository", "")
    found = ADDRESS.fullmatch(address)
    if address and not found:
        raise SystemExit(
            f"Repository in pyproject.toml is {address!r}; write https://github.com/OWNER/NAME or nothing"
        )
    return found[1] if found else ""


def site(home: str) -> str:
    """Return the address at which GitHub publishes the repository's book, or nothing."""
    owner, _, name = home.partition("/")
    return f"https://{owner.lower()}.github.io/{name}/" if home else ""


def services(home: str, name: str) -> dict[str, str]:
    """Return the addresses under which services open a notebook of the repository."""
    path = f"notebooks/{name}.ipynb"
    return {
        "Binder": f"https://mybinder.org/v2/gh/{home}/main?labpath={quote(path, safe='')}",
        "Colab": f"https://colab.research.google.com/github/{home}/blob/main/{path}",
        "nbviewer": f"https://nbviewer.org/github/{home}/blob/main/{path}",
    }


def title(name: str) -> str:
    """Return a notebook's title up to its first colon or comma, or its name where it has none."""
    cells = json.loads(read(NOTEBOOKS / f"{name}.ipynb"))["cells"]
    found = TITLE.search(
        "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    )
    return found[1] if found else name


def last_cell(name: str, order: list[str], home: str) -> str:
    """Return Markdown that leads to the notebook before this one, to the index, and to the one after it."""

    def link(other: str, text: str) -> str:
        return f"[{text}]({os.path.relpath(f'{other}.ipynb', os.path.dirname(name)).replace(os.sep, '/')})"

    place = order.index(name)
    before = [link(other, f"← {title(other)}") for other in order[:place][-1:] if other != "index"]
    tour = [link("index", "Tour")] if name != "index" and "index" in order else []
    after = [link(other, f"{title(other)} →") for other in order[place + 1 :][:1]]
    text = " · ".join([*before, *tour, *after])
    if home:
        opened = " · ".join(f"[{service}]({url})" for service, url in services(home, name).items())
        package = f"%pip install git+https://github.com/{home}"
        text += f"\n\nOpen in {opened}. (On Colab, run `{package}` in a cell of its own first.)"
    return text


def with_last_cell(text: str, markdown: str) -> str:
    """Return a notebook's text with this Markdown in its last cell, the one that is tagged for it."""
    notebook = json.loads(text)
    others = [cell for cell in notebook["cells"] if TAG not in cell["metadata"].get("tags", [])]
    last = {"cell_type": "markdown", "id": TAG, "metadata": {"tags": [TAG]}}
    notebook["cells"] = [*others, last | {"source": markdown.splitlines(keepends=True)}]
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False)}\n"


def badges(home: str) -> str:
    """Return the README's badges; without a repository the one that needs none."""
    if not home:
        return "[MIT licence](LICENSE)"
    actions = f"https://github.com/{home}/actions/workflows/ci.yml"
    opened = " ".join(f"[{service}]({url})" for service, url in services(home, "index").items())
    book = f"[Book]({site(home)}) [Explorer]({site(home)}explorer.html)"
    return f"[![CI]({actions}/badge.svg)]({actions}) {book} {opened} [MIT licence](LICENSE)"


def linked() -> dict[Path, str]:
    """Return the text of every file that leads somewhere, made anew."""
    home, order, citation = repository(), names(), Path("CITATION.cff")
    files = {}
    for name in order:
        path = NOTEBOOKS / f"{name}.ipynb"
        files[path] = with_last_cell(read(path), last_cell(name, order, home))
    line = f"repository-code: https://github.com/{home}\n" if home else ""
    files[citation] = f"{CITED.sub('', read(citation))}{line}"
    files[README] = with_part(read(README), "badges", badges(home))
    return files


if __name__ == "__main__":
    for path, text in linked().items():
        write(path, text.encode())
