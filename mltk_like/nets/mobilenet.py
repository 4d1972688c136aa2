"""MobileNetV1 (Howard et al., arXiv:1704.04861) and MobileNetV2 (Sandler et al., arXiv:1801.04381) for spectrograms.

Sizes, paddings and parameters are those of `keras.applications`. Layers have fixed names, by which weights are carried
from one net into another.
"""

from typing import TYPE_CHECKING

from mltk_like.nets.parts import classify, image_input, normalised

if TYPE_CHECKING:
    import keras

# (channels, stride) of the separable convolutions after the first convolution.
_V1 = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip
# (expansion, channels, bottlenecks, stride of the first), table 2 of the paper.
_V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def mobilenet_v1(
    input_shape: tuple[int, int, int], classes: int, *, alpha: float = 0.25, dropout: float = 0.001
) -> "keras.Model":
    """MobileNetV1: 13 depthwise separable convolutions.

    Args:
        input_shape: (time, 1, bands).
        classes: outputs.
        alpha: width: factor on all channels.
        dropout: share of the pooled features dropped in training.

    Returns:
        An uncompiled functional model: float (batch, time, 1, bands) -> probabilities (batch, classes).
    """
    import keras
    from keras import layers

    inputs, x = image_input(input_shape)
    x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = normalised(x, "stem", "relu6")
    for index, (channels, stride) in enumerate(_V1):
        name = f"b{index}"
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
        x = normalised(x, f"{name}_depthwise", "relu6")
        x = layers.Conv2D(int(channels * alpha), 1, use_bias=False, name=f"{name}_pointwise")(x)
        x = normalised(x, f"{name}_pointwise", "relu6")
    return keras.Model(inputs, classify(x, classes, dropout), name="mobilenet_v1")


def mobilenet_v2(
    input_shape: tuple[int, int, int],
    classes: int,
    *,
    alpha: float = 0.15,
    last_block: int | None = None,
    dropout: float = 0.0,
) -> "keras.Model":
    """MobileNetV2: 17 inverted residual bottlenecks.

    Args:
        input_shape: (time, 1, bands).
        classes: outputs.
        alpha: width: factor on all channels, which are rounded to multiples of 8.
        last_block: channels of the last convolution; none: the paper's, at least 1280.
        dropout: share of the pooled features dropped in training.

    Returns:
        An uncompiled functional model: float (batch, time, 1, bands) -> probabilities (batch, classes).
    """
    import keras
    from keras import layers

    inputs, x = image_input(input_shape)
    x = layers.Conv2D(_rounded(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = normalised(x, "stem", "relu6")
    index = 0
    for expansion, channels, count, first_stride in _V2:
        for place in range(count):
            stride = first_stride if place == 0 else 1
            x = _bottleneck(x, f"b{index}", expansion, _rounded(channels * alpha), stride)
            index += 1
    width = last_block or (_rounded(1280 * alpha) if alpha > 1 else 1280)
    x = normalised(layers.Conv2D(width, 1, use_bias=False, name="last")(x), "last", "relu6")
    return keras.Model(inputs, classify(x, classes, dropout), name="mobilenet_v2")


def _bottleneck(x: "keras.KerasTensor", name: str, expansion: int, channels: int, stride: int) -> "keras.KerasTensor":
    """Expand, convolve each channel, contract; add the input where its shape stays."""
    from keras import layers

    y, width = x, x.shape[-1]
    if expansion != 1:
        y = layers.Conv2D(width * expansion, 1, use_bias=False, name=f"{name}_expand")(y)
        y = normalised(y, f"{name}_expand", "relu6")
    if stride == 2:
        # As Keras pads: the kernels' centres fall on the same points whether a side is even or odd.
        padding = tuple((side % 2, 1) for side in y.shape[1:3])
        y = layers.ZeroPadding2D(padding, name=f"{name}_pad")(y)
    same = "same" if stride == 1 else "valid"
    y = layers.DepthwiseConv2D(3, strides=stride, padding=same, use_bias=False, name=f"{name}_depthwise")(y)
    y = normalised(y, f"{name}_depthwise", "relu6")
    y = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_contract")(y)
    y = normalised(y, f"{name}_contract", None)
    return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and width == channels else y


def _rounded(channels: float) -> int:
    """The nearest multiple of 8, at least 8, and not below nine tenths of what was asked for."""
    found = max(8, int(channels + 4) // 8 * 8)
    return found + 8 if found < 0.9 * channels else found
