"""Plots of a data set and of what a net has learnt from it, as PNG images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ToolError
from mltk_like.metrics.lettering import png_of

_DPI = 110
# Okabe and Ito's colours, which colour-blind readers can tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
_COLUMNS = 2000


def plot_class_counts(counts: Mapping[str, Mapping[str, int]]) -> bytes:
    """Windows of each class, a bar for each split: PNG.

    Args:
        counts: by split, then by class.

    Raises:
        ToolError: matplotlib is not installed.
    """
    classes = list(dict.fromkeys(name for split in counts.values() for name in split))
    figure, (axes,) = _figure(1, (2.5 + 1.1 * len(classes), 3.4))
    width = 0.8 / max(len(counts), 1)
    for place, (split, of) in enumerate(counts.items()):
        at = np.arange(len(classes)) + (place - (len(counts) - 1) / 2) * width
        bars = axes.bar(at, [of.get(name, 0) for name in classes], width, color=_COLOURS[place], label=split)
        axes.bar_label(bars, fontsize=7)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_ylabel("windows")
    axes.set_title("Windows of each class", fontsize=11)
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return png_of(figure)


def plot_dataset(columns: NDArray[Any], truth: NDArray[np.int64], classes: Sequence[str], seconds: float) -> bytes:
    """All recordings in a row as one spectrogram, with the label of each moment underneath: PNG.

    Of more than 2,000 columns each picture column is the loudest of those that it stands for, so that what is short
    still shows.

    Args:
        columns: (time, values), the front end's.
        truth: int64 (time,): class of each column; -1: none.
        classes: names.
        seconds: length of all.

    Raises:
        ToolError: matplotlib is not installed.
    """
    size = -(-len(columns) // _COLUMNS)
    whole = len(columns) // size * size
    shown = columns[:whole].reshape(-1, size, columns.shape[1]).max(axis=1)
    figure, (image, marks) = _figure(2, (11.0, 4.6), ratios=(5, 1))
    low, high = np.percentile(shown, (1, 99.5))
    image.imshow(
        shown.T, origin="lower", aspect="auto", cmap="magma", vmin=low, vmax=max(high, low + 1e-6),
        extent=(0, seconds, -0.5, columns.shape[1] - 0.5), interpolation="nearest",
    )  # fmt: skip
    image.set_ylabel("value of a column")
    image.set_title("The data set, recording after recording", fontsize=11)
    time = np.arange(len(truth)) * seconds / max(len(truth), 1)
    for index in range(len(classes)):
        inside = truth == index
        marks.fill_between(time, index, index + 0.8, where=inside, color=_COLOURS[index % len(_COLOURS)], linewidth=0.6)
    marks.set_yticks(np.arange(len(classes)) + 0.4, classes, fontsize=8)
    marks.set_xlim(0, seconds)
    image.set_xlim(0, seconds)
    marks.set_xlabel("time (s)")
    return png_of(figure)


def plot_window(window: NDArray[Any], title: str) -> bytes:
    """One window as the net sees it, (time, values): PNG. Raises ToolError: matplotlib is not installed."""
    figure, (axes,) = _figure(1, (4.6, 3.6))
    drawn = axes.imshow(window.T, origin="lower", aspect="auto", cmap="viridis", interpolation="nearest")
    figure.colorbar(drawn, ax=axes, fraction=0.046)
    axes.set_xlabel("column")
    axes.set_ylabel("value of a column")
    axes.set_title(title, fontsize=10)
    return png_of(figure)


def plot_filters(kernels: NDArray[Any], title: str) -> bytes:
    """The filters of a convolution side by side: PNG.

    A kernel that spans one row or column only, as those along time, is shown as its taps against its input channels.

    Args:
        kernels: (height, width, channels in, filters), as Keras has them.
        title: above them.

    Raises:
        ToolError: matplotlib is not installed.
    """
    height, width, inputs, filters = kernels.shape
    flat = kernels.reshape(height * width, inputs, filters) if min(height, width) == 1 else kernels.mean(axis=2)
    across = min(filters, 8)
    down = -(-filters // across)
    figure, panels = _figure(down * across, (1.3 * across + 0.8, 0.8 + 2.2 * down), across=across)
    most = float(np.abs(flat).max()) or 1.0
    for number, axes in enumerate(panels):
        if number >= filters:
            axes.set_axis_off()
            continue
        picture = flat[:, :, number].T
        axes.imshow(picture, origin="lower", aspect="auto", cmap="viridis", vmin=-most, vmax=most)
        axes.set_title(f"{number + 1}", fontsize=8)
        axes.tick_params(labelsize=6)
    figure.suptitle(title, fontsize=10)
    return png_of(figure)


def _figure(
    panels: int, size: tuple[float, float], *, ratios: Sequence[int] = (), across: int = 1
) -> tuple[Any, list[Any]]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ToolError("plots need matplotlib, which is not installed", "pip install 'mltk_like[train]'") from error
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    rows = -(-panels // across)
    return figure, list(figure.subplots(rows, across, squeeze=False, height_ratios=ratios or None).flat)
