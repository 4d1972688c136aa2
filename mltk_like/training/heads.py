"""Further outputs that a net has in training alone: they shape what its last layer is given, and are not exported.

`Critic` (`domain_confusion`) learns to tell recordings of unknown speech from synthetic ones, while its gradient,
reversed, teaches the net to leave it nothing to tell them by (Y. Ganin, V. Lempitsky, "Unsupervised Domain Adaptation
by Backpropagation", ICML 2015, section 3). Where all keywords are synthetic and all recordings unknown, the net would
else take a real voice itself for a sign of "not the word".

`Companions` (`companion_words`) learn to tell words from each other of which there are recordings as well as synthetic
speech. What tells a word whoever says it is learned on these, and a keyword of which there is no recording shares it
(J. Lin and others, "Training Keyword Spotters with Limited and Synthesized Speech Data", arXiv:2002.01322).

`Hearing` (`embedding_features`) learns what a speech embedding hears in the window, whoever speaks and whatever is
said (hints of a larger net: A. Romero and others, "FitNets", arXiv:1412.6550, section 2.2). Answers of teachers say of
almost every window "not the word"; what the embedding hears tells the net how people's speech differs.
"""

from typing import Any

from mltk_like.errors import ModelError
from mltk_like.mixins import TrainMixin

_CRITIC_UNITS = 64
_COMPANION_SHARE = 0.5
HEARD_NUMBERS = 64
"""Of what the embedding hears in a window the net learns so many principal components."""


class Heads:
    """The further outputs that a model's settings ask for.

    Args:
        model: settings `domain_confusion`, `companion_words` and `seed`.
        net: a functional Keras model.
        classes: outputs of the net.
        taught: the net learns from teachers, which know the companion words.
        told: batches say what the speech embedding hears, where `embedding_features` asks for it.

    Attributes:
        both: the net with a second output: what its last layer with weights is given, (batch, numbers).
        variables: the heads' own weights.

    Raises:
        ModelError: the net has one layer only, so that there is nothing before the last.
    """

    def __init__(self, model: TrainMixin, net: Any, classes: int, *, taught: bool = False, told: bool = False) -> None:
        import keras

        weighted = [layer for layer in net.layers if layer.weights]
        if len(weighted) < 2:
            hint = "leave domain_confusion and embedding_features at 0 and companion_words empty"
            raise ModelError("further outputs in training need a net of more than one layer", hint)
        seen = keras.layers.Flatten(name="heads_flatten")(weighted[-1].input)
        self.both = keras.Model(net.input, [net.output, seen])
        width = int(seen.shape[-1])
        self._critic = Critic(width, model.domain_confusion, model.seed) if model.domain_confusion else None
        words = 0 if taught else len(model.companion_words)
        self._companions = Companions(width, classes + words, model.seed) if words else None
        hears = told and model.embedding_features
        self._hearing = Hearing(width, model.embedding_features, model.seed) if hears else None
        heads = (self._critic, self._companions, self._hearing)
        self.variables = [v for head in heads if head for v in head.variables]

    def loss(self, seen: Any, origins: Any, words: Any, heard: Any = None) -> Any:
        """What is to be minimised beside the net's own loss; `heard` (batch, numbers): what `Hearing` learns."""
        critic = self._critic.loss(seen, origins) if self._critic else 0.0
        companions = self._companions.loss(seen, words) if self._companions else 0.0
        hearing = self._hearing.loss(seen, heard) if self._hearing else 0.0
        return critic + companions + hearing


class Critic:
    """Tells recordings from synthetic speech, and turns its gradient round on its way into the net.

    Args:
        width: numbers that it is given of a window.
        strength: what the reversed gradient is multiplied by.
        seed: of its weights.
    """

    def __init__(self, width: int, strength: float, seed: int) -> None:
        import keras
        import tensorflow as tf

        start = keras.initializers.GlorotUniform(seed=seed)
        hidden = keras.layers.Dense(_CRITIC_UNITS, activation="relu", kernel_initializer=start)
        self._judge = keras.Sequential([hidden, keras.layers.Dense(1, kernel_initializer=start)])
        self._judge.build((None, width))
        self.variables = self._judge.trainable_variables

        self._reversed = tf.custom_gradient(lambda x: (tf.identity(x), lambda gradient: -strength * gradient))

    def loss(self, seen: Any, origins: Any) -> Any:
        """Cross-entropy of its judgement of the windows of unknown speech; 0 where a batch has none."""
        import tensorflow as tf

        counts = tf.cast(origins >= 0, tf.float32)
        target = tf.cast(origins == 1, tf.float32)
        judged = self._judge(self._reversed(seen))[:, 0]
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=judged)
        return tf.reduce_sum(entropy * counts) / tf.maximum(tf.reduce_sum(counts), 1.0)


class Companions:
    """Tells the net's classes and the companion words from each other.

    Args:
        width: numbers that it is given of a window.
        count: classes of the net and companion words together.
        seed: of its weights.
    """

    def __init__(self, width: int, count: int, seed: int) -> None:
        import keras

        self._judge = keras.layers.Dense(count, kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1))
        self._judge.build((None, width))
        self.variables = self._judge.trainable_variables

    def loss(self, seen: Any, words: Any) -> Any:
        """Cross-entropy, weighed against the net's own loss."""
        import tensorflow as tf

        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=words, logits=self._judge(seen))
        return _COMPANION_SHARE * tf.reduce_mean(entropy)


class Hearing:
    """Says what a speech embedding hears in the window.

    Args:
        width: numbers that it is given of a window.
        strength: weight of its loss.
        seed: of its weights.
    """

    def __init__(self, width: int, strength: float, seed: int) -> None:
        import keras

        start = keras.initializers.GlorotUniform(seed=seed + 2)
        self._strength = strength
        self._judge = keras.layers.Dense(HEARD_NUMBERS, kernel_initializer=start)
        self._judge.build((None, width))
        self.variables = self._judge.trainable_variables

    def loss(self, seen: Any, heard: Any) -> Any:
        """Mean squared error of the principal components, which have a variance of 1 on average, weighted."""
        import tensorflow as tf

        return self._strength * tf.reduce_mean((self._judge(seen) - heard) ** 2)
