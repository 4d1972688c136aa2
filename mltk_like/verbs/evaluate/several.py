"""Judge several models, of any tools, on the same recordings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mltk_like.artifact import Artifact
from mltk_like.errors import DataError, MisnamedError, MltkLikeError, SettingError
from mltk_like.evaluation.judge import judge, score_tests
from mltk_like.evaluation.result import EvaluationResult
from mltk_like.evaluation.side_by_side import JudgedModel, ModelCost, RefusedModel, SideBySide
from mltk_like.evaluation.subject import Subject
from mltk_like.evaluation.testset import Recordings
from mltk_like.model import Model
from mltk_like.tflite import run_tflm, summarize_tflite
from mltk_like.verbs.evaluate.files import write_evaluation, write_side_by_side
from mltk_like.verbs.evaluate.material import DEFAULT_SNR_DB, gather, ratios_of
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.subject import open_subject

MERGE_MS = 1000
"""Of false accepts, for all models alike, where nothing is said."""


@dataclass(frozen=True, kw_only=True)
class _Opened:
    """A model that can hear, and what it is called among the others."""

    name: str
    model: Model | str | Path
    artifact: Artifact
    subject: Subject


def evaluate_models(
    models: Sequence[Model | str | Path],
    *,
    recordings: Recordings,
    tflm: bool = False,
    snr_db: float | Sequence[float] | None = None,
    merge_ms: int | None = None,
    output: Path | None = None,
    progress: bool = True,
) -> SideBySide:
    """Judge several models on the same recordings, each in its int8 form with its own front end and recogniser.

    A model that cannot be judged is in the result with the reason, and the others are judged all the same.

    Args:
        models: specifications, names, run folders, archives, `.tflite` files or manifests of microWakeWord.
        recordings: with the word, without it, or both.
        tflm: on TensorFlow Lite Micro: what a microcontroller computes, far slower.
        snr_db: signal-to-noise ratio of each noisy condition in dB; none: 10.
        merge_ms: false accepts no later than this after a counted one are part of it; none: 1000, for all models alike.
        output: folder for models.json, models.csv, summary.txt and the curves of all in one picture, and a folder for
            each model. What was judged before an interruption is written too.
        progress: show bars.

    Raises:
        SettingError: fewer than two models, or a ratio that cannot be.
        DataError: recordings cannot be read, or `output` cannot be written.
    """
    if len(models) < 2:
        raise SettingError("there is one model, and nothing to compare it with", "give two or more")
    ratios, merge = ratios_of(snr_db, DEFAULT_SNR_DB), MERGE_MS if merge_ms is None else merge_ms
    kind = "tflm" if tflm else "tflite"
    opened, refused = _open(models, kind)
    judged: list[JudgedModel] = []
    try:
        for one in opened:
            try:
                found = _judge(one, recordings, ratios, merge, progress)
            except MltkLikeError as error:
                if _is_of_all(error):
                    raise
                refused.append(_refused(one.name, error))
                continue
            judged.append(JudgedModel(name=one.name, result=found, cost=_cost(one)))
            if output is not None:
                write_evaluation(found, output / one.name)
    finally:
        result = SideBySide(models=tuple(judged), refused=tuple(refused), merge_ms=merge)
        if output is not None and judged:
            write_side_by_side(result, output)
    return result


def _open(models: Sequence[Model | str | Path], kind: str) -> tuple[list[_Opened], list[RefusedModel]]:
    """Open all before hours are spent on one."""
    opened: list[_Opened] = []
    refused = []
    for model in models:
        try:
            artifact = artifact_of(model)
            subject = open_subject(artifact, kind)
        except MltkLikeError as error:
            refused.append(_refused(str(model), error))
            continue
        opened.append(_Opened(name=artifact.name, model=model, artifact=artifact, subject=subject))
    names = _names([one.name for one in opened])
    return [replace(one, name=name) for one, name in zip(opened, names, strict=True)], refused


def _names(given: Sequence[str]) -> Iterator[str]:
    """Each name once: `alexa`, `alexa-2`."""
    taken: set[str] = set()
    for name in given:
        found = next(n for n in (name, *(f"{name}-{k}" for k in range(2, len(given) + 2))) if n not in taken)
        taken.add(found)
        yield found


def _judge(
    one: _Opened, recordings: Recordings, ratios: Sequence[float], merge: int, progress: bool
) -> EvaluationResult:
    material = gather(one.model, one.artifact, one.subject, recordings=recordings, snr_db=ratios, progress=progress)
    scored = score_tests(one.subject, material.tests, progress=progress, title=one.name)
    return replace(judge(one.subject, scored, rates=material.rates, merge_ms=merge), name=one.name)


def _is_of_all(error: MltkLikeError) -> bool:
    """Whether an error is of the recordings, not of the model that should hear them."""
    return isinstance(error, DataError) and not isinstance(error, MisnamedError)


def _refused(name: str, error: MltkLikeError) -> RefusedModel:
    return RefusedModel(name=name, message=error.message, hint=error.hint)


def _cost(one: _Opened) -> ModelCost:
    tflite, subject = one.artifact.tflite(), one.subject
    try:
        tflm = run_tflm(tflite, profile=False, repeat=1)
    except MltkLikeError:
        tflm = None
    return ModelCost(
        flash_bytes=len(one.artifact.tflite_as_given()),
        macs=summarize_tflite(tflite).macs,
        latency_ms=subject.recogniser.latency_ms,
        window_ms=subject.frontend.sample_length_ms,
        averaged_ms=subject.recogniser.average_window_duration_ms,
        activations_bytes=tflm.activations_bytes if tflm else None,
        arena_bytes=tflm.arena_bytes if tflm else None,
    )
