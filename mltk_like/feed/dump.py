"""Augmented windows as files for ear and eye."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.wav import write_wav
from mltk_like.errors import ToolError
from mltk_like.feed.windows import SplitFiles, Window, WindowMaker
from mltk_like.paths import atomic_path, write_text

# A cell of the spectrogram is so many pixels wide and high.
_CELL = 3
_INDEX = "index.csv"


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A line of the index: the fields are its columns."""

    audio: str
    image: str
    label: str
    clip: str
    seed: int
    number: int
    place: int


def dump_augmented(model: Any, files: SplitFiles, folder: Path, count: int, *, progress: bool = True) -> Path:
    """Write the first windows of each class in turn as training gets them; returns the index.

    Each is a WAV file of the window without its warm-up, and a PNG file of the spectrogram as the net sees it: time to
    the right, low bands at the bottom. `index.csv` names label, clip, seed, pass and place in the pass.

    Args:
        model: a model with AudioDatasetMixin and TrainMixin.
        files: the split.
        folder: where they go.
        count: number of windows.
        progress: show a bar.

    Raises:
        DataError: a clip cannot be used, or a file cannot be written.
        ToolError: matplotlib is not installed.
    """
    from tqdm.auto import tqdm

    maker = WindowMaker(model, files)
    rows: list[_Row] = []
    for index in tqdm(_chosen(maker, count), desc="dump", unit="window", disable=not progress):
        window = maker.window(index)
        name = model.classes[window.label]
        stem = re.sub(r"[^\w.-]+", "_", f"{len(rows):04d}_{name}_{Path(window.clip).stem}")
        samples = window.scene[-model.frontend.sample_length :]
        write_wav(folder / f"{stem}.wav", samples, model.frontend.sample_rate_hz)
        _write_image(folder / f"{stem}.png", window.features[:, 0])
        rows.append(_row(stem, name, window, model.seed))
    _write_index(folder / _INDEX, rows)
    return folder / _INDEX


def _chosen(maker: WindowMaker, count: int) -> list[int]:
    """The first window of each class, then the second of each, and so on, pass after pass."""
    chosen: list[int] = []
    for number in range(-(-count // max(len(maker), 1)) if len(maker) else 1):
        labels = maker.labels(number)
        rank = np.zeros(len(labels), dtype=np.int64)
        for label in np.unique(labels):
            rank[labels == label] = np.arange(int((labels == label).sum()))
        chosen += [number * len(labels) + int(place) for place in np.lexsort((labels, rank))]
    return chosen[:count]


def _row(stem: str, label: str, window: Window, seed: int) -> _Row:
    return _Row(
        audio=f"{stem}.wav",
        image=f"{stem}.png",
        label=label,
        clip=window.clip,
        seed=seed,
        number=window.number,
        place=window.place,
    )


def _write_index(path: Path, rows: list[_Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["audio", "image", "label", "clip", "seed", "pass", "place"])
    writer.writerows([row.audio, row.image, row.label, row.clip, row.seed, row.number, row.place] for row in rows)
    write_text(path, text.getvalue())


def _write_image(path: Path, features: NDArray[Any]) -> None:
    """`features` (time, bands): the whole range of int8 from dark to bright, or from lowest to highest float."""
    try:
        from matplotlib.image import imsave
    except ImportError as error:
        raise ToolError("images need matplotlib, which is not installed", "pip install 'mltk_like[train]'") from error
    low, high = (-128, 127) if features.dtype == np.int8 else (None, None)
    cells = np.kron(features.T, np.ones((_CELL, _CELL), features.dtype))
    with atomic_path(path) as temporary:
        imsave(temporary, cells, cmap="magma", origin="lower", format="png", vmin=low, vmax=high)
