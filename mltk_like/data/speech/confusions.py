"""What is taken for a keyword of several words: phrases that share some of its words and are not it."""

import numpy as np

from mltk_like.data.speech.lexicon import pronounce
from mltk_like.data.speech.phonemes import phones
from mltk_like.data.speech.phrases import WAKE_WORDS, random_phrase
from mltk_like.data.speech.pronunciation import contains
from mltk_like.data.speech.words import find_alikes, near_homophone, word_parts
from mltk_like.errors import DataError

_CALLED = tuple(dict.fromkeys(name.split()[-1] for name in WAKE_WORDS))
_AFTER = (
    *_CALLED, "there", "you", "you two", "guys", "everyone", "man", "mom", "dad", "honey", "boss", "doctor", "Anna",
    "Peter", "Sarah", "Michael", "buddy", "kids", "what", "now", "then", "again", "please", "I mean", "is that",
)  # fmt: skip
_BEFORE = (
    "the", "a", "my", "your", "this", "that", "our", "his", "her", "some", "another", "one", "no", "good", "big",
    "little", "hi", "hello", "hey", "okay", "dear", "oh", "well", "and", "or", "like a", "say", "play", "call", "ask",
)  # fmt: skip
# How often: words of it alone, its words in another order, its beginning, its end, a sound-alike in one word's place.
_SHARES = (0.2, 0.1, 0.25, 0.25, 0.2)
_NEAREST = 64  # sound-alikes of each word that take its place


def is_phrase(keyword: str) -> bool:
    """Whether a keyword has several words."""
    return len(keyword.split()) > 1


def confusion_of(phrase: str, rng: np.random.Generator) -> str:
    """Text that shares words with a keyword of several words and never says it, in any of its pronunciations.

    Of "hey gecko": a word or a run of words alone ("gecko"), its words in another order or one of them again ("gecko
    hey"), the same beginning with other words ("hey computer"), the same end ("the gecko"), and a sound-alike in the
    place of one of its words ("hey ghetto").

    Raises:
        DataError: the keyword is one word, or nothing can be told from it.
    """
    words = phrase.split()
    if not is_phrase(phrase):
        raise DataError(f"{phrase!r} is one word: no part of it is a word", "use part_of, which makes parts of words")
    keyword = pronounce(phrase)
    for _ in range(100):
        text = _one_confusion(words, rng)
        said = read_words(text)
        heard, sounds = phones(said), phones(keyword)
        # What has more or fewer sounds is no near homophone: each costs more than that.
        if not contains(said, keyword) and not (len(heard) == len(sounds) and near_homophone(heard, sounds)):
            return text
    raise DataError(f"nothing that shares a word with {phrase!r} can be told from it", "give a longer keyword")


def read_words(text: str) -> str:
    """Phonemes of a text, word by word."""
    return " ".join(pronounce(word) for word in text.split())


def _one_confusion(words: list[str], rng: np.random.Generator) -> str:
    kind = rng.choice(len(_SHARES), p=_SHARES)
    cut = int(rng.integers(1, len(words)))
    if kind == 0:
        return _any(word_parts(" ".join(words)), rng)
    if kind == 1:
        return " ".join(_any(tuple(words), rng) for _ in words)
    if kind == 2:
        return " ".join([*words[:cut], _others(_AFTER, rng)])
    if kind == 3:
        return " ".join([_others(_BEFORE, rng), *words[cut:]])
    at = int(rng.integers(len(words)))
    alikes = tuple(alike.phrase for alike in find_alikes(words[at], _NEAREST))
    return " ".join([*words[:at], _any(alikes, rng), *words[at + 1 :]])


def _others(usual: tuple[str, ...], rng: np.random.Generator) -> str:
    """What is often said there, or anything: a word or a sentence."""
    return _any(usual, rng) if rng.random() < 0.6 else random_phrase(rng).strip(".?!")


def _any(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
