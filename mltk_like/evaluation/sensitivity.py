"""The threshold, and where wished the rest of the recogniser, for a given number of false accepts an hour."""

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.errors import CheckError, DataError, SettingError
from mltk_like.evaluation.judge import ScoredTests
from mltk_like.evaluation.weighing import SYNTHETIC, weighed, weighs
from mltk_like.metrics import OperatingPoint, StreamCurve, curve_of, misses_at

FREE = ("average_window_duration_ms", "minimum_count", "suppression_ms")
"""Settings that a search may change besides the threshold."""

LEVELS: Mapping[str, float] = MappingProxyType({"low": 0.2, "medium": 1.0, "high": 4.0})
"""Named sensitivities: the rate of each, as a multiple of the target."""

_WINDOW_FACTORS = (0.5, 0.75, 1.0, 1.5, 2.0)
_COUNTS = (1, 2, 3, 4)
_SUPPRESSION_FACTORS = (0.5, 1.0, 1.5, 2.0)

_EVEN = 128  # below this score the net itself takes something else to be likelier


@dataclass(frozen=True, kw_only=True)
class Level:
    """A named sensitivity and what was measured at it.

    Attributes:
        name: 'low', 'medium' or 'high'.
        threshold: 0..254.
        points: by condition; the false accepts are the same in all.
    """

    name: str
    threshold: int
    points: Mapping[str, OperatingPoint]

    @property
    def point(self) -> OperatingPoint:
        """Of the first condition: 'clean'."""
        return next(iter(self.points.values()))


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What a search found.

    Attributes:
        target: false accepts an hour that were asked for.
        recogniser: the settings, with the threshold of the level 'medium'.
        levels: those that were reached, from low to high; 'medium' is among them.
        hours: of negatives.
        positives: clips in each condition.
        tried: settings of the recogniser, each at 255 thresholds.
        weighed: a false accept by a synthetic voice counted a quarter, see `weighing`. The rates are of all alike.
    """

    target: float
    recogniser: RecogniserSettings
    levels: tuple[Level, ...]
    hours: float
    positives: int
    tried: int
    weighed: bool = False

    def to_parameters(self) -> dict[str, Any]:
        """Parameters of the `.tflite`: those of the recogniser that the search may set, and the levels' figures.

        The measured ones are `sensitivity.<level>.detection_threshold`, `.false_accepts_per_hour`,
        `.false_accepts_per_hour_upper` (end of the 95 % interval) and `.misses_percent` or, in noise,
        `.misses_percent_10_db`; a level that was not reached has none.
        """
        own = self.recogniser
        values: dict[str, Any] = {"detection_threshold": own.detection_threshold}
        values |= {name: getattr(own, name) for name in FREE}
        values |= {"sensitivity.hours": round(self.hours, 3), "sensitivity.positives": self.positives}
        for level in self.levels:
            key = f"sensitivity.{level.name}"
            values[f"{key}.detection_threshold"] = level.threshold
            values[f"{key}.false_accepts_per_hour"] = round(level.point.false_accepts_per_hour, 3)
            values[f"{key}.false_accepts_per_hour_upper"] = round(level.point.false_accepts_per_hour_interval_95[1], 3)
            for name, point in level.points.items():
                if point.positives:
                    suffix = "" if name == "clean" else "_" + name.replace(" ", "_").lower()
                    values[f"{key}.misses_percent{suffix}"] = round(100 * point.misses_fraction, 2)
        return values

    def in_place_of(self, old: Mapping[str, Any]) -> dict[str, Any]:
        """A model's parameters with these; what an earlier search left, and a list of thresholds, must go."""
        kept = {
            name: value
            for name, value in old.items()
            if not name.startswith("sensitivity.") and name != "detection_threshold_list"
        }
        return {**kept, **self.to_parameters()}

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "target_false_accepts_per_hour": self.target,
            "parameters": self.to_parameters(),
            "tried": self.tried,
            "weighed": self.weighed,
            "levels": {
                level.name: {name: point.to_dict() for name, point in level.points.items()} for level in self.levels
            },
        }

    def __str__(self) -> str:
        own = self.recogniser
        lines = [
            f"at most {self.target:g} false accepts an hour, {self.hours:.2f} h heard, {self.tried} settings tried:",
            f"detection_threshold={own.detection_threshold}, "
            + ", ".join(f"{name}={getattr(own, name)}" for name in FREE),
            "sensitivity  threshold  false accepts/h (95 % below)  misses",
        ]
        for level in self.levels:
            point = level.point
            rate = f"{point.false_accepts_per_hour:.2f} ({point.false_accepts_per_hour_interval_95[1]:.2f})"
            missed = ", ".join(
                f"{100 * p.misses_fraction:.1f} % {name}" for name, p in level.points.items() if p.positives
            )
            lines.append(f"{level.name:11}  {level.threshold:9}  {rate:28}  {missed or 'not measured'}")
        lines += [f"{name:11}  not reached" for name in LEVELS if name not in [level.name for level in self.levels]]
        if self.weighed:
            lines.append(
                f"a false accept by a synthetic voice counted {SYNTHETIC:g} of one in a recording against the target"
            )
        if self.target * self.hours < 1:
            lines.append("less than one event in the hours heard: only the bound was measured, not the rate")
        return "\n".join(lines)


def find_sensitivity(
    scored: ScoredTests,
    settings: RecogniserSettings,
    target: float,
    *,
    free: Collection[str] = (),
    merge_ms: int | None = None,
) -> Sensitivity:
    """The settings with the fewest misses at no more than `target` false accepts an hour, over all 255 thresholds.

    Misses count in every condition alike. Where several settings miss as few, the first tried wins: those of the model
    come first, then those next to them. A suppression time that is free is paid for by a
    second call within it not being heard, which no figure here shows.

    Args:
        scored: scores of the model.
        settings: the model's own; `latency_ms` is never changed.
        target: false accepts an hour.
        free: names of `FREE` that may be changed.
        merge_ms: false accepts no later than this after a counted one are part of it; none: the model's own suppression
            time, whatever suppression time is tried.

    Raises:
        SettingError: the target is not above 0, or something is free that cannot be.
        DataError: there are no negatives; without positives, they limit no threshold.
        CheckError: no setting reaches the target, or only by missing every word.
    """
    if not 0 < target < float("inf"):
        raise SettingError(f"a target of {target:g} false accepts an hour", "give more than 0, for example 0.5")
    for name in free:
        if name not in FREE:
            raise SettingError(f"{name!r} cannot be searched for", "free are: " + ", ".join(FREE))
    if scored.hours <= 0:
        raise DataError("a target of false accepts needs sound without the word", "give --negatives DIR")
    merge = settings.suppression_ms if merge_ms is None else merge_ms
    best: tuple[float, RecogniserSettings, _Tried] | None = None
    tried = 0
    for candidate, found in _curves(scored, settings, free, merge):
        tried += 1
        misses = _misses(found, target)
        if misses is not None and (best is None or misses < best[0] - 1e-12):
            best = misses, candidate, found
    if best is None:
        raise CheckError(
            f"no setting of {tried} reaches {target:g} false accepts an hour"
            + (" and still hears the word" if scored.tests.clips else ""),
            "nothing was written; allow more, or train with more sound like that it fires on",
        )
    result = _sensitivity(scored, target, best[1], best[2], tried)
    if not scored.tests.clips and result.recogniser.detection_threshold < _EVEN:
        raise DataError(
            "nothing says how high the threshold must be: no word was given, and no other sound comes near one",
            "add --positives DIR, or more sound without the word",
        )
    return result


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """What one setting of the recogniser does at each threshold.

    Attributes:
        curves: by condition.
        weighed: false accepts, each as it counts.
    """

    curves: Mapping[str, StreamCurve]
    weighed: NDArray[np.float64]

    def at(self, rate: float) -> dict[str, OperatingPoint | None]:
        """The point of each condition for false accepts an hour; None where none is reached."""
        return {name: misses_at(curve, rate, self.weighed) for name, curve in self.curves.items()}


def _sensitivity(
    scored: ScoredTests, target: float, settings: RecogniserSettings, tried: _Tried, count: int
) -> Sensitivity:
    levels = []
    for name, factor in LEVELS.items():
        found = tried.at(factor * target)
        points = {condition: point for condition, point in found.items() if point is not None}
        if points:
            levels.append(Level(name=name, threshold=next(iter(points.values())).threshold, points=points))
    own = next(level.threshold for level in levels if level.name == "medium")
    return Sensitivity(
        target=target,
        recogniser=settings.copy(detection_threshold=own, detection_threshold_list=()),
        levels=tuple(levels),
        hours=scored.hours,
        positives=len(scored.tests.clips),
        tried=count,
        weighed=weighs(scored),
    )


def _curves(
    scored: ScoredTests, settings: RecogniserSettings, free: Collection[str], merge_ms: int
) -> Iterator[tuple[RecogniserSettings, _Tried]]:
    """Each candidate with its curves, the model's own settings first."""
    peaks: dict[tuple[int, int], dict[str, list[int]]] = {}
    for candidate in candidates(settings, free):
        # Suppression changes nothing in the first detection of a word.
        key = candidate.average_window_duration_ms, candidate.minimum_count
        if key not in peaks:
            peaks[key] = {name: [t.peak for t in found] for name, found in scored.traces(candidate).items()}
        events = scored.false_accepts(candidate, merge_ms)
        curves = {name: curve_of(found, events, scored.hours) for name, found in peaks[key].items()}
        yield candidate, _Tried(curves=curves, weighed=weighed(scored, events, candidate, merge_ms))


def candidates(settings: RecogniserSettings, free: Collection[str] = ()) -> list[RecogniserSettings]:
    """The settings themselves, then what else is tried where some are free, the nearest to the model's own first."""
    step = settings.latency_ms
    window, count, suppression = own = tuple(getattr(settings, name) for name in FREE)
    # A tenth of a step more, so that a late result does not push the oldest out; windows of as many steps are the same.
    steps = {round(window * factor / step) for factor in _WINDOW_FACTORS} - {window // step}
    values = (
        {window, *(number * step + step // 10 for number in steps)},
        {count, *_COUNTS},
        {suppression, *(round(suppression * factor) for factor in _SUPPRESSION_FACTORS)},
    )
    axes = [
        sorted(tried if name in free else [mine], key=lambda value, mine=mine: (abs(value - mine), value))
        for name, mine, tried in zip(FREE, own, values, strict=True)
    ]
    fitting = [point for point in itertools.product(*axes) if (point[1] - 1) * step <= point[0] and point != own]
    return [settings, *(settings.copy(**dict(zip(FREE, point, strict=True))) for point in fitting)]


def _misses(tried: _Tried, target: float) -> float | None:
    """Mean share of misses over the conditions; None where the target is not reached or every word is missed."""
    points = list(tried.at(target).values())
    shares = [point.misses_fraction for point in points if point is not None and point.positives]
    if any(point is None for point in points) or (shares and min(shares) == 1):
        return None
    return float(np.mean(shares)) if shares else 0.0
