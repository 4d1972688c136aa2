"""A sample rate that no sound has comes of a damaged header: one clear line, wherever sound is read."""

import io
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.piped import piped_audio
from mltk_like.audio.wav import duration_s, read_audio, read_stretch, sample_rate_hz, stream_audio
from mltk_like.cli import main
from mltk_like.errors import DataError, SettingError

FIXED = Path(__file__).parent / "data" / "board" / "fixed.tflite"
ABSURD = [0, 1, 999, 768_001, 2**31 - 1, 2**31, 2**32 - 1]


def wav(rate: int) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(np.ones(4000, "<i2").tobytes())
    found = bytearray(data.getvalue())
    found[24:28] = struct.pack("<I", rate)
    return bytes(found)


@pytest.mark.parametrize("rate", ABSURD)
@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_audio(path, 16000),
        lambda path: list(stream_audio(path, 16000)),
        lambda path: read_stretch(path, 0, 1, 16000),
        duration_s,
        sample_rate_hz,
    ],
)
def test_files(read: Callable[[Path], object], rate: int, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(rate))
    with pytest.raises(DataError, match="cannot read audio from") as caught:
        read(tmp_path / "a.wav")
    assert "a.wav" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("rate", ABSURD)
def test_pipes(rate: int) -> None:
    pieces = iter([wav(rate), b""])
    with pytest.raises(DataError, match=f"its sample rate is {rate} Hz; 1000 to 768000 can be"):
        list(piped_audio(lambda: next(pieces), None, 16000))
    raw = iter([b"\0" * 4000, b""])
    with pytest.raises(SettingError, match="out of range"):
        list(piped_audio(lambda: next(raw), rate or -1, 16000))


@pytest.mark.parametrize("rate", [1000, 8000, 192_000, 768_000])
def test_lawful_rates_are_read(rate: int, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(rate))
    assert sample_rate_hz(tmp_path / "a.wav") == rate
    assert len(read_audio(tmp_path / "a.wav", 16000)) == pytest.approx(4000 * 16000 / rate, abs=2)


def test_at_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.wav").write_bytes(wav(1))
    assert main(["classify_audio", str(FIXED), "--input", str(tmp_path / "a.wav")]) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert error.endswith("its sample rate is 1 Hz; 1000 to 768000 can be")
    assert hint.startswith("hint: ")
