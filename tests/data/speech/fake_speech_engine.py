"""A speech engine for tests: beeps, counts what it does in the file $FAKE_SPEECH_LOG, and fails on demand."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech import Engine, Manner, Utterance
from mltk_like.data.speech.texts import Line, Texts

RATE = 16_000


class Beeper(Engine):
    """Five voices; the phonemes 'b', 's', 'k' and 'z' in a line make it raise, be silent, be killed and be slow."""

    version: ClassVar[str] = "beep/1"
    licence = "CC0-1.0"

    def check(self) -> None:
        """Always there."""

    def voices(self) -> Sequence[str]:
        return ("ann", "ben", "cem", "dov", "eva")

    def manner(self, rng: np.random.Generator) -> Manner:
        return Manner(speed=round(float(rng.uniform(0.9, 1.1)), 2))

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        with open(os.environ["FAKE_SPEECH_LOG"], "a", encoding="utf-8") as log:
            log.write(f"{os.getpid()} {seed}\n")
        if "b" in phonemes:
            raise ValueError("no such sound")
        if "k" in phonemes:
            os._exit(9)
        if "z" in phonemes:
            time.sleep(60)
        if "s" in phonemes:
            return np.zeros(RATE, np.float32), RATE
        tone = np.sin(np.arange(RATE // 2) * (0.1 + 0.001 * (seed % 97)))
        return np.pad(tone, RATE).astype(np.float32), RATE


@dataclass(frozen=True)
class Beeps(Texts):
    """The same phonemes over and over."""

    phonemes: str
    salt: ClassVar[int] = 99

    def line(self, number: int, rng: np.random.Generator) -> Line:
        return Line(text=f"beep {number}", phonemes=self.phonemes)
