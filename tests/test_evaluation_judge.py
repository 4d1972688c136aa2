"""From scores to figures, on scores that are made up: places, parts, latency, and the search for a threshold."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mltk_like.audio import FrontendSettings
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.data.clip import Clip
from mltk_like.errors import CheckError, DataError, SettingError
from mltk_like.evaluation import testset
from mltk_like.evaluation.comparison import compare
from mltk_like.evaluation.judge import ScoredTests, judge
from mltk_like.evaluation.result import EvaluationResult
from mltk_like.evaluation.sensitivity import candidates, find_sensitivity
from mltk_like.evaluation.streams import LEAD_S, ScoredStream, word_end_s
from mltk_like.evaluation.subject import Subject
from mltk_like.feed.windows import Batch

CLASSES = ("bell", "_unknown_")
SETTINGS = RecogniserSettings(
    latency_ms=100, minimum_count=1, average_window_duration_ms=200, detection_threshold=150, suppression_ms=500
)
RATE = 16000
# Peaks of five words said by two people, and of four false accepts in an hour of two files.
CLEAN = [250, 200, 140, 220, 120]
NOISY = [240, 130, 135, 180, 110]
FALSE = [(600.0, 160), (1200.0, 210), (2000.0, 190), (3000.0, 155)]


def stream(seconds: float, peaks: Sequence[tuple[float, int]]) -> ScoredStream:
    """Scores of a class that is quiet but for some peaks of 0.6 s; the other class is always at 100."""
    times = np.arange(1, round(seconds * 10) + 1, dtype=np.int64) * 100
    scores = np.zeros((len(times), 2), np.uint8)
    scores[:, 1] = 100
    for start, score in peaks:
        first = round(start * 10)
        scores[first : first + 6, 0] = score
    return ScoredStream(scores=scores, times_ms=times, duration_s=seconds)


def clip(path: str, group: str, source: str, label: str = "bell", start_s: float = 0.0) -> Clip:
    return Clip(path=Path("/sounds") / path, label=label, group=group, source=source, start_s=start_s)


@pytest.fixture
def scored() -> ScoredTests:
    tests = testset.TestSet(
        description="made-up scores",
        clips=tuple(clip(f"{i}.wav", f"person {i % 2}", "mine") for i in range(5)),
        samples=[],
        noise=lambda index, rng, length: np.zeros(length, np.int16),
        snrs_db=(10.0,),
        negatives=(clip("talk.wav", "radio", "talk"), clip("film.wav", "film", "tv", start_s=50.0)),
        read=lambda index: (),
        sample_rate_hz=RATE,
    )
    return ScoredTests(
        tests=tests,
        classes=CLASSES,
        positives={
            "clean": [stream(6, [(LEAD_S + 1, peak)]) for peak in CLEAN],
            "10 dB": [stream(6, [(LEAD_S + 1, peak)]) for peak in NOISY],
        },
        word_ends_s=(1.5,) * 5,
        negatives=stream(3600, FALSE),
        starts_s=(0.0, 1000.0),
    )


def subject(settings: RecogniserSettings = SETTINGS) -> Subject:
    def score(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
        return windows.reshape(len(windows), 2).view(np.uint8)

    frontend = FrontendSettings(sample_length_ms=500, window_size_ms=32, window_step_ms=20, filterbank_n_channels=8)
    return Subject(name="toy", kind="tflite", score=score, classes=CLASSES, frontend=frontend, recogniser=settings)


def result(scored: ScoredTests, settings: RecogniserSettings = SETTINGS, **options: int) -> EvaluationResult:
    return judge(subject(settings), scored, rates=(1.0, 2.0), **options)


def test_what_was_missed_and_by_whom(scored: ScoredTests) -> None:
    found = result(scored)
    assert found.curves["clean"].at(150).misses == 2
    assert found.curves["10 dB"].at(150).misses == 3
    rows = {(row.by, row.name, row.condition): (row.misses, row.positives) for row in found.misses_by}
    # One source and one word are no parts.
    assert rows == {
        ("group", "person 0", "clean"): (2, 3), ("group", "person 0", "10 dB"): (2, 3),
        ("group", "person 1", "clean"): (0, 2), ("group", "person 1", "10 dB"): (1, 2),
    }  # fmt: skip
    worst = [(miss.condition, miss.index, miss.score) for miss in found.worst_misses]
    assert worst == [("10 dB", 4, 110), ("clean", 4, 120), ("10 dB", 1, 130), ("10 dB", 2, 135), ("clean", 2, 140)]
    assert found.worst_misses[0].end_s == 1.5
    assert found.worst_misses[0].file == "/sounds/4.wav"


def test_what_it_fired_on_and_where(scored: ScoredTests) -> None:
    found = result(scored)
    events = [(event.file, event.time_s, event.score) for event in found.loudest_false_accepts]
    assert events == [
        ("/sounds/film.wav", 250.3, 210),
        ("/sounds/film.wav", 1050.3, 190),
        ("/sounds/talk.wav", 600.3, 160),
        ("/sounds/film.wav", 2050.3, 155),
    ]
    assert found.loudest_false_accepts[0].stream_s == 1200.3
    parts = {(row.by, row.name): (row.false_accepts, row.hours) for row in found.false_accepts_by}
    assert parts[("source", "talk")] == (1, pytest.approx(1000 / 3600))
    assert parts[("source", "tv")] == (3, pytest.approx(2600 / 3600))
    assert (
        sum(count for (by, _), (count, _) in parts.items() if by == "group")
        == found.curves["clean"].at(150).false_accepts
    )
    assert found.to_dict()["false_accepts_by"][0]["false_accepts_per_hour_interval_95"][0] >= 0


def test_a_detection_after_the_end_of_a_file_belongs_to_it(scored: ScoredTests) -> None:
    """The window that ends at 1000.1 s began at 999.6 s: most of it lies in the file that ended at 1000 s."""
    late = ScoredTests(**{**vars(scored), "negatives": stream(3600, [(999.9, 250), (1500.0, 250)])})
    first, second = result(late).loudest_false_accepts
    assert (first.file, first.time_s) == ("/sounds/talk.wav", 1000.1)
    assert (second.file, second.time_s) == ("/sounds/film.wav", 550.2)


def test_latency_counts_from_the_end_of_the_word(scored: ScoredTests) -> None:
    found = next(row for row in result(scored).latencies if row.condition == "clean")
    # The mean of 3 results passes 150 at the second of 250, and at the third of 200 and 220: 2.7 s and twice 2.8 s.
    assert (found.threshold, found.detected) == (150, 3)
    assert found.median_ms == pytest.approx(2800 - 1000 * (LEAD_S + 1.5))
    assert found.p95_ms == pytest.approx(-200)
    nobody = result(scored, SETTINGS.copy(detection_threshold=254)).latencies[0]
    assert (nobody.detected, nobody.median_ms, str(nobody)) == (0, None, "no word was found")


def test_merging_is_the_suppression_time_unless_told(scored: ScoredTests) -> None:
    assert result(scored).merge_ms == 500
    # Without suppression the recogniser fires at each result of a peak; merging makes one of them.
    restless = SETTINGS.copy(suppression_ms=0)
    assert result(scored, restless).curves["clean"].at(150).false_accepts > 8
    assert result(scored, restless, merge_ms=2000).curves["clean"].at(150).false_accepts == 4


def test_a_list_of_thresholds_is_that_of_the_device(scored: ScoredTests) -> None:
    """The lists go by each class's own threshold; the curve puts one threshold on all."""
    found = result(scored, SETTINGS.copy(detection_threshold=0, detection_threshold_list=(200, 0)))
    assert found.threshold == 200
    assert [event.score for event in found.loudest_false_accepts] == [210]
    assert found.curves["clean"].at(200).false_accepts == 1


def test_it_prints_and_is_json(scored: ScoredTests) -> None:
    text = str(result(scored))
    for words in ("misses by group:", "- person 0: 2/3 clean, 2/3 10 dB", "false accepts by source:", "worst misses:",
                  "/sounds/film.wav at 250.3 s: 'bell', score 210", "after the end of the word (median)"):  # fmt: skip
        assert words in text
    assert result(scored)._repr_html_().startswith('<img src="data:image/png;base64,')
    plain = result(scored).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["streams"]["clean"]["latencies"][0]["detected"] == 3


def test_a_target_gets_the_fewest_misses(scored: ScoredTests) -> None:
    found = find_sensitivity(scored, SETTINGS, 2.0, merge_ms=2000)
    assert found.recogniser == SETTINGS.copy(detection_threshold=160)
    assert found.tried == 1
    assert [level.name for level in found.levels] == ["low", "medium", "high"]
    assert [level.point.false_accepts for level in found.levels] == [0, 2, 4]
    values = found.to_parameters()
    assert values["sensitivity.low.detection_threshold"] == 210
    assert values["sensitivity.medium.false_accepts_per_hour"] == 2.0
    assert values["sensitivity.medium.misses_percent"] == 40.0
    assert values["sensitivity.medium.misses_percent_10_db"] == 60.0
    assert values["sensitivity.hours"] == 1.0
    json.dumps(found.to_dict(), allow_nan=False)
    assert "medium" in str(found)


def two_kinds(scored: ScoredTests, people_s: float, label: str = "_unknown_") -> ScoredTests:
    """An hour of synthetic talk with four false accepts, and recordings of people before and after it with one."""
    spoken = replace(clip("talk.wav", "heart", "talk", "_stream_"), details={"engine": "hibari"})
    people = [clip(f"{name}.wav", "radio", "radio", label) for name in "ab"]
    peaks = [(100.0, 180), *((people_s / 2 + start, score) for start, score in FALSE)]
    return ScoredTests(
        **{
            **vars(scored),
            "tests": replace(scored.tests, negatives=(people[0], spoken, people[1])),
            "negatives": stream(3600 + people_s, peaks),
            "starts_s": (0.0, people_s / 2, people_s / 2 + 3600),
        }
    )


def test_a_false_accept_by_a_synthetic_voice_counts_a_quarter_beside_people(scored: ScoredTests) -> None:
    both = two_kinds(scored, 3700.0)
    found = find_sensitivity(both, SETTINGS, 0.99)  # two in 2.03 h, and one in the 1.03 h of people
    # Of people one at 180, by the engine 155, 160, 190 and 210: all of them count 1 + 4/4.
    assert found.weighed
    assert found.recogniser.detection_threshold == 0
    assert find_sensitivity(both, SETTINGS, 0.98).recogniser.detection_threshold == 155
    # People alone are not heard more often than that: 0.97 an hour at 180.
    assert find_sensitivity(both, SETTINGS, 0.96).recogniser.detection_threshold == 180
    strict = find_sensitivity(two_kinds(scored, 7400.0), SETTINGS, 0.5)  # 1.53 in 3.06 h
    assert strict.recogniser.detection_threshold == 160
    # What is said of a level is what was counted: three, by whomever.
    assert [level.point.false_accepts for level in strict.levels if level.name == "medium"] == [3]
    assert "a false accept by a synthetic voice counted 0.25" in str(strict)
    assert strict.to_dict()["weighed"] is True


@pytest.mark.parametrize(("people_s", "label"), [(3500.0, "_unknown_"), (7200.0, "_background_")])
def test_where_hardly_anybody_was_heard_all_count_alike(scored: ScoredTests, people_s: float, label: str) -> None:
    found = find_sensitivity(two_kinds(scored, people_s, label), SETTINGS, 0.8)
    assert not found.weighed
    assert found.recogniser.detection_threshold == (190 if people_s == 3500.0 else 180)
    assert "counted 0.25" not in str(found)


def test_freedom_never_makes_it_worse(scored: ScoredTests) -> None:
    fixed = find_sensitivity(scored, SETTINGS, 1.0)
    free = find_sensitivity(scored, SETTINGS, 1.0, free=["average_window_duration_ms", "minimum_count"])
    assert free.tried > 10
    assert sum(p.misses for p in free.levels[1].points.values()) <= sum(
        p.misses for p in fixed.levels[1].points.values()
    )
    # What makes no difference stays as it was.
    assert free.recogniser.suppression_ms == SETTINGS.suppression_ms


def test_candidates_are_possible_and_differ() -> None:
    every = candidates(SETTINGS, ["average_window_duration_ms", "minimum_count", "suppression_ms"])
    assert every[0] == SETTINGS
    assert len(set(every)) == len(every)
    assert {one.latency_ms for one in every} == {100}
    assert candidates(SETTINGS) == [SETTINGS]


def test_a_target_that_is_not_reached(scored: ScoredTests) -> None:
    loud = ScoredTests(**{**vars(scored), "negatives": stream(3600, [(60.0 * n, 255) for n in range(1, 50)])})
    with pytest.raises(CheckError, match="no setting of 1 reaches 2 false accepts an hour and still hears the word"):
        find_sensitivity(loud, SETTINGS, 2.0)
    deaf = ScoredTests(**{**vars(scored), "positives": {"clean": [stream(6, [])] * 5}})
    with pytest.raises(CheckError, match="still hears the word"):
        find_sensitivity(deaf, SETTINGS, 2.0)


def test_targets_that_cannot_be(scored: ScoredTests) -> None:
    with pytest.raises(SettingError, match="0 false accepts"):
        find_sensitivity(scored, SETTINGS, 0.0)
    with pytest.raises(SettingError, match="'latency_ms' cannot"):
        find_sensitivity(scored, SETTINGS, 1.0, free=["latency_ms"])
    quiet = ScoredTests(**{**vars(scored), "negatives": None, "starts_s": ()})
    with pytest.raises(DataError, match="needs sound without the word"):
        find_sensitivity(quiet, SETTINGS, 1.0)


def test_two_forms_side_by_side(scored: ScoredTests) -> None:
    def with_windows(outputs: list[list[int]]) -> EvaluationResult:
        features = np.array(outputs, np.uint8).view(np.int8).reshape(len(outputs), 1, 1, 2)
        batch = Batch(features=features, labels=np.array([0] * 8 + [1] * 4))
        return judge(subject(), scored, rates=(1.0,), windows=batch)

    good = with_windows([[255, 0]] * 8 + [[0, 255]] * 4)
    bad = with_windows([[0, 255]] * 8 + [[0, 255]] * 4)
    both = compare(good, bad)
    figures = {figure.name: figure for figure in both.figures}
    accuracy = figures["windows: accuracy %"]
    assert (accuracy.first, accuracy.second) == (100.0, pytest.approx(100 / 3))
    assert accuracy.p_value == pytest.approx(2 / 2**8)
    assert figures["missed % at 1 /h, clean"].p_value == 1.0
    assert figures["false accepts at the own threshold"].first == 4
    assert figures["windows: precision % of bell"].second is None
    assert "windows: accuracy %" in str(both)
    json.dumps(both.to_dict(), allow_nan=False)


def test_a_word_ends_with_its_last_loud_frame() -> None:
    word = np.zeros(RATE, np.int16)
    word[1600:8000] = 8000
    word[8000:12000] = 100
    assert word_end_s(word, RATE) == pytest.approx(0.5)
    # 20 dB below the loudest still belongs to it.
    word[8000:9600] = 800
    assert word_end_s(word, RATE) == pytest.approx(0.6)
    assert word_end_s(word[:100], RATE) == pytest.approx(100 / RATE)
