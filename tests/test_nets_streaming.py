"""A net that takes row by row what it was trained on window by window, in TensorFlow and in int8 on TFLM."""

from typing import Any

import numpy as np
import pytest
import toys

from mltk_like.errors import ModelError
from mltk_like.nets import mixed_net, tenet6
from mltk_like.quiet import import_tensorflow
from mltk_like.tflite import run_tflm, summarize_tflite
from mltk_like.training.convert import to_tflite
from mltk_like.training.streaming import Stream, to_streaming_tflite

pytestmark = toys.TENSORFLOW_WARNINGS
BLOCKS = ((6, (3,)), (6, (3, 5)))


@pytest.fixture(scope="module")
def net() -> Any:
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(3)
    found = mixed_net((42, 1, 10), 3, stem=4, blocks=BLOCKS)
    for layer in found.layers:
        if layer.name.endswith("_bn"):
            layer.beta.assign(np.linspace(0.0, 1.0, 6))
    return found


@pytest.fixture(scope="module")
def windows() -> Any:
    return np.random.default_rng(4).integers(-128, 128, size=(6, 42, 1, 10), dtype=np.int8)


def test_a_stream_gives_what_the_window_gives(net: Any, windows: Any) -> None:
    stream = Stream(net)
    assert stream.rows == 3
    assert np.ptp(net(windows.astype(np.float32), training=False).numpy(), axis=0).max() > 0.05
    expected = net(windows.astype(np.float32), training=False).numpy()
    for window, wanted in zip(windows, expected, strict=True):
        for first in range(0, 42, 3):
            found = stream.step(window[np.newaxis, first : first + 3].astype(np.float32))
        assert found.numpy()[0] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.slow
def test_int8_with_its_state_on_tflm(net: Any, windows: Any) -> None:
    """After the last rows of each window the stateful model says what the int8 model of windows says, but for a step
    or two of rounding; and it computes a fraction of it for each answer."""
    streaming = to_streaming_tflite(net, windows)
    summary = summarize_tflite(streaming)
    assert [tensor.shape for tensor in summary.inputs] == [(1, 3, 1, 10)]
    assert {tensor.dtype for tensor in (*summary.inputs, *summary.outputs)} == {"int8"}
    outputs = run_tflm(streaming, windows.reshape(-1, 3, 1, 10), profile=False, repeat=1).outputs
    whole = to_tflite(net, windows)
    wanted = run_tflm(whole, windows, profile=False, repeat=1).outputs
    assert outputs is not None
    assert wanted is not None
    assert np.abs(outputs[13::14].astype(int) - wanted.astype(int)).max() <= 4
    assert summary.macs * 5 < summarize_tflite(whole).macs


def test_nets_that_cannot_be_run_row_by_row() -> None:
    import_tensorflow()
    import keras
    from keras import layers

    with pytest.raises(ModelError, match="'stem' cannot be run row by row"):
        Stream(tenet6((24, 1, 10), 2, channels=4))
    inputs = keras.Input((24, 1, 10))
    strided = layers.Conv2D(4, (3, 1), strides=(2, 1), name="second")(layers.Conv2D(4, (3, 1), name="first")(inputs))
    with pytest.raises(ModelError, match="'second' cannot be run row by row"):
        Stream(keras.Model(inputs, strided))
    with pytest.raises(ModelError, match="no convolution over time"):
        Stream(keras.Model(inputs, layers.Conv2D(4, 1, name="point")(inputs)))
