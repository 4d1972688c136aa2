"""Random single operators of int8 nets, by family, for `single_ops.build`."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from single_ops import Case, Value, constant

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
SAME, VALID = 0, 1
Draw = Callable[[st.SearchStrategy[Any]], Any]

sizes = st.integers(1, 9)
strides = st.integers(1, 3)
zeros = st.integers(-128, 127)
seeds = st.integers(0, 2**32 - 1)
activations = st.sampled_from(sorted(ACTIVATIONS.values()))
paddings = st.sampled_from([SAME, VALID])
scales = st.floats(-8, 1).map(lambda power: float(np.float32(2.0**power)))


def outputs_of(size: int, reach: int, stride: int, padding: int) -> int:
    return -(-size // stride) if padding == SAME else -(-(size - reach + 1) // stride)


def weights_of(draw: Draw, shape: tuple[int, ...], channels: int, axis: int, taps: int, per_channel: bool) -> Any:
    """Weights, bias or none, and input and output scales of which sums make use of all of int8 and beyond."""
    rng = np.random.default_rng(draw(seeds))
    count = channels if per_channel else 1
    scale_in = draw(scales)
    each = tuple(float(np.float32(s)) for s in 2.0 ** rng.uniform(-9, -4, count))
    values = rng.integers(-127, 128, shape).astype(np.int8)
    weights = Value(shape, each, data=values, axis=axis)
    reach = scale_in * float(np.exp(np.mean(np.log(each)))) * 73 * 73 * math.sqrt(taps)
    output_scale = float(np.float32(reach / 64 * 2.0 ** draw(st.floats(-2, 3))))
    inputs = [weights]
    if draw(st.booleans()):
        bias = rng.integers(-3000 * taps, 3000 * taps + 1, channels).astype(np.int32)
        products = tuple(float(np.float32(scale_in * one)) for one in each)
        inputs.append(Value((channels,), products if per_channel else products[:1], data=bias))
    return inputs, scale_in, output_scale


def _planes(draw: Draw) -> tuple[dict[str, Any], list[int], list[int], list[int], int]:
    """Options of a window over (height, width): sizes, kernel, outputs and padding."""
    padding = draw(paddings)
    kernel = [draw(st.integers(1, 5)), draw(st.integers(1, 4))]
    stride, dilation = [draw(strides), draw(strides)], [draw(strides), draw(strides)]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [draw(sizes) + (0 if padding == SAME else r - 1) for r in reach]
    out = [outputs_of(n, r, s, padding) for n, r, s in zip(size, reach, stride, strict=True)]
    options = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    options |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
    return options, size, kernel, out, padding


@st.composite
def convolutions(draw: Draw) -> Case:
    options, size, kernel, out, _ = _planes(draw)
    channels, outputs = draw(sizes), draw(sizes)
    shape = (outputs, *kernel, channels)
    taps = math.prod(kernel) * channels
    weights, scale_in, scale_out = weights_of(draw, shape, outputs, 0, taps, draw(st.booleans()))
    return Case(
        "CONV_2D",
        (Value((1, *size, channels), (scale_in,), draw(zeros)), *weights),
        (Value((1, *out, outputs), (scale_out,), draw(zeros)),),
        "Conv2D",
        {**options, "fusedActivationFunction": draw(activations)},
    )


@st.composite
def depthwise_convolutions(draw: Draw) -> Case:
    options, size, kernel, out, _ = _planes(draw)
    channels, multiplier = draw(st.integers(1, 19)), draw(st.integers(1, 4))
    outputs = channels * multiplier
    taps = math.prod(kernel)
    weights, scale_in, scale_out = weights_of(draw, (1, *kernel, outputs), outputs, 3, taps, draw(st.booleans()))
    return Case(
        "DEPTHWISE_CONV_2D",
        (Value((1, *size, channels), (scale_in,), draw(zeros)), *weights),
        (Value((1, *out, outputs), (scale_out,), draw(zeros)),),
        "DepthwiseConv2D",
        {**options, "depthMultiplier": multiplier, "fusedActivationFunction": draw(activations)},
    )


@st.composite
def dense_layers(draw: Draw) -> Case:
    count, outputs, rows = draw(st.integers(1, 40)), draw(st.integers(1, 12)), draw(st.integers(1, 3))
    weights, scale_in, scale_out = weights_of(draw, (outputs, count), outputs, 0, count, draw(st.booleans()))
    return Case(
        "FULLY_CONNECTED",
        (Value((rows, count), (scale_in,), draw(zeros)), *weights),
        (Value((rows, outputs), (scale_out,), draw(zeros)),),
        "FullyConnected",
        {"fusedActivationFunction": draw(activations)},
    )


@st.composite
def pairs(draw: Draw) -> Case:
    """Sums, differences and products, with dimensions that are 1 or not there in one of both."""
    op, kind = draw(st.sampled_from([("ADD", "Add"), ("SUB", "Sub"), ("MUL", "Mul")]))
    out = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    shapes = []
    for _ in range(2):
        spread = [1 if draw(st.integers(0, 3)) == 0 else n for n in out]
        shapes.append(spread[draw(st.integers(0, len(out) - 1)) :] if draw(st.booleans()) else spread)
    shape = tuple(np.broadcast_shapes(*map(tuple, shapes)))
    a, b = draw(scales), draw(scales)
    near = max(a, b) if op != "MUL" else a * b * 64
    scale = float(np.float32(near * 2.0 ** draw(st.floats(-2, 3))))
    values = [Value(tuple(one), (s,), draw(zeros)) for one, s in zip(shapes, (a, b), strict=True)]
    fixed = draw(st.integers(0, 5))
    if fixed < 2:
        data = np.random.default_rng(draw(seeds)).integers(-128, 128, values[fixed].shape).astype(np.int8)
        values[fixed] = Value(values[fixed].shape, values[fixed].scales, values[fixed].zero, data)
    outputs = (Value(shape, (scale,), draw(zeros)),)
    return Case(op, tuple(values), outputs, kind, {"fusedActivationFunction": draw(activations)})


@st.composite
def pools(draw: Draw) -> Case:
    op = draw(st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
    padding, kernel, stride = draw(paddings), [draw(strides), draw(sizes)], [draw(strides), draw(strides)]
    size = [draw(sizes) + (0 if padding == SAME else k - 1) for k in kernel]
    out = [outputs_of(n, k, s, padding) for n, k, s in zip(size, kernel, stride, strict=True)]
    channels, scale, zero = draw(sizes), (draw(scales),), draw(zeros)
    options = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    options |= {"filterHeight": kernel[0], "filterWidth": kernel[1], "fusedActivationFunction": draw(activations)}
    values = [Value((1, *plane, channels), scale, zero) for plane in (size, out)]
    return Case(op, (values[0],), (values[1],), "Pool2D", options)


@st.composite
def means(draw: Draw) -> Case:
    shape = draw(st.lists(sizes, min_size=1, max_size=4))
    first = draw(st.integers(0, len(shape) - 1))
    last = draw(st.integers(first, len(shape) - 1))
    axes = list(range(first, last + 1))
    keep = draw(st.booleans())
    out = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
    scale_in = draw(scales)
    scale = scale_in if draw(st.booleans()) else float(np.float32(scale_in * 2.0 ** draw(st.floats(-4, 2))))
    named = [axis - (len(shape) if draw(st.booleans()) else 0) for axis in axes]
    return Case(
        "MEAN",
        (Value(tuple(shape), (scale_in,), draw(zeros)), constant(named)),
        (Value(tuple(out), (scale,), draw(zeros)),),
        "Reducer",
        {"keepDims": keep},
    )


@st.composite
def softmaxes(draw: Draw) -> Case:
    shape = tuple(draw(st.lists(st.integers(1, 12), min_size=2, max_size=4)))
    given = Value(shape, (draw(scales),), draw(zeros))
    beta = draw(st.sampled_from([1.0, 1.0, 0.5, 2.0]))
    return Case("SOFTMAX", (given,), (Value(shape, (1 / 256,), -128),), "Softmax", {"beta": beta})


@st.composite
def tables(draw: Draw) -> Case:
    """Functions of one value."""
    op, kind = draw(
        st.sampled_from(
            [
                ("LOGISTIC", ""), ("TANH", ""), ("RELU", ""), ("RELU6", ""), ("LEAKY_RELU", "LeakyRelu"),
                ("HARD_SWISH", "HardSwish"), ("QUANTIZE", "Quantize"), ("ELU", ""),
            ]
        )
    )  # fmt: skip
    shape, scale = tuple(draw(st.lists(sizes, min_size=1, max_size=4))), draw(scales)
    fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
    out, zero = fixed.get(op) or (float(np.float32(scale * 2.0 ** draw(st.floats(-2, 2)))), draw(zeros))
    options = {"alpha": draw(st.floats(0.01, 0.9))} if kind == "LeakyRelu" else {}
    return Case(op, (Value(shape, (scale,), draw(zeros)),), (Value(shape, (out,), zero),), kind, options)


def _shape(draw: Draw, least: int = 1, most: int = 4) -> list[int]:
    return list(draw(st.lists(st.integers(1, 6), min_size=least, max_size=most)))


@st.composite
def joins(draw: Draw) -> Case:
    """Concatenations, and tensors that become slices along a new axis."""
    shape, count = _shape(draw), draw(st.integers(1, 4))
    scale, zero = (draw(scales),), draw(zeros)
    if draw(st.booleans()):
        axis = draw(st.integers(0, len(shape) - 1))
        parts = [(*shape[:axis], draw(sizes), *shape[axis + 1 :]) for _ in range(count)]
        out = (*shape[:axis], sum(part[axis] for part in parts), *shape[axis + 1 :])
        op, kind = "CONCATENATION", "Concatenation"
        options = {"axis": axis - (len(shape) if draw(st.booleans()) else 0)}
    else:
        shape = shape[:3]
        axis = draw(st.integers(0, len(shape)))
        parts, out = [tuple(shape)] * count, (*shape[:axis], count, *shape[axis:])
        op, kind, options = "PACK", "Pack", {"axis": axis, "valuesCount": count}
    return Case(op, tuple(Value(one, scale, zero) for one in parts), (Value(out, scale, zero),), kind, options)


@st.composite
def cuts(draw: Draw) -> Case:
    """Splits in equal and in given parts, and slices along an axis that goes."""
    shape, axis = _shape(draw), 0
    axis = draw(st.integers(0, len(shape) - 1))
    scale, zero = (draw(scales),), draw(zeros)
    op = draw(st.sampled_from(["SPLIT", "SPLIT_V", "UNPACK"]))
    parts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    if op != "SPLIT_V":
        parts = [1 if op == "UNPACK" else parts[0]] * len(parts)
    whole = Value((*shape[:axis], sum(parts), *shape[axis + 1 :]), scale, zero)
    if op == "UNPACK":
        outputs = [Value((*shape[:axis], *shape[axis + 1 :]), scale, zero)] * len(parts)
        return Case(op, (whole,), tuple(outputs), "Unpack", {"num": len(parts), "axis": axis})
    outputs = [Value((*shape[:axis], n, *shape[axis + 1 :]), scale, zero) for n in parts]
    inputs = (constant(axis), whole) if op == "SPLIT" else (whole, constant(parts), constant(axis))
    kind = {"SPLIT": "Split", "SPLIT_V": "SplitV"}[op]
    return Case(op, inputs, tuple(outputs), kind, {"numSplits": len(parts)})


@st.composite
def slices(draw: Draw) -> Case:
    shape = _shape(draw)
    scale, zero = (draw(scales),), draw(zeros)
    begin = [draw(st.integers(0, n - 1)) for n in shape]
    given = Value(tuple(shape), scale, zero)
    if draw(st.booleans()):
        count = [draw(st.integers(1, n - b)) for n, b in zip(shape, begin, strict=True)]
        named = [-1 if b + c == n and draw(st.booleans()) else c for n, b, c in zip(shape, begin, count, strict=True)]
        return Case("SLICE", (given, constant(begin), constant(named)), (Value(tuple(count), scale, zero),), "Slice")
    stride = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in shape]
    masks = [draw(st.integers(0, 2 ** len(shape) - 1)) for _ in range(2)]
    # Backwards to before the first: a value that counts from the end and is beyond it.
    ahead = [b + draw(st.integers(1, 6)) * (1 if s > 0 else -1) for b, s in zip(begin, stride, strict=True)]
    end = [-n - 1 if one < 0 else one for one, n in zip(ahead, shape, strict=True)]
    named_begin = [b - n if draw(st.booleans()) else b for b, n in zip(begin, shape, strict=True)]
    out = []
    for axis, (b, e, s, n) in enumerate(zip(named_begin, end, stride, shape, strict=True)):
        free = [masks[0] >> axis & 1, masks[1] >> axis & 1]
        out.append(len(range(n)[slice(None if free[0] else b, None if free[1] else e, s)]))
    inputs = (given, constant(named_begin), constant(end), constant(stride))
    options = {"beginMask": masks[0], "endMask": masks[1]}
    return Case("STRIDED_SLICE", inputs, (Value(tuple(out), scale, zero),), "StridedSlice", options)


@st.composite
def new_orders(draw: Draw) -> Case:
    shape = _shape(draw, 1, 5)
    order = draw(st.permutations(range(len(shape))))
    scale, zero = (draw(scales),), draw(zeros)
    out = Value(tuple(shape[i] for i in order), scale, zero)
    return Case("TRANSPOSE", (Value(tuple(shape), scale, zero), constant(order)), (out,), "Transpose")


@st.composite
def borders(draw: Draw) -> Case:
    shape = _shape(draw)
    scale, zero = (draw(scales),), draw(zeros)
    around = [[draw(st.integers(0, 3)), draw(st.integers(0, 3))] for _ in shape]
    out = Value(tuple(n + a + b for n, (a, b) in zip(shape, around, strict=True)), scale, zero)
    inputs = (Value(tuple(shape), scale, zero), constant(around))
    if draw(st.booleans()):
        return Case("PAD", inputs, (out,), "Pad")
    value = np.array([draw(zeros)], np.int8)
    return Case("PADV2", (*inputs, Value((1,), scale, zero, value)), (out,), "PadV2")


FAMILIES: Mapping[str, st.SearchStrategy[Case]] = {
    "conv": convolutions(),
    "depthwise": depthwise_convolutions(),
    "dense": dense_layers(),
    "pairs": pairs(),
    "pools": pools(),
    "means": means(),
    "softmax": softmaxes(),
    "tables": tables(),
    "joins": joins(),
    "cuts": cuts(),
    "slices": slices(),
    "orders": new_orders(),
    "borders": borders(),
}
