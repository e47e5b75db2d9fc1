"""Limits for what is measured on random draws: how far chance may take it from the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from fa_utils._checks import real_array, real_number, whole_number


def probability_limit(count: int, draws: int, confidence: float) -> float:
    """Return the exact (Clopper-Pearson) upper limit of a probability seen ``count`` times in ``draws``.

    Parameters
    ----------
    count
        How often it happened.
    draws
        How often it could have happened.
    confidence
        The true probability is above the limit with probability at most 1 - ``confidence``.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        A count or draws that are no whole number, or a confidence that is no real one.
    ValueError
        A count beyond the draws, or a confidence outside (0, 1).

    References
    ----------
    Clopper & Pearson (1934), The use of confidence or fiducial limits, Biometrika 26.

    Examples
    --------
    >>> round(report.probability_limit(0, draws=1000, confidence=0.99), 4)
    0.0046
    """
    # `scipy.stats.binomtest` has the same number, but takes 0.8 s to import where this takes 0.2.
    from scipy.special import betaincinv

    draws = whole_number("draws", draws, least=1)
    if whole_number("count", count, least=0) > draws:
        raise ValueError(f"count is {count} of {draws} draws; choose at most {draws}")
    confidence = _between_0_and_1("confidence", confidence)
    # A quantile of the beta distribution; what happened every time may be certain.
    return 1.0 if count == draws else float(betaincinv(count + 1, draws - count, confidence))


def kolmogorov_limit(one: int, other: int, chance: float) -> float:
    """Return the Kolmogorov distance that two samples of one law exceed with that chance.

    By the first term of Smirnov's asymptotic series, which is above the sum of the series.

    Parameters
    ----------
    one, other
        The samples' sizes.
    chance
        From 0 to 1, neither of them.

    Returns
    -------
    float
        A difference of two distribution functions.

    Raises
    ------
    TypeError
        A size that is no whole number, or a chance that is no real one.
    ValueError
        An empty sample, or a chance outside (0, 1).

    References
    ----------
    Smirnov (1948), Table for estimating the goodness of fit of empirical distributions, Annals of
    Mathematical Statistics 19.

    Examples
    --------
    >>> round(report.kolmogorov_limit(200, 200, chance=1e-6), 3)
    0.269
    """
    sizes = [whole_number("one", one, least=1), whole_number("other", other, least=1)]
    chance = _between_0_and_1("chance", chance)
    # The first term, 2 exp(-2 d^2 / (1/n + 1/m)) = chance, solved for the distance d.
    return float(np.sqrt(np.log(2 / chance) / 2 * sum(1 / size for size in sizes)))


def kolmogorov_distance(sample: ArrayLike, distribution_function: Callable[[np.ndarray], ArrayLike]) -> float:
    """Return the largest gap between a sample's distribution function and a given one.

    For a sample of that law it exceeds sqrt(log(2 / p) / (2 draws)) with probability p at most.

    Parameters
    ----------
    sample
        Any numbers, shape (draws,).
    distribution_function
        A function: for sorted numbers x it returns the probabilities of a value of at most x, in their shape.
        The law has no atoms.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        A sample that is empty, not finite or of another shape; probabilities of another shape, or outside
        [0, 1].

    References
    ----------
    Massart (1990), "The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality".

    Examples
    --------
    >>> report.kolmogorov_distance([0.75, 0.25], lambda x: x)
    0.25
    """
    values = np.sort(real_array("sample", sample, ndim=1, integers=True))
    chances = np.asarray(distribution_function(values))
    if chances.shape != values.shape:
        raise ValueError(
            f"distribution_function returned shape {chances.shape}; it must keep that of its argument, "
            f"{values.shape}"
        )
    if not ((chances >= 0) & (chances <= 1)).all():
        raise ValueError(
            f"distribution_function returned {chances.min()} to {chances.max()}; it must return probabilities"
        )
    # The sample's function jumps at each value: the gap is largest just before a jump, or on it.
    steps = np.arange(values.size + 1) / values.size
    return float(max((steps[1:] - chances).max(), (chances - steps[:-1]).max()))


def two_sample_distance(one: ArrayLike, other: ArrayLike) -> float:
    """Return the Kolmogorov distance of two samples: the largest between their distribution functions.

    Parameters
    ----------
    one, other
        The samples, shapes (draws,), not empty.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    TypeError
        A sample that holds no real numbers.
    ValueError
        An empty sample, or one with entries that are not finite.

    References
    ----------
    Smirnov (1948), as `kolmogorov_limit`. `scipy.stats.ks_2samp` has the same number, but takes 0.8 s to
    import.

    Examples
    --------
    >>> report.two_sample_distance([1.0, 2.0, 3.0, 4.0], [3.5, 5.0])
    0.75
    """
    one = np.sort(real_array("one", one, ndim=1, integers=True))
    other = np.sort(real_array("other", other, ndim=1, integers=True))
    # Both functions are constant between draws, so the distance is largest at one of these.
    points = np.concatenate([one, other])
    below_one = np.searchsorted(one, points, side="right") / one.size
    below_other = np.searchsorted(other, points, side="right") / other.size
    return float(np.abs(below_one - below_other).max())


def student_limit(deviations: Sequence[ArrayLike], runs: Sequence[ArrayLike], chance: float) -> np.ndarray:
    """Return how far the means of two samples of one Gaussian are apart, at most, but for that chance.

    Of one sample: how far its mean is from the Gaussian's. So a claim can say by how much a distance is below
    the limit, for many pairs at once.

    Parameters
    ----------
    deviations
        One standard deviation for each sample (with n - 1 in the denominator), or an array of them.
    runs
        For each sample how many runs it has, at least 2. Arrays broadcast with the deviations.
    chance
        From 0 to 1, neither of them. The larger distances have this probability.

    Returns
    -------
    np.ndarray
        Of the shape that all deviations and runs broadcast to, in the deviations' unit.

    Raises
    ------
    TypeError
        A chance that is no real number.
    ValueError
        Fewer than two runs, a deviation that is not at least 0, none or more than two samples, or a chance
        outside (0, 1).

    References
    ----------
    Student (1908), The probable error of a mean, Biometrika 6. The p-value that
    `scipy.stats.ttest_ind_from_stats` gives for a distance is ``chance`` where the distance is this limit.

    Examples
    --------
    >>> round(float(report.student_limit([1.0, 1.0], [50, 50], chance=0.05)), 3)
    0.397
    """
    from scipy.special import stdtrit

    if not len(deviations) == len(runs) in (1, 2):
        raise ValueError(f"{len(deviations)} deviations and {len(runs)} runs; give one or two of each")
    # NaN is not at least anything, so it is refused as well.
    for name, values, least in (("deviation", deviations, 0), ("runs", runs, 2)):
        lowest = np.hstack([np.ravel(one) for one in values]).min()
        if not lowest >= least:
            raise ValueError(f"{name} is {lowest:g}; choose at least {least}")
    chance = _between_0_and_1("chance", chance)
    # The samples share one variance: each counts by its degrees of freedom.
    freedoms = [np.subtract(number, 1.0) for number in runs]
    freedom = sum(freedoms)
    shares = [share / freedom * np.square(one) for share, one in zip(freedoms, deviations, strict=True)]
    pooled = np.sqrt(sum(shares))
    return -stdtrit(freedom, chance / 2) * pooled * np.sqrt(sum(np.divide(1.0, number) for number in runs))


def _between_0_and_1(name: str, value: float) -> float:
    """Return the number; raise ValueError unless it is above 0 and below 1."""
    if not 0 < real_number(name, value) < 1:
        raise ValueError(f"{name} is {value}; choose a number between 0 and 1")
    return value
