"""The recogniser's `volume_gain` on samples, as the device applies it."""

import numpy as np
from numpy.typing import NDArray


def amplify(samples: NDArray[np.int16], gain: float) -> NDArray[np.int16]:
    """Samples times a factor, rounded to the nearest (halves to even), saturated; the bits of `cpp/pipeline`.

    Args:
        samples: int16, any shape.
        gain: 0 or more; 0 leaves the samples as they are.
    """
    if gain == 0:
        return samples
    scaled = samples.astype(np.float32) * np.float32(gain)
    amplified: NDArray[np.int16] = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
    return amplified
