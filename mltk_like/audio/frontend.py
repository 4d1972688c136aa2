"""The audio front ends: samples in, spectrogram out. The arithmetic is in C++ (`cpp/frontend`), as on the chip."""

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from mltk_like.audio.settings import PREFIX as FIXED_PREFIX
from mltk_like.audio.settings import FrontendSettings
from mltk_like.audio.spectrum import PREFIX as FLOAT_PREFIX
from mltk_like.audio.spectrum import SpectrumSettings
from mltk_like.errors import DataError, SettingError, ToolError

if TYPE_CHECKING:
    from mltk_like._native import FrontendStreamCore, SpectrumStreamCore

AnySettings = FrontendSettings | SpectrumSettings
Samples = npt.NDArray[np.int16] | npt.NDArray[np.float32] | npt.NDArray[np.float64]
Columns = npt.NDArray[np.uint16] | npt.NDArray[np.float32]
OutputType = Literal["uint16", "float32", "int8", "uint8"]


def _native() -> ModuleType:
    try:
        import mltk_like._native as native
    except ImportError as error:
        raise ToolError("the compiled part of mltk_like is missing", "build it with: pip install -e .") from error
    return native


class Frontend:
    """Turns whole clips into spectrograms. Build it once and call it often: tables are made here and only here.

    It keeps nothing from call to call and may be used from several threads. Pickling it carries the settings only.

    Columns are uint16 with FrontendSettings and float32 with SpectrumSettings; a network gets them scaled to int8.

    Args:
        settings: what to compute.
        dtype: of the spectrograms. FrontendSettings: "uint16" (band levels), "float32" (the same numbers) or "int8"
            (scaled, for a quantised network). SpectrumSettings: "float32", "int8" or "uint8" (scaled).

    Raises:
        SettingError: unknown dtype.
        ToolError: the compiled module has not been built.
    """

    def __init__(self, settings: AnySettings, dtype: OutputType | npt.DTypeLike = "int8") -> None:
        self.settings = settings
        self.dtype = _output_type(settings, dtype)
        self._columns = np.dtype(settings.column_type)
        self._core = _core(settings)

    def __reduce__(self) -> tuple[type["Frontend"], tuple[AnySettings, str]]:
        return Frontend, (self.settings, self.dtype.name)

    def __call__(self, samples: Samples, last: int | None = None) -> npt.NDArray[Any]:
        """Spectrogram of one clip (samples,) -> (T, F), or of several (n, samples) -> (n, T, F).

        T follows from the samples given. The GIL is released. int8 is scaled over the columns that are returned.

        Args:
            samples: int16, or float in [-1, 1]: x * 32768 cut to an integer; beyond the ends and infinite values
                saturate, so +1.0 is 32767, and NaN is 0.
            last: return only so many of the last columns, as where audio in front served to settle noise reduction.

        Raises:
            DataError: not 1 or 2 dimensions, another dtype, too short for one column, or fewer than `last` columns.
        """
        clips = _as_clips(samples)
        needed = self.settings.window_samples
        if clips.shape[1] < needed:
            raise DataError(
                f"the audio has {clips.shape[1]} samples, less than one window of {needed}",
                f"give at least {-(-needed * 1000 // self.settings.sample_rate_hz)} ms of audio",
            )
        columns: Columns = self._core.columns(clips)
        if last is not None:
            if not 1 <= last <= columns.shape[1]:
                raise DataError(f"last={last} columns of {columns.shape[1]}", f"use 1 to {columns.shape[1]}")
            columns = columns[:, -last:]
        out = self.quantise(columns) if self.dtype.itemsize == 1 else columns.astype(self.dtype, copy=False)
        return out[0] if samples.ndim == 1 else out

    def stream(self) -> "FrontendStream":
        """A new stream: samples in pieces of any size, columns as they are completed."""
        return FrontendStream(self._core.stream(), self.settings)

    def quantise(self, columns: Columns) -> npt.NDArray[Any]:
        """Scale spectrograms (..., T, F) to int8, each T x F by itself; to uint8 when that is this object's type.

        FrontendSettings, static: q = (256 v + 333) // 666 - 128. Dynamic, when the settings say so: the loudest value
        becomes 127 and what is `quantize_dynamic_scale_range_db` below it -128. Both are MLTK's. SpectrumSettings:
        q = floor(255 (v - minimum) / (maximum - minimum) + 0.5), kept within 0 to 255, for uint8, and q - 128 for int8.

        Raises DataError for other types than those of the columns.
        """
        if columns.dtype != self._columns or columns.ndim < 2:
            raise DataError(
                f"cannot quantise {columns.dtype} of shape {columns.shape}", f"give {self._columns} (..., T, F)"
            )
        flat = np.ascontiguousarray(columns.reshape(-1, *columns.shape[-2:]))
        return self._of_own_type(self._core.quantise(flat)).reshape(columns.shape)

    def windows(self, columns: Columns, starts: npt.ArrayLike) -> npt.NDArray[Any]:
        """Cut windows out of a long recording's columns and quantise each: (N, F), (n,) -> (n, T, F).

        T is `settings.spectrogram_shape[0]`. The GIL is released. Raises DataError when a window reaches beyond the
        columns, or for other types and shapes.
        """
        length, bands = self.settings.spectrogram_shape
        if columns.dtype != self._columns or columns.ndim != 2 or columns.shape[1] != bands:
            raise DataError(f"columns are {columns.dtype} {columns.shape}", f"give {self._columns} (N, {bands})")
        firsts = np.ascontiguousarray(starts, np.int64)
        if firsts.ndim != 1 or (firsts.size and not 0 <= firsts.min() <= firsts.max() <= len(columns) - length):
            raise DataError(
                f"windows of {length} columns do not fit into {len(columns)}",
                f"give starts (n,) from 0 to {len(columns) - length}",
            )
        return self._of_own_type(self._core.windows(np.ascontiguousarray(columns), firsts, length))

    def _of_own_type(self, values: npt.NDArray[np.int8]) -> npt.NDArray[Any]:
        # Adding 128 to int8 is flipping the sign bit.
        return values.view(np.uint8) ^ np.uint8(128) if self.dtype == np.uint8 else values


class FrontendStream:
    """One stream of audio through the front end. Made by `Frontend.stream`; two threads that push take turns."""

    def __init__(self, core: "FrontendStreamCore | SpectrumStreamCore", settings: AnySettings) -> None:
        self.settings = settings
        self._core = core

    def push(self, samples: Samples) -> Columns:
        """Hear the next samples (k,), any number, int16 or float; returns the columns they complete, (c, F).

        However the audio is cut into pieces, the columns are those of the whole. Raises DataError as `Frontend` does.
        """
        if samples.ndim != 1:
            raise DataError(f"a stream takes samples of one dimension, not {samples.ndim}", "push one channel (k,)")
        return self._core.push(_as_clips(samples)[0])

    def reset(self) -> None:
        """Forget everything heard."""
        self._core.reset()

    def take_activity(self) -> bool:
        """Whether the activity detector has tripped since the last call or reset; False when it is not enabled."""
        return self._core.take_activity()


def has_frontend(parameters: Mapping[str, object]) -> bool:
    """Whether a `.tflite`'s parameters hold settings of a front end, of either kind."""
    return _has(FIXED_PREFIX, parameters) or _has(FLOAT_PREFIX, parameters)


def frontend_from_parameters(parameters: Mapping[str, object]) -> AnySettings:
    """The settings of either front end, from a `.tflite`'s parameters.

    Raises:
        SettingError: they hold neither `fe.*` nor `spectrum.*` settings or both, or a value is out of range.
    """
    fixed, floating = _has(FIXED_PREFIX, parameters), _has(FLOAT_PREFIX, parameters)
    if fixed and floating:
        raise SettingError(
            "these parameters hold the settings of two front ends", "keep those with 'fe.' or those with 'spectrum.'"
        )
    if not fixed and not floating:
        raise SettingError(
            "these parameters hold no front-end settings", "their names begin with 'fe.' or with 'spectrum.'"
        )
    return SpectrumSettings.from_parameters(parameters) if floating else FrontendSettings.from_parameters(parameters)


def _has(prefix: str, parameters: Mapping[str, object]) -> bool:
    return any(name.startswith(prefix) for name in parameters)


def _core(settings: AnySettings) -> Any:
    if isinstance(settings, FrontendSettings):
        return _native().FrontendCore(settings)
    try:
        return _native().SpectrumCore(settings)
    except ValueError as error:  # two values that differ, but not in single precision
        raise SettingError(f"the front end cannot use these settings: {error}", "change them a little") from error


def _output_type(settings: AnySettings, dtype: OutputType | npt.DTypeLike) -> np.dtype[Any]:
    names = ("uint16", "float32", "int8") if isinstance(settings, FrontendSettings) else ("float32", "int8", "uint8")
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found.name not in names:
        listed = f"'{names[0]}', '{names[1]}' or '{names[2]}'"
        raise SettingError(f"the front end has no output type {dtype!r}", f"use {listed}")
    return found


def _as_clips(samples: Samples) -> npt.NDArray[np.int16]:
    if samples.ndim not in (1, 2):
        raise DataError(f"audio has {samples.ndim} dimensions", "give (samples,) or (n, samples)")
    clips = np.ascontiguousarray(np.atleast_2d(samples))
    if clips.dtype == np.int16:
        return clips
    if clips.dtype in (np.float32, np.float64):
        converted: npt.NDArray[np.int16] = _native().samples_to_int16(clips)
        return converted
    raise DataError(f"audio is {clips.dtype}", "give int16 samples, or float in [-1, 1]")
