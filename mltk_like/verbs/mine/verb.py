"""Hard negatives: run a model over hours of sound without its keyword, and cut out what it fires on."""

import hashlib
import math
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import Artifact
from mltk_like.audio.wav import durations_s
from mltk_like.data.manifest import MANIFEST, parse_manifest
from mltk_like.data.skipped import way_out
from mltk_like.errors import DataError, MltkLikeError, SettingError
from mltk_like.evaluation.scan import scan_folders
from mltk_like.evaluation.subject import Subject
from mltk_like.evaluation.testset import files_in
from mltk_like.model import Model
from mltk_like.paths import portable, resolved, several_paths
from mltk_like.tflite import read_parameters
from mltk_like.verbs.mine.cuts import cut_out
from mltk_like.verbs.mine.folder import FileState, Heard, MinedFolder, Setup, state_of
from mltk_like.verbs.mine.result import MineResult
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.subject import open_subject

MARGIN = 0.2
"""Share of the model's own threshold by which cuts are made below it: near misses today are false accepts tomorrow,
in a noisier room or with a threshold that another model needs."""

_BAR = "{desc} {percentage:3.0f}% |{bar}| {n:.0f}/{total:.0f} s [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
_SHORT_S = 10.0
_SUSPICIOUS_FILES = 5
_FEATURES_NOTE = (
    "the model was trained on ready features, to which no recordings can be added: make features of the cuts with what "
    "made the others, and add them to its sources() as data.Features(path=..., label='_unknown_')"
)


def mine(
    model: Model | str | Path,
    negatives: str | Path | Sequence[str | Path],
    *,
    output: Path | str = "mined",
    threshold: int | None = None,
    margin: float = MARGIN,
    limit: int | None = None,
    progress: bool = True,
) -> MineResult:
    """Cut out what a trained model fires on in recordings that do not hold its keyword.

    The int8 model listens as the device would, to one file after the other, in bounded memory. Each detection becomes a
    WAV file of two windows with what set it off in the middle. A second call goes on with the files that are new.

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        negatives: folders with recordings of any length, searched with their sub-folders.
        output: folder of the cuts; made by this model with these settings, or new.
        threshold: cut out what scores above it, 0..254, whatever the keyword; none: by `margin`.
        margin: how far below the model's own thresholds, as a share of them.
        limit: most cuts of one file, the highest scores first.
        progress: show a bar.

    Raises:
        SettingError: a number is out of range; recordings and output lie within each other; another model, or other
            settings, made the cuts that are there.
        ModelError: the model has not been trained, or detects nothing.
        DataError: a folder has no audio, none of it can be read, or the cuts cannot be written.
        KeyboardInterrupt: the files that were heard by then are kept.
    """
    artifact = artifact_of(model)
    subject = open_subject(artifact, "tflite")
    setup = _setup(artifact, subject, threshold, margin, limit)
    of_features = _was_trained_on_features(artifact)
    folders = [resolved(folder.expanduser()) for folder in several_paths(negatives)]
    target = resolved(Path(output).expanduser())
    _check_apart(folders, target)
    # Where folders overlap, the first that names a file counts.
    roots = {path: folder for folder in reversed(folders) for path in files_in(folder)}
    # As they are before they are heard: what a recording grows by meanwhile is for the next call.
    states = {path: state_of(path) for path in roots}
    mined = MinedFolder(target, setup)
    new = {path: root for path, root in roots.items() if not mined.has(path, states[path])}
    try:
        _listen(mined, subject, folders, new, states, progress=progress)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            left = sum(str(path) not in mined.heard for path in new)
            print(f"interrupted with {left} of {len(new)} files to go; the same command goes on", file=sys.stderr)
        # On a full disk this fails too, and the error that is to be seen is the first one.
        with suppress(MltkLikeError):
            mined.write_manifest()
        raise
    mined.write_manifest()
    next_command = "" if of_features else _next_command(artifact, Path(output))
    return _result(mined, subject, folders, len(new), next_command)


def _result(
    mined: MinedFolder, subject: Subject, folders: Sequence[Path], files_now: int, next_command: str
) -> MineResult:
    rows = list(mined.heard.values())
    if not any(row.duration_s for row in rows):
        hint = way_out(rows[0].problem, "WAV, FLAC, OGG and MP3 are read")
        raise DataError(f"none of {len(rows)} files can be heard: {rows[0].problem}", hint)
    return MineResult(
        setup=mined.setup,
        folder=mined.folder,
        files=len(rows),
        files_now=files_now,
        hours=sum(row.duration_s for row in rows) / 3600,
        detections=sum(row.detections for row in rows),
        false_accepts=sum(row.false_accepts for row in rows),
        cuts=tuple(mined.cuts),
        notes=(*_positives_hint(rows, folders), *([] if next_command or not mined.cuts else [_FEATURES_NOTE])),
        problems=tuple(row.problem for row in rows if row.problem),
        next_command=next_command,
    )


def _setup(artifact: Artifact, subject: Subject, threshold: int | None, margin: float, limit: int | None) -> Setup:
    if threshold is not None and not 0 <= threshold <= 254:
        raise SettingError(f"there is no threshold {threshold}", "give 0 to 254")
    if not 0 <= margin < 1:
        raise SettingError(f"margin={margin} is no share of a threshold", "give 0 or more, below 1; for example 0.2")
    if limit is not None and limit < 1:
        raise SettingError(f"limit={limit} would cut out nothing", "give 1 or more")
    tflite = artifact.tflite()
    version = read_parameters(tflite).get("version")
    own = {label: subject.threshold(label) for label in subject.labels(None)}
    lowered = {label: int((1 - margin) * level) if threshold is None else threshold for label, level in own.items()}
    return Setup(
        model=artifact.name,
        version=version if isinstance(version, int) else -1,
        sha256=hashlib.sha256(tflite).hexdigest(),
        thresholds=lowered,
        own_thresholds=own,
        limit=limit,
    )


def _check_apart(folders: Sequence[Path], target: Path) -> None:
    """Cuts among the recordings would be mined again."""
    for folder in folders:
        if target.is_relative_to(folder) or folder.is_relative_to(target):
            raise SettingError(
                f"the recordings in {folder} and the cuts in {target} would be mixed up", "give another folder: -o DIR"
            )


def _listen(
    mined: MinedFolder,
    subject: Subject,
    folders: Sequence[Path],
    new: Mapping[Path, Path],
    states: Mapping[Path, FileState],
    *,
    progress: bool,
) -> None:
    """Hear the new files (each with its folder) and cut them; the bar moves with every inference."""
    from tqdm.auto import tqdm

    done = set(states) - set(new)
    # A second more than the headers say: rounding must not carry the bar beyond its end.
    total = math.ceil(np.nansum(durations_s(list(new)))) + 1 if progress else 0
    step_s = subject.recogniser.latency_ms / 1000
    heard_s = 0.0
    options: dict[str, Any] = {"disable": not progress, "mininterval": 0.5, "bar_format": _BAR}
    with tqdm(total=total, desc="mine", unit="s", **options) as bar:

        def score(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
            # An hours-long file must not stop the bar.
            bar.update(len(windows) * step_s)
            return subject.score(windows)

        least = min(mined.setup.thresholds.values())
        for scanned in scan_folders(replace(subject, score=score), folders, threshold=least, done=done):
            # Folders may overlap, and name a file twice.
            done.add(scanned.path)
            mined.add(cut_out(scanned, new[scanned.path], states[scanned.path], mined, subject))
            heard_s += scanned.duration_s
            bar.update(heard_s - bar.n)
            bar.set_postfix_str(f"{len(mined.heard)} files", refresh=False)


def _positives_hint(rows: Sequence[Heard], folders: Sequence[Path]) -> Iterator[str]:
    """Short files that nearly all set a model off are what it is to hear."""
    for folder in folders:
        short = [row for row in rows if 0 < row.duration_s < _SHORT_S and Path(row.source).is_relative_to(folder)]
        fired = sum(row.false_accepts > 0 for row in short)
        if len(short) >= _SUSPICIOUS_FILES and 2 * fired > len(short):
            yield (
                f"the model fires on {fired} of {len(short)} short recordings in {portable(folder)}: if they hold the "
                "keyword, do not train with these cuts, they would unlearn it"
            )


def _was_trained_on_features(artifact: Artifact) -> bool:
    """Whether the clips of a training are rows of arrays: all are, or none."""
    with suppress(MltkLikeError):  # of a damaged manifest nothing is known
        first = (artifact.read(MANIFEST) or b"").partition(b"\n")[0]
        return any(row.row is not None for row in parse_manifest(first, artifact.path))
    return False


def _next_command(artifact: Artifact, output: Path) -> str:
    resume = [] if artifact.alone else ["--resume-from", artifact.typed]
    words = [artifact.typed_model, *resume, "--negatives", str(output)]
    return shlex.join(["python", "-m", "mltk_like", "train", *words])
