"""What the clips of a source say: the n-th line is a function of (settings, seed, n) and of nothing else."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from mltk_like.data.speech.confusions import confusion_of, read_words
from mltk_like.data.speech.lexicon import load_lexicon, pronounce
from mltk_like.data.speech.phrases import random_phrase
from mltk_like.data.speech.pronunciation import contains
from mltk_like.data.speech.pseudo import pseudo_word
from mltk_like.data.speech.variation import AS_WRITTEN, USUAL, Line, Variation
from mltk_like.data.speech.word_list import WordList
from mltk_like.data.speech.words import find_alikes, part_of
from mltk_like.errors import DataError

_ALIKES = 512  # how far down the list of sound-alikes to go before it starts again with other voices


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
    """The given texts, in many pronunciations and as call, statement and question.

    All of them come before any comes again, each time in another order: no text keeps to a voice.
    """

    texts: tuple[str, ...]
    variation: Variation = USUAL
    salt: ClassVar[int] = 1

    def text(self, number: int) -> str:
        """Which of the texts it is."""
        turn, at = divmod(number, len(self.texts))
        return self.texts[_order(len(self.texts), turn)[at]]

    def line(self, number: int, rng: np.random.Generator) -> Line:
        text = self.text(number)
        return self.variation.line(text, pronounce(text), rng)


@dataclass(frozen=True)
class SoundAlikes(Texts):
    """Words and two-word phrases that sound like `word`, the `nearest` most alike by turns."""

    word: str
    nearest: int = _ALIKES
    words: WordList | None = None
    salt: ClassVar[int] = 2

    def line(self, number: int, rng: np.random.Generator) -> Line:
        alikes = find_alikes(self.word, self.nearest, self.words)
        if not alikes:
            hint = "give a longer list of words, in a language that espeak-ng speaks"
            raise DataError(f"there are no sound-alikes of {self.word!r}", hint)
        alike = alikes[number % len(alikes)]
        # espeak-ng, which reads a list of words, has symbols of its own.
        phonemes = pronounce(alike.phrase) if self.words else alike.phonemes
        return AS_WRITTEN.line(alike.phrase, phonemes, rng)


@dataclass(frozen=True)
class Parts(Texts):
    """Pieces, splices and spoilt forms of `word`."""

    word: str
    salt: ClassVar[int] = 3
    has_text: ClassVar[bool] = False

    def line(self, number: int, rng: np.random.Generator) -> Line:
        return Line(phonemes=part_of(self.word, rng))


@dataclass(frozen=True)
class Confusions(Texts):
    """Phrases that share words with `phrase`, a keyword of several words."""

    phrase: str
    salt: ClassVar[int] = 6

    def line(self, number: int, rng: np.random.Generator) -> Line:
        text = confusion_of(self.phrase, rng)
        return AS_WRITTEN.line(text, read_words(text), rng)


@dataclass(frozen=True)
class RandomPhrases(Texts):
    """Random words and sentences, none with one of the words to `avoid` in it; `in_a_row` of them in one clip."""

    avoid: tuple[str, ...] = ()
    in_a_row: int = 1
    salt: ClassVar[int] = 4

    def line(self, number: int, rng: np.random.Generator) -> Line:
        phrases = [self._phrase(rng) for _ in range(self.in_a_row)]
        # A full stop makes a pause, across which no keyword comes together.
        ended = [phrase if phrase[-1] in ".?!" else f"{phrase}." for phrase in phrases[:-1]]
        return Line(text=" ".join([*ended, phrases[-1]]))

    def _phrase(self, rng: np.random.Generator) -> str:
        while True:
            phrase = random_phrase(rng)
            said = "".join(_said(part.strip(".?!,")) for part in phrase.split())
            if not any(contains(said, pronounce(word)) for word in self.avoid):
                return phrase


@dataclass(frozen=True)
class PseudoWords(Texts):
    """Made-up words in the sounds of many languages, none that sounds like one to `avoid`; `in_a_row` in one clip."""

    avoid: tuple[str, ...] = ()
    in_a_row: int = 1
    salt: ClassVar[int] = 5
    has_text: ClassVar[bool] = False

    def line(self, number: int, rng: np.random.Generator) -> Line:
        return Line(phonemes=". ".join(self._word(rng) for _ in range(self.in_a_row)))

    def _word(self, rng: np.random.Generator) -> str:
        while True:
            phonemes = pseudo_word(rng)
            if not any(contains(phonemes, pronounce(word)) for word in self.avoid):
                return phonemes


@lru_cache(maxsize=4)
def _order(count: int, turn: int) -> tuple[int, ...]:
    return tuple(np.random.default_rng([0x74757273, turn]).permutation(count).tolist())


def _said(word: str) -> str:
    """Phonemes; a word that the lexicon lacks is read as whoever says it will."""
    words = load_lexicon()
    return words.get(word) or words.get(word.capitalize()) or (pronounce(word) if word else "")
