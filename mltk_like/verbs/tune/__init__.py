"""Search settings with many trainings."""

from mltk_like.verbs.tune.result import TrialRow, TuningResult
from mltk_like.verbs.tune.verb import tune

__all__ = [
    "TrialRow",
    "TuningResult",
    "tune",
]
