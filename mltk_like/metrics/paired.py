"""Is one model better than another on the same clips? Exact tests that need no SciPy."""

import math


def mcnemar(only_first: int, only_second: int) -> float:
    """p-value for two detectors that were wrong on different ones of the same clips.

    Exact, two-sided: of the clips on which they differ, half should be either's if they are equally good (Q. McNemar,
    Psychometrika 12, 1947, p. 153, in its binomial form).

    Args:
        only_first: clips that the first alone got wrong.
        only_second: clips that the second alone got wrong.

    Raises:
        ValueError: a number below 0.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"{only_first} and {only_second} clips")
    total = only_first + only_second
    tail = sum(_binomial_half(total, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail)


def equal_rates(first: int, second: int) -> float:
    """p-value for two counts of events in equal times.

    Exact, two-sided: given their sum, either is binomial with one half if the rates are equal (J. Przyborowski,
    H. Wilenski, Biometrika 31, 1940, p. 313). Two detectors that heard the same audio fire at the same places, so their
    counts differ less than this supposes: a small p-value is to be believed, a large one proves nothing.

    Raises:
        ValueError: a number below 0.
    """
    return mcnemar(first, second)


def _binomial_half(total: int, k: int) -> float:
    """P(X = k) of `total` tosses of a fair coin, by logarithms, so that thousands are no trouble."""
    log = math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) - total * math.log(2)
    return math.exp(log)
