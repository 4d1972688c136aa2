"""Who teaches the model's net: heads on the speech embedding, and nets that are trained first."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.data.speech_embedding import embedding_files
from mltk_like.errors import DataError
from mltk_like.feed.copies import open_feed
from mltk_like.feed.features import open_windows
from mltk_like.feed.pool import BatchSource
from mltk_like.feed.windows import SplitFiles
from mltk_like.training.embedding_teachers import ANSWERS, hear_and_answer, stock_size
from mltk_like.training.fit import CHECKPOINT, OneFeed, Validation, fit
from mltk_like.training.rounds import Listening, mine_first
from mltk_like.training.schedule import Schedule, shortened
from mltk_like.training.stock import ToldFeed
from mltk_like.training.teachers import Teachers
from mltk_like.verbs.data import worker_overrides
from mltk_like.verbs.train.fine_tuning import is_personal, required_embedding
from mltk_like.verbs.train.job import Job


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """What the model's net learns from.

    Attributes:
        files: the training split, with what teachers mined.
        teachers: nets that were trained first, or none.
        answers: what heads on the speech embedding say of the windows, and what it hears in them where the net learns
            that too, float32 (windows, classes + numbers), or none.
        mining_rounds: those that are left to the net's own training.
    """

    files: SplitFiles
    teachers: Teachers | None
    answers: NDArray[np.float32] | None
    mining_rounds: int

    def told(self, feed: BatchSource, job: Job) -> BatchSource:
        """The feed with what the heads say of its windows, where they say something."""
        if self.answers is None:
            return feed
        folder, seed = job.run.train_dir, job.model.seed
        return ToldFeed(source=feed, answers=self.answers, folder=folder, seed=seed, progress=job.progress)


def prepare_lessons(job: Job, files: SplitFiles, schedule: Schedule, validation: Validation) -> Lessons:
    """Train the nets that teach, let them mine, and let heads on the speech embedding hear what the net will see.

    The heads answer for windows that must not change from then on: so the one round of mining is before.
    """
    model = job.model
    teachers = _train_teachers(job, files, schedule, validation) if model.teachers else None
    answered = (job.run.train_dir / ANSWERS).is_file()
    embedding = _embedding(job) if model.embedding_teachers and not answered else None
    if embedding is None and not answered:
        return Lessons(files=files, teachers=teachers, answers=None, mining_rounds=model.mining_rounds)
    opened = partial(_open_feed, job, model)
    if model.mining_rounds and teachers is not None:
        folder = job.run.train_dir
        asked = Listening(model=model, files=files, folder=folder, open_feed=opened, say=job.say, progress=job.progress)
        files = mine_first(asked, teachers)
    if not answered:
        job.say(f"{model.embedding_teachers} heads on the speech embedding, {stock_size(model)} windows")
    mined = open_windows(model, files).mined(stock_size(model)) if files.mined else None
    heard = partial(opened, replace(files, embedding=embedding))
    answers = hear_and_answer(model, job.run.train_dir, heard, mined=mined, progress=job.progress)
    return Lessons(files=files, teachers=teachers, answers=answers, mining_rounds=0)


def _embedding(job: Job) -> tuple[Path, Path] | None:
    """The embedding's files; None where the net is trained without them, or was up to its checkpoint."""
    if job.has_checkpoint:
        return None
    if is_personal(job.run, job.model) and not job.test:
        return required_embedding()
    try:
        return embedding_files()
    except DataError as error:
        if job.strict:
            raise
        job.say(f"warning: trained without embedding_teachers: {error.message}")
        return None


def _open_feed(job: Job, model: Any, files: SplitFiles) -> AbstractContextManager[BatchSource]:
    return open_feed(model, files, workers=job.workers, overrides=worker_overrides(model))


def _train_teachers(job: Job, files: SplitFiles, schedule: Schedule, validation: Validation) -> Teachers:
    """Nets that are trained on windows of their own."""
    # They are ranked by misses, whatever the model's own net is, and their rate follows the schedule alone.
    model = job.model.with_settings(seed=job.model.seed + 1, reduce_lr_on_plateau=None)
    folder = job.run.train_dir / "teachers"
    teachers = Teachers(model, model.n_classes)
    course = shortened(schedule, model.teacher_steps)
    job.say(f"{model.teachers} teachers, {course.total_steps} steps")
    with _open_feed(job, model, files) as feed:
        fitted = fit(
            model, teachers, course, OneFeed(feed), validation, folder,
            resume=(folder / CHECKPOINT).is_file(), progress=job.progress,
        )  # fmt: skip
    # What ranked them best is what they have now; their running mean went with it.
    job.say(f"teachers: best epoch {fitted.best_epoch}, score {fitted.best_score:.4f}")
    return teachers
