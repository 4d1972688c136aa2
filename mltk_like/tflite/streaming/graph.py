"""What the rules ask of an operator: its tensors' shapes, its constants and its options."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.tflite.layers import kernel_name
from mltk_like.tflite.model_file import buffer_data, check_ends, enum_names

_WHOLE_NUMBERS = {"INT32": np.int32, "INT64": np.int64}


@dataclass(frozen=True)
class Timeline:
    """Where a tensor has time.

    Attributes:
        axis: which of its dimensions.
        rows: of that dimension, in the graph of whole windows.
        stride: rows of the net's input from one of its rows to the next.
    """

    axis: int
    rows: int
    stride: int


class Node:
    """An operator of a parsed model's main graph.

    Args:
        tree: the parsed model.
        index: of the operator.

    Attributes:
        op: name such as `conv_2d`.
        inputs: numbers of the tensors read, -1 where an optional one is absent.
        outputs: numbers of the tensors written.
        options: of the schema, None where it has none.

    Raises:
        ModelError: an index in the file is out of range.
    """

    def __init__(self, tree: Any, index: int) -> None:
        self._tree, self._graph = tree, tree.subgraphs[0]
        operator = self._graph.operators[index]
        self.index, self.operator, self.options = index, operator, operator.builtinOptions
        self.inputs, self.outputs = _numbers(operator.inputs), _numbers(operator.outputs)
        tensors = len(self._graph.tensors or [])
        code_fits = 0 <= operator.opcodeIndex < len(tree.operatorCodes or [])
        if not code_fits or not all(-1 <= number < tensors for number in (*self.inputs, *self.outputs)):
            raise ModelError("the .tflite file is damaged: index out of range", "make or download it again")
        self.op = kernel_name(tree.operatorCodes[operator.opcodeIndex])

    def shape(self, number: int) -> tuple[int, ...]:
        """Shape of a tensor, with the batch."""
        found = self._graph.tensors[number].shape
        return () if found is None else tuple(int(n) for n in found)

    def is_constant(self, number: int) -> bool:
        """Whether a tensor has its values in the file."""
        return bool(buffer_data(self._tree, int(self._graph.tensors[number].buffer)))

    def numbers(self, place: int) -> NDArray[Any]:
        """Whole numbers of the constant input at a place, in one dimension. Refuses what is no constant."""
        if place >= len(self.inputs) or self.inputs[place] < 0:
            self.refuse("lacks an input", "make or download the file again")
        tensor = self._graph.tensors[self.inputs[place]]
        kind = _WHOLE_NUMBERS.get(enum_names("TensorType").get(tensor.type, ""))
        data = buffer_data(self._tree, int(tensor.buffer))
        if kind is None or not data:
            self.refuse("is set up while the net runs", "convert the net with a batch of 1 and fixed shapes")
        found: NDArray[Any] = np.frombuffer(data, kind)
        return found

    def refuse(self, reason: str, hint: str) -> NoReturn:
        """Raise the ModelError that names this layer."""
        name = self._graph.tensors[self.outputs[0]].name if self.outputs else None
        # A fused layer has the names of all its parts, the last of them first.
        text = f", {name.decode(errors='replace').split(';')[0]}" if name else ""
        raise ModelError(f"layer {self.index} ({self.op}{text}) cannot be run row by row: it {reason}", hint)


def nodes(tree: Any) -> tuple[Node, ...]:
    """The operators that the outputs need, in order; of a reshape only what is reshaped counts.

    Raises:
        ModelError: the file is damaged, or its net keeps a state already.
    """
    check_ends(tree)
    found = [Node(tree, index) for index in range(len(tree.subgraphs[0].operators or []))]
    for node in found:
        if node.op in ("call_once", "var_handle", "unidirectional_sequence_lstm"):
            node.refuse("keeps a state already", "give the net of whole windows")
    return tuple(reversed(list(_needed(found, {int(i) for i in tree.subgraphs[0].outputs}))))


def _needed(found: list[Node], wanted: set[int]) -> Iterator[Node]:
    for node in reversed(found):
        if wanted & set(node.outputs):
            wanted |= set(node.inputs[:1] if node.op == "reshape" else node.inputs)
            yield node


def _numbers(values: Any) -> tuple[int, ...]:
    return () if values is None else tuple(int(value) for value in values)
