"""Who teaches the model's net: heads on the speech embedding, and nets that are trained first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mltk_like.data.speech_embedding import embedding_files
from mltk_like.errors import DataError
from mltk_like.feed.copies import open_feed
from mltk_like.feed.pool import BatchSource
from mltk_like.feed.windows import SplitFiles
from mltk_like.training.embedding_teachers import ANSWERS, ToldFeed, hear_and_answer, stock_size
from mltk_like.training.fit import CHECKPOINT, OneFeed, Validation, fit
from mltk_like.training.schedule import Schedule, shortened
from mltk_like.training.teachers import Teachers
from mltk_like.verbs.data import worker_overrides
from mltk_like.verbs.train.job import Job


def listen(job: Job, files: SplitFiles) -> NDArray[np.float32] | None:
    """What heads on the speech embedding say of the training's windows; None where there are none."""
    model = job.model
    if not model.embedding_teachers:
        return None
    embedding = None
    if not (job.run.train_dir / ANSWERS).is_file():
        try:
            embedding = embedding_files()
        except DataError as error:
            if job.strict:
                raise
            job.say(f"warning: trained without embedding_teachers, since the speech embedding {error.message}")
            return None
        job.say(f"{model.embedding_teachers} heads on the speech embedding, {stock_size(model)} windows")

    @contextmanager
    def opened() -> Iterator[BatchSource]:
        heard = replace(files, embedding=embedding)
        with open_feed(model, heard, workers=job.workers, overrides=worker_overrides(model)) as feed:
            yield feed

    return hear_and_answer(model, job.run.train_dir, opened, progress=job.progress)


def told(feed: BatchSource, answers: NDArray[np.float32] | None) -> BatchSource:
    """The feed with what the heads say of its windows, where they say something."""
    return feed if answers is None else ToldFeed(source=feed, answers=answers)


def train_teachers(
    job: Job, files: SplitFiles, schedule: Schedule, validation: Validation, answers: NDArray[np.float32] | None
) -> Teachers | None:
    """The nets that the model's net learns from: on windows of their own, unless heads answer for those it will see."""
    if not job.model.teachers:
        return None
    # They are ranked by misses, whatever the model's own net is, and their rate follows the schedule alone.
    seed = job.model.seed + (answers is None)
    model = job.model.with_settings(seed=seed, reduce_lr_on_plateau=None)
    folder = job.run.train_dir / "teachers"
    teachers = Teachers(model, model.n_classes)
    course = shortened(schedule, model.teacher_steps)
    job.say(f"{model.teachers} teachers, {course.total_steps} steps")
    with open_feed(model, files, workers=job.workers, overrides=worker_overrides(model)) as feed:
        fitted = fit(
            model, teachers, course, OneFeed(told(feed, answers)), validation, folder,
            resume=(folder / CHECKPOINT).is_file(), progress=job.progress,
        )  # fmt: skip
    # What ranked them best is what they have now; their running mean went with it.
    job.say(f"teachers: best epoch {fitted.best_epoch}, score {fitted.best_score:.4f}")
    return teachers
