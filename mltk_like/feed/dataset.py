"""From a model's sources to three splits that workers can open."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.corrections import corrected
from mltk_like.data.debian.source import DebianSpeech
from mltk_like.data.download import Download
from mltk_like.data.features import are_features
from mltk_like.data.fetch import offline
from mltk_like.data.names import refuse_near_labels
from mltk_like.data.noise import babble, room_impulse_response
from mltk_like.data.own import A_THIRD, restrained
from mltk_like.data.rooms import recorded_response
from mltk_like.data.skipped import Clips, Skipped, of_labels, problem_of, report, skipped_of
from mltk_like.data.source import (
    MICROPHONE_LABEL,
    NOISE_LABEL,
    ROOM_LABEL,
    STREAM_LABEL,
    Remakable,
    Source,
    checked_sources,
)
from mltk_like.data.split import Splits, split_by_group
from mltk_like.errors import DataError, MisnamedError, SettingError
from mltk_like.feed.expected import LOCAL, SILENCE, missing_class
from mltk_like.feed.features import open_features
from mltk_like.feed.packs import pack_path
from mltk_like.feed.plan import UNKNOWN
from mltk_like.feed.store import ClipStore, build_store, store_samples
from mltk_like.feed.streams import all_stream_sources
from mltk_like.feed.windows import SplitFiles
from mltk_like.mixins import AudioDatasetMixin
from mltk_like.paths import atomic_path

_SOUNDS = (NOISE_LABEL, MICROPHONE_LABEL, ROOM_LABEL)
_ROOMS = 200
_BABBLE_PIECE_S = 20.0
_TALKERS = (2, 7)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A model's clips.

    Attributes:
        splits: training, validation and test; no voice is in two of them.
        problems: one sentence for each source that could not be had.
        skipped: files, and lines of lists, that cannot be used.
    """

    splits: Splits
    problems: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What a model's sources gave.

    Attributes:
        clips: of all sources together.
        problems: why a source could not be had, by its name.
        skipped: files, and lines of lists, that cannot be used.
    """

    clips: Sequence[Clip]
    problems: Mapping[str, str]
    skipped: Sequence[Skipped] = ()


def gather(model: AudioDatasetMixin, *, test: bool = False, workers: Workers = None, progress: bool = True) -> Gathered:
    """Make or fetch the clips of every source.

    Args:
        model: the model.
        test: a few clips of each source, and no downloads.
        workers: processes for synthesis; none: one a core.
        progress: show bars.

    Raises:
        MisnamedError: a folder, label or list is nearly called as what is meant.
        ToolError: a package that a source needs is not installed.
    """
    sources = checked_sources(model.sources())
    limit = model.test_clips if test else None
    # What lies here is looked at first: a wrong name in it is refused before anything is made or downloaded.
    here = {id(source): _attempt(source, limit, workers, progress) for source in sources if isinstance(source, LOCAL)}
    labels = [clip.label for found, _ in here.values() for clip in found]
    refuse_near_labels((*(source.label for source in sources), *labels), getattr(model, "classes", ()))
    downloads = [source for source in sources if isinstance(source, Download)]
    clips: dict[Any, Clip] = {}
    problems: dict[str, str] = {}
    skipped: list[Skipped] = []

    def take(source: Source, given: Sequence[Clip], problem: str) -> None:
        found = corrected(given)
        for clip in found:
            key = clip.path, clip.start_s, clip.end_s, clip.row, clip.label
            # Of a folder and a source for one of its sub-folders, the latter knows more of it.
            clips[key] = clip if source.label else clips.get(key, clip)
        skipped.extend(skipped_of(found))
        if problem:
            problems[source.name] = problem

    if not test:
        # Hosts that do not answer are waited for together, not one after the other.
        with ThreadPoolExecutor(max_workers=8) as pool:
            attempts = pool.map(lambda source: _attempt(source, None, workers, progress), downloads)
            for source, (found, problem) in zip(downloads, attempts, strict=True):
                take(source, found, problem)
    for other in sources:
        # A dry run fetches nothing; packages one by one, for decoding them keeps the machine busy enough.
        if not isinstance(other, (Download, DebianSpeech) if test else Download):
            with offline(test):
                take(other, *(here.get(id(other)) or _attempt(other, limit, workers, progress)))
    return Gathered(clips=list(clips.values()), problems=problems, skipped=skipped)


def collect(
    model: AudioDatasetMixin,
    *,
    own: Sequence[Source] = (),
    test: bool = False,
    workers: Workers = None,
    strict: bool = False,
    progress: bool = True,
) -> Dataset:
    """Make or fetch the clips of every source and split them by voice.

    Args:
        model: the model.
        own: further sources, of the user's recordings; unknown sounds among them are a third of all at most.
        test: a few clips of each source, and no downloads.
        workers: processes for synthesis; none: one a core.
        strict: a source that cannot be had is an error.
        progress: show bars.

    Raises:
        DataError: `strict` and a source cannot be had; one of `own` cannot; or a class has no clips at all.
        MisnamedError: a folder, label or list is nearly called as what is meant.
        SettingError: two classes have the same name, or `sources()` gives what is no source.
        ToolError: a package that a source needs is not installed.
    """
    names = getattr(model, "classes", ())
    if len(set(names)) < len(names):
        raise SettingError(f"classes {names} has a name twice", "each of the net's outputs needs its own")
    gathered = gather(model, test=test, workers=workers, progress=progress)
    problems = tuple(f"{name}: {why}" for name, why in gathered.problems.items())
    if strict and problems:
        raise DataError(problems[0], "leave out --strict-sources to go on without it")
    limit = model.test_clips if test else None
    owned = [source.collect(limit=limit, workers=workers, progress=progress) for source in own]
    added = [clip for found in owned for clip in found]
    for label in {UNKNOWN, *(clip.label for clip in added if clip.weight == A_THIRD)}:
        added = restrained(added, gathered.clips, label)
    clips = _of_classes(model, [*gathered.clips, *added])
    are_features(clips)  # all, or none
    _check_labels(model, clips, problems)
    skipped = (*gathered.skipped, *(item for found in owned for item in skipped_of(found)), *clips.skipped)
    return Dataset(splits=split_by_group(clips, fractions=model.split_fractions), problems=problems, skipped=skipped)


def restore(model: AudioDatasetMixin, clips: Sequence[Clip], *, progress: bool = True) -> bool:
    """Make those clips again whose files are gone, as far as the sources can; whether all of them are there now.

    A trained model can so be judged on its test voices where nothing was trained before, at the cost of those alone.

    Raises:
        DataError: a clip cannot be made.
        ToolError: a package that a source needs is not installed.
    """
    missing = {clip.path for clip in clips if not clip.path.is_file()}
    if missing:
        for source in (*checked_sources(model.sources()), *all_stream_sources(model)):
            if isinstance(source, Remakable):
                source.remake(missing, progress=progress)
    return all(path.is_file() for path in missing)


def open_split(model: AudioDatasetMixin, clips: Sequence[Clip], *, seed: int, progress: bool = True) -> SplitFiles:
    """Decode one split into memory-mapped files: speech, noise, babble of its own voices, rooms.

    The rooms are those of the clips with the label `_room_`; where there are none they are generated. Clips with the
    label `_stream_` are read from their files as they are heard.

    Clips that cannot be read are left out with a warning. Ready features are opened as such: they have no sound.

    Raises:
        SettingError: some are ready features, others sound.
        DataError: no speech can be read, or the cache cannot be written.
    """
    if are_features(clips):
        return open_features(model, clips)
    rate = model.frontend.sample_rate_hz
    by_label = {label: [clip for clip in clips if clip.label == label] for label in _SOUNDS}
    streams = tuple(clip for clip in clips if clip.label == STREAM_LABEL)
    speech = [clip for clip in clips if clip.label not in (*_SOUNDS, STREAM_LABEL)]
    store = build_store(speech, rate, progress=progress)
    if speech and not len(store):
        raise DataError(f"none of the {len(speech)} clips can be read", str(store.skipped[0]))
    speech = [speech[index] for index in store.kept]
    companions = {_spoken(word): at for at, word in enumerate(getattr(model, "companion_words", ()))}
    sounds = {label: build_store(by_label[label], rate, progress=False) for label in (NOISE_LABEL, MICROPHONE_LABEL)}
    return SplitFiles(
        speech=store.path,
        labels=tuple(clip.label for clip in speech),
        names=tuple(clip.name for clip in speech),
        # A group is "engine:voice" or "set/speaker": what stands in front is the family.
        families=tuple(re.split("[:/]", clip.group)[0] for clip in speech),
        weights=tuple(clip.weight for clip in speech),
        synthetic=tuple(clip.synthetic for clip in speech),
        companions=tuple(_companion(clip, companions) for clip in speech),
        ambience=_file_of(sounds[NOISE_LABEL]),
        microphone=_file_of(sounds[MICROPHONE_LABEL]),
        babble=_babble_file(store.path, len(store), rate, model.babble_minutes, seed) if len(store) else None,
        rooms=_given_rooms_file(by_label[ROOM_LABEL], rate) or _rooms_file(rate, seed),
        streams=streams,
        skipped=tuple(item for found in (store, *sounds.values()) for item in found.skipped),
    )


def _companion(clip: Clip, words: Mapping[str, int]) -> int:
    """Which companion word an unknown clip holds, and nothing else; -1: none."""
    return words.get(_spoken(clip.text), -1) if clip.label == UNKNOWN else -1


def _spoken(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def _attempt(source: Source, limit: int | None, workers: Workers, progress: bool) -> tuple[Sequence[Clip], str]:
    try:
        found = source.collect(limit=limit, workers=workers, progress=progress)
        return found, problem_of(found)
    except MisnamedError:
        raise
    except DataError as error:
        return (), error.message


def _of_classes(model: AudioDatasetMixin, clips: Sequence[Clip]) -> Clips:
    """The clips that the model can learn from, with a warning about the others: most are misspelt."""
    classes: tuple[str, ...] = getattr(model, "classes", ())
    refuse_near_labels((clip.label for clip in clips), classes)
    # Without a class of its own, unknown speech is still what the model is judged on.
    background = {clip.label for clip in clips if clip.label.startswith("_")}
    known = of_labels(clips, {*classes, *background}) if classes else Clips(clips)
    report("labels", known.skipped, len(clips), "clips cannot be used")
    return known


def _check_labels(model: AudioDatasetMixin, clips: Sequence[Clip], problems: Sequence[str]) -> None:
    classes: tuple[str, ...] = getattr(model, "classes", ())
    present = {clip.label for clip in clips}
    for name in classes:
        if name not in present and name != SILENCE:
            raise missing_class(name, "".join(f"; {problem}" for problem in problems))


def _file_of(store: ClipStore) -> Path | None:
    return store.path if len(store) else None


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


def _given_rooms_file(clips: Sequence[Clip], rate: int) -> Path | None:
    """The rooms that the model's sources have; None where there are none."""
    store = build_store(clips, rate, progress=False)
    if not len(store):
        return None
    path = store.path.with_suffix(".rooms.npz")
    if not path.is_file():
        names = [clips[index].name for index in store.kept]
        _write_rooms(path, (recorded_response(store[at], name) for at, name in enumerate(names)))
    return path


def _rooms_file(rate: int, seed: int) -> Path:
    """Generated rooms."""
    key = hashlib.sha1(f"{rate} {seed} {_ROOMS}".encode()).hexdigest()[:12]
    path = pack_path(f"rooms-{key}.npz")
    if not path.is_file():
        rng = np.random.default_rng(np.random.SeedSequence([seed, 0x4007]))
        _write_rooms(path, (room_impulse_response(rng, rate) for _ in range(_ROOMS)))
    return path


def _write_rooms(path: Path, responses: Iterable[NDArray[np.float32]]) -> None:
    rooms = {f"{index:04d}": response for index, response in enumerate(responses)}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **rooms)  # type: ignore[arg-type]
