"""Whether a net has learned anything: its answers against those of one that does not listen."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_MARGIN = 0.02
_HEARD = 0.1
"""Share of keyword windows above what one other window in a hundred reaches; without listening it is about 0.5 %."""


def balanced_accuracy(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean share of right answers over the classes that there are windows of; guessing gives 1 / their number.

    Args:
        scores: probabilities (windows, classes).
        labels: true class (windows,).
    """
    right = scores.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def guessed(labels: NDArray[np.int64]) -> float:
    """Balanced accuracy of a net that does not listen."""
    return 1.0 / max(len(np.unique(labels)), 1)


def at_chance(history: Mapping[str, Sequence[float]], labels: NDArray[np.int64], detected: NDArray[np.bool_]) -> bool:
    """Whether no epoch was better on validation than a net that does not listen.

    An epoch was better where the balanced accuracy is above 1 / classes by more than two standard errors of random
    answers, and by 0.02 at least; or, where there are keyword and other windows, where one keyword window in ten is
    told from them at few false windows: a net may know what it is asked for and still call everything unknown.

    Args:
        history: figures of each epoch; one of an earlier version without the balanced accuracy is never at chance.
        labels: of the validation windows (n,).
        detected: (classes,) which are detected.
    """
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2:
        return False  # nothing can be told apart
    error = float(np.sqrt((0.25 / counts).sum())) / len(counts)
    bound = guessed(labels) + max(2 * error, _MARGIN)
    accuracies = history.get("val_balanced_accuracy", ())
    # Not above, in place of below or equal: what is not a number is not known, and no reason to shout.
    if not accuracies or any(not value <= bound for value in accuracies):
        return False
    keyword = detected[labels]
    both = bool(keyword.any() and not keyword.all())
    return not (both and any(value < 1 - _HEARD for value in history.get("val_misses", ())))


def verdict(history: Mapping[str, Sequence[float]], labels: NDArray[np.int64]) -> str:
    """What is said of a net at chance."""
    best = max(history["val_balanced_accuracy"])
    return (
        f"NO BETTER THAN CHANCE: THIS NET NEVER TOLD ITS {len(np.unique(labels))} CLASSES APART ON VALIDATION "
        f"({100 * best:.1f} % RIGHT AT BEST, {100 * guessed(labels):.1f} % BY GUESSING). DO NOT USE IT."
    )
