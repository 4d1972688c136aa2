"""A detector judged on streams: words missed against false accepts per hour, at every threshold.

The detections are those of the recogniser that runs on the device. A word counts as found when its label is detected
anywhere in its clip. A false accept is an event: detections within 1 s of one that was counted belong to it.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.recogniser import Recogniser, RecogniserSettings, is_detectable
from mltk_like.errors import DataError
from mltk_like.metrics.curve import StreamCurve

MERGE_MS = 1000


class Stream(Protocol):
    """What was scored: one padded clip, or hours of sound."""

    @property
    def scores(self) -> NDArray[np.uint8]:
        """uint8 (steps, classes)."""

    @property
    def times_ms(self) -> NDArray[np.int64]:
        """(steps,): when each result was there, from the start of the stream."""

    @property
    def duration_s(self) -> float:
        """Length of the stream in seconds."""


def sweep(
    positives: Sequence[Stream],
    negatives: Sequence[Stream],
    *,
    settings: RecogniserSettings,
    classes: Sequence[str],
    labels: Sequence[str] | None = None,
    thresholds: Sequence[int] | NDArray[np.int64] | None = None,
    merge_ms: int = MERGE_MS,
) -> StreamCurve:
    """Run the recogniser over every stream at every threshold; each stream is a new beginning.

    Args:
        positives: clips with one word each.
        negatives: sound without any of the words.
        settings: the recogniser; its thresholds are replaced by each of `thresholds`.
        classes: names in the order of the scores.
        labels: word of each positive clip; needed when more than one class is detectable.
        thresholds: 0..254, rising; all of them by default.
        merge_ms: false accepts no later than this after the last counted one are part of it.

    Raises:
        DataError: neither positives nor negatives, a label that is not detected, scores of another shape.
        SettingError: thresholds out of range, or what `Recogniser` refuses.
    """
    levels = np.arange(255) if thresholds is None else np.unique(np.asarray(thresholds, dtype=np.int64))
    recogniser = Recogniser(settings.copy(detection_threshold_list=()), classes)
    duration_s = sum(stream.duration_s for stream in negatives)
    if not positives and duration_s <= 0:
        raise DataError("there is nothing to judge a detector on", "give recordings with and without the word")
    peaks = [
        _peak(recogniser, stream, index)
        for stream, index in zip(positives, _label_indices(classes, labels, len(positives)), strict=True)
    ]
    return StreamCurve(
        thresholds=levels,
        misses=np.searchsorted(np.sort(peaks), levels, side="right").astype(np.int64),
        positives=len(positives),
        false_accepts=_count_events(recogniser, negatives, levels, merge_ms),
        hours=duration_s / 3600,
    )


def _label_indices(classes: Sequence[str], labels: Sequence[str] | None, count: int) -> list[int]:
    detectable = {label: index for index, label in enumerate(classes) if is_detectable(label)}
    if labels is None:
        if len(detectable) != 1:
            raise DataError(
                f"{len(detectable)} classes are detected: {', '.join(detectable)}", "say which word each clip holds"
            )
        labels = [next(iter(detectable))] * count
    if len(labels) != count:
        raise DataError(f"{count} positive clips have {len(labels)} labels")
    for label in labels:
        if label not in detectable:
            raise DataError(f"{label!r} is not a class that is detected", "known: " + ", ".join(detectable))
    return [detectable[label] for label in labels]


def _peak(recogniser: Recogniser, stream: Stream, class_index: int) -> int:
    """Highest mean of the class where it wins, -1 for none: it is detected at the thresholds below.

    Suppression needs no thought here: it holds a class back only after that class has been detected.
    """
    if len(stream.times_ms) == 0:
        return -1
    means, ready = recogniser.averages(stream.scores, stream.times_ms)
    wins = ready & (means.argmax(axis=1) == class_index)
    return int(means[wins, class_index].max(initial=0)) if wins.any() else -1


def _count_events(
    recogniser: Recogniser, streams: Sequence[Stream], levels: NDArray[np.int64], merge_ms: int
) -> NDArray[np.int64]:
    counts = np.zeros(len(levels), dtype=np.int64)
    for stream in streams:
        if len(stream.times_ms):
            _, ends = recogniser.sweep(stream.scores, stream.times_ms, levels, merge_ms)
            counts += np.diff(ends, prepend=0)
    return counts
