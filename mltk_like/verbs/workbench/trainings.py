"""Models and runs with their curves, also of a training that is under way: its files say how far it is."""

import os
from pathlib import Path
from typing import Any

from mltk_like.artifact import Artifact
from mltk_like.errors import MltkLikeError
from mltk_like.paths import portable
from mltk_like.run import Run, process_is_alive
from mltk_like.training.checkpoint import checkpoint_history
from mltk_like.training.fit import CHECKPOINT
from mltk_like.training.low_bit import LATER
from mltk_like.verbs.report import history_of
from mltk_like.verbs.workbench.place import Place, run_id

_LOG_BYTES = 16_384
_RUNNING = ("starting", "running")


def overview(place: Place) -> dict[str, Any]:
    """The folder, its models and its runs: JSON values."""
    models = [
        {"id": name, "file": portable(path), "here": place.writable(path), "trained": _is_trained(place, name)}
        for name, path in place.models().items()
    ]
    if place.given and place.given not in place.models():
        given = {"id": place.given, "file": place.given, "here": True, "trained": _is_trained(place, place.given)}
        models.insert(0, given)
    # Those of the folder before those that come with the package.
    models.sort(key=lambda model: (model["id"] != place.given, not model["here"]))
    runs = [_run(run) for run in place.runs()]
    return {"folder": str(place.root), "given": place.given, "models": models, "runs": runs}


def curves(place: Place, name: str) -> dict[str, Any]:
    """The figures of each epoch of a model or run, the best epoch where it is known, and the end of the log.

    Raises:
        Refused: there is no such run.
        ModelError: what is stored is damaged.
    """
    artifact = place.artifact(name)
    stored = history_of(artifact)
    if stored is not None:
        history: dict[str, Any] = dict(stored.history)
        return {"history": history, "best_epoch": stored.best_epoch, "log": _log(artifact)}
    latest = _latest_checkpoint(artifact.path) if artifact.path.is_dir() else None
    return {
        "history": checkpoint_history(latest) if latest else {},
        "best_epoch": None,
        "log": _log(artifact),
    }


def _is_trained(place: Place, name: str) -> bool:
    try:
        place.artifact(name)
    except MltkLikeError:
        return False
    return True


def _run(run: Run) -> dict[str, Any]:
    state = run.state
    status = str(state.get("status", ""))
    alive = status in _RUNNING and (state.get("pid") == os.getpid() or process_is_alive(run))
    if status in _RUNNING and not alive:
        status = "killed"
    settings = run.folder / "settings.json"
    return {
        "id": run_id(run),
        "model": run.name,
        "status": status,
        "alive": alive,
        "began": settings.stat().st_mtime if settings.is_file() else None,
        "seconds": sum(state.get("stages", {}).values()),
        "problems": [*state.get("problems", ()), *state.get("failures", ())],
        "chance": state.get("chance", ""),
        "trained": run.file(".tflite").is_file(),
    }


def _latest_checkpoint(folder: Path) -> Path | None:
    """The one that was written last: low-bit training has several stages, each with its own; teachers do not count."""
    found = [folder / "train" / name / CHECKPOINT for name in ("", *LATER)]
    times = {path: path.stat().st_mtime for path in found if path.is_file()}
    return max(times, key=times.__getitem__) if times else None


def _log(artifact: Artifact) -> str:
    """The last lines of what was printed."""
    data = artifact.read("log.txt") or b""
    lines = data[-_LOG_BYTES:].decode(errors="replace").splitlines()
    return "\n".join(lines[1:] if len(data) > _LOG_BYTES else lines)
