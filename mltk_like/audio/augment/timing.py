"""Effects on time: speed, tempo, pitch, shift."""

import functools

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.augment.level import Range, Samples

# 32 ms frames at 16 kHz, moved by up to 8 ms: half a period of the deepest voice.
_FRAME = 512
_HOP = _FRAME // 2
_SEARCH = 128


def change_speed(samples: Samples, rng: np.random.Generator, *, factor: Range) -> Samples:
    """Play faster or slower, as a tape does: tempo, pitch and vocal tract change together. (n,) -> (n / factor,)."""
    ratio = rng.uniform(*factor)
    return _interpolate(samples, ratio, max(int(len(samples) / ratio), 1))


def change_tempo(samples: Samples, rng: np.random.Generator, *, factor: Range) -> Samples:
    """Speak faster or slower at the same pitch, by WSOLA. (n,) -> (n / factor,)."""
    ratio = rng.uniform(*factor)
    return _stretch(samples, max(int(len(samples) / ratio), 1), 1 / ratio)


def change_pitch(samples: Samples, rng: np.random.Generator, *, semitones: Range) -> Samples:
    """Raise or lower pitch and vocal tract at the same tempo: another tempo, then another speed. (n,) -> (n,)."""
    ratio = 2 ** (rng.uniform(*semitones) / 12)
    stretched = _stretch(samples, max(round(len(samples) * ratio), 1), ratio)
    return _interpolate(stretched, ratio, len(samples))


def shift_time(samples: Samples, rng: np.random.Generator, *, seconds: Range, sample_rate_hz: int = 16_000) -> Samples:
    """Move by a random time, later where it is positive; what moves out is lost and zeros follow. (n,) -> (n,)."""
    offset = int(np.clip(round(rng.uniform(*seconds) * sample_rate_hz), -len(samples), len(samples)))
    shifted = np.zeros_like(samples)
    if offset >= 0:
        shifted[offset:] = samples[: len(samples) - offset]
    else:
        shifted[:offset] = samples[-offset:]
    return shifted


def _interpolate(samples: Samples, ratio: float, length: int) -> Samples:
    """Samples at multiples of `ratio`, on straight lines between those given: (n,) -> (length,)."""
    if not len(samples):
        return np.zeros(length, dtype=np.float32)
    # In 64 bits: after a few seconds 32 would leave too few for the fraction.
    position = np.arange(length, dtype=np.float64)
    position *= ratio
    index = position.astype(np.int64)
    position -= index
    steps = np.zeros_like(samples)
    np.subtract(samples[1:], samples[:-1], out=steps[:-1])
    between = steps.take(index, mode="clip")
    between *= position.astype(np.float32)
    between += samples.take(index, mode="clip")
    return between


def _stretch(samples: Samples, length: int, factor: float) -> Samples:
    """Overlapping frames set further apart or closer together: (n,) -> (length,), n x factor long.

    Each frame is taken where the recording is most like what would have followed the frame before, so that the waves
    add up (WSOLA: Verhelst and Roelands, ICASSP 1993).
    """
    margin = _FRAME + _SEARCH
    padded = np.zeros(len(samples) + 2 * margin + _HOP, dtype=np.float32)
    padded[margin : margin + len(samples)] = samples
    energy = np.concatenate([[0.0], np.cumsum(np.square(padded, dtype=np.float64))])
    last = len(padded) - _FRAME - _HOP
    starts = np.empty(length // _HOP + 2, dtype=np.int64)
    starts[0] = margin - _HOP
    for number in range(1, len(starts)):
        expected = margin + int((number - 1) * _HOP / factor)
        first, stop = min(expected - _SEARCH, last), min(expected + _SEARCH, last) + 1
        follows = starts[number - 1] + _HOP
        likeness = np.correlate(padded[first : stop + _FRAME - 1], padded[follows : follows + _FRAME])
        likeness /= np.sqrt(energy[first + _FRAME : stop + _FRAME] - energy[first:stop] + 1e-9)
        best = int(likeness.argmax())
        starts[number] = first + best if likeness[best] > 0 else min(expected, last)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[starts] * _hann()
    halves = frames.reshape(len(starts), 2, _HOP)
    # Two Hann windows half a frame apart sum to one.
    return (halves[1:, 0] + halves[:-1, 1]).reshape(-1)[:length]


@functools.lru_cache(maxsize=1)
def _hann() -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / _FRAME)).astype(np.float32)
