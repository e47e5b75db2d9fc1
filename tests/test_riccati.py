import numpy as np
import pytest
from scipy.integrate import solve_ivp

from fa_utils.riccati import riccati_paths


def system(rng, k, f):
    M, root = rng.standard_normal((k, k)) / k, rng.standard_normal((k, k)) / k
    push, rows = rng.standard_normal((f, k)), rng.standard_normal((f, k))
    return np.block([[M, np.eye(k)], [root.T @ root, -M.T]]), push, rows


@pytest.mark.parametrize(("k", "f"), [(1, 1), (3, 5), (4, 0)])
@pytest.mark.parametrize("times", [np.linspace(0, 4, 9), np.array([0.3, 0.31, 2.0, 2.01])])
def test_paths_solve_their_differential_equations(rng, k, f, times):
    generator, push, rows = system(rng, k, f)
    M, S = generator[:k, :k], generator[k:, :k]

    def field(_, state):
        D, Q = np.split(state.reshape(k + f, k), [k])
        return np.vstack([S - M.T @ D - D @ M - D @ D, push - Q @ (M + D)]).ravel()

    start = np.vstack([np.zeros((k, k)), rows]).ravel()
    wanted = solve_ivp(field, (0, 4), start, "DOP853", times, rtol=1e-12, atol=1e-13).y.T
    rises, path = riccati_paths(generator, push, rows, times)
    assert np.allclose(rises, wanted.reshape(-1, k + f, k)[:, :k], atol=1e-10)
    assert np.allclose(path, wanted.reshape(-1, k + f, k)[:, k:], atol=1e-10)


def test_a_scalar_rises_as_a_tanh():
    times = np.linspace(0, 30, 7)
    rises, path = riccati_paths(np.array([[0.0, 1], [4, 0]]), np.ones((1, 1)), np.ones((1, 1)), times)
    assert np.allclose(rises.ravel(), 2 * np.tanh(2 * times), atol=1e-14)
    wanted = (1 + np.sinh(2 * times) / 2) / np.cosh(2 * times)
    assert np.allclose(path.ravel(), wanted, atol=1e-14)


def test_rises_are_symmetric_and_never_fall(rng):
    rises, _ = riccati_paths(*system(rng, 4, 1), np.geomspace(1e-3, 1e12, 60))
    assert np.array_equal(rises, rises.mT)
    assert np.linalg.eigvalsh(np.diff(rises, axis=0)).min() > -1e-13


def test_equal_steps_need_one_exponential(rng, monkeypatch):
    calls = []
    expm = riccati_paths.__globals__["expm"]
    monkeypatch.setitem(riccati_paths.__globals__, "expm", lambda matrix: calls.append(1) or expm(matrix))
    riccati_paths(*system(rng, 3, 2), np.linspace(0.7, 9, 100))
    assert len(calls) == 2  # to 0.7, and one step of 0.0838


def test_nothing_that_moves_gives_empty_paths():
    rises, path = riccati_paths(np.empty((0, 0)), np.empty((4, 0)), np.empty((4, 0)), np.array([0.0, 1.0]))
    assert rises.shape == (2, 0, 0) and path.shape == (2, 4, 0)
