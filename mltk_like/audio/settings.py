"""Settings of the audio front end, with MLTK's names, types and defaults. Needs no compiled code."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal

from mltk_like.audio.checks import Ranges, changed, check_frames, check_limits, check_values, from_prefixed
from mltk_like.errors import SettingError

PREFIX = "fe."

RANGES: Ranges = MappingProxyType(
    {
        "sample_rate_hz": (1000, 192_000, "Hz"),
        "sample_length_ms": (1, 3_600_000, "ms"),
        "window_size_ms": (1, 1000, "ms"),
        "window_step_ms": (1, 1000, "ms"),
        "filterbank_n_channels": (1, 512, "bands"),
        "filterbank_upper_band_limit": (1, 96_000, "Hz"),
        "filterbank_lower_band_limit": (0, 96_000, "Hz"),
        "noise_reduction_smoothing_bits": (0, 16, "bits"),
        "noise_reduction_even_smoothing": (0, 1, ""),
        "noise_reduction_odd_smoothing": (0, 1, ""),
        "noise_reduction_min_signal_remaining": (0, 1, ""),
        "pcan_strength": (0, 10, ""),
        "pcan_offset": (0.001, 1e6, ""),
        "pcan_gain_bits": (1, 31, "bits"),
        "log_scale_shift": (0, 11, "bits"),
        "activity_detection_alpha_a": (0, 1, ""),
        "activity_detection_alpha_b": (0, 1, ""),
        "activity_detection_arm_threshold": (0, 7.99, ""),
        "activity_detection_trip_threshold": (0, 7.99, ""),
        "dc_notch_filter_coefficient": (0, 0.9999, ""),
        "quantize_dynamic_scale_range_db": (1, 200, "dB"),
    }
)
"""Number: (lowest, highest, unit)."""


@dataclass(frozen=True, kw_only=True)
class FrontendSettings:
    """What the front end does to 16-bit mono audio. Every value is checked; SettingError names the one that is wrong.

    Stages, in order: DC notch, Hann window, FFT, mel filter bank with square root, activity detection, noise reduction,
    PCAN gain (per-channel amplitude normalisation, https://arxiv.org/abs/1607.05666), log, and int8 scaling.

    Attributes:
        sample_rate_hz: samples per second of the audio.
        sample_length_ms: length of the audio that one spectrogram covers.
        window_size_ms: length of one frame; the FFT length is the next power of 2 in samples.
        window_step_ms: from one frame to the next; at most the window.
        filterbank_n_channels: mel bands F in each column.
        filterbank_upper_band_limit: where the highest band ends, in Hz; at most half the sample rate.
        filterbank_lower_band_limit: where the lowest band begins, in Hz.
        noise_reduction_enable: subtract a running estimate of each band's level.
        noise_reduction_smoothing_bits: fraction bits of the estimate.
        noise_reduction_even_smoothing: share of a new column in the estimate, bands 0, 2, ...
        noise_reduction_odd_smoothing: the same for bands 1, 3, ...
        noise_reduction_min_signal_remaining: share of a band's level that always stays.
        pcan_enable: divide by a power of the noise estimate; needs noise reduction.
        pcan_strength: that power.
        pcan_offset: added to the noise estimate first.
        pcan_gain_bits: fraction bits of the gain.
        log_scale_enable: output ln(level) * 2^shift.
        log_scale_shift: that shift.
        activity_detection_enable: watch for a rise of the level (the columns stay as they are).
        activity_detection_alpha_a: share of the past in the fast average of the level.
        activity_detection_alpha_b: the same for the slow average.
        activity_detection_arm_threshold: fast / slow below which the detector arms.
        activity_detection_trip_threshold: fast / slow above which it then trips.
        dc_notch_filter_enable: remove the constant part of the signal.
        dc_notch_filter_coefficient: pole k of (1 - z^-1) / (1 - k z^-1).
        quantize_dynamic_scale_enable: scale int8 to the loudest value of each spectrogram.
        quantize_dynamic_scale_range_db: what lies this far below the loudest value, or further, becomes -128.
    """

    sample_rate_hz: int = 16000
    sample_length_ms: int = 1000
    window_size_ms: int = 25
    window_step_ms: int = 10
    filterbank_n_channels: int = 32
    filterbank_upper_band_limit: float = 7500.0
    filterbank_lower_band_limit: float = 125.0
    noise_reduction_enable: bool = False
    noise_reduction_smoothing_bits: int = 10
    noise_reduction_even_smoothing: float = 0.025
    noise_reduction_odd_smoothing: float = 0.06
    noise_reduction_min_signal_remaining: float = 0.05
    pcan_enable: bool = False
    pcan_strength: float = 0.95
    pcan_offset: float = 80.0
    pcan_gain_bits: int = 21
    log_scale_enable: bool = True
    log_scale_shift: int = 6
    activity_detection_enable: bool = False
    activity_detection_alpha_a: float = 0.5
    activity_detection_alpha_b: float = 0.8
    activity_detection_arm_threshold: float = 0.75
    activity_detection_trip_threshold: float = 0.8
    dc_notch_filter_enable: bool = False
    dc_notch_filter_coefficient: float = 0.95
    quantize_dynamic_scale_enable: bool = False
    quantize_dynamic_scale_range_db: float = 40.0

    def __post_init__(self) -> None:
        check_values(self, RANGES)
        check_frames(self)
        check_limits(self)
        _check_bands(self)
        _check_pcan(self)

    @property
    def column_type(self) -> Literal["uint16"]:
        """NumPy's name for the type of a column's values."""
        return "uint16"

    @property
    def sample_length(self) -> int:
        """Samples in one spectrogram's audio."""
        return self.sample_length_ms * self.sample_rate_hz // 1000

    @property
    def window_samples(self) -> int:
        """Samples in one frame."""
        return self.window_size_ms * self.sample_rate_hz // 1000

    @property
    def step_samples(self) -> int:
        """Samples from one frame to the next."""
        return self.window_step_ms * self.sample_rate_hz // 1000

    @property
    def fft_length(self) -> int:
        """Smallest power of 2 that holds a window."""
        return 1 << (self.window_samples - 1).bit_length()

    @property
    def spectrogram_shape(self) -> tuple[int, int]:
        """(T, F): columns in `sample_length_ms` of audio, and bands."""
        return (self.sample_length - self.window_samples) // self.step_samples + 1, self.filterbank_n_channels

    def copy(self, **changes: bool | int | float) -> "FrontendSettings":
        """These settings with some changed. Raises SettingError for unknown names and values out of range."""
        return changed(self, changes)

    def to_parameters(self) -> dict[str, bool | int | float]:
        """The 28 `fe.*` parameters of a `.tflite`, in MLTK's order."""
        parameters: dict[str, bool | int | float] = {}
        for field in fields(self):
            parameters[PREFIX + field.name] = getattr(self, field.name)
            if field.name == "sample_rate_hz":
                parameters[PREFIX + "fft_length"] = self.fft_length
        return parameters

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> "FrontendSettings":
        """The settings that a `.tflite`'s parameters hold; keys that do not begin with `fe.` are left alone.

        A setting that is missing has its default. Raises SettingError when there is none at all, when a value is out of
        range, or when `fe.fft_length` contradicts the window.
        """
        return from_prefixed(cls, PREFIX, parameters)


def _check_bands(s: FrontendSettings) -> None:
    low, high = s.filterbank_lower_band_limit, s.filterbank_upper_band_limit
    # A band spans two spacings of band centres: with more bands than this, most would hold no FFT bin.
    most = int(2 * (high - low) * s.fft_length / s.sample_rate_hz)
    if s.filterbank_n_channels > most:
        raise SettingError(
            f"filterbank_n_channels is {s.filterbank_n_channels} bands",
            f"use at most {most}, two for each FFT bin between {low:g} and {high:g} Hz, or a longer window",
        )


def _check_pcan(s: FrontendSettings) -> None:
    if not s.pcan_enable:
        return
    if not s.noise_reduction_enable:
        raise SettingError(
            "pcan_enable needs noise_reduction_enable, whose noise estimate sets the gain",
            "set noise_reduction_enable=True",
        )
    # The estimate and the gain lose the bits that the FFT length brings; both must have them.
    correction = s.fft_length.bit_length() - 1 - 6
    if s.noise_reduction_smoothing_bits < correction:
        raise SettingError(
            f"noise_reduction_smoothing_bits is {s.noise_reduction_smoothing_bits} bits",
            f"use at least {correction} bits with PCAN and an FFT of {s.fft_length}",
        )
    if s.pcan_gain_bits < correction + 12:
        raise SettingError(
            f"pcan_gain_bits is {s.pcan_gain_bits} bits",
            f"use at least {correction + 12} bits with an FFT of {s.fft_length}",
        )
