"""Audio files: every format, rate and width becomes int16 mono; damage is one clear error."""

import contextlib
import itertools
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mltk_like.audio.wav import (
    duration_s,
    durations_s,
    read_audio,
    sample_rate_hz,
    stream_audio,
    to_int16,
    write_wav,
)
from mltk_like.errors import DataError


def tone(rate: int, seconds: float = 1.0, hz: float = 440.0, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)


@settings(max_examples=25, deadline=None)
@given(samples=hnp.arrays(np.int16, st.integers(1, 400)), rate=st.sampled_from([8000, 16000, 44100]))
def test_int16_survives_to_the_bit(samples: np.ndarray, rate: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    write_wav(path, samples, rate)
    np.testing.assert_array_equal(read_audio(path, rate), samples)
    assert duration_s(path) == len(samples) / rate
    info = soundfile.info(path)
    assert (info.channels, info.subtype, info.samplerate) == (1, "PCM_16", rate)
    assert [p.name for p in path.parent.iterdir()] == ["a.wav"]


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("wav", "PCM_U8"), ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "PCM_32"), ("wav", "FLOAT"), ("wav", "DOUBLE"),
     ("wav", "ULAW"), ("flac", "PCM_16"), ("flac", "PCM_24"), ("ogg", "VORBIS"), ("ogg", "OPUS"),
     ("mp3", "MPEG_LAYER_III"), ("aiff", "PCM_16")],
)  # fmt: skip
@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_reads_every_format(suffix: str, subtype: str, rate: int, channels: int, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    # The right channel is silent: the mean of both has half the level.
    frames = np.stack([tone(rate), np.zeros(rate)][:channels], axis=1)
    soundfile.write(path, frames, rate, subtype=subtype)
    samples = read_audio(path, 16000)
    assert samples.dtype == np.int16
    assert len(samples) == pytest.approx(16000, abs=1500 if suffix == "mp3" else 1)
    middle = samples[4000:12000].astype(float)
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(16384 / channels, rel=0.03)
    assert np.abs(np.fft.rfft(middle)).argmax() == 220
    assert duration_s(path) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 96000])
def test_extensible_wav_at_any_rate(subtype: str, rate: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(rate)] * 4, axis=1), rate, subtype=subtype, format="WAVEX")
    samples = read_audio(tmp_path / "a.wav", 16000)
    assert abs(len(samples) - 16000) <= 1
    assert np.abs(np.fft.rfft(samples[4000:12000])).argmax() == 220
    assert sample_rate_hz(tmp_path / "a.wav") == rate


@pytest.mark.parametrize("claimed", [0x7FFFFFF0, 0xFFFFFFFF, 32_002, 20_000])
def test_a_wav_header_that_lies_about_the_length(claimed: int, tmp_path: Path) -> None:
    samples = np.arange(1, 16_001, dtype=np.int16)
    write_wav(tmp_path / "a.wav", samples, 16000)
    raw = bytearray((tmp_path / "a.wav").read_bytes())
    raw[40:44] = struct.pack("<I", claimed)
    (tmp_path / "a.wav").write_bytes(raw)
    there = samples[: min(16_000, claimed // 2)]
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", 16000), there)
    assert duration_s(tmp_path / "a.wav") == len(there) / 16000


@pytest.mark.parametrize("name", ["x" * 300 + ".wav", "\0.wav", "a/" * 3000 + "b.wav"])
def test_names_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read audio"):
        read_audio(tmp_path / name, 16000)


def test_resampling_removes_what_would_alias(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(48000, hz=11_000), 48000)
    assert np.abs(read_audio(tmp_path / "a.wav", 16000)[1000:-1000]).max() < 40


def test_float_saturates_and_nothing_wraps(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([-2, -1, 0, 0.5, 1, 7.5]), 16000, subtype="FLOAT")
    assert read_audio(tmp_path / "a.wav", 16000).tolist() == [-32768, -32768, 0, 16384, 32767, 32767]
    write_wav(tmp_path / "b.wav", np.array([-2, -0.25, 1.5], np.float32), 16000)
    assert read_audio(tmp_path / "b.wav", 16000).tolist() == [-32768, -8192, 32767]


def test_to_int16_inverts_the_scale() -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    np.testing.assert_array_equal(to_int16(every / np.float32(32768)), every)
    np.testing.assert_array_equal(to_int16(every), every)


@pytest.mark.parametrize(
    ("rate", "seconds", "block_s"), list(itertools.product([16000, 44100], [0.01, 1.0, 2.5], [0.3, 10]))
)
def test_a_stream_is_the_whole_file_in_pieces(rate: int, seconds: float, block_s: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (int(rate * seconds), 2))
    soundfile.write(tmp_path / "a.flac", noise, rate)
    blocks = list(stream_audio(tmp_path / "a.flac", 16000, block_s))
    assert all(0 < len(block) <= 16000 * block_s * 1.5 + 2000 for block in blocks)
    whole, joined = read_audio(tmp_path / "a.flac", 16000), np.concatenate(blocks)
    assert abs(len(whole) - len(joined)) <= 1
    size = min(len(whole), len(joined))
    np.testing.assert_allclose(joined[:size], whole[:size], atol=2)


def damaged(folder: Path) -> dict[str, Path]:
    cases = {"empty.wav": b"", "text.wav": b"not audio at all" * 10, "page.mp3": b"<html>404</html>", "a.raw": b"\1\2"}
    for name, data in cases.items():
        (folder / name).write_bytes(data)
    soundfile.write(folder / "no_samples.wav", np.zeros(0), 16000)
    soundfile.write(folder / "nan.wav", np.array([0, np.nan]), 16000, subtype="FLOAT")
    (folder / "folder.wav").mkdir()
    return {name: folder / name for name in (*cases, "no_samples.wav", "nan.wav", "folder.wav", "missing.wav")}


def test_unusable_files_are_one_clear_error(tmp_path: Path) -> None:
    for name, path in damaged(tmp_path).items():
        with pytest.raises(DataError, match=name):
            read_audio(path, 16000)
        with pytest.raises(DataError, match=name):
            list(stream_audio(path, 16000))
        if name != "nan.wav":
            with pytest.raises(DataError, match=name):
                duration_s(path)
    with pytest.raises(DataError, match="no such file"):
        read_audio(tmp_path / "missing.wav", 16000)


def test_a_cut_flac_is_an_error_and_a_cut_wav_gives_what_there_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-9000, 9000, 30_000).astype(np.int16)
    for suffix in ("flac", "wav"):
        soundfile.write(tmp_path / f"a.{suffix}", noise, 16000)
        raw = (tmp_path / f"a.{suffix}").read_bytes()
        (tmp_path / f"a.{suffix}").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match=r"a\.flac"):
        read_audio(tmp_path / "a.flac", 16000)
    cut = read_audio(tmp_path / "a.wav", 16000)
    np.testing.assert_array_equal(cut, noise[: len(cut)])


@settings(max_examples=40, deadline=None)
@given(where=st.floats(0, 0.999), value=st.integers(1, 255), suffix=st.sampled_from(["wav", "flac", "ogg"]))
def test_one_damaged_byte_never_escapes_as_another_error(
    where: float, value: int, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damage") / f"a.{suffix}"
    soundfile.write(path, tone(8000, 0.05), 8000)
    raw = bytearray(path.read_bytes())
    # The header is where damage does most.
    raw[int(where * min(len(raw), 200))] ^= value
    path.write_bytes(raw)
    with contextlib.suppress(DataError):
        assert len(read_audio(path, 8000))


def test_durations_of_many_marks_the_unreadable(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros(8000, np.int16), 16000)
    seconds = durations_s([tmp_path / "a.wav", tmp_path / "missing.wav"])
    assert seconds[0] == 0.5
    assert np.isnan(seconds[1])


def test_write_wav_refuses_what_is_not_samples(tmp_path: Path) -> None:
    for wrong in (np.zeros((2, 3), np.int16), np.zeros(3, np.int32)):
        with pytest.raises(TypeError, match="one axis"):
            write_wav(tmp_path / "a.wav", wrong, 16000)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        write_wav(tmp_path / "file" / "a.wav", np.zeros(3, np.int16), 16000)
