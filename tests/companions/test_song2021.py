import copy
import csv
import pickle
from dataclasses import replace
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from conftest import close, refused
from scipy import stats

from fa_utils import report
from fa_utils.companions import song2021, song2021_settings

PUBLISHED = Path(__file__).parents[2] / "notebooks" / "companions" / "song2021_alignment.csv"
ACTIVATIONS = [song2021.LINEAR, song2021.RELU, song2021.TANH]


def name_of(value):
    return getattr(value, "name", None)


def fill_with_ones(values, out):
    out[...] = 1
    return out


# Linear as well, but not known to be: networks with it are not reduced.
UNREDUCED = song2021.Activation("unreduced", np.positive, fill_with_ones)

PLAIN = {
    "linear": (lambda x: x, lambda x: np.ones_like(x)),
    "ReLU": (lambda x: np.where(x > 0, x, 0.0), lambda x: np.where(x > 0, 1.0, 0.0)),
    "tanh": (np.tanh, lambda x: np.cosh(x) ** -2),
}


def explicit(activation, rng, samples=4, inputs=6, width=7):
    """Return a network with everything of order one, and its inputs X (n, d) and first layer W (p, d)."""
    X = rng.standard_normal((samples, inputs))
    W = rng.standard_normal((width, inputs))
    labels, weights, feedback = (rng.standard_normal(size) for size in (samples, width, width))
    return song2021.Network(activation, X @ X.T, labels, W @ X.T, weights, feedback), X, W


def plain_steps(network, X, W, rate, decay, steps):
    """Return W and beta after FA's steps as the paper writes them, one weight at a time."""
    psi, slope = PLAIN[network.activation.name]
    (n, d) = X.shape
    p = len(W)
    W = W.copy()
    beta = network.weights.copy()
    for _ in range(steps):
        errors = [sum(beta[s] * psi(W[s] @ X[i]) for s in range(p)) / np.sqrt(p) for i in range(n)]
        errors = np.array(errors) - network.labels
        new_W = W.copy()
        new_beta = beta.copy()
        for s in range(p):
            for i in range(n):
                shared = rate * 2 / n / np.sqrt(p) * errors[i]
                new_beta[s] -= shared * psi(W[s] @ X[i])
                for k in range(d):
                    new_W[s, k] -= shared * network.feedback[s] * slope(W[s] @ X[i]) * X[i, k]
            new_beta[s] -= rate * decay * beta[s]
        W = new_W
        beta = new_beta
    return W, beta


def objective(activation, X, labels, W, beta, decay):
    """Return ||f - y||^2 / n + decay / 2 ||beta||^2."""
    outputs = PLAIN[activation.name][0](X @ W.T) @ beta / np.sqrt(beta.size)
    return np.mean((outputs - labels) ** 2) + decay / 2 * beta @ beta


def differences(function, array, step=1e-5):
    """Return the gradient of a function at an array, by central differences."""
    moves = step * np.eye(array.size).reshape(array.size, *array.shape)
    slopes = [(function(array + move) - function(array - move)) / (2 * step) for move in moves]
    return np.array(slopes).reshape(array.shape)


# --- one network ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_a_networks_outputs_loss_and_cosine_are_those_of_its_weights(rng, activation):
    network, X, W = explicit(activation, rng)
    psi = PLAIN[activation.name][0]
    assert close(activation.value(network.hidden), psi(W @ X.T), atol=1e-12)
    outputs = psi(X @ W.T) @ network.weights / np.sqrt(7)
    assert close(network.outputs, outputs, atol=1e-12)
    assert close(network.loss, objective(activation, X, network.labels, W, network.weights, 0), rtol=1e-12)
    lengths = np.linalg.norm(network.weights) * np.linalg.norm(network.feedback)
    assert close(network.cosine, network.weights @ network.feedback / lengths, rtol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_an_activations_slope_is_its_derivative(rng, activation):
    x = rng.standard_normal(50)
    value, ahead, behind = (activation.value(x + h) for h in (0.0, 1e-6, -1e-6))
    slope = activation.slope(value, out=np.empty(50))
    assert close(slope, (ahead - behind) / 2e-6, atol=1e-9)
    assert activation.slope(value, out=value) is value and np.array_equal(value, slope)
    assert activation.value(x, out=value) is value and np.array_equal(value, activation.value(x))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gram": np.ones((3, 3))}, "gram has shape (3, 3); {needs} (4, 4)"),
        ({"labels": np.ones(3)}, "labels has shape (3,); {needs} (4,)"),
        ({"weights": np.ones(4)}, "weights has shape (4,); {needs} (7,)"),
        ({"feedback": np.ones(8)}, "feedback has shape (8,); {needs} (7,)"),
        ({"labels": np.ones((4, 1))}, "labels has shape (4, 1); it must have 1 axes: reshape it"),
        (
            {"labels": np.array([0.0, 1.0, np.nan, 2.0])},
            "labels holds nan at (2,); entries must be finite: remove or repair it",
        ),
    ],
)
def test_a_network_whose_parts_do_not_fit_is_refused(rng, change, says):
    needs = "hidden of shape (7, 4) needs"
    network = explicit(song2021.RELU, rng)[0]
    with refused(ValueError, says.format(needs=needs)):
        replace(network, **change)


def test_a_network_refuses_whole_numbers(rng):
    says = (
        "weights holds int64 entries; they must be real floating-point numbers: "
        "convert with np.asarray(weights, dtype=float), or take .real of complex ones"
    )
    with refused(TypeError, says):
        replace(explicit(song2021.RELU, rng)[0], weights=np.ones(7, dtype=np.int64))


@pytest.mark.parametrize("decay", [0.0, 0.4])
@pytest.mark.parametrize("width", [6, 30])
def test_a_narrow_linear_network_learns_as_a_random_one_of_any_width(rng, width, decay):
    """Losses and cosines have one law, at the start and in the end; they had not, were a scale wrong."""
    draws = 2000
    sizes = {"samples": 4, "inputs": 6, "width": width}
    found = []
    for drawn in (
        lambda: song2021.random_network(song2021.LINEAR, **sizes, rng=rng),
        lambda: narrow(sizes, rng),
    ):
        networks = [drawn() for _ in range(draws)]
        runs = song2021.train_networks(networks, 0.01, [decay] * draws, 150, every=50)
        starts = [[network.loss, network.cosine] for network in networks]
        found.append(np.column_stack([starts, [[*run.losses, *run.cosines] for run in runs]]))
    limit = report.kolmogorov_limit(draws, draws, chance=1e-6)
    pairs = zip(*np.transpose(found, (0, 2, 1)), strict=True)
    assert max(stats.ks_2samp(one, other).statistic for one, other in pairs) < limit


def narrow(sizes, rng):
    network = song2021.random_linear_network(**sizes, rng=rng)
    assert network.hidden.shape == (6, 4) and network.activation is song2021.LINEAR
    return network


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"samples": 0}, "samples is 0; choose at least 1"),
        ({"inputs": 4}, "inputs is 4; choose at least 5"),
        ({"width": 6}, "width is 6; choose at least 7"),
    ],
)
def test_unusable_sizes_of_a_narrow_network_are_refused(rng, change, says):
    with refused(ValueError, says):
        song2021.random_linear_network(**({"samples": 5, "inputs": 9, "width": 7} | change), rng=rng)


# --- random networks ------------------------------------------------------------------------------------


def parts(network):
    return {name: getattr(network, name) for name in ("gram", "labels", "hidden", "weights", "feedback")}


def drawn(activation, samples=5, inputs=9, width=20, seed=3):
    return song2021.random_network(activation, samples, inputs, width, rng=np.random.default_rng(seed))


def equal_parts(one, other):
    return {name for name, part in parts(one).items() if np.array_equal(part, parts(other)[name])}


def test_equal_seeds_draw_equal_networks_and_others_do_not():
    assert equal_parts(drawn(song2021.RELU), drawn(song2021.RELU)) == {*parts(drawn(song2021.RELU))}
    assert equal_parts(drawn(song2021.RELU), drawn(song2021.RELU, seed=4)) == set()


def test_every_part_has_a_stream_of_its_own():
    assert equal_parts(drawn(song2021.LINEAR), drawn(song2021.LINEAR, width=21)) == {"gram", "labels"}
    for other in (song2021.RELU, song2021.TANH):
        assert equal_parts(drawn(song2021.LINEAR), drawn(other)) == {"gram", "hidden", "weights", "feedback"}


def test_a_seeds_network_stays_what_it_is():
    """The committed table of published simulations took hours: its networks can be drawn again."""
    inputs, task, start, last = np.random.default_rng(3).spawn(4)
    X = inputs.standard_normal((5, 9))
    root = np.linalg.qr(X.T, mode="r")
    wanted = {"gram": X @ X.T, "labels": X @ task.standard_normal(9)}
    wanted |= {"hidden": start.standard_normal((20, 5)) @ root, "weights": start.standard_normal(20)}
    wanted |= {"feedback": last.standard_normal(20)}
    assert all(close(part, wanted[name], atol=1e-13) for name, part in parts(drawn(song2021.LINEAR)).items())
    task = np.random.default_rng(3).spawn(2)[1]
    teacher = task.standard_normal((20, 5)) @ root
    labels = np.maximum(teacher, 0).T @ task.standard_normal(20) / np.sqrt(20)
    assert close(drawn(song2021.RELU).labels, labels, atol=1e-13)


def whitened(vectors, gram):
    """Return what is N(0, I) where the rows of ``vectors`` are N(0, gram)."""
    return np.linalg.solve(np.linalg.cholesky(gram), np.transpose(vectors)).T


def test_hidden_units_have_the_law_of_gaussian_weights_given_the_inputs():
    network = drawn(song2021.RELU, samples=4, inputs=4, width=20_000)
    entries = whitened(network.hidden, network.gram)
    assert stats.kstest(entries.ravel(), "norm").pvalue > 1e-6
    directions = np.concatenate([np.eye(4), np.eye(4)[[0, 0, 0, 1, 1, 2]] + np.eye(4)[[1, 2, 3, 2, 3, 3]]])
    squares = np.square(entries @ directions.T).sum(axis=0) / np.square(directions).sum(axis=1)
    assert (2 * np.minimum(stats.chi2.cdf(squares, 20_000), stats.chi2.sf(squares, 20_000)) > 1e-6).all()


def test_weights_and_feedback_are_independent_and_gaussian():
    network = drawn(song2021.RELU, width=20_000)
    for part in (network.weights, network.feedback):
        assert stats.kstest(part, "norm").pvalue > 1e-6
    assert abs(network.cosine) < stats.norm.isf(5e-7) / np.sqrt(20_000)


def test_inputs_are_gaussian(rng):
    """||x||^2 of each sample is chi-squared, and the gram matrix's determinant a product of such."""
    grams = np.array(
        [song2021.random_network(song2021.LINEAR, 3, 7, 1, rng=child).gram for child in rng.spawn(500)]
    )
    for sample in range(3):
        assert stats.kstest(grams[:, sample, sample], stats.chi2(7).cdf).pvalue > 1e-6
    last = np.linalg.det(grams) / np.linalg.det(grams[:, :2, :2])
    assert stats.kstest(last, stats.chi2(5).cdf).pvalue > 1e-6


def test_linear_labels_are_a_gaussian_function_of_the_inputs(rng):
    networks = [song2021.random_network(song2021.LINEAR, 3, 5, 2, rng=child) for child in rng.spawn(500)]
    entries = np.array([whitened(network.labels, network.gram) for network in networks])
    assert stats.kstest(entries.ravel(), "norm").pvalue > 1e-6


def test_other_labels_are_those_of_a_teacher_of_the_same_kind_and_width(rng):
    """Given the inputs their mean square is psi's. A ReLU teacher of one unit is silent half the time."""
    for activation, share in ((UNREDUCED, 1.0), (song2021.RELU, 0.5)):
        networks = [song2021.random_network(activation, 1, 5, 50, rng=child) for child in rng.spawn(800)]
        squares = np.array([float(one.labels[0] ** 2 / one.gram[0, 0]) for one in networks])
        assert abs(squares.mean() - share) < 5 * squares.std() / np.sqrt(800)
    networks = [song2021.random_network(song2021.RELU, 1, 5, 1, rng=child) for child in rng.spawn(800)]
    assert abs(np.mean([one.labels[0] == 0 for one in networks]) - 0.5) < 5 * 0.5 / np.sqrt(800)


def test_a_teacher_is_another_network_than_its_pupil(rng):
    """With one unit both are directions among the samples, at an angle that is uniform if independent."""
    networks = [song2021.random_network(UNREDUCED, 2, 5, 1, rng=child) for child in rng.spawn(500)]
    pairs = [whitened(np.vstack([one.labels, one.hidden]), one.gram) for one in networks]
    angles = np.array([np.arctan2(*teacher) - np.arctan2(*pupil) for teacher, pupil in pairs])
    assert stats.kstest(angles % np.pi / np.pi, "uniform").pvalue > 1e-6


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ((0, 5, 3), ValueError, "samples is 0; choose at least 1"),
        ((5, 0, 3), ValueError, "inputs is 0; choose at least 1"),
        ((5, 5, 0), ValueError, "width is 0; choose at least 1"),
        ((5, 5, 2.0), TypeError, "width is 2.0; it must be a whole number: use int(width)"),
    ],
)
def test_impossible_sizes_are_refused(rng, arguments, kind, says):
    with refused(kind, says):
        song2021.random_network(song2021.RELU, *arguments, rng=rng)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_inner_products_have_the_rank_of_the_inputs(rng, activation):
    for inputs in (2, 4, 5):
        network = song2021.random_network(activation, 4, inputs, 30, rng=rng)
        assert np.linalg.matrix_rank(network.gram) == min(4, inputs) == np.linalg.matrix_rank(network.hidden)


def test_a_network_needs_a_generator():
    with refused(TypeError, "rng is 5; it must be a Generator: pass rng=np.random.default_rng(seed)"):
        song2021.random_network(song2021.RELU, 4, 4, 1, rng=5)


@pytest.mark.parametrize("activation", [song2021.LINEAR, song2021.RELU], ids=name_of)
def test_layer_kernels_are_means_over_gaussian_weights(rng, activation):
    X = rng.standard_normal((3, 5))
    second, first = song2021.layer_kernels(activation, X @ X.T)
    hidden = rng.standard_normal((200_000, 5)) @ X.T
    value, slope = (function(hidden) for function in PLAIN[activation.name])
    for kernel, layer in ((second, value), (first, slope)):
        terms = layer[:, :, None] * layer[:, None, :] * (1 if layer is value else X @ X.T)
        errors = terms.std(axis=0) / np.sqrt(len(hidden))
        assert (abs(terms.mean(axis=0) - kernel) <= 5 * errors + 1e-9).all()


# --- steps ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_a_run_is_fa_on_all_weights_as_the_paper_writes_it(rng, activation, decay):
    network, X, W = explicit(activation, rng)
    for steps in (1, 2, 9):
        run = song2021.train_network(network, 0.07, decay, steps, every=steps)
        W_end, beta = plain_steps(network, X, W, 0.07, decay, steps)
        assert close(run.network.hidden, W_end @ X.T, atol=1e-13)
        assert close(run.network.weights, beta, atol=1e-13)
        for name in ("gram", "labels", "feedback"):
            assert np.array_equal(getattr(run.network, name), getattr(network, name))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_what_was_seen_last_is_the_last_networks(rng, activation):
    network = explicit(activation, rng)[0]
    run = song2021.train_network(network, 0.05, 0.2, 60, every=20)
    assert run.steps.tolist() == [20, 40, 60]
    assert close(run.losses[-1], run.network.loss, rtol=1e-12)
    assert close(run.cosines[-1], run.network.cosine, rtol=1e-12)
    halfway = song2021.train_network(network, 0.05, 0.2, 40, every=40)
    assert close([run.losses[1], run.cosines[1]], [halfway.losses[0], halfway.cosines[0]], rtol=1e-12)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, UNREDUCED], ids=name_of)
def test_a_run_goes_on_from_its_last_network(rng, activation):
    network = explicit(activation, rng)[0]
    whole, first = (
        song2021.train_network(network, 0.05, 0.2, steps, every=steps).network for steps in (70, 30)
    )
    rest = song2021.train_network(first, 0.05, 0.2, 40, every=40).network
    assert close(rest.hidden, whole.hidden, atol=1e-12) and close(rest.weights, whole.weights, atol=1e-12)


def test_a_run_changes_nothing_it_was_given(rng):
    network = explicit(song2021.RELU, rng)[0]
    before = {name: part.copy() for name, part in parts(network).items()}
    song2021.train_network(network, 0.05, 0.2, 5, every=5)
    assert all(np.array_equal(part, before[name]) for name, part in parts(network).items())


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_a_step_with_the_true_weights_as_feedback_goes_down_the_gradient(rng, activation):
    network, X, W = explicit(activation, rng)
    network = replace(network, feedback=network.weights)
    rate = 1e-3
    decay = 0.3
    fixed = (activation, X, network.labels)
    beta = network.weights
    by_W = differences(lambda moved: objective(*fixed, moved, beta, decay), W)
    by_beta = differences(lambda moved: objective(*fixed, W, moved, decay), beta)
    after = song2021.train_network(network, rate, decay, 1, every=1).network
    assert close((after.hidden - network.hidden) / rate, -by_W @ X.T, atol=1e-8)
    assert close((after.weights - network.weights) / rate, -by_beta, atol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_gradient_descent_lowers_the_loss_by_the_squared_gradient_to_first_order(rng, activation):
    network, X, W = explicit(activation, rng)
    network, beta = replace(network, feedback=network.weights), network.weights
    fixed = activation, X, network.labels
    squared = np.square(differences(lambda moved: objective(*fixed, moved, beta, 0.0), W)).sum()
    squared += np.square(differences(lambda moved: objective(*fixed, W, moved, 0.0), beta)).sum()
    rates = np.array([1e-4, 5e-5, 2.5e-5])
    falls = [
        (network.loss - song2021.train_network(network, rate, 0.0, 1, every=1).losses[0]) for rate in rates
    ]
    gaps = np.abs(falls / rates - squared)
    assert abs(np.polyfit(np.log(rates), np.log(gaps), 1)[0] - 1) < 0.1


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_backpropagation_is_feedback_by_the_weights_themselves(rng, activation, decay):
    network = explicit(activation, rng)[0]
    run = song2021.backpropagate_network(network, 0.05, decay, 7, every=3)
    assert run.steps.tolist() == [3, 6, 7] and np.array_equal(run.network.feedback, network.feedback)
    one = network
    for _ in range(7):
        one = replace(one, feedback=one.weights)
        one = song2021.train_network(one, 0.05, decay, 1, every=1).network
    assert close(run.network.hidden, one.hidden, atol=1e-13)
    assert close(run.network.weights, one.weights, atol=1e-13)
    assert close(run.losses[-1], one.loss, rtol=1e-12)


def test_backpropagation_by_blocks_of_units_is_that_of_the_whole(rng, monkeypatch):
    network = explicit(song2021.RELU, rng)[0]
    whole = song2021.backpropagate_network(network, 0.05, 0.1, 20).network
    monkeypatch.setattr(song2021, "ENTRIES", 8)
    parted = song2021.backpropagate_network(network, 0.05, 0.1, 20).network
    assert close(parted.hidden, whole.hidden, atol=1e-13) and close(parted.weights, whole.weights, atol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_a_trained_network_says_of_new_samples_what_its_weights_do(rng, activation):
    """W and beta are followed in full on three samples, and asked about all five."""
    network, X, W = explicit(activation, rng, samples=5)
    few = song2021.first_samples(network, 3)
    assert np.array_equal(few.gram, network.gram[:3, :3]) and np.array_equal(few.labels, network.labels[:3])
    W_end, beta = plain_steps(few, X[:3], W, 0.07, 0.1, 9)
    trained = song2021.train_network(few, 0.07, 0.1, 9).network
    whole = song2021.on_all_samples(network, trained)
    assert close(whole.hidden, W_end @ X.T, atol=1e-12) and close(whole.weights, beta, atol=1e-12)
    assert close(whole.outputs, PLAIN[activation.name][0](X @ W_end.T) @ beta / np.sqrt(7), atol=1e-12)
    assert np.array_equal(whole.labels, network.labels) and close(
        whole.outputs[:3], trained.outputs, atol=1e-12
    )


def first_layer(network):
    """Return ||W||^2 less the part at right angles to the inputs, which does not move."""
    return np.sum(network.hidden * np.linalg.solve(network.gram, network.hidden.T).T)


@pytest.mark.parametrize("activation", [song2021.LINEAR, UNREDUCED], ids=name_of)
def test_overlap_grows_by_half_of_what_the_first_layer_does_in_the_limit_of_small_steps(rng, activation):
    network = explicit(activation, rng)[0]
    rates = [8e-4, 4e-4, 2e-4]
    gaps = []
    for rate in rates:
        end = song2021.train_network(network, rate, 0.0, round(2 / rate), every=round(2 / rate)).network
        gained = end.feedback @ (end.weights - network.weights)
        assert np.linalg.norm(end.weights - network.weights) > 0.1
        gaps.append(abs(gained - (first_layer(end) - first_layer(network)) / 2))
    assert abs(np.polyfit(np.log(rates), np.log(gaps), 1)[0] - 1) < 0.1


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_wide_networks_learn_their_labels(activation):
    network = drawn(activation, samples=5, inputs=15, width=200)
    run = song2021.train_network(network, 0.02, 0.0, 3000)
    assert run.losses[-1] < 1e-3 * network.loss


def test_decay_alone_shrinks_the_weights_by_a_factor_a_step(rng):
    network = explicit(song2021.LINEAR, rng)[0]
    still = replace(network, hidden=0 * network.hidden, labels=0 * network.labels)
    for one in (still, replace(still, activation=song2021.TANH)):
        end = song2021.train_network(one, 0.1, 0.5, 20, every=10).network
        assert close(end.weights, 0.95**20 * one.weights, rtol=1e-12) and not end.hidden.any()


# --- how runs are made ----------------------------------------------------------------------------------


def same_runs(one, other, atol):
    pairs = [(getattr(one, name), getattr(other, name)) for name in ("losses", "cosines")]
    pairs += [(getattr(one.network, name), getattr(other.network, name)) for name in ("hidden", "weights")]
    return one.steps.tolist() == other.steps.tolist() and all(close(*pair, atol=atol) for pair in pairs)


@pytest.mark.parametrize("width", [3, 40])
@pytest.mark.parametrize("decay", [0.0, 0.4])
def test_the_reduction_of_linear_networks_is_exact(rng, width, decay):
    network = explicit(song2021.LINEAR, rng, width=width)[0]
    reduced, full = (
        song2021.train_network(one, 0.02, decay, 300, every=20)
        for one in (network, replace(network, activation=UNREDUCED))
    )
    assert same_runs(reduced, full, atol=1e-10)


def test_a_linear_run_of_any_width_is_on_2n_plus_2_numbers(rng):
    """Those that change: alpha, v and gamma, and s in place of u."""
    networks = [explicit(song2021.LINEAR, rng, width=width)[0] for width in (3, 1000)]
    runs = song2021._LinearRuns(networks, 0.01, [0.1, 0.1])
    before = {name: part.copy() for name, part in vars(runs).items() if isinstance(part, np.ndarray)}
    runs.advance(5)
    moved = {name for name, part in before.items() if not np.array_equal(part, vars(runs)[name])}
    assert sum(before[name][0].size for name in moved) == 2 * 4 + 2


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_networks_trained_together_run_as_they_would_alone(rng, activation):
    networks = [explicit(activation, rng, width=width)[0] for width in (3, 5, 8, 5)]
    decays = [0.0, 0.1, 0.3, 0.0]
    settings = {"every": 20, "change": 1e-3}
    runs = song2021.train_networks(networks, 0.02, decays, 100, **settings)
    assert len({run.steps[-1] for run in runs}) > 1  # they end at different looks
    for network, decay, run in zip(networks, decays, runs, strict=True):
        assert same_runs(run, song2021.train_network(network, 0.02, decay, 100, **settings), atol=1e-11)


def test_networks_of_any_kinds_and_sizes_are_trained_in_one_call(rng):
    networks = [
        explicit(activation, rng, samples)[0]
        for activation in (song2021.LINEAR, song2021.TANH)
        for samples in (2, 5)
    ]
    for some in (networks, networks[:2], networks[1:3], []):
        runs = song2021.train_networks(some, 0.02, [0.1] * len(some), 40, every=20)
        for network, run in zip(some, runs, strict=True):
            assert same_runs(run, song2021.train_network(network, 0.02, 0.1, 40, every=20), atol=1e-11)


@pytest.mark.parametrize("entries", [1, 12, 28])  # of 28: one unit, three and all at a time
@pytest.mark.parametrize("activation", [song2021.RELU, song2021.TANH, UNREDUCED], ids=name_of)
def test_runs_do_not_depend_on_the_blocks_in_which_they_are_made(monkeypatch, rng, activation, entries):
    network = explicit(activation, rng)[0]
    whole = song2021.train_network(network, 0.05, 0.2, 60, every=20)
    monkeypatch.setattr(song2021, "ENTRIES", entries)
    assert same_runs(whole, song2021.train_network(network, 0.05, 0.2, 60, every=20), atol=1e-11)


@pytest.mark.parametrize("activation", [song2021.RELU, song2021.TANH, UNREDUCED], ids=name_of)
def test_single_precision_is_near_double_and_all_of_a_run_is_in_it(monkeypatch, activation):
    monkeypatch.setattr(song2021, "ENTRIES", 50)
    network = drawn(activation)
    double, single = (
        song2021.train_network(network, 0.05, 0.1, 200, every=50, precision=precision)
        for precision in (np.float64, np.float32)
    )
    assert same_runs(single, double, atol=200 * np.finfo(np.float32).eps)
    assert not same_runs(single, double, atol=np.finfo(np.float32).eps / 10)
    run = song2021._FullRun(network, 0.05, 0.1, np.dtype(np.float32))
    with np.errstate(invalid="ignore"):  # as all runs are made
        run.advance(3)
    arrays = [part for part in vars(run).values() if isinstance(part, np.ndarray)]
    assert {part.dtype for part in [*arrays, *run._blocks[0]]} == {np.dtype(np.float32)}
    assert single.network.hidden.dtype == float and single.losses.dtype == float


# --- when runs end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [song2021.LINEAR, song2021.RELU], ids=name_of)
@pytest.mark.parametrize(
    ("limits", "looks"),
    [
        ({"every": 10, "steps": 60, "change": np.inf, "most_steps": 1000}, [*range(10, 61, 10)]),
        ({"every": 10, "steps": 55, "change": np.inf, "most_steps": 1000}, [*range(10, 51, 10), 55]),
        ({"every": 70, "steps": 60, "change": np.inf, "most_steps": 1000}, [60]),
        ({"every": 10, "steps": 60, "change": 0.0, "most_steps": 200}, [*range(10, 201, 10)]),
        ({"every": 15, "steps": 50, "change": 0.0, "most_steps": 70}, [15, 30, 45, 50, 60, 70]),
        ({"every": 10, "steps": 60, "change": 0.0, "most_steps": 60}, [*range(10, 61, 10)]),
    ],
)
def test_runs_are_looked_at_every_so_many_steps_and_end_after_their_least_or_their_most(
    rng, activation, limits, looks
):
    run = song2021.train_network(explicit(activation, rng)[0], 0.02, 0.1, **limits)
    assert run.steps.tolist() == looks


@pytest.mark.parametrize("activation", [song2021.LINEAR, song2021.RELU], ids=name_of)
@pytest.mark.parametrize(("every", "steps"), [(10, 1), (20, 50), (10, 205)])
def test_a_run_ends_once_it_has_settled_and_has_its_least_steps(rng, activation, every, steps):
    network = explicit(activation, rng)[0]
    losses = song2021.train_network(network, 0.02, 0.1, 40 * every, every=every).losses
    changes = abs(np.diff(losses, prepend=0.0))
    stillest = changes[:15].min()
    for change in (1.001 * stillest, 0.999 * stillest):
        settled = every * int(np.flatnonzero(changes < change)[0] + 1)
        run = song2021.train_network(network, 0.02, 0.1, steps, every=every, change=change)
        assert run.steps[-1] == max(steps, settled)
        looks = run.steps % every == 0
        assert close(run.losses[looks], losses[: looks.sum()], rtol=1e-12)


@pytest.mark.parametrize("activation", [song2021.LINEAR, song2021.RELU], ids=name_of)
def test_the_loss_after_the_first_stretch_is_compared_with_0(rng, activation):
    """A loss that does not change settles after the first where it is small, after the second where not."""
    network = explicit(activation, rng)[0]
    for factor, looks in ((0.99, [1, 3, 6]), (1.01, [1, 3])):
        settings = {"every": 3, "change": factor * network.loss}
        assert song2021.train_network(network, 1e-12, 0.0, 1, **settings).steps.tolist() == looks


@pytest.mark.parametrize("activation", [song2021.LINEAR, song2021.RELU], ids=name_of)
def test_no_change_is_less_than_none(rng, activation):
    network = explicit(activation, rng)[0]
    still = replace(network, hidden=0 * network.hidden, labels=0 * network.labels)
    for change, steps in ((0.0, 50), (1e-300, 10)):
        run = song2021.train_network(still, 0.1, 0.1, 1, every=10, change=change, most_steps=50)
        assert not run.losses.any() and run.steps[-1] == steps


def test_a_run_has_just_its_steps_and_looks_1000_apart_unless_told_otherwise(rng):
    assert song2021.train_network(explicit(song2021.LINEAR, rng)[0], 0.01, 0.1, 1500).steps.tolist() == [
        1000,
        1500,
    ]


@pytest.mark.parametrize("activation", [song2021.LINEAR, UNREDUCED], ids=name_of)
def test_divergence_is_said_without_a_warning(rng, activation):
    says = "training diverged before step 200; choose a smaller learning rate"
    networks = [explicit(activation, rng)[0] for _ in range(2)]
    with refused(FloatingPointError, says):
        song2021.train_networks(networks, 100.0, [0.1, 0.0], 400, every=200)


@pytest.mark.parametrize("activation", [song2021.LINEAR, UNREDUCED], ids=name_of)
def test_divergence_is_said_at_the_first_look_at_which_the_loss_is_not_finite(rng, activation):
    network = explicit(activation, rng)[0]
    with pytest.raises(FloatingPointError) as said:
        song2021.train_network(network, 100.0, 0.1, 400, every=1)
    step = int(str(said.value).split()[4].rstrip(";"))
    assert step > 1
    losses = song2021.train_network(network, 100.0, 0.1, step - 1, every=1).losses
    assert np.isfinite(losses).all() and losses[-1] > 1e60


def test_published_steps_need_a_width():
    with refused(ValueError, "width is 0; choose at least 1"):
        song2021_settings.published_steps(0)


def test_a_saturated_network_may_diverge_in_its_weights_alone(rng):
    network = explicit(song2021.TANH, rng)[0]
    with pytest.raises(FloatingPointError, match=r"^training diverged before step 5000;"):
        song2021.train_network(network, 100.0, 0.1, 5000, every=5000)


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"learning_rate": 0.0}, ValueError, "learning_rate is 0.0; choose a number above 0"),
        ({"learning_rate": np.nan}, ValueError, "learning_rate is nan; choose a finite number"),
        ({"decays": [0.1, -0.1]}, ValueError, "decay is -0.1; choose a number of at least 0"),
        ({"decays": [0.1]}, ValueError, "1 decays for 2 networks; give one for each"),
        ({"steps": 0}, ValueError, "steps is 0; choose at least 1"),
        ({"steps": 2.5}, TypeError, "steps is 2.5; it must be a whole number: use int(steps)"),
        ({"every": 0}, ValueError, "every is 0; choose at least 1"),
        ({"most_steps": 19}, ValueError, "most_steps is 19; choose at least 20"),
        ({"change": -1e-3}, ValueError, "change is -0.001; choose a number of at least 0"),
        ({"change": "little"}, TypeError, "change is 'little'; give one real number"),
        ({"change": np.nan}, ValueError, "change is nan; choose a finite number"),
    ],
)
def test_unusable_settings_of_training_are_refused(rng, change, kind, says):
    arguments = {"learning_rate": 0.1, "decays": [0.1, 0.0], "steps": 20}
    networks = [explicit(song2021.LINEAR, rng)[0]] * 2
    with refused(kind, says):
        song2021.train_networks(networks, **(arguments | change))


# --- the published simulations --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "steps"), [(1, 357), (196, 5000), (400, 7142), (784, 10_000), (12800, 40_406)]
)
@pytest.mark.parametrize("name", song2021_settings.SIMULATIONS)
def test_published_simulations_have_their_steps_rates_and_decays(monkeypatch, rng, name, width, steps):
    seen = []

    def train(networks, learning_rate, decays, steps, **when):
        seen.append((learning_rate, {"steps": steps} | when))
        return list(zip(networks, decays, strict=True))

    monkeypatch.setattr(song2021, "train_networks", train)
    monkeypatch.setattr(song2021, "random_network", lambda *sizes, rng: (sizes, rng))
    simulation = song2021_settings.SIMULATIONS[name]
    runs = song2021_settings.simulate_published(simulation, width, networks=3, precision=np.float32, rng=rng)
    rates = {"linear": 1e-3, "relu": 1e-2, "tanh": 1e-1}
    assert seen == [(rates[name], {"steps": steps, "change": 1e-3, "precision": np.float32})]
    assert [[decay for _, decay in of_one] for of_one in runs] == [[*simulation.decays]] * 3
    for of_one in runs:
        sizes = {network[0] for network, _ in of_one}
        assert sizes == {(simulation.activation, 50, 150, width)}  # samples, inputs
        assert len({id(network[1]) for network, _ in of_one}) == 1  # of all decays
    assert len({id(of_one[0][0][1]) for of_one in runs}) == 3


def test_the_published_settings_are_those_of_the_published_table():
    with PUBLISHED.open(newline="", encoding="utf-8") as lines:
        cells = [
            (row["network"], float(row["regularisation"]), int(row["width"])) for row in csv.DictReader(lines)
        ]
    for name in ("linear", "relu"):
        decays = song2021_settings.SIMULATIONS[name].decays
        ours = [(name, decay, width) for decay in decays for width in song2021_settings.WIDTHS]
        assert [cell for cell in cells if cell[0] == name] == ours


@pytest.mark.slow
def test_linear_alignments_agree_with_the_published_means(rng):
    runs = song2021_settings.simulate_published(
        song2021_settings.SIMULATIONS["linear"], 200, networks=6, rng=rng
    )
    cosines = np.array([[run.cosines[-1] for run in of_one] for of_one in runs])
    with PUBLISHED.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (row["network"], row["width"]) == ("linear", "200")]
    means, deviations, counts = (
        np.array([float(row[name]) for row in rows]) for name in ("alignment_mean", "alignment_sd", "runs")
    )
    limits = report.student_limit([cosines.std(axis=0, ddof=1), deviations], [6, counts], chance=1e-4)
    assert (abs(cosines.mean(axis=0) - means) < limits).all()
    assert means[1] - cosines[:, 0].mean() > limits[0]  # of another regularisation: not within the limit
    for of_one in runs:
        assert all(run.steps[0] == 1000 and run.steps[-1] >= 5050 for run in of_one)
        assert all(abs(np.diff(run.losses)[-1]) < 1e-3 for run in of_one)


def test_published_simulations_need_a_network_and_a_generator(rng):
    with refused(ValueError, "networks is 0; choose at least 1"):
        song2021_settings.simulate_published(
            song2021_settings.SIMULATIONS["linear"], 200, networks=0, rng=rng
        )
    with refused(TypeError, "rng is None; it must be a Generator: pass rng=np.random.default_rng(seed)"):
        song2021_settings.simulate_published(
            song2021_settings.SIMULATIONS["linear"], 200, networks=1, rng=None
        )


def test_networks_and_runs_are_printed_in_a_line(rng):
    network = explicit(song2021.TANH, rng)[0]
    assert repr(network) == "Network(tanh, 4 samples, p = 7)"
    run = song2021.train_network(network, 0.05, 0.1, 20)
    assert repr(run) == "Training(tanh, 4 samples, p = 7, 20 steps)"


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_copies_of_networks_and_runs_are_the_same_and_read_only(rng, activation):
    run = song2021.train_network(explicit(activation, rng)[0], 0.05, 0.1, 20, every=10)
    for again in (copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        assert same_runs(again, run, atol=0)
        for part in parts(again.network).values():
            with pytest.raises(ValueError, match="read-only"):
                part[0] = 0


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=name_of)
def test_a_network_sent_elsewhere_has_the_same_activation_and_runs_the_same(activation):
    network = drawn(activation)
    again = pickle.loads(cloudpickle.dumps(network))
    assert [again.activation == own for own in ACTIVATIONS] == [activation == own for own in ACTIVATIONS]
    here, there = (song2021.train_network(one, 0.05, 0.1, 20, every=10) for one in (network, again))
    assert same_runs(here, there, atol=0)
