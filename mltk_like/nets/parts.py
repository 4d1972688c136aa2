"""What several nets share: how they take a spectrogram as an image, and how they end."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def image_input(input_shape: tuple[int, int, int]) -> tuple["keras.KerasTensor", "keras.KerasTensor"]:
    """The input (time, 1, bands) and the same bytes as an image of one channel: (time, bands, 1)."""
    import keras

    time, _, bands = input_shape
    inputs = keras.Input(input_shape, name="spectrogram")
    return inputs, keras.ops.reshape(inputs, (-1, time, bands, 1))


def classify(x: "keras.KerasTensor", classes: int, dropout: float) -> "keras.KerasTensor":
    """Mean over the plane, dropout, softmax: (batch, height, width, channels) -> probabilities (batch, classes)."""
    import keras
    from keras import layers

    _, height, width, channels = x.shape
    x = layers.AveragePooling2D((height, width), name="pool")(x)
    # Flatten and Reshape layers convert to four operators; this converts to one.
    x = keras.ops.reshape(x, (-1, channels))
    x = layers.Dropout(dropout, name="dropout")(x)
    # A bias of zeros would be dropped by the converter, and the untrained model would have another operator table.
    bias = keras.initializers.RandomNormal(stddev=0.01)
    return layers.Dense(classes, activation="softmax", bias_initializer=bias, name="head")(x)


def normalised(x: "keras.KerasTensor", name: str, activation: str | None = "relu") -> "keras.KerasTensor":
    """Batch normalisation after the layer `name`, then the activation by its Keras name (none: linear)."""
    from keras import layers

    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x
