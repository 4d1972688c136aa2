"""Nets of few bits: quantisers, the same net in whole numbers in NumPy and C, its files, training in episodes."""

import json
import shutil
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from toys import TENSORFLOW_WARNINGS

import mltk_like as mltk
from mltk_like.errors import ModelError, SettingError
from mltk_like.low_bit.akida import akida_script
from mltk_like.low_bit.files import c_source, describe, from_npz, to_npz
from mltk_like.low_bit.fold import fixed_point, integer_net
from mltk_like.low_bit.integer_net import IntegerNet, Stage, outputs, pack, run, scores, sums, unpack
from mltk_like.low_bit.quantise import integers, kernels, low_bit_net, settle, weighted_layers, without_rounding
from mltk_like.low_bit.report import LowBitReport, most_values, stage_statistics
from mltk_like.low_bit.settings import LowBit
from mltk_like.nets import mobilenet_kws
from mltk_like.tflite import TfliteModel

pytestmark = TENSORFLOW_WARNINGS
KERNELS = Path(__file__).resolve().parents[1] / "cpp" / "kernels"
BITS = LowBit()
SHAPE = (9, 1, 6)


def windows(count: int = 40, shape: tuple[int, ...] = SHAPE) -> NDArray[np.int8]:
    return np.random.default_rng(3).integers(-128, 128, (count, *shape)).astype(np.int8)


def small(kind: str = "separable") -> Any:
    """A chain with one layer of each sort, its batch normalisations as after a training."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    inputs = keras.Input(SHAPE)
    x = keras.ops.reshape(inputs, (-1, SHAPE[0], SHAPE[2], 1))
    x = layers.Rescaling(0.5, offset=64.0)(x)
    x = layers.Conv2D(7, (3, 2), strides=2, padding="same", use_bias=False, name="first")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    if kind == "separable":
        x = layers.SeparableConv2D(6, 3, padding="same", name="separable")(x)
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.ReLU()(layers.BatchNormalization(scale=False)(x))
    else:
        x = layers.DepthwiseConv2D((3, 1), name="plane")(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization(center=False)(x))
        x = layers.AveragePooling2D((2, 1))(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    net = keras.Model(inputs, layers.Dense(4, activation="softmax", name="head")(x))
    rng = np.random.default_rng(8)
    for layer in net.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = 0.0
            if layer.scale:
                layer.gamma.assign(rng.uniform(-2, 3, layer.gamma.shape))
            if layer.center:
                layer.beta.assign(rng.uniform(0, 3, layer.beta.shape))
    low_bit_net(net, BITS, weights=True)(windows().astype(np.float32), training=True)
    return net


@pytest.mark.parametrize(
    ("field", "value"), [("weights", 1), ("weights", 9), ("first_weights", 1), ("activations", 0), ("later_rate", 0.0)]
)
def test_settings_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(SettingError, match=field):
        LowBit(**{field: value})  # type: ignore[arg-type]


def test_low_bit_is_a_setting_of_every_model_that_trains() -> None:
    class Some(mltk.Model, mltk.TrainMixin):
        classes = ("a", "b")

    model = Some()
    assert model.low_bit is None
    model.low_bit = {"weights": 3}  # type: ignore[assignment]
    assert model.low_bit == LowBit(weights=3)
    with pytest.raises(SettingError, match="weights"):
        model.low_bit = {"weights": 12}  # type: ignore[assignment]


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 8])
def test_a_channel_takes_at_most_two_to_the_bits_values(bits: int) -> None:
    net = small()
    for layer in weighted_layers(net):
        for variable in kernels(layer):
            whole, scale = integers(layer, variable, bits)
            assert np.abs(whole).max() <= 2 ** (bits - 1) - 1
            assert np.array_equal(whole, np.round(whole))
            assert (scale > 0).all()
            grid = (whole * scale).reshape(-1, whole.shape[-1])
            assert max(len(np.unique(column)) for column in grid.T) <= 2**bits


def test_the_gradient_goes_through_the_rounding_and_stops_where_a_value_was_cut_off() -> None:
    import tensorflow as tf

    net = small()
    variable = kernels(weighted_layers(net)[1])[1]
    kernel = variable.numpy()
    kernel[0, 0, 0, 0] = 50 * np.abs(kernel[..., 0]).max()
    variable.assign(kernel)
    twin = low_bit_net(net, BITS, weights=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(twin(windows(8).astype(np.float32), training=True)[:, 0] ** 2)
    gradients = tape.gradient(loss, twin.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    found = dict(zip([id(v) for v in twin.trainable_variables], gradients, strict=True))[id(variable)].numpy()
    assert found[0, 0, 0, 0] == 0
    assert np.count_nonzero(found) >= found.size - 4


@pytest.mark.parametrize("kind", ["separable", "depthwise"])
def test_the_net_that_is_saved_computes_what_was_trained(kind: str, tmp_path: Path) -> None:
    import keras

    net = small(kind)
    x = windows().astype(np.float32)
    trained = low_bit_net(net, BITS, weights=True)(x).numpy()
    settled = settle(net, BITS)
    assert np.array_equal(settled(x).numpy(), trained)
    settled.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras", compile=False, safe_mode=True)
    assert np.array_equal(loaded(x).numpy(), trained)
    assert [layer.name for layer in loaded.layers][1:] == [layer.name for layer in net.layers][1:]


def reference(net: IntegerNet, x: NDArray[np.int8]) -> list[NDArray[np.float64]]:
    """What each stage gives before it is rounded, in float64 from the integers of the stage before."""
    given = [x.reshape(len(x), *net.stages[0].input_shape).astype(np.int64) + net.offset, *outputs(net, x)[:-1]]
    return [
        (sums(stage, before) * stage.multiplier.astype(np.float64) + stage.bias) / 2.0 ** stage.shift.astype(np.float64)
        for stage, before in zip(net.stages, given, strict=True)
    ]


@pytest.mark.parametrize("kind", ["separable", "depthwise"])
def test_the_integers_are_the_levels_of_the_keras_net_but_for_ties(kind: str) -> None:
    import keras

    net = small(kind)
    whole = integer_net(net, BITS, "small")
    assert whole.offset == 128
    settled = settle(net, BITS)
    x = windows()
    # Each stage's levels in Keras, from which the next is fed.
    relus = [layer for layer in settled.layers if type(layer).__name__ == "Functional"]
    levels = keras.Model(settled.input, [layer._inbound_nodes[-1].output_tensors[0] for layer in relus])(
        x.astype(np.float32)
    )
    for mine, real, theirs in zip(outputs(whole, x), reference(whole, x), levels, strict=False):
        keras_levels = np.rint(theirs.numpy() * (BITS.levels / 6)).astype(np.int64).reshape(mine.shape)
        different = mine != keras_levels
        if different.any():  # float32 has another answer only where a border is as near as its rounding
            distance = np.abs(real - np.rint(real))[different]
            assert distance.max() < 1e-4
            break  # what follows has other inputs
    assert np.abs(scores(run(whole, x)) - settled(x.astype(np.float32)).numpy()).max() < 0.02
    assert 0 < whole.tie_bound < 1e-5


@given(
    factor=st.floats(1e-6, 1e3) | st.floats(-1e3, -1e-6),
    addend=st.floats(-1e4, 1e4),
    total=st.integers(-(2**20), 2**20),
)
@settings(deadline=None, max_examples=200)
def test_fixed_point_is_the_real_number_but_for_ties(factor: float, addend: float, total: int) -> None:
    multiplier, bias, shift = (int(v[0]) for v in fixed_point(np.array([factor]), np.array([addend])))
    assert abs(multiplier) < 2**31
    assert abs(bias) < 2**62
    real = total * factor + addend + 0.5
    bound = (abs(total) + 1) * 2.0**-shift + 1e-9 * abs(real)
    assert real - bound - 1 < (total * multiplier + bias) >> shift <= real + bound


def test_a_factor_of_a_net_that_diverged_is_refused() -> None:
    with pytest.raises(ModelError, match="diverged"):
        fixed_point(np.array([np.nan]), np.array([0.0]))


@given(st.integers(2, 8), st.integers(1, 30), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_packed_weights_come_back(bits: int, size: int, chance: Any) -> None:
    limit = 2 ** (bits - 1) - 1
    weights = np.array([chance.randint(-limit, limit) for _ in range(size)], np.int8)
    data = pack(weights, bits)
    assert len(data) == (size if bits > 4 else (size + 1) // 2)
    assert np.array_equal(unpack(data, bits, (size,)), weights)


def run_in_c(net: IntegerNet, x: NDArray[np.int8], folder: Path) -> NDArray[np.int32]:
    """The kernels compiled with the sanitizers, on the tables of the export."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    header, source = c_source(net)
    (folder / "model_low_bit.h").write_text(header)
    (folder / "model_low_bit.c").write_text(source)
    size = int(np.prod(net.stages[0].input_shape))
    (folder / "main.c").write_text(
        '#include "model_low_bit.h"\n#include <stdio.h>\n#include <stdlib.h>\n'
        "int main(void) {\n  void* scratch = malloc(low_bit_scratch_bytes(&model_net));\n"
        f"  int8_t in[{size}];\n  int32_t out[{net.classes} + 1];\n"
        f"  while (fread(in, 1, {size}, stdin) == {size}) {{\n    low_bit_run(&model_net, in, scratch, out);\n"
        f"    out[{net.classes}] = low_bit_argmax(&model_net, out);\n    fwrite(out, 4, {net.classes} + 1, stdout);\n"
        "  }\n  free(scratch);\n  return 0;\n}\n"
    )
    files = [KERNELS / "low_bit.c", folder / "model_low_bit.c", folder / "main.c"]
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsanitize=address,undefined"]
    flags += ["-fno-sanitize-recover=all", "-I", str(KERNELS), "-I", str(folder)]
    subprocess.run([compiler, *flags, *map(str, files), "-o", str(folder / "run")], check=True, capture_output=True)
    done = subprocess.run([str(folder / "run")], input=x.tobytes(), capture_output=True, check=True)
    found = np.frombuffer(done.stdout, np.int32).reshape(len(x), net.classes + 1)
    assert np.array_equal(found[:, -1], found[:, :-1].argmax(axis=1))
    return found[:, :-1]


@pytest.mark.parametrize("kind", ["separable", "depthwise"])
@pytest.mark.parametrize("bits", [LowBit(), LowBit(first_weights=4, weights=6, activations=8)], ids=["8/4/4", "4/6/8"])
def test_c_gives_the_bits_of_numpy(kind: str, bits: LowBit, tmp_path: Path) -> None:
    net = integer_net(small(kind), bits, "small")
    x = windows()
    found = run_in_c(net, x, tmp_path)
    assert np.array_equal(found, run(net, x))
    assert len(np.unique(found)) > len(found)


def test_integers_are_computed_as_python_computes_them() -> None:
    stage = Stage(
        name="s", input_shape=(1, 1, 2), output_shape=(1, 1, 1), kernel=(1, 1), strides=(1, 1), padding=(0, 0),
        weights=np.array([3, -7], np.int8).reshape(1, 1, 1, 2), weight_bits=4, scales=np.ones(1, np.float32),
        depthwise=None, depthwise_bits=0, depthwise_scales=np.ones(1, np.float32), pooled=False,
        multiplier=np.array([-5], np.int32), bias=np.array([9], np.int64), shift=np.array([2], np.uint8), top=0,
    )  # fmt: skip
    net = IntegerNet(name="n", offset=1, stages=(stage,))
    assert run(net, np.array([[10, 2]], np.int8)).tolist() == [[((3 * 11 - 7 * 3) * -5 + 9) >> 2]]
    limited = replace(net, stages=(replace(stage, top=15),))
    assert run(limited, np.array([[10, 2], [-10, 2]], np.int8)).tolist() == [[0], [15]]
    assert (stage.packed_bytes, stage.constant_bytes, stage.macs, stage.greatest_sum) == (1, 13, 2, 14)


def test_the_export_comes_back() -> None:
    net = integer_net(small(), BITS, "small")
    again = from_npz(to_npz(net))
    assert describe(again) == describe(net)
    assert np.array_equal(run(again, windows()), run(net, windows()))
    with np.load(_file(to_npz(net)), allow_pickle=False) as archive:
        assert json.loads(str(archive["net"]))["format"] == "mltk_like low-bit 1"
        assert archive["separable/weights"].dtype == np.int8


def _file(data: bytes) -> Any:
    import io

    return io.BytesIO(data)


@pytest.mark.parametrize("damage", [lambda d: b"", lambda d: d[:200], lambda d: b"x" * 300])
def test_a_damaged_export_is_refused(damage: Any) -> None:
    with pytest.raises(ModelError, match="cannot read the low-bit net"):
        from_npz(damage(to_npz(integer_net(small(), BITS, "small"))))


def test_statistics_count_zeros_and_what_is_left_to_do() -> None:
    net = integer_net(small(), BITS, "small")
    x = windows(20)
    first, second, head = stage_statistics(net, x)
    levels = outputs(net, x)
    assert first.output_sparsity == second.input_sparsity == pytest.approx((levels[0] == 0).mean())
    # 1x1 inputs: each that is not 0 takes part in every output.
    assert head.operations == pytest.approx((levels[1] != 0).sum() / len(x) * 4)
    full = np.ones_like(x) * np.int8(1)
    assert stage_statistics(replace(net, offset=0), full)[0].operations == 9 * 6 * 7 * 3 * 2 / 4 + _border(net)
    assert all(most_values(stage) <= 2 ** max(stage.weight_bits, stage.depthwise_bits) for stage in net.stages)
    with pytest.raises(ModelError, match="more values"):
        most_values(replace(net.stages[0], weight_bits=2))


def _border(net: IntegerNet) -> float:
    """By hand: the inputs that lie in one window more or fewer than the mean of (3 * 2) / (2 * 2) a channel."""
    stage = net.stages[0]
    taken = sum(
        0 <= y * 2 - stage.padding[0] + i < 9 and 0 <= x * 2 - stage.padding[1] + j < 6
        for y in range(stage.output_shape[0]) for x in range(stage.output_shape[1]) for i in range(3) for j in range(2)
    )  # fmt: skip
    return taken * 7 - 9 * 6 * 7 * 3 * 2 / 4


def test_what_cannot_be_whole_numbers_is_refused() -> None:
    import keras
    from keras import layers

    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(6, 1, name="a")(inputs)
    plain = keras.Model(inputs, layers.Softmax()(layers.Flatten()(x)))
    with pytest.raises(ModelError, match="no ReLU"):
        low_bit_net(plain, BITS, weights=True)
    inside = keras.Model(inputs, layers.Conv2D(6, 1, activation="relu", name="inside")(inputs))
    with pytest.raises(ModelError, match="inside ends in relu"):
        low_bit_net(inside, BITS, weights=True)
    branched = keras.Model(inputs, layers.Flatten()(layers.Add()([layers.ReLU()(x), inputs])))
    low_bit_net(branched, BITS, weights=True)  # can be trained
    with pytest.raises(ModelError, match="branches"):
        integer_net(branched, BITS, "branched")
    twice = keras.Model(inputs, layers.Conv2D(6, 1, name="b")(layers.Conv2D(6, 1)(layers.ReLU()(x))))
    with pytest.raises(ModelError, match="without a ReLU between"):
        integer_net(twice, BITS, "twice")
    pooled = layers.GlobalAveragePooling2D()(layers.AveragePooling2D((2, 1))(layers.ReLU(name="r")(x)))
    pools = keras.Model(inputs, layers.Softmax()(layers.Dense(3, name="c")(pooled)))
    low_bit_net(pools, BITS, weights=True)
    with pytest.raises(ModelError, match="no second pooling in a row"):
        integer_net(pools, BITS, "pools")


@pytest.mark.slow
def test_the_int8_model_has_plain_relu6(tmp_path: Path) -> None:
    from mltk_like.training.convert import to_tflite

    net = settle(small(), BITS)
    x = windows()
    data = to_tflite(net, x)
    float_net = without_rounding(net)(x.astype(np.float32)).numpy()
    int8 = (TfliteModel(data).predict(x).astype(np.float32) + 128) / 256
    assert np.abs(int8 - float_net).max() < 0.1


def test_the_net_of_the_page() -> None:
    net = mobilenet_kws((49, 1, 10), 12)
    table = [(layer.name, tuple(layer.output.shape[1:]), layer.count_params()) for layer in net.layers]
    expected = [("conv_0", (25, 5, 32), 800), ("conv_0_BN", (25, 5, 32), 128), ("conv_0_relu", (25, 5, 32), 0)]
    for number, count in ((1, 2336), (2, 4672), (3, 4672), (4, 4672)):
        name = f"separable_{number}"
        expected += [(name, (25, 5, 64), count), (f"{name}_BN", (25, 5, 64), 256), (f"{name}_relu", (25, 5, 64), 0)]
    expected += [("separable_5", (25, 5, 64), 4672), ("separable_5_global_avg", (1, 1, 64), 0)]
    expected += [("separable_5_BN", (1, 1, 64), 256), ("separable_5_relu", (1, 1, 64), 0)]
    expected += [("separable_6", (1, 1, 12), 1344)]
    assert table[2:-1] == expected
    assert net.count_params() == 24_576
    assert sum(int(np.prod(v.shape)) for v in net.trainable_variables) == 23_872
    whole = integer_net(net, BITS, "page")
    assert sum(stage.packed_bytes for stage in whole.stages) == 800 + 22_368 // 2


def test_the_akida_script_builds_the_net_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Keras in place of tf_keras, and stand-ins for BrainChip's functions: theirs are not run here."""
    import keras

    net = small()
    whole = integer_net(net, BITS, "small")
    (tmp_path / "small.lowbit.npz").write_bytes(to_npz(whole))
    (tmp_path / "small_akida.py").write_text(akida_script(whole))
    asked: dict[str, Any] = {}

    class Converted:
        def summary(self) -> None: ...
        def save(self, path: str) -> None:
            asked["saved"] = path

    fake: Any = types.ModuleType("cnn2snn")
    fake.quantize = lambda model, **bits: asked.update(bits, model=model)
    fake.convert = lambda model, input_scaling: Converted()
    monkeypatch.setitem(sys.modules, "cnn2snn", fake)
    monkeypatch.setitem(sys.modules, "tf_keras", keras)
    module: dict[str, Any] = {"__name__": "script", "__file__": str(tmp_path / "small_akida.py")}
    exec(compile((tmp_path / "small_akida.py").read_text(), "small_akida.py", "exec"), module)
    module["main"]()
    assert asked["saved"] == str(tmp_path / "small.fbz")
    assert (asked["input_weight_quantization"], asked["weight_quantization"], asked["activ_quantization"]) == (8, 4, 4)
    x = windows()
    uint8 = x.reshape(-1, SHAPE[0], SHAPE[2], 1).astype(np.float32) + 128
    mine = without_rounding(settle(net, BITS))(x.astype(np.float32)).numpy()
    assert np.abs(asked["model"](uint8).numpy() - mine).max() < 1e-4


@pytest.mark.slow
def test_three_episodes_of_which_each_goes_on_from_the_last(tmp_path: Path) -> None:
    from mltk_like.feed.windows import Batch
    from mltk_like.training.fit import OneFeed, Validation
    from mltk_like.training.low_bit import fit_net
    from mltk_like.training.schedule import Schedule

    class Small(mltk.Model, mltk.TrainMixin):
        classes = ("a", "b", "c", "_unknown_")
        batch_size = 16
        low_bit = LowBit(weights=3)
        rank_by = "accuracy"

    class Feed:
        def batches(self, tasks: Any) -> Any:
            for task in tasks:
                x = np.random.default_rng(task.first).integers(-128, 128, (task.count, *SHAPE)).astype(np.int8)
                yield Batch(features=x, labels=x[:, :, 0, 0].argmax(axis=1) % 4)

    batch = next(Feed().batches([types.SimpleNamespace(first=10**6, count=64)]))
    validation = Validation(features=batch.features, labels=batch.labels, detected=np.array([True] * 3 + [False]))
    schedule = Schedule(steps_per_epoch=4, total_steps=8, rate=lambda step: 0.01)
    model: Any = Small()
    costs = np.ones(4, np.float32)
    feed = OneFeed(Feed())
    net, fitted = fit_net(model, small(), costs, schedule, feed, validation, tmp_path, progress=False)
    assert (fitted.steps, len(fitted.history["loss"])) == (24, 6)
    assert fitted.best_epoch >= 5
    assert fitted.history["val_accuracy"][fitted.best_epoch - 1] == max(fitted.history["val_accuracy"][4:])
    assert fitted.best_score == pytest.approx(1.0 - max(fitted.history["val_accuracy"][4:]))
    assert fitted.history["learning_rate"] == pytest.approx([0.01] * 2 + [0.003] * 4)
    report = LowBitReport.from_json((tmp_path / "low_bit.json").read_bytes())
    assert [(row.weights, row.activations, row.epochs) for row in report.episodes] == [
        ("N/A", "N/A", 2), ("N/A", "4 bits", 2), ("8/3 bits", "4 bits", 2), ("8/3 bits", "4 bits", 0),
    ]  # fmt: skip
    assert report.same_class == 1.0
    assert report.episodes[2].accuracy == report.episodes[3].accuracy
    assert "8/3 bits" in str(report)
    whole = from_npz((tmp_path / "low_bit.npz").read_bytes())
    assert np.abs(scores(run(whole, batch.features)) - net(batch.features.astype(np.float32)).numpy()).max() < 1e-3

    again, same = fit_net(
        model, small(), costs, schedule, feed, validation, tmp_path, resume=True, progress=False
    )  # every episode is at its end
    assert same.history == fitted.history
    assert np.array_equal(again(batch.features.astype(np.float32)), net(batch.features.astype(np.float32)))
