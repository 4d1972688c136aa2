"""The recogniser: equal to a reference written from its definition, whatever the cut; settings that are checked."""

from typing import Any

import numpy as np
import pytest
import recogniser_reference as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like import _native
from mltk_like.audio.recogniser import (
    MAX_CLASSES,
    MAX_RESULTS,
    Detection,
    Recogniser,
    RecogniserSettings,
    scores_to_uint8,
)
from mltk_like.errors import DataError, SettingError

ALEXA = RecogniserSettings(
    latency_ms=200, minimum_count=2, average_window_duration_ms=440, detection_threshold=216, suppression_ms=900
)
CLASSES = ("alexa", "_unknown_")


@st.composite
def streams(draw: st.DrawFn) -> tuple[RecogniserSettings, tuple[str, ...], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    classes = tuple(f"{'_' if rng.random() < 0.3 else ''}{i}" for i in range(draw(st.integers(1, 5))))
    count = draw(st.integers(0, 150))
    times = np.cumsum(rng.integers(0, 60, count))
    # Slow curves, so that means lie high at times, and few values, so that ties occur.
    rough = rng.choice([0, 60, 120, 180, 250, 255], size=(count // 5 + 1, len(classes)))
    scores = np.repeat(rough, 5, axis=0)[:count].astype(np.uint8)
    options = RecogniserSettings(
        latency_ms=1,
        minimum_count=draw(st.integers(0, 6)),
        average_window_duration_ms=draw(st.integers(5, 3000)),
        detection_threshold=draw(st.integers(0, 255)),
        detection_threshold_list=tuple(rng.integers(0, 256, len(classes)).tolist()) if rng.random() < 0.5 else (),
        suppression_ms=draw(st.integers(0, 400)),
    )
    return options, classes, times, scores


def expected(
    options: RecogniserSettings, classes: tuple[str, ...], times: Any, scores: Any, threshold: int | None = None
) -> list[tuple[int, int, int]]:
    levels = options.detection_threshold_list or (options.detection_threshold,) * len(classes)
    return reference.detections(
        times.tolist(),
        scores.tolist(),
        minimum_count=options.minimum_count,
        window=options.average_window_duration_ms,
        thresholds=levels if threshold is None else (threshold,) * len(classes),
        suppression=options.suppression_ms,
        ignored=[label.startswith("_") for label in classes],
    )


def plain(found: list[Detection]) -> list[tuple[int, int, int]]:
    return [(d.time_ms, d.class_index, d.score) for d in found]


@settings(deadline=None, max_examples=150)
@given(streams())
def test_equals_reference(stream: Any) -> None:
    options, classes, times, scores = stream
    found = Recogniser(options, classes).detect(scores, times)
    assert plain(found) == expected(options, classes, times, scores)
    assert all(d.label == classes[d.class_index] for d in found)


@settings(deadline=None, max_examples=60)
@given(streams(), st.lists(st.integers(0, 150), max_size=6))
def test_chunks_change_nothing(stream: Any, cuts: list[int]) -> None:
    options, classes, times, scores = stream
    whole = Recogniser(options, classes).detect(scores, times)
    recogniser = Recogniser(options, classes)
    parts = [
        recogniser.detect(part, when)
        for part, when in zip(np.split(scores, sorted(cuts)), np.split(times, sorted(cuts)), strict=True)
    ]
    assert [d for part in parts for d in part] == whole
    recogniser.reset()
    one_by_one = [recogniser.process(int(t), row) for t, row in zip(times, scores, strict=True)]
    assert [d for d in one_by_one if d] == whole


@settings(deadline=None, max_examples=60)
@given(streams(), st.one_of(st.none(), st.integers(0, 1500)))
def test_sweep_equals_reference_at_every_threshold(stream: Any, merge_ms: int | None) -> None:
    options, classes, times, scores = stream
    levels = np.array([0, 59, 60, 119, 185, 250, 254])
    steps, ends = Recogniser(options, classes).sweep(scores, times, levels, merge_ms)
    assert len(steps) == ends[-1]
    for level, part in zip(levels, np.split(steps, ends[:-1]), strict=True):
        found = expected(options, classes, times, scores, int(level))
        if merge_ms is None:
            assert times[part].tolist() == [time for time, _, _ in found]
        else:
            assert len(part) == reference.events(found, merge_ms)


@settings(deadline=None, max_examples=40)
@given(streams())
def test_averages_equal_reference(stream: Any) -> None:
    options, classes, times, scores = stream
    means, ready = Recogniser(options, classes).averages(scores, times)
    assert means.shape == scores.shape
    assert means.dtype == np.uint8
    for i in range(len(times)):
        kept = reference.results_in_window(
            times[: i + 1].tolist(), scores[: i + 1].tolist(), options.minimum_count, options.average_window_duration_ms
        )
        assert ready[i] == (len(kept) >= options.minimum_count)
        assert means[i].tolist() == (np.sum(kept, axis=0) // len(kept)).tolist()


@settings(deadline=None, max_examples=40)
@given(streams())
def test_longer_suppression_never_detects_more_of_one_class(stream: Any) -> None:
    options, _, times, scores = stream
    counts = [
        len(
            Recogniser(options.copy(suppression_ms=ms, detection_threshold_list=()), ["a"]).detect(scores[:, :1], times)
        )
        for ms in (0, 50, 200, 1000)
    ]
    assert counts == sorted(counts, reverse=True)


def test_first_class_is_heard_at_once() -> None:
    recogniser = Recogniser(ALEXA, CLASSES)
    assert recogniser.process(0, np.array([255, 0], np.uint8)) is None
    found = recogniser.process(200, np.array([255, 0], np.uint8))
    assert found == Detection(time_ms=200, class_index=0, label="alexa", score=255)


def test_threshold_must_be_exceeded() -> None:
    scores = np.array([[216, 0], [217, 0], [218, 0]], np.uint8)
    assert plain(Recogniser(ALEXA, CLASSES).detect(scores, [0, 200, 400])) == [(400, 0, 217)]


def test_at_most_64_results_are_averaged() -> None:
    options = RecogniserSettings(latency_ms=1, minimum_count=MAX_RESULTS, average_window_duration_ms=1000)
    scores = np.zeros((65, 1), np.uint8)
    scores[0] = 255
    means, ready = Recogniser(options, ["a"]).averages(scores, np.arange(65))
    assert means[63, 0] == 255 // 64
    assert means[64, 0] == 0
    assert not ready[62]
    assert ready[63]


def test_limits_agree_with_the_core() -> None:
    assert (MAX_CLASSES, MAX_RESULTS) == (_native.RECOGNISER_MAX_CLASSES, _native.RECOGNISER_MAX_RESULTS)


def test_scores_are_made_as_on_the_device() -> None:
    assert scores_to_uint8(np.arange(-128, 128).astype(np.int8)).tolist() == list(range(256))
    values = np.array([[0.0, 0.5, 0.999999, 1.0, 1.5, -0.2, np.nan]], np.float32)
    assert scores_to_uint8(values).tolist() == [[0, 127, 254, 255, 255, 0, 0]]
    with pytest.raises(DataError, match="int32"):
        scores_to_uint8(np.zeros(2, np.int32))


def test_parameters_are_those_of_the_published_model() -> None:
    written = ALEXA.copy(verbose_model_output_logs=True).to_parameters()
    assert list(written.items()) == [
        ("latency_ms", 200),
        ("minimum_count", 2),
        ("average_window_duration_ms", 440),
        ("detection_threshold", 216),
        ("suppression_ms", 900),
        ("volume_gain", 0),
        ("verbose_model_output_logs", True),
    ]
    assert type(written["volume_gain"]) is int


@pytest.mark.parametrize("changes", [{}, {"detection_threshold_list": (1, 255)}, {"volume_gain": 2.5}])
def test_parameters_come_back(changes: dict[str, Any]) -> None:
    options = ALEXA.copy(**changes)
    assert RecogniserSettings.from_parameters({"name": "other", **options.to_parameters()}) == options


def test_missing_parameters_take_defaults() -> None:
    assert RecogniserSettings.from_parameters({"suppression_ms": 7}) == RecogniserSettings(suppression_ms=7)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"detection_threshold": 256}, "detection_threshold .* 0 to 255"),
        ({"latency_ms": 0}, "latency_ms"),
        ({"latency_ms": True}, "latency_ms"),
        ({"minimum_count": 65}, "minimum_count"),
        ({"minimum_count": "2"}, "minimum_count"),
        ({"suppression_ms": -1}, "suppression_ms"),
        ({"detection_threshold_list": (1, 300)}, "detection_threshold_list"),
        ({"detection_threshold_list": "12"}, "detection_threshold_list"),
        ({"volume_gain": float("nan")}, "volume_gain"),
        ({"verbose_model_output_logs": 1}, "verbose_model_output_logs"),
        ({"minimum_count": 4}, "would detect nothing"),
        ({"threshold": 4}, "no setting 'threshold'"),
    ],
)
def test_wrong_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        ALEXA.copy(**changes)


def test_wrong_calls_are_refused() -> None:
    recogniser = Recogniser(ALEXA, CLASSES)
    with pytest.raises(DataError, match="do not fit 2 classes"):
        recogniser.process(0, np.zeros(3, np.uint8))
    with pytest.raises(DataError, match="uint8"):
        recogniser.detect(np.zeros((1, 2)), [0])  # type: ignore[arg-type]
    with pytest.raises(DataError, match="times of shape"):
        recogniser.detect(np.zeros((2, 2), np.uint8), [0])
    with pytest.raises(SettingError, match="0 to 255"):
        recogniser.sweep(np.zeros((1, 2), np.uint8), [0], [256])
    with pytest.raises(SettingError, match="1 to 128 classes"):
        Recogniser(ALEXA, [f"c{i}" for i in range(129)])
    with pytest.raises(SettingError, match="3 thresholds for 2 classes"):
        Recogniser(ALEXA.copy(detection_threshold_list=(1, 2, 3)), CLASSES)
