"""How a model did: the figures, as a table and as JSON."""

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.evaluation.details import FalseAccept, FalseAcceptsOf, Latency, Miss, MissesOf
from mltk_like.evaluation.subject import ENGINES
from mltk_like.evaluation.voices import Voices
from mltk_like.low_bit.report import LowBitReport
from mltk_like.metrics import ClassificationReport, StreamCurve, curve_summary, curve_table
from mltk_like.metrics.plots import plot_stream_curve

_SHOWN = 8
LISTED = 50
"""Worst misses and loudest false accepts that a result keeps."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationResult:
    """How a model did.

    Attributes:
        name: the model's name.
        kind: 'keras' (float), 'tflite' (int8) or 'tflm' (int8 on TensorFlow Lite Micro).
        data: what it was judged on.
        label: keyword, or keywords with commas between.
        curves: misses against false accepts an hour, by condition: 'clean' and for example '10 dB'.
        rates: false accepts an hour at which misses are reported.
        threshold: the recogniser's own threshold, at which latency, breakdown and lists are taken.
        windows: figures for single augmented windows; None where only recordings were given.
        merge_ms: false accepts no later than this after a counted one are part of it.
        latencies: at the own threshold, one a condition, then at each of `rates` that was reached.
        misses_by: misses by word, voice group and source, in each condition.
        false_accepts_by: false accepts by group and source.
        worst_misses: the words that were missed by most, at most 50.
        loudest_false_accepts: those with the highest scores, at most 50.
        low_bit: what low-bit training came to; None for other models.
        voices: how much of what was heard is synthetic speech; None: not known.
        peaks: int64 (clips,) by condition: each positive clip is found at the thresholds below.
    """

    name: str
    kind: str
    data: str
    label: str
    curves: Mapping[str, StreamCurve]
    rates: tuple[float, ...]
    threshold: int
    windows: ClassificationReport | None = None
    merge_ms: int = 0
    latencies: tuple[Latency, ...] = ()
    misses_by: tuple[MissesOf, ...] = ()
    false_accepts_by: tuple[FalseAcceptsOf, ...] = ()
    worst_misses: tuple[Miss, ...] = ()
    loudest_false_accepts: tuple[FalseAccept, ...] = ()
    low_bit: LowBitReport | None = None
    voices: Voices | None = None
    peaks: Mapping[str, NDArray[np.int64]] = field(default_factory=dict, repr=False)

    @property
    def silent(self) -> bool:
        """Whether no sound was heard, as of a model that was trained on ready features: there are windows alone."""
        return not any(curve.positives or curve.hours for curve in self.curves.values())

    def to_dict(self) -> dict[str, Any]:
        """JSON values. Files are named as `paths.portable` stores them, times are in seconds from a file's start."""
        return {
            "name": self.name,
            "model": self.kind,
            "data": self.data,
            "label": self.label,
            "threshold": self.threshold,
            "merge_ms": self.merge_ms,
            "streams": {
                name: {
                    "operating_points": curve_summary(curve, self.rates),
                    "at_own_threshold": curve.at(self.threshold).to_dict(),
                    "latencies": [found.to_dict() for found in self.latencies if found.condition == name],
                    "curve": curve.to_dict(),
                }
                for name, curve in self.curves.items()
            },
            "misses_by": [row.to_dict() for row in self.misses_by],
            "false_accepts_by": [row.to_dict() for row in self.false_accepts_by],
            "worst_misses": [miss.to_dict() for miss in self.worst_misses],
            "loudest_false_accepts": [event.to_dict() for event in self.loudest_false_accepts],
            "windows": self.windows.to_dict() if self.windows else None,
            "low_bit": self.low_bit.to_dict() if self.low_bit else None,
            "voices": self.voices.to_dict() if self.voices else None,
        }

    def __str__(self) -> str:
        lines = [f"{self.name}, {ENGINES[self.kind]}, on {self.data}"]
        if self.silent:
            return "\n".join([*lines, *self._windows("single windows"), *self._low_bit()])
        for name, curve in self.curves.items():
            table = curve_table(curve, self.rates, own_threshold=self.threshold)
            lines += ["", f"{self.label!r}, {name}:", table, *self._latency(name)]
        lines += [f"false accepts within {self.merge_ms} ms are one"]
        lines += self.voices.sentences() if self.voices else []
        lines += [*self._breakdown(), *self._lists()]
        return "\n".join([*lines, *self._windows("single windows, augmented as in training"), *self._low_bit()])

    def _repr_html_(self) -> str:
        """The curve and the figures, for a notebook."""
        png = plot_stream_curve(self.curves, targets_per_hour=self.rates, label=self.label)
        return f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}"/><pre>{html.escape(str(self))}</pre>'

    def _windows(self, what: str) -> list[str]:
        return ["", f"{self.windows.count} {what}:", str(self.windows)] if self.windows else []

    def _low_bit(self) -> list[str]:
        return ["", "low-bit training:", str(self.low_bit)] if self.low_bit else []

    def _latency(self, name: str) -> list[str]:
        """How late words are detected at the threshold that is stored in the model."""
        latency = next((found for found in self.latencies if found.condition == name), None)
        return [f"at the model's own threshold detected {latency}"] if latency and latency.detected else []

    def _breakdown(self) -> list[str]:
        """The parts with the most misses and false accepts at the model's own threshold."""
        lines = []
        for by in dict.fromkeys(row.by for row in self.misses_by):
            rows = [row for row in self.misses_by if row.by == by]
            names = list(dict.fromkeys(row.name for row in rows))
            missed = {name: [row for row in rows if row.name == name] for name in names}
            names.sort(key=lambda name: -sum(row.misses / row.positives for row in missed[name]))
            cells = {
                name: ", ".join(f"{row.misses}/{row.positives} {row.condition}" for row in missed[name])
                for name in names
            }
            lines += ["", f"misses by {by}{_first(names)}:", *(f"- {name}: {cells[name]}" for name in names[:_SHOWN])]
        for by in dict.fromkeys(row.by for row in self.false_accepts_by):
            parts = [row for row in self.false_accepts_by if row.by == by]
            parts.sort(key=lambda row: (-row.false_accepts, -row.hours))
            lines += ["", f"false accepts by {by}{_first(parts)}:"]
            lines += [f"- {row.name}: {row.false_accepts} in {row.hours:.2f} h" for row in parts[:_SHOWN]]
        return lines

    def _lists(self) -> list[str]:
        lines = []
        if self.worst_misses:
            lines += ["", f"worst misses{_first(self.worst_misses)}:"]
            lines += [
                f"- {miss.file} at {miss.time_s:.1f} s, {miss.condition}: score {miss.score}"
                for miss in self.worst_misses[:_SHOWN]
            ]
        if self.loudest_false_accepts:
            lines += ["", f"loudest false accepts{_first(self.loudest_false_accepts)}:"]
            lines += [
                f"- {event.file} at {event.time_s:.1f} s: {event.label!r}, score {event.score}"
                for event in self.loudest_false_accepts[:_SHOWN]
            ]
        return lines


def _first(rows: Any) -> str:
    return f" (the first {_SHOWN} of {len(rows)})" if len(rows) > _SHOWN else ""
