"""Scores that 8 bits resolve: the last layer of a trained net, divided by a temperature.

A score is a byte. Where a net is sure of nearly everything, the windows that a threshold has to tell apart all score
250 to 255, and one step of the threshold is worth many misses. What goes into the softmax divided by a temperature
above 1 (C. Guo et al., "On Calibration of Modern Neural Networks", arXiv:1706.04599, section 4.2) keeps the order of
two classes' scores and moves those windows to where a step is small. It also makes the recogniser's mean over time less
a count of windows that are all but certain.
"""

from typing import Any

import numpy as np

from mltk_like.errors import SettingError

_BOUND = 1e-3
"""Most by which a logarithm of the softened scores may be off: float32 through a whole net."""
_PARTS = {"kernel", "bias"}


def check_temperature(model: Any) -> None:
    """Raise SettingError where `score_temperature` does not go with the other settings."""
    if model.score_temperature != 1 and getattr(model, "low_bit", None) is not None:
        raise SettingError("score_temperature is for nets of floats, and low_bit makes one of integers", "set one")


def divide_logits(net: Any, temperature: float) -> None:
    """Divide what goes into the softmax at a net's end, by way of the weights of its last layer.

    Args:
        net: a Keras net that ends in a softmax over a dense or convolutional layer; float (batch, ...) ->
            probabilities (batch, classes).
        temperature: above 0; 1 leaves the net as it is.

    Raises:
        SettingError: the net ends otherwise; its weights are then as they were.
    """
    if temperature == 1:
        return
    last = [layer for layer in net.layers if layer.weights][-1]
    former = last.get_weights()
    windows = np.random.default_rng(0).integers(-128, 128, size=(2, *net.input_shape[1:])).astype(np.float32)
    wanted = _softened(net(windows, training=False).numpy(), temperature)
    last.set_weights([weight / temperature for weight in former])
    found = net(windows, training=False).numpy()
    if {weight.name for weight in last.weights} <= _PARTS and np.abs(found - wanted).max() < _BOUND:
        return
    last.set_weights(former)
    raise SettingError(
        f"score_temperature cannot divide what the last layer {last.name!r} ({type(last).__name__}) gives",
        'end the net with layers.Dense(self.n_classes, activation="softmax"), or leave out score_temperature',
    )


def _softened(scores: Any, temperature: float) -> Any:
    """Probabilities (batch, classes) as they are with logits divided by the temperature."""
    powers = np.maximum(scores.astype(np.float64), 1e-30) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)
