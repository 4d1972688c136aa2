"""One operator of a model: what it is called, how it is set up, and what it costs.

Counts are those of the profiling report of Silicon Labs' MLTK, so that figures can be compared:

- MACs: multiplications of weights (or a recurrent state) with data;
- operations: 2 per MAC, 1 per output for the bias and 2 per output for a fused activation; additions and other
  element-wise ops 1 per output; average pooling (filter size + 1) and maximum pooling (filter size) per output; softmax
  5 per value; operators that only move data, and unknown ones, 0.
"""

import math
from dataclasses import dataclass
from typing import Any

from mltk_like.errors import ModelError
from mltk_like.tflite.model_file import enum_names

_CUSTOM = 32
_ELEMENTWISE = {
    *("abs", "add", "div", "maximum", "minimum", "mul", "neg", "sub", "square", "squared_difference"),
    *("dequantize", "quantize", "hard_swish", "leaky_relu", "prelu", "relu", "relu6", "relu_n1_to_1", "rsqrt", "sqrt"),
}


@dataclass(frozen=True, kw_only=True)
class TensorSummary:
    """Shape (with the batch; -1 is never used, a free batch counts as 1) and element type of a tensor."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def shape_text(self) -> str:
        """The whole shape, such as `1x118x1x108`; `1` for a scalar."""
        return "x".join(map(str, self.shape)) or "1"

    def __str__(self) -> str:
        """Shape without the first dimension, and type, such as `118x1x108 (int8)`; vectors keep their length."""
        shape = self.shape[1:] if len(self.shape) > 1 else self.shape
        return f"{'x'.join(map(str, shape)) or '1'} ({self.dtype})"

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, kw_only=True)
class LayerSummary:
    """One operator.

    Attributes:
        index: place in the order of execution, from 0.
        opcode: lower-case name such as `conv_2d`; for custom operators the name the model gives.
        inputs: tensors read, weights and bias included; absent optional ones are left out.
        outputs: tensors written.
        config: settings as text, such as `Padding:Same stride:1x1 activation:Relu` (strides and filters width first).
        macs: multiply-accumulates per inference.
        ops: operations per inference, activations included.
        activation_ops: the part of `ops` that is for fused activations.
    """

    index: int
    opcode: str
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    config: str
    macs: int
    ops: int
    activation_ops: int


def read_tensor(tensor: Any) -> TensorSummary:
    """Summary of a tensor of a parsed model."""
    shape = () if tensor.shape is None else tuple(int(n) for n in tensor.shape)
    return TensorSummary(shape=shape, dtype=enum_names("TensorType").get(tensor.type, f"type{tensor.type}").lower())


def opcode_name(code: Any) -> str:
    """Name of an operator code of a parsed model: lower case, such as `conv_2d`; a custom one's own name."""
    builtin = _builtin(code)
    if builtin == _CUSTOM and code.customCode:
        return str(code.customCode.decode(errors="replace"))
    return enum_names("BuiltinOperator").get(builtin, f"op_{builtin}").lower()


def kernel_name(code: Any) -> str:
    """As `opcode_name`, but no custom operator has the name of one of the schema's: those begin with `custom `."""
    return f"custom {opcode_name(code)}" if _builtin(code) == _CUSTOM else opcode_name(code)


def _builtin(code: Any) -> int:
    # Codes above 127 do not fit the old field, which then holds a smaller placeholder.
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def read_layer(tree: Any, graph: Any, index: int) -> LayerSummary:
    """Summary of operator `index` of a graph of a parsed model.

    Raises:
        ModelError: an index in the file is out of range.
    """
    operator = graph.operators[index]
    try:
        code = tree.operatorCodes[operator.opcodeIndex]
        inputs = [graph.tensors[i] for i in _indices(operator.inputs) if i >= 0]
        outputs = [graph.tensors[i] for i in _indices(operator.outputs) if i >= 0]
    except (IndexError, TypeError) as error:
        raise ModelError("the .tflite file is damaged: index out of range", "make or download it again") from error
    builtin, opcode = _builtin(code), opcode_name(code)
    reads = tuple(read_tensor(tensor) for tensor in inputs)
    writes = tuple(read_tensor(tensor) for tensor in outputs)
    options = operator.builtinOptions
    macs = _count_macs(opcode, reads, writes)
    activation_ops = _count_activation_ops(opcode, options, writes)
    return LayerSummary(
        index=index,
        opcode=opcode,
        inputs=reads,
        outputs=writes,
        config="" if builtin == _CUSTOM else _config(opcode, operator.builtinOptionsType, options),
        macs=macs,
        ops=_count_ops(opcode, macs, options, reads, writes) + activation_ops,
        activation_ops=activation_ops,
    )


def _indices(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]


def _has_weights(opcode: str) -> bool:
    return opcode in ("conv_2d", "depthwise_conv_2d", "fully_connected", "transpose_conv", "conv_3d")


def _count_macs(opcode: str, inputs: tuple[TensorSummary, ...], outputs: tuple[TensorSummary, ...]) -> int:
    if len(inputs) < 2 or not outputs:
        return 0
    weights, values = inputs[1].shape, outputs[0].elements
    if opcode == "conv_2d":  # filters (out, height, width, in)
        return values * math.prod(weights[1:])
    if opcode == "depthwise_conv_2d":  # filters (1, height, width, out)
        return values * math.prod(weights[1:3])
    if opcode == "fully_connected":  # weights (out, in)
        return values * math.prod(weights[1:])
    if opcode == "conv_3d":  # filters (depth, height, width, in, out)
        return values * math.prod(weights[:4])
    if opcode == "transpose_conv" and len(inputs) > 2:  # inputs: output shape, filters (out, height, width, in), data
        return inputs[2].elements * math.prod(weights[:3])
    if opcode == "batch_matmul":
        return values * (inputs[0].shape[-1] if inputs[0].shape else 1)
    if opcode == "unidirectional_sequence_lstm":  # four gates, weights (units, in) and (units, units) at each step
        units, features = weights[0], weights[-1]
        return values * 4 * (units + features)
    return 0


def _count_ops(
    opcode: str, macs: int, options: Any, inputs: tuple[TensorSummary, ...], outputs: tuple[TensorSummary, ...]
) -> int:
    values = sum(tensor.elements for tensor in outputs)
    if _has_weights(opcode):
        has_bias = len(inputs) > (3 if opcode == "transpose_conv" else 2)
        return 2 * macs + (values if has_bias else 0)
    if opcode in ("average_pool_2d", "max_pool_2d") and hasattr(options, "filterHeight"):
        filter_size = int(options.filterHeight * options.filterWidth)
        return values * (filter_size + (opcode == "average_pool_2d"))
    if opcode == "softmax":
        return 5 * values
    return values if opcode in _ELEMENTWISE else 2 * macs


def _count_activation_ops(opcode: str, options: Any, outputs: tuple[TensorSummary, ...]) -> int:
    if not _has_weights(opcode) or not getattr(options, "fusedActivationFunction", 0):
        return 0
    return 2 * sum(tensor.elements for tensor in outputs)


def _config(opcode: str, options_type: int, options: Any) -> str:
    kind = enum_names("BuiltinOptions").get(options_type, "unknown")
    if options is None or not hasattr(options, "fusedActivationFunction"):
        is_window = opcode == "transpose_conv" and hasattr(options, "strideW")
        return _sentence(_window(options)) if is_window else f"Type={kind.lower()}"
    settings = []
    if hasattr(options, "depthMultiplier"):
        settings.append(f"multiplier:{options.depthMultiplier}")
    if hasattr(options, "strideW"):
        settings += _window(options)
    activation = enum_names("ActivationFunctionType").get(options.fusedActivationFunction, "unknown")
    return _sentence([*settings, f"activation:{activation.capitalize()}"])


def _window(options: Any) -> list[str]:
    padding = enum_names("Padding").get(options.padding, "unknown").capitalize()
    settings = [f"padding:{padding}", f"stride:{options.strideW}x{options.strideH}"]
    if hasattr(options, "filterWidth"):
        settings.append(f"filter:{options.filterWidth}x{options.filterHeight}")
    return settings


def _sentence(settings: list[str]) -> str:
    text = " ".join(settings)
    return text[:1].upper() + text[1:]
