"""Nets of few bits: training through quantisers, the same net in whole numbers, its export.

    class MyModel(mltk.Model, mltk.TrainMixin, ...):
        low_bit = LowBit(first_weights=8, weights=4, activations=4)

See docs/low_bit.md.
"""

from mltk_like.low_bit.files import c_source, describe, from_npz, to_npz
from mltk_like.low_bit.integer_net import IntegerNet, Stage, run, scores
from mltk_like.low_bit.report import Episode, LowBitReport, StageStatistics
from mltk_like.low_bit.settings import LowBit

__all__ = [
    "Episode",
    "IntegerNet",
    "LowBit",
    "LowBitReport",
    "Stage",
    "StageStatistics",
    "c_source",
    "describe",
    "from_npz",
    "run",
    "scores",
    "to_npz",
]
