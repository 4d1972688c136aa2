"""A part of the report, and how its figures are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mltk_like.metrics import OperatingPoint
from mltk_like.tflite import format_units
from mltk_like.verbs.shared.page import Html, Section, paragraph

FORMS: Mapping[str, str] = {"keras": "float", "tflite": "int8", "tflm": "int8 on TFLM"}
"""Form of a model and its short name."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section with what belongs to it.

    Attributes:
        section: for the page.
        pictures: PNG files that lie beside the page, by name.
        players: how many sounds it has.
    """

    section: Section
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    players: int = 0


def part(title: str, *blocks: Html | str, pictures: Mapping[str, bytes] | None = None, players: int = 0) -> Part:
    """A part; blocks that are no markup become paragraphs that stand back."""
    shown = tuple(block if isinstance(block, Html) else paragraph(block, soft=True) for block in blocks if block)
    return Part(section=Section(title=title, blocks=shown), pictures=pictures or {}, players=players)


def percent(share: float) -> str:
    """A share as per cent: '97.3 %'."""
    return f"{100 * share:.1f} %"


def interval(ends: Sequence[float], *, scale: float = 100.0, unit: str = " %") -> str:
    """A 95 % interval: '(90.8 to 99.3 %)'."""
    return f"({scale * ends[0]:.1f} to {scale * ends[1]:.1f}{unit})"


def duration(hours: float) -> str:
    """Hours as one says them: '2.94 h', '2.5 min', '3.8 s'."""
    if hours >= 1:
        return f"{hours:.2f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.1f} s"


def missed_share(point: OperatingPoint | None) -> str:
    """Share of misses with its interval: '97.3 % (90.8 to 99.3 %)'."""
    if point is None:
        return "rate not reached"
    if not point.positives:
        return "not measured"
    return f"{percent(point.misses_fraction)} {interval(point.misses_interval_95)}"


def missed(point: OperatingPoint | None) -> str:
    """The same with counts: '73 of 75: 97.3 % (90.8 to 99.3 %)'."""
    share = missed_share(point)
    return f"{point.misses} of {point.positives}: {share}" if point is not None and point.positives else share


def rate_of(point: OperatingPoint) -> str:
    """Rate of false accepts with its interval: '357.6 (200.1 to 589.8)'."""
    if not point.hours:
        return "not measured"
    low, high = point.false_accepts_per_hour_interval_95
    if not point.false_accepts:
        return f"below {number(high)}"
    return f"{number(point.false_accepts_per_hour)} ({number(low)} to {number(high)})"


def number(value: float) -> str:
    """A rate: '0.36', '3,822'."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def size(count: int) -> str:
    """Bytes: '197.1 kB', '384 B'."""
    text = format_units(count, digits=1)
    return f"{text}B" if " " in text else f"{text} B"
