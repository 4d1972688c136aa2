"""The float32 front end in NumPy, double precision, from the definitions: what the C++ must come near to."""

import numpy as np
import numpy.typing as npt

from mltk_like.audio import SpectrumSettings

Floats = npt.NDArray[np.float64]


def columns(s: SpectrumSettings, samples: npt.NDArray[np.int16]) -> Floats:
    """float64 (T, F) of one clip (samples,)."""
    frame, hop = s.window_size_ms * s.sample_rate_hz // 1000, s.window_step_ms * s.sample_rate_hz // 1000
    starts = range(0, len(samples) - frame + 1, hop)
    signal = samples.astype(np.float64)
    signal[1:] -= s.pre_emphasis * samples[:-1]
    frames = np.stack([signal[start : start + frame] for start in starts])
    if s.remove_mean:
        frames -= frames.mean(axis=1, keepdims=True)
    if s.sample_scale == "unit":
        frames /= 32768
    magnitude = np.abs(np.fft.rfft(frames * window(s, frame), fft_length(frame)))
    values = logarithm(s, bank(s, magnitude**s.power))
    if s.mfcc_count:
        values = values @ dct(s.filterbank_n_channels)[s.mfcc_first : s.mfcc_first + s.mfcc_count].T
    means, stds = (np.array(each or common) for each, common in ((s.means, s.mean), (s.stds, s.std)))
    return stacked(s, (values - means) / stds)


def window(s: SpectrumSettings, length: int) -> Floats:
    """The window function, periodic ones as the first of one more."""
    function = np.hanning if s.window_function == "hann" else np.hamming
    return function(length + 1)[:-1] if s.window_periodic else function(length)


def fft_length(frame: int) -> int:
    """Smallest power of 2 that holds a frame."""
    return int(2 ** np.ceil(np.log2(frame)))


def bank(s: SpectrumSettings, bins: Floats) -> Floats:
    """(T, bins) -> (T, bands)."""
    length, bands = 2 * (bins.shape[1] - 1), s.filterbank_n_channels
    low, high = s.filterbank_lower_band_limit, s.filterbank_upper_band_limit
    hz = np.arange(bins.shape[1]) * s.sample_rate_hz / length
    if s.filterbank_scale == "linear":
        first = int(np.ceil(low * length / s.sample_rate_hz - 1e-6))
        return bins[:, first : first + bands]
    points = np.linspace(*mels(s, np.array([low, high])), bands + 2)
    if s.filterbank_scale == "htk":
        edges = 700 * (10 ** (points / 2595) - 1)
    else:
        edges = np.where(points < 15, points * 200 / 3, 1000 * 6.4 ** ((points - 15) / 27))
    at, corners = (hz, edges) if s.filterbank_triangles == "hz" else (mels(s, hz), points)
    triangles = np.stack([np.interp(at, corners[i : i + 3], [0, 1, 0]) for i in range(bands)])
    if s.filterbank_normalize:
        triangles *= (2 / (edges[2:] - edges[:-2]))[:, None]
    return bins @ triangles.T


def mels(s: SpectrumSettings, hz: Floats) -> Floats:
    """Frequencies on the bands' scale."""
    if s.filterbank_scale == "htk":
        return 2595 * np.log10(1 + hz / 700)
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1) / 1000) / np.log(6.4))


def logarithm(s: SpectrumSettings, values: Floats) -> Floats:
    """The log that the settings ask for."""
    if s.log == "log1p":
        return np.log1p(values)
    floored = np.maximum(values, s.log_floor)
    return {"none": values, "ln": np.log(floored), "db": 20 / s.power * np.log10(floored)}[s.log]


def dct(bands: int) -> Floats:
    """The orthonormal DCT-II: (coefficients, bands)."""
    k, m = np.mgrid[:bands, :bands]
    rows = np.sqrt(2 / bands) * np.cos(np.pi * k * (m + 0.5) / bands)
    rows[0] /= np.sqrt(2)
    return rows


def stacked(s: SpectrumSettings, frames: Floats) -> Floats:
    """Frames (n, features) -> columns (T, cascade * features)."""
    firsts = range(0, len(frames) - s.cascade + 1, 1 if s.cascade_slide else s.cascade)
    return np.stack([frames[first : first + s.cascade].ravel() for first in firsts])


def tolerance(s: SpectrumSettings, expected: Floats) -> float:
    """How far single precision may be from this, for audio whose bands lie within 60 dB of each other."""
    mean = max(abs(value) for value in s.means or (s.mean,))
    smallest, largest = min(s.stds or (s.std,)), max(s.stds or (s.std,))
    if s.log == "none":
        error = 2e-5 * float(np.abs(expected).max() * largest + mean)
    else:
        error = {"ln": 1e-3, "db": 1e-2, "log1p": 1e-3}[s.log]
    # The DCT sums the errors of all bands, and large means swallow bits.
    return (error * np.sqrt(s.filterbank_n_channels if s.mfcc_count else 1) + 2e-7 * mean) / smallest
