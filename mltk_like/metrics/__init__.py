"""How good a model is: on streams first, then clip by clip."""

from mltk_like.metrics.classification import ClassificationReport, classification_report, roc_auc
from mltk_like.metrics.curve import OperatingPoint, StreamCurve, curve_summary, curve_table, misses_at
from mltk_like.metrics.intervals import poisson_interval, wilson_interval
from mltk_like.metrics.stream import Stream, sweep

__all__ = [
    "ClassificationReport",
    "OperatingPoint",
    "Stream",
    "StreamCurve",
    "classification_report",
    "curve_summary",
    "curve_table",
    "misses_at",
    "poisson_interval",
    "roc_auc",
    "sweep",
    "wilson_interval",
]
