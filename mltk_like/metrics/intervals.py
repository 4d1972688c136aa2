"""Confidence intervals for shares and for rates. No formula here needs SciPy."""

import math
from collections.abc import Callable

import numpy as np

# Two-sided 95 % and one-sided 95 % quantile of the normal distribution's tail, as probabilities.
_Z_95 = 1.959963984540054
_TAIL = 0.025
_ONE_SIDED = 0.05


def wilson_interval(events: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share after `events` of `trials`.

    Wilson's score interval (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927, p. 209): unlike p +- 1.96 s it stays in 0..1
    and is not empty when nothing, or everything, was missed.

    Returns:
        (low, high), shares in 0..1; (0, 1) when there were no trials.

    Raises:
        ValueError: not 0 <= events <= trials.
    """
    if not 0 <= events <= trials:
        raise ValueError(f"{events} events of {trials} trials")
    if trials == 0:
        return 0.0, 1.0
    share, z2 = events / trials, _Z_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z_95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    # At the ends the exact value is 0 or 1, which rounding would miss by a hair.
    return (0.0 if events == 0 else centre - half), (1.0 if events == trials else centre + half)


def poisson_interval(events: int) -> tuple[float, float]:
    """95 % interval of the expected number of events after `events` were counted; divide by the hours for a rate.

    Exact (F. Garwood, Biometrika 28, 1936, p. 437), two-sided with 2.5 % on either side. When nothing was counted the
    lower end is 0 and all 5 % lie above: the upper end is -ln 0.05 = 2.996, the "rule of three".

    Raises:
        ValueError: events below 0.
    """
    if events < 0:
        raise ValueError(f"{events} events")
    if events == 0:
        return 0.0, -math.log(_ONE_SIDED)
    # Cumulative probabilities fall as the mean grows.
    low = _solve(lambda mean: _poisson_cdf(events - 1, mean) - (1 - _TAIL), events)
    high = _solve(lambda mean: _poisson_cdf(events, mean) - _TAIL, events)
    return low, high


def _poisson_cdf(count: int, mean: float) -> float:
    """P(X <= count) for a Poisson variable, summed relative to its largest term so that nothing overflows."""
    if mean <= 0:
        return 1.0
    k = np.arange(count + 1, dtype=np.float64)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(k[1:]))])
    logs = k * math.log(mean) - mean - log_factorials
    peak = float(logs.max())
    return float(np.exp(logs - peak).sum()) * math.exp(peak)


def _solve(falling: Callable[[float], float], start: float) -> float:
    """Where a falling function of the mean is zero, by bisection within ten standard deviations of `start`."""
    spread = 10 * math.sqrt(start) + 10
    low, high = max(start - spread, 0.0), start + spread
    for _ in range(60):
        middle = (low + high) / 2
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
