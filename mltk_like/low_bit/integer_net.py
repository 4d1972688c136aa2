"""A net in integers: what low-bit export writes, and what NumPy and the C kernels compute, bit for bit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Term = Callable[[NDArray[Any], int, int], NDArray[Any]]
_BATCH = 128
LOGIT_BITS = 16
"""Logits are integers: a real logit times 2^16."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """One layer with weights, and what follows up to the next one.

    Sums s of whole numbers: over a plane (`depthwise`), then over channels (`weights`), or over both in one
    convolution; then over all places (`pooled`). The output of channel c is
    min(max((s * multiplier[c] + bias[c]) >> shift[c], 0), top), or without the limits where `top` is 0.

    Attributes:
        name: of the Keras layer.
        input_shape, output_shape: (height, width, channels); the output's before pooling.
        kernel: (height, width) of the plane's sum.
        strides: (down, across).
        padding: (above, left); what lies outside counts 0.
        weights: int8 (outputs, height, width, inputs), (outputs, 1, 1, inputs) after a depthwise part; None: none.
        weight_bits: of `weights`.
        scales: what the integer 1 in `weights` stands for, float32 (outputs,).
        depthwise: int8 (height, width, inputs); None for a plain convolution.
        depthwise_bits: of `depthwise`.
        depthwise_scales: float32 (1,) where `weights` follow, else (inputs,).
        pooled: sum over all places before the output.
        multiplier: int32 (outputs,).
        bias: int64 (outputs,).
        shift: uint8 (outputs,).
        top: greatest output; 0 for logits.
    """

    name: str
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[int, int]
    weights: NDArray[np.int8] | None
    weight_bits: int
    scales: NDArray[np.float32]
    depthwise: NDArray[np.int8] | None
    depthwise_bits: int
    depthwise_scales: NDArray[np.float32]
    pooled: bool
    multiplier: NDArray[np.int32]
    bias: NDArray[np.int64]
    shift: NDArray[np.uint8]
    top: int

    @property
    def channels(self) -> int:
        """Output channels."""
        return self.output_shape[2]

    @cached_property
    def greatest_sum(self) -> int:
        """What no sum exceeds, by the number of its terms and the weights' bits; inputs are 0..`top` before it."""
        ins = self.input_shape[2]
        taps = self.kernel[0] * self.kernel[1]
        sums = 1 if self.depthwise is None else taps * ((1 << (self.depthwise_bits - 1)) - 1)
        if self.weights is not None:
            sums *= (taps if self.depthwise is None else 1) * ins * ((1 << (self.weight_bits - 1)) - 1)
        return sums * (self.output_shape[0] * self.output_shape[1] if self.pooled else 1)

    @property
    def packed_bytes(self) -> int:
        """Weights on flash, two to a byte from 4 bits down."""
        parts = [(self.weights, self.weight_bits), (self.depthwise, self.depthwise_bits)]
        return sum(len(pack(w, bits)) for w, bits in parts if w is not None)

    @property
    def constant_bytes(self) -> int:
        """Multipliers, biases and shifts on flash."""
        return self.multiplier.nbytes + self.bias.nbytes + self.shift.nbytes

    @property
    def macs(self) -> int:
        """Multiplications for one input, padding included."""
        places = self.output_shape[0] * self.output_shape[1]
        dense = self.weights.size if self.weights is not None else 0
        return places * (dense + (self.depthwise.size if self.depthwise is not None else 0))


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerNet:
    """A net in integers.

    Attributes:
        name: of the model.
        offset: added to the front end's int8 first.
        stages: one after the other; the last gives logits.
    """

    name: str
    offset: int
    stages: tuple[Stage, ...]

    @property
    def classes(self) -> int:
        """Outputs."""
        return self.stages[-1].channels

    @property
    def flash_bytes(self) -> int:
        """Weights packed, and the constants of all channels."""
        return sum(stage.packed_bytes + stage.constant_bytes for stage in self.stages)

    @property
    def tie_bound(self) -> float:
        """How near to the border between two values a real output must lie for the integer one to be the other.

        In units of the output. multiplier and bias are rounded to 2^-shift, half of which each may be off.
        """
        peak, bound = 128 + abs(self.offset), 0.0
        for stage in self.stages:
            error = (stage.greatest_sum * peak + 1) * 0.5 * 2.0 ** -stage.shift.astype(np.float64)
            bound = max(bound, float(error.max()) if stage.top else 0.0)
            peak = stage.top
        return bound


def run(net: IntegerNet, windows: NDArray[np.int8]) -> NDArray[np.int32]:
    """Logits times 2^16 of windows: int8 (n, ...) -> int32 (n, classes). Exactly what the C kernels give."""
    parts = [outputs(net, windows[i : i + _BATCH])[-1].reshape(-1, net.classes) for i in range(0, len(windows), _BATCH)]
    return np.concatenate([np.zeros((0, net.classes), np.int32), *parts]).astype(np.int32)


def outputs(net: IntegerNet, windows: NDArray[np.int8]) -> list[Ints]:
    """What each stage gives for windows int8 (n, ...): int64 (n, height, width, channels)."""
    x = windows.reshape(len(windows), *net.stages[0].input_shape).astype(np.int64) + net.offset
    results = []
    for stage in net.stages:
        x = requantise(stage, sums(stage, x))
        results.append(x)
    return results


def sums(stage: Stage, x: Ints) -> Ints:
    """The sums of a stage for inputs (n, height, width, channels).

    In floating point, many times as fast as NumPy's integers, and exact: no sum leaves the mantissa.
    """
    peak = stage.greatest_sum * int(np.abs(x).max(initial=1))
    kind = np.float32 if peak < 1 << 24 else np.float64
    y: NDArray[Any] = x.reshape(len(x), *stage.input_shape).astype(kind)
    if stage.depthwise is not None:
        plane = stage.depthwise.astype(kind)
        y = _planes(stage, y, lambda patch, row, column: patch * plane[row, column])
    if stage.weights is not None:
        dense = stage.weights.astype(kind).transpose(1, 2, 3, 0)
        if stage.depthwise is not None:
            y = y @ dense[0, 0]
        else:
            y = _planes(stage, y, lambda patch, row, column: patch @ dense[row, column])
    y = y.sum(axis=(1, 2), keepdims=True) if stage.pooled else y
    return y.astype(np.int64)


def requantise(stage: Stage, x: Ints) -> Ints:
    """Sums to outputs."""
    y: Ints = (x * stage.multiplier.astype(np.int64) + stage.bias) >> stage.shift.astype(np.int64)
    low, high = (0, stage.top) if stage.top else (-(1 << 31), (1 << 31) - 1)
    return np.clip(y, low, high)


def scores(logits: NDArray[np.int32]) -> NDArray[np.float32]:
    """Softmax of the integer logits: float32 (n, classes)."""
    x = logits / float(1 << LOGIT_BITS)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True), np.float32)


def pack(weights: NDArray[np.int8], bits: int) -> bytes:
    """Weights as on flash: bytes, or from 4 bits down two to a byte, the first in the lower half, without gaps."""
    flat = weights.reshape(-1)
    if bits > 4:
        return flat.tobytes()
    nibbles = np.append(flat, np.zeros(len(flat) % 2, np.int8)).view(np.uint8) & 15
    return (nibbles[0::2] | (nibbles[1::2] << 4)).astype(np.uint8).tobytes()


def unpack(data: bytes, bits: int, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """What `pack` packed."""
    size = int(np.prod(shape))
    raw = np.frombuffer(data, np.uint8)
    if bits > 4:
        return raw.view(np.int8)[:size].reshape(shape)
    nibbles = np.stack([raw & 15, raw >> 4], axis=-1).reshape(-1)[:size].astype(np.int8)
    return np.where(nibbles > 7, nibbles - 16, nibbles).astype(np.int8).reshape(shape)


def _planes(stage: Stage, x: NDArray[Any], term: Term) -> NDArray[Any]:
    """The sum over the kernel's places of `term(inputs that lie there, row, column)`."""
    (height, width, _), (down, across), (above, left) = stage.output_shape, stage.strides, stage.padding
    rows, columns = stage.kernel
    need = ((height - 1) * down + rows, (width - 1) * across + columns)
    below, right = (max(0, need[i] - x.shape[1 + i] - stage.padding[i]) for i in (0, 1))
    x = np.pad(x, ((0, 0), (above, below), (left, right), (0, 0)))
    total: NDArray[Any] | None = None
    for row in range(rows):
        for column in range(columns):
            last_row, last_column = row + (height - 1) * down, column + (width - 1) * across
            part = term(x[:, row : last_row + 1 : down, column : last_column + 1 : across], row, column)
            total = part if total is None else total + part
    assert total is not None
    return total
