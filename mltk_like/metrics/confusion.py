"""Decisions at a threshold: who was taken for whom, what stayed below it, and the four counts of each class."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

UNK = "UNK"
"""Name of the column of clips in which no class was above the threshold."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Clips of and not of a class, above and not above the threshold."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    def to_dict(self) -> dict[str, int]:
        """JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        names = ("True positives", "True negatives", "False positives", "False negatives")
        values = (self.true_positives, self.true_negatives, self.false_positives, self.false_negatives)
        return "\n".join(f"{name + ':':17} {value}" for name, value in zip(names, values, strict=True))


def count(scores: NDArray[np.float64], truth: NDArray[np.bool_], threshold: float) -> Counts:
    """The four counts of one class.

    Args:
        scores: (clips,) of the class.
        truth: (clips,): the clip is of the class.
        threshold: a clip is taken for the class when its score is above.
    """
    taken = scores > threshold
    return Counts(
        true_positives=int((taken & truth).sum()),
        false_positives=int((taken & ~truth).sum()),
        true_negatives=int((~taken & ~truth).sum()),
        false_negatives=int((~taken & truth).sum()),
    )


def confusion_above(scores: NDArray[np.float64], labels: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
    """True class in rows; class with the highest score in columns, and a last one for scores not above the threshold.

    Args:
        scores: (clips, n).
        labels: (clips,): index of the true class.
        threshold: highest score that is still unknown.

    Returns:
        int64 (n, n + 1).
    """
    classes = scores.shape[1]
    taken = np.where(scores.max(axis=1) > threshold, scores.argmax(axis=1), classes)
    return np.bincount(labels * (classes + 1) + taken, minlength=classes * (classes + 1)).reshape(classes, -1)


def best_threshold(
    true_rate: NDArray[np.float64], precision: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> float:
    """The threshold with the highest F1, the middle of those that share it; NaN for a class without clips.

    F1 is the harmonic mean of precision and recall (C. J. van Rijsbergen, Information Retrieval, 1979, chapter 7).

    Args:
        true_rate: (k,): recall at each threshold.
        precision: (k,).
        thresholds: (k,).
    """
    if np.isnan(true_rate).any():
        return float("nan")
    total = true_rate + precision
    f1 = np.divide(2 * true_rate * precision, total, out=np.zeros_like(total), where=total > 0)
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(thresholds[best[len(best) // 2]])


def confusion_lines(
    rows: Sequence[str], columns: Sequence[str], confusion: NDArray[np.int64], *, normalise: bool = False
) -> list[str]:
    """A confusion matrix as text, with each class's support; `normalise` prints shares of the rows in per cent."""
    support = confusion.sum(axis=1)
    cells = [list(map(str, row)) for row in confusion]
    if normalise:
        cells = [[f"{100 * share:.1f} %" for share in row] for row in confusion / np.maximum(support, 1)[:, np.newaxis]]
    table = [["", *columns, "support"]]
    table += [[name, *row, str(total)] for name, row, total in zip(rows, cells, support, strict=True)]
    width = max(len(cell) for line in table for cell in line)
    return ["  " + "  ".join(cell.rjust(width) for cell in line) for line in table]
