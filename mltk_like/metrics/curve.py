"""Misses against false accepts per hour: the curve, its operating points, and the table that is printed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import DataError
from mltk_like.metrics.intervals import poisson_interval, wilson_interval

TARGETS_PER_HOUR = (0.1, 0.5, 1.0, 2.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamCurve:
    """Misses and false accepts at each threshold. A half that has no recordings is not measured: its rates are NaN.

    Attributes:
        thresholds: int64 (k,), rising; 0..254 unless said otherwise.
        misses: int64 (k,): positive clips in which the label was not detected.
        positives: number of positive clips.
        false_accepts: int64 (k,): events in the negatives.
        hours: of negatives that were heard.
    """

    thresholds: NDArray[np.int64]
    misses: NDArray[np.int64]
    positives: int
    false_accepts: NDArray[np.int64]
    hours: float

    @property
    def misses_fraction(self) -> NDArray[np.float64]:
        """(k,): share of the positive clips that were missed, 0..1."""
        return self.misses / (self.positives or np.nan)

    @property
    def false_accepts_per_hour(self) -> NDArray[np.float64]:
        """(k,): false accepts per hour. Where it is below 1 / `hours`, only `at` tells what that is worth."""
        return self.false_accepts / (self.hours or np.nan)

    def at(self, threshold: int) -> "OperatingPoint":
        """The figures, with their intervals, at one threshold. Raises DataError when it is not in the curve."""
        found = np.flatnonzero(self.thresholds == threshold)
        if len(found) == 0:
            raise DataError(f"the curve has no threshold {threshold}", "thresholds are 0..254: nothing is above 255")
        return _operating_point(self, int(found[0]), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the whole curve."""
        return {
            "thresholds": self.thresholds.tolist(),
            "misses": self.misses.tolist(),
            "positives": self.positives,
            "false_accepts": self.false_accepts.tolist(),
            "hours": self.hours,
        }


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """What a detector does at one threshold.

    Attributes:
        false_accepts_per_hour_target: rate that was asked for; None when a threshold was.
        threshold: 0..254.
        misses: positive clips missed.
        positives: positive clips.
        misses_fraction: misses / positives; NaN without positives.
        misses_interval_95: Wilson's interval of that share.
        false_accepts: events in the negatives.
        hours: of negatives.
        false_accepts_per_hour: false_accepts / hours; NaN without negatives, and so is its interval.
        false_accepts_per_hour_interval_95: exact Poisson interval; when nothing was counted its upper end is one-sided,
            -ln(0.05) / hours.
        below_one_event: the target is less than one event in the hours heard, so that only the interval's upper end,
            and not the rate, was measured.
    """

    false_accepts_per_hour_target: float | None
    threshold: int
    misses: int
    positives: int
    misses_fraction: float
    misses_interval_95: tuple[float, float]
    false_accepts: int
    hours: float
    false_accepts_per_hour: float
    false_accepts_per_hour_interval_95: tuple[float, float]
    below_one_event: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; intervals become lists, what was not measured None."""
        return {key: _plain(value) for key, value in vars(self).items()}


def misses_at(
    curve: StreamCurve, false_accepts_per_hour: float, weighed: NDArray[np.float64] | None = None
) -> OperatingPoint | None:
    """The point with the fewest misses at no more than this many false accepts per hour.

    This is the lowest threshold from which on no threshold exceeds the rate. Counts need not fall with the threshold,
    as suppression and merging make few of a long run of detections; such a dip is no operating point.

    Args:
        curve: of one condition.
        false_accepts_per_hour: the rate.
        weighed: float64 (k,): what counts against the rate at each threshold; none: every false accept alike. The
            point's own figures are always those of the curve.

    Returns:
        None when even the highest threshold exceeds the rate (not reached), or no negatives were heard.
    """
    if curve.hours <= 0:
        return None
    counted = curve.false_accepts if weighed is None else weighed
    exceeding = np.flatnonzero(counted > false_accepts_per_hour * curve.hours * (1 + 1e-12))
    index = int(exceeding[-1]) + 1 if len(exceeding) else 0
    return None if index == len(curve.thresholds) else _operating_point(curve, index, false_accepts_per_hour)


def curve_table(
    curve: StreamCurve, targets_per_hour: Sequence[float] = TARGETS_PER_HOUR, *, own_threshold: int | None = None
) -> str:
    """The figures as a table, with hours heard and 95 % intervals.

    Args:
        curve: of one condition.
        targets_per_hour: false accepts an hour; each has a row.
        own_threshold: what the model does as it is stands first: the row of this threshold; none: it has none.
    """
    rows = [["false accepts/h", "threshold", "misses", "95 %", "heard", "rate/h", "95 %"]]
    if own_threshold is not None:
        rows.append(["the model's own", *_cells(curve.at(own_threshold))])
    rows += [_row(target, misses_at(curve, target), curve.hours) for target in targets_per_hour]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.append(f"{curve.positives} positive clips; {curve.hours:.2f} h of negatives.")
    if any(target * curve.hours < 1 for target in targets_per_hour):
        lines.append(
            "* less than one event in the hours heard: only the upper end of the interval was measured, not the rate."
        )
    return "\n".join(lines)


def curve_summary(curve: StreamCurve, targets_per_hour: Sequence[float] = TARGETS_PER_HOUR) -> list[dict[str, Any]]:
    """The figures at each target for JSON; for a target that was not reached `threshold` and the rest are None."""
    result = []
    for target in targets_per_hour:
        point = misses_at(curve, target)
        empty = {
            **dict.fromkeys(OperatingPoint.__dataclass_fields__),
            "positives": curve.positives,
            "hours": curve.hours,
        }
        result.append(point.to_dict() if point else {**empty, "false_accepts_per_hour_target": target})
    return result


def _operating_point(curve: StreamCurve, index: int, target: float | None) -> OperatingPoint:
    misses, events = int(curve.misses[index]), int(curve.false_accepts[index])
    low, high = poisson_interval(events)
    hours = curve.hours or float("nan")
    return OperatingPoint(
        false_accepts_per_hour_target=target,
        threshold=int(curve.thresholds[index]),
        misses=misses,
        positives=curve.positives,
        misses_fraction=float(curve.misses_fraction[index]),
        misses_interval_95=wilson_interval(misses, curve.positives),
        false_accepts=events,
        hours=curve.hours,
        false_accepts_per_hour=float(curve.false_accepts_per_hour[index]),
        false_accepts_per_hour_interval_95=(low / hours, high / hours),
        below_one_event=target is not None and target * curve.hours < 1,
    )


def _row(target: float, point: OperatingPoint | None, hours: float) -> list[str]:
    if point is None:
        return [f"{target:g}", "not reached" if hours else "not measured", "", "", "", "", ""]
    return [f"{target:g}" + ("*" if point.below_one_event else ""), *_cells(point)]


def _cells(point: OperatingPoint) -> list[str]:
    low, high = point.misses_interval_95
    misses = ["not measured", ""]
    if point.positives:
        misses = [f"{point.misses} ({100 * point.misses_fraction:.1f} %)", f"{100 * low:.1f}..{100 * high:.1f} %"]
    if not point.hours:
        return [str(point.threshold), *misses, "not measured", "", ""]
    rate_low, rate_high = point.false_accepts_per_hour_interval_95
    # Rounded up: a bound must not be stated lower than it is.
    bound = f"< {math.ceil(rate_high * 100) / 100:.2f}"
    return [
        str(point.threshold),
        *misses,
        str(point.false_accepts),
        f"{point.false_accepts_per_hour:.2f}" if point.false_accepts else "-",
        f"{rate_low:.2f}..{rate_high:.2f}" if point.false_accepts else bound,
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
