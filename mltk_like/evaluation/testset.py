"""What a model is judged on: clips with the keyword, clean and in noise, and speech without it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.wav import read_audio, stream_audio
from mltk_like.data.recordings import audio_files
from mltk_like.errors import DataError
from mltk_like.evaluation.streams import Int16, joined, mix_at_snr, pad_clip
from mltk_like.feed.store import ClipStore
from mltk_like.feed.windows import SplitFiles, open_noise_bank

_SEED = 0x7E57

NoiseGiver = Callable[[int, np.random.Generator, int], Int16]
"""(number of the clip, chance, samples) -> noise to mix under it."""


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """Audio to judge a detector on.

    Attributes:
        description: whose voices, for the report.
        label: class that the positives hold.
        clean: positives in a quiet room, one stream each: int16 (samples,).
        noisy: the same with noise at `snr_db`.
        snr_db: signal-to-noise ratio of the noisy ones.
        negatives: files or arrays of speech without the keyword, joined into one stream when it is scored.
        sample_rate_hz: of all of it.
    """

    description: str
    label: str
    clean: Sequence[Int16]
    noisy: Sequence[Int16]
    snr_db: float
    negatives: Sequence[Path | Int16]
    sample_rate_hz: int

    def negative_stream(self) -> Iterator[Int16]:
        """The negatives in a row with short gaps, read as they are needed."""
        rng = np.random.default_rng(_SEED)
        return joined(map(self._blocks, self.negatives), self.sample_rate_hz, rng)

    def _blocks(self, item: Path | Int16) -> Iterable[Int16]:
        return stream_audio(item, self.sample_rate_hz) if isinstance(item, Path) else [item]


def from_split(files: SplitFiles, label: str, rate: int, snr_db: float) -> TestSet:
    """The test voices of a model's own data; babble and background of the same split by turns as noise."""
    store = ClipStore(files.speech)
    bank = open_noise_bank(files)

    def noise(index: int, rng: np.random.Generator, length: int) -> Int16:
        kind = bank.babble if index % 2 else bank.ambience
        return (kind(rng, length) * 32767).astype(np.int16)

    clips = [store[i] for i, name in enumerate(files.labels) if name == label]
    voices = "test voices of the model's own data"
    negatives = [store[i] for i, name in enumerate(files.labels) if name != label and name.startswith("_")]
    return _make(voices, label, clips, noise, snr_db, negatives, rate)


def from_folders(
    label: str, positives: Path | None, negatives: Iterable[Path], noise: Path | None, rate: int, snr_db: float
) -> TestSet:
    """Anyone's recordings: one keyword in each positive file, any length of negatives.

    Args:
        label: class of the positives.
        positives: folder, searched with its sub-folders; none: misses are not measured.
        negatives: folders; they are streamed, so hours of them need no memory.
        noise: folder of noise, the files taken by turns; none: generated pink noise.
        rate: sample rate of the front end in Hz.
        snr_db: signal-to-noise ratio of the noisy copies.

    Raises:
        DataError: a folder does not exist or holds no audio.
    """
    clips = [read_audio(path, rate) for path in _files(positives)] if positives else []
    sounds = [read_audio(path, rate) for path in _files(noise)] if noise else []

    def excerpt(index: int, rng: np.random.Generator, length: int) -> Int16:
        if not sounds:
            return _pink(rng, length)
        sound = sounds[index % len(sounds)]
        start = int(rng.integers(max(len(sound) - length, 0) + 1))
        return np.resize(sound[start : start + length], length)

    paths = [path for folder in negatives for path in _files(folder)]
    names = ", ".join(str(folder) for folder in [positives, *negatives] if folder)
    return _make(f"recordings in {names}", label, clips, excerpt, snr_db, paths, rate)


def _make(
    description: str,
    label: str,
    clips: Sequence[Int16],
    noise: NoiseGiver,
    snr_db: float,
    negatives: Sequence[Path | Int16],
    rate: int,
) -> TestSet:
    clean, noisy = [], []
    for index, clip in enumerate(clips):
        rng = np.random.default_rng(np.random.SeedSequence([_SEED, index]))
        padded = pad_clip(clip, rate, rng)
        clean.append(padded)
        noisy.append(mix_at_snr(padded, clip, noise(index, rng, len(padded)), snr_db))
    return TestSet(
        description=description,
        label=label,
        clean=clean,
        noisy=noisy,
        snr_db=snr_db,
        negatives=negatives,
        sample_rate_hz=rate,
    )


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"no such folder: {folder}", "give a folder of recordings")
    found = audio_files(folder)
    if not found:
        raise DataError(f"no audio in {folder}", "WAV, FLAC, OGG and MP3 are read")
    return found


def _pink(rng: np.random.Generator, length: int) -> NDArray[np.int16]:
    """Noise whose power falls by 3 dB an octave, as that of many rooms does."""
    spectrum = np.fft.rfft(rng.standard_normal(length)) / np.sqrt(np.arange(1, length // 2 + 2))
    samples = np.fft.irfft(spectrum, length)
    noise: Int16 = (samples / np.abs(samples).max() * 20000).astype(np.int16)
    return noise
