"""What the recogniser makes of a scored stream: when it finds a word, and what it fires on."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.recogniser import Recogniser


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


@dataclass(frozen=True, kw_only=True)
class WordTrace:
    """How high a word's mean score had risen at each step of its clip, where its class was ahead of the others.

    Attributes:
        times_ms: int64 (steps,).
        levels: int64 (steps,): highest so far; -1 before the class was ahead at all.
        highest: mean score of the class at its best, ahead or not; 0 where nothing could be decided on.
    """

    times_ms: NDArray[np.int64]
    levels: NDArray[np.int64]
    highest: int = 0

    @property
    def peak(self) -> int:
        """The word is detected at the thresholds below; -1: at none."""
        return int(self.levels[-1]) if len(self.levels) else -1

    def detected_ms(self, threshold: int) -> int | None:
        """When the word is first detected, from the start of the clip; None when it is not."""
        step = int(np.searchsorted(self.levels, threshold, side="right"))
        return int(self.times_ms[step]) if step < len(self.levels) else None


@dataclass(frozen=True, kw_only=True)
class Event:
    """Detections that count as one.

    Attributes:
        time_ms: of the first, from the start of the stream.
        label: what was detected.
        score: highest mean score of that class within the merging time, 0..255.
    """

    time_ms: int
    label: str
    score: int


def trace_word(recogniser: Recogniser, stream: Stream, class_index: int) -> WordTrace:
    """How a class fares along a clip.

    Suppression needs no thought here: it holds a class back only after that class has been detected.
    """
    times = np.asarray(stream.times_ms, dtype=np.int64)
    if not len(times):
        return WordTrace(times_ms=times, levels=times)
    means, ready = recogniser.averages(stream.scores, times)
    ahead = ready & (means.argmax(axis=1) == class_index)
    levels = np.where(ahead, means[:, class_index].astype(np.int64), -1)
    highest = int(means[ready, class_index].max(initial=0))
    return WordTrace(times_ms=times, levels=np.maximum.accumulate(levels), highest=highest)


def find_events(recogniser: Recogniser, stream: Stream, merge_ms: int) -> list[Event]:
    """What a recogniser fires on, at its own thresholds, from a new beginning.

    Args:
        recogniser: forgets what it heard before.
        stream: hours of sound, for instance.
        merge_ms: detections of any class no later than this after a counted one are part of it.
    """
    times = np.asarray(stream.times_ms, dtype=np.int64)
    if not len(times):
        return []
    recogniser.reset()
    means, ready = recogniser.averages(stream.scores, times)
    events: list[Event] = []
    for found in recogniser.detect(stream.scores, times):
        if not events or found.time_ms - events[-1].time_ms > merge_ms:
            span = slice(*np.searchsorted(times, [found.time_ms, found.time_ms + merge_ms + 1]))
            highest = int(means[span, found.class_index][ready[span]].max())
            events.append(Event(time_ms=found.time_ms, label=found.label, score=highest))
    return events
