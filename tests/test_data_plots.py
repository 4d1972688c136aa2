"""Pictures of data sets and filters: they are PNGs, of the right windows, and written where asked."""

import io
from pathlib import Path

import numpy as np
import pytest

from mltk_like.cli import main
from mltk_like.metrics.dataset_plots import plot_class_counts, plot_dataset, plot_filters, plot_window

PNG = b"\x89PNG\r\n\x1a\n"
MODEL = """
import mltk_like as mltk
from mltk_like.audio import SpectrumSettings
from mltk_like.data import GeneratedRecordings


class Bells(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    classes = ("bell", "_unknown_")
    frontend = SpectrumSettings(sample_length_ms=264, window_size_ms=16, window_step_ms=8, filterbank_n_channels=20)
    warm_up_ms = 0
    babble_minutes = 0.0
    window_stride_ms = 64

    def sources(self):
        return [
            GeneratedRecordings(kind="bells", split=split, count=1, seconds=60.0, window_s=0.264, step_s=0.064,
                                other="_unknown_", merge=True)
            for split in ("training", "validation", "test")
        ]


my_model = Bells()
"""


def size(png: bytes) -> tuple[int, ...]:
    from matplotlib.image import imread

    return tuple(int(n) for n in imread(io.BytesIO(png)).shape[:2])


def test_the_whole_set_in_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bells.py").write_text(MODEL)
    assert main(["data", str(tmp_path / "bells.py"), "--plots", str(tmp_path / "plots"), "--json"]) == 0
    names = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert names == ["class_counts.png", "dataset.png", "first__unknown_.png", "first_bell.png"]
    assert all((tmp_path / "plots" / name).read_bytes().startswith(PNG) for name in names)
    capsys.readouterr()


def test_filters_of_a_trained_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = Path(__file__).resolve().parents[1] / "models" / "bell_detector.mltk.zip"
    assert main(["summarize", str(archive), "--filters", str(tmp_path / "f.png"), "--frontend"]) == 0
    assert (tmp_path / "f.png").read_bytes().startswith(PNG)
    capsys.readouterr()


def test_pictures_of_numbers() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, -1], 1500)
    for png in (
        plot_class_counts({"training": {"a": 3, "b": 5}, "test": {"a": 1, "b": 0}}),
        plot_dataset(rng.integers(-128, 127, (4500, 12)).astype(np.int8), truth, ("a", "b"), 90.0),
        plot_window(rng.integers(-128, 127, (32, 12)).astype(np.int8), "a window"),
    ):
        assert png.startswith(PNG)
        assert min(size(png)) > 200


@pytest.mark.parametrize("shape", [(3, 1, 48, 8), (2, 2, 1, 16), (1, 1, 4, 1)])
def test_filters_of_any_shape(shape: tuple[int, ...]) -> None:
    assert plot_filters(np.random.default_rng(0).standard_normal(shape), "filters").startswith(PNG)
