"""From a model's outputs to detections, as on the device. The arithmetic is in C++ (`cpp/recogniser`).

Scores are averaged over a sliding window of time. The class with the highest mean is detected when its mean is above
the threshold, its name does not start with '_', and the same class was not detected within the suppression time.
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mltk_like.errors import DataError, SettingError, ToolError

if TYPE_CHECKING:
    from mltk_like import _native

Scores = NDArray[np.uint8]
Times = NDArray[np.int64]

MAX_CLASSES = 128
MAX_RESULTS = 64
"""Results that are averaged at most: where more lie in the window, the oldest are left out."""

_HOUR_MS = 3_600_000
# Whole-number settings: (lowest, highest, unit). Both ends are allowed.
RANGES: Mapping[str, tuple[int, int, str]] = MappingProxyType(
    {
        "latency_ms": (1, _HOUR_MS, "ms"),
        "minimum_count": (0, MAX_RESULTS, "results"),
        "average_window_duration_ms": (0, _HOUR_MS, "ms"),
        "detection_threshold": (0, 255, ""),
        "suppression_ms": (0, _HOUR_MS, "ms"),
    }
)


@dataclass(frozen=True, kw_only=True)
class RecogniserSettings:
    """How scores become detections, with MLTK's names and defaults. Raises SettingError for a wrong value.

    Attributes:
        latency_ms: time from one inference to the next.
        minimum_count: results in the window below which nothing is decided; 0 decides on the latest result alone.
        average_window_duration_ms: results older than this are dropped; at most the latest 64 are averaged.
        detection_threshold: 0..255; the mean must be above it, so that 255 detects nothing.
        detection_threshold_list: one threshold for each class, in place of `detection_threshold`; empty for none.
        suppression_ms: time that must have passed before the same class is detected again.
        volume_gain: factor on the microphone's samples; 0 leaves them as they are.
        verbose_model_output_logs: the device prints the scores of every inference.
    """

    latency_ms: int = 100
    minimum_count: int = 3
    average_window_duration_ms: int = 1000
    detection_threshold: int = 185
    detection_threshold_list: tuple[int, ...] = ()
    suppression_ms: int = 1500
    volume_gain: float = 0.0
    verbose_model_output_logs: bool = False

    def __post_init__(self) -> None:
        for name, (low, high, unit) in RANGES.items():
            object.__setattr__(self, name, _whole(name, getattr(self, name), low, high, unit))
        levels = self.detection_threshold_list
        if isinstance(levels, str) or not isinstance(levels, Sequence):
            raise SettingError(f"detection_threshold_list must be a list of whole numbers, given {levels!r}")
        checked = tuple(_whole("detection_threshold_list", level, 0, 255, "") for level in levels)
        if len(checked) > MAX_CLASSES:
            raise SettingError(f"detection_threshold_list has {len(checked)} thresholds", f"{MAX_CLASSES} are possible")
        object.__setattr__(self, "detection_threshold_list", checked)
        object.__setattr__(self, "volume_gain", _gain(self.volume_gain))
        if not isinstance(self.verbose_model_output_logs, bool):
            raise SettingError(
                f"verbose_model_output_logs must be true or false, given {self.verbose_model_output_logs!r}"
            )
        if (self.minimum_count - 1) * self.latency_ms > self.average_window_duration_ms:
            raise SettingError(
                f"the recogniser would detect nothing: {self.minimum_count} results, one every {self.latency_ms} ms, "
                f"do not fit into {self.average_window_duration_ms} ms",
                f"make average_window_duration_ms at least {(self.minimum_count - 1) * self.latency_ms}",
            )

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Read a model's parameters; other keys are ignored, missing ones take their defaults. Raises SettingError."""
        return cls(**{field.name: parameters[field.name] for field in fields(cls) if field.name in parameters})

    def to_parameters(self) -> dict[str, Any]:
        """Parameters of the `.tflite`; `detection_threshold_list` only when given, a whole `volume_gain` as int."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.detection_threshold_list:
            values["detection_threshold_list"] = list(self.detection_threshold_list)
        else:
            del values["detection_threshold_list"]
        if self.volume_gain.is_integer():
            values["volume_gain"] = int(self.volume_gain)
        return values

    def copy(self, **changes: Any) -> Self:
        """The same settings with these changed. Raises SettingError."""
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise SettingError(f"the recogniser has no setting {name!r}", "known: " + ", ".join(known))
        return replace(self, **changes)


@dataclass(frozen=True, kw_only=True)
class Detection:
    """One detection.

    Attributes:
        time_ms: time of the result that led to it.
        class_index: position of the class in the model's outputs.
        label: its name.
        score: mean score of the class, 0..255.
    """

    time_ms: int
    class_index: int
    label: str
    score: int


class Recogniser:
    """Turns scores into detections; keeps the window and the last detection from call to call.

    How a stream is cut into calls changes nothing. Times must not decrease: one that does is a new beginning. An object
    serves one stream at a time; only `averages` and `sweep` leave its state alone.

    Args:
        settings: how to decide.
        classes: names in the order of the model's outputs, at most 128; those that start with '_' are never detected.

    Raises:
        SettingError: no classes, too many, or another number of thresholds than of classes.
        ToolError: the compiled module has not been built.
    """

    def __init__(self, settings: RecogniserSettings, classes: Sequence[str]) -> None:
        if not 1 <= len(classes) <= MAX_CLASSES:
            raise SettingError(f"a recogniser takes 1 to {MAX_CLASSES} classes, given {len(classes)}")
        levels = settings.detection_threshold_list or (settings.detection_threshold,) * len(classes)
        if len(levels) != len(classes):
            raise SettingError(
                f"detection_threshold_list has {len(levels)} thresholds for {len(classes)} classes",
                "give one for each class",
            )
        self.settings = settings
        self.classes = tuple(classes)
        self._core = _core(settings, levels, self.classes)

    def reset(self) -> None:
        """Forget all results and the last detection."""
        self._core.reset()

    def process(self, time_ms: int, scores: Scores) -> Detection | None:
        """Take one result, uint8 (classes,). Raises DataError for another shape or type."""
        row = _checked(np.asarray(scores)[np.newaxis], self.classes)[0]
        found = self._core.process(int(time_ms), row)
        return None if found is None else self._detection(*found)

    def detect(self, scores: Scores, times_ms: ArrayLike) -> list[Detection]:
        """Take many results, uint8 (n, classes) at int (n,) ms. Raises DataError for another shape or type."""
        return [self._detection(*found) for found in self._core.detect(*_stream(scores, times_ms, self.classes))]

    def averages(self, scores: Scores, times_ms: ArrayLike) -> tuple[Scores, NDArray[np.bool_]]:
        """Means that a fresh recogniser compares with the thresholds.

        Returns:
            Means uint8 (n, classes), and bool (n,): there were enough results to decide on.

        Raises:
            DataError: another shape or type of scores or times.
        """
        means, ready = self._core.average(*_stream(scores, times_ms, self.classes))
        return means, ready.astype(np.bool_)

    def sweep(
        self, scores: Scores, times_ms: ArrayLike, thresholds: ArrayLike, merge_ms: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What a fresh recogniser detects at each of many thresholds, the same for every class. The GIL is released.

        Args:
            scores: uint8 (n, classes).
            times_ms: int (n,).
            thresholds: int (k,), 0..255.
            merge_ms: leave out detections of any class that come no later than this after the last one that was kept;
                None keeps all.

        Returns:
            Indices into `times_ms` of the detections, one threshold after another, and (k,) where each threshold's part
            ends.

        Raises:
            DataError: another shape or type of scores or times.
            SettingError: a threshold out of range.
        """
        levels = np.asarray(thresholds)
        if levels.ndim != 1 or np.any(levels < 0) or np.any(levels > 255):
            raise SettingError("thresholds must be a list of whole numbers from 0 to 255")
        merge = -1 if merge_ms is None else int(merge_ms)
        return self._core.sweep(*_stream(scores, times_ms, self.classes), levels.astype(np.uint8), merge)

    def _detection(self, time_ms: int, class_index: int, score: int) -> Detection:
        return Detection(time_ms=time_ms, class_index=class_index, label=self.classes[class_index], score=score)


def scores_to_uint8(outputs: NDArray[Any]) -> Scores:
    """A model's outputs of any shape as scores 0..255, as the device makes them.

    int8 q -> q + 128; float p -> 255 p rounded down, below 0 and not-a-number 0, above 1 255; uint8 stays.

    Raises:
        DataError: another type.
    """
    if outputs.dtype == np.uint8:
        return outputs
    if outputs.dtype == np.int8:
        # Adding 128 is flipping the top bit.
        return outputs.view(np.uint8) ^ np.uint8(128)
    if not np.issubdtype(outputs.dtype, np.floating):
        raise DataError(f"scores cannot be made from outputs of type {outputs.dtype}", "expected int8, uint8 or float")
    probabilities = np.clip(np.nan_to_num(outputs.astype(np.float32), nan=0.0), 0.0, 1.0)
    return (probabilities * np.float32(255.0)).astype(np.uint8)


def is_detectable(label: str) -> bool:
    """True for a class that is detected; names such as '_unknown_' stand for everything else."""
    return not label.startswith("_")


def _core(settings: RecogniserSettings, levels: Sequence[int], classes: Sequence[str]) -> "_native.Recogniser":
    try:
        from mltk_like import _native
    except ImportError as error:
        raise ToolError("the compiled part of mltk_like is missing", "build it with: pip install -e .") from error
    return _native.Recogniser(
        minimum_count=settings.minimum_count,
        average_window_duration=settings.average_window_duration_ms,
        suppression=settings.suppression_ms,
        thresholds=list(levels),
        ignored=[not is_detectable(label) for label in classes],
    )


def _stream(scores: Scores, times_ms: ArrayLike, classes: Sequence[str]) -> tuple[Times, Scores]:
    times = np.ascontiguousarray(times_ms, dtype=np.int64)
    rows = _checked(np.asarray(scores), classes)
    if times.shape != rows.shape[:1]:
        raise DataError(f"{len(rows)} scores were given with times of shape {times.shape}")
    return times, rows


def _checked(scores: NDArray[Any], classes: Sequence[str]) -> Scores:
    if scores.dtype != np.uint8:
        raise DataError(f"scores must be uint8, given {scores.dtype}", "convert a model's outputs with scores_to_uint8")
    if scores.ndim != 2 or scores.shape[1] != len(classes):
        raise DataError(f"scores of shape {scores.shape} do not fit {len(classes)} classes")
    return np.ascontiguousarray(scores)


def _whole(name: str, value: Any, low: int, high: int, unit: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or not low <= number <= high:
        raise SettingError(f"{name} must be a whole number from {low} to {high} {unit}".rstrip() + f", given {value!r}")
    return number


def _gain(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1000:
        raise SettingError(
            f"volume_gain must be a number from 0 to 1000, given {value!r}", "0 leaves the samples as they are"
        )
    return float(value)
