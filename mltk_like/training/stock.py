"""Windows that a training goes through again and again: made once, kept in a file, drawn in another order each time.

Making a window costs more than learning from it. And batches of the same windows in the same order would pull the net
the same way in every pass.
"""

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import DataError
from mltk_like.feed.pool import BatchSource, Task
from mltk_like.feed.windows import Batch
from mltk_like.paths import atomic_path, write_bytes

WINDOWS = "windows.bin"
"""What the net is shown of each window, in the run's folder of checkpoints, while it is trained."""

_COLUMNS = ("labels", "origins", "words")


@dataclass(frozen=True, kw_only=True)
class ToldFeed:
    """A feed that goes through the first windows again and again, with what teachers say of them.

    Args:
        source: makes the windows, once.
        answers: float32 (windows, classes + numbers), for a whole number of batches.
        folder: keeps the windows, as long as the training lasts.
        seed: of the orders in which they are drawn: another one in each pass, the same for whoever goes on.
        progress: show a bar while they are made.
    """

    source: BatchSource
    answers: NDArray[np.float32]
    folder: Path
    seed: int
    progress: bool = True

    def batches(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """The batches of the tasks, in order, `told` what is known of their windows.

        Raises:
            DataError: a clip cannot be used; the windows cannot be written or read again.
            ToolError: a worker process died.
        """
        count, drawn, order = len(self.answers), -1, np.zeros(0, np.int64)
        stock: _Stock | None = None
        for task in tasks:
            spent: dict[str, float] = {}
            if stock is None:
                stock, spent = self._stock(task.count)
            passed, first = divmod(task.first, count)
            if passed != drawn:
                drawn, order = passed, np.random.default_rng([self.seed, passed, 0x570C]).permutation(count)
            rows = order[first : first + task.count]
            labels, origins, words = (stock.columns[name][rows] for name in _COLUMNS)
            yield Batch(
                features=stock.windows[rows], labels=labels, first=task.first, origins=origins, words=words,
                told=self.answers[rows], seconds=spent,
            )  # fmt: skip

    def _stock(self, batch: int) -> tuple["_Stock", dict[str, float]]:
        path = self.folder / WINDOWS
        index = path.with_suffix(".npz")
        made = path.is_file() and index.is_file()
        spent = {} if made else self._make(path, index, batch)
        return _opened(path, index, len(self.answers)), spent

    def _make(self, path: Path, index: Path, batch: int) -> dict[str, float]:
        """Every window in its place; what is known of all comes last. Returns what `Batch.seconds` came to."""
        from tqdm.auto import tqdm

        count = len(self.answers)
        columns: dict[str, list[NDArray[Any]]] = {name: [] for name in _COLUMNS}
        index.unlink(missing_ok=True)
        shape: tuple[int, ...] = ()
        kind, spent = "", Counter[str]()
        with (
            atomic_path(path) as partial,
            partial.open("wb") as file,
            tqdm(total=count, desc="windows", unit="window", disable=not self.progress, leave=False) as bar,
        ):
            for made in self.source.batches(Task(first=at, count=batch) for at in range(0, count, batch)):
                shape, kind = made.features.shape[1:], made.features.dtype.str
                file.write(np.ascontiguousarray(made.features).data)
                for name in _COLUMNS:
                    columns[name].append(getattr(made, name))
                spent.update(made.seconds)
                bar.update(len(made.labels))
        buffer = io.BytesIO()
        labels, origins, words = (np.concatenate(columns[name]) for name in _COLUMNS)
        np.savez(buffer, shape=np.array(shape), kind=np.array(kind), labels=labels, origins=origins, words=words)
        write_bytes(index, buffer.getvalue())
        return dict(spent)


def forget_windows(folder: Path) -> None:
    """Delete what a `ToldFeed` kept, once the net is trained."""
    for suffix in (".npz", ".bin"):
        (folder / WINDOWS).with_suffix(suffix).unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class _Stock:
    windows: NDArray[Any]
    columns: dict[str, NDArray[np.int64]]


def _opened(path: Path, index: Path, count: int) -> _Stock:
    try:
        with np.load(index, allow_pickle=False) as file:
            shape, kind = (count, *file["shape"].tolist()), str(file["kind"])
            columns = {name: file[name] for name in _COLUMNS}
        windows = np.memmap(path, dtype=kind, mode="r", shape=shape)
        if any(column.shape != (count,) for column in columns.values()) or path.stat().st_size != windows.nbytes:
            raise ValueError(f"not of {count} windows")
    except Exception as error:  # whatever NumPy and its decompressors make of damaged bytes
        raise DataError(f"cannot read the windows {path}: {error}", "delete the file and resume") from error
    return _Stock(windows=windows, columns=columns)
