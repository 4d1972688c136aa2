"""The training itself: windows from the workers into the net, epoch by epoch."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.feed.copies import open_feed
from mltk_like.feed.features import open_windows
from mltk_like.feed.pool import BatchSource
from mltk_like.feed.windows import SplitFiles
from mltk_like.metrics.plots import plot_history
from mltk_like.paths import write_bytes
from mltk_like.training.class_weights import class_weights
from mltk_like.training.fit import FitResult
from mltk_like.training.low_bit import fit_net
from mltk_like.training.rounds import Listening, MiningRounds
from mltk_like.training.schedule import make_schedule
from mltk_like.training.score_temperature import divide_logits
from mltk_like.training.stock import forget_windows
from mltk_like.training.validation import make_validation
from mltk_like.verbs.data import worker_overrides
from mltk_like.verbs.train.job import Job
from mltk_like.verbs.train.teaching import prepare_lessons


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A trained net.

    Attributes:
        net: as it is exported: with the weights of its best epoch.
        result: what the training came to.
        windows: int8 (windows, time, ...) of the validation, which calibrate the conversion.
    """

    net: Any
    result: FitResult
    windows: NDArray[np.int8]


def fit(job: Job, net: Any, files: dict[str, SplitFiles]) -> Fitted:
    """Train the net, from the checkpoint on where there is one."""
    model, training = job.model, files["training"]
    overrides = worker_overrides(model)
    plan = open_windows(model, training)
    validation = make_validation(model, files["validation"], workers=job.workers, overrides=overrides)
    schedule = make_schedule(model, len(plan))
    job.say(
        f"{len(plan)} windows a pass, {schedule.total_steps} steps of {model.batch_size} "
        f"in {schedule.epochs} epochs, {job.workers} workers"
    )
    costs = class_weights(model, plan.class_counts())
    needed = -(-schedule.total_steps * model.batch_size // len(plan)) if len(plan) else 0
    job.augmented.write_dump(job.run, model, training, job.say, job.progress)
    copies = job.augmented.passes(job.run, model, training, needed=needed, workers=job.workers, say=job.say)

    lessons = prepare_lessons(job, training, schedule, validation)

    @contextmanager
    def opened(split: SplitFiles) -> Iterator[BatchSource]:
        # Stored passes are of the clips as they were given: with mined windows all are made afresh.
        stored = 0 if split.mined or lessons.answers is not None else copies
        own, bars = job.workers, job.progress
        with open_feed(model, split, workers=own, overrides=overrides, copies=stored, progress=bars) as feed:
            yield lessons.told(feed, job)

    listening = Listening(
        model=model, files=lessons.files, folder=job.run.train_dir, open_feed=opened, say=job.say, progress=job.progress
    )
    with MiningRounds(listening, schedule, rounds=lessons.mining_rounds) as feeds:
        net, result = fit_net(
            model, net, costs, schedule, feeds, validation, job.run.train_dir,
            teachers=lessons.teachers, told=lessons.answers is not None, resume=job.has_checkpoint,
            progress=job.progress,
        )  # fmt: skip
    forget_windows(job.run.train_dir)
    divide_logits(net, model.score_temperature)
    _save_history(job, result)
    if result.chance and not job.test:
        job.say(result.chance)
        job.run.update(chance=result.chance)
    return Fitted(net=net, result=result, windows=validation.features)


def _save_history(job: Job, fitted: FitResult) -> None:
    job.run.write_json("train/history.json", {"best_epoch": fitted.best_epoch, "history": fitted.history})
    write_bytes(job.run.train_dir / "history.png", plot_history(fitted.history, best_epoch=fitted.best_epoch))
    total = max(sum(fitted.feed_seconds.values()), 1e-9)
    shares = ", ".join(f"{name} {100 * spent / total:.0f} %" for name, spent in fitted.feed_seconds.items())
    windows = max(fitted.windows_per_s * fitted.seconds, 1.0)
    job.say(
        f"trained {fitted.steps} steps; this session {fitted.seconds:.0f} s, {fitted.windows_per_s:.0f} clips/s; "
        f"data {1000 * total / windows:.2f} ms CPU a clip ({shares}); "
        f"best epoch {fitted.best_epoch}, score {fitted.best_score:.4f}"
    )
