"""The figure that ranks checkpoints: misses where false accepts are rare."""

import numpy as np
from numpy.typing import NDArray

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
