"""Sound as people bring it: other kinds of files, channels out of phase, headers that were never finished."""

import shutil
import struct
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mltk_like.audio.foreign import foreign_kind, no_decoder
from mltk_like.audio.unfinished import finished_wav
from mltk_like.audio.wav import duration_s, read_audio, sample_rate_hz, stream_audio, write_wav
from mltk_like.data import Folder
from mltk_like.data.recordings import audio_files
from mltk_like.errors import DataError

RATE = 16_000
FTYP = struct.pack(">I", 24) + b"ftypM4A \0\0\0\0M4A mp42"
# The first bytes of what phones, browsers and old corpora write.
FOREIGN = {
    "a.m4a": FTYP,
    "a.3gp": struct.pack(">I", 20) + b"ftyp3gp4\0\0\0\0",
    "in_mp4.opus": FTYP,
    "renamed.wav": FTYP,
    "a.webm": b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01",
    "a.aac": b"\xff\xf1\x50\x80\x02\x1f\xfc",
    "mpeg2.aac": b"\xff\xf9\x50\x80\x02\x1f\xfc",
    "a.wma": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9",
    "a.amr": b"#!AMR\n\x3c",
    "shorten.sph": b"NIST_1A\n   1024\nsample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n",
}


def noise(seconds: float = 1.0, rate: int = RATE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate)).astype(np.float32)


@pytest.fixture
def no_decoders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def put_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A program of that name, alone on the PATH but for the system's."""
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(folder / "cache"))
    program = folder / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nfor last in "$@"; do :; done\nout=${{last#file:}}\n{body}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


# --- Kinds that need a decoder -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FOREIGN)
def test_without_a_decoder_the_error_has_the_line_that_converts(name: str, tmp_path: Path, no_decoders: None) -> None:
    (tmp_path / name).write_bytes(FOREIGN[name] + bytes(200))
    assert foreign_kind(tmp_path / name)
    with pytest.raises(DataError, match=f"{name}: .* needs a decoder, and there is none here") as caught:
        read_audio(tmp_path / name, RATE)
    assert 'ffmpeg -i "$f"' in caught.value.hint


def test_a_folder_counts_and_names_them(tmp_path: Path, no_decoders: None, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "own"
    write_wav(folder / "good.wav", noise(), RATE)
    for name, data in FOREIGN.items():
        (folder / name).write_bytes(data + bytes(200))
    found = Folder(path=folder, label="yes").collect()
    assert [clip.path.name for clip in found] == ["good.wav"]
    assert {item.path.name for item in found.skipped} == set(FOREIGN)
    assert f"{len(FOREIGN)} of {len(FOREIGN) + 1} recordings cannot be used" in caplog.text
    assert caplog.text.count('ffmpeg -i "$f" "${f%.*}.wav"') == 1


@pytest.mark.parametrize("name", [*FOREIGN, "a.wave", "a.WAVE", "a.sph", "a.aifc", "a.voc"])
def test_they_are_found_in_a_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    assert audio_files(tmp_path) == [tmp_path / name]


def test_ffmpeg_decodes_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.stack([noise(rate=44_100), noise(rate=44_100)], axis=1)
    soundfile.write(tmp_path / "decoded.wav", sound, 44_100)
    put_ffmpeg(tmp_path, monkeypatch, f'echo "$@" >> {tmp_path}/calls; cp {tmp_path}/decoded.wav "$out"')
    (tmp_path / "a.m4a").write_bytes(FOREIGN["a.m4a"])
    shutil.copy(tmp_path / "a.m4a", tmp_path / "copy.m4a")
    expected = read_audio(tmp_path / "decoded.wav", RATE)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.m4a", RATE), expected)
    assert duration_s(tmp_path / "a.m4a") == 1.0
    assert sample_rate_hz(tmp_path / "a.m4a") == 44_100
    assert sum(map(len, stream_audio(tmp_path / "copy.m4a", RATE))) == pytest.approx(RATE, abs=1)
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert f"-protocol_whitelist file -i file:{tmp_path}/a.m4a -map 0:a:0" in call


@pytest.mark.parametrize(
    ("body", "said"),
    [("echo first >&2; echo 'a.m4a: moov atom not found' >&2; exit 1", "MP4: ffmpeg: a.m4a: moov atom not found"),
     ("exit 3", "MP4: ffmpeg failed with code 3")],
)  # fmt: skip
def test_what_ffmpeg_cannot_decode(body: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_ffmpeg(tmp_path, monkeypatch, body)
    (tmp_path / "a.m4a").write_bytes(FOREIGN["a.m4a"])
    with pytest.raises(DataError, match=said):
        read_audio(tmp_path / "a.m4a", RATE)
    assert not list((tmp_path / "cache" / "decoded").iterdir()), "nothing half-written"


def test_what_is_no_sound_is_not_given_to_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_ffmpeg(tmp_path, monkeypatch, f"touch {tmp_path}/called; exit 1")
    for name in ("text.wav", "page.mp3", "notes.m4a"):
        (tmp_path / name).write_bytes(b"<html>not sound at all</html>" * 9)
        with pytest.raises(DataError, match=name):
            read_audio(tmp_path / name, RATE)
    assert not (tmp_path / "called").exists()


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
@pytest.mark.parametrize("kind", ["m4a", "webm", "wma", "aac", "3gp"])
def test_the_real_ffmpeg(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    write_wav(tmp_path / "a.wav", 0.5 * np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000), 48_000)
    target = tmp_path / f"a.{kind}"
    codec = ["-c:a", "aac"] if kind == "3gp" else []
    made = subprocess.run(["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.wav"), *codec, str(target)], check=False)
    if made.returncode:
        pytest.skip(f"this ffmpeg cannot make .{kind}")
    assert np.abs(np.fft.rfft(read_audio(target, RATE)[4000:12_000])).argmax() == 220


@pytest.mark.parametrize(("kind", "codec"), [("m4a", "aac"), ("webm", "libopus"), ("aac", "aac")])
def test_pyav(kind: str, codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    av = pytest.importorskip("av")
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    tone = (9000 * np.sin(np.arange(96_000) * 2 * np.pi * 440 / 48_000)).astype(np.int16)
    path = tmp_path / f"a.{kind}"
    with av.open(str(path), "w", format="adts" if kind == "aac" else None) as out:
        stream = out.add_stream(codec, rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.repeat(tone, 2).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = 48_000
        out.mux([*stream.encode(frame), *stream.encode(None)])
    samples = read_audio(path, RATE)
    assert len(samples) == pytest.approx(32_000, abs=2000)
    assert np.abs(np.fft.rfft(samples[8000:24_000].astype(float))).argmax() == 440
    assert no_decoder() == ""
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=f"a.{kind}"):
        read_audio(path, RATE)


def test_sphere_is_read(tmp_path: Path) -> None:
    samples = (noise() * 20_000).astype(np.int16)
    soundfile.write(tmp_path / "a.sph", samples, RATE, format="NIST", subtype="PCM_16")
    shutil.copy(tmp_path / "a.sph", tmp_path / "a.wav")  # as TIMIT names them
    for name in ("a.sph", "a.wav"):
        np.testing.assert_array_equal(read_audio(tmp_path / name, RATE), samples)


# --- Channels out of phase ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [RATE, 44_100])
@pytest.mark.parametrize(
    "others",
    [(-1.0,), (-0.95,), (-0.8,), (1.0, -1.0, -1.0)],
    ids=["opposite", "nearly opposite", "somewhat quieter", "four channels"],
)
def test_channels_that_cancel_out(others: tuple[float, ...], rate: int, tmp_path: Path) -> None:
    sound = noise(2.5, rate)
    silence = np.zeros(11 * rate, np.float32)
    one = np.concatenate([silence, sound])
    soundfile.write(tmp_path / "a.wav", np.stack([one, *(gain * one for gain in others)], axis=1), rate)
    soundfile.write(tmp_path / "one.wav", one, rate)
    samples, expected = read_audio(tmp_path / "a.wav", RATE), read_audio(tmp_path / "one.wav", RATE)
    np.testing.assert_allclose(samples, expected, atol=1)
    joined = np.concatenate(list(stream_audio(tmp_path / "a.wav", RATE, 0.7)))
    np.testing.assert_allclose(joined[: len(samples)], samples[: len(joined)], atol=2)


@pytest.mark.parametrize("second", ["same", "silent", "unrelated", "delayed"])
def test_other_channels_are_averaged(second: str, tmp_path: Path) -> None:
    first = noise()
    other = {"same": first, "silent": 0 * first, "unrelated": noise(seed=1), "delayed": np.roll(first, 40)}[second]
    soundfile.write(tmp_path / "a.wav", np.stack([first, other], axis=1), RATE, subtype="FLOAT")
    expected = np.rint((first + other) / 2 * 32768)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", RATE), expected, atol=1)


def test_silence_stays_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((800, 2)), RATE)
    assert not read_audio(tmp_path / "a.wav", RATE).any()


# --- Headers that were never finished ----------------------------------------------------------------------------


def unfinished(path: Path, riff: int, *, subtype: str = "PCM_16", channels: int = 1) -> np.ndarray:
    """A WAV file whose `data` says 0 and whose RIFF says `riff`; returns what is in it."""
    samples = (noise() * 20_000).astype(np.int16)
    soundfile.write(path, np.stack([samples / 32768] * channels, axis=1), RATE, subtype=subtype)
    raw = bytearray(path.read_bytes())
    raw[4:8] = struct.pack("<I", riff if riff >= 0 else len(raw) - 8)
    at = raw.index(b"data")
    raw[at + 4 : at + 8] = bytes(4)
    path.write_bytes(raw)
    return samples


@pytest.mark.parametrize("riff", [0, 8, 36, -1], ids=["0", "8", "36", "right"])
@pytest.mark.parametrize(("subtype", "channels"), [("PCM_16", 1), ("PCM_24", 1), ("FLOAT", 1), ("PCM_16", 2)])
def test_a_wav_of_length_0_with_sound_behind_it(riff: int, subtype: str, channels: int, tmp_path: Path) -> None:
    samples = unfinished(tmp_path / "a.wav", riff, subtype=subtype, channels=channels)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", RATE), samples)
    np.testing.assert_array_equal(np.concatenate(list(stream_audio(tmp_path / "a.wav", RATE, 0.3))), samples)
    assert duration_s(tmp_path / "a.wav") == 1.0


@pytest.mark.parametrize("after", [b"", b"LIST\x04\0\0\0INFO", b"LIST\x05\0\0\0INFOx", b"id3 \x02\0\0\0ab"])
def test_a_wav_that_is_empty_stays_empty(after: bytes, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes() + after)
    assert finished_wav(tmp_path / "a.wav") is None
    with pytest.raises(DataError, match="it holds no samples"):
        read_audio(tmp_path / "a.wav", RATE)


@pytest.mark.parametrize(
    "words",
    [
        "Unspecified internal error.",
        "Internal psf_fseek() failed.",
        "File does not exist.",
        "Error : unknown error in flac decoder.",
    ],
)
def test_words_of_libsndfile_that_say_nothing(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise soundfile.SoundFileRuntimeError(words)

    (tmp_path / "a.mp3").write_bytes(b"ID3\4")
    monkeypatch.setattr(soundfile, "SoundFile", refuse)
    with pytest.raises(DataError, match=r"a\.mp3: it is damaged, or of a kind that libsndfile cannot read"):
        read_audio(tmp_path / "a.mp3", RATE)
