"""Decoded clips in a memory-mapped file."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.data.clip import Clip
from mltk_like.errors import DataError
from mltk_like.feed.store import ClipStore, build_store, store_samples

WavFiles = Callable[[int], list[Path]]


def clips(paths: list[Path]) -> list[Clip]:
    return [Clip(path=path, label="yes", group="g", source="s") for path in paths]


def test_clips_come_back_bit_for_bit(wav_files: WavFiles, tone: Callable[..., np.ndarray]) -> None:
    store = build_store(clips(wav_files(5)), 16_000, progress=False)
    assert (len(store), store.sample_rate_hz) == (5, 16_000)
    assert list(store.lengths) == [3200] * 5
    for index in range(5):
        assert store[index].dtype == np.int16
        assert np.array_equal(store[index], tone(index))
    with pytest.raises(ValueError, match="read-only"):
        store[0][0] = 1
    with pytest.raises(IndexError):
        store[5]


def test_clips_are_resampled_to_the_rate_asked_for(wav_files: WavFiles) -> None:
    store = build_store(clips(wav_files(1)), 8000, progress=False)
    assert store.lengths[0] == 1600


def test_a_second_call_decodes_nothing(wav_files: WavFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = clips(wav_files(3))
    first = build_store(chosen, 16_000, progress=False)
    monkeypatch.setattr("mltk_like.feed.store.stream_audio", lambda *args: pytest.fail("decoded again"))
    assert build_store(chosen, 16_000, progress=False).path == first.path


@pytest.mark.parametrize("change", ["edit", "remove", "add", "order", "rate", "stretch"])
def test_any_change_makes_a_new_store(wav_files: WavFiles, change: str) -> None:
    paths = wav_files(4)
    first = build_store(clips(paths[:3]), 16_000, progress=False)
    chosen = {"remove": paths[:2], "add": paths, "order": paths[2::-1]}.get(change, paths[:3])
    if change == "edit":
        write_wav(paths[1], np.full(3200, 7, np.int16), 16_000)
        os.utime(paths[1], ns=(1, 1))
    now = [replace(clip, end_s=0.1 if change == "stretch" else None) for clip in clips(chosen)]
    second = build_store(now, 8000 if change == "rate" else 16_000, progress=False)
    assert second.path != first.path
    assert change != "edit" or second[1][0] == 7


def test_no_clips_and_empty_clips(tmp_path: Path) -> None:
    assert len(build_store([], 16_000, progress=False)) == 0
    path = tmp_path / "x.i16"
    store_samples(path, [np.zeros(0, np.int16), np.arange(3, dtype=np.int16), np.zeros(0, np.int16)], 16_000)
    store = ClipStore(path)
    assert [list(store[index]) for index in range(3)] == [[], [0, 1, 2], []]


def test_clips_that_went_bad_are_left_out_and_named(
    wav_files: WavFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = wav_files(5)
    paths[1].write_text("not audio")
    paths[2].unlink()
    write_wav(paths[3], np.zeros(3200, np.int16), 16_000)
    for _ in range(2):  # decoded, and found in the cache
        caplog.clear()
        store = build_store(clips(paths), 16_000, progress=False)
        assert list(store.kept) == [0, 4]
        assert np.array_equal(store[1], read_audio(paths[4], 16_000))
        assert [(item.path, item.reason) for item in store.skipped] == [
            (paths[1], "Format not recognised"),
            (paths[2], "there is no such file"),
            (paths[3], "it is silent: every sample is 0"),
        ]
        assert len(caplog.records) == 1
        assert "3 of 5 clips" in caplog.text
    noise = [replace(clip, label="_noise_") for clip in clips(paths)]
    assert list(build_store(noise, 16_000, progress=False).kept) == [0, 3, 4], "background may be silent"
    write_wav(paths[2], np.ones(3200, np.int16), 16_000)
    assert list(build_store(clips(paths), 16_000, progress=False).kept) == [0, 2, 4], "it is there again"


def test_nothing_readable_is_an_empty_store(tmp_path: Path) -> None:
    store = build_store(clips([tmp_path / "none.wav"]), 16_000, progress=False)
    assert (len(store), len(store.kept), len(store.skipped)) == (0, 0, 1)


def test_a_cut_wav_is_used_as_far_as_it_goes_and_a_cut_flac_up_to_the_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mltk_like.feed.store._BLOCK_S", 1.0)
    noise = np.random.default_rng(0).integers(-9000, 9000, 160_000).astype(np.int16)
    for suffix in ("wav", "flac"):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, noise, 16_000)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        whole = Clip(path=path, label="yes", group="g", source="s")
        parts = [whole, *(replace(whole, start_s=s, end_s=e) for s, e in ((0, 1), (1.5, 2.25), (4.5, 9), (7, 8)))]
        store = build_store(parts, 16_000, progress=False)
        if suffix == "wav":
            assert list(store.kept) == [0, 1, 2, 3]
            assert list(store.lengths[:3]) == [79_989, 16_000, 12_000]
            assert "after the end of the file" in store.skipped[0].reason
        else:
            assert list(store.kept) == [1, 2]
            assert "sync" in store.skipped[0].reason
        for entry, number in enumerate(store.kept):
            start = round(parts[number].start_s * 16_000)
            np.testing.assert_array_equal(store[entry], noise[start : start + len(store[entry])])


def test_damage_spares_the_clips_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"
    path.touch()

    def damaged(*args: object) -> Iterator[np.ndarray]:
        yield np.arange(1, 16_001, dtype=np.int16)
        raise DataError(f"cannot read audio from {path}: lost sync")

    monkeypatch.setattr("mltk_like.feed.store.stream_audio", damaged)
    whole = Clip(path=path, label="yes", group="g", source="s")
    parts = [whole, *(replace(whole, start_s=s, end_s=e) for s, e in ((0.25, 1), (0.5, 1.5), (2, 3)))]
    store = build_store(parts, 16_000, progress=False)
    assert list(store.kept) == [1]
    assert np.array_equal(store[0], np.arange(4001, 16_001))
    assert {item.reason for item in store.skipped} == {"lost sync"}


@settings(max_examples=30, deadline=None)
@given(
    spans=st.lists(st.tuples(st.integers(0, 130), st.none() | st.integers(1, 60)), max_size=12),
    block_s=st.sampled_from([0.1, 0.33, 60.0]),
    rate=st.sampled_from([1000, 2000]),
)
def test_any_stretches_are_cut_from_one_decoding(
    spans: list[tuple[int, int | None]], block_s: float, rate: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stretches")
    path = folder / "a.wav"
    write_wav(path, np.arange(1, 1001).astype(np.int16), 1000)
    whole = read_audio(path, rate)
    parts = [
        Clip(
            path=path, label="_", group="g", source="s", start_s=start / 100,
            end_s=None if length is None else (start + length) / 100,
        )
        for start, length in spans
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLTK_LIKE_CACHE", str(folder))
        patch.setattr("mltk_like.feed.store._BLOCK_S", block_s)
        store = build_store(parts, rate, progress=False)
    inside = [number for number, clip in enumerate(parts) if clip.start_s < 1]
    assert list(store.kept) == inside
    for entry, number in enumerate(inside):
        start, length = (None if x is None else x * rate // 100 for x in spans[number])
        expected = whole[start : None if length is None else start + length]
        np.testing.assert_allclose(store[entry], expected, atol=0 if rate == 1000 else 2)
    covered = {sample for begin, end in (_bounds(span) for span in spans) for sample in range(begin, min(end, 100))}
    assert store.path.stat().st_size == 2 * len(covered) * rate // 100, "shared stretches are stored once"


def _bounds(span: tuple[int, int | None]) -> tuple[int, int]:
    return span[0], 100 if span[1] is None else span[0] + span[1]


def test_an_unwritable_cache_leaves_nothing(wav_files: WavFiles, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(DataError, match="cannot write"):
        build_store(clips(wav_files(1)), 16_000, progress=False)
