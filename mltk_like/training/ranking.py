"""What ranks checkpoints: misses where false accepts are rare, or a figure that the model names."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltk_like.plateau import direction, not_logged

# A detector that decides a few times a second must be judged far out on the ROC: at one false window in a thousand it
# fires several times an hour. Three points make the ranking less noisy than one.
FALSE_SHARES = (0.001, 0.003, 0.01)


def missed_share(scores: NDArray[np.float32], labels: NDArray[np.int64], detected: NDArray[np.bool_]) -> float:
    """Mean share of keyword windows below the threshold that lets 0.1, 0.3 and 1 % of the other windows through.

    Args:
        scores: probabilities (windows, classes).
        labels: true class (windows,).
        detected: (classes,) true for the classes that are detected, false for those with '_' in front.

    Returns:
        A share in 0..1; 1 minus the accuracy where there are no windows of one of the two sorts.
    """
    keyword = detected[labels]
    if not keyword.any() or keyword.all():
        return float(1.0 - (scores.argmax(axis=1) == labels).mean())
    own = scores[np.arange(len(labels)), labels][keyword]
    false = np.sort(scores[~keyword][:, detected].max(axis=1))[::-1]
    # Not above, in place of below: the NaN scores of a net that diverged are misses.
    misses = [float((~(own > false[int(share * len(false))])).mean()) for share in FALSE_SHARES]
    return sum(misses) / len(misses)


def cross_entropy(labels: NDArray[np.int64], scores: NDArray[np.float32]) -> float:
    """Mean of -ln of the true class's probability, of (windows, classes) for windows of the classes `labels`."""
    own = np.clip(scores[np.arange(len(scores)), labels], 1e-7, 1.0)
    return float(-np.log(own).mean())


@dataclass(frozen=True, kw_only=True)
class Rank:
    """The figure of an epoch that ranks its checkpoint.

    Attributes:
        figure: its name in the history.
        most: the most of it is best.
        last: the last checkpoint is exported, whatever its figure.
    """

    figure: str
    most: bool = False
    last: bool = False

    def score(self, figures: Mapping[str, float]) -> float:
        """Of an epoch, the lower the better: of what most is best, 1 minus the figure. What is no number is worst.

        Raises:
            SettingError: the epoch has no such figure.
        """
        if self.figure not in figures:
            raise not_logged(self.figure, figures)
        value = figures[self.figure]
        score = 1.0 - value if self.most else value
        return math.inf if math.isnan(score) else score


def rank_of(rank_by: str, *, stream: bool) -> Rank:
    """The rank that the setting `rank_by` asks for.

    Args:
        rank_by: 'misses', 'streams', 'accuracy', 'last', or a figure as of `direction`.
        stream: there is a stream to rank by.

    Raises:
        SettingError: whether most or least of the figure is best is not known.
    """
    if rank_by in ("misses", "streams"):
        return Rank(figure="val_stream_misses" if stream else "val_misses")
    if rank_by == "last":
        return Rank(figure="val_misses", last=True)
    if rank_by == "accuracy":
        return Rank(figure="val_accuracy", most=True)
    figure, most = direction(rank_by)
    return Rank(figure=figure, most=most)
