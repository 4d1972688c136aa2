"""When a word is found and what the model fires on: as the recogniser itself says, step by step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mltk_like.audio.recogniser import Recogniser, RecogniserSettings
from mltk_like.evaluation.streams import ScoredStream
from mltk_like.metrics import find_events, trace_word

CLASSES = ("yes", "_other_", "no")


def recogniser(**changes: int) -> Recogniser:
    options = {"latency_ms": 100, "minimum_count": 2, "average_window_duration_ms": 300, "suppression_ms": 500}
    return Recogniser(RecogniserSettings(**{**options, **changes}), CLASSES)


def stream_of(scores: NDArray[np.uint8], step_ms: int = 100) -> ScoredStream:
    times = np.arange(1, len(scores) + 1, dtype=np.int64) * step_ms
    return ScoredStream(scores=scores, times_ms=times, duration_s=len(scores) * step_ms / 1000)


def random_stream(seed: int, steps: int) -> ScoredStream:
    rng = np.random.default_rng(seed)
    rough = rng.choice([0, 90, 200, 254, 255], size=(steps // 4 + 1, 3))
    return stream_of(np.repeat(rough, 4, axis=0)[:steps].astype(np.uint8))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 40), st.sampled_from([0, 89, 150, 200, 254]), st.sampled_from([0, 2]))
def test_a_word_is_found_when_the_recogniser_says(seed: int, steps: int, threshold: int, index: int) -> None:
    stream = random_stream(seed, steps)
    trace = trace_word(recogniser(), stream, index)
    detected = recogniser(detection_threshold=threshold).detect(stream.scores, stream.times_ms)
    times = [found.time_ms for found in detected if found.class_index == index]
    assert trace.detected_ms(threshold) == (times[0] if times else None)
    assert (trace.peak > threshold) == bool(times)
    assert trace.highest >= trace.peak


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 80), st.sampled_from([0, 150, 254]), st.sampled_from([0, 700, 3000]))
def test_events_are_detections_without_those_that_follow(seed: int, steps: int, threshold: int, merge_ms: int) -> None:
    stream = random_stream(seed, steps)
    one = recogniser(detection_threshold=threshold)
    events = find_events(one, stream, merge_ms)
    # What it heard before does not count.
    assert find_events(one, stream, merge_ms) == events
    expected: list[tuple[int, str]] = []
    for found in recogniser(detection_threshold=threshold).detect(stream.scores, stream.times_ms):
        if not expected or found.time_ms - expected[-1][0] > merge_ms:
            expected.append((found.time_ms, found.label))
    assert [(event.time_ms, event.label) for event in events] == expected
    assert all(threshold < event.score <= 255 for event in events)


def test_the_score_of_an_event_is_its_highest_and_not_its_first() -> None:
    rising = np.array([[0, 0, 0]] * 3 + [[160, 0, 0], [200, 0, 0], [240, 0, 0], [240, 0, 0], [0, 0, 0]], np.uint8)
    one = recogniser(minimum_count=0, detection_threshold=150)
    (event,) = find_events(one, stream_of(rising), 1000)
    assert (event.time_ms, event.label, event.score) == (400, "yes", 240)


@pytest.mark.parametrize("steps", [0, 1])
def test_too_short_for_a_decision(steps: int) -> None:
    stream = stream_of(np.full((steps, 3), 255, np.uint8))
    trace = trace_word(recogniser(), stream, 0)
    assert (trace.peak, trace.highest, trace.detected_ms(0)) == (-1, 0, None)
    assert find_events(recogniser(detection_threshold=0), stream, 1000) == []
