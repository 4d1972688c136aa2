"""A graph as calls in order, with a place for every tensor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from mltk_like.codegen import moves, pairs, reductions, tables, weights
from mltk_like.codegen.arena import Block, Plan, plan
from mltk_like.codegen.calls import Argument, Call, Lowered, Read, Write, is_state, state
from mltk_like.codegen.graph import Graph, Operator
from mltk_like.codegen.limits import MOST_TENSOR_BYTES, check_lowered
from mltk_like.codegen.scratch import TARGETS
from mltk_like.errors import ModelError

Lower = Callable[[Graph, Operator], Lowered]

KERNELS: Mapping[str, Lower] = MappingProxyType(
    {
        **dict.fromkeys(("conv_2d", "depthwise_conv_2d"), weights.convolution),
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
        "fully_connected": weights.dense,
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
"""Operators that are TensorFlow Lite's bookkeeping."""
_DAMAGED = "make or download the model again"


@dataclass(frozen=True)
class Step:
    """One call, the operator that it belongs to, and the number under which plans have its scratch memory."""

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
        plans: by target (`mltk_like.codegen.scratch.TARGETS`): offsets in the arena, by such a tensor, or by the number
            of scratch memory.
    """

    graph: Graph
    steps: tuple[Step, ...]
    places: Mapping[int, Read]
    plans: Mapping[str, Plan]

    def place(self, tensor: int, offset: int = 0) -> Read:
        """Whose memory a tensor has, and where in it a byte of it lies."""
        return _place(self.places, tensor, offset)

    @property
    def direct_output(self) -> int | None:
        """The tensor that is written to the caller's memory; None where the output is copied there at the end."""
        return _direct_output(self.graph, self.places)


def lower(graph: Graph) -> Program:
    """Calls and memory for a graph.

    Raises:
        ModelError: an operator that there is no kernel for, or one that is set up as none of the kernels is; its name
            and number are in the message.
        ToolError: TensorFlow Lite Micro is not installed, and a table is to be made by it.
    """
    calls: list[tuple[int, Call]] = []
    places: dict[int, Read] = {}
    sizes = {index: tensor.bytes for index, tensor in enumerate(graph.tensors)}
    made = -2
    for operator in _needed(graph):
        lowered = _lowered(graph, operator)
        names = {old: made - i for i, old in enumerate(lowered.temporary)}
        made -= len(names)
        sizes |= {names[old]: size for old, size in lowered.temporary.items()}
        places |= lowered.same
        calls += [(operator.index, _renamed(call, names)) for call in lowered.calls]
    calls = _without_reads(calls, places)
    return _planned(graph, calls, places, sizes)


def _needed(graph: Graph) -> list[Operator]:
    """Operators on which the output or a variable depends: not those that compute a shape, which is known."""
    wanted = {graph.output}
    kept = []
    for operator in reversed(graph.operators):
        if operator.op == "assign_variable" or wanted & set(operator.outputs):
            kept.append(operator)
            wanted |= set(operator.inputs[:1] if KERNELS.get(operator.op) is moves.new_shape else operator.inputs)
    return kept[::-1]


def _lowered(graph: Graph, operator: Operator) -> Lowered:
    place = f"layer {operator.index} ({operator.op})"
    if operator.op in NOTHING:
        return Lowered()
    try:
        if operator.op in KERNELS:
            _check_ends(graph, operator)
            lowered = KERNELS[operator.op](graph, operator)
            sizes = {state(one.number): one.size for one in graph.states.values()} | dict(lowered.temporary)
            check_lowered(lowered, lambda tensor: sizes[tensor] if tensor in sizes else graph.tensors[tensor].bytes)
            return lowered
    except ModelError as error:
        raise ModelError(f"{place} cannot become C: {error.message}", error.hint) from error
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{place} is damaged: {error}", _DAMAGED) from error
    raise ModelError(f"{place} cannot become C: there is no kernel for it", f"there are {', '.join(sorted(KERNELS))}")


def _check_ends(graph: Graph, operator: Operator) -> None:
    """Raise ModelError where what is read or written is not there, too large, or not to be written."""
    if -1 in (*operator.inputs[:2], *operator.outputs):
        raise ModelError("an input or an output is absent", _DAMAGED)
    for tensor in {*operator.inputs, *operator.outputs} - {-1}:
        if graph.tensors[tensor].bytes > MOST_TENSOR_BYTES:
            raise ModelError(
                f"a tensor has {graph.tensors[tensor].bytes} bytes",
                f"{MOST_TENSOR_BYTES} are the most: split the layer",
            )
    for tensor in operator.outputs:
        if tensor == graph.input or graph.tensors[tensor].data is not None or not graph.tensors[tensor].elements:
            raise ModelError("it writes to the input, to a constant, or nothing", _DAMAGED)


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


def _planned(graph: Graph, calls: list[tuple[int, Call]], places: dict[int, Read], sizes: Mapping[int, int]) -> Program:
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    written: set[int] = set()
    for step, (index, call) in enumerate(calls):
        reads, writes = ({_root(places, one.tensor) for one in some} for some in (call.reads, call.writes))
        if any(root not in written and not _is_outside(graph, root) for root in reads):
            raise ModelError(f"layer {index} reads what no layer before it has written", _DAMAGED)
        written |= writes
        for root in reads | writes:
            if not _is_fixed(graph, places, root):
                first.setdefault(root, step)
                last[root] = step
    output = _root(places, graph.output)
    if output in last:
        last[output] = len(calls)  # copied from there
    blocks = {root: Block(sizes[root], first[root], last[root]) for root in first}
    steps = tuple(Step(index, call, min(sizes) - 1 - number) for number, (index, call) in enumerate(calls))
    plans = {
        target: plan(blocks | _scratch(steps, target), _leads(steps, places, blocks, target)) for target in TARGETS
    }
    return Program(graph, steps, places, plans)


def _scratch(steps: Sequence[Step], target: str) -> dict[int, Block]:
    sizes = [(step.scratch, step.call.scratch_bytes(target)) for step in steps]
    return {key: Block(size, at, at) for at, (key, size) in enumerate(sizes) if size}


def _leads(
    steps: Sequence[Step], places: Mapping[int, Read], blocks: Mapping[int, Block], target: str
) -> dict[tuple[int, int], int | None]:
    """(input, output) -> how far the output may lie over the input, where it is read for the last time."""
    leads = {}
    for at, step in enumerate(steps):
        if target not in step.call.lead:
            continue
        output = _root(places, step.call.writes[0].tensor)
        for root in {_root(places, read.tensor) for read in step.call.reads} & blocks.keys():
            if root != output and output in blocks and blocks[root].last == at == blocks[output].first:
                leads[root, output] = step.call.lead[target]
    return leads
