"""A classifier judged clip by clip: accuracy, confusion, precision and recall, ROC. Streams come first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mltk_like.errors import DataError
from mltk_like.metrics.confusion import UNK, Counts, best_threshold, confusion_above, confusion_lines, count

_LEVELS = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassificationReport:
    """Figures of one set of labelled clips. Arrays are float64 unless said otherwise; classes n, thresholds k = 256.

    Attributes:
        classes: names.
        confusion: int64 (n, n): true class in rows, class with the highest score in columns.
        thresholds: (k,): i / 255; a class is detected when its score is above, as on the device.
        true_positive_rate: (n, k): share of the class's clips above the threshold; NaN for a class without clips.
        false_positive_rate: (n, k): share of the other classes' clips above the threshold; NaN where there are none.
        threshold_precision: (n, k): share of the clips above the threshold that are of the class; 1 for no clips.
        auc: (n,): area under the ROC of each class against the rest, exact; NaN where one of the sides has no clips.
        decision_threshold: 0..1: a class counts as recognised when its score is above.
        decided: int64 (n, n + 1): true class in rows, class with the highest score in columns where that is above
            `decision_threshold`, and last what is not ("UNK").
        counts: of each class against the rest at `decision_threshold`.
        best_thresholds: (n,): the threshold with the highest F1 of each class; NaN for a class without clips.
        correct: bool (clips,): the class with the highest score is the true one.
        normalise: the text shows shares of the true class in place of counts.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]
    threshold_precision: NDArray[np.float64]
    auc: NDArray[np.float64]
    decision_threshold: float
    decided: NDArray[np.int64]
    counts: tuple[Counts, ...]
    best_thresholds: NDArray[np.float64]
    correct: NDArray[np.bool_]
    normalise: bool = False

    @property
    def positive(self) -> int | None:
        """The class that is looked for, of a model with two: the one whose name has no '_', else the second."""
        if len(self.classes) != 2:
            return None
        return 0 if self.classes[1].startswith("_") and not self.classes[0].startswith("_") else 1

    @property
    def support(self) -> NDArray[np.int64]:
        """int64 (n,): clips of each class."""
        support: NDArray[np.int64] = self.confusion.sum(axis=1)
        return support

    @property
    def count(self) -> int:
        """Clips in all."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of the clips whose class has the highest score."""
        return float(np.trace(self.confusion) / self.count)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(n,): share of each class's clips that were recognised (MLTK's "class accuracy"); NaN without clips."""
        return _ratio(np.diagonal(self.confusion), self.support)

    @property
    def precision(self) -> NDArray[np.float64]:
        """(n,): share of the clips taken for a class that are of it; NaN when none was."""
        return _ratio(np.diagonal(self.confusion), self.confusion.sum(axis=0))

    @property
    def average_auc(self) -> float:
        """Mean of the classes' areas, of those that have one; NaN when none has."""
        known = self.auc[~np.isnan(self.auc)]
        return float(known.mean()) if len(known) else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        return {
            "accuracy": self.accuracy,
            "average_auc": _plain(self.average_auc),
            "clips": self.count,
            "classes": [
                {
                    "label": label,
                    "support": int(self.support[i]),
                    "recall": _plain(self.recall[i]),
                    "precision": _plain(self.precision[i]),
                    "auc": _plain(self.auc[i]),
                    "best_threshold": _plain(self.best_thresholds[i]),
                    "at_decision_threshold": self.counts[i].to_dict(),
                    "roc": {
                        "true_positive_rate": [_plain(v) for v in self.true_positive_rate[i]],
                        "false_positive_rate": [_plain(v) for v in self.false_positive_rate[i]],
                        "precision": [_plain(v) for v in self.threshold_precision[i]],
                    },
                }
                for i, label in enumerate(self.classes)
            ],
            "thresholds": self.thresholds.tolist(),
            "confusion_matrix": self.confusion.tolist(),
            "decision_threshold": self.decision_threshold,
            "confusion_matrix_with_unk": self.decided.tolist(),
        }

    def __str__(self) -> str:
        lines = [f"Overall accuracy: {100 * self.accuracy:.3f}%", "Class accuracies:"]
        lines += _per_class(self.classes, self.recall)
        lines += [f"Average ROC AUC: {_percent(self.average_auc)}", "Class ROC AUC:"]
        lines += _per_class(self.classes, self.auc)
        lines += ["Class precisions:", *_per_class(self.classes, self.precision)]
        lines += ["Class thresholds of the highest F1 (0..255):"]
        lines += [
            f"- {label.ljust(max(map(len, self.classes)))} = " + ("not known" if np.isnan(t) else f"{255 * t:.0f}")
            for label, t in zip(self.classes, self.best_thresholds, strict=True)
        ]
        lines += ["Confusion matrix (true class in rows):"]
        lines += confusion_lines(self.classes, self.classes, self.confusion, normalise=self.normalise)
        lines += [f"The same above the threshold {255 * self.decision_threshold:.0f} ({UNK}: no class is):"]
        lines += confusion_lines(self.classes, [*self.classes, UNK], self.decided, normalise=self.normalise)
        if self.positive is not None:
            lines += [f"Windows of {self.classes[self.positive]!r} at that threshold:"]
            lines += str(self.counts[self.positive]).splitlines()
        return "\n".join(lines)


def classification_report(
    scores: NDArray[Any],
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    decision_threshold: float = 0.5,
    normalise: bool = False,
) -> ClassificationReport:
    """Judge a model's outputs.

    Args:
        scores: (clips, n) probabilities, or int8 or uint8 outputs, which become (q + 128) / 255 or q / 255. A net with
            one output, (clips,) or (clips, 1), gives the probability of the second of two classes.
        labels: int (clips,): index of the true class.
        classes: names.
        decision_threshold: 0..1: a class counts as recognised when its score is above.
        normalise: the report's text shows shares of the true class in place of counts.

    Raises:
        DataError: no clips, shapes or types that do not fit, a label out of range, a score that is not a number.
    """
    probabilities = _probabilities(scores, len(classes))
    truth = np.asarray(labels)
    if len(probabilities) == 0:
        raise DataError("there are no clips to evaluate", "add clips to the subset, or choose another")
    if truth.shape != probabilities.shape[:1] or not np.issubdtype(truth.dtype, np.integer):
        raise DataError(f"labels of shape {truth.shape} and type {truth.dtype} do not fit {len(probabilities)} scores")
    if truth.min() < 0 or truth.max() >= len(classes):
        raise DataError(f"a label is out of range: {truth.min()}..{truth.max()} for {len(classes)} classes")
    confusion = np.bincount(truth * len(classes) + probabilities.argmax(axis=1), minlength=len(classes) ** 2)
    thresholds = np.arange(_LEVELS) / (_LEVELS - 1)
    rates = [_rates(probabilities[:, i], truth == i, thresholds) for i in range(len(classes))]
    true_positive, false_positive, precision = (np.stack(parts) for parts in zip(*rates, strict=True))
    return ClassificationReport(
        classes=tuple(classes),
        confusion=confusion.reshape(len(classes), -1),
        thresholds=thresholds,
        true_positive_rate=true_positive,
        false_positive_rate=false_positive,
        threshold_precision=precision,
        auc=np.array([roc_auc(probabilities[:, i], truth == i) for i in range(len(classes))]),
        decision_threshold=decision_threshold,
        decided=confusion_above(probabilities, truth, decision_threshold),
        counts=tuple(count(probabilities[:, i], truth == i, decision_threshold) for i in range(len(classes))),
        best_thresholds=np.array(
            [best_threshold(true_positive[i], precision[i], thresholds) for i in range(len(classes))]
        ),
        correct=probabilities.argmax(axis=1) == truth,
        normalise=normalise,
    )


def roc_auc(scores: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC: the chance that a positive scores above a negative, ties counting half.

    Exact, by ranks (J. A. Hanley, B. J. McNeil, Radiology 143, 1982, p. 29).

    Args:
        scores: (clips,).
        positive: (clips,).

    Returns:
        0..1, or NaN when there are no positives or no negatives.
    """
    negatives = np.sort(scores[~positive])
    positives = scores[positive]
    if len(negatives) == 0 or len(positives) == 0:
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left").sum(dtype=np.float64)
    not_above = np.searchsorted(negatives, positives, side="right").sum(dtype=np.float64)
    return float((below + not_above) / 2 / (len(negatives) * len(positives)))


def _probabilities(scores: NDArray[Any], classes: int) -> NDArray[np.float64]:
    values = np.asarray(scores)
    if values.dtype == np.int8:
        values = (values.astype(np.float64) + 128) / 255
    elif values.dtype == np.uint8:
        values = values / 255
    elif not np.issubdtype(values.dtype, np.floating):
        raise DataError(f"scores of type {values.dtype} cannot be judged", "expected float, int8 or uint8")
    values = values.astype(np.float64)
    if classes == 2 and (values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)):
        second = values.reshape(-1)
        values = np.stack([1 - second, second], axis=1)
    if values.ndim != 2 or values.shape[1] != classes:
        raise DataError(f"scores of shape {np.shape(scores)} do not fit {classes} classes")
    if np.isnan(values).any():
        raise DataError(
            "the model's scores contain values that are not numbers", "the training diverged: use a lower learning rate"
        )
    return values


def _rates(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], thresholds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """True and false positive rate and precision at each threshold."""
    hits = positive.sum() - np.searchsorted(np.sort(scores[positive]), thresholds, side="right")
    alarms = (~positive).sum() - np.searchsorted(np.sort(scores[~positive]), thresholds, side="right")
    detected = hits + alarms
    precision = np.where(detected > 0, hits / np.maximum(detected, 1), 1.0)
    return _ratio(hits, positive.sum()), _ratio(alarms, (~positive).sum()), precision


def _ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """part / whole, NaN where the whole is 0."""
    parts, wholes = np.broadcast_arrays(np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64))
    result = np.full(parts.shape, np.nan)
    np.divide(parts, wholes, out=result, where=wholes > 0)
    return result


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _percent(value: float) -> str:
    return "not known" if np.isnan(value) else f"{100 * value:.3f}%"


def _per_class(classes: Sequence[str], values: NDArray[np.float64]) -> list[str]:
    width = max(map(len, classes))
    return [f"- {label.ljust(width)} = {_percent(value)}" for label, value in zip(classes, values, strict=True)]
