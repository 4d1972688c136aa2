"""Search settings with many trainings."""

from mltk_like.verbs.tune.verb import TrialRow, TuningResult, tune

__all__ = [
    "TrialRow",
    "TuningResult",
    "tune",
]
