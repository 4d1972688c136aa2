"""Stored evaluations: what was missed and what was taken for the word, to be heard; curves of several models."""

from collections.abc import Mapping
from typing import Any

from mltk_like.errors import MltkLikeError, ModelError, SettingError
from mltk_like.evaluation.subject import ENGINES
from mltk_like.metrics import OperatingPoint, StreamCurve, misses_at
from mltk_like.metrics.report_plots import plot_det
from mltk_like.paths import unportable
from mltk_like.tflite import read_parameters
from mltk_like.verbs.report import StoredEvaluation, evaluations_of, heard_stretch
from mltk_like.verbs.workbench.place import Place, run_id
from mltk_like.verbs.workbench.server import Reply, Request

_MOST_CURVES = 7
"""As many as there are colours."""


def judged_models(place: Place) -> dict[str, Any]:
    """The models and runs that have an evaluation, with its conditions."""
    names = [*place.models(), *(run_id(run) for run in place.runs())]
    found = {}
    for name in dict.fromkeys([*([place.given] if place.given else []), *names]):
        try:
            evaluation = _evaluation(place, name)
        except MltkLikeError:
            continue  # not trained, or not judged
        found[name] = list(evaluation.streams)
    return {"models": [{"id": name, "conditions": conditions} for name, conditions in found.items()]}


def errors_of(place: Place, name: str) -> dict[str, Any]:
    """The worst misses and the loudest false accepts of a model, each with the stretch of the file to hear.

    Raises:
        Refused: there is no such model.
        ModelError: it has no evaluation, or a damaged one.
    """
    evaluation = _evaluation(place, name)
    parameters = read_parameters(place.artifact(name).tflite())
    points = {
        condition: [_point(misses_at(curve, rate), rate) for rate in evaluation.rates]
        for condition, curve in evaluation.curves.items()
    }
    misses = [
        {
            **_stretch(place, miss.file, heard_stretch(miss, parameters)), "score": miss.score, "label": miss.label,
            "condition": miss.condition, "group": miss.group, "source": miss.source, "time": miss.time_s,
        }
        for miss in evaluation.worst_misses or ()
    ]  # fmt: skip
    accepts = [
        {
            **_stretch(place, event.file, heard_stretch(event, parameters)), "score": event.score, "label": event.label,
            "group": event.group, "source": event.source, "time": event.time_s,
        }
        for event in evaluation.loudest_false_accepts or ()
    ]  # fmt: skip
    return {
        "name": evaluation.name, "form": ENGINES.get(evaluation.model, evaluation.model), "data": evaluation.data,
        "label": evaluation.label, "threshold": evaluation.own_threshold, "hours": evaluation.hours,
        "points": points, "misses": misses, "accepts": accepts, "listed": evaluation.worst_misses is not None,
    }  # fmt: skip


def det_plot(place: Place, request: Request) -> Reply:
    """Misses against false accepts an hour of several models in one condition, as PNG.

    Raises:
        Refused: there is no such model.
        SettingError: none or more than seven are asked for, or none has the condition.
        ModelError: one has no evaluation.
        ToolError: matplotlib is not installed.
    """
    names = request.query.get("id", [])
    if not 0 < len(names) <= _MOST_CURVES:
        raise SettingError(f"{len(names)} curves in one plot", f"choose 1 to {_MOST_CURVES}")
    condition = request.one("condition", "clean")
    judged = {name: _evaluation(place, name) for name in names}
    curves = {name: one.curves[condition] for name, one in judged.items() if condition in one.curves}
    _check_drawable(curves, condition)
    rates = next(iter(judged.values())).rates
    plot = plot_det(curves, targets_per_hour=rates, title=f"Misses against false accepts, {condition}")
    return Reply(data=plot, kind="image/png")


def _check_drawable(curves: Mapping[str, StreamCurve], condition: str) -> None:
    if not any(curve.positives and curve.hours for curve in curves.values()):
        raise SettingError(
            f"none of these was judged in the condition {condition!r} with the word and without", "choose another"
        )


def _evaluation(place: Place, name: str) -> StoredEvaluation:
    artifact = place.artifact(name)
    found = evaluations_of(artifact)
    if not found:
        raise ModelError(f"{name} has no stored evaluation", "train evaluates at its end")
    return next(iter(found.values()))


def _stretch(place: Place, file: str, ends: tuple[float, float]) -> dict[str, Any]:
    path = unportable(file)
    problem = "" if place.readable(path) else "it lies outside of the folder"
    if not problem and not path.is_file():
        problem = "the file is not here"
    return {"file": file, "start": ends[0], "end": ends[1], "problem": problem}


def _point(point: OperatingPoint | None, rate: float) -> dict[str, Any]:
    return {"rate": rate, **(point.to_dict() if point else {})}
