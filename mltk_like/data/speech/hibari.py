"""Engine 'hibari': natural English in one voice, about 16 ms a word on one core."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.lexicon import require
from mltk_like.data.speech.utterance import Utterance


class Hibari(Engine):
    """hibari-tts (Apache-2.0): Kokoro's voice 'heart' distilled into 8 MB. Its only randomness is numpy's, so it is
    repeatable. One woman's voice; resampling makes it a child's or a man's, but it stays one voice for the split."""

    version: ClassVar[str] = "hibari-0.2/1"
    licence = "Apache-2.0"
    split: ClassVar[str] = "training"

    def check(self) -> None:
        require("hibari")
        require("onnxruntime")

    def voices(self) -> Sequence[str]:
        return ("heart",)

    def manner(self, rng: np.random.Generator) -> Manner:
        return Manner(
            speed=round(float(rng.uniform(0.55, 1.15)), 2), shift=round(float(np.exp(rng.uniform(-0.26, 0.2))), 3)
        )

    @cached_property
    def _speaker(self) -> Any:
        self.check()
        from hibari import Hibari as Speaker

        return Speaker(voice="heart", threads=1)

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        speed = float(np.clip(utterance.speed / utterance.shift, 0.5, 2.0))
        return self._speaker.from_phonemes(phonemes, speed=speed, seed=seed), self._speaker.sample_rate
