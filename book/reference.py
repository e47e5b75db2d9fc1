"""The pages of the API: a summary, and a page for each module with all that is public in it."""

import ast
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

from accept import NOTEBOOKS
from links import title

import fa_utils as fa

COMPANIONS = sorted(path.stem for path in Path("fa_utils/companions").glob("[!_]*.py"))
ROOMS = {
    "fa_utils": "The paper",
    "fa_utils.theory": "Beyond the paper",
    "fa_utils.theory.network": "Networks of two layers",
    "fa_utils.report": "Claims and verdicts",
    "fa_utils.report.figures": "Figures",
    **{f"fa_utils.companions.{name}": f"Companion: {name}" for name in COMPANIONS},
}
MARKUP = re.compile(r"[*|_<]")
FORMULA = re.compile(r"\$\\ell_\{?([\d/]+)\}?\$")


def members(room: str) -> dict[str, object]:
    """Return a room's public functions, classes and rules by their full names."""
    found = {}
    for name, thing in vars(importlib.import_module(room)).items():
        own = getattr(thing, "__module__", "").startswith(room)
        documented = inspect.isfunction(thing) or inspect.isclass(thing) or isinstance(thing, fa.Rule)
        if own and documented and not name.startswith("_"):
            found[f"{room}.{name}"] = thing
    return found


def modules(room: str) -> dict[str, dict[str, object]]:
    """Return what a room has, by the module that defines it, in the order in which the module does."""
    found: dict[str, dict[str, object]] = {}
    for name, thing in members(room).items():
        found.setdefault(thing.__module__, {})[name] = thing
    return {module: dict(sorted(things.items(), key=place)) for module, things in sorted(found.items())}


def place(item: tuple[str, object]) -> int:
    """Return the line where a function or class begins; rules come last."""
    thing = item[1]
    return 10**6 if isinstance(thing, fa.Rule) else inspect.getsourcelines(thing)[1]


def first_line(thing: object) -> str:
    """Return the first sentence about a member of the package."""
    if isinstance(thing, fa.Rule):
        return f"The rule {thing.name}, which is {first_line(thing.field).removeprefix('Return ')}"
    return inspect.getdoc(thing).partition("\n\n")[0].replace("\n", " ")


def markdown(line: str) -> str:
    """Return a line of a docstring as Markdown shows it."""
    parts = re.split("(`+.+?`+)", line)
    parts[::2] = [MARKUP.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "".join(part.replace("``", "`") for part in parts)


def plain_title(name: str) -> str:
    """Return a notebook's title without the marks of formulas, for places that have none."""
    return FORMULA.sub("ℓ\\1", title(name)).replace("\\", "")


def page_of(module: str) -> str:
    """Return the name of a module's page."""
    return module.replace("fa_utils", "api", 1).replace(".", "/")


# --- who uses what ---


def aliases(tree: ast.Module) -> dict[str, str]:
    """Return what the imports of a program call each module or member of the package."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.asname or one.name: one.name for one in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return {name: full for name, full in found.items() if full.startswith("fa_utils")}


def names_used(code: str) -> Iterator[str]:
    """Yield the full names of all that a program takes from the package."""
    tree = ast.parse(code)
    known = aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            yield f"{known[node.value.id]}.{node.attr}"
        if isinstance(node, ast.Name) and node.id in known:
            yield known[node.id]


def uses(notebooks: list[str]) -> dict[str, list[str]]:
    """Return the notebooks that use each member of the package, in the order of the tour."""
    found: dict[str, list[str]] = {}
    for name in notebooks:
        cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        for used in dict.fromkeys(names_used(code)):
            found.setdefault(used, []).append(name)
    return found


# --- pages ---


def entry(name: str, thing: object, notebooks: list[str]) -> str:
    """Return Sphinx's directive for a member, followed by the notebooks that use it."""
    if isinstance(thing, fa.Rule):
        module, _, constant = name.rpartition(".")
        lines = [f".. py:data:: {constant}", f"   :module: {module}", "", f"   {first_line(thing)}", ""]
    else:
        kind = ["class", "   :members:"] if inspect.isclass(thing) else ["function"]
        lines = [f".. auto{kind[0]}:: {name}", *kind[1:], ""]
    if notebooks:
        links = ", ".join(f":doc:`{plain_title(one)} </notebooks/{one}>`" for one in notebooks)
        lines += ["   .. rubric:: Used in", "", f"   {links}", ""]
    return "\n".join(lines)


def module_page(module: str, things: dict[str, object], used: dict[str, list[str]]) -> str:
    """Return the page of a module."""
    entries = [entry(name, thing, used.get(name, [])) for name, thing in things.items()]
    lines = [f"# {module}", "", "```{eval-rst}", f".. automodule:: {module}", "   :no-index:", ""]
    return "\n".join([*lines, *entries, "```", ""])


def summary_table(things: dict[str, object]) -> str:
    """Return a Markdown table of members, each with its first line."""
    lines = ["| name | what it is |", "|---|---|"]
    for name, thing in things.items():
        lines.append(f"| {{py:obj}}`~{name}` | {markdown(first_line(thing))} |")
    return "\n".join(lines)


def summary() -> str:
    """Return the list of all modules with their members, room by room."""
    parts = []
    for room, caption in ROOMS.items():
        parts.append(f"## {caption}")
        for module, things in modules(room).items():
            about = markdown(first_line(importlib.import_module(module)))
            parts += [f"### [{module}](/{page_of(module)}.md)", about, summary_table(things)]
    return "\n\n".join(parts)


def reference(notebooks: list[str]) -> dict[str, str]:
    """Return the texts of the API's pages by name; reference.md is the summary."""
    used = uses(notebooks)
    pages = {"reference.md": summary()}
    tree = ["```{toctree}", ":hidden:", ""]
    for room in ROOMS:
        for module, things in modules(room).items():
            pages[f"{page_of(module)}.md"] = module_page(module, things, used)
            tree.append(f"{module.removeprefix('fa_utils.')} <{page_of(module)}>")
    pages["reference.md"] += "\n\n" + "\n".join([*tree, "```", ""])
    return pages
