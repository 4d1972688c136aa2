"""Working memory of the kernels with weights, by the cores that they are compiled for."""

from collections.abc import Mapping

from mltk_like.codegen import scratch_mve as mve

TARGETS = ("portable", "dsp", "mve")
"""Kernels that are compiled: see mltk_kernels.h."""


def scratch_bytes(kind: str, layer: Mapping[str, int], target: str) -> int:
    """Bytes that a layer's call needs.

    Args:
        kind: "conv", "depthwise" or "dense".
        layer: the fields of its struct in C.
        target: one of `TARGETS`.
    """
    if target == "mve" and kind == "conv" and not _is_pointwise(layer):
        return mve.conv_bytes(**{name: layer[name] for name in ("kernel_h", "kernel_w", "in_c")})
    if target == "mve" and kind == "depthwise":
        return mve.depthwise_bytes(layer)
    if kind != "conv" or _is_pointwise(layer):
        return 0
    return layer["kernel_h"] * layer["kernel_w"] * layer["in_c"]


def is_in_order(layer: Mapping[str, int], target: str) -> bool:
    """Whether a depthwise kernel goes over the pixels in order."""
    return target == "portable" or (target == "mve" and mve.is_in_order(layer))


def is_in_place(layer: Mapping[str, int], target: str) -> bool:
    """Whether a depthwise kernel has read all of some channels before it writes any of them, so that its output may lie
    where its input lies."""
    return target == "mve" and mve.is_in_place(layer)


def _is_pointwise(layer: Mapping[str, int]) -> bool:
    return (layer["kernel_h"], layer["kernel_w"], layer["pad_top"], layer["pad_left"]) == (1, 1, 0, 0)
