"""Layers that only move values: slices, splits, concatenations, transposes, padding, variables, new shapes."""

from collections.abc import Sequence

import numpy as np

from mltk_like.codegen.calls import Call, Lowered, Read, Struct, Write, state
from mltk_like.codegen.graph import Graph, Operator, Tensor
from mltk_like.errors import ModelError

_DIMENSIONS = 5


def steps_of(shape: Sequence[int]) -> tuple[int, ...]:
    """Values from one to the next along each dimension of a tensor without gaps."""
    return tuple(int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape)))


def move(
    size: Sequence[int],
    in_steps: Sequence[int],
    out_steps: Sequence[int],
    source: Read,
    target: Write,
    item_bytes: int = 1,
) -> Call:
    """A copy of a block. Steps are in values. Raises ModelError for more than five dimensions that count."""
    rows = [(n, i * item_bytes, o * item_bytes) for n, i, o in zip(size, in_steps, out_steps, strict=True) if n != 1]
    if item_bytes > 1:
        rows.append((item_bytes, 1, 1))
    joined = _join(rows)
    if len(joined) == 1 and joined[0][1:] == (1, 1):
        return Call("memmove", (target, source, joined[0][0]))
    if len(joined) > _DIMENSIONS:
        raise ModelError(f"it moves values along {len(joined)} dimensions", f"{_DIMENSIONS} are the most")
    padded = [(1, 0, 0)] * (_DIMENSIONS - len(joined)) + joined
    fields = {name: tuple(row[i] for row in padded) for i, name in enumerate(("size", "in_step", "out_step"))}
    return Call("mltk_move_bytes", (Struct("mltk_move", fields), source, target))


def _join(rows: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Dimensions that lie one in the other in both tensors become one."""
    joined: list[tuple[int, int, int]] = []
    for size, in_step, out_step in rows:
        if joined:
            outer, outer_in, outer_out = joined[-1]
            if outer_in == size * in_step and outer_out == size * out_step:
                joined[-1] = (outer * size, in_step, out_step)
                continue
        joined.append((size, in_step, out_step))
    return joined or [(1, 1, 1)]


def new_shape(graph: Graph, operator: Operator) -> Lowered:
    """`reshape`, `squeeze`, `expand_dims`: the same bytes."""
    source, output = operator.inputs[0], operator.outputs[0]
    if graph.tensors[source].bytes != graph.tensors[output].bytes:
        raise ModelError("it changes the number of values", "convert the model with a batch of 1")
    return Lowered(same={output: Read(source)})


def transpose(graph: Graph, operator: Operator) -> Lowered:
    """Dimensions in another order."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    order = [int(i) for i in _constant(graph, operator.inputs[1])]
    steps = steps_of(source.shape)
    call = move(
        output.shape,
        [steps[i] for i in order],
        steps_of(output.shape),
        Read(operator.inputs[0]),
        Write(operator.outputs[0]),
        source.item_bytes,
    )
    return Lowered((call,))


def concatenation(graph: Graph, operator: Operator) -> Lowered:
    """Tensors side by side along an axis, as their bytes are."""
    output = graph.tensors[operator.outputs[0]]
    axis = operator.options.axis % len(output.shape)
    calls, at = [], 0
    for index in operator.inputs:
        part = graph.tensors[index]
        if (part.scales, part.zero) != (output.scales, output.zero):
            raise ModelError("it joins tensors of different scales", "convert the model to int8 anew")
        begin = at * steps_of(output.shape)[axis] * part.item_bytes
        steps = steps_of(part.shape), steps_of(output.shape)
        calls.append(move(part.shape, *steps, Read(index), Write(operator.outputs[0], begin), part.item_bytes))
        at += part.shape[axis]
    return Lowered(tuple(calls))


def split(graph: Graph, operator: Operator) -> Lowered:
    """`split`, `split_v` and `unpack`: a tensor cut along an axis."""
    if operator.op == "unpack":
        source, axis = operator.inputs[0], int(operator.options.axis)
    else:
        source = operator.inputs[1 if operator.op == "split" else 0]
        axis = int(_constant(graph, operator.inputs[0 if operator.op == "split" else 2]).ravel()[0])
    whole = graph.tensors[source]
    axis %= len(whole.shape)
    parts, at = [], 0
    for index in operator.outputs:
        size = 1 if operator.op == "unpack" else graph.tensors[index].shape[axis]
        shape = (*whole.shape[:axis], size, *whole.shape[axis + 1 :])
        parts.append(_cut(whole, source, index, shape, [at if i == axis else 0 for i in range(len(shape))]))
        at += size
    calls = tuple(call for part in parts for call in part.calls)
    return Lowered(calls, {tensor: read for part in parts for tensor, read in part.same.items()})


def pack(graph: Graph, operator: Operator) -> Lowered:
    """Tensors as slices along a new axis."""
    output = graph.tensors[operator.outputs[0]]
    axis = int(operator.options.axis) % len(output.shape)
    steps = steps_of(output.shape)
    calls = []
    for at, index in enumerate(operator.inputs):
        part = graph.tensors[index]
        shape = (*part.shape[:axis], 1, *part.shape[axis:])
        target = Write(operator.outputs[0], at * steps[axis] * part.item_bytes)
        calls.append(move(shape, steps_of(shape), steps, Read(index), target, part.item_bytes))
    return Lowered(tuple(calls))


def slice_(graph: Graph, operator: Operator) -> Lowered:
    """A block of a tensor, by its begin and size."""
    source = graph.tensors[operator.inputs[0]]
    begin = [int(i) for i in _constant(graph, operator.inputs[1])]
    shape = graph.tensors[operator.outputs[0]].shape
    return _cut(source, operator.inputs[0], operator.outputs[0], shape, begin)


def strided_slice(graph: Graph, operator: Operator) -> Lowered:
    """Every so many values of a block of a tensor."""
    source, options = graph.tensors[operator.inputs[0]], operator.options
    if options.ellipsisMask or options.newAxisMask:
        raise ModelError("it is a slice with an ellipsis or a new axis", "write begin, end and stride for each axis")
    begins, ends, strides = ([int(i) for i in _constant(graph, index)] for index in operator.inputs[1:4])
    ranges = []
    for axis, size in enumerate(source.shape):
        if axis >= len(begins):
            ranges.append(range(size))
            continue
        bit = 1 << axis
        begin = None if options.beginMask & bit else begins[axis]
        end = None if options.endMask & bit else ends[axis]
        if options.shrinkAxisMask & bit:
            ranges.append(range(begins[axis] % size, begins[axis] % size + 1))
        else:
            ranges.append(range(size)[slice(begin, end, strides[axis])])
    shape = tuple(len(one) for one in ranges)
    if int(np.prod(shape)) != graph.tensors[operator.outputs[0]].elements:
        raise ModelError("a slice is not of the size that the file says", "make or download the model again")
    starts, steps = [one.start for one in ranges], [one.step for one in ranges]
    return _cut(source, operator.inputs[0], operator.outputs[0], shape, starts, steps)


def _cut(
    source: Tensor, index: int, output: int, shape: Sequence[int], begin: Sequence[int], stride: Sequence[int] = ()
) -> Lowered:
    """A block of a tensor; nothing is moved where its bytes lie side by side."""
    steps = steps_of(source.shape)
    at = Read(index, sum(b * s for b, s in zip(begin, steps, strict=True)) * source.item_bytes)
    in_steps = [s * n for s, n in zip(steps, stride or [1] * len(steps), strict=True)]
    call = move(shape, in_steps, steps_of(shape), at, Write(output), source.item_bytes)
    return Lowered(same={output: at}) if call.function == "memmove" else Lowered((call,))


def pad(graph: Graph, operator: Operator) -> Lowered:
    """A tensor with a border of one value."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    borders = _constant(graph, operator.inputs[1]).reshape(-1, 2)
    value = output.zero
    if operator.op == "padv2":
        value = int(_constant(graph, operator.inputs[2]).ravel()[0])
    if source.dtype != "int8":
        raise ModelError(f"it pads {source.dtype}", "convert the model to int8")
    steps = steps_of(output.shape)
    begin = sum(int(b) * s for b, s in zip(borders[:, 0], steps, strict=True))
    inner = move(
        source.shape, steps_of(source.shape), steps, Read(operator.inputs[0]), Write(operator.outputs[0], begin)
    )
    return Lowered((Call("memset", (Write(operator.outputs[0]), value, output.bytes)), inner))


def read_variable(graph: Graph, operator: Operator) -> Lowered:
    """A variable's value."""
    variable = graph.states[operator.inputs[0]]
    copy = Call("memcpy", (Write(operator.outputs[0]), Read(state(variable.number)), variable.size))
    return Lowered((copy,))


def assign_variable(graph: Graph, operator: Operator) -> Lowered:
    """A new value for a variable."""
    variable = graph.states[operator.inputs[0]]
    copy = Call("memmove", (Write(state(variable.number)), Read(operator.inputs[1]), variable.size))
    return Lowered((copy,))


def _constant(graph: Graph, index: int) -> np.ndarray:
    data = graph.tensors[index].data
    if data is None:
        raise ModelError("where it moves values is computed, not constant", "convert the model with a batch of 1")
    return data
