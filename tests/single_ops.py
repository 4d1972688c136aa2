"""`.tflite` files of single operators, made without TensorFlow: many cases side by side in one model.

The model's input is a row of bytes. A slice of it, in the shape and with the scale that a case wants, goes into each
case; what they give is joined to a row again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from mltk_like.tflite.model_file import serialise

_MOST_JOINED = 10  # inputs of TFLM's concatenation


@dataclass(frozen=True)
class Value:
    """A tensor of a case: a constant, or one that the model's input fills or the case writes."""

    shape: tuple[int, ...]
    scales: tuple[float, ...] = (1.0,)
    zero: int = 0
    data: NDArray[Any] | None = None
    axis: int = 0
    """The dimension along which there are several scales."""


@dataclass(frozen=True)
class Case:
    """An operator, as `BuiltinOperator` calls it; `options` are the fields of `<kind>OptionsT`."""

    op: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    kind: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def constant(values: Any, dtype: Any = np.int32) -> Value:
    """A constant that is not quantised."""
    data = np.asarray(values, dtype)
    return Value(data.shape, (), data=data)


class _Model:
    def __init__(self) -> None:
        self._codes: dict[int, int] = {}
        self.tree = schema.ModelT()
        self.tree.version = 3
        self.tree.operatorCodes = []
        self.tree.buffers = [schema.BufferT()]
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.tree.subgraphs = [self.graph]

    def tensor(self, value: Value, dtype: str = "int8") -> int:
        """The number of a new tensor."""
        made = schema.TensorT()
        made.shape = list(value.shape)
        made.name = f"t{len(self.graph.tensors)}"
        made.type = getattr(schema.TensorType, (dtype if value.data is None else value.data.dtype.name).upper())
        made.buffer = 0
        if value.data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(value.data).tobytes(), np.uint8)
            self.tree.buffers.append(buffer)
            made.buffer = len(self.tree.buffers) - 1
        if value.scales:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = np.array(value.scales, np.float32)
            made.quantization.zeroPoint = np.full(len(value.scales), value.zero, np.int64)
            made.quantization.quantizedDimension = value.axis
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def operator(
        self, op: str, inputs: Sequence[int], outputs: Sequence[int], kind: str = "", options: Mapping[str, Any] = {}
    ) -> None:
        """Add an operator."""
        code = getattr(schema.BuiltinOperator, op)
        if code not in self._codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
            self._codes[code] = len(self.tree.operatorCodes)
            self.tree.operatorCodes.append(entry)
        made = schema.OperatorT()
        made.opcodeIndex = self._codes[code]
        made.inputs, made.outputs = list(inputs), list(outputs)
        if kind:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, f"{kind}Options")
            made.builtinOptions = getattr(schema, f"{kind}OptionsT")()
            for name, value in options.items():
                assert hasattr(made.builtinOptions, name), name
                setattr(made.builtinOptions, name, value)
        self.graph.operators.append(made)

    def reshape(self, source: int, shape: Sequence[int], value: Value) -> int:
        """The same bytes in another shape, with another scale."""
        made = self.tensor(value)
        self.operator("RESHAPE", [source], [made], "Reshape", {"newShape": list(shape)})
        return made

    def slice(self, source: int, begin: int, size: int) -> int:
        """Bytes of a row."""
        where = [self.tensor(constant(one)) for one in ([0, begin], [1, begin + size], [1, 1])]
        made = self.tensor(Value((1, size)))
        self.operator("STRIDED_SLICE", [source, *where], [made], "StridedSlice")
        return made

    def join(self, parts: Sequence[tuple[int, int]]) -> int:
        """Rows (tensor, size) side by side."""
        while len(parts) > 1:
            groups = [parts[at : at + _MOST_JOINED] for at in range(0, len(parts), _MOST_JOINED)]
            parts = [self._joined(group) if len(group) > 1 else group[0] for group in groups]
        return parts[0][0]

    def _joined(self, parts: Sequence[tuple[int, int]]) -> tuple[int, int]:
        size = sum(size for _, size in parts)
        made = self.tensor(Value((1, size)))
        self.operator("CONCATENATION", [one for one, _ in parts], [made], "Concatenation", {"axis": 1})
        return made, size


def build(cases: Sequence[Case]) -> bytes:
    """A model from int8 (1, n) to int8 (1, m) that has all of these operators."""
    model = _Model()
    total = sum(int(np.prod(one.shape)) for case in cases for one in case.inputs if one.data is None)
    source, at, parts = model.tensor(Value((1, total))), 0, []
    for case in cases:
        inputs = []
        for one in case.inputs:
            if one.data is not None:
                inputs.append(model.tensor(one))
                continue
            size = int(np.prod(one.shape))
            inputs.append(model.reshape(model.slice(source, at, size), one.shape, one))
            at += size
        outputs = [model.tensor(one) for one in case.outputs]
        model.operator(case.op, inputs, outputs, case.kind, case.options)
        for number, one in zip(outputs, case.outputs, strict=True):
            size = int(np.prod(one.shape))
            parts.append((model.reshape(number, (1, size), Value((1, size))), size))
    model.graph.inputs, model.graph.outputs = [source], [model.join(parts)]
    return serialise(model.tree)


def ends(dtypes: tuple[str, str], values: tuple[Value, Value], op: str) -> bytes:
    """A model of one operator between types, such as `QUANTIZE` from float32 to int8."""
    model = _Model()
    first, last = (model.tensor(one, dtype) for one, dtype in zip(values, dtypes, strict=True))
    model.operator(op, [first], [last], {"QUANTIZE": "Quantize", "DEQUANTIZE": "Dequantize"}[op])
    model.graph.inputs, model.graph.outputs = [first], [last]
    return serialise(model.tree)
