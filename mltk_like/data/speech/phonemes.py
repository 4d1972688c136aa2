"""Phonemes: the IPA alphabet that the engines share, how a string of it falls apart, and how alike two sounds are.

The alphabet is the one of Kokoro's and hibari's lexicons: IPA with the stress mark right before the vowel and
single letters for the English diphthongs (A I O Q W Y). Everything here works on strings of it.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

STRESS = "ˈˌ"
PUNCTUATION = ' .,!?;:—…"()“”'
ALPHABET = frozenset(
    ';:,.!?—…"()“” ̃ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ'
)
"""What Kokoro's vocabulary has (its `vocab.json`)."""

_SPLIT = {"A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "Y": "ɔɪ", "ɚ": "əɹ", "ʣ": "dz", "ʦ": "ts"}
_SAME = {"ᵊ": "ə", "ɐ": "ə", "ʌ": "ə", "ᵻ": "ɪ", "T": "ɾ", "g": "ɡ", "r": "ɹ", "ɝ": "ɜ", "ʥ": "ʤ", "ʨ": "ʧ"}

# (height, backness, rounding), each 0..1: the vowel chart of the International Phonetic Association.
_VOWELS: dict[str, tuple[float, float, float]] = {
    "i": (1, 0, 0), "y": (1, 0, 1), "ɪ": (0.85, 0.2, 0), "ɨ": (1, 0.5, 0), "ɯ": (1, 1, 0), "u": (1, 1, 1),
    "ʊ": (0.85, 0.8, 1), "e": (0.7, 0, 0), "ø": (0.7, 0, 1), "ɤ": (0.7, 1, 0), "o": (0.7, 1, 1), "ə": (0.5, 0.5, 0),
    "ɛ": (0.4, 0.1, 0), "œ": (0.4, 0.1, 1), "ɜ": (0.4, 0.5, 0), "ɔ": (0.35, 1, 1), "æ": (0.2, 0.1, 0),
    "a": (0, 0.3, 0), "ɑ": (0, 1, 0), "ɒ": (0, 1, 1),
}  # fmt: skip
# (place from lips 0 to glottis 1, manner from stop 0 to glide 1, voice)
_CONSONANTS: dict[str, tuple[float, float, float]] = {
    "p": (0, 0, 0), "b": (0, 0, 1), "m": (0, 0.7, 1), "ɸ": (0.05, 0.4, 0), "β": (0.05, 0.4, 1), "f": (0.1, 0.4, 0),
    "v": (0.1, 0.4, 1), "ʋ": (0.1, 0.9, 1), "θ": (0.25, 0.4, 0), "ð": (0.25, 0.4, 1), "t": (0.35, 0, 0),
    "d": (0.35, 0, 1), "n": (0.35, 0.7, 1), "s": (0.35, 0.4, 0), "z": (0.35, 0.4, 1), "ɾ": (0.35, 0.3, 1),
    "l": (0.35, 0.9, 1), "ɹ": (0.45, 0.95, 1), "ɻ": (0.5, 0.95, 1), "ɽ": (0.5, 0.3, 1), "ʈ": (0.5, 0, 0),
    "ɖ": (0.5, 0, 1), "ɳ": (0.5, 0.7, 1), "ʂ": (0.5, 0.4, 0), "ʧ": (0.45, 0.2, 0), "ʤ": (0.45, 0.2, 1),
    "ʃ": (0.45, 0.4, 0), "ʒ": (0.45, 0.4, 1), "ɕ": (0.55, 0.4, 0), "ç": (0.6, 0.4, 0), "ʝ": (0.6, 0.4, 1),
    "c": (0.6, 0, 0), "ɟ": (0.6, 0, 1), "ɲ": (0.6, 0.7, 1), "ʎ": (0.6, 0.9, 1), "j": (0.6, 1, 1), "ɥ": (0.5, 1, 1),
    "k": (0.75, 0, 0), "ɡ": (0.75, 0, 1), "ŋ": (0.75, 0.7, 1), "x": (0.75, 0.4, 0), "ɣ": (0.75, 0.4, 1),
    "ɰ": (0.75, 1, 1), "w": (0.4, 1, 1), "q": (0.85, 0, 0), "χ": (0.85, 0.4, 0), "ʁ": (0.85, 0.5, 1),
    "ɴ": (0.85, 0.7, 1), "h": (1, 0.5, 0), "ʔ": (1, 0, 0),
}  # fmt: skip
VOWELS = frozenset(_VOWELS) | frozenset("AIOQWYᵊɐʌᵻɚ")
PHONES = "".join(_VOWELS) + "".join(_CONSONANTS)
"""The sounds that `phones` gives; their order is that of `cost_table`."""


def units(phonemes: str) -> list[str]:
    """Split into units that can be moved as one: a sound with its stress mark before it and its modifiers after it.

    Spaces and punctuation are units of their own: 'əlˈɛks ə' -> ['ə', 'l', 'ˈɛ', 'k', 's', ' ', 'ə'].
    """
    parts: list[str] = []
    mark = ""
    for symbol in phonemes:
        if symbol in STRESS:
            mark = symbol
        elif symbol in "ːʰʲ̃ᵝ" and parts and not mark:
            parts[-1] += symbol
        else:
            parts.append(mark + symbol)
            mark = ""
    return parts


def phones(phonemes: str) -> str:
    """The bare sounds: no stress, length or pauses, diphthongs in two, ə/ɐ/ʌ as one. Two strings of equal phones
    are homophones: phones('əlˈɛksə') == phones('ɐlˈɛksʌ')."""
    text = "".join(_SPLIT.get(symbol, symbol) for symbol in phonemes)
    return "".join(kept for symbol in text if (kept := _SAME.get(symbol, symbol)) in _KNOWN)


_KNOWN = frozenset(PHONES)


@lru_cache(maxsize=1)
def cost_table() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Costs of changing one sound into another, and of adding or dropping one.

    Returns:
        (substitution [P, P], insertion or deletion [P]), in the order of `PHONES`. Two vowels or two consonants
        differ by the distance of their articulatory features (0 to 1); a vowel never becomes a consonant cheaply.
    """
    vowels = np.array(list(_VOWELS.values()), np.float32) * np.array([1.0, 0.7, 0.4], np.float32)
    consonants = np.array(list(_CONSONANTS.values()), np.float32) * np.array([1.0, 0.9, 0.35], np.float32)
    table = np.full((len(PHONES), len(PHONES)), 1.5, np.float32)
    for features, start in ((vowels, 0), (consonants, len(vowels))):
        apart = np.sqrt(((features[:, None] - features[None]) ** 2).sum(-1))
        span = slice(start, start + len(features))
        table[span, span] = np.where(apart > 0, np.clip(0.15 + 0.85 * apart, 0, 1), 0)
    gap = np.full(len(PHONES), 0.75, np.float32)
    for weak in "əɪhʔjɹ":
        gap[PHONES.index(weak)] = 0.5
    return table, gap


def encode(sounds: str) -> npt.NDArray[np.uint8]:
    """Indices into `PHONES` of a string that `phones` gave."""
    return np.array([PHONES.index(sound) for sound in sounds], np.uint8)


def distances(word: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Weighted edit distance of one word to many words of one length.

    Args:
        word: [N] indices.
        others: [W, L] indices.

    Returns:
        [W] costs, by the dynamic programme of Wagner and Fischer (J. ACM 21(1), 1974) run for all W at once.
    """
    table, gap = cost_table()
    count, length = others.shape
    row = np.zeros((length + 1, count), np.float32)
    row[1:] = np.cumsum(gap[others.T], axis=0)
    for sound in word:
        previous, row = row, np.empty_like(row)
        row[0] = previous[0] + gap[sound]
        for at in range(length):
            other = others[:, at]
            changed = previous[at] + table[sound, other]
            row[at + 1] = np.minimum(np.minimum(changed, previous[at + 1] + gap[sound]), row[at] + gap[other])
    return row[length]
