"""Files that are damaged, hostile or beyond the kernels' numbers: each is refused with its layer, none is made C."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from single_ops import Case, Value, build

from mltk_like.codegen import emit_net
from mltk_like.codegen.kernels import kernel_sources
from mltk_like.codegen.limits import STRUCTS
from mltk_like.errors import ModelError
from mltk_like.tflite.model_file import parse, serialise
from mltk_like.tflite.streaming import to_streaming

TINY = Path(__file__).parent / "data" / "tflite" / "tiny_conv.tflite"


def dense(inputs: int) -> Case:
    weights = Value((1, inputs), data=np.ones((1, inputs), np.int8))
    return Case("FULLY_CONNECTED", (Value((1, inputs)), weights), (Value((1, 1), (1e5,)),), "FullyConnected")


def depthwise(taps: int, outputs: int = 2) -> Case:
    weights = Value((1, 1, taps, 2), data=np.ones((1, 1, taps, 2), np.int8))
    given, out = Value((1, 1, taps + outputs - 1, 2)), Value((1, 1, outputs, 2), (1e5,))
    options = {"strideH": 1, "strideW": 1, "depthMultiplier": 1, "padding": 1}
    return Case("DEPTHWISE_CONV_2D", (given, weights), (out,), "DepthwiseConv2D", options)


def pool(width: int) -> Case:
    options = {"strideH": 1, "strideW": 1, "filterHeight": 1, "filterWidth": 1}
    return Case("MAX_POOL_2D", (Value((1, 1, width, 1)),), (Value((1, 1, width, 1)),), "Pool2D", options)


def transpose(rows: int) -> Case:
    order = Value((2,), (), data=np.array([1, 0], np.int32))
    return Case("TRANSPOSE", (Value((2, rows)), order), (Value((rows, 2)),), "Transpose")


def softmax(count: int) -> Case:
    return Case("SOFTMAX", (Value((1, count), (0.1,)),), (Value((1, count), (1 / 256,), -128),), "Softmax", {"beta": 1})


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (dense(65536), r"layer 2 \(fully_connected\) cannot become C: inputs would be 65536"),
        (pool(65536), r"layer 2 \(max_pool_2d\) .*: in w would be 65536"),
        (transpose(65536), r"layer 2 \(transpose\) .*: size would be 65536"),
        (softmax(65536), r"layer 2 \(softmax\) .*: count would be 65536"),
        (depthwise(9361), r"layer 2 \(depthwise_conv_2d\) .* 9361 values of a channel"),
    ],
)
def test_what_does_not_fit_is_refused(case: Case, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        emit_net(build([case]))


def test_what_just_fits_becomes_c() -> None:
    for case in (dense(65535), pool(65535), transpose(65535), softmax(65535), depthwise(9360), depthwise(9361, 1)):
        assert emit_net(build([case])).files


def test_limits_are_those_of_the_structs() -> None:
    text = re.sub(r"/\*.*?\*/", "", kernel_sources(["mltk_kernels.h"])["mltk_kernels.h"], flags=re.DOTALL)
    found = {}
    for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", text, flags=re.DOTALL):
        lines = re.findall(r"(u?int\d+)_t ([^*;]+);", body)
        found[name] = {re.sub(r"\[5\]", "", one.strip()): kind for kind, names in lines for one in names.split(",")}
    assert {name: dict(fields) for name, fields in STRUCTS.items()} == found


def changed(change: Callable[[Any], None]) -> bytes:
    tree = parse(TINY.read_bytes())
    change(tree)
    return serialise(tree)


def set_shape(tree: Any, tensor: int, axis: int, by: int) -> None:
    shape = np.array(tree.subgraphs[0].tensors[tensor].shape)
    shape[axis] += by
    tree.subgraphs[0].tensors[tensor].shape = shape


def every_output(by: int) -> list[bytes]:
    """A file for each operator whose output is greater or smaller along one dimension than it should be."""
    operators = parse(TINY.read_bytes()).subgraphs[0].operators
    shapes = [parse(TINY.read_bytes()).subgraphs[0].tensors[one.outputs[0]].shape for one in operators]
    return [
        changed(lambda tree, n=int(one.outputs[0]), axis=axis: set_shape(tree, n, axis, by))
        for one, shape in zip(operators, shapes, strict=True)
        for axis in range(len(shape))
    ]


@pytest.mark.parametrize("by", [1, -1, 2**30])
def test_an_output_of_another_size_is_refused(by: int) -> None:
    for model in every_output(by):
        with pytest.raises(ModelError):
            emit_net(model)


def scale(value: float) -> Callable[[Any], None]:
    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.operators[0].outputs[0]].quantization.scale = np.array([value], np.float32)

    return change


def write_over(tree: Any) -> None:
    graph = tree.subgraphs[0]
    graph.operators[0].outputs = np.array(graph.inputs, np.int32)


def read_later(tree: Any) -> None:
    tree.subgraphs[0].operators = tree.subgraphs[0].operators[1:]


def options_of_none(tree: Any) -> None:
    for one in tree.subgraphs[0].operators:
        one.builtinOptions = None


@pytest.mark.parametrize(
    "change", [scale(0.0), scale(-1.0), scale(float("nan")), scale(float("inf")), write_over, read_later]
)
def test_damaged_files_become_no_c(change: Callable[[Any], None]) -> None:
    with pytest.raises(ModelError):
        emit_net(changed(change))


def test_operators_without_options_are_refused() -> None:
    with pytest.raises(ModelError, match="damaged"):
        emit_net(changed(options_of_none))
    with pytest.raises(ModelError, match="damaged"):
        to_streaming(changed(options_of_none))


def test_names_from_the_file_are_texts_of_c() -> None:
    def change(tree: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = 32, 32, 1
        code.customCode = 'a"}; int b[\\ é'.encode()
        tree.operatorCodes.append(code)
        unused = schema.OperatorT()
        unused.opcodeIndex, unused.inputs, unused.outputs = len(tree.operatorCodes) - 1, [], []
        tree.subgraphs[0].operators.append(unused)

    text = emit_net(changed(change)).files["model_net.c"]
    assert r'"custom a\"}; int b[\\ \303\251"' in text
    assert "é" not in text


def test_a_custom_operator_is_none_of_the_same_name() -> None:
    def change(tree: Any) -> None:
        for code in tree.operatorCodes:
            if max(code.builtinCode, code.deprecatedBuiltinCode) == 3:  # conv_2d
                code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"conv_2d"

    with pytest.raises(ModelError, match=r"\(custom conv_2d\) cannot become C: there is no kernel"):
        emit_net(changed(change))
    with pytest.raises(ModelError, match=r"\(custom conv_2d.* there is no rule for"):
        to_streaming(changed(change))
