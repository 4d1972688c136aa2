"""What a net loses from float to int8, on the same windows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.tflite import NetInput, TfliteModel

TIE = 0.03
"""Classes that are nearer than this are a tie: which of them is ahead is for rounding to say."""
_BATCH = 256


@dataclass(frozen=True, kw_only=True)
class FloatLoss:
    """The float net beside the int8 one, as probabilities.

    Attributes:
        windows: how many both were run on.
        decisions_differ: on how many the class that the float net puts first is behind in int8 by more than `TIE`.
        largest_difference: of any probability.
        mean_difference: of all of them.
    """

    windows: int
    decisions_differ: int
    largest_difference: float
    mean_difference: float

    @property
    def share(self) -> float:
        """Of the windows, on which the decision is another one."""
        return self.decisions_differ / max(self.windows, 1)

    def __str__(self) -> str:
        return (
            f"decisions differ on {self.decisions_differ} of {self.windows} windows ({100 * self.share:.1f} %), "
            f"probabilities by {self.largest_difference:.3f} at most, by {self.mean_difference:.4f} on average"
        )


def float_loss(net: Any, tflite: bytes, windows: NDArray[np.int8]) -> FloatLoss:
    """Run both and compare.

    Args:
        net: the Keras net.
        tflite: what was made of it; one that keeps its own state gives what it gives at the end of each window.
        windows: int8 (n, *input shape of the net).

    Raises:
        ModelError: LiteRT cannot run the model, or it takes other windows.
    """
    x = windows.reshape(-1, *net.input_shape[1:]).astype(np.float32)
    parts = [np.asarray(net(x[i : i + _BATCH], training=False)) for i in range(0, len(x), _BATCH)]
    exact = np.concatenate(parts).reshape(len(x), -1).astype(np.float64)
    inputs, ends = NetInput(tflite)(windows)
    rounded = TfliteModel(tflite).predict_float(inputs)[ends].reshape(len(ends), -1).astype(np.float64)
    apart = np.abs(exact - rounded)
    return FloatLoss(
        windows=len(windows),
        decisions_differ=int(_decided_otherwise(exact, rounded).sum()),
        largest_difference=float(apart.max(initial=0.0)),
        mean_difference=float(apart.mean()),
    )


def _decided_otherwise(exact: NDArray[np.float64], rounded: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Windows of which int8 says something else; of one output, whether it is above a half."""
    if exact.shape[1] == 1:
        exact, rounded = (np.hstack([1 - one, one]) for one in (exact, rounded))
    wanted = rounded[np.arange(len(rounded)), exact.argmax(axis=1)]
    behind: NDArray[np.bool_] = rounded.max(axis=1) - wanted > TIE
    return behind
