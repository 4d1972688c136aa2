"""What is piped to `--input -`: raw samples, a WAV file, or a file of another kind."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from mltk_like.audio.piped import piped_audio
from mltk_like.errors import DataError, SettingError

RATE = 16_000
SAMPLES = np.random.default_rng(0).integers(-9000, 9000, 4000).astype(np.int16)
LIST = b"LIST\x1a\0\0\0INFOISFT\x0e\0\0\0Lavf58.29.100\0"


def pieces(data: bytes, size: int) -> Callable[[], bytes]:
    file = io.BytesIO(data)
    return lambda: file.read(size)


def heard(data: bytes, rate: int | None = None, size: int = 999) -> np.ndarray:
    blocks = list(piped_audio(pieces(data, size), rate, RATE))
    assert all(len(block) for block in blocks)
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)


def wav(samples: np.ndarray, rate: int = RATE, *, length: int | None = None, chunk: bytes = b"", tag: int = 1) -> bytes:
    """A WAV file as programs write it into pipes: with other chunks, and a length that is not known."""
    channels = samples.shape[1] if samples.ndim == 2 else 1
    form = struct.pack("<HHIIHH", tag, channels, rate, 2 * rate * channels, 2 * channels, 16)
    if tag == 0xFFFE:
        form += struct.pack("<HHIH", 22, 16, 3, 1) + bytes.fromhex("000000001000800000aa00389b71")
    data = samples.tobytes()
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + chunk
    body += b"data" + struct.pack("<I", len(data) if length is None else length) + data
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF if length else len(body)) + body


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize("length", [None, 0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_a_wav_is_what_its_samples_are(size: int, length: int | None) -> None:
    np.testing.assert_array_equal(heard(wav(SAMPLES, length=length, chunk=LIST), size=size), SAMPLES)
    np.testing.assert_array_equal(heard(wav(SAMPLES, length=length, tag=0xFFFE), size=size), SAMPLES)


def test_what_follows_the_samples_is_not_heard() -> None:
    np.testing.assert_array_equal(heard(wav(SAMPLES) + LIST), SAMPLES)


@pytest.mark.parametrize("size", [1, 10, 999])
def test_channels_are_averaged_and_the_header_has_the_rate(size: int) -> None:
    stereo = np.stack([SAMPLES, SAMPLES // 2], axis=1)
    np.testing.assert_array_equal(heard(wav(stereo), size=size), np.rint(stereo.mean(axis=1)))
    tone = (9000 * np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000)).astype(np.int16)
    result = heard(wav(tone, 48_000), size=4096)
    assert len(result) == pytest.approx(RATE, abs=2)
    assert np.abs(np.fft.rfft(result.astype(float))).argmax() == 440
    np.testing.assert_array_equal(heard(wav(tone, 48_000), 48_000, size=4096), result)
    with pytest.raises(SettingError, match="a WAV file of 48000 Hz is piped in, and --rate says 16000"):
        heard(wav(tone, 48_000), 16_000)


@pytest.mark.parametrize("size", [10, 999, 1 << 20])
@pytest.mark.parametrize("lead", [0, 20_000], ids=["at once", "after silence"])
@pytest.mark.parametrize("gain", [-1.0, -0.9])
def test_channels_that_cancel_out(gain: float, lead: int, size: int) -> None:
    one = np.concatenate([np.zeros(lead, np.int16), SAMPLES, np.roll(SAMPLES, 1), SAMPLES, SAMPLES, SAMPLES])
    both = np.stack([one, np.rint(gain * one)], axis=1).astype(np.int16)
    np.testing.assert_array_equal(heard(wav(both), size=size), one)


def test_of_channels_no_more_than_a_second_is_held_back() -> None:
    stereo = wav(np.zeros((3 * RATE, 2), np.int16) + np.int16(50))
    sizes = [len(block) for block in piped_audio(pieces(stereo, 4000), None, RATE)]
    assert sum(sizes) == 3 * RATE
    assert sizes[0] == pytest.approx(RATE, abs=1000)
    assert max(sizes[1:]) <= 1000


@pytest.mark.parametrize("begin", [b"", b"RIF", b"RIFFabcd", b"RIFFabcdRAVE", b"fLa", b"\0\0\0\0"])
def test_raw_samples_stay_what_they_are(begin: bytes) -> None:
    data = begin + SAMPLES.tobytes()[len(begin) :]
    expected = np.frombuffer(data, "<i2")
    for size in (1, 5, 4096):
        np.testing.assert_array_equal(heard(data, size=size), expected)


@pytest.mark.parametrize(
    ("kind", "name"), [("FLAC", "a FLAC file"), ("OGG", "an OGG file"), ("AIFF", "an AIFF file"), ("CAF", "a CAF file"),
                       ("AU", "an AU file"), ("RF64", "an RF64 file"), ("W64", "a W64 file"), ("VOC", "a VOC file"),
                       ("NIST", "a SPHERE file")],
)  # fmt: skip
def test_other_files_are_refused_by_name(kind: str, name: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, SAMPLES, RATE, format=kind, endian="BIG" if kind == "AU" else None)
    with pytest.raises(DataError, match=f"{name} is piped in, not raw samples") as caught:
        heard(file.getvalue(), size=3)
    assert "--input FILE" in caught.value.hint


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT", "PCM_U8", "ULAW"])
def test_a_wav_of_other_samples_is_refused(subtype: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, SAMPLES / 32768, RATE, format="WAV", subtype=subtype)
    with pytest.raises(DataError, match="16-bit PCM is read"):
        heard(file.getvalue())


def test_a_wav_that_ends_in_its_header() -> None:
    for end in (13, 30, 43):
        with pytest.raises(DataError, match="has no samples"):
            heard(wav(SAMPLES)[:end])
    assert not len(heard(wav(SAMPLES)[:44]))
