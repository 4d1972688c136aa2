"""A source of synthetic speech: plans who says what, makes what is missing, hands over clips."""

import logging
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.fetch import offline
from mltk_like.data.source import Inventory
from mltk_like.data.speech.catalogue import matches
from mltk_like.data.speech.engines import Engine, open_engine, shared_engine
from mltk_like.data.speech.morph import Morph, check_morph
from mltk_like.data.speech.render import REJECTED, Job, make_clips
from mltk_like.data.speech.texts import Texts
from mltk_like.data.speech.utterance import Utterance, speech_dir
from mltk_like.data.speech.variation import USUAL, Variation
from mltk_like.errors import DataError, SettingError

logger = logging.getLogger(__name__)

# The voices come in one order in every source, so that positives and negatives share the first ones and no class can
# be told by who speaks.
_VOICE_ORDER = 0x766F6963

_MORPH = 0x6D6F7270


@dataclass(frozen=True, kw_only=True)
class SpeechSource:
    """Clips of synthetic speech, made on this machine and kept in the cache by content.

    Attributes:
        name: shown at the progress bar and in the manifest.
        label: class of all its clips.
        texts: gives what the n-th clip says.
        count: number of clips.
        engines: (engine specification, share) pairs; see `engines.py`.
        seed: another seed gives other manners and texts.
        voices: patterns, as of file names, of which a voice's name ('en-us+f2') or full name ('espeak:en-us+f2') must
            match one; none: all voices. An engine without such a voice is left out.
        variation: which rates and pitches; the rest of it is the texts' affair.
        instead: (engine specification, share) pairs that speak where a voice of `engines` cannot be fetched; none: then
            there are no clips.
        morph: share of the clips that are made of others of this source: the same said by another voice (`morph.py`).
    """

    name: str
    label: str
    texts: Texts
    count: int
    engines: tuple[tuple[str, float], ...]
    seed: int = 0
    voices: tuple[str, ...] = ()
    variation: Variation = USUAL
    instead: tuple[tuple[str, float], ...] = ()
    morph: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.morph < 1:
            raise SettingError(
                f"source '{self.name}': morph={self.morph} is no share", "give 0 to 0.95: there must be clips to morph"
            )
        if self.count < 1:
            raise SettingError(f"source '{self.name}': count is {self.count}", "give at least 1")
        if not self.engines or any(share <= 0 for _, share in self.engines):
            raise SettingError(
                f"source '{self.name}': every engine needs a share above 0", "leave out unwanted engines"
            )
        for specification, _ in self.engines:
            if not (open_engine(specification).reads_phonemes or self.texts.has_text):
                hint = "use kokoro, piper or hibari for it"
                raise SettingError(f"source '{self.name}': {specification} reads text, and this is phonemes", hint)

    def plan(self) -> list[Utterance]:
        """All utterances in their order. Depends on the settings alone; a larger count begins with the smaller one's.

        Raises:
            ToolError: the package with the lexicon or an engine is missing.
            SettingError: no voice matches `voices`.
        """
        return list(_planned(self, self.count))

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> list[Clip]:
        """Make what is missing and return all clips.

        Args:
            limit: only the first so many of the plan; they have different voices as far as there are.
            workers: processes; None for one a core, 0 to work in this process.
            progress: show a bar while clips are made.

        Raises:
            ToolError: an engine's package, or the vocoder of morphs, is missing.
            SettingError: no voice matches `voices`.
            DataError: an engine failed, or a file cannot be written.
        """
        try:
            self.check()
        except DataError as error:
            if not self.instead:
                raise
            names = ", ".join(name for name, _ in self.instead)
            logger.warning("%s: %s; %s speak instead", self.name, error.message, names)
            return self._otherwise().collect(limit=limit, workers=workers, progress=progress)
        files = self._files(self.count if limit is None else min(limit, self.count))
        jobs = _to_be_made(files)
        if jobs:
            make_clips(jobs, name=self.name, workers=workers, progress=progress)
        return self._clips(files)

    def inventory(self) -> Inventory:
        """What there is of it. Makes and fetches nothing.

        Raises:
            ToolError: the package with the lexicon or an engine is missing.
            SettingError: no voice matches `voices`.
            DataError: a voice's settings, which must be fetched first, say how many speakers it has.
        """
        with offline():
            files = self._files(self.count)
        licences = sorted({shared_engine(said.engine).licence_of(said.voice) for said, _ in files} - {""})
        return Inventory(clips=self._clips(files), missing=len(_to_be_made(files)), licence=", ".join(licences))

    def planned(self) -> list[Clip]:
        """All clips of the plan, made or not; raises as `inventory`, or DataError where no engine can be had."""
        with offline():
            try:
                self.check()
            except DataError:
                if not self.instead:
                    raise
                return self._otherwise().planned()
            engines = {specification: shared_engine(specification) for specification, _ in self.engines}
            return [self._clip(said, path, engines[said.engine]) for said, path in self._files(self.count)]

    def check(self) -> None:
        """Raise ToolError when an engine's package is missing; fetch voices that are declared downloads."""
        for specification, _ in self.engines:
            open_engine(specification).check()
        if self.morph:
            check_morph()

    def remake(self, paths: Collection[Path], *, progress: bool = True) -> None:
        """Make those of its clips that belong at `paths` and are missing there.

        Raises:
            ToolError: an engine's package is missing.
            DataError: an engine failed, or a file cannot be written.
        """
        wanted = {str(path) for path in paths}
        if self.instead:
            self._otherwise().remake(paths, progress=progress)
        jobs = [job for job in self._files(self.count) if job[1] in wanted and not os.path.exists(job[1])]
        if jobs:
            make_clips(jobs, name=self.name, workers=None, progress=progress)

    def _otherwise(self) -> "SpeechSource":
        return replace(self, engines=self.instead, instead=())

    def utterance(self, number: int, specification: str, engine: Engine, voice: str) -> Utterance:
        """The utterance of that number, when it is this engine's and this voice's turn."""
        rng = np.random.default_rng([self.seed, self.texts.salt, number])
        line = self.texts.line(number, rng)
        manner = self.variation.manner(engine, line, rng)
        return Utterance(
            engine=specification,
            version=engine.version,
            voice=voice,
            text=line.text,
            phonemes=line.phonemes if engine.reads_phonemes else "",
            speed=manner.speed,
            shift=manner.shift,
            seed=int(rng.integers(2**31)),
            extra=manner.extra,
        )

    def _files(self, count: int) -> list[Job]:
        root = str(speech_dir())
        return [(utterance, utterance.location(root)) for utterance in _planned(self, count)]

    def _clips(self, files: Sequence[Job]) -> list[Clip]:
        engines = {specification: shared_engine(specification) for specification, _ in self.engines}
        return [self._clip(said, path, engines[said.engine]) for said, path in files if os.path.exists(path)]

    def _clip(self, said: Utterance, path: str, engine: Engine) -> Clip:
        return Clip(
            path=speech_dir() / path,
            label=self.label,
            group=said.group,
            source=self.name,
            licence=engine.licence_of(said.voice),
            text=said.text or said.phonemes,
            split=engine.split,
            details=said.details(),
        )


def _to_be_made(files: Sequence[Job]) -> list[Job]:
    absent = [job for job in files if not os.path.exists(job[1])]
    return [job for job in absent if not os.path.exists(job[1] + REJECTED)]


# A plan of 10,000 clips takes a second or two; a process asks for each several times.
@lru_cache(maxsize=32)
def _planned(source: SpeechSource, count: int) -> tuple[Utterance, ...]:
    speakers = _speakers(source)
    said = [0] * len(speakers)
    plan: list[Utterance] = []
    fresh: list[Utterance] = []  # those of which the next morph may be: spoken since the last one, or what that was of
    stale = True
    turns = _turns([share for _, _, share, _ in speakers])
    for number in range(count):
        if int((number + 1) * source.morph) > int(number * source.morph):
            rng = np.random.default_rng([_MORPH, source.seed, source.texts.salt, number])
            chosen = fresh[int(rng.integers(len(fresh)))]
            plan.append(Morph.draw(rng).applied(chosen))
            fresh, stale = [chosen], True
            continue
        specification, engine, _, voices = speakers[which := next(turns)]
        voice = voices[said[which] % len(voices)]
        said[which] += 1
        plan.append(source.utterance(number, specification, engine, voice))
        fresh, stale = [plan[-1]] if stale else [*fresh, plan[-1]], False
    return tuple(plan)


def _speakers(source: SpeechSource) -> list[tuple[str, Engine, float, tuple[str, ...]]]:
    """(specification, engine, share, voices) of a source, without the engines that have none of the wanted voices."""
    found = []
    for specification, share in source.engines:
        engine = shared_engine(specification)
        voices = _shuffled(tuple(engine.voices()))
        if source.voices:
            patterns = [pattern.lower() for pattern in source.voices]
            voices = tuple(voice for voice in voices if matches(specification, voice, patterns))
        if voices:
            found.append((specification, engine, share, voices))
    if not found:
        engines = ", ".join(specification for specification, _ in source.engines)
        raise SettingError(
            f"source '{source.name}': no voice of {engines} matches {', '.join(source.voices)}",
            "python -m mltk_like synthesize --list-voices shows them",
        )
    return found


def _turns(shares: Sequence[float]) -> Iterator[int]:
    """Whose turn it is, without end: each is as near to its share of the turns so far as can be."""
    total = sum(shares)
    had = [0] * len(shares)
    number = 0
    while True:
        number += 1
        which = max(range(len(shares)), key=lambda at: shares[at] / total * number - had[at])
        had[which] += 1
        yield which


@lru_cache(maxsize=32)
def _shuffled(voices: tuple[str, ...]) -> tuple[str, ...]:
    order = np.random.default_rng(_VOICE_ORDER).permutation(len(voices))
    return tuple(voices[at] for at in order)
