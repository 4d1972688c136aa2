"""What to say as hard negatives: words and phrases that sound like the keyword, and pieces of it."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.lexicon import load_lexicon, ordinary_words, pronounce
from mltk_like.data.speech.phonemes import PUNCTUATION, STRESS, VOWELS, distances, encode, phones, units
from mltk_like.data.speech.pronunciation import contains
from mltk_like.errors import DataError

_HALF_WORDS = 40  # nearest words to each half of the keyword that are combined into phrases


@lru_cache(maxsize=1)
def _by_length() -> dict[int, tuple[list[str], npt.NDArray[np.uint8]]]:
    """The lexicon by number of sounds: words and their sounds [W, L]."""
    groups: dict[int, tuple[list[str], list[str]]] = {}
    for word, said in load_lexicon().items():
        if word.isalpha() and word.isascii() and len(word) > 1 and not word[1:].isupper():
            sounds = phones(said)
            words, heard = groups.setdefault(len(sounds), ([], []))
            words.append(word)
            heard.append(sounds)
    return {n: (words, encode("".join(heard)).reshape(-1, n)) for n, (words, heard) in groups.items() if n}


def _nearest(sounds: str, count: int, spread: int) -> list[tuple[float, str]]:
    """The words nearest to a string of bare sounds, nearest first, of lengths within `spread` of its own."""
    target = encode(sounds)
    found: list[tuple[float, str]] = []
    for length, (words, table) in _by_length().items():
        if abs(length - len(sounds)) <= spread:
            far = distances(target, table)
            best = np.argsort(far, kind="stable")[: 2 * count]
            found += [(float(far[at]), words[at]) for at in best]
    return sorted(found)[:count]


@lru_cache(maxsize=32)
def _candidates(word: str, count: int) -> tuple[str, ...]:
    sounds = phones(pronounce(word))
    found = _nearest(sounds, count, 3)
    for cut in range(1, len(sounds)):
        heads = _nearest(sounds[:cut], _HALF_WORDS, 1)
        tails = _nearest(sounds[cut:], _HALF_WORDS, 1)
        # 0.4: what the pause and the second stress put between the phrase and the word.
        found += [(a + b + 0.4, f"{head} {tail}") for a, head in heads for b, tail in tails]
    keyword, seen, kept = pronounce(word), set(), []
    for _, phrase in sorted(found):
        said = " ".join(load_lexicon()[part] for part in phrase.split())
        heard = phones(said)
        if heard in seen or contains(said, keyword) or _near_homophone(heard, sounds):
            continue
        seen.add(heard)
        kept.append(phrase)
        if len(kept) == count:
            break
    return tuple(kept)


def _near_homophone(heard: str, sounds: str) -> bool:
    """Too close to tell apart by ear: one weak change such as ɪ for ə."""
    return float(distances(encode(sounds), encode(heard)[None])[0]) < 0.3


def sound_alikes(word: str, count: int) -> tuple[str, ...]:
    """Words and two-word phrases of the lexicon that sound most like `word`, most alike first.

    Nearness is an edit distance over phonemes, weighted by articulatory features (`phonemes.cost_table`). Left out:
    homophones of any pronunciation of the word, what contains one, and all but one of phrases that sound the same.
    A longer list begins with the shorter one.

    Raises:
        ToolError: hibari, whose lexicon is used, is not installed.
    """
    wanted = 256
    while wanted < count:
        wanted *= 2
    return _candidates(word, wanted)[:count]


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
        if not _near_homophone(phones(made), phones(keyword)):
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
