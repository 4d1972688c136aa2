"""From instructions to cycles, time and load: ranges, since only boards know more."""

import re
from typing import NamedTuple

from mltk_like.errors import SettingError
from mltk_like.firmware import Core
from mltk_like.tflite import format_units

ESTIMATE = (
    "Instructions are counted, exact for this compiler. Cycles are an estimate: instructions times the cycles that a "
    "mean one takes on the core, without wait states of flash."
)
_UNITS = {"": 1.0, "hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9}


class Span(NamedTuple):
    """The least and the most that a figure can be."""

    least: float
    most: float

    def times(self, factor: float) -> "Span":
        """Both ends multiplied."""
        return Span(self.least * factor, self.most * factor)

    def text(self, digits: int = 1) -> str:
        """As `25.1M .. 38.3M`."""
        ends = (format_units(end, digits=digits, separator="") for end in self)
        return " .. ".join(ends)


def cycles(instructions: float, core: Core) -> Span:
    """Cycles that so many instructions take."""
    return Span(*core.cycles).times(instructions)


def load(cycles_a_second: Span, clock_hz: float) -> Span:
    """Percent of a core's time."""
    return cycles_a_second.times(100 / clock_hz)


def percent(span: Span) -> str:
    """As `32 .. 49`, with a digit more below ten."""
    return " .. ".join(f"{end:.1f}" if end < 10 else f"{end:.0f}" for end in span)


def seconds(span: Span) -> str:
    """As `8.3m .. 13.1m`: with m for thousandths and u for millionths."""
    return " .. ".join(f"{1000 * end:.1f}m" if end >= 1e-3 else f"{1e6 * end:.1f}u" for end in span)


def parse_clock(text: str) -> float:
    """Hz of a clock such as `78MHz`, `78e6` or `1.2 GHz`.

    Raises:
        SettingError: it is no such number, or not between 1 kHz and 10 GHz.
    """
    match = re.fullmatch(r"\s*([0-9.]+(?:e\+?[0-9]{1,2})?)\s*([a-z]*)\s*", text.lower())
    unit = _UNITS.get(match[2]) if match else None
    try:
        clock = float(match[1]) * unit if match and unit is not None else 0.0
    except ValueError:
        clock = 0.0
    if not 1e3 <= clock <= 1e10:
        raise SettingError(f"{text!r} is no clock of a microcontroller", "as in: --clock 78MHz")
    return clock
