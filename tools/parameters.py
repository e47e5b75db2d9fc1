"""Notebook parameters given as name=value words; checked against what the notebooks take.

Usage: parameters.py [NAME=VALUE ...] -- NOTEBOOK ...   (names below notebooks/, without .ipynb)

Refuses names that a notebook does not have, and says which values lie outside of their sensible range.
Without values it prints what each notebook takes. A parameter's line says what it means, its unit where there
is one, and from where to where the notebook is sensible; a list's range is that of its entries:

    horizon = 40.0  # length of the runs [time, 10 to 100]
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

NUMBER = r"-?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?"
HELP = re.compile(rf"(.*?) *\[(?:([^\[\],]+), )?({NUMBER}) to ({NUMBER})\]")  # meaning, unit, least, most


class ParameterError(ValueError):
    """A parameter that cannot be read, or that a notebook does not have."""


class Parameter(NamedTuple):
    """A line of a notebook's parameters cell; its range is None where the line has none."""

    name: str
    default: object
    meaning: str
    unit: str
    least: float | None
    most: float | None

    def holds(self, value) -> bool:
        """Return whether all of this value is within the range, which is so where there is none."""
        return self.least is None or all(self.least <= entry <= self.most for entry in entries(value))


def listed(notebook: Path) -> dict[str, Parameter]:
    """Return the parameters that a notebook takes, by name, in its order."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = (cell for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    source = "".join(next(tagged, {"source": ""})["source"])
    lines, found = source.encode().splitlines(), {}
    for line in ast.parse(source).body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            comment = lines[line.end_lineno - 1][line.end_col_offset :].decode().strip("# ")
            about = HELP.fullmatch(comment)
            meaning, unit, *ends = about.groups("") if about else (comment, "", "None", "None")
            default, name = literal(ast.unparse(line.value)), line.targets[0].id
            found[name] = Parameter(name, default, meaning, unit, *map(literal, ends))
    return found


def literal(text: str):
    """Return the value that a text writes, or the text where it writes none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def entries(value) -> Iterator:
    """Yield the numbers in a value: itself, or all that are in its lists."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from entries(part)
    elif isinstance(value, int | float):
        yield value


def rejoined(words: list[str]) -> list[str]:
    """Return the words as they were meant, where a blank within a value had split it."""
    return re.split(r"\s+(?=[^\s=]+=)", " ".join(words)) if words else []


def parse(words: list[str]) -> dict:
    """Return {name: value} from words such as seed=7; values are Python literals, tuples taken as lists."""
    parameters = {}
    for word in rejoined(words):
        name, equals, value = word.partition("=")
        try:
            found = ast.literal_eval(value)
            parameters[name] = list(found) if isinstance(found, tuple) else found
        except (ValueError, SyntaxError):
            equals = ""
        if not (equals and name.isidentifier()):
            raise ParameterError(f"{word!r} is not name=value with a number or literal, such as seed=7")
    return parameters


def refuse_unknown(notebook: Path, parameters: dict) -> None:
    """Raise ParameterError where the notebook's parameters cell lacks one of these names."""
    known = listed(notebook) if parameters else {}
    for name in parameters:
        if name not in known:
            raise ParameterError(
                f"{notebook} has no parameter {name!r}; it has {', '.join(known)}. "
                "Choose one of them, or the notebooks that take it with ONLY="
            )


def say_unusual(notebook: Path, parameters: dict) -> None:
    """Say which of these values are outside of what the notebook calls their sensible range."""
    known = listed(notebook)
    for name, value in parameters.items():
        if not known[name].holds(value):
            least, most = known[name].least, known[name].most
            print(
                f"{notebook.stem}: {name}={value} is outside its sensible range {least} to {most}",
                file=sys.stderr,
            )


def as_table(known: list[Parameter]) -> str:
    """Return the parameters as aligned text, a line each."""
    rows = [("parameter", "default", "sensible range", "unit", "meaning")]
    for one in known:
        span = "" if one.least is None else f"{one.least:.12g} to {one.most:.12g}"
        rows.append((one.name, str(one.default), span, one.unit, one.meaning))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main(arguments: list[str]) -> None:
    """Refuse unknown parameters, for every notebook before any of them runs; list all where none is given."""
    divider = arguments.index("--")
    parameters = parse(arguments[:divider])
    notebooks = [Path("notebooks", f"{name}.ipynb") for name in arguments[divider + 1 :]]
    if not parameters:
        print("\n\n".join(f"{path}\n{as_table(list(listed(path).values()))}" for path in notebooks))
        return
    for notebook in notebooks:
        refuse_unknown(notebook, parameters)
    for notebook in notebooks:
        say_unusual(notebook, parameters)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ParameterError as refusal:
        sys.exit(str(refusal))
