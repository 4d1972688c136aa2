"""One net in training: the step, the running mean of its weights, its state."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.feed.windows import Batch
from mltk_like.mixins import TrainMixin
from mltk_like.training.heads import Heads
from mltk_like.training.learning import make_loss, make_metrics, make_optimizer, measure
from mltk_like.training.ranking import cross_entropy
from mltk_like.training.teachers import Teachers, taught, told_of

_EVALUATION_BATCH = 512


class Trainer:
    """A Keras net with optimizer and compiled step.

    Args:
        model: settings of the training.
        net: the uncompiled net.
        class_weights: weight of each class in the loss, float (classes,).
        teachers: nets to learn from, in place of most of what the labels say.
        told: batches say what other teachers hold of them, see `Batch.told`.
    """

    def __init__(
        self,
        model: TrainMixin,
        net: Any,
        class_weights: NDArray[np.float32],
        teachers: Teachers | None = None,
        *,
        told: bool = False,
    ) -> None:
        import tensorflow as tf

        self.net = net
        self._teachers = teachers
        has_teachers = told or teachers is not None
        extra = model.domain_confusion or (model.companion_words and not has_teachers)
        extra = extra or (told and model.embedding_features)
        self._heads = Heads(model, net, len(class_weights), taught=has_teachers, told=told) if extra else None
        self.optimizer = make_optimizer(model)
        self._losses, self._metrics = make_loss(model), make_metrics(model)
        self.optimizer.build(self._trainable)
        self._momentum = model.average_weights
        # A mean over the first steps would be mostly initial values: it starts as a copy and warms up.
        self._mean = [tf.Variable(v.value, trainable=False) for v in net.weights] if self._momentum else []
        self._step = tf.function(self._make_step(class_weights, model.label_smoothing), reduce_retracing=True)
        self._predict = tf.function(lambda x: net(tf.cast(x, tf.float32), training=False), reduce_retracing=True)

    @property
    def _trainable(self) -> list[Any]:
        return [*self.net.trainable_variables, *(self._heads.variables if self._heads else ())]

    def step(self, batch: Batch, rate: float, number: int) -> tuple[float, float]:
        """One batch. Returns (mean loss, share of right answers)."""
        import tensorflow as tf

        momentum = min(self._momentum, (1 + number) / (10 + number))
        given = (batch.features, batch.labels, batch.origins, batch.words)
        loss, right = self._step(
            *map(tf.constant, given), tf.constant(rate, tf.float32), tf.constant(momentum, tf.float32), told_of(batch)
        )
        return float(loss), float(right)

    def predict(self, features: NDArray[np.int8]) -> NDArray[np.float32]:
        """Probabilities (windows, classes) of the net as it stands."""
        parts = [features[i : i + _EVALUATION_BATCH] for i in range(0, len(features), _EVALUATION_BATCH)]
        return np.concatenate([self._predict(part).numpy() for part in parts])

    def figures(self, labels: NDArray[np.int64], scores: NDArray[np.float32]) -> dict[str, float]:
        """Validation loss and metrics of probabilities (windows, classes) for windows of the classes `labels`."""
        if self._losses is None:
            return {"val_loss": cross_entropy(labels, scores), **measure(self._metrics, labels, scores)}
        targets = np.eye(scores.shape[1], dtype=np.float32)[labels]
        losses = self._losses(labels, targets, scores)
        return {"val_loss": float(np.mean(losses)), **measure(self._metrics, labels, scores)}

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
        arrays |= {f"heads/{i}": v.value.numpy() for i, v in enumerate(self._heads.variables if self._heads else ())}
        return arrays | {f"mean/{i}": v.numpy() for i, v in enumerate(self._mean)}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave. Raises ModelError where the arrays are those of another net or optimizer."""
        groups: tuple[tuple[str, Sequence[Any]], ...] = (
            ("net", self.net.variables),
            ("optimizer", self.optimizer.variables),
            ("heads", self._heads.variables if self._heads else ()),
            ("mean", self._mean),
        )
        pairs = [(arrays.get(f"{group}/{i}"), v) for group, variables in groups for i, v in enumerate(variables)]
        for array, variable in pairs:
            if array is None or array.shape != tuple(variable.shape):
                raise ModelError("the checkpoint is of another net or optimizer", "train again without --resume")
            variable.assign(array)

    def _make_step(self, class_weights: NDArray[np.float32], smoothing: float) -> Any:
        import tensorflow as tf

        net, optimizer, mean, heads = self.net, self.optimizer, self._mean, self._heads
        trainable, teachers = self._trainable, self._teachers
        weights = tf.constant(class_weights, tf.float32)
        classes, own_losses = len(class_weights), self._losses

        def step(x: Any, y: Any, origins: Any, words: Any, rate: Any, momentum: Any, told: Any) -> tuple[Any, Any]:
            target = tf.one_hot(y, classes) * (1.0 - smoothing) + smoothing / classes
            said, heard = (None, None) if told is None else (told[:, :classes], told[:, classes:])
            with tf.GradientTape() as tape:
                if heads is None:
                    p, beside = net(tf.cast(x, tf.float32), training=True), 0.0
                else:
                    p, seen = heads.both(tf.cast(x, tf.float32), training=True)
                    beside = heads.loss(seen, origins, words, heard)
                if own_losses is None:
                    losses = -tf.reduce_sum(target * tf.math.log(tf.clip_by_value(p, 1e-7, 1.0)), axis=-1)
                else:
                    losses = own_losses(y, target, p)
                losses = losses * tf.gather(weights, y)
                losses = taught(losses, p, y, None if teachers is None else teachers.logits(x), said)
                loss = tf.reduce_mean(losses)
                minimised = loss + beside
            optimizer.learning_rate.assign(rate)
            optimizer.apply(tape.gradient(minimised, trainable), trainable)
            for variable, average in zip(net.weights, mean, strict=False):
                average.assign(average * momentum + variable.value * (1.0 - momentum))
            right = tf.reduce_mean(tf.cast(tf.argmax(p, axis=-1) == y, tf.float32))
            return loss, right

        return step
