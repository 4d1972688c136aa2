"""The background sounds and rooms that augmentation draws from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.effects import white_noise

Samples = NDArray[np.float32]


class NoiseBank:
    """Noise of one split, held as int16 and handed out in random excerpts.

    Args:
        ambience: recordings or generated noise, each int16 (samples,).
        microphone: self-noise of microphones, each int16 (samples,); empty: white noise is used.
        rooms: impulse responses, each float32 (samples,), direct sound first.
        babble: several talkers at once, each int16 (samples,).
    """

    def __init__(
        self,
        *,
        ambience: Sequence[NDArray[np.int16]] = (),
        microphone: Sequence[NDArray[np.int16]] = (),
        rooms: Sequence[Samples] = (),
        babble: Sequence[NDArray[np.int16]] = (),
    ) -> None:
        self._ambience = ambience
        self._microphone = microphone
        self._rooms = rooms
        self._babble = babble

    def ambience(self, rng: np.random.Generator, length: int) -> Samples:
        """A random excerpt of background sound: float32 (length,), white noise where the bank has none."""
        return _excerpt(self._ambience, rng, length)

    def babble(self, rng: np.random.Generator, length: int) -> Samples:
        """A random excerpt of many voices: float32 (length,), background sound where the bank has none."""
        return _excerpt(self._babble or self._ambience, rng, length)

    def microphone(self, rng: np.random.Generator, length: int) -> Samples:
        """A random excerpt of microphone noise: float32 (length,), white noise where the bank has none."""
        return _excerpt(self._microphone, rng, length)

    def room(self, rng: np.random.Generator) -> Samples | None:
        """A random room impulse response, or None where the bank has none."""
        return self._rooms[int(rng.integers(len(self._rooms)))] if len(self._rooms) else None


def _excerpt(recordings: Sequence[NDArray[np.int16]], rng: np.random.Generator, length: int) -> Samples:
    if not len(recordings):
        return white_noise(rng, length) * np.float32(0.1)
    recording = recordings[int(rng.integers(len(recordings)))]
    start = int(rng.integers(max(len(recording) - length, 0) + 1))
    piece = recording[start : start + length]
    if len(piece) < length:
        piece = np.resize(piece, length)
    floats = piece.astype(np.float32)
    floats *= np.float32(1 / 32768)
    return floats
