"""A `.tflite` as what the emitter needs of it: tensors with their scales and constants, operators, state."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.tflite.layers import kernel_name
from mltk_like.tflite.model_file import buffer_data, check_ends, enum_names, parse

_DTYPES: Mapping[str, Any] = {
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "float32": np.float32,
    "bool": np.bool_,
}
_DAMAGED = "make or download it again"


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    Attributes:
        shape: with the batch, which is 1.
        dtype: as the schema calls it, in lower case.
        scales: one, or one for each channel; empty where it is not quantised.
        zero: zero point, the same for all channels.
        data: its values in `shape` where it is a constant.
    """

    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...] = ()
    zero: int = 0
    data: NDArray[Any] | None = None

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def item_bytes(self) -> int:
        """Bytes of one value; 0 for handles, which have no values."""
        return np.dtype(_DTYPES[self.dtype]).itemsize if self.dtype in _DTYPES else 0

    @property
    def bytes(self) -> int:
        """Bytes of all values."""
        return self.elements * self.item_bytes

    @property
    def scale(self) -> float:
        """The only scale. Raises ModelError where there is none, or several, or it is 0."""
        if len(self.scales) != 1:
            raise ModelError("a tensor that should have one scale has none, or one for each channel")
        if self.scales[0] == 0:
            raise ModelError("the scale of a tensor is 0", _DAMAGED)
        return self.scales[0]


@dataclass(frozen=True)
class Operator:
    """An operator: `op` as in `conv_2d`, tensors by number (-1: an optional one that is absent), schema options."""

    index: int
    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any = None


@dataclass(frozen=True)
class Graph:
    """The main graph of a model.

    Attributes:
        tensors: all of them, by number.
        operators: in the order in which they run.
        input: number of the only input.
        output: number of the only output.
        states: initial value of each variable, by the number of a tensor that is its handle; the same array for
            handles of the same variable.
        tree: the parsed file.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    input: int
    output: int
    states: Mapping[int, "State"] = field(default_factory=dict)
    tree: Any = None


@dataclass(frozen=True)
class State:
    """A variable: its number among the model's, its size in bytes, and what it begins with."""

    number: int
    size: int
    initial: bytes


def read_graph(model: bytes) -> Graph:
    """The main graph of a model.

    Raises:
        ModelError: the file is damaged, has several inputs or outputs, a batch other than 1, or a variable that is
            not used as one.
    """
    tree = parse(model)
    check_ends(tree)
    main = tree.subgraphs[0]
    if len(main.inputs) != 1 or len(main.outputs) != 1:
        raise ModelError(
            f"the model has {len(main.inputs)} inputs and {len(main.outputs)} outputs",
            "give a model with one of each",
        )
    try:
        tensors = tuple(_tensor(tree, one) for one in main.tensors)
        operators = _operators(tree, main)
        states = _states(tree, tensors, operators)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the .tflite file is damaged: {error}", _DAMAGED) from error
    return Graph(tensors, operators, int(main.inputs[0]), int(main.outputs[0]), states, tree)


def _tensor(tree: Any, raw: Any) -> Tensor:
    dtype = enum_names("TensorType").get(raw.type, f"type{raw.type}").lower()
    shape = () if raw.shape is None else tuple(int(n) for n in raw.shape)
    quantization = raw.quantization
    scales = () if quantization is None or quantization.scale is None else tuple(float(s) for s in quantization.scale)
    zeros = () if quantization is None or quantization.zeroPoint is None else tuple(map(int, quantization.zeroPoint))
    if any(size < 0 for size in shape):
        raise ValueError(f"a tensor has the shape {shape}")
    if not all(0 <= scale < math.inf for scale in scales):
        raise ValueError("a tensor has a scale that is negative or no number")
    if dtype == "int8" and not all(-128 <= zero <= 127 for zero in zeros):
        raise ValueError("a tensor has a zero point that is not of its type")
    if len(set(zeros)) > 1:
        raise ModelError("a tensor has several zero points", "convert the model to int8 with symmetric weights")
    content = buffer_data(tree, int(raw.buffer))
    data = None
    if content and dtype in _DTYPES:
        data = np.frombuffer(content, _DTYPES[dtype]).reshape(shape)
    return Tensor(shape, dtype, scales, zeros[0] if zeros else 0, data)


def _operators(tree: Any, graph: Any) -> tuple[Operator, ...]:
    found = []
    for index, raw in enumerate(graph.operators or []):
        inputs = () if raw.inputs is None else tuple(int(i) for i in raw.inputs)
        outputs = () if raw.outputs is None else tuple(int(i) for i in raw.outputs)
        if any(not -1 <= i < len(graph.tensors) for i in (*inputs, *outputs)):
            raise IndexError("tensor index out of range")
        op = kernel_name(tree.operatorCodes[raw.opcodeIndex])
        found.append(Operator(index, op, inputs, outputs, raw.builtinOptions))
    return tuple(found)


def _states(tree: Any, tensors: tuple[Tensor, ...], operators: tuple[Operator, ...]) -> dict[int, State]:
    """Variables by their handles. What CALL_ONCE's graph assigns is what they begin with; others begin with zeros."""
    initial: dict[str, bytes] = {}
    for one in operators:
        if one.op == "call_once":
            initial |= _assigned(tree, int(one.options.initSubgraphIndex))
    names: dict[int, str] = {one.outputs[0]: _name(one) for one in operators if one.op == "var_handle"}
    sizes: dict[str, int] = {}
    for one in operators:
        if one.op in ("read_variable", "assign_variable"):
            value = one.outputs[0] if one.op == "read_variable" else one.inputs[1]
            if sizes.setdefault(names[one.inputs[0]], tensors[value].bytes) != tensors[value].bytes:
                raise ValueError("a variable has several sizes")
    if any(len(initial[name]) not in (0, size) for name, size in sizes.items() if name in initial):
        raise ValueError("a variable begins with what is not of its size")
    numbers = {name: number for number, name in enumerate(sizes)}
    return {
        handle: State(numbers[name], sizes[name], initial.get(name) or bytes(sizes[name]))
        for handle, name in names.items()
        if name in sizes
    }


def _assigned(tree: Any, subgraph: int) -> dict[str, bytes]:
    graph = tree.subgraphs[subgraph]
    operators = _operators(tree, graph)
    names = {one.outputs[0]: _name(one) for one in operators if one.op == "var_handle"}
    return {
        names[one.inputs[0]]: buffer_data(tree, int(graph.tensors[one.inputs[1]].buffer))
        for one in operators
        if one.op == "assign_variable"
    }


def _name(handle: Operator) -> str:
    shared = handle.options.sharedName
    return shared.decode(errors="replace") if isinstance(shared, bytes) else str(shared)
