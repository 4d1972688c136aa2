"""Where clips stand in a window."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mltk_like.feed.plan import Kind
from mltk_like.feed.scene import Stage, compose, cut_excerpt, cut_mined, trim_silence

STAGE = Stage(warm_up=1000, window=3000, sample_rate_hz=16_000, lead_in_fraction=0.0)


def nothing(before: bool) -> None:
    return None


def place(
    length: int, kind: Kind = Kind.WHOLE, keyword: bool = True, seed: int = 0, stage: Stage = STAGE,
    other: Callable[[bool], np.ndarray | None] = nothing,
) -> np.ndarray:  # fmt: skip
    clip = np.arange(1, length + 1, dtype=np.float32)
    return compose(stage, kind, keyword, clip, other, np.random.default_rng(seed))


def span(scene: np.ndarray) -> tuple[int, int]:
    heard = np.flatnonzero(scene)
    return int(heard[0]), int(heard[-1]) + 1


def test_silence_is_silence() -> None:
    scene = place(100, Kind.SILENCE)
    assert scene.shape == (4000,)
    assert scene.dtype == np.float32
    assert not scene.any()


def test_a_keyword_stands_in_the_window_anywhere_but_for_a_little_slack() -> None:
    spans = [span(place(500, seed=seed)) for seed in range(500)]
    assert all(first >= 1000 - 75 and last <= 4000 for first, last in spans)
    # What lacks at the end lies beyond the scene: at most 8 %.
    assert all(last - first >= 460 for first, last in spans)
    starts = [first for first, _ in spans]
    assert min(starts) < 1000 < 3500 < max(starts)
    assert np.mean([first >= 1000 and last - first == 500 for first, last in spans]) > 0.9


@pytest.mark.parametrize("length", [3001, 3500, 6000])
def test_a_keyword_too_long_for_the_window_ends_with_it(length: int) -> None:
    scene = place(length)
    assert scene[-1] == length
    assert scene[-4000:][0] == max(length - 3999, 0)


def test_long_speech_covers_the_window() -> None:
    for seed in range(50):
        scene = place(9000, keyword=False, seed=seed)
        assert (scene[1000:] > 0).all()


def test_short_speech_may_be_cut_at_the_edges_but_half_of_it_is_heard() -> None:
    cut = 0
    for seed in range(400):
        scene = place(600, keyword=False, seed=seed)
        heard = int(np.count_nonzero(scene[1000:]))
        assert heard >= 299
        cut += heard < 600
    assert 0 < cut < 200


def test_a_keyword_cut_short_shows_its_start_at_the_end_or_its_end_at_the_start() -> None:
    sides = set()
    for seed in range(100):
        window = place(1000, Kind.CROPPED, seed=seed)[1000:]
        heard = int(np.count_nonzero(window))
        assert 199 <= heard <= 501
        if window[0]:
            sides.add("end")
            assert window[heard - 1] == 1000
        else:
            sides.add("start")
            assert window[-heard] == 1
    assert sides == {"start", "end"}


def test_neighbours_keep_a_pause_of_50_to_400_ms() -> None:
    stage = Stage(warm_up=20_000, window=40_000, sample_rate_hz=16_000, lead_in_fraction=1.0)
    neighbour = np.full(3000, -5.0, dtype=np.float32)
    for seed in range(50):
        scene = place(4000, seed=seed, stage=stage, other=lambda before: neighbour)
        own = np.flatnonzero(scene > 0)
        others = np.flatnonzero(scene < 0)
        assert len(own) == 4000, "a neighbour lies over the clip"
        before, after = others[others < own[0]], others[others > own[-1]]
        assert len(before) == 3000
        assert 800 <= own[0] - before[-1] - 1 <= 6400
        assert not len(after) or 800 <= after[0] - own[-1] - 1 <= 6400


def test_how_often_there_are_neighbours() -> None:
    stage = Stage(warm_up=20_000, window=40_000, sample_rate_hz=16_000, lead_in_fraction=0.3)
    asked = 0

    def other(before: bool) -> None:
        nonlocal asked
        asked += 1

    for seed in range(1000):
        place(4000, seed=seed, stage=stage, other=other)
    assert asked / 2000 == pytest.approx(0.3, abs=0.05)


@given(
    length=st.integers(0, 9000), kind=st.sampled_from(Kind), keyword=st.booleans(), seed=st.integers(0, 99),
    neighbour=st.none() | st.integers(0, 9000), warm_up=st.integers(0, 2000), window=st.integers(1, 3000),
)  # fmt: skip
@hypothesis_settings(deadline=None, max_examples=200)
def test_any_lengths_fit_the_stage(
    length: int, kind: Kind, keyword: bool, seed: int, neighbour: int | None, warm_up: int, window: int
) -> None:
    stage = Stage(warm_up=warm_up, window=window, sample_rate_hz=16_000, lead_in_fraction=0.5)
    other = (lambda before: None) if neighbour is None else (lambda before: np.ones(neighbour, np.float32))
    scene = place(length, kind, keyword, seed, stage, other)
    assert scene.shape == (warm_up + window,)
    assert np.array_equal(scene, place(length, kind, keyword, seed, stage, other))
    if kind is Kind.WHOLE and length > 1:
        assert scene[warm_up:].any(), "the clip is not in the window"


def test_trimming_cuts_what_is_quiet_at_both_ends() -> None:
    rng = np.random.default_rng(0)
    samples = (rng.standard_normal(16_000) * 0.0005).astype(np.float32)
    samples[4800:9600] += (rng.standard_normal(4800) * 0.2).astype(np.float32)
    samples[8000:8800] = 0  # a pause inside stays
    trimmed = trim_silence(samples)
    assert np.array_equal(trimmed, samples[4800:9760])


@pytest.mark.parametrize("length", [0, 1, 159, 319, 320, 1000])
def test_silence_and_very_short_clips_stay_whole(length: int) -> None:
    assert len(trim_silence(np.zeros(length, np.float32))) == length
    assert len(trim_silence(np.ones(length, np.float32))) == length


def test_a_mined_window_stands_where_it_was_heard_but_for_a_tenth_of_a_second() -> None:
    clip = np.arange(1, 20_001, dtype=np.int16)
    stage = Stage(warm_up=1000, window=3000, sample_rate_hz=1000, lead_in_fraction=1.0)
    heard = cut_mined(stage, clip, 9000)
    assert np.array_equal(heard, clip[5000:9000])
    ends = []
    for seed in range(200):
        scene = compose(
            stage, Kind.MINED, False, heard.astype(np.float32), lambda before: pytest.fail("a neighbour"),
            np.random.default_rng(seed),
        )  # fmt: skip
        ends.append(int(np.flatnonzero(scene == 7000)[0]))
    assert min(ends) >= 7000 - 5001 - 100
    assert max(ends) <= 7000 - 5001 + 100
    assert max(ends) - min(ends) > 150


def test_a_mined_window_that_ends_beyond_its_clip_or_begins_before_it() -> None:
    clip = np.arange(1, 2001, dtype=np.int16)
    beyond = cut_mined(STAGE, clip, 3000)
    assert np.array_equal(beyond, np.concatenate([clip, np.zeros(1000, np.int16)]))
    assert np.array_equal(cut_mined(STAGE, clip, 500), clip[:500])


@hypothesis_settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), length=st.integers(0, 60_000))
def test_an_excerpt_is_as_long_as_a_word_and_fades_at_its_ends(seed: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    clip = rng.integers(-20_000, 20_000, length).astype(np.int16)
    cut = cut_excerpt(clip, 16_000, rng)
    if length <= 0.37 * 16_000:
        assert np.array_equal(cut, clip)
    elif len(cut) < length:
        assert 0.17 * 16_000 <= len(cut) <= 1.25 * 16_000
        assert cut[0] == cut[-1] == 0


def test_an_excerpt_is_cut_where_the_clip_is_soft() -> None:
    time = np.arange(48_000) / 16_000
    words = (10_000 * np.sin(2 * np.pi * 300 * time) * (np.sin(2 * np.pi * 2.5 * time) ** 2)).astype(np.int16)
    edges = []
    for seed in range(50):
        cut = cut_excerpt(words, 16_000, np.random.default_rng(seed))
        edges.append(max(np.abs(cut[160:320]).max(), np.abs(cut[-320:-160]).max()))
    assert np.median(edges) < 2500, "cut in the middle of a word"
