"""Checks that the settings of both front ends share: types and ranges of values, frames, limits of the bands."""

import dataclasses
import difflib
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeVar

from mltk_like.errors import SettingError

Value = bool | int | float | str | tuple[float, ...]
Ranges = Mapping[str, tuple[float, float, str]]
"""Setting: (lowest, highest, unit). Both ends are allowed."""
Choices = Mapping[str, tuple[str, ...]]
"""Setting: the texts that it may be."""
_ENDLESS = 10**300  # whole numbers beyond this are no floating point
_SettingsT = TypeVar("_SettingsT", bound="_FrameSettings")


class _FrameSettings(Protocol):
    """What the settings of both front ends have."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def sample_rate_hz(self) -> int: ...
    @property
    def sample_length_ms(self) -> int: ...
    @property
    def window_size_ms(self) -> int: ...
    @property
    def window_step_ms(self) -> int: ...
    @property
    def filterbank_lower_band_limit(self) -> float: ...
    @property
    def filterbank_upper_band_limit(self) -> float: ...
    @property
    def fft_length(self) -> int: ...


def check_values(settings: _FrameSettings, ranges: Ranges, choices: Choices = MappingProxyType({})) -> None:
    """Check every field's type and range, and store whole numbers as floats where floats are meant.

    Raises:
        SettingError: names the field, and what it may be.
    """
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name in choices:
            checked: Value = _choice(field.name, value, choices[field.name])
        elif isinstance(field.default, bool):
            checked = _flag(field.name, value, field.default)
        elif isinstance(field.default, tuple):
            checked = _numbers(field.name, value, ranges[field.name])
        else:
            checked = _number(field.name, value, field.default, ranges[field.name])
        object.__setattr__(settings, field.name, checked)


def _choice(name: str, value: object, names: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in names:
        return value
    listed = ", ".join(f"'{each}'" for each in names)
    raise SettingError(f"{name} is {value!r}", f"use one of {listed}")


def _flag(name: str, value: object, default: bool) -> bool:
    if isinstance(value, bool):
        return value
    raise SettingError(f"{name} must be true or false, not {value!r}", f"the default is {default}")


def _numbers(name: str, values: object, allowed: tuple[float, float, str]) -> tuple[float, ...]:
    if not isinstance(values, tuple | list):
        raise SettingError(f"{name} must be a list of numbers, not {values!r}", "the default is none")
    return tuple(float(_number(f"{name}[{place}]", value, 0.0, allowed)) for place, value in enumerate(values))


def _number(name: str, value: object, default: object, allowed: tuple[float, float, str]) -> int | float:
    whole = isinstance(default, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        kind = "a whole number" if whole else "a number"
        raise SettingError(f"{name} must be {kind}, not {value!r}", f"the default is {default}")
    low, high, unit = allowed
    if not low <= value <= high:  # also refuses NaN
        given = f"{value:g}" if isinstance(value, float) or abs(value) < _ENDLESS else "an endless number of"
        raise SettingError(f"{name} is {given} {unit}".rstrip(), f"use {low:g} to {high:g} {unit}".rstrip())
    return value if whole else float(value)


def check_frames(s: _FrameSettings) -> None:
    """Frames of 16 to 8192 samples, within the clip, without gaps between them. Raises SettingError."""
    if s.window_size_ms > s.sample_length_ms:
        raise SettingError(
            f"window_size_ms is {s.window_size_ms} ms, longer than the clip",
            f"use at most sample_length_ms, {s.sample_length_ms} ms",
        )
    if s.window_step_ms > s.window_size_ms:
        raise SettingError(
            f"window_step_ms is {s.window_step_ms} ms, so audio between two windows would not be heard",
            f"use 1 to {s.window_size_ms} ms, the length of a window",
        )
    samples = s.window_size_ms * s.sample_rate_hz // 1000
    if not 16 <= samples <= 8192:
        low, high = math.ceil(16_000 / s.sample_rate_hz), 8_192_000 // s.sample_rate_hz
        raise SettingError(
            f"window_size_ms is {s.window_size_ms} ms, {samples} samples",
            f"use {low} to {high} ms at {s.sample_rate_hz} Hz: 16 to 8192 samples",
        )


def check_limits(s: _FrameSettings) -> None:
    """The bands' limits in order and at most half the sample rate. Raises SettingError."""
    low, high, nyquist = s.filterbank_lower_band_limit, s.filterbank_upper_band_limit, s.sample_rate_hz / 2
    if high > nyquist:
        raise SettingError(
            f"filterbank_upper_band_limit is {high:g} Hz", f"use at most half the sample rate, {nyquist:g} Hz"
        )
    if low >= high:
        raise SettingError(
            f"filterbank_lower_band_limit is {low:g} Hz", f"use less than filterbank_upper_band_limit, {high:g} Hz"
        )


def changed(settings: _SettingsT, changes: Mapping[str, Any]) -> _SettingsT:
    """The settings with some changed. Raises SettingError for unknown names and values out of range."""
    names = [field.name for field in dataclasses.fields(settings)]
    for name in changes:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"the settings are {', '.join(names)}"
            raise SettingError(f"unknown front-end setting '{name}'", hint)
    return dataclasses.replace(settings, **changes)


def from_prefixed(cls: type[_SettingsT], prefix: str, parameters: Mapping[str, object]) -> _SettingsT:
    """Settings from the parameters that begin with `prefix`; what is missing has its default.

    Raises:
        SettingError: there is none at all, a value is out of range, or `fft_length` contradicts the window.
    """
    found: dict[str, Any] = {
        field.name: parameters[prefix + field.name]
        for field in dataclasses.fields(cls)
        if prefix + field.name in parameters
    }
    if not found:
        raise SettingError("these parameters hold no front-end settings", f"their names begin with '{prefix}'")
    settings = cls(**found)
    stored = parameters.get(prefix + "fft_length", settings.fft_length)
    if stored != settings.fft_length:
        raise SettingError(
            f"{prefix}fft_length is {stored}, but the window needs {settings.fft_length}",
            "only the smallest power of 2 that holds the window is supported",
        )
    return settings
