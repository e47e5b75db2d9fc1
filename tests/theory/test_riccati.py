import numpy as np
import pytest
from conftest import close, refused
from scipy import linalg
from scipy.integrate import solve_ivp

from fa_utils.theory import riccati
from fa_utils.theory.riccati import turn_columns


def beginning(rng, p, k):
    return rng.standard_normal((p, k)), np.linalg.qr(rng.standard_normal((p, k)))[0]


def against_the_pull(rng, p, k, share):
    """A start whose overlap is symmetric, negative in every direction, and almost without residual."""
    pull, columns = beginning(rng, p, k)
    left, _, right = np.linalg.svd(columns.T @ pull)
    columns = -columns @ left @ right
    overlap = columns.T @ pull
    return columns @ overlap + share * (pull - columns @ overlap), columns


def count_exponentials(monkeypatch):
    """Return a list that grows by one entry with each matrix exponential."""
    calls = []
    expm = linalg.expm
    monkeypatch.setattr(linalg, "expm", lambda matrix: calls.append(1) or expm(matrix))
    return calls


@pytest.mark.parametrize(("p", "k"), [(1, 1), (8, 3), (4, 4), (5, 4)])
@pytest.mark.parametrize("times", [np.linspace(0, 4, 9), np.array([0.3, 0.31, 2.0, 2.01])])
def test_paths_solve_their_differential_equation(rng, p, k, times):
    pull, columns = beginning(rng, p, k)

    def field(_, state):
        Q = state.reshape(p, k)
        return (pull - Q @ (Q.T @ pull)).ravel()

    wanted = solve_ivp(field, (0, 4), columns.ravel(), "DOP853", times, rtol=1e-13, atol=1e-14).y.T
    assert close(turn_columns(pull, columns, times), wanted.reshape(-1, p, k), atol=1e-10)


def test_one_column_turns_along_a_tanh():
    times = np.linspace(0, 30, 7)
    path = turn_columns(np.array([[0.0], [2.0]]), np.array([[1.0], [0.0]]), times)
    assert close(path[:, 0, 0], 1 / np.cosh(2 * times), atol=1e-14)
    assert close(path[:, 1, 0], np.tanh(2 * times), atol=1e-14)


def test_almost_opposite_to_its_aim_a_column_waits_and_then_turns():
    tilt = 1e-11
    times = np.array([10.0, 13.0, 20.0])
    path = turn_columns(np.array([[0.0], [2.0]]), np.array([[tilt], [-1.0]]), times)
    assert close(path[:, 1, 0], np.tanh(2 * times - np.arccosh(1 / tilt)), atol=1e-4)


def test_steps_that_differ_a_little_are_different_steps(rng):
    pull, columns = beginning(rng, 8, 3)
    path = turn_columns(pull, columns, np.array([0.1, 0.2, 0.3 + 1e-9]))
    assert close(path[1], turn_columns(pull, columns, np.array([0.2]))[0], atol=1e-13)
    assert close(path[2], turn_columns(pull, columns, np.array([0.3 + 1e-9]))[0], atol=1e-13)


@pytest.mark.parametrize("share", [1.0, 1e-3, 1e-6])
@pytest.mark.parametrize("times", [np.linspace(0, 60, 1001), np.geomspace(1e-3, 1e12, 61), np.array([1e12])])
def test_columns_stay_orthonormal_and_end_at_rest_however_unstable_the_start(rng, share, times):
    pull, columns = against_the_pull(rng, 9, 8, share)
    path = turn_columns(pull, columns, times)
    assert np.abs(path.mT @ path - np.eye(8)).max() < 2e-12
    rest = path[-1] if times[-1] > 1e9 else turn_columns(pull, columns, np.array([1e12]))[0]
    assert close(pull, rest @ (rest.T @ pull), atol=1e-10)


def test_an_unstable_start_takes_the_same_way_whatever_the_steps(rng):
    pull, columns = against_the_pull(rng, 9, 8, 1e-2)
    ways = [
        turn_columns(pull, columns, times)[-1] for times in (np.linspace(0, 40, n) for n in (2, 41, 1001))
    ]
    assert close(ways[0], ways[2], atol=1e-8) and close(ways[1], ways[2], atol=1e-8)


def test_overlaps_never_fall(rng):
    pull, columns = beginning(rng, 6, 4)
    overlaps = turn_columns(pull, columns, np.geomspace(1e-3, 1e12, 60)).mT @ pull
    assert np.linalg.eigvalsh(np.diff(overlaps + overlaps.mT, axis=0)).min() > -1e-13


def test_equal_steps_need_one_exponential(rng, monkeypatch):
    calls = count_exponentials(monkeypatch)
    turn_columns(*beginning(rng, 30, 3), np.linspace(0.07, 0.9, 100))
    assert len(calls) == 2  # to 0.07, and one step of 0.0084
    for end in (0.3, 0.7, 1 / 3, np.pi / 10):
        calls.clear()
        turn_columns(*beginning(rng, 30, 3), np.linspace(0, end, 201)[1:])
        assert len(calls) == 1


@pytest.mark.parametrize(
    ("times", "rounding", "exponentials"),
    [
        ([1, 2, 3], [0, 0, 8], 1),  # the last step is 4 units in the last place longer
        ([1, 2, 3], [0, 0, 10], 2),
        ([1, 2, 3, 4], [12, 16, 12, 0], 1),  # each step is as the one before, the second time 4 units off
        ([1, 2, 3, 4], [12, 18, 16, 0], 4),
    ],
)
def test_steps_are_equal_up_to_four_units_in_the_last_place(monkeypatch, times, rounding, exponentials):
    calls = count_exponentials(monkeypatch)
    times = np.array(times, float) + np.spacing(1.0) * np.array(rounding)
    path = turn_columns(np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]]), times)
    assert len(calls) == exponentials
    assert close(path[:, 1, 0], np.tanh(times), atol=1e-14)


def test_what_comes_before_the_first_columns_that_are_not_orthonormal_is_sound():
    path = np.stack([np.eye(3, 2)] * 5)
    assert riccati._count_orthonormal(path) == 5
    path[[2, 4]] *= 1 + 1e-11
    assert riccati._count_orthonormal(path) == 2
    assert riccati._count_orthonormal(path[2:]) == 0


@pytest.mark.parametrize("pull", [np.zeros((4, 2)), np.eye(4, 2) @ np.array([[1.0, 2], [3, -4]])])
def test_columns_without_residual_do_not_turn(pull):
    path = turn_columns(pull, np.eye(4, 2), np.array([0.0, 1.0, 1e9]))
    assert np.array_equal(path, np.broadcast_to(np.eye(4, 2), (3, 4, 2)))


def test_no_columns_give_an_empty_path():
    assert turn_columns(np.empty((4, 0)), np.empty((4, 0)), np.array([0.0, 1.0])).shape == (2, 4, 0)


@pytest.mark.slow
def test_times_that_drift_away_from_equal_steps_are_kept_as_they_are(rng):
    pull, columns = beginning(rng, 5, 2)
    pull = pull / np.linalg.norm(pull)
    times = 1 + np.linspace(1e-6, 1.5e-5, 1001) ** 2
    path = turn_columns(pull, columns, times)
    for k in (250, 500, 750):
        assert close(path[k], turn_columns(pull, columns, times[k : k + 1])[0], atol=5e-13)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("time", [1e2, 1e6, 1e15])
def test_no_saddle_makes_the_solution_fail(seed, time):
    rng = np.random.default_rng(seed)
    columns = np.linalg.qr(rng.standard_normal((9, 8)))[0]
    push = rng.standard_normal((8, 8))
    skew = rng.standard_normal((8, 8))
    residual = rng.standard_normal((9, 8))
    residual -= columns @ (columns.T @ residual)
    pull = columns @ (0.1 * (skew - skew.T) - push @ push.T) + 1e-9 * residual
    path = turn_columns(pull, columns, np.array([time]))
    assert np.abs(path.mT @ path - np.eye(8)).max() < 2e-12


@pytest.mark.parametrize(
    ("reached", "missing", "time"),
    [
        ([], [8, 7.5, 7], 0.75),
        ([0, 0, 1], [8, 7.5, 10, 9.5, 9], 4.75),
        ([0, 0, 0, 1], [8, 7.5, 7, 10, 9.5, 9], 4.75),
    ],
)
def test_restarts_are_counted_from_the_last_time_reached(monkeypatch, reached, missing, time):
    """Each comes half a unit of scaled time further, on the way to 8 or 18; three in a row are allowed."""
    answers = iter(reached)
    begun = []

    def follow(pull, columns, times):
        return np.repeat(columns[None], next(answers, 0), axis=0)

    def propagators(pull, columns, step, known):
        begun.append(step)
        still = np.zeros((1, 1))
        return {0.5: riccati.Propagator(np.eye(1), still, still, 0 * columns, 0 * columns)}

    monkeypatch.setattr(riccati, "MOST_RESTARTS", 3)
    monkeypatch.setattr(riccati, "_follow", follow)
    monkeypatch.setattr(riccati, "_propagators", propagators)
    says = f"rounding hides the run after time {time}; choose earlier times"
    with refused(FloatingPointError, says):
        turn_columns(np.array([[0.0], [2.0]]), np.array([[1.0], [0.0]]), np.array([4.0, 9.0]))
    assert begun == missing


def test_times_that_double_take_one_exponential(monkeypatch, rng):
    made = []
    whole = riccati._exponential

    def counted(pull, columns, step):
        made.append(step)
        return whole(pull, columns, step)

    monkeypatch.setattr(riccati, "_exponential", counted)
    columns = np.linalg.qr(rng.standard_normal((6, 2)))[0]
    pull = rng.standard_normal((6, 2))
    pull /= np.linalg.norm(pull)
    times = 2.0 ** np.arange(-5, 5)
    path = turn_columns(pull, columns, times)
    assert len(made) == 1
    apart = [turn_columns(pull, columns, times[[k]])[0] for k in range(times.size)]
    assert np.abs(path - apart).max() < 1e-13


@pytest.mark.parametrize("step", [0.3, 1.0, 1.5, 2.0, 3.0, 4.0, 1e6])
def test_a_long_step_is_doubled_from_the_longest_that_spans_a_time_of_at_most_1(rng, step):
    pull, columns = beginning(rng, 6, 2)
    lengths = sorted(riccati._propagators(pull / np.linalg.norm(pull), columns, step, {}))
    assert lengths[0] <= 1 < 2 * lengths[0] or lengths == [step]
    assert lengths == [step / 2**k for k in reversed(range(len(lengths)))]
