"""Working memory of the kernels with weights, by the cores that they are compiled for."""

from collections.abc import Mapping

from mltk_like.codegen import scratch_mve as mve
from mltk_like.codegen.packing import depthwise_plan

TARGETS = ("portable", "dsp", "mve")
"""Kernels that are compiled: see mltk_kernels.h."""


def scratch_bytes(kind: str, layer: Mapping[str, int], target: str, packed: int = 0) -> int:
    """Bytes that a layer's call needs.

    Args:
        kind: "conv", "depthwise" or "dense".
        layer: the fields of its struct in C.
        target: one of `TARGETS`.
        packed: how weights are packed for "dsp": see packing.py.
    """
    if target == "dsp" and packed:
        return _dsp_bytes(kind, layer, packed)
    if target == "mve" and kind == "conv" and not _is_pointwise(layer):
        return mve.conv_bytes(**{name: layer[name] for name in ("kernel_h", "kernel_w", "in_c")})
    if target == "mve" and kind == "depthwise":
        return mve.depthwise_bytes(layer)
    if kind != "conv" or _is_pointwise(layer):
        return 0
    return layer["kernel_h"] * layer["kernel_w"] * layer["in_c"]


def is_in_order(layer: Mapping[str, int], target: str, packed: int = 0) -> bool:
    """Whether a depthwise kernel goes over the pixels in order."""
    if target == "dsp":
        return not packed
    return target == "portable" or mve.is_in_order(layer)


def is_in_place(layer: Mapping[str, int], target: str, packed: int = 0) -> bool:
    """Whether a depthwise kernel has read all of some channels before it writes any of them, so that its output may lie
    where its input lies."""
    return (target == "dsp" and packed > 0) or (target == "mve" and mve.is_in_place(layer))


def _dsp_bytes(kind: str, layer: Mapping[str, int], packed: int) -> int:
    """As mltk_conv_dsp.c and mltk_depthwise_dsp.c lay it out."""
    if kind == "depthwise":
        found = depthwise_plan(layer, packed) if packed else None
        return found.bytes if found else 0
    if kind == "dense":
        return _values(layer["inputs"], 3 if layer["rows"] >= 3 else 1)
    count = layer["kernel_h"] * layer["kernel_w"] * layer["in_c"]
    if _is_pointwise(layer):
        return _values(count, 3)
    # Beside the values of three pixels, a patch as it is in the input where it is not in one piece there, or a line of
    # it and one outside.
    return _values(count, 3) + max(count, 2 * layer["kernel_w"] * layer["in_c"])


def _values(count: int, pixels: int) -> int:
    """So many int16 of each pixel, to a multiple of four."""
    return (count + 3) // 4 * 8 * pixels


def _is_pointwise(layer: Mapping[str, int]) -> bool:
    return (layer["kernel_h"], layer["kernel_w"], layer["pad_top"], layer["pad_left"]) == (1, 1, 0, 0)
