"""Ways to pronounce one word: what hurried, careful, foreign and child speakers do to its sounds."""

import re
from collections.abc import Sequence
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

# Whoever speaks with care, and many a foreigner, gives every vowel the full sound that its letter stands for:
# "kom-pyoo-ter". Letters and sounds of English as in E. Carney, A Survey of English Spelling (1994), chapter 3.
_FULL = {"a": "ɑæA", "e": "ɛe", "i": "ɪi", "o": "ɔɑO", "u": "ʌu", "y": "ɪi"}
_ANY_FULL = "ɑæAɛeɪiɔOʌuɜ"
_WEAK = frozenset("əɐᵊᵻɪ")
_LETTERS = re.compile("[aeiouy]+")
_TAPS = "ɾT"


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


def draw_careful(phonemes: str, spelling: str, rng: np.random.Generator) -> str:
    """A text said with care: weak vowels have the full sound of their letters, taps are stops, stops are breathed.

    Args:
        phonemes: the text as the lexicon has it.
        spelling: its words; where they have another number of vowels than the sounds, any full vowel may stand.
        rng: decides which.
    """
    words, spelt = phonemes.split(" "), spelling.split(" ")
    letters = spelt if len(spelt) == len(words) else [""] * len(words)
    return " ".join(_careful_word(word, text, rng) for word, text in zip(words, letters, strict=True))


def _careful_word(phonemes: str, spelling: str, rng: np.random.Generator) -> str:
    parts = units(phonemes)
    full = dict(zip(_vowels(parts), _letters_of(parts, spelling), strict=True))
    said = []
    for at, part in enumerate(parts):
        if part in _WEAK and at in full:
            part = str(rng.choice(("", "ˌ", "ˈ"), p=(0.35, 0.45, 0.2))) + full[at][int(rng.integers(len(full[at])))]
        elif part in _TAPS:
            part = "t" if rng.random() < 0.8 else "d"
        elif part[0] in STRESS and part[1:] in VOWELS and rng.random() < 0.3:
            part += "ː"
        said.append(part + "ʰ" if part in "kpt" and rng.random() < 0.3 else part)
    return "".join(said)


def _vowels(parts: Sequence[str]) -> list[int]:
    return [at for at, part in enumerate(parts) if part.lstrip(STRESS).rstrip("ː") in VOWELS]


def _letters_of(parts: Sequence[str], spelling: str) -> list[str]:
    """For each vowel the full sounds of its letters."""
    vowels, letters = _vowels(parts), _LETTERS.findall(spelling.lower())
    if len(letters) == len(vowels) + 1 and spelling.lower().endswith("e"):
        letters.pop()
    aligned = len(letters) == len(vowels)
    found = [_FULL[group[0]] for group in letters] if aligned else [_ANY_FULL] * len(vowels)
    for number, at in enumerate(vowels):
        after = parts[at + 1] if at + 1 < len(parts) else ""
        if after == "ɹ":
            found[number] = "əɜ" + found[number][0]
        elif not after:
            found[number] = _last(found[number])
    return found


def _last(sounds: str) -> str:
    """Of some full vowels those at which a word may end in place of a weak one: "sofa" is never "sofay" or "sofee"."""
    return "".join(sound for sound in sounds if sound not in "Aeiɪ") or "ə"


def draw_hurried(phonemes: str, rng: np.random.Generator) -> str:
    """A text said in haste: a weak vowel between consonants is left out; a text without one stays as it is."""
    options = _hurried(tuple(units(phonemes)))
    return "".join(options[int(rng.integers(len(options)))]) if options else phonemes


def draw_accent(phonemes: str, rng: np.random.Generator) -> str:
    """A text without r but before vowels, as most of England, Australia and India say it, or with "you" in two sounds.

    The vowel before it is long in its place (Wells, Accents of English, chapter 3.2). A text without either sound
    stays as it is.
    """
    parts, said = units(phonemes), list[str]()
    silent = _after_vowels(parts) if rng.random() < 0.85 else set()
    split = rng.random() < 0.4
    for at, part in enumerate(parts):
        if at in silent:
            said[-1] = str(rng.choice(("ə", "ɐ", "ɑ"))) if said[-1] in _WEAK else said[-1].rstrip("ː") + "ː"
        elif split and part == "j" and at + 1 < len(parts) and parts[at + 1].lstrip(STRESS)[0] in "uʊ":
            said.append("i")
        else:
            said.append(part)
    return "".join(said)


def _after_vowels(parts: Sequence[str]) -> set[int]:
    """Where an r stands behind a vowel and before none."""
    vowels = set(_vowels(parts))
    return {at for at, part in enumerate(parts) if part == "ɹ" and at - 1 in vowels and at + 1 not in vowels}


def _hurried(parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    sounds = VOWELS.union(PUNCTUATION)
    return [
        (*parts[:at], *parts[at + 1 :])
        for at in range(1, len(parts) - 1)
        if parts[at] in _WEAK and parts[at - 1][0] not in sounds and parts[at + 1][0] not in sounds.union(STRESS)
    ]


@lru_cache(maxsize=64)
def spoken_forms(phonemes: str) -> frozenset[str]:
    """Bare sounds (`phones`) of all variants, hurried ones too: what no negative may contain."""
    hurried = map("".join, _hurried(tuple(units(phonemes))))
    return frozenset(map(phones, (*variants(phonemes), *hurried)))


@lru_cache(maxsize=64)
def _careful_forms(phonemes: str) -> re.Pattern[str]:
    """The bare sounds of all that `draw_careful` and `draw_accent` make of a word: too many to be listed."""
    parts = units(phonemes)
    silent = _after_vowels(parts)
    forms = []
    for at, part in enumerate(parts):
        sounds = "|".join(map(re.escape, map(phones, (part, *_other_sounds(part, last=at + 1 == len(parts))))))
        forms.append(f"(?:{sounds})" + ("?" if at in silent else ""))
    return re.compile("".join(forms))


def _other_sounds(part: str, *, last: bool) -> str:
    """What care or an accent may make of a sound."""
    if part in _WEAK:
        return _last(_ANY_FULL) if last else _ANY_FULL
    return "td" if part in _TAPS else "i" if part == "j" else ""


def contains(phonemes: str, keyword: str) -> bool:
    """Whether the keyword, in any of its pronunciations, is heard somewhere in `phonemes`."""
    heard = phones(phonemes)
    if not phones(keyword):
        return False
    return any(form in heard for form in spoken_forms(keyword) if form) or bool(_careful_forms(keyword).search(heard))
