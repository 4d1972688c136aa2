"""Engine 'espeak': espeak-ng's formant voices in a hundred languages, about 5 ms a word; robotic, but many."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import zip_longest
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.espeak_client import (
    EspeakProcess,
    espeak_codes,
    espeak_folder,
    espeak_languages,
    espeak_variants,
)
from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import SettingError

_ACCENTS = "en-us,en,en-gb-scotland,en-gb-x-rp,en-gb-x-gbclan,en-029"
_VARIANTS = (
    "f1,f2,f3,f4,f5,m1,m2,m3,m4,m5,m6,m7,m8,Andy,Annie,Alicia,Denis,Diogo,Gene,Gene2,Henrique,Hugo,Lee,Marco,Mario,Michael,"
    "Mike,Reed,Storm,adam,anika,antonio,belinda,benjamin,boris,caleb,david,ed,edward,grandma,grandpa,ian,linda,max,michel,"
    "miguel,norbert,pablo,paul,pedro,rob,robert,sandro,shelby,steph,travis,victor,zac"
)
_WILD = "*?["


class Espeak(Engine):
    """espeak-ng (GPL-3) out of the package espeakng-loader, in a process of its own that is spoken to by pipe.

    The argument is a language or several with commas between ('de', 'en-us,fr,hi'); default: accents of English. `*`
    and `?` stand for what they do in file names: 'en-*', '*' for all languages. A language speaks in the variants that
    sound like people; 'de+whisper' or 'de+*' names others. It reads the text of an utterance by its own rules and does
    not take phonemes. No randomness.
    """

    version: ClassVar[str] = "espeak-ng-1.52/1"
    reads_phonemes = False

    def check(self) -> None:
        espeak_folder()
        for language, variants in self._wanted():
            for name, known in ((language, espeak_codes()), *((v, espeak_variants()) for v in variants)):
                if name not in known:
                    near = get_close_matches(name, known, 3) or known[:3]
                    raise SettingError(f"espeak-ng has no {name!r}", f"it has {', '.join(near)} and more")

    def voices(self) -> Sequence[str]:
        voices = [[f"{language}+{variant}" for variant in variants] for language, variants in self._wanted()]
        # Languages take turns, so that the first voices of the list differ as much as they can.
        return tuple(voice for turn in zip_longest(*voices) for voice in turn if voice)

    def _wanted(self) -> list[tuple[str, tuple[str, ...]]]:
        """(language, variants) of the argument. Needs the package only where there is a wildcard to fill in."""
        found = []
        for item in (self.argument or _ACCENTS).split(","):
            language, _, variant = item.strip().partition("+")
            variants = tuple(_VARIANTS.split(","))
            if variant:
                variants = _matching(variant, espeak_variants) if _is_wild(variant) else (variant,)
            languages = _matching(language, espeak_languages) if _is_wild(language) else (language,)
            found += [(one, variants) for one in languages]
        return found

    def manner(self, rng: np.random.Generator) -> Manner:
        extra = (("pitch", float(rng.integers(25, 76))), ("range", float(rng.integers(20, 81))))
        shift = round(float(np.exp(rng.uniform(-0.1, 0.1))), 3)
        return Manner(speed=round(float(rng.uniform(0.7, 1.3)), 2), shift=shift, extra=extra)

    def emphasised(self, manner: Manner) -> Manner:
        """A tenth slower, with the widest range of pitch."""
        extra = tuple((name, 100.0 if name == "range" else value) for name, value in manner.extra)
        return replace(super().emphasised(manner), extra=extra)

    @cached_property
    def _process(self) -> EspeakProcess:
        return EspeakProcess()

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        request = {
            "voice": utterance.voice,
            "text": utterance.text,
            # 175 words a minute is espeak's own rate. A new draw of a bad clip must differ: one word a minute.
            "rate": round(175 * utterance.speed / utterance.shift) + (seed - utterance.seed),
            **{name: int(value) for name, value in utterance.extra},
        }
        return self._process.speak(request)


def _is_wild(pattern: str) -> bool:
    return any(symbol in pattern for symbol in _WILD)


def _matching(pattern: str, known: Callable[[], Sequence[str]]) -> tuple[str, ...]:
    found = tuple(name for name in known() if fnmatchcase(name, pattern))
    if not found:
        raise SettingError(
            f"nothing that espeak-ng has matches {pattern!r}", f"it has {', '.join(known()[:5])} and more"
        )
    return found
