"""Outputs that a net has in training alone: recordings are not told from synthetic speech, companion words are."""

from typing import Any

import numpy as np
import pytest

import mltk_like as mltk
from mltk_like.errors import ModelError
from mltk_like.feed.windows import Batch, Origin
from mltk_like.quiet import import_tensorflow

SHAPE = (6, 1, 4)
STEPS = 400


def small() -> Any:
    import_tensorflow()
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    inputs = keras.Input(SHAPE)
    x = layers.Dense(8, activation="relu", name="hidden")(layers.Flatten()(inputs))
    return keras.Model(inputs, layers.Dense(2, activation="softmax", name="head")(x))


def windows(seed: int, count: int = 64) -> Batch:
    """Band 0 tells the word, band 1 tells a recording; all words are synthetic."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    recorded = (labels == 1) & (rng.random(count) < 0.5)
    x = rng.integers(-8, 8, (count, *SHAPE))
    x[..., 0] += np.where(labels == 0, 30, -30)[:, None, None] + rng.integers(-35, 35, (count, 1, 1))
    x[..., 1] += np.where(recorded, 60, -60)[:, None, None]
    origins = np.where(labels == 0, Origin.OTHER, np.where(recorded, Origin.RECORDED, Origin.SYNTHETIC))
    return Batch(features=x.clip(-128, 127).astype(np.int8), labels=labels, origins=origins.astype(np.int64))


def recorded_words(net: Any) -> float:
    """Mean score of words said by people, which the training never had."""
    batch = windows(99, 400)
    x = batch.features[batch.labels == 0].astype(np.float32)
    x[..., 1] += 120
    return float(net(x).numpy()[:, 0].mean())


def trained(strength: float) -> tuple[Any, Any]:
    from mltk_like.training.trainer import Trainer

    class Settings(mltk.TrainMixin):
        domain_confusion = strength

    trainer = Trainer(Settings(), small(), np.ones(2, np.float32))
    for number in range(STEPS):
        trainer.step(windows(number), 0.003, number)
    return trainer, trainer.net


@pytest.mark.slow
def test_words_of_people_are_heard_though_all_words_in_training_were_synthetic() -> None:
    _, plain = trained(0.0)
    _, confused = trained(0.3)
    assert recorded_words(plain) < 0.1, "without it a recording is no word"
    assert recorded_words(confused) > 0.4


@pytest.mark.slow
def test_the_critic_is_no_part_of_the_net_but_of_the_state() -> None:
    trainer, net = trained(0.5)
    assert len(net.layers) == len(small().layers)
    state = trainer.state()
    assert {name.split("/")[0] for name in state} == {"net", "optimizer", "heads"}
    again, _ = trained(0.5)
    state["heads/0"] = state["heads/0"] * 0
    again.restore(state)
    assert not again.state()["heads/0"].any()


def test_a_batch_without_unknown_speech_teaches_the_critic_nothing() -> None:
    import_tensorflow()
    import tensorflow as tf

    from mltk_like.training.heads import Critic

    critic = Critic(8, 1.0, seed=0)
    seen = tf.ones((4, 8))
    assert float(critic.loss(seen, tf.constant([-1, -1, -1, -1], tf.int64))) == 0.0
    assert float(critic.loss(seen, tf.constant([-1, 1, 0, -1], tf.int64))) > 0.1


def test_companion_words_are_told_apart_by_what_the_last_layer_is_given() -> None:
    """Three unknown words that the net's own output need not tell apart."""
    from mltk_like.training.trainer import Trainer

    class Settings(mltk.TrainMixin):
        companion_words = ("cat", "bed", "happy")

    def batch(seed: int) -> Batch:
        rng = np.random.default_rng(seed)
        words = rng.integers(5, size=64)  # 0: the keyword, 1: other speech, 2 to 4: companions
        x = rng.integers(-20, 20, (64, *SHAPE))
        x[np.arange(64), words] += 60
        return Batch(features=x.astype(np.int8), labels=np.minimum(words, 1), words=words, origins=np.full(64, -1))

    import_tensorflow()
    trainer = Trainer(Settings(), small(), np.ones(2, np.float32))
    for number in range(STEPS):
        trainer.step(batch(number), 0.003, number)
    held = batch(10_000)
    _, seen = trainer._heads.both(held.features.astype(np.float32))
    centres = np.stack([seen.numpy()[held.words == word].mean(axis=0) for word in range(5)])
    nearest = ((seen.numpy()[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == held.words).mean() > 0.9
    assert trainer.net.output_shape == (None, 2)


def test_a_net_of_one_layer_is_refused() -> None:
    import_tensorflow()
    import keras
    from keras import layers

    from mltk_like.training.heads import Heads

    class Settings(mltk.TrainMixin):
        domain_confusion = 0.3

    inputs = keras.Input(SHAPE)
    net = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Flatten()(inputs)))
    with pytest.raises(ModelError, match="more than one layer"):
        Heads(Settings(), net, 2)
