"""Augmented windows made once and kept in the cache, so that long trainings and sweeps pay for them once.

One file a pass, named by everything that its bytes depend on. A pass that is finished stays, whatever happens to those
after it; one that is not leaves nothing.
"""

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import DataError
from mltk_like.feed.copy_choice import CopyChoice, choose_copies
from mltk_like.feed.copy_key import copies_key
from mltk_like.feed.features import open_windows
from mltk_like.feed.pool import BatchSource, Feed, Task
from mltk_like.feed.windows import Batch, SplitFiles
from mltk_like.paths import atomic_path, cache_dir

_TASK = 100
_TRIAL_WINDOWS = 64


class CopyStore:
    """Stored passes over one split.

    Args:
        model: the model; it must come from a file.
        files: the split.

    Raises:
        SettingError: the model has no file, so that nobody can tell whether its code has changed.
    """

    def __init__(self, model: Any, files: SplitFiles) -> None:
        self._maker = open_windows(model, files)
        self._windows = len(self._maker)
        self.folder = cache_dir() / "copies" / copies_key(model, files)

    def path(self, number: int) -> Path:
        """File of a pass: a NumPy array (windows, time, 1, bands)."""
        return self.folder / f"pass-{number:04d}.npy"

    def missing(self, passes: int) -> list[int]:
        """Which of the first `passes` passes are not stored yet."""
        return [number for number in range(passes) if not self.path(number).is_file()]

    def choose(self, *, needed: int, workers: int) -> CopyChoice:
        """How many passes are worth storing for a training that needs so many; makes a few windows to take the time."""
        self._maker.batch(0, 1)
        began = time.process_time()
        self._maker.batch(0, _TRIAL_WINDOWS)
        seconds = (time.process_time() - began) / _TRIAL_WINDOWS * self._windows / max(workers, 1)
        size = self._maker.window_bytes * self._windows
        have = needed - len(self.missing(needed))
        return choose_copies(needed=needed, have=have, size=size, seconds=seconds, free=_free_bytes(self.folder))

    def make(self, feed: BatchSource, passes: int, *, progress: bool = True) -> None:
        """Make what is missing of the first `passes` passes.

        Raises:
            DataError: the disk is too small, or a file cannot be written; finished passes stay.
            MltkLikeError: as `Feed.batches`.
        """
        from tqdm.auto import tqdm

        numbers = self.missing(passes)
        tasks = [self._tasks(number) for number in numbers]
        if numbers:
            self._check_disk(len(numbers))
        with tqdm(total=len(numbers) * self._windows, desc="copies", unit="window", disable=not progress) as bar:
            for number, own in zip(numbers, tasks, strict=True):
                self._make_pass(number, feed.batches(own), bar.update)

    def batches(self, passes: int, tasks: Iterable[Task]) -> Iterator[Batch]:
        """Stored windows in the order of training; after the last pass, again from the first, in another order."""
        maps: dict[int, NDArray[Any]] = {}
        for task in tasks:
            features, labels, origins, words = [], [], [], []
            began = time.process_time()
            for number, places in self._places(task, passes):
                stored = number % passes
                if stored not in maps:
                    maps = dict(list(maps.items())[-1:])
                    maps[stored] = np.load(self.path(stored), mmap_mode="r")
                features.append(maps[stored][places])
                labels.append(self._maker.labels(stored)[places])
                origins.append(self._maker.origins(stored)[places])
                words.append(self._maker.words(stored)[places])
            batch = [np.concatenate(column) for column in (features, labels, origins, words)]
            spent = {"read": time.process_time() - began}
            yield Batch(
                features=batch[0], labels=batch[1], first=task.first, origins=batch[2], words=batch[3], seconds=spent
            )

    def _places(self, task: Task, passes: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """(pass, places in its file) for each pass that a task touches."""
        first, stop = task.first, task.first + task.count
        while first < stop:
            number, place = divmod(first, self._windows)
            last = min(place + stop - first, self._windows)
            order = np.arange(self._windows)
            if number >= passes:
                order = np.random.default_rng(np.random.SeedSequence([number, 0xC0])).permutation(self._windows)
            yield number, order[place:last]
            first += last - place

    def _tasks(self, number: int) -> list[Task]:
        first, stop = number * self._windows, (number + 1) * self._windows
        return [Task(first=start, count=min(_TASK, stop - start)) for start in range(first, stop, _TASK)]

    def _make_pass(self, number: int, batches: Iterator[Batch], made: Any) -> None:
        with atomic_path(self.path(number)) as temporary, temporary.open("wb") as file:
            for index, batch in enumerate(batches):
                if index == 0:
                    header = {"descr": np.lib.format.dtype_to_descr(batch.features.dtype), "fortran_order": False}
                    shape = (self._windows, *batch.features.shape[1:])
                    np.lib.format.write_array_header_1_0(file, {**header, "shape": shape})
                file.write(batch.features.tobytes())
                made(len(batch.labels))

    def _check_disk(self, passes: int) -> None:
        needed, free = passes * self._windows * self._maker.window_bytes, _free_bytes(self.folder)
        if needed > free:
            raise DataError(
                f"{passes} augmented copies need {needed / 1e9:.2f} GB; {self.folder} has {free / 1e9:.2f} GB free",
                "store fewer (--augment-copies), or set MLTK_LIKE_CACHE to a larger disk",
            )


class CopyFeed:
    """Batches out of stored passes, in place of a `Feed`."""

    def __init__(self, store: CopyStore, passes: int) -> None:
        self._store = store
        self._passes = passes

    def batches(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """The batches of the tasks, in order: those of a `Feed` up to the last stored pass, then these again."""
        return self._store.batches(self._passes, tasks)


@contextmanager
def open_feed(
    model: Any,
    files: SplitFiles,
    *,
    workers: int,
    overrides: dict[str, Any] | None = None,
    copies: int = 0,
    progress: bool = True,
) -> Iterator[BatchSource]:
    """A `Feed`, or with `copies` so many stored passes, made now as far as they are missing.

    Raises:
        SettingError: copies of a model that has no file.
        DataError: a clip cannot be used, or the disk is full; finished passes stay.
        ToolError: a worker process died; finished passes stay.
    """
    if copies == 0:
        with Feed(model, files, workers=workers, overrides=overrides) as feed:
            yield feed
        return
    store = CopyStore(model, files)
    with _locked(store.folder):
        if store.missing(copies):
            with Feed(model, files, workers=workers, overrides=overrides) as feed:
                store.make(feed, copies, progress=progress)
    yield CopyFeed(store, copies)


def _free_bytes(folder: Path) -> int:
    """Free disk where the folder is or will be."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(there).free


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Trials of a sweep that start together make the copies once; the others wait."""
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot write {folder}: {error.strerror}", "check the folder's permissions") from error
    with FileLock(folder / ".lock"):
        yield
