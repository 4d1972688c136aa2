"""Words that mean nothing, in the sounds and syllable shapes of many languages, for engines that read IPA."""

from dataclasses import dataclass

import numpy as np

_LIMIT = 5  # syllables


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sounds:
    """A language's syllables, simplified: onset, vowel, coda, each one of the given, split at spaces; '-' is none."""

    onsets: str
    vowels: str
    codas: str
    stress: int  # syllable that bears it: 0 the first, -1 the last, -2 the one before


LANGUAGES = {
    "spanish": _Sounds(
        onsets="p t k b d ɡ m n ɲ s f x l ɾ r ʧ pɾ tɾ pl kl ɡɾ -",
        vowels="a e i o u a e o je we",
        codas="- - - n s l ɾ",
        stress=-2,
    ),
    "french": _Sounds(
        onsets="p t k b d ɡ m n s z f v ʃ ʒ l ʁ pʁ tʁ pl kl -",
        vowels="a e ɛ i o ɔ u y ø œ ɑ̃ ɔ̃ ɛ̃",
        codas="- - - ʁ l s t k",
        stress=-1,
    ),
    "italian": _Sounds(
        onsets="p t k b d ɡ m n s f v l r ʧ ʤ ʦ st sp pr tr kw",
        vowels="a e i o u a o ɛ ɔ",
        codas="- - - n l r s",
        stress=-2,
    ),
    "german": _Sounds(
        onsets="p t k b d ɡ m n z f v ʃ h l ʁ ʦ ʃt ʃp kʁ bl ɡl pf",
        vowels="aː a eː ɛ iː ɪ oː ɔ uː ʊ yː øː aɪ aʊ ɔY",
        codas="- n t s x ç l k ft st ks",
        stress=0,
    ),
    "japanese": _Sounds(
        onsets="k s t n h m j ɾ w ɡ z d b p ʨ ɕ ʦ kj ɾj -", vowels="a i ɯ e o a o oː eː", codas="- - - - ɴ", stress=0
    ),
    "mandarin": _Sounds(
        onsets="p pʰ t tʰ k kʰ m n l f x ʂ ʈʂ ɕ ʨ ʨʰ s ʦ w j -",
        vowels="a i u y ə ɤ aɪ eɪ aʊ oʊ ja wa we",
        codas="- - n ŋ",
        stress=-1,
    ),
    "hindi": _Sounds(
        onsets="p pʰ t tʰ ʈ ɖ k kʰ b d ɡ ʤ ʧ m n s ʃ l ɾ ʋ h -",
        vowels="aː ə iː ɪ uː ʊ eː oː ɛː ɔː",
        codas="- - n ɾ l k t",
        stress=-2,
    ),
    "arabic": _Sounds(
        onsets="b t d k q ɡ f s z ʃ ʒ x ɣ h m n l r w j ʔ", vowels="a aː i iː u uː", codas="- n m r l s b d", stress=-2
    ),
    "russian": _Sounds(
        onsets="p pʲ t tʲ k b d ɡ m mʲ n nʲ s sʲ z ʂ x l lʲ r v st zd pr kr ʨ",
        vowels="a ɛ i o u ɨ ə",
        codas="- - t k n sʲ j v",
        stress=-2,
    ),
    "turkish": _Sounds(
        onsets="p t k b d ɡ m n s z f v ʃ ʤ ʧ h l ɾ j -", vowels="a e i o u y ø ɯ", codas="- n l ɾ k s m", stress=-1
    ),
    "swahili": _Sounds(
        onsets="p t k b d ɡ m n s z f v ʃ ʤ ʧ h l ɾ j w mb nd ŋɡ", vowels="a e i o u", codas="-", stress=-2
    ),
    "english": _Sounds(
        onsets="p t k b d ɡ m n s z f v ʃ ʤ ʧ h l ɹ w j st bl kɹ θ -",
        vowels="ɪ ɛ æ ʌ ɑ i u O A I ə ɜɹ W",
        codas="- n t s z l k ks d st m",
        stress=0,
    ),
}


def pseudo_word(rng: np.random.Generator) -> str:
    """IPA of one or two made-up words of 1 to 5 syllables, within Kokoro's alphabet."""
    names = list(LANGUAGES)
    sounds = LANGUAGES[names[int(rng.integers(len(names)))]]
    count = 1 if rng.random() < 0.75 else 2
    return " ".join(_word(sounds, rng) for _ in range(count))


def _word(sounds: _Sounds, rng: np.random.Generator) -> str:
    count = 1 + int(rng.choice(_LIMIT, p=(0.1, 0.35, 0.35, 0.15, 0.05)))
    stressed = sounds.stress % count if abs(sounds.stress) <= count else 0
    syllables = []
    for at in range(count):
        onset, vowel, coda = (_pick(options, rng) for options in (sounds.onsets, sounds.vowels, sounds.codas))
        syllables.append(onset + ("ˈ" if at == stressed else "") + vowel + coda)
    return "".join(syllables)


def _pick(options: str, rng: np.random.Generator) -> str:
    choices = options.split()
    return choices[int(rng.integers(len(choices)))].replace("-", "")
