"""Every formula is typeset by KaTeX, at its strictest, without error."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from compare import notebooks
from py_mini_racer import JSEvalException, MiniRacer
from sphinxcontrib import katex

ROOT = Path(__file__).parents[2]
NOTEBOOKS = notebooks(ROOT / "notebooks")
NOTATION = ROOT / "notebooks" / "notation.md"
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$", re.DOTALL)
TYPESET = "katex.renderToString({}, {{displayMode: {}, strict: 'error'}}).length"


@pytest.fixture(scope="module")
def engine():
    with MiniRacer() as engine:
        engine.eval(Path(katex.__file__).with_name("katex.min.js").read_text(encoding="utf-8"))
        yield engine


def texts(page: Path) -> list[str]:
    """Return the Markdown of a page, or of each cell of a notebook."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        return [text]
    cells = json.loads(text)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def formulas(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield each formula of a page, and whether it stands on lines of its own."""
    for text in texts(page):
        for display, inline in FORMULA.findall(CODE.sub("", text)):
            yield display or inline, bool(display)


def typeset(engine, formula: str, display: bool) -> int:
    """Return how long the formula is as HTML; raises JSEvalException where KaTeX refuses it."""
    return engine.eval(TYPESET.format(json.dumps(formula), str(display).lower()))


@pytest.mark.parametrize("page", [NOTATION, *NOTEBOOKS], ids=lambda path: path.stem)
def test_every_formula_is_typeset(engine, page):
    found = list(formulas(page))
    assert found
    for formula, display in found:
        assert typeset(engine, formula, display) > len(formula)


@pytest.mark.parametrize("bad", [r"\frac{1}{2", "a_b_c", r"\left( x", r"\unknown x", "é"])
def test_a_bad_formula_is_refused(engine, bad):
    with pytest.raises(JSEvalException):
        typeset(engine, bad, display=False)
