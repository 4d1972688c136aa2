"""Background sound made on this machine, and babble mixed from voices."""

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mltk_like.audio.wav import write_wav
from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.rooms import room_impulse_response
from mltk_like.data.sounds import KINDS
from mltk_like.data.source import Inventory
from mltk_like.errors import SettingError
from mltk_like.paths import cache_dir

__all__ = ["GeneratedNoise", "babble", "generated_noise", "microphone_noise", "room_impulse_response"]

Int16 = npt.NDArray[np.int16]

# Part of the cache's key: raise it with every change to what sounds.py makes.
_VERSION = 1
_SHORTEST_S, _LONGEST_S = 5.0, 10.0


@dataclass(frozen=True, kw_only=True)
class GeneratedNoise:
    """Clips of generated noise, 5 to 10 s each, the kinds of `KINDS` by turns; each is a group of its own.

    Clip i depends on seed, i and rate alone: more minutes add clips and change none.

    Attributes:
        label: of all clips.
        minutes: of audio in all, at least.
        seed: another seed gives other noise.
        sample_rate_hz: in Hz.
        kinds: which of `KINDS`; empty takes all.
        split: fixes all clips to one split; empty lets the splitter decide.
        licence: CC0-1.0, for nobody's recording is in it.
        name: in tables and manifest.
    """

    label: str = "_noise_"
    minutes: float = 60.0
    seed: int = 0
    sample_rate_hz: int = 16000
    kinds: tuple[str, ...] = ()
    split: str = ""
    licence: str = "CC0-1.0"
    name: str = "generated noise"

    def __post_init__(self) -> None:
        unknown = set(self.kinds) - set(KINDS)
        if unknown:
            raise SettingError(f"there is no noise called {sorted(unknown)[0]!r}", f"use {', '.join(KINDS)}")
        if self.minutes <= 0:
            raise SettingError(f"minutes={self.minutes} of noise is not a positive number")

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> list[Clip]:
        """The clips; those that are not in the cache are made.

        Args:
            limit: only the first so many.
            workers: threads; as many as processors if None.
            progress: show a progress bar when clips must be made.

        Raises:
            DataError: the cache cannot be written.
        """
        clips = list(self._clips(limit))
        missing = [(number, clip.path) for number, clip in enumerate(clips) if not clip.path.exists()]
        if missing:
            from tqdm.auto import tqdm

            # Made here, whatever else a cluster does: it takes seconds.
            threads = workers if isinstance(workers, int) and workers > 0 else os.cpu_count()
            with ThreadPoolExecutor(threads or 1) as pool:
                made = pool.map(lambda pair: self._make(*pair), missing)
                for _ in tqdm(made, desc=self.name, total=len(missing), unit="clip", disable=not progress, leave=False):
                    pass
        return clips

    def remake(self, paths: Collection[Path], *, progress: bool = True) -> None:
        """Make those of its clips that belong at `paths` and are missing there. Raises DataError."""
        wanted = set(paths)
        for number, clip in enumerate(self._clips(None)):
            if clip.path in wanted and not clip.path.exists():
                self._make(number, clip.path)

    def inventory(self) -> Inventory:
        """The clips that are in the cache."""
        clips = list(self._clips(None))
        there = [clip for clip in clips if clip.path.exists()]
        return Inventory(clips=there, missing=len(clips) - len(there), licence=self.licence)

    def _clips(self, limit: int | None) -> Iterator[Clip]:
        key = hashlib.sha256(repr((_VERSION, self.seed, self.sample_rate_hz, self._names())).encode()).hexdigest()[:12]
        folder = cache_dir() / "noise" / key
        seconds, number = 0.0, 0
        while seconds < 60 * self.minutes and (limit is None or number < limit):
            kind = self._names()[number % len(self._names())]
            yield Clip(
                path=folder / f"{kind}-{number:05}.wav", label=self.label, group=f"noise/{kind}-{self.seed}-{number}",
                source=self.name, licence=self.licence, split=self.split,
            )  # fmt: skip
            seconds += self._seconds(number)
            number += 1

    def _names(self) -> tuple[str, ...]:
        return self.kinds or tuple(KINDS)

    def _seconds(self, number: int) -> float:
        return float(np.random.default_rng((self.seed, number)).uniform(_SHORTEST_S, _LONGEST_S))

    def _make(self, number: int, path: Path) -> None:
        kind = self._names()[number % len(self._names())]
        # The stream after the length, which _seconds draws from the stream (seed, number).
        rng = np.random.default_rng((self.seed, number, 1))
        samples = KINDS[kind](rng, round(self._seconds(number) * self.sample_rate_hz), self.sample_rate_hz)
        samples -= samples.mean()
        rms, peak = float(np.sqrt(np.mean(np.square(samples)))), float(np.abs(samples).max())
        # Loud enough that 16 bits do not show; augmentation sets the level that is heard.
        gain = min(10 ** (rng.uniform(-30, -14) / 20) / max(rms, 1e-9), 0.95 / max(peak, 1e-9))
        write_wav(path, samples * np.float32(gain), self.sample_rate_hz)


def generated_noise(*, label: str = "_noise_", minutes: float = 60.0, seed: int = 0) -> GeneratedNoise:
    """A source of generated background sound: coloured noise, hum, fans, engines, impacts, typing, rain, music, alarms.

    Args:
        label: of its clips.
        minutes: of audio in all, at least.
        seed: another seed gives other noise.
    """
    return GeneratedNoise(label=label, minutes=minutes, seed=seed)


def microphone_noise(*, label: str = "_microphone_", minutes: float = 5.0, seed: int = 0) -> GeneratedNoise:
    """A source of generated microphone noise: the steady hiss, hum and rumble that a board adds to all it hears.

    Arguments as of `generated_noise`.
    """
    kinds = ("white", "pink", "brown", "blue", "tilt", "hiss", "hum")
    return GeneratedNoise(label=label, minutes=minutes, seed=seed, kinds=kinds, name="generated microphone noise")


def babble(
    clips: Sequence[Int16], rng: np.random.Generator, seconds: float, talkers: int, sample_rate_hz: int = 16000
) -> Int16:
    """Several people talking at once, none of whom the microphone is meant to hear.

    Each talker is a chain of clips with pauses of up to 0.4 s, brought to one level and then set 0 to 8 dB below it.

    Args:
        clips: speech, int16, shape (samples,) each, at `sample_rate_hz`; silent ones are left out.
        rng: random source.
        seconds: length of the result.
        talkers: how many speak at once, 1 or more.
        sample_rate_hz: in Hz.

    Returns:
        int16, shape (seconds * sample_rate_hz,), RMS about -20 dB below full scale, without clipping.

    Raises:
        ValueError: there is no clip with sound in it, or `talkers` is less than 1.
    """
    voiced = [clip for clip in clips if len(clip) and np.any(clip)]
    if not voiced or talkers < 1:
        raise ValueError("babble needs at least one clip with sound in it and one talker")
    out = np.zeros(round(seconds * sample_rate_hz), np.float32)
    for _ in range(talkers):
        gain = np.float32(10 ** (rng.uniform(-8, 0) / 20))
        # Everybody is in the middle of a word at the start.
        at = -int(rng.integers(sample_rate_hz))
        while at < out.size:
            word = voiced[int(rng.integers(len(voiced)))].astype(np.float32)
            word *= gain / np.sqrt(np.mean(np.square(word)))
            room = out[max(at, 0) : max(at + word.size, 0)]
            room += word[max(-at, 0) :][: room.size]
            at += word.size + int(rng.uniform(0, 0.4) * sample_rate_hz)
    rms, peak = float(np.sqrt(np.mean(np.square(out)))), float(np.abs(out).max())
    out *= np.float32(min(3277.0 / max(rms, 1e-9), 32000.0 / max(peak, 1e-9)))
    mixed: Int16 = np.rint(out).astype(np.int16)
    return mixed
