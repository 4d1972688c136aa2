"""Sounds for the browser's players: any file that can be read, or a stretch of one, as 16-bit WAV."""

import io
import wave

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.wav import read_stretch, sample_rate_hz
from mltk_like.verbs.workbench.place import Place
from mltk_like.verbs.workbench.server import Reply, Request

LONGEST_S = 600.0
"""What is heard of a file: a recording may last hours."""
_HIGHEST_RATE_HZ = 48_000


def play(place: Place, request: Request) -> Reply:
    """The stretch from `start` to `end` (seconds; none: all) of `file`, at most ten minutes.

    Raises:
        Refused: it is no sound file of the folder.
        SettingError: a time is no number.
        DataError: it cannot be read.
    """
    path = place.sound(request.one("file"))
    start = max(request.number("start", 0.0), 0.0)
    end = request.number("end", start + LONGEST_S)
    rate = min(sample_rate_hz(path), _HIGHEST_RATE_HZ)
    samples = read_stretch(path, start, min(max(end - start, 0.05), LONGEST_S), rate)
    return Reply(data=wav_bytes(samples, rate), kind="audio/wav")


def wav_bytes(samples: NDArray[np.int16], rate_hz: int) -> bytes:
    """A mono 16-bit WAV file of int16 samples (n,)."""
    data = io.BytesIO()
    with wave.open(data, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(samples.astype("<i2", copy=False).tobytes())
    return data.getvalue()
