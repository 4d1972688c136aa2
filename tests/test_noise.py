"""Generated noise, babble and simulated rooms."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio.wav import read_audio
from mltk_like.data.noise import GeneratedNoise, babble, generated_noise, room_impulse_response
from mltk_like.data.sounds import KINDS
from mltk_like.errors import SettingError


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path))


def band_db(samples: np.ndarray, low: float, high: float, rate: int = 16000) -> float:
    power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    freqs = np.fft.rfftfreq(len(samples), 1 / rate)
    return float(10 * np.log10(power[(freqs >= low) & (freqs < high)].mean()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [8000, 16000])
def test_every_kind_is_finite_varied_and_reproducible(kind: str, rate: int) -> None:
    one, same, other = (KINDS[kind](np.random.default_rng(seed), 2 * rate + 1, rate) for seed in (1, 1, 2))
    assert one.dtype == np.float32
    assert one.shape == (2 * rate + 1,)
    assert np.isfinite(one).all()
    assert one.std() > 0
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(("kind", "slope"), [("white", 0), ("pink", -3), ("brown", -6), ("blue", 3)])
def test_coloured_noise_has_its_slope(kind: str, slope: float) -> None:
    noise = KINDS[kind](np.random.default_rng(0), 160_000, 16000)
    measured = (band_db(noise, 4000, 4400) - band_db(noise, 500, 550)) / 3
    assert measured == pytest.approx(slope, abs=0.5)


def test_hum_is_tonal() -> None:
    noise = KINDS["hum"](np.random.default_rng(3), 160_000, 16000)
    power = np.sort(np.abs(np.fft.rfft(noise)) ** 2)
    assert power[-200:].sum() > 0.9 * power.sum()


def test_source_gives_the_minutes_asked_for_and_makes_nothing_twice() -> None:
    source = generated_noise(minutes=2, seed=5)
    clips = source.collect(progress=False)
    seconds = [len(read_audio(clip.path, 16000)) / 16000 for clip in clips]
    assert 120 <= sum(seconds) < 130
    assert all(5 <= s <= 10 for s in seconds)
    assert {clip.path.name.partition("-")[0] for clip in clips} == set(KINDS)
    assert len({clip.group for clip in clips}) == len(clips)
    assert all(clip.label == "_noise_" for clip in clips)
    before = {clip.path: clip.path.stat().st_mtime_ns for clip in clips}
    assert generated_noise(minutes=2, seed=5).collect(progress=False) == clips
    assert {clip.path: clip.path.stat().st_mtime_ns for clip in clips} == before


def test_more_minutes_keep_the_first_clips_and_threads_change_nothing() -> None:
    short = generated_noise(minutes=0.2).collect(progress=False, workers=1)
    bytes_before = [clip.path.read_bytes() for clip in short]
    for clip in short:
        clip.path.unlink()
    longer = generated_noise(minutes=0.5).collect(progress=False, workers=4)
    assert longer[: len(short)] == short
    assert [clip.path.read_bytes() for clip in short] == bytes_before
    assert generated_noise(minutes=60).collect(limit=2, progress=False) == longer[:2]


def test_seeds_and_kinds_do_not_share_files() -> None:
    one, two = (generated_noise(minutes=0.1, seed=seed).collect(progress=False)[0] for seed in (0, 1))
    assert one.path != two.path
    assert one.path.read_bytes() != two.path.read_bytes()
    (rain,) = GeneratedNoise(minutes=0.05, kinds=("rain",)).collect(progress=False)
    assert rain.path.name.startswith("rain-")
    with pytest.raises(SettingError, match="no noise called 'thunder'"):
        GeneratedNoise(kinds=("thunder",))
    with pytest.raises(SettingError, match="minutes"):
        generated_noise(minutes=0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), talkers=st.integers(1, 8), seconds=st.floats(0.01, 3))
def test_babble_fills_its_length_without_clipping(seed: int, talkers: int, seconds: float) -> None:
    rng = np.random.default_rng(seed)
    voices = [(rng.standard_normal(n) * level).astype(np.int16) for n, level in ((9000, 50), (16000, 9000), (50, 3))]
    voices = [*voices, np.zeros(100, np.int16), np.zeros(0, np.int16)]
    mixed = babble(voices, rng, seconds, talkers)
    assert mixed.dtype == np.int16
    assert mixed.shape == (round(seconds * 16000),)
    assert np.abs(mixed.astype(int)).max() <= 32000


def test_more_talkers_make_denser_babble() -> None:
    word = np.concatenate([np.full(8000, 5000), np.zeros(8000)]).astype(np.int16)
    gaps = [np.mean(np.abs(babble([word], np.random.default_rng(1), 20, n).astype(int)) < 50) for n in (1, 6)]
    assert gaps[0] > 0.3
    assert gaps[1] < 0.1


def test_babble_needs_a_voice() -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        babble([np.zeros(10, np.int16)], np.random.default_rng(0), 1, 2)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), rate=st.sampled_from([8000, 16000]))
def test_rooms_are_causal_decay_and_have_unit_energy(seed: int, rate: int) -> None:
    response = room_impulse_response(np.random.default_rng(seed), rate)
    assert response.dtype == np.float32
    assert np.square(response).sum() == pytest.approx(1, abs=1e-4)
    assert response[0] > 0
    assert 0.1 * rate <= len(response) <= 0.9 * rate + 1
    fifth = len(response) // 5
    assert np.square(response[-fifth:]).sum() < 0.01 * np.square(response[:fifth]).sum()


def test_rooms_differ_in_reverberation_and_treble_dies_first() -> None:
    rooms = [room_impulse_response(np.random.default_rng(seed)) for seed in range(60)]
    lengths = [len(room) / 16000 for room in rooms]
    assert min(lengths) < 0.2
    assert max(lengths) > 0.5
    direct_db = 10 * np.log10([room[0] ** 2 for room in rooms])
    assert np.percentile(direct_db, 90) - np.percentile(direct_db, 10) > 6
    late = [room[len(room) // 3 :] for room in rooms]
    assert np.mean([band_db(tail, 200, 1000) - band_db(tail, 6000, 8000) for tail in late]) > 6
