"""List the models that a name reaches."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mltk_like.errors import MltkLikeError, ModelError
from mltk_like.loader import TEST_SUFFIX, find_model, list_models, load_file
from mltk_like.paths import portable
from mltk_like.run import Run, runs_of, whose_runs


@dataclass(frozen=True, kw_only=True)
class ModelLine:
    """One model: its name, its file and its description, or what is wrong with it."""

    name: str
    path: str
    description: str
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelList:
    """Every model that a name reaches."""

    models: tuple[ModelLine, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"models": [asdict(line) for line in self.models]}

    def __str__(self) -> str:
        width = max((len(line.name) for line in self.models), default=0)
        rows = [
            f"{line.name:<{width}}  {line.error or line.description}\n{'':<{width}}  {line.path}"
            for line in self.models
        ]
        return "\n".join(rows) or "no models: a model file goes into ./models or a folder of $MLTK_LIKE_MODELS"


def models() -> ModelList:
    """The models of the search order (`./models`, `$MLTK_LIKE_MODELS`, the package); a broken one is listed as such."""
    lines = []
    for name, path in list_models().items():
        try:
            lines.append(ModelLine(name=name, path=str(path), description=load_file(path).description))
        except MltkLikeError as error:
            lines.append(ModelLine(name=name, path=str(path), description="", error=f"error: {error.message}"))
    return ModelList(models=tuple(lines))


@dataclass(frozen=True, kw_only=True)
class ClaimedRuns:
    """Runs that a model's file has taken over: the file, and their folders."""

    path: Path
    runs: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"path": str(self.path), "runs": [str(folder) for folder in self.runs]}

    def __str__(self) -> str:
        return f"now of {portable(self.path)}: {', '.join(portable(folder) for folder in self.runs)}"


def claim_runs(file: Path | str, runs: Sequence[Path | str] = ()) -> ClaimedRuns:
    """Give a model's file, which was moved, the runs that it had before.

    Args:
        file: where the file is now; its name is as it was.
        runs: run folders, also such as came with the file; none: all of its name whose file is gone, if that was one.

    Raises:
        ModelError: there is no such file or run, or a run's own file is still there, or it is of another name.
    """
    path = find_model(file).path
    given = [Run(Path(folder)) for folder in runs]
    lost = given or [run for name in (path.stem, path.stem + TEST_SUFFIX) for run in runs_of(name) if run.lost_file]
    for run in lost:
        _check_lost(run, path)
    files = sorted({str(run.lost_file) for run in lost})
    if not lost:
        raise ModelError(
            f"no run of {path.stem} has lost its file", whose_runs(path.stem) or "they are looked for in ./runs"
        )
    if len(files) > 1 and not given:
        raise ModelError(f"runs of several files have lost theirs: {', '.join(files)}", "name the run folders, too")
    for run in lost:
        run.claim(path)
    return ClaimedRuns(path=path, runs=tuple(run.folder for run in lost))


def _check_lost(run: Run, path: Path) -> None:
    if run.name.removesuffix(TEST_SUFFIX) != path.stem:
        raise ModelError(f"{portable(run.folder)} is of a model named {run.name}", f"call the file {run.name}.py")
    if run.model_file not in (None, path):
        raise ModelError(f"{portable(run.folder)} is of {portable(run.model_file)}, which is there", "train your own")
