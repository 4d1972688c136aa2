"""Keras nets whose weights or activations take few values, trained through straight-through estimators.

The rounding is in the forward pass only; the gradient goes through as if it were not there (Bengio et al. 2013,
arXiv:1308.3432), and is zero where a value was cut off. The nets made here share the variables of the net that they are
made from, so that training one trains the other.
"""

from collections.abc import Callable, Iterable
from functools import cache
from types import MappingProxyType
from typing import Any

from mltk_like.errors import ModelError
from mltk_like.low_bit.settings import TOP, LowBit

# Where to cut off a Gaussian for the least mean square error, in standard deviations by bits: Banner et al. 2019,
# "Post training 4-bit quantization of convolutional networks", arXiv:1810.05723.
_CUT = MappingProxyType({2: 1.71, 3: 2.15, 4: 2.55, 5: 2.93, 6: 3.28, 7: 3.61, 8: 3.92})
_MARK = "low_bit_input"
_WEIGHTED = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense")


def low_bit_net(net: Any, low_bit: LowBit, *, weights: bool) -> Any:
    """The same net with activations of few values, and weights too where `weights` is set.

    Args:
        net: a functional Keras net whose activations are ReLU layers, the last one softmax.
        low_bit: bits.
        weights: quantise Conv2D, DepthwiseConv2D, SeparableConv2D and Dense.

    Returns:
        A net on the same variables. It cannot be saved while its weights are quantised: see `settle`.

    Raises:
        ModelError: no ReLU layer, or one inside another layer.
    """
    import keras

    numbers = {layer.name: number for number, layer in enumerate(weighted_layers(net))}
    _check(net.layers)

    def changed(layer: Any) -> Any:
        if isinstance(layer, keras.layers.ReLU):
            return _quantised_relu(layer, low_bit)
        if weights and layer.name in numbers:
            return _weights_layer()(layer, low_bit.bits_of(numbers[layer.name]))
        return layer

    return _rebuilt(net, changed)


def settle(net: Any, low_bit: LowBit) -> Any:
    """Put the quantised weights in place of the trained ones, and return the net that computes with them as they are.

    The net that is returned is of Keras's own layers alone and can be saved; `integers` must be called before.
    """
    for number, layer in enumerate(weighted_layers(net)):
        for variable in kernels(layer):
            whole, scale = integers(layer, variable, low_bit.bits_of(number))
            variable.assign(whole * scale)
    return low_bit_net(net, low_bit, weights=False)


def without_rounding(net: Any) -> Any:
    """The net with plain ReLU6 in place of quantised ones, on the same variables: what an int8 converter can read."""
    import keras

    if not any(is_quantised_relu(layer) for layer in net.layers):
        return net
    return _rebuilt(
        net,
        lambda layer: keras.layers.ReLU(TOP, name=layer.name) if is_quantised_relu(layer) else layer,
    )


def weighted_layers(net: Any) -> list[Any]:
    """The layers whose weights are quantised, first to last."""
    return [layer for layer in net.layers if type(layer).__name__ in _WEIGHTED]


def kernels(layer: Any) -> list[Any]:
    """The variables of a layer that are quantised: all but biases."""
    return [variable for variable in layer.trainable_variables if "kernel" in variable.name]


def integers(layer: Any, variable: Any, bits: int) -> tuple[Any, Any]:
    """A kernel as integers of `bits` bits and their scales: float32 arrays, the scales' shape broadcasts."""
    import keras

    scale = _scale(layer, variable, variable, bits)
    return keras.ops.convert_to_numpy(_whole(variable, scale, bits)), keras.ops.convert_to_numpy(scale)


def is_quantised_relu(layer: Any) -> bool:
    """Whether a layer is a ReLU that `low_bit_net` has put in place."""
    inner = list(getattr(layer, "layers", ()))
    return bool(inner) and inner[0].name == _MARK


def _rebuilt(net: Any, changed: Callable[[Any], Any]) -> Any:
    import keras

    def layer_or_operation(operation: Any) -> Any:
        return changed(operation) if isinstance(operation, keras.layers.Layer) else operation

    def call(operation: Any, *inputs: Any, **options: Any) -> Any:
        # A net inside the net was called with a mask, which a ReLU does not take.
        return operation(*inputs, **{name: value for name, value in options.items() if name != "mask"})

    return keras.models.clone_model(net, clone_function=layer_or_operation, call_function=call)


def _check(layers: Iterable[Any]) -> None:
    found = False
    for layer in layers:
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if activation not in ("linear", "softmax"):
            raise ModelError(f"layer {layer.name} ends in {activation}", "low_bit wants ReLU layers of their own")
        found |= type(layer).__name__ == "ReLU"
    if not found:
        raise ModelError("low_bit found no ReLU layer in the net", "write keras.layers.ReLU() behind each layer")


def _quantised_relu(layer: Any, low_bit: LowBit) -> Any:
    """y = TOP / levels * floor(levels / TOP * min(max(x, 0), TOP) + 1/2), as a net of Keras operations."""
    import keras
    from keras import ops

    inputs = keras.Input(layer.output.shape[1:], name=_MARK)
    x = ops.clip(inputs, 0.0, TOP)
    levels = ops.floor(x * (low_bit.levels / TOP) + 0.5)
    # The difference of x with itself is exactly 0, and has a gradient.
    y = ops.stop_gradient(levels * (TOP / low_bit.levels)) + (x - ops.stop_gradient(x))
    return keras.Model(inputs, y, name=layer.name)


@cache
def _weights_layer() -> type:
    """The class of a layer that computes another with its kernels on a grid; made when Keras is there."""
    import keras

    class LowBitWeights(keras.layers.Layer):  # type: ignore[misc]
        """A layer with quantised weights, on the variables of the layer that it wraps."""

        def __init__(self, inner: Any, bits: int) -> None:
            super().__init__(name=inner.name)
            self.inner = inner
            self.bits = bits
            self.built = True

        def call(self, x: Any) -> Any:
            chosen = {id(variable) for variable in kernels(self.inner)}
            values = [
                _on_grid(self.inner, variable, self.bits) if id(variable) in chosen else variable.value
                for variable in self.inner.trainable_variables
            ]
            return self.inner.stateless_call(values, [], x)[0]

    return LowBitWeights


def _on_grid(layer: Any, variable: Any, bits: int) -> Any:
    from keras import ops

    limit = _limit(bits)
    value = variable.value
    scale = ops.stop_gradient(_scale(layer, variable, value, bits))
    inside = ops.clip(value, -limit * scale, limit * scale)
    return ops.stop_gradient(_whole(value, scale, bits) * scale) + (inside - ops.stop_gradient(inside))


def _whole(value: Any, scale: Any, bits: int) -> Any:
    from keras import ops

    limit = _limit(bits)
    return ops.clip(ops.round(value / scale), -limit, limit)


def _scale(layer: Any, variable: Any, value: Any, bits: int) -> Any:
    """What the integer 1 stands for: one for each output channel, one for all of a separable layer's depthwise part.

    That part's sums go on as integers into the pointwise part, where sums of different scales could not be added.
    """
    from keras import ops

    axes: tuple[int, ...] = tuple(range(len(variable.shape) - 1))
    if type(layer).__name__ == "DepthwiseConv2D":
        axes = (0, 1)
    elif "depthwise" in variable.name:
        axes = tuple(range(len(variable.shape)))
    size = ops.abs(value)
    spread = ops.sqrt(ops.mean(ops.square(size), axis=axes, keepdims=True)) * _CUT[bits]
    top = ops.minimum(ops.max(size, axis=axes, keepdims=True), spread)
    return ops.maximum(top, 1e-12) / _limit(bits)


def _limit(bits: int) -> int:
    """Weights of b bits are -(2^(b-1) - 1) .. 2^(b-1) - 1."""
    return int((1 << (bits - 1)) - 1)
