"""Generated noise, babble and simulated rooms."""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio.settings import FrontendSettings
from mltk_like.audio.wav import read_audio, to_int16, write_wav
from mltk_like.data.clip import Clip
from mltk_like.data.noise import GeneratedNoise, babble, generated_noise, room_impulse_response
from mltk_like.data.room_sources import SimulatedRooms, impulse_responses, simulated_rooms
from mltk_like.data.rooms import recorded_response
from mltk_like.data.sounds import KINDS
from mltk_like.errors import DataError, SettingError, ToolError
from mltk_like.feed.dataset import open_split


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


def test_noise_tells_what_is_made() -> None:
    source = GeneratedNoise(minutes=0.5)
    assert source.inventory().state == "to be made"
    source.collect(limit=2, progress=False)
    assert source.inventory().state.startswith("2 of ")
    source.collect(progress=False)
    assert source.inventory().state == "ready"


def impulse(direct: int, *, length: int = 4000, decay: float = 400.0) -> np.ndarray:
    """An impulse response whose direct sound is at a sample: float64 (length,)."""
    rng = np.random.default_rng(direct)
    tail = rng.standard_normal(length) * 0.1 * np.exp(-np.arange(length) / decay)
    tail[:direct], tail[direct] = 0.001 * rng.standard_normal(direct), 0.9
    return tail


@settings(deadline=None, max_examples=20)
@given(direct=st.integers(0, 2000))
def test_a_recorded_room_begins_with_the_direct_sound(direct: int) -> None:
    response = recorded_response(to_int16(impulse(direct)))
    assert response.dtype == np.float32
    assert int(np.argmax(np.abs(response))) == 0
    assert float(np.square(response).sum()) == pytest.approx(1.0, rel=1e-4)
    assert 100 < len(response) <= 4000 - direct


def test_a_silent_response_is_refused() -> None:
    with pytest.raises(DataError, match="hall is silent"):
        recorded_response(np.zeros(100, np.int16), "hall")


def rooms_of(clips: list[Clip]) -> list[np.ndarray]:
    """The rooms that a split with these clips is trained in."""
    model: Any = types.SimpleNamespace(frontend=FrontendSettings(), babble_minutes=0.0)
    files = open_split(model, clips, seed=0, progress=False)
    assert files.rooms is not None
    with np.load(files.rooms) as archive:
        return [archive[name] for name in archive.files]


def test_rooms_of_a_folder_take_the_place_of_generated_ones(tmp_path: Path) -> None:
    for number in range(3):
        write_wav(tmp_path / "halls" / f"{number}.wav", impulse(100 * number), 16000)
    write_wav(tmp_path / "word.wav", np.full(8000, 99, np.int16), 16000)
    word = Clip(path=tmp_path / "word.wav", label="yes", group="g", source="s")
    source = impulse_responses(tmp_path / "halls", licence="CC0-1.0")
    clips = source.collect(progress=False)
    assert {(clip.label, clip.licence) for clip in clips} == {("_room_", "CC0-1.0")}
    assert len({clip.group for clip in clips}) == 3
    rooms = rooms_of([word, *clips])
    assert [round(float(np.square(room).sum()), 3) for room in rooms] == [1.0, 1.0, 1.0]
    assert rooms_of([word, *clips])[0].tolist() == rooms[0].tolist()
    assert len(rooms_of([word])) > 100


@pytest.mark.slow
def test_simulated_rooms() -> None:
    pytest.importorskip("pyroomacoustics")
    source = simulated_rooms(4, seed=1)
    assert source.inventory().state == "to be made"
    clips = source.collect(limit=2, progress=False)
    assert source.inventory().state == "2 of 4 made"
    first = [read_audio(clip.path, 16000) for clip in clips]
    assert not np.array_equal(*[room[:400] for room in first])
    clips[0].path.unlink()
    source.remake({clips[0].path}, progress=False)
    assert np.array_equal(read_audio(clips[0].path, 16000), first[0])
    for room in (recorded_response(samples) for samples in first):
        assert 1000 < len(room) < 3 * 16000
        early, late = np.square(room[: len(room) // 4]).sum(), np.square(room[-len(room) // 4 :]).sum()
        assert early > 100 * late
    with pytest.raises(SettingError, match="count=0 of rooms"):
        SimulatedRooms(count=0)


def test_simulated_rooms_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    with pytest.raises(ToolError, match="pyroomacoustics is not installed") as caught:
        simulated_rooms(1).collect(progress=False)
    assert caught.value.hint == "pip install 'mltk_like[rooms]'"
