"""Notebook parameters given as name=value words; checked against what the notebooks take.

Usage: parameters.py NAME=VALUE ... -- NOTEBOOK ...   (names below notebooks/, without .ipynb)
"""

import ast
import sys
from pathlib import Path

import papermill


class ParameterError(ValueError):
    """A parameter that cannot be read, or that a notebook does not have."""


def parse(words: list[str]) -> dict:
    """Return {name: value} from words such as seed=7; values are Python literals, tuples taken as lists."""
    parameters = {}
    for word in words:
        name, equals, value = word.partition("=")
        try:
            literal = ast.literal_eval(value)
            parameters[name] = list(literal) if isinstance(literal, tuple) else literal
        except (ValueError, SyntaxError):
            equals = ""
        if not (equals and name.isidentifier()):
            raise ParameterError(f"{word!r} is not name=value with a number or literal, such as seed=7")
    return parameters


def refuse_unknown(notebook: Path, parameters: dict) -> None:
    """Raise ParameterError where the notebook's parameters cell lacks one of these names."""
    known = papermill.inspect_notebook(str(notebook)) if parameters else {}
    for name in parameters:
        if name not in known:
            raise ParameterError(
                f"{notebook} has no parameter {name!r}; it has {', '.join(known)}. "
                "Choose one of them, or the notebooks that take it with ONLY="
            )


def main(arguments: list[str]) -> None:
    """Refuse unknown parameters for every notebook, before any of them runs."""
    divider = arguments.index("--")
    parameters = parse(arguments[:divider])
    for name in arguments[divider + 1 :]:
        refuse_unknown(Path("notebooks", f"{name}.ipynb"), parameters)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ParameterError as refusal:
        sys.exit(str(refusal))
