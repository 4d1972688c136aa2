"""TENet: temporal efficient neural networks for keyword spotting (Li, Wei and Qin, arXiv:2010.09960).

The shape is the one of Silicon Labs' model zoo, so that the operators of the converted model are the same, row for row.
Layers have fixed names, by which weights are carried from one net into another. With several kernels (the paper's
multi-scale convolution) the branches are made one when the net is converted (`fuse_branches`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mltk_like.nets.parts import classify

if TYPE_CHECKING:
    import keras

Kernels = int | Sequence[int]
"""Taps of a depthwise convolution over time; several, such as (9, 7, 5, 3): parallel ones that are added. All odd."""


def tenet12(
    input_shape: tuple[int, int, int], classes: int, *, channels: int = 32, kernel: Kernels = 9, dropout: float = 0.1
) -> "keras.Model":
    """TENet12: three groups of four inverted bottlenecks; with channels=16 the narrow one. See `tenet`."""
    return tenet(input_shape, classes, groups=3, depth=4, channels=channels, kernel=kernel, dropout=dropout)


def tenet6(
    input_shape: tuple[int, int, int], classes: int, *, channels: int = 32, kernel: Kernels = 9, dropout: float = 0.1
) -> "keras.Model":
    """TENet6: three groups of two inverted bottlenecks; with channels=16 the narrow one. See `tenet`."""
    return tenet(input_shape, classes, groups=3, depth=2, channels=channels, kernel=kernel, dropout=dropout)


def tenet(
    input_shape: tuple[int, int, int],
    classes: int,
    *,
    groups: int = 3,
    depth: int = 4,
    channels: int = 32,
    expansion: int = 3,
    kernel: Kernels = 9,
    dropout: float = 0.1,
) -> "keras.Model":
    """A stem over all bands, groups of bottlenecks (the first of each halves the time), mean over time, softmax.

    Args:
        input_shape: (time, 1, bands); the bands are the channels of the stem's 3x1 convolution.
        classes: outputs.
        groups: how often time is halved.
        depth: bottlenecks in a group.
        channels: channels between bottlenecks.
        expansion: channels inside a bottleneck, as a multiple.
        kernel: taps of each depthwise convolution along time, or of its branches.
        dropout: share of the pooled features dropped in training.

    Returns:
        An uncompiled functional model: float (batch, time, 1, bands) -> probabilities (batch, classes).
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="spectrogram")
    x = layers.Conv2D(channels, (3, 1), padding="same", name="stem")(inputs)
    x = layers.BatchNormalization(name="stem_bn")(x)
    for group in range(groups):
        for place in range(depth):
            stride = 2 if place == 0 else 1
            x = _bottleneck(x, f"g{group}_{place}", stride, channels, expansion, kernel)
    return keras.Model(inputs, classify(x, classes, dropout), name="tenet")


def _bottleneck(
    x: "keras.KerasTensor", name: str, stride: int, channels: int, expansion: int, kernel: Kernels
) -> "keras.KerasTensor":
    """Expand, convolve each channel along time, contract; add the input, or its strided projection."""
    from keras import layers

    y = layers.Conv2D(channels * expansion, 1, use_bias=False, name=f"{name}_expand")(x)
    y = layers.ReLU(name=f"{name}_expand_relu")(layers.BatchNormalization(name=f"{name}_expand_bn")(y))
    y = _depthwise(y, f"{name}_depthwise", stride, kernel)
    y = layers.ReLU(name=f"{name}_depthwise_relu")(layers.BatchNormalization(name=f"{name}_depthwise_bn")(y))
    y = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_contract")(y)
    y = layers.BatchNormalization(name=f"{name}_contract_bn")(y)
    if stride != 1:
        x = layers.Conv2D(channels, 1, strides=stride, padding="same", use_bias=False, name=f"{name}_shortcut")(x)
        x = layers.ReLU(name=f"{name}_shortcut_relu")(layers.BatchNormalization(name=f"{name}_shortcut_bn")(x))
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([y, x]))


def _depthwise(x: "keras.KerasTensor", name: str, stride: int, kernel: Kernels) -> "keras.KerasTensor":
    """A depthwise convolution along time, or the sum of several."""
    from keras import layers

    def convolve(taps: int, name: str) -> "keras.KerasTensor":
        convolution = layers.DepthwiseConv2D((taps, 1), strides=stride, padding="same", use_bias=False, name=name)
        return convolution(x)

    if isinstance(kernel, int):
        return convolve(kernel, name)
    return layers.Add(name=name)([convolve(taps, f"{name}_{taps}") for taps in kernel])
