"""The page about a trained model, and what is stored of one."""

from mltk_like.verbs.report.stored import StoredEvaluation, StoredHistory, evaluations_of, history_of
from mltk_like.verbs.report.verb import ModelReport, report
from mltk_like.verbs.report.worst import heard_stretch

__all__ = [
    "ModelReport",
    "StoredEvaluation",
    "StoredHistory",
    "evaluations_of",
    "heard_stretch",
    "history_of",
    "report",
]
