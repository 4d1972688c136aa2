"""What a verb works on: a trained model's files, or a net and `.tflite` with random weights from a specification."""

import json
import math
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import Artifact, model_of, open_artifact, specification
from mltk_like.errors import MltkLikeError, ModelError, ToolError, one_line
from mltk_like.feed.pool import default_workers
from mltk_like.limits import check
from mltk_like.low_bit.quantise import low_bit_net
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.nets.weights_file import check_net_file
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
    run = find_run(model.name, status=("complete",), file=None)
    if run is None:
        raise ModelError(f"{model.name} has not been trained", "call mltk.train with it")
    return Artifact(name=model.name, path=run.folder)


def specification_of(model: Model | str | Path, artifact: Artifact) -> Model:
    """The specification that a trained model was made from, with the settings of its run. Raises as `specification`."""
    return model if isinstance(model, Model) else specification(artifact)


def specification_in(model: Model | str | Path) -> Model | None:
    """The specification that a verb was given, and None for the name or path of one."""
    return model if isinstance(model, Model) else None


def tensorflow_threads(workers: int) -> int:
    """Threads for one operation of TensorFlow beside so many processes that make data."""
    return max(default_workers() - workers + 1, 1)


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


def tflite_of(model: Model | str | Path, *, build: bool) -> tuple[bytes, str]:
    """A model's int8 `.tflite` and its name; with `build` one with random weights. Raises as either way does."""
    if build:
        specification = model if isinstance(model, Model) else model_of(model)
        return build_tflite(specification), specification.name
    artifact = artifact_of(model)
    return artifact.tflite(), artifact.name


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


def save_net(net: Any, path: Path) -> None:
    """Save a net as `.keras`; one with layers that Keras cannot describe as its weights alone, see `open_net`."""
    try:
        net.save(path)
    except (NotImplementedError, TypeError, ValueError, KeyError, AttributeError):
        with TemporaryDirectory(prefix="mltk_like-") as folder:
            weights = Path(folder) / "model.weights.h5"
            net.save_weights(weights)
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("metadata.json", json.dumps({"keras_version": version("keras")}))
                archive.writestr("config.json", json.dumps({"made_by": "network() of the model's file"}))
                archive.write(weights, weights.name)


def open_net(artifact: Artifact, model: Model | None = None) -> Any:
    """The float net of a trained model; nothing that lies in its file is executed.

    A net with layers of the model's own is read with the model's file loaded, which is never the copy in an archive,
    and where that is not enough (a layer without `get_config`) it is built by `network()` and gets the weights.

    Args:
        artifact: where the `.keras` is.
        model: its specification, where there is one at hand; else it is looked for as `specification` does.

    Raises:
        ModelError: there is no float net, it is damaged, or it has layers whose classes cannot be found.
        ToolError: TensorFlow is not installed.
    """
    import_tensorflow()
    with artifact.keras_file() as file:
        config = check_net_file(file)
        try:
            return _read_net(file, config)
        except ModelError:
            raise
        except Exception as error:  # whatever Keras stumbles over in a file that it cannot read
            try:
                found = model or specification(artifact)
            except MltkLikeError as missing:
                raise ModelError(
                    f"cannot read the net {file.name}: {one_line(error)}",
                    f"it is damaged, of another Keras version, or has layers of its own, and: {missing.message}",
                ) from error
            return _with_its_file(found, file, config)


def _with_its_file(model: Model, file: Path, config: dict[str, Any]) -> Any:
    """A net that Keras could not read alone, now that the model's file has been loaded."""
    try:
        return _read_net(file, config)
    except ModelError:
        raise
    except Exception:
        net = build_net(model)
    try:
        net.load_weights(file)
    except Exception as error:
        raise ModelError(
            f"cannot read the net {file.name}: {one_line(error)}",
            "it is damaged, of another Keras version, or its model's file has changed since",
        ) from error
    low_bit = getattr(model, "low_bit", None)
    return net if low_bit is None else low_bit_net(net, low_bit, weights=False)


def _read_net(path: Path, config: dict[str, Any]) -> Any:
    """The net that a `.keras` file describes, with its weights.

    A layer of a billion units is a few letters, so the net is laid out first, without any values.

    Raises:
        ModelError: it would take more memory than any that is lawful.
        Exception: whatever Keras says of a net that it cannot make.
    """
    import keras

    plan = keras.StatelessScope()
    # At the end of the block the variables get their values, unless something was raised.
    with plan:
        try:
            net = keras.saving.deserialize_keras_object(config, safe_mode=True)
            _check_sizes(net, path)
        except BaseException:
            plan.initialize_variables = False
            keras.backend.clear_session()  # else Keras would give them their values later
            raise
    net.load_weights(path)
    # What verbs ask of a net. Damage can leave one that has none of it, and then here is where that is said.
    for shape in (net.input_shape, net.output_shape, *(layer.output.shape for layer in net.layers)):
        tuple(shape)
    return net


def _check_sizes(net: Any, path: Path) -> None:
    """Raise ModelError where a net is larger than any that is lawful."""
    check("net", 4 * sum(math.prod(weight.shape) for weight in net.weights), f"the net {path.name} would have")
    for shape in _shapes(net):
        check("tensor", math.prod(size or 1 for size in shape), f"a layer of the net {path.name} would give")


def _shapes(net: Any) -> Iterator[tuple[int | None, ...]]:
    """The shapes of what the layers and operations of a net give, those of nets in it too."""
    import keras

    for layer in getattr(net, "operations", net.layers):
        for node in getattr(layer, "_inbound_nodes", ()):
            yield from (tensor.shape for tensor in keras.tree.flatten(node.output_tensors))
        if isinstance(layer, keras.Model):
            yield from _shapes(layer)
