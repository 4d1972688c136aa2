"""The setting `reduce_lr_on_plateau`: a lower learning rate where a figure has stopped to get better."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mltk_like.errors import SettingError

# Parts of the names of figures of which most, or least, is best.
_MOST = ("acc", "auc", "precision", "recall", "f1", "fbeta", "score", "iou", "similarity", "specificity", "sensitivity")
_LEAST = ("loss", "miss", "error", "entropy", "divergence", "false", "hinge", "mse", "mae")


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateau:
    """Multiply the learning rate by `factor` when `monitor` has not got better for `patience` epochs.

    The names and the rule are those of Keras' ReduceLROnPlateau. How often the rate was reduced follows from the
    history of the training alone, so that a resumed one goes on as it would have.

    Attributes:
        monitor: a logged figure; `max:NAME` or `min:NAME` says whether most or least of it is best.
        factor: what the rate is multiplied by, above 0 and below 1.
        patience: epochs without a better figure.
        min_delta: a figure is better when it is better by more than this.
        cooldown: epochs after a reduction that do not count.
        min_lr: the rate is not reduced below this.
    """

    monitor: str = "val_loss"
    factor: float = 0.25
    patience: int = 10
    min_delta: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0

    def __post_init__(self) -> None:
        direction(self.monitor)
        if not 0 < self.factor < 1:
            raise SettingError(f"reduce_lr_on_plateau.factor is {self.factor}", "give a number between 0 and 1")
        if self.patience < 1:
            raise SettingError(f"reduce_lr_on_plateau.patience is {self.patience}", "give 1 epoch or more")
        if min(self.min_delta, self.cooldown, self.min_lr) < 0:
            raise SettingError(
                "min_delta, cooldown and min_lr of reduce_lr_on_plateau are 0 or more", "leave out what is not needed"
            )

    def reduced(self, rate: float, history: Mapping[str, Sequence[float]]) -> float:
        """The learning rate after these epochs, where the schedule's own is `rate`. Raises SettingError for a figure
        that the history lacks."""
        name, _ = direction(self.monitor)
        if history and name not in history:
            raise not_logged(name, history)
        times = self._times(history.get(name, ()))
        return max(rate * self.factor**times, self.min_lr) if times and rate > self.min_lr else rate

    def _times(self, values: Sequence[float]) -> int:
        """How often the rate has been reduced."""
        sign = -1.0 if direction(self.monitor)[1] else 1.0
        best, waited, resting, times = math.inf, 0, 0, 0
        for value in values:
            if resting:
                resting, waited = resting - 1, 0
            if sign * value < best - self.min_delta:
                best, waited = sign * value, 0
            elif not resting:
                waited += 1
                if waited >= self.patience:
                    waited, resting, times = 0, self.cooldown, times + 1
        return times


def direction(figure: str) -> tuple[str, bool]:
    """(name, whether most of it is best) of a figure as a setting names it: `val_auc`, `max:val_kappa`, `min:val_x`.

    Raises:
        SettingError: it is not said, and the name does not tell.
    """
    prefix, colon, name = figure.partition(":")
    if colon and prefix in ("max", "min") and name:
        return name, prefix == "max"
    for most, parts in ((False, _LEAST), (True, _MOST)):
        if any(part in figure.lower() for part in parts):
            return figure, most
    raise SettingError(
        f"whether most or least of {figure!r} is best is not known", f"write 'max:{figure}' or 'min:{figure}'"
    )


def not_logged(name: str, known: Mapping[str, object] | Sequence[str]) -> SettingError:
    """The error for a figure that no epoch has."""
    return SettingError(f"no figure {name!r} is logged", "known: " + ", ".join(known))
