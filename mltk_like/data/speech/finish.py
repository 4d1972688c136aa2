"""From an engine's raw output to a clip: pitch shift, 16 kHz, trimmed, levelled, judged."""

import io
import wave

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16_000
"""Rate of every clip, in hertz."""

_PEAK = 0.7
_HOP = SAMPLE_RATE // 100
_MARGIN = 3  # hops of 10 ms kept at both ends
_FLOOR_DB = -38.0  # below the loudest 10 ms; the breath before and the hiss after a word lie lower


def finish(audio: npt.NDArray[np.float32], rate: int, shift: float = 1.0) -> npt.NDArray[np.int16]:
    """Resample to 16 kHz with a pitch and formant shift, trim the silence and set the peak to -3 dBFS.

    Args:
        audio: raw samples, any level.
        rate: their rate in hertz.
        shift: factor on pitch and formants; the result is shorter by the same factor.

    Returns:
        Samples at 16 kHz with at most 40 ms of silence at either end; empty when the input is silent or not finite.
    """
    import soxr

    if audio.size < rate // 50 or not np.isfinite(audio).all():
        return np.zeros(0, np.int16)
    resampled = soxr.resample(np.asarray(audio, np.float32), rate * shift, SAMPLE_RATE)
    kept = trim(resampled)
    peak = float(np.abs(kept).max(initial=0.0))
    if peak < 1e-4:
        return np.zeros(0, np.int16)
    return np.round(kept * (_PEAK * 32767 / peak)).astype(np.int16)


def trim(audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Cut what lies 38 dB below the loudest 10 ms from both ends, but for 30 ms, and fade the cuts over 5 ms."""
    frames = audio.size // _HOP
    if frames < 2:
        return audio
    energy = np.square(audio[: frames * _HOP].reshape(frames, _HOP), dtype=np.float64).mean(axis=1)
    loud = np.flatnonzero(energy > energy.max() * 10 ** (_FLOOR_DB / 10))
    if not loud.size:
        return audio[:0]
    first, last = max(0, int(loud[0]) - _MARGIN), min(frames, int(loud[-1]) + 1 + _MARGIN)
    kept = audio[first * _HOP : last * _HOP].copy()
    ramp = np.linspace(0, 1, _HOP // 2, dtype=np.float32)
    kept[: ramp.size] *= ramp
    kept[-ramp.size :] *= ramp[::-1]
    return kept


def fault(clip: npt.NDArray[np.int16], sounds: int, speed: float) -> str:
    """Why a clip cannot be what was to be said, or ''.

    Args:
        clip: samples at 16 kHz, trimmed.
        sounds: number of phonemes to be said; 0 when not known.
        speed: rate of speech asked for.

    A phoneme of running speech lasts 40 to 200 ms; the limits here are far outside, and catch engines that
    swallow a word, babble on, or give a click.
    """
    if not clip.size:
        return "silent"
    level = float(np.sqrt(np.square(clip / 32768.0).mean()))
    if level < 0.02:
        return "hardly any energy"
    if not sounds:
        return ""
    seconds = clip.size / SAMPLE_RATE * speed
    if seconds < 0.08 + 0.03 * sounds:
        return "too short"
    return "too long" if seconds > 0.9 + 0.3 * sounds else ""


def letters(text: str) -> int:
    """About how many sounds a text in any language has: a letter is one, a figure is said in about three."""
    return sum(3 if symbol.isdigit() else symbol.isalpha() for symbol in text)


def wav_bytes(clip: npt.NDArray[np.int16]) -> bytes:
    """A whole 16 kHz mono 16-bit WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(clip.astype("<i2").tobytes())
    return buffer.getvalue()
