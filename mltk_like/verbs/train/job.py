"""One training: what its stages share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.data.own import OwnRecordings
from mltk_like.run import Run
from mltk_like.training.fit import CHECKPOINT
from mltk_like.verbs.train.augmented import Augmented
from mltk_like.verbs.train.result import Reporter

PACKING = "packing"
"""The key in a run's state.json where nothing is left but its packing."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is trained, where it is kept, and what was asked for. What a stage makes it returns to the next.

    Attributes:
        model: a specification with TrainMixin, AudioDatasetMixin and EvaluateMixin.
        run: the run folder.
        reporter: prints and logs.
        own: sources of the user's recordings.
        augmented: what is to be done with augmented windows.
        weights: file of weights to begin with, or none.
        workers: processes that make data; 0: none.
        test: a dry run.
        resume: the run was begun before.
        evaluate: judge and profile at the end.
        publish: copy the archive to the folder of the model's file.
        strict: a source that cannot be had is an error.
        progress: show bars.
    """

    # Any: the mixins were checked by the verb, and Python has no type for "Model with these three".
    model: Any
    run: Run
    reporter: Reporter
    own: Sequence[OwnRecordings]
    augmented: Augmented
    weights: str | Path | None
    workers: int
    test: bool
    resume: bool
    evaluate: bool
    publish: bool
    strict: bool
    progress: bool

    @property
    def has_checkpoint(self) -> bool:
        """Whether the net was trained before, and goes on from there."""
        return self.resume and (self.run.train_dir / CHECKPOINT).is_file()

    @property
    def has_only_packing_left(self) -> bool:
        """Whether the run ended between its last stage and its archive, and nobody asks for a judgement it lacks."""
        packing = self.run.state.get(PACKING) if self.resume else None
        return packing is not None and (packing["evaluated"] or not self.evaluate)

    def say(self, text: str) -> None:
        """Print and log one line or more."""
        self.reporter.say(text)

    def note(self, text: str) -> None:
        """Log what has been said elsewhere."""
        self.reporter.note(text)
