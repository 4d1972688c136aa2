"""What a model's `sources()` calls: speech of the keyword, and of all that must not be taken for it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from mltk_like.data.speech.confusions import is_phrase
from mltk_like.data.speech.source import SpeechSource
from mltk_like.data.speech.texts import Confusions, Parts, PseudoWords, RandomPhrases, Said, SoundAlikes, Texts
from mltk_like.data.speech.variation import USUAL, Variation
from mltk_like.data.speech.word_list import WordList
from mltk_like.errors import SettingError

Engines = Mapping[str, float] | Sequence[str]
"""Engine specifications with their shares, or a list of them with equal shares."""

Voices = str | Sequence[str]
"""Patterns of voices, or one."""

# Shares weigh variety (kokoro: 300 speakers, 0.5 s a word) against time (hibari 0.01 s, piper 0.06 s).
KEYWORD_ENGINES: Mapping[str, float] = MappingProxyType({"kokoro": 0.36, "hibari": 0.28, "piper": 0.36})
"""Default voices of `say`."""
ALIKE_ENGINES: Mapping[str, float] = MappingProxyType({"kokoro": 0.12, "hibari": 0.53, "piper": 0.35})
"""Default voices of `say_sound_alikes`, `say_parts` and `say_confusions`."""
PHRASE_ENGINES: Mapping[str, float] = MappingProxyType({"kokoro": 0.02, "hibari": 0.8, "piper": 0.18})
"""Default voices of `say_random`."""
PSEUDO_ENGINES: Mapping[str, float] = MappingProxyType({"kokoro": 0.2, "piper": 0.8})
"""Default voices of `say_pseudo_words`: those that were trained on more than one language, or stand foreign sounds."""

STREAM_ENGINES: Mapping[str, float] = MappingProxyType({"hibari": 1.0})
"""Default voice of `say_for_hours`: one that speaks more than a hundred times faster than time passes."""

# A clip of so many phrases or made-up words lasts 27 s on average, with a deviation of a quarter of that.
_PHRASES, _PSEUDO_WORDS, _TALK_S = 16, 26, 26.0


def say(
    *texts: str, label: str, count: int, engines: Engines = KEYWORD_ENGINES, voices: Voices = (), seed: int = 0,
    variation: Variation = USUAL, morph: float = 0.0, name: str | None = None,
) -> SpeechSource:  # fmt: skip
    """Texts said by many voices, in many pronunciations and tones.

    Args:
        texts: what is said, by turns; usually one keyword.
        label: class of the clips.
        count: number of clips.
        engines: which engines speak; see `mltk_like.data.speech.engines`.
        voices: which of their voices, as patterns: "espeak:en-us+f?", "joe"; none: all, by turns.
        seed: another seed gives other clips.
        variation: rates, pitches, endings, emphasis and pauses.
        morph: share of the clips that are others of them in another voice: vocal tract, pitch, breath and tempo
            changed. It gives a dear engine many more voices; give negatives the same share, or the net may learn to
            tell a vocoder. A morph keeps the group of the voice that it was made of. Needs the extra `morph`.
        name: name of the source; by default made from the texts.

    Raises:
        SettingError: no text, a count below 1, a share outside 0 to 1, or an unknown engine.
    """
    if not texts or not all(text.strip() for text in texts):
        raise SettingError("say() got no text to say", 'give one, such as say("alexa", label="alexa", count=1000)')
    source = _source(
        Said(texts, variation), name or f"speech '{', '.join(texts)}'", label, count, engines, voices, seed, morph
    )
    return replace(source, variation=variation)


def say_sound_alikes(
    word: str, *, label: str, count: int, engines: Engines = ALIKE_ENGINES, voices: Voices = (), seed: int = 0,
    nearest: int = 512, words: WordList | None = None, morph: float = 0.0, name: str | None = None,
) -> SpeechSource:  # fmt: skip
    """Words and two-word phrases that sound most like `word` and are not it: the `nearest` so many, by turns.

    They come from the English lexicon, or from a list of words of another language, which needs engines that speak it.
    Other arguments as of `say`.
    """
    texts = SoundAlikes(word, nearest, words)
    return _source(texts, name or f"sound-alikes of '{word}'", label, count, engines, voices, seed, morph)


def say_parts(
    word: str, *, label: str, count: int, engines: Engines = ALIKE_ENGINES, voices: Voices = (), seed: int = 0,
    morph: float = 0.0, name: str | None = None,
) -> SpeechSource:  # fmt: skip
    """Beginnings, endings, splices and spoilt forms of `word`. Arguments as of `say`."""
    return _source(Parts(word), name or f"parts of '{word}'", label, count, engines, voices, seed, morph)


def say_confusions(
    phrase: str, *, label: str, count: int, engines: Engines = ALIKE_ENGINES, voices: Voices = (), seed: int = 0,
    morph: float = 0.0, name: str | None = None,
) -> SpeechSource:  # fmt: skip
    """Phrases that share words with a keyword of several words and are not it.

    Of "hey gecko": its words alone, in another order or one of them again ("gecko hey"), its beginning and its end with
    other words ("hey computer", "the gecko"), and sound-alikes in the place of one word ("hey ghetto"). Other arguments
    as of `say`.

    Raises:
        SettingError: the keyword is one word; and as of `say`.
    """
    if not is_phrase(phrase):
        raise SettingError(f"say_confusions() got one word, {phrase!r}", "use say_parts, which makes parts of a word")
    return _source(Confusions(phrase), name or f"confusions of '{phrase}'", label, count, engines, voices, seed, morph)


def say_random(
    *, label: str, count: int, avoid: Sequence[str] = (), engines: Engines = PHRASE_ENGINES, voices: Voices = (),
    seed: int = 0, morph: float = 0.0, name: str | None = None,
) -> SpeechSource:  # fmt: skip
    """Random words and sentences in which none of the words to `avoid` is heard. Arguments as of `say`."""
    return _source(RandomPhrases(_words(avoid)), name or "random speech", label, count, engines, voices, seed, morph)


def say_pseudo_words(
    *, label: str, count: int, avoid: Sequence[str] = (), engines: Engines = PSEUDO_ENGINES, voices: Voices = (),
    seed: int = 0, morph: float = 0.0, name: str | None = None,
) -> SpeechSource:  # fmt: skip
    """Made-up words in the sounds of a dozen languages. Arguments as of `say_random`."""
    return _source(PseudoWords(_words(avoid)), name or "pseudo-words", label, count, engines, voices, seed, morph)


def speech_negatives(word: str, *, label: str, count: int, seed: int = 0, morph: float = 0.0) -> list[SpeechSource]:
    """Everything that must not be taken for `word`, in the default voices: 20 % sound-alikes, 15 % parts of it, 55 %
    random words and sentences, 10 % pseudo-words; a share of each may be morphs, as of `say`.

    For a keyword of several words 10 % are phrases that share words with it (`say_confusions`), and 45 % random."""
    part = max(1, round(count * 0.05))
    confusions = []
    if is_phrase(word):
        confusions = [say_confusions(word, label=label, count=2 * part, seed=seed, morph=morph)]
    n_random = max(1, count - (9 + 2 * len(confusions)) * part)
    return [
        say_sound_alikes(word, label=label, count=4 * part, seed=seed, morph=morph),
        say_parts(word, label=label, count=3 * part, seed=seed, morph=morph),
        say_random(label=label, count=n_random, avoid=(word,), seed=seed, morph=morph),
        say_pseudo_words(label=label, count=2 * part, avoid=(word,), seed=seed, morph=morph),
        *confusions,
    ]


def say_for_hours(
    hours: float, *, label: str, avoid: Sequence[str] = (), engines: Engines = STREAM_ENGINES, seed: int = 0
) -> list[SpeechSource]:
    """About so many hours of talk to judge a detector on: clips of half a minute, four fifths random words and
    sentences, one fifth made-up words in the sounds of a dozen languages. In the default voice an hour takes about 20 s
    of one core and 115 MB.

    Args:
        hours: of audio, above 0.
        label: of the clips.
        avoid: words that are not heard in it.
        engines: as of `say`; those of the made-up words must read phonemes.
        seed: another seed gives other talk.

    Raises:
        SettingError: the hours are not above 0, or an unknown engine.
    """
    if not 0 < hours < math.inf:
        raise SettingError(f"{hours} hours of talk", "give more than 0")
    words = _words(avoid)

    def talk(texts: Texts, share: float, name: str) -> SpeechSource:
        return _source(texts, name, label, math.ceil(share * hours * 3600 / _TALK_S), engines, (), seed, 0.0)

    return [
        talk(RandomPhrases(words, in_a_row=_PHRASES), 0.8, "talk"),
        talk(PseudoWords(words, in_a_row=_PSEUDO_WORDS), 0.2, "talk of made-up words"),
    ]


def _source(
    texts: Texts, name: str, label: str, count: int, engines: Engines, voices: Voices, seed: int, morph: float,
) -> SpeechSource:  # fmt: skip
    shares = engines if isinstance(engines, Mapping) else dict.fromkeys(_words(engines), 1.0)
    return SpeechSource(
        name=name, label=label, texts=texts, count=count, engines=tuple(shares.items()), seed=seed,
        voices=_words(voices), morph=morph,
    )  # fmt: skip


def _words(given: Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
