"""What a search found."""

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mltk_like.paths import portable


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """One training of the search.

    Attributes:
        number: of the trial, from 0.
        settings: what it was trained with, of the settings searched.
        misses: share of the keyword that its best checkpoint misses on the validation voices; None when it failed.
        epoch: of that checkpoint, from 1.
        seconds: wall time.
        problem: the end of its output when it failed.
    """

    number: int
    settings: dict[str, Any]
    misses: float | None
    epoch: int | None
    seconds: float
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class TuningResult:
    """Every trial so far, best first.

    Attributes:
        name: the model's name.
        folder: `study.db` (Optuna's), `results.json`, `plot.png`, and the archive of every trial.
        trials: rows, best first; failed ones last.
        command: the training of all trials, without what was searched.
    """

    name: str
    folder: Path
    trials: tuple[TrialRow, ...]
    command: str

    @property
    def best(self) -> TrialRow | None:
        """The trial with the fewest misses."""
        return self.trials[0] if self.trials and self.trials[0].misses is not None else None

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"name": self.name, "folder": str(self.folder), "trials": [asdict(row) for row in self.trials]}

    def __str__(self) -> str:
        names = sorted({name for row in self.trials for name in row.settings})
        widths = [max(len(name), 10) for name in names]
        head = "  ".join(f"{name:>{width}}" for name, width in zip(names, widths, strict=True))
        lines = [f"{'trial':>5}  {'missed %':>8}  {'epoch':>5}  {'s':>6}  {head}"]
        for row in self.trials:
            values = [_short(row.settings.get(name)) for name in names]
            missed = "failed" if row.misses is None else f"{100 * row.misses:.2f}"
            cells = "  ".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True))
            lines.append(f"{row.number:>5}  {missed:>8}  {row.epoch or '':>5}  {row.seconds:>6.0f}  {cells}")
        lines += [f"trial {row.number} failed:\n{row.problem}" for row in self.trials if row.problem]
        if self.best is not None:
            words = [word for name, value in self.best.settings.items() for word in ("--set", f"{name}={value}")]
            lines.append(f"best: {self.command} {shlex.join(words)}")
        lines.append(f"all of it: {portable(self.folder)}")
        return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
