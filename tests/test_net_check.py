"""Nets that would fail at the end of a training are refused at its beginning, and those that are fine are not."""

from pathlib import Path
from typing import Any

import pytest
import toys

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.errors import MltkLikeError, ModelError
from mltk_like.tflite import run_tflm, summarize_tflite
from mltk_like.verbs.shared.building import build_tflite

pytestmark = toys.TENSORFLOW_WARNINGS

# A model that has no data: what is refused is refused before any is asked for.
MODEL = """
import mltk_like as mltk
from mltk_like.audio import FrontendSettings


class Checked(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    classes = ("yes", "_unknown_")
    frontend = FrontendSettings(sample_length_ms=300, window_size_ms=30, window_step_ms=15, filterbank_n_channels=12)

    def sources(self):
        raise AssertionError("data was asked for")

    def network(self):
        import keras
        from keras import layers

        shape, n = self.input_shape, self.n_classes
        x = inputs = keras.Input(shape)
{body}


my_model = Checked()
"""


@pytest.fixture(autouse=True)
def data_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be known of sources beforehand has tests of its own, and this model has none."""
    monkeypatch.setattr("mltk_like.verbs.train.start.check_data", lambda *unused, **unused_too: None)


END = "return keras.Model(inputs, layers.Dense(n, activation='softmax')(x))"
ROWS = "x = layers.Reshape((shape[0], shape[2]))(x)\n"
MEAN = "x = layers.GlobalAveragePooling2D()(x)\n"


def write(folder: Path, body: str) -> Path:
    path = folder / "checked.py"
    path.write_text(MODEL.format(body="\n".join(f"        {line}" for line in body.splitlines())))
    return path


REFUSED = {
    "lstm": (ROWS + "x = layers.LSTM(4)(x)\n" + END, r"has a loop .*'lstm' \(LSTM\)"),
    "gru": (ROWS + "x = layers.GRU(4)(x)\n" + END, r"has a loop .*'gru' \(GRU\)"),
    "bidirectional": (ROWS + "x = layers.Bidirectional(layers.LSTM(4))(x)\n" + END, r"has a loop .*'bidirectional'"),
    "simple rnn": (ROWS + "x = layers.SimpleRNN(4)(x)\n" + END, r"has a loop .*'simple_rnn' \(SimpleRNN\)"),
    "an operator that TFLM lacks": (
        "x = layers.Conv2D(4, (3, 1), activation='gelu')(x)\n" + MEAN + END, "Lite Micro has no operator GELU"
    ),
    "upsampling": ("x = layers.UpSampling2D((2, 1))(x)\n" + MEAN + END, "Lite Micro has no operator TILE"),
    "no return": ("pass", "network\\(\\) gives nothing, no Keras model"),
    "something else": ("return 3", "network\\(\\) gives a int"),
    "an error": ("y = 1\nreturn layers.Conv2D(4, (99, 1))(x)", r"network\(\) fails in line 20: ValueError: .*"),
    "a subclass": (
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.head = layers.Dense(n, activation='softmax')\n\n    def call(self, x):\n"
        "        return self.head(keras.ops.mean(x, axis=(1, 2)))\n\nnet = Net()\nnet(keras.ops.zeros((1, *shape)))\n"
        "return net",
        r"a model with a call\(\) of its own \(Net\)",
    ),
    "a Sequential without input": (
        "return keras.Sequential([layers.Flatten(), layers.Dense(n, activation='softmax')])", "input is not known"
    ),
    "two inputs": (
        "other = keras.Input(shape)\nx = layers.Flatten()(layers.Concatenate()([x, other]))\n"
        "return keras.Model([inputs, other], layers.Dense(n, activation='softmax')(x))",
        "the net has 2 inputs",
    ),
    "two outputs": (
        "x = layers.Flatten()(x)\n"
        "return keras.Model(inputs, [layers.Dense(n, activation='softmax')(x), layers.Dense(3)(x)])",
        "the net has 2 outputs",
    ),
    "no softmax": ("return keras.Model(inputs, layers.Dense(n)(layers.Flatten()(x)))", "are no probabilities"),
    "sigmoid": (
        "return keras.Model(inputs, layers.Dense(n, activation='sigmoid')(layers.Flatten()(x)))",
        "are no probabilities",
    ),
    "an output for each row": (END, r"the net gives \(None, 19, 1, 2\), not \(None, classes\)"),
    "batches of one": (
        "x = inputs = keras.Input(shape, batch_size=1)\nx = layers.Flatten()(x)\n" + END, "takes batches of 1 alone"
    ),
    "another input": ("x = inputs = keras.Input((9, 1, 12))\nx = layers.Flatten()(x)\n" + END, "the front end gives"),
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow)
        if name in ("bidirectional", "gru", "simple rnn", "upsampling")
        else name
        for name in REFUSED
    ],
)
def test_what_is_refused_before_there_is_data(name: str, tmp_path: Path) -> None:
    body, message = REFUSED[name]
    with pytest.raises(MltkLikeError, match=message) as caught:
        mltk.train(str(write(tmp_path, body)), workers=0, progress=False)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert not (tmp_path / "runs").exists()


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(write(tmp_path, "pass"))]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"]


# What people ask for, and what the converter makes of it when it sees one window.
FINE = {
    "flatten": ("x = layers.Flatten()(x)\n", ["reshape", "fully_connected", "softmax"]),
    "layer normalization": (
        ROWS + "x = layers.LayerNormalization()(layers.Dense(4)(x))\nx = layers.GlobalAveragePooling1D()(x)\n",
        None,
    ),
    "unrolled LSTM": (ROWS + "x = layers.LSTM(4, unroll=True)(x)\n", None),
    "dilated": (
        "x = layers.Conv2D(4, (3, 1), padding='same', dilation_rate=(2, 1))(x)\n" + MEAN,
        ["conv_2d", "mean", "fully_connected", "softmax"],
    ),
    "dilated depthwise": (
        "x = layers.DepthwiseConv2D((3, 1), padding='same', dilation_rate=(4, 1))(x)\n" + MEAN,
        ["depthwise_conv_2d", "mean", "fully_connected", "softmax"],
    ),
    "attention": (ROWS + "x = layers.MultiHeadAttention(2, 4)(x, x)\nx = layers.GlobalAveragePooling1D()(x)\n", None),
}


@pytest.mark.parametrize(
    "name", [name if name == "dilated" else pytest.param(name, marks=pytest.mark.slow) for name in FINE]
)
def test_what_is_fine_reaches_the_data(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body, opcodes = FINE[name]
    model = mltk.load_model(write(tmp_path, body + END))
    with pytest.raises(AssertionError, match="data was asked for"):
        mltk.train(model, workers=0, progress=False)
    data = build_tflite(model)
    found = [layer.opcode for layer in summarize_tflite(data).layers]
    assert not {"shape", "pack", "space_to_batch_nd", "batch_to_space_nd"} & set(found)
    assert opcodes is None or found == opcodes
    assert run_tflm(data, profile=False, repeat=1).arena_bytes > 0


@pytest.mark.slow
def test_a_net_is_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def noted(model: Any, net: Any) -> bytes:
        made.append(net.name)
        return original(model, net)

    from mltk_like.verbs.shared.building import untrained_tflite as original

    monkeypatch.setattr("mltk_like.verbs.train.check_net.untrained_tflite", noted)
    flat = "x = layers.Flatten()(x)\n"
    for body in (flat, flat, flat + "x = layers.Dense(3)(x)\n", flat):
        with pytest.raises(AssertionError, match="data was asked for"):
            mltk.train(str(write(tmp_path, body + END)), workers=0, progress=False)
    assert len(made) == 2


def test_an_operator_that_differs_on_tflm_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open batch, as TensorFlow's converter has it of a net by itself, and the pages of the converter's users."""
    import tensorflow as tf

    def open_batch(net: Any) -> Any:
        spec = tf.TensorSpec((None, *net.input_shape[1:]), tf.float32)
        serve = tf.function(lambda features: net(features, training=False), input_signature=[spec])
        serve.get_concrete_function()
        return serve

    monkeypatch.setattr("mltk_like.training.convert.inference_of", open_batch)
    body = "x = layers.Conv2D(8, (3, 1), padding='same', dilation_rate=(2, 1))(x)\n" + MEAN + END
    with pytest.raises(ModelError, match=r"first layer that differs is .* \(space_to_batch_nd\)"):
        mltk.train(str(write(tmp_path, body)), workers=0, progress=False)
