"""A detector judged on streams: words missed against false accepts per hour, at every threshold.

The detections are those of the recogniser that runs on the device. A word counts as found when its label is detected
anywhere in its clip. A false accept is an event: detections within the suppression time of one that was counted belong
to it, whatever their class.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.recogniser import Recogniser, RecogniserSettings, is_detectable
from mltk_like.errors import DataError
from mltk_like.metrics.curve import StreamCurve
from mltk_like.metrics.events import Stream, trace_word

ALL_LEVELS: NDArray[np.int64] = np.arange(255, dtype=np.int64)
ALL_LEVELS.setflags(write=False)


def sweep(
    positives: Sequence[Stream],
    negatives: Sequence[Stream],
    *,
    settings: RecogniserSettings,
    classes: Sequence[str],
    labels: Sequence[str] | None = None,
    thresholds: Sequence[int] | NDArray[np.int64] | None = None,
    merge_ms: int | None = None,
) -> StreamCurve:
    """Run the recogniser over every stream at every threshold; each stream is a new beginning.

    Args:
        positives: clips with one word each.
        negatives: sound without any of the words.
        settings: the recogniser; its thresholds are replaced by each of `thresholds`.
        classes: names in the order of the scores.
        labels: word of each positive clip; needed when more than one class is detectable.
        thresholds: 0..254, rising; all of them by default.
        merge_ms: false accepts no later than this after the last counted one are part of it; none: the recogniser's
            suppression time.

    Raises:
        DataError: neither positives nor negatives, a label that is not detected, scores of another shape.
        SettingError: thresholds out of range, or what `Recogniser` refuses.
    """
    levels = ALL_LEVELS if thresholds is None else np.unique(np.asarray(thresholds, dtype=np.int64))
    recogniser = Recogniser(settings.copy(detection_threshold_list=()), classes)
    duration_s = sum(stream.duration_s for stream in negatives)
    if not positives and duration_s <= 0:
        raise DataError("there is nothing to judge a detector on", "give recordings with and without the word")
    indices = label_indices(classes, labels, len(positives))
    peaks = [trace_word(recogniser, stream, index).peak for stream, index in zip(positives, indices, strict=True)]
    merge = settings.suppression_ms if merge_ms is None else merge_ms
    return curve_of(peaks, count_events(recogniser, negatives, levels, merge), duration_s / 3600, levels)


def curve_of(
    peaks: Sequence[int], false_accepts: NDArray[np.int64], hours: float, levels: NDArray[np.int64] = ALL_LEVELS
) -> StreamCurve:
    """The curve, from what was found once.

    Args:
        peaks: `WordTrace.peak` of each positive clip.
        false_accepts: int64 (k,): events at each threshold.
        hours: of negatives.
        levels: int64 (k,): the thresholds, rising.
    """
    return StreamCurve(
        thresholds=levels,
        misses=np.searchsorted(np.sort(np.asarray(peaks, dtype=np.int64)), levels, side="right").astype(np.int64),
        positives=len(peaks),
        false_accepts=false_accepts,
        hours=hours,
    )


def count_events(
    recogniser: Recogniser, streams: Sequence[Stream], levels: NDArray[np.int64], merge_ms: int
) -> NDArray[np.int64]:
    """Events at each threshold over all streams: int64 (k,). Detections within `merge_ms` of a counted one are part."""
    counts = np.zeros(len(levels), dtype=np.int64)
    for stream in streams:
        if len(stream.times_ms):
            _, ends = recogniser.sweep(stream.scores, stream.times_ms, levels, merge_ms)
            counts += np.diff(ends, prepend=0)
    return counts


def label_indices(classes: Sequence[str], labels: Sequence[str] | None, count: int) -> list[int]:
    """Index of each clip's class; `labels` may be left out where one class is detected. Raises DataError."""
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
