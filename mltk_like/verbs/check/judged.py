"""What a model lost from float to int8 in the evaluations that are stored with it."""

import math
from collections.abc import Iterator

import msgspec

from mltk_like.artifact import Artifact
from mltk_like.errors import ModelError
from mltk_like.evaluation.comparison import ComparedFigure
from mltk_like.opening import read_json

_FORMS = ("keras", "tflite")


class _Point(msgspec.Struct):
    misses_fraction: float | None = None
    false_accepts_per_hour: float | None = None
    false_accepts_per_hour_target: float | None = None


class _Stream(msgspec.Struct):
    operating_points: tuple[_Point, ...] = ()
    at_own_threshold: _Point = msgspec.field(default_factory=_Point)


class _Windows(msgspec.Struct):
    accuracy: float | None = None
    average_auc: float | None = None


class _Evaluation(msgspec.Struct):
    streams: dict[str, _Stream] = msgspec.field(default_factory=dict)
    windows: _Windows | None = None


def judged_figures(artifact: Artifact) -> tuple[ComparedFigure, ...]:
    """Accuracy and AUC of windows, and of the first condition the misses and false accepts; () where both were not
    judged.

    Raises:
        ModelError: what is stored is damaged.
    """
    if artifact.alone:
        return ()
    found = [_read(artifact, f"eval/{form}/eval-results.json") for form in _FORMS]
    if any(one is None for one in found):
        return ()
    first, second = (dict(_figures(one)) for one in found if one is not None)
    both = [ComparedFigure(name=name, first=value, second=second.get(name)) for name, value in first.items()]
    return tuple(one for one in both if (one.first, one.second) != (None, None))


def _figures(found: _Evaluation) -> Iterator[tuple[str, float | None]]:
    if found.windows is not None:
        yield "accuracy of windows (%)", _percent(found.windows.accuracy)
        yield "AUC of windows", found.windows.average_auc
    stream = next(iter(found.streams.values()), None)
    if stream is not None:
        for point in stream.operating_points:
            rate = point.false_accepts_per_hour_target
            yield f"missed at {rate or 0:g} false accepts an hour (%)", _percent(point.misses_fraction)
        own = stream.at_own_threshold
        yield "missed at the own threshold (%)", _percent(own.misses_fraction)
        yield "false accepts an hour at the own threshold", own.false_accepts_per_hour


def _read(artifact: Artifact, member: str) -> _Evaluation | None:
    data = artifact.read(member)
    if data is None:
        return None
    try:
        return msgspec.convert(read_json(data, f"{member} in {artifact.path}"), _Evaluation)
    except (ValueError, msgspec.ValidationError) as error:
        raise ModelError(f"{member} in {artifact.path} cannot be read: {error}", "it is damaged") from error


def _percent(share: float | None) -> float | None:
    return None if share is None or not math.isfinite(share) else 100 * share
