"""Effects on colour: microphone response, room, band limits.

Clips are filtered in blocks that stay in the cache of the processor, which takes less time than one FFT over the whole.
"""

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mltk_like.audio.augment.level import Range, Samples

_POINTS = 8
# Blocks of the tone control, and how far its impulse response reaches to both sides.
_BLOCK = 1024
_REACH = 128
# Pieces that a room's impulse response is cut into.
_PIECE = 1024
# Lengths are 2^k times these: products of 2, 3 and 5, which the FFT does fast.
_LENGTHS = (9 / 16, 5 / 8, 81 / 128, 3 / 4, 25 / 32, 27 / 32, 15 / 16, 1.0)


def shape_spectrum(samples: Samples, rng: np.random.Generator, *, db: float, room: Samples | None = None) -> Samples:
    """Filter by a random smooth frequency response, as another microphone would, and by a room after it.

    The response is drawn at eight points, evenly spaced on a logarithmic frequency axis from 60 Hz (at 16 kHz) up, with
    a standard deviation of `db`, and interpolated between them. Level is kept. (n,) -> (n,), the room's tail cut off.
    """
    decibels = _tone_control() @ rng.normal(0.0, db, _POINTS).astype(np.float32)
    response = np.exp(decibels * np.float32(np.log(10) / 20))
    if room is None:
        return _with_level_of(samples, _filter(samples, response))
    # The room is shorter than most clips, so the tone control is put into it, and its delay taken out again.
    delayed = _convolve(np.pad(samples, (0, _REACH)), _filter(np.pad(room, _REACH), response))
    return _with_level_of(samples, delayed[_REACH:])


def reverberate(samples: Samples, rng: np.random.Generator, *, room: Samples, wet: Range = (0.3, 1.0)) -> Samples:
    """Convolve with a room's impulse response and mix with the dry sound: `wet` is the share of the room.

    Level is kept. (n,) -> (n,), the room's tail cut off.
    """
    share = np.float32(rng.uniform(*wet))
    reverberant = _with_level_of(samples, _convolve(samples, room))
    return _with_level_of(samples, reverberant * share + samples * (1 - share))


def limit_band(
    samples: Samples, rng: np.random.Generator, *, low_hz: Range, high_hz: Range, sample_rate_hz: int = 16_000
) -> Samples:
    """Remove what is below a random lower and above a random upper edge: a small speaker, a call, a low sample rate.

    Resampling to a lower rate and back is the same as an upper edge at half that rate; a GSM call passes 300 to
    3400 Hz. Each edge is a raised cosine, a quarter octave wide. Level falls by what is removed. (n,) -> (n,).
    """
    size = _fast_length(len(samples) + 256)
    spectrum = _spectrum(samples, size)
    hz = np.arange(len(spectrum), dtype=np.float32) * np.float32(sample_rate_hz / size)
    spectrum *= _edge(hz, rng.uniform(*low_hz)) * (1 - _edge(hz, rng.uniform(*high_hz)))
    return _samples(spectrum, size, len(samples))


def _edge(hz: Samples, edge_hz: float) -> Samples:
    """0 below the edge, 1 above it."""
    if edge_hz <= 0:
        return np.ones_like(hz)
    octaves = np.log2(np.maximum(hz, 1e-3) / np.float32(edge_hz)).astype(np.float32, copy=False)
    rise: Samples = 0.5 + 0.5 * np.sin(np.pi * np.clip(octaves * 4, -0.5, 0.5, dtype=np.float32))
    return rise


def _filter(samples: Samples, response: Samples) -> Samples:
    """Filter without delay by a smooth response at the 513 frequencies of a block, by overlap-save: (n,) -> (n,)."""
    if not len(samples):
        return samples
    impulse = np.fft.irfft(response) * _taper()
    hop = _BLOCK - 2 * _REACH
    padded = np.zeros(-(-len(samples) // hop) * hop + 2 * _REACH, dtype=np.float32)
    padded[_REACH : _REACH + len(samples)] = samples
    spectra = np.fft.rfft(sliding_window_view(padded, _BLOCK)[::hop])
    spectra *= np.fft.rfft(impulse).real
    filtered = np.fft.irfft(spectra)[:, _REACH:-_REACH]
    return filtered.astype(np.float32, copy=False).reshape(-1)[: len(samples)]


def _convolve(samples: Samples, room: Samples) -> Samples:
    """Convolution, cut off at the end of the clip, in pieces of clip and room: (n,) -> (n,)."""
    if not len(samples):
        return samples
    count, pieces = -(-len(samples) // _PIECE), -(-len(room) // _PIECE)
    padded = np.zeros((count + 1) * _PIECE, dtype=np.float32)
    padded[_PIECE : _PIECE + len(samples)] = samples
    response = np.zeros(pieces * _PIECE, dtype=np.float32)
    response[: len(room)] = room
    spectra = np.fft.rfft(sliding_window_view(padded, 2 * _PIECE)[::_PIECE])
    responses = np.fft.rfft(response.reshape(pieces, _PIECE), 2 * _PIECE)
    total = spectra * responses[0]
    for delay in range(1, min(pieces, count)):
        total[delay:] += spectra[:-delay] * responses[delay]
    convolved = np.fft.irfft(total)[:, _PIECE:]
    return convolved.astype(np.float32, copy=False).reshape(-1)[: len(samples)]


def _with_level_of(samples: Samples, changed: Samples) -> Samples:
    before, after = float(np.dot(samples, samples)), float(np.dot(changed, changed))
    return changed * np.float32(np.sqrt(before / after)) if after > 0 else changed


def _spectrum(samples: Samples, size: int) -> NDArray[np.complex64]:
    # NumPy's own zero padding takes several times as long as the transform.
    padded = np.zeros(size, dtype=np.float32)
    padded[: len(samples)] = samples
    return np.fft.rfft(padded).astype(np.complex64, copy=False)


def _samples(spectrum: NDArray[np.complex64], size: int, length: int) -> Samples:
    return np.fft.irfft(spectrum, size)[:length].astype(np.float32, copy=False)


@functools.lru_cache(maxsize=1)
def _tone_control() -> Samples:
    """Weights (513, 8) of linear interpolation between points evenly spaced on a logarithmic frequency axis."""
    bins = _BLOCK // 2 + 1
    axis = np.log(np.arange(1, bins + 1) / bins)
    points = np.linspace(np.log(60 / 8000), 0.0, _POINTS)
    return np.stack([np.interp(axis, points, unit) for unit in np.eye(_POINTS)], axis=1).astype(np.float32)


@functools.lru_cache(maxsize=1)
def _taper() -> Samples:
    """Window (1024,) that ends an impulse response around sample 0 smoothly, at 128 samples to both sides."""
    distance = np.minimum(np.arange(_BLOCK), np.arange(_BLOCK, 0, -1))
    return np.where(distance < _REACH, 0.5 + 0.5 * np.cos(np.pi * distance / _REACH), 0.0).astype(np.float32)


def _fast_length(length: int) -> int:
    """The next size that the FFT does fast, at most an eighth too long."""
    power = 1 << max(length - 1, 127).bit_length()
    return min(int(power * share) for share in _LENGTHS if power * share >= length)
