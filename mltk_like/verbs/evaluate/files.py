"""The files of an evaluation: figures as JSON and text, and plots."""

import json
from pathlib import Path
from typing import Any

from mltk_like.evaluation.comparison import Comparison
from mltk_like.evaluation.labelled import LabelledRecording, LabelledResult
from mltk_like.evaluation.result import EvaluationResult
from mltk_like.evaluation.side_by_side import SideBySide
from mltk_like.metrics import ClassificationReport
from mltk_like.metrics.plots import (
    plot_confusion,
    plot_precision_recall,
    plot_roc,
    plot_stream,
    plot_stream_curve,
    plot_stream_curves,
)
from mltk_like.paths import write_text

_STRIP_S = 600


def write_figures(result: Any, folder: Path) -> None:
    """`eval-results.json` and `summary.txt` of any result. Raises DataError where the folder cannot be written."""
    write_text(folder / "eval-results.json", json.dumps(result.to_dict(), indent=2) + "\n")
    write_text(folder / "summary.txt", f"{result}\n")


def write_evaluation(result: EvaluationResult, folder: Path) -> None:
    """`eval-results.json`, `summary.txt` and the plots. Raises DataError where the folder cannot be written."""
    write_figures(result, folder)
    plot_stream_curve(result.curves, targets_per_hour=result.rates, path=folder / f"{result.name}-streams.png")
    if result.windows is not None:
        _plot_windows(result.windows, folder, result.name)


def write_comparison(result: Comparison, folder: Path) -> None:
    """`eval-results.json` and `summary.txt` of both, and each form's own files in a folder. Raises DataError."""
    write_figures(result, folder)
    for part in (result.first, result.second):
        write_evaluation(part, folder / part.kind)


def write_side_by_side(result: SideBySide, folder: Path) -> None:
    """`models.json`, `models.csv`, `summary.txt`, and `models.png` with the curves of all. Raises DataError."""
    write_text(folder / "models.json", json.dumps(result.to_dict(), indent=2) + "\n")
    write_text(folder / "models.csv", result.to_csv())
    write_text(folder / "summary.txt", f"{result}\n")
    panels = {name: result.curves(name) for name in result.conditions}
    plot_stream_curves(panels, targets_per_hour=result.rates, path=folder / "models.png")


def write_labelled(result: LabelledResult, folder: Path) -> None:
    """`eval-results.json`, `summary.txt`, plots, and a strip of scores and labels for each ten minutes of a recording.

    Raises DataError where the folder cannot be written.
    """
    write_figures(result, folder)
    _plot_windows(result.windows, folder, result.name)
    shown = [index for index, name in enumerate(result.windows.classes) if not name.startswith("_")]
    for recording in result.recordings:
        for part in range(max(1, -(-int(recording.scored.duration_s) // _STRIP_S))):
            for index in shown:
                label = result.windows.classes[index]
                path = folder / "strips" / f"{recording.path.stem}-{label}-{part + 1}.png"
                _plot_strip(recording, index, label, part, result.threshold, path)


def _plot_windows(report: ClassificationReport, folder: Path, name: str) -> None:
    plot_confusion(report, path=folder / f"{name}-confusion_matrix.png")
    plot_roc(report, path=folder / f"{name}-roc.png")
    plot_precision_recall(report, path=folder / f"{name}-precision_vs_recall.png")


def _plot_strip(recording: LabelledRecording, index: int, label: str, part: int, threshold: int, path: Path) -> None:
    """Predictions against labels over ten minutes of a recording."""
    first, last = part * _STRIP_S, (part + 1) * _STRIP_S
    times = recording.scored.times_ms
    inside = (times > 1000 * first) & (times <= 1000 * last)
    plot_stream(
        times[inside],
        recording.scored.scores[inside, index],
        words=[(i.start_s, i.end_s, i.label) for i in recording.intervals if i.start_s < last and i.end_s > first],
        detections=[
            found for found in recording.detections if found.label == label and first < found.time_ms / 1000 <= last
        ],
        threshold=threshold,
        title=f"{recording.path.name}: {label!r}",
        path=path,
    )
