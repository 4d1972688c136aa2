"""A model on the stream of MLPerf Tiny's streaming wake word, counted by its rule, beside what others published."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from mltk_like.audio.recogniser import Recogniser
from mltk_like.data.mlperf_tiny import StreamWord, WakeWordStream
from mltk_like.errors import ModelError
from mltk_like.evaluation.streams import ScoredStream, StreamScorer
from mltk_like.evaluation.subject import ENGINES, Subject
from mltk_like.metrics import poisson_interval, wilson_interval
from mltk_like.metrics.stream import ALL_LEVELS
from mltk_like.metrics.wake_word import EXCUSED_MS, FOUND_WITHIN_MS, WakeWordCount, count_wake_words

WORD = "marvin"
"""The word of the benchmark."""

TARGET_MISSES = 8
TARGET_FALSE = 8
"""Quality target of the closed division: at most so many words missed, and at most so many false detections."""

_SECONDS = 1200.0
_PUBLISHED = ("closed division, STMicroelectronics, v1.3", 44, 50, 4)  # Name, found, words, false detections.


@dataclass(frozen=True, kw_only=True)
class WakeWordPoint:
    """What a threshold comes to.

    Attributes:
        threshold: 0..254, of every class.
        found: words found.
        false: false detections.
    """

    threshold: int
    found: int
    false: int


@dataclass(frozen=True, kw_only=True)
class MlperfTinyResult:
    """How a model did on the stream.

    Attributes:
        name: the model's name.
        kind: 'tflite' or 'tflm'.
        label: the class that stands for the word.
        threshold: its own.
        duration_s: of the stream.
        words: by time.
        count: at the model's own threshold.
        curve: the counts at every threshold.
    """

    name: str
    kind: str
    label: str
    threshold: int
    duration_s: float
    words: tuple[StreamWord, ...]
    count: WakeWordCount
    curve: tuple[WakeWordPoint, ...]

    @property
    def missed(self) -> tuple[StreamWord, ...]:
        """The words that were not found."""
        return tuple(word for word, found in zip(self.words, self.count.found, strict=True) if not found)

    @property
    def meets_target(self) -> bool:
        """Whether a model may be so good, or better, in the closed division."""
        return self.count.misses <= TARGET_MISSES and len(self.count.false_ms) <= TARGET_FALSE

    @property
    def thresholds_on_target(self) -> tuple[int, ...]:
        """The thresholds, of every class alike, at which the target is met."""
        words = len(self.words)
        return tuple(p.threshold for p in self.curve if words - p.found <= TARGET_MISSES and p.false <= TARGET_FALSE)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, with 95 % intervals: Wilson's of the share missed, Poisson's of the rate of false detections."""
        label, found, words, false = _PUBLISHED
        return {
            "name": self.name,
            "model": self.kind,
            "benchmark": "MLPerf Tiny, streaming wake word",
            "class": self.label,
            "threshold": self.threshold,
            "duration_s": self.duration_s,
            **_figures(self.count.hits, len(self.words), len(self.count.false_ms), self.duration_s),
            "missed_words": [{"start_s": w.start_s, "end_s": w.end_s, "file": w.file} for w in self.missed],
            "false_detections_s": [time / 1000 for time in self.count.false_ms],
            "target": {"misses": TARGET_MISSES, "false_detections": TARGET_FALSE, "met": self.meets_target},
            "thresholds_on_target": list(self.thresholds_on_target),
            "published": [{"name": label, **_figures(found, words, false, _SECONDS)}],
            "curve": {
                "thresholds": [point.threshold for point in self.curve],
                "found": [point.found for point in self.curve],
                "false_detections": [point.false for point in self.curve],
            },
        }

    def __str__(self) -> str:
        words = len(self.words)
        target = [f"at least {words - TARGET_MISSES}", f"at most {TARGET_MISSES}", "", f"at most {TARGET_FALSE}"]
        published, found, of, false = _PUBLISHED
        table = [
            ["", "found", "missed", "95 %", "false", "per hour", "95 %"],
            [self.name, *_cells(self.count.hits, words, len(self.count.false_ms), self.duration_s)],
            ["closed division, target", *target, f"{TARGET_FALSE * 3600 / self.duration_s:.1f}", ""],
            [published, *_cells(found, of, false, _SECONDS)],
        ]
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        lines = [
            f"{self.name}, {ENGINES[self.kind]}, on MLPerf Tiny's streaming wake word: {words} words in "
            f"{self.duration_s / 60:.1f} minutes, class {self.label!r}, threshold {self.threshold}",
            *("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in table),
            f"a word is found from its begin to {FOUND_WITHIN_MS} ms after its end; "
            f"detections up to {EXCUSED_MS} ms after it are not false",
        ]
        if self.missed:
            lines += ["missed: " + ", ".join(f"{word.start_s:.1f} s" for word in self.missed)]
        if self.count.false_ms:
            lines += ["false: " + ", ".join(f"{time / 1000:.1f} s" for time in self.count.false_ms)]
        met = "is met" if self.meets_target else "is not met"
        lines += [f"the target {met}; thresholds that meet it: {_ranges(self.thresholds_on_target) or 'none'}"]
        return "\n".join([*lines, "measured here, on this computer: no result that MLCommons has verified"])


def wake_word_label(subject: Subject, wanted: str | None = None) -> str:
    """The class that stands for the word: "marvin", or the one wanted. Raises ModelError where it is not detected."""
    label = wanted or WORD
    if label not in subject.keywords:
        known = ", ".join(subject.keywords) or "nothing"
        raise ModelError(f"the model detects no {label!r}", f"it detects {known}; --label says which class counts")
    return label


def judge_mlperf_tiny(
    subject: Subject, stream: WakeWordStream, *, label: str, progress: bool = True
) -> MlperfTinyResult:
    """Listen to the stream as a device does, once, and count the detections of one class.

    Args:
        subject: the model.
        stream: see `data.mlperf_tiny`.
        label: the class that stands for the word; detections of others count as nothing.
        progress: show a bar.
    """
    from tqdm.auto import tqdm

    settings, rate = subject.recogniser, subject.frontend.sample_rate_hz
    scorer = StreamScorer(subject.frontend, settings.latency_ms, subject.score, subject.gate)
    scored = scorer.long(tqdm(stream.blocks(rate), desc="MLPerf Tiny", unit="block", disable=not progress))
    spans = [(word.start_s, word.end_s) for word in stream.words]
    scores = scored.scores.reshape(-1, len(subject.classes))
    detections = Recogniser(settings, subject.classes).detect(scores, scored.times_ms)
    return MlperfTinyResult(
        name=subject.name,
        kind=subject.kind,
        label=label,
        threshold=subject.threshold(label),
        duration_s=stream.duration_s,
        words=stream.words,
        count=count_wake_words([found.time_ms for found in detections if found.label == label], spans),
        curve=_curve(subject, ScoredStream(scores=scores, times_ms=scored.times_ms, duration_s=0.0), label, spans),
    )


def _curve(
    subject: Subject, scored: ScoredStream, label: str, spans: Sequence[tuple[float, float]]
) -> tuple[WakeWordPoint, ...]:
    recogniser = Recogniser(subject.recogniser.copy(detection_threshold_list=()), subject.classes)
    steps, ends = recogniser.sweep(scored.scores, scored.times_ms, ALL_LEVELS)
    # The class that is detected is the one that is ahead at that step.
    ahead = recogniser.averages(scored.scores, scored.times_ms)[0].argmax(axis=1) == subject.classes.index(label)
    points = []
    for level, part in zip(ALL_LEVELS.tolist(), np.split(steps, ends[:-1]), strict=True):
        count = count_wake_words(scored.times_ms[part[ahead[part]]], spans)
        points.append(WakeWordPoint(threshold=level, found=count.hits, false=len(count.false_ms)))
    return tuple(points)


def _figures(found: int, words: int, false: int, duration_s: float) -> dict[str, Any]:
    hours = duration_s / 3600
    low, high = poisson_interval(false)
    return {
        "words": words,
        "found": found,
        "misses": words - found,
        "misses_interval_95": list(wilson_interval(words - found, words)),
        "false_detections": false,
        "false_detections_per_hour": false / hours,
        "false_detections_per_hour_interval_95": [low / hours, high / hours],
    }


def _cells(found: int, words: int, false: int, duration_s: float) -> list[str]:
    figures = _figures(found, words, false, duration_s)
    missed, rate = figures["misses_interval_95"], figures["false_detections_per_hour_interval_95"]
    return [
        f"{found} of {words}",
        str(words - found),
        f"{100 * missed[0]:.1f}..{100 * missed[1]:.1f} %",
        str(false),
        f"{figures['false_detections_per_hour']:.1f}",
        f"{rate[0]:.1f}..{rate[1]:.1f}",
    ]


def _ranges(numbers: Sequence[int]) -> str:
    """Rising whole numbers as '3..7, 9'."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0]}..{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
