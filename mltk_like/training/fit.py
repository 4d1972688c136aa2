"""The training loop: batches in, checkpoints out."""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import DataError
from mltk_like.feed.pool import BatchSource, Task
from mltk_like.feed.windows import Batch
from mltk_like.mixins import TrainMixin
from mltk_like.training.chance import at_chance, balanced_accuracy, verdict
from mltk_like.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mltk_like.training.event_log import FOLDER as EVENTS
from mltk_like.training.event_log import EventLog
from mltk_like.training.hooks import Hooks
from mltk_like.training.ranking import Rank, missed_share, rank_of
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

    def figures(self, labels: NDArray[np.int64], scores: NDArray[np.float32]) -> dict[str, float]:
        """`val_loss`, and further figures of probabilities (windows, classes) for windows of the classes `labels`."""

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
        rank_by: what the best checkpoint has, as the setting of that name.
    """

    features: NDArray[np.int8]
    labels: NDArray[np.int64]
    detected: NDArray[np.bool_]
    stream: RankingStream | None = None
    rank_by: str = "misses"

    @property
    def rank(self) -> Rank:
        """The figure that ranks. A stream without keyword windows ranks nothing."""
        return rank_of(self.rank_by, stream=self.stream is not None and bool(self.detected[self.labels].any()))

    def figures(self, trainer: Learner) -> dict[str, float]:
        """Every `val_` figure of a net as it stands."""
        scores = trainer.predict(self.features)
        own = trainer.figures(self.labels, scores)
        return {
            "val_loss": own.pop("val_loss"),
            "val_accuracy": float((scores.argmax(axis=1) == self.labels).mean()),
            "val_balanced_accuracy": balanced_accuracy(scores, self.labels),
            "val_misses": missed_share(scores, self.labels, self.detected),
            **self.missed_along_stream(trainer.predict, scores),
            **own,
        }

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
        best_score: what it was ranked by, see `Rank.score`: its share of missed validation windows (at few false
            windows, or at few false accepts an hour where streams rank), of wrong ones where accuracy ranks, ...
        steps: batches in all, earlier sessions of a resumed run included.
        seconds: wall time of this session.
        windows_per_s: windows trained on a second in this session.
        feed_seconds: CPU seconds of the workers by stage in this session.
        chance: what is to be said where validation never got better than chance; else empty.
    """

    history: dict[str, list[float]]
    best_epoch: int
    best_score: float
    steps: int
    seconds: float
    windows_per_s: float
    feed_seconds: dict[str, float] = field(default_factory=dict)
    chance: str = ""


def fit(
    model: TrainMixin,
    trainer: Learner,
    schedule: Schedule,
    feeds: Feeds,
    validation: Validation,
    folder: Path,
    *,
    hooks: Hooks | None = None,
    resume: bool = False,
    progress: bool = True,
) -> FitResult:
    """Train to the end of the schedule and leave the best checkpoint's weights in the trainer's net.

    Where the feed changes, the best checkpoint is sought anew: one from before saw less of what the net gets wrong.
    Of two checkpoints that rank the same, that with the lower validation loss is the better.

    Args:
        model: settings.
        trainer: the net, or several.
        schedule: steps and learning rates.
        feeds: batches of the training split.
        validation: windows that rank the checkpoints.
        folder: where `checkpoint.npz` and `best.npz` are kept, and TensorBoard's logs.
        hooks: the model's Keras callbacks; none: there are none.
        resume: go on from the folder's checkpoint.
        progress: show a bar.

    Raises:
        DataError: the loss is no longer a number; a clip cannot be used; the disk is full.
        ModelError: there is no checkpoint to resume from, or it is damaged.
        SettingError: a figure that the settings name is not logged.
        ToolError: a worker process died.
    """
    hooks = hooks or Hooks()
    state = Checkpoint(step=0, best_score=np.inf, best_epoch=0, history={}, arrays={})
    if resume:
        state = load_checkpoint(folder / CHECKPOINT)
        trainer.restore(state.arrays)
    started = time.monotonic()
    first_step, spent = state.step, Counter[str]()
    batches: Iterator[Batch] | None = None
    with EventLog(folder / EVENTS) as log, _Bar(state.step, schedule.total_steps, progress) as bar, hooks:
        hooks.begin(schedule.epochs, schedule.steps_per_epoch, state.hooks)
        while state.step < schedule.total_steps and not _stop_early(model, state):
            if batches is None or state.step in feeds.steps:
                state = replace(state, best_score=np.inf, best_loss=np.inf) if state.step in feeds.steps else state
                tasks = _tasks(state.step, schedule.total_steps, model.batch_size)
                batches = feeds.feed(state.step, trainer).batches(tasks)
            course = replace(schedule, rate=_lowered(model, schedule, state))
            hooks.schedule(course.rate(state.step))
            hooks.call("on_epoch_begin", len(state.history.get("loss", ())), {})
            rows = _epoch(model, trainer, course, batches, state.step, bar, spent, hooks)
            state = _end_epoch(trainer, validation, folder, state, rows, hooks)
            log.write(len(state.history["loss"]) - 1, {name: values[-1] for name, values in state.history.items()})
            bar.write(_line(state, schedule))
        hooks.call("on_train_end", {})
    trainer.restore({**trainer.state(), **load_checkpoint(folder / BEST).arrays})
    windows = (state.step - first_step) * model.batch_size
    return _result(state, validation, windows, time.monotonic() - started, spent)


def _result(
    state: Checkpoint, validation: Validation, windows: int, seconds: float, spent: Mapping[str, float]
) -> FitResult:
    chance = at_chance(state.history, validation.labels, validation.detected)
    return FitResult(
        history=state.history,
        best_epoch=state.best_epoch,
        best_score=state.best_score,
        steps=state.step,
        seconds=seconds,
        windows_per_s=windows / max(seconds, 1e-9),
        feed_seconds=dict(spent),
        chance=verdict(state.history, validation.labels) if chance else "",
    )


def _lowered(model: TrainMixin, schedule: Schedule, state: Checkpoint) -> Callable[[int], float]:
    """The schedule's learning rates, lower where a figure has stopped to get better."""
    plateau = model.reduce_lr_on_plateau
    return schedule.rate if plateau is None else lambda step: plateau.reduced(schedule.rate(step), state.history)


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
    hooks: Hooks,
) -> list[tuple[float, float, float]]:
    """The steps up to the next checkpoint, or to where a callback stops it: (loss, accuracy, rate) of each."""
    rows = []
    began = time.monotonic()
    end = min(step - step % schedule.steps_per_epoch + schedule.steps_per_epoch, schedule.total_steps)
    for number in range(step, end):
        batch = next(batches)
        scheduled = schedule.rate(number)
        hooks.schedule(scheduled)
        hooks.call("on_train_batch_begin", number - step, {})
        rate = hooks.rate(scheduled)
        loss, accuracy = trainer.step(batch, rate, number)
        if not np.isfinite(loss):
            raise DataError(
                f"the loss became {loss} at step {number}",
                "lower the learning rate; --resume goes back to the checkpoint",
            )
        rows.append((loss, accuracy, rate))
        hooks.call("on_train_batch_end", number - step, {"loss": loss, "accuracy": accuracy})
        spent.update(batch.seconds)
        recent = np.mean(rows[-50:], axis=0)
        speed = len(rows) * model.batch_size / (time.monotonic() - began)
        bar.update(1, loss=float(recent[0]), accuracy=float(recent[1]), clips_per_s=speed)
        if hooks.stopped:
            break
    return rows


def _end_epoch(
    trainer: Learner,
    validation: Validation,
    folder: Path,
    state: Checkpoint,
    rows: list[tuple[float, float, float]],
    hooks: Hooks,
) -> Checkpoint:
    """Validate, keep the best, save the state."""
    loss, accuracy, _ = np.mean(rows, axis=0)
    trainer.swap_mean()
    hooks.call("on_test_begin", {})
    validated = validation.figures(trainer)
    hooks.call("on_test_end", {name.removeprefix("val_"): value for name, value in validated.items()})
    figures = {"loss": float(loss), "accuracy": float(accuracy), **validated, "learning_rate": rows[-1][2]}
    epoch = len(state.history.get("loss", ())) + 1
    hooks.call("on_epoch_end", epoch - 1, figures)
    history = _lengthened(state.history, figures, epoch)
    ranks = validation.rank
    rank = ranks.score({name: values[-1] for name, values in history.items()}), _number(figures["val_loss"])
    if ranks.last or rank < (state.best_score, state.best_loss) or not state.best_epoch:
        gained = epoch if rank[0] < state.best_score else state.gained
        state = replace(state, best_score=rank[0], best_loss=rank[1], best_epoch=epoch, gained=gained)
        arrays = {name: value for name, value in trainer.state().items() if name.startswith("net/")}
        save_checkpoint(folder / BEST, replace(state, step=0, history={}, arrays=arrays))
    trainer.swap_mean()
    state = replace(
        state,
        step=state.step + len(rows),
        history=history,
        arrays=trainer.state(),
        hooks=hooks.memory(),
        stopped=hooks.stopped,
    )
    save_checkpoint(folder / CHECKPOINT, state)
    return state


def _lengthened(history: dict[str, list[float]], figures: Mapping[str, Any], epoch: int) -> dict[str, list[float]]:
    """The history with an epoch more; what is not known of one, since a callback logs it now and then, is NaN there.

    Names that a callback gives become identifiers.
    """
    found = {re.sub(r"\W", "_", name): float(np.mean(value)) for name, value in figures.items()}
    unknown = [math.nan] * (epoch - 1)
    names = dict.fromkeys([*history, *found])
    return {name: [*history.get(name, unknown), found.get(name, math.nan)] for name in names}


def _number(loss: float) -> float:
    return math.inf if math.isnan(loss) else loss


def _stop_early(model: TrainMixin, state: Checkpoint) -> bool:
    patience = model.early_stopping_epochs
    epochs = len(state.history.get("loss", []))
    return state.stopped or (bool(patience) and epochs - state.gained >= patience)


def _line(state: Checkpoint, schedule: Schedule) -> str:
    shown = ("loss", "accuracy", "val_loss", "val_accuracy", "val_misses", "val_stream_misses")
    figures = "  ".join(f"{name} {state.history[name][-1]:.4f}" for name in shown if name in state.history)
    epoch = len(state.history["loss"])
    best = "  *" if state.best_epoch == epoch else ""
    return f"epoch {epoch}/{schedule.epochs}  {figures}{best}"


class _Bar:
    """A tqdm bar over all steps, with the figures of the last of them."""

    def __init__(self, step: int, total: int, progress: bool) -> None:
        from tqdm.auto import tqdm

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
