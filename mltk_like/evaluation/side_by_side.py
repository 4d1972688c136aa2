"""Several models on the same recordings: what each misses at the same false accepts an hour, and what it costs."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mltk_like.evaluation.result import EvaluationResult
from mltk_like.evaluation.subject import ENGINES
from mltk_like.metrics import StreamCurve, mcnemar, misses_at
from mltk_like.metrics.curve import OperatingPoint
from mltk_like.tflite import format_units

OWN = "own"
"""In place of a rate: the threshold that is stored in a model."""


@dataclass(frozen=True, kw_only=True)
class ModelCost:
    """What a model needs, and how it listens.

    Attributes:
        flash_bytes: its `.tflite`.
        macs: multiply-accumulates of an inference.
        latency_ms: from one inference to the next.
        window_ms: of sound that an inference depends on.
        averaged_ms: the recogniser's window.
        activations_bytes: tensors in TensorFlow Lite Micro; None: it is not installed, or cannot run the model.
        arena_bytes: the least arena there, on this 64-bit machine; None as well.
    """

    flash_bytes: int
    macs: int
    latency_ms: int
    window_ms: int
    averaged_ms: int
    activations_bytes: int | None = None
    arena_bytes: int | None = None

    @property
    def macs_per_second(self) -> float:
        """Of inferences that follow each other as the model asks for."""
        return self.macs * 1000 / self.latency_ms


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedModel:
    """One of several models: its name among them, its figures, and what it costs."""

    name: str
    result: EvaluationResult
    cost: ModelCost


@dataclass(frozen=True, kw_only=True)
class RefusedModel:
    """One of several models that could not be judged, and why."""

    name: str
    message: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class SideBySide:
    """Several models on the same recordings.

    Attributes:
        models: those that were judged, in the order in which they were given.
        refused: those that could not be.
        merge_ms: false accepts no later than this after a counted one are part of it, whichever the model.
    """

    models: tuple[JudgedModel, ...]
    refused: tuple[RefusedModel, ...] = ()
    merge_ms: int = 0

    @property
    def conditions(self) -> tuple[str, ...]:
        """'clean' and for example '10 dB', where words were given."""
        return tuple(self.models[0].result.curves) if self.models else ()

    @property
    def rates(self) -> tuple[float, ...]:
        """False accepts an hour at which misses are reported."""
        return self.models[0].result.rates if self.models else ()

    def curves(self, condition: str) -> dict[str, StreamCurve]:
        """Misses against false accepts an hour of each model."""
        return {model.name: model.result.curves[condition] for model in self.models}

    def to_dict(self) -> dict[str, Any]:
        """JSON values: `rows` is the table, `models` all figures of each."""
        return {
            "merge_ms": self.merge_ms,
            "rows": list(self.rows()),
            "models": {
                model.name: {
                    "cost": {**asdict(model.cost), "macs_per_second": model.cost.macs_per_second},
                    "evaluation": model.result.to_dict(),
                }
                for model in self.models
            },
            "refused": [asdict(one) for one in self.refused],
        }

    def to_csv(self) -> str:
        """The rows as CSV, with a line of names."""
        rows = list(self.rows())
        text = io.StringIO()
        if rows:
            writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return text.getvalue()

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row for each model, condition and rate; of a rate that was not reached threshold and misses are None.

        `p_against_first` is the chance of a difference as large on the same words between this model and the first one,
        if both are equally good (exact McNemar test).
        """
        for model in self.models:
            for condition in self.conditions:
                rates: tuple[float | str, ...] = (OWN, *self.rates)
                for rate in rates:
                    yield _row(model, self.models[0], condition, rate)

    def __str__(self) -> str:
        lines = [f"on {self.models[0].result.data}"] if self.models else []
        for condition in self.conditions:
            lines += ["", *self._misses(condition)]
        lines += ["", *self._costs(), "", *self._notes()] if self.models else []
        for one in self.refused:
            why = one.message if one.message.startswith(one.name) else f"{one.name}: {one.message}"
            lines += [f"not judged: {why}", *([f"  hint: {one.hint}"] if one.hint else [])]
        return "\n".join(lines)

    def _misses(self, condition: str) -> Iterator[str]:
        """The table of one condition."""
        curve = next(iter(self.curves(condition).values()))
        yield f"missed, {condition} ({curve.positives} words, {curve.hours:.2f} h without them), at"
        small = any(rate * curve.hours < 1 for rate in self.rates)
        heads = [f"{rate:g} /h" + ("*" if rate * curve.hours < 1 else "") for rate in self.rates]
        table = [["", *heads, "its own threshold"]]
        for model in self.models:
            curve = model.result.curves[condition]
            shares = [_share(misses_at(curve, rate)) for rate in self.rates]
            own = curve.at(model.result.threshold)
            table.append([model.name, *shares, f"{_share(own)}{_rate(own)} ({own.threshold})"])
        yield from _lines(table)
        if small:
            yield "* less than one event in the hours heard"

    def _costs(self) -> Iterator[str]:
        table = [["", "flash", "activations", "arena", "MACs a second", "hears", "every", "mean over"]]
        for model in self.models:
            cost = model.cost
            memory = [_bytes(cost.activations_bytes), _bytes(cost.arena_bytes)]
            times = [f"{number} ms" for number in (cost.window_ms, cost.latency_ms, cost.averaged_ms)]
            table.append(
                [model.name, _bytes(cost.flash_bytes), *memory, format_units(cost.macs_per_second, digits=2), *times]
            )
        return _lines(table)

    def _notes(self) -> Iterator[str]:
        form = ENGINES[self.models[0].result.kind]
        yield f"All are judged as {form}, each with its own front end, smoothing and threshold."
        yield f"False accepts within {self.merge_ms} ms are one, for all models alike."
        labels = dict.fromkeys(model.result.label for model in self.models)
        if len(labels) > 1:
            yield "They detect: " + ", ".join(f"{model.name} {model.result.label!r}" for model in self.models)


def _row(model: JudgedModel, first: JudgedModel, condition: str, rate: float | str) -> dict[str, Any]:
    curve = model.result.curves[condition]
    point, other = _point(model, condition, rate), _point(first, condition, rate)
    low, high = point.misses_interval_95 if point and curve.positives else (None, None)
    return {
        "model": model.name,
        "form": model.result.kind,
        "label": model.result.label,
        "condition": condition,
        "false_accepts_per_hour": rate,
        "threshold": point.threshold if point else None,
        "misses": point.misses if point else None,
        "positives": curve.positives,
        "misses_fraction": point.misses_fraction if point and curve.positives else None,
        "misses_low_95": low,
        "misses_high_95": high,
        "false_accepts": point.false_accepts if point else None,
        "hours": curve.hours,
        "p_against_first": _chance(model, first, condition, point, other),
        "flash_bytes": model.cost.flash_bytes,
        "activations_bytes": model.cost.activations_bytes,
        "arena_bytes": model.cost.arena_bytes,
        "macs_per_second": model.cost.macs_per_second,
    }


def _point(model: JudgedModel, condition: str, rate: float | str) -> OperatingPoint | None:
    curve = model.result.curves[condition]
    return curve.at(model.result.threshold) if isinstance(rate, str) else misses_at(curve, rate)


def _chance(
    model: JudgedModel,
    first: JudgedModel,
    condition: str,
    point: OperatingPoint | None,
    other: OperatingPoint | None,
) -> float | None:
    """Of a difference as large as that on the same words; None for the first model itself."""
    if model is first or point is None or other is None:
        return None
    ours, theirs = model.result.peaks[condition], first.result.peaks[condition]
    if not len(ours) or ours.shape != theirs.shape:
        return None
    missed, missed_first = ours <= point.threshold, theirs <= other.threshold
    return mcnemar(int((missed & ~missed_first).sum()), int((missed_first & ~missed).sum()))


def _share(point: OperatingPoint | None) -> str:
    if point is None:
        return "-"
    return f"{100 * point.misses_fraction:.1f} %" if point.positives else "not measured"


def _rate(point: OperatingPoint) -> str:
    """False accepts an hour; where none was heard, the bound, rounded up."""
    if not point.hours:
        return ""
    if point.false_accepts:
        return f" at {point.false_accepts_per_hour:.2f} /h"
    return f" at < {math.ceil(point.false_accepts_per_hour_interval_95[1] * 100) / 100:.2f} /h"


def _bytes(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _lines(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table with its first column to the left, all others to the right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for name, *cells in table:
        right = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *right]).rstrip()
