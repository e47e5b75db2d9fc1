"""The parts of the README that come from the committed notebooks: the gallery and the verdict tables."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from check_notebooks import notebooks_below
from verdicts import gather

from fa_utils.files import write_whole

README = Path("README.md")
NOTEBOOKS = Path("notebooks")
ESCAPED, ESCAPE = re.compile(r"[|*]"), r"\\\g<0>"  # what means something in a Markdown table
PAPERS_FIGURE = re.compile(r"figure-\d[a-z]?")


def names() -> list[str]:
    """Return the committed notebooks' names: the index, then in the order in which it leads to them."""
    found = [path.relative_to(NOTEBOOKS).with_suffix("").as_posix() for path in notebooks_below(NOTEBOOKS)]
    index = NOTEBOOKS / "index.ipynb"
    tour = index.read_text(encoding="utf-8").rpartition("Where to go")[2] if index.exists() else ""
    place = {name: tour.find(f"({name}.ipynb)") for name in found}
    return sorted(found, key=lambda name: (name != "index", place[name] < 0, place[name], name))


def pictures(notebook: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the description and the base64 text of every picture in a notebook's outputs."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                about = output["metadata"]["image/png"]
                yield about["figure"], about["alt"], output["data"]["image/png"]


def shown() -> Iterator[tuple[str, str, str, str]]:
    """Yield the gallery's pictures, the paper's or one a notebook: notebook, figure, description, caption."""
    for name in names():
        found = [(figure, description) for figure, description, _ in pictures(NOTEBOOKS / f"{name}.ipynb")]
        papers = [(figure, description) for figure, description in found if PAPERS_FIGURE.fullmatch(figure)]
        for figure, description in papers or found[:1]:
            yield name, figure, description, figure if papers else name


def gallery() -> str:
    """Return the gallery as a Markdown table, three pictures a row."""
    cells = [
        f"[![{description}](figures/{figure}.png)](notebooks/{name}.ipynb)<br>{caption}"
        for name, figure, description, caption in shown()
    ]
    rows = [f"| {' | '.join([*cells[i : i + 3], '', ''][:3])} |" for i in range(0, len(cells), 3)]
    return "\n".join(["| | | |", "|---|---|---|", *rows])


def statements(rows: list[dict[str, str]]) -> str:
    """Return a Markdown table with a line for each statement of the paper: where it runs, how it fares."""
    groups = {}
    for row in rows:
        groups.setdefault(row["statement"].partition(":")[0], []).append(row)
    lines = ["| statement | notebook | verdicts | mark |", "|---|---|---|---|"]
    for statement, of_it in groups.items():
        notebooks = dict.fromkeys(f"[{row['notebook']}](notebooks/{row['notebook']}.ipynb)" for row in of_it)
        holding = sum(row["verdict"] == "holds" for row in of_it)
        marks = ", ".join(dict.fromkeys(row["mark"] for row in of_it))
        lines.append(f"| {statement} | {', '.join(notebooks)} | {holding} of {len(of_it)} hold | {marks} |")
    return "\n".join(lines)


def verdict_table(rows: list[dict[str, str]]) -> str:
    """Return all verdicts as a Markdown table, each linking to its notebook."""
    lines = ["| statement | mark | measured against bound | verdict |", "|---|---|---|---|"]
    for row in rows:
        relation = {"<=": "≤", ">=": "≥", "==": "="}[row["relation"]]
        statement = f"[{ESCAPED.sub(ESCAPE, row['statement'])}](notebooks/{row['notebook']}.ipynb)"
        measured = f"{row['shown']} {relation} {row['bound']}"
        lines.append(f"| {statement} | {row['mark']} | {measured} | {row['verdict']} |")
    return "\n".join(lines)


def remade(text: str) -> str:
    """Return the README's text with its three parts made anew between their markers."""
    rows = gather(NOTEBOOKS, names())
    parts = {"gallery": gallery(), "statements": statements(rows), "verdicts": verdict_table(rows)}
    for part, content in parts.items():
        text = with_part(text, part, content, by="make accept")
    return text


def with_part(text: str, part: str, content: str, by: str) -> str:
    """Return the text with this content between the markers of a part that a command makes."""
    pattern = rf"(<!-- {part}: made by {by} -->\n).*?(<!-- end of {part} -->)"
    text, replaced = re.subn(pattern, lambda match: f"{match[1]}{content}\n{match[2]}", text, flags=re.DOTALL)
    if replaced != 1:
        raise ValueError(f"README.md has {replaced} parts marked {part!r}; it needs exactly one")
    return text


def write() -> None:
    """Remake README.md, whole or not at all."""
    write_whole(README, remade(README.read_text(encoding="utf-8")).encode())
