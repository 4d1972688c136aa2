"""From a Keras net trained to few bits to the same net in integers.

What follows a layer's sums - pooling, batch normalisation, the scales of weights and inputs - is one factor and one
addend for each channel, rounded to a fixed-point multiplier of 31 bits and a 64-bit bias.
"""

from dataclasses import dataclass, field, replace
from math import frexp, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.low_bit.integer_net import LOGIT_BITS, IntegerNet, Stage
from mltk_like.low_bit.quantise import integers, is_quantised_relu, kernels, low_bit_net, weighted_layers
from mltk_like.low_bit.settings import TOP, LowBit

_MAX_SHIFT = 48
_IGNORED = ("InputLayer", "Dropout", "Softmax")


def integer_net(net: Any, low_bit: LowBit, name: str) -> IntegerNet:
    """The integers that a trained net computes with.

    Args:
        net: the net before `settle`, as trained in the third episode.
        low_bit: bits.
        name: of the model.

    Raises:
        ModelError: the net branches, or has a layer that is not known here.
    """
    bits = {layer.name: low_bit.bits_of(number) for number, layer in enumerate(weighted_layers(net))}
    fold = _Fold(low_bit=low_bit, bits=bits)
    for node in _chain(low_bit_net(net, low_bit, weights=False)):
        fold.add(node.operation, tuple(node.output_tensors[0].shape[1:]))
    fold.close(1 << LOGIT_BITS, 0)
    return IntegerNet(name=name, offset=fold.offset, stages=tuple(fold.stages))


def fixed_point(
    factors: NDArray[np.float64], addends: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint8]]:
    """multiplier, bias, shift with (s * multiplier + bias) >> shift = floor(s * factor + addend + 1/2), nearly.

    Raises:
        ModelError: a factor or an addend is too great, or not finite.
    """
    rows = [_fixed(float(factor), float(addend)) for factor, addend in zip(factors, addends, strict=True)]
    multiplier, bias, shift = zip(*rows, strict=True)
    return np.array(multiplier, np.int32), np.array(bias, np.int64), np.array(shift, np.uint8)


def _fixed(factor: float, addend: float) -> tuple[int, int, int]:
    if not (np.isfinite(factor) and np.isfinite(addend) and abs(factor) < 2**16 and abs(addend) < 2**30):
        raise ModelError(f"a channel's factor is {factor:g} and its addend {addend:g}", "train again: the net diverged")
    shift = max(0, min(31 - frexp(factor)[1], _MAX_SHIFT, 61 - frexp(abs(addend) + 1.0)[1]))
    whole = round(factor * 2.0**shift)
    if abs(whole) >= 1 << 31:
        shift -= 1
        whole = round(factor * 2.0**shift)
    return whole, round((addend + 0.5) * 2.0**shift), shift


@dataclass
class _Fold:
    """The chain as far as it has been read: what the sums of the stage at hand stand for, and the stages before it."""

    low_bit: LowBit
    bits: dict[str, int]
    stages: list[Stage] = field(default_factory=list)
    offset: int = 0
    step: float = 1.0
    shape: tuple[int, int, int] = (1, 1, 1)
    window: tuple[int, int] = (1, 1)
    open: Stage | None = None
    factors: NDArray[np.float64] = field(default_factory=lambda: np.ones(1))
    addends: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))

    def add(self, layer: Any, shape: tuple[int, ...]) -> None:
        """Read one layer with the shape of its output."""
        kind = type(layer).__name__
        if layer.name in self.bits:
            self._weighted(layer, shape)
        elif is_quantised_relu(layer):
            self.close(self.low_bit.levels / TOP, self.low_bit.levels)
        elif kind == "Rescaling":
            self._rescale(layer)
        elif kind == "BatchNormalization":
            self._normalise(layer)
        elif kind in ("GlobalAveragePooling2D", "AveragePooling2D"):
            self._pool(layer, kind)
        elif kind in ("Reshape", "Flatten"):
            self.shape = _three(shape) if len(shape) == 3 else self.shape
        elif kind not in _IGNORED:
            raise ModelError(f"low-bit export knows no {kind} (layer {layer.name})", _KNOWN)
        if kind == "InputLayer":
            self.shape = _three(shape)

    def close(self, unit: float, top: int) -> None:
        """End the stage: its outputs are the real ones times `unit`."""
        if self.open is None:
            raise ModelError("low-bit export found two ReLU without weights between them, or no weights", _KNOWN)
        multiplier, bias, shift = fixed_point(self.factors * unit, self.addends * unit)
        stage = replace(self.open, multiplier=multiplier, bias=bias, shift=shift, top=top)
        peak = self.stages[-1].top if self.stages else 128 + abs(self.offset)
        if stage.greatest_sum * peak >= 1 << 31:
            raise ModelError(f"the sums of {stage.name} do not fit 32 bits", "fewer bits, or a smaller layer")
        self.stages.append(stage)
        self.shape = (1, 1, stage.channels) if stage.pooled else stage.output_shape
        self.open, self.step = None, 1.0 / unit

    def _weighted(self, layer: Any, shape: tuple[int, ...]) -> None:
        if self.open is not None:
            raise ModelError(f"{self.open.name} goes into {layer.name} without a ReLU between", _KNOWN)
        self.open = _stage(layer, self.bits[layer.name], self.shape, self.window, shape)
        scale = self.open.scales.astype(np.float64) if self.open.weights is not None else np.ones(1)
        scale = scale * (self.open.depthwise_scales if self.open.depthwise is not None else 1.0)
        self.factors = scale * self.step / prod(self.window)
        self.window = (1, 1)
        self.addends = np.zeros(self.open.channels) if layer.bias is None else _floats(layer.bias)

    def _rescale(self, layer: Any) -> None:
        offset = float(layer.offset) / float(layer.scale)
        if self.stages or self.open or offset != round(offset):
            raise ModelError(f"low-bit export cannot take {layer.name} into whole numbers", _KNOWN)
        self.offset, self.step = round(offset), float(layer.scale)

    def _normalise(self, layer: Any) -> None:
        if self.open is None:
            raise ModelError(f"{layer.name} does not follow a layer with weights", _KNOWN)
        scale = 1.0 / np.sqrt(_floats(layer.moving_variance) + layer.epsilon)
        gain = scale * (_floats(layer.gamma) if layer.scale else 1.0)
        self.factors = self.factors * gain
        self.addends = (self.addends - _floats(layer.moving_mean)) * gain
        self.addends = self.addends + (_floats(layer.beta) if layer.center else 0.0)

    def _pool(self, layer: Any, kind: str) -> None:
        """Before the ReLU: the mean of all places. After it: taken into the next layer's weights."""
        height, width, _ = self.open.output_shape if self.open else self.shape
        size = (height, width) if kind.startswith("Global") else tuple(layer.pool_size)
        if kind == "AveragePooling2D" and (tuple(layer.strides) != size or layer.padding != "valid"):
            raise ModelError(f"low-bit export knows no overlapping pooling ({layer.name})", _KNOWN)
        if self.open is None:
            if self.window != (1, 1):
                raise ModelError(f"low-bit export knows no second pooling in a row ({layer.name})", _KNOWN)
            self.window = (size[0], size[1])
        elif size == (height, width):
            self.open = replace(self.open, pooled=True)
            self.factors = self.factors / prod(size)
        else:
            raise ModelError(f"low-bit export knows only global pooling before a ReLU ({layer.name})", _KNOWN)


_KNOWN = (
    "it takes chains of Conv2D, DepthwiseConv2D, SeparableConv2D and Dense, each followed by BatchNormalization, "
    "average pooling and ReLU or the final softmax"
)


def _chain(net: Any) -> list[Any]:
    """The net's nodes from input to output. Raises ModelError where it branches."""
    by_depth = net._nodes_by_depth
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    if len(nodes) > len(by_depth) or any(len(node.input_tensors) > 1 for node in nodes):
        raise ModelError("low-bit export wants a net without branches", _KNOWN)
    return nodes


def _stage(
    layer: Any, bits: int, shape: tuple[int, int, int], window: tuple[int, int], output: tuple[int, ...]
) -> Stage:
    """The stage of a layer with weights; its constants are still open."""
    kind = type(layer).__name__
    found = {variable.name: integers(layer, variable, bits) for variable in kernels(layer)}
    arrays = {name: (whole.astype(np.int8), scale.reshape(-1)) for name, (whole, scale) in found.items()}
    weights, depthwise = None, None
    scales = depthwise_scales = np.ones(1, np.float32)
    if kind == "Dense":
        return _dense_stage(layer, arrays["kernel"], bits, shape, window)
    if window != (1, 1):
        raise ModelError(f"low-bit export wants a Dense layer behind pooling, not {layer.name}", _KNOWN)
    if kind == "SeparableConv2D":
        depthwise, depthwise_scales = arrays["depthwise_kernel"]
        weights, scales = arrays["pointwise_kernel"]
    elif kind == "DepthwiseConv2D":
        depthwise, depthwise_scales = arrays["kernel"]
    else:
        weights, scales = arrays["kernel"]
    multiplier = getattr(layer, "depth_multiplier", 1) or 1
    if multiplier != 1 or tuple(layer.dilation_rate) != (1, 1) or getattr(layer, "groups", 1) != 1:
        raise ModelError(f"low-bit export knows no groups, dilation or depth multiplier ({layer.name})", _KNOWN)
    places, strides, size = _three(output), tuple(layer.strides), tuple(layer.kernel_size)
    short = [(places[i] - 1) * strides[i] + size[i] - shape[i] for i in (0, 1)]
    same = layer.padding == "same"
    return _open_stage(
        name=layer.name,
        input_shape=shape,
        output_shape=places,
        kernel=(size[0], size[1]),
        strides=(strides[0], strides[1]),
        padding=(max(short[0], 0) // 2 if same else 0, max(short[1], 0) // 2 if same else 0),
        weights=None if weights is None else np.ascontiguousarray(weights.transpose(3, 0, 1, 2)),
        weight_bits=bits if weights is not None else 0,
        scales=scales,
        depthwise=None if depthwise is None else np.ascontiguousarray(depthwise[..., 0]),
        depthwise_bits=bits if depthwise is not None else 0,
        depthwise_scales=depthwise_scales,
    )


def _dense_stage(
    layer: Any,
    kernel: tuple[NDArray[np.int8], NDArray[np.float32]],
    bits: int,
    shape: tuple[int, int, int],
    window: tuple[int, int],
) -> Stage:
    """A dense layer is a convolution of one place; mean pooling before it repeats each weight over the window."""
    height, width, channels = shape
    rows, columns = height // window[0], width // window[1]
    whole, scales = kernel
    if whole.shape[0] != rows * columns * channels:
        raise ModelError(f"{layer.name} has {whole.shape[0]} inputs for {shape}", _KNOWN)
    wide = whole.reshape(rows, columns, channels, -1).repeat(window[0], axis=0).repeat(window[1], axis=1)
    left = ((0, height - wide.shape[0]), (0, width - wide.shape[1]), (0, 0), (0, 0))
    return _open_stage(
        name=layer.name,
        input_shape=shape,
        output_shape=(1, 1, whole.shape[1]),
        kernel=(height, width),
        strides=(1, 1),
        padding=(0, 0),
        weights=np.ascontiguousarray(np.pad(wide, left).transpose(3, 0, 1, 2)),
        weight_bits=bits,
        scales=scales,
        depthwise=None,
        depthwise_bits=0,
        depthwise_scales=np.ones(1, np.float32),
    )


def _open_stage(**fields: Any) -> Stage:
    none = np.zeros(0)
    return Stage(
        **fields, pooled=False, multiplier=none.astype(np.int32), bias=none.astype(np.int64),
        shift=none.astype(np.uint8), top=0,
    )  # fmt: skip


def _three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    return (int(shape[0]), int(shape[1]), int(shape[2]))


def _floats(variable: Any) -> NDArray[np.float64]:
    return np.asarray(variable.numpy(), np.float64)
