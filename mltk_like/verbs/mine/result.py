"""What a mining comes to."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mltk_like.paths import portable
from mltk_like.verbs.mine.folder import Cut, Setup, describe

_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class MineResult:
    """What a model fired on.

    Attributes:
        setup: the model and its thresholds.
        folder: of the cuts.
        files: heard so far, in this call and earlier ones.
        files_now: of them in this call.
        hours: of these files.
        detections: above the thresholds of the mining.
        false_accepts: those of them that the model itself would make, at its own thresholds.
        cuts: by recording and time.
        notes: what the user should look at before the training.
        problems: one sentence for each file that could not be heard to its end.
        next_command: the training that learns from the cuts; empty where none can (ready features).
    """

    setup: Setup
    folder: Path
    files: int
    files_now: int
    hours: float
    detections: int
    false_accepts: int
    cuts: tuple[Cut, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    next_command: str

    @property
    def loudest(self) -> tuple[Cut, ...]:
        """The ten cuts with the highest scores."""
        return tuple(sorted(self.cuts, key=lambda cut: -cut.score)[:_SHOWN])

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        per_hour = {name: count / self.hours for name, count in self._counts().items()} if self.hours else {}
        return {
            "model": {**asdict(self.setup), "thresholds": dict(self.setup.thresholds),
                      "own_thresholds": dict(self.setup.own_thresholds)},
            "folder": str(self.folder), "files": self.files, "files_now": self.files_now, "hours": self.hours,
            **self._counts(), "per_hour": per_hour, "cuts": len(self.cuts),
            "loudest": [asdict(cut) for cut in self.loudest],
            "notes": list(self.notes), "problems": list(self.problems), "next": self.next_command,
        }  # fmt: skip

    def __str__(self) -> str:
        lines = [f"{describe(self.setup)} heard {self.files} files, {self.hours:.2f} h ({self.files_now} files now)"]
        for name, count in self._counts().items():
            levels = self.setup.own_thresholds if name == "false_accepts" else self.setup.thresholds
            above = ", ".join(f"{level} for {label!r}" for label, level in levels.items())
            per_hour = f"{count / self.hours:.2f} an hour" if self.hours else ""
            lines.append(f"{name.replace('_', ' '):<14} {count:>6}  {per_hour}, above {above}")
        lines.append(f"{'cuts':<14} {len(self.cuts):>6}  in {portable(self.folder)}")
        if self.cuts:
            lines += ["", f"{'score':>5} {'time':>11}  {'label':<12} loudest"]
            lines += [f"{c.score:>5} {_clock(c.time_s):>11}  {c.label:<12} {portable(Path(c.source))}"
                      for c in self.loudest]  # fmt: skip
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"not heard to its end: {problem}" for problem in self.problems]
        return "\n".join([*lines, "", "next:", f"  {self.next_command}"] if self.cuts and self.next_command else lines)

    def _counts(self) -> dict[str, int]:
        return {"detections": self.detections, "false_accepts": self.false_accepts}


def _clock(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds - 60 * minutes:04.1f}"
