"""BrainChip's MobileNet for keyword spotting, as the page "Inference on KWS with MobileNet" prints it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def mobilenet_kws(input_shape: tuple[int, int, int], classes: int) -> "keras.Model":
    """A 5x5 convolution, five 3x3 separable ones, mean over the whole plane, and a separable one for the classes.

    24,576 parameters for 49 x 10 inputs and 12 classes, layer by layer those of the page. No layer has a bias, every
    ReLU ends at 6: what low-bit training and integer hardware want.

    Args:
        input_shape: (time, 1, bands) of the front end's int8, which becomes a plane of 0..255 with one channel.
        classes: outputs.

    Returns:
        An uncompiled functional model: float (batch, time, 1, bands) -> probabilities (batch, classes).
    """
    import keras
    from keras import layers

    time, _, bands = input_shape
    inputs = keras.Input(input_shape, name="spectrogram")
    x = keras.ops.reshape(inputs, (-1, time, bands, 1))
    # The border that "same" padding adds is then the front end's least value, not its middle.
    x = layers.Rescaling(1.0, offset=128.0, name="uint8")(x)
    x = layers.Conv2D(32, 5, strides=2, padding="same", use_bias=False, name="conv_0")(x)
    x = _normalised(x, "conv_0")
    for number in range(1, 5):
        x = layers.SeparableConv2D(64, 3, padding="same", use_bias=False, name=f"separable_{number}")(x)
        x = _normalised(x, f"separable_{number}")
    x = layers.SeparableConv2D(64, 3, padding="same", use_bias=False, name="separable_5")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True, name="separable_5_global_avg")(x)
    x = _normalised(x, "separable_5")
    x = layers.SeparableConv2D(classes, 3, padding="same", use_bias=False, name="separable_6")(x)
    x = keras.ops.reshape(x, (-1, classes))
    return keras.Model(inputs, layers.Softmax(name="act_softmax")(x), name="mobilenet_kws")


def _normalised(x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    from keras import layers

    return layers.ReLU(max_value=6.0, name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_BN")(x))
