"""Optimizer, loss, metrics and callbacks of a model: those that its settings name, or those of its own, from Keras."""

import difflib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import SettingError, one_line
from mltk_like.mixins import TrainMixin
from mltk_like.plateau import direction, not_logged
from mltk_like.settings import given

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "val_balanced_accuracy", "val_misses", "learning_rate")
"""What every epoch logs; `val_stream_misses` where streams rank."""

Losses = Callable[[Any, Any, Any], Any]
"""(class numbers (batch,), targets (batch, classes), probabilities (batch, classes)) -> losses (batch,)."""


def check_learning(model: TrainMixin, classes: int) -> None:
    """Make and try what the training needs from Keras once, so that what cannot be made or used is said first.

    Args:
        model: settings of the training.
        classes: how many the net has.

    Raises:
        SettingError: Keras does not know an optimizer, a loss or a metric; a method fails or gives something else; a
            loss or a metric fails; or `rank_by` or `reduce_lr_on_plateau` names a figure that is not logged.
    """
    make_optimizer(model)
    _try_loss(make_loss(model), classes)
    names = _try_metrics(make_metrics(model), classes)
    callbacks = make_callbacks(model)
    known = [*FIGURES, "val_stream_misses", *names]
    wanted = [model.rank_by] if model.rank_by not in NAMED else []
    wanted += [model.reduce_lr_on_plateau.monitor] if model.reduce_lr_on_plateau else []
    for figure in wanted:
        name = direction(figure)[0]
        # A callback may log further figures of its own.
        if name not in known and not callbacks:
            raise not_logged(name, known)


NAMED = ("misses", "streams", "accuracy", "last")
"""What `rank_by` calls by a name of its own."""


def is_plain(model: TrainMixin) -> bool:
    """Whether nothing but what this package makes itself is asked for, so that there is nothing to check."""
    usual = model.loss is None and model.metrics == () and model.optimizer in ("adam", "adamw", "sgd")
    own = type(model).callbacks is not TrainMixin.callbacks
    return usual and not own and model.rank_by in NAMED and model.reduce_lr_on_plateau is None


def make_optimizer(model: TrainMixin) -> Any:
    """A new Keras optimizer as the setting says: by name, a copy of an object, or what a function gives.

    The step sets its learning rate. Raises SettingError.
    """
    import keras

    setting: Any = model.optimizer
    name = setting.lower() if isinstance(setting, str) else ""
    if name == "sgd":
        return keras.optimizers.SGD(model.learning_rate, momentum=0.9)
    if name == "adamw":
        return keras.optimizers.AdamW(model.learning_rate, weight_decay=model.weight_decay, epsilon=1e-8)
    if name == "adam":
        return keras.optimizers.Adam(model.learning_rate, epsilon=1e-8)
    found = _called("optimizer", setting) if callable(setting) else setting
    if isinstance(found, str):
        found = _from_keras("optimizer", keras.optimizers.get, found, _names(keras.optimizers))
    if not isinstance(found, keras.optimizers.Optimizer):
        raise SettingError(f"optimizer gives a {type(found).__name__}", "give a Keras optimizer, or its name")
    config = found.get_config()
    if callable(found._learning_rate):  # a schedule of its own, which `rate_of_optimizer` hands to the loop
        config["learning_rate"] = 0.001
    # A copy: an optimizer object keeps the variables of the first net that it was used for.
    return type(found).from_config(config)


def rate_of_optimizer(model: TrainMixin) -> Callable[[int], float] | None:
    """Learning rate by step of an optimizer that is an object; None where the model's settings say it.

    An explicit `learning_rate` of the model goes before that of the optimizer.
    """
    setting: Any = model.optimizer
    if isinstance(setting, str) or given(model, "learning_rate"):
        return None
    found = _called("optimizer", setting) if callable(setting) else setting
    if isinstance(found, str):
        return None
    own = getattr(found, "_learning_rate", None)
    if callable(own):
        return lambda step: float(own(step))
    fixed = float(found.learning_rate)
    return lambda step: fixed


def make_loss(model: TrainMixin) -> Losses | None:
    """The loss of each window by the setting `loss`; None for the usual cross-entropy. Raises SettingError."""
    import keras

    setting: Any = model.loss
    if setting is None:
        return None
    if isinstance(setting, str):
        setting = _from_keras("loss", keras.losses.get, setting, _names(keras.losses))
    if isinstance(setting, type):
        setting = _called("loss", setting)
    function = setting.call if isinstance(setting, keras.losses.Loss) else setting
    if not callable(function):
        raise SettingError(f"loss is a {type(setting).__name__}", "give a function (y_true, y_pred), or a Keras loss")
    numbers = _wants_numbers(setting)

    def losses(y: Any, target: Any, p: Any) -> Any:
        import tensorflow as tf

        value = tf.convert_to_tensor(function(y if numbers else target, p))
        # Of some losses there is one for the batch: each window then has it.
        return tf.reduce_mean(value, axis=range(1, len(value.shape))) if len(value.shape) > 1 else value

    return losses


def make_metrics(model: TrainMixin) -> list[Any]:
    """New Keras metrics by the setting `metrics`. Raises SettingError."""
    import keras

    setting: Any = model.metrics
    wanted = _called("metrics", setting) if callable(setting) else setting
    found = []
    for metric in wanted:
        if isinstance(metric, str):
            if metric in ("accuracy", "acc", "loss"):
                continue  # always logged
            metric = _from_keras("metric", keras.metrics.get, metric, _names(keras.metrics))
        if isinstance(metric, type):
            metric = _called("metrics", metric)
        if not callable(metric):
            raise SettingError(f"metrics has a {type(metric).__name__}", "give names of Keras metrics, or metrics")
        if not isinstance(metric, keras.metrics.Metric):
            metric = keras.metrics.MeanMetricWrapper(metric, name=getattr(metric, "__name__", "metric"))
        found.append(metric)
    return found


def metric_name(metric: Any) -> str:
    """A metric's name as part of a figure's: without the number that Keras puts behind further ones of a kind."""
    plain = "".join(character if character.isalnum() else "_" for character in metric.name)
    head, _, number = plain.rpartition("_")
    return head if number.isdigit() and head == _snake(type(metric).__name__) else plain


def measure(metrics: Sequence[Any], labels: NDArray[np.int64], scores: NDArray[np.float32]) -> dict[str, float]:
    """`val_NAME` of each metric: of probabilities (n, classes) for windows of the classes `labels` (n,)."""
    targets = np.eye(scores.shape[1], dtype=np.float32)[labels]
    figures = {}
    for metric in metrics:
        metric.reset_state()
        metric.update_state(labels if _wants_numbers(metric) else targets, scores)
        figures[f"val_{metric_name(metric)}"] = float(np.mean(metric.result()))
    return figures


def make_callbacks(model: TrainMixin) -> list[Any]:
    """What the method `callbacks` gives. Raises SettingError."""
    import keras

    result = _called("callbacks", model.callbacks) or ()
    # One alone is taken too, as by Keras' own fit.
    found = list(result) if isinstance(result, list | tuple) else [result]
    for callback in found:
        if not isinstance(callback, keras.callbacks.Callback):
            raise SettingError(
                f"callbacks() gives a {type(callback).__name__}", "give objects of keras.callbacks.Callback"
            )
    return found


def _try_loss(losses: Losses | None, classes: int) -> None:
    """Raise SettingError unless a loss gives a number for each window, or one for all, that follows from the net."""
    import tensorflow as tf

    if losses is None:
        return
    y, target, p = _example(classes)

    def step(p: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(p)
            # As in a step: weights of classes are real numbers, one a window.
            loss = tf.reduce_mean(losses(tf.constant(y), tf.constant(target), p) * tf.ones(len(y)))
        return tape.gradient(loss, p)

    hint = f"it is called with (y_true, y_pred), and gives {len(y)} real numbers for {len(y)} windows"
    # Traced, as in a training: what runs only outside of a graph fails here too.
    if _called("loss", partial(tf.function(step), tf.constant(p)), hint) is None:
        raise SettingError("loss does not depend on what the net says", "compute it from y_pred by TensorFlow or Keras")


def _try_metrics(metrics: Sequence[Any], classes: int) -> list[str]:
    """The names of what metrics log. Raises SettingError where one fails."""
    y, _, p = _example(classes)
    hint = "it is called with (y_true, y_pred)"
    return [name for metric in metrics for name in _called("metrics", partial(measure, [metric], y, p), hint)]


def _example(classes: int) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Class numbers, targets and probabilities of some windows, of which there are not as many as classes."""
    y = np.arange(classes + 1) % classes
    target = np.eye(classes, dtype=np.float32)[y]
    return y.astype(np.int64), target, (target + np.float32(1)) / np.float32(classes + 1)


def _called(
    name: str, function: Callable[[], Any], hint: str = "it is called without arguments before the training"
) -> Any:
    try:
        return function()
    except Exception as error:
        raise SettingError(f"{name} fails: {type(error).__name__}: {one_line(error)}", hint) from error


def _from_keras(what: str, get: Callable[[str], Any], name: str, known: Sequence[str]) -> Any:
    try:
        return get(name)
    except (ValueError, TypeError) as error:
        near = difflib.get_close_matches(name.lower(), [one.lower() for one in known], n=3, cutoff=0.6)
        found = [one for one in known if one.lower() in near]
        hint = "did you mean " + " or ".join(map(repr, found)) + "?" if found else "known: " + ", ".join(known)
        raise SettingError(f"Keras has no {what} {name!r}", hint) from error


def _names(module: Any) -> list[str]:
    """Names of the classes and functions of a module of Keras."""
    plain = {"get", "serialize", "deserialize", "Optimizer", "Loss", "Metric"}
    return sorted(name for name in vars(module) if callable(getattr(module, name)) and name not in plain)


def _wants_numbers(thing: Any) -> bool:
    """Whether a loss or metric takes class numbers in place of one-hot targets, as its name says."""
    names = (getattr(thing, "name", ""), getattr(thing, "__name__", ""), type(thing).__name__)
    return any(str(name).lower().startswith("sparse") for name in names)


def _snake(name: str) -> str:
    return "".join(
        f"_{c.lower()}" if c.isupper() and at and not name[at - 1].isupper() else c.lower() for at, c in enumerate(name)
    )
