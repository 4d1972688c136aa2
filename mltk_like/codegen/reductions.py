"""Pools, means and softmax."""

import math

import numpy as np

from mltk_like.codegen.calls import Call, Lowered, Read, Struct, Write
from mltk_like.codegen.fixed_point import activation_range, quantize_multiplier
from mltk_like.codegen.graph import Graph, Operator, Tensor
from mltk_like.codegen.lead import lead_of
from mltk_like.codegen.scratch import TARGETS
from mltk_like.codegen.weights import padding_before
from mltk_like.errors import ModelError
from mltk_like.tflite.model_file import enum_names

_SOFTMAX_BITS = 5  # before the point, in differences to the greatest value


def pool(graph: Graph, operator: Operator) -> Lowered:
    """`average_pool_2d` and `max_pool_2d`."""
    source, output = _int8(graph, operator)
    options = operator.options
    if not len(source.shape) == len(output.shape) == 4 or (source.shape[0], output.shape[3]) != (1, source.shape[3]):
        raise ModelError("it pools tensors that are not of four dimensions with a batch of 1 and the same channels")
    if (source.scales, source.zero) != (output.scales, output.zero):
        raise ModelError("its input and output have different scales", "convert the model to int8 anew")
    kernel = (int(options.filterHeight), int(options.filterWidth))
    stride = (int(options.strideH), int(options.strideW))
    padding = enum_names("Padding").get(options.padding)
    before = [padding_before(source.shape[1 + i], output.shape[1 + i], kernel[i], stride[i], padding) for i in range(2)]
    low, high = activation_range(output, options.fusedActivationFunction)
    fields = {
        **dict(zip(("in_h", "in_w", "channels"), source.shape[1:], strict=True)),
        **dict(zip(("out_h", "out_w"), output.shape[1:3], strict=True)),
        **dict(zip(("kernel_h", "kernel_w"), kernel, strict=True)),
        **dict(zip(("stride_h", "stride_w"), stride, strict=True)),
        **dict(zip(("pad_top", "pad_left"), before, strict=True)),
        "low": low,
        "high": high,
    }
    function = "mltk_average_pool_s8" if operator.op == "average_pool_2d" else "mltk_max_pool_s8"
    return _call(function, "mltk_pool", fields, operator, lead_of(fields, source.shape[3], source.shape[3]))


def mean(graph: Graph, operator: Operator) -> Lowered:
    """Mean over axes that lie side by side. The division is part of the multiplier, as in TensorFlow Lite's
    QuantizedMeanOrSum."""
    source, output = _int8(graph, operator)
    axes_data = graph.tensors[operator.inputs[1]].data
    if axes_data is None:
        raise ModelError("its axes are computed, not constant", "convert the model anew")
    axes = sorted({int(axis) % len(source.shape) for axis in axes_data.ravel()})
    # Axes of size 1 may lie anywhere.
    counted = [axis for axis in axes if source.shape[axis] != 1] or axes[:1]
    first, last = counted[0], counted[-1]
    if any(axis not in axes and source.shape[axis] != 1 for axis in range(first, last + 1)):
        raise ModelError(f"it is a mean over axes {axes} that are not side by side", "transpose before")
    count = math.prod(source.shape[first : last + 1])
    multiplier, shift = quantize_multiplier(source.scale / output.scale)
    # 1 / count goes into the multiplier, with as many bits as fit before the division.
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    fields = {
        "outer": math.prod(source.shape[:first]),
        "count": count,
        "inner": math.prod(source.shape[last + 1 :]),
        "multiplier": (multiplier << bits) // count,
        "shift": shift - bits,
        "zero_in": source.zero,
        "zero_out": output.zero,
    }
    if output.elements != fields["outer"] * fields["inner"]:
        raise ModelError("the size of its output does not fit its axes", "make or download the model again")
    return _call("mltk_mean_s8", "mltk_mean", fields, operator)


def softmax(graph: Graph, operator: Operator) -> Lowered:
    """Softmax over the last dimension."""
    source, output = _int8(graph, operator)
    if output.zero != -128 or not math.isclose(output.scale, 1 / 256, rel_tol=1e-3):
        raise ModelError("its output is not of scale 1/256 and zero point -128", "convert the model to int8 anew")
    if source.shape != output.shape:
        raise ModelError("its input and output have different shapes", "make or download the model again")
    fraction = 31 - _SOFTMAX_BITS
    beta = float(np.float32(operator.options.beta))
    multiplier, shift = quantize_multiplier(min(beta * source.scale * (1 << fraction), 2.0**31 - 1.0))
    if shift < 0:
        raise ModelError("the scale of its input is too small", "scale the last layer's outputs")
    fields = {
        "rows": source.elements // source.shape[-1],
        "count": source.shape[-1],
        "multiplier": multiplier,
        "shift": shift,
        "least": -math.floor(((1 << _SOFTMAX_BITS) - 1) * 2.0**fraction / 2.0**shift),
    }
    return _call("mltk_softmax_s8", "mltk_softmax", fields, operator)


def _int8(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor]:
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    if (source.dtype, output.dtype) != ("int8", "int8"):
        raise ModelError(f"it is from {source.dtype} to {output.dtype}", "convert the model to int8")
    return source, output


def _call(function: str, struct: str, fields: dict[str, int], operator: Operator, lead: int | None = None) -> Lowered:
    arguments = (Struct(struct, fields), Read(operator.inputs[0]), Write(operator.outputs[0]))
    return Lowered((Call(function, arguments, {} if lead is None else dict.fromkeys(TARGETS, lead)),))
