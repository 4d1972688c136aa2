"""The bell detector of the TinyML page: two convolutions along time and one neuron."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def bell_net(input_shape: tuple[int, int, int], *, filters: int = 8, kernel: int = 3) -> "keras.Model":
    """Conv1D, Conv1D, flatten, Dense(1): 1,585 weights for 32 frames of 48 bins.

    Conv1D over frames is written as Conv2D of kernel (3, 1), which is the same and takes no operators to reshape. The
    neuron's sigmoid is written as the softmax over its output and a constant 0, which is the same too:
    softmax(z, 0) = (sigmoid(z), 1 - sigmoid(z)). There are so two scores, as of any other model: bell, not bell.

    Args:
        input_shape: (frames, 1, bins).
        filters: of each convolution.
        kernel: frames that a filter spans.

    Returns:
        An uncompiled functional model: float (batch, frames, 1, bins) -> probabilities (batch, 2).
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="spectrogram")
    # int8 as the front end gives it, -128..127, would drive the first layer far off.
    x = layers.Rescaling(1 / 32, name="unit")(inputs)
    x = layers.Conv2D(filters, (kernel, 1), activation="relu", name="conv_1")(x)
    x = layers.Conv2D(filters, (kernel, 1), activation="relu", name="conv_2")(x)
    x = keras.ops.reshape(x, (-1, x.shape[1] * filters))
    x = layers.Dense(1, name="neuron")(x)
    x = keras.ops.pad(x, ((0, 0), (0, 1)))
    return keras.Model(inputs, layers.Softmax(name="sigmoid")(x), name="bell")
