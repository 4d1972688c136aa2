"""Engine 'pico': SVOX Pico, which spoke in early Android telephones; six voices, about 5 ms a word."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.chosen import chosen_voices
from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.lexicon import require
from mltk_like.data.speech.speaker_process import SpeakerProcess
from mltk_like.data.speech.utterance import Utterance

HINT = "pip install 'mltk_like[pico]'"
"""How Pico is had."""

VOICES: Mapping[str, str] = MappingProxyType(
    {"en-US": "en", "en-GB": "en", "de-DE": "de", "es-ES": "es", "fr-FR": "fr", "it-IT": "it"}
)
"""The language of each of its voices."""

_MARKUP = str.maketrans("<>", "  ")  # Pico reads tags


class Pico(Engine):
    """SVOX Pico (Apache-2.0) out of the package py-nanotts, in a process of its own that is spoken to by pipe.

    The argument is a voice or language, or several with commas between ('de', 'en-*,fr', '*'); default: the two of
    English. It reads text by its own rules; the other languages read English words as their speakers would. The pitch
    varies without the formants. No randomness.
    """

    version: ClassVar[str] = "pico-nanotts-0.1/1"
    licence = "Apache-2.0"
    reads_phonemes = False

    def check(self) -> None:
        _folder()
        self.voices()

    def voices(self) -> Sequence[str]:
        return chosen_voices(self.argument or "en", VOICES)

    def manner(self, rng: np.random.Generator) -> Manner:
        extra = (("pitch", round(float(rng.uniform(0.8, 1.25)), 2)),)
        shift = round(float(np.exp(rng.uniform(-0.1, 0.1))), 3)
        return Manner(speed=round(float(rng.uniform(0.75, 1.3)), 2), shift=shift, extra=extra)

    @cached_property
    def _process(self) -> SpeakerProcess:
        return SpeakerProcess("pico_process.py", _folder, HINT)

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        request = {
            "voice": utterance.voice,
            "text": utterance.text.translate(_MARKUP),
            # A new draw of a bad clip must differ: one per cent of the rate.
            "speed": utterance.speed / utterance.shift + 0.01 * (seed - utterance.seed),
            "pitch": dict(utterance.extra).get("pitch", 1.0),
        }
        return self._process.speak(request)


def _folder() -> Path:
    return require("py_nanotts", HINT)
