"""Effects on level: gain, noise at a ratio or a level, polarity, offset."""

import functools

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Range = tuple[float, float]

_SILENCE_DBFS = -100.0
# A prime, so that excerpts of equal length do not fall on each other.
_GAUSSIAN_SAMPLES = 262_147


def level_dbfs(samples: Samples) -> float:
    """Root mean square of the samples that are not exactly zero, in dBFS; -100 for silence."""
    # Counting the true is several times faster than counting what is not zero in floats.
    count = int(np.count_nonzero(samples != 0))
    if count == 0:
        return _SILENCE_DBFS
    power = float(np.dot(samples, samples)) / count
    return max(10.0 * float(np.log10(power + 1e-20)), _SILENCE_DBFS)


def set_level(samples: Samples, rng: np.random.Generator, *, dbfs: Range) -> Samples:
    """Scale to a random level within the range; silence stays as it is."""
    target = rng.uniform(*dbfs)
    current = level_dbfs(samples)
    if current <= _SILENCE_DBFS:
        return samples
    return samples * np.float32(10 ** ((target - current) / 20))


def gain(samples: Samples, rng: np.random.Generator, *, db: Range) -> Samples:
    """Scale by a random gain in decibels."""
    return samples * np.float32(10 ** (rng.uniform(*db) / 20))


def add_at_snr(
    samples: Samples, noise: Samples, rng: np.random.Generator, *, snr_db: Range, silence_dbfs: Range
) -> Samples:
    """Add noise at a random signal-to-noise ratio; under silence, at a random level of its own."""
    signal = level_dbfs(samples)
    target = rng.uniform(*silence_dbfs) if signal <= _SILENCE_DBFS else signal - rng.uniform(*snr_db)
    return add_at_level(samples, noise, dbfs=target)


def add_at_level(samples: Samples, noise: Samples, *, dbfs: float) -> Samples:
    """Add noise at an absolute level."""
    own = level_dbfs(noise)
    if own <= _SILENCE_DBFS:
        return samples
    scaled = noise * np.float32(10 ** ((dbfs - own) / 20))
    scaled += samples
    return scaled


def white_noise(rng: np.random.Generator, length: int) -> Samples:
    """Gaussian noise of standard deviation 1: float32 (length,).

    The sum of two random excerpts of a fixed table, which is Gaussian too and takes a tenth of the time of fresh draws.
    """
    table = _gaussian_table()
    if length > len(table) // 2:
        return rng.standard_normal(length, dtype=np.float32)
    first, second = rng.integers(len(table) - length + 1, size=2)
    noise = table[first : first + length] + table[second : second + length]
    noise *= np.float32(np.sqrt(0.5))
    return noise


@functools.lru_cache(maxsize=1)
def _gaussian_table() -> Samples:
    return np.random.default_rng(0).standard_normal(_GAUSSIAN_SAMPLES, dtype=np.float32)


def add_white_noise(samples: Samples, rng: np.random.Generator, *, snr_db: Range) -> Samples:
    """Add Gaussian noise at a random signal-to-noise ratio; silence gets -90 dBFS."""
    noise = white_noise(rng, len(samples))
    return add_at_snr(samples, noise, rng, snr_db=snr_db, silence_dbfs=(-90.0, -90.0))


def invert_polarity(samples: Samples, rng: np.random.Generator, *, p: float = 0.5) -> Samples:
    """Change the sign of all samples with the chance `p`, as a microphone wired the other way does."""
    return -samples if rng.random() < p else samples


def add_offset(samples: Samples, rng: np.random.Generator, *, offset: Range) -> Samples:
    """Add a random constant (1.0: full scale), as a converter without a blocking capacitor does."""
    return samples + np.float32(rng.uniform(*offset))
