"""Whether every engine says the same of a model: float, int8 on LiteRT and TFLM, and the net as C."""

from mltk_like.verbs.check.result import CheckResult
from mltk_like.verbs.check.verb import check, check_engines

__all__ = ["CheckResult", "check", "check_engines"]
