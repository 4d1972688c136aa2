"""What a verb works on: a trained model's files, or a net and `.tflite` with random weights from a specification."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import Artifact, model_of, open_artifact
from mltk_like.errors import ModelError, ToolError
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.quiet import import_tensorflow
from mltk_like.run import find_run
from mltk_like.tflite import Agreement, compare_engines
from mltk_like.training.convert import CALIBRATION_WINDOWS
from mltk_like.training.net_form import check_form, check_outputs, network_of
from mltk_like.training.product import check_streaming, make_tflite


def artifact_of(model: Model | str | Path) -> Artifact:
    """The trained model behind a verb's argument; a class made in a notebook has its runs and no file.

    Raises:
        ModelError: it does not exist or has not been trained.
    """
    if not isinstance(model, Model):
        return open_artifact(model)
    if model.path is not None:
        return open_artifact(model.path)
    run = find_run(model.name, status=("complete",))
    if run is None:
        raise ModelError(f"{model.name} has not been trained", "call mltk.train with it")
    return Artifact(name=model.name, path=run.folder)


def specification_of(model: Model | str | Path, artifact: Artifact) -> Model:
    """The specification that a trained model was made from, with the settings of its run.

    Raises:
        ModelError: there is no file for it (a bare `.tflite` has none).
    """
    return model if isinstance(model, Model) else model_of(artifact.path)


def build_net(model: Model, *, threads: int | None = None) -> Any:
    """The model's untrained net, its weights drawn from the model's seed.

    Raises:
        SettingError: the model is to be streamed, and its settings do not go with that.
        ModelError: `network()` fails or gives no net that can be trained and converted; the net's input or output does
            not fit the front end or the classes; or it cannot be streamed.
        ToolError: TensorFlow is not installed.
    """
    require(model, TrainMixin, "train")
    assert isinstance(model, TrainMixin)
    import_tensorflow(threads=threads)
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(model.seed)
    net = network_of(model)
    check_form(net)
    expected = (None, *model.input_shape) if isinstance(model, AudioDatasetMixin) else net.input_shape
    if tuple(net.input_shape) != tuple(expected):
        raise ModelError(
            f"the net takes {net.input_shape}, the front end gives {expected}", "use self.input_shape in network()"
        )
    if net.output_shape[-1] != model.n_classes:
        raise ModelError(
            f"the net has {net.output_shape[-1]} outputs for {model.n_classes} classes",
            "use self.n_classes in network()",
        )
    check_outputs(net)
    if model.streaming:
        check_streaming(model, net)
    return net


def build_tflite(model: Model) -> bytes:
    """An int8 `.tflite` with random weights and the model's parameters: right in structure, size and time."""
    return untrained_tflite(model, build_net(model))


def untrained_tflite(model: Model, net: Any) -> bytes:
    """The int8 `.tflite` of a net as `build_net` gives it, its ranges from random windows.

    Raises:
        ModelError: the net cannot be converted or streamed, or TFLM cannot run it.
        CheckError: see `make_tflite`.
    """
    rng = np.random.default_rng(0)
    calibration = rng.integers(-128, 128, size=(8, *net.input_shape[1:]), dtype=np.int8)
    return make_tflite(model, net, calibration)


def agreement(tflite: bytes, windows: NDArray[np.int8] | None) -> Agreement | None:
    """TFLM against LiteRT on windows, see `compare_engines`; None where TFLM is not there for this platform."""
    try:
        return compare_engines(tflite, windows if windows is None else windows[:CALIBRATION_WINDOWS])
    except ToolError:
        return None


def load_net(path: Path) -> Any:
    """A saved `.keras` net; nothing in it is executed. Raises ModelError when it cannot be read."""
    import_tensorflow()
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"cannot read the net {path.name}: {error}", "it is damaged, or of another Keras version"
        ) from error
