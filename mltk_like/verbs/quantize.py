"""Convert a trained net to an int8 `.tflite`, and one of whole windows to one that keeps rows."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import Artifact, model_of
from mltk_like.errors import ModelError, one_line
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.features import open_windows
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.nets.weights import load_weights
from mltk_like.opening import read_npz
from mltk_like.paths import write_bytes
from mltk_like.tflite import Agreement, read_parameters
from mltk_like.tflite.streaming import StreamingReport
from mltk_like.training.calibration import telling_windows
from mltk_like.training.convert import CALIBRATION_WINDOWS, stamp, to_float_tflite
from mltk_like.training.product import make_tflite
from mltk_like.training.rows import stream_tflite
from mltk_like.verbs.shared.building import agreement, artifact_of, build_net, build_tflite, open_net, specification_of

CALIBRATION_FILE = "train/calibration.npz"
"""The windows that set the ranges; in run folders alone."""
RANGES_FILE = "train/ranges.npz"
"""Those few of them that give the same ranges; in archives too."""


@dataclass(frozen=True, kw_only=True)
class QuantizeResult:
    """A `.tflite` that was written.

    Attributes:
        path: where.
        flash_bytes: its size.
        calibration_windows: how many windows set the ranges; 0: random ones; None: the file was finished already.
        agreement: TensorFlow Lite Micro against LiteRT on these windows; None where it is not installed.
        streaming: what is saved by taking new rows alone; None: the net takes whole windows as before.
    """

    path: Path
    flash_bytes: int
    calibration_windows: int | None
    agreement: Agreement | None = None
    streaming: StreamingReport | None = None

    @property
    def exit_code(self) -> int:
        """0, or 1 where a microcontroller says something else than LiteRT."""
        return 0 if self.agreement is None or self.agreement.agrees else 1

    def __str__(self) -> str:
        windows = f"{self.calibration_windows} windows" if self.calibration_windows else "random windows"
        ranges = "" if self.calibration_windows is None else f", ranges from {windows}"
        written = f"written: {self.path} ({self.flash_bytes / 1000:.1f} kB{ranges})"
        return "\n".join(map(str, filter(None, (written, self.agreement, self.streaming))))


@dataclass(frozen=True, kw_only=True)
class FloatResult:
    """The `.tflite` files of a float net.

    Attributes:
        files: path and what it is, of each.
    """

    files: tuple[tuple[Path, str], ...]

    def __str__(self) -> str:
        return "\n".join(f"written: {path} ({path.stat().st_size / 1000:.1f} kB, {kind})" for path, kind in self.files)


def quantize(
    model: Model | str | Path,
    *,
    output: Path | None = None,
    build: bool = False,
    weights: Path | None = None,
    remake: bool = False,
    streaming: bool = False,
) -> QuantizeResult:
    """Convert a trained model to int8 again: other weights, another TensorFlow, or a file elsewhere.

    The ranges come from the windows that were kept with the model. No data is made, unless that is asked for.

    Args:
        model: a specification, name, `.py`, run folder or archive.
        output: where to write; none: into the run folder or archive that the model came from.
        build: random weights; then `output` is needed.
        weights: a `.keras` or `.weights.h5` file in place of the trained weights.
        remake: make the windows that set the ranges from the model's data, which is collected as for a training.
        streaming: turn the `.tflite` into one that keeps rows and takes the new ones alone, with the same outputs to
            the byte. MODEL may then be any finished int8 `.tflite`, which stays as it is.

    Raises:
        ModelError: the model does not exist or has not been trained, the weights do not fit, no output is given, no
            windows were kept, or a layer cannot be run row by row.
        SettingError: the model's parameters do not go with new rows alone.
        CheckError: row by row the net says something else.
        DataError: the windows that set the ranges cannot be made.
        ToolError: TensorFlow is not installed.
    """
    if streaming and output is None:
        raise ModelError("a net that keeps rows does not replace the one of whole windows", "give --output FILE")
    if build:
        if output is None:
            raise ModelError("random weights do not go into a trained model", "give --output FILE")
        untrained = model if isinstance(model, Model) else model_of(model)
        return _write(build_tflite(untrained), output, None, "", None, streaming=streaming)
    artifact = artifact_of(model)
    if streaming and output is not None and output.exists() and output.samefile(artifact.path):
        raise ModelError(
            "a net that keeps rows does not replace the one of whole windows", "give another --output FILE"
        )
    if streaming and artifact.alone:
        return _finished(artifact, output, changed=weights is not None or remake)
    specification = specification_of(model, artifact)
    calibration = _made_again(artifact, specification) if remake else _kept(artifact)
    if weights is not None:
        net = build_net(specification)
        _load_all(net, weights)
    else:
        net = open_net(artifact, specification)
    _check_fit(net, calibration, artifact.path)
    former = artifact.read(f"{artifact.name}.tflite")
    data = make_tflite(specification, net, calibration, kept=read_parameters(former) if former else {})
    return _write(data, output, artifact, f"{artifact.name}.tflite", calibration, streaming=streaming)


def _finished(artifact: Artifact, output: Path | None, *, changed: bool) -> QuantizeResult:
    """A file that is converted already, as it is but row by row."""
    assert output is not None
    if changed:
        raise ModelError("a .tflite holds no float net to convert again", "leave out --weights and --remake")
    data, report = stream_tflite(artifact.tflite())
    found = agreement(data, None)
    write_bytes(output, data)
    return QuantizeResult(
        path=output, flash_bytes=len(data), calibration_windows=None, agreement=found, streaming=report
    )


def convert_float(
    model: Model | str | Path, *, folder: Path | None = None, build: bool = False, weights: Path | None = None
) -> FloatResult:
    """Write a trained net as two `.tflite` files that take and give float: to compare with the int8 one, or for a
    telephone. Their input is the front end's int8 values as float, not scaled. A net with its own state is of windows.

    Args:
        model: a specification, name, `.py`, run folder or archive.
        folder: for `NAME.float.tflite`, where all is float, and `NAME.dynamic.tflite`, whose weights are int8; none:
            the working folder.
        build: random weights.
        weights: a `.keras` or `.weights.h5` file in place of the trained weights.

    Raises:
        ModelError: the model does not exist or has not been trained, the weights do not fit, or it cannot be converted.
        DataError: the files cannot be written.
        ToolError: TensorFlow is not installed.
    """
    if build:
        specification = model if isinstance(model, Model) else model_of(model)
        name, net = specification.name, build_net(specification)
    else:
        artifact = artifact_of(model)
        name, specification = artifact.name, specification_of(model, artifact)
        net = build_net(specification) if weights is not None else open_net(artifact, specification)
    if weights is not None:
        _load_all(net, weights)
    kinds = (("float", "all in float", False), ("dynamic", "weights in int8, ranges taken while it runs", True))
    made = [(suffix, kind, to_float_tflite(net, dynamic_range=dynamic)) for suffix, kind, dynamic in kinds]
    files = []
    for suffix, kind, data in made:
        path = (folder or Path()) / f"{name}.{suffix}.tflite"
        write_bytes(path, stamp(data, dict(specification.embedded_parameters()), specification.description))
        files.append((path, kind))
    return FloatResult(files=tuple(files))


def _load_all(net: Any, weights: Path) -> None:
    """Here a layer without weights from the file would go into the product with random ones."""
    report = load_weights(net, weights)
    lacking = [*(name for name, _ in report.mismatched), *report.missing]
    if lacking:
        raise ModelError(
            f"{weights} does not fit the layers {', '.join(lacking)}", "train with --weights to begin from such a file"
        )


def _kept(artifact: Artifact) -> NDArray[np.int8]:
    windows = kept_windows(artifact)
    if windows is None:
        # A bare .tflite has been refused by now: it has no specification.
        raise ModelError(
            f"{artifact.path} keeps no windows to set the ranges from (archives of older versions do not)",
            "--remake makes them from the model's data, which takes as long as before a training",
        )
    return windows


def kept_windows(artifact: Artifact) -> NDArray[np.int8] | None:
    """The windows that set the ranges, of the run, else those of its archive; None where there are none.

    Raises:
        ModelError: they are damaged.
    """
    if artifact.alone:
        return None
    member = next((name for name in (CALIBRATION_FILE, RANGES_FILE) if artifact.read(name) is not None), None)
    if member is None:
        return None
    try:
        windows: NDArray[np.int8] = read_npz(artifact.read(member) or b"", f"{member} in {artifact.path}")["windows"]
        if windows.dtype != np.int8 or not len(windows):
            raise ValueError(f"windows are {windows.dtype} {windows.shape}")
    except ModelError:
        raise  # beyond a limit, which its hint says how to raise
    except Exception as error:  # whatever NumPy and its decompressors make of damaged bytes
        raise ModelError(
            f"cannot read {member} in {artifact.path}: {one_line(error)}", "--remake makes its windows again"
        ) from error
    return windows


def _check_fit(net: Any, windows: NDArray[np.int8], path: Path) -> None:
    """Raise ModelError where the windows that were kept are not those of the net."""
    if windows.shape[1:] != tuple(net.input_shape[1:]):
        raise ModelError(
            f"the windows kept in {path} are {windows.shape[1:]}, the net takes {tuple(net.input_shape[1:])}",
            "--remake makes them again from the model's data",
        )


def _made_again(artifact: Artifact, model: Model) -> NDArray[np.int8]:
    require(model, AudioDatasetMixin, "quantize")
    assert isinstance(model, AudioDatasetMixin)
    assert isinstance(model, TrainMixin)
    splits = collect(model, test=artifact.name.endswith("-test")).splits
    files = open_split(model, splits.validation, seed=model.seed)
    return open_windows(model, files).batch(0, CALIBRATION_WINDOWS).features


def _write(
    data: bytes,
    output: Path | None,
    artifact: Artifact | None,
    member: str,
    windows: NDArray[np.int8] | None,
    *,
    streaming: bool,
) -> QuantizeResult:
    data, report = stream_tflite(data) if streaming else (data, None)
    found = agreement(data, windows)
    if output is not None:
        write_bytes(output, data)
        path = output
    else:
        assert artifact is not None
        artifact.replace(member, data)
        path = artifact.path
    count = 0 if windows is None else len(windows[:CALIBRATION_WINDOWS])
    return QuantizeResult(
        path=path, flash_bytes=len(data), calibration_windows=count, agreement=found, streaming=report
    )


def save_calibration(net: Any, windows: NDArray[np.int8], folder: Path) -> None:
    """Keep in a run folder the windows that set the ranges, and those of them that an archive needs. Raises DataError.

    Args:
        net: the trained Keras net.
        windows: int8 (n, *input shape).
        folder: of the run.
    """
    windows = windows[:CALIBRATION_WINDOWS]
    for name, kept in ((CALIBRATION_FILE, windows), (RANGES_FILE, telling_windows(net, windows))):
        buffer = io.BytesIO()
        np.savez_compressed(buffer, windows=kept)
        write_bytes(folder / name, buffer.getvalue())
