"""The examples in the docstrings of the package: each runs, and shows what it says."""

import doctest
import inspect
from importlib import import_module
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import fa_utils as fa

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "fa_utils").rglob("*.py")
    if path.name != "__init__.py"
)
# Where readers take public names from: what is listed there, or everything that is its own.
PUBLIC = [
    "fa_utils",
    "fa_utils.theory",
    "fa_utils.report",
    "fa_utils.report.figures",
    *(name for name in MODULES if name.startswith("fa_utils.companions.")),
]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """The repository's folder, no other process for a few draws, and Matplotlib's settings put back."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    with mpl.rc_context():
        yield


@pytest.fixture(scope="module")
def names():
    """What an example may use without importing it."""
    found = {"np": np, "fa": fa}
    for module in ("theory", "report"):
        found[module] = import_module(f"fa_utils.{module}")
    found["figures"] = import_module("fa_utils.report.figures")
    for module in ("hawkins2022", "song2021", "song2021_settings", "wang2020"):
        found[module] = import_module(f"fa_utils.companions.{module}")
    return found


def failures(test):
    """Return what is reported about a docstring's examples."""
    reported = []
    doctest.DocTestRunner().run(test, out=reported.append)
    return "".join(reported)


def public_functions(module):
    """Return a module's public functions by name: its own, and those that a room takes from its modules."""
    functions = dict(inspect.getmembers(module, inspect.isfunction))
    own = {name: one for name, one in functions.items() if one.__module__.startswith(module.__name__)}
    return {name: one for name, one in own.items() if name[0] != "_"}


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_function_has_an_example(module):
    functions = public_functions(import_module(module))
    without = [name for name, one in functions.items() if ">>> " not in (inspect.getdoc(one) or "")]
    assert functions
    assert without == []


@pytest.mark.parametrize("module", MODULES)
def test_an_example_shows_what_it_says(module, names):
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = finder.find(import_module(module), globs=names)
    assert [found for found in map(failures, tests) if found] == []


@pytest.mark.parametrize("wrong", [">>> 1 + 1\n3\n", ">>> np.sqrt(-1.0)\nnan\n", ">>> fa.nothing\n"])
def test_a_wrong_example_is_reported(wrong):
    test = doctest.DocTestParser().get_doctest(wrong, {"np": np, "fa": fa}, "wrong", None, None)
    assert failures(test)
