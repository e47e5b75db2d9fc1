from itertools import pairwise

import numpy as np
import pytest
from conftest import close, refused
from scipy import integrate, stats

import fa_utils as fa
from fa_utils import report, theory
from fa_utils.theory import sampling


def sequence(start, stop):
    return np.arange(start + 1.0, stop + 1) ** -0.5


def errors_of_rows(values, r, G):
    """Return the errors for falling values and the rows G (draws, n, r), shape (draws,)."""
    squares = np.square(values[r:])
    sums = np.zeros((2, len(G), r, r))
    sampling._add_rows(sums, np.array([squares, squares**2]), G[:, r:])
    return sampling._errors(values[:r], squares.sum(), G[:, :r], sums)


def test_errors_are_those_of_the_projection_for_the_same_numbers(rng):
    values = np.arange(1, 31.0) ** -1.5
    r = 4
    G = rng.standard_normal((200, 30, r))
    errors = errors_of_rows(values, r, G)
    assert close(errors, fa.stationary_errors(values, G), rtol=1e-8)


def test_nothing_cancels_where_the_spectrum_is_steep(rng):
    values = 10.0 ** -np.arange(12.0)  # the error is about 1e-16 of ||Y||^2
    r = 8
    G = rng.standard_normal((1, 12, 8))
    (error,) = errors_of_rows(values, r, G)
    basis = np.linalg.inv(G[0, :r])
    X = values[r:, None] * (G[0, r:] @ basis) / values[:r]  # the range is that of [1; X]
    core = np.linalg.inv(np.eye(12 - r) + X @ X.T)
    exact = np.trace(core @ ((X * values[:r] ** 2) @ X.T)) + np.trace(core * values[r:] ** 2)
    assert error == pytest.approx(exact, rel=1e-7, abs=0)
    assert theory.least_error(values, r) <= error < 1e-10


@pytest.mark.slow
def test_no_error_is_below_the_least_one_where_hidden_units_are_spare(rng):
    for weak, weights, rank in ((1e-8, [15, 40], 20), (1e-4, [20, 40], 24), (1e-3, [1, 1e17], 1)):
        errors = theory.sampled_errors([1.0, weak], rank, 2000, weights=weights, rng=rng)
        assert (errors >= 0.999 * theory.least_error([1.0, weak], rank, weights)).all()


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e8])
def test_errors_scale_with_the_square_of_the_target(rng, scale):
    seed = rng.bit_generator.seed_seq
    one, other = (
        theory.sampled_errors(factor * np.array([1.0, 0.5, 0.2]), 1, 5, rng=np.random.default_rng(seed))
        for factor in (1.0, scale)
    )
    assert close(other / scale**2, one, rtol=1e-12)
    streams = [np.random.default_rng(np.random.SeedSequence(5)) for _ in range(2)]
    one, other = (
        theory.streamed_error(lambda a, b, c=factor: c * sequence(a, b), 50, 3, rng=child)
        for factor, child in zip((1.0, scale), streams, strict=True)
    )
    assert other / scale**2 == pytest.approx(one, rel=1e-12)


def test_weak_values_beside_a_strong_one_have_errors_of_their_own(rng):
    seed = np.random.SeedSequence(7)
    near, far = (
        theory.sampled_errors([1.0, weak], 5, 20, weights=[1, 40], rng=np.random.default_rng(seed)) / weak**2
        for weak in (1e-6, 1e-8)
    )
    assert close(near, far, rtol=1e-9) and (near > 36).all()


def test_crowds_are_drawn_as_wishart_matrices_from_the_rank_on(monkeypatch, rng):
    seen = []
    wishart = sampling._wishart
    monkeypatch.setattr(sampling, "_wishart", lambda *rest: (seen.append(rest[0]), wishart(*rest))[1])
    theory.sampled_errors([3.0, 2.0, 1.0], 4, 2, weights=[5, 4, 3], rng=rng)
    assert seen == [4]


@pytest.mark.parametrize(
    ("values", "weights"),
    [([1.0, 0.3], [6, 60]), ([1.0, 0.6, 0.3], [3, 5, 60]), ([1.0, 0.5, 0.2], [1, 2, 40])],
)
def test_repeated_values_have_the_distribution_of_single_ones(rng, values, weights):
    crowd = theory.sampled_errors(values, 6, 3000, weights=weights, rng=rng)
    single = theory.sampled_errors(np.repeat(values, weights), 6, 3000, rng=rng)
    direct = fa.stationary_errors(np.repeat(values, weights), rng.standard_normal((3000, sum(weights), 6)))
    assert stats.ks_2samp(crowd, direct).pvalue > 1e-6
    assert stats.ks_2samp(single, direct).pvalue > 1e-6


@pytest.mark.slow
def test_wishart_and_direct_draws_have_one_law_at_many_seeds(rng):
    values, weights = theory.separation_spectrum(400, 20, 0.5)
    every = np.repeat(values, weights)
    chances = []
    for child in rng.spawn(20):
        crowd = theory.sampled_errors(values, 20, 400, weights=weights, rng=child)
        direct = fa.stationary_errors(every, child.standard_normal((70, 400, 20)))
        chances.append(stats.ks_2samp(crowd, direct).pvalue)
    assert stats.kstest(chances, "uniform").pvalue > 1e-4 and min(chances) > 1e-6


def test_wishart_draws_have_the_moments_of_their_law(rng):
    draws = sampling._wishart(7, 40_000, 3, rng)
    assert close(draws.mean(axis=0), 7 * np.eye(3), atol=0.15)  # standard deviations 3.7 / 200
    assert np.var(draws[:, 0, 0]) == pytest.approx(14, rel=0.1)
    assert np.var(draws[:, 0, 1]) == pytest.approx(7, rel=0.1)
    assert close(np.linalg.det(draws).mean(), 7 * 6 * 5, rtol=0.1)


def test_a_flat_spectrum_has_one_error_only(rng):
    errors = theory.sampled_errors([2.0], 5, 50, weights=[10**12], rng=rng)
    assert close(errors, 4.0 * (10**12 - 5), rtol=1e-9)


def mean_of_one_unit(values):
    """Return ||Y||^2 - E[sum s_i^2 g_i^2 / sum s_i g_i^2], s = values^2, from 1/a = integral of exp(-a t)."""
    squares = values**2

    def integrand(t):
        shrunk = 1 + 2 * t * squares
        return np.exp(-0.5 * np.log(shrunk).sum()) * (squares**2 / shrunk).sum()

    return squares.sum() - integrate.quad(integrand, 0, np.inf, epsabs=1e-12, limit=500)[0]


@pytest.mark.parametrize("values", [[1.0, 0.5], [1.0, 0.1, 0.1, 0.1], [3.0, 2.0, 1.0, 0.5, 0.2]])
def test_mean_error_of_one_unit_is_an_integral(rng, values):
    errors = theory.sampled_errors(values, 1, 40_000, rng=rng)
    assert errors.mean() == pytest.approx(mean_of_one_unit(np.array(values)), abs=5 * errors.std() / 200)


def test_errors_vanish_from_the_rank_of_the_target_on(rng):
    assert (theory.sampled_errors([2.0, 1.0, 0.0], 2, 7, rng=rng) == np.zeros(7)).all()
    assert (theory.sampled_errors([2.0, 1.0], 3, 7, weights=[1, 2], rng=rng) == 0).all()
    assert (theory.sampled_errors([2.0, 1.0], 2, 7, weights=[1, 2], rng=rng) > 0).all()


@pytest.mark.slow
def test_mean_of_a_huge_target_is_the_law(rng):
    values, weights = theory.separation_spectrum(10**12, 50, 1.0)
    # Each draw is within 0.4 % or so of the law.
    errors = theory.sampled_errors(values, 50, 500, weights=weights, rng=rng)
    law = theory.error_law(values, 50, weights) + theory.error_law_correction(values, 50, weights)
    assert errors.mean() == pytest.approx(law, rel=1e-3)


def test_blocks_do_not_change_what_is_drawn(monkeypatch, rng):
    values = np.arange(1, 51.0) ** -1
    whole = theory.sampled_errors(values, 3, 200, rng=rng)
    monkeypatch.setattr(sampling, "ENTRIES", 64)
    small = theory.sampled_errors(values, 3, 200, rng=rng)
    assert whole.shape == small.shape == (200,)
    assert stats.ks_2samp(whole, small).pvalue > 1e-6


# --- draws with less scatter ----------------------------------------------------------------------------


def scatters(values, r, G):
    """Return X_i for each draw, as written in the module, shape (draws, n)."""
    found = values[:, None] * G
    inverse = np.linalg.inv(found.mT @ found)
    shares = np.sum((found @ inverse) * found, axis=-1)
    trace = np.trace(inverse, axis1=-2, axis2=-1)[:, None]
    return shares / values**2 - trace * (1 - shares) + np.square(found @ inverse).sum(axis=-1)


def law_weights(values, r):
    """Return a_i, from the law's gamma and p_i."""
    gamma = r / theory.error_law(values, r)
    found = gamma * values**2 / (1 + gamma * values**2)
    middle = (found**2).sum() / (found * (1 - found)).sum() / gamma
    return (values**2 - middle) * found / gamma


@pytest.mark.parametrize("values", [np.arange(1, 13.0) ** -1, np.array([3.0, 2, 2, 1, 1, 1, 1, 0.5])])
def test_steadied_errors_add_what_is_written(monkeypatch, rng, values):
    r = 3
    drawn = []
    values = np.sort(values)[::-1]

    class Recording:
        def standard_normal(self, shape):
            drawn.append(rng.standard_normal(shape))
            return drawn[-1]

    parts = sampling._split_spectrum(values, r, None)
    errors = sampling._steady_block(parts, 7, Recording())
    G = np.concatenate(drawn, axis=1)
    expected = fa.stationary_errors(values, G) + scatters(values, r, G) @ law_weights(values, r)
    assert close(errors, expected, rtol=1e-10)


@pytest.mark.parametrize("exponent", [0.5, 1.0])
def test_what_is_added_has_the_mean_zero(rng, exponent):
    values = np.arange(1, 21.0) ** -exponent
    r = 3
    X = scatters(values, r, rng.standard_normal((40_000, 20, r)))
    assert (np.abs(X.mean(axis=0)) < 5 * X.std(axis=0) / 200).all()


@pytest.mark.parametrize(
    ("values", "weights", "rank"),
    [(np.arange(1, 61.0) ** -0.5, None, 8), ([1.0, 0.3], [6, 200], 6), ([1.0, 0.6, 0.3], [3, 5, 60], 6)],
)
def test_steadied_errors_have_the_mean_of_sampled_ones_and_less_scatter(rng, values, weights, rank):
    plain = theory.sampled_errors(values, rank, 20_000, weights=weights, rng=rng)
    steadied = theory.steadied_errors(values, rank, 2000, weights=weights, rng=rng)
    limit = report.student_limit([plain.std(ddof=1), steadied.std(ddof=1)], [20_000, 2000], chance=1e-6)
    assert abs(plain.mean() - steadied.mean()) < limit
    assert steadied.std() < 0.2 * plain.std()


def test_scatter_of_steadied_errors_falls_as_one_over_the_undecided_directions_squared(rng):
    undecided = []
    scatter = []
    for rank in (10, 20, 40):
        values, weights = theory.separation_spectrum(20 * rank, rank, 1.0)
        errors = theory.steadied_errors(values, rank, 1000, weights=weights, rng=rng)
        undecided.append(theory.undecided_directions(values, rank, weights))
        scatter.append(errors.std() / errors.mean())
    assert np.polyfit(np.log(undecided), np.log(scatter), 1)[0] == pytest.approx(-2, abs=0.2)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e8])
def test_steadied_errors_scale_with_the_square_of_the_target(scale):
    one, other = (
        theory.steadied_errors(factor * np.array([1.0, 0.5, 0.2]), 1, 5, rng=np.random.default_rng(3))
        for factor in (1.0, scale)
    )
    assert close(other / scale**2, one, rtol=1e-12)


def test_steadied_errors_of_flat_and_of_exhausted_spectra_are_exact(rng):
    assert close(theory.steadied_errors([2.0], 5, 50, weights=[1000], rng=rng), 4.0 * 995, rtol=1e-9)
    assert (theory.steadied_errors([2.0, 1.0, 0.0], 2, 7, rng=rng) == np.zeros(7)).all()


@pytest.mark.parametrize("entries", [50, 1000])
def test_steadied_errors_do_not_depend_on_blocks(monkeypatch, rng, entries):
    values = np.arange(1, 51.0) ** -1
    whole = theory.steadied_errors(values, 3, 2000, rng=rng)
    monkeypatch.setattr(sampling, "ENTRIES", entries)
    parted = theory.steadied_errors(values, 3, 2000, rng=rng)
    assert whole.shape == parted.shape and stats.ks_2samp(whole, parted).pvalue > 1e-6


def test_steadied_errors_refuse_what_sampled_ones_do(rng):
    with refused(ValueError, "weights holds 2.5; to draw, each value must occur a whole number of times"):
        theory.steadied_errors([1.0, 0.5], 1, 3, weights=[1, 2.5], rng=rng)
    with pytest.raises(FloatingPointError, match="squared singular values overflows float64"):
        theory.steadied_errors(1e160 * np.array([1.0, 0.5]), 1, 5, rng=rng)


@pytest.mark.slow
def test_streamed_errors_have_the_distribution_of_sampled_ones(monkeypatch, rng):
    sampled = theory.sampled_errors(sequence(0, 40), 3, 3000, rng=rng)
    monkeypatch.setattr(sampling, "ENTRIES", 16)  # so that there are eight blocks, in three spans
    monkeypatch.setattr(sampling, "SPAN_BLOCKS", 2)
    streamed = [theory.streamed_error(sequence, 40, 3, rng=child) for child in rng.spawn(300)]
    assert stats.ks_2samp(streamed, sampled).pvalue > 1e-6


def test_a_streamed_error_is_that_of_its_rows(monkeypatch, rng):
    monkeypatch.setattr(sampling, "ENTRIES", 16)
    rows = []
    add = sampling._add_rows
    monkeypatch.setattr(
        sampling, "_add_rows", lambda sums, weights, G: (rows.append(G.copy()), add(sums, weights, G))
    )
    seed = rng.bit_generator.seed_seq
    error = theory.streamed_error(sequence, 500, 4, rng=np.random.default_rng(seed))
    again = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    top = np.random.default_rng(again).spawn(2)[0].standard_normal((4, 4))
    mixtures = np.concatenate([top, *rows])
    assert mixtures.shape == (500, 4)
    assert error == pytest.approx(float(fa.stationary_errors(sequence(0, 500), mixtures)), rel=1e-10)


def test_a_streamed_error_vanishes_from_the_rank_of_the_target_on(rng):
    def of_rank_three(start, stop):
        return np.where(np.arange(start, stop) < 3, 1.0, 0.0)

    assert theory.streamed_error(of_rank_three, 10, 4, rng=rng) == 0
    assert theory.streamed_error(of_rank_three, 10, 3, rng=rng) == pytest.approx(0, abs=1e-14)
    assert theory.streamed_error(of_rank_three, 10, 2, rng=rng) > 0.01
    assert theory.streamed_error(sequence, 5, 5, rng=rng) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (lambda start, stop: np.ones(stop - start + 1), 50, 3),
            r"singular_values\(0, 3\) returned 4 values",
        ),
        ((lambda start, stop: np.arange(start + 1.0, stop + 1), 50, 3), "give the 3 largest first"),
        (
            (lambda start, stop: -np.ones(stop - start), 50, 3),
            "singular_values holds -1.0; choose numbers of at least 0",
        ),
        ((lambda start, stop: np.full(stop - start, np.nan), 50, 3), "must be finite"),
        ((lambda start, stop: np.array([1.0, 3.0, 2.0] + [1.5] * 47)[start:stop], 50, 3), "which is 1.0"),
        ((sequence, 0, 3), "size is 0"),
        ((sequence, 50, 0), "rank is 0"),
    ],
)
def test_streaming_refuses_what_is_no_falling_spectrum(rng, arguments, message):
    with pytest.raises((ValueError, fa.EnsembleError), match=message):
        theory.streamed_error(*arguments, rng=rng)


def test_a_streamed_error_is_shared_out_in_blocks_that_fit_memory(monkeypatch, rng):
    spans = []
    blocks = []
    over = sampling.ensemble_over
    monkeypatch.setattr(
        sampling,
        "ensemble_over",
        lambda run, items, **rest: (spans.extend(items), over(run, items, **rest))[1],
    )

    def recorded(start, stop):
        blocks.append(stop - start)
        return sequence(start, stop)

    theory.streamed_error(recorded, 3_000_000, 2, rng=rng)
    assert 1 < len(spans) <= sampling.SPANS and max(blocks) <= sampling.ENTRIES // 2
    assert sum(blocks) == 3_000_000


def test_sampling_refuses_what_cannot_be_drawn(rng):
    with pytest.raises(ValueError, match=r"weights holds 2\.5; .* whole number of times"):
        theory.sampled_errors([1.0, 0.5], 1, 3, weights=[1, 2.5], rng=rng)
    with pytest.raises(ValueError, match="draws is 0"):
        theory.sampled_errors([1.0, 0.5], 1, 0, rng=rng)
    with pytest.raises(TypeError, match="rng is 3"):
        theory.sampled_errors([1.0, 0.5], 1, 2, rng=3)


def test_values_far_below_the_largest_are_not_lost(rng):
    seed = np.random.SeedSequence(11)
    near, far = (
        theory.sampled_errors([1.0, weak], 1, 20, rng=np.random.default_rng(seed)) / weak**2
        for weak in (1e-8, 1e-16)
    )
    assert close(near, far, rtol=1e-12) and (far > 0).all()
    assert (theory.sampled_errors([1e8, 1e-8], 1, 5, rng=rng) >= 1e-16 * (1 - 1e-9)).all()


def test_draws_that_overflow_are_refused(rng):
    values = 1e100 * sequence(0, 50)  # their squares fit, their fourth powers do not
    with np.errstate(all="ignore"):
        with pytest.raises(FloatingPointError, match="sampled_errors overflows float64"):
            theory.sampled_errors(values, 3, 5, rng=rng)
        with pytest.raises(FloatingPointError, match="steadied_errors overflows float64"):
            theory.steadied_errors(values, 3, 5, rng=rng)
        with pytest.raises(FloatingPointError, match="streamed_error overflows float64"):
            theory.streamed_error(lambda start, stop: values[start:stop], 50, 3, rng=rng)


def test_what_cannot_be_drawn_is_said_in_full(rng):
    def values(*those):
        return lambda start, stop: np.array(those)[start:stop]

    with refused(ValueError, "weights holds 2.5; to draw, each value must occur a whole number of times"):
        theory.sampled_errors([1.0, 0.5, 0.2], 1, 3, weights=[1, 2.5, 3.5], rng=rng)
    with refused(ValueError, "rank is 0; choose at least 1"):
        theory.sampled_errors([1.0, 0.5], 0, 3, rng=rng)
    with refused(ValueError, "draws is 0; choose at least 1"):
        theory.sampled_errors([1.0, 0.5], 1, 0, rng=rng)
    with refused(TypeError, "rng is 3; it must be a Generator: pass rng=np.random.default_rng(seed)"):
        theory.sampled_errors([1.0, 0.5], 1, 2, rng=3)
    with refused(ValueError, "rank is 0; choose at least 1"):
        theory.streamed_error(sequence, 50, 0, rng=rng)
    with refused(ValueError, "size is 0; choose at least 1"):
        theory.streamed_error(sequence, 0, 3, rng=rng)
    with refused(ValueError, "singular_values(0, 3) returned 2 values; it must return 3"):
        theory.streamed_error(values(1.0, 0.5), 50, 3, rng=rng)
    says = "singular value 1.5 comes after the first 2, the least of which is 1.0; give the 2 largest first"
    with pytest.raises(fa.EnsembleError) as caught:
        theory.streamed_error(values(3.0, 1.0, 1.5, 1.2), 4, 2, rng=rng)
    assert f"ValueError({says!r})" in str(caught.value)
    with pytest.raises(fa.EnsembleError) as caught:
        theory.streamed_error(values(3.0, 1.0, 0.5), 4, 2, rng=rng)
    says = "singular_values(2, 4) returned 1 values; it must return 2"
    assert f"ValueError({says!r})" in str(caught.value)


@pytest.mark.parametrize("entries", [50, 1000, 2**16])
@pytest.mark.parametrize(
    ("values", "weights", "numbers"),  # ... and how many random numbers a draw at rank 3 takes
    [
        ([4.0, 3.0, 2.0, 1.0], [1, 1, 1, 2], 9 + 2 * 3),
        ([3.0, 2.0, 1.0], [3, 3, 400], 9 + 9 + 9),
        ([3.0, 2.0, 1.0], [4, 2, 400], 9 + 3 * 3 + 9),
    ],
)
def test_draws_are_made_in_blocks_that_fit_the_cache(monkeypatch, rng, entries, values, weights, numbers):
    sizes = []
    sample = sampling._sample_block
    monkeypatch.setattr(sampling, "ENTRIES", entries)
    monkeypatch.setattr(sampling, "_sample_block", lambda *rest: (sizes.append(rest[1]), sample(*rest))[1])
    draws = 2 * max(1, entries // numbers) + 1
    assert theory.sampled_errors(values, 3, draws, weights=weights, rng=rng).shape == (draws,)
    assert sizes == [max(1, entries // numbers)] * 2 + [1]


@pytest.mark.parametrize(
    ("size", "rank", "spans"),
    [(513, 2, 1), (514, 2, 2), (344, 3, 1), (345, 3, 2), (20_000, 2, 64), (50, 40, 1)],
)
def test_each_span_of_a_streamed_draw_has_sixteen_blocks_if_there_are_as_many(
    monkeypatch, rng, size, rank, spans
):
    monkeypatch.setattr(sampling, "ENTRIES", 32)
    blocks = []
    found = []
    over = sampling.ensemble_over
    monkeypatch.setattr(
        sampling,
        "ensemble_over",
        lambda run, items, **rest: (found.extend(items), over(run, items, **rest))[1],
    )
    theory.streamed_error(lambda a, b: (blocks.append((a, b)), sequence(a, b))[1], size, rank, rng=rng)
    assert len(found) == spans
    assert blocks[0] == (0, rank) and found[0][0] == rank and found[-1][1] == blocks[-1][1] == size
    assert all(one[1] == other[0] for one, other in pairwise(blocks) if other != blocks[0])
    assert {b - a for a, b in blocks[1:] if b not in {end for _, end in found}} <= {max(1, 32 // rank)}
    assert max(b - a for a, b in blocks[1:]) <= max(1, 32 // rank)


@pytest.mark.parametrize(("entries", "rows"), [(1, [1] * 5), (12, [2, 2, 1]), (2**16, [5])])
def test_rows_are_drawn_in_blocks_that_fit_the_cache(monkeypatch, rng, entries, rows):
    seen = []
    add = sampling._add_rows
    monkeypatch.setattr(sampling, "ENTRIES", entries)
    monkeypatch.setattr(
        sampling, "_add_rows", lambda sums, weights, G: (seen.append(G.shape), add(sums, weights, G))
    )
    parts = sampling._split_spectrum(np.ones(8), 3, None)
    sampling._draw_sums(parts, np.ones((2, 5)), 2, rng)
    assert seen == [(2, count, 3) for count in rows]
