"""A trained model as source files for a firmware."""

from mltk_like.verbs.export.result import ExportResult
from mltk_like.verbs.export.verb import FORMATS, export

__all__ = ["FORMATS", "ExportResult", "export"]
