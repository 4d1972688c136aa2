"""How many steps a training takes and which learning rate each of them has."""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mltk_like.errors import SettingError, one_line
from mltk_like.mixins import TrainMixin
from mltk_like.training.learning import rate_of_optimizer


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
    if model.lr_schedule is not None:
        rates = rates_by_epoch(model)
        return Schedule(
            steps_per_epoch=steps, total_steps=total, rate=lambda step: rates[min(step // steps, len(rates) - 1)]
        )
    own = rate_of_optimizer(model) or (lambda step: model.learning_rate)
    return Schedule(steps_per_epoch=steps, total_steps=total, rate=own)


def check_schedule(model: TrainMixin) -> None:
    """Raise SettingError where `lr_schedule` fails for one of the epochs, or gives what is no learning rate."""
    if model.lr_schedule is not None:
        rates_by_epoch(model)


def rates_by_epoch(model: TrainMixin) -> tuple[float, ...]:
    """Learning rate of each epoch, by the function `lr_schedule`.

    A function of two arguments gets (epoch, rate of the epoch before), as Keras' LearningRateScheduler has it; before
    the first epoch that rate is `learning_rate`. Whatever `float` takes is a rate, a tensor for instance.

    Raises:
        SettingError: the function takes neither one nor two arguments, raises, or gives no rate for an epoch.
    """
    given: Any = model.lr_schedule
    two = _takes_rate(given)
    rates: list[float] = []
    for epoch in range(model.epochs):
        before = rates[-1] if rates else model.learning_rate
        try:
            value = given(epoch, before) if two else given(epoch)
        except Exception as error:
            raise SettingError(
                f"lr_schedule fails in epoch {epoch}: {type(error).__name__}: {one_line(error)}",
                f"it is called for epochs 0 to {model.epochs - 1}, and must give a learning rate for each",
            ) from error
        rates.append(_checked_rate(value, epoch))
    if not any(rates):
        raise SettingError("lr_schedule gives 0 in every epoch", "nothing would be learned: give rates above 0")
    return tuple(rates)


def _takes_rate(function: Any) -> bool:
    """Whether a function wants the rate of the epoch before beside the epoch."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return False  # written in C, and says nothing of itself
    for arguments in ((0,), (0, 0.0)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return len(arguments) == 2 or list(signature.parameters)[1:2] in (["lr"], ["learning_rate"])
    raise SettingError(f"lr_schedule takes {signature}", "write def lr_schedule(epoch), or def lr_schedule(epoch, lr)")


def _checked_rate(value: Any, epoch: int) -> float:
    """A learning rate as a plain number. Raises SettingError."""
    hint = "give a number above 0 for each epoch, counted from 0"
    if value is None:
        raise SettingError(f"lr_schedule gives None for epoch {epoch}", "end it with: return ...; " + hint)
    try:
        rate = float(value)
    except (TypeError, ValueError) as error:
        raise SettingError(f"lr_schedule gives {value!r} for epoch {epoch}, which is no number", hint) from error
    if not math.isfinite(rate) or rate < 0:
        raise SettingError(f"lr_schedule gives {rate:g} for epoch {epoch}, which is no learning rate", hint)
    return rate


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
