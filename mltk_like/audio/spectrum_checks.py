"""Checks of the float32 front end's settings that concern several of them at once."""

import math
import struct
from typing import TYPE_CHECKING

from mltk_like.errors import SettingError

if TYPE_CHECKING:
    from mltk_like.audio.spectrum import SpectrumSettings

# As in the C++: a frequency this near to a bin, in bins, counts as on it.
_NEAR = 1e-6
_LOG_STEP = math.log(6.4) / 27


def check_bands(s: "SpectrumSettings") -> None:
    """Every mel band holds a bin, every linear band is one below the upper limit. Raises SettingError."""
    bins_per_hz = s.fft_length / s.sample_rate_hz
    # The C++ computes from single precision.
    low, high = _single(s.filterbank_lower_band_limit), _single(s.filterbank_upper_band_limit)
    bands = s.filterbank_n_channels
    if s.filterbank_scale == "linear":
        most = math.floor(high * bins_per_hz + _NEAR) - math.ceil(low * bins_per_hz - _NEAR) + 1
        if bands > most:
            raise SettingError(
                f"filterbank_n_channels is {bands} bands",
                f"use at most {most}, the FFT bins from {low:g} to {high:g} Hz",
            )
        return
    if bands > 512:
        raise SettingError(f"filterbank_n_channels is {bands} bands", "use at most 512 on a mel scale")
    edges = [edge * bins_per_hz for edge in _edges(low, high, bands, htk=s.filterbank_scale == "htk")]
    for band in range(bands):
        if math.floor(edges[band] + _NEAR) + 1 >= edges[band + 2] - _NEAR:
            raise SettingError(
                f"filterbank_n_channels is {bands} bands: band {band}, {edges[band] / bins_per_hz:.1f} to "
                f"{edges[band + 2] / bins_per_hz:.1f} Hz, holds no FFT bin",
                f"use fewer bands or a longer window: the bins are {1 / bins_per_hz:g} Hz apart",
            )


def check_columns(s: "SpectrumSettings") -> None:
    """The coefficients that are asked for exist, and a column fits into the clip. Raises SettingError."""
    bands = s.filterbank_n_channels
    if s.mfcc_count and bands > 512:
        raise SettingError(f"mfcc_count needs bands, and {bands} are too many", "use at most 512 filterbank_n_channels")
    if s.mfcc_count and s.mfcc_first + s.mfcc_count > bands:
        raise SettingError(
            f"mfcc_count is {s.mfcc_count} coefficients from {s.mfcc_first} on, of {bands} bands",
            f"use at most {max(bands - s.mfcc_first, 0)}, or more bands",
        )
    values = s.cascade * (s.mfcc_count or bands)
    if values > 65536:
        raise SettingError(f"cascade is {s.cascade} frames, {values} values in a column", "use at most 65536 values")
    if s.window_samples > s.sample_length:
        raise SettingError(
            f"cascade is {s.cascade} frames, {s.window_samples} samples",
            f"use frames that fit into sample_length_ms, {s.sample_length} samples",
        )


def check_scale(s: "SpectrumSettings") -> None:
    """The scale's ends are apart, in single precision. Raises SettingError."""
    if _single(_single(s.scale_maximum) - _single(s.scale_minimum)) < _single(1e-6):
        raise SettingError(
            f"scale_minimum is {s.scale_minimum:g} and scale_maximum {s.scale_maximum:g}",
            "use a maximum that is more than the minimum by 1e-6 at least, in single precision",
        )


def _single(value: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


def _edges(low: float, high: float, bands: int, *, htk: bool) -> list[float]:
    """Edges of mel bands in Hz: band i rises from edge i to i + 1 and falls to i + 2. Scales as in the C++."""
    first, last = _to_mels(low, htk=htk), _to_mels(high, htk=htk)
    spacing = (last - first) / (bands + 1)
    return [low, *(_to_hz(first + i * spacing, htk=htk) for i in range(1, bands + 1)), high]


def _to_mels(hz: float, *, htk: bool) -> float:
    if htk:
        return 2595 * math.log10(1 + hz / 700)
    return hz * 3 / 200 if hz < 1000 else 15 + math.log(hz / 1000) / _LOG_STEP


def _to_hz(mels: float, *, htk: bool) -> float:
    if htk:
        return 700 * (10 ** (mels / 2595) - 1)
    return mels * 200 / 3 if mels < 15 else 1000 * math.exp(_LOG_STEP * (mels - 15))
