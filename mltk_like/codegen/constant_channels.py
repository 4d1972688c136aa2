"""Channels that give the same whatever the input is, as nets have after training with sparse activations."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
_EXACT = 1 << 30
_RIGHT = 2


def settle(
    rows: Rows, start: Rows, multiplier: Rows, shift: Rows, bounds: tuple[int, int, int]
) -> tuple[Rows, Rows, Rows, Rows]:
    """The same layer, in which such channels have no weights, a small bias, and a multiplier of one half.

    Their biases are often so large that no kernel may take its quick way with the layer. For all other channels all
    four stay as they are.

    Args:
        rows: weights, (channels, values of a sum).
        start: what a sum begins with, by channel.
        multiplier: as TensorFlow Lite's, by channel.
        shift: to the left, or negative, to the right.
        bounds: zero point of the output, least and greatest output.
    """
    least = start + np.minimum(rows * -128, rows * 127).sum(axis=1)
    most = start + np.maximum(rows * -128, rows * 127).sum(axis=1)
    low, high = outputs(least, multiplier, shift, bounds), outputs(most, multiplier, shift, bounds)
    # Where a sum could wrap, an output between may be another.
    constant = (low == high) & (shift <= 0) & (np.maximum(np.abs(least), np.abs(most)) <= np.iinfo(np.int32).max)
    rows = np.where(constant[:, None], 0, rows)
    # A multiplier of one half and two more bits to the right.
    start = np.where(constant, (low - bounds[0]) * (1 << (1 + _RIGHT)), start)
    return rows, start, np.where(constant, _EXACT, multiplier), np.where(constant, -_RIGHT, shift)


def outputs(sums: Rows, multiplier: Rows, shift: Rows, bounds: tuple[int, int, int]) -> Rows:
    """Outputs of sums, as mltk_fixed.h has them where nothing is shifted to the left."""
    zero, low, high = bounds
    product = (sums * multiplier + (1 << 30)) >> 31
    right = np.maximum(-shift, 0)
    mask = (np.int64(1) << right) - 1
    value = (product >> right) + ((product & mask) > (mask >> 1) + (product < 0))
    found: Rows = np.clip(value + zero, low, high)
    return found
