"""Which windows of a labelled recording get which label."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mltk_like.data.labels import Interval
from mltk_like.errors import SettingError

RULES = ("inside", "overlap", "centre")

# Times are compared to the microsecond: less than a sample, more than what rounding does to seconds of many hours.
_TOLERANCE_S = 1e-6


@dataclass(frozen=True, kw_only=True)
class WindowRule:
    """How a recording is cut into windows, and when a window has a label.

    Window k is from `k * step_s` to `k * step_s + window_s`; only whole windows count.

    Attributes:
        window_s: length of a window in seconds.
        step_s: from the start of a window to that of the next, in seconds.
        rule: "inside": the window lies completely within the interval; "overlap": they share at least `overlap` of the
            shorter of the two; "centre": the window's middle is in the interval.
        overlap: share for the rule "overlap", above 0 and up to 1.

    Raises:
        SettingError: there is no such rule, or a length or share is out of range.
    """

    window_s: float
    step_s: float
    rule: str = "inside"
    overlap: float = 0.5

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise SettingError(f"there is no rule {self.rule!r} for windows", f"use {', '.join(RULES)}")
        if not (0.001 <= self.window_s < math.inf and 0.001 <= self.step_s < math.inf):
            raise SettingError(f"windows of {self.window_s} s every {self.step_s} s", "both must be 0.001 s or more")
        if not 0 < self.overlap <= 1:
            raise SettingError(f"overlap={self.overlap} is no share", "give more than 0 and at most 1")

    def holds(self, start_s: float, interval: Interval) -> bool:
        """Whether the window that starts at `start_s` has the interval's label."""
        end_s, tolerance = start_s + self.window_s, _TOLERANCE_S
        if self.rule == "inside":
            return interval.start_s <= start_s + tolerance and end_s <= interval.end_s + tolerance
        if self.rule == "centre":
            middle = (start_s + end_s) / 2
            return interval.start_s <= middle + tolerance and middle < interval.end_s - tolerance
        least = self.overlap * min(self.window_s, interval.end_s - interval.start_s)
        return self.shared_s(start_s, interval) >= least - tolerance

    def shared_s(self, start_s: float, interval: Interval) -> float:
        """Seconds that the window that starts at `start_s` has in common with the interval; 0 or less: none."""
        return min(start_s + self.window_s, interval.end_s) - max(start_s, interval.start_s)

    def count(self, duration_s: float) -> int:
        """How many whole windows a recording holds."""
        return max(0, math.floor((duration_s - self.window_s + _TOLERANCE_S) / self.step_s) + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A window of a recording.

    Attributes:
        start_s: in seconds.
        interval: whose label it has; none: it has no label.
        touched: whether it shares time with any interval.
    """

    start_s: float
    interval: Interval | None
    touched: bool


def windows(intervals: Sequence[Interval], duration_s: float, rule: WindowRule) -> Iterator[Window]:
    """The windows of a recording, by start.

    Where several intervals would give a window their label, the one that shares most of it wins, then the shorter
    interval, then the one that comes first.

    Args:
        intervals: in any order; those without length (points) give no label.
        duration_s: of the recording.
        rule: how to cut.
    """
    count = rule.count(duration_s)
    best: dict[int, tuple[tuple[float, float], Interval]] = {}
    touched: set[int] = set()
    for interval in intervals:
        if interval.end_s <= interval.start_s:
            continue
        first = max(0, math.floor((interval.start_s - rule.window_s) / rule.step_s))
        last = min(count - 1, math.ceil(interval.end_s / rule.step_s))
        for number in range(first, last + 1):
            start = number * rule.step_s
            shared = rule.shared_s(start, interval)
            if shared > _TOLERANCE_S:
                touched.add(number)
                rank = round(shared, 6), -round(interval.end_s - interval.start_s, 6)
                if rule.holds(start, interval) and (number not in best or rank > best[number][0]):
                    best[number] = rank, interval
    for number in range(count):
        winner = best.get(number)
        yield Window(start_s=number * rule.step_s, interval=winner[1] if winner else None, touched=number in touched)
