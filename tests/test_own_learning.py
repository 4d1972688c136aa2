"""What a model brings of its own: layers, losses, metrics, optimizers, callbacks; and a net that learns nothing."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from toys import arrays

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.errors import ModelError, SettingError
from mltk_like.training.chance import at_chance, balanced_accuracy
from mltk_like.training.learning import check_learning, make_callbacks, make_loss, make_metrics, make_optimizer, measure
from mltk_like.training.ranking import Rank, rank_of
from mltk_like.training.schedule import make_schedule
from mltk_like.verbs.train.checks import check_model

pytest_plugins = ("toy_fixtures",)
pytestmark = toys.TENSORFLOW_WARNINGS
QUICK: dict[str, Any] = {"workers": 0, "progress": False, "evaluate": False}

OWN = '''
import keras as _keras


class _Scaled(_keras.layers.Layer):
    """A layer with an argument of its own and no get_config."""

    def __init__(self, factor):
        super().__init__(name="scaled")
        self.factor = factor

    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), initializer="ones", name="gain")

    def call(self, x):
        return x * self.gain * self.factor(2.0)


class _Counts(_keras.callbacks.Callback):
    """Remembers a number, logs a figure, and lowers the learning rate by itself."""

    def on_train_begin(self, logs=None):
        self.seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        assert {"loss", "accuracy"} <= set(logs)

    def on_epoch_end(self, epoch, logs=None):
        logs["val_seen"] = self.seen
        if epoch == 1:
            self.model.optimizer.learning_rate = 0.002
        if epoch == 3:
            self.model.stop_training = True


def _squared(y_true, y_pred):
    return _keras.ops.mean(_keras.ops.square(y_true - y_pred), axis=-1)
'''

SETTINGS = """
epochs = 9
steps_per_epoch = 4
average_weights = 0.5
learning_rate = 0.004
loss = _squared
metrics = ["AUC", _squared]
rank_by = "val__squared_loss"

def optimizer(self):
    return _keras.optimizers.Nadam(0.5, clipnorm=1.0)
"""


def own_toy(folder: Path) -> Path:
    """A toy with everything of its own."""
    path = toys.write_toy(
        folder, settings=SETTINGS.strip().replace("val__squared_loss", "min:val__squared"), imports=OWN
    )
    text = path.read_text()
    first, _, rest = text.partition("    def lr_schedule(epoch):\n        return 0.01 / (1 + epoch)\n\n")
    text = first + rest
    text = text.replace(
        'return [Stop()] if any(name in os.environ for name in ("TOY_SLOW_FROM", "TOY_INTERRUPT_AT")) else []',
        "return [Stop(), _Counts()]",
    )
    text = text.replace(
        "        x = layers.AveragePooling2D",
        "        x = _Scaled(lambda value: value / 2)(x)\n        x = layers.AveragePooling2D",
    )
    path.write_text(text)
    return path


@pytest.mark.slow
def test_a_net_with_a_layer_that_keras_cannot_describe(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    path = own_toy(tmp_path / "models")
    result = mltk.train(str(path), **QUICK)
    history = result.history
    # Ended by the callback; ranked by the function; a rate set by a callback holds, for the schedule stays the same.
    assert len(history["loss"]) == 4
    assert {"val_auc", "val__squared", "val_seen"} <= set(history)
    assert history["val_seen"] == [4, 8, 12, 16]
    assert result.best_epoch == 1 + int(np.argmin(history["val__squared"]))
    assert history["val_loss"] == pytest.approx(history["val__squared"], rel=1e-4)
    assert history["learning_rate"] == pytest.approx([0.004, 0.004, 0.002, 0.002])
    folder = result.folder
    assert (folder / "toy.tflite").is_file()
    logs = [file.parent.name for file in (folder / "train" / "tensorboard").rglob("events.out.tfevents.*")]
    assert sorted(set(logs)) == ["train", "validation"]
    with zipfile.ZipFile(result.archive) as archive:
        assert not [name for name in archive.namelist() if "tfevents" in name]
    # In a new process, from the folder, from the archive beside the file, and resumed to the same end.
    for spec in (str(folder), str(result.published)):
        done = subprocess.run(
            [sys.executable, "-m", "mltk_like", "summarize", spec], capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        assert "scaled" in done.stdout
    whole = arrays(folder / "train" / "checkpoint.npz")
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "broken"))
    monkeypatch.setenv("TOY_INTERRUPT_AT", "2")
    with pytest.raises(KeyboardInterrupt):
        mltk.train(str(path), **QUICK)
    monkeypatch.delenv("TOY_INTERRUPT_AT")
    resumed = mltk.train(str(path), **QUICK, resume=True)
    assert resumed.history["val_seen"] == history["val_seen"]
    assert resumed.history["learning_rate"] == history["learning_rate"]
    again = arrays(resumed.folder / "train" / "checkpoint.npz")
    assert again.keys() == whole.keys()
    for name in whole.keys() - {"__meta__"}:
        np.testing.assert_allclose(again[name], whole[name], rtol=1e-3, atol=1e-4, err_msg=name)
    # Without the model's file there is nothing to read it with: what lies in an archive is never executed.
    published = result.published
    assert published is not None
    path.unlink()
    with pytest.raises(ModelError, match=r"cannot read the net toy\.keras"):
        mltk.summarize(str(published))


@pytest.mark.slow
def test_a_net_that_learns_nothing_is_not_shipped_in_silence(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.write_text(toy.read_text().replace("return 0.01 / (1 + epoch)", "return 1e-12 * (epoch + 1)"))
    text = toy.read_text().replace(
        'layers.Dense(self.n_classes, activation="softmax",',
        'layers.Dense(\n            self.n_classes, activation="softmax", kernel_initializer="zeros",',
    )
    toy.write_text(text)
    assert main(["train", str(toy), "--workers", "0", "--no-evaluate"]) == 1
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert lines[-2].startswith("NO BETTER THAN CHANCE: THIS NET NEVER TOLD ITS 2 CLASSES APART")
    assert lines[-1].startswith("hint: ")
    folder = Path(os.environ["MLTK_LIKE_RUNS"]) / "toy" / "1"
    assert "CHANCE" in json.loads((folder / "state.json").read_text())["chance"]
    assert (folder / "toy.mltk.zip").is_file()
    assert not (toy.parent / "toy.mltk.zip").exists()
    assert "NO BETTER THAN CHANCE" in mltk.report(folder, output=tmp_path / "report").page.read_text()


def test_chance() -> None:
    labels = np.repeat([0, 1, 2, 3], 25)
    detected = np.array([True, True, True, False])
    always = np.tile(np.array([0.1, 0.2, 0.3, 0.4], np.float32), (100, 1))
    assert balanced_accuracy(always, labels) == 0.25
    assert at_chance({"val_balanced_accuracy": [0.25, 0.26], "val_misses": [1.0, 0.99]}, labels, detected)
    assert not at_chance({"val_balanced_accuracy": [0.25, 0.9], "val_misses": [1.0, 0.99]}, labels, detected)
    # Everything called unknown, and yet half of the keywords are told from the rest.
    assert not at_chance({"val_balanced_accuracy": [0.25], "val_misses": [0.5]}, labels, detected)
    # Classes that are all detected: their misses are wrong answers.
    assert at_chance({"val_balanced_accuracy": [0.25], "val_misses": [0.75]}, labels, np.full(4, True))
    assert not at_chance({"val_accuracy": [0.25]}, labels, detected)
    assert not at_chance({"val_balanced_accuracy": [1.0]}, np.zeros(9, np.int64), detected)


def test_ranks() -> None:
    figures = {"val_accuracy": 0.75, "val_loss": 0.5, "val_kappa": float("nan")}
    assert rank_of("accuracy", stream=False).score(figures) == 0.25
    assert rank_of("streams", stream=True) == Rank(figure="val_stream_misses")
    assert rank_of("misses", stream=False) == rank_of("streams", stream=False) == Rank(figure="val_misses")
    assert rank_of("last", stream=True) == Rank(figure="val_misses", last=True)
    assert rank_of("max:val_kappa", stream=True).score(figures) == float("inf")
    with pytest.raises(SettingError, match="no figure 'val_f1' is logged"):
        rank_of("val_f1", stream=False).score(figures)


class Learns(mltk.Model, mltk.TrainMixin):
    classes = ("a", "b", "_unknown_")


class Hears(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin):
    classes = ("a", "_unknown_")


def test_the_last_checkpoint_and_an_early_end() -> None:
    last = Hears().with_settings(rank_by="last")
    check_learning(last, 2)
    check_model(last)
    with pytest.raises(SettingError, match="early_stopping_epochs waits for a better checkpoint"):
        check_model(last.with_settings(early_stopping_epochs=3))


def test_losses_and_metrics_of_keras() -> None:
    y = np.array([0, 2], np.int64)
    target = np.eye(3, dtype=np.float32)[y]
    p = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]], np.float32)
    expected = -np.log(np.array([0.5, 0.7]))
    for setting in ("categorical_crossentropy", "CategoricalCrossentropy", "sparse_categorical_crossentropy"):
        losses = make_loss(Learns().with_settings(loss=setting))
        assert losses is not None
        assert np.allclose(losses(y, target, p), expected, rtol=1e-5)
    assert make_loss(Learns()) is None
    found = make_metrics(Learns().with_settings(metrics=["accuracy", "sparse_categorical_accuracy", "Precision"]))
    figures = measure(found, y, p)
    assert figures == {"val_sparse_categorical_accuracy": 1.0, "val_precision": 1.0}
    assert measure(found, np.array([1, 2]), p)["val_sparse_categorical_accuracy"] == 0.5


def test_losses_and_metrics_that_are_tried_and_fine() -> None:
    import keras

    for loss in ("sparse_categorical_crossentropy", "CategoricalHinge", lambda y, p: keras.ops.mean((y - p) ** 2)):
        check_learning(Learns().with_settings(loss=loss, metrics=["AUC", "F1Score", lambda y, p: p[:, 0]]), 3)


def test_one_callback_alone_is_taken_as_by_keras() -> None:
    import keras

    class One(Learns):
        def callbacks(self) -> Any:
            return keras.callbacks.TerminateOnNaN()

    assert [type(callback).__name__ for callback in make_callbacks(One())] == ["TerminateOnNaN"]


def test_optimizers_of_keras_and_their_rates() -> None:
    import keras

    assert type(make_optimizer(Learns().with_settings(optimizer="Lion"))).__name__ == "Lion"
    own = keras.optimizers.SGD(0.25, momentum=0.5)
    model = Learns().with_settings(optimizer=own)
    made = make_optimizer(model)
    assert made is not own
    assert (type(made), made.momentum) == (keras.optimizers.SGD, 0.5)
    assert make_schedule(model, 10).rate(3) == 0.25
    assert make_schedule(model.with_settings(learning_rate=0.125), 10).rate(3) == 0.125
    decay = keras.optimizers.schedules.ExponentialDecay(0.5, decay_steps=1, decay_rate=0.5)
    slower = model.with_settings(optimizer=lambda: keras.optimizers.Adam(decay))
    assert [make_schedule(slower, 10).rate(step) for step in (0, 1, 2)] == pytest.approx([0.5, 0.25, 0.125])
    make_optimizer(slower).learning_rate.assign(0.75)
