"""From audio to figures: score it once, then let the recogniser of the device decide on the scores."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.recogniser import Recogniser, RecogniserSettings
from mltk_like.data.clip import Clip
from mltk_like.errors import DataError
from mltk_like.evaluation.details import FalseAccept, Latency, Miss, false_accepts_by, latency_of, misses_by
from mltk_like.evaluation.result import LISTED, EvaluationResult
from mltk_like.evaluation.streams import GAP_S, LEAD_S, ScoredStream, StreamScorer, word_end_s
from mltk_like.evaluation.subject import Subject
from mltk_like.evaluation.testset import TestSet
from mltk_like.evaluation.voices import voices_of
from mltk_like.feed.windows import Batch
from mltk_like.metrics import (
    Event,
    StreamCurve,
    WordTrace,
    classification_report,
    count_events,
    curve_of,
    find_events,
    misses_at,
    trace_word,
)
from mltk_like.metrics.stream import ALL_LEVELS
from mltk_like.paths import portable


@dataclass(frozen=True, kw_only=True)
class ScoredTests:
    """Scores of a model along a test set; which recogniser decides on them is open, but for its `latency_ms`.

    Attributes:
        tests: the audio.
        classes: names in the order of the scores.
        positives: by condition, one stream a clip.
        word_ends_s: where each word ends, from the start of its clip.
        negatives: all of them in a row; None without any.
        starts_s: where each negative begins in that row.
    """

    tests: TestSet
    classes: tuple[str, ...]
    positives: Mapping[str, Sequence[ScoredStream]]
    word_ends_s: tuple[float, ...]
    negatives: ScoredStream | None
    starts_s: tuple[float, ...]

    @property
    def hours(self) -> float:
        """Of negatives."""
        return self.negatives.duration_s / 3600 if self.negatives else 0.0

    def traces(self, settings: RecogniserSettings) -> dict[str, list[WordTrace]]:
        """How each word fares, by condition."""
        recogniser = _recogniser(settings, self.classes)
        indices = [self.classes.index(clip.label) for clip in self.tests.clips]
        return {
            condition: [trace_word(recogniser, stream, at) for stream, at in zip(streams, indices, strict=True)]
            for condition, streams in self.positives.items()
        }

    @property
    def seconds(self) -> list[float]:
        """How long each negative was heard, with the gap after it."""
        ends = [*self.starts_s, self.negatives.duration_s if self.negatives else 0.0]
        return [end - start for start, end in pairwise(ends)]

    def false_accepts(
        self, settings: RecogniserSettings, merge_ms: int, among: Sequence[ScoredStream] | None = None
    ) -> NDArray[np.int64]:
        """Events at each of the 255 thresholds, in all negatives or in some stretches of them."""
        every = [self.negatives] if self.negatives else []
        streams = every if among is None else among
        return count_events(_recogniser(settings, self.classes), streams, ALL_LEVELS, merge_ms)

    def events(self, settings: RecogniserSettings, merge_ms: int) -> list[Event]:
        """What the recogniser fires on at its own thresholds, by time."""
        if self.negatives is None:
            return []
        return find_events(Recogniser(settings, self.classes), self.negatives, merge_ms)

    def place(self, time_s: float, window_s: float) -> tuple[int, float]:
        """Which negative set off a detection at a time of the row, and the time from that one's start.

        It is the one that was heard in the middle of the net's window, so the time may lie behind its end.
        """
        number = max(int(np.searchsorted(self.starts_s, time_s - window_s / 2, side="right")) - 1, 0)
        return number, time_s - self.starts_s[number]


def score_tests(subject: Subject, tests: TestSet, *, progress: bool = True, title: str = "evaluate") -> ScoredTests:
    """Run a model along a test set at the pace of the device.

    Args:
        subject: the model.
        tests: the audio.
        progress: show bars.
        title: what the bars begin with.

    Raises:
        DataError: there is no audio.
    """
    from tqdm.auto import tqdm

    if tests.silent:
        nothing: dict[str, Sequence[ScoredStream]] = {name: () for name in tests.conditions}
        return ScoredTests(
            tests=tests, classes=subject.classes, positives=nothing, word_ends_s=(), negatives=None, starts_s=()
        )
    if not tests.clips and not tests.negatives:
        raise DataError("there is nothing to judge a detector on", "give recordings with and without the word")
    streams = StreamScorer(subject.frontend, subject.recogniser.latency_ms, subject.score, subject.gate)
    what, starts, negatives = f"{title} {subject.kind}", list[int](), None
    if tests.negatives:
        blocks = tests.negative_stream(starts)
        negatives = streams.long(tqdm(blocks, desc=f"{what}, negatives", unit="min", disable=not progress))
        if negatives.duration_s <= GAP_S * len(tests.negatives) + 0.001:
            raise DataError("none of the recordings without the word can be read", "WAV, FLAC, OGG and MP3 can be")
    positives = {
        name: streams.clips(
            tqdm(
                tests.positives(snr), total=len(tests.clips), desc=f"{what}, {name}", unit="clip", disable=not progress
            )
        )
        for name, snr in tests.conditions.items()
    }
    rate = tests.sample_rate_hz
    return ScoredTests(
        tests=tests,
        classes=subject.classes,
        positives=positives,
        word_ends_s=tuple(word_end_s(tests.samples[index], rate) for index in range(len(tests.clips))),
        negatives=negatives,
        starts_s=tuple(start / rate for start in starts),
    )


def judge(
    subject: Subject,
    scored: ScoredTests,
    *,
    rates: Sequence[float],
    merge_ms: int | None = None,
    windows: Batch | None = None,
    normalise: bool = False,
) -> EvaluationResult:
    """Every figure of a model.

    Args:
        subject: the model, with the recogniser that decides.
        scored: its scores.
        rates: false accepts an hour at which misses are reported.
        merge_ms: false accepts no later than this after a counted one are part of it; none: the suppression time.
        windows: single windows to judge as well.
        normalise: confusion matrices are printed as shares.
    """
    settings, tests = subject.recogniser, scored.tests
    merge = settings.suppression_ms if merge_ms is None else merge_ms
    labels = tuple(dict.fromkeys(clip.label for clip in tests.clips)) or subject.keywords
    thresholds = {label: subject.threshold(label) for label in labels}
    own = thresholds[labels[0]]
    traces = scored.traces(settings)
    false_accepts = scored.false_accepts(settings, merge)
    peaks = {name: np.array([trace.peak for trace in found], dtype=np.int64) for name, found in traces.items()}
    curves = {name: curve_of(found.tolist(), false_accepts, scored.hours) for name, found in peaks.items()}
    window_s = subject.frontend.sample_length / subject.frontend.sample_rate_hz
    events = [(event, *scored.place(event.time_ms / 1000, window_s)) for event in scored.events(settings, merge)]
    report = None
    if windows is not None:
        scores = subject.score(windows.features) / np.float32(255)
        report = classification_report(
            scores, windows.labels, subject.classes, decision_threshold=own / 255, normalise=normalise
        )
    return EvaluationResult(
        name=subject.name,
        kind=subject.kind,
        data=tests.description,
        label=", ".join(labels),
        curves=curves,
        rates=tuple(rates),
        threshold=own,
        windows=report,
        merge_ms=merge,
        latencies=tuple(_latencies(traces, curves, scored.word_ends_s, own, rates)) if tests.clips else (),
        misses_by=tuple(misses_by(tests.clips, {name: found.tolist() for name, found in peaks.items()}, thresholds)),
        false_accepts_by=tuple(false_accepts_by(tests.negatives, scored.seconds, [number for _, number, _ in events])),
        worst_misses=_worst(_misses(scored, traces, thresholds)),
        loudest_false_accepts=_loudest(tests.negatives, events),
        peaks=peaks,
        voices=voices_of(tests.clips, tests.negatives, scored.seconds),
    )


def _recogniser(settings: RecogniserSettings, classes: Sequence[str]) -> Recogniser:
    return Recogniser(settings.copy(detection_threshold_list=()), classes)


def _latencies(
    traces: Mapping[str, Sequence[WordTrace]],
    curves: Mapping[str, StreamCurve],
    ends_s: Sequence[float],
    own: int,
    rates: Sequence[float],
) -> Iterator[Latency]:
    for condition, found in traces.items():
        points = [misses_at(curves[condition], rate) for rate in rates]
        for threshold in dict.fromkeys([own, *(point.threshold for point in points if point)]):
            times = [trace.detected_ms(threshold) for trace in found]
            delays = [time - 1000 * (LEAD_S + end) for time, end in zip(times, ends_s, strict=True) if time is not None]
            yield latency_of(condition, threshold, delays)


def _misses(
    scored: ScoredTests, traces: Mapping[str, Sequence[WordTrace]], thresholds: Mapping[str, int]
) -> Iterator[Miss]:
    for condition, found in traces.items():
        for index, (clip, trace) in enumerate(zip(scored.tests.clips, found, strict=True)):
            if trace.peak <= thresholds[clip.label]:
                yield Miss(
                    condition=condition,
                    index=index,
                    file=portable(clip.path),
                    time_s=clip.start_s,
                    end_s=round(clip.start_s + scored.word_ends_s[index], 3),
                    score=trace.highest,
                    label=clip.label,
                    group=clip.group,
                    source=clip.source,
                )


def _worst(misses: Iterable[Miss]) -> tuple[Miss, ...]:
    return tuple(sorted(misses, key=lambda miss: miss.score)[:LISTED])


def _loudest(clips: Sequence[Clip], events: Sequence[tuple[Event, int, float]]) -> tuple[FalseAccept, ...]:
    found = [
        FalseAccept(
            file=portable(clips[number].path),
            time_s=round(clips[number].start_s + time_s, 3),
            stream_s=event.time_ms / 1000,
            score=event.score,
            label=event.label,
            group=clips[number].group,
            source=clips[number].source,
        )
        for event, number, time_s in events
    ]
    return tuple(sorted(found, key=lambda event: -event.score)[:LISTED])
