"""Makes the int8 test models of this folder (needs TensorFlow): `python tests/data/tflite/make_models.py`.

Random weights, fixed seed: the models test conversion facts and interpreters, not recognition. The batch
dimension is 1 in `tiny_conv` and free in `tiny_tenet`, the two forms that converted models come in.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent


def head(units: int, spread: float) -> keras.layers.Layer:
    """Classifier with weights so small that softmax does not saturate, which would hide differences.

    The bias is not zero either: the converter drops a bias of zeros, and with it one input of the operator.
    """
    uniform = keras.initializers.RandomUniform(-spread, spread)
    return keras.layers.Dense(units, activation="softmax", kernel_initializer=uniform, bias_initializer=uniform)


def tiny_conv() -> keras.Model:
    """Three layers with weights on a 16x8 picture, 4 classes; every op has a batch of 1."""
    layers = keras.layers
    inputs = keras.Input((16, 8, 1), batch_size=1)
    x = layers.Conv2D(6, (3, 3), strides=2, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(8, 1, activation="relu6")(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, head(4, 0.01)(x))


def tiny_tenet() -> keras.Model:
    """A residual temporal block (depthwise convolution, add), average pool, reshape, dense; 2 classes."""
    layers = keras.layers
    inputs = keras.Input((20, 1, 8))
    x = layers.BatchNormalization()(layers.Conv2D(8, (3, 1), padding="same")(inputs))
    for stride in (2, 1):
        y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 1, use_bias=False)(x)))
        y = layers.DepthwiseConv2D((9, 1), strides=stride, padding="same", use_bias=False)(y)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False)(y))
        if stride == 2:
            x = layers.ReLU()(layers.Conv2D(8, 1, strides=2, padding="same")(x))
        x = layers.ReLU()(layers.Add()([y, x]))
    # Flatten would bring SHAPE, STRIDED_SLICE and PACK into the model; a reshape to (-1, 8) does not.
    x = keras.ops.reshape(layers.AveragePooling2D((10, 1))(x), (-1, 8))
    return keras.Model(inputs, head(2, 0.05)(x))


def convert(model: keras.Model, seed: int) -> bytes:
    """Full int8 conversion, calibrated on noise that spans the int8 range."""

    def samples() -> Iterator[list[Any]]:
        rng = np.random.default_rng(seed)
        for _ in range(32):
            x = rng.integers(-128, 128, (1, *model.inputs[0].shape[1:])).astype(np.float32)
            x.flat[:2] = -128, 127
            yield [x]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def main() -> None:
    for build in (tiny_conv, tiny_tenet):
        keras.utils.set_random_seed(7)
        data = convert(build(), seed=7)
        (HERE / f"{build.__name__}.tflite").write_bytes(data)
        print(build.__name__, len(data))


if __name__ == "__main__":
    main()
