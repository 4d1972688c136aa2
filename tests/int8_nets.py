"""Small int8 `.tflite` nets made layer by layer from the schema, without TensorFlow: random weights, any shapes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk_like.tflite.model_file import serialise

Shape = tuple[int, ...]
VALID, SAME = schema.Padding.VALID, schema.Padding.SAME
SCALE = 0.05


def rows_after(count: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """Rows that a layer without padding gives."""
    return (count - (kernel - 1) * dilation - 1) // stride + 1


class Net:
    """A net that grows: each method adds a layer on a tensor and gives the number of its output."""

    def __init__(self, shape: Shape, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.graph = schema.SubGraphT(tensors=[], operators=[], name=b"main")
        self.tree = schema.ModelT(version=3, subgraphs=[self.graph], buffers=[schema.BufferT()], operatorCodes=[])
        self.input = self.tensor(shape)

    def shape(self, number: int) -> Shape:
        return tuple(int(n) for n in self.graph.tensors[number].shape)

    def tensor(self, shape: Shape, scale: float = SCALE, zero: int | None = None) -> int:
        zero = int(self.rng.integers(-20, 20)) if zero is None else zero
        return self._add(shape, schema.TensorType.INT8, [scale], [zero])

    def constant(self, values: Any, kind: str = "INT32") -> int:
        data = np.asarray(values)
        return self._add(data.shape, getattr(schema.TensorType, kind), None, None, data)

    def weights(self, shape: Shape, channels: int, axis: int) -> list[int]:
        """Weights and bias, per channel; scaled so that outputs span int8."""
        inner = max(int(np.prod(shape)) // channels, 1)
        scales = (self.rng.uniform(0.5, 1.5, channels) * 0.012 / np.sqrt(inner)).astype(np.float32)
        values = self.rng.integers(-127, 128, shape, dtype=np.int8)
        weights = self._add(shape, schema.TensorType.INT8, scales, np.zeros(channels, np.int64), values, axis)
        bias = self.rng.integers(-2000, 2000, channels, dtype=np.int32)
        return [
            weights,
            self._add((channels,), schema.TensorType.INT32, scales * SCALE, np.zeros(channels, np.int64), bias),
        ]

    def conv(self, x: int, channels: int, kernel: tuple[int, int] = (1, 1), *, stride: tuple[int, int] = (1, 1),
             dilation: int = 1, padding: int = VALID, relu: bool = True) -> int:  # fmt: skip
        _, rows, columns, width = self.shape(x)
        out = self._sliding(rows, columns, kernel, stride, dilation, padding)
        weights = self.weights((channels, *kernel, width), channels, 0)
        options = schema.Conv2DOptionsT(padding=padding, strideH=stride[0], strideW=stride[1])
        options.dilationHFactor, options.fusedActivationFunction = dilation, int(relu)
        return self.layer("CONV_2D", [x, *weights], (1, *out, channels), "Conv2DOptions", options, version=3)

    def depthwise(self, x: int, kernel: tuple[int, int], *, stride: tuple[int, int] = (1, 1), dilation: int = 1,
                  padding: int = VALID) -> int:  # fmt: skip
        _, rows, columns, width = self.shape(x)
        out = self._sliding(rows, columns, kernel, stride, dilation, padding)
        weights = self.weights((1, *kernel, width), width, 3)
        options = schema.DepthwiseConv2DOptionsT(padding=padding, strideH=stride[0], strideW=stride[1])
        options.dilationHFactor, options.depthMultiplier = dilation, 1
        return self.layer(
            "DEPTHWISE_CONV_2D", [x, *weights], (1, *out, width), "DepthwiseConv2DOptions", options, version=3
        )

    def pool(self, x: int, kind: str, kernel: tuple[int, int], stride: tuple[int, int], padding: int = VALID) -> int:
        _, rows, columns, width = self.shape(x)
        out = self._sliding(rows, columns, kernel, stride, 1, padding)
        options = schema.Pool2DOptionsT(padding=padding, strideH=stride[0], strideW=stride[1])
        options.filterHeight, options.filterWidth = kernel
        return self.layer(f"{kind}_POOL_2D", [x], (1, *out, width), "Pool2DOptions", options, version=2, like=x)

    def add(self, x: int, y: int, shape: Shape | None = None) -> int:
        return self.layer("ADD", [x, y], shape or self.shape(x), "AddOptions", schema.AddOptionsT(), version=2)

    def mul(self, x: int, y: int) -> int:
        return self.layer("MUL", [x, y], self.shape(x), "MulOptions", schema.MulOptionsT(), version=2)

    def crop(self, x: int, first: int, end: int, step: int = 1) -> int:
        """Rows `first` to `end`."""
        _, _, columns, width = self.shape(x)
        edges = [
            self.constant(np.array(v, np.int32)) for v in ([0, first, 0, 0], [1, end, columns, width], [1, step, 1, 1])
        ]
        shape = (1, -(-(end - first) // step), columns, width)
        return self.layer(
            "STRIDED_SLICE", [x, *edges], shape, "StridedSliceOptions", schema.StridedSliceOptionsT(), version=2, like=x
        )

    def join(self, *parts: int) -> int:
        """Channels side by side; all parts get the scale of the first."""
        for part in parts:
            self.graph.tensors[part].quantization = self.graph.tensors[parts[0]].quantization
        shape = self.shape(parts[0])
        out = (*shape[:-1], sum(self.shape(part)[-1] for part in parts))
        return self.layer(
            "CONCATENATION",
            [*parts],
            out,
            "ConcatenationOptions",
            schema.ConcatenationOptionsT(axis=3),
            version=2,
            like=parts[0],
        )

    def pad(self, x: int, pads: Sequence[tuple[int, int]]) -> int:
        out = tuple(n + a + b for n, (a, b) in zip(self.shape(x), pads, strict=True))
        return self.layer(
            "PAD",
            [x, self.constant(np.array(pads, np.int32))],
            out,
            "PadOptions",
            schema.PadOptionsT(),
            version=2,
            like=x,
        )

    def mean(self, x: int, axes: Sequence[int], keep: bool = False) -> int:
        shape = tuple(1 if i in axes else n for i, n in enumerate(self.shape(x)) if keep or i not in axes)
        options = schema.ReducerOptionsT(keepDims=keep)
        return self.layer(
            "MEAN", [x, self.constant(np.array(axes, np.int32))], shape, "ReducerOptions", options, version=2
        )

    def reshape(self, x: int, shape: Shape) -> int:
        options = schema.ReshapeOptionsT(newShape=np.array(shape, np.int32))
        return self.layer(
            "RESHAPE", [x, self.constant(np.array(shape, np.int32))], shape, "ReshapeOptions", options, like=x
        )

    def dense(self, x: int, units: int) -> int:
        """Over the last dimension."""
        shape = self.shape(x)
        weights = self.weights((units, shape[-1]), units, 0)
        options = schema.FullyConnectedOptionsT(keepNumDims=len(shape) > 2)
        return self.layer(
            "FULLY_CONNECTED", [x, *weights], (*shape[:-1], units), "FullyConnectedOptions", options, version=5
        )

    def unary(self, x: int, op: str) -> int:
        scale, zero = (1 / 256, -128) if op == "LOGISTIC" else (SCALE, None)
        return self.layer(op, [x], self.shape(x), out=self.tensor(self.shape(x), scale, zero), version=2)

    def flat_dense(self, x: int, units: int) -> int:
        return self.dense(self.reshape(x, (1, int(np.prod(self.shape(x))))), units)

    def layer(
        self, op: str, inputs: list[int], shape: Shape, kind: str = "NONE", options: Any = None, *,
        version: int = 1, like: int | None = None, out: int | None = None,
    ) -> int:  # fmt: skip
        """Any operator; `like`: a tensor whose scale the output has; `out`: the output, where there is one."""
        if out is None:
            out = self.tensor(shape)
        if like is not None:
            self.graph.tensors[out].quantization = self.graph.tensors[like].quantization
        made = schema.OperatorT(opcodeIndex=self._code(op, version), inputs=inputs, outputs=[out])
        made.builtinOptionsType, made.builtinOptions = getattr(schema.BuiltinOptions, kind), options
        self.graph.operators.append(made)
        return out

    def model(self, output: int) -> bytes:
        """The `.tflite`."""
        self.graph.inputs, self.graph.outputs = [self.input], [output]
        return serialise(self.tree)

    def _sliding(self, rows: int, columns: int, kernel: Any, stride: Any, dilation: int, padding: int) -> Shape:
        if padding == SAME:
            return -(-rows // stride[0]), -(-columns // stride[1])
        return rows_after(rows, kernel[0], stride[0], dilation), rows_after(columns, kernel[1], stride[1])

    def _code(self, op: str, version: int) -> int:
        builtin = getattr(schema.BuiltinOperator, op)
        codes = self.tree.operatorCodes
        for index, code in enumerate(codes):
            if code.builtinCode == builtin:
                return index
        made = schema.OperatorCodeT(version=version)
        made.builtinCode, made.deprecatedBuiltinCode = builtin, min(builtin, 127)
        codes.append(made)
        return len(codes) - 1

    def _add(self, shape: Shape, kind: int, scales: Any, zeros: Any, data: Any = None, axis: int = 0) -> int:
        buffer = 0
        if data is not None:
            self.tree.buffers.append(schema.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
            buffer = len(self.tree.buffers) - 1
        made = schema.TensorT(
            shape=np.array(shape, np.int32), buffer=buffer, name=f"t{len(self.graph.tensors)}".encode()
        )
        made.type, made.hasRank = kind, True
        if scales is not None:
            made.quantization = schema.QuantizationParametersT(quantizedDimension=axis)
            made.quantization.scale, made.quantization.zeroPoint = (
                np.array(scales, np.float32),
                np.array(zeros, np.int64),
            )
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1
