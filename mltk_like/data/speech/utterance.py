"""One thing to be said by one voice, and the name of the file it is kept in."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType

from mltk_like.paths import cache_dir

MORPHED = "morph_"
"""How the names of the further settings begin that turn what an engine said into another voice (`morph.py`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    """Everything that decides how a synthetic clip sounds. Equal utterances give equal files.

    Attributes:
        engine: engine and its argument as `open_engine` reads them, such as 'kokoro' or 'piper:/voices/x.onnx'.
        version: version of the engine's sound; a new one makes new files.
        voice: voice of that engine; clips of one voice are never split over training and test.
        text: what is said, in ordinary spelling.
        phonemes: how it is said (IPA as in `phonemes.py`); empty lets the engine read the text.
        speed: rate of speech; 1 is the voice's own.
        shift: factor on pitch and formants together, done by resampling; the rate of speech stays the same.
        seed: seed of all that the engine draws (durations, noise).
        extra: further settings of the engine, as (name, value) pairs.
    """

    engine: str
    version: str
    voice: str
    text: str
    phonemes: str = ""
    speed: float = 1.0
    shift: float = 1.0
    seed: int = 0
    extra: tuple[tuple[str, float], ...] = ()

    @property
    def group(self) -> str:
        """Who is heard, as `Clip.group` wants it: 'kokoro:0123'; the same for a speaker whom two engines have."""
        voice = group_of_voice(self.engine, self.voice)
        return SAME_SPEAKER.get(voice, voice)

    @property
    def base(self) -> "Utterance":
        """What the engine says of it: the same without a morph."""
        return replace(self, extra=tuple(pair for pair in self.extra if not pair[0].startswith(MORPHED)))

    @property
    def short_engine(self) -> str:
        """The engine's name alone, fit for a file name."""
        return plain(self.engine.partition(":")[0])

    def details(self) -> dict[str, str]:
        """What a manifest says of it: engine, voice, voice_id (the group), phonemes, speed, pitch, seed and so on.

        The engine's argument, which may hold paths of this machine, is left out: the voice names what it opened.
        """
        return {
            "engine": self.short_engine,
            "version": self.version,
            "voice": self.voice,
            "voice_id": self.group,
            "phonemes": self.phonemes,
            "speed": f"{self.speed:g}",
            "pitch": f"{self.shift:g}",
            "seed": str(self.seed),
            **{self._full_name(name): f"{value:g}" for name, value in self.extra},
        }

    def _full_name(self, setting: str) -> str:
        return setting if setting.startswith(MORPHED) else f"{self.short_engine}_{setting}"

    def key(self) -> str:
        """Hash of all fields, 32 hexadecimal digits."""
        values = tuple(getattr(self, name) for name in _FIELDS)
        return hashlib.blake2b(repr(values).encode(), digest_size=16).hexdigest()

    def path(self, root: Path | None = None) -> Path:
        """The WAV file of this utterance below `root` (default: `cache_dir()/speech`)."""
        return Path(self.location(str(root or speech_dir())))

    def location(self, root: str) -> str:
        """`path` as a string, for the thousands of look-ups of a filled cache."""
        key, engine = self.key(), self.short_engine
        voice, said = plain(self.voice), plain(self.text or self.phonemes)[:40]
        return f"{root}/{engine}/{key[:2]}/{engine}+{voice}+{said}+{self.speed:.2f}+{key[:16]}.wav"


SAME_SPEAKER: Mapping[str, str] = MappingProxyType(
    {
        "festival:kal_diphone": "flite:kal16",
        "festival:cmu_us_awb_arctic_hts": "flite:awb",
        "festival:cmu_us_rms_arctic_hts": "flite:rms",
        "festival:cmu_us_slt_arctic_hts": "flite:slt",
        "festival:marathi_NSK_diphone": "festival:hindi_NSK_diphone",
        "festival:telugu_NSK_diphone": "festival:hindi_NSK_diphone",
    }
)
"""Voices that are another's under a second name: nobody may be in two splits."""

_FIELDS = tuple(field.name for field in fields(Utterance))
_UNFIT = re.compile(r"[^a-z0-9]+")


def speech_dir() -> Path:
    """Folder of all synthetic clips."""
    return cache_dir() / "speech"


def group_of_voice(engine: str, voice: str) -> str:
    """Full name of a voice of an engine specification: ('piper:/some/joe.onnx', 'joe') -> 'piper:joe'."""
    return f"{plain(engine.partition(':')[0])}:{voice}"


def plain(text: str) -> str:
    """A text in lower-case letters, digits and hyphens, as part of a file name."""
    return _UNFIT.sub("-", text.lower()).strip("-") or "x"
