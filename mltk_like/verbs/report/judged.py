"""Misses against false accepts: the curve, its tables, latency, and which voices and sources they come from."""

from collections.abc import Iterable, Iterator, Sequence

from mltk_like.evaluation.details import FalseAcceptsOf, Latency, MissesOf
from mltk_like.metrics import OperatingPoint, misses_at, poisson_interval, wilson_interval
from mltk_like.metrics.report_plots import plot_det
from mltk_like.verbs.report.part import FORMS, Part, duration, interval, missed, number, part, percent, rate_of
from mltk_like.verbs.report.stored import MOST, StoredEvaluation, StoredModel
from mltk_like.verbs.shared.page import Html, element, folded, image, paragraph, table

_SHOWN = 12
_MOST_ROWS = 1000
_TITLE = "Misses against false accepts"


def judged_part(model: StoredModel) -> Part:
    """The curve with its operating points. Raises ToolError when matplotlib is not installed."""
    evaluation = model.evaluation
    if evaluation is None:
        return part(_TITLE, "No evaluation is stored with this model.")
    form = FORMS.get(evaluation.model, evaluation.model)
    title = f"“{evaluation.label}”, {form}"
    if not evaluation.hours or not evaluation.first.curve.positives:
        plot, picture = {}, paragraph("No curve: it takes sound with the word and sound without it.", soft=True)
    else:
        data = plot_det(evaluation.curves, targets_per_hour=evaluation.rates, title=title)
        caption = "Band and bars: Wilson's 95 % intervals of the misses"
        plot, picture = (
            {"det.png": data},
            image(data, alt=f"misses against false accepts an hour of {title}", caption=caption),
        )
    merged = "" if evaluation.merge_ms is None else f" False accepts within {evaluation.merge_ms} ms are one."
    how = (
        "The recogniser of the device runs along the audio at every threshold. Intervals are at 95 %: Wilson's for "
        f"shares, exact Poisson for rates.{merged}"
    )
    return part(_TITLE, picture, _points(evaluation), paragraph(how, soft=True), pictures=plot)


def latency_part(model: StoredModel) -> Part:
    """Time from the end of the word to its detection."""
    title, evaluation = "Latency", model.evaluation
    found = [latency for stream in evaluation.streams.values() for latency in stream.latencies] if evaluation else []
    if not found:
        return part(title, "Not stored with this evaluation.")
    rows = [_latency(latency) for latency in found]
    header = ("condition", "threshold", "words found", "median", "95 % are faster than")
    how = "From the end of the word to its detection; below 0: before the word had ended."
    return part(title, table(rows, header=header), how)


def breakdown_part(model: StoredModel) -> Part:
    """Misses and false accepts by word, voice group, source and noise, at the model's own threshold."""
    title, evaluation = "By voice, source and noise", model.evaluation
    if evaluation is None:
        return part(title, "No evaluation is stored with this model.")
    blocks = [*_misses(evaluation.misses_by), *_false_accepts(evaluation.false_accepts_by)]
    where = "" if evaluation.own_threshold is None else f"At the model's own threshold {evaluation.own_threshold}. "
    note = "" if blocks else "No voices or sources: not stored, or all clips are of one."
    return part(title, f"{where}{note}", *_noise(evaluation), *blocks)


def _points(evaluation: StoredEvaluation) -> Html:
    """A line an operating point: the false accepts are the same in every condition."""
    curves = evaluation.curves
    rows = []
    for rate in evaluation.rates:
        points = [misses_at(curve, rate) for curve in curves.values()]
        rows.append(_row(f"at most {rate:g} an hour", points, evaluation.hours))
    own = evaluation.own_threshold
    if own is not None:
        rows.append(_row("its own threshold", [curve.at(own) for curve in curves.values()], evaluation.hours))
    counted = f"false accepts in {duration(evaluation.hours)}"
    header = ("operating point", "threshold", counted, "an hour", *(f"missed, {name}" for name in curves))
    return table(rows, header=header)


def _row(name: str, points: Sequence[OperatingPoint | None], hours: float) -> list[object]:
    first = points[0]
    if first is None:
        return [name, "not reached" if hours else "not measured", "", "", *("" for _ in points)]
    below = " *" if first.below_one_event else ""
    counted = first.false_accepts if hours else ""
    return [name + below, first.threshold, counted, rate_of(first), *map(missed, points)]


def _latency(latency: Latency) -> list[object]:
    times = ("" if value is None else f"{value:.0f} ms" for value in (latency.median_ms, latency.p95_ms))
    return [latency.condition, latency.threshold, latency.detected, *times]


def _noise(evaluation: StoredEvaluation) -> Iterator[Html]:
    own = evaluation.own_threshold
    if own is not None and evaluation.first.curve.positives:
        rows = [(name, missed(curve.at(own))) for name, curve in evaluation.curves.items()]
        yield element("h3", "Misses by noise (signal-to-noise ratio)")
        yield table(rows, header=("condition", "missed"))


def _misses(rows: Sequence[MissesOf]) -> Iterator[Html]:
    for by in dict.fromkeys(row.by for row in rows):
        names: dict[str, dict[str, MissesOf]] = {}
        for row in rows:
            if row.by == by and MOST >= row.positives > 0 <= row.misses <= row.positives:
                names.setdefault(row.name, {})[row.condition] = row
        conditions = list(dict.fromkeys(condition for found in names.values() for condition in found))
        worst = sorted(names, key=lambda name: -sum(row.misses / row.positives for row in names[name].values()))
        lines = [[name, *(_share(names[name].get(condition)) for condition in conditions)] for name in worst]
        yield element("h3", f"Misses by {_by(by)}")
        yield from _long_table(lines, (_by(by), *(f"missed, {name}" for name in conditions)))


def _share(row: MissesOf | None) -> str:
    if row is None:
        return ""
    ends = wilson_interval(row.misses, row.positives)
    return f"{row.misses} of {row.positives}: {percent(row.misses / row.positives)} {interval(ends)}"


def _false_accepts(rows: Sequence[FalseAcceptsOf]) -> Iterator[Html]:
    for by in dict.fromkeys(row.by for row in rows):
        mine = sorted(
            (row for row in rows if row.by == by and 0 <= row.false_accepts <= MOST),
            key=lambda row: (-row.false_accepts, -row.hours),
        )
        lines = [[row.name, row.false_accepts, duration(row.hours), _rate(row)] for row in mine]
        yield element("h3", f"False accepts by {_by(by)}")
        yield from _long_table(lines, (_by(by), "false accepts", "heard", "an hour (95 %)"))


def _rate(row: FalseAcceptsOf) -> str:
    if row.hours <= 0:
        return ""
    low, high = (end / row.hours for end in poisson_interval(row.false_accepts))
    if not row.false_accepts:
        return f"below {number(high)}"
    return f"{number(row.false_accepts / row.hours)} ({number(low)} to {number(high)})"


def _long_table(rows: Sequence[Sequence[object]], header: Sequence[object]) -> Iterable[Html]:
    """The first rows; the others where one clicks, or the first of them."""
    yield table(rows[:_SHOWN], header=header)
    if len(rows) > _SHOWN:
        left = "" if len(rows) <= _MOST_ROWS else f", of which {_MOST_ROWS - _SHOWN} are listed"
        yield folded(f"{len(rows) - _SHOWN} more{left}", table(rows[_SHOWN:_MOST_ROWS], header=header))


def _by(by: str) -> str:
    return {"group": "voice"}.get(by, by)
