"""A program as C source: constants, one block of memory, and a function that calls the kernels in order."""

from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from mltk_like.codegen.arena import ALIGNMENT, Plan
from mltk_like.codegen.calls import Argument, Array, Call, Field, Read, Scratch, Struct, Write, is_state, state
from mltk_like.codegen.graph import Graph, State
from mltk_like.codegen.program import Program, Step
from mltk_like.errors import ModelError
from mltk_like.tflite.c_text import comment, literal

_TYPES: Mapping[str, str] = {"int8": "int8_t", "uint8": "uint8_t", "float32": "float"}
_A_LINE = 24
_MOST_NAME = 64  # letters of a custom operator's name, which the file may have of any length


def header(program: Program, prefix: str, title: str) -> str:
    """PREFIX.h: sizes, types and the functions. Raises ModelError for inputs or outputs that C has no type for here."""
    graph, upper = program.graph, prefix.upper()
    sizes = {
        "STATE_BYTES": sum(one.size for one in states_of(graph)),
        "INPUT_BYTES": graph.tensors[graph.input].bytes,
        "OUTPUT_BYTES": graph.tensors[graph.output].bytes,
        "LAYERS": len(graph.operators),
    }
    source, output = ends(graph)
    return "\n".join(
        [
            f"/* {comment(title)} */",
            f"#ifndef {upper}_H_",
            f"#define {upper}_H_",
            "",
            "#include <stdint.h>",
            "",
            '#include "mltk_kernels.h"',
            "",
            *by_target({target: [f"#define {upper}_ARENA_BYTES {one.bytes}"] for target, one in program.plans.items()}),
            *(f"#define {upper}_{name} {value}" for name, value in sizes.items()),
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            "/* Before the first run, and to forget what was heard. */",
            f"void {prefix}_init(void);",
            "",
            "/* Values of the input and of the output. */",
            f"typedef {source} {prefix}_input;",
            f"typedef {output} {prefix}_output;",
            "",
            "/* One inference. The memory that it works in is its own: one call at a time. */",
            f"void {prefix}_run(const {prefix}_input* input, {prefix}_output* output);",
            "",
            "/* With -DMLTK_NET_HOOK these are called before (begin = 1) and after each layer of the .tflite, and the",
            "   firmware has them. */",
            "#ifdef MLTK_NET_HOOK",
            "void mltk_net_layer(int layer, const char* op, int begin);",
            "void mltk_net_tensor(int layer, const void* values, uint32_t bytes);",
            f"extern const char* const {prefix}_layer_names[{upper}_LAYERS];",
            "#endif",
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            f"#endif /* {upper}_H_ */",
            "",
        ]
    )


def source(program: Program, prefix: str) -> str:
    """PREFIX.c."""
    writer = _Writer(program)
    body = list(writer.run())
    graph = program.graph
    return "\n".join(
        [
            f'#include "{prefix}.h"',
            "",
            "#include <string.h>",
            "",
            "#ifdef MLTK_NET_HOOK",
            "#define LAYER(index, op, begin) mltk_net_layer(index, op, begin)",
            "#define TENSOR(index, values, bytes) mltk_net_tensor(index, values, bytes)",
            *_names(graph, prefix),
            "#else",
            "#define LAYER(index, op, begin)",
            "#define TENSOR(index, values, bytes)",
            "#endif",
            "",
            *by_target({target: writer.arena(one) for target, one in program.plans.items()}),
            "",
            *_memory_of_states(graph),
            *writer.constants,
            "",
            f"void {prefix}_init(void) {{",
            *(f"  memcpy(state_{one.number}, initial_{one.number}, {one.size});" for one in states_of(graph)),
            "}",
            "",
            f"void {prefix}_run(const {prefix}_input* input, {prefix}_output* output) {{",
            *(f"  {line}" for line in body),
            "}",
            "",
        ]
    )


def ends(graph: Graph) -> tuple[str, str]:
    """C types of input and output. Raises ModelError for types that there are no kernels for."""
    found = [graph.tensors[graph.input].dtype, graph.tensors[graph.output].dtype]
    for dtype in found:
        if dtype not in _TYPES:
            raise ModelError(f"the model's ends are {found[0]} and {found[1]}", "convert the model to int8")
    return _TYPES[found[0]], _TYPES[found[1]]


def by_target(lines: Mapping[str, list[str]]) -> list[str]:
    """Lines for each of the targets; once where they are the same for all."""
    if all(one == lines["portable"] for one in lines.values()):
        return lines["portable"]
    dsp, mve = ["#if defined(MLTK_KERNELS_DSP)", *lines["dsp"]], ["#elif defined(MLTK_KERNELS_MVE)", *lines["mve"]]
    return [*dsp, *mve, "#else", *lines["portable"], "#endif"]


def states_of(graph: Graph) -> list[State]:
    """The variables, each once."""
    return list({one.number: one for one in graph.states.values()}.values())


def _names(graph: Graph, prefix: str) -> Iterator[str]:
    names = ", ".join(literal(one.op[:_MOST_NAME]) for one in graph.operators)
    yield f"const char* const {prefix}_layer_names[{prefix.upper()}_LAYERS] = {{{names}}};"


def _memory_of_states(graph: Graph) -> Iterator[str]:
    for one in states_of(graph):
        values = ", ".join(str(value - 256 if value > 127 else value) for value in one.initial)
        yield f"static _Alignas({ALIGNMENT}) int8_t state_{one.number}[{one.size}];"
        yield f"static const int8_t initial_{one.number}[{one.size}] = {{{values}}};"
        yield ""


class _Writer:
    """Collects constants while the lines of the run function are made."""

    def __init__(self, program: Program) -> None:
        self.constants: list[str] = []
        self._program = program
        self._places: dict[int, str] = {}
        self._written: dict[int, str] = {}

    def run(self) -> Iterator[str]:
        """The lines of the run function."""
        graph = self._program.graph
        by_operator: dict[int, list[Step]] = {}
        for step in self._program.steps:
            by_operator.setdefault(step.operator, []).append(step)
        for operator in graph.operators:
            steps = by_operator.get(operator.index)
            if steps is None:
                continue
            op = literal(operator.op)
            yield f"LAYER({operator.index}, {op}, 1);"
            for number, step in enumerate(steps):
                yield self._call(step, f"{operator.index}" + (f"_{number}" if len(steps) > 1 else ""))
            yield f"LAYER({operator.index}, {op}, 0);"
            for output in operator.outputs:
                size = graph.tensors[output].bytes
                yield f"TENSOR({operator.index}, {self._pointer(Read(output))}, {size});"
        if self._program.direct_output is None:
            yield f"memcpy(output, {self._pointer(Read(graph.output))}, {graph.tensors[graph.output].bytes});"

    def _call(self, step: Step, name: str) -> str:
        call = step.call
        arguments = [self._argument(one, step, name) for one in call.arguments]
        return f"{call.function}({', '.join(arguments)});"

    def _argument(self, one: Argument, step: Step, name: str) -> str:
        if isinstance(one, Read | Write):
            return self._pointer(one, step.call)
        if isinstance(one, Scratch):
            return self._place(step.scratch) if any(one.sizes.values()) else "0"
        if isinstance(one, Struct):
            text = self._braces(one.fields, name)
            self.constants.append(f"static const {one.type} layer_{name} = {text};")
            return f"&layer_{name}"
        if isinstance(one, Array):
            return self._array(one, f"table_{name}")
        return _number(one)

    def _pointer(self, one: Read | Write, call: Call | None = None) -> str:
        place = self._program.place(one.tensor, one.offset)
        root, offset = place.tensor, place.offset
        graph = self._program.graph
        if root == graph.input:
            base, kind = "input", graph.tensors[root].dtype
        elif is_state(root):
            base, kind = f"state_{state(0) - root}", "int8"
        elif root == self._program.direct_output:
            base, kind = "output", graph.tensors[root].dtype
        elif root in self._program.plans["portable"].offsets:
            base, kind = self._place(root), "uint8"
        else:
            base, kind = self._constant(root), graph.tensors[root].dtype
        return _cast(base, offset, kind, _wanted(call, one))

    def arena(self, plan: Plan) -> list[str]:
        """The block of memory, and names for the places in it."""
        if not self._places:
            return []
        # What a target does not need lies anywhere.
        places = ", ".join(f"{name} = {plan.offsets.get(key, 0)}" for key, name in self._places.items())
        return [f"static _Alignas({ALIGNMENT}) uint8_t arena[{max(plan.bytes, 1)}];", f"enum {{ {places} }};"]

    def _place(self, key: int) -> str:
        return f"arena + {self._places.setdefault(key, f'at_{len(self._places)}')}"

    def _constant(self, tensor: int) -> str:
        if tensor not in self._written:
            data = self._program.graph.tensors[tensor].data
            if data is None:
                raise ModelError(
                    "a layer reads what no layer before it has written", "make or download the model again"
                )
            self._written[tensor] = self._array(Array(data.ravel()), f"constant_{tensor}")
        return self._written[tensor]

    def _braces(self, fields: Mapping[str, Field], name: str) -> str:
        return "{" + ", ".join(f".{key} = {self._field(key, value, name)}" for key, value in fields.items()) + "}"

    def _field(self, key: str, value: Field, name: str) -> str:
        if isinstance(value, Array):
            text = self._array(value, f"{key}_{name}")
            # Packed weights are words.
            return f"(const int8_t*){text}" if value.dsp is not None and value.dsp.dtype != value.values.dtype else text
        if isinstance(value, Mapping):
            return self._braces(value, name)
        if isinstance(value, tuple):
            return "{" + ", ".join(map(str, value)) + "}"
        return _number(value)

    def _array(self, array: Array, name: str) -> str:
        if array.dsp is None:
            self.constants.extend(_table(name, array.values))
        else:
            self.constants += ["#ifdef MLTK_KERNELS_DSP", *_table(name, array.dsp)]
            self.constants += ["#else", *_table(name, array.values), "#endif"]
        return name


def _wanted(call: Call | None, one: Read | Write) -> str | None:
    """The type that a kernel's parameter has; None where any pointer will do."""
    if call is None or call.function in ("memcpy", "memmove", "memset", "mltk_move_bytes"):
        return None
    real = {"mltk_quantise_f32": Read, "mltk_dequantise_s8": Write}.get(call.function)
    return "float32" if real is not None and isinstance(one, real) else "int8"


def _cast(base: str, offset: int, kind: str, wanted: str | None) -> str:
    text = f"{base} + {offset}" if offset else base
    if wanted is None or wanted == kind:
        return text
    constant = "const " if base == "input" or base.startswith("constant") else ""
    return f"({constant}{_TYPES[wanted]}*)({text})"


def _number(value: float) -> str:
    if isinstance(value, int):
        return "INT32_MIN" if value == -(2**31) else str(value)
    return f"{float(value).hex()}f"


def _table(name: str, values: NDArray[Any]) -> Iterator[str]:
    texts = ["INT32_MIN" if value == -(2**31) else str(value) for value in values.tolist()]
    yield f"static const {values.dtype}_t {name}[{len(texts)}] = {{"
    for at in range(0, len(texts), _A_LINE):
        yield "  " + ", ".join(texts[at : at + _A_LINE]) + ","
    yield "};"
