"""The examples in the docstrings of what is public: each runs, and shows what it says."""

import doctest
import inspect
from pathlib import Path

import numpy as np
import pytest

import fa_utils as fa

PARSER = doctest.DocTestParser()
PUBLIC = {name: getattr(fa, name) for name in fa.__all__}
DOCUMENTED = {name: one for name, one in PUBLIC.items() if inspect.isfunction(one) or inspect.isclass(one)}
EXAMPLES = {name: PARSER.get_examples(one.__doc__) for name, one in DOCUMENTED.items()}


def failures(source, name):
    """Return what is reported about the examples in a docstring."""
    reported = []
    test = PARSER.get_doctest(source, {"np": np, "fa": fa}, name, None, None)
    doctest.DocTestRunner().run(test, out=reported.append)
    return "".join(reported)


def test_every_public_function_has_an_example():
    assert [name for name, one in DOCUMENTED.items() if inspect.isfunction(one) and not EXAMPLES[name]] == []


@pytest.mark.parametrize("name", [name for name in EXAMPLES if EXAMPLES[name]])
def test_an_example_shows_what_it_says(name, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # draws need no other process to be shown
    assert failures(DOCUMENTED[name].__doc__, name) == ""


@pytest.mark.parametrize("wrong", [">>> 1 + 1\n3\n", ">>> np.sqrt(-1.0)\nnan\n", ">>> fa.nothing\n"])
def test_a_wrong_example_is_reported(wrong):
    assert failures(wrong, "wrong")
