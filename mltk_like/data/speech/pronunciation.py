"""Ways to pronounce one word: what hurried, careful, foreign and child speakers do to its sounds."""

from functools import lru_cache

import numpy as np

from mltk_like.data.speech.phonemes import PUNCTUATION, STRESS, VOWELS, phones, units

# What a sound may become without the word becoming another, by place: in a stressed vowel, in an unstressed
# vowel, and in a consonant. Reductions and mergers as in J. C. Wells, Accents of English (1982), chapters 2 and 3.
_STRESSED = {
    "ɛ": "eɛː", "æ": "aæː", "ɑ": "ɒaɑː", "ɔ": "oɒ", "O": "oɔː", "A": "eɛː", "ʌ": "ɐə", "ɪ": "iɪː", "i": "iː", "u": "uː",
    "ɜ": "ɜːə", "I": "Iː", "W": "aW", "ʊ": "uʊː", "Y": "Yː",
}  # fmt: skip
_UNSTRESSED = {
    "ə": "ɐʌɑ",
    "ɪ": "ᵻəi",
    "i": "ɪ",
    "ᵻ": "ɪə",
    "ᵊ": "ə",
    "O": "oə",
    "u": "ʊ",
    "æ": "əa",
    "ɑ": "ɐa",
    "ɛ": "eɪ",
}
_FINAL = {"ə": "ɐɑaʌəː", "i": "iːɪ", "O": "oOː"}
_CONSONANT = {
    "ɾ": "td",
    "ɹ": "ɾ",
    "θ": "t",
    "ð": "d",
    "k": "kʰ",
    "p": "pʰ",
    "t": "tʰ",
    "ʤ": "ʒ",
    "w": "ʋ",
    "l": "lː",
    "s": "sː",
}
_CLUSTERS = {
    "ks": ("ɡz", "ɡs", "kəs"),
    "ɡz": ("ks",),
    "ŋk": ("nk",),
    "tɹ": ("ʧɹ",),
    "dɹ": ("ʤɹ",),
    "hw": ("w",),
    "nj": ("n",),
}


def _choices(becomes: str) -> list[str]:
    out: list[str] = []
    for symbol in becomes:
        if symbol in "ːʰ":
            out[-1] += symbol
        else:
            out.append(symbol)
    return out


def _single_changes(parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    last = max((at for at, part in enumerate(parts) if part not in PUNCTUATION), default=-1)
    found = []
    for at, part in enumerate(parts):
        mark, sound = (part[0], part[1:]) if part[0] in STRESS else ("", part)
        if sound not in VOWELS:
            table = _CONSONANT
        elif mark:
            table = _STRESSED
        else:
            table = _FINAL if at == last else _UNSTRESSED
        found += [(*parts[:at], mark + new, *parts[at + 1 :]) for new in _choices(table.get(sound, ""))]
        pair = "".join(parts[at : at + 2])
        found += [(*parts[:at], *units(new), *parts[at + 2 :]) for new in _CLUSTERS.get(pair, ())]
    if parts and parts[0] in VOWELS:
        found.append(("ˌ" + parts[0], *parts[1:]))
    return found


@lru_cache(maxsize=256)
def variants(phonemes: str, changes: int = 2) -> tuple[str, ...]:
    """Pronunciations of a word, the given one first, then those with one change, then with two.

    Args:
        phonemes: the word as the lexicon has it.
        changes: how many sounds may differ at once.
    """
    found: dict[tuple[str, ...], None] = {tuple(units(phonemes)): None}
    edge = list(found)
    for _ in range(changes):
        edge = [new for parts in edge for new in _single_changes(parts) if new not in found]
        found.update(dict.fromkeys(edge))
    return tuple(dict.fromkeys("".join(parts) for parts in found))


def draw_variant(phonemes: str, rng: np.random.Generator) -> str:
    """One pronunciation: as given 40 % of the time, with one change 40 %, with two 20 %."""
    parts = tuple(units(phonemes))
    for _ in range(int(rng.choice(3, p=(0.4, 0.4, 0.2)))):
        options = _single_changes(parts)
        if options:
            parts = options[int(rng.integers(len(options)))]
    return "".join(parts)


@lru_cache(maxsize=64)
def spoken_forms(phonemes: str) -> frozenset[str]:
    """Bare sounds (`phones`) of all variants: what no negative may contain."""
    return frozenset(phones(variant) for variant in variants(phonemes))


def contains(phonemes: str, keyword: str) -> bool:
    """Whether the keyword, in any of its pronunciations, is heard somewhere in `phonemes`."""
    heard = phones(phonemes)
    return any(form in heard for form in spoken_forms(keyword) if form)
