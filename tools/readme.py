"""The parts of the README that come from the committed notebooks: the gallery and the verdict table."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from check_notebooks import notebooks_below
from verdicts import gather

from fa_utils.files import write_whole

README = Path("README.md")
NOTEBOOKS = Path("notebooks")


def names() -> list[str]:
    """Return the committed notebooks' names, index first."""
    paths = notebooks_below(NOTEBOOKS)
    return sorted(
        (path.relative_to(NOTEBOOKS).with_suffix("").as_posix() for path in paths),
        key=lambda name: (name != "index", name),
    )


def pictures(notebook: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the description and the base64 text of every picture in a notebook's outputs."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                about = output["metadata"]["image/png"]
                yield about["figure"], about["alt"], output["data"]["image/png"]


def gallery() -> str:
    """Return a table of all pictures, two a row, each linking to its notebook."""
    cells = []
    for name in names():
        for figure, description, _ in pictures(NOTEBOOKS / f"{name}.ipynb"):
            image = f"![{description}](figures/{figure}.png)"
            cells.append(f"[{image}](notebooks/{name}.ipynb)<br>{name}")
    rows = [f"| {' | '.join([*cells[i : i + 2], ''][:2])} |" for i in range(0, len(cells), 2)]
    return "\n".join(["| | |", "|---|---|", *rows])


def verdict_table() -> str:
    """Return all verdicts as a Markdown table, each linking to its notebook."""
    rows = []
    for row in gather(NOTEBOOKS, names()):
        relation = {"<=": "≤", ">=": "≥", "==": "="}[row["relation"]]
        statement = f"[{row['statement']}](notebooks/{row['notebook']}.ipynb)"
        rows.append(
            f"| {statement} | {row['mark']} | {row['shown']} {relation} {row['bound']} | {row['verdict']} |"
        )
    return "\n".join(["| statement | mark | measured against bound | verdict |", "|---|---|---|---|", *rows])


def remade(text: str) -> str:
    """Return the README's text with both parts made anew between their markers."""
    for part, content in (("gallery", gallery()), ("verdicts", verdict_table())):
        pattern = rf"(<!-- {part}: made by make accept -->\n).*?(<!-- end of {part} -->)"
        text, replaced = re.subn(pattern, lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text, flags=re.DOTALL)
        if replaced != 1:
            raise ValueError(f"README.md has {replaced} parts marked {part!r}; it needs exactly one")
    return text


def write() -> None:
    """Remake README.md, whole or not at all."""
    write_whole(README, remade(README.read_text(encoding="utf-8")).encode())
