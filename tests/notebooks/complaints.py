"""What is wrong with a committed notebook, as a file and for GitHub's viewer.

A notebook must be executed from top to bottom, carry its outputs and a verdict, give each parameter a range,
and hold nothing that belongs to a machine or an editor, or that GitHub's viewer refuses or drops.
"""

import ast
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from parameters import entries, listed
from run_notebook import KERNEL
from summary import rows_in

from fa_utils.report.claims import INDENT, VERDICT_MIME, WIDTH

LARGEST = 1_000_000  # bytes
LONGEST = 20  # lines of a cell
METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
REFUSED_COMMANDS = (r"\newcommand", r"\operatorname", r"\mbox", r"\phantom", r"\tag")
DROPPED_OUTPUTS = ("image/svg+xml", "text/html", "application/javascript")
FROM_ELSEWHERE = re.compile(
    r"!\[[^\]]*\]\(<?(?:\w+:)?//|!\[[^\]]*\]\[|<\w+[^>]*\s(?:src|href)\s*=|<(?:script|iframe|object|style)\b",
    re.I,
)
ABSOLUTE_PATH = re.compile(r"""(?:^|[\s'"(=])(/[\w.~-]+/[\w./~-]+|[A-Za-z]:\\\w+)""", re.MULTILINE)
BADLY_NAMED = re.compile(r"[^a-z0-9-]")
CAPTION = re.compile(r"(?![#>|-]|\*\*)[^\n](?:.|\n(?!\n))*[.)](?:\n\n(?:.|\n)*)?")
SMALL = re.compile(r"(<\s*|[<>]=\s*)?(?<![\w.])[-+]?(\d+(?:\.\d*)?e-\d+)(?!\w)")
ROUNDING = 1e-12  # numbers below are what rounding leaves of others, unless they bound something


def complaints(path: Path) -> list[str]:
    """Return all that is wrong with one notebook."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    prose = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    found = [*_about_file(path), *_about_metadata(notebook), *_about_execution(code)]
    found += [*_about_parameters(path), *_about_code(code), *_about_captions(notebook["cells"])]
    for output in (output for cell in code for output in cell["outputs"]):
        found += _about_output(output)
    for text in prose:
        found += complaints_about_prose(text)
    if all("broken" in row for row in rows_in(path)):
        found.append("no verdict: nothing that could fail")
    return [*found, *_about_statements(path)]


def _about_statements(path: Path) -> Iterator[str]:
    for statement in dict.fromkeys(row["statement"] for row in rows_in(path)):
        beyond = len(INDENT + statement) - WIDTH
        if beyond > 0:
            yield f"{statement!r} wraps; make it shorter by {beyond} characters"


def complaints_about_prose(text: str) -> list[str]:
    """Return all that is wrong with a cell or page of Markdown."""
    return [*_about_formulas(text), *_about_tables(text), *_about_elsewhere(text)]


def _about_file(path: Path) -> Iterator[str]:
    if path.stat().st_size >= LARGEST:
        yield f"{path.stat().st_size} bytes; GitHub shows notebooks below {LARGEST}"
    if BADLY_NAMED.search(path.stem) or path.suffix != ".ipynb":
        yield f"{path.name!r} is no name for a notebook; use small letters, digits and dashes"


def _about_metadata(notebook: dict) -> Iterator[str]:
    for key in sorted({*METADATA} | {*notebook["metadata"]}):
        if notebook["metadata"].get(key) != METADATA.get(key):
            yield f"metadata of {key} are {notebook['metadata'].get(key)}; adopt notebooks with make accept"
    for number, cell in enumerate(notebook["cells"], start=1):
        if {*cell["metadata"]} - {"tags"}:
            yield f"cell {number} has metadata {cell['metadata']}; adopt notebooks with make accept"
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
    known = listed(path)
    for name, one in known.items():
        if not one.meaning or one.least is None:
            yield f"parameter {name} lacks a meaning or a range: # meaning [least to most]"
        elif not all(one.least <= entry <= one.most for entry in entries(one.default)):
            yield f"parameter {name} is {one.default}, outside its range {one.least} to {one.most}"
    if type(known["seed"].default if "seed" in known else None) is not int:
        yield "no parameter seed; every notebook has one, a whole number"


def _about_code(code: list[dict]) -> Iterator[str]:
    for number, cell in enumerate(code, start=1):
        lines = "".join(cell["source"]).count("\n") + 1
        if lines > LONGEST:
            yield f"code cell {number} has {lines} lines; {LONGEST} are enough"
        for line in _undisplayed("".join(cell["source"])):
            yield f"code cell {number}, line {line}: a verdict that nobody sees; put it into display(...)"


def _about_captions(cells: list[dict]) -> Iterator[str]:
    # GitHub does not show the descriptions of pictures.
    for number, (cell, after) in enumerate(pairwise([*cells, {"cell_type": "none"}]), start=1):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            text = "".join(after["source"]) if after["cell_type"] == "markdown" else ""
            if not CAPTION.fullmatch(text):
                yield f"cell {number} shows a picture without a caption: begin the next with a sentence on it"


def _undisplayed(source: str) -> Iterator[int]:
    """Yield the lines of verdicts and controls that stand alone, but do not end their cell."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and node is not tree.body[-1]
        if alone and ast.unparse(node.value.func) in ("report.verdict", "report.control"):
            yield node.lineno


def _about_output(output: dict) -> Iterator[str]:
    kind = output["output_type"]
    if kind == "error" or output.get("name") == "stderr":
        yield f"an output is {output.get('ename', 'stderr')}: {''.join(output.get('text', []))[:80]}"
    data = output.get("data", {})
    for mime in data:
        # The HTML of a verdict is a plain table, which GitHub shows.
        if (mime in DROPPED_OUTPUTS and VERDICT_MIME not in data) or "widget" in mime:
            yield f"an output of type {mime}; GitHub's viewer drops it"
    about = output.get("metadata", {}).get("image/png", {})
    if "image/png" in data and not about.get("alt"):
        yield "a picture without a description; draw it with figures.save"
    text = "".join(output.get("text", [])) + "".join(data.get("text/plain", []))
    for path in ABSOLUTE_PATH.findall(text):
        yield f"an output names the absolute path {path}"
    for marked, number in SMALL.findall(text):
        if 0 < float(number) < ROUNDING and not marked:
            yield f"{number} is printed, and is rounding; print less of it, or < and a bound"


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
