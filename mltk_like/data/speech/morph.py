"""Other voices out of a clip that is there: vocal tract, pitch, breath, whisper and tempo changed one by one.

The WORLD vocoder takes a clip apart and puts it together again: M. Morise, F. Yokomori, K. Ozawa, "WORLD: a
vocoder-based high-quality speech synthesis system for real-time applications", IEICE Trans. E99-D, 2016.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.lexicon import require
from mltk_like.data.speech.utterance import MORPHED, Utterance
from mltk_like.errors import SettingError

HINT = "pip install 'mltk_like[morph]'"
"""How the vocoder is had."""

Floats = npt.NDArray[np.float64]

_PERIOD_MS = 5.0
_RANGES = {"formants": (0.7, 1.4), "pitch": (0.4, 2.5), "melody": (0, 3), "breath": (0, 1), "tempo": (0.5, 2.0)}
_BREATHY_HZ = 4000.0  # breath is heard from here on; below it grows with the frequency
_VOICED_HZ = (50.0, 850.0)  # a whisper has far less energy than a voice below the second, and some below the first
_WHISPERS = 0.04


@dataclass(frozen=True, kw_only=True, slots=True)
class Morph:
    """What is changed of a voice.

    Attributes:
        formants: factor on the frequencies of the vocal tract; 1.15 is about a woman's for a man's.
        pitch: factor on the fundamental frequency.
        melody: factor on how far the pitch goes up and down, in octaves; 0: monotonous.
        breath: share of the periodic sound that becomes noise, all of it above 4 kHz; 0 to 1.
        whisper: 1: no voice at all; else 0.
        tempo: factor on the rate of speech.

    Raises:
        SettingError: one of them is out of range.
    """

    formants: float = 1.0
    pitch: float = 1.0
    melody: float = 1.0
    breath: float = 0.0
    whisper: float = 0.0
    tempo: float = 1.0

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise SettingError(
                    f"{name}={getattr(self, name):g} of a morph is out of range", f"give {least:g} to {most:g}"
                )

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Morph":
        """One that sounds like another person: who has a shorter vocal tract is likely to have a higher voice."""
        formants = np.exp(rng.uniform(np.log(0.84), np.log(1.2)))
        pitch = np.clip(formants * np.exp(rng.normal(0, 0.18)), 0.6, 1.7)
        melody, breath, tempo = rng.uniform(0.6, 1.5), max(0.0, rng.uniform(-0.4, 0.5)), rng.uniform(0.85, 1.2)
        whisper = float(rng.random() < _WHISPERS)
        drawn = {"formants": formants, "pitch": pitch, "melody": melody, "breath": breath, "tempo": tempo}
        return cls(whisper=whisper, **{name: round(float(value), 3) for name, value in drawn.items()})

    @classmethod
    def of(cls, said: Utterance) -> "Morph | None":
        """That of an utterance; None where it is said as the engine says it."""
        given = {name: value for name, value in said.extra if name.startswith(MORPHED)}
        return cls(**{name.removeprefix(MORPHED): value for name, value in given.items()}) if given else None

    def applied(self, said: Utterance) -> Utterance:
        """The utterance that says the same in the other voice. It belongs to the group of the first one: what is
        left of a speaker must not be in two splits."""
        own = tuple((MORPHED + field.name, float(getattr(self, field.name))) for field in fields(self))
        return replace(said.base, extra=said.base.extra + own)


@dataclass(frozen=True, kw_only=True)
class Voice:
    """What WORLD finds in a clip: pitch in hertz [T] (0: no voice), envelope [T, F], share of noise [T, F]."""

    rate: int
    pitch: Floats
    envelope: Floats
    noise: Floats


def check_morph() -> None:
    """Raise ToolError when the vocoder is not installed."""
    require("pyworld", HINT)


def analyse(samples: npt.NDArray[np.float32], rate: int) -> Voice:
    """Take a clip of some 50 ms or more apart.

    Args:
        samples: of any level, shape (n,).
        rate: in hertz.

    Raises:
        ToolError: the vocoder is not installed.
    """
    check_morph()
    import pyworld

    wave = np.asarray(samples, np.float64)
    # DIO and StoneMask: Harvest finds a little more and takes ten times as long.
    rough, times = pyworld.dio(wave, rate, frame_period=_PERIOD_MS)
    pitch = pyworld.stonemask(wave, rough, times, rate)
    envelope = pyworld.cheaptrick(wave, pitch, times, rate)
    return Voice(rate=rate, pitch=pitch, envelope=envelope, noise=pyworld.d4c(wave, pitch, times, rate))


def speak_as(voice: Voice, morph: Morph) -> npt.NDArray[np.float32]:
    """Put a clip together again, changed: shape (n / tempo,). Equal arguments give equal samples."""
    import pyworld

    bins = voice.envelope.shape[1]
    hertz = np.linspace(0, voice.rate / 2, bins)
    envelope = _stretched(voice.envelope, morph.formants)
    pitch = np.zeros_like(voice.pitch) if morph.whisper else _moved(voice.pitch, morph)
    if morph.whisper:
        least, most = _VOICED_HZ
        envelope = envelope * ((hertz + least) / (hertz + most)) ** 2
    share = morph.breath * np.minimum(hertz / _BREATHY_HZ, 1)
    noise = voice.noise + share * (1 - voice.noise)
    frames = [np.ascontiguousarray(part) for part in (pitch, envelope, noise)]
    wave = pyworld.synthesize(*frames, voice.rate, frame_period=_PERIOD_MS / morph.tempo)
    return np.asarray(wave, np.float32)


def morph_clip(samples: npt.NDArray[np.float32], rate: int, morph: Morph) -> npt.NDArray[np.float32]:
    """A clip in another voice; about 50 ms for a word on one core.

    Args:
        samples: of some 50 ms or more, shape (n,).
        rate: in hertz.
        morph: what to change.

    Raises:
        ToolError: the vocoder is not installed.
    """
    return speak_as(analyse(samples, rate), morph)


def _stretched(envelope: Floats, factor: float) -> Floats:
    """An envelope [T, F] along its frequencies: a peak at f goes to factor * f; the last value fills what opens."""
    bins = envelope.shape[1]
    where = np.minimum(np.arange(bins) / factor, bins - 1)
    low = np.minimum(where.astype(np.int64), bins - 2)
    part = where - low
    logs = np.log(envelope)
    return np.asarray(np.exp(logs[:, low] * (1 - part) + logs[:, low + 1] * part))


def _moved(pitch: Floats, morph: Morph) -> Floats:
    voiced = pitch > 0
    if not voiced.any():
        return pitch
    logs = np.log(pitch[voiced])
    moved = np.zeros_like(pitch)
    moved[voiced] = np.exp(logs.mean() + (logs - logs.mean()) * morph.melody) * morph.pitch
    return moved
