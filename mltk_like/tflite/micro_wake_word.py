"""Streaming nets in the form that ESPHome's `micro_wake_word` runs: int8 (rows, 40) in, one uint8 probability out.

ESPHome gives TensorFlow Lite Micro a fixed list of kernels, without softmax and split. A net of two classes is brought
into that form: split becomes split_v, and softmax over the scores a and b becomes the logistic function of a - b, which
is the same probability.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.tflite.model_file import buffer_data, check_ends, enum_names, parse, serialise

KERNELS = frozenset(
    {"call_once", "var_handle", "reshape", "read_variable", "strided_slice", "concatenation", "assign_variable",
     "conv_2d", "mul", "add", "mean", "fully_connected", "logistic", "quantize", "depthwise_conv_2d",
     "average_pool_2d", "max_pool_2d", "pad", "pack", "split_v"}
)  # fmt: skip
"""Those that ESPHome registers (`StreamingModel::register_streaming_ops_`, 2024.7 to 2026.1)."""

MOST_VARIABLES = 20
"""Variables that it has room for."""

BANDS = 40

_SPLIT, _SPLIT_V, _SOFTMAX, _RESHAPE, _FULLY_CONNECTED, _LOGISTIC, _QUANTIZE = 49, 102, 25, 22, 9, 14, 114
_SPLIT_V_OPTIONS, _RESHAPE_OPTIONS, _FULLY_CONNECTED_OPTIONS = 79, 17, 8
_INT8, _UINT8, _INT32 = 9, 3, 2
# ESPHome and others that give bytes make them as the front end here does, (256 v + 333) / 666 - 128. Programs that give
# numbers, such as pymicro-wakeword, have v / 25.6 and look here how much of it a step of int8 is.
_FEATURE_STEP = 666 / (256 * 25.6)
# The logistic function of 6 is 0.9975: what lies beyond moves a probability by less than one of 255 steps.
_SATURATED = 6.0


def micro_wake_word_form(model: bytes, *, wanted: int, classes: int) -> bytes:
    """A streaming net that gives the probability of one of its classes, from ESPHome's kernels alone.

    A model that has that form already comes back as it is.

    Args:
        model: content of a `.tflite`, int8 (rows, 40) or (rows, 1, 40) in.
        wanted: number of the class whose probability is given.
        classes: how many there are.

    Raises:
        ModelError: the net has another input, output or number of classes, or an operator that ESPHome lacks.
    """
    tree = parse(model)
    check_ends(tree)
    graph = tree.subgraphs[0]
    source, output = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    shape = [int(size) for size in source.shape]
    if source.type != _INT8 or shape[-1] != BANDS or len(shape) not in (3, 4) or np.prod(shape[2:-1]) != 1:
        raise ModelError(f"the net's input is {shape}", f"micro_wake_word gives int8 rows of {BANDS} bands")
    editor = _Editor(tree)
    if len(shape) == 4:
        editor.take_rows(shape)
    if output.type != _UINT8:
        if classes != 2:
            raise ModelError(f"the net has {classes} classes", "micro_wake_word takes one word: a model of two classes")
        editor.give_probability(wanted)
    editor.replace_splits()
    _check(tree)
    return serialise(tree)


def _check(tree: Any) -> None:
    graph = tree.subgraphs[0]
    names = enum_names("BuiltinOperator")
    found = [names[_code(tree, each)].lower() for part in tree.subgraphs for each in part.operators or []]
    lacking = sorted(set(found) - KERNELS)
    if lacking:
        raise ModelError(
            f"ESPHome has no kernel for {', '.join(lacking)}", "use a net of nets.mixed_net with streaming = True"
        )
    if found.count("var_handle") > MOST_VARIABLES:
        raise ModelError(f"the net has {found.count('var_handle')} variables", f"ESPHome takes {MOST_VARIABLES}")
    output = graph.tensors[graph.outputs[0]]
    if output.type != _UINT8 or [int(size) for size in output.shape] != [1, 1]:
        raise ModelError("the net does not give one uint8 probability", "micro_wake_word takes nothing else")


def _code(tree: Any, operator: Any) -> int:
    code = tree.operatorCodes[operator.opcodeIndex]
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


class _Editor:
    """Changes a tree in place."""

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self._graph = tree.subgraphs[0]

    def take_rows(self, shape: Sequence[int]) -> None:
        """Rows without the dimension of length 1 between time and bands."""
        graph, old = self._graph, int(self._graph.inputs[0])
        new = self._tensor([1, shape[1], BANDS], _INT8, _quantization(_FEATURE_STEP, -128))
        to = self._constant(np.array(shape, np.int32), _INT32)
        graph.operators.insert(0, self._operator(_RESHAPE, [new, to], [old], _RESHAPE_OPTIONS, newShape=list(shape)))
        self._replace_end("inputs", old, new)

    def give_probability(self, wanted: int) -> None:
        """The logistic function of the difference of two scores in place of softmax, as uint8."""
        graph, old = self._graph, int(self._graph.outputs[0])
        found = [each for each in graph.operators if _code(self._tree, each) == _SOFTMAX and old in each.outputs]
        if len(found) != 1 or [int(size) for size in graph.tensors[old].shape] != [1, 2]:
            raise ModelError("the net does not end with a softmax of two classes", "use a net such as nets.mixed_net")
        scores = int(found[0].inputs[0])
        step = float(graph.tensors[scores].quantization.scale[0])
        signs = np.array([[1, -1]], np.int8) * (1 if wanted == 0 else -1)
        weights = self._constant(signs, _INT8, _quantization(1.0, 0))
        difference = self._tensor([1, 1], _INT8, _quantization(max(step, _SATURATED / 127), 0))
        probability = self._tensor([1, 1], _INT8, _quantization(1 / 256, -128))
        as_byte = self._tensor([1, 1], _UINT8, _quantization(1 / 256, 0))
        at = graph.operators.index(found[0])
        graph.operators[at : at + 1] = [
            self._operator(_FULLY_CONNECTED, [scores, weights, -1], [difference], _FULLY_CONNECTED_OPTIONS),
            self._operator(_LOGISTIC, [difference], [probability]),
            self._operator(_QUANTIZE, [probability], [as_byte]),
        ]
        self._replace_end("outputs", old, as_byte)

    def replace_splits(self) -> None:
        """split_v for split: the same with the lengths of the parts as a constant."""
        for at, operator in enumerate(self._graph.operators):
            if _code(self._tree, operator) == _SPLIT:
                axis, value = (int(index) for index in operator.inputs)
                place = int(np.frombuffer(buffer_data(self._tree, self._graph.tensors[axis].buffer), np.int32)[0])
                parts = [int(self._graph.tensors[index].shape[place]) for index in operator.outputs]
                lengths = self._constant(np.array(parts, np.int32), _INT32)
                self._graph.operators[at] = self._operator(
                    _SPLIT_V, [value, lengths, axis], operator.outputs, _SPLIT_V_OPTIONS, numSplits=len(parts)
                )

    def _replace_end(self, which: str, old: int, new: int) -> None:
        setattr(self._graph, which, [new if index == old else int(index) for index in getattr(self._graph, which)])
        for signature in self._tree.signatureDefs or []:
            for entry in getattr(signature, which):
                entry.tensorIndex = new if entry.tensorIndex == old else entry.tensorIndex

    def _tensor(self, shape: Sequence[int], kind: int, quantization: Any = None, buffer: int = 0) -> int:
        from ai_edge_litert import schema_py_generated as schema

        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer, tensor.quantization = list(shape), kind, buffer, quantization
        tensor.hasRank = True
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _constant(self, values: NDArray[Any], kind: int, quantization: Any = None) -> int:
        from ai_edge_litert import schema_py_generated as schema

        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._tree.buffers.append(buffer)
        return self._tensor(values.shape, kind, quantization, len(self._tree.buffers) - 1)

    def _operator(self, code: int, inputs: Sequence[int], outputs: Sequence[int], kind: int = 0, **options: Any) -> Any:
        from ai_edge_litert import schema_py_generated as schema

        operator = schema.OperatorT()
        operator.opcodeIndex = self._opcode(code)
        operator.inputs, operator.outputs = list(inputs), [int(index) for index in outputs]
        makers = {_SPLIT_V_OPTIONS: schema.SplitVOptionsT, _RESHAPE_OPTIONS: schema.ReshapeOptionsT,
                  _FULLY_CONNECTED_OPTIONS: schema.FullyConnectedOptionsT}  # fmt: skip
        if kind:
            operator.builtinOptionsType, operator.builtinOptions = kind, makers[kind]()
            for name, value in options.items():
                setattr(operator.builtinOptions, name, value)
        return operator

    def _opcode(self, code: int) -> int:
        from ai_edge_litert import schema_py_generated as schema

        for index, found in enumerate(self._tree.operatorCodes):
            if max(int(found.builtinCode), int(found.deprecatedBuiltinCode)) == code:
                return index
        new = schema.OperatorCodeT()
        new.builtinCode = code
        new.deprecatedBuiltinCode = min(code, 127)  # the schema's limit for that older field
        new.version = 1
        self._tree.operatorCodes.append(new)
        return len(self._tree.operatorCodes) - 1


def _quantization(scale: float, zero: int) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    found = schema.QuantizationParametersT()
    found.scale, found.zeroPoint = np.array([scale], np.float32), np.array([zero], np.int64)
    return found
