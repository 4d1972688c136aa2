"""Plots: they are images, show what they were given, and touch nothing global."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.recogniser import Detection
from mltk_like.errors import ToolError
from mltk_like.metrics import ClassificationReport, StreamCurve, classification_report, plots

pytest.importorskip("matplotlib")

PNG = b"\x89PNG\r\n\x1a\n"


def report() -> ClassificationReport:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    scores = rng.random((300, 3)) + np.eye(3)[labels] * 0.7
    return classification_report(scores / scores.sum(axis=1, keepdims=True), labels, ("yes", "no", "_unknown_"))


def curve(positives: int = 131, hours: float = 4.14) -> StreamCurve:
    levels = np.arange(255)
    return StreamCurve(
        thresholds=levels,
        misses=np.minimum(levels**2 // 1000, positives),
        positives=positives,
        false_accepts=(254 - levels) ** 2 // 300,
        hours=hours,
    )


def test_every_plot_is_an_image_and_is_written(tmp_path: Path) -> None:
    history = {"loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.5, 2.4], "learning_rate": [1e-3, 1e-3, 1e-4]}
    found = [Detection(time_ms=1400, class_index=0, label="yes", score=230)]
    images = {
        "history": plots.plot_history(history, best_epoch=3, path=tmp_path / "history.png"),
        "confusion": plots.plot_confusion(report(), path=tmp_path / "confusion.png"),
        "roc": plots.plot_roc(report(), path=tmp_path / "roc.png"),
        "precision": plots.plot_precision_recall(report(), path=tmp_path / "precision.png"),
        "curve": plots.plot_stream_curve({"clean": curve(), "10 dB": curve(hours=9.0)}, path=tmp_path / "curve.png"),
        "stream": plots.plot_stream(
            np.arange(0, 4000, 200),
            np.linspace(0, 255, 20).astype(np.uint8),
            words=[(1.0, 1.5, "yes"), (2.5, 3.0, "chess")],
            detections=found,
            threshold=216,
            path=tmp_path / "stream.png",
        ),
    }
    for name, data in images.items():
        assert data.startswith(PNG)
        assert (tmp_path / f"{name}.png").read_bytes() == data


def test_plots_show_what_they_are_given() -> None:
    assert plots.plot_history({"loss": [1.0, 2.0]}) != plots.plot_history({"loss": [2.0, 1.0]})
    times, scores = np.arange(3) * 200, np.array([0, 200, 0], np.uint8)
    bare = plots.plot_stream(times, scores)
    assert bare == plots.plot_stream(times, scores)
    assert bare != plots.plot_stream(times, scores, threshold=100)
    assert bare != plots.plot_stream(times, scores, words=[(0.1, 0.3, "yes")])


def test_plots_of_an_evaluation() -> None:
    curves = {"clean": curve(), "nothing heard": curve(positives=0)}
    assert set(plots.evaluation_plots(curves, None, "alexa")) == {"misses_vs_false_accepts"}
    names = {"misses_vs_false_accepts", "confusion_matrix", "roc", "precision_vs_recall"}
    assert set(plots.evaluation_plots(curves, report())) == names


def test_empty_input_gives_an_empty_plot() -> None:
    assert plots.plot_history({}).startswith(PNG)
    assert plots.plot_stream_curve({}).startswith(PNG)
    assert plots.plot_stream(np.zeros(0, np.int64), np.zeros(0, np.uint8)).startswith(PNG)


def test_missing_matplotlib_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ToolError, match=r"mltk_like\[train\]"):
        plots.plot_history({"loss": [1.0]})
