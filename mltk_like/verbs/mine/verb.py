"""Hard negatives: run a model over hours of sound without its keyword, and cut out what it fires on."""

import hashlib
import math
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import Artifact
from mltk_like.audio.wav import durations_s, stream_audio, write_wav
from mltk_like.errors import DataError, SettingError
from mltk_like.evaluation.scan import ScannedFile, scan_folders
from mltk_like.evaluation.streams import Int16
from mltk_like.evaluation.subject import Subject
from mltk_like.evaluation.testset import files_in
from mltk_like.metrics import Event
from mltk_like.model import Model
from mltk_like.paths import portable
from mltk_like.tflite import read_parameters
from mltk_like.verbs.mine.folder import Cut, FileState, Heard, MinedFolder, Setup, cut_name, describe, state_of
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.subject import open_subject

MARGIN = 0.2
"""Share of the model's own threshold by which cuts are made below it: near misses today are false accepts tomorrow,
in a noisier room or with a threshold that another model needs."""

# Training takes a random window out of a cut. In two windows' length with the trigger in the middle, that holds most of
# the trigger more often than not, and sound from before it; longer cuts would be divided (`data.own`) and dilute it.
_CUT_WINDOWS = 2
_SHOWN = 10
_BAR = "{desc} {percentage:3.0f}% |{bar}| {n:.0f}/{total:.0f} s [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
_SHORT_S = 10.0
_SUSPICIOUS_FILES = 5


@dataclass(frozen=True, kw_only=True)
class MineResult:
    """What a model fired on.

    Attributes:
        setup: the model and its thresholds.
        folder: of the cuts.
        files: heard so far, in this call and earlier ones.
        files_now: of them in this call.
        hours: of these files.
        detections: above the thresholds of the mining.
        false_accepts: those of them that the model itself would make, at its own thresholds.
        cuts: by recording and time.
        notes: what the user should look at before the training.
        problems: one sentence for each file that could not be heard to its end.
        next_command: the training that learns from the cuts.
    """

    setup: Setup
    folder: Path
    files: int
    files_now: int
    hours: float
    detections: int
    false_accepts: int
    cuts: tuple[Cut, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    next_command: str

    @property
    def loudest(self) -> tuple[Cut, ...]:
        """The ten cuts with the highest scores."""
        return tuple(sorted(self.cuts, key=lambda cut: -cut.score)[:_SHOWN])

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        per_hour = {name: count / self.hours for name, count in self._counts().items()} if self.hours else {}
        return {
            "model": {**asdict(self.setup), "thresholds": dict(self.setup.thresholds),
                      "own_thresholds": dict(self.setup.own_thresholds)},
            "folder": str(self.folder), "files": self.files, "files_now": self.files_now, "hours": self.hours,
            **self._counts(), "per_hour": per_hour, "cuts": len(self.cuts),
            "loudest": [asdict(cut) for cut in self.loudest],
            "notes": list(self.notes), "problems": list(self.problems), "next": self.next_command,
        }  # fmt: skip

    def __str__(self) -> str:
        lines = [f"{describe(self.setup)} heard {self.files} files, {self.hours:.2f} h ({self.files_now} files now)"]
        for name, count in self._counts().items():
            levels = self.setup.own_thresholds if name == "false_accepts" else self.setup.thresholds
            above = ", ".join(f"{level} for {label!r}" for label, level in levels.items())
            per_hour = f"{count / self.hours:.2f} an hour" if self.hours else ""
            lines.append(f"{name.replace('_', ' '):<14} {count:>6}  {per_hour}, above {above}")
        lines.append(f"{'cuts':<14} {len(self.cuts):>6}  in {portable(self.folder)}")
        if self.cuts:
            lines += ["", f"{'score':>5} {'time':>11}  {'label':<12} loudest"]
            lines += [f"{c.score:>5} {_clock(c.time_s):>11}  {c.label:<12} {portable(Path(c.source))}"
                      for c in self.loudest]  # fmt: skip
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"not heard to its end: {problem}" for problem in self.problems]
        return "\n".join([*lines, "", "next:", f"  {self.next_command}"] if self.cuts else lines)

    def _counts(self) -> dict[str, int]:
        return {"detections": self.detections, "false_accepts": self.false_accepts}


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
    given = [negatives] if isinstance(negatives, str | Path) else list(negatives)
    folders = [Path(folder).expanduser().resolve() for folder in given]
    target = Path(output).expanduser().resolve()
    _check_apart(folders, target)
    # Where folders overlap, the first that names a file counts.
    roots = {path: folder for folder in reversed(folders) for path in files_in(folder)}
    # As they are before they are heard: what a recording grows by meanwhile is for the next call.
    states = {path: state_of(path) for path in roots}
    mined = MinedFolder(target, setup)
    new = {path: root for path, root in roots.items() if not mined.has(path, states[path])}
    try:
        _listen(mined, subject, folders, new, states, progress=progress)
    except KeyboardInterrupt:
        left = sum(str(path) not in mined.heard for path in new)
        print(f"interrupted with {left} of {len(new)} files to go; the same command goes on", file=sys.stderr)
        raise
    finally:
        mined.write_manifest()
    return _result(mined, subject, folders, len(new), _next_command(model, artifact, Path(output)))


def _result(
    mined: MinedFolder, subject: Subject, folders: Sequence[Path], files_now: int, next_command: str
) -> MineResult:
    rows = list(mined.heard.values())
    if not any(row.duration_s for row in rows):
        raise DataError(f"none of {len(rows)} files can be heard: {rows[0].problem}", "WAV, FLAC, OGG and MP3 are read")
    return MineResult(
        setup=mined.setup,
        folder=mined.folder,
        files=len(rows),
        files_now=files_now,
        hours=sum(row.duration_s for row in rows) / 3600,
        detections=sum(row.detections for row in rows),
        false_accepts=sum(row.false_accepts for row in rows),
        cuts=tuple(mined.cuts),
        notes=tuple(_positives_hint(rows, folders)),
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
    from tqdm import tqdm

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
            mined.add(_cut_out(scanned, new[scanned.path], states[scanned.path], mined, subject))
            heard_s += scanned.duration_s
            bar.update(heard_s - bar.n)
            bar.set_postfix_str(f"{len(mined.heard)} files", refresh=False)


def _cut_out(scanned: ScannedFile, root: Path, state: FileState, mined: MinedFolder, subject: Subject) -> Heard:
    """Write the cuts of one file."""
    setup = mined.setup
    events = [event for event in scanned.events if event.score > setup.thresholds[event.label]]
    kept = sorted(sorted(events, key=lambda event: -event.score)[: setup.limit], key=lambda event: event.time_ms)
    rate = subject.frontend.sample_rate_hz
    spans = [_span(subject, event) for event in kept]
    cuts = []
    for event, (start, _), samples in zip(kept, spans, _stretches(scanned.path, rate, spans), strict=False):
        name = cut_name(scanned.path, root, event.label, event.time_ms, event.score)
        write_wav(mined.folder / name, samples, rate)
        cuts.append(
            Cut(
                file=name, source=str(scanned.path), label=event.label, score=event.score,
                time_s=event.time_ms / 1000, start_s=start / rate, end_s=(start + len(samples)) / rate,
            )
        )  # fmt: skip
    return Heard(
        source=str(scanned.path),
        state=state,
        duration_s=scanned.duration_s,
        detections=len(events),
        false_accepts=sum(event.score > setup.own_thresholds[event.label] for event in events),
        cuts=tuple(cuts),
        problem=scanned.problem,
    )


def _span(subject: Subject, event: Event) -> tuple[int, int]:
    """First sample and end of a cut: the windows that were averaged ended, at their middle, half that time before."""
    rate, window = subject.frontend.sample_rate_hz, subject.frontend.sample_length
    averaged = subject.recogniser.average_window_duration_ms * rate // 1000
    middle = event.time_ms * rate // 1000 - averaged // 2 - window // 2
    start = max(middle - _CUT_WINDOWS * window // 2, 0)
    return start, start + _CUT_WINDOWS * window


def _stretches(path: Path, rate: int, spans: Sequence[tuple[int, int]]) -> Iterator[Int16]:
    """Stretches of a file in the order of their starts, none longer than the one before, in one pass; the last may be
    cut short by the file's end, or by damage that was reported before."""
    waiting = list(spans)
    kept, first = np.zeros(0, np.int16), 0
    if not waiting:
        return
    for block in _readable(path, rate):
        kept = np.concatenate([kept, block])
        while waiting and waiting[0][1] <= first + len(kept):
            start, end = waiting.pop(0)
            yield kept[start - first : end - first]
        if not waiting:
            return
        drop = min(waiting[0][0] - first, len(kept))
        kept, first = kept[drop:], first + drop
    for start, end in waiting:
        if start - first < len(kept):
            yield kept[start - first : end - first]


def _readable(path: Path, rate: int) -> Iterator[Int16]:
    try:
        yield from stream_audio(path, rate)
    except DataError:
        return


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


def _next_command(model: Model | str | Path, artifact: Artifact, output: Path) -> str:
    given = model.path or model.name if isinstance(model, Model) else model
    name = str(given) if str(given).endswith(".py") else artifact.name
    resume = [] if artifact.path.suffix == ".tflite" else ["--resume-from", str(given)]
    return shlex.join(["python", "-m", "mltk_like", "train", name, *resume, "--negatives", str(output)])


def _clock(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds - 60 * minutes:04.1f}"
