"""The interface of the speech engines, and how one is found by its name.

An engine specification is NAME or NAME:ARGUMENT with a built-in name ('kokoro', 'hibari', 'piper', 'piper:libritts_r',
'piper:/voices/en_GB-x.onnx', 'espeak:de', 'command:mytts {text} {out}'), or 'package.module:Class' for an engine of
one's own.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import SettingError

BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "hibari": "mltk_like.data.speech.hibari:Hibari",
        "kokoro": "mltk_like.data.speech.kokoro:Kokoro",
        "piper": "mltk_like.data.speech.piper:Piper",
        "pico": "mltk_like.data.speech.pico:Pico",
        "flite": "mltk_like.data.speech.flite:Flite",
        "festival": "mltk_like.data.speech.festival:Festival",
        "espeak": "mltk_like.data.speech.espeak:Espeak",
        "command": "mltk_like.data.speech.command:Command",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How one clip of a voice differs from the next: fields of `Utterance` that an engine draws."""

    speed: float = 1.0
    shift: float = 1.0
    extra: tuple[tuple[str, float], ...] = ()


class Engine(ABC):
    """A text-to-speech engine. Making one is cheap; it loads its model when the first clip is rendered.

    Attributes:
        version: part of every clip's hash; raise it when the sound of equal settings changes.
        licence: licence of the voices' output, as `Clip.licence` wants it.
        split: split that all its clips belong to, or '' where each voice may go to any. An engine with one voice that
            speaks half of the corpus would take all it says out of the training if chance put it elsewhere.
        reads_phonemes: False for an engine that reads text by its own rules only: one of another language than English,
            or a formant voice.
    """

    version: ClassVar[str]
    licence: str = ""
    split: ClassVar[str] = ""
    reads_phonemes: bool = True

    def __init__(self, argument: str = "") -> None:
        self.argument = argument

    @property
    def download(self) -> str:
        """What the first use of it fetches, in words; empty: nothing, or it is there."""
        return ""

    @abstractmethod
    def check(self) -> None:
        """Raise ToolError when the engine cannot run here. Fast: loads nothing, but fetches a voice that is a
        declared download and is used for the first time."""

    @abstractmethod
    def voices(self) -> Sequence[str]:
        """Names of its voices. Fast: loads nothing large."""

    def licence_of(self, voice: str) -> str:
        """Licence of what one voice says, where voices differ."""
        return self.licence

    @abstractmethod
    def manner(self, rng: np.random.Generator) -> Manner:
        """Draw a rate of speech, a shift and further settings that sound like people."""

    def emphasised(self, manner: Manner) -> Manner:
        """The same manner for a word that bears emphasis: a tenth slower, and what else the engine can do."""
        return replace(manner, speed=round(manner.speed * 0.9, 3))

    @abstractmethod
    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        """Speak.

        Args:
            utterance: what and how; its `seed` is not used, so that a bad draw can be drawn again.
            phonemes: those of the utterance, or what its text reads as.
            seed: seed of everything random.

        Returns:
            (samples, rate in hertz); the shift is left to the caller.
        """


def open_engine(specification: str) -> Engine:
    """The engine of a specification (see the module's docstring).

    Raises:
        SettingError: there is no such engine.
    """
    name, _, argument = specification.partition(":")
    target = BUILT_IN.get(name)
    if target is None:
        target, argument = specification, ""
    module, _, attribute = target.partition(":")
    hint = f"built in are {', '.join(BUILT_IN)}; or give 'package.module:Class'"
    if not attribute:
        raise SettingError(f"unknown speech engine {specification!r}", hint)
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingError(f"unknown speech engine {specification!r}: {error}", hint) from error
    if not (isinstance(found, type) and issubclass(found, Engine)):
        raise SettingError(f"{specification!r} is not a speech engine", "derive it from mltk_like.data.speech.Engine")
    return found(argument)


@lru_cache(maxsize=16)
def shared_engine(specification: str) -> Engine:
    """`open_engine`, once for each specification: what an engine has loaded serves all its clips."""
    return open_engine(specification)
