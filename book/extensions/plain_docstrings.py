"""A Sphinx extension: docstrings are plain text, with nothing for Sphinx in it but `names` and examples."""

import re
from collections import namedtuple

CODE = re.compile(r"(``.+?``|`.+?`)")
FIELD = type(namedtuple("Single", "one").one)
MARKUP = re.compile(r"[\\*|_]")


def plain(line: str) -> str:
    """Return one line of a docstring as reStructuredText: names in code, all else as it stands."""
    if line.lstrip().startswith((">>>", "...")):
        return line
    parts = CODE.split(line)
    code = [f"``{part.strip('`')}``" for part in parts[1::2]]
    prose = [MARKUP.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "".join(f"{text}{name}" for text, name in zip(prose, [*code, ""], strict=True))


def process(app, what, name, obj, options, lines: list[str]) -> None:
    """Make a docstring's lines plain, in place, as Sphinx asks for it."""
    lines[:] = map(plain, lines)


def is_field(app, what, name: str, obj, skip: bool, options) -> bool | None:
    """Return True for a named tuple's field, whose docstring says only which number it has."""
    return True if isinstance(obj, FIELD) else None


def setup(app) -> dict:
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-skip-member", is_field)
    return {"parallel_read_safe": True}
