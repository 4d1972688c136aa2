"""Weights in the order in which the kernels of cores with the DSP extension read them."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray


def pack_conv(weights: NDArray[Any]) -> NDArray[Any] | None:
    """(out_c, kernel_h, kernel_w, in_c) as the DSP kernel reads it; None: as it is."""
    return None


def pack_depthwise(weights: NDArray[Any], layer: Mapping[str, int]) -> NDArray[Any] | None:
    """(kernel_h, kernel_w, out_c) as the DSP kernel reads it; None: as it is."""
    return None


def pack_dense(weights: NDArray[Any]) -> NDArray[Any] | None:
    """(outputs, inputs) as the DSP kernel reads it; None: as it is."""
    return None
