"""From a `.tflite` to the C of its net."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mltk_like.codegen.c_source import ends, header, source, states_of
from mltk_like.codegen.calls import Array, Field, Struct
from mltk_like.codegen.graph import read_graph
from mltk_like.codegen.program import Program, lower
from mltk_like.tflite.c_text import check_prefix


@dataclass(frozen=True, kw_only=True)
class NetSource:
    """A net as C, and the memory that it takes.

    Attributes:
        files: PREFIX.h and PREFIX.c, by name.
        arena_bytes: by target ("portable", "dsp", "mve"), for tensors between layers and the kernels' scratch memory;
            the caller's input and output are not in it.
        state_bytes: of variables, kept from one inference to the next.
        input_bytes: of the caller's.
        output_bytes: of the caller's.
        constant_bytes: weights, biases, multipliers and tables, as the portable kernels have them; packed for the DSP
            extension those of the shipped models take from 1 % less to 2.5 % more.
        layers: the operators of the `.tflite`, in order.
    """

    files: Mapping[str, str]
    arena_bytes: Mapping[str, int]
    state_bytes: int
    input_bytes: int
    output_bytes: int
    constant_bytes: int
    layers: tuple[str, ...]


def emit_net(model: bytes, *, prefix: str = "model_net", title: str = "") -> NetSource:
    """The C of a net, to be compiled with the kernels.

    Args:
        model: content of a `.tflite` file with int8 layers.
        prefix: of the files and names.
        title: one line that says what this is.

    Raises:
        ModelError: the file is damaged, or has an operator that there is no kernel for, which is named with its number.
        SettingError: the prefix is no name in C.
        ToolError: TensorFlow Lite Micro is not installed, and a table is to be made by it.
    """
    check_prefix(prefix)
    program = _program(model)
    graph = program.graph
    files = {f"{prefix}.h": header(program, prefix, title or prefix), f"{prefix}.c": source(program, prefix)}
    return NetSource(
        files=files,
        arena_bytes={target: one.bytes for target, one in program.plans.items()},
        state_bytes=sum(one.size for one in states_of(graph)),
        input_bytes=graph.tensors[graph.input].bytes,
        output_bytes=graph.tensors[graph.output].bytes,
        constant_bytes=_constant_bytes(program),
        layers=tuple(one.op for one in graph.operators),
    )


@lru_cache(maxsize=2)  # planning takes a second or two, and what is compared or exported is often emitted twice
def _program(model: bytes) -> Program:
    graph = read_graph(model)
    ends(graph)
    return lower(graph)


def _constant_bytes(program: Program) -> int:
    read = {program.place(one.tensor).tensor for step in program.steps for one in step.call.reads}
    tensors = program.graph.tensors
    constants = sum(tensors[root].bytes for root in read if root >= 0 and tensors[root].data is not None)
    states = sum(one.size for one in states_of(program.graph))
    arguments = [one for step in program.steps for one in step.call.arguments]
    return constants + states + sum(_bytes(one) for one in arguments if isinstance(one, Array | Struct))


def _bytes(value: Array | Struct | Field) -> int:
    if isinstance(value, Array):
        return value.values.nbytes
    if isinstance(value, Struct):
        return _bytes(value.fields)
    return sum(map(_bytes, value.values())) if isinstance(value, Mapping) else 0
