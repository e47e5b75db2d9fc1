"""Parameters as a user writes them: read as the default's type, or refused in a sentence that helps."""

import re
from pathlib import Path

import parameters
import pytest
from parameters import Parameter, ParameterError
from small_copy import write_notebook

LINES = """\
seed = 1  # of every draw [0 to 9]
theta = 1.0  # weight of the tail [1/time, 0.5 to 2]
sizes = [3, 4]  # of both layers [1 to 1_000]
rates = [[0.1, 1.0], [0.5]]  # steps
deep = []"""


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A notebook with parameters of all types, in a folder that is the working one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    write_notebook(tmp_path, "good", parameters=LINES)
    return Path("notebooks", "good.ipynb")


def read(notebook, words):
    return parameters.read(notebook, parameters.split(words))


def test_a_notebooks_parameters_are_listed_with_meaning_unit_and_range(notebook):
    assert parameters.listed(notebook) == {
        "seed": Parameter(1, "of every draw", "", 0, 9),
        "theta": Parameter(1.0, "weight of the tail", "1/time", 0.5, 2),
        "sizes": Parameter([3, 4], "of both layers", "", 1, 1000),
        "rates": Parameter([[0.1, 1.0], [0.5]], "steps", "", None, None),
        "deep": Parameter([], "", "", None, None),
    }
    assert parameters.table(notebook).splitlines()[:3] == [
        "parameter  default              sensible range  unit    meaning",
        "seed       1                    0 to 9                  of every draw",
        "theta      1.0                  0.5 to 2        1/time  weight of the tail",
    ]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("seed=7", {"seed": 7}),
        ("seed = 7", {"seed": 7}),
        ("  seed= 7   theta =2 ", {"seed": 7, "theta": 2.0}),
        ("seed=2e2", {"seed": 200}),
        ("seed=7.0", {"seed": 7}),
        ("seed=-1", {"seed": -1}),
        ("seed=1_000", {"seed": 1000}),
        ("theta=1", {"theta": 1.0}),
        ("theta=.5", {"theta": 0.5}),
        ("sizes=[10, 20]", {"sizes": [10, 20]}),
        ("sizes=[10, 20.0] seed=7", {"sizes": [10, 20], "seed": 7}),
        ("sizes=(10,)", {"sizes": [10]}),
        ("sizes=10,20", {"sizes": [10, 20]}),
        ("rates=[[1], [2, 3]]", {"rates": [[1.0], [2.0, 3.0]]}),
        ("", {}),
    ],
)
def test_a_value_becomes_what_its_default_is(notebook, words, values):
    found = read(notebook, words)
    assert repr(found) == repr(values)  # 7.0 is not 7 here


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("seed=None", "seed=None: seed is a whole number, such as 1"),
        ("seed=True", "seed=True: seed is a whole number, such as 1"),
        ("seed='7'", "seed='7': seed is a whole number, such as 1"),
        ("seed=seven", "seed='seven': seed is a whole number, such as 1"),
        ("seed=7.5", "seed=7.5: seed is a whole number, such as 1"),
        ("seed=1e999", "seed=inf: seed is a whole number, such as 1"),
        ("seed=[7]", "seed=[7]: seed is a whole number, such as 1"),
        ("seed==7", "seed='=7': seed is a whole number, such as 1"),
        ("seed=1j", "seed=1j: seed is a whole number, such as 1"),
        ("seed=7; import os", "seed='7; import os': seed is a whole number"),
        ("theta=None", "theta=None: theta is a number, such as 1.0"),
        ("theta=False", "theta=False: theta is a number, such as 1.0"),
        ("theta='1'", "theta='1': theta is a number, such as 1.0"),
        ("theta=(1, 2)", "theta=(1, 2): theta is a number, such as 1.0"),
        ("sizes=10", "sizes=10: sizes is a list, such as [3, 4]"),
        ("sizes=[]", "sizes=[]: sizes is a list, such as [3, 4]"),
        ("sizes=[10, 2.5]", "sizes=2.5: sizes is a whole number, such as 3"),
        ("sizes=[10, None]", "sizes=None: sizes is a whole number, such as 3"),
        ("sizes=[10, True]", "sizes=True: sizes is a whole number, such as 3"),
        ("sizes=['a']", "sizes='a': sizes is a whole number, such as 3"),
        ("sizes=[[1]]", "sizes=[1]: sizes is a whole number, such as 3"),
        ("sizes={1: 2}", "sizes={1: 2}: sizes is a list"),
        ("rates=[1.0]", "rates=1.0: rates is a list, such as [0.1, 1.0]"),
        ("deep=[1]", "deep=[1]: deep is a list, such as []"),
        ("sede=7", "notebooks/good.ipynb has no parameter 'sede'; did you mean seed?"),
        ("xyz=7", "has no parameter 'xyz'; choose from: seed, theta, sizes, rates, deep"),
        ("seed", "'seed' is not name=value with a number or a list, such as seed=7"),
        ("seed=", "'seed=' is not name=value"),
        ("=7", "'=7' is not name=value"),
        ("7=7", "'7=7' is not name=value"),
        ("seed 7", "'seed 7' is not name=value"),
        ("seed=1 seed=2", "seed comes twice: 1 and 2"),
    ],
)
def test_what_a_notebook_does_not_take_is_refused_by_name(notebook, words, message):
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}|{re.escape(message)}$"):
        read(notebook, words)


@pytest.mark.parametrize("default", ["True", "None", "'text'"])
def test_what_a_default_of_another_type_is_cannot_be_set(tmp_path, default):
    (tmp_path / "notebooks").mkdir()
    write_notebook(tmp_path, "odd", parameters=f"odd = {default}")
    with pytest.raises(
        ParameterError, match=f"odd=True: odd is nothing that can be set so, such as {default}"
    ):
        read(tmp_path / "notebooks" / "odd.ipynb", "odd=True")


def test_lists_are_walked_entry_by_entry():
    assert [*parameters.entries([1, [2, [3]], 4])] == [1, 2, 3, 4] and [*parameters.entries(5)] == [5]


def test_values_outside_of_their_sensible_range_are_said_and_taken(notebook, monkeypatch, capsys):
    monkeypatch.setenv("FA_PARAMETERS", "theta=0.1 seed=9 sizes=[1, 1001] rates=[[9]]")
    parameters.main([notebook])
    assert capsys.readouterr().out.splitlines() == [
        "good: theta=0.1 is outside its sensible range 0.5 to 2",
        "good: sizes=[1, 1001] is outside its sensible range 1 to 1000",
    ]


def test_without_words_every_notebook_says_what_it_takes(notebook, monkeypatch, capsys):
    monkeypatch.delenv("FA_PARAMETERS", raising=False)
    parameters.main([notebook, notebook])
    said = capsys.readouterr().out
    assert said == "\n".join([f"{notebook}\n{parameters.table(notebook)}\n"] * 2)


def test_all_notebooks_are_asked_before_anything_is_said(notebook, tmp_path, monkeypatch, capsys):
    write_notebook(tmp_path, "other", parameters="theta = 1  # x [0 to 9]")
    monkeypatch.setenv("FA_PARAMETERS", "seed=99")
    with pytest.raises(ParameterError, match=r"other\.ipynb has no parameter 'seed'"):
        parameters.main([notebook, Path("notebooks", "other.ipynb")])
    assert capsys.readouterr().out == ""
