"""Decoded clips in one memory-mapped file, so that workers read samples and never decode.

A recording is decoded once, in blocks, however many stretches of it are clips, and a stretch that two clips share is
stored once: windows that overlap cost no more than the recording they are cut from.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.wav import stream_audio
from mltk_like.data.clip import Clip
from mltk_like.data.skipped import Skipped, cause, report
from mltk_like.errors import DataError
from mltk_like.feed.packs import pack_path
from mltk_like.paths import atomic_path, write_text

_BLOCK_S = 10.0
_FOREVER = 2**62
# Part of the fingerprint: raise it with every change to what a store holds.
_FORMAT = 2

Span = tuple[int, int]
"""First sample of a stretch and the one after its last."""


class ClipStore:
    """int16 mono samples of a list of clips, by index.

    Args:
        path: the `.i16` file that `build_store` wrote; its `.json` neighbour holds where each clip lies in it.

    Attributes:
        sample_rate_hz: of all clips.
        lengths: int64 (clips,): samples of each.
        kept: int64 (clips,): entry i of the store is clip `kept[i]` of those that `build_store` was given.
        skipped: the others, with the reason.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        index = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        self.sample_rate_hz: int = index["sample_rate_hz"]
        self.lengths: NDArray[np.int64] = np.array(index["lengths"], dtype=np.int64)
        self.kept: NDArray[np.int64] = np.array(index["kept"], dtype=np.int64)
        self.skipped = tuple(Skipped(path=Path(name), reason=reason) for name, reason in index["skipped"])
        self._starts = np.array(index["starts"], dtype=np.int64)
        # An empty file cannot be mapped.
        empty = not path.stat().st_size
        self._samples = np.zeros(0, np.int16) if empty else np.memmap(path, dtype=np.int16, mode="r")

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> NDArray[np.int16]:
        """Samples of clip `index`, int16 (samples,), read-only."""
        start = self._starts[index]
        return self._samples[start : start + self.lengths[index]]


@dataclass(frozen=True, kw_only=True)
class _Index:
    """Where each clip lies in the samples of a store, and which clips have no place there."""

    starts: list[int]
    lengths: list[int]
    kept: list[int]
    skipped: list[Skipped]

    def write(self, path: Path, sample_rate_hz: int) -> None:
        skipped = [(str(item.path), item.reason) for item in self.skipped]
        content = {"starts": self.starts, "lengths": self.lengths, "kept": self.kept, "skipped": skipped}
        write_text(path.with_suffix(".json"), json.dumps({"sample_rate_hz": sample_rate_hz, **content}))


def build_store(clips: Sequence[Clip], sample_rate_hz: int, *, progress: bool = True) -> ClipStore:
    """Decode clips into the cache, or find them there from an earlier call with the same files.

    A clip that cannot be used (its file is gone, is damaged before the clip's end, ends before the clip begins, or
    holds nothing but zeros although the label says that somebody speaks) is left out with a warning: see `kept` and
    `skipped` of the store. A recording that is shorter than its header says is used as far as it goes.

    Raises:
        DataError: the cache cannot be written.
    """
    path = pack_path(f"{_fingerprint(clips, sample_rate_hz)}.i16")
    if not path.is_file():
        with atomic_path(path) as temporary:
            # The index first: a store counts as there when its samples are.
            _pack(temporary, clips, sample_rate_hz, progress).write(path, sample_rate_hz)
    store = ClipStore(path)
    # By the names that their owner knows, which are not part of what is kept.
    files = {clip.path: clip.file for clip in clips}
    store.skipped = tuple(replace(item, path=files.get(item.path, item.path)) for item in store.skipped)
    report("decode", store.skipped, len(clips), "clips cannot be used")
    return store


def store_samples(path: Path, recordings: Iterable[NDArray[np.int16]], sample_rate_hz: int) -> None:
    """Write recordings, each int16 (samples,), as a store that `ClipStore` opens. Raises DataError."""
    starts, lengths = [], []
    with atomic_path(path) as temporary:
        with temporary.open("wb") as file:
            for samples in recordings:
                starts.append(file.tell() // 2)
                lengths.append(len(samples))
                file.write(samples.tobytes())
        index = _Index(starts=starts, lengths=lengths, kept=list(range(len(lengths))), skipped=[])
        index.write(path, sample_rate_hz)


def _pack(target: Path, clips: Sequence[Clip], rate: int, progress: bool) -> _Index:
    from tqdm.auto import tqdm

    by_path: dict[Path, list[int]] = defaultdict(list)
    for number, clip in enumerate(clips):
        by_path[clip.path].append(number)
    places: dict[int, Span] = {}
    reasons: dict[int, str] = {}
    with target.open("wb") as file:
        for path, numbers in tqdm(by_path.items(), desc="decode", unit="file", disable=not progress):
            spans = [_span(clips[number], rate) for number in numbers]
            for number, found in zip(numbers, _copy(file, path, spans, rate), strict=True):
                if isinstance(found, str):
                    reasons[number] = found
                else:
                    places[number] = found
    for number in _silent(target, clips, places):
        reasons[number] = "it is silent: every sample is 0"
        del places[number]
    kept = sorted(places)
    return _Index(
        starts=[places[number][0] for number in kept],
        lengths=[places[number][1] - places[number][0] for number in kept],
        kept=kept,
        skipped=[Skipped(path=clips[number].path, reason=reasons[number]) for number in sorted(reasons)],
    )


def _span(clip: Clip, rate: int) -> Span:
    start = round(clip.start_s * rate)
    # The length is rounded, not the end: windows of one length in seconds have one length in samples.
    return start, _FOREVER if clip.end_s is None else start + max(1, round((clip.end_s - clip.start_s) * rate))


def _copy(file: BinaryIO, path: Path, spans: Sequence[Span], rate: int) -> list[Span | str]:
    """Append what `spans` cover of a recording; for each span where it is in the store, or why it is not there."""
    wanted = _union(spans)
    places, length, damage = _append(file, path, wanted, rate)
    begins = np.array([begin for begin, _ in wanted], dtype=np.int64)

    def locate(span: Span) -> Span | str:
        begin, end = span
        if damage and end > length:
            return damage
        if begin >= length:
            return f"the clip begins at {begin / rate:g} s, after the end of the file ({length / rate:g} s)"
        piece = int(np.searchsorted(begins, begin, side="right")) - 1
        start = places[piece] + begin - wanted[piece][0]
        return start, start + min(end, length) - begin

    return [locate(span) for span in spans]


def _append(file: BinaryIO, path: Path, wanted: Sequence[Span], rate: int) -> tuple[list[int], int, str]:
    """Write stretches of a recording, which are sorted and apart.

    Returns:
        Where each of them begins in the store, how many samples of the recording were read, and why no more could be.
    """
    places: list[int] = []
    read = first = 0
    try:
        for block in stream_audio(path, rate, _BLOCK_S):
            after = read + len(block)
            while first < len(wanted) and wanted[first][0] < after:
                begin, end = wanted[first]
                if first == len(places):
                    places.append(file.tell() // 2)
                file.write(block[max(begin - read, 0) : end - read].tobytes())
                if end > after:
                    break
                first += 1
            read = after
            if first == len(wanted):
                break
    except DataError as error:
        return places, read, cause(error, path)
    return places, read, ""


def _union(spans: Iterable[Span]) -> list[Span]:
    """The stretches that spans cover together, sorted, none touching another."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def _silent(store: Path, clips: Sequence[Clip], places: dict[int, Span]) -> list[int]:
    """Clips of keywords in which nothing is heard; in background sound silence is no fault."""
    if not store.stat().st_size:
        return []
    samples = np.memmap(store, dtype=np.int16, mode="r")
    return [
        number
        for number, (start, end) in places.items()
        if not clips[number].label.startswith("_") and not samples[start:end].any()
    ]


def _fingerprint(clips: Sequence[Clip], sample_rate_hz: int) -> str:
    """Changes when a file or stretch is added, removed, replaced or edited."""
    digest = hashlib.sha1(f"{_FORMAT} {sample_rate_hz}".encode())
    states = {path: _state(path) for path in {clip.path for clip in clips}}
    for clip in clips:
        heard = not clip.label.startswith("_")
        digest.update(f"{clip.path}\0{states[clip.path]}\0{clip.start_s}\0{clip.end_s}\0{heard}\n".encode())
    return digest.hexdigest()[:20]


def _state(path: Path) -> str:
    """Size and time of a file, or that it is gone."""
    try:
        status = path.stat()
    except OSError:
        return "gone"
    return f"{status.st_size} {status.st_mtime_ns}"
