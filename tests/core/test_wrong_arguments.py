"""Every public function refuses every wrong argument in one line that names it, and swapped arguments too."""

import inspect
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator

import fa_utils as fa

RNG = np.random.default_rng(3)
PROBLEM = fa.random_problem(RNG.standard_normal((7, 6)), 3, 0.5, 0.7, rng=RNG)
FACTORED = fa.FactoredTarget(np.ones((7, 2)), np.ones((2, 6)))
RUN = fa.descend(PROBLEM, fa.FA, 0.1, 3)
STATE = {"problem": PROBLEM, "Z": PROBLEM.Z, "W": PROBLEM.W}
WEIGHTS = {"problem": PROBLEM, "W": PROBLEM.W}
STEPS = {"problem": PROBLEM, "rule": fa.FA, "learning_rate": 0.1, "steps": 3, "every": 1}

# Public, but made by the package alone: an error and results; and what another test is about.
NO_ARGUMENTS = {"EnsembleError", "Factors", "Rest"}
ELSEWHERE = {"ensemble", "ensemble_over"}

GOOD = {
    "FactoredTarget": {"left": FACTORED.left, "right": FACTORED.right},
    "Problem": {"target": PROBLEM.target, "feedback": PROBLEM.feedback, "Z": PROBLEM.Z, "W": PROBLEM.W},
    "Rule": {"name": "own", "field": fa.FA.field, "forward": fa.optimal_forward},
    "Trajectory": {"times": RUN.times, "Z": RUN.Z, "W": RUN.W},
    "alignment_cosine": WEIGHTS,
    "alignment_matrix": WEIGHTS,
    "compare": {"problem": PROBLEM, "learning_rate": 0.1, "steps": 3},
    "conserved_by_fa": STATE,
    "conserved_by_gd": STATE,
    "descend": STEPS,
    "descend_to_rest": {
        "problem": PROBLEM,
        "rule": fa.FA,
        "learning_rate": 0.1,
        "gap": 1e-3,
        "most_steps": 5,
    },
    "error": {"target": PROBLEM.target, "Z": PROBLEM.Z, "W": PROBLEM.W},
    "flow": {
        "problem": PROBLEM,
        "rule": fa.FA,
        "times": np.array([0.0, 0.1]),
        "tolerance": 1e-6,
        "most_evaluations": 1000,
    },
    "loss": STATE,
    "nearly_square_problem": {"size": 6, "rank": 5, "feedback_scale": 1.0, "rng": RNG},
    "optimal_error": {"target": PROBLEM.target, "rank": 3},
    "optimal_forward": {"problem": PROBLEM, "Z": PROBLEM.Z},
    "optimal_point": {"target": PROBLEM.target, "rank": 3},
    "orthonormal_columns": {"rows": 5, "columns": 3, "rng": RNG},
    "overlap": WEIGHTS,
    "random_problem": {
        "target": PROBLEM.target,
        "rank": 3,
        "start_scale": 0.5,
        "feedback_scale": 0.7,
        "rng": RNG,
    },
    "residual": STATE,
    "safe_learning_rate": {"problem": PROBLEM},
    "squared_norm": {"matrices": RUN.Z},
    "stationarity_gap": STATE,
    "stationary_errors": {"singular_values": np.array([2.0, 1.0]), "mixtures": np.ones((4, 2, 1))},
    "stationary_point": {"problem": PROBLEM},
    "target_with_spectrum": {"singular_values": np.array([2.0, 1.0]), "shape": (4, 3), "rng": RNG},
}

NO_ARRAYS = [
    (sparse.csr_array(np.eye(3)), "{0} is a sparse csr_array; pass {0}.toarray()"),
    (aslinearoperator(np.eye(3)), "{0} is a MatrixLinearOperator; pass an array, or a FactoredTarget"),
    (PROBLEM, "{0} is a Problem; "),
    (RUN, "{0} is a Trajectory; it must be an array: pass one of its arrays"),
    (fa.stationary_point(PROBLEM), "{0} is a Factors; it must be an array: pass one of its arrays"),
    (fa.FA, "{0} holds object entries; they must be real"),
    ([[1.0, 2.0], [3.0]], "{0} has rows of different lengths; they must be equally long"),
    (None, "{0} holds object entries; they must be real"),
    ("44", "{0} holds <U2 entries; they must be real"),
    ({"a": 1.0}, "{0} holds object entries; they must be real"),
    (np.ones((4, 3), complex), "{0} holds complex128 entries; they must be real"),
    (np.ones((4, 3), bool), "{0} holds bool entries; they must be real"),
]
NO_WHOLE_NUMBERS = [
    (0, "{0} is 0; choose at least 1"),
    (-2, "{0} is -2; choose at least 1"),
    (2.5, "{0} is 2.5; it must be a whole number"),
    (2.0, "{0} is 2.0; it must be a whole number"),
    ("2", "{0} is '2'; it must be a whole number"),
    (None, "{0} is None; it must be a whole number"),
    (True, "{0} is True; it must be a whole number"),
    (np.ones((4, 3)), "{0} is an array of shape (4, 3); it must be a whole number"),
    (PROBLEM, "{0} is Problem(7 x 6, r = 3); it must be a whole number"),
]
NO_NUMBERS = [
    (np.nan, "{0} is nan; choose a finite number"),
    (np.inf, "{0} is inf; choose a finite number"),
    ("1", "{0} is '1'; give one real number"),
    (1j, "{0} is 1j; give one real number"),
    (True, "{0} is True; give one real number"),
    (np.ones(3), "{0} is an array of shape (3,); give one real number"),
    (PROBLEM, "{0} is Problem(7 x 6, r = 3); give one real number"),
    (-1.0, "{0} is -1.0; choose a number "),
]
NO_POSITIVE_NUMBERS = [*NO_NUMBERS, (0, "{0} is 0; choose a number above 0")]
NO_PROBLEMS = [
    (PROBLEM.target, "{0} is a ndarray; it must be a Problem: make one with"),
    (FACTORED, "{0} is a FactoredTarget; it must be a Problem: make one with"),
    (RUN, "{0} is a Trajectory; it must be a Problem: make one with"),
    (fa.FA, "{0} is a Rule; it must be a Problem: make one with"),
    (None, "{0} is a NoneType; it must be a Problem: make one with"),
]
NO_RULES = [
    ("FA", "{0} is 'FA'; it must be a Rule: fa.GD"),
    (None, "{0} is None; it must be a Rule: fa.GD"),
    (PROBLEM, "{0} is Problem(7 x 6, r = 3); it must be a Rule: fa.GD"),
    (PROBLEM.target, "{0} is an array of shape (7, 6); it must be a Rule: fa.GD"),
]
NO_SHAPES = [
    (4, "{0} is 4; it must be a pair (n, m)"),
    ((4,), "{0} is (4,); it must be a pair (n, m)"),
    ((4, 3, 2), "{0} is (4, 3, 2); it must be a pair (n, m)"),
    ("44", "{0} is '44'; it must be a pair (n, m)"),
    (None, "{0} is None; it must be a pair (n, m)"),
    (np.ones((4, 3)), "{0} is an array of shape (4, 3); it must be a pair (n, m)"),
    ((4, "3"), "m is '3'; it must be a whole number"),
    ((0, 3), "n is 0; choose at least 1"),
]
NO_GENERATORS = [
    (7, "{0} is 7; it must be a Generator: pass rng=np.random.default_rng(seed)"),
    (None, "{0} is None; it must be a Generator: pass rng=np.random.default_rng(seed)"),
    (np.random.RandomState(3), "it must be a Generator: pass rng=np.random.default_rng(seed)"),
]
WRONG = {
    "problem": NO_PROBLEMS,
    "rule": NO_RULES,
    "shape": NO_SHAPES,
    "rng": NO_GENERATORS,
    "name": [(3, "name is 3; it must be text"), (fa.FA.field, "it must be text")],
    "field": [("FA", "field is 'FA'; it must be a function"), (None, "field is None; it must be a function")],
    "forward": [("FA", "forward is 'FA'; it must be a function")],
}
WRONG |= dict.fromkeys(["start_scale", "feedback_scale"], NO_NUMBERS)
WRONG |= dict.fromkeys(["gap", "tolerance", "learning_rate"], NO_POSITIVE_NUMBERS)
WRONG |= dict.fromkeys(
    ["rank", "rows", "columns", "size", "steps", "every", "most_steps", "most_evaluations"], NO_WHOLE_NUMBERS
)
MAY_BE_WHOLE = {"target", "left", "right", "singular_values", "times", "matrices"}
ARRAYS = MAY_BE_WHOLE | {"feedback", "Z", "W", "mixtures"}


def arrays_that_are_wrong(name, good):
    """Return wrong values for an array argument, each with a part of what is said."""
    masked = np.ma.array(good, mask=False)
    masked[(0,) * good.ndim] = np.ma.masked
    position = "(" + ", ".join(["0"] * good.ndim) + ("," if good.ndim == 1 else "") + ")"
    wrong = [
        *NO_ARRAYS,
        (masked, "{0} has masked entries; fill them in"),
        (np.full(good.shape, np.nan), "{0} holds nan at " + position + "; entries must be finite"),
        (np.full(good.shape, -np.inf), "{0} holds -inf at " + position + "; entries must be finite"),
        (good[:0], "shape"),
    ]
    if name not in MAY_BE_WHOLE:
        wrong.append((np.ones(good.shape, int), "{0} holds int64 entries; they must be real"))
    if name != "target":
        wrong.append((FACTORED, "{0} is a FactoredTarget; it must be an array"))
    return wrong


def cases():
    """Return (function, argument, wrong value, part of the message) for all of them."""
    found = []
    for function, arguments in GOOD.items():
        for name, good in arguments.items():
            wrong = arrays_that_are_wrong(name, good) if name in ARRAYS else WRONG[name]
            found += [(function, name, value, part.format(name)) for value, part in wrong]
    return found


def sentence(function, *rest, **arguments):
    """Return what a function says when it refuses its arguments: one line without an array's entries."""
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(fa, function)(*rest, **arguments)
    text = str(caught.value)
    assert "\n" not in text
    assert "[" not in text
    assert len(text) < 250
    return text


def test_every_public_function_and_each_of_its_arguments_is_in_the_table():
    public = {name for name, thing in vars(fa).items() if callable(thing) and name[0] != "_"}
    assert public == GOOD.keys() | NO_ARGUMENTS | ELSEWHERE
    for name, arguments in GOOD.items():
        assert list(arguments) == list(inspect.signature(getattr(fa, name)).parameters), name


@pytest.mark.parametrize("function", GOOD)
def test_the_table_s_good_arguments_are_accepted(function):
    getattr(fa, function)(**GOOD[function])


@pytest.mark.parametrize("function", GOOD)
def test_a_wrong_argument_is_refused_in_one_line_that_names_it(function):
    for _, name, value, part in (case for case in cases() if case[0] == function):
        text = sentence(function, **(GOOD[function] | {name: value}))
        assert part in text, (name, text)


@pytest.mark.parametrize("function", [name for name in GOOD if MAY_BE_WHOLE & GOOD[name].keys()])
def test_whole_numbers_are_accepted_where_they_hint_at_no_mistake(function):
    arguments = GOOD[function]
    for name in MAY_BE_WHOLE & arguments.keys():
        good = arguments[name]
        whole = np.arange(1, good.size + 1).reshape(good.shape)
        getattr(fa, function)(**(arguments | {name: whole}))


INTERCHANGEABLE = {("start_scale", "feedback_scale"), ("field", "forward")}


@pytest.mark.parametrize("function", [name for name in GOOD if len(GOOD[name]) > 1])
def test_swapped_arguments_are_refused_in_one_line_that_names_one_of_them(function):
    parameters = inspect.signature(getattr(fa, function)).parameters.values()
    names = [one.name for one in parameters if one.kind is not one.KEYWORD_ONLY]
    arguments = GOOD[function]
    for one, other in pairwise(names):
        if (one, other) not in INTERCHANGEABLE:
            text = sentence(function, **(arguments | {one: arguments[other], other: arguments[one]}))
            assert one in text or other in text, text


def test_a_matrix_with_its_axes_exchanged_is_refused():
    for function in ("error", "residual", "loss", "conserved_by_fa", "conserved_by_gd", "stationarity_gap"):
        for name in ("Z", "W"):
            text = sentence(function, **(GOOD[function] | {name: GOOD[function][name].T}))
            assert "has shape" in text
            assert "it must end in" in text
    for name in ("target", "feedback", "Z", "W"):
        text = sentence("Problem", **(GOOD["Problem"] | {name: GOOD["Problem"][name].T}))
        assert f"{name} has shape" in text or (name == "target" and "a target of shape (6, 7)" in text)


def test_a_mask_that_hides_nothing_changes_nothing():
    plain = fa.error(PROBLEM.target, PROBLEM.Z, PROBLEM.W)
    open_mask = np.ma.array(PROBLEM.Z, mask=False)
    assert fa.error(PROBLEM.target, open_mask, PROBLEM.W) == plain
