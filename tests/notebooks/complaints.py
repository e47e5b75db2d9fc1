"""Say what is wrong with committed notebooks, as files and for GitHub's viewer: check_notebooks.py [FOLDER]

Prints one line per complaint and exits with 1 where there is one. A notebook must be executed from top to
bottom, carry its outputs and a verdict, give each parameter a range, and hold nothing that GitHub's viewer
refuses or drops.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from parameters import listed

from fa_utils import read_verdicts

LARGEST = 1_000_000  # bytes
REFUSED_COMMANDS = (r"\newcommand", r"\operatorname", r"\mbox", r"\phantom", r"\tag")
DROPPED_OUTPUTS = ("image/svg+xml", "text/html", "application/javascript")
FROM_ELSEWHERE = re.compile(
    r"!\[[^\]]*\]\(<?(?:\w+:)?//|!\[[^\]]*\]\[|<\w+[^>]*\s(?:src|href)\s*=|<(?:script|iframe|object|style)\b",
    re.I,
)
ABSOLUTE_PATH = re.compile(r"""(?:^|[\s'"(=])(/[\w.~-]+/[\w./~-]+|[A-Za-z]:\\\w+)""", re.MULTILINE)


def notebooks_below(folder: Path) -> list[Path]:
    """Return all notebooks in a folder and its subfolders, sorted, without an editor's checkpoints."""
    return [path for path in sorted(folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]


def complaints(path: Path) -> list[str]:
    """Return all that is wrong with one notebook."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    prose = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    found = [*_about_file(path, notebook), *_about_execution(code), *_about_parameters(path)]
    for output in (output for cell in code for output in cell["outputs"]):
        found += _about_output(output)
    for text in prose:
        found += [*_about_formulas(text), *_about_tables(text), *_about_elsewhere(text)]
    if not read_verdicts(path):
        found.append("no verdict: nothing that could fail")
    return found


def _about_file(path: Path, notebook: dict) -> Iterator[str]:
    if path.stat().st_size >= LARGEST:
        yield f"{path.stat().st_size} bytes; GitHub shows notebooks below {LARGEST}"
    for key in ("widgets", "papermill"):
        if key in notebook["metadata"]:
            yield f"metadata of {key} left in; adopt notebooks with make accept"
    tags = [tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", [])]
    if tags.count("parameters") != 1 or "injected-parameters" in tags:
        yield f"cells are tagged {tags}; exactly one must be 'parameters' and none 'injected-parameters'"


def _about_execution(code: list[dict]) -> Iterator[str]:
    counts = [cell["execution_count"] for cell in code]
    if counts != list(range(1, len(code) + 1)):
        yield f"execution counts are {counts}; run it from top to bottom (make accept)"
    if not any(cell["outputs"] for cell in code):
        yield "no outputs; run it (make accept)"


def _about_parameters(path: Path) -> Iterator[str]:
    for one in listed(path).values():
        if not one.meaning or one.least is None:
            yield f"parameter {one.name} lacks a meaning or a range: # meaning [least to most]"
        elif not one.holds(one.default):
            yield f"parameter {one.name} is {one.default}, outside its range {one.least} to {one.most}"


def _about_output(output: dict) -> Iterator[str]:
    kind = output["output_type"]
    if kind == "error" or output.get("name") == "stderr":
        yield f"an output is {output.get('ename', 'stderr')}: {''.join(output.get('text', []))[:80]}"
    data = output.get("data", {})
    for mime in data:
        if mime in DROPPED_OUTPUTS or "widget" in mime:
            yield f"an output of type {mime}; GitHub's viewer drops it"
    about = output.get("metadata", {}).get("image/png", {})
    if "image/png" in data and not about.get("alt"):
        yield "a picture without a description; draw it with style.save"
    text = "".join(output.get("text", [])) + "".join(data.get("text/plain", []))
    for path in ABSOLUTE_PATH.findall(text):
        yield f"an output names the absolute path {path}"


def _about_formulas(text: str) -> Iterator[str]:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    for command in REFUSED_COMMANDS:
        if command in text:
            yield f"{command} in a formula; GitHub refuses it"
    paragraphs = re.split(r"\n\s*\n", text)
    for paragraph in (paragraph.strip() for paragraph in paragraphs if "$$" in paragraph):
        if not re.fullmatch(r"\$\$\n[^$]+\n\$\$", paragraph):
            yield f"$$ needs lines and a paragraph of its own: {paragraph[:60]!r}"
    for display, inline in re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", text, flags=re.DOTALL):
        if "<" in display + inline:
            yield f"< in the formula {(display + inline).strip()!r}; write \\lt"
        if "\n" in inline:
            yield f"a line break in the formula {inline!r}; keep it on one line"


def _about_tables(text: str) -> Iterator[str]:
    for row in re.findall(r"^\|.*\|$", text, re.MULTILINE):
        for formula in re.findall(r"\$[^$]*\|[^$]*\$", re.sub(r"\$[^$|]*\$", "", row)):
            yield f"| in the formula {formula!r} of a table; it ends the cell, write \\vert"


def _about_elsewhere(text: str) -> Iterator[str]:
    for loading in FROM_ELSEWHERE.findall(text):
        yield f"{loading} loads from elsewhere; a notebook holds all that it shows"


def main(folder: Path) -> int:
    """Print the complaints about all notebooks below ``folder``; return the exit code."""
    notebooks = notebooks_below(folder)
    lines = [f"{path}: {line}" for path in notebooks for line in complaints(path)]
    if not notebooks:
        lines = [f"no notebook below {folder}"]
    print("\n".join(lines) or f"{len(notebooks)} notebooks are executed, whole and fit for GitHub")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "notebooks")))
