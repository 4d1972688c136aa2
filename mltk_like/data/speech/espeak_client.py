"""Talks to the espeak-ng program (`espeak_process.py`) by pipe: samples of a text, or its phonemes."""

from functools import lru_cache
from pathlib import Path

from mltk_like.data.speech.lexicon import require
from mltk_like.data.speech.speaker_process import SpeakerProcess

HINT = "pip install 'mltk_like[speech-gpl]'"
"""How espeak-ng is had."""


def espeak_folder() -> Path:
    """Folder of the package espeakng-loader. Raises ToolError when it is not installed."""
    return require("espeakng_loader", HINT)


class EspeakProcess(SpeakerProcess):
    """One running espeak-ng. `speak` takes {voice, text, rate, pitch, range}."""

    def __init__(self) -> None:
        super().__init__("espeak_process.py", espeak_folder, HINT)

    def phonemes(self, voice: str, text: str) -> str:
        """IPA of a text in espeak-ng's symbols, without its punctuation; empty for a voice that is not known.

        Raises:
            ToolError: as `speak`.
        """
        return self.ask({"voice": voice, "text": text, "phonemes": True})[1].decode()


def espeak_languages() -> tuple[str, ...]:
    """One code for each language that espeak-ng speaks, such as 'de' and 'en-gb-scotland', sorted.

    Raises:
        ToolError: it is not installed.
    """
    return tuple(sorted({codes[0] for codes in _codes()}))


def espeak_codes() -> tuple[str, ...]:
    """All codes that espeak-ng knows, also those that lead to the same language, as 'en' and 'en-gb' do.

    Raises:
        ToolError: it is not installed.
    """
    return tuple(sorted({code for codes in _codes() for code in codes}))


@lru_cache(maxsize=1)
def espeak_variants() -> tuple[str, ...]:
    """Names of all variants of a voice: people, whispers, robots; sorted.

    Raises:
        ToolError: espeak-ng is not installed.
    """
    return tuple(sorted(path.name for path in (espeak_folder() / "espeak-ng-data" / "voices" / "!v").iterdir()))


@lru_cache(maxsize=1)
def _codes() -> tuple[tuple[str, ...], ...]:
    """The codes of each voice file: its lines 'language CODE [PRIORITY]'."""
    found = []
    for path in (espeak_folder() / "espeak-ng-data" / "lang").rglob("*"):
        if path.is_file():
            lines = (line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
            found.append(tuple(words[1] for words in lines if len(words) > 1 and words[0] == "language"))
    return tuple(codes for codes in found if codes)
