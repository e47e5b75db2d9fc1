import copy
import pickle

import numpy as np
import pytest
from conftest import close, refused
from hypothesis import given
from hypothesis import strategies as st

from fa_utils.companions import li2020, song2021

seeds = st.integers(0, 2**32 - 1)


def clusters(seed=0, shape=(3, 6, 5), radius=0.3, flipped=2):
    return li2020.noisy_clusters(shape, radius, flipped, rng=np.random.default_rng(seed))


def network(seed=1, units=8, inputs=5):
    return li2020.random_network(units, inputs, rng=np.random.default_rng(seed))


def outputs(first, second, data):
    """Return f(x) for each point, written out."""
    return np.array(
        [[sum(v * np.tanh(w @ x) for w, v in zip(first, second, strict=True)) for x in row] for row in data]
    )


# --- data -----------------------------------------------------------------------------------------------


@given(seeds, st.integers(1, 4), st.integers(1, 6), st.floats(0, 2))
def test_points_lie_at_the_radius_around_orthonormal_centres(seed, count, points, radius):
    data = clusters(seed, (count, points, 5), radius, 0)
    centres = clusters(seed, (count, points, 5), 0.0, 0).inputs
    assert data.inputs.shape == (count, points, 5)
    assert close(np.linalg.norm(data.inputs - centres, axis=-1), radius, atol=1e-14)
    assert close(centres, np.repeat(centres[:, :1], points, axis=1))
    assert close(centres[:, 0] @ centres[:, 0].T, np.eye(count), atol=1e-13)


def test_directions_from_the_centres_have_no_preference():
    data = clusters(shape=(2, 20_000, 4), radius=1.0)
    directions = data.inputs - clusters(shape=(2, 20_000, 4), radius=0.0).inputs
    for one in directions:
        assert close(one.T @ one / len(one), np.eye(4) / 4, atol=0.01)
        assert close(one.mean(axis=0), 0, atol=0.02)


@pytest.mark.parametrize("flipped", [0, 2, 6])
def test_the_first_points_of_each_cluster_have_the_wrong_label(flipped):
    data = clusters(flipped=flipped)
    assert data.truth.tolist() == [[1], [-1], [1]]
    assert np.array_equal(data.labels[:, :flipped], np.repeat(-data.truth, flipped, axis=1))
    assert np.array_equal(data.labels[:, flipped:], np.repeat(data.truth, 6 - flipped, axis=1))


def test_differences_are_those_of_a_flipped_point_and_another_one_of_its_cluster(rng):
    data = clusters()
    values = rng.standard_normal((3, 6, 7))
    found = data.differences(values)
    assert found.shape == (3, 2, 4, 7)
    for cluster, one, other in np.ndindex(3, 2, 4):
        expected = values[cluster, one] - values[cluster, 2 + other]
        assert np.array_equal(found[cluster, one, other], expected)


def test_copies_of_noisy_clusters_are_read_only_too():
    data = clusters()
    for again in (data, copy.copy(data), pickle.loads(pickle.dumps(data))):
        assert not again.inputs.flags.writeable
        assert np.array_equal(again.inputs, data.inputs) and again.flipped == 2
    assert repr(data) == "NoisyClusters(3 x 6 points in 5 dimensions, 2 of 6 flipped)"


# --- networks -------------------------------------------------------------------------------------------


def test_a_random_network_has_gaussian_first_weights_and_a_second_layer_of_length_1():
    drawn = network(units=4000)
    assert close(drawn.first.mean(), 0, atol=0.03) and close(drawn.first.std(), 1, atol=0.03)
    assert close(np.linalg.norm(drawn.second), 1, rtol=1e-14) and close(drawn.second.sum(), 0, atol=1e-12)
    assert close(np.abs(drawn.second), 4000**-0.5, rtol=1e-14)
    assert repr(drawn) == "Network(k = 4000, d = 5)"


# --- training -------------------------------------------------------------------------------------------


def loss(first, second, data):
    return np.square(outputs(first, second, data.inputs) - data.labels).mean() / 2


def slope(function, values):
    """Return the gradient of a function of an array, by central differences."""
    found = np.zeros(values.shape)
    for place in np.ndindex(values.shape):
        move = np.zeros(values.shape)
        move[place] = 1e-6
        found[place] = (function(values + move) - function(values - move)) / 2e-6
    return found


def test_a_step_of_backpropagation_goes_down_the_gradient_of_half_the_mean_square():
    start = network()
    data = clusters()
    W, v = start
    end = li2020.train_layers(start, data, rates=(0.5, 0.25), steps=1).network
    assert close(end.first - W, -0.5 * slope(lambda first: loss(first, v, data), W), atol=1e-9)
    assert close(end.second - v, -0.25 * slope(lambda second: loss(W, second, data), v), atol=1e-9)


def test_a_step_of_feedback_alignment_moves_the_first_layer_as_if_the_second_were_the_feedback(rng):
    """But the errors are the network's own."""
    start = network()
    data = clusters()
    feedback = rng.standard_normal(8)
    W, v = start
    errors = data.labels - outputs(W, v, data.inputs)
    end = li2020.train_layers(start, data, rates=(0.5, 0.25), steps=1, feedback=feedback).network
    # The gradient in W of -sum errors * f, f with the feedback in place of v.
    pull = slope(lambda first: (errors * outputs(first, feedback, data.inputs)).mean(), W)
    assert close(end.first - W, 0.5 * pull, atol=1e-9)
    assert close(end.second - v, -0.25 * slope(lambda second: loss(W, second, data), v), atol=1e-9)


def test_outputs_and_distances_are_those_at_the_start_and_after_each_step():
    start = network()
    data = clusters()
    run = li2020.train_layers(start, data, rates=(0.5, 0.25), steps=5)
    assert run.outputs.shape == (6, 3, 6) and run.distances.shape == (6,)
    assert close(run.outputs[0], outputs(*start, data.inputs), atol=1e-13) and run.distances[0] == 0
    for steps in (1, 3, 5):
        shorter = li2020.train_layers(start, data, rates=(0.5, 0.25), steps=steps)
        assert np.array_equal(shorter.outputs, run.outputs[: steps + 1])
        assert close(run.outputs[steps], outputs(*shorter.network, data.inputs), atol=1e-13)
        moved = np.linalg.norm(shorter.network.first - start.first)
        assert close(run.distances[steps], moved, rtol=1e-13)
    assert repr(run) == "Training(5 steps, k = 8, d = 5)"


@pytest.mark.parametrize("rule", ["backpropagation", "feedback alignment"])
def test_it_is_the_training_of_song_xu_and_lafferty_in_other_units(rule, rng):
    """Their beta and b are the roots of p times v and b; their loss has no factor 1/2."""
    start = network()
    data = clusters()
    feedback = rng.standard_normal(8)
    X = data.inputs.reshape(-1, 5)
    root = np.sqrt(8)
    theirs = song2021.Network(
        song2021.TANH, X @ X.T, data.labels.ravel(), start.first @ X.T, root * start.second, root * feedback
    )
    if rule == "backpropagation":
        end = song2021.backpropagate_network(theirs, 0.1, 0.0, 40).network
        run = li2020.train_layers(start, data, rates=(0.2, 0.2 / 8), steps=40)
    else:
        end = song2021.train_network(theirs, 0.1, 0.0, 40).network
        run = li2020.train_layers(start, data, rates=(0.2, 0.2 / 8), steps=40, feedback=feedback)
    assert close(run.outputs[-1].ravel(), end.outputs, atol=1e-12)
    assert close(run.network.first @ X.T, end.hidden, atol=1e-12)


def test_a_layer_with_a_rate_of_0_stays():
    start = network()
    data = clusters()
    first = li2020.train_layers(start, data, rates=(0.5, 0.0), steps=9)
    assert np.array_equal(first.network.second, start.second) and first.distances[-1] > 0
    second = li2020.train_layers(start, data, rates=(0.0, 0.5), steps=9)
    assert np.array_equal(second.network.first, start.first) and not second.distances.any()
    assert (second.network.second != start.second).all()


# --- how far a network must go --------------------------------------------------------------------------


@given(seeds, st.floats(1e-3, 20), st.floats(0.01, 1))
def test_no_first_layer_at_the_distance_changes_a_difference_by_more(seed, distance, radius):
    data = clusters(seed, radius=radius)
    start = network(seed + 1)
    W, v = start
    # Moves that are random, and the steepest one for the first pair.
    moves = np.random.default_rng(seed + 2).standard_normal((3, *W.shape))
    x = data.inputs[0, 0]
    other = data.inputs[0, 2]
    slopes = [np.outer(v * (1 - np.tanh(W @ point) ** 2), point) for point in (x, other)]
    moves[0] = slopes[0] - slopes[1]
    largest = li2020.largest_changes(start, data, [distance])[0]
    before = data.differences(outputs(W, v, data.inputs))
    for move in moves:
        moved = W + distance * move / np.linalg.norm(move)
        changes = data.differences(outputs(moved, v, data.inputs)) - before
        assert (np.abs(changes) <= largest * (1 + 1e-9)).all()


def test_the_bound_grows_with_the_distance_as_its_formula_says():
    """First a D, then c D^2 / 2, both written out for one pair."""
    data = clusters()
    start = network()
    W, v = start
    x = data.inputs[1, 0]
    apart = data.inputs[1, 0] - data.inputs[1, 4]
    bend = 4 / 3**1.5 * np.abs(v).max() * np.linalg.norm(x)
    a = np.linalg.norm(v) * np.linalg.norm(apart) + bend * np.linalg.norm(W @ apart)
    c = bend * np.linalg.norm(apart)
    found = li2020.largest_changes(start, data, [0, 1e-6, 2.0, 1e6])[:, 1, 0, 2]
    assert close(found, [0, a * 1e-6 + c / 2 * 1e-12, 2 * a + 2 * c, a * 1e6 + c / 2 * 1e12], rtol=1e-12)


def test_the_largest_bend_of_tanh_is_the_one_in_the_bound():
    x = np.linspace(-5, 5, 100_001)
    assert close(np.abs(2 * np.tanh(x) * (1 - np.tanh(x) ** 2)).max(), 4 / 3**1.5, rtol=1e-8)


@pytest.mark.parametrize("radius", [0.01, 0.1, 0.5])
def test_the_distance_needed_is_where_the_bound_of_a_pair_reaches_what_it_must_change(radius):
    data = clusters(radius=radius)
    start = network()
    needed = li2020.distance_needed(start, data)
    changes = np.abs(data.differences(data.labels - outputs(*start, data.inputs)))
    at, below = li2020.largest_changes(start, data, [needed, 0.999 * needed])
    # There every pair can be told apart, and just before it one cannot.
    assert (at >= changes * (1 - 1e-12)).all() and close((at / changes).min(), 1, rtol=1e-12)
    assert (below < changes).sum() == 1


def test_the_distance_needed_grows_as_one_over_the_radius():
    """As long as the linear term decides: in wide networks, whose bend is small."""
    start = network(units=10_000)
    radii = np.array([0.4, 0.2, 0.1])
    needed = [li2020.distance_needed(start, clusters(radius=radius)) for radius in radii]
    power = np.polyfit(np.log(radii), np.log(needed), 1)[0]
    assert abs(power + 1) < 0.1


def test_training_that_fits_all_labels_has_gone_as_far_as_is_needed():
    data = clusters(flipped=1, shape=(2, 4, 5))
    start = network(units=40)
    run = li2020.train_layers(start, data, rates=(5.0, 0.0), steps=5000)
    assert close(run.outputs[-1], data.labels, atol=0.05)
    assert run.distances[-1] > 0.97 * li2020.distance_needed(start, data)


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: clusters(flipped=7), ValueError, "flipped is 7; choose at most 6, all of a cluster"),
        (lambda: clusters(flipped=-1), ValueError, "flipped is -1; choose at least 0"),
        (lambda: clusters(radius=-1.0), ValueError, "radius is -1.0; choose a number of at least 0"),
        (lambda: clusters(shape=(3, 0, 5)), ValueError, "shape is 0; choose at least 1"),
        (lambda: network(units=0), ValueError, "units is 0; choose at least 1"),
        (lambda: network(inputs=0), ValueError, "inputs is 0; choose at least 1"),
        (
            lambda: li2020.random_network(3, 4, rng=7),
            TypeError,
            "rng is 7; it must be a Generator: pass rng=np.random.default_rng(seed)",
        ),
        (
            lambda: li2020.train_layers(network(), clusters(), (-1.0, 0.0), 5),
            ValueError,
            "rates is -1.0; choose a number of at least 0",
        ),
        (
            lambda: li2020.train_layers(network(), clusters(), (1.0, 0.0), 0),
            ValueError,
            "steps is 0; choose at least 1",
        ),
        (
            lambda: li2020.train_layers(network(), clusters(), (1.0, 0.0), 5, feedback=np.ones(9)),
            ValueError,
            "feedback has shape (9,); Network(k = 8, d = 5) needs (8,)",
        ),
        (
            lambda: li2020.largest_changes(network(), clusters(), [-1.0]),
            ValueError,
            "distances holds -1.0; choose numbers of at least 0",
        ),
    ],
)
def test_unusable_settings_are_refused(call, kind, says):
    with refused(kind, says):
        call()


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
def test_divergence_is_named_at_the_first_step_that_is_not_finite():
    start = network()
    data = clusters()
    with pytest.raises(FloatingPointError) as caught:
        li2020.train_layers(start, data, rates=(0.0, 1e30), steps=50)
    step = int(str(caught.value).split("step ")[1].split(";")[0])
    assert np.isfinite(li2020.train_layers(start, data, rates=(0.0, 1e30), steps=step - 1).outputs).all()
    assert str(caught.value) == f"training diverged at step {step}; choose lower rates than (0.0, 1e+30)"
