"""DS-CNN (Zhang et al., "Hello Edge", arXiv:1711.07128): the keyword spotting net of MLPerf Tiny."""

from typing import TYPE_CHECKING

from mltk_like.nets.parts import classify, image_input, normalised

if TYPE_CHECKING:
    import keras


def ds_cnn(
    input_shape: tuple[int, int, int],
    classes: int,
    *,
    channels: int = 64,
    blocks: int = 4,
    kernel: tuple[int, int] = (10, 4),
    dropout: float = 0.4,
) -> "keras.Model":
    """A convolution and separable convolutions of one width; with 49 x 10 features, MLPerf Tiny's to the parameter.

    Args:
        input_shape: (time, 1, bands).
        classes: outputs.
        channels: of all convolutions.
        blocks: separable convolutions.
        kernel: time and bands that the first convolution sees; its stride is 2.
        dropout: share of the pooled features dropped in training; half of it after the first convolution.

    Returns:
        An uncompiled functional model: float (batch, time, 1, bands) -> probabilities (batch, classes).
    """
    import keras
    from keras import layers

    inputs, x = image_input(input_shape)
    x = normalised(layers.Conv2D(channels, kernel, strides=2, padding="same", name="stem")(x), "stem")
    x = layers.Dropout(dropout / 2, name="stem_dropout")(x)
    for index in range(blocks):
        x = layers.DepthwiseConv2D(3, padding="same", name=f"b{index}_depthwise")(x)
        x = normalised(x, f"b{index}_depthwise")
        x = normalised(layers.Conv2D(channels, 1, name=f"b{index}_pointwise")(x), f"b{index}_pointwise")
    return keras.Model(inputs, classify(x, classes, dropout), name="ds_cnn")
