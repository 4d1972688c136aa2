"""Sums, differences and products of two tensors."""

import itertools
from collections.abc import Mapping

from mltk_like.codegen.calls import Call, Field, Lowered, Read, Struct, Write
from mltk_like.codegen.fixed_point import activation_range, quantize_multiplier
from mltk_like.codegen.graph import Graph, Operator, Tensor
from mltk_like.codegen.moves import move, steps_of
from mltk_like.codegen.scratch import TARGETS
from mltk_like.errors import ModelError

_SUM_BITS = 20
# Numbers of tensors that are made between calls: from here downwards.
_TEMPORARY = -2


def pair(graph: Graph, operator: Operator) -> Lowered:
    """`add`, `sub` and `mul`, with tensors that are spread over each other's dimensions."""
    a, b = (graph.tensors[i] for i in operator.inputs)
    output = graph.tensors[operator.outputs[0]]
    if {a.dtype, b.dtype, output.dtype} != {"int8"}:
        raise ModelError(f"it is of {a.dtype}, {b.dtype} and {output.dtype}", "convert the model to int8")
    low, high = activation_range(output, operator.options.fusedActivationFunction)
    layout, reads, before, temporary = _layout(operator, a, b, output)
    zeros = {"a_zero": a.zero, "b_zero": b.zero, "out_zero": output.zero, "low": low, "high": high}
    fields = {**layout, **zeros, **_multipliers(operator.op, a, b, output)}
    function = "mltk_mul_s8" if operator.op == "mul" else "mltk_add_s8"
    arguments = (Struct("mltk_pair", fields), *reads, Write(operator.outputs[0]))
    whole = layout["rows"] == 1 and layout["a_step"] == layout["b_step"] == 1
    return Lowered(
        (*before, Call(function, arguments, lead=dict.fromkeys(TARGETS if whole else (), 0))), temporary=temporary
    )


def _multipliers(op: str, a: Tensor, b: Tensor, output: Tensor) -> dict[str, Field]:
    if op == "mul":
        reals = (0.0, 0.0, a.scale * b.scale / output.scale)
    else:
        twice = 2 * max(a.scale, b.scale)
        reals = (a.scale / twice, b.scale / twice, twice / ((1 << _SUM_BITS) * output.scale))
    fields: dict[str, Field] = {}
    for name, real in zip(("a", "b", "out"), reals, strict=True):
        fields[f"{name}_multiplier"], fields[f"{name}_shift"] = quantize_multiplier(real)
    return {**fields, "b_sign": -1 if op == "sub" else 1}


def _layout(
    operator: Operator, a: Tensor, b: Tensor, output: Tensor
) -> tuple[dict[str, int], tuple[Read, Read], tuple[Call, ...], Mapping[int, int]]:
    """Fields that say where the values of both are, what is read, and calls before that spread what is not simple."""
    count = output.shape[-1] if output.shape else 1
    steps, reads, calls, temporary = [], [], [], {}
    if a.elements == b.elements == output.elements:
        rows, count = 1, output.elements
    else:
        rows = output.elements // max(count, 1)
    for number, (index, tensor) in enumerate(zip(operator.inputs, (a, b), strict=True)):
        if tensor.elements == output.elements:
            steps.append((1, count))
        elif tensor.elements == 1:
            steps.append((0, 0))
        elif tensor.elements == count == tensor.shape[-1]:
            steps.append((1, 0))
        else:
            made = _TEMPORARY - number
            temporary[made] = output.bytes
            calls.append(_spread(index, tensor, made, output))
            steps.append((1, count))
            index = made
        reads.append(Read(index))
    layout = {"rows": rows, "count": count}
    layout |= {f"{name}_step": step for name, (step, _) in zip("ab", steps, strict=True)}
    layout |= {f"{name}_row_step": row for name, (_, row) in zip("ab", steps, strict=True)}
    return layout, (reads[0], reads[1]), tuple(calls), temporary


def _spread(index: int, tensor: Tensor, made: int, output: Tensor) -> Call:
    """The tensor in the output's shape."""
    shape = (1,) * (len(output.shape) - len(tensor.shape)) + tensor.shape
    if any(have not in (1, want) for have, want in itertools.zip_longest(shape, output.shape)):
        raise ModelError(f"its shapes {tensor.shape} and {output.shape} do not fit together")
    steps = tuple(0 if have == 1 else step for have, step in zip(shape, steps_of(shape), strict=True))
    return move(output.shape, steps, steps_of(output.shape), Read(index), Write(made), tensor.item_bytes)
