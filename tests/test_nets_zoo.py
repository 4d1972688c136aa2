"""The nets: parameters and multiply-accumulates as published, names that stay, int8 and TFLM end to end."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import toys

from mltk_like.errors import ModelError
from mltk_like.nets import bc_resnet, ds_cnn, fuse_branches, mixed_net, mobilenet_v1, mobilenet_v2, tenet6, tenet12
from mltk_like.quiet import import_tensorflow
from mltk_like.tflite import TfliteModel, run_tflm, summarize_tflite
from mltk_like.training.convert import to_tflite

pytestmark = toys.TENSORFLOW_WARNINGS
MULTI = (9, 7, 5, 3)


@pytest.fixture(autouse=True)
def tensorflow() -> None:
    import_tensorflow()


def multiply_accumulates(net: Any) -> int:
    """Of convolutions and dense layers, from the Keras layers' own shapes: another way than the product's."""
    total = 0
    for layer in net.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            size = math.prod(kernel.shape)
            total += size * math.prod(layer.output.shape[1:-1]) if len(kernel.shape) == 4 else size
    return total


def trainable(net: Any) -> int:
    return sum(math.prod(weight.shape) for weight in net.trainable_weights)


def randomised(net: Any, seed: int = 0) -> Any:
    """Weights and statistics that make every layer count."""
    rng = np.random.default_rng(seed)
    for variable in net.weights:
        if variable.path.endswith("variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif variable.path.endswith(("mean", "beta", "bias")):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return net


# Shape, classes, all parameters, those that are trained, multiply-accumulates; and who says so.
ZOO: dict[str, tuple[Callable[[], Any], int, int, int]] = {
    # Silicon Labs' page of keyword_spotting_mobilenetv2: 99,560 parameters, 1.737 M.
    "mobilenet_v2": (lambda: mobilenet_v2((59, 1, 49), 8, alpha=0.15, last_block=384), 99_560, 92_632, 1_737_024),
    # MLPerf Tiny's keyword spotting: 24,908 parameters; MLTK's page of its copy: 2.657 M.
    "ds_cnn": (lambda: ds_cnn((49, 1, 10), 12), 24_908, 23_756, 2_656_768),
    # The paper: 9.2 thousand trained parameters. Here two strided convolutions are done at every band: 61 k of them.
    "bc_resnet": (lambda: bc_resnet((101, 1, 40), 12), 11_648, 9_232, 2_542_756),
    # MLPerf Tiny's width for visual wake words.
    "mobilenet_v1": (lambda: mobilenet_v1((59, 1, 49), 8), 220_456, 214_984, 2_932_464),
    # The paper's table (in thousands of parameters): 100, 54, 31 and 17.
    "tenet12": (lambda: tenet12((98, 1, 40), 12), 102_700, 97_068, 3_165_696),
    "tenet6": (lambda: tenet6((98, 1, 40), 12), 55_276, 52_332, 1_946_304),
    "tenet12 narrow": (lambda: tenet12((98, 1, 40), 12, channels=16), 32_156, 29_340, 960_768),
    "tenet6 narrow": (lambda: tenet6((98, 1, 40), 12, channels=16), 17_660, 16_188, 618_336),
    "tenet12 of the page, multi-scale": (lambda: tenet12((118, 1, 108), 2, kernel=MULTI), 126_178, 120_546, 5_160_768),
    "mixed_net": (lambda: mixed_net((204, 1, 40), 2), 26_914, 26_402, 1_104_672),
}


@pytest.mark.parametrize("name", ZOO)
def test_parameters_and_macs(name: str) -> None:
    build, parameters, trained, macs = ZOO[name]
    net = build()
    assert (net.count_params(), trainable(net), multiply_accumulates(net)) == (parameters, trained, macs)
    names = [layer.name for layer in net.layers if layer.weights]
    assert len(names) == len(set(names))
    assert not [name for name in names if name.startswith(("conv2d", "depthwise_conv", "batch_norm", "dense"))]


@pytest.mark.slow
def test_mobilenet_v2_computes_what_keras_applications_does() -> None:
    import keras

    reference = keras.applications.MobileNetV2(input_shape=(59, 49, 1), alpha=0.35, weights=None, classes=5)
    own = mobilenet_v2((59, 1, 49), 5, alpha=0.35)
    randomised(reference)
    for layer in reference.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.epsilon = 1e-3
    own.set_weights(reference.get_weights())
    x = np.random.default_rng(1).uniform(-2, 2, (3, 59, 1, 49)).astype(np.float32)
    expected = reference(x.reshape(3, 59, 49, 1), training=False).numpy()
    assert np.ptp(expected) > 0.01
    assert own(x, training=False).numpy() == pytest.approx(expected, abs=1e-5)


def test_mobilenet_v1_has_the_parameters_of_keras_applications() -> None:
    import keras

    reference = keras.applications.MobileNet(input_shape=(96, 96, 1), alpha=0.25, weights=None, classes=2)
    assert mobilenet_v1((96, 1, 96), 2).count_params() == reference.count_params() == 218_914


@pytest.mark.parametrize("time", [24, pytest.param(25, marks=pytest.mark.slow)])
def test_fused_branches_give_what_the_sum_gives(time: int) -> None:
    net = randomised(tenet6((time, 1, 10), 3, channels=4, kernel=MULTI))
    fused = fuse_branches(net)
    x = np.random.default_rng(1).uniform(-3, 3, (5, time, 1, 10)).astype(np.float32)
    expected = net(x, training=False).numpy()
    assert np.ptp(expected) > 0.01
    assert fused(x, training=False).numpy() == pytest.approx(expected, abs=1e-5)
    plain = tenet6((time, 1, 10), 3, channels=4, kernel=9)
    names = [sorted(layer.name for layer in one.layers if layer.weights) for one in (fused, plain)]
    assert names[0] == names[1]
    assert fused.count_params() == plain.count_params() < net.count_params()
    assert fuse_branches(plain) is plain


def test_fusing_makes_the_multi_scale_net_the_one_of_the_page() -> None:
    fused = fuse_branches(tenet12((118, 1, 108), 2, kernel=MULTI))
    assert (fused.count_params(), multiply_accumulates(fused)) == (108_898, 4_561_728)


SMALL: dict[str, Callable[[], Any]] = {
    "mixed_net": lambda: mixed_net((40, 1, 10), 3, stem=4, blocks=((4, (3,)), (4, (3, 5)))),
}
SLOW: dict[str, Callable[[], Any]] = {
    "ds_cnn": lambda: ds_cnn((20, 1, 10), 3, channels=8, blocks=2),
    "mobilenet_v2": lambda: mobilenet_v2((16, 1, 12), 3, last_block=32),
    "tenet6, multi-scale": lambda: tenet6((24, 1, 10), 3, channels=4, kernel=(5, 3)),
    "mobilenet_v1": lambda: mobilenet_v1((16, 1, 12), 3),
    "bc_resnet": lambda: bc_resnet((21, 1, 40), 3),
}


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_int8_on_tflm(name: str) -> None:
    """TFLM gives what the reference kernels give, to the bit or nearly, and int8 stays near float."""
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(5)  # the weights too: whether a pool falls on a half is theirs
    net = randomised((SMALL | SLOW)[name]())
    x = np.random.default_rng(2).integers(-128, 128, size=(24, *net.input_shape[1:]), dtype=np.int8)
    data = to_tflite(net, x)
    outputs = run_tflm(data, x, profile=False, repeat=1).outputs
    assert outputs is not None
    # The reference kernels of LiteRT average some pools otherwise by one unit; TFLM itself is the measure.
    off = np.abs(outputs.astype(np.int16) - TfliteModel(data, exact=True).predict(x).astype(np.int16))
    assert off.max() <= (1 if name == "ds_cnn" else 0)
    probabilities = net(x.astype(np.float32), training=False).numpy()
    assert np.abs((outputs.astype(np.float32) + 128) / 256 - probabilities).mean() < 0.08
    types = {tensor.dtype for layer in summarize_tflite(data).layers for tensor in layer.outputs}
    assert types == {"int8"}


@pytest.mark.slow
def test_branches_are_fused_when_the_net_is_converted() -> None:
    net = SLOW["tenet6, multi-scale"]()
    data = to_tflite(net, np.zeros((2, *net.input_shape[1:]), np.int8))
    opcodes = [layer.opcode for layer in summarize_tflite(data).layers]
    assert opcodes.count("depthwise_conv_2d") == opcodes.count("add") == 6


def test_bands_that_bc_resnet_cannot_divide() -> None:
    with pytest.raises(ModelError, match="cannot divide 49 bands"):
        bc_resnet((59, 1, 49), 3)


def test_a_window_that_is_too_short_for_mixed_net() -> None:
    with pytest.raises(ModelError, match="a window of 59 rows is too short"):
        mixed_net((59, 1, 40), 2)
