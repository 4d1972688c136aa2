"""What a training prints, logs and returns."""

import base64
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.paths import portable
from mltk_like.run import Run
from mltk_like.verbs.evaluate import EvaluationResult
from mltk_like.verbs.profile import Profile

_ADVICE = (
    "hint: listen to what it was trained on (--dump-augmented 20, view_audio), and try another learning rate, more "
    "epochs, or layers that scale the input (BatchNormalization)"
)


class Reporter:
    """Prints lines and keeps them in the run's `log.txt`.

    Args:
        run: the run.
        quiet: log only.
    """

    def __init__(self, run: Run, *, quiet: bool) -> None:
        self._file = run.folder / "log.txt"
        self._quiet = quiet

    def say(self, text: str) -> None:
        """One line or more."""
        if not self._quiet:
            print(text, flush=True)
        self.note(text)

    def note(self, text: str) -> None:
        """One line or more, for the file alone: what has been said elsewhere."""
        with self._file.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{text}\n")


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """A finished training. In a notebook it shows its curves.

    Attributes:
        name: the model's name, with '-test' for a dry run.
        typed: what to type for it: a name that reaches its file, a path, or the run folder.
        folder: the run folder.
        archive: the run's archive.
        published: the archive's copy beside the model's file; None for a dry run, or where it cannot be written.
        history: one list of figures a name, one entry an epoch.
        best_epoch: epoch of the exported checkpoint, from 1.
        evaluations: results of the float and the int8 model, by 'keras' and 'tflite'; empty when left out, and where
            only the packing of a run was left: the run folder has them.
        profile: layers on TFLM; None in the same cases.
        seconds: wall time of each stage.
        problems: sources that could not be had.
        failures: checks that the model did not pass; its archive is kept, and not published.
        chance: what is to be said where validation never got better than chance; else empty. The archive is then left
            in the run folder, and not copied beside the model's file.
    """

    name: str
    typed: str
    folder: Path
    archive: Path
    published: Path | None
    history: Mapping[str, list[float]]
    best_epoch: int
    evaluations: Mapping[str, EvaluationResult]
    profile: Profile | None
    seconds: Mapping[str, float]
    problems: tuple[str, ...]
    failures: tuple[str, ...] = ()
    chance: str = ""

    @property
    def exit_code(self) -> int:
        """Of the command line: 1 where a check failed, or the net has learned nothing."""
        return 1 if self.failures or self.chance else 0

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.name,
            "folder": str(self.folder),
            "archive": str(self.archive),
            "published": str(self.published) if self.published else None,
            "history": dict(self.history),
            "best_epoch": self.best_epoch,
            "evaluations": {kind: result.to_dict() for kind, result in self.evaluations.items()},
            "profile": self.profile.to_dict() if self.profile else None,
            "stage_seconds": dict(self.seconds),
            "problems": list(self.problems),
            "failures": list(self.failures),
            "chance": self.chance,
        }

    def __str__(self) -> str:
        model = shlex.quote(self.typed)
        spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items())
        lines = [
            f"{self.name}: best checkpoint of epoch {self.best_epoch} of {len(self.history['loss'])}",
            f"time: {spent}",
            f"run folder: {portable(self.folder)}",
            f"archive: {portable(self.archive)}"
            + (f", published as {portable(self.published)}" if self.published else ""),
            "next:",
            f"  python -m mltk_like evaluate {model} --tflite --positives DIR --negatives DIR",
            f"  python -m mltk_like summarize {model} --tflite",
            f"  python -m mltk_like profile {model}",
            *(f"CHECK FAILED, the archive is not published: {failure}" for failure in self.failures),
        ]
        if self.chance:
            lines += [self.chance, _ADVICE]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The curves and the figures, for a notebook."""
        png = base64.b64encode((self.folder / "train" / "history.png").read_bytes()).decode()
        tables = "\n\n".join(str(result) for result in self.evaluations.values())
        return f'<img src="data:image/png;base64,{png}"/><pre>{tables}\n\n{self}</pre>'
