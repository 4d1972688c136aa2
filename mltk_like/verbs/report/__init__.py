"""The page about a trained model."""

from mltk_like.verbs.report.verb import ModelReport, report

__all__ = [
    "ModelReport",
    "report",
]
