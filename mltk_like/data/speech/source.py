"""A source of synthetic speech: plans who says what, makes what is missing, hands over clips."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mltk_like.data.clip import Clip
from mltk_like.data.speech.engines import Engine, open_engine
from mltk_like.data.speech.render import REJECTED, make_clips
from mltk_like.data.speech.texts import Texts
from mltk_like.data.speech.utterance import Utterance, speech_dir
from mltk_like.errors import SettingError

# The voices come in one order in every source, so that positives and negatives share the first ones and no class can
# be told by who speaks.
_VOICE_ORDER = 0x766F6963


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
    """

    name: str
    label: str
    texts: Texts
    count: int
    engines: tuple[tuple[str, float], ...]
    seed: int = 0

    def __post_init__(self) -> None:
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
        """
        return list(_planned(self, self.count))

    def collect(self, *, limit: int | None = None, workers: int | None = None, progress: bool = True) -> list[Clip]:
        """Make what is missing and return all clips.

        Args:
            limit: only the first so many of the plan; they have different voices as far as there are.
            workers: processes; None for one a core, 0 to work in this process.
            progress: show a bar while clips are made.

        Raises:
            ToolError: an engine's package is missing.
            DataError: an engine failed, or a file cannot be written.
        """
        for specification, _ in self.engines:
            open_engine(specification).check()
        root = str(speech_dir())
        plan = _planned(self, self.count if limit is None else min(limit, self.count))
        files = [(utterance, utterance.location(root)) for utterance in plan]
        absent = [job for job in files if not os.path.exists(job[1])]
        jobs = [job for job in absent if not os.path.exists(job[1] + REJECTED)]
        if jobs:
            make_clips(jobs, name=self.name, workers=workers, progress=progress)
        rejected = {path for _, path in absent if not os.path.exists(path)}
        engines = {specification: open_engine(specification) for specification, _ in self.engines}
        return [self._clip(said, path, engines[said.engine]) for said, path in files if path not in rejected]

    def remake(self, paths: Collection[Path], *, progress: bool = True) -> None:
        """Make those of its clips that belong at `paths` and are missing there.

        Raises:
            ToolError: an engine's package is missing.
            DataError: an engine failed, or a file cannot be written.
        """
        wanted, root = {str(path) for path in paths}, str(speech_dir())
        files = [(utterance, utterance.location(root)) for utterance in self.plan()]
        jobs = [job for job in files if job[1] in wanted and not os.path.exists(job[1])]
        if jobs:
            make_clips(jobs, name=self.name, workers=None, progress=progress)

    def utterance(self, number: int, specification: str, engine: Engine, voice: str) -> Utterance:
        """The utterance of that number, when it is this engine's and this voice's turn."""
        rng = np.random.default_rng([self.seed, self.texts.salt, number])
        line, manner = self.texts.line(number, rng), engine.manner(rng)
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

    def _clip(self, said: Utterance, path: str, engine: Engine) -> Clip:
        return Clip(
            path=speech_dir() / path,
            label=self.label,
            group=said.group,
            source=self.name,
            licence=engine.licence,
            text=said.text or said.phonemes,
            split=engine.split,
        )


# A plan of 10,000 clips takes a second or two; a process asks for each several times.
@lru_cache(maxsize=32)
def _planned(source: SpeechSource, count: int) -> tuple[Utterance, ...]:
    engines = [(specification, open_engine(specification)) for specification, _ in source.engines]
    voices = [_shuffled(tuple(engine.voices())) for _, engine in engines]
    said = [0] * len(engines)
    plan = []
    for number, which in zip(range(count), _turns([share for _, share in source.engines]), strict=False):
        voice = voices[which][said[which] % len(voices[which])]
        said[which] += 1
        plan.append(source.utterance(number, *engines[which], voice))
    return tuple(plan)


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
