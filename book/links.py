"""Make anew what leads from page to page: the last cell of every notebook, to its neighbours in the tour.

The repository's address stands in pyproject.toml alone, as Repository of project.urls. Where there is one,
these cells, the README's badges and CITATION.cff lead there, the badges to the published book too, and each
notebook begins with a cell that installs the package on Colab; without one nothing names an address.
CITATION.cff has the version from the package, and the day of its release from the changelog.
"""

import csv
import html
import json
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from accept import NOTEBOOKS, README, names, read, with_part, write

import fa_utils

TAG = "links"
ADDRESS = re.compile(r"https://github\.com/([\w-]+/[\w.-]+?)(?:\.git)?/?")
TITLE = re.compile(r"^# ([^:,\n]+)", re.MULTILINE)
RELATIVE = re.compile(r"\]\((?!https?:|#)([^)\s]+)\)")
CITED = re.compile(r"^(?:version|date-released|repository-code): .*\n", re.MULTILINE)


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
        text += f"\n\nOpen in {opened}."
    return text


INSTALLATION = """\
# Only on Colab: fetch the repository, install the package, and go to this notebook's folder.
import sys

if "google.colab" in sys.modules:
    get_ipython().system("git clone --quiet --depth 1 https://github.com/{home}")
    get_ipython().system("pip install --quiet ./{folder}")
    get_ipython().run_line_magic("cd", "-q {folder}/{place}")"""


def installation(name: str, home: str) -> str:
    """Return code that gives Colab, which opens single files, the package and the data beside a notebook."""
    place = (NOTEBOOKS / name).parent.as_posix()
    return INSTALLATION.format(home=home, folder=home.partition("/")[2], place=place)


def explorer_settings() -> dict[str, str]:
    """Return the explorer's setting that is like a notebook's own, for each notebook that has one."""
    with open("book/settings.csv", encoding="utf-8") as file:
        return {row["notebook"]: row["setting"] for row in csv.DictReader(file)}


def to_explorer(name: str, setting: str) -> str:
    """Return a notebook's link to the explorer. It is HTML: Markdown would take a setting for a heading."""
    page = os.path.relpath("explorer.html", Path("notebooks", name).parent)
    address = f"{page}#{html.escape(setting)}"
    return f'<a href="{address}">Open the explorer at a setting like this notebook’s</a>'


def to_notebooks(names: Iterable[str]) -> str:
    """Return the explorer's links to notebooks."""
    return " · ".join(f"[{title(name)}](notebooks/{name}.ipynb)" for name in names)


def with_made_cells(text: str, first: str, last: str) -> str:
    """Return a notebook's text with this code after its title, if any, and this Markdown at its end."""
    notebook = json.loads(text)
    made = {cell["cell_type"]: cell for cell in notebook["cells"] if TAG in cell["metadata"].get("tags", [])}
    others = [cell for cell in notebook["cells"] if cell not in made.values()]
    # A cell that has run keeps its number.
    code = {"cell_type": "code", "execution_count": None, "id": "colab", "outputs": []} | made.get("code", {})
    end = {"cell_type": "markdown", "id": TAG}
    for cell, source in ((code, first), (end, last)):
        cell |= {"metadata": {"tags": [TAG]}, "source": source.splitlines(keepends=True)}
    notebook["cells"] = [*others[:1], *([code] if first else []), *others[1:], end]
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)}\n"


def with_absolute_links(text: str, home: str, tag: str) -> str:
    """Return Markdown whose links to files of the repository lead from anywhere to those of this tag."""

    def lead(found: re.Match) -> str:
        raw = found[1].endswith((".png", ".gif"))
        service = f"raw.githubusercontent.com/{home}" if raw else f"github.com/{home}/blob"
        return f"](https://{service}/{tag}/{found[1]})"

    return RELATIVE.sub(lead, text)


def badges(home: str) -> str:
    """Return the README's badges; without a repository the one that needs none."""
    if not home:
        return "[MIT licence](LICENSE)"
    actions = f"https://github.com/{home}/actions/workflows/ci.yml"
    opened = " ".join(f"[{service}]({url})" for service, url in services(home, "index").items())
    book = f"[Book]({site(home)}) [Explorer]({site(home)}explorer.html)"
    return f"[![CI]({actions}/badge.svg)]({actions}) {book} {opened} [MIT licence](LICENSE)"


def release_lines(home: str) -> str:
    """Return the lines of CITATION.cff that change with a release, as far as they are known."""
    version = fa_utils.__version__
    day = re.search(
        rf"^## {re.escape(version)} - (\d{{4}}-\d\d-\d\d)$", read(Path("CHANGELOG.md")), re.MULTILINE
    )
    lines = [f"version: {version}"]
    lines += [f"date-released: {day[1]}"] if day else []
    lines += [f"repository-code: https://github.com/{home}"] if home else []
    return "\n".join(lines) + "\n"


def linked() -> dict[Path, str]:
    """Return the text of every file that leads somewhere, made anew."""
    home = repository()
    order = names()
    citation = Path("CITATION.cff")
    files = {}
    for name in order:
        path = NOTEBOOKS / f"{name}.ipynb"
        first = installation(name, home) if home else ""
        files[path] = with_made_cells(read(path), first, last_cell(name, order, home))
    files[citation] = CITED.sub("", read(citation)) + release_lines(home)
    files[README] = with_part(read(README), "badges", badges(home))
    return files


if __name__ == "__main__":
    for path, text in linked().items():
        write(path, text.encode())
