"""How many steps a training takes and which learning rate each of them has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mltk_like.mixins import TrainMixin


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Steps and learning rates of a training.

    Attributes:
        steps_per_epoch: batches between two checkpoints.
        total_steps: batches in all.
        rate: learning rate of step number n, from 0.
    """

    steps_per_epoch: int
    total_steps: int
    rate: Callable[[int], float]

    @property
    def epochs(self) -> int:
        """Epochs in all; the last may be short."""
        return -(-self.total_steps // self.steps_per_epoch)


def make_schedule(model: TrainMixin, windows_per_pass: int) -> Schedule:
    """The schedule that a model's settings ask for: stepped, by epoch, or constant.

    Args:
        model: settings `epochs`, `steps_per_epoch`, `batch_size` and the learning rate's.
        windows_per_pass: windows in one pass over the keyword clips.
    """
    steps = model.steps_per_epoch or max(-(-windows_per_pass // model.batch_size), 1)
    total = model.epochs * steps
    if model.learning_rate_steps:
        total = min(total, sum(count for count, _ in model.learning_rate_steps))
        return Schedule(steps_per_epoch=steps, total_steps=total, rate=stepped(model.learning_rate_steps))
    by_epoch = model.lr_schedule
    if by_epoch is not None:
        return Schedule(steps_per_epoch=steps, total_steps=total, rate=lambda step: float(by_epoch(step // steps)))
    return Schedule(steps_per_epoch=steps, total_steps=total, rate=lambda step: model.learning_rate)


def shortened(schedule: Schedule, steps: int) -> Schedule:
    """The same course of the learning rate in so many steps."""
    total = schedule.total_steps
    return Schedule(
        steps_per_epoch=min(schedule.steps_per_epoch, steps),
        total_steps=steps,
        rate=lambda step: schedule.rate(step * total // steps),
    )


def stepped(stages: Sequence[tuple[int, float]]) -> Callable[[int], float]:
    """Learning rate by step from (number of batches, rate) in turn; the last rate goes on for ever."""

    def rate(step: int) -> float:
        for count, value in stages:
            if step < count:
                return value
            step -= count
        return stages[-1][1]

    return rate
