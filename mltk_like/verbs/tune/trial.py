"""One training of a search."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from mltk_like.errors import ModelError, ToolError, one_line
from mltk_like.run import Run
from mltk_like.verbs.shared.training_process import TrainingJob, TrainingProcess, last_lines, scratch_folder

_OBJECTIVE = "val_misses"


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    """What a trial leaves: misses and epoch of the best checkpoint and the archive, or the problem."""

    misses: float | None = None
    epoch: int | None = None
    archive: bytes = b""
    problem: str = ""


def run_trial(item: tuple[int, TrainingJob]) -> TrialOutcome:
    """Train once in a process of its own and read what came out. Ctrl-C ends the process too."""
    _, job = item
    folder = scratch_folder()
    try:
        process = TrainingProcess(job, folder, Path.cwd() if not job.files else None)
        try:
            code = process.exit_code(None)
        except BaseException:
            process.stop()
            raise
        run = process.run_folder
        if code not in (0, 1) or run is None or Run(run).state.get("status") != "complete":
            return TrialOutcome(problem=last_lines(process.output()))
        misses, epoch = _best(run / "train" / "history.json")
        return TrialOutcome(misses=misses, epoch=epoch, archive=(run / f"{job.name}.mltk.zip").read_bytes())
    except OSError as error:
        raise ToolError(f"a trial cannot be run: {error}", "check free disk and the folder's permissions") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _best(file: Path) -> tuple[float, int]:
    """Misses at the best epoch of a training, and its number. Raises ModelError where its history is damaged."""
    try:
        history = json.loads(file.read_text(encoding="utf-8"))
        epoch = int(history["best_epoch"])
        return float(history["history"][_OBJECTIVE][epoch - 1]), epoch
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise ModelError(
            f"cannot read the history of a trial: {file}: {one_line(error)}", "begin the search again"
        ) from error
