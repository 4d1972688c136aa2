"""The listening loop: the same events as evaluation's, whatever the pieces; gain, gate, activity, simulated latency."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mltk_like.audio import (
    Detection,
    EnergyGateSettings,
    FrontendSettings,
    Recogniser,
    RecogniserSettings,
    SpectrumSettings,
)
from mltk_like.audio.energy_gate import gate_open
from mltk_like.audio.inputs import paced, raw_audio, resampled
from mltk_like.audio.live import Listener, Step, level_dbfs
from mltk_like.errors import SettingError
from mltk_like.evaluation.streams import StreamScorer

RATE = 16000
CLASSES = ("left", "right", "_unknown_")
FRONTEND = FrontendSettings(
    sample_length_ms=300, window_size_ms=32, window_step_ms=20, filterbank_n_channels=8,
    noise_reduction_enable=True, quantize_dynamic_scale_enable=True,
)  # fmt: skip
RECOGNISER = RecogniserSettings(
    latency_ms=50, minimum_count=2, average_window_duration_ms=150, detection_threshold=60, suppression_ms=200
)


def net(window: NDArray[np.int8]) -> NDArray[np.uint8]:
    """A made-up net: slow sums over the bands, so that scores stay above a threshold for a while."""
    levels = window.astype(np.int64).mean(axis=0)
    scores: NDArray[np.uint8] = np.array(
        np.clip([levels[:3].mean() + 128, levels[3:].mean() + 140, levels[2:5].mean() + 120], 0, 255), np.uint8
    )
    return scores


def many(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
    return np.array([net(window) for window in windows], np.uint8).reshape(-1, len(CLASSES))


def audio(seconds: float, rate: int = RATE, seed: int = 0) -> NDArray[np.int16]:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * 500 * t * (1 + t)) * (np.sin(9 * t) > 0) + 0.02 * rng.standard_normal(len(t))
    return (wave * 9000).astype(np.int16)


def listen(listener: Listener, pieces: Sequence[NDArray[np.int16]]) -> list[Any]:
    return [event for piece in pieces for event in listener.push(piece)]


def plain(events: Iterable[Any]) -> list[Any]:
    """Events without what the wall clock says."""
    return [(e.time_ms, e.scores, e.level_dbfs, e.activity, e.gate_open) if isinstance(e, Step) else e for e in events]


@settings(deadline=None, max_examples=25)
@given(
    st.floats(0.0, 2.0),
    st.lists(st.integers(0, 20_000), max_size=12),
    st.integers(10, 700),
    st.sampled_from([RATE, 11025]),
    st.sampled_from(
        [None, EnergyGateSettings(threshold=300, backoff=2), EnergyGateSettings(threshold=9000, backoff=0)]
    ),
)
def test_decides_as_evaluation_does_whatever_the_pieces(
    seconds: float, cuts: list[int], latency: int, rate: int, gate: EnergyGateSettings | None
) -> None:
    frontend = FRONTEND.copy(sample_rate_hz=rate, filterbank_upper_band_limit=5000.0)
    recogniser = RECOGNISER.copy(latency_ms=latency, average_window_duration_ms=3 * latency)
    samples = audio(seconds, rate)
    stream = StreamScorer(frontend, latency, many, gate).long(np.split(samples, sorted(cuts)[1::2]))
    expected = Recogniser(recogniser, CLASSES).detect(stream.scores.reshape(-1, len(CLASSES)), stream.times_ms)
    listener = Listener(frontend, recogniser, CLASSES, net, gate=gate)
    events = listen(listener, np.split(samples, sorted(cuts)))
    run = [event for event in events if isinstance(event, Step) and event.scores is not None]
    assert [event.scores for event in run] == [tuple(row) for row in stream.scores.tolist()]
    assert [event.time_ms for event in run] == stream.times_ms.tolist()
    assert [event for event in events if isinstance(event, Detection)] == expected
    assert plain(events) == plain(Listener(frontend, recogniser, CLASSES, net, gate=gate).push(samples))
    assert listener.heard_ms == len(samples) * 1000 // rate


def test_something_is_detected() -> None:
    found = [e for e in Listener(FRONTEND, RECOGNISER, CLASSES, net).push(audio(5.0)) if isinstance(e, Detection)]
    assert len(found) > 3
    assert {d.label for d in found} <= {"left", "right"}


def test_events_that_are_not_taken_come_later() -> None:
    samples = audio(2.0)
    whole = list(Listener(FRONTEND, RECOGNISER, CLASSES, net).push(samples))
    listener = Listener(FRONTEND, RECOGNISER, CLASSES, net)
    first = next(listener.push(samples[:20000]))
    listener.push(samples[20000:30000])
    assert plain([first, *listener.push(samples[30000:])]) == plain(whole)


def test_a_floating_point_front_end_is_heard_too() -> None:
    frontend = SpectrumSettings(sample_length_ms=300)
    samples = audio(2.0, frontend.sample_rate_hz)

    def score(window: NDArray[np.int8]) -> NDArray[np.uint8]:
        return np.array([int(window.astype(np.int64).sum()) % 256, 3, 4], np.uint8)

    stream = StreamScorer(frontend, 50, lambda windows: np.array([score(w) for w in windows], np.uint8)).long([samples])
    events = list(Listener(frontend, RECOGNISER, CLASSES, score).push(samples))
    heard = [e.scores for e in events if isinstance(e, Step) and e.scores is not None]
    assert heard == [tuple(row) for row in stream.scores.tolist()]
    assert len(set(heard)) > 5


@pytest.mark.parametrize("simulated_ms", [0, 20, 50, 80, 130.5])
def test_a_slow_inference_leaves_windows_out_and_comes_late(simulated_ms: float) -> None:
    samples = audio(3.0)
    busy = int(np.ceil(simulated_ms))
    listener = Listener(FRONTEND, RECOGNISER, CLASSES, net, simulated_ms=simulated_ms)
    steps = [e for e in listen(listener, np.split(samples, range(0, 48000, 777))) if isinstance(e, Step)]
    taken = [e.time_ms - busy for e in steps if e.scores is not None]
    assert taken[0] == 300
    assert set(np.diff(taken)) == {max(50, busy)}
    # Each window is that of its own time: as evaluation scores it there.
    whole = StreamScorer(FRONTEND, 1, many).long([samples])
    at = dict(zip(whole.times_ms.tolist(), whole.scores.tolist(), strict=True))
    assert [e.scores for e in steps if e.scores is not None] == [tuple(at[time]) for time in taken]


def test_measured_latency_is_that_of_the_clock() -> None:
    ticks = iter(np.cumsum([0.0] + [0.125, 1.0] * 100))
    listener = Listener(
        FRONTEND, RECOGNISER, CLASSES, net, simulated_ms="measured", clock=lambda: float(next(ticks))
    )  # fmt: skip
    steps = [e for e in listener.push(audio(2.0)) if isinstance(e, Step) and e.scores is not None]
    assert {e.inference_ms for e in steps} == {125}
    assert [e.time_ms for e in steps][:3] == [425, 550, 675]


def test_activity_gate_runs_the_net_only_when_tripped() -> None:
    gated = FRONTEND.copy(activity_detection_enable=True)
    # Quiet, then loud: the detector trips at the rise.
    samples = np.concatenate([audio(2.0) // 200, audio(1.0)])
    whole = [e for e in Listener(FRONTEND, RECOGNISER, CLASSES, net).push(samples) if isinstance(e, Step)]
    gate = listen(Listener(gated, RECOGNISER, CLASSES, net), np.split(samples, range(0, len(samples), 333)))
    steps = [e for e in gate if isinstance(e, Step)]
    assert [e.time_ms for e in steps] == [e.time_ms for e in whole]
    ran = [e.time_ms for e in steps if e.scores is not None]
    assert ran
    assert len(ran) < sum(e.scores is not None for e in whole)
    at = {e.time_ms: e.scores for e in whole}
    assert all(e.scores in (None, at[e.time_ms]) for e in steps)


@pytest.mark.parametrize("latency_ms", [7, 50])
def test_the_energy_gate_keeps_the_net_from_what_is_quiet(latency_ms: int) -> None:
    recogniser, gate = RECOGNISER.copy(latency_ms=latency_ms), EnergyGateSettings(threshold=300, backoff=3)
    samples = np.concatenate([audio(1.0) // 200, audio(1.0), audio(1.0) // 200])
    whole = [e for e in Listener(FRONTEND, recogniser, CLASSES, net).push(samples) if isinstance(e, Step)]
    listener = Listener(FRONTEND, recogniser, CLASSES, net, gate=gate)
    steps = [e for e in listen(listener, np.split(samples, range(0, len(samples), 333))) if isinstance(e, Step)]
    assert [e.time_ms for e in steps] == [e.time_ms for e in whole]
    at = {e.time_ms: e.scores for e in whole}
    passes, hop = gate_open(samples, gate, FRONTEND.step_samples), FRONTEND.window_step_ms
    for step in steps:
        ended = passes[(step.time_ms - latency_ms) // hop : step.time_ms // hop]
        if len(ended):
            assert step.gate_open is bool(ended.any())
        assert step.scores == (at[step.time_ms] if step.gate_open else None)
    assert {e.gate_open for e in steps} == {True, False}
    assert {e.gate_open for e in whole} == {None}


def scripted(rows: list[tuple[int, int, int]]) -> Any:
    answers: Iterator[tuple[int, int, int]] = iter(rows)
    return lambda window: np.array(next(answers), np.uint8)


def test_activity_is_a_fast_score_or_another_class() -> None:
    rows = [(10, 0, 0), (14, 0, 0), (40, 0, 0), (255, 0, 0), (0, 250, 0), (0, 250, 0)]
    listener = Listener(FRONTEND, RECOGNISER, CLASSES, scripted(rows), sensitivity=0.5)
    steps = [e for e in listener.push(audio(0.3 + 0.05 * 5)) if isinstance(e, Step) and e.scores is not None]
    # 0.5 units a ms are 25 in a step of 50 ms; 255 to 250 is slow, but the class is another.
    assert [e.activity for e in steps] == [False, False, True, True, True, False]


def test_gain_comes_first() -> None:
    samples = audio(2.0) // 4
    louder = Listener(FRONTEND, RECOGNISER.copy(volume_gain=2.0), CLASSES, net).push(samples)
    assert plain(louder) == plain(Listener(FRONTEND, RECOGNISER, CLASSES, net).push(2 * samples))
    assert plain(louder) != plain(Listener(FRONTEND, RECOGNISER, CLASSES, net).push(samples))


def test_level() -> None:
    assert level_dbfs(np.zeros(10, np.int16)) == -96
    assert level_dbfs(np.zeros(0, np.int16)) == -96
    assert level_dbfs(np.full(10, -32768, np.int16)) == 0
    assert level_dbfs(np.full(10, 3277, np.int16)) == -20
    assert level_dbfs((10000 * np.sin(np.arange(16000))).astype(np.int16)) == pytest.approx(-13.3)


@pytest.mark.parametrize("options", [{"sensitivity": -1}, {"simulated_ms": -0.1}, {"simulated_ms": 60_001}])
def test_wrong_values_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        Listener(FRONTEND, RECOGNISER, CLASSES, net, **options)


def pipe(parts: list[bytes]) -> Callable[[], bytes]:
    """A pipe whose reader gets what has been written so far: parts of any size."""
    return iter([*parts, b""]).__next__


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 400), max_size=8))
def test_raw_samples_come_through_cut_anywhere(sizes: list[int]) -> None:
    samples = audio(0.05)
    data = samples.astype("<i2").tobytes() + b"\x7f"
    cuts = [0, *np.cumsum(sizes).tolist()]
    parts = [data[a:b] for a, b in zip(cuts, [*cuts[1:], len(data)], strict=True)]
    blocks = list(raw_audio(pipe([part for part in parts if part]), RATE, RATE))
    assert np.array_equal(np.concatenate(blocks), samples)
    assert all(len(block) for block in blocks)


def test_raw_samples_are_resampled() -> None:
    t = np.arange(48000) / 48000
    data = (10000 * np.sin(2 * np.pi * 440 * t)).astype("<i2").tobytes()
    result = np.concatenate(list(raw_audio(pipe([data[:5001], data[5001:]]), 48000, RATE)))
    assert len(result) == RATE
    expected = 10000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    assert np.abs(result - expected)[500:-500].max() < 30


@pytest.mark.parametrize("rate", [0, 999, 800_000])
def test_impossible_rates_are_refused(rate: int) -> None:
    with pytest.raises(SettingError, match="sample rate"):
        list(raw_audio(pipe([]), rate, RATE))


def test_nothing_resampled_is_nothing() -> None:
    assert list(resampled([], 48000, RATE)) == []


def test_pace_is_that_of_speech() -> None:
    now = [100.0]

    def sleep(seconds: float) -> None:
        assert seconds > 0
        now[0] += seconds

    samples, given_at = audio(0.255), []
    pieces = []
    for piece in paced([samples[:3000], samples[3000:]], RATE, clock=lambda: now[0], sleep=sleep):
        pieces.append(piece)
        given_at.append(now[0] - 100.0)
        if len(pieces) == 5:
            now[0] += 0.1  # who takes the audio is slow: what has been spoken meanwhile comes at once
    assert np.array_equal(np.concatenate(pieces), samples)
    spoken = np.cumsum([len(piece) for piece in pieces]) / RATE
    assert np.all(np.array(given_at) >= spoken - 1e-9)
    assert given_at[5] == given_at[6]
    assert given_at[-1] == pytest.approx(0.255)
    assert max(len(piece) for piece in pieces) == 160
