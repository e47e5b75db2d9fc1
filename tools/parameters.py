"""Notebook parameters, given as NAME=VALUE words in FA_PARAMETERS: parameters.py NOTEBOOK ...

Refuses names or values that a notebook does not take, before anything runs; without words it prints what each
notebook takes. A parameter's line says what it means, its unit where there is one, and from where to where
the notebook is sensible; a list's range is that of its entries:

    horizon = 40.0  # length of the runs [time, 10 to 100]
"""

import ast
import difflib
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who interrupts the imports below is told nothing

from papermill import inspect_notebook

NUMBER = r"-?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?"
HELP = re.compile(rf"(.*?) *\[(?:([^\[\],]+), )?({NUMBER}) to ({NUMBER})\]")  # meaning, unit, least, most
KINDS = {list: "a list", int: "a whole number", float: "a number"}


class ParameterError(ValueError):
    """A parameter that cannot be read, or that a notebook does not take."""


class Parameter(NamedTuple):
    """What a notebook says of one of its parameters; the range is None where it names none."""

    default: object
    meaning: str
    unit: str
    least: float | None
    most: float | None


def listed(notebook: Path) -> dict[str, Parameter]:
    """Return the parameters that a notebook takes, by name, in its order."""
    found = {}
    for name, said in inspect_notebook(str(notebook)).items():
        about = HELP.fullmatch(said["help"])
        meaning, unit, *ends = about.groups("") if about else (said["help"], "", "None", "None")
        default, *ends = map(ast.literal_eval, [said["default"], *ends])
        found[name] = Parameter(default, meaning, unit, *ends)
    return found


def entries(value: object) -> Iterator:
    """Yield a value that is no list, or all that is in its lists."""
    if isinstance(value, list):
        for part in value:
            yield from entries(part)
    else:
        yield value


def split(words: str) -> dict[str, str]:
    """Return {name: text of its value} from words such as ``seed=7 sizes=[10, 20]``."""
    found = {}
    for word in filter(None, re.split(r"\s+(?=[^\s=]+\s*=)", words.strip())):
        name, _, text = (part.strip() for part in word.partition("="))
        if not (text and name.isidentifier()):
            raise ParameterError(f"{word!r} is not name=value with a number or a list, such as seed=7")
        if name in found:
            raise ParameterError(f"{name} comes twice: {found[name]} and {text}")
        found[name] = text
    return found


def like(default: object, value: object, name: str) -> object:
    """Return a value as the type that its default has; raise ParameterError where it is of another kind."""
    if isinstance(default, list) and isinstance(value, list | tuple) and value and default:
        return [like(default[0], part, name) for part in value]
    whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    if (type(default) is int and whole) or (type(default) is float and type(value) in (int, float)):
        return type(default)(value)
    kind = KINDS.get(type(default), "nothing that can be set so")
    raise ParameterError(f"{name}={value!r}: {name} is {kind}, such as {default!r}")


def read(notebook: Path, texts: dict[str, str]) -> dict[str, object]:
    """Return {name: value} for a notebook; raise ParameterError for what it does not take."""
    known = listed(notebook) if texts else {}
    found = {}
    for name, text in texts.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"choose from: {', '.join(known)}"
            raise ParameterError(f"{notebook} has no parameter {name!r}; {hint}")
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = text
        found[name] = like(known[name].default, value, name)
    return found


def table(notebook: Path) -> str:
    """Return what a notebook takes as aligned text, a line a parameter."""
    rows = [("parameter", "default", "sensible range", "unit", "meaning")]
    for name, one in listed(notebook).items():
        span = "" if one.least is None else f"{one.least:.12g} to {one.most:.12g}"
        rows.append((name, str(one.default), span, one.unit, one.meaning))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main(notebooks: list[Path]) -> None:
    """Check the words for every notebook, or print what each takes where there are none."""
    texts = split(os.environ.get("FA_PARAMETERS", ""))
    if not texts:
        print("\n\n".join(f"{path}\n{table(path)}" for path in notebooks))
    for path, values in [(path, read(path, texts)) for path in notebooks]:
        for name, value in values.items():
            _, _, _, least, most = listed(path)[name]
            if least is not None and not all(least <= entry <= most for entry in entries(value)):
                print(f"{path.stem}: {name}={value} is outside its sensible range {least} to {most}")


if __name__ == "__main__":
    try:
        main([Path("notebooks", f"{name}.ipynb") for name in sys.argv[1:]])
    except ParameterError as refusal:
        sys.exit(str(refusal))
