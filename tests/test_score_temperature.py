"""Scores that are softened once a net is trained: the order stays, and a fine-tuning begins with what was trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mltk_like as mltk
from mltk_like.errors import SettingError
from mltk_like.low_bit.settings import LowBit
from mltk_like.quiet import import_tensorflow
from mltk_like.run import Run
from mltk_like.training.score_temperature import divide_logits
from mltk_like.verbs.train.checks import check_model
from mltk_like.verbs.train.fine_tuning import Start, undo_softening

SHAPE = (6, 1, 4)


class Settings(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin):
    classes = ("word", "_unknown_")


def net_of(end: str) -> Any:
    import_tensorflow()
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(8, (3, 1), activation="relu")(layers.Rescaling(0.05)(inputs))
    if end == "dense":
        x = layers.Dense(3, activation="softmax", bias_initializer="random_normal")(layers.Flatten()(x))
    elif end == "convolution":
        x = layers.Softmax()(layers.Flatten()(layers.AveragePooling2D((4, 1))(layers.Conv2D(3, 1)(x))))
    else:
        x = layers.Softmax()(layers.BatchNormalization()(layers.Dense(3)(layers.Flatten()(x))))
    return keras.Model(inputs, x)


def scores_of(net: Any) -> Any:
    windows = np.random.default_rng(1).integers(-100, 100, (32, *SHAPE)).astype(np.float32)
    return net(windows, training=False).numpy().astype(np.float64)


@pytest.mark.parametrize("end", ["dense", "convolution"])
def test_logits_are_divided(end: str) -> None:
    net = net_of(end)
    before = scores_of(net)
    divide_logits(net, 3.0)
    after = scores_of(net)
    powers = before ** (1 / 3)
    assert np.abs(after - powers / powers.sum(axis=1, keepdims=True)).max() < 1e-5
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
    assert np.abs(after - before).max() > 0.05


def test_a_net_that_ends_otherwise_is_refused_and_left_alone() -> None:
    net = net_of("normalised")
    before = scores_of(net)
    with pytest.raises(SettingError, match="score_temperature cannot divide what the last layer 'batch_norm"):
        divide_logits(net, 3.0)
    assert (scores_of(net) == before).all()
    divide_logits(net, 1.0)


def test_few_bits_and_a_temperature() -> None:
    check_model(Settings().with_settings(score_temperature=3.0))
    with pytest.raises(SettingError, match="score_temperature"):
        check_model(Settings().with_settings(score_temperature=3.0, low_bit=LowBit()))
    with pytest.raises(SettingError, match="score_temperature"):
        Settings().with_settings(score_temperature=0.0)


class Source:
    """What a fine-tuning asks of the run that it starts from, for its notes."""

    path = Path("earlier.mltk.zip")


def run_in(folder: Path) -> Run:
    folder.mkdir(parents=True)
    (folder / "state.json").write_text('{"name": "toy", "stages": {}, "problems": []}', encoding="utf-8")
    return Run(folder)


def test_a_fine_tuning_begins_with_the_logits_that_were_trained(tmp_path: Path) -> None:
    net = net_of("dense")
    before = scores_of(net)
    divide_logits(net, 3.0)
    artifact: Any = Source()
    run = run_in(tmp_path / "toy" / "1")
    Start(artifact=artifact, model=None, weights=b"", softened=3.0).begin(run)
    undo_softening(run, net)
    assert np.abs(scores_of(net) - before).max() < 1e-5
    # A run that started from nothing has nothing to undo.
    undo_softening(run_in(tmp_path / "toy" / "2"), net)
    assert np.abs(scores_of(net) - before).max() < 1e-5
