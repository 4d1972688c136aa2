"""Working memory of the kernels with weights, by the cores that they are compiled for."""

from collections.abc import Mapping

TARGETS = ("portable", "dsp", "mve")
"""Kernels that are compiled: see mltk_kernels.h."""


def scratch_bytes(kind: str, layer: Mapping[str, int], target: str) -> int:
    """Bytes that a layer's call needs.

    Args:
        kind: "conv", "depthwise" or "dense".
        layer: the fields of its struct in C.
        target: one of `TARGETS`.
    """
    if kind != "conv" or _is_pointwise(layer):
        return 0
    return layer["kernel_h"] * layer["kernel_w"] * layer["in_c"]


def _is_pointwise(layer: Mapping[str, int]) -> bool:
    return (layer["kernel_h"], layer["kernel_w"], layer["pad_top"], layer["pad_left"]) == (1, 1, 0, 0)
