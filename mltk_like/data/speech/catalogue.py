"""Which voices there are on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mltk_like.data.fetch import offline
from mltk_like.data.speech.engines import open_engine
from mltk_like.data.speech.utterance import group_of_voice
from mltk_like.errors import MltkLikeError

LISTED = (
    "hibari", "kokoro", "kokoro:en", "kokoro:accents", "piper", "piper:libritts_r", "pico:*", "flite", "festival:*",
    "espeak",
)  # fmt: skip
"""Engines that are listed where none is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineVoices:
    """An engine and its voices.

    Attributes:
        engine: its specification.
        voices: full names, such as 'espeak:en-us+f2'.
        licence: of what they say; empty when unknown.
        download: what its first use fetches, if so.
        problem: why it cannot speak here, if so.
    """

    engine: str
    voices: tuple[str, ...]
    licence: str
    download: str = ""
    problem: str = ""


def list_voices(engines: Sequence[str] = LISTED, patterns: Sequence[str] = ()) -> tuple[EngineVoices, ...]:
    """The voices of engines, those alone whose name or full name matches one of the patterns. Fetches nothing.

    Raises:
        SettingError: there is no such engine.
    """
    return tuple(_voices_of(engine, tuple(pattern.lower() for pattern in patterns)) for engine in engines)


def matches(specification: str, voice: str, patterns: Sequence[str]) -> bool:
    """Whether a voice's name or full name matches one of some lower-case patterns."""
    names = (voice.lower(), group_of_voice(specification, voice).lower())
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _voices_of(specification: str, patterns: Sequence[str]) -> EngineVoices:
    engine = open_engine(specification)
    voices: Sequence[str] = ()
    problem = ""
    with offline():
        try:
            voices = engine.voices()
            if not engine.download:
                engine.check()
        except MltkLikeError as error:
            problem = "" if engine.download else f"{error.message} ({error.hint})"
    if patterns:
        voices = [voice for voice in voices if matches(specification, voice, patterns)]
    return EngineVoices(
        engine=specification,
        voices=tuple(group_of_voice(specification, voice) for voice in voices),
        licence=engine.licence,
        download=engine.download,
        problem=problem,
    )
