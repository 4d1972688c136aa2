"""Judge a trained model: misses at a given number of false accepts an hour first, figures for single windows below."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.data.clip import Clip
from mltk_like.errors import ModelError
from mltk_like.evaluation.chosen import ChosenThreshold, choose_threshold
from mltk_like.evaluation.comparison import Comparison, compare
from mltk_like.evaluation.judge import judge, score_tests
from mltk_like.evaluation.labelled import LabelledResult, judge_labelled
from mltk_like.evaluation.result import EvaluationResult
from mltk_like.evaluation.subject import Subject, make_scorer
from mltk_like.evaluation.testset import Recordings
from mltk_like.feed.windows import SplitFiles
from mltk_like.model import Model
from mltk_like.verbs.evaluate.files import write_comparison, write_evaluation, write_labelled
from mltk_like.verbs.evaluate.material import gather, own_material
from mltk_like.verbs.shared.building import artifact_of, specification_in
from mltk_like.verbs.shared.low_bit import low_bit_report
from mltk_like.verbs.shared.subject import open_subject


def evaluate(
    model: Model | str | Path,
    *,
    tflite: bool = False,
    tflm: bool = False,
    low_bit: bool = False,
    recordings: Recordings | None = None,
    subset: str = "test",
    snr_db: float | Sequence[float] | None = None,
    merge_ms: int | None = None,
    normalise: bool = False,
    output: Path | None = None,
    progress: bool = True,
) -> EvaluationResult:
    """Judge a trained model on the test voices of its data, or on recordings.

    The front end and the recogniser are set as the model's own `.tflite` says, so that what is judged is what a device
    would do. Noise is mixed under the positives; the negatives are heard as they are.

    Args:
        model: a specification, name, run folder, archive or (with `recordings`) `.tflite`.
        tflite: the int8 model; else the float one.
        tflm: the int8 model on TensorFlow Lite Micro: what a microcontroller computes, far slower.
        low_bit: the net of few bits, in integers; see docs/low_bit.md.
        recordings: judge on these in place of the test voices.
        subset: 'training', 'validation' or 'test' of the model's own data.
        snr_db: signal-to-noise ratio of each noisy condition in dB; none: the model's setting, else 10.
        merge_ms: false accepts no later than this after a counted one are part of it; none: the suppression time.
        normalise: print confusion matrices as shares of the true class.
        output: folder for eval-results.json, summary.txt and plots.
        progress: show bars.

    Raises:
        ModelError: the model has not been trained, or its data is needed and it has no specification.
        DataError: recordings or clips cannot be read.
        ToolError: TensorFlow or a package of a source is needed and not installed.
    """
    artifact = artifact_of(model)
    kind = "low-bit" if low_bit else "tflm" if tflm else "tflite" if tflite else "keras"
    subject = open_subject(artifact, kind, specification_in(model))
    material = gather(model, artifact, subject, recordings=recordings, subset=subset, snr_db=snr_db, progress=progress)
    scored = score_tests(subject, material.tests, progress=progress)
    result = judge(
        subject, scored, rates=material.rates, merge_ms=merge_ms, windows=material.windows, normalise=normalise
    )
    result = replace(result, low_bit=low_bit_report(artifact))
    if output is not None:
        write_evaluation(result, output)
    return result


def evaluate_both(
    model: Model | str | Path,
    *,
    recordings: Recordings | None = None,
    subset: str = "test",
    snr_db: float | Sequence[float] | None = None,
    merge_ms: int | None = None,
    normalise: bool = False,
    output: Path | None = None,
    progress: bool = True,
) -> Comparison:
    """Judge the float and the int8 form of a model on the same audio, every figure side by side, differences tested.

    Arguments and errors are those of `evaluate`. Raises ModelError also where there is no float form.
    """
    artifact = artifact_of(model)
    subjects = [open_subject(artifact, kind, specification_in(model)) for kind in ("keras", "tflite")]
    if subjects[0].kind != "keras":
        raise ModelError(f"{artifact.path} holds the int8 model alone", "give its archive or run folder")
    material = gather(
        model, artifact, subjects[1], recordings=recordings, subset=subset, snr_db=snr_db, progress=progress
    )
    first, second = (
        judge(
            subject,
            score_tests(subject, material.tests, progress=progress),
            rates=material.rates,
            merge_ms=merge_ms,
            windows=material.windows,
            normalise=normalise,
        )
        for subject in subjects
    )
    result = compare(first, second)
    if output is not None:
        write_comparison(result, output)
    return result


def evaluate_labelled(
    model: Model | str | Path,
    folder: Path,
    *,
    tflite: bool = False,
    tflm: bool = False,
    sessions: Collection[str] = (),
    label_map: Mapping[str, str] | None = None,
    normalise: bool = False,
    output: Path | None = None,
    progress: bool = True,
) -> LabelledResult:
    """Predictions of a trained model against labels over time, on long recordings with label files.

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        folder: recordings with Audacity labels (`a.txt` of `a.wav`) or a `.dcli` file.
        tflite, tflm, normalise, output, progress: see `evaluate`.
        sessions: labelling sessions of a `.dcli` to take; needed where it has several.
        label_map: what labels in the files are called by the model: {"Knock": "knocking"}.

    Raises:
        ModelError: the model has not been trained.
        SettingError: `label_map` leads to no class of the model.
        DataError: there are no labelled recordings, or one cannot be read.
        ToolError: TensorFlow is needed and not installed.
    """
    subject = open_subject(artifact_of(model), "tflm" if tflm else "tflite" if tflite else "keras")
    result = judge_labelled(
        subject, folder, sessions=sessions, label_map=label_map, normalise=normalise, progress=progress
    )
    if output is not None:
        write_labelled(result, output)
    return result


def evaluate_nets(
    model: Any,
    name: str,
    nets: Mapping[str, Any],
    files: SplitFiles,
    clips: Sequence[Clip] = (),
    *,
    target: float | None = None,
    progress: bool = True,
) -> tuple[dict[str, EvaluationResult], ChosenThreshold | None]:
    """Judge several forms of one model ('keras': a net, 'tflite': bytes) on its test voices, with the same audio.

    All forms are judged at the threshold that the int8 model has for the target, where one was found.

    Args:
        model: the specification.
        name: of the run.
        nets: by form.
        files: the test split.
        clips: those that it was opened with; without them neither files nor voices of the clips are known.
        target: false accepts an hour that the threshold is to be set for; none: the model's own threshold.
        progress: show bars.

    Returns:
        The results by form, and which threshold was chosen; None without a target.
    """
    material = own_material(model, files, clips, snrs_db=(model.evaluate_snr_db,))
    subjects = {
        kind: Subject(
            name=name,
            kind=kind,
            score=make_scorer(net, kind),
            classes=model.classes,
            frontend=model.frontend,
            recogniser=model.recogniser,
            gate=EnergyGateSettings.from_parameters(model.parameters),
        )
        for kind, net in nets.items()
    }
    scored = {kind: score_tests(subject, material.tests, progress=progress) for kind, subject in subjects.items()}
    chosen = choose_threshold(scored["tflite"], model.recogniser, target) if target is not None else None
    recogniser = chosen.sensitivity.recogniser if chosen and chosen.sensitivity else model.recogniser
    results = {
        kind: judge(
            replace(subject, recogniser=recogniser), scored[kind], rates=material.rates, windows=material.windows
        )
        for kind, subject in subjects.items()
    }
    return results, chosen
