"""How operators go along time: which rows of its inputs a row of an output is made from, or that there is no such rule.

A rule takes an operator and the timelines of the tensors that have one. It gives `Reads`, `WHOLE` where the operator
needs all rows at once, or refuses.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mltk_like.tflite.model_file import enum_names
from mltk_like.tflite.streaming.graph import Node, Timeline


@dataclass(frozen=True)
class Reads:
    """Row i of the outputs is made from the rows first + i * stride to first + i * stride + span - 1 of the inputs.

    Attributes:
        axis: of time in the outputs.
        first, stride, span: see above.
        slides: the operator itself goes over rows, so that it may be given more than one output row needs.
    """

    axis: int
    first: int = 0
    stride: int = 1
    span: int = 1
    slides: bool = False


WHOLE = None
"""In place of `Reads`: all rows at once."""

Times = Mapping[int, Timeline]
Rule = Callable[[Node, Times], Reads | None]

_PADDING_HINT = (
    "build it with padding='valid' in time; ZeroPadding2D((0, n)) or ((0, 0), (n, n)) before it pads the bands alone"
)
_MIXED_HINT = "let each row be computed from rows near it; means over the whole window go to the end of the net"


def rule_of(node: Node, times: Times) -> Reads | None:
    """How an operator reads rows. Raises ModelError where it cannot be run row by row, with the reason."""
    rule = _RULES.get(node.op)
    if rule is None:
        node.refuse("is of a kind that there is no rule for", "see docs/streaming.md for those that there are")
    return rule(node, times)


def _only(node: Node, times: Times) -> Timeline:
    """The timeline of the only input that has one."""
    found = [times[number] for number in node.inputs if number in times]
    if len(found) != 1:
        node.refuse("reads two tensors over time", _MIXED_HINT)
    return found[0]


def _each_row(node: Node, times: Times) -> Reads | None:
    """Value by value, or along a dimension that is not time."""
    return Reads(_only(node, times).axis)


def _last_axis(node: Node, times: Times) -> Reads | None:
    time = _only(node, times)
    return WHOLE if time.axis == len(node.shape(node.inputs[0])) - 1 else Reads(time.axis)


def _several(node: Node, times: Times) -> Reads | None:
    """Value by value from several tensors: alike in time, or constants that are the same for each row."""
    found = [(number, times[number]) for number in node.inputs if number in times]
    rank, time = len(node.shape(found[0][0])), found[0][1]
    if any(other != time or len(node.shape(number)) != rank for number, other in found):
        node.refuse("reads tensors with different rows", "crop them so that all end with the newest row")
    for number in node.inputs:
        shape = node.shape(number)
        place = len(shape) - rank + time.axis
        if number in times or place < 0 or shape[place] == 1 or time.rows == 1:
            continue
        if node.is_constant(number):
            node.refuse("has a constant of its own for each row", "use constants that are the same for all rows")
    return Reads(time.axis)


def _sliding(node: Node, times: Times) -> Reads | None:
    time = _only(node, times)
    if time.axis not in (1, 2) or len(node.shape(node.inputs[0])) != 4:
        node.refuse("has time in its channels", "give time a dimension of its own: (time, 1, bands)")
    tall, options = time.axis == 1, node.options
    if node.op.endswith("pool_2d"):
        size, dilation = int(options.filterHeight if tall else options.filterWidth), 1
    else:
        size = node.shape(node.inputs[1])[time.axis]
        dilation = int(options.dilationHFactor if tall else options.dilationWFactor)
    stride, span = int(options.strideH if tall else options.strideW), (size - 1) * dilation + 1
    needed = (node.shape(node.outputs[0])[time.axis] - 1) * stride + span
    if enum_names("Padding").get(options.padding) == "SAME" and needed > time.rows:
        node.refuse(f"pads {needed - time.rows} rows in time", _PADDING_HINT)
    return Reads(time.axis, stride=stride, span=span, slides=True)


def _dense(node: Node, times: Times) -> Reads | None:
    """Row by row where the last dimension is the weights' and the rows are another; else over all that there is."""
    time = _only(node, times)
    shape, output = node.shape(node.inputs[0]), node.shape(node.outputs[0])
    by_rows = shape[-1] == node.shape(node.inputs[1])[-1] and time.axis < len(shape) - 1
    return Reads(time.axis) if by_rows and output[:-1] == shape[:-1] else WHOLE


def _reduction(node: Node, times: Times) -> Reads | None:
    time = _only(node, times)
    rank = len(node.shape(node.inputs[0]))
    axes = {int(axis) % rank for axis in node.numbers(1)}
    if time.axis in axes:
        return WHOLE
    return Reads(time.axis if node.options.keepDims else time.axis - sum(axis < time.axis for axis in axes))


def _reshape(node: Node, times: Times) -> Reads | None:
    """Time stays a dimension where as many values lie before it as did, and as many rows are in it."""
    time = _only(node, times)
    shape, output = node.shape(node.inputs[0]), node.shape(node.outputs[0])
    before = math.prod(shape[: time.axis])
    places = [axis for axis in range(len(output)) if math.prod(output[:axis]) == before and output[axis] == time.rows]
    return Reads(places[0]) if places and time.rows > 1 else WHOLE


def _transpose(node: Node, times: Times) -> Reads | None:
    return Reads([int(axis) for axis in node.numbers(1)].index(_only(node, times).axis))


def _concatenation(node: Node, times: Times) -> Reads | None:
    reads = _several(node, times)
    if reads is not None and node.options.axis % len(node.shape(node.outputs[0])) == reads.axis:
        node.refuse("puts rows behind rows", "concatenate channels")
    if any(number not in times for number in node.inputs):
        node.refuse("puts rows and what is none together", _MIXED_HINT)
    return reads


def _split(node: Node, times: Times) -> Reads | None:
    data, place = (1, 0) if node.op == "split" else (0, 2)
    axis = int(node.numbers(place)[0]) % len(node.shape(node.inputs[data]))
    if axis == _only(node, times).axis:
        node.refuse("parts the window in time", "split channels, or crop")
    return Reads(axis=_only(node, times).axis)


def _padding(node: Node, times: Times) -> Reads | None:
    time = _only(node, times)
    before, after = (int(count) for count in node.numbers(1).reshape(-1, 2)[time.axis])
    if before or after:
        node.refuse(f"pads {before + after} rows in time", _PADDING_HINT)
    return Reads(time.axis)


def _slice(node: Node, times: Times) -> Reads | None:
    """Some rows of the window, or a part of each row; other dimensions must keep their places."""
    time, options = _only(node, times), node.options
    if options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask & ~(1 << time.axis):
        node.refuse("takes dimensions out or puts them in", "crop, and reshape behind it")
    begin, _, step = (int(node.numbers(place)[time.axis]) for place in (1, 2, 3))
    if step < 1:
        node.refuse("turns time around", "crop with a positive step")
    first = 0 if options.beginMask >> time.axis & 1 else begin + time.rows * (begin < 0)
    if options.shrinkAxisMask:
        node.refuse("takes one row of the window as a whole", "crop to that row, and reshape behind it")
    return Reads(time.axis, first=max(first, 0), stride=step)


_UNARY = (
    *(
        "abs",
        "cast",
        "ceil",
        "dequantize",
        "elu",
        "exp",
        "floor",
        "gelu",
        "hard_swish",
        "leaky_relu",
        "log",
        "logistic",
    ),
    *("neg", "quantize", "relu", "relu6", "relu_n1_to_1", "relu_0_to_1", "round", "rsqrt", "sqrt", "square", "tanh"),
)
_BINARY = ("add", "div", "maximum", "minimum", "mul", "prelu", "squared_difference", "sub")

_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_UNARY, _each_row),
    **dict.fromkeys(_BINARY, _several),
    **dict.fromkeys(("conv_2d", "depthwise_conv_2d", "average_pool_2d", "max_pool_2d"), _sliding),
    **dict.fromkeys(("mean", "sum", "reduce_max", "reduce_min"), _reduction),
    **dict.fromkeys(("reshape", "squeeze", "expand_dims"), _reshape),
    **dict.fromkeys(("pad", "padv2", "mirror_pad"), _padding),
    **dict.fromkeys(("softmax", "log_softmax", "l2_normalization"), _last_axis),
    **dict.fromkeys(("split", "split_v"), _split),
    "concatenation": _concatenation,
    "fully_connected": _dense,
    "strided_slice": _slice,
    "transpose": _transpose,
}
