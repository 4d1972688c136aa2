"""Augmentations: pure NumPy functions on float32 (samples,) in -1..1, with chance only from `rng`.

Levels are in dBFS: decibels of the root mean square relative to full scale (1.0). Silence that was padded around a clip
is exact zeros and is left out of a clip's level, so that a short word in a long window gets the SNR that was asked for.
"""

import functools

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Range = tuple[float, float]

_SILENCE_DBFS = -100.0
_POINTS = 8


def level_dbfs(samples: Samples) -> float:
    """Root mean square of the samples that are not exactly zero, in dBFS; -100 for silence."""
    count = int(np.count_nonzero(samples))
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


def change_speed(samples: Samples, rng: np.random.Generator, *, factor: Range) -> Samples:
    """Play faster or slower, as a tape does: tempo, pitch and vocal tract change together. (n,) -> (n / factor,)."""
    ratio = rng.uniform(*factor)
    length = max(int(len(samples) / ratio), 1)
    # In 64 bits: after a few seconds 32 would leave too few for the fraction.
    position = np.arange(length) * ratio
    index = position.astype(np.int64)
    fraction = (position - index).astype(np.float32)
    following = np.minimum(index + 1, len(samples) - 1)
    np.minimum(index, len(samples) - 1, out=index)
    first = samples[index]
    return first + (samples[following] - first) * fraction


def shape_spectrum(samples: Samples, rng: np.random.Generator, *, db: float, room: Samples | None = None) -> Samples:
    """Filter by a random smooth frequency response, as another microphone would, and by a room in the same pass.

    The response is drawn at eight points, evenly spaced on a logarithmic frequency axis from 60 Hz (at 16 kHz) up, with
    a standard deviation of `db`, and interpolated between them. Level is kept. (n,) -> (n,), the room's tail cut off.
    """
    size = _fast_length(len(samples) + (0 if room is None else len(room)))
    spectrum = _spectrum(samples, size)
    decibels = _tone_control(len(spectrum)) @ rng.normal(0.0, db, _POINTS).astype(np.float32)
    spectrum *= np.exp(decibels * np.float32(np.log(10) / 20))
    if room is not None:
        spectrum *= _spectrum(room, size)
    shaped = np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32, copy=False)
    before, after = float(np.dot(samples, samples)), float(np.dot(shaped, shaped))
    return shaped * np.float32(np.sqrt(before / after)) if after > 0 else shaped


def _spectrum(samples: Samples, size: int) -> NDArray[np.complex64]:
    # NumPy's own zero padding takes several times as long as the transform.
    padded = np.zeros(size, dtype=np.float32)
    padded[: len(samples)] = samples
    return np.fft.rfft(padded).astype(np.complex64, copy=False)


@functools.lru_cache(maxsize=64)
def _tone_control(bins: int) -> Samples:
    """Weights (bins, 8) of linear interpolation between points evenly spaced on a logarithmic frequency axis."""
    axis = np.log(np.arange(1, bins + 1) / bins)
    points = np.linspace(np.log(60 / 8000), 0.0, _POINTS)
    return np.stack([np.interp(axis, points, unit) for unit in np.eye(_POINTS)], axis=1).astype(np.float32)


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
    return samples + noise * np.float32(10 ** ((dbfs - own) / 20))


def add_white_noise(samples: Samples, rng: np.random.Generator, *, snr_db: Range) -> Samples:
    """Add Gaussian noise at a random signal-to-noise ratio; silence gets -90 dBFS."""
    noise = rng.standard_normal(len(samples), dtype=np.float32)
    return add_at_snr(samples, noise, rng, snr_db=snr_db, silence_dbfs=(-90.0, -90.0))


def saturate(samples: Samples, rng: np.random.Generator, *, db: Range) -> Samples:
    """Overdrive by a random gain over full scale and clip, as a microphone too near does; the level is kept."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak == 0.0:
        return samples
    drive = np.float32(10 ** (rng.uniform(*db) / 20) / peak)
    driven: Samples = np.clip(samples * drive, -1.0, 1.0) / drive
    return driven


def _fast_length(length: int) -> int:
    """The next size of the form 2^k, 3*2^k or 5*2^k, which the FFT does fast."""
    power = 1 << max(length - 1, 1).bit_length()
    return min(size for size in (power, power * 3 // 4, power * 5 // 8) if size >= length)
