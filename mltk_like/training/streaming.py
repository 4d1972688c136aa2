"""From a net that was trained on windows to a `.tflite` that keeps its own state and takes only the new rows.

Every convolution over time gets a buffer of the rows that it has yet to see again, as a variable in the model. An
inference then costs as much as one output row, and a stream of rows gives what the window that ends with them gives.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.training.convert import CALIBRATION_WINDOWS, int8_model

_STRIDES_AT_FRONT = "only the first convolution may have a stride in time, as in nets.mixed_net"


class Stream:
    """A net that is run row by row in TensorFlow: its own layers, and a buffer before each convolution over time.

    Args:
        net: a Keras model whose convolutions over time have no padding, such as `nets.mixed_net`.

    Attributes:
        rows: new rows of features for each step.
        buffers: state by name of the layer, float (1, rows kept, 1, channels); zeros at first.

    Raises:
        ModelError: a layer cannot be run row by row.
    """

    def __init__(self, net: Any) -> None:
        import tensorflow as tf

        convolutions = [layer for layer in net.layers if getattr(layer, "kernel_size", (1,))[0] > 1]
        _check(net, convolutions)
        self._net = net
        self._weights = {variable.path: variable.numpy() for variable in net.variables}
        self.rows: int = math.prod(layer.strides[0] for layer in convolutions)
        self.buffers: dict[str, Any] = {}
        for layer in convolutions:
            shape = (1, layer.kernel_size[0] - layer.strides[0], *layer.input.shape[2:])
            self.buffers[layer.name] = tf.Variable(tf.zeros(shape), trainable=False, name=f"{layer.name}_rows")

    def step(self, features: Any) -> Any:
        """One inference: float (1, rows, 1, bands) -> probabilities (1, classes). Moves the state on."""
        import keras
        import tensorflow as tf

        constants = [(variable, tf.constant(self._weights[variable.path])) for variable in self._net.variables]
        # As variables the weights would stay in float: the converter cannot tell them from the state.
        with keras.StatelessScope(state_mapping=constants):
            return self._net._run_through_graph(features, operation_fn=self._operation)

    def _operation(self, operation: Any) -> Callable[..., Any]:
        """What is done in place of a layer: cropping in time is for windows, convolutions see their buffer first."""
        import tensorflow as tf

        if type(operation).__name__ == "Cropping2D":
            return lambda features, **_: features
        if operation.name not in self.buffers:
            found: Callable[..., Any] = operation
            return found
        buffer = self.buffers[operation.name]

        def convolve(features: Any, **_: Any) -> Any:
            rows = tf.concat([buffer.read_value(), features], axis=1)
            buffer.assign(rows[:, rows.shape[1] - buffer.shape[1] :])
            return operation(rows)

        return convolve


def to_streaming_tflite(net: Any, calibration: NDArray[np.int8]) -> bytes:
    """Full-integer conversion of a net without padding in time to a model with state.

    The model takes the rows that are new since its last inference, int8 (rows, 1, bands), and gives int8 probabilities.
    Its state begins with zeros: outputs count once as many rows have come as a window has. LiteRT and TFLM run it as it
    is; `NetInput` says on which rows.

    Args:
        net: a Keras model such as `nets.mixed_net`.
        calibration: windows as the front end gives them, int8 (n, time, 1, bands).

    Raises:
        ModelError: a layer of the net cannot be run row by row, or cannot be converted.
        CheckError: the input's scale is not 1 or its zero point not 0.
    """
    import tensorflow as tf

    stream = Stream(net)
    shape = (1, stream.rows, *net.input_shape[2:])
    module = tf.Module()
    module.buffers = list(stream.buffers.values())
    module.step = tf.function(stream.step, input_signature=[tf.TensorSpec(shape, tf.float32)])

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        # Rows that span the whole of int8 pin the input's range whatever the clips are.
        yield [np.linspace(-128, 127, math.prod(shape)).round().reshape(shape).astype(np.float32)]
        for window in calibration[:CALIBRATION_WINDOWS]:
            for first in range(0, len(window) - stream.rows + 1, stream.rows):
                yield [window[np.newaxis, first : first + stream.rows].astype(np.float32)]

    def save(folder: str) -> None:
        tf.saved_model.save(module, folder, signatures=module.step)

    return int8_model(net, save, representative, state=True)


def _check(net: Any, convolutions: list[Any]) -> None:
    for layer in convolutions:
        if getattr(layer, "padding", "valid") != "valid" or layer.dilation_rate[0] != 1:
            raise ModelError(
                f"the layer {layer.name!r} cannot be run row by row", "it must have no padding and no dilation in time"
            )
    strided = [layer for layer in convolutions[1:] if layer.strides[0] > 1]
    pooled = [layer for layer in net.layers if getattr(layer, "pool_size", (1,))[0] > 1]
    if strided or pooled:
        raise ModelError(f"the layer {(strided + pooled)[0].name!r} cannot be run row by row", _STRIDES_AT_FRONT)
    if not convolutions:
        raise ModelError("the net has no convolution over time", "it needs no state: convert it as it is")
