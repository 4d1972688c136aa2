"""Curves of any length are drawn with as many points as an image shows, and none of their peaks is lost."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.artifact import open_artifact
from mltk_like.errors import ModelError
from mltk_like.metrics import plots, report_plots
from mltk_like.metrics.report_plots import ClassCurves, plot_class_curves
from mltk_like.metrics.thinning import drawn
from mltk_like.verbs.report.stored import read_model

FIXED = Path(__file__).parent / "data" / "board" / "fixed.tflite"


@settings(deadline=None)
@given(values=st.lists(st.floats(-10, 10) | st.just(float("nan")), max_size=300), most=st.integers(4, 50))
def test_few_points_with_the_peaks_among_them(values: list[float], most: int) -> None:
    kept = drawn(values, most)
    assert len(kept) <= max(most, 0)
    assert np.all(np.diff(kept) > 0)
    numbers = np.array(values)
    if len(values) <= most:
        assert len(kept) == len(values)
    else:
        assert {kept[0], kept[-1]} == {0, len(values) - 1}
        if not np.isnan(numbers).all():
            assert np.nanmax(numbers[kept]) == np.nanmax(numbers)
            assert np.nanmin(numbers[kept]) == np.nanmin(numbers)


def lines(monkeypatch: pytest.MonkeyPatch, module: object, draw: object) -> list[int]:
    """Points of each line that a plot draws."""
    found: list[int] = []

    def seen(figure: object) -> bytes:
        found.extend(len(line.get_xdata()) for axes in figure.axes for line in axes.lines)  # type: ignore[attr-defined]
        return b""

    monkeypatch.setattr(module, "png_of", seen)
    draw()  # type: ignore[operator]
    return found


def test_training_curves_of_a_hundred_thousand_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    history = {
        f"{kind}{name}": np.linspace(1, 0, 100_000).tolist() for kind in ("", "val_") for name in ("loss", "acc")
    }
    found = lines(monkeypatch, plots, lambda: plots.plot_history(history))
    assert len(found) == 4
    assert max(found) <= 1000


def test_rocs_of_many_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = np.linspace(1, 0, 50_000)
    curve = ClassCurves(name="a", true_positive_rate=rates, false_positive_rate=rates, precision=rates, auc=0.5)
    found = lines(monkeypatch, report_plots, lambda: plot_class_curves([curve]))
    assert len(found) == 2
    assert max(found) <= 1001


def stored(tmp_path: Path, member: str, values: object) -> None:
    path = tmp_path / "a.mltk.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("settings.json", json.dumps({"model": "a"}))
        archive.writestr("a.tflite", FIXED.read_bytes())
        archive.writestr(member, json.dumps(values))
    read_model(open_artifact(path))


def test_more_than_a_page_can_show_is_damage(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a history of 1001 figures; 1000 can be"):
        stored(tmp_path, "train/history.json", {"history": {f"f{i}": [1.0] for i in range(1001)}})
    curve = {"thresholds": [1], "misses": [0], "positives": 1, "false_accepts": [0], "hours": 1.0}
    known = {"name": "a", "model": "tflite", "data": "", "label": "a"}
    streams = {f"s{i}": {"curve": curve} for i in range(65)}
    with pytest.raises(ModelError, match="65 conditions; 1 to 64 can be"):
        stored(tmp_path, "eval/tflite/eval-results.json", {**known, "streams": streams})
    classes = [{"label": f"c{i}", "support": 1} for i in range(129)]
    windows = {"accuracy": 1.0, "clips": 1, "classes": classes, "confusion_matrix": []}
    with pytest.raises(ModelError, match="129 classes; 128 are possible"):
        stored(
            tmp_path, "eval/tflite/eval-results.json", {**known, "streams": {"s": {"curve": curve}}, "windows": windows}
        )
