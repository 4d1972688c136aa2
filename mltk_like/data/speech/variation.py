"""How one way to say a text differs from the next: ending, pronunciation, emphasis, pauses, rate, pitch."""

from dataclasses import dataclass, replace

import numpy as np

from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.phonemes import VOWELS, units
from mltk_like.data.speech.pronunciation import draw_accent, draw_careful, draw_hurried, draw_variant
from mltk_like.errors import SettingError

_ENDINGS = (("", 0.3), (".", 0.2), ("!", 0.2), ("?", 0.15), (",", 0.1), ("…", 0.05))
_CLOSING = ".,!?;:…"
_RANGES = {"speed": (0.25, 4.0), "pitch": (0.5, 2.0)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What one clip says: text, phonemes, or both.

    Attributes:
        text: in ordinary spelling; empty for phonemes alone.
        phonemes: how it is said; empty lets the engine read the text.
        emphasis: said with weight: its stressed vowels are long, and the engine does the rest.
    """

    text: str = ""
    phonemes: str = ""
    emphasis: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Variation:
    """What varies from clip to clip. Engines add what they can draw themselves: noise, durations, range of pitch.

    Attributes:
        pronunciations: whether sounds change as between speakers (engines that read phonemes).
        careful: share of the clips said with care, "kom-pyoo-ter": weak vowels have the full sound of their letters
            (engines that read phonemes).
        hurried: share of the others in which a weak vowel is left out (engines that read phonemes).
        accents: share of all clips in which no r is said after a vowel, "computah", or "you" begins with a vowel
            (engines that read phonemes).
        endings: (punctuation, share) pairs; it makes a statement, a question, a call or an unfinished sentence of the
            text (all engines).
        emphasis: share of the clips with emphasis: "!" or "?", long stressed vowels, a tenth slower, and with espeak
            the widest range of pitch.
        pauses: share of the clips of several words with a pause between two of them (all engines).
        speed: least and most rate of speech; none: what the engine finds natural.
        pitch: least and most factor on pitch and formants; none: what the engine finds natural.

    Raises:
        SettingError: a share outside 0 to 1, or a range outside what can be understood.
    """

    pronunciations: bool = True
    careful: float = 0.0
    hurried: float = 0.0
    accents: float = 0.0
    endings: tuple[tuple[str, float], ...] = _ENDINGS
    emphasis: float = 0.0
    pauses: float = 0.0
    speed: tuple[float, float] | None = None
    pitch: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("careful", "hurried", "accents", "emphasis", "pauses"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingError(f"{name}={getattr(self, name)} is no share", "give 0 to 1")
        if not self.endings or any(share <= 0 for _, share in self.endings):
            raise SettingError("every ending needs a share above 0", 'for none at all give endings=(("", 1.0),)')
        for name, (least, most) in _RANGES.items():
            given = getattr(self, name)
            if given is not None and not least <= given[0] <= given[1] <= most:
                raise SettingError(f"{name}={given} is no range", f"give (least, most) within {least:g} to {most:g}")

    def line(self, text: str, phonemes: str, rng: np.random.Generator) -> Line:
        """One way to say a text."""
        # What is off draws nothing, so that a source with the usual settings keeps the clips that it always had.
        shares = [share for _, share in self.endings]
        ending = self.endings[int(rng.choice(len(shares), p=np.array(shares) / sum(shares)))][0]
        if self.careful or self.hurried or self.accents:
            # Streams of their own, so that the other clips stay as they were without.
            articulation, accent = rng.spawn(2)
            phonemes = self._articulated(text, phonemes, articulation)
            if accent.random() < self.accents:
                phonemes = draw_accent(phonemes, accent)
        if self.pronunciations:
            phonemes = draw_variant(phonemes, rng)
        emphasis = self.emphasis > 0 and rng.random() < self.emphasis
        if emphasis:
            phonemes, ending = _lengthened(phonemes), "?" if ending == "?" else "!"
        if self.pauses > 0 and rng.random() < self.pauses:
            text, phonemes = _paused(text, phonemes, rng)
        return Line(text=text + ending, phonemes=phonemes + ending, emphasis=emphasis)

    def _articulated(self, text: str, phonemes: str, rng: np.random.Generator) -> str:
        drawn = rng.random()
        if drawn < self.careful:
            return draw_careful(phonemes, text, rng)
        rest = (drawn - self.careful) / max(1 - self.careful, 1e-9)
        return draw_hurried(phonemes, rng) if rest < self.hurried else phonemes

    def manner(self, engine: Engine, line: Line, rng: np.random.Generator) -> Manner:
        """Rate, pitch and settings of an engine for a line."""
        drawn = engine.manner(rng)
        if self.speed is not None:
            drawn = replace(drawn, speed=round(float(rng.uniform(*self.speed)), 2))
        if self.pitch is not None:
            drawn = replace(drawn, shift=round(float(np.exp(rng.uniform(*np.log(self.pitch)))), 3))
        return engine.emphasised(drawn) if line.emphasis else drawn


USUAL = Variation()
"""That of keywords."""
AS_WRITTEN = Variation(pronunciations=False)
"""That of words which another pronunciation might turn into the keyword."""


def _lengthened(phonemes: str) -> str:
    """Vowels under main stress made long: 'əlˈɛksə' -> 'əlˈɛːksə'."""
    parts = (part + "ː" if part[0] == "ˈ" and part[1:] in VOWELS else part for part in units(phonemes))
    return "".join(parts)


def _paused(text: str, phonemes: str, rng: np.random.Generator) -> tuple[str, str]:
    """A comma between two words, at the same place in text and phonemes, where that place is known."""
    words, said = text.split(" "), phonemes.split(" ")
    if len(words) < 2 or len(words) != len(said):
        return text, phonemes
    at = int(rng.integers(len(words) - 1))
    for parts in (words, said):
        parts[at] = parts[at].rstrip(_CLOSING) + ","
    return " ".join(words), " ".join(said)
