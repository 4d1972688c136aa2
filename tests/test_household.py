"""Household sounds: what they are by ear's measures, and that a source of them is unknown throughout."""

import numpy as np
import pytest

from mltk_like.audio.wav import read_audio
from mltk_like.data import generated_household
from mltk_like.data.household import KINDS, calling, coughing, crackling, household_scene, ticking
from mltk_like.data.struck import Float32, Floats
from mltk_like.errors import SettingError

RATE = 16000


def made(kind: str, seed: int, seconds: float = 4.0, split: str = "training") -> Float32:
    return KINDS[kind](np.random.default_rng(seed), split, round(seconds * RATE), RATE)


def envelope(samples: Float32) -> Floats:
    """RMS of each 5 ms."""
    power: Floats = np.square(samples.astype(np.float64)).reshape(-1, RATE // 200).mean(axis=1)
    return np.sqrt(power)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_sound_of_the_length_asked_for(kind: str) -> None:
    for seed in range(5):
        first, again = made(kind, seed), made(kind, seed)
        assert first.dtype == np.float32
        assert first.shape == (4 * RATE,)
        assert np.array_equal(first, again)
        assert np.isfinite(first).all()
        assert 0.02 < np.abs(first).max() < 3
        assert not np.array_equal(first, made(kind, seed, split="test"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_split_that_is_none(kind: str) -> None:
    with pytest.raises(SettingError, match="there is no split 'other'"):
        made(kind, 0, split="other")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("samples", [1, 700])
def test_lengths_shorter_than_an_event(kind: str, samples: int) -> None:
    assert KINDS[kind](np.random.default_rng(3), "training", samples, RATE).shape == (samples,)


def test_a_clock_keeps_time() -> None:
    """The ticks are as far from each other at the end as at the beginning, whatever the clock."""
    for seed in range(6):
        sound = envelope(ticking(np.random.default_rng(seed), "training", 10 * RATE, RATE))
        rising = np.maximum(np.diff(sound, prepend=0.0), 0)
        rising -= rising.mean()
        likeness = np.correlate(rising, rising, mode="full")[len(rising) - 1 :]
        # Tick and tock differ: two steps of the clock are where it is most like itself.
        later = likeness[20:500]
        assert later.max() > 0.4 * likeness[0], seed


def test_a_fire_is_short_bursts() -> None:
    lively = [envelope(crackling(np.random.default_rng(seed), "training", 4 * RATE, RATE)) for seed in range(8)]
    assert np.median([sound.max() / np.median(sound) for sound in lively]) > 5


def test_calls_are_voiced_and_coughs_are_not() -> None:
    """How much of the power of 50 ms is in the few strongest bins."""

    def peakiness(samples: Float32) -> float:
        frames = samples.reshape(-1, RATE // 20).astype(np.float64)
        loud = frames[np.argsort(np.square(frames).sum(axis=1))[-10:]]
        power = np.sort(np.square(np.abs(np.fft.rfft(loud * np.hanning(loud.shape[1])))), axis=1)
        return float(np.median(power[:, -16:].sum(axis=1) / power.sum(axis=1)))

    calls, coughs = (
        np.median([peakiness(kind(np.random.default_rng(seed), "training", 4 * RATE, RATE)) for seed in range(8)])
        for kind in (calling, coughing)
    )
    assert calls > 0.7
    assert calls > coughs + 0.1


def test_a_scene_is_one_long_unknown() -> None:
    samples, intervals = household_scene(np.random.default_rng(0), "validation", 5.0, RATE)
    assert samples.shape == (5 * RATE,)
    assert np.abs(samples).max() < 1
    assert [(i.start_s, i.end_s, i.label) for i in intervals] == [(0.0, 5.0, "unknown")]


def test_the_source() -> None:
    sources = generated_household(minutes=3, label="_unknown_")
    assert {(source.split, source.count) for source in sources} == {("training", 2), ("validation", 1), ("test", 1)}
    (clip,) = sources[1].collect(progress=False)
    assert (clip.label, clip.split) == ("_unknown_", "validation")
    assert len(read_audio(clip.path, RATE)) == 60 * RATE
