"""How far the output of a layer may lie over its input: layers that go over pixels in order, as the kernels do."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

BLOCK = 4
"""Pixels whose inputs a kernel may read, and outputs write, in any order."""

BLOCKS: Mapping[str, int] = {"portable": 1, "dsp": 3, "mve": BLOCK}
"""The same by target."""


def lead_of(layer: Mapping[str, int], in_channels: int, out_channels: int, block: int = BLOCK) -> int:
    """Bytes after the beginning of the input at which the output may begin; negative: so many before it.

    A kernel goes over the pixels of its output in order, `block` at a time. While it is at a block, no byte may have
    been written that this block or a later one reads.

    Args:
        layer: sizes of the input, the output, the kernel, strides, dilations and padding, as in the struct in C.
        in_channels: of a pixel of the input.
        out_channels: of a pixel of the output.
        block: pixels that are done at once.
    """
    rows = _first(layer["out_h"], layer["stride_h"], layer.get("dilation_h", 1), layer["pad_top"])
    columns = _first(layer["out_w"], layer["stride_w"], layer.get("dilation_w", 1), layer["pad_left"])
    reads = ((rows[:, None] * layer["in_w"] + columns[None, :]) * in_channels).ravel()
    still = np.minimum.accumulate(reads[::-1])[::-1]  # the first byte that a pixel or one after it reads
    begins = np.arange(0, len(still), block)
    written = np.minimum(begins + block, len(still)) * out_channels
    return int((still[begins] - written).min())


def _first(outputs: int, stride: int, dilation: int, before: int) -> NDArray[np.int64]:
    """The first row or column inside of the input that each of the output reads."""
    begin = np.arange(outputs, dtype=np.int64) * stride - before
    return np.where(begin < 0, begin % dilation, begin)
