"""A graph as calls in order, with a place for every tensor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from mltk_like.codegen import moves, pairs, reductions, tables, weights
from mltk_like.codegen.arena import Block, Plan, plan
from mltk_like.codegen.calls import Argument, Call, Lowered, Read, Write, is_state
from mltk_like.codegen.graph import Graph, Operator
from mltk_like.errors import ModelError

Lower = Callable[[Graph, Operator], Lowered]

WITH_WEIGHTS: Mapping[str, Callable[[Graph, Operator, str], Lowered]] = MappingProxyType(
    {
        "conv_2d": weights.convolution,
        "depthwise_conv_2d": weights.convolution,
        "fully_connected": weights.dense,
    }
)
OTHERS: Mapping[str, Lower] = MappingProxyType(
    {
        **dict.fromkeys(("add", "mul", "sub"), pairs.pair),
        **dict.fromkeys(("average_pool_2d", "max_pool_2d"), reductions.pool),
        **dict.fromkeys(("expand_dims", "reshape", "squeeze"), moves.new_shape),
        **dict.fromkeys(("pad", "padv2"), moves.pad),
        **dict.fromkeys(("split", "split_v", "unpack"), moves.split),
        **dict.fromkeys(
            ("abs", "elu", "hard_swish", "leaky_relu", "logistic", "neg", "relu", "relu6", "relu_n1_to_1", "tanh"),
            tables.table,
        ),
        "assign_variable": moves.assign_variable,
        "concatenation": moves.concatenation,
        "dequantize": tables.dequantize,
        "mean": reductions.mean,
        "pack": moves.pack,
        "quantize": tables.quantize,
        "read_variable": moves.read_variable,
        "slice": moves.slice_,
        "softmax": reductions.softmax,
        "strided_slice": moves.strided_slice,
        "transpose": moves.transpose,
    }
)
NOTHING = ("call_once", "var_handle")
"""Operators that are for TensorFlow Lite's bookkeeping."""


@dataclass(frozen=True)
class Step:
    """One call, the operator that it belongs to, and where its scratch memory lies in the arena."""

    operator: int
    call: Call
    scratch: int


@dataclass(frozen=True)
class Program:
    """A net as calls.

    Attributes:
        graph: what it was made of.
        steps: in the order in which they run.
        places: number of a tensor -> the one whose memory it has, and where in it.
        plan: offsets in the arena, by such a tensor.
    """

    graph: Graph
    steps: tuple[Step, ...]
    places: Mapping[int, Read]
    plan: Plan

    def place(self, tensor: int, offset: int = 0) -> Read:
        """Whose memory a tensor has, and where in it a byte of it lies."""
        return _place(self.places, tensor, offset)

    @property
    def direct_output(self) -> int | None:
        """The tensor that is written to the caller's memory; None where the output is copied there at the end."""
        return _direct_output(self.graph, self.places)


def lower(graph: Graph, target: str = "any") -> Program:
    """Calls and memory for a graph.

    Args:
        graph: of a model.
        target: what scratch memory is for, see `mltk_like.codegen.scratch`.

    Raises:
        ModelError: an operator that there is no kernel for, or one that is set up as none of the kernels is; its name
            and number are in the message.
        ToolError: TensorFlow Lite Micro is not installed, and a table is to be made by it.
    """
    calls: list[tuple[int, Call]] = []
    places: dict[int, Read] = {}
    sizes = {index: tensor.bytes for index, tensor in enumerate(graph.tensors)}
    made = -2
    for operator in graph.operators:
        lowered = _lowered(graph, operator, target)
        names = {old: made - i for i, old in enumerate(lowered.temporary)}
        made -= len(names)
        sizes |= {names[old]: size for old, size in lowered.temporary.items()}
        places |= lowered.same
        calls += [(operator.index, _renamed(call, names)) for call in lowered.calls]
    calls = _without_reads(calls, places)
    _share(graph, calls, places, sizes)
    return _planned(graph, calls, places, sizes)


def _lowered(graph: Graph, operator: Operator, target: str) -> Lowered:
    place = f"layer {operator.index} ({operator.op})"
    if operator.op in NOTHING:
        return Lowered()
    try:
        if operator.op in WITH_WEIGHTS:
            return WITH_WEIGHTS[operator.op](graph, operator, target)
        if operator.op in OTHERS:
            return OTHERS[operator.op](graph, operator)
    except ModelError as error:
        raise ModelError(f"{place} cannot become C: {error.message}", error.hint) from error
    except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{place} is damaged: {error}", "make or download the model again") from error
    kernels = ", ".join(sorted({*WITH_WEIGHTS, *OTHERS}))
    raise ModelError(f"{place} cannot become C: there is no kernel for it", f"there are {kernels}")


def _renamed(call: Call, names: Mapping[int, int]) -> Call:
    def other(one: Argument) -> Argument:
        if isinstance(one, Read | Write) and one.tensor in names:
            return replace(one, tensor=names[one.tensor])
        return one

    return replace(call, arguments=tuple(map(other, call.arguments)))


def _place(places: Mapping[int, Read], tensor: int, offset: int = 0) -> Read:
    while tensor in places:
        offset += places[tensor].offset
        tensor = places[tensor].tensor
    return Read(tensor, offset)


def _root(places: Mapping[int, Read], tensor: int) -> int:
    return _place(places, tensor).tensor


def _without_reads(calls: list[tuple[int, Call]], places: dict[int, Read]) -> list[tuple[int, Call]]:
    """Take a variable where it lies, in place of a copy, if it is not assigned before the copy has been used."""
    kept = []
    for step, (index, call) in enumerate(calls):
        if call.function == "memcpy" and is_state(call.reads[0].tensor):
            copy, variable = call.writes[0].tensor, call.reads[0].tensor
            used = [n for n, (_, one) in enumerate(calls) for r in one.reads if _root(places, r.tensor) == copy]
            assigned = [n for n, (_, one) in enumerate(calls) for w in one.writes if w.tensor == variable and n > step]
            if not assigned or max(used, default=step) < assigned[0]:
                places[copy] = Read(variable)
                continue
        kept.append((index, call))
    return kept


def _is_fixed(graph: Graph, places: Mapping[int, Read], root: int) -> bool:
    """Whether a tensor lies outside of the arena: what goes in and out, constants and variables."""
    return _is_outside(graph, root) or root == _direct_output(graph, places)


def _is_outside(graph: Graph, root: int) -> bool:
    return root == graph.input or is_state(root) or (root >= 0 and graph.tensors[root].data is not None)


def _direct_output(graph: Graph, places: Mapping[int, Read]) -> int | None:
    """The tensor that lies where the caller wants the output; None where that is a part or a copy of another."""
    place = _place(places, graph.output)
    root = place.tensor
    whole = root >= 0 and place.offset == 0 and graph.tensors[root].bytes == graph.tensors[graph.output].bytes
    return root if whole and not _is_outside(graph, root) else None


def _share(graph: Graph, calls: list[tuple[int, Call]], places: dict[int, Read], sizes: Mapping[int, int]) -> None:
    """Give what is written the memory of what is read for the last time, where a call works in place."""
    last = {_root(places, read.tensor): step for step, (_, call) in enumerate(calls) for read in call.reads}
    last[_root(places, graph.output)] = len(calls)
    for step, (_, call) in enumerate(calls):
        output = _root(places, call.writes[0].tensor)
        if not call.in_place or _is_fixed(graph, places, output):
            continue
        for root in [_root(places, read.tensor) for read in call.reads]:
            free = last[root] == step and not _is_fixed(graph, places, root)
            if free and root != output and sizes[root] == sizes[output]:
                places[output] = Read(root)
                last[root] = last.get(output, step)
                break


def _planned(graph: Graph, calls: list[tuple[int, Call]], places: dict[int, Read], sizes: Mapping[int, int]) -> Program:
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for step, (_, call) in enumerate(calls):
        for tensor in [one.tensor for one in call.reads] + [one.tensor for one in call.writes]:
            root = _root(places, tensor)
            if not _is_fixed(graph, places, root):
                first.setdefault(root, step)
                last[root] = step
    output = _root(places, graph.output)
    if output in last:
        last[output] = len(calls)  # copied from there
    blocks = {root: Block(sizes[root], first[root], last[root]) for root in first}
    scratch = {step: min(sizes) - 1 - step for step, (_, call) in enumerate(calls) if call.scratch_bytes}
    blocks |= {key: Block(calls[step][1].scratch_bytes, step, step) for step, key in scratch.items()}
    memory = plan(blocks)
    steps = [
        Step(index, call, memory.offsets[scratch[step]] if step in scratch else 0)
        for step, (index, call) in enumerate(calls)
    ]
    return Program(graph, tuple(steps), places, memory)
