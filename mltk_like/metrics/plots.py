"""Plots as PNG images. Matplotlib is used through its objects alone, so that no window or global state is involved.

Every function returns the image's bytes; with `path` it is written there too, atomically.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.recogniser import Detection
from mltk_like.errors import ToolError
from mltk_like.metrics.classification import ClassificationReport
from mltk_like.metrics.curve import TARGETS_PER_HOUR, StreamCurve, misses_at
from mltk_like.metrics.lettering import png_of
from mltk_like.metrics.thinning import LONGEST_SIDE, drawn
from mltk_like.paths import write_bytes

_DPI = 110
_MOST_PANELS = 60
# Okabe and Ito's colours, which colour-blind readers can tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
_GREY = "#808080"


def plot_history(
    history: Mapping[str, Sequence[float]], *, best_epoch: int | None = None, path: Path | None = None
) -> bytes:
    """Training curves: one panel for each figure, with its `val_` twin beside it.

    Args:
        history: one list a figure, one entry an epoch. The first 60 figures are drawn.
        best_epoch: marked in every panel, counted from 1; None marks nothing.
        path: also written there.

    Raises:
        ToolError: matplotlib is not installed.
        DataError: `path` cannot be written.
    """
    names = [name for name in history if not (name.startswith("val_") and name[4:] in history)][:_MOST_PANELS]
    columns = min(len(names), 3) or 1
    rows = -(-len(names) // columns) or 1
    figure, panels = _figure(rows, columns, (4.2 * columns, 3.1 * rows))
    for name, axes in zip(names, panels, strict=False):
        for colour, series in zip(_COLOURS, (name, f"val_{name}"), strict=False):
            values = history.get(series, ())
            if len(values):
                kept = drawn(values)
                label = "validation" if series.startswith("val_") else "training"
                axes.plot(
                    kept + 1,
                    np.asarray(values, np.float64)[kept],
                    color=colour,
                    label=label,
                    marker="." if len(values) < 20 else None,
                )
        if best_epoch is not None:
            axes.axvline(best_epoch, color=_GREY, linestyle="--", linewidth=1, label=f"best (epoch {best_epoch})")
        _finish(axes, title=name.removeprefix("val_").replace("_", " "), x="epoch", legend=True)
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    return _png(figure, path)


def plot_confusion(report: ClassificationReport, *, path: Path | None = None) -> bytes:
    """Confusion matrix: counts, coloured by their share of the true class's row. Raises as `plot_history`."""
    size = 2.6 + min(0.75 * len(report.classes), LONGEST_SIDE)
    figure, (axes,) = _figure(1, 1, (size + 0.9, size))
    shares = report.confusion / np.maximum(report.support, 1)[:, np.newaxis]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(report.confusion):
        share = shares[row, column]
        text = f"{count}\n{100 * share:.1f} %"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if share > 0.55 else "black")
    ticks = range(len(report.classes))
    axes.set_xticks(ticks, report.classes, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, report.classes)
    figure.colorbar(image, ax=axes, label="share of the true class", fraction=0.046)
    _finish(
        axes,
        title=f"Confusion matrix (accuracy {100 * report.accuracy:.2f} %)",
        x="taken for",
        y="true class",
        grid=False,
    )
    return _png(figure, path)


def plot_roc(report: ClassificationReport, *, path: Path | None = None) -> bytes:
    """ROC of each class against the rest; the false positive rate on a logarithmic axis. Raises as `plot_history`."""
    figure, (axes,) = _figure(1, 1, (6.4, 4.6))
    lowest = 1e-4
    for colour, index in zip(_cycle(len(report.classes)), range(len(report.classes)), strict=True):
        false, true = report.false_positive_rate[index], report.true_positive_rate[index]
        # Every clip is above a threshold below 0: the curve's other end.
        false, true = np.concatenate([[1.0], false]), np.concatenate([[1.0], true])
        # Quoted, because matplotlib leaves names that start with an underscore out of a legend.
        label = f"{report.classes[index]!r} (AUC {report.auc[index]:.4f})"
        axes.step(np.maximum(false, lowest), true, where="pre", color=colour, label=label)
    axes.set_xscale("log")
    axes.set_xlim(lowest, 1)
    axes.set_ylim(0, 1.02)
    _finish(axes, title="ROC", x="false positive rate", y="true positive rate", legend=True)
    return _png(figure, path)


def plot_precision_recall(report: ClassificationReport, *, path: Path | None = None) -> bytes:
    """Precision against recall over the thresholds, a line for each class. Raises as `plot_history`."""
    figure, (axes,) = _figure(1, 1, (6.4, 4.6))
    for colour, index in zip(_cycle(len(report.classes)), range(len(report.classes)), strict=True):
        axes.plot(
            report.true_positive_rate[index],
            report.threshold_precision[index],
            color=colour,
            label=repr(report.classes[index]),
        )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    _finish(axes, title="Precision against recall", x="recall", y="precision", legend=True)
    return _png(figure, path)


def plot_stream_curve(
    curves: Mapping[str, StreamCurve],
    *,
    targets_per_hour: Sequence[float] = TARGETS_PER_HOUR,
    label: str = "",
    path: Path | None = None,
) -> bytes:
    """Misses against false accepts per hour, one line for each curve (clean, noisy, int8, ...).

    Points where no false accept was heard are drawn at the left edge, which is half an event in the hours heard. Curves
    without positives or without negatives are left out.

    Args:
        curves: by the name in the legend.
        targets_per_hour: rates at which misses are marked, with their 95 % intervals.
        label: the word, for the title.
        path: also written there.

    Raises:
        ToolError: matplotlib is not installed.
        DataError: `path` cannot be written.
    """
    figure, (axes,) = _figure(1, 1, (6.8, 4.6))
    _draw_curves(axes, curves, targets_per_hour, "Misses against false accepts" + (f": {label!r}" if label else ""))
    return _png(figure, path)


def plot_stream_curves(
    panels: Mapping[str, Mapping[str, StreamCurve]],
    *,
    targets_per_hour: Sequence[float] = TARGETS_PER_HOUR,
    path: Path | None = None,
) -> bytes:
    """As `plot_stream_curve`, with a panel for each condition, side by side, and a line in it for each model.

    Args:
        panels: by title, the curves by the name in the legend.
        targets_per_hour, path: see `plot_stream_curve`, which raises the same.
    """
    figure, found = _figure(1, len(panels) or 1, (6.8 * (len(panels) or 1), 4.6))
    for axes, (title, curves) in zip(found, panels.items(), strict=False):
        _draw_curves(axes, curves, targets_per_hour, f"Misses against false accepts, {title}")
    return _png(figure, path)


def _draw_curves(axes: Any, curves: Mapping[str, StreamCurve], targets: Sequence[float], title: str) -> None:
    curves = {name: curve for name, curve in curves.items() if curve.positives and curve.hours}
    left = min((0.5 / curve.hours for curve in curves.values()), default=0.1)
    for colour, (name, curve) in zip(_cycle(len(curves)), curves.items(), strict=True):
        rate = np.maximum(curve.false_accepts_per_hour, left)
        text = f"{name} ({curve.positives} clips, {curve.hours:.2f} h)"
        # Between two rates the higher threshold must be taken: its misses hold from its rate rightwards.
        axes.step(rate, 100 * curve.misses_fraction, where="pre", color=colour, label=text)
        for target in targets:
            point = misses_at(curve, target)
            if point is not None:
                low, high = point.misses_interval_95
                x, y = max(point.false_accepts_per_hour, left), 100 * point.misses_fraction
                axes.errorbar(
                    x, y, yerr=[[y - 100 * low], [100 * high - y]], color=colour, marker="o", markersize=4, capsize=3
                )
    for target in targets:
        axes.axvline(target, color=_GREY, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(left=left * 0.95)
    axes.set_ylim(0, 100)
    _finish(axes, title=title, x="false accepts per hour", y="misses (%)", legend=True)


def plot_stream(
    times_ms: NDArray[np.int64],
    scores: NDArray[np.uint8],
    *,
    words: Sequence[tuple[float, float, str]] = (),
    detections: Sequence[Detection] = (),
    threshold: int | None = None,
    title: str = "Score along the stream",
    path: Path | None = None,
) -> bytes:
    """A score over time, with what was said and what was detected.

    Args:
        times_ms: (n,).
        scores: uint8 (n,): score of one class, as it is or averaged.
        words: spans (start, end in seconds, text) that are shaded; those of other words are told apart by their text.
        detections: drawn as marks at their score.
        threshold: drawn as a line; None draws nothing.
        title: above the plot.
        path: also written there.

    Raises:
        ToolError: matplotlib is not installed.
        DataError: `path` cannot be written.
    """
    figure, (axes,) = _figure(1, 1, (11.0, 3.4))
    for start, end, text in words:
        axes.axvspan(start, end, color=_COLOURS[5], alpha=0.35, linewidth=0)
        axes.text((start + end) / 2, 262, text, ha="center", va="bottom", fontsize=8)
    axes.plot(np.asarray(times_ms) / 1000, scores, color=_COLOURS[0], linewidth=1.2, label="score")
    if threshold is not None:
        axes.axhline(threshold, color=_GREY, linestyle="--", linewidth=1, label=f"threshold {threshold}")
    if detections:
        x, y = [d.time_ms / 1000 for d in detections], [d.score for d in detections]
        axes.plot(x, y, linestyle="", marker="v", markersize=8, color=_COLOURS[1], label="detection")
    axes.set_ylim(-4, 259)
    axes.margins(x=0.01)
    _finish(axes, x="time (s)", y="score (0..255)")
    axes.set_title(title, fontsize=11, loc="left", pad=18 if words else 6)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return _png(figure, path)


def evaluation_plots(
    curves: Mapping[str, StreamCurve], report: ClassificationReport | None, label: str = ""
) -> dict[str, bytes]:
    """Every plot of an evaluation, by file name without ending. Raises ToolError when matplotlib is not installed.

    Args:
        curves: by condition (clean, noisy, ...).
        report: figures of single clips; None leaves their plots out.
        label: the word, for the title of the stream curve.
    """
    plots = {"misses_vs_false_accepts": plot_stream_curve(curves, label=label)}
    if report is not None:
        plots["confusion_matrix"] = plot_confusion(report)
        plots["roc"] = plot_roc(report)
        plots["precision_vs_recall"] = plot_precision_recall(report)
    return plots


def plot_trials(misses: Sequence[float], settings: Mapping[str, Sequence[Any]], *, path: Path | None = None) -> bytes:
    """A search for settings: misses trial by trial with the best so far, and over each setting.

    Args:
        misses: share missed by each trial, in the order in which they were asked for.
        settings: the values of each setting, one a trial; numbers or text.
        path: also written there.

    Raises:
        ToolError: matplotlib is not installed.
        DataError: `path` cannot be written.
    """
    percent = 100 * np.asarray(misses, dtype=np.float64)
    columns = min(1 + len(settings), 3)
    figure, panels = _figure(-(-(1 + len(settings)) // columns), columns, (4.2 * columns, 3.1))
    panels[0].plot(percent, ".", color=_COLOURS[0], label="trial")
    panels[0].plot(np.minimum.accumulate(percent), color=_COLOURS[1], drawstyle="steps-post", label="best so far")
    _finish(panels[0], title="search", x="trial", y="missed %", legend=True)
    for axes, (name, values) in zip(panels[1:], settings.items(), strict=False):
        axes.scatter(values, percent, c=np.arange(len(percent)), cmap="viridis", s=16)
        numbers = [value for value in values if isinstance(value, int | float) and value > 0]
        if len(numbers) == len(values) and max(numbers) >= 10 * min(numbers):
            axes.set_xscale("log")
        _finish(axes, title=name, x=name, y="missed %")
    for axes in panels[1 + len(settings) :]:
        axes.set_visible(False)
    return _png(figure, path)


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, list[Any]]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ToolError("plots need matplotlib, which is not installed", "pip install 'mltk_like[train]'") from error
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _finish(axes: Any, *, title: str = "", x: str = "", y: str = "", legend: bool = False, grid: bool = True) -> None:
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if grid:
        axes.grid(True, which="major", color="#e0e0e0", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    if legend and axes.get_legend_handles_labels()[0]:
        # Matplotlib looks long for the best place where there are many points, and warns of it.
        axes.legend(fontsize=8, frameon=False, loc="upper right")


def _cycle(count: int) -> list[str]:
    return [_COLOURS[index % len(_COLOURS)] for index in range(count)]


def _png(figure: Any, path: Path | None) -> bytes:
    data = png_of(figure)
    if path is not None:
        write_bytes(path, data)
    return data
