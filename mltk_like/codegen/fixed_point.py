"""Real multipliers as TensorFlow Lite writes them: a whole number over 2^31, and a shift."""

import math

import numpy as np

from mltk_like.codegen.graph import Tensor
from mltk_like.errors import ModelError
from mltk_like.tflite.model_file import enum_names

LOW, HIGH = -128, 127


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift): real = multiplier / 2^31 * 2^shift, multiplier 2^30 to 2^31 - 1, or 0.

    As `QuantizeMultiplier` in tensorflow/lite/kernels/internal/quantization_util.cc.
    """
    if real == 0:
        return 0, 0
    fraction, exponent = math.frexp(real)
    # Halves away from zero; fractions are positive here.
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, exponent = multiplier // 2, exponent + 1
    if exponent < -31:
        return 0, 0
    if exponent > 30:
        return 2**31 - 1, 30
    return multiplier, exponent


def activation_range(output: Tensor, activation: int) -> tuple[int, int]:
    """Least and greatest int8 after a fused activation. Raises ModelError for one that int8 kernels do not have."""
    name = enum_names("ActivationFunctionType").get(activation, str(activation))
    if name == "NONE":
        return LOW, HIGH
    limits = {"RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}.get(name)
    if limits is None:
        raise ModelError(f"the fused activation {name.lower()} is not an int8 kernel's", "use ReLU or ReLU6")
    low, high = limits
    return max(LOW, _quantized(output, low)), HIGH if high is None else min(HIGH, _quantized(output, high))


def _quantized(tensor: Tensor, value: float) -> int:
    ratio = float(np.float32(value) / np.float32(tensor.scale))
    return tensor.zero + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))
