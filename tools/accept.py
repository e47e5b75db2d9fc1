"""Adopt what was run in build/: accept.py NOTEBOOK ...

Copies each notebook that differs from what is committed, with its figures, and says what changed. Nothing is
adopted while a verdict fails, a control holds, or a notebook broke, or was edited after it ran.
"""

import json
import os
import re
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who interrupts the imports below is told nothing

from compare import compare_notebook, figures_of, notebooks
from summary import Run, failures, run_of

from fa_utils.report.files import write_whole

NOTEBOOKS = Path("notebooks")
README = Path("README.md")
KINDS = (".csv", ".png", ".gif")  # the last of those that move


def read(path: Path) -> str:
    """Return a file's text."""
    return path.read_text(encoding="utf-8")


def write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, unless that is what it has."""
    if not path.exists() or path.read_bytes() != content:
        write_whole(path, content)


def names() -> list[str]:
    """Return the notebooks' names: the index, then in the order in which it leads to them."""
    found = [path.relative_to(NOTEBOOKS).with_suffix("").as_posix() for path in notebooks(NOTEBOOKS)]
    index = NOTEBOOKS / "index.ipynb"
    tour = read(index).rpartition("Where to go")[2] if index.exists() else ""
    place = {name: tour.find(f"({name}.ipynb)") for name in found}
    return sorted(found, key=lambda name: (name != "index", place[name] < 0, place[name], name))


def with_part(text: str, part: str, content: str) -> str:
    """Return a page's text with this content between the markers of a part."""
    pattern = rf"(<!-- {part}: made by make accept -->\n).*?(<!-- end of {part} -->)"
    text, replaced = re.subn(pattern, lambda match: f"{match[1]}{content}\n{match[2]}", text, flags=re.DOTALL)
    if replaced != 1:
        raise ValueError(f"the page has {replaced} parts marked {part!r}; it needs exactly one")
    return text


def committed(name: str) -> Path:
    """Return where a notebook is committed."""
    return NOTEBOOKS / f"{name}.ipynb"


def without_pictures(notebook: Path) -> str:
    """Return all of a notebook but its pictures' bytes, as text to be compared."""
    content = json.loads(read(notebook))
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/png", None)
    return json.dumps(content, sort_keys=True)


def sources(notebook: Path) -> list[tuple[str, str]]:
    """Return kind and text of a notebook's cells: what its author wrote."""
    return [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(read(notebook))["cells"]]


def refusals(runs: list[Run]) -> list[str]:
    """Return a line for each reason to adopt nothing."""
    whole = [(run.place, committed(run.name)) for run in runs if not run.broke]
    edited = [path for place, path in whole if sources(place) != sources(path)]
    lines = [f"{path} was edited after it ran: touch it, and run make accept again" for path in edited]
    return failures(runs) + lines


def adopt(name: str) -> set[str]:
    """Copy a notebook's run and its figures over what is committed; return the figures it no longer has."""
    run = Path("build", f"{name}.ipynb")
    figures = figures_of(committed(name))
    for file in [Path("build", "figures", f"{figure}{kind}") for figure in figures_of(run) for kind in KINDS]:
        if file.exists():
            write(Path("figures", file.name), file.read_bytes())
    write(committed(name), run.read_bytes())
    os.utime(run)  # make goes by dates: this run is of the notebook that it has just become
    return {*figures} - {*figures_of(run)}


def main(chosen: list[str]) -> int:
    """Adopt what differs, say what, and return the exit code."""
    runs = [run_of(name, Path("build")) for name in chosen]
    refused = refusals(runs)
    if refused:
        print(*refused, "Nothing is adopted", sep="\n", file=sys.stderr)
        return 1
    dropped = set()
    adopted = 0
    for run in runs:
        lines = compare_notebook(run.name, Path("build")).differences
        if lines or without_pictures(run.place) != without_pictures(committed(run.name)):
            dropped |= adopt(run.name)
            adopted += 1
            print(f"adopted {run.name}", *lines, sep="\n    ")
    for figure in dropped - {figure for name in names() for figure in figures_of(committed(name))}:
        print(f"deleted figures/{figure}, which no notebook shows any more")
        for kind in KINDS:
            Path("figures", f"{figure}{kind}").unlink(missing_ok=True)
    print(f"{adopted or 'no'} of {len(runs)} notebooks differed from what is committed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
