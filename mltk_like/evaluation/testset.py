"""What a model is judged on: clips with the keywords, clean and in noise, and sound without them."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.wav import stream_audio
from mltk_like.data.clip import Clip
from mltk_like.data.corrections import corrected
from mltk_like.data.positives import positive_folders
from mltk_like.data.recordings import GroupRule, audio_files, check_group_rule, group_of
from mltk_like.data.skipped import Clips, way_out
from mltk_like.errors import DataError
from mltk_like.evaluation.streams import Int16, joined, mix_at_snr, pad_clip
from mltk_like.feed.store import ClipStore, build_store
from mltk_like.feed.windows import SplitFiles
from mltk_like.paths import resolved

logger = logging.getLogger(__name__)

_SEED = 0x7E57

NoiseGiver = Callable[[int, np.random.Generator, int], Int16]
"""(number of the clip, chance, samples) -> noise to mix under it."""


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """Anyone's recordings to judge a model on, in place of the test voices.

    Attributes:
        positives: folder with one keyword in each file; none: misses are not measured.
        negatives: folders with audio of any length without a keyword.
        noise: folder of noise for the noisy conditions; none: generated.
        label: class of the positives; none: the class that their sub-folder is called, else the only one that is
            detected; see `data.positives`.
        group: who is heard, for the breakdown: 'parent' (the folder a file is in), 'stem' (each file) or a regular
            expression; see `data.Folder`.
    """

    positives: Path | None = None
    negatives: tuple[Path, ...] = ()
    noise: Path | None = None
    label: str | None = None
    group: GroupRule = "parent"


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """Audio to judge a detector on. Samples are read, padded and mixed as they are used, so nothing long is in memory.

    Attributes:
        description: whose voices, for the report.
        clips: of the positives: label, group, source, and the file in which each can be heard.
        samples: int16 (samples,) of each positive clip.
        noise: what is mixed under them.
        snrs_db: signal-to-noise ratio of each noisy condition.
        negatives: files, or stretches of files, without the keywords; joined into one stream when they are scored.
        read: blocks of int16 samples of a negative, by its number.
        sample_rate_hz: of all of it.
        silent: there is nothing to hear, and single windows alone are judged.
    """

    description: str
    clips: tuple[Clip, ...]
    samples: Sequence[Int16] | ClipStore
    noise: NoiseGiver
    snrs_db: tuple[float, ...]
    negatives: tuple[Clip, ...]
    read: Callable[[int], Iterable[Int16]]
    sample_rate_hz: int
    silent: bool = False

    @property
    def conditions(self) -> dict[str, float | None]:
        """Name of each condition and its signal-to-noise ratio: 'clean' has none."""
        return {"clean": None, **{f"{snr:g} dB": snr for snr in self.snrs_db}}

    def positives(self, snr_db: float | None) -> Iterator[Int16]:
        """Each positive clip in a quiet room, or in noise at `snr_db`; the same noise at every ratio."""
        for index in range(len(self.clips)):
            clip = self.samples[index]
            rng = np.random.default_rng(np.random.SeedSequence([_SEED, index]))
            padded = pad_clip(clip, self.sample_rate_hz, rng)
            if snr_db is not None:
                padded = mix_at_snr(padded, clip, self.noise(index, rng, len(padded)), snr_db)
            yield padded

    def negative_stream(self, starts: list[int] | None = None) -> Iterator[Int16]:
        """The negatives in a row with short gaps, in blocks, read as they are needed.

        Where each of them begins, in samples of the row, is appended to `starts`.
        """
        rng = np.random.default_rng(_SEED)
        return joined(map(self._blocks, range(len(self.negatives))), self.sample_rate_hz, rng, starts)

    def _blocks(self, index: int) -> Iterator[Int16]:
        try:
            yield from self.read(index)
        except DataError as error:
            # After hours of scoring, one bad file must not be the end; what came before the damage counts.
            logger.warning("%s; the rest of it is not scored", error.message)


def without_sound(rate: int, split: str) -> TestSet:
    """A split of ready features, which are judged as single windows."""

    def nothing(*_: object) -> Any:
        raise DataError("ready features have no sound", "give recordings")

    return TestSet(
        description=f"ready features of the {split} split, single windows alone",
        clips=(),
        samples=(),
        noise=nothing,
        snrs_db=(),
        negatives=(),
        read=nothing,
        sample_rate_hz=rate,
        silent=True,
    )


def from_split(
    files: SplitFiles,
    clips: Sequence[Clip],
    labels: Sequence[str],
    rate: int,
    snrs_db: Sequence[float],
    split: str = "test",
) -> TestSet:
    """Voices of a model's own data; babble and background of the same split by turns as noise.

    Args:
        files: one split.
        clips: those that it was opened with, in the same order; any others, and those that could not be read, are
            passed over. Empty: files and groups are not known.
        labels: classes of the positives; negatives are the clips whose label starts with '_'.
        rate: sample rate of the front end in Hz.
        snrs_db: signal-to-noise ratio of each noisy condition.
        split: its name.

    The split's streams are negatives too; they are read from their files, block by block.
    """
    store = ClipStore(files.speech)
    bank = files.open_noise_bank()
    every = _clips_of(files, clips)

    def noise(index: int, rng: np.random.Generator, length: int) -> Int16:
        kind = bank.babble if index % 2 else bank.ambience
        return (kind(rng, length) * 32767).astype(np.int16)

    wanted = [index for index, name in enumerate(files.labels) if name in labels]
    others = [index for index, name in enumerate(files.labels) if name not in labels and name.startswith("_")]

    def read(number: int) -> Iterable[Int16]:
        return [store[others[number]]] if number < len(others) else _stretch(files.streams[number - len(others)], rate)

    return TestSet(
        description=f"{split} voices of the model's own data",
        clips=tuple(every[index] for index in wanted),
        samples=[store[index] for index in wanted],
        noise=noise,
        snrs_db=tuple(snrs_db),
        negatives=(*(every[index] for index in others), *files.streams),
        read=read,
        sample_rate_hz=rate,
    )


def from_folders(
    recordings: Recordings, classes: Sequence[str], rate: int, snrs_db: Sequence[float], *, progress: bool = False
) -> TestSet:
    """Anyone's recordings: one keyword in each positive file, any length of negatives.

    Positives and noise are decoded once into the cache; the negatives are streamed, so hours of them need no memory.
    Positives and negatives are taken as they are corrected, see `data.corrections`.

    Args:
        recordings: the folders, searched with their sub-folders.
        classes: of the model.
        rate: sample rate of the front end in Hz.
        snrs_db: signal-to-noise ratio of each noisy condition.
        progress: show a bar.

    Raises:
        DataError: a folder does not exist or holds no audio. Single files that cannot be read are left out with a
            warning.
        MisnamedError, SettingError: it is not clear which class the positives are of; the group rule is none.
    """
    check_group_rule(recordings.group)
    folders = [recordings.positives, *recordings.negatives]
    found = _positives(recordings, classes)
    negatives = corrected([clip for folder in recordings.negatives for clip in _find(folder, recordings.group)])
    # What turned out to be a keyword, or none, would be counted on the wrong side.
    negatives = Clips(clip for clip in negatives if clip.label.startswith("_"))
    noises = _find(recordings.noise, "stem") if recordings.noise else []
    samples = _decode(found, rate, progress)
    sounds = _decode(noises, rate, progress)

    def excerpt(index: int, rng: np.random.Generator, length: int) -> Int16:
        if not len(sounds):
            return _pink(rng, length)
        sound = sounds[index % len(sounds)]
        start = int(rng.integers(max(len(sound) - length, 0) + 1))
        return np.resize(sound[start : start + length], length)

    return TestSet(
        description=f"recordings in {', '.join(str(folder) for folder in folders if folder)}",
        clips=tuple(found[index] for index in samples.kept) if isinstance(samples, ClipStore) else (),
        samples=samples,
        noise=excerpt,
        snrs_db=tuple(snrs_db),
        negatives=tuple(negatives),
        read=lambda number: _stretch(negatives[number], rate),
        sample_rate_hz=rate,
    )


def files_in(folder: Path) -> list[Path]:
    """Audio files below a folder, sorted. Raises DataError where there is no such folder or none in it."""
    if not folder.is_dir():
        raise DataError(f"no such folder: {folder}", "give a folder of recordings")
    found = audio_files(folder)
    if not found:
        raise DataError(f"no audio in {folder}", "WAV, FLAC, OGG and MP3 are read")
    return found


def _positives(recordings: Recordings, classes: Sequence[str]) -> list[Clip]:
    """The recordings of keywords, by path, each with its class."""
    folder = recordings.positives
    if folder is None:
        return []
    found = _find(folder, recordings.group)  # there are some, or that is said first
    of_folder = {path: label for label, path in positive_folders(folder, classes, recordings.label).items()}
    labelled = [
        replace(clip, label=of_folder.get(folder) or of_folder[folder / clip.path.relative_to(folder).parts[0]])
        for clip in found
    ]
    return [clip for clip in corrected(labelled) if clip.label in of_folder.values()]


def _find(folder: Path, group: GroupRule) -> list[Clip]:
    """The files of a folder, as unknown sound."""
    source = resolved(folder).name
    return [
        Clip(path=path, label="_unknown_", group=group_of(path.absolute(), group, folder.absolute()), source=source)
        for path in files_in(folder)
    ]


def _stretch(clip: Clip, rate: int) -> Iterator[Int16]:
    """The samples of a clip in blocks, from its file."""
    begin, end = round(clip.start_s * rate), None if clip.end_s is None else round(clip.end_s * rate)
    heard = 0
    for block in stream_audio(clip.path, rate):
        yield block[max(begin - heard, 0) : None if end is None else max(end - heard, 0)]
        heard += len(block)
        if end is not None and heard >= end:
            return


def _decode(clips: Sequence[Clip], rate: int, progress: bool) -> ClipStore | Sequence[Int16]:
    if not clips:
        return ()
    store = build_store(clips, rate, progress=progress)
    if not len(store):
        first = store.skipped[0]
        hint = way_out(first.reason, "WAV, FLAC, OGG and MP3 are read")
        raise DataError(f"none of the recordings can be used: {first}", hint)
    return store


def _clips_of(files: SplitFiles, clips: Sequence[Clip]) -> list[Clip]:
    """The clip of each entry: `files` has them in the order of `clips`, with some left out."""
    if not clips:
        return [
            Clip(path=Path(name), label=label, group="", source="")
            for name, label in zip(files.names, files.labels, strict=True)
        ]
    rest = iter(clips)
    return [next(clip for clip in rest if clip.name == name) for name in files.names]


def _pink(rng: np.random.Generator, length: int) -> NDArray[np.int16]:
    """Noise whose power falls by 3 dB an octave, as that of many rooms does."""
    spectrum = np.fft.rfft(rng.standard_normal(length)) / np.sqrt(np.arange(1, length // 2 + 2))
    samples = np.fft.irfft(spectrum, length)
    noise: Int16 = (samples / np.abs(samples).max() * 20000).astype(np.int16)
    return noise
