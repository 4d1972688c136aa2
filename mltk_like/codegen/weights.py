"""Layers with weights: convolutions, depthwise convolutions, dense layers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.codegen.calls import Array, Call, Field, Lowered, Read, Scratch, Struct, Write
from mltk_like.codegen.constant_channels import settle
from mltk_like.codegen.fixed_point import activation_range, quantize_multiplier
from mltk_like.codegen.graph import Graph, Operator, Tensor
from mltk_like.codegen.lead import BLOCKS, lead_of
from mltk_like.codegen.packing import PLAIN, SCALED, Packed, Scale, pack_conv, pack_depthwise
from mltk_like.codegen.scratch import TARGETS, is_in_order, is_in_place, scratch_bytes
from mltk_like.errors import ModelError
from mltk_like.tflite.model_file import enum_names

_NARROW_SUM = 2**30
_NARROW_SHIFTS = range(1, 24)


def convolution(graph: Graph, operator: Operator) -> Lowered:
    """`conv_2d` and `depthwise_conv_2d`."""
    source, weights, bias = _inputs(graph, operator)
    output = graph.tensors[operator.outputs[0]]
    depthwise = operator.op == "depthwise_conv_2d"
    _check_shapes(source, weights, output, depthwise)
    values = _constant(weights)
    # (channels, taps) for both: what each output channel sums over.
    rows = values[0].reshape(-1, values.shape[3]).T if depthwise else values.reshape(values.shape[0], -1)
    real = _real_multipliers(source, weights, output, len(rows))
    geometry = _geometry(operator.options, source, values, output)
    rows, scale = _scale(rows, bias, source, output, real, operator.options.fusedActivationFunction)
    values = (rows.T if depthwise else rows).reshape(values.shape)
    packed = pack_depthwise(values[0], geometry, scale) if depthwise else pack_conv(values, scale)
    fields = {**geometry, "zero_in": source.zero, **_weights(values, packed, scale, scaled=not depthwise)}
    kind = "depthwise" if depthwise else "conv"
    return _call(kind, Struct("mltk_conv", fields), geometry, operator, _lead(kind, geometry, packed), packed)


def dense(graph: Graph, operator: Operator) -> Lowered:
    """`fully_connected`, over all values of each row."""
    source, weights, bias = _inputs(graph, operator)
    output = graph.tensors[operator.outputs[0]]
    values = _constant(weights)
    rows = source.elements // max(values.shape[-1], 1)
    if values.ndim != 2 or source.elements % values.shape[1] or output.elements != rows * values.shape[0]:
        raise ModelError("the shapes of a dense layer do not fit together", "make or download the model again")
    if len(weights.scales) == 1:
        # One product of scales in single precision, as GetQuantizedConvolutionMultipler has it.
        product = float(np.float32(source.scale) * np.float32(weights.scale))
        real = np.full(len(values), product / float(np.float32(output.scale)))
    else:
        real = _real_multipliers(source, weights, output, len(values))
    geometry = {"rows": rows, "inputs": values.shape[1], "outputs": values.shape[0]}
    values, scale = _scale(values, bias, source, output, real, operator.options.fusedActivationFunction)
    packed = pack_conv(values, scale)
    fields = {**geometry, **_weights(values, packed, scale, scaled=True)}
    return _call("dense", Struct("mltk_dense", fields), geometry, operator, {}, packed)


def _weights(values: NDArray[Any], packed: Packed | None, scale: Scale, *, scaled: bool) -> dict[str, Field]:
    """The last fields of both structs: weights and `mltk_scale`, whose numbers `SCALED` weights may have with them."""
    kind = packed.kind if packed else PLAIN
    # What is packed beside the weights is not needed a second time.
    instead = np.zeros(1, np.int32) if scaled and kind == SCALED else None
    return {
        "packed": kind,
        "weights": Array(np.ascontiguousarray(values).ravel(), packed.words if packed else None),
        "scale": {
            "bias": Array(scale.bias, instead),
            "multiplier": Array(scale.multiplier, instead),
            "shift": Array(scale.shift, None if instead is None else instead.astype(np.int8)),
            "zero": scale.zero,
            "low": scale.low,
            "high": scale.high,
            "narrow": int(scale.narrow),
        },
    }


def _lead(kind: str, geometry: Mapping[str, int], packed: Packed | None) -> dict[str, int | None]:
    """How the output may lie over the input, by target. Some depthwise kernels go over all pixels, a few channels at a
    time."""
    channels = geometry["in_c"], geometry["out_c"]
    in_order = {target: lead_of(geometry, *channels, BLOCKS[target]) for target in TARGETS}
    if kind == "conv":
        return dict(in_order)
    how = packed.kind if packed else PLAIN
    found: dict[str, int | None] = {
        target: lead for target, lead in in_order.items() if is_in_order(geometry, target, how)
    }
    return found | {target: None for target in TARGETS if is_in_place(geometry, target, how)}


def _call(
    kind: str,
    layer: Struct,
    geometry: Mapping[str, int],
    operator: Operator,
    lead: Mapping[str, int | None],
    packed: Packed | None,
) -> Lowered:
    how = packed.kind if packed else PLAIN
    scratch = Scratch({target: scratch_bytes(kind, geometry, target, how) for target in TARGETS})
    arguments = (layer, Read(operator.inputs[0]), Write(operator.outputs[0]), scratch)
    return Lowered((Call(f"mltk_{kind}_s8", arguments, lead),))


def _inputs(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor, NDArray[Any] | None]:
    source, weights = (graph.tensors[i] for i in operator.inputs[:2])
    if (source.dtype, weights.dtype) != ("int8", "int8"):
        raise ModelError(f"it has {source.dtype} inputs and {weights.dtype} weights", "convert the model to int8")
    if weights.zero != 0:
        raise ModelError("its weights have a zero point", "convert the model to int8 with symmetric weights")
    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return source, weights, None
    bias = _constant(graph.tensors[operator.inputs[2]])
    if bias.dtype != np.int32:
        raise ModelError(f"its bias is {bias.dtype}", "convert the model to int8 with a bias of int32")
    return source, weights, bias


def _constant(tensor: Tensor) -> NDArray[Any]:
    if tensor.data is None:
        raise ModelError("its weights are computed, not constant", "convert a model with constant weights")
    return tensor.data


def _check_shapes(source: Tensor, weights: Tensor, output: Tensor, depthwise: bool) -> None:
    if not len(source.shape) == len(weights.shape) == len(output.shape) == 4:
        raise ModelError("a convolution has tensors that are not of four dimensions")
    if not source.shape[0] == output.shape[0] == 1:
        raise ModelError(f"its batch is {source.shape[0]}", "convert the model with a batch of 1")
    if depthwise:
        if output.shape[3] % source.shape[3] or weights.shape[3] != output.shape[3] or weights.shape[0] != 1:
            raise ModelError("the channels of a depthwise convolution do not fit together")
    elif weights.shape[0] != output.shape[3]:
        raise ModelError("the channels of a convolution do not fit together", "make or download the model again")
    elif weights.shape[3] != source.shape[3]:
        raise ModelError(
            f"it is a convolution in groups ({source.shape[3]} channels, {weights.shape[3]} a group)",
            "split the channels, convolve and concatenate",
        )


def _geometry(options: Any, source: Tensor, weights: NDArray[Any], output: Tensor) -> dict[str, int]:
    stride = (int(options.strideH), int(options.strideW))
    dilation = (int(options.dilationHFactor) or 1, int(options.dilationWFactor) or 1)
    padding = enum_names("Padding").get(options.padding)
    kernel = weights.shape[1:3]
    before = [
        padding_before(source.shape[1 + i], output.shape[1 + i], (kernel[i] - 1) * dilation[i] + 1, stride[i], padding)
        for i in range(2)
    ]
    return {
        **dict(zip(("in_h", "in_w", "in_c"), source.shape[1:], strict=True)),
        **dict(zip(("out_h", "out_w", "out_c"), output.shape[1:], strict=True)),
        **dict(zip(("kernel_h", "kernel_w"), kernel, strict=True)),
        **dict(zip(("stride_h", "stride_w"), stride, strict=True)),
        **dict(zip(("dilation_h", "dilation_w"), dilation, strict=True)),
        **dict(zip(("pad_top", "pad_left"), before, strict=True)),
    }


def padding_before(size: int, outputs: int, reach: int, stride: int, padding: str | None) -> int:
    """Rows or columns of padding before the first: half of what SAME needs, rounded down; none for VALID.

    Raises:
        ModelError: the output is not as long as that padding makes it.
    """
    if outputs != (-(-size // stride) if padding == "SAME" else (size - reach) // stride + 1):
        raise ModelError(
            "the size of its output does not fit its stride and padding", "make or download the model again"
        )
    return max((outputs - 1) * stride + reach - size, 0) // 2 if padding == "SAME" else 0


def _real_multipliers(source: Tensor, weights: Tensor, output: Tensor, channels: int) -> NDArray[np.float64]:
    scales = np.asarray(weights.scales, np.float64)
    if len(scales) not in (1, channels):
        raise ModelError(f"its weights have {len(scales)} scales for {channels} channels")
    return np.broadcast_to(source.scale * scales / output.scale, (channels,))


def _scale(
    rows: NDArray[Any],
    bias: NDArray[Any] | None,
    source: Tensor,
    output: Tensor,
    real: NDArray[np.float64],
    activation: int,
) -> tuple[NDArray[np.int8], Scale]:
    """The weights, (channels, values of a sum), and `mltk_scale`.

    Sums wrap as those of int32 do, so what is folded into the bias may too.
    """
    if output.dtype != "int8":
        raise ModelError(f"its output is {output.dtype}", "convert the model to int8")
    if bias is not None and bias.shape != (len(rows),):
        raise ModelError(f"it has a bias of {bias.size} values for {len(rows)} channels", "make the model again")
    low, high = activation_range(output, activation)
    whole = rows.astype(np.int64)
    start = (0 if bias is None else bias.astype(np.int64)) - source.zero * whole.sum(axis=1)
    pairs = np.array([quantize_multiplier(float(one)) for one in real], np.int64).reshape(-1, 2)
    whole, start, multiplier, shift = settle(whole, start, pairs[:, 0], pairs[:, 1], (output.zero, low, high))
    largest = np.abs(start) + 128 * np.abs(whole).sum(axis=1)
    right = (-shift >= _NARROW_SHIFTS[0]) & (-shift <= _NARROW_SHIFTS[-1])
    narrow = bool(((largest < _NARROW_SUM) & (right | (multiplier == 0))).all())
    # `narrow` stores right - 1; a multiplier of 0 gives 0 with any shift.
    shifts = np.where(multiplier == 0, 0, -shift - 1) if narrow else shift
    scale = Scale(
        bias=start.astype(np.int32),
        multiplier=multiplier.astype(np.int32),
        shift=shifts.astype(np.int8),
        zero=output.zero,
        low=low,
        high=high,
        narrow=narrow,
    )
    return whole.astype(np.int8), scale
