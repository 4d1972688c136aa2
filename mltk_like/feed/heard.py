"""What teachers hear of a scene: Google's speech embedding of its end."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.embedding import SAMPLE_RATE_HZ, SpeechEmbedding, steps_in
from mltk_like.errors import SettingError
from mltk_like.feed.scene import Samples

HEARD_S = 1.53
"""Seconds of a scene's end that the embedding hears: a word and some of what is before it."""


class Heard:
    """The speech embedding of the last 1.53 s of scenes, or of all of them where they are shorter.

    Each is heard as the net hears it, and once more before noise and rooms were added: a teacher that knows what was
    said before noise drowned it is right more often.

    Args:
        files: the embedding's two files.
        sample_rate_hz: of the scenes.
        length: samples of a scene.

    Raises:
        SettingError: another sample rate than the embedding's, or scenes that are too short for it.
    """

    def __init__(self, files: tuple[Path, Path], sample_rate_hz: int, length: int) -> None:
        check_heard(sample_rate_hz, length)
        self._last = min(round(HEARD_S * sample_rate_hz), length)
        self._embedding = SpeechEmbedding(*files)

    def __call__(self, scenes: Samples, quiet: Samples) -> NDArray[np.float32]:
        """Embeddings of scenes: float32 (windows, 2, steps, 96).

        Args:
            scenes: float32 (windows, samples), with noise and rooms.
            quiet: the same without.
        """
        both = [self._embedding(sounds[:, -self._last :]) for sounds in (scenes, quiet)]
        return np.stack(both, axis=1)


def check_heard(sample_rate_hz: int, length: int) -> None:
    """Raise SettingError where the speech embedding cannot hear scenes of so many samples."""
    if sample_rate_hz != SAMPLE_RATE_HZ:
        hint = f"give the front end {SAMPLE_RATE_HZ} Hz, or leave embedding_teachers at 0"
        raise SettingError(f"the speech embedding hears sound of {SAMPLE_RATE_HZ} Hz, not of {sample_rate_hz}", hint)
    if not steps_in(length):
        hint = "give windows of 0.8 s or more, or leave embedding_teachers at 0"
        raise SettingError(f"a scene of {length} samples is too short for the speech embedding", hint)
