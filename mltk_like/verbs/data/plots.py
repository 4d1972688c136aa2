"""Pictures of a model's data: counts, the whole set with its labels, first windows."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import model_of
from mltk_like.audio.frontend import Frontend
from mltk_like.errors import DataError
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.store import ClipStore
from mltk_like.feed.windows import SplitFiles, WindowMaker
from mltk_like.metrics.dataset_plots import plot_class_counts, plot_dataset, plot_window
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.paths import write_bytes

# More is not read: a picture of an hour has two seconds in a column.
_LONGEST_S = 4 * 3600


def plot_data(model: Model | str | Path, folder: Path, *, progress: bool = True) -> tuple[Path, ...]:
    """Write `class_counts.png`, `dataset.png` and `first_<class>.png`; what is missing of the data is made or fetched.

    Args:
        model: a specification, name or `.py`.
        folder: where to.
        progress: show bars.

    Returns:
        The files.

    Raises:
        ModelError: the model does not exist or has no data.
        DataError: a class has no clip, or the folder cannot be written.
        ToolError: matplotlib, or a package that a source needs, is not installed.
    """
    specification: Any = model if isinstance(model, Model) else model_of(model)
    for mixin in (AudioDatasetMixin, TrainMixin):
        require(specification, mixin, "data --plots")
    splits = collect(specification, progress=progress).splits
    files = {
        name: open_split(specification, clips, seed=specification.seed, progress=progress)
        for name, clips in splits.items()
        if clips
    }
    if files["training"].features is not None:
        raise DataError("ready features have no sound to draw", "data MODEL says what there is of them")
    makers = {name: WindowMaker(specification, of) for name, of in files.items()}
    counts = {
        name: dict(zip(specification.classes, maker.class_counts().tolist(), strict=True))
        for name, maker in makers.items()
    }
    columns, truth, seconds = _columns(specification, files["training"])
    pictures = {
        "class_counts.png": plot_class_counts(counts),
        "dataset.png": plot_dataset(columns, truth, specification.classes, seconds),
    }
    maker = makers["training"]
    labels = maker.labels(0)
    for index, name in enumerate(specification.classes):
        found = np.flatnonzero(labels == index)
        if len(found):
            window = maker.window(int(found[0]))
            values = window.features.reshape(window.features.shape[0], -1)
            pictures[f"first_{name}.png"] = plot_window(
                _image(values, specification), f"{name}: {Path(window.clip).name}"
            )
    for name, png in pictures.items():
        write_bytes(folder / name, png)
    return tuple(folder / name for name in pictures)


def _columns(model: Any, files: SplitFiles) -> tuple[NDArray[Any], NDArray[np.int64], float]:
    """Columns of all labelled clips in a row, by recording and start, the class of each, and the seconds they last."""
    frontend = Frontend(model.frontend, "int8")
    store = ClipStore(files.speech)
    settings = model.frontend
    found, truth, seconds = [], [], 0.0
    for index in sorted(range(len(store)), key=lambda number: _place(files.names[number])):
        samples = np.asarray(store[index])
        if files.labels[index] in model.classes and len(samples) >= settings.window_samples and seconds < _LONGEST_S:
            values = frontend(samples)
            found.append(_image(values, model)[:: max(1, len(values) // 4000)])
            truth.append(np.full(len(found[-1]), model.classes.index(files.labels[index])))
            seconds += len(samples) / settings.sample_rate_hz
    return np.concatenate(found), np.concatenate(truth), seconds


def _place(name: str) -> tuple[str, float]:
    """Recording and start of a clip, from its name: `a.wav [1.5-2.25 s]`."""
    path, _, stretch = name.rpartition(" [")
    return (path, float(stretch.split("-")[0])) if path else (name, 0.0)


def _image(values: NDArray[Any], model: Any) -> NDArray[Any]:
    """(time, values) with the frames that a cascade has stacked side by side again, where it is one column."""
    cascade = getattr(model.frontend, "cascade", 1)
    if cascade == 1:
        return values
    if len(values) == 1:
        return values.reshape(cascade, -1)
    return values[:, -values.shape[1] // cascade :]
