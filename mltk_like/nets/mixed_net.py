"""A streaming net of the kind that microWakeWord trains: depthwise convolutions of mixed lengths over time.

They have no padding, so that each output row needs new input rows alone (MixConv: Tan and Le, arXiv:1907.09595).

The net is trained on windows like any other. `mltk_like.training.streaming` converts it with its state inside.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mltk_like.errors import ModelError
from mltk_like.nets.parts import normalised

if TYPE_CHECKING:
    import keras

BLOCKS = ((64, (5,)), (64, (7, 11)), (64, (9, 15)), (64, (23,)))
"""(channels, lengths of the depthwise convolutions, among which the channels are divided) of microWakeWord's second
generation."""


def mixed_net(
    input_shape: tuple[int, int, int],
    classes: int,
    *,
    stem: int = 32,
    kernel: int = 5,
    stride: int = 3,
    blocks: Sequence[tuple[int, Sequence[int]]] = BLOCKS,
    dropout: float = 0.0,
) -> "keras.Model":
    """Convolution over all bands, then separable convolutions with several lengths each, then one dense layer.

    Args:
        input_shape: (time, 1, bands): at least as many rows as the net looks back, 155 with the default blocks.
        classes: outputs.
        stem: channels of the first convolution.
        kernel: rows that it sees.
        stride: new rows for each of its outputs, and so for each inference of the converted stream.
        blocks: channels and lengths of the others.
        dropout: share of the features dropped in training before the last layer.

    Returns:
        An uncompiled functional model: float (batch, time, 1, bands) -> probabilities (batch, classes).

    Raises:
        ModelError: the window is shorter than what the net looks back.
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="spectrogram")
    x = layers.Conv2D(stem, (kernel, 1), strides=(stride, 1), use_bias=False, name="stem")(
        _newest(inputs, stride, kernel)
    )
    x = layers.ReLU(name="stem_relu")(x)
    for index, (channels, lengths) in enumerate(blocks):
        if x.shape[1] < max(lengths):
            raise ModelError(
                f"a window of {input_shape[0]} rows is too short for this net", "a longer sample_length_ms"
            )
        x = _mixed_depthwise(x, f"b{index}_depthwise", lengths)
        x = layers.Conv2D(channels, 1, use_bias=False, name=f"b{index}_pointwise")(x)
        x = normalised(x, f"b{index}_pointwise")
    x = layers.Dropout(dropout, name="dropout")(x)
    # A dense layer over all rows that are left, as a convolution: a stream then treats it like the others.
    bias = keras.initializers.RandomNormal(stddev=0.01)
    x = layers.Conv2D(classes, (x.shape[1], 1), bias_initializer=bias, name="head")(x)
    outputs = layers.Softmax(name="softmax")(keras.ops.reshape(x, (-1, classes)))
    return keras.Model(inputs, outputs, name="mixed_net")


def _newest(x: "keras.KerasTensor", stride: int, kernel: int) -> "keras.KerasTensor":
    """Without the oldest rows that would leave the newest out of a convolution with strides."""
    from keras import layers

    over = (x.shape[1] - kernel) % stride
    return layers.Cropping2D(((over, 0), (0, 0)), name="newest")(x) if over else x


def _mixed_depthwise(x: "keras.KerasTensor", name: str, lengths: Sequence[int]) -> "keras.KerasTensor":
    """Channels in equal parts, each convolved over time with a length of its own; all end with the newest row."""
    import keras
    from keras import layers

    if len(lengths) == 1:
        return layers.DepthwiseConv2D((lengths[0], 1), use_bias=False, name=f"{name}_{lengths[0]}")(x)
    parts = []
    for part, length in zip(keras.ops.split(x, len(lengths), axis=-1), lengths, strict=True):
        y = layers.DepthwiseConv2D((length, 1), use_bias=False, name=f"{name}_{length}")(part)
        older = max(lengths) - length
        parts.append(layers.Cropping2D(((older, 0), (0, 0)), name=f"{name}_{length}_crop")(y) if older else y)
    return layers.Concatenate(name=name)(parts)
