"""Audio in a row and scores along it: how it is cut into blocks changes nothing, and noise is as loud as asked."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mltk_like.audio import EnergyGateSettings, FrontendSettings
from mltk_like.audio.energy_gate import gate_open
from mltk_like.evaluation.streams import StreamScorer, joined, mix_at_snr, pad_clip

RATE = 16000
Int16 = NDArray[np.int16]
FRONTEND = FrontendSettings(
    sample_length_ms=300, window_size_ms=32, window_step_ms=20, filterbank_n_channels=8,
    noise_reduction_enable=True, quantize_dynamic_scale_enable=True, dc_notch_filter_enable=True,
)  # fmt: skip


def scorer(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
    """A made-up net: two numbers that hang on every value of a window and its place."""
    weights = np.arange(1, windows[:1].size + 1).reshape(-1, *windows.shape[1:])
    sums = (windows.astype(np.int64) * weights).sum(axis=(1, 2)) if len(windows) else np.zeros(0, np.int64)
    return np.stack([sums % 251, sums % 13], axis=1).astype(np.uint8)


def audio(seconds: float, seed: int = 0) -> Int16:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * 700 * t * (1 + t)) * (np.sin(9 * t) > 0) + 0.05 * rng.standard_normal(len(t))
    return (wave * 9000).astype(np.int16)


def blocks_of(samples: Int16, sizes: Iterable[int]) -> Iterator[Int16]:
    start = 0
    for size in sizes:
        yield samples[start : start + size]
        start += size
    yield samples[start:]


def same(left: Any, right: Any) -> bool:
    return (
        np.array_equal(left.scores, right.scores)
        and np.array_equal(left.times_ms, right.times_ms)
        and left.duration_s == right.duration_s
    )


@pytest.mark.parametrize("latency_ms", [20, 30, 100, 333])
@pytest.mark.parametrize("seconds", [0.3, 0.301, 0.95, 2.345])
def test_a_long_stream_is_scored_as_a_clip_is(latency_ms: int, seconds: float) -> None:
    streams = StreamScorer(FRONTEND, latency_ms, scorer)
    samples = audio(seconds)
    (clip,) = streams.clips([samples])
    long = streams.long([samples])
    assert clip.duration_s == len(samples) / RATE
    assert len(clip.scores) == len(clip.times_ms)
    # The first step at which a whole window has been heard, and then one each latency.
    assert list(clip.times_ms) == list(range(-(-300 // latency_ms) * latency_ms, int(seconds * 1000) + 1, latency_ms))
    if len(clip.scores):
        assert same(clip, long)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 9000), max_size=12), st.sampled_from([20, 50, 130]))
def test_blocks_change_nothing(sizes: list[int], latency_ms: int) -> None:
    streams = StreamScorer(FRONTEND, latency_ms, scorer)
    samples = audio(1.7)
    assert same(streams.long(blocks_of(samples, sizes)), streams.long([samples]))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(0, 9000), max_size=12), st.sampled_from([7, 50, 130]), st.integers(0, 32768), st.integers(0, 9)
)
def test_the_gate_leaves_steps_out_and_changes_no_other(
    sizes: list[int], latency_ms: int, threshold: int, backoff: int
) -> None:
    gate, samples = EnergyGateSettings(threshold=threshold, backoff=backoff), audio(1.7)
    gated = StreamScorer(FRONTEND, latency_ms, scorer, gate)
    (whole,) = StreamScorer(FRONTEND, latency_ms, scorer).clips([samples])
    (clip,) = gated.clips([samples])
    long = gated.long(blocks_of(samples, sizes))
    assert np.array_equal(long.times_ms, clip.times_ms)
    assert np.array_equal(long.scores.reshape(-1, 2), clip.scores)
    kept = np.isin(whole.times_ms, clip.times_ms)
    assert np.array_equal(whole.scores[kept], clip.scores)
    assert len(clip.times_ms) == kept.sum()
    passes = gate_open(samples, gate, FRONTEND.step_samples)
    hop = FRONTEND.window_step_ms
    for time_ms, ran in zip(whole.times_ms.tolist(), kept.tolist(), strict=True):
        ended = passes[(time_ms - latency_ms) // hop : time_ms // hop]
        assert ran == bool(ended.any()) or not len(ended)


def test_blocks_of_one_sample() -> None:
    streams = StreamScorer(FRONTEND, 50, scorer)
    samples = audio(0.5)
    assert same(streams.long(blocks_of(samples, [1] * len(samples))), streams.long([samples]))


def test_clips_together_are_as_clips_alone() -> None:
    streams = StreamScorer(FRONTEND, 50, scorer)
    clips = [audio(0.4 + 0.07 * (i % 9), seed=i) for i in range(70)] + [audio(0.1), audio(0.0)]
    together = streams.clips(clips)
    assert len(together) == len(clips)
    assert all(same(together[i], streams.clips([clip])[0]) for i, clip in enumerate(clips[:70]))
    assert [len(scored.scores) for scored in together[70:]] == [0, 0]


def test_scores_go_with_what_was_heard_before() -> None:
    """The state of the front end runs on: the same sound scores otherwise after loud noise than in quiet."""
    streams = StreamScorer(FRONTEND, 50, scorer)
    tone = audio(0.6)
    noise = (np.random.default_rng(5).standard_normal(RATE) * 6000).astype(np.int16)
    alone, after = streams.clips([tone])[0], streams.long([noise, tone])
    assert not np.array_equal(after.scores[-len(alone.scores) :], alone.scores)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 25.0])
def test_noise_is_as_loud_as_asked(snr_db: float) -> None:
    rng = np.random.default_rng(1)
    word = (np.sin(np.arange(RATE // 2) * 0.2) * 6000).astype(np.int16)
    padded = pad_clip(word, RATE, rng)
    noise = (rng.standard_normal(len(padded)) * 1000).astype(np.int16)
    mixed = mix_at_snr(padded, word, noise, snr_db)
    added = mixed.astype(np.float64) - padded
    power = np.square(word, dtype=np.float64).mean()
    assert 10 * np.log10(power / np.square(added).mean()) == pytest.approx(snr_db, abs=0.2)


def test_silence_in_a_recording_does_not_count_as_its_level() -> None:
    rng = np.random.default_rng(1)
    word = (np.sin(np.arange(RATE // 2) * 0.2) * 6000).astype(np.int16)
    kept = np.concatenate([np.zeros(3 * RATE, np.int16), word, np.zeros(RATE, np.int16)])
    noise = (rng.standard_normal(9 * RATE) * 1000).astype(np.int16)
    padded = pad_clip(kept, RATE, rng)
    added = mix_at_snr(padded, kept, noise[: len(padded)], 10.0).astype(np.float64) - padded
    power = np.square(word, dtype=np.float64).mean()
    assert 10 * np.log10(power / np.square(added).mean()) == pytest.approx(10.0, abs=0.4)


def test_nothing_is_added_where_nothing_can_be_measured() -> None:
    silence = np.zeros(8000, np.int16)
    tone = audio(0.5)
    assert np.array_equal(mix_at_snr(tone, tone, silence, 10.0), tone)
    assert np.array_equal(mix_at_snr(silence, silence, tone, 10.0), silence)


def test_a_word_is_padded_with_a_quiet_room() -> None:
    word = audio(0.5)
    padded = pad_clip(word, RATE, np.random.default_rng(0))
    assert len(padded) == round(1.5 * RATE) + len(word) + RATE
    before, inside, after = np.split(padded, [round(1.5 * RATE), round(1.5 * RATE) + len(word)])
    floor = 32768 * 10 ** (-75 / 20)
    assert before.std() == pytest.approx(floor, rel=0.05)
    assert after.std() == pytest.approx(floor, rel=0.05)
    assert np.abs(inside.astype(int) - word).max() < 6 * floor


def test_recordings_are_joined_with_gaps() -> None:
    parts = [audio(0.7, 1), audio(40.0, 2), audio(30.0, 3)]
    in_blocks = [[parts[0]], np.array_split(parts[1], 7), [parts[2][:5], parts[2][5:]]]
    starts: list[int] = []
    made = list(joined(in_blocks, RATE, np.random.default_rng(0), starts))
    assert starts == [0, len(parts[0]) + round(0.3 * RATE), len(parts[0]) + len(parts[1]) + 2 * round(0.3 * RATE)]
    whole = np.concatenate(made)
    gap = round(0.3 * RATE)
    assert len(whole) == sum(map(len, parts)) + 3 * gap
    start = 0
    for part in parts:
        assert np.array_equal(whole[start : start + len(part)], part)
        quiet = whole[start + len(part) : start + len(part) + gap]
        assert quiet.std() == pytest.approx(32768 * 10 ** (-75 / 20), rel=0.1)
        start += len(part) + gap
    # Blocks, so that hours need no memory: of a minute and what came with its end.
    assert [len(block) for block in made] == [len(whole) - len(made[-1]), len(made[-1])]
    assert len(made[0]) >= 60 * RATE


def test_nothing_joined_is_nothing() -> None:
    assert list(joined([], RATE, np.random.default_rng(0))) == []
