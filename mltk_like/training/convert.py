"""From a Keras net to an int8 `.tflite` that takes the front end's int8 as it is."""

import datetime
import hashlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import CheckError, ToolError
from mltk_like.low_bit.quantise import without_rounding
from mltk_like.model import Model
from mltk_like.nets.fusion import fuse_branches
from mltk_like.quiet import quiet_output
from mltk_like.tflite import TfliteModel, compact, run_tflm, write_parameters

CALIBRATION_WINDOWS = 500


def to_tflite(net: Any, calibration: NDArray[np.int8]) -> bytes:
    """Full-integer conversion: int8 in, int8 out, weights per channel.

    The converter finds scale 1 and zero point 0 for the input when the calibration spans all of int8, and then the
    device can feed the front end's bytes without rescaling; this is checked, not hoped for.

    Args:
        net: a Keras model with one input and one output; activations of few bits get the 8 that an int8 net has.
        calibration: windows as the front end gives them, int8 (n, *input shape).

    Raises:
        CheckError: the input's scale is not 1 or its zero point not 0.
    """
    import tensorflow as tf

    net = without_rounding(net)
    net = fuse_branches(net)
    # One window that spans the whole of int8 pins the input's range whatever the clips are.
    full = np.linspace(-128, 127, calibration[0].size).round().astype(np.int8).reshape(calibration[:1].shape)
    windows = np.concatenate([full, calibration[:CALIBRATION_WINDOWS]])

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        for window in windows:
            yield [window[np.newaxis].astype(np.float32)]

    with quiet_output():
        converter = tf.lite.TFLiteConverter.from_keras_model(net)
        int8_only(converter, representative)
        data = compact(bytes(converter.convert()))
        check_input(data)
    return data


def check_input(data: bytes) -> None:
    """Raise CheckError unless a `.tflite` takes int8 as it is: scale 1, zero point 0."""
    scale, zero = TfliteModel(data).input_quantization
    if abs(scale - 1.0) > 1e-3 or zero != 0:
        raise CheckError(
            f"the converted input has scale {scale:g} and zero point {zero}, not 1 and 0",
            "the net must take the front end's int8 values unscaled",
        )


def int8_only(converter: Any, representative: Callable[[], Iterator[list[NDArray[np.float32]]]]) -> None:
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
