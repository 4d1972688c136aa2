"""A main graph that is being written: tensors, constants, operators, and variables that keep rows."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Version of each operator that is added; the others keep theirs.
_VERSIONS = {
    "CALL_ONCE": 1,
    "VAR_HANDLE": 1,
    "READ_VARIABLE": 1,
    "ASSIGN_VARIABLE": 1,
    "CONCATENATION": 2,
    "STRIDED_SLICE": 2,
    "RESHAPE": 1,
}
_OLD_FIELD_ENDS = 127  # operator codes above do not fit the old field


class Writer:
    """Writes a new main graph, and the graph that gives its variables their first values.

    Args:
        tree: the parsed model whose graph is to be replaced; codes and buffers are added to it as they are needed.
    """

    def __init__(self, tree: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema, self._tree, self._old = schema, tree, tree.subgraphs[0]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._copies: dict[int, int] = {}
        self._numbers: dict[tuple[int, ...], int] = {}
        self._zeros: dict[int, int] = {}
        self._variables: list[tuple[bytes, Any]] = []
        self._handles: list[Any] = []
        self.state_bytes = 0

    def same(self, number: int) -> int:
        """A tensor of the old graph as it is; the same one each time."""
        if number < 0:
            return number
        if number not in self._copies:
            self._copies[number] = self._add(copy.copy(self._old.tensors[number]))
        return self._copies[number]

    def like(self, number: int, shape: Sequence[int]) -> int:
        """A new tensor of an old one's type and scale with another shape, without values."""
        tensor = copy.copy(self._old.tensors[number])
        tensor.shape, tensor.shapeSignature, tensor.buffer = np.array(shape, np.int32), None, 0
        tensor.name = None
        return self._add(tensor)

    def named_like(self, number: int, shape: Sequence[int]) -> int:
        """As `like`, with the old one's name too: for what stands in its place."""
        made = self.like(number, shape)
        self._tensors[made].name = self._old.tensors[number].name
        return made

    def shape(self, made: int) -> tuple[int, ...]:
        """Shape of a tensor of the new graph."""
        return tuple(int(n) for n in self._tensors[made].shape)

    def numbers(self, values: Sequence[int]) -> int:
        """A constant of whole numbers, shape (n,)."""
        key = tuple(values)
        if key not in self._numbers:
            data = np.array(key, np.int32)
            self._numbers[key] = self._add(self._tensor(data.shape, "INT32", self._buffer(data)))
        return self._numbers[key]

    def again(self, operator: Any, inputs: Sequence[int], outputs: Sequence[int], options: Any = None) -> None:
        """An operator of the old graph on other tensors, with other options where they are given."""
        made = copy.copy(operator)
        made.inputs, made.outputs, made.intermediates = [*inputs], [*outputs], None
        made.builtinOptions = options or operator.builtinOptions
        self._operators.append(made)

    def concatenate(self, inputs: Sequence[int], output: int, axis: int) -> None:
        """Put tensors together along a dimension."""
        options = self._schema.ConcatenationOptionsT(axis=axis)
        self._operators.append(self._operator("CONCATENATION", inputs, [output], "ConcatenationOptions", options))

    def reshape(self, source: int, output: int) -> None:
        """The values of a tensor in the shape of another."""
        shape = self.shape(output)
        options = self._schema.ReshapeOptionsT(newShape=np.array(shape, np.int32))
        inputs = [source, self.numbers(shape)]
        self._operators.append(self._operator("RESHAPE", inputs, [output], "ReshapeOptions", options))

    def take_rows(self, source: int, output: int, axis: int, first: int) -> None:
        """As many rows as the output has, from one on."""
        shape = self.shape(source)
        begin, end = [0] * len(shape), list(shape)
        begin[axis], end[axis] = first, first + self.shape(output)[axis]
        inputs = [source, self.numbers(begin), self.numbers(end), self.numbers([1] * len(shape))]
        options = self._schema.StridedSliceOptionsT()
        self._operators.append(self._operator("STRIDED_SLICE", inputs, [output], "StridedSliceOptions", options))

    def variable(self, number: int, shape: Sequence[int]) -> tuple[int, int]:
        """A variable for rows of an old tensor, zeros at first: its handle, and the tensor that it is read into."""
        name = f"rows_{number}".encode()
        handle, value = self._add(self._tensor((), "RESOURCE", 0)), self.like(number, shape)
        self._handles.append(self._handle(name, handle))
        self._operators.append(self._operator("READ_VARIABLE", [handle], [value]))
        self._variables.append((name, self._tensors[value]))
        self.state_bytes += int(np.prod(shape)) * self._item_bytes(value)
        return handle, value

    def assign(self, handle: int, value: int) -> None:
        """What a variable holds from here on."""
        self._operators.append(self._operator("ASSIGN_VARIABLE", [handle, value], []))

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Put what was written in place of the model's graphs."""
        options = self._schema.CallOnceOptionsT(initSubgraphIndex=1)
        begin = self._operator("CALL_ONCE", [], [], "CallOnceOptions", options)
        main = self._graph(self._tensors, [begin, *self._handles, *self._operators], inputs, outputs, self._old.name)
        self._tree.subgraphs = [main, self._first_values()]
        self._tree.signatureDefs = None  # they name tensors by numbers that are no longer theirs

    def _first_values(self) -> Any:
        tensors, operators = [], []
        for name, like in self._variables:
            zeros = copy.copy(like)
            zeros.buffer = self._zero_buffer(int(np.prod(like.shape)) * self._item_bytes_of(like))
            tensors += [self._tensor((), "RESOURCE", 0), zeros]
            handle = len(tensors) - 2
            operators += [
                self._handle(name, handle),
                self._operator("ASSIGN_VARIABLE", [handle, handle + 1], []),
            ]
        return self._graph(tensors, operators, [], [], b"first_values")

    def _graph(self, tensors: list[Any], operators: list[Any], inputs: Any, outputs: Any, name: Any) -> Any:
        graph = self._schema.SubGraphT(tensors=tensors, operators=operators, name=name)
        graph.inputs, graph.outputs = [*inputs], [*outputs]
        return graph

    def _add(self, tensor: Any) -> int:
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _tensor(self, shape: Sequence[int], kind: str, buffer: int) -> Any:
        found = self._schema.TensorT(shape=np.array(shape, np.int32), buffer=buffer)
        found.type, found.hasRank = getattr(self._schema.TensorType, kind), True
        return found

    def _buffer(self, data: NDArray[Any]) -> int:
        content = np.frombuffer(data.tobytes(), np.uint8)
        self._tree.buffers = [*self._tree.buffers, self._schema.BufferT(data=content)]
        return len(self._tree.buffers) - 1

    def _zero_buffer(self, size: int) -> int:
        if size not in self._zeros:
            self._zeros[size] = self._buffer(np.zeros(size, np.uint8))
        return self._zeros[size]

    def _handle(self, name: bytes, handle: int) -> Any:
        options = self._schema.VarHandleOptionsT(container=b"", sharedName=name)
        return self._operator("VAR_HANDLE", [], [handle], "VarHandleOptions", options)

    def _operator(
        self, op: str, inputs: Sequence[int], outputs: Sequence[int], kind: str = "NONE", options: Any = None
    ) -> Any:
        made = self._schema.OperatorT(opcodeIndex=self._code(op), inputs=[*inputs], outputs=[*outputs])
        made.builtinOptionsType, made.builtinOptions = getattr(self._schema.BuiltinOptions, kind), options
        return made

    def _code(self, op: str) -> int:
        builtin = getattr(self._schema.BuiltinOperator, op)
        for index, code in enumerate(self._tree.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin and code.version >= _VERSIONS[op]:
                return index
        made = self._schema.OperatorCodeT(version=_VERSIONS[op])
        made.builtinCode, made.deprecatedBuiltinCode = builtin, min(builtin, _OLD_FIELD_ENDS)
        self._tree.operatorCodes = [*self._tree.operatorCodes, made]
        return len(self._tree.operatorCodes) - 1

    def _item_bytes(self, made: int) -> int:
        return self._item_bytes_of(self._tensors[made])

    def _item_bytes_of(self, tensor: Any) -> int:
        types = self._schema.TensorType
        return {types.INT8: 1, types.UINT8: 1, types.INT16: 2}.get(tensor.type, 4)
