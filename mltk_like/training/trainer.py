"""One net in training: the step, the running mean of its weights, its state.

With `domain_confusion` a second, small net looks at what the last layer is given and learns to tell recordings of
unknown speech from synthetic ones, while its gradient, reversed, teaches the net to leave it nothing to tell them by
(Y. Ganin, V. Lempitsky, "Unsupervised Domain Adaptation by Backpropagation", ICML 2015, section 3). Where all keywords
are synthetic and the recordings all unknown, the net would else take a real voice itself for a sign of "not the word".
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.feed.windows import Batch
from mltk_like.mixins import TrainMixin

_EVALUATION_BATCH = 512
_CRITIC_UNITS = 64


class Trainer:
    """A Keras net with optimizer and compiled step.

    Args:
        model: settings of the training.
        net: the uncompiled net.
        class_weights: weight of each class in the loss, float (classes,).
    """

    def __init__(self, model: TrainMixin, net: Any, class_weights: NDArray[np.float32]) -> None:
        import tensorflow as tf

        self.net = net
        self._critic = Critic(net, model.domain_confusion, model.seed) if model.domain_confusion else None
        self.optimizer = make_optimizer(model)
        self.optimizer.build(self._trainable)
        self._momentum = model.average_weights
        # A mean over the first steps would be mostly initial values: it starts as a copy and warms up.
        self._mean = [tf.Variable(v.value, trainable=False) for v in net.weights] if self._momentum else []
        self._step = tf.function(self._make_step(class_weights, model.label_smoothing), reduce_retracing=True)
        self._predict = tf.function(lambda x: net(tf.cast(x, tf.float32), training=False), reduce_retracing=True)

    @property
    def _trainable(self) -> list[Any]:
        return [*self.net.trainable_variables, *(self._critic.variables if self._critic else ())]

    def step(self, batch: Batch, rate: float, number: int) -> tuple[float, float]:
        """One batch. Returns (mean loss, share of right answers)."""
        import tensorflow as tf

        momentum = min(self._momentum, (1 + number) / (10 + number))
        given = (batch.features, batch.labels, batch.origins)
        loss, right = self._step(
            *map(tf.constant, given), tf.constant(rate, tf.float32), tf.constant(momentum, tf.float32)
        )
        return float(loss), float(right)

    def predict(self, features: NDArray[np.int8]) -> NDArray[np.float32]:
        """Probabilities (windows, classes) of the net as it stands."""
        parts = [features[i : i + _EVALUATION_BATCH] for i in range(0, len(features), _EVALUATION_BATCH)]
        return np.concatenate([self._predict(part).numpy() for part in parts])

    def swap_mean(self) -> None:
        """Exchange the net's weights with their running mean; a second call takes it back."""
        for variable, mean in zip(self.net.weights, self._mean, strict=False):
            current = variable.numpy()
            variable.assign(mean.numpy())
            mean.assign(current)

    def state(self) -> dict[str, NDArray[Any]]:
        """Every variable by a name that `restore` finds again."""
        arrays = {f"net/{i}": v.value.numpy() for i, v in enumerate(self.net.variables)}
        arrays |= {f"optimizer/{i}": v.value.numpy() for i, v in enumerate(self.optimizer.variables)}
        arrays |= {f"critic/{i}": v.value.numpy() for i, v in enumerate(self._critic.variables if self._critic else ())}
        return arrays | {f"mean/{i}": v.numpy() for i, v in enumerate(self._mean)}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave. Raises ModelError where the arrays are those of another net or optimizer."""
        groups: tuple[tuple[str, Sequence[Any]], ...] = (
            ("net", self.net.variables),
            ("optimizer", self.optimizer.variables),
            ("critic", self._critic.variables if self._critic else ()),
            ("mean", self._mean),
        )
        pairs = [(arrays.get(f"{group}/{i}"), v) for group, variables in groups for i, v in enumerate(variables)]
        for array, variable in pairs:
            if array is None or array.shape != tuple(variable.shape):
                raise ModelError("the checkpoint is of another net or optimizer", "train again without --resume")
            variable.assign(array)

    def _make_step(self, class_weights: NDArray[np.float32], smoothing: float) -> Any:
        import tensorflow as tf

        net, optimizer, mean, critic = self.net, self.optimizer, self._mean, self._critic
        trainable = self._trainable
        weights = tf.constant(class_weights, tf.float32)
        classes = len(class_weights)

        def step(x: Any, y: Any, origins: Any, rate: Any, momentum: Any) -> tuple[Any, Any]:
            target = tf.one_hot(y, classes) * (1.0 - smoothing) + smoothing / classes
            with tf.GradientTape() as tape:
                if critic is None:
                    p, confusion = net(tf.cast(x, tf.float32), training=True), 0.0
                else:
                    p, seen = critic.both(tf.cast(x, tf.float32), training=True)
                    confusion = critic.loss(seen, origins)
                entropy = -tf.reduce_sum(target * tf.math.log(tf.clip_by_value(p, 1e-7, 1.0)), axis=-1)
                loss = tf.reduce_mean(entropy * tf.gather(weights, y))
                minimised = loss + confusion
            optimizer.learning_rate.assign(rate)
            optimizer.apply(tape.gradient(minimised, trainable), trainable)
            for variable, average in zip(net.weights, mean, strict=False):
                average.assign(average * momentum + variable.value * (1.0 - momentum))
            right = tf.reduce_mean(tf.cast(tf.argmax(p, axis=-1) == y, tf.float32))
            return loss, right

        return step


class Critic:
    """Tells recordings from synthetic speech by what a net's last layer is given, and turns its gradient round.

    Args:
        net: a functional Keras model.
        strength: what its reversed gradient is multiplied by on its way into the net.
        seed: of its weights.

    Attributes:
        both: the net with a second output: what its last layer with weights is given, (batch, numbers).
        variables: its own weights.

    Raises:
        ModelError: the net has one layer only, so that there is nothing before the last.
    """

    def __init__(self, net: Any, strength: float, seed: int) -> None:
        import keras
        import tensorflow as tf

        weighted = [layer for layer in net.layers if layer.weights]
        if len(weighted) < 2:
            raise ModelError("domain_confusion needs a net of more than one layer", "leave it at 0")
        seen = keras.layers.Flatten(name="critic_flatten")(weighted[-1].input)
        self.both = keras.Model(net.inputs, [net.output, seen])
        start = keras.initializers.GlorotUniform(seed=seed)
        self._judge = keras.Sequential(
            [
                keras.layers.Dense(_CRITIC_UNITS, activation="relu", kernel_initializer=start),
                keras.layers.Dense(1, kernel_initializer=start),
            ]
        )
        self._judge.build((None, seen.shape[-1]))
        self.variables = self._judge.trainable_variables

        @tf.custom_gradient
        def reversed_(x: Any) -> Any:
            return tf.identity(x), lambda gradient: -strength * gradient

        self._reversed = reversed_

    def loss(self, seen: Any, origins: Any) -> Any:
        """Cross-entropy of its judgement of the windows of unknown speech; 0 where a batch has none."""
        import tensorflow as tf

        counts = tf.cast(origins >= 0, tf.float32)
        target = tf.cast(origins == 1, tf.float32)
        judged = self._judge(self._reversed(seen))[:, 0]
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=judged)
        return tf.reduce_sum(entropy * counts) / tf.maximum(tf.reduce_sum(counts), 1.0)


def make_optimizer(model: TrainMixin) -> Any:
    """The Keras optimizer that the settings name; the step sets its learning rate."""
    import keras

    if model.optimizer == "sgd":
        return keras.optimizers.SGD(model.learning_rate, momentum=0.9)
    if model.optimizer == "adamw":
        return keras.optimizers.AdamW(model.learning_rate, weight_decay=model.weight_decay, epsilon=1e-8)
    return keras.optimizers.Adam(model.learning_rate, epsilon=1e-8)
