"""Decoded clips in a memory-mapped file."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.wav import write_wav
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
    monkeypatch.setattr("mltk_like.feed.store.read_audio", lambda *args: pytest.fail("decoded again"))
    assert build_store(chosen, 16_000, progress=False).path == first.path


@pytest.mark.parametrize("change", ["edit", "remove", "add", "order", "rate"])
def test_any_change_makes_a_new_store(wav_files: WavFiles, change: str) -> None:
    paths = wav_files(4)
    first = build_store(clips(paths[:3]), 16_000, progress=False)
    chosen = {"remove": paths[:2], "add": paths, "order": paths[2::-1]}.get(change, paths[:3])
    if change == "edit":
        write_wav(paths[1], np.full(3200, 7, np.int16), 16_000)
        os.utime(paths[1], ns=(1, 1))
    second = build_store(clips(chosen), 8000 if change == "rate" else 16_000, progress=False)
    assert second.path != first.path
    assert change != "edit" or second[1][0] == 7


def test_no_clips_and_empty_clips(tmp_path: Path) -> None:
    assert len(build_store([], 16_000, progress=False)) == 0
    path = tmp_path / "x.i16"
    store_samples(path, [np.zeros(0, np.int16), np.arange(3, dtype=np.int16), np.zeros(0, np.int16)], 16_000)
    store = ClipStore(path)
    assert [list(store[index]) for index in range(3)] == [[], [0, 1, 2], []]


def test_a_missing_or_damaged_clip_is_named(wav_files: WavFiles, tmp_path: Path) -> None:
    paths = wav_files(3)
    paths[1].write_text("not audio")
    with pytest.raises(DataError, match=r"1\.wav"):
        build_store(clips(paths), 16_000, progress=False)
    paths[2].unlink()
    with pytest.raises(DataError, match=r"2\.wav: No such file"):
        build_store(clips(paths), 16_000, progress=False)
    assert not [path for path in tmp_path.rglob("packs/*") if path.suffix != ".json"], "half a store was left"
