"""The training loop: batches in, checkpoints out."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import DataError
from mltk_like.feed.pool import BatchSource, Task
from mltk_like.feed.windows import Batch
from mltk_like.mixins import TrainMixin
from mltk_like.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mltk_like.training.ranking import missed_share
from mltk_like.training.schedule import Schedule
from mltk_like.training.stream_ranking import Predict, RankingStream

CHECKPOINT = "checkpoint.npz"
BEST = "best.npz"


class Learner(Protocol):
    """What is trained: one net (`Trainer`) or several (`Teachers`)."""

    def step(self, batch: Batch, rate: float, number: int) -> tuple[float, float]:
        """One batch. Returns (mean loss, share of right answers)."""

    def predict(self, features: NDArray[np.int8]) -> NDArray[np.float32]:
        """Probabilities (windows, classes)."""

    def swap_mean(self) -> None:
        """Exchange the weights with their running mean."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Every variable by its name; those of nets begin with `net/`."""

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave."""


class Feeds(Protocol):
    """Where a training takes its batches from."""

    @property
    def steps(self) -> tuple[int, ...]:
        """Numbers of batches after which the feed changes; ends of epochs."""

    def feed(self, step: int, trainer: Learner) -> BatchSource:
        """The feed to go on with after `step` batches."""


@dataclass(frozen=True)
class OneFeed:
    """A feed that never changes."""

    source: BatchSource
    steps: tuple[int, ...] = ()

    def feed(self, step: int, trainer: Learner) -> BatchSource:
        """The one feed."""
        return self.source


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Windows that rank the checkpoints.

    Attributes:
        features: int8 (n, time, 1, bands).
        labels: (n,).
        detected: (classes,): which are detected.
        stream: ranks them instead by misses at few false accepts an hour; None: they rank alone.
        by_accuracy: the best checkpoint is the one with most right answers, not the one with fewest misses.
    """

    features: NDArray[np.int8]
    labels: NDArray[np.int64]
    detected: NDArray[np.bool_]
    stream: RankingStream | None = None
    by_accuracy: bool = False

    def missed_along_stream(self, predict: Predict, scores: NDArray[np.float32]) -> dict[str, float]:
        """Share of keyword windows below what the stream scores; nothing without a stream or keyword windows."""
        keyword = self.detected[self.labels]
        if self.stream is None or not keyword.any():
            return {}
        own = scores[np.arange(len(scores)), self.labels][keyword]
        return {"val_stream_misses": self.stream.missed_share(predict, own, self.detected)}


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What a training came to.

    Attributes:
        history: one list of figures a name, one entry an epoch.
        best_epoch: epoch of the exported checkpoint, from 1.
        best_score: its share of missed validation windows (at few false windows, or at few false accepts an hour where
            streams rank), or of wrong ones where accuracy ranks.
        steps: batches in all, earlier sessions of a resumed run included.
        seconds: wall time of this session.
        windows_per_s: windows trained on a second in this session.
        feed_seconds: CPU seconds of the workers by stage in this session.
    """

    history: dict[str, list[float]]
    best_epoch: int
    best_score: float
    steps: int
    seconds: float
    windows_per_s: float
    feed_seconds: dict[str, float] = field(default_factory=dict)


def fit(
    model: TrainMixin,
    trainer: Learner,
    schedule: Schedule,
    feeds: Feeds,
    validation: Validation,
    folder: Path,
    *,
    resume: bool = False,
    progress: bool = True,
) -> FitResult:
    """Train to the end of the schedule and leave the best checkpoint's weights in the trainer's net.

    Where the feed changes, the best checkpoint is sought anew: one from before saw less of what the net gets wrong.

    Args:
        model: settings.
        trainer: the net, or several.
        schedule: steps and learning rates.
        feeds: batches of the training split.
        validation: windows that rank the checkpoints.
        folder: where `checkpoint.npz` and `best.npz` are kept.
        resume: go on from the folder's checkpoint.
        progress: show a bar.

    Raises:
        DataError: the loss is no longer a number; a clip cannot be used; the disk is full.
        ModelError: there is no checkpoint to resume from, or it is damaged.
        ToolError: a worker process died.
    """
    state = Checkpoint(step=0, best_score=np.inf, best_epoch=0, history={}, arrays={})
    if resume:
        state = load_checkpoint(folder / CHECKPOINT)
        trainer.restore(state.arrays)
    started = time.monotonic()
    first_step, spent = state.step, Counter[str]()
    batches: Iterator[Batch] | None = None
    with _Bar(state.step, schedule.total_steps, progress) as bar:
        while state.step < schedule.total_steps and not _stop_early(model, state, schedule):
            if state.step in feeds.steps:
                state = replace(state, best_score=np.inf)
            if batches is None or state.step in feeds.steps:
                tasks = _tasks(state.step, schedule.total_steps, model.batch_size)
                batches = feeds.feed(state.step, trainer).batches(tasks)
            rows = _epoch(model, trainer, schedule, batches, state.step, bar, spent)
            state = _end_epoch(trainer, schedule, validation, folder, state, rows)
            bar.write(_line(state, schedule))
    trainer.restore({**trainer.state(), **load_checkpoint(folder / BEST).arrays})
    seconds = time.monotonic() - started
    return FitResult(
        history=state.history,
        best_epoch=state.best_epoch,
        best_score=state.best_score,
        steps=state.step,
        seconds=seconds,
        windows_per_s=(state.step - first_step) * model.batch_size / max(seconds, 1e-9),
        feed_seconds=dict(spent),
    )


def _tasks(step: int, total: int, batch: int) -> Iterator[Task]:
    return (Task(first=number * batch, count=batch) for number in range(step, total))


def _epoch(
    model: TrainMixin,
    trainer: Learner,
    schedule: Schedule,
    batches: Iterator[Batch],
    step: int,
    bar: "_Bar",
    spent: Counter[str],
) -> list[tuple[float, float]]:
    """The steps up to the next checkpoint: (loss, accuracy) of each."""
    rows = []
    began = time.monotonic()
    end = min(step - step % schedule.steps_per_epoch + schedule.steps_per_epoch, schedule.total_steps)
    for number in range(step, end):
        batch = next(batches)
        loss, accuracy = trainer.step(batch, schedule.rate(number), number)
        if not np.isfinite(loss):
            raise DataError(
                f"the loss became {loss} at step {number}",
                "lower the learning rate; --resume goes back to the checkpoint",
            )
        rows.append((loss, accuracy))
        spent.update(batch.seconds)
        recent = np.mean(rows[-50:], axis=0)
        speed = len(rows) * model.batch_size / (time.monotonic() - began)
        bar.update(1, loss=float(recent[0]), accuracy=float(recent[1]), clips_per_s=speed)
    return rows


def _end_epoch(
    trainer: Learner,
    schedule: Schedule,
    validation: Validation,
    folder: Path,
    state: Checkpoint,
    rows: list[tuple[float, float]],
) -> Checkpoint:
    """Validate, keep the best, save the state."""
    loss, accuracy = np.mean(rows, axis=0)
    trainer.swap_mean()
    scores = trainer.predict(validation.features)
    own = np.clip(scores[np.arange(len(scores)), validation.labels], 1e-7, 1.0)
    right = float((scores.argmax(axis=1) == validation.labels).mean())
    misses = missed_share(scores, validation.labels, validation.detected)
    along = validation.missed_along_stream(trainer.predict, scores)
    score = 1.0 - right if validation.by_accuracy else along.get("val_stream_misses", misses)
    figures = {
        "loss": float(loss),
        "accuracy": float(accuracy),
        "val_loss": float(-np.log(own).mean()),
        "val_accuracy": right,
        "val_misses": misses,
        **along,
        "learning_rate": schedule.rate(state.step + len(rows) - 1),
    }
    history = {name: [*state.history.get(name, []), value] for name, value in figures.items()}
    epoch = len(history["loss"])
    better = score < state.best_score
    best = (score, epoch) if better else (state.best_score, state.best_epoch)
    if better:
        arrays = {name: value for name, value in trainer.state().items() if name.startswith("net/")}
        save_checkpoint(
            folder / BEST, Checkpoint(step=0, best_score=score, best_epoch=epoch, history={}, arrays=arrays)
        )
    trainer.swap_mean()
    state = Checkpoint(
        step=state.step + len(rows), best_score=best[0], best_epoch=best[1], history=history, arrays=trainer.state()
    )
    save_checkpoint(folder / CHECKPOINT, state)
    return state


def _stop_early(model: TrainMixin, state: Checkpoint, schedule: Schedule) -> bool:
    patience = model.early_stopping_epochs
    epochs = len(state.history.get("loss", []))
    return bool(patience) and epochs - state.best_epoch >= patience


def _line(state: Checkpoint, schedule: Schedule) -> str:
    shown = ("loss", "accuracy", "val_loss", "val_accuracy", "val_misses", "val_stream_misses")
    figures = "  ".join(f"{name} {state.history[name][-1]:.4f}" for name in shown if name in state.history)
    epoch = len(state.history["loss"])
    best = "  *" if state.best_epoch == epoch else ""
    return f"epoch {epoch}/{schedule.epochs}  {figures}{best}"


class _Bar:
    """A tqdm bar over all steps, with the figures of the last of them."""

    def __init__(self, step: int, total: int, progress: bool) -> None:
        from tqdm import tqdm

        self._tqdm = tqdm(total=total, initial=step, desc="train", unit="step", disable=not progress, mininterval=0.5)

    def update(self, steps: int, *, loss: float, accuracy: float, clips_per_s: float) -> None:
        self._tqdm.set_postfix_str(
            f"loss {loss:.4f}, accuracy {accuracy:.4f}, {clips_per_s:.0f} clips/s", refresh=False
        )
        self._tqdm.update(steps)

    def write(self, line: str) -> None:
        if not self._tqdm.disable:
            self._tqdm.write(line)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *unused: object) -> None:
        self._tqdm.close()
