"""What a model heard, written down: the audio, and the spectrogram behind each detection."""

import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.frontend import AnySettings
from mltk_like.audio.gain import amplify
from mltk_like.audio.recogniser import Detection
from mltk_like.errors import DataError
from mltk_like.paths import write_bytes

AUDIO_NAME = "dumped_audio.wav"
# A WAV file tells its size in 32 bits.
_LARGEST_BYTES = 2**32 - 2**16


@dataclass(frozen=True, kw_only=True)
class Dumps:
    """Folders for what was heard; None for what is not wanted.

    Attributes:
        audio: `dumped_audio.wav`, as the front end hears it.
        spectrograms: a picture of the window behind each detection.
        raw_spectrograms: the same as `.npy`, int8 (time, bands).
    """

    audio: Path | None = None
    spectrograms: Path | None = None
    raw_spectrograms: Path | None = None


class AudioDump:
    """A WAV file that grows; it stops at 4 GiB (37 hours at 16 kHz)."""

    def __init__(self, sound: wave.Wave_write, gain: float) -> None:
        self._sound = sound
        self._gain = gain
        self._bytes = 0

    def write(self, samples: NDArray[np.int16]) -> None:
        """Add samples int16 (n,), as they come in: the gain is applied here."""
        data = amplify(samples, self._gain).astype("<i2", copy=False).tobytes()
        if self._bytes + len(data) <= _LARGEST_BYTES:
            self._sound.writeframesraw(data)
            self._bytes += len(data)


@contextmanager
def audio_dump(folder: Path | None, sample_rate_hz: int, gain: float) -> Iterator[AudioDump | None]:
    """`dumped_audio.wav`, 16-bit mono, as the front end hears it, for the time of the block; None without a folder.

    However the block ends, the file is whole. Raises DataError where it cannot be written.
    """
    if folder is None:
        yield None
        return
    target = folder / AUDIO_NAME
    unfinished = target.with_suffix(".wav.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with wave.open(str(unfinished), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(sample_rate_hz)
            sound.writeframesraw(b"")
            yield AudioDump(sound, gain)
    except OSError as error:
        raise DataError(f"cannot write {target}: {error.strerror}", "check the folder's permissions") from error
    finally:
        if unfinished.is_file():
            unfinished.replace(target)


def dump_spectrogram(dumps: Dumps, detection: Detection, window: NDArray[np.int8], settings: AnySettings) -> None:
    """The window that led to a detection, as the net saw it: `TIME-LABEL.png`, and `.npy` int8 (time, bands).

    Raises:
        DataError: a file cannot be written.
        ToolError: a picture is asked for and matplotlib is not installed.
    """
    name = f"{detection.time_ms:09}ms-{''.join(c if c.isalnum() else '_' for c in detection.label)}"
    if dumps.raw_spectrograms is not None:
        data = io.BytesIO()
        np.save(data, window, allow_pickle=False)
        write_bytes(dumps.raw_spectrograms / f"{name}.npy", data.getvalue())
    if dumps.spectrograms is not None:
        from mltk_like.verbs.shared.audio_plots import plot_spectrogram
        from mltk_like.verbs.shared.page import png

        start_ms = detection.time_ms - settings.sample_length_ms
        write_bytes(dumps.spectrograms / f"{name}.png", png(plot_spectrogram(window, settings, start_ms=start_ms)))
