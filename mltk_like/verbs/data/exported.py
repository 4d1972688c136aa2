"""The windows of a model as a table of features with labels, for other tools and for `data.Features`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import model_of
from mltk_like.cluster import Cluster, Workers
from mltk_like.data.split import Splits
from mltk_like.errors import SettingError
from mltk_like.feed.cluster_feed import ClusterFeed
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.features import check_features, feature_sources, open_windows
from mltk_like.feed.measured import is_measured, measured_scale
from mltk_like.feed.pool import Feed, Task, default_workers
from mltk_like.feed.windows import SplitFiles, WindowMaker
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.paths import portable
from mltk_like.verbs.data.copies import worker_overrides
from mltk_like.verbs.data.feature_tables import Rows, check_table, open_table

_BATCH = 256


@dataclass(frozen=True, kw_only=True)
class ExportedFeatures:
    """A table of features that was written.

    Attributes:
        path: the file.
        rows: number of windows.
        shape: (time, bands) of each.
        counts: windows of each class in each subset, by the names of both.
    """

    path: Path
    rows: int
    shape: tuple[int, int]
    counts: dict[str, dict[str, int]]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"path": portable(self.path), "rows": self.rows, "shape": list(self.shape), "counts": self.counts}

    def __str__(self) -> str:
        lines = [f"written: {portable(self.path)}, {self.rows} windows of {self.shape[0]} x {self.shape[1]} int8"]
        for subset, found in self.counts.items():
            lines.append(f"  {subset}: {', '.join(f'{count} {name}' for name, count in found.items())}")
        return "\n".join(lines)


def export_features(
    model: Model | str | Path, path: str | Path, *, workers: Workers = None, progress: bool = True
) -> ExportedFeatures:
    """Write one pass over a model's windows, as the training sees them, to a table; missing data is made or fetched.

    Each row has its subset, label, clip, group, and the int8 values that the net is given, time by time and in it band
    by band. The suffix chooses the form: `.csv`, `.npz` (which `data.Features` reads back) or `.parquet`. Rows are
    written as they are made, and the file has its name when it is whole.

    Args:
        model: a specification, name or `.py`.
        path: the file; one that exists is replaced.
        workers: processes, or a cluster, which gives the same bytes; none: one a core.
        progress: show bars.

    Raises:
        SettingError: the suffix is of no such form.
        ModelError: the model does not exist, or has no data.
        DataError: a clip cannot be used, or the file cannot be written.
        ToolError: pyarrow is needed and not installed, or a package of a source.
    """
    target = Path(path)
    check_table(target)
    specification: Any = model if isinstance(model, Model) else model_of(model)
    for mixin in (AudioDatasetMixin, TrainMixin):
        require(specification, mixin, "data --export-features")
    check_features(specification, feature_sources(specification))
    splits = collect(specification, workers=workers, progress=progress).splits
    files = {
        name: open_split(specification, clips, seed=specification.seed, progress=progress)
        for name, clips in splits.items()
        if clips
    }
    if not is_measured(specification) and "training" in files:
        specification = specification.with_settings(frontend=measured_scale(specification, files["training"]))
    return _write(specification, splits, files, target, workers, progress)


def _write(
    model: Any, splits: Splits, files: dict[str, SplitFiles], target: Path, workers: Workers, progress: bool
) -> ExportedFeatures:
    from tqdm.auto import tqdm

    time, _, bands = model.input_shape
    counts: dict[str, dict[str, int]] = {}
    total = 0
    with open_table(target, (time, bands)) as table:
        for subset, split in files.items():
            groups = {clip.name: clip.group for clip in dict(splits.items())[subset]}
            found = np.zeros(len(model.classes), dtype=np.int64)
            maker = open_windows(model, split)
            with (
                _feed(model, split, workers) as feed,
                tqdm(total=len(maker), desc=f"features, {subset}", unit="window", disable=not progress) as bar,
            ):
                for rows in _rows(model, maker, feed, groups, subset):
                    table.write(rows)
                    found += np.bincount(rows.classes, minlength=len(model.classes))
                    bar.update(len(rows.labels))
            total += len(maker)
            counts[subset] = dict(zip(model.classes, found.tolist(), strict=True))
    if not total:
        raise SettingError("there is no window to write", "give sources() clips of the model's classes")
    return ExportedFeatures(path=target, rows=total, shape=(time, bands), counts=counts)


@contextmanager
def _feed(model: Any, split: SplitFiles, workers: Workers) -> Iterator[Feed | ClusterFeed]:
    """What makes the windows of a split: a cluster, or processes here."""
    overrides = worker_overrides(model)
    if isinstance(workers, Cluster):
        yield ClusterFeed(workers, model, split, overrides)
        return
    count = default_workers() if workers is None else workers
    with Feed(model, split, workers=count, overrides=overrides) as feed:
        yield feed


def _rows(
    model: Any, maker: WindowMaker, feed: Feed | ClusterFeed, groups: dict[str, str], subset: str
) -> Iterator[Rows]:
    """One pass over a split, in pieces."""
    size = len(maker)
    tasks = [Task(first=first, count=min(_BATCH, size - first)) for first in range(0, size, _BATCH)]
    for task, batch in zip(tasks, feed.batches(tasks), strict=True):
        names = [maker.clip_name(task.first + at) for at in range(task.count)]
        flat: NDArray[np.int8] = batch.features.reshape(task.count, -1)
        yield Rows(
            subset=subset,
            classes=batch.labels,
            labels=[model.classes[label] for label in batch.labels.tolist()],
            clips=[_portable(name) for name in names],
            groups=[groups.get(name, "") for name in names],
            values=flat,
        )


def _portable(name: str) -> str:
    """A clip's name without the folders of this machine above it: 'words/yes/a.wav [0.1-0.9 s]'."""
    path, bracket, rest = name.partition(" [")
    return f"{portable(Path(path)) if Path(path).is_absolute() else path}{bracket}{rest}"
