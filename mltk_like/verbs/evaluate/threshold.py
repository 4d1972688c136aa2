"""Set a trained model's threshold so that it makes at most so many false accepts an hour."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mltk_like.artifact import Artifact, is_run_folder
from mltk_like.errors import DataError
from mltk_like.evaluation.judge import judge, score_tests
from mltk_like.evaluation.result import EvaluationResult
from mltk_like.evaluation.sensitivity import Sensitivity, find_sensitivity
from mltk_like.evaluation.testset import Recordings
from mltk_like.loader import find_model
from mltk_like.model import Model
from mltk_like.run import ARCHIVE_SUFFIX
from mltk_like.tflite import read_parameters
from mltk_like.verbs.evaluate.files import write_evaluation
from mltk_like.verbs.evaluate.material import gather
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.subject import open_subject
from mltk_like.verbs.update_params import ParameterChanges, set_parameters


@dataclass(frozen=True, kw_only=True)
class ThresholdResult:
    """What was found, measured and written.

    Attributes:
        sensitivity: the settings and the three named levels.
        evaluation: how the model does with them.
        changes: parameters that were written.
        published: the archive beside the model's file, where that holds the same model and was changed too.
    """

    sensitivity: Sensitivity
    evaluation: EvaluationResult
    changes: ParameterChanges
    published: Path | None

    def to_dict(self) -> dict[str, Any]:
        """JSON values: those of the evaluation, and what was found and written."""
        return {
            **self.evaluation.to_dict(),
            "sensitivity": self.sensitivity.to_dict(),
            "parameters": self.changes.to_dict(),
            "published": str(self.published) if self.published else None,
        }

    def __str__(self) -> str:
        lines = [str(self.evaluation), "", str(self.sensitivity), "", str(self.changes)]
        return "\n".join([*lines, f"and in: {self.published}"] if self.published else lines)


def find_threshold(
    model: Model | str | Path,
    target: float,
    *,
    free: Collection[str] = (),
    tflm: bool = False,
    recordings: Recordings | None = None,
    subset: str = "test",
    snr_db: float | Sequence[float] | None = None,
    merge_ms: int | None = None,
    normalise: bool = False,
    output: Path | None = None,
    progress: bool = True,
) -> ThresholdResult:
    """Find the settings of the recogniser with the fewest misses at a target, and write them into the model.

    The int8 model is judged, because it is the one that carries them. Its `.tflite` gets the threshold, what else was
    free, and three named levels with their measured figures; so does the archive that holds it and, where a run was
    found by the model's name, the archive beside the model's file.

    Args:
        model: a specification, name, run folder, archive or (with `recordings`) `.tflite`.
        target: false accepts an hour, above 0.
        free: which of `average_window_duration_ms`, `minimum_count` and `suppression_ms` may be changed too.
        tflm, recordings, subset, snr_db, merge_ms, normalise, output, progress: see `evaluate`.

    Raises:
        CheckError: no setting reaches the target; nothing is written.
        SettingError, DataError: the target or the audio cannot be; also as `evaluate`.
    """
    artifact = artifact_of(model)
    artifact.check_writable()
    subject = open_subject(artifact, "tflm" if tflm else "tflite")
    material = gather(model, artifact, subject, recordings=recordings, subset=subset, snr_db=snr_db, progress=progress)
    if material.tests.silent:
        raise DataError(
            "the model's data are ready features, which have no sound to hear as a stream",
            "a threshold is set on recordings: add --positives DIR --negatives DIR",
        )
    scored = score_tests(subject, material.tests, progress=progress)
    found = find_sensitivity(scored, subject.recogniser, target, free=free, merge_ms=merge_ms)
    result = judge(
        replace(subject, recogniser=found.recogniser),
        scored,
        rates=tuple(sorted({*material.rates, target})),
        merge_ms=subject.recogniser.suppression_ms if merge_ms is None else merge_ms,
        windows=material.windows,
        normalise=normalise,
    )
    published = None if isinstance(model, str | Path) and is_run_folder(model) else _published(model, artifact)
    parameters = found.in_place_of(read_parameters(artifact.tflite()))
    changes = set_parameters(artifact, parameters)
    if published is not None:
        set_parameters(published, parameters)
    if output is not None:
        write_evaluation(result, output)
    path = published.path if published else None
    return ThresholdResult(sensitivity=found, evaluation=result, changes=changes, published=path)


def _published(model: Model | str | Path, artifact: Artifact) -> Artifact | None:
    """The archive beside the model's file, where the model's name led to a run and both hold the same `.tflite`."""
    if not artifact.path.is_dir():
        return None
    file = model.path if isinstance(model, Model) else find_model(model).path
    if file is None:
        return None
    path = file.with_name(f"{artifact.name}{ARCHIVE_SUFFIX}")
    copy = Artifact(name=artifact.name, path=path)
    return copy if path.is_file() and copy.read(f"{artifact.name}.tflite") == artifact.tflite() else None
