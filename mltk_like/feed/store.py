"""Decoded clips in one memory-mapped file, so that workers read samples and never decode."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.wav import read_audio
from mltk_like.data.clip import Clip
from mltk_like.errors import DataError
from mltk_like.paths import atomic_path, cache_dir, write_text


class ClipStore:
    """int16 mono samples of a list of clips, by index.

    Args:
        path: the `.i16` file that `build_store` wrote; its `.json` neighbour holds the lengths.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        index = json.loads(path.with_suffix(".json").read_text())
        self.sample_rate_hz: int = index["sample_rate_hz"]
        self.lengths: NDArray[np.int64] = np.array(index["lengths"], dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)])
        # An empty file cannot be mapped.
        self._samples = np.memmap(path, dtype=np.int16, mode="r") if self._starts[-1] else np.zeros(0, np.int16)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> NDArray[np.int16]:
        """Samples of clip `index`, int16 (samples,), read-only."""
        return self._samples[self._starts[index] : self._starts[index + 1]]


def build_store(clips: Sequence[Clip], sample_rate_hz: int, *, progress: bool = True) -> ClipStore:
    """Decode clips into the cache, or find them there from an earlier call with the same files.

    Raises:
        DataError: a file cannot be read, or the cache cannot be written.
    """
    path = cache_dir() / "packs" / f"{_fingerprint(clips, sample_rate_hz)}.i16"
    if not path.is_file():
        store_samples(path, _decoded(clips, sample_rate_hz, progress), sample_rate_hz)
    return ClipStore(path)


def store_samples(path: Path, recordings: Iterable[NDArray[np.int16]], sample_rate_hz: int) -> None:
    """Write recordings, each int16 (samples,), as a store that `ClipStore` opens. Raises DataError."""
    lengths: list[int] = []
    with atomic_path(path) as temporary:
        with temporary.open("wb") as file:
            for samples in recordings:
                lengths.append(len(samples))
                file.write(samples.tobytes())
        # The index first: a store counts as there when its samples are.
        write_text(path.with_suffix(".json"), json.dumps({"sample_rate_hz": sample_rate_hz, "lengths": lengths}))


def _decoded(clips: Sequence[Clip], sample_rate_hz: int, progress: bool) -> Iterator[NDArray[np.int16]]:
    from tqdm import tqdm

    for clip in tqdm(clips, desc="decode", unit="clip", disable=not progress):
        yield read_audio(clip.path, sample_rate_hz)


def _fingerprint(clips: Sequence[Clip], sample_rate_hz: int) -> str:
    """Changes when a file is added, removed, replaced or edited."""
    digest = hashlib.sha1(str(sample_rate_hz).encode())
    for clip in clips:
        try:
            status = clip.path.stat()
        except OSError as error:
            raise DataError(
                f"cannot read {clip.path}: {error.strerror}", "the file was there when its source was collected"
            ) from error
        digest.update(f"{clip.path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:20]
