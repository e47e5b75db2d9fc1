import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import close

import fa_utils as fa


@pytest.mark.parametrize("shape", [(9, 8), (80, 70)])
def test_a_run_can_be_sent_to_another_process(rng, shape):
    problem = fa.random_problem(rng.standard_normal(shape), 2, 0.3, 0.1, rng=rng)
    run = fa.descend(problem, fa.FA, 0.001, 60)
    sent = pickle.loads(pickle.dumps(run))
    assert (sent.reduction is None) == (shape == (9, 8))
    for name in ("times", "Z", "W"):
        assert np.array_equal(getattr(sent, name), getattr(run, name))


def test_layers_are_not_lifted_before_they_are_looked_at(rng):
    problem = fa.random_problem(rng.standard_normal((80, 70)), 2, 0.3, 0.1, rng=rng)
    run = fa.descend(problem, fa.FA, 0.001, 60)
    errors = fa.error_curve(problem, run)
    assert not {"Z", "W"} & set(vars(run))
    assert close(errors, fa.error(problem.target, run.Z, run.W), rtol=1e-12)


def test_errors_are_those_of_the_problem_given_also_if_the_run_is_anothers(rng):
    problem = fa.random_problem(rng.standard_normal((80, 70)), 2, 0.3, 0.1, rng=rng)
    run = fa.descend(problem, fa.FA, 0.001, 60)
    other = replace(problem, target=5 * problem.target)
    assert close(fa.error_curve(other, run), fa.error(other.target, run.Z, run.W), rtol=1e-12)
