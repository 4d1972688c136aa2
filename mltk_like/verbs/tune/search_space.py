"""What `tune` may change: settings given as ranges and lists of choices."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mltk_like.errors import SettingError
from mltk_like.model import Model
from mltk_like.settings import parse_assignments

if TYPE_CHECKING:
    from optuna.trial import Trial

# A range that spans this factor is searched on a logarithmic scale.
_LOG_FROM = 10.0
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")
_HINT = "write NAME=LOW..HIGH, NAME=A,B,C or NAME=VALUE"


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, both included; whole ones when both ends are written so."""

    low: float
    high: float
    whole: bool

    @property
    def log(self) -> bool:
        """Whether the scale is logarithmic: both ends above 0, and a factor of 10 or more apart."""
        return self.low > 0 and self.high >= _LOG_FROM * self.low

    def suggest(self, trial: "Trial", name: str) -> str:
        """A value as text."""
        if self.whole:
            return str(trial.suggest_int(name, int(self.low), int(self.high), log=self.log))
        return repr(trial.suggest_float(name, self.low, self.high, log=self.log))

    @property
    def samples(self) -> tuple[str, ...]:
        """Values to check beforehand."""
        return tuple(str(int(end)) if self.whole else repr(end) for end in (self.low, self.high))


@dataclass(frozen=True, kw_only=True)
class Choices:
    """One of several values, as text."""

    values: tuple[str, ...]

    def suggest(self, trial: "Trial", name: str) -> str:
        """A value as text."""
        return str(trial.suggest_categorical(name, self.values))

    @property
    def samples(self) -> tuple[str, ...]:
        """Values to check beforehand."""
        return self.values


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """Settings that are searched, and those that are fixed for all trials.

    Attributes:
        searched: by the setting's name, for example `learning_rate` or `frontend.window_size_ms`.
        fixed: assignments such as `epochs=5`.
    """

    searched: Mapping[str, Range | Choices]
    fixed: tuple[str, ...]

    def suggest(self, trial: "Trial") -> tuple[str, ...]:
        """Assignments for one trial: the fixed ones, then the searched ones."""
        return self.fixed + tuple(f"{name}={what.suggest(trial, name)}" for name, what in self.searched.items())


def parse_space(model: Model, assignments: Sequence[str]) -> SearchSpace:
    """Read `--set` words: `learning_rate=1e-4..1e-2`, `batch_size=32,64`, `epochs=5`.

    Every end of a range and every choice is tried on the model, so that a wrong one is found before the first trial.

    Raises:
        SettingError: a name or value does not fit the model, a range is empty, or nothing is searched.
    """
    searched: dict[str, Range | Choices] = {}
    fixed = []
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise SettingError(f"{text!r} gives no value", _HINT)
        what = _searched(name, value)
        if what is None:
            fixed.append(text)
        else:
            searched[name] = what
    if not searched:
        raise SettingError("nothing to search: no setting has a range or a list of values", _HINT)
    base = model.with_settings(**parse_assignments(model, fixed)) if fixed else model
    for name, what in searched.items():
        for sample in what.samples:
            base.with_settings(**parse_assignments(base, [f"{name}={sample}"]))
    return SearchSpace(searched=searched, fixed=tuple(fixed))


def _searched(name: str, value: str) -> Range | Choices | None:
    if value[0] in "[{\"'":
        return None  # one JSON value, commas and all
    if match := _RANGE.fullmatch(value):
        low, high = (float(end) for end in match.groups())
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise SettingError(f"the range {name}={value} is empty", "write the lower end first")
        return Range(low=low, high=high, whole=all(re.fullmatch(r"[-+]?\d+", end) for end in match.groups()))
    if "," in value:
        return Choices(values=tuple(dict.fromkeys(choice.strip() for choice in value.split(",") if choice.strip())))
    return None
