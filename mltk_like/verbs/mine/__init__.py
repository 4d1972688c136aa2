"""Cut out what a model fires on, to train against."""

from mltk_like.verbs.mine.result import MineResult
from mltk_like.verbs.mine.verb import MARGIN, mine

__all__ = [
    "MARGIN",
    "MineResult",
    "mine",
]
