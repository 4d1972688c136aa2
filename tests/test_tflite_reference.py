"""The reference page: 56 rows of the op table and the cost of each layer, for a TENet12 drawn from its description.

The graph is put together here from shapes alone (no weights, no TensorFlow), which is all that a summary reads.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from mltk_like.tflite.model_file import serialise
from mltk_like.tflite.summary import ModelSummary, summarize_tflite

DATA = Path(__file__).parent / "data" / "tflite"
SAME, VALID = 0, 1
NONE, RELU = 0, 1
INT8, INT32 = 9, 2


class Drawing:
    """A graph that grows by one operator at a time; tensors are numbers."""

    def __init__(self, *shape: int) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.graph = schema.SubGraphT(tensors=[], operators=[])
        self.codes: list[int] = []
        self.graph.inputs = [self.tensor(INT8, *shape)]

    def tensor(self, kind: int, *shape: int) -> int:
        self.graph.tensors.append(self.schema.TensorT(shape=list(shape), type=kind))
        return len(self.graph.tensors) - 1

    def shape(self, tensor: int) -> list[int]:
        return list(self.graph.tensors[tensor].shape)

    def op(self, code: str, inputs: list[int], shape: list[int], options: str = "", **settings: Any) -> int:
        number = getattr(self.schema.BuiltinOperator, code)
        if number not in self.codes:
            self.codes.append(number)
        output = self.tensor(INT8, *shape)
        operator = self.schema.OperatorT(opcodeIndex=self.codes.index(number), inputs=inputs, outputs=[output])
        if options:
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self.schema, f"{options}T")(**settings)
        self.graph.operators.append(operator)
        return output

    def conv(self, x: int, channels: int, height: int, stride: int, padding: int, activation: int) -> int:
        batch, time, width, features = self.shape(x)
        inputs = [x, self.tensor(INT8, channels, height, 1, features), self.tensor(INT32, channels)]
        window = {"strideH": stride, "strideW": stride, "padding": padding, "fusedActivationFunction": activation}
        return self.op("CONV_2D", inputs, [batch, -(-time // stride), width, channels], "Conv2DOptions", **window)

    def depthwise(self, x: int, height: int, stride: int) -> int:
        batch, time, width, features = self.shape(x)
        inputs = [x, self.tensor(INT8, 1, height, 1, features), self.tensor(INT32, features)]
        window = {"strideH": stride, "strideW": stride, "padding": SAME, "fusedActivationFunction": RELU}
        shape = [batch, -(-time // stride), width, features]
        return self.op("DEPTHWISE_CONV_2D", inputs, shape, "DepthwiseConv2DOptions", depthMultiplier=1, **window)

    def bytes(self, output: int) -> bytes:
        self.graph.outputs = [output]
        codes = [self.schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code) for code in self.codes]
        buffers = [self.schema.BufferT()]
        return serialise(self.schema.ModelT(version=3, operatorCodes=codes, subgraphs=[self.graph], buffers=buffers))


def tenet12() -> bytes:
    """Stem, 3 groups of 4 residual blocks of which the first halves the time axis, pooling, classifier."""
    d = Drawing(1, 118, 1, 108)
    x = d.conv(d.graph.inputs[0], 32, 3, 1, SAME, NONE)
    for stride in (2, 1, 1, 1) * 3:
        y = d.depthwise(d.conv(x, 96, 1, 1, VALID, RELU), 9, stride)
        y = d.conv(y, 32, 1, 1, VALID, NONE)
        shortcut = d.conv(x, 32, 1, 2, SAME, RELU) if stride == 2 else x
        x = d.op("ADD", [y, shortcut], d.shape(y), "AddOptions", fusedActivationFunction=RELU)
    window = {"strideH": 15, "strideW": 1, "filterHeight": 15, "filterWidth": 1, "padding": VALID}
    x = d.op("AVERAGE_POOL_2D", [x], [1, 1, 1, 32], "Pool2DOptions", **window)
    x = d.op("RESHAPE", [x, d.tensor(INT32, 2)], [1, 32])
    weights = [d.tensor(INT8, 2, 32), d.tensor(INT32, 2)]
    x = d.op("FULLY_CONNECTED", [x, *weights], [1, 2], "FullyConnectedOptions", fusedActivationFunction=NONE)
    return d.bytes(d.op("SOFTMAX", [x], [1, 2], "SoftmaxOptions", beta=1.0))


@pytest.fixture(scope="module")
def summary() -> ModelSummary:
    return summarize_tflite(tenet12(), name="tenet12")


def rounded(value: int) -> str:
    """As the profiling report prints counts: one decimal, k and M, and a bare 0."""
    for scale, prefix in ((1_000_000, "M"), (1000, "k")):
        if value >= scale:
            return f"{value / scale:.1f}{prefix}"
    return f"{value:.1f}" if value else "0"


def test_op_table_row_for_row(summary: ModelSummary) -> None:
    expected = (DATA / "alexa_op_table.txt").read_text().splitlines()
    assert str(summary).splitlines()[: len(expected)] == expected


def test_cost_of_each_layer(summary: ModelSummary) -> None:
    got = [
        {
            "index": layer.index,
            "opcode": layer.opcode,
            "ops": rounded(layer.ops),
            "macs": rounded(layer.macs),
            "input_shapes": ",".join(tensor.shape_text for tensor in layer.inputs),
            "output_shapes": ",".join(tensor.shape_text for tensor in layer.outputs),
            "config": layer.config,
        }
        for layer in summary.layers
    ]
    assert got == json.loads((DATA / "alexa_layers.json").read_text())["layers"]


def test_totals(summary: ModelSummary) -> None:
    expected = json.loads((DATA / "alexa_layers.json").read_text())
    lines = str(summary).splitlines()
    assert summary.macs == 4_561_728
    assert f"Total MACs: {expected['total_macs']}" in lines
    assert f"Total OPs: {expected['total_ops_summary']}" in lines
    assert rounded(summary.ops) == expected["total_ops_profile"]
