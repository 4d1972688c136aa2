"""Functions of one value: a table of 256, computed by TensorFlow Lite Micro itself; and the ends that are real."""

import copy

import numpy as np
from numpy.typing import NDArray

from mltk_like.codegen.calls import Array, Call, Lowered, Read, Write
from mltk_like.codegen.graph import Graph, Operator, Tensor
from mltk_like.codegen.scratch import TARGETS
from mltk_like.errors import ModelError
from mltk_like.tflite.model_file import serialise
from mltk_like.tflite.runner import run_tflm

_VALUES = 256
_ARENA = 2**16


def table(graph: Graph, operator: Operator) -> Lowered:
    """Any operator from one byte to one byte."""
    source, output = _ends(graph, operator)
    if not {source.dtype, output.dtype} <= {"int8", "uint8"}:
        raise ModelError(f"it is from {source.dtype} to {output.dtype}", "convert the model to int8")
    values = Array(_values(graph, operator))
    call = Call(
        "mltk_table_s8",
        (values, output.elements, Read(operator.inputs[0]), Write(operator.outputs[0])),
        lead=dict.fromkeys(TARGETS, 0),
    )
    return Lowered((call,))


def quantize(graph: Graph, operator: Operator) -> Lowered:
    """Real numbers to int8, or one int8 to another."""
    source, output = _ends(graph, operator)
    if (source.dtype, output.dtype) != ("float32", "int8"):
        return table(graph, operator)
    arguments = (output.scale, output.zero, output.elements, Read(operator.inputs[0]), Write(operator.outputs[0]))
    return Lowered((Call("mltk_quantise_f32", arguments),))


def dequantize(graph: Graph, operator: Operator) -> Lowered:
    """int8 to real numbers."""
    source, output = _ends(graph, operator)
    if (source.dtype, output.dtype) != ("int8", "float32"):
        raise ModelError(f"it is from {source.dtype} to {output.dtype}", "convert the model to int8")
    arguments = (source.scale, source.zero, output.elements, Read(operator.inputs[0]), Write(operator.outputs[0]))
    return Lowered((Call("mltk_dequantise_s8", arguments),))


def _ends(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor]:
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    if source.elements != output.elements:
        raise ModelError("its input and output have different sizes", "make or download the model again")
    return source, output


def _values(graph: Graph, operator: Operator) -> NDArray[np.int8]:
    """What the operator makes of the bytes that are -128 to 127 as int8: a model of it alone, run by TFLM."""
    tree = copy.copy(graph.tree)
    main = copy.copy(tree.subgraphs[0])
    tensors = [copy.copy(main.tensors[i]) for i in (operator.inputs[0], operator.outputs[0])]
    for tensor in tensors:
        tensor.shape, tensor.shapeSignature, tensor.buffer = np.array([1, _VALUES], np.int32), None, 0
    alone = copy.copy(main.operators[operator.index])
    alone.inputs, alone.outputs, alone.intermediates = np.array([0], np.int32), np.array([1], np.int32), None
    main.tensors, main.operators = tensors, [alone]
    main.inputs, main.outputs = np.array([0], np.int32), np.array([1], np.int32)
    tree.subgraphs, tree.buffers = [main], tree.buffers[:1]
    tree.metadata, tree.metadataBuffer, tree.signatureDefs = None, None, None
    every = np.arange(-128, 128).astype(np.int8).reshape(1, _VALUES).view(graph.tensors[operator.inputs[0]].dtype)
    outputs = run_tflm(serialise(tree), every, profile=False, repeat=1, arena_bytes=_ARENA).outputs
    assert outputs is not None
    return outputs.ravel().view(np.int8)
