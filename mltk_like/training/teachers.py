"""Several nets that are trained first, on the same windows, and whose common answer the model's net then learns.

Trainings that differ by chance alone fire at different innocent words, and miss different voices; their mean does so
less than any of them, and one net can learn the mean (G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a
Neural Network", arXiv:1503.02531, section 2).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.feed.windows import Batch
from mltk_like.training.heads import Critic
from mltk_like.training.ranking import cross_entropy

TOLD_SHARE = 2 / 3
"""Weight of what teachers on the speech embedding say, where nets on the front end's windows teach as well."""

# What logits are divided by where one net learns from others, and the share of the loss that is the windows' labels.
_TEMPERATURE, _HARD_SHARE = 2.0, 0.2
_TOLD_TEMPERATURE, _TOLD_HARD_SHARE = 3.0, 0.1

_EVALUATION_BATCH = 512
_LEAST = 1e-7


class Teachers:
    """Nets with other initial weights each, and outputs for the companion words beside those for the classes.

    Every second one is kept from telling recordings from synthetic speech, where the model has `domain_confusion`.

    Args:
        model: a model with TrainMixin.
        classes: outputs of the model's own net.
        network: makes one of the nets; None: the model's `teacher_network`.
        weight_decay: of AdamW.
    """

    def __init__(
        self, model: Any, classes: int, *, network: Callable[[], Any] | None = None, weight_decay: float = 0.0
    ) -> None:
        import keras
        import tensorflow as tf

        self._classes = classes
        self._momentum = model.average_weights
        words = classes + len(model.companion_words)
        unknown = model.classes.index("_unknown_") if "_unknown_" in model.classes else classes - 1
        # Companion words are unknown speech to the model's net.
        self._fold = np.zeros((words, classes), np.float32)
        self._fold[np.arange(words), [*range(classes), *[unknown] * (words - classes)]] = 1.0
        self._members = []
        for number in range(model.teachers):
            keras.utils.set_random_seed(model.seed + 1000 + number)
            strength = model.domain_confusion if number % 2 else 0.0
            self._members.append(_Member((network or model.teacher_network)(), words, strength, model.seed + number))
        self._variables = [v for member in self._members for v in member.net.variables]
        self._weights = [v for member in self._members for v in member.net.weights]
        self._trainable = [v for member in self._members for v in member.trainable]
        self._mean = [tf.Variable(v.value, trainable=False) for v in self._weights] if self._momentum else []
        self._critics = [v for member in self._members if member.critic for v in member.critic.variables]
        self._optimizer = keras.optimizers.AdamW(model.learning_rate, weight_decay=weight_decay, epsilon=1e-8)
        self._optimizer.build(self._trainable)
        self._step = tf.function(self._make_step(), reduce_retracing=True)
        self._logits = tf.function(self.logits, reduce_retracing=True)

    def step(self, batch: Batch, rate: float, number: int) -> tuple[float, float]:
        """One batch. Returns (mean loss of the nets, share of right answers of their mean)."""
        import tensorflow as tf

        momentum = min(self._momentum, (1 + number) / (10 + number))
        given = (batch.features, batch.labels, batch.origins, batch.words)
        loss, right = self._step(
            *map(tf.constant, given), tf.constant(rate, tf.float32), tf.constant(momentum, tf.float32)
        )
        return float(loss), float(right)

    def logits(self, x: Any) -> Any:
        """What the nets say on average: mean logarithms of the classes' probabilities, (batch, classes)."""
        import tensorflow as tf

        return self._mean_of([member.net(tf.cast(x, tf.float32), training=False)[0] for member in self._members])

    def predict(self, features: NDArray[np.int8]) -> NDArray[np.float32]:
        """Probabilities (windows, classes) of the nets' mean as they stand."""
        said = np.exp(self.say(features))
        whole: NDArray[np.float32] = said / said.sum(axis=1, keepdims=True)
        return whole

    def say(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """`logits` of any number of windows."""
        parts = [features[i : i + _EVALUATION_BATCH] for i in range(0, len(features), _EVALUATION_BATCH)]
        return np.concatenate([self._logits(part).numpy() for part in parts])

    def figures(self, labels: NDArray[np.int64], scores: NDArray[np.float32]) -> dict[str, float]:
        """Validation loss of probabilities (windows, classes) for windows of the classes `labels`."""
        return {"val_loss": cross_entropy(labels, scores)}

    def swap_mean(self) -> None:
        """Exchange the weights with their running mean; a second call takes it back."""
        for variable, mean in zip(self._weights, self._mean, strict=False):
            current = variable.numpy()
            variable.assign(mean.numpy())
            mean.assign(current)

    def state(self) -> dict[str, NDArray[Any]]:
        """Every variable by a name that `restore` finds again."""
        return {f"{group}/{i}": v.numpy() for group, variables in self._groups() for i, v in enumerate(variables)}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave. Raises ModelError where the arrays are those of other nets."""
        for group, variables in self._groups():
            for i, variable in enumerate(variables):
                array = arrays.get(f"{group}/{i}")
                if array is None or array.shape != tuple(variable.shape):
                    raise ModelError("the checkpoint is of other teachers", "train again without --resume")
                variable.assign(array)

    def _groups(self) -> tuple[tuple[str, Sequence[Any]], ...]:
        return (
            ("net", self._variables),
            ("optimizer", [v.value for v in self._optimizer.variables]),
            ("heads", [v.value for v in self._critics]),
            ("mean", self._mean),
        )

    def _mean_of(self, outputs: Sequence[Any]) -> Any:
        import tensorflow as tf

        folded = [self._folded(output) for output in outputs]
        return tf.add_n([tf.math.log(tf.clip_by_value(p, _LEAST, 1.0)) for p in folded]) / len(folded)

    def _folded(self, output: Any) -> Any:
        """Probabilities of the classes, (batch, classes)."""
        import tensorflow as tf

        return tf.matmul(tf.nn.softmax(output), self._fold)

    def _make_step(self) -> Any:
        import tensorflow as tf

        members, optimizer, trainable = self._members, self._optimizer, self._trainable

        def step(x: Any, y: Any, origins: Any, words: Any, rate: Any, momentum: Any) -> tuple[Any, Any]:
            losses, beside, outputs = [], [], []
            with tf.GradientTape() as tape:
                for member in members:
                    output, seen = member.net(tf.cast(x, tf.float32), training=True)
                    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=words, logits=output)
                    losses.append(tf.reduce_mean(entropy))
                    beside += [member.critic.loss(seen, origins)] if member.critic else []
                    outputs.append(output)
                minimised = tf.add_n([*losses, *beside])
            optimizer.learning_rate.assign(rate)
            optimizer.apply(tape.gradient(minimised, trainable), trainable)
            for variable, average in zip(self._weights, self._mean, strict=False):
                average.assign(average * momentum + variable.value * (1.0 - momentum))
            right = tf.reduce_mean(tf.cast(tf.argmax(self._mean_of(outputs), axis=-1) == y, tf.float32))
            return tf.add_n(losses) / len(losses), right

        return step


class _Member:
    """One net: the model's, with its last layer replaced by one for classes and companion words."""

    def __init__(self, net: Any, words: int, strength: float, seed: int) -> None:
        import keras

        weighted = [layer for layer in net.layers if layer.weights]
        if len(weighted) < 2:
            raise ModelError("teachers need a net of more than one layer", "leave teachers at 0")
        seen = keras.layers.Flatten(name="teacher_flatten")(weighted[-1].input)
        output = keras.layers.Dense(words, name="teacher_words")(seen)
        self.net = keras.Model(net.input, [output, seen])
        self.critic = Critic(int(seen.shape[-1]), strength, seed) if strength else None
        self.trainable = [*self.net.trainable_variables, *(self.critic.variables if self.critic else ())]


def told_of(batch: Batch) -> Any:
    """What a batch is told, as a tensor (batch, classes + numbers); None where it is told nothing."""
    import tensorflow as tf

    return tf.constant(batch.told) if len(batch.told) else None


def taught(losses: Any, p: Any, y: Any, said: Any, told: Any) -> Any:
    """Each window's loss with most of it the distance to what teachers say; (batch,).

    That distance is the cross-entropy of both, softened, times the temperature squared, which keeps its gradient as
    large as that of the labels (arXiv:1503.02531, section 2.1). Where nets that heard the same windows are wrong, the
    label alone counts. What is told by teachers who hear the words before noise drowns them counts everywhere.

    Args:
        losses: what the labels cost, (batch,).
        p: probabilities of the net that learns, (batch, classes).
        y: labels, (batch,).
        said: logits of nets on the same windows, (batch, classes), or None.
        told: logits of teachers on the speech embedding, (batch, classes), or None.
    """
    import tensorflow as tf

    if said is None and told is None:
        return losses
    if told is None:
        right = tf.argmax(said, axis=-1) == y
        return tf.where(right, _mixed(losses, p, said, _TEMPERATURE, _HARD_SHARE), losses)
    logits = told if said is None else TOLD_SHARE * told + (1 - TOLD_SHARE) * said
    return _mixed(losses, p, logits, _TOLD_TEMPERATURE, _TOLD_HARD_SHARE)


def _mixed(losses: Any, p: Any, logits: Any, temperature: float, hard_share: float) -> Any:
    import tensorflow as tf

    own = tf.math.log(tf.clip_by_value(p, _LEAST, 1.0)) / temperature
    softened = tf.nn.softmax(logits / temperature)
    distance = temperature**2 * tf.nn.softmax_cross_entropy_with_logits(labels=softened, logits=own)
    return hard_share * losses + (1 - hard_share) * distance
