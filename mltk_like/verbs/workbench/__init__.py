"""A page to work with: models, runs, sounds, recordings, evaluations."""

from mltk_like.verbs.workbench.guard import is_local
from mltk_like.verbs.workbench.server import WorkbenchServer
from mltk_like.verbs.workbench.verb import LOCAL, workbench

__all__ = [
    "LOCAL",
    "WorkbenchServer",
    "is_local",
    "workbench",
]
