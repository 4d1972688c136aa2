"""What speaks against words as wake words: too short, said all day, or near to what is."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

from mltk_like.data.speech.frequent import FREQUENT_WORDS
from mltk_like.data.speech.lexicon import load_lexicon, pronounce
from mltk_like.data.speech.phonemes import PUNCTUATION, STRESS, VOWELS, distances, encode, phones, units
from mltk_like.data.speech.pronunciation import contains
from mltk_like.data.speech.words import find_alikes
from mltk_like.errors import SettingError

# In the measure of `find_alikes`, one clear change of a sound being about 1. Two commands are told from each other by
# one net, over and over: they have to be further apart than a keyword from what is said now and then.
# One change of a short word makes quite another word.
_NEAR, _NEAR_EACH_OTHER, _NEAR_OF_EACH_SOUND = 1.25, 2.0, 0.35
_FEW_SOUNDS, _FEW_SYLLABLES = 6, 2
_SEARCHED = 512  # sound-alikes among which those of frequent words are looked for
_NAMED = 4


def advise(phrases: Sequence[str]) -> tuple[str, ...]:
    """What speaks against each of some English keywords, and against having them together, as sentences.

    Args:
        phrases: words or phrases.

    Returns:
        One sentence for each doubt; none where there is none.

    Raises:
        SettingError: nothing of a keyword is pronounced, or two of them are pronounced the same.
        ToolError: hibari, whose lexicon is used, is not installed.
    """
    said = {phrase: pronounce(phrase) for phrase in phrases}
    for phrase, phonemes in said.items():
        if not phones(phonemes):
            raise SettingError(f"nothing of the keyword {phrase!r} is pronounced", "spell it as it is said, in letters")
    return (*(doubt for phrase in said for doubt in _doubts(phrase, said[phrase])), *_together(said))


def _doubts(phrase: str, phonemes: str) -> list[str]:
    """Of one keyword."""
    found = []
    sounds, syllables = _length(phonemes)
    if sounds < _FEW_SOUNDS or syllables < _FEW_SYLLABLES:
        found.append(
            f"{phrase!r} is short: {_count(syllables, 'syllable')}, {_count(sounds, 'sound')}; it is found in much "
            "that is said, so take three syllables or more"
        )
    if all(word in FREQUENT_WORDS for word in phrase.lower().split()):
        found.append(f"{phrase!r} is common: people say it when they do not mean the device")
    near = _near_frequent(phrase)
    if near:
        names = ", ".join(repr(name) for name in near[:_NAMED])
        found.append(f"{phrase!r} sounds much like everyday words: {names}")
    return found


def _length(phonemes: str) -> tuple[int, int]:
    """Number of sounds, a diphthong being one, and of syllables."""
    sounds = [unit.lstrip(STRESS) for unit in units(phonemes) if unit not in PUNCTUATION]
    return len(sounds), sum(sound[:1] in VOWELS for sound in sounds)


def _near_frequent(phrase: str) -> list[str]:
    """Frequent words and pairs of them that sound much like a keyword, nearest first."""
    target = encode(phones(pronounce(phrase)))
    own, nearest = phrase.lower(), min(_NEAR, _NEAR_OF_EACH_SOUND * len(target))
    found = [
        (float(distances(target, encode(sounds)[None])[0]), word)
        for word, sounds in _frequent_sounds()
        if word != own and abs(len(sounds) - len(target)) <= 2
    ]
    for alike in find_alikes(phrase, _SEARCHED):
        words = alike.phrase.lower().split()
        if len(words) > 1 and alike.phrase.lower() != own and all(word in FREQUENT_WORDS for word in words):
            found.append((alike.distance, alike.phrase))
    return list(dict.fromkeys(name for distance, name in sorted(found) if distance < nearest))


@lru_cache(maxsize=1)
def _frequent_sounds() -> tuple[tuple[str, str], ...]:
    lexicon = load_lexicon()
    return tuple((word, phones(lexicon[word])) for word in FREQUENT_WORDS if word in lexicon)


def _together(said: dict[str, str]) -> list[str]:
    """Of each two keywords."""
    found = []
    for (one, first), (other, second) in combinations(said.items(), 2):
        apart = float(distances(encode(phones(first)), encode(phones(second))[None])[0])
        if apart == 0:
            raise SettingError(f"{one!r} and {other!r} are pronounced the same", "leave one of them out")
        shorter = min(len(phones(first)), len(phones(second)))
        if apart < min(_NEAR_EACH_OTHER, _NEAR_OF_EACH_SOUND * shorter):
            found.append(f"{one!r} and {other!r} sound much alike: each will be taken for the other")
        elif contains(first, second) or contains(second, first):
            long, short = (one, other) if len(first) > len(second) else (other, one)
            found.append(f"{short!r} is heard in {long!r}: both will be detected")
    return found


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
