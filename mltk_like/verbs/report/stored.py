"""What a trained model carries with it, read and checked: settings, history, data, profile, evaluations.

An archive may come from anywhere and be of an older version: what it lacks is None or empty here, what is damaged is a
ModelError.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
import numpy as np

from mltk_like.artifact import Artifact
from mltk_like.audio.recogniser import MAX_CLASSES
from mltk_like.data.manifest import DIGEST, MANIFEST, ManifestRow, digest, parse_manifest
from mltk_like.errors import ModelError
from mltk_like.evaluation.comparison import ComparedFigure
from mltk_like.evaluation.details import FalseAccept, FalseAcceptsOf, Latency, Miss, MissesOf
from mltk_like.evaluation.voices import Voices
from mltk_like.metrics import StreamCurve
from mltk_like.metrics.curve import TARGETS_PER_HOUR
from mltk_like.opening import read_json
from mltk_like.tflite import ModelSummary, summarize_tflite
from mltk_like.training.rounds import MINING
from mltk_like.verbs.profile import Profile

KINDS = ("tflite", "tflm", "keras")
"""Forms of a model, the one that a device runs first."""

MOST = 1_000_000
"""More clips or events than any evaluation has: a larger number is damage, and intervals would take for ever."""

# What a page can show, and far more than any evaluation or training has.
_MOST_CONDITIONS = 64
_MOST_RATES = 16
_MOST_FIGURES = 1000

_Value = TypeVar("_Value")
_HINT = "it is damaged, or no .mltk.zip"


@dataclass(frozen=True, kw_only=True)
class StoredPoint:
    """An operating point, of which only this is read: the rest follows from the curve."""

    false_accepts_per_hour_target: float | None = None
    threshold: int | None = None


@dataclass(frozen=True, kw_only=True)
class StoredCurve:
    """`StreamCurve.to_dict()`."""

    thresholds: tuple[int, ...]
    misses: tuple[int, ...]
    positives: int
    false_accepts: tuple[int, ...]
    hours: float

    def __post_init__(self) -> None:
        length = len(self.thresholds)
        if not length or len(self.misses) != length or len(self.false_accepts) != length:
            raise ValueError("a curve's lists are not of one length")
        rising = all(0 <= low < high < 256 for low, high in pairwise((*self.thresholds, 255)))
        counts = (*self.misses, *self.false_accepts, self.positives)
        possible = min(counts) >= 0 and max(counts) <= MOST and max(self.misses) <= self.positives
        if not (rising and possible and 0 <= self.hours < math.inf):
            raise ValueError("a curve counts what cannot be")


@dataclass(frozen=True, kw_only=True)
class StoredStream:
    """One condition of an evaluation."""

    curve: StoredCurve
    operating_points: tuple[StoredPoint, ...] = ()
    at_own_threshold: StoredPoint = field(default_factory=StoredPoint)
    latencies: tuple[Latency, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredRoc:
    """A class against the rest over the thresholds."""

    true_positive_rate: tuple[float | None, ...]
    false_positive_rate: tuple[float | None, ...]
    precision: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredClass:
    """Figures of one class."""

    label: str
    support: int
    recall: float | None = None
    precision: float | None = None
    auc: float | None = None
    best_threshold: float | None = None
    roc: StoredRoc | None = None


@dataclass(frozen=True, kw_only=True)
class StoredWindows:
    """`ClassificationReport.to_dict()`."""

    accuracy: float
    clips: int
    classes: tuple[StoredClass, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    average_auc: float | None = None
    decision_threshold: float | None = None
    confusion_matrix_with_unk: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        count = len(self.classes)
        if count > MAX_CLASSES:
            raise ValueError(f"{count} classes; {MAX_CLASSES} are possible")
        for matrix, columns in ((self.confusion_matrix, count), (self.confusion_matrix_with_unk, count + 1)):
            if matrix and (len(matrix) != count or any(len(row) != columns for row in matrix)):
                raise ValueError("a confusion matrix does not fit the classes")
            if any(not 0 <= value <= MOST for row in matrix for value in row):
                raise ValueError("a confusion matrix counts what cannot be")


@dataclass(frozen=True, kw_only=True)
class StoredEvaluation:
    """`EvaluationResult.to_dict()`; of older results the later figures are missing."""

    name: str
    model: str
    data: str
    label: str
    streams: dict[str, StoredStream]
    threshold: int | None = None
    merge_ms: int | None = None
    misses_by: tuple[MissesOf, ...] = ()
    false_accepts_by: tuple[FalseAcceptsOf, ...] = ()
    worst_misses: tuple[Miss, ...] | None = None
    loudest_false_accepts: tuple[FalseAccept, ...] | None = None
    windows: StoredWindows | None = None
    voices: Voices | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.streams) <= _MOST_CONDITIONS:
            raise ValueError(f"an evaluation has {len(self.streams)} conditions; 1 to {_MOST_CONDITIONS} can be")

    @property
    def curves(self) -> dict[str, StreamCurve]:
        """Misses against false accepts, by condition."""
        return {name: _curve(stream.curve) for name, stream in self.streams.items()}

    @property
    def first(self) -> StoredStream:
        """The first condition: clean."""
        return next(iter(self.streams.values()))

    @property
    def hours(self) -> float:
        """Of sound without the word; every condition has the same."""
        return self.first.curve.hours

    @property
    def rates(self) -> tuple[float, ...]:
        """False accepts an hour at which misses are reported."""
        targets = (point.false_accepts_per_hour_target for point in self.first.operating_points)
        found = tuple(target for target in targets if target and 1e-4 <= target <= 1e6)
        return found[:_MOST_RATES] or TARGETS_PER_HOUR

    @property
    def own_threshold(self) -> int | None:
        """The recogniser's own; None where it is not stored."""
        known = self.first.at_own_threshold.threshold if self.threshold is None else self.threshold
        return known if known in self.first.curve.thresholds else None


@dataclass(frozen=True, kw_only=True)
class StoredHistory:
    """`train/history.json`: figures by name, one an epoch."""

    history: dict[str, tuple[float, ...]]
    best_epoch: int | None = None

    def __post_init__(self) -> None:
        if not all(name.isidentifier() for name in self.history):
            raise ValueError("a figure of the history has no name")
        if len(self.history) > _MOST_FIGURES:
            raise ValueError(f"a history of {len(self.history)} figures; {_MOST_FIGURES} can be")


@dataclass(frozen=True, kw_only=True)
class MinedWindow:
    """A window that a round of mining kept: its clip as in the manifest, where it ends in it, its score 0..1."""

    clip: str
    end_s: float
    score: float


@dataclass(frozen=True, kw_only=True)
class StoredMining:
    """What a round of mining found, an entry of `train/mining.json`; see `training.mining.Mining`."""

    round: int
    hours: float
    windows: int
    alarms: int
    kept: int
    kept_by_family: dict[str, int] = field(default_factory=dict)
    loudest: tuple[MinedWindow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredCheck:
    """`check/check.json`, as far as it is shown: see `CheckResult`."""

    inputs: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredState:
    """`state.json`, as far as it is shown."""

    status: str = ""
    stages: dict[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    chance: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredModel:
    """All that is known of a trained model.

    Attributes:
        artifact: where it is.
        tflite: the int8 model.
        summary: what it is made of.
        settings: `settings.json`; empty for a bare `.tflite`.
        state: of the training.
        versions: of the packages that it was trained with.
        history: figures of each epoch.
        profile: its layers on TensorFlow Lite Micro.
        rows: the clips that it was trained and judged on.
        source: text of the model's file.
        evaluations: by form, a device's first.
        data_hash: one SHA-256 over the clips, see `manifest.digest`; empty where it is not known.
        mining: what rounds of mining found.
        check: engines beside each other, at the end of the training.
        compared: float against int8 with tests, where both were judged now.
    """

    artifact: Artifact
    tflite: bytes
    summary: ModelSummary
    settings: Mapping[str, Any]
    state: StoredState
    versions: Mapping[str, str]
    history: StoredHistory | None
    profile: Profile | None
    rows: tuple[ManifestRow, ...]
    source: str
    evaluations: Mapping[str, StoredEvaluation]
    data_hash: str = ""
    mining: tuple[StoredMining, ...] = ()
    check: StoredCheck | None = None
    compared: tuple[ComparedFigure, ...] = ()

    @property
    def evaluation(self) -> StoredEvaluation | None:
        """The one that counts: of the form that a device runs, where it was judged."""
        return next(iter(self.evaluations.values()), None)

    @property
    def sample_rate_hz(self) -> int:
        """Of the front end."""
        rate = self.summary.parameters.get("fe.sample_rate_hz", 16000)
        return rate if isinstance(rate, int) and 1000 <= rate <= 192000 else 16000


def read_model(artifact: Artifact) -> StoredModel:
    """Read it. Raises ModelError where there is no `.tflite` or something is damaged; DataError for the manifest."""
    data = artifact.tflite()
    manifest = artifact.read(MANIFEST) if not artifact.alone else None
    rows = parse_manifest(manifest, artifact.path) if manifest else ()
    return StoredModel(
        artifact=artifact,
        tflite=data,
        summary=summarize_tflite(data, name=artifact.name),
        settings=_read(artifact, "settings.json", dict[str, Any]) or {},
        state=_read(artifact, "state.json", StoredState) or StoredState(),
        versions=_read(artifact, "versions.json", dict[str, str]) or {},
        history=history_of(artifact),
        profile=_read(artifact, "profile/profile.json", Profile),
        rows=rows,
        source=(artifact.read(f"{artifact.name}.py") or b"").decode(errors="replace"),
        evaluations=evaluations_of(artifact),
        data_hash=digest(rows) or (artifact.read(DIGEST) or b"").decode(errors="replace").strip(),
        mining=_read(artifact, f"train/{MINING}", tuple[StoredMining, ...]) or (),
        check=_read(artifact, "check/check.json", StoredCheck),
    )


def history_of(artifact: Artifact) -> StoredHistory | None:
    """The figures of each epoch of a finished training. Raises ModelError where they are damaged."""
    return _read(artifact, "train/history.json", StoredHistory)


def evaluations_of(artifact: Artifact) -> dict[str, StoredEvaluation]:
    """The stored evaluations by form, a device's first. Raises ModelError where one is damaged."""
    found = {kind: _read(artifact, f"eval/{kind}/eval-results.json", StoredEvaluation) for kind in KINDS}
    return {kind: evaluation for kind, evaluation in found.items() if evaluation is not None}


def evaluation_of(values: Mapping[str, Any]) -> StoredEvaluation:
    """What a result's `to_dict()` says, as if it had been stored."""
    return msgspec.convert(json.loads(json.dumps(values)), StoredEvaluation)


def floats(values: tuple[float | None, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """float64 (k,), NaN for None."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _read(artifact: Artifact, member: str, kind: type[_Value]) -> _Value | None:
    data = artifact.read(member)
    if data is None:
        return None
    try:
        return msgspec.convert(read_json(data, f"{member} in {artifact.path}"), kind)
    except (ValueError, msgspec.ValidationError) as error:
        raise ModelError(f"{member} in {artifact.path} cannot be read: {error}", _HINT) from error


def _curve(stored: StoredCurve) -> StreamCurve:
    return StreamCurve(
        thresholds=np.array(stored.thresholds, np.int64),
        misses=np.array(stored.misses, np.int64),
        positives=stored.positives,
        false_accepts=np.array(stored.false_accepts, np.int64),
        hours=stored.hours,
    )
