"""Misses against false accepts per hour: equal to brute force, honest where little was heard."""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import recogniser_reference as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.errors import DataError
from mltk_like.metrics import (
    StreamCurve,
    curve_summary,
    curve_table,
    misses_at,
    poisson_interval,
    sweep,
    wilson_interval,
)

OPTIONS = RecogniserSettings(latency_ms=200, minimum_count=2, average_window_duration_ms=440, suppression_ms=900)
CLASSES = ("alexa", "_unknown_")


@dataclass(frozen=True)
class Scored:
    scores: NDArray[np.uint8]
    times_ms: NDArray[np.int64]
    duration_s: float


def scored(alexa: list[int] | NDArray[Any], hours: float | None = None) -> Scored:
    first = np.asarray(alexa, dtype=np.uint8)
    times = np.arange(1, len(first) + 1, dtype=np.int64) * 200
    seconds = len(first) * 0.2 if hours is None else hours * 3600
    return Scored(np.stack([first, 255 - first], axis=1), times, seconds)


def curve_of(false_accepts: list[int], misses: list[int], *, positives: int = 100, hours: float = 4.0) -> StreamCurve:
    return StreamCurve(
        thresholds=np.arange(len(misses)),
        misses=np.array(misses),
        positives=positives,
        false_accepts=np.array(false_accepts),
        hours=hours,
    )


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 1500), st.integers(0, 3), st.sampled_from([None, 0, 1000]))
def test_sweep_equals_brute_force(seed: int, suppression_ms: int, minimum_count: int, merge_ms: int | None) -> None:
    rng = np.random.default_rng(seed)
    classes = ("yes", "_other_", "no")
    options = OPTIONS.copy(suppression_ms=suppression_ms, minimum_count=minimum_count, average_window_duration_ms=700)

    def random_stream(steps: int) -> Scored:
        rough = rng.choice([0, 90, 200, 254, 255], size=(steps // 4 + 1, 3))
        return Scored(
            np.repeat(rough, 4, axis=0)[:steps].astype(np.uint8), np.cumsum(rng.integers(1, 300, steps)), 3600.0
        )

    positives = [random_stream(int(rng.integers(0, 20))) for _ in range(6)]
    negatives = [random_stream(60), random_stream(0), random_stream(7)]
    labels = rng.choice(["yes", "no"], 6).tolist()
    levels = [0, 89, 90, 150, 200, 253, 254]
    merge = suppression_ms if merge_ms is None else merge_ms
    curve = sweep(
        positives, negatives, settings=options, classes=classes, labels=labels, thresholds=levels, merge_ms=merge_ms
    )

    def found(stream: Scored, level: int) -> list[tuple[int, int, int]]:
        return reference.detections(
            stream.times_ms.tolist(),
            stream.scores.tolist(),
            minimum_count=minimum_count,
            window=700,
            thresholds=[level] * 3,
            suppression=suppression_ms,
            ignored=[False, True, False],
        )

    for i, level in enumerate(levels):
        missed = [
            classes.index(label) not in [index for _, index, _ in found(stream, level)]
            for stream, label in zip(positives, labels, strict=True)
        ]
        assert curve.misses[i] == sum(missed)
        assert curve.false_accepts[i] == sum(reference.events(found(stream, level), merge) for stream in negatives)
    assert (np.diff(curve.misses) >= 0).all()
    assert (curve.positives, curve.hours) == (6, 3.0)


def test_a_burst_is_one_event_and_going_on_is_more() -> None:
    burst = scored([0] * 10 + [255] * 5 + [0] * 10)
    endless = scored([255] * 100)
    options = OPTIONS.copy(suppression_ms=0)
    # Decisions from 400 ms on, and an event after each 1200 ms: the first step more than 1 s later.
    for stream, merge_ms, count in [(burst, 1000, 1), (endless, 1000, 17), (endless, None, 99), (burst, 0, 5)]:
        curve = sweep([burst], [stream], settings=options, classes=CLASSES, merge_ms=merge_ms)
        assert curve.at(100).false_accepts == count


def test_operating_point_is_the_lowest_threshold_below_which_too_many() -> None:
    curve = curve_of([1, 9, 5, 4, 2, 0], [0, 1, 2, 3, 5, 50])
    for target, threshold in [(1.0, 3), (1.25, 2), (0.5, 4), (0.4, 5), (5.0, 0)]:
        point = misses_at(curve, target)
        # The dip at threshold 0 is used only where nothing above exceeds the target.
        assert point is not None
        assert point.threshold == threshold
        assert point.false_accepts / 4 <= target
    assert misses_at(curve_of([9, 8, 7], [0, 1, 2]), 1.0) is None


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.floats(0.01, 10), st.floats(0.01, 10))
def test_fewer_false_accepts_never_cost_fewer_misses(counts: list[int], first: float, second: float) -> None:
    curve = curve_of(counts, list(range(len(counts))))
    low, high = (misses_at(curve, rate) for rate in sorted((first, second)))
    if low is not None:
        assert high is not None
        assert high.misses <= low.misses


def test_no_rate_is_claimed_below_one_event() -> None:
    curve = curve_of([9, 0], [0, 7], hours=1.5)
    point = misses_at(curve, 0.5)
    assert point is not None
    assert point.below_one_event
    low, high = point.false_accepts_per_hour_interval_95
    assert (low, high) == (0.0, pytest.approx(-math.log(0.05) / 1.5))
    table = curve_table(curve, (0.5, 6.0))
    assert "0.5*" in table
    assert "6*" not in table
    assert "< 2.00" in table
    assert "1.50 h" in table
    assert "7 (7.0 %)" in table
    assert "less than one event" in table
    assert "less than one event" not in curve_table(curve, (1.0,))


def test_the_models_own_threshold_stands_first() -> None:
    curve = curve_of([8, 2], [10, 20])
    header, own, *_ = curve_table(curve, (1.0,), own_threshold=0).splitlines()
    assert header.split()[:3] == ["false", "accepts/h", "threshold"]
    assert own.split() == [
        "the",
        "model's",
        "own",
        "0",
        "10",
        "(10.0",
        "%)",
        "5.5..17.4",
        "%",
        "8",
        "2.00",
        "0.86..3.94",
    ]


def test_not_reached_is_said() -> None:
    curve = curve_of([50], [0])
    assert "not reached" in curve_table(curve)
    assert [entry["threshold"] for entry in curve_summary(curve)] == [None] * 4
    assert curve_summary(curve)[0]["false_accepts_per_hour_target"] == 0.1


def test_summary_is_json() -> None:
    entry = curve_summary(curve_of([8, 2], [10, 20]), [1.0])[0]
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    assert {k: entry[k] for k in ("threshold", "misses", "misses_fraction", "false_accepts", "hours")} == {
        "threshold": 1,
        "misses": 20,
        "misses_fraction": 0.2,
        "false_accepts": 2,
        "hours": 4.0,
    }
    assert entry["misses_interval_95"] == pytest.approx([0.13337, 0.28883], abs=1e-5)


def test_a_half_without_recordings_is_not_measured() -> None:
    stream = scored([255] * 10)
    deaf = sweep([], [stream], settings=OPTIONS, classes=CLASSES)
    assert "not measured" in curve_table(deaf, [1e6])
    assert curve_table(deaf, [1e6], own_threshold=254).splitlines()[1].split()[3:6] == ["254", "not", "measured"]
    assert deaf.at(254).to_dict()["misses_fraction"] is None
    quiet = sweep([stream], [], settings=OPTIONS, classes=CLASSES)
    assert misses_at(quiet, 1.0) is None
    assert quiet.at(254).misses == 0
    assert quiet.at(254).to_dict()["false_accepts_per_hour_interval_95"] == [None, None]
    with pytest.raises(DataError, match="nothing to judge"):
        sweep([], [], settings=OPTIONS, classes=CLASSES)


def test_wrong_input_is_refused() -> None:
    stream = scored([255] * 10)
    with pytest.raises(DataError, match="'_unknown_' is not a class"):
        sweep([stream], [stream], settings=OPTIONS, classes=CLASSES, labels=["_unknown_"])
    with pytest.raises(DataError, match="2 classes are detected"):
        sweep([stream], [stream], settings=OPTIONS, classes=("a", "b"))
    with pytest.raises(DataError, match="2 labels"):
        sweep([stream], [stream], settings=OPTIONS, classes=CLASSES, labels=["alexa", "alexa"])
    with pytest.raises(DataError, match="no threshold 255"):
        sweep([stream], [stream], settings=OPTIONS, classes=CLASSES).at(255)


# From SciPy: binomtest(...).proportion_ci('wilson'), and quantiles of chi-squared for the Poisson mean.
@pytest.mark.parametrize(
    ("events", "trials", "interval"),
    [(0, 10, (0.0, 0.27753)), (10, 10, (0.72247, 1.0)), (5, 10, (0.23659, 0.76341)), (0, 0, (0.0, 1.0))],
)
def test_wilson(events: int, trials: int, interval: tuple[float, float]) -> None:
    assert wilson_interval(events, trials) == pytest.approx(interval, abs=1e-5)


@pytest.mark.parametrize(
    ("events", "interval"),
    [(0, (0.0, 2.99573)), (1, (0.02532, 5.57164)), (5, (1.62349, 11.66833)), (100, (81.36399, 121.62679))],
)
def test_poisson(events: int, interval: tuple[float, float]) -> None:
    assert poisson_interval(events) == pytest.approx(interval, abs=1e-4)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 20_000))
def test_poisson_ends_have_their_probability(events: int) -> None:
    low, high = poisson_interval(events)
    assert low < events < high
    if events < 200:
        below = sum(math.exp(k * math.log(high) - high - math.lgamma(k + 1)) for k in range(events + 1))
        above = 1 - sum(math.exp(k * math.log(low) - low - math.lgamma(k + 1)) for k in range(events))
        assert below == pytest.approx(0.025, rel=1e-6)
        assert above == pytest.approx(0.025, rel=1e-6)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="11 events of 10"):
        wilson_interval(11, 10)
    with pytest.raises(ValueError, match="-1"):
        poisson_interval(-1)
