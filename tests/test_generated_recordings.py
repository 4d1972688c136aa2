"""Bells, doors and locks that are made here: physics, regions of parameters, files, and what becomes of them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio.wav import duration_s, read_audio
from mltk_like.data import GeneratedRecordings, LabelledRecordings, generated_bells, generated_lock_sounds
from mltk_like.data.bells import bell_scene
from mltk_like.data.generated import SCENES
from mltk_like.data.struck import REGIONS, friction, in_room, plate_modes, put, ring, trait
from mltk_like.errors import DataError, SettingError

RATE = 16000


def short_bells(**changes: object) -> GeneratedRecordings:
    values = {"kind": "bells", "split": "training", "count": 2, "seconds": 60.0, "window_s": 0.264, "step_s": 0.064}
    values |= {"label_map": {}, "other": "_unknown_", "merge": True}
    return GeneratedRecordings(**{**values, **changes})  # type: ignore[arg-type]


def test_a_struck_body_rings_at_its_modes_and_decays_as_told() -> None:
    sound = ring(RATE, [500.0, 1300.0], [0.5, 0.5], [1.0, 0.5], contact_s=0.0002).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), RATE))
    assert np.argmax(spectrum) == pytest.approx(500, abs=3)
    assert np.argmax(spectrum[900:]) + 900 == pytest.approx(1300, abs=3)
    first, last = (np.square(part).mean() for part in (sound[:800], sound[-1600:-800]))
    assert 10 * np.log10(first / last) == pytest.approx(60 * (len(sound) - 1600) / 8000, abs=4)


def test_a_longer_blow_is_duller() -> None:
    hard, soft = (ring(RATE, [300.0, 4000.0], 0.1, 1.0, contact_s=s).astype(np.float64) for s in (0.0001, 0.002))
    share = [np.square(np.abs(np.fft.rfft(x, RATE))[2000:]).sum() / np.square(x).sum() for x in (hard, soft)]
    assert share[0] > 100 * share[1]


def test_modes_that_cannot_be_heard_are_left_out() -> None:
    assert np.array_equal(
        ring(RATE, [500.0, 9000.0], 0.1, 1.0, contact_s=0.0002), ring(RATE, [500.0], 0.1, 1.0, contact_s=0.0002)
    )


def test_a_stiffer_or_smaller_plate_is_higher() -> None:
    assert plate_modes(1.0, 2.0, 8.0, 3) == pytest.approx([8 * (1 + 0.25), 8 * (1 + 1), 8 * (1 + 2.25)])
    assert (plate_modes(0.8, 2.0, 8.0, 5) > plate_modes(1.0, 2.0, 8.0, 5)).all()


def test_friction_stays_in_its_band() -> None:
    noise = friction(np.random.default_rng(0), RATE, RATE, 2000, 5000, 0.0)
    power = np.square(np.abs(np.fft.rfft(noise)))
    assert power[2500:4000].mean() > 4 * max(power[:1000].mean(), power[7500:].mean())
    assert np.abs(noise).max() == pytest.approx(1.0)


def test_a_room_adds_echoes_and_keeps_the_sound() -> None:
    sound = np.zeros(100, np.float32)
    sound[0] = 1.0
    room = np.array([1.0, 0.0, 0.5], np.float32)
    assert in_room(sound, room, 0.0)[:3] == pytest.approx([1, 0, 0], abs=1e-6)
    assert in_room(sound, room, 0.5)[:3] == pytest.approx([1, 0, 0.25], abs=1e-6)


@given(st.integers(-30, 30))
@settings(deadline=None, max_examples=30)
def test_put_keeps_to_the_ends(start: int) -> None:
    out = np.zeros(10, np.float32)
    put(out, np.ones(7, np.float32), start)
    assert out.sum() == max(0, min(start + 7, 10) - max(start, 0))


def test_no_value_of_a_trait_is_in_two_splits() -> None:
    rng = np.random.default_rng(0)
    drawn = {split: np.array([trait(rng, split, 0.0, 1.0) for _ in range(400)]) for split in REGIONS}
    for split, parts in REGIONS.items():
        values = drawn[split]
        assert np.logical_or.reduce([(low <= values) & (values <= high) for low, high in parts]).all()
        others = np.concatenate([drawn[name] for name in REGIONS if name != split])
        assert not any(((low < others) & (others < high)).any() for low, high in parts)
    assert sum(high - low for parts in REGIONS.values() for low, high in parts) == pytest.approx(1.0)
    with pytest.raises(SettingError, match="no split 'tset'"):
        trait(rng, "tset", 0, 1)


def test_a_logarithmic_trait_keeps_its_ends() -> None:
    rng = np.random.default_rng(0)
    values = [trait(rng, "test", 10.0, 1000.0, logarithmic=True) for _ in range(300)]
    assert 10 < min(values) < 40
    assert 900 < max(values) <= 1000


def test_a_bell_stands_out_where_its_label_says() -> None:
    samples, intervals = bell_scene(np.random.default_rng(3), "training", 100.0, RATE)
    assert len(samples) == 100 * RATE
    assert 1 <= len(intervals) <= 3
    for interval in intervals:
        assert interval.end_s - interval.start_s == pytest.approx(1.0)
        before, after = (
            np.abs(np.fft.rfft(samples[at : at + 4096] * np.hanning(4096)))[180:200].max()
            for at in (round(interval.start_s * RATE) - 5000, round(interval.start_s * RATE) + 800)
        )
        assert after > 2 * before


@pytest.mark.parametrize("kind", SCENES)
def test_scenes_are_deterministic_sound_with_labels_inside(kind: str) -> None:
    first, second = (SCENES[kind](np.random.default_rng(5), "test", 8.0, RATE) for _ in range(2))
    samples, intervals = first
    assert np.array_equal(samples, second[0])
    assert intervals == second[1]
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert 0 < np.abs(samples).max() < 1.5
    assert all(0 <= i.start_s < i.end_s <= 8.0 for i in intervals)


@pytest.mark.parametrize("kind", ["key_io", "knocking", "locking"])
def test_events_at_a_door_lie_in_their_labels(kind: str) -> None:
    samples, intervals = SCENES[f"lock/{kind}"](np.random.default_rng(5), "training", 40.0, RATE)
    pauses = [i for i in intervals if i.label == "unknown"]
    intervals = [i for i in intervals if i.label != "unknown"]
    assert len(pauses) >= len(intervals) - 2
    loud = np.flatnonzero(np.abs(samples) > 0.5 * np.abs(samples).max()) / RATE
    assert {i.label for i in intervals} == {kind}
    assert all(any(i.start_s <= at <= i.end_s for i in intervals) for at in loud)
    assert {round(i.end_s - i.start_s, 6) for i in intervals} == {0.5}


def test_recordings_are_made_once_with_audacity_labels() -> None:
    source = short_bells()
    assert source.inventory().missing == 2
    clips = source.collect(progress=False)
    wavs = sorted(source.folder.glob("audio_*.wav"))
    assert [duration_s(path) for path in wavs] == [60.0, 60.0]
    assert (source.folder / "labels_001.txt").read_text().strip().endswith("\tbell")
    made = [path.stat().st_mtime_ns for path in wavs]
    assert source.collect(progress=False) == clips
    assert [path.stat().st_mtime_ns for path in wavs] == made
    assert source.inventory().missing == 0
    assert {clip.split for clip in clips} == {"training"}
    assert {clip.label for clip in clips} == {"bell", "_unknown_"}
    assert len({clip.group for clip in clips}) == 2


def test_a_dry_run_makes_no_more_recordings_than_it_needs() -> None:
    source = short_bells(count=3)
    few = source.collect(limit=3, progress=False)
    assert len(few) == 3
    assert {clip.label for clip in few} == {"bell", "_unknown_"}
    assert source.inventory().missing == 2
    everything = source.collect(progress=False)
    assert set(few) < set(everything)
    assert source.collect(limit=3, progress=False) == few
    assert len(source.collect(limit=1000, progress=False)) == len(everything)


def test_a_dry_run_passes_over_recordings_without_an_event() -> None:
    source = short_bells(seconds=12.0, count=6, other="", seed=1)
    assert [clip.label for clip in source.collect(limit=2, progress=False)] == ["bell"]
    assert source.inventory().missing == 0
    with pytest.raises(DataError, match="none of 0 recordings can be used"):
        short_bells(seconds=12.0, count=1, other="", seed=1).collect(limit=2, progress=False)


def test_a_recording_that_is_gone_is_made_again_bit_for_bit() -> None:
    source = short_bells()
    clips = source.collect(progress=False)
    path = clips[0].path
    before = read_audio(path, RATE)
    path.unlink()
    source.remake({path, Path("elsewhere.wav")})
    assert np.array_equal(read_audio(path, RATE), before)


def test_merged_windows_are_the_windows() -> None:
    source = short_bells()
    merged = source.collect(progress=False)
    single = LabelledRecordings(path=source.folder, window_s=0.264, step_s=0.064).collect(progress=False)
    again = [
        (clip.path, clip.label, round(clip.start_s + 0.064 * number, 3))
        for clip in merged
        for number in range(int(((clip.end_s or 0) - clip.start_s - 0.264 + 1e-6) / 0.064) + 1)
    ]
    assert sorted(again) == sorted((clip.path, clip.label, round(clip.start_s, 3)) for clip in single)
    assert len(merged) < 12 < len(single)


def test_merging_needs_windows() -> None:
    with pytest.raises(SettingError, match="merge=True without window_s"):
        LabelledRecordings(path=".", merge=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "gongs"}, "no recordings of 'gongs'"),
        ({"split": "dev"}, "no split 'dev'"),
        ({"count": 0}, "must be 1"),
    ],
)
def test_what_cannot_be_made_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        short_bells(**changes)
    assert message in f"{caught.value.message} {caught.value.hint}"


def test_the_sources_of_the_shipped_models() -> None:
    bells = generated_bells(minutes=60, window_s=0.264, step_s=0.064)
    assert sum(source.count * source.seconds for source in bells) == pytest.approx(3600, rel=0.02)
    locks = generated_lock_sounds(events=1600)
    assert len({source.name for source in [*bells, *locks]}) == 15
    assert {source.split for source in locks} == set(REGIONS)
    assert sum(source.count * 40 for source in locks if source.kind == "lock/knocking") == 1600
