"""Look at what is installed: the verb, and what is looked for."""

from mltk_like.verbs.doctor.line import Line
from mltk_like.verbs.doctor.verb import Findings, doctor

__all__ = ["Findings", "Line", "doctor"]
