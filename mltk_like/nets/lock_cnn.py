"""The network of SensiML's smart lock page: four small convolutions over MFCC and time."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def lock_cnn(input_shape: tuple[int, int, int], classes: int, *, cascade: int = 15) -> "keras.Model":
    """Layer for layer as on the page: 24,580 weights for 15 x 20 MFCC and four classes.

    Args:
        input_shape: (1, 1, cascade * coefficients): one column of the front end, frame by frame, oldest first.
        classes: outputs.
        cascade: frames in the column.

    Returns:
        An uncompiled functional model: float (batch, 1, 1, cascade * coefficients) -> probabilities (batch, classes).
    """
    import keras
    from keras import layers

    coefficients = input_shape[-1] // cascade
    inputs = keras.Input(input_shape, name="cascade")
    x = layers.Permute((2, 1, 3), name="image")(keras.ops.reshape(inputs, (-1, cascade, coefficients, 1)))
    x = layers.Conv2D(16, 2, activation="relu", name="conv2d")(x)
    x = layers.Dropout(0.25, name="dropout")(x)
    x = layers.Conv2D(16, 2, activation="relu", name="conv2d_1")(x)
    x = layers.BatchNormalization(axis=3, name="batch_normalization")(x)
    x = layers.Dropout(0.25, name="dropout_1")(x)
    x = layers.Conv2D(8, 2, activation="relu", name="conv2d_2")(x)
    x = layers.Dropout(0.25, name="dropout_2")(x)
    x = layers.Conv2D(8, 2, activation="relu", name="conv2d_3")(x)
    x = keras.ops.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3]))
    x = layers.Dense(16, activation="relu", name="dense")(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="dense_1")(x), name="lock_cnn")
