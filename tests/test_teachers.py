"""Nets that are trained first, and what the model's net learns from them."""

from typing import Any

import numpy as np
import pytest

import mltk_like as mltk
from mltk_like.errors import ModelError
from mltk_like.feed.windows import Batch
from mltk_like.quiet import import_tensorflow

SHAPE = (6, 1, 4)
STEPS = 120


def small() -> Any:
    import_tensorflow()
    import keras
    from keras import layers

    inputs = keras.Input(SHAPE)
    x = layers.Dense(8, activation="relu", name="hidden")(layers.Flatten()(inputs))
    return keras.Model(inputs, layers.Dense(2, activation="softmax", name="head")(x))


class Settings(mltk.Model, mltk.TrainMixin):
    classes = ("word", "_unknown_")
    companion_words = ("cat",)
    domain_confusion = 0.2
    teachers = 3
    average_weights = 0.9

    def network(self) -> Any:
        return small()


def windows(seed: int, count: int = 64) -> Batch:
    """The word shows in band 0, the companion word in band 1."""
    rng = np.random.default_rng(seed)
    words = rng.integers(3, size=count)
    x = rng.integers(-30, 30, (count, *SHAPE))
    x[..., 0] += np.where(words == 0, 40, 0)[:, None, None]
    x[..., 1] += np.where(words == 2, 40, 0)[:, None, None]
    return Batch(
        features=x.clip(-128, 127).astype(np.int8),
        labels=np.minimum(words, 1),
        words=words,
        origins=np.where(words == 1, rng.integers(2, size=count), -1),
    )


@pytest.fixture(scope="module")
def taught() -> Any:
    import_tensorflow()
    from mltk_like.training.teachers import Teachers

    teachers = Teachers(Settings(), 2)
    for number in range(STEPS):
        teachers.step(windows(number), 0.01, number)
    return teachers


def test_teachers_answer_for_the_classes_and_hold_companion_words_for_unknown(taught: Any) -> None:
    held = windows(9999, 300)
    p = taught.predict(held.features)
    assert p.shape == (300, 2)
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (p.argmax(axis=1) == held.labels).mean() > 0.95


def test_their_state_is_whole(taught: Any) -> None:
    from mltk_like.training.teachers import Teachers

    held = windows(5, 50).features
    other = Teachers(Settings(), 2)
    assert np.abs(other.predict(held) - taught.predict(held)).max() > 0.05
    other.restore(taught.state())
    assert np.allclose(other.predict(held), taught.predict(held), atol=1e-6)
    taught.swap_mean()
    swapped = taught.predict(held)
    taught.swap_mean()
    assert not np.allclose(swapped, other.predict(held), atol=1e-6)
    with pytest.raises(ModelError, match="other teachers"):
        other.restore({})


def test_a_net_learns_what_they_say_and_not_what_they_are_wrong_about(taught: Any) -> None:
    """All labels of the batches are wrong but for windows in which the teachers agree with them."""
    from mltk_like.training.trainer import Trainer

    class Plain(mltk.TrainMixin):
        pass

    net = small()
    trainer = Trainer(Plain(), net, np.ones(2, np.float32), taught)
    for number in range(STEPS):
        trainer.step(windows(1000 + number), 0.01, number)
    held = windows(7777, 400)
    soft, own = taught.predict(held.features), net(held.features.astype(np.float32)).numpy()
    assert (own.argmax(axis=1) == held.labels).mean() > 0.95
    sure = np.abs(soft[:, 0] - 0.5) > 0.4
    assert np.abs(soft - own)[sure].mean() < 0.1


def test_where_teachers_are_wrong_the_label_counts() -> None:
    import_tensorflow()
    import tensorflow as tf

    from mltk_like.training.teachers import taught

    losses, p = tf.constant([3.0, 3.0]), tf.constant([[0.9, 0.1], [0.9, 0.1]])
    says_word = tf.constant([[2.0, -2.0], [2.0, -2.0]])
    mixed = taught(losses, p, tf.constant([1, 0], tf.int64), says_word, None).numpy()
    assert mixed[0] == 3.0
    assert mixed[1] != 3.0
