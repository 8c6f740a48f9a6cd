"""Estimates of an operator's values before it runs: their bounds, mean and variance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from math import erf, inf, log, sqrt

from archdsl.dims import Dim

Interval = tuple[float, float]
"""The least and the greatest value, both included."""
EVERYTHING: Interval = (-inf, inf)

Boxes = tuple[bool, Dim, Dim]
"""Boxes: whether they are centre and size, and not two opposite corners; the width and height in which they lie."""

Moments = tuple[float, float]
"""Mean and variance of a tensor's elements, which are taken for independent Gaussians."""
UNIT: Moments = (0.0, 1.0)


def hull(intervals: Iterable[Interval]) -> Interval:
    """The smallest interval around several."""
    ends = list(intervals)
    return min(low for low, _ in ends), max(high for _, high in ends)


def same_sign(interval: Interval) -> Interval:
    """Of sums of values of one sign all that is known is that sign."""
    low, high = interval
    return (0.0 if low >= 0 else -inf), (0.0 if high <= 0 else inf)


def product_sign(intervals: Sequence[Interval]) -> Interval:
    """Of products all that is known is their sign, and that only if each factor has one; and what is zero."""
    if (0.0, 0.0) in intervals and all(abs(bound) != inf for interval in intervals for bound in interval):
        return 0.0, 0.0
    negative = False
    for low, high in intervals:
        if low < 0 < high:
            return EVERYTHING
        negative ^= low < 0
    return (-inf, 0.0) if negative else (0.0, inf)


def image(function: Callable[[float], float], interval: Interval, bounds: Interval) -> Interval:
    """Where a function that never falls sends an interval; ``bounds`` where it is not defined at an end."""

    def at(x: float, otherwise: float) -> float:
        try:
            y = function(x)
        except (ValueError, OverflowError, ZeroDivisionError):
            return otherwise
        return y if y == y else otherwise

    low, high = interval
    return max(at(low, bounds[0]), bounds[0]), min(at(high, bounds[1]), bounds[1])


def through(function: Callable[[float], float], entering: Moments) -> Moments:
    """Mean and variance of a function of a Gaussian; those of the Gaussian where the function cannot be computed."""
    mean, variance = entering
    deviation = sqrt(variance)
    if not (deviation < 1e100 and abs(mean) < 1e100):  # nothing that a float32 network could compute
        return entering
    try:
        results = [function(mean + deviation * z) for z in _quantiles()]
        first = sum(results) / len(results)
        return first, sum((one - first) ** 2 for one in results) / len(results)
    except (ValueError, OverflowError, ZeroDivisionError):
        return entering


def greatest(entering: Moments, count: int) -> Moments:
    """The greatest of ``count`` Gaussians: Blom's mean (1958), and a variance fitted to 2 to 100 of them."""
    mean, variance = entering
    if count < 2:
        return entering
    lift = quantile((count - 0.375) / (count + 0.25))
    return mean + sqrt(variance) * lift, variance / (1 + 0.8 * log(count))


def least(entering: Moments, count: int) -> Moments:
    """The least of ``count`` Gaussians."""
    mean, variance = greatest((-entering[0], entering[1]), count)
    return -mean, variance


def mixture(shares: Sequence[int], entering: Sequence[Moments]) -> Moments:
    """Tensors side by side, of so many elements each."""
    total = sum(shares) or 1
    mean = sum(share * one for share, (one, _) in zip(shares, entering)) / total
    second = sum(share * (one * one + variance) for share, (one, variance) in zip(shares, entering)) / total
    return mean, max(second - mean * mean, 0.0)


def share(before: object, after: object) -> int:
    """How many elements of the input there are for each of the result; 1 where that depends on a symbol."""
    return before // after if isinstance(before, int) and isinstance(after, int) and after else 1


@cache
def _quantiles() -> tuple[float, ...]:
    """Points of equal weight that stand for the standard normal distribution, scaled to variance 1."""
    points = [quantile((i + 0.5) / 32) for i in range(32)]
    scale = sqrt(sum(z * z for z in points) / len(points))
    return tuple(z / scale for z in points)


@cache
def quantile(p: float) -> float:
    """The standard normal quantile of ``0 < p < 1``, by bisection."""
    low, high = -40.0, 40.0
    for _ in range(70):
        middle = (low + high) / 2
        if (1 + erf(middle / sqrt(2))) / 2 < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2
