"""What to say as hard negatives: words and phrases that sound like the keyword, and pieces of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.lexicon import load_lexicon, ordinary_words, pronounce
from mltk_like.data.speech.phonemes import PUNCTUATION, STRESS, VOWELS, distances, encode, phones, units
from mltk_like.data.speech.pronunciation import contains
from mltk_like.data.speech.word_list import WordList, read_text, read_words
from mltk_like.errors import DataError

NEAR_HOMOPHONE = 0.3
"""Nearer than this no ear tells two phrases apart: it takes one weak change, such as ɪ for ə."""

_HALF_WORDS = 40  # nearest words to each half of the keyword that are combined into phrases


@dataclass(frozen=True, kw_only=True, slots=True)
class Alike:
    """A word or phrase that sounds like the keyword.

    Attributes:
        phrase: in ordinary spelling.
        phonemes: as the lexicon has it.
        distance: weighted edit distance over phonemes, one clear change of a sound being about 1; a phrase has 0.4 on
            top for the pause and the second stress.
    """

    phrase: str
    phonemes: str
    distance: float


@lru_cache(maxsize=4)
def _by_length(words: WordList | None) -> dict[int, tuple[list[str], npt.NDArray[np.uint8]]]:
    """The lexicon by number of sounds: words and their sounds [W, L]."""
    groups: dict[int, tuple[list[str], list[str]]] = {}
    for word, said in _lexicon(words).items():
        if words or (word.isalpha() and word.isascii() and len(word) > 1 and not word[1:].isupper()):
            sounds = phones(said)
            spelt, heard = groups.setdefault(len(sounds), ([], []))
            spelt.append(word)
            heard.append(sounds)
    return {n: (spelt, encode("".join(heard)).reshape(-1, n)) for n, (spelt, heard) in groups.items() if n}


def _lexicon(words: WordList | None) -> Mapping[str, str]:
    return read_words(words) if words else load_lexicon()


def _nearest(sounds: str, count: int, spread: int, words: WordList | None) -> list[tuple[float, str]]:
    """The words nearest to a string of bare sounds, nearest first, of lengths within `spread` of its own."""
    target = encode(sounds)
    found: list[tuple[float, str]] = []
    for length, (spelt, table) in _by_length(words).items():
        if abs(length - len(sounds)) <= spread:
            far = distances(target, table)
            best = np.argsort(far, kind="stable")[: 2 * count]
            found += [(float(far[at]), spelt[at]) for at in best]
    return sorted(found)[:count]


@lru_cache(maxsize=32)
def _candidates(word: str, count: int, words: WordList | None) -> tuple[Alike, ...]:
    keyword = read_text(word, words.language) if words else pronounce(word)
    sounds, lexicon = phones(keyword), _lexicon(words)
    found = _nearest(sounds, count, 3, words)
    for cut in range(1, len(sounds)):
        heads = _nearest(sounds[:cut], _HALF_WORDS, 1, words)
        tails = _nearest(sounds[cut:], _HALF_WORDS, 1, words)
        # 0.4: what the pause and the second stress put between the phrase and the word.
        found += [(a + b + 0.4, f"{head} {tail}") for a, head in heads for b, tail in tails]
    seen, kept = set(), list[Alike]()
    for distance, phrase in sorted(found):
        said = " ".join(lexicon[part] for part in phrase.split())
        heard = phones(said)
        if heard in seen or contains(said, keyword) or near_homophone(heard, sounds):
            continue
        seen.add(heard)
        kept.append(Alike(phrase=phrase, phonemes=said, distance=distance))
        if len(kept) == count:
            break
    return tuple(kept)


def near_homophone(heard: str, sounds: str) -> bool:
    """Whether two strings of bare sounds (`phones`) are nearer than `NEAR_HOMOPHONE`."""
    return float(distances(encode(sounds), encode(heard)[None])[0]) < NEAR_HOMOPHONE


def find_alikes(word: str, count: int, words: WordList | None = None) -> tuple[Alike, ...]:
    """Words and two-word phrases of a lexicon that sound most like `word`, most alike first.

    Nearness is an edit distance over phonemes, weighted by articulatory features (`phonemes.cost_table`). Left out:
    homophones of any pronunciation of the word, what contains one, what is nearer than `NEAR_HOMOPHONE`, and all but
    one of phrases that sound the same. A longer list begins with the shorter one. The word itself may be a phrase, and
    need not be in the lexicon: hibari's rules and network then read it.

    Args:
        word: a word or phrase.
        count: at most so many.
        words: the lexicon; none: the English one that hibari carries.

    Raises:
        ToolError: hibari, whose lexicon is used, is not installed, or espeak-ng, which reads a list of words.
        DataError: the list of words cannot be read.
    """
    wanted = 256
    while wanted < count:
        wanted *= 2
    return _candidates(word, wanted, words)[:count]


def sound_alikes(word: str, count: int, words: WordList | None = None) -> tuple[str, ...]:
    """The phrases of `find_alikes` alone."""
    return tuple(alike.phrase for alike in find_alikes(word, count, words))


def word_parts(phrase: str) -> tuple[str, ...]:
    """Words and runs of words of a keyword of several words, longest first: ("computer", "hey") of "hey computer"."""
    words = phrase.split()
    runs = [words[at : at + size] for size in range(len(words) - 1, 0, -1) for at in range(len(words) - size + 1)]
    return tuple(dict.fromkeys(sorted((" ".join(run) for run in runs), key=len, reverse=True)))


def part_of(word: str, rng: np.random.Generator) -> str:
    """Phonemes of a piece, a splice or a spoilt form of `word`, never of the word itself.

    Beginnings and endings, one of them doubled, either joined to half of another word, and the word with one or two
    sounds changed past recognition.

    Raises:
        DataError: the word is too short to have parts.
    """
    keyword = pronounce(word)
    parts = [part for part in units(keyword) if part not in PUNCTUATION]
    for _ in range(100):
        made = "".join(_one_part(parts, rng))
        if not VOWELS.intersection(made) or contains(made, keyword):
            continue
        if not near_homophone(phones(made), phones(keyword)):
            return made
    raise DataError(f"no part of {word!r} can be told from the word", "give a word of at least two sounds")


def _one_part(parts: list[str], rng: np.random.Generator) -> list[str]:
    n = len(parts)
    cut = int(rng.integers(2, max(3, n))) if n > 2 else 1
    head, tail = parts[:cut], parts[n - cut :]
    kind = rng.integers(7)
    if kind == 0:
        return head
    if kind == 1:
        return tail
    if kind == 2:
        half = head if rng.random() < 0.5 else tail
        return [*half, *([] if rng.random() < 0.5 else [" "]), *half]
    if kind in (3, 4):
        other = [part for part in units(load_lexicon()[_any_word(rng)]) if part not in PUNCTUATION]
        middle = int(rng.integers(0, len(other)))
        gap = [" "] if rng.random() < 0.5 else []
        return [*head, *gap, *other[middle:]] if kind == 3 else [*other[: middle + 1], *gap, *tail]
    return _spoil(parts, rng, 1 if kind == 5 else 2)


def _spoil(parts: list[str], rng: np.random.Generator, changes: int) -> list[str]:
    """Change sounds for other ones of the same kind: 'əlˈɛksə' -> 'əlˈOksə'."""
    out = list(parts)
    for at in rng.choice(len(parts), size=min(changes, len(parts)), replace=False):
        mark = out[at][0] if out[at][0] in STRESS else ""
        pool = "iɪɛæɑɔOuʌAIW" if out[at].lstrip(STRESS)[0] in VOWELS else "pbtdkɡfvszʃʒmnlɹwʤʧθ"
        out[at] = mark + str(rng.choice(list(pool)))
    return out


def _any_word(rng: np.random.Generator) -> str:
    words = ordinary_words()
    return words[int(rng.integers(len(words)))]
