"""Scratch memory of the kernels for MVE: what cpp/kernels/mltk_conv_mve.c and mltk_depthwise_mve.c lay out."""

from collections.abc import Mapping

from mltk_like.errors import ModelError

_LINE_BYTES = 512
_CHANNELS = 8
_MOST_TAPS = 9360
"""Lines of eight channels are stored at offsets of 16 bits."""


def _rounded(count: int, to: int) -> int:
    return (count + to - 1) // to * to


def conv_bytes(*, kernel_h: int, kernel_w: int, in_c: int) -> int:
    """Bytes that `mltk_conv_s8` needs: the patches of two pixels, each from a multiple of 8 bytes on."""
    return 2 * _rounded(kernel_h * kernel_w * in_c, 8)


def depthwise_bytes(layer: Mapping[str, int]) -> int:
    """Bytes that `mltk_depthwise_s8` needs: the weights and the input of eight channels, turned.

    Lines lie along the longer side of the output; each holds what up to as many outputs need as fit into 512 bytes, and
    at least one. Where all lines fit into 512 bytes they are there at the same time. None where it goes tap by tap.

    Args:
        layer: the fields of its struct in C.

    Raises:
        ModelError: one output is computed from more values of a channel than the kernel can turn.
    """
    if is_in_order(layer):
        return 0
    taps, _, line, lines = _lines(layer)
    if taps > _MOST_TAPS:
        raise ModelError(
            f"an output is computed from {taps} values of a channel, zeros of a dilation included",
            f"{_MOST_TAPS} are the most: use a smaller kernel",
        )
    channels = min(layer["in_c"], _CHANNELS)
    weights = channels * (layer["out_c"] // layer["in_c"]) * _rounded(taps, 16)
    return weights + channels * lines * line + _beyond(layer)


def is_in_order(layer: Mapping[str, int]) -> bool:
    """Whether `mltk_depthwise_s8` computes a layer tap by tap: where its output is one pixel."""
    return layer["in_c"] == layer["out_c"] and (layer["out_h"], layer["out_w"]) == (1, 1)


def is_in_place(layer: Mapping[str, int]) -> bool:
    """Whether it reads all of eight channels before it writes any of them, and as many channels as it reads."""
    _, tile, _, lines = _lines(layer)
    out_along, out_across = sorted((layer["out_h"], layer["out_w"]), reverse=True)
    return not is_in_order(layer) and layer["out_c"] == layer["in_c"] and (tile, lines) == (out_along, out_across)


def _beyond(layer: Mapping[str, int]) -> int:
    """Bytes after the last line that are read, and do not matter: outputs are computed four at a time, from 16 bytes
    at a time."""
    along, across = ("w", "h") if layer["out_w"] >= layer["out_h"] else ("h", "w")
    return 3 * layer[f"stride_{along}"] * layer[f"kernel_{across}"] + 16


def _lines(layer: Mapping[str, int]) -> tuple[int, int, int, int]:
    """Bytes that one output is computed from, outputs at a time along a line, bytes of a line, and lines at a time."""
    along, across = ("w", "h") if layer["out_w"] >= layer["out_h"] else ("h", "w")
    out_along, across_taps = layer[f"out_{along}"], layer[f"kernel_{across}"]
    taps = ((layer[f"kernel_{along}"] - 1) * layer[f"dilation_{along}"] + 1) * across_taps
    step = layer[f"stride_{along}"] * across_taps
    tile = min(out_along, 1 if taps >= _LINE_BYTES else 1 + (_LINE_BYTES - taps) // step)
    line = _rounded((tile - 1) * step + taps, 16)
    whole = tile == out_along and layer[f"out_{across}"] * line <= _LINE_BYTES
    return taps, tile, line, layer[f"out_{across}"] if whole else 1
