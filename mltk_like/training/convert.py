"""From a Keras net to an int8 `.tflite` that takes the front end's int8 as it is."""

import datetime
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import CheckError, ModelError, ToolError, one_line
from mltk_like.low_bit.quantise import without_rounding
from mltk_like.model import Model
from mltk_like.nets.fusion import fuse_branches
from mltk_like.quiet import quiet_output
from mltk_like.tflite import TfliteModel, compact, run_tflm, write_parameters

CALIBRATION_WINDOWS = 500
_LOOPS = ("While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase")


def to_tflite(net: Any, calibration: NDArray[np.int8]) -> bytes:
    """Full-integer conversion: int8 in, int8 out, weights per channel.

    The converter finds scale 1 and zero point 0 for the input when the calibration spans all of int8, and then the
    device can feed the front end's bytes without rescaling; this is checked, not hoped for.

    Args:
        net: a Keras model with one input and one output; activations of few bits get the 8 that an int8 net has.
        calibration: windows as the front end gives them, int8 (n, *input shape).

    Raises:
        ModelError: the converter has no int8 operators for the net.
        CheckError: the input's scale is not 1 or its zero point not 0.
    """
    net = without_rounding(net)
    net = fuse_branches(net)
    # One window that spans the whole of int8 pins the input's range whatever the clips are.
    full = np.linspace(-128, 127, calibration[0].size).round().astype(np.int8).reshape(calibration[:1].shape)
    windows = np.concatenate([full, calibration[:CALIBRATION_WINDOWS]])

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        for window in windows:
            yield [window[np.newaxis].astype(np.float32)]

    serve = inference_of(net)
    _refuse_loops(net, serve)
    return int8_model(net, partial(save_inference, net, serve), representative)


def to_float_tflite(net: Any, *, dynamic_range: bool) -> bytes:
    """Conversion without ranges: float in, float out; the input is the front end's values, not scaled.

    Args:
        net: a Keras model with one input and one output.
        dynamic_range: weights as int8, to which the interpreter brings activations while it runs; else all is float.

    Raises:
        ModelError: the converter cannot convert the net.
    """
    net = fuse_branches(without_rounding(net))
    import tensorflow as tf

    def prepare(converter: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT] if dynamic_range else []

    return _converted(net, partial(save_inference, net, inference_of(net)), prepare, "float")


def save_inference(net: Any, serve: Any, folder: str) -> None:
    """Write what `inference_of` gave of a net to a folder, as TensorFlow's SavedModel."""
    import keras

    archive = keras.export.ExportArchive()
    archive.track(net)
    archive.add_endpoint("serve", serve)
    archive.write_out(folder, verbose=False)


def inference_of(net: Any) -> Any:
    """One inference of a Keras net as a traced TensorFlow function: float (1, *input shape) -> (1, classes).

    A device gives one window at a time. With an open batch the shapes of some tensors are known only when the model
    runs, which TFLM does not do: it takes those of the file, and computes something else without a word.
    """
    import tensorflow as tf

    one = tf.TensorSpec((1, *net.input_shape[1:]), tf.float32)
    serve = tf.function(lambda features: net(features, training=False), input_signature=[one])
    serve.get_concrete_function()
    return serve


def _refuse_loops(net: Any, serve: Any) -> None:
    """TensorFlow's own converter crashes on loops and branches when it looks for the ranges. Raises ModelError."""
    graph = serve.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    found = [node.name for node in nodes if node.op in _LOOPS]
    if found:
        named = _named(net, " ".join(found))
        raise ModelError(
            f"the net has a loop that a microcontroller cannot run in int8: {named or found[0]}",
            "give recurrent layers unroll=True, or use convolutions over time",
        )


def int8_model(
    net: Any,
    save: Callable[[str], None],
    representative: Callable[[], Iterator[list[NDArray[np.float32]]]],
    *,
    state: bool = False,
) -> bytes:
    """What the converter makes of a saved function: int8 operators, inputs and outputs.

    Args:
        net: the Keras net that is converted, to name its layers where they cannot be.
        save: writes the function to a folder, as TensorFlow's SavedModel.
        representative: inputs that set the ranges.
        state: variables become state of the model, in int8 like all else.

    Raises:
        ModelError: the converter has no int8 operators for the net.
        CheckError: the input's scale is not 1 or its zero point not 0.
    """

    def prepare(converter: Any) -> None:
        _int8_only(converter, representative)
        if state:
            converter.experimental_enable_resource_variables = True
            converter._experimental_variable_quantization = True

    data = compact(_converted(net, save, prepare, "int8"))
    check_input(data)
    return data


def _converted(net: Any, save: Callable[[str], None], prepare: Callable[[Any], None], kind: str) -> bytes:
    """What the converter makes of what `save` writes, as `prepare` sets it up. Raises ModelError."""
    import tensorflow as tf

    failure: Exception | None = None
    with tempfile.TemporaryDirectory(prefix="mltk_like-") as folder, quiet_output():
        # The converter has no error of its own: what is raised depends on the step that fails.
        try:
            save(folder)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            prepare(converter)
            return bytes(converter.convert())
        except Exception as error:
            failure = error
    raise _refusal(net, failure, kind) from failure


def _refusal(net: Any, failure: Exception, kind: str) -> ModelError:
    """The converter's pages in one line, with the layers that they name."""
    return ModelError(
        f"the net cannot be converted to {kind}: {_named(net, str(failure)) or one_line(failure)[:200]}",
        "build it of other layers: convolutions, pooling, dense layers and what goes with them are sure to run",
    )


def _named(net: Any, text: str) -> str:
    """The layers of a net that TensorFlow's names in a text are of, such as `'lstm' (LSTM)`; may be none.

    In them stands `net/layer/...`, or `net_1/layer_1/...` where the net was called before.
    """
    net_name = rf"(?<![\w.-]){re.escape(net.name)}((?:_\d+)?)/"
    found = [layer for layer in net.layers if re.search(rf"{net_name}{re.escape(layer.name)}\1(?![\w.-])", text)]
    return ", ".join(f"{layer.name!r} ({type(layer).__name__})" for layer in found)


def check_input(data: bytes) -> None:
    """Raise CheckError unless a `.tflite` takes int8 as it is: scale 1, zero point 0."""
    scale, zero = TfliteModel(data).input_quantization
    if abs(scale - 1.0) > 1e-3 or zero != 0:
        raise CheckError(
            f"the converted input has scale {scale:g} and zero point {zero}, not 1 and 0",
            "the net must take the front end's int8 values unscaled",
        )


def _int8_only(converter: Any, representative: Callable[[], Iterator[list[NDArray[np.float32]]]]) -> None:
    """Have a TFLiteConverter give int8 operators, inputs and outputs, in the ranges of the `representative` windows."""
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8


def embed(data: bytes, model: Model, *, kept: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """The model's parameters and description in the `.tflite`, with hash, date and the arena that TFLM needs.

    `kept` wins over the model's own: what was changed in an earlier file (`update_params`) outlives a conversion.

    `hash` is the MD5 of the file with hash and date blank, as Silicon Labs' tools compute it. Where TensorFlow Lite
    Micro cannot be had on this machine, `runtime_memory_size` is left out.
    """
    parameters: dict[str, Any] = {**model.embedded_parameters(), **kept}
    try:
        parameters["runtime_memory_size"] = run_tflm(data, profile=False, repeat=1).arena_bytes
    except ToolError:
        parameters.pop("runtime_memory_size", None)
    return stamp(data, parameters, model.description)


def stamp(data: bytes, parameters: dict[str, Any], description: str | None) -> bytes:
    """Write parameters with a fresh hash and date."""
    blank = write_parameters(data, {**parameters, "hash": "", "date": ""}, description=description)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    final = {**parameters, "hash": hashlib.md5(blank, usedforsecurity=False).hexdigest(), "date": now}
    return write_parameters(data, final, description=description)
