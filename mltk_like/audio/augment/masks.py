"""Effects on spectrograms."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Spectrogram = TypeVar("Spectrogram", NDArray[np.int8], NDArray[np.float32])


def mask_spectrogram(
    features: Spectrogram,
    rng: np.random.Generator,
    *,
    time_masks: int = 2,
    time_share: float = 0.1,
    band_masks: int = 2,
    band_share: float = 0.15,
) -> Spectrogram:
    """Overwrite random stretches of time and of bands by the lowest value (SpecAugment, Park et al., Interspeech 2019).

    Args:
        features: spectrogram (time, 1, bands) or (time, bands); it stays as it is.
        rng: chance.
        time_masks: number of stretches of time.
        time_share: longest of them, as a share of all time.
        band_masks: number of stretches of bands.
        band_share: widest of them, as a share of all bands.
    """
    masked = features.copy()
    lowest = features.min(initial=127) if features.size else 0
    for axis, count, share in ((0, time_masks, time_share), (-1, band_masks, band_share)):
        size = features.shape[axis]
        for _ in range(count):
            width = int(rng.integers(int(size * share) + 1))
            start = int(rng.integers(size - width + 1))
            if axis == 0:
                masked[start : start + width] = lowest
            else:
                masked[..., start : start + width] = lowest
    return masked
