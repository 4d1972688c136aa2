"""Settings of the float32 front end: log spectra, mel bands and MFCC. Needs no compiled code."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal

from mltk_like.audio.checks import Choices, Ranges, changed, check_frames, check_limits, check_values, from_prefixed
from mltk_like.audio.spectrum_checks import check_bands, check_columns, check_each, check_scale

PREFIX = "spectrum."

RANGES: Ranges = MappingProxyType(
    {
        "sample_rate_hz": (1000, 192_000, "Hz"),
        "sample_length_ms": (1, 3_600_000, "ms"),
        "window_size_ms": (1, 1000, "ms"),
        "window_step_ms": (1, 1000, "ms"),
        "pre_emphasis": (0.0, 1.0, ""),
        "power": (1, 2, ""),
        "filterbank_n_channels": (1, 4097, "bands"),
        "filterbank_lower_band_limit": (0, 96_000, "Hz"),
        "filterbank_upper_band_limit": (1, 96_000, "Hz"),
        "log_floor": (1e-30, 1e10, ""),
        "mfcc_count": (0, 512, "coefficients"),
        "mfcc_first": (0, 511, ""),
        "cascade": (1, 256, "frames"),
        "mean": (-1e9, 1e9, ""),
        "std": (0.001, 1e9, ""),
        "means": (-1e9, 1e9, ""),
        "stds": (0.001, 1e9, ""),
        "scale_minimum": (-1e9, 1e9, ""),
        "scale_maximum": (-1e9, 1e9, ""),
    }
)
"""Number: (lowest, highest, unit)."""
CHOICES: Choices = MappingProxyType(
    {
        "sample_scale": ("unit", "int16"),
        "window_function": ("hann", "hamming"),
        "filterbank_scale": ("slaney", "htk", "linear"),
        "filterbank_triangles": ("hz", "mel"),
        "log": ("none", "ln", "log1p", "db"),
    }
)
"""Text: what it may be."""


@dataclass(frozen=True, kw_only=True)
class SpectrumSettings:
    """What the float32 front end does to 16-bit mono audio. Every value is checked; SettingError names the wrong one.

    Stages, in order: pre-emphasis, the frame's mean, window, FFT, magnitude or power, filter bank, log, DCT,
    (x - mean) / std, and stacking of frames.

    Attributes:
        sample_rate_hz: samples per second of the audio.
        sample_length_ms: length of the audio that one spectrogram covers.
        window_size_ms: length of one frame; the FFT length is the next power of 2 in samples.
        window_step_ms: from one frame to the next; at most the window.
        sample_scale: "unit": samples count as -1..1; "int16": as -32768..32767.
        pre_emphasis: c of x[n] - c x[n-1], with 0 before the stream's first sample; 0: none.
        remove_mean: subtract each frame's mean first.
        window_function: "hann" or "hamming".
        window_periodic: the window's period is the frame (as for FFTs), not a sample less (symmetric).
        power: 1: magnitude of each bin, 2: its square.
        filterbank_scale: "slaney" or "htk": triangular bands on that mel scale; "linear": FFT bins as they are.
        filterbank_triangles: what the bands' sides are straight over: "hz" (librosa) or "mel" (HTK, TensorFlow, Kaldi).
        filterbank_normalize: mel bands of equal area (Slaney's) instead of equal height; linear bands have none.
        filterbank_n_channels: bands; for "linear", bins from the lower limit on.
        filterbank_lower_band_limit: where the lowest band begins, in Hz.
        filterbank_upper_band_limit: where the highest band ends, in Hz; at most half the sample rate.
        log: "none", "ln": ln x, "log1p": ln(1 + x), "db": 10 log10 of the power, 20 log10 of the magnitude.
        log_floor: smaller x count as this, for "ln" and "db".
        mfcc_count: coefficients kept of the orthonormal DCT-II over the bands; 0: no DCT, the bands themselves.
        mfcc_first: the first that is kept.
        cascade: frames stacked in one column, oldest first.
        cascade_slide: a column for each new frame; else for each `cascade` new frames.
        mean: subtracted from every value.
        std: every value is then divided by it.
        means: a mean for each value of a frame (band or coefficient), in place of `mean`; none: `mean` for all.
        stds: the same for `std`. A training with `standardize = True` measures both.
        scale_minimum: what becomes 0 in uint8 and -128 in int8, after mean and std.
        scale_maximum: what becomes 255 in uint8 and 127 in int8.
    """

    sample_rate_hz: int = 16000
    sample_length_ms: int = 1000
    window_size_ms: int = 25
    window_step_ms: int = 10
    sample_scale: Literal["unit", "int16"] = "unit"
    pre_emphasis: float = 0.0
    remove_mean: bool = False
    window_function: Literal["hann", "hamming"] = "hann"
    window_periodic: bool = True
    power: int = 2
    filterbank_scale: Literal["slaney", "htk", "linear"] = "slaney"
    filterbank_triangles: Literal["hz", "mel"] = "hz"
    filterbank_normalize: bool = True
    filterbank_n_channels: int = 40
    filterbank_lower_band_limit: float = 20.0
    filterbank_upper_band_limit: float = 7600.0
    log: Literal["none", "ln", "log1p", "db"] = "db"
    log_floor: float = 1e-10
    mfcc_count: int = 0
    mfcc_first: int = 0
    cascade: int = 1
    cascade_slide: bool = True
    mean: float = 0.0
    std: float = 1.0
    means: tuple[float, ...] = ()
    stds: tuple[float, ...] = ()
    scale_minimum: float = -80.0
    scale_maximum: float = 20.0

    def __post_init__(self) -> None:
        check_values(self, RANGES, CHOICES)
        check_frames(self)
        check_limits(self)
        check_bands(
            self.filterbank_scale,
            self.filterbank_n_channels,
            lower_hz=self.filterbank_lower_band_limit,
            upper_hz=self.filterbank_upper_band_limit,
            bins_per_hz=self.fft_length / self.sample_rate_hz,
        )
        check_columns(
            self.filterbank_n_channels,
            mfcc_count=self.mfcc_count,
            mfcc_first=self.mfcc_first,
            cascade=self.cascade,
            column_samples=self.window_samples,
            clip_samples=self.sample_length,
        )
        check_each("means", self.means, self.frame_values)
        check_each("stds", self.stds, self.frame_values)
        check_scale(self.scale_minimum, self.scale_maximum)

    @property
    def column_type(self) -> Literal["float32"]:
        """NumPy's name for the type of a column's values."""
        return "float32"

    @property
    def sample_length(self) -> int:
        """Samples in one spectrogram's audio."""
        return self.sample_length_ms * self.sample_rate_hz // 1000

    @property
    def frame_samples(self) -> int:
        """Samples in one frame."""
        return self.window_size_ms * self.sample_rate_hz // 1000

    @property
    def hop_samples(self) -> int:
        """Samples from one frame to the next."""
        return self.window_step_ms * self.sample_rate_hz // 1000

    @property
    def window_samples(self) -> int:
        """Samples that one column is made from: a frame, or all that are stacked in it."""
        return self.frame_samples + (self.cascade - 1) * self.hop_samples

    @property
    def step_samples(self) -> int:
        """Samples from one column to the next."""
        return self.hop_samples * (1 if self.cascade_slide else self.cascade)

    @property
    def fft_length(self) -> int:
        """Smallest power of 2 that holds a frame."""
        return 1 << (self.frame_samples - 1).bit_length()

    @property
    def frame_values(self) -> int:
        """Values of one frame: bands or coefficients."""
        return self.mfcc_count or self.filterbank_n_channels

    @property
    def spectrogram_shape(self) -> tuple[int, int]:
        """(T, F): columns in `sample_length_ms` of audio, and values of a column: bands or coefficients, stacked."""
        columns = (self.sample_length - self.window_samples) // self.step_samples + 1
        return columns, self.cascade * self.frame_values

    def copy(self, **changes: bool | int | float | str | tuple[float, ...]) -> "SpectrumSettings":
        """These settings with some changed. Raises SettingError for unknown names and values out of range."""
        return changed(self, changes)

    def to_parameters(self) -> dict[str, bool | int | float | str | list[float]]:
        """The `spectrum.*` parameters of a `.tflite`: every setting but empty lists, and `spectrum.fft_length`."""
        values = {PREFIX + field.name: getattr(self, field.name) for field in fields(self)}
        parameters = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items() if v != ()}
        return {**parameters, PREFIX + "fft_length": self.fft_length}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> "SpectrumSettings":
        """The settings that a `.tflite`'s parameters hold; keys that do not begin with `spectrum.` are left alone.

        A setting that is missing has its default. Raises SettingError when there is none at all, when a value is out of
        range, or when `spectrum.fft_length` contradicts the window.
        """
        return from_prefixed(cls, PREFIX, parameters)
