"""How good a model is: on streams first, then clip by clip."""

from mltk_like.metrics.classification import ClassificationReport, classification_report, roc_auc
from mltk_like.metrics.confusion import Counts
from mltk_like.metrics.curve import OperatingPoint, StreamCurve, curve_summary, curve_table, misses_at
from mltk_like.metrics.events import Event, Stream, WordTrace, find_events, trace_word
from mltk_like.metrics.intervals import poisson_interval, wilson_interval
from mltk_like.metrics.paired import equal_rates, mcnemar
from mltk_like.metrics.stream import count_events, curve_of, label_indices, sweep

__all__ = [
    "ClassificationReport",
    "Counts",
    "Event",
    "OperatingPoint",
    "Stream",
    "StreamCurve",
    "WordTrace",
    "classification_report",
    "count_events",
    "curve_of",
    "curve_summary",
    "curve_table",
    "equal_rates",
    "find_events",
    "label_indices",
    "mcnemar",
    "misses_at",
    "poisson_interval",
    "roc_auc",
    "sweep",
    "trace_word",
    "wilson_interval",
]
