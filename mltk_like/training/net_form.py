"""Whether what `network()` gives is a net that can be trained, saved and converted: one input, one output, softmax."""

import traceback
from typing import Any

import numpy as np

from mltk_like.errors import MltkLikeError, ModelError, one_line
from mltk_like.mixins import TrainMixin

_RETURN = "return keras.Model(inputs, outputs), with inputs = keras.Input(self.input_shape)"
_SUM_BOUND = 1e-3
"""Most by which the outputs of a window may miss 1: float32, and half precision where a net has it."""


def network_of(model: TrainMixin) -> Any:
    """What the model's `network()` gives. Raises ModelError where it fails, with its line."""
    try:
        return model.network()
    except MltkLikeError:
        raise
    except Exception as error:
        # Code of the user's: anything can come out of it.
        places = [at for at in traceback.extract_tb(error.__traceback__) if at.name == "network"]
        where = f" in line {places[-1].lineno}" if places else ""
        raise ModelError(
            f"network() fails{where}: {type(error).__name__}: {one_line(error)}", "--debug shows where it comes from"
        ) from error


def check_form(net: Any) -> None:
    """Raise ModelError unless this is a Keras net of layers with one input and one output, (batch, classes)."""
    import keras

    if not isinstance(net, keras.Model):
        raise ModelError(f"network() gives {_kind(net)}, no Keras model", _RETURN)
    if isinstance(net, keras.Sequential) and not net.built:
        raise ModelError(
            "network() gives a Sequential whose input is not known", "begin it with keras.Input(self.input_shape)"
        )
    # What it is made of is known of nets of layers alone; a class with a call() of its own says it while it runs.
    if not hasattr(net, "inputs") or not hasattr(net, "outputs") or not net.inputs or not net.outputs:
        raise ModelError(f"network() gives a model with a call() of its own ({type(net).__name__})", _RETURN)
    for what, ends in (("inputs", net.inputs), ("outputs", net.outputs)):
        if len(ends) != 1:
            raise ModelError(
                f"the net has {len(ends)} {what}", f"a model takes windows and gives the classes: one of the {what}"
            )
    if (batch := net.inputs[0].shape[0]) is not None:
        raise ModelError(
            f"the net takes batches of {batch} alone, and is trained on others",
            "leave out batch_size: inputs = keras.Input(self.input_shape)",
        )
    if len(net.outputs[0].shape) != 2:
        raise ModelError(
            f"the net gives {net.output_shape}, not (None, classes)",
            "end it with pooling or Flatten before the last Dense layer",
        )


def check_outputs(net: Any) -> None:
    """Raise ModelError unless the outputs are probabilities: none below 0, and of sum 1 on random windows."""
    windows = np.random.default_rng(0).integers(-128, 128, size=(4, *net.input_shape[1:])).astype(np.float32)
    outputs = np.asarray(net(windows, training=False), np.float64)
    sums = outputs.sum(axis=1)
    if not (np.abs(sums - 1) <= _SUM_BOUND).all() or not (outputs >= 0).all():
        raise ModelError(
            f"the outputs of the net are no probabilities: on a random window they add up to {sums[0]:.3g}",
            'end the net with softmax: layers.Dense(self.n_classes, activation="softmax")',
        )


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
