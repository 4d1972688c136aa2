"""Long curves, as few points as an image can show."""

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_POINTS = 1000
"""A plot is about so many pixels wide."""

LONGEST_SIDE = 40.0
"""Inches of a plot whose size goes with what it shows: a hundred classes must not take gigabytes."""


def drawn(values: ArrayLike, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Which points of a curve to draw: all, or of each of equal stretches the lowest and the highest, and both ends.

    So a single peak among a million values is seen still.

    Args:
        values: (n,), numbers or NaN.
        most: how many points there may be; 4 or more.

    Returns:
        rising indices, (k,) with k <= `most`.
    """
    numbers = np.asarray(values, np.float64)
    if len(numbers) <= most:
        return np.arange(len(numbers))
    edges = np.linspace(0, len(numbers), (most - 2) // 2 + 1).astype(np.int64)
    lowest, highest = np.where(np.isnan(numbers), np.inf, numbers), np.where(np.isnan(numbers), -np.inf, numbers)
    kept = [0, len(numbers) - 1]
    for begin, end in itertools.pairwise(edges):
        kept += [begin + np.argmin(lowest[begin:end]), begin + np.argmax(highest[begin:end])]
    return np.unique(np.array(kept, np.int64))
