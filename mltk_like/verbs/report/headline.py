"""What one must know to decide: what the model detects, what it costs, how often it errs, and what that is worth."""

import math
from collections.abc import Iterator

from mltk_like.evaluation.subject import ENGINES
from mltk_like.metrics import misses_at
from mltk_like.tflite import format_units
from mltk_like.verbs.report.part import duration, missed_share, number, rate_of, size
from mltk_like.verbs.report.stored import StoredEvaluation, StoredModel
from mltk_like.verbs.shared.page import Html, element, join, notice, paragraph, table

_NEEDED = 3.0
"""Hours times rate after which no false accept shows, at 95 %, that the rate is held: -ln 0.05, rounded up."""


def headline(model: StoredModel) -> list[Html]:
    """What stands above the contents."""
    evaluation = model.evaluation
    blocks = [paragraph(model.summary.description, soft=True)] if model.summary.description else []
    if evaluation is not None:
        blocks.append(paragraph(element("strong", _sentence(evaluation))))
    blocks.append(table(_facts(model)))
    if evaluation is not None:
        blocks += _errors(evaluation)
    return [*blocks, *(notice(_marked(text)) for text in warnings(model))]


def warnings(model: StoredModel) -> list[str]:
    """What makes the figures worth less than they look."""
    found = [model.state.chance] if model.state.chance else []
    if model.settings.get("test") is True:
        found.append("This is a dry run on a few clips: its figures say that every stage works, and nothing else.")
    if model.evaluation is None:
        found.append("This model has not been judged: nothing says how often it errs. --evaluate does it.")
    else:
        found += _limits(model.evaluation)
        judged, stored = model.evaluation.own_threshold, model.summary.parameters.get("detection_threshold")
        if judged is not None and isinstance(stored, int) and min(stored, 254) != judged and _one_threshold(model):
            found.append(f"The threshold was changed since: it was judged at {judged}, the .tflite now says {stored}.")
    missing = len(model.state.problems)
    if missing:
        found.append(f"{missing} of the model's sources could not be had for its training; the data card names them.")
    return found


def memory(model: StoredModel) -> str:
    """Working memory in words."""
    profile, stored = model.profile, model.summary.arena_bytes
    if profile is not None:
        whole, activations = size(profile.arena_bytes), size(profile.activations_bytes)
        return (
            f"{whole} of tensor arena on a 64-bit host, of it {activations} of activations, the same on every machine"
        )
    return "not stored" if stored is None else f"{size(stored)} of tensor arena"


def _facts(model: StoredModel) -> Iterator[tuple[str, str]]:
    summary = model.summary
    keywords = [name for name in summary.classes if not name.startswith("_")]
    yield "detects", ", ".join(f"“{name}”" for name in keywords) or "not stored"
    yield "flash", f"{size(summary.flash_bytes)} (.tflite)"
    yield "RAM", memory(model)
    yield "work", f"{format_units(summary.macs)} multiply-accumulates an inference{_pace(model)}"


def _sentence(evaluation: StoredEvaluation) -> str:
    """The figure of a detector in words, at one false accept an hour, or at what comes first; where too little was
    heard to know that rate, at the model's own threshold."""
    rate = 1.0 if 1.0 in evaluation.rates else evaluation.rates[0]
    form = ENGINES.get(evaluation.model, evaluation.model)
    if not evaluation.hours or not evaluation.first.curve.positives:
        return f"Judged in part only, on {evaluation.data}: {form}."
    points = {name: misses_at(curve, rate) for name, curve in evaluation.curves.items()}
    where, own = f"At no more than {rate:g} false accepts an hour", evaluation.own_threshold
    if own is not None and any(point is not None and point.below_one_event for point in points.values()):
        points = {name: curve.at(own) for name, curve in evaluation.curves.items()}
        where = f"What it does at {rate:g} false accepts an hour was not measured. At its own threshold {own}"
    shares = [f"{missed_share(point)} ({name})" for name, point in points.items()]
    return (
        f"{where} it misses “{evaluation.label}”: {', '.join(shares)}. "
        f"{form[0].upper()}{form[1:]}, on {evaluation.data}: {evaluation.first.curve.positives} times the word, "
        f"{duration(evaluation.hours)} without it."
    )


def _one_threshold(model: StoredModel) -> bool:
    return not model.summary.parameters.get("detection_threshold_list")


def _marked(text: str) -> Html:
    """Options are not broken at their hyphens."""
    words = (element("code", word) if word.startswith("--") else word for word in text.split())
    return join(part for word in words for part in (word, " "))


def _pace(model: StoredModel) -> str:
    latency = model.summary.parameters.get("latency_ms")
    if not isinstance(latency, int) or latency <= 0:
        return ""
    return f", one every {latency} ms: {format_units(model.summary.macs * 1000 / latency, digits=1)} a second"


def _errors(evaluation: StoredEvaluation) -> list[Html]:
    """Misses at each rate, a column a condition, and what the stored threshold does."""
    curves = evaluation.curves
    rows = []
    for rate in evaluation.rates:
        points = [misses_at(curve, rate) for curve in curves.values()]
        below = any(point is not None and point.below_one_event for point in points)
        rows.append([f"at most {rate:g}{' *' if below else ''}", *map(missed_share, points)])
    own = evaluation.own_threshold
    if own is not None:
        fixed = [curve.at(own) for curve in curves.values()]
        rows.append([f"at its own threshold {own}: {rate_of(fixed[0])}", *map(missed_share, fixed)])
    header = ["false accepts an hour", *(f"missed, {name}" for name in curves)]
    return [element("h3", f"How often “{evaluation.label}” is missed"), table(rows, header=header)]


def _limits(evaluation: StoredEvaluation) -> Iterator[str]:
    hours, positives = evaluation.hours, evaluation.first.curve.positives
    lowest = min((rate for rate in evaluation.rates if rate > 0), default=1.0)
    if not hours:
        yield "No sound without the word was heard: false accepts were not measured."
    elif hours * lowest < _NEEDED:
        bound = math.ceil(10 * _NEEDED / hours) / 10
        yield (
            f"Too little was heard: {duration(hours)} without a false accept would show no more than fewer than "
            f"{number(bound)} an hour; to show {lowest:g} an hour takes {_NEEDED / lowest:.0f} h without one (95 %)."
            + (" * marks rates below one event in what was heard." if hours * lowest < 1 else "")
        )
    if not positives:
        yield "The word was not heard: misses were not measured."
    if evaluation.voices is not None:
        yield from evaluation.voices.sentences()
    if evaluation.data.endswith("of the model's own data"):
        yield (
            "Judged on voices of the model's own data, kept apart from training: that tells whether the training "
            "worked, not how the model does in your rooms. --positives DIR --negatives DIR judge it on recordings."
        )
