"""What the clips of a source say: the n-th line is a function of (settings, seed, n) and of nothing else."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mltk_like.data.speech.lexicon import load_lexicon, pronounce
from mltk_like.data.speech.phrases import random_phrase
from mltk_like.data.speech.pronunciation import contains, draw_variant
from mltk_like.data.speech.pseudo import pseudo_word
from mltk_like.data.speech.words import part_of, sound_alikes

_ALIKES = 512  # how far down the list of sound-alikes to go before it starts again with other voices
_ENDINGS = ("", ".", "!", "?", ",", "…")
_ENDING_SHARES = (0.3, 0.2, 0.2, 0.15, 0.1, 0.05)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What one clip says: text, phonemes, or both."""

    text: str = ""
    phonemes: str = ""


class Texts(ABC):
    """Gives the lines of a source.

    Attributes:
        salt: keeps the draws of one kind apart from those of another with the same seed.
        has_text: whether its lines have a text; those without need an engine that reads phonemes.
    """

    salt: ClassVar[int]
    has_text: ClassVar[bool] = True

    @abstractmethod
    def line(self, number: int, rng: np.random.Generator) -> Line:
        """The line of that number; `rng` belongs to it alone."""


@dataclass(frozen=True)
class Said(Texts):
    """The given texts by turns, in many pronunciations and as call, statement and question."""

    texts: tuple[str, ...]
    salt: ClassVar[int] = 1

    def line(self, number: int, rng: np.random.Generator) -> Line:
        text = self.texts[number % len(self.texts)]
        ending = _ENDINGS[int(rng.choice(len(_ENDINGS), p=_ENDING_SHARES))]
        return Line(text=text + ending, phonemes=draw_variant(pronounce(text), rng) + ending)


@dataclass(frozen=True)
class SoundAlikes(Texts):
    """Words and two-word phrases that sound like `word`, the most alike first."""

    word: str
    salt: ClassVar[int] = 2

    def line(self, number: int, rng: np.random.Generator) -> Line:
        phrases = sound_alikes(self.word, _ALIKES)
        phrase = phrases[number % len(phrases)]
        ending = _ENDINGS[int(rng.choice(len(_ENDINGS), p=_ENDING_SHARES))]
        return Line(text=phrase + ending, phonemes=" ".join(load_lexicon()[part] for part in phrase.split()) + ending)


@dataclass(frozen=True)
class Parts(Texts):
    """Pieces, splices and spoilt forms of `word`."""

    word: str
    salt: ClassVar[int] = 3
    has_text: ClassVar[bool] = False

    def line(self, number: int, rng: np.random.Generator) -> Line:
        return Line(phonemes=part_of(self.word, rng))


@dataclass(frozen=True)
class RandomPhrases(Texts):
    """Random words and sentences, none with one of the words to `avoid` in it."""

    avoid: tuple[str, ...] = ()
    salt: ClassVar[int] = 4

    def line(self, number: int, rng: np.random.Generator) -> Line:
        while True:
            phrase = random_phrase(rng)
            said = "".join(_said(part.strip(".?!,")) for part in phrase.split())
            if not any(contains(said, pronounce(word)) for word in self.avoid):
                return Line(text=phrase)


@dataclass(frozen=True)
class PseudoWords(Texts):
    """Made-up words in the sounds of many languages, none that sounds like one to `avoid`."""

    avoid: tuple[str, ...] = ()
    salt: ClassVar[int] = 5
    has_text: ClassVar[bool] = False

    def line(self, number: int, rng: np.random.Generator) -> Line:
        while True:
            phonemes = pseudo_word(rng)
            if not any(contains(phonemes, pronounce(word)) for word in self.avoid):
                return Line(phonemes=phonemes)


def _said(word: str) -> str:
    """Phonemes by the lexicon alone: a word that it lacks is read only when it is spoken."""
    words = load_lexicon()
    return words.get(word) or words.get(word.capitalize()) or ""
