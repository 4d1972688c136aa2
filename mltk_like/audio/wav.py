"""Audio files in and out: any format that libsndfile or a decoder of the machine reads becomes 16-bit mono at the rate
asked for.

Samples are int16 everywhere in mltk_like, as on the device; -32768..32767 stands for -1..1 of full scale.
"""

import io
import os
import wave
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk_like.audio.foreign import FOREIGN_SUFFIXES, decoded, foreign_kind
from mltk_like.audio.rates import rate_fault
from mltk_like.audio.unfinished import finished_wav
from mltk_like.errors import DataError
from mltk_like.paths import write_bytes
from mltk_like.quiet import libraries_silent

Int16 = npt.NDArray[np.int16]

AUDIO_SUFFIXES = FOREIGN_SUFFIXES | {
    ".wav", ".wave", ".bwf", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".w64",
    ".rf64", ".caf", ".sph", ".nist", ".voc",
}  # fmt: skip
"""Lower-case endings of the files that the sources take for audio."""

# A mean of channels with less than this share of the power that unrelated channels would leave has cancelled out.
_CANCELLED = 0.1
_PROBE_S = 10.0


def read_audio(path: Path | str, sample_rate_hz: int) -> Int16:
    """Read a whole file.

    Channels are averaged, other rates are resampled (soxr, HQ), and what lies beyond full scale saturates. A 16-bit
    mono file at the right rate comes back bit for bit. Where channels are out of phase, so that little is left of
    their mean, a loud one is taken alone. A WAV file that says that it is empty although sound follows is read to its
    end.

    Args:
        path: a file of any format, rate, width and number of channels that libsndfile reads, or that ffmpeg or PyAV
            does where one of them is installed (see `audio.foreign`).
        sample_rate_hz: rate of the result in Hz.

    Returns:
        int16, shape (samples,), at least one sample.

    Raises:
        DataError: the file is missing, empty, damaged or not audio; the message names it.
    """
    with _open(path) as sound:
        if _is_exact(sound, sample_rate_hz):
            samples: Int16 = sound.read(dtype="int16")
        else:
            mono = _mono(sound.read(dtype="float32", always_2d=True), path, _channel(path, sound))
            if sound.samplerate != sample_rate_hz:
                import soxr

                mono = soxr.resample(mono, sound.samplerate, sample_rate_hz)
            samples = to_int16(mono)
    if not len(samples):
        raise _unusable(path, "it holds no samples")
    return samples


def stream_audio(path: Path | str, sample_rate_hz: int, block_s: float = 10.0) -> Iterator[Int16]:
    """Read a file of any length in bounded memory.

    Args:
        path: as in `read_audio`.
        sample_rate_hz: rate of the blocks in Hz.
        block_s: about how many seconds a block holds.

    Yields:
        int16 blocks, shape (samples,), never empty; joined they are what `read_audio` gives (to rounding, where it
        resamples).

    Raises:
        DataError: as `read_audio`; for a file damaged in the middle, after the blocks before the damage.
    """
    import soxr

    with _open(path) as sound:
        same_rate = sound.samplerate == sample_rate_hz
        exact = _is_exact(sound, sample_rate_hz)
        channel = _channel(path, sound)
        resampler = None if same_rate else soxr.ResampleStream(sound.samplerate, sample_rate_hz, 1, dtype="float32")
        frames = max(1, round(block_s * sound.samplerate))
        read = last = False
        while not last:
            block = sound.read(frames, dtype="int16" if exact else "float32", always_2d=True)
            last = len(block) < frames
            mono = block[:, 0] if exact else _mono(block, path, channel)
            if resampler is not None:
                mono = resampler.resample_chunk(mono, last=last)
            if len(mono):
                read = True
                yield to_int16(mono)
    if not read:
        raise _unusable(path, "it holds no samples")


def read_stretch(path: Path | str, start_s: float, length_s: float, sample_rate_hz: int) -> Int16:
    """Read a part of a file, without what stands before it.

    Args:
        path: as in `read_audio`.
        start_s: where it begins, in seconds; the last sample where the file is shorter.
        length_s: how long it is at most, in seconds.
        sample_rate_hz: rate of the result in Hz.

    Returns:
        int16, shape (samples,).

    Raises:
        DataError: as `read_audio`.
    """
    with _open(path) as sound:
        last = max(sound.frames - 1, 0)
        sound.seek(int(min(start_s * sound.samplerate, last)))
        frames = sound.read(round(length_s * sound.samplerate), dtype="float32", always_2d=True)
        mono = _mono(frames, path, _channel(path, sound))
        if sound.samplerate != sample_rate_hz:
            import soxr

            mono = soxr.resample(mono, sound.samplerate, sample_rate_hz)
        return to_int16(mono)


def duration_s(path: Path | str) -> float:
    """Length of a file in seconds, from its header alone. Raises DataError as `read_audio`, and for a length of 0."""
    with _open(path) as sound:
        # libsndfile reports a length that it cannot know as the largest int64.
        if not 0 < sound.frames < 2**62:
            raise _unusable(path, "it holds no samples")
        return float(sound.frames / sound.samplerate)


def sample_rate_hz(path: Path | str) -> int:
    """Sample rate of a file in Hz, from its header. Raises DataError as `read_audio`."""
    with _open(path) as sound:
        return int(sound.samplerate)


def durations_s(paths: Iterable[Path]) -> list[float]:
    """`duration_s` of many files, NaN for those that cannot be read."""

    def one(path: Path) -> float:
        try:
            return duration_s(path)
        except DataError:
            return float("nan")

    return [one(path) for path in paths]


def write_wav(path: Path | str, samples: npt.NDArray[Any], sample_rate_hz: int) -> None:
    """Write a mono 16-bit PCM WAV file atomically.

    Args:
        path: the file; its folder is made if need be.
        samples: shape (samples,), int16, or floating point with full scale at 1.0 (beyond it saturates).
        sample_rate_hz: in Hz.

    Raises:
        DataError: the file cannot be written.
        TypeError: `samples` has another shape or type.
    """
    if samples.ndim != 1 or not (samples.dtype == np.int16 or np.issubdtype(samples.dtype, np.floating)):
        raise TypeError(f"samples must be int16 or floating point with one axis, not {samples.dtype} {samples.shape}")
    data = io.BytesIO()
    with wave.open(data, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sample_rate_hz)
        out.writeframes(to_int16(samples).astype("<i2", copy=False).tobytes())
    write_bytes(Path(path), data.getvalue())


def to_int16(samples: npt.NDArray[Any]) -> Int16:
    """Floating point with full scale at 1.0 to int16: times 32768, rounded, saturated. int16 passes through."""
    if samples.dtype == np.int16:
        return samples
    with np.errstate(all="ignore"):  # the largest numbers become infinity, which saturates like any other
        scaled = samples * samples.dtype.type(32768)
        np.clip(np.rint(scaled, out=scaled), -32768, 32767, out=scaled)
        whole: Int16 = scaled.astype(np.int16)
    return whole


def loud_channel(frames: npt.NDArray[Any]) -> int | None:
    """The channel to take alone where the mean of all cancels out: the first that is no more than 3 dB below the
    loudest; None: take the mean.

    Args:
        frames: shape (frames, channels), in any unit, not all of them zero.
    """
    with np.errstate(all="ignore"):  # files of floating point may hold infinity
        power = np.square(frames, dtype=np.float64).mean(axis=0)
        # The mean of n unrelated channels has 1/n of their power; of equal ones, all of it.
        left = float(np.square(frames.mean(axis=1, dtype=np.float64)).mean()) * len(power) / power.mean()
    return int(np.argmax(power >= power.max() / 2)) if left < _CANCELLED else None


def _is_exact(sound: Any, sample_rate_hz: int) -> bool:
    """Whether the file holds just the samples that are asked for."""
    return bool(sound.channels == 1 and sound.subtype == "PCM_16" and sound.samplerate == sample_rate_hz)


def _mono(frames: npt.NDArray[np.float32], path: Path | str, channel: int | None) -> npt.NDArray[np.float32]:
    """(frames, channels) to (frames,): mean of the channels, or the one. Raises DataError for NaN and infinity."""
    with np.errstate(all="ignore"):  # infinity may come of it, which is found below
        mono = frames.mean(axis=1, dtype=np.float32) if channel is None else frames[:, channel]
    if not np.isfinite(mono).all():
        raise _unusable(path, "it holds values that are not numbers")
    return mono


def _channel(path: Path | str, sound: Any) -> int | None:
    """The channel to take alone: the only one, or what `loud_channel` says; None: take the mean.

    The first stretch that is not silent decides for the whole file, so that a stream of it is what reading it gives.
    """
    if sound.channels == 1:
        return 0
    with _open(path) as probe:
        while len(frames := probe.read(round(_PROBE_S * probe.samplerate), dtype="float32", always_2d=True)):
            if frames.any():
                return loud_channel(frames)
    return None


@contextmanager
def _open(path: Path | str) -> Iterator[Any]:
    """Open for reading with soundfile; every failure of the file inside the block becomes a DataError."""
    import soundfile

    if Path(path).suffix.lower() == ".raw":
        raise _unusable(path, "raw samples carry no rate or width")
    try:
        with ExitStack() as stack:
            sound = _sound(path, stack)
            if fault := rate_fault(sound.samplerate):
                raise _unusable(path, fault)
            yield sound
    except (soundfile.SoundFileError, OSError, MemoryError) as error:
        raise _unusable(path, _cause(Path(path), error)) from error


def _sound(path: Path | str, stack: ExitStack) -> Any:
    """The open file. One that libsndfile cannot read is decoded first, one with an unfinished header is mended."""
    import soundfile

    talkative = _talkative(path)
    try:
        with libraries_silent() if talkative else nullcontext():
            sound: Any = stack.enter_context(soundfile.SoundFile(os.fspath(path)))
    except soundfile.SoundFileError:
        if not os.path.isfile(path) or (kind := foreign_kind(path)) is None:
            raise
        return stack.enter_context(soundfile.SoundFile(decoded(path, kind)))
    if sound.frames == 0 and (mended := finished_wav(path)) is not None:
        return stack.enter_context(soundfile.SoundFile(stack.enter_context(mended)))
    return _Silent(sound) if talkative else sound


def _talkative(path: Path | str) -> bool:
    """Whether libmpg123 may read it, which writes what it thinks of a damaged file to the process's stderr."""
    try:
        with open(path, "rb") as file:
            return file.read(4) not in (b"RIFF", b"fLaC", b"OggS", b"FORM")
    except (OSError, ValueError):
        return False  # what is wrong is said where it is opened


class _Silent:
    """A sound file whose library may not write to the terminal."""

    def __init__(self, sound: Any) -> None:
        self._sound = sound

    def read(self, *args: Any, **options: Any) -> Any:
        with libraries_silent():
            return self._sound.read(*args, **options)

    def seek(self, *args: Any) -> Any:
        with libraries_silent():
            return self._sound.seek(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sound, name)


def _cause(path: Path, error: Exception) -> str:
    # Of os.path, not of Path: they take names that are too long for what they are, names of no file.
    if not os.path.exists(path):
        return "there is no such file"
    if os.path.isdir(path):
        return "it is a folder"
    if not os.path.getsize(path):
        return "the file is empty"
    text = str(getattr(error, "error_string", error)).rstrip(".") or type(error).__name__
    # What libsndfile says where it has no words for the damage, and of a file that is too short for any format.
    lost = any(words in text for words in ("nternal", "unknown error", "File does not exist"))
    return "it is damaged, or of a kind that libsndfile cannot read" if lost else text


def _unusable(path: Path | str, cause: str) -> DataError:
    return DataError(f"cannot read audio from {path}: {cause}", "give a WAV, FLAC, OGG or MP3 file, or remove it")
