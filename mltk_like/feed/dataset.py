"""From a model's sources to three splits that workers can open."""

import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mltk_like.data.clip import Clip
from mltk_like.data.download import Download
from mltk_like.data.noise import babble, room_impulse_response
from mltk_like.data.source import MICROPHONE_LABEL, NOISE_LABEL, Remakable, Source
from mltk_like.data.split import Splits, split_by_group
from mltk_like.errors import DataError
from mltk_like.feed.store import ClipStore, build_store, store_samples
from mltk_like.feed.windows import SplitFiles
from mltk_like.mixins import AudioDatasetMixin
from mltk_like.paths import atomic_path, cache_dir

_ROOMS = 200
_BABBLE_PIECE_S = 20.0
_TALKERS = (2, 7)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A model's clips.

    Attributes:
        splits: training, validation and test; no voice is in two of them.
        problems: one sentence for each source that could not be had.
    """

    splits: Splits
    problems: tuple[str, ...]


def collect(
    model: AudioDatasetMixin,
    *,
    test: bool = False,
    workers: int | None = None,
    strict: bool = False,
    progress: bool = True,
) -> Dataset:
    """Make or fetch the clips of every source and split them by voice.

    Args:
        model: the model.
        test: a few clips of each source, and no downloads.
        workers: processes for synthesis; none: one a core.
        strict: a source that cannot be had is an error.
        progress: show bars.

    Raises:
        DataError: `strict` and a source cannot be had; or a class has no clips at all.
        ToolError: a package that a source needs is not installed.
    """
    sources = list(model.sources())
    downloads = [source for source in sources if isinstance(source, Download)]
    limit = model.test_clips if test else None
    clips: list[Clip] = []
    problems: list[str] = []
    if not test:
        # Hosts that do not answer are waited for together, not one after the other.
        with ThreadPoolExecutor(max_workers=8) as pool:
            for found, problem in pool.map(lambda source: _attempt(source, None, workers, progress), downloads):
                clips += found
                problems += [problem] if problem else []
    for source in sources:
        if not isinstance(source, Download):
            found, problem = _attempt(source, limit, workers, progress)
            clips += found
            problems += [problem] if problem else []
    if strict and problems:
        raise DataError(problems[0], "leave out --strict-sources to go on without it")
    _check_labels(model, clips, problems)
    return Dataset(splits=split_by_group(clips, fractions=model.split_fractions), problems=tuple(problems))


def restore(model: AudioDatasetMixin, clips: Sequence[Clip], *, progress: bool = True) -> bool:
    """Make those clips again whose files are gone, as far as the sources can; whether all of them are there now.

    A trained model can so be judged on its test voices where nothing was trained before, at the cost of those alone.

    Raises:
        DataError: a clip cannot be made.
        ToolError: a package that a source needs is not installed.
    """
    missing = {clip.path for clip in clips if not clip.path.is_file()}
    if missing:
        for source in model.sources():
            if isinstance(source, Remakable):
                source.remake(missing, progress=progress)
    return all(path.is_file() for path in missing)


def open_split(model: AudioDatasetMixin, clips: Sequence[Clip], *, seed: int, progress: bool = True) -> SplitFiles:
    """Decode one split into memory-mapped files: speech, noise, babble of its own voices, rooms.

    Raises:
        DataError: a file cannot be read, or the cache cannot be written.
    """
    rate = model.frontend.sample_rate_hz
    speech = [clip for clip in clips if clip.label not in (NOISE_LABEL, MICROPHONE_LABEL)]
    by_label = {label: [clip for clip in clips if clip.label == label] for label in (NOISE_LABEL, MICROPHONE_LABEL)}
    store = build_store(speech, rate, progress=progress)
    noise = {
        label: build_store(found, rate, progress=False).path if found else None for label, found in by_label.items()
    }
    return SplitFiles(
        speech=store.path,
        labels=tuple(clip.label for clip in speech),
        names=tuple(str(clip.path) for clip in speech),
        # A group is "engine:voice" or "set/speaker": what stands in front is the family.
        families=tuple(re.split("[:/]", clip.group)[0] for clip in speech),
        ambience=noise[NOISE_LABEL],
        microphone=noise[MICROPHONE_LABEL],
        babble=_babble_file(store.path, len(store), rate, model.babble_minutes, seed) if len(store) else None,
        rooms=_rooms_file(rate, seed),
    )


def _attempt(source: Source, limit: int | None, workers: int | None, progress: bool) -> tuple[Sequence[Clip], str]:
    try:
        return source.collect(limit=limit, workers=workers, progress=progress), ""
    except DataError as error:
        return (), f"{source.name}: {error.message}"


def _check_labels(model: AudioDatasetMixin, clips: Sequence[Clip], problems: Sequence[str]) -> None:
    classes: tuple[str, ...] = getattr(model, "classes", ())
    present = {clip.label for clip in clips}
    for name in classes:
        if name not in present and name != "_silence_":
            why = "".join(f"; {problem}" for problem in problems)
            hint = "give sources() one, or mend the class's name"
            raise DataError(f"no source has a clip of the class {name!r}{why}", hint)


def _babble_file(speech: Path, count: int, rate: int, minutes: float, seed: int) -> Path | None:
    """Several voices of the split at once, as the room of a party has them."""
    pieces = round(minutes * 60 / _BABBLE_PIECE_S)
    if pieces == 0:
        return None
    path = speech.with_name(f"{speech.stem}-babble-{minutes:g}-{seed}.i16")
    if not path.is_file():
        rng = np.random.default_rng(np.random.SeedSequence([seed, 0xBAB]))
        store = ClipStore(speech)
        made = []
        for _ in range(pieces):
            talkers = int(rng.integers(*_TALKERS, endpoint=True))
            chosen = [store[int(i)] for i in rng.integers(count, size=min(count, 12 * talkers))]
            made.append(babble(chosen, rng, _BABBLE_PIECE_S, talkers, rate))
        store_samples(path, made, rate)
    return path


def _rooms_file(rate: int, seed: int) -> Path:
    key = hashlib.sha1(f"{rate} {seed} {_ROOMS}".encode()).hexdigest()[:12]
    path = cache_dir() / "packs" / f"rooms-{key}.npz"
    if not path.is_file():
        rng = np.random.default_rng(np.random.SeedSequence([seed, 0x4007]))
        rooms = {f"{index:04d}": room_impulse_response(rng, rate) for index in range(_ROOMS)}
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **rooms)  # type: ignore[arg-type]
    return path
