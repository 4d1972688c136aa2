"""Plots that set several forms of a model side by side, as PNG images, from figures that may have been stored.

Matplotlib is used through its objects alone, so that no window or global state is involved.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ToolError
from mltk_like.metrics.curve import StreamCurve, misses_at
from mltk_like.metrics.intervals import wilson_interval
from mltk_like.metrics.lettering import png_of
from mltk_like.metrics.thinning import LONGEST_SIDE, drawn

_DPI = 110
# Okabe and Ito's colours, which colour-blind readers can tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_GREY = "#808080"
_LOWEST_RATE = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassCurves:
    """One class against the rest over rising thresholds: float64 (k,) each, NaN where a side has no clips.

    Attributes:
        name: in the legend.
        true_positive_rate: share of the class's windows above each threshold.
        false_positive_rate: share of the others above it.
        precision: share of the windows above it that are of the class.
        auc: area under the ROC; None where it is not known.
    """

    name: str
    true_positive_rate: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]
    precision: NDArray[np.float64]
    auc: float | None


def plot_det(
    curves: Mapping[str, StreamCurve],
    *,
    targets_per_hour: Sequence[float],
    title: str,
    dashed: Mapping[str, StreamCurve] = MappingProxyType({}),
) -> bytes:
    """Detection error trade-off: misses against false accepts an hour, with Wilson's 95 % band of the misses.

    Grey is what the hours heard cannot tell: rates below one event in them. Points without a false accept are drawn at
    half an event. Curves without positives or without negatives are left out.

    Args:
        curves: by the name in the legend.
        targets_per_hour: rates that are marked, on each curve with its interval.
        title: above the plot.
        dashed: what the curves are compared with, in the same colours by their order; there are no bands then.

    Raises:
        ToolError: matplotlib is not installed.
    """
    figure, (axes,) = _figure(1, (8.6, 4.8))
    known = [curve for curve in (*curves.values(), *dashed.values()) if curve.positives and curve.hours]
    hours = max((curve.hours for curve in known), default=1.0)
    left = min(0.4 / hours, *(0.7 * target for target in targets_per_hour), 1.0)
    for style, group in (("-", curves), ("--", dashed)):
        for colour, (name, curve) in zip(itertools.cycle(_COLOURS), group.items(), strict=False):
            if curve.positives and curve.hours:
                _draw_curve(axes, name, curve, colour, style, band=not dashed)
                _mark_targets(axes, curve, targets_per_hour, colour)
    axes.axvspan(left, 1 / hours, color=_GREY, alpha=0.15, linewidth=0, label="below one event in the hours heard")
    for target in targets_per_hour:
        axes.axvline(target, color=_GREY, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(left=left)
    axes.set_ylim(0, _top(known, targets_per_hour))
    _finish(axes, title=title, x="false accepts an hour (dotted: those asked for)", y="misses (%)")
    axes.legend(fontsize=8, loc="best")
    return png_of(figure)


def plot_class_curves(curves: Sequence[ClassCurves]) -> bytes:
    """ROC, and precision against recall, a line each. Raises ToolError when matplotlib is not installed."""
    figure, (roc, precision) = _figure(2, (10.6, 4.4))
    for place, curve in enumerate(curves):
        colour = _COLOURS[place % len(_COLOURS)]
        style = "-" if place % 2 == 0 else "--"
        area = "" if curve.auc is None else f" (AUC {curve.auc:.4f})"
        # Every window is above a threshold below 0: the curve's other end.
        kept = drawn(curve.true_positive_rate)
        false, true = (np.r_[1.0, rates[kept]] for rates in (curve.false_positive_rate, curve.true_positive_rate))
        roc.step(
            np.maximum(false, _LOWEST_RATE),
            true,
            where="pre",
            color=colour,
            linestyle=style,
            label=_plain(curve.name) + area,
        )
        precision.plot(
            curve.true_positive_rate[kept],
            curve.precision[kept],
            color=colour,
            linestyle=style,
            label=_plain(curve.name),
        )
    roc.set_xscale("log")
    roc.set_xlim(_LOWEST_RATE, 1)
    precision.set_xlim(0, 1.02)
    for axes in (roc, precision):
        axes.set_ylim(0, 1.02)
    _finish(roc, title="ROC", x="false positive rate", y="true positive rate")
    _finish(precision, title="Precision against recall", x="recall", y="precision")
    roc.legend(fontsize=8, frameon=False, loc="lower right")
    precision.legend(fontsize=8, frameon=False, loc="lower left")
    return png_of(figure)


def plot_confusions(
    matrices: Mapping[str, NDArray[np.int64]], classes: Sequence[str], taken_for: Sequence[str]
) -> bytes:
    """Confusion matrices side by side: counts, coloured by their share of the true class's row.

    Args:
        matrices: (n, m) by what stands above.
        classes: n true classes.
        taken_for: m classes, and what else a window can be taken for.

    Raises:
        ToolError: matplotlib is not installed.
    """
    cell = min(0.85, LONGEST_SIDE / max(len(classes), len(taken_for), 1))
    side = 1.9 + cell * max(len(classes), len(taken_for))
    figure, panels = _figure(len(matrices), (side * len(matrices), 1.2 + cell * len(classes) + 0.6))
    for axes, (name, counts) in zip(panels, matrices.items(), strict=True):
        shares = counts / np.maximum(counts.sum(axis=1), 1)[:, np.newaxis]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            share = shares[row, column]
            colour = "white" if share > 0.55 else "black"
            text = f"{count}\n{100 * share:.1f} %"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(
            range(len(taken_for)), [*map(_plain, taken_for)], rotation=30, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(range(len(classes)), [*map(_plain, classes)])
        axes.set_title(_plain(name), fontsize=11)
        axes.set_xlabel("taken for")
    panels[0].set_ylabel("true class")
    return png_of(figure)


def _top(curves: Sequence[StreamCurve], targets_per_hour: Sequence[float]) -> float:
    """As much of the misses, in %, as the operating points and their intervals need."""
    points = [misses_at(curve, target) for curve in curves for target in targets_per_hour]
    ends = [130 * point.misses_interval_95[1] for point in points if point is not None]
    return min(max(ends, default=102.0), 102.0)


def _draw_curve(axes: Any, name: str, curve: StreamCurve, colour: str, style: str, *, band: bool) -> None:
    # The rate that no higher threshold exceeds: a dip between two louder thresholds is no operating point.
    worst = np.maximum.accumulate(curve.false_accepts_per_hour[::-1])[::-1]
    # Of the thresholds without a false accept the lowest is the best; the others tell nothing.
    kept = slice(0, int(np.count_nonzero(worst)) + 1)
    rate = np.maximum(worst, 0.5 / curve.hours)[kept]
    # Between two rates the higher threshold must be taken: its misses hold from its rate rightwards.
    share = 100 * curve.misses_fraction[kept]
    axes.step(rate, share, where="pre", color=colour, linestyle=style, label=_plain(name), linewidth=1.8)
    if band:
        low, high = np.array([wilson_interval(int(misses), curve.positives) for misses in curve.misses[kept]]).T
        axes.fill_between(rate, 100 * low, 100 * high, step="pre", color=colour, alpha=0.15, linewidth=0)


def _mark_targets(axes: Any, curve: StreamCurve, targets_per_hour: Sequence[float], colour: str) -> None:
    """The operating points that were asked for, with the intervals of their misses."""
    for target in targets_per_hour:
        point = misses_at(curve, target)
        if point is not None:
            low, high = (100 * end for end in point.misses_interval_95)
            x, y = max(point.false_accepts_per_hour, 0.5 / curve.hours), 100 * point.misses_fraction
            error = [[max(y - low, 0)], [max(high - y, 0)]]
            axes.errorbar(x, y, yerr=error, color=colour, marker="o", markersize=4, capsize=3)


def _figure(columns: int, size: tuple[float, float]) -> tuple[Any, list[Any]]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ToolError("plots need matplotlib, which is not installed", "pip install 'mltk_like[train]'") from error
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, columns, squeeze=False).flat)


def _finish(axes: Any, *, title: str, x: str, y: str) -> None:
    axes.set_title(_plain(title), fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(True, which="major", color="#e0e0e0", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _plain(name: str) -> str:
    """A name as a plot can hold it: no formula, no characters without a shape."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name).replace("$", r"\$")
