"""Predictions against labels over time, on long recordings with label files."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.live import first_window_ms
from mltk_like.audio.recogniser import Detection, Recogniser
from mltk_like.audio.wav import stream_audio
from mltk_like.data.annotated import Annotated, find_annotated
from mltk_like.data.labels import Interval
from mltk_like.data.names import refuse_near_names
from mltk_like.data.skipped import report
from mltk_like.errors import DataError, SettingError
from mltk_like.evaluation.streams import ScoredStream, StreamScorer
from mltk_like.evaluation.subject import Subject
from mltk_like.metrics import ClassificationReport, classification_report, poisson_interval, wilson_interval
from mltk_like.paths import portable

AFTER_MS = 1000
"""A detection may come so long after its label has ended: the recogniser averages over what it has heard."""

OVERLAP = 0.5
"""A window has a label's class when they share this much of the shorter of the two."""

_MOST_NAMED = 5  # recordings
_LOUDER = "they stay below its energy gate (energy_gate.threshold)"


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """One label in all recordings.

    Attributes:
        label: the class.
        intervals: labelled stretches.
        hits: of them, those in which, or up to a second after which, the class was detected.
        false_alarms: detections of the class elsewhere.
        hours: of all recordings.
    """

    label: str
    intervals: int
    hits: int
    false_alarms: int
    hours: float

    @property
    def misses(self) -> int:
        """Labelled stretches that were not found."""
        return self.intervals - self.hits

    def to_dict(self) -> dict[str, Any]:
        """JSON values, with 95 % intervals: Wilson's of the share missed, Poisson's of the rate of false alarms."""
        low, high = poisson_interval(self.false_alarms)
        return {
            **asdict(self),
            "misses": self.misses,
            "misses_interval_95": list(wilson_interval(self.misses, self.intervals)),
            "false_alarms_per_hour": self.false_alarms / self.hours,
            "false_alarms_per_hour_interval_95": [low / self.hours, high / self.hours],
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledRecording:
    """One recording, what was said to be in it, and what the model made of it.

    Attributes:
        path: the recording.
        intervals: with labels that the model detects.
        detections: at the model's own thresholds, by time.
        scored: the net's outputs along it.
        truth: int64 (steps,): class of the window that ends at each step; -1: it does not count.
        left_out: stretches that only another session labels: what is heard there does not count.
        known: stretches that have a label, whatever it is.
    """

    path: Path
    intervals: tuple[Interval, ...]
    detections: tuple[Detection, ...]
    scored: ScoredStream = field(repr=False)
    truth: NDArray[np.int64] = field(repr=False)
    left_out: tuple[Interval, ...] = ()
    known: tuple[Interval, ...] = ()

    @property
    def heard_s(self) -> float:
        """Seconds that count: without what is left out."""
        apart = _length_s((*self.left_out, *self.known)) - _length_s(self.known)
        return self.scored.duration_s - min(apart, self.scored.duration_s)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, without the scores."""
        return {
            "file": portable(self.path),
            "duration_s": self.scored.duration_s,
            "labels": [{"start_s": i.start_s, "end_s": i.end_s, "label": i.label} for i in self.intervals],
            "detections": [{"time_s": d.time_ms / 1000, "label": d.label, "score": d.score} for d in self.detections],
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledResult:
    """How a model did on labelled recordings.

    Attributes:
        name: the model's name.
        kind: 'keras', 'tflite' or 'tflm'.
        data: where the recordings are.
        threshold: the recogniser's own.
        rows: one for each class that is detected.
        windows: each window that the net saw, against the label that it had.
        recordings: in the order of their paths.
        other: labels that the model does not detect, and how often they stand there.
        first_window_ms: what a recording must have for the net to run at all.
    """

    name: str
    kind: str
    data: str
    threshold: int
    rows: tuple[LabelRow, ...]
    windows: ClassificationReport
    recordings: tuple[LabelledRecording, ...]
    other: Mapping[str, int] = field(default_factory=dict)
    first_window_ms: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.name,
            "model": self.kind,
            "data": self.data,
            "threshold": self.threshold,
            "labels": [row.to_dict() for row in self.rows],
            "windows": self.windows.to_dict(),
            "other_labels": dict(self.other),
            "recordings": [recording.to_dict() for recording in self.recordings],
        }

    def __str__(self) -> str:
        table = [["label", "labelled", "hits", "misses", "95 %", "false alarms", "per hour"]]
        for row in self.rows:
            low, high = wilson_interval(row.misses, row.intervals)
            share = f"{100 * low:.1f}..{100 * high:.1f} %" if row.intervals else ""
            cells = (row.label, row.intervals, row.hits, row.misses, share, row.false_alarms)
            table.append([*map(str, cells), f"{row.false_alarms / row.hours:.2f}"])
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        hours = sum(recording.heard_s for recording in self.recordings) / 3600
        lines = [f"{self.name} on {self.data}: {len(self.recordings)} recordings, {hours:.2f} h"]
        lines += ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in table]
        lines += [f"a label is hit by a detection in it or up to {AFTER_MS} ms after it, at threshold {self.threshold}"]
        short = [each.path.name for each in self.recordings if each.scored.duration_s * 1000 < self.first_window_ms]
        if short:
            shown = ", ".join(short[:_MOST_NAMED]) + (", ..." if len(short) > _MOST_NAMED else "")
            lines += [
                f"the net never ran on {len(short)} of them, shorter than the {self.first_window_ms} ms of its first "
                f"window, so their labels count as missed: {shown} (put silence around what they hold)"
            ]
        if self.other:
            names = ", ".join(f"{label} {count}" for label, count in sorted(self.other.items()))
            lines += [f"labels that are no class it detects: {names} (--label-map LABEL=CLASS counts one as another)"]
        return "\n".join([*lines, "", f"{self.windows.count} windows, one an inference:", str(self.windows)])


def judge_labelled(
    subject: Subject,
    folder: Path,
    *,
    labels: str = "auto",
    sessions: Collection[str] = (),
    label_map: Mapping[str, str] | None = None,
    normalise: bool = False,
    progress: bool = True,
) -> LabelledResult:
    """Run a model along labelled recordings, each a stream of its own.

    Labels that the model does not detect count as background. Background is the last class whose name starts with
    '_', `_unknown_` where there is one.

    Args:
        subject: the model.
        folder: recordings with Audacity labels or a `.dcli` file; see `data.LabelledRecordings`.
        labels: 'audacity', 'dcli' or 'auto'.
        sessions: labelling sessions of a `.dcli` to take; none: all, and there may be but one. What only others label
            is left out.
        label_map: what labels in the files are called by the model: {"Knock": "knocking"}.
        normalise: confusion matrices are printed as shares.
        progress: show a bar.

    Raises:
        DataError: there are no labelled recordings, or one cannot be read; the model has no class for background.
        MisnamedError: a label is nearly called as a class that is detected.
        SettingError: `label_map` leads to a class that the model does not have.
    """
    from tqdm.auto import tqdm

    names = _checked(label_map or {}, subject)
    found = [_renamed(item, names) for item in _annotated(folder, labels, sessions)]
    _refuse_near(folder, found, subject)
    streams = StreamScorer(subject.frontend, subject.recogniser.latency_ms, subject.score, subject.gate)
    recordings = tuple(
        _judge_one(subject, streams, item) for item in tqdm(found, desc="labelled", unit="file", disable=not progress)
    )
    first_ms = first_window_ms(subject.frontend, subject.recogniser.latency_ms)
    if not any(len(recording.scored.scores) for recording in recordings):
        short = all(each.scored.duration_s * 1000 < first_ms for each in recordings)
        hint = f"it needs {first_ms} ms for its first window: put silence around the words" if short else _LOUDER
        raise DataError(f"the net never ran on the recordings in {folder}", hint)
    threshold = subject.threshold(subject.keywords[0])
    return LabelledResult(
        name=subject.name,
        kind=subject.kind,
        data=str(folder),
        threshold=threshold,
        rows=tuple(label_row(label, recordings) for label in subject.keywords),
        windows=_window_report(subject, recordings, threshold, normalise),
        recordings=recordings,
        other=Counter(i.label for item in found for i in item.intervals if i.label not in subject.keywords),
        first_window_ms=first_ms,
    )


def _window_report(
    subject: Subject, recordings: Sequence[LabelledRecording], threshold: int, normalise: bool
) -> ClassificationReport:
    """Each window that counts, one an inference, against the label that it has."""
    truth = np.concatenate([recording.truth for recording in recordings])
    scores = np.concatenate([recording.scored.scores for recording in recordings]) / np.float32(255)
    return classification_report(
        scores[truth >= 0], truth[truth >= 0], subject.classes, decision_threshold=threshold / 255, normalise=normalise
    )


def window_labels(
    times_ms: NDArray[np.int64], window_ms: int, intervals: Sequence[Interval], classes: Sequence[str], background: int
) -> NDArray[np.int64]:
    """Class of the window that ends at each time: int64 (steps,).

    A window has an interval's label when they share half of the shorter of the two; of several the later interval wins.
    """
    ends = times_ms / 1000
    starts = ends - window_ms / 1000
    truth = np.full(len(times_ms), background, dtype=np.int64)
    for interval in intervals:
        shared = np.minimum(ends, interval.end_s) - np.maximum(starts, interval.start_s)
        least = OVERLAP * min(window_ms / 1000, interval.end_s - interval.start_s)
        truth[(shared >= least - 1e-9) & (shared > 0)] = classes.index(interval.label)
    return truth


def _left_out_windows(
    times_ms: NDArray[np.int64], window_ms: int, others: Sequence[Interval], known: Sequence[Interval]
) -> NDArray[np.bool_]:
    """Which windows have a label of another session alone, by the rule of `window_labels`: bool (steps,)."""

    def labelled(intervals: Sequence[Interval]) -> NDArray[np.bool_]:
        any_label = [replace(interval, label="x") for interval in intervals]
        found: NDArray[np.bool_] = window_labels(times_ms, window_ms, any_label, ("x", "_"), 1) == 0
        return found

    return labelled(others) & ~labelled(known)


def _length_s(intervals: Iterable[Interval]) -> float:
    """Seconds that lie in any of the intervals."""
    total, last = 0.0, 0.0
    for interval in sorted(intervals, key=lambda interval: interval.start_s):
        total += max(interval.end_s - max(interval.start_s, last), 0.0)
        last = max(last, interval.end_s)
    return total


def _annotated(folder: Path, labels: str, sessions: Collection[str]) -> list[Annotated]:
    found, skipped = find_annotated(folder, labels, dict.fromkeys(sessions, "test"))
    report(str(folder), skipped, len(found) + len(skipped), "files or labels cannot be used")
    if not found:
        raise DataError(f"no recording in {folder} has labels", "a.wav has its Audacity labels in a.txt")
    return found


def _checked(names: Mapping[str, str], subject: Subject) -> Mapping[str, str]:
    for label, wanted in names.items():
        if wanted not in subject.classes:
            raise SettingError(f"{label} cannot become {wanted}", "the model's classes: " + ", ".join(subject.classes))
    return names


def _refuse_near(folder: Path, found: Sequence[Annotated], subject: Subject) -> None:
    """A label that is nearly a keyword would count as background."""
    labels = {interval.label for item in found for interval in item.intervals} - set(subject.classes)
    hint = "say that it is the same, --label-map LABEL={near}, or call it otherwise"
    refuse_near_names(f"in {folder} the label", sorted(labels), subject.keywords, hint)


def _renamed(item: Annotated, names: Mapping[str, str]) -> Annotated:
    return replace(item, intervals=tuple(replace(i, label=names.get(i.label, i.label)) for i in item.intervals))


def _judge_one(subject: Subject, streams: StreamScorer, item: Annotated) -> LabelledRecording:
    frontend = subject.frontend
    scored = streams.long(stream_audio(item.path, frontend.sample_rate_hz))
    of_keywords = (interval for interval in item.intervals if interval.label in subject.keywords)
    intervals = tuple(sorted(of_keywords, key=lambda interval: interval.start_s))
    recogniser = Recogniser(subject.recogniser, subject.classes)
    window_ms = round(1000 * frontend.sample_length / frontend.sample_rate_hz)
    scores = scored.scores.reshape(-1, len(subject.classes))
    truth = window_labels(scored.times_ms, window_ms, intervals, subject.classes, _background(subject))
    truth[_left_out_windows(scored.times_ms, window_ms, item.others, item.intervals)] = -1
    return LabelledRecording(
        path=item.path,
        intervals=intervals,
        detections=tuple(recogniser.detect(scores, scored.times_ms)),
        scored=ScoredStream(scores=scores, times_ms=scored.times_ms, duration_s=scored.duration_s),
        truth=truth,
        left_out=item.others,
        known=item.intervals,
    )


def _background(subject: Subject) -> int:
    hidden = [index for index, name in enumerate(subject.classes) if name.startswith("_")]
    if not hidden:
        raise DataError("the model has no class for what is not labelled", "its name starts with '_', as _unknown_")
    return subject.classes.index("_unknown_") if "_unknown_" in subject.classes else hidden[-1]


def label_row(label: str, recordings: Sequence[LabelledRecording]) -> LabelRow:
    """How often a class was found where it was labelled, and elsewhere."""
    found = [list(_matched(label, recording)) for recording in recordings]
    return LabelRow(
        label=label,
        intervals=sum(interval.label == label for recording in recordings for interval in recording.intervals),
        hits=sum(len({place for place in places if place is not None}) for places in found),
        false_alarms=sum(place is None for places in found for place in places),
        hours=sum(recording.heard_s for recording in recordings) / 3600,
    )


def _matched(label: str, recording: LabelledRecording) -> Iterator[int | None]:
    """For each detection of a class the number of the labelled stretch that it belongs to; None: a false alarm.

    Of several that it may belong to, the first that has no detection yet. One that belongs to none, in a stretch that
    is left out, is passed over.
    """
    intervals = [interval for interval in recording.intervals if interval.label == label]
    taken: set[int] = set()
    for detection in recording.detections:
        if detection.label == label:
            seconds = detection.time_ms / 1000
            near = [n for n, i in enumerate(intervals) if i.start_s <= seconds <= i.end_s + AFTER_MS / 1000]
            place = min(near, key=lambda n: (n in taken, intervals[n].end_s), default=None)
            taken |= set() if place is None else {place}
            if place is None and _within(recording.left_out, seconds) and not _within(recording.known, seconds):
                continue
            yield place


def _within(intervals: Iterable[Interval], seconds: float) -> bool:
    """Whether a detection at that time may be of one of the intervals."""
    return any(i.start_s <= seconds <= i.end_s + AFTER_MS / 1000 for i in intervals)
