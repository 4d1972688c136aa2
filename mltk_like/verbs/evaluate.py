"""Judge a trained model: misses at a given number of false accepts an hour first, figures for single windows below."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import Artifact
from mltk_like.audio.recogniser import RecogniserSettings, scores_to_uint8
from mltk_like.audio.settings import FrontendSettings
from mltk_like.data.manifest import parse_manifest, splits_of
from mltk_like.errors import ModelError
from mltk_like.evaluation.streams import Scorer, StreamScorer
from mltk_like.evaluation.testset import TestSet, from_folders, from_split
from mltk_like.feed.dataset import collect, open_split, restore
from mltk_like.feed.windows import Batch, SplitFiles, WindowMaker
from mltk_like.metrics import (
    ClassificationReport,
    StreamCurve,
    classification_report,
    curve_summary,
    curve_table,
    sweep,
)
from mltk_like.metrics.plots import plot_confusion, plot_precision_recall, plot_roc, plot_stream_curve
from mltk_like.mixins import AudioDatasetMixin, EvaluateMixin
from mltk_like.model import Model, require
from mltk_like.paths import write_text
from mltk_like.quiet import quiet_output
from mltk_like.tflite import TfliteModel, read_parameters
from mltk_like.verbs.building import artifact_of, load_net, specification_of

DEFAULT_RATES = (0.5, 1.0, 2.0)
DEFAULT_SNR_DB = 10.0
_WINDOWS = 2000
_KERAS_BATCH = 512


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """Anyone's recordings to judge a model on, in place of the test voices.

    Attributes:
        positives: folder with one keyword in each file; none: misses are not measured.
        negatives: folders with audio of any length without the keyword.
        noise: folder of noise for the noisy half; none: generated.
        label: class of the positives; none: the first that is detected.
    """

    positives: Path | None = None
    negatives: tuple[Path, ...] = ()
    noise: Path | None = None
    label: str | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """How a model did.

    Attributes:
        name: the model's name.
        kind: 'keras' (float) or 'tflite' (int8).
        data: what it was judged on.
        label: keyword.
        curves: misses against false accepts an hour, by condition: 'clean' and for example '10 dB'.
        rates: false accepts an hour at which misses are reported.
        threshold: the recogniser's own threshold.
        windows: figures for single augmented windows; None where only recordings were given.
    """

    name: str
    kind: str
    data: str
    label: str
    curves: Mapping[str, StreamCurve]
    rates: tuple[float, ...]
    threshold: int
    windows: ClassificationReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.name,
            "model": self.kind,
            "data": self.data,
            "label": self.label,
            "streams": {
                name: {
                    "operating_points": curve_summary(curve, self.rates),
                    "at_own_threshold": curve.at(min(self.threshold, int(curve.thresholds[-1]))).to_dict(),
                    "curve": curve.to_dict(),
                }
                for name, curve in self.curves.items()
            },
            "windows": self.windows.to_dict() if self.windows else None,
        }

    def __str__(self) -> str:
        engine = "float (.keras)" if self.kind == "keras" else "int8 (.tflite)"
        lines = [f"{self.name}, {engine}, on {self.data}"]
        for name, curve in self.curves.items():
            lines += ["", f"{self.label!r}, {name}:", curve_table(curve, self.rates), _at_own(curve, self.threshold)]
        if self.windows:
            lines += [
                "",
                f"{int(self.windows.support.sum())} single windows, augmented as in training:",
                str(self.windows),
            ]
        return "\n".join(lines)


def _at_own(curve: StreamCurve, threshold: int) -> str:
    """What the threshold that is stored in the model does."""
    own = curve.at(min(threshold, int(curve.thresholds[-1])))
    missed = [f"{100 * own.misses_fraction:.1f} % missed"] if curve.positives else []
    heard = [f"{own.false_accepts} false accepts"] if curve.hours else []
    return f"at the model's own threshold {threshold}: {', '.join(missed + heard)}"


def evaluate(
    model: Model | str | Path,
    *,
    tflite: bool = False,
    recordings: Recordings | None = None,
    snr_db: float | None = None,
    output: Path | None = None,
    progress: bool = True,
) -> EvaluationResult:
    """Judge a trained model on the test voices of its data, or on recordings.

    The front end and the recogniser are set as the model's own `.tflite` says, so that what is judged is what a device
    would do. Noise is mixed under the positives; the negatives are heard as they are.

    Args:
        model: a specification, name, run folder, archive or (with `recordings`) `.tflite`.
        tflite: the int8 model; else the float one.
        recordings: judge on these in place of the test voices.
        snr_db: signal-to-noise ratio of the noisy half in dB; none: the model's setting, else 10.
        output: folder for eval-results.json, summary.txt and plots.
        progress: show bars.

    Raises:
        ModelError: the model has not been trained, or its data is needed and it has no specification.
        DataError: recordings or clips cannot be read.
        ToolError: TensorFlow or a package of a source is needed and not installed.
    """
    artifact = artifact_of(model)
    subject = _open_subject(artifact, tflite=tflite)
    rate = subject.frontend.sample_rate_hz
    if recordings is not None:
        snr = DEFAULT_SNR_DB if snr_db is None else snr_db
        label = _label(subject.classes, recordings.label)
        tests = from_folders(label, recordings.positives, recordings.negatives, recordings.noise, rate, snr)
        result = _judge(subject, tests, None, DEFAULT_RATES, progress)
    else:
        specification: Any = specification_of(model, artifact)
        files = _test_files(artifact, specification, progress)
        snr = specification.evaluate_snr_db if snr_db is None else snr_db
        tests = from_split(files, _label(subject.classes, None), rate, snr)
        windows = _test_windows(specification, files)
        result = _judge(subject, tests, windows, specification.evaluate_false_accepts_per_hour, progress)
    if output is not None:
        write_evaluation(result, output)
    return result


def evaluate_nets(
    model: Any, name: str, nets: Mapping[str, Any], files: SplitFiles, *, progress: bool = True
) -> dict[str, EvaluationResult]:
    """Judge several forms of one model ('keras': a net, 'tflite': bytes) on its test voices, with the same audio."""
    tests = from_split(files, _label(model.classes, None), model.frontend.sample_rate_hz, model.evaluate_snr_db)
    windows = _test_windows(model, files)
    results = {}
    for kind, net in nets.items():
        subject = _Subject(
            name=name,
            kind=kind,
            score=make_scorer(net),
            classes=model.classes,
            frontend=model.frontend,
            recogniser=model.recogniser,
        )
        results[kind] = _judge(subject, tests, windows, model.evaluate_false_accepts_per_hour, progress)
    return results


def write_evaluation(result: EvaluationResult, folder: Path) -> None:
    """`eval-results.json`, `summary.txt` and the plots. Raises DataError where the folder cannot be written."""
    write_text(folder / "eval-results.json", json.dumps(result.to_dict(), indent=2) + "\n")
    write_text(folder / "summary.txt", f"{result}\n")
    plot_stream_curve(result.curves, targets_per_hour=result.rates, path=folder / f"{result.name}-streams.png")
    if result.windows is not None:
        plot_confusion(result.windows, path=folder / f"{result.name}-confusion_matrix.png")
        plot_roc(result.windows, path=folder / f"{result.name}-roc.png")
        plot_precision_recall(result.windows, path=folder / f"{result.name}-precision_vs_recall.png")


def make_scorer(net: Any) -> Scorer:
    """Windows int8 (n, time, bands) -> scores uint8 (n, classes), from a Keras net or the bytes of a `.tflite`."""
    if isinstance(net, bytes):
        with quiet_output():
            model = TfliteModel(net)
        shape = model.input_shape[1:]
        return lambda windows: scores_to_uint8(model.predict(windows.reshape(-1, *shape)))
    shape = net.input_shape[1:]

    def score(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
        x = windows.reshape(-1, *shape)
        parts = [net(x[i : i + _KERAS_BATCH].astype(np.float32)).numpy() for i in range(0, len(x), _KERAS_BATCH)]
        return scores_to_uint8(np.concatenate(parts) if parts else np.zeros((0, net.output_shape[-1]), np.float32))

    return score


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What is judged: a net with the front end and the recogniser that it was made for."""

    name: str
    kind: str
    score: Scorer
    classes: tuple[str, ...]
    frontend: FrontendSettings
    recogniser: RecogniserSettings


def _open_subject(artifact: Artifact, *, tflite: bool) -> _Subject:
    data = artifact.tflite()
    parameters = read_parameters(data)
    kind, net = "tflite", data
    if not tflite and artifact.path.suffix != ".tflite":
        with artifact.keras_file() as file:
            kind, net = "keras", load_net(file)
    return _Subject(
        name=artifact.name,
        kind=kind,
        score=make_scorer(net),
        classes=_classes(parameters, artifact),
        frontend=FrontendSettings.from_parameters(parameters),
        recogniser=RecogniserSettings.from_parameters(parameters),
    )


def _judge(
    subject: _Subject, tests: TestSet, windows: Batch | None, rates: tuple[float, ...], progress: bool
) -> EvaluationResult:
    from tqdm import tqdm

    recogniser, classes = subject.recogniser, subject.classes
    streams = StreamScorer(subject.frontend, recogniser.latency_ms, subject.score)
    what = f"evaluate {subject.kind}"
    negatives = []
    if tests.negatives:
        heard = tqdm(tests.negative_stream(), desc=f"{what}, negatives", unit="min", disable=not progress)
        negatives.append(streams.long(heard))
    curves = {}
    for condition, clips in {"clean": tests.clean, f"{tests.snr_db:g} dB": tests.noisy}.items():
        positives = streams.clips(tqdm(clips, desc=f"{what}, {condition}", unit="clip", disable=not progress))
        labels = [tests.label] * len(clips)
        curves[condition] = sweep(positives, negatives, settings=recogniser, classes=classes, labels=labels)
    report = None
    if windows is not None:
        scores = subject.score(windows.features) / np.float32(255)
        report = classification_report(scores, windows.labels, classes)
    return EvaluationResult(
        name=subject.name,
        kind=subject.kind,
        data=tests.description,
        label=tests.label,
        curves=curves,
        rates=rates,
        threshold=recogniser.detection_threshold,
        windows=report,
    )


def _test_files(artifact: Artifact, model: Model, progress: bool) -> SplitFiles:
    """The test split of the run, its clips made again where they are gone; without a manifest, from all sources."""
    for mixin in (AudioDatasetMixin, EvaluateMixin):
        require(model, mixin, "evaluate")
    assert isinstance(model, AudioDatasetMixin)
    manifest = artifact.read("manifest.jsonl")
    clips = splits_of(parse_manifest(manifest, artifact.path)).test if manifest else ()
    if not clips or not restore(model, clips, progress=progress):
        clips = collect(model, test=artifact.name.endswith("-test"), progress=progress).splits.test
    return open_split(model, clips, seed=getattr(model, "seed", 0), progress=progress)


def _test_windows(model: Any, files: SplitFiles) -> Batch:
    maker = WindowMaker(model, files)
    return maker.batch(0, min(_WINDOWS, max(len(maker), 1) * 4))


def _classes(parameters: Mapping[str, Any], artifact: Artifact) -> tuple[str, ...]:
    classes = parameters.get("classes")
    if not isinstance(classes, list) or not classes:
        raise ModelError(
            f"{artifact.path} names no classes", "its .tflite lacks the parameter 'classes': see update_params"
        )
    return tuple(str(name) for name in classes)


def _label(classes: tuple[str, ...], wanted: str | None) -> str:
    keywords = [name for name in classes if not name.startswith("_")]
    if wanted is None and keywords:
        return keywords[0]
    if wanted not in keywords:
        raise ModelError(f"the model detects no {wanted!r}", "it detects: " + ", ".join(keywords))
    return str(wanted)
