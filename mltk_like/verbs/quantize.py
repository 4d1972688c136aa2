"""Convert a trained net to an int8 `.tflite`."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import Artifact, model_of
from mltk_like.errors import ModelError
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.windows import WindowMaker
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.nets.weights import load_weights
from mltk_like.paths import write_bytes
from mltk_like.tflite import read_parameters
from mltk_like.training.convert import CALIBRATION_WINDOWS
from mltk_like.training.product import make_tflite
from mltk_like.verbs.shared.building import artifact_of, build_net, build_tflite, open_net, specification_of

CALIBRATION_FILE = "train/calibration.npz"


@dataclass(frozen=True, kw_only=True)
class QuantizeResult:
    """A `.tflite` that was written: where, its size, and how many windows set the ranges."""

    path: Path
    flash_bytes: int
    calibration_windows: int

    def __str__(self) -> str:
        windows = f"{self.calibration_windows} windows" if self.calibration_windows else "random windows"
        return f"written: {self.path} ({self.flash_bytes / 1000:.1f} kB, ranges from {windows})"


def quantize(
    model: Model | str | Path, *, output: Path | None = None, build: bool = False, weights: Path | None = None
) -> QuantizeResult:
    """Convert a trained model to int8 again: other weights, another TensorFlow, or a file elsewhere.

    Args:
        model: a specification, name, `.py`, run folder or archive.
        output: where to write; none: into the run folder or archive that the model came from.
        build: random weights; then `output` is needed.
        weights: a `.keras` or `.weights.h5` file in place of the trained weights.

    Raises:
        ModelError: the model does not exist or has not been trained, the weights do not fit, or no output is given.
        DataError: the windows that set the ranges cannot be made.
        ToolError: TensorFlow is not installed.
    """
    if build:
        if output is None:
            raise ModelError("random weights do not go into a trained model", "give --output FILE")
        untrained = model if isinstance(model, Model) else model_of(model)
        return _write(build_tflite(untrained), output, None, "", 0)
    artifact = artifact_of(model)
    specification = specification_of(model, artifact)
    if weights is not None:
        net = build_net(specification)
        _load_all(net, weights)
    else:
        net = open_net(artifact, specification)
    calibration = _calibration(artifact, specification)
    former = artifact.read(f"{artifact.name}.tflite")
    data = make_tflite(specification, net, calibration, kept=read_parameters(former) if former else {})
    return _write(data, output, artifact, f"{artifact.name}.tflite", len(calibration[:CALIBRATION_WINDOWS]))


def _load_all(net: Any, weights: Path) -> None:
    """Here a layer without weights from the file would go into the product with random ones."""
    report = load_weights(net, weights)
    lacking = [*(name for name, _ in report.mismatched), *report.missing]
    if lacking:
        raise ModelError(
            f"{weights} does not fit the layers {', '.join(lacking)}", "train with --weights to begin from such a file"
        )


def _calibration(artifact: Artifact, model: Model) -> NDArray[np.int8]:
    """The windows of the run, else made again from the model's data."""
    stored = artifact.read(CALIBRATION_FILE)
    if stored is not None:
        try:
            with np.load(io.BytesIO(stored), allow_pickle=False) as file:
                windows: NDArray[np.int8] = file["windows"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelError(f"cannot read {CALIBRATION_FILE}: {error}", "remove it: it is made again") from error
        return windows
    require(model, AudioDatasetMixin, "quantize")
    assert isinstance(model, AudioDatasetMixin)
    assert isinstance(model, TrainMixin)
    splits = collect(model, test=artifact.name.endswith("-test")).splits
    files = open_split(model, splits.validation, seed=model.seed)
    return WindowMaker(model, files).batch(0, CALIBRATION_WINDOWS).features


def _write(data: bytes, output: Path | None, artifact: Artifact | None, member: str, windows: int) -> QuantizeResult:
    if output is not None:
        write_bytes(output, data)
        path = output
    else:
        assert artifact is not None
        artifact.replace(member, data)
        path = artifact.path
    return QuantizeResult(path=path, flash_bytes=len(data), calibration_windows=windows)


def save_calibration(windows: NDArray[Any], path: Path) -> None:
    """Keep the windows that set the ranges, so that a later conversion needs no data. Raises DataError."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, windows=windows[:CALIBRATION_WINDOWS])
    write_bytes(path, buffer.getvalue())
