"""Weights in the order in which the kernels of cores with the DSP extension read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLAIN, SUMS, SCALED = range(3)
"""What `packed` of a layer says: weights as they are, packed, or packed with what scales the sums beside them."""

ALONG_ROWS, ALONG_COLUMNS = 1, 2
"""What `packed` of a depthwise layer says."""

_MOST_STEPS = 13
_MOST_SCRATCH = 16384
_FOUR_PLANES_WORDS = 3072
"""Of larger planes there are two at a time."""

_GREATEST_SUM = 2**23
"""Of products; such a sum times 256 stays within 32 bits. Also of a bias, which shares a word with its shift."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`mltk_scale` of a layer.

    Attributes:
        bias: int32, by channel, as the other two.
        multiplier: int32.
        shift: int8; right - 1 if narrow.
        zero: of the output, as the next two.
        low: least output.
        high: greatest output.
        narrow: whether every sum is within -2^30 < sum < 2^30 and no channel shifts left.
    """

    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int8]
    zero: int
    low: int
    high: int
    narrow: bool

    @property
    def short(self) -> bool:
        """Whether bias and shift of each channel fit into one word."""
        return self.narrow and bool((np.abs(self.bias.astype(np.int64)) < _GREATEST_SUM).all())


@dataclass(frozen=True)
class Packed:
    """Words for a kernel, and which way it goes through them: `SUMS` or `SCALED`; depthwise `ALONG_ROWS` or
    `ALONG_COLUMNS`."""

    words: NDArray[np.int32]
    kind: int


def pack_conv(weights: NDArray[Any], scale: Scale) -> Packed | None:
    """(out_c, kernel_h, kernel_w, in_c), or (outputs, inputs), as the DSP kernel reads it; None: as it is.

    Two channels after the other, each value with zeros after it to a multiple of four. A word has values 0 and 2 of
    four, the next 1 and 3: in each half 256 * (weight of the second channel) + (weight of the first). Where the kernel
    is to scale, two words follow for each of the channels: bias * 256 + (right - 1), and the multiplier. The last pair
    of an odd number of channels is of the last two again.
    """
    rows = weights.reshape(weights.shape[0], -1).astype(np.int64)
    channels = len(rows)
    if channels < 2 or rows.min() < -127 or (128 * np.abs(rows).sum(axis=1)).max() >= _GREATEST_SUM:
        return None
    firsts = np.minimum(np.arange(0, channels, 2), channels - 2)
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    halves = (256 * padded[firsts + 1] + padded[firsts]).reshape(len(firsts), -1, 4) & 0xFFFF
    words = halves[:, :, :2] | halves[:, :, 2:] << 16
    blocks = words.astype(np.uint32).view(np.int32).reshape(len(firsts), -1)
    if not scale.short:
        return Packed(blocks.ravel(), SUMS)
    beside = np.stack([scale.bias * 256 + scale.shift, scale.multiplier], axis=1).astype(np.int32)
    return Packed(np.concatenate([blocks, beside[firsts], beside[firsts + 1]], axis=1).ravel(), SCALED)


def pack_depthwise(weights: NDArray[Any], layer: Mapping[str, int], scale: Scale) -> Packed | None:
    """(kernel_h, kernel_w, out_c) as the DSP kernel reads it; None: as it is.

    Lines of taps along one side of the kernel, channel by channel, each with zeros after it to what a step of four taps
    takes, in the order 0, 2, 1, 3. `kind` says along which side: `ALONG_ROWS` or `ALONG_COLUMNS`.
    """
    # A single pixel does not pay for turning its channels: the kernel reads it as it is.
    one_pixel = layer["out_h"] * layer["out_w"] == 1
    if layer["in_c"] != layer["out_c"] or not scale.narrow or one_pixel:
        return None
    plans = [one for one in (depthwise_plan(layer, kind) for kind in (ALONG_COLUMNS, ALONG_ROWS)) if one]
    if not plans:
        return None
    best = min(plans, key=lambda one: one.work)
    taps = weights.transpose(2, 0, 1) if best.kind == ALONG_ROWS else weights.transpose(2, 1, 0)
    padded = np.pad(taps, ((0, 0), (0, 0), (0, 4 * best.chunks - taps.shape[2]))).astype(np.int8)
    order = padded.reshape(-1, 4)[:, [0, 2, 1, 3]]
    return Packed(np.ascontiguousarray(order).view(np.int32).ravel(), best.kind)


@dataclass(frozen=True)
class DepthwisePlan:
    """How mltk_depthwise_dsp.c goes over a layer.

    Attributes:
        kind: along which side lines lie.
        chunks: steps of four taps in a line of taps.
        bytes: of scratch memory.
        work: by which the two kinds are compared, in instructions.
    """

    kind: int
    chunks: int
    bytes: int
    work: int


def depthwise_plan(layer: Mapping[str, int], kind: int) -> DepthwisePlan | None:
    """The plan along one side; None where the kernel cannot go along it."""
    along, across = ("w", "h") if kind == ALONG_ROWS else ("h", "w")
    stride, taps, lines = layer[f"stride_{along}"], layer[f"kernel_{along}"], layer[f"kernel_{across}"]
    chunks = ((taps // 2 + 1 if stride == 1 else (taps + 1) // 2) + 1) // 2
    steps = chunks * lines
    if stride > 2 or layer[f"dilation_{along}"] > 1 or steps > _MOST_STEPS:
        return None
    fours = -(-layer[f"out_{along}"] // 4)
    line_words = 2 * (fours - 1) * stride + 2 * chunks + (1 if stride == 1 else 3)
    outputs = layer[f"out_{across}"]
    rows = (outputs - 1) * layer[f"stride_{across}"] + (lines - 1) * layer[f"dilation_{across}"] + 1
    channels = 4 if 4 * rows * line_words <= _FOUR_PLANES_WORDS else 2
    size = 4 * (4 + steps * (5 if stride == 1 else 3) + channels * rows * line_words)
    if size > _MOST_SCRATCH:
        return None
    return DepthwisePlan(kind, chunks, size, outputs * (40 + fours * (11 * steps + 36)))
