"""Checks of the float32 front end's settings that concern several of them at once."""

import math
import struct

from mltk_like.errors import SettingError

# As in the C++: a frequency this near to a bin, in bins, counts as on it.
_NEAR = 1e-6
_LOG_STEP = math.log(6.4) / 27


def check_bands(scale: str, bands: int, *, lower_hz: float, upper_hz: float, bins_per_hz: float) -> None:
    """Every mel band holds a bin, every linear band is one below the upper limit.

    Args:
        scale: "slaney", "htk" or "linear".
        bands: how many.
        lower_hz, upper_hz: limits of all of them.
        bins_per_hz: FFT length by sample rate.

    Raises:
        SettingError: there are too many bands.
    """
    # The C++ computes from single precision.
    low, high = _single(lower_hz), _single(upper_hz)
    if scale == "linear":
        most = math.floor(high * bins_per_hz + _NEAR) - math.ceil(low * bins_per_hz - _NEAR) + 1
        if bands > most:
            raise SettingError(
                f"filterbank_n_channels is {bands} bands",
                f"use at most {most}, the FFT bins from {low:g} to {high:g} Hz",
            )
        return
    if bands > 512:
        raise SettingError(f"filterbank_n_channels is {bands} bands", "use at most 512 on a mel scale")
    edges = [edge * bins_per_hz for edge in _edges(low, high, bands, htk=scale == "htk")]
    for band in range(bands):
        if math.floor(edges[band] + _NEAR) + 1 >= edges[band + 2] - _NEAR:
            raise SettingError(
                f"filterbank_n_channels is {bands} bands: band {band}, {edges[band] / bins_per_hz:.1f} to "
                f"{edges[band + 2] / bins_per_hz:.1f} Hz, holds no FFT bin",
                f"use fewer bands or a longer window: the bins are {1 / bins_per_hz:g} Hz apart",
            )


def check_columns(
    bands: int, *, mfcc_count: int, mfcc_first: int, cascade: int, column_samples: int, clip_samples: int
) -> None:
    """The coefficients that are asked for exist, and a column fits into the clip.

    Args:
        bands: of the filter bank.
        mfcc_count, mfcc_first: coefficients that are kept of them, and the first of these; 0: the bands themselves.
        cascade: frames in a column.
        column_samples: audio that a column is made from.
        clip_samples: audio that a spectrogram covers.

    Raises:
        SettingError: they do not, or it does not.
    """
    if mfcc_count and bands > 512:
        raise SettingError(f"mfcc_count needs bands, and {bands} are too many", "use at most 512 filterbank_n_channels")
    if mfcc_count and mfcc_first + mfcc_count > bands:
        raise SettingError(
            f"mfcc_count is {mfcc_count} coefficients from {mfcc_first} on, of {bands} bands",
            f"use at most {max(bands - mfcc_first, 0)}, or more bands",
        )
    values = cascade * (mfcc_count or bands)
    if values > 65536:
        raise SettingError(f"cascade is {cascade} frames, {values} values in a column", "use at most 65536 values")
    if column_samples > clip_samples:
        raise SettingError(
            f"cascade is {cascade} frames, {column_samples} samples",
            f"use frames that fit into sample_length_ms, {clip_samples} samples",
        )


def check_each(name: str, values: tuple[float, ...], count: int) -> None:
    """None, or one for each value of a frame. Raises SettingError.

    Args:
        name: of the setting.
        values: what it is.
        count: values of a frame.
    """
    if len(values) not in (0, count):
        raise SettingError(f"{name} are {len(values)}, and a frame has {count} values", "give one for each, or none")


def check_scale(minimum: float, maximum: float) -> None:
    """The scale's ends are apart, in single precision. Raises SettingError."""
    if _single(_single(maximum) - _single(minimum)) < _single(1e-6):
        raise SettingError(
            f"scale_minimum is {minimum:g} and scale_maximum {maximum:g}",
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
