"""Scratch memory of the kernels for MVE: what cpp/kernels/mltk_conv_mve.c and mltk_depthwise_mve.c lay out."""

_LINE_BYTES = 512
_CHANNELS = 8


def _rounded(count: int, to: int) -> int:
    return (count + to - 1) // to * to


def conv_bytes(*, kernel_h: int, kernel_w: int, in_c: int) -> int:
    """Bytes that `mltk_conv_s8` needs: the patches of two pixels, each from a multiple of 8 bytes on."""
    return 2 * _rounded(kernel_h * kernel_w * in_c, 8)


def depthwise_bytes(
    *,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    dilation_h: int,
    dilation_w: int,
    in_c: int,
    out_h: int,
    out_w: int,
    out_c: int,
) -> int:
    """Bytes that `mltk_depthwise_s8` needs: the weights and the input of eight channels, turned.

    Lines lie along the longer side of the output; each holds what up to as many outputs need as fit into 512
    bytes, and at least one.
    """
    if out_w >= out_h:
        along, across, stride, dilation, out_along = kernel_w, kernel_h, stride_w, dilation_w, out_w
    else:
        along, across, stride, dilation, out_along = kernel_h, kernel_w, stride_h, dilation_h, out_h
    taps = ((along - 1) * dilation + 1) * across
    step = stride * across
    tile = min(out_along, 1 if taps >= _LINE_BYTES else 1 + (_LINE_BYTES - taps) // step)
    line = _rounded((tile - 1) * step + taps, 16)
    channels = min(in_c, _CHANNELS)
    return channels * (out_c // in_c) * _rounded(taps, 16) + channels * line
