"""BC-ResNet (Kim et al., "Broadcasted Residual Learning for Efficient Keyword Spotting", arXiv:2106.04140).

Layers with plain Keras operations alone, so that a saved net opens anywhere. Here the first axis of the plane is time
and the second frequency; in the paper it is the other way round.
"""

from typing import TYPE_CHECKING

from mltk_like.errors import ModelError
from mltk_like.nets.parts import classify, image_input, normalised

if TYPE_CHECKING:
    import keras

_SUB_BANDS = 5
# (channels, blocks, stride in frequency, dilation in time) of the stages for width 1, table 1 of the paper.
_STAGES = ((8, 2, 1, 1), (12, 2, 2, 2), (16, 4, 2, 4), (20, 4, 1, 8))


def bc_resnet(
    input_shape: tuple[int, int, int], classes: int, *, width: float = 1.0, dropout: float = 0.1
) -> "keras.Model":
    """Residual blocks, half of whose work is on the mean over frequency and is broadcast back.

    Args:
        input_shape: (time, 1, bands); bands a multiple of 40, as in the paper.
        classes: outputs.
        width: factor on all channels: 1 for BC-ResNet-1, up to 8.
        dropout: share of a block's temporal channels dropped in training.

    Returns:
        An uncompiled functional model: float (batch, time, 1, bands) -> probabilities (batch, classes).

    Raises:
        ModelError: the bands cannot be divided into five sub-bands after three halvings.
    """
    import keras
    from keras import layers

    bands = input_shape[2]
    if bands % (8 * _SUB_BANDS):
        raise ModelError(f"BC-ResNet cannot divide {bands} bands", "use filterbank_n_channels=40 or 80")
    inputs, x = image_input(input_shape)
    x = layers.Conv2D(int(16 * width), 5, strides=(1, 2), padding="same", use_bias=False, name="stem")(x)
    x = normalised(x, "stem")
    for stage, (channels, count, stride, dilation) in enumerate(_STAGES):
        for place in range(count):
            strides = stride if place == 0 else 1
            x = _block(x, f"s{stage}_{place}", int(channels * width), place == 0, strides, dilation, dropout)
    x = layers.ZeroPadding2D(((2, 2), (0, 0)), name="last_pad")(x)
    x = layers.DepthwiseConv2D(5, use_bias=False, name="last_depthwise")(x)
    x = normalised(layers.Conv2D(int(32 * width), 1, use_bias=False, name="last")(x), "last")
    return keras.Model(inputs, classify(x, classes, 0.0), name="bc_resnet")


def _block(
    x: "keras.KerasTensor", name: str, channels: int, transition: bool, stride: int, dilation: int, dropout: float
) -> "keras.KerasTensor":
    """x + f2(x) + broadcast(f1(mean of f2(x) over frequency)); a transition changes the channels and lacks the x."""
    from keras import layers

    y = x
    if transition:
        y = normalised(layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_expand")(y), f"{name}_expand")
    y = _over_frequency(y, f"{name}_frequency", stride)
    y = _sub_spectral(y, f"{name}_frequency")
    mean = layers.AveragePooling2D((1, y.shape[2]), name=f"{name}_mean")(y)
    mean = _over_time(mean, f"{name}_time", dilation)
    mean = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pointwise")(mean)
    mean = layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(mean)
    y = layers.Add(name=f"{name}_broadcast")([y, mean])
    if not transition:
        y = layers.Add(name=f"{name}_add")([y, x])
    return layers.ReLU(name=f"{name}_relu")(y)


def _over_frequency(x: "keras.KerasTensor", name: str, stride: int) -> "keras.KerasTensor":
    """Depthwise convolution with three taps over frequency."""
    from keras import layers

    x = layers.DepthwiseConv2D((1, 3), padding="same", use_bias=False, name=name)(x)
    # TensorFlow wants equal strides on both axes of a depthwise convolution: every second band is taken afterwards.
    return layers.MaxPooling2D(1, strides=(1, stride), name=f"{name}_stride")(x) if stride > 1 else x


def _over_time(x: "keras.KerasTensor", name: str, dilation: int) -> "keras.KerasTensor":
    """Dilated depthwise convolution with three taps over time, normalised, swish."""
    from keras import layers

    x = layers.DepthwiseConv2D((3, 1), padding="same", dilation_rate=(dilation, 1), use_bias=False, name=name)(x)
    return normalised(x, name, "silu")


def _sub_spectral(x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    """Batch normalisation of each fifth of the bands by itself (Chang et al., arXiv:2103.13620)."""
    import keras

    _, time, bands, channels = x.shape
    group = bands // _SUB_BANDS
    reshape, transpose = keras.ops.reshape, keras.ops.transpose
    # Sub-bands become channels: (time, 5, group, channels) -> (time, group, 5 * channels) and back.
    if group > 1:
        x = transpose(reshape(x, (-1, time, _SUB_BANDS, group, channels)), (0, 1, 3, 2, 4))
    x = normalised(reshape(x, (-1, time, group, _SUB_BANDS * channels)), name, None)
    if group > 1:
        x = transpose(reshape(x, (-1, time, group, _SUB_BANDS, channels)), (0, 1, 3, 2, 4))
    return reshape(x, (-1, time, bands, channels))
