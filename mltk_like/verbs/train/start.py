"""How a training begins: in a new run, or where an earlier one was broken off."""

import filecmp
import json
import os
import shlex
from pathlib import Path

from mltk_like.data.own import OwnRecordings
from mltk_like.errors import ModelError
from mltk_like.loader import typed_name, typed_path
from mltk_like.model import Model
from mltk_like.paths import portable, unportable
from mltk_like.run import Run, create_run, find_run, process_is_alive, removed_at_failure, run_name, whose_runs
from mltk_like.settings import from_json, to_json, with_newer_fields
from mltk_like.verbs.shared.building import tensorflow_threads
from mltk_like.verbs.train.augmented import Augmented
from mltk_like.verbs.train.check_net import check_net
from mltk_like.verbs.train.checks import check_data, check_keras, check_model
from mltk_like.verbs.train.fine_tuning import is_personal, required_embedding, start_from
from mltk_like.verbs.train.recordings import OwnData, remembered


def start(
    model: Model,
    own: OwnData,
    resume_from: str | Path | None,
    weights: str | Path | None,
    augmented: Augmented,
    *,
    test: bool,
    evaluate: bool,
    workers: int,
    progress: bool,
) -> tuple[Model, Run, list[OwnRecordings]]:
    """A new run; what is wrong with settings, recordings, sources and the net is said before there is one.

    Args:
        model: the specification.
        own: the user's recordings.
        resume_from: the run to fine-tune, or none.
        weights: file of weights to begin with, or none.
        augmented: what was asked for of augmented windows.
        test: a dry run.
        evaluate: the model will be judged.
        workers: processes that make data.
        progress: print what takes time before there is a run.

    Returns:
        The model with the settings to train with, the run, and the sources of the user's recordings.

    Raises:
        ModelError, SettingError, DataError: as `start_from`, those of `checks`, `Augmented.check`,
            `OwnRecordings.inventory` and `check_net`.
    """
    earlier = None if resume_from is None else start_from(resume_from, model, keyword=own.positives is not None)
    model = earlier.model if earlier else model
    check_model(model)
    augmented.check(model)
    check_keras(model, threads=tensorflow_threads(workers))
    personal = bool(earlier and earlier.model.embedding_teachers)
    sources = own.sources(model, personal=personal)
    for source in sources:
        source.inventory()
    check_data(model, sources, test=test, evaluate=evaluate)
    if personal and not test:
        required_embedding()
    check_net(model, threads=tensorflow_threads(workers), progress=progress)
    run = create_run(model, test=test)
    with removed_at_failure(run.folder):
        own.remember(run)
        if earlier:
            earlier.begin(run)
        initial_weights(run, weights)
        # Only now: a run that is gone on with must know all that it was started with.
        run.update(status="running")
    return model, run, sources


def go_on(model: Model, own: OwnData, *, test: bool) -> tuple[Model, Run, list[OwnRecordings]]:
    """The latest run that did not end, to go on with, its settings and its recordings; returns what `start` does.

    Raises:
        ModelError: there is none, it is still running, or the model's file or settings are no longer those of the run.
        SettingError: other recordings were given.
    """
    run = _resumable(model, test=test)
    own = remembered(run, own)
    model = _as_started(model, run)
    sources = own.sources(model, personal=is_personal(run, model))
    run.sweep()
    run.update(status="running", pid=os.getpid())
    return model, run, sources


def _resumable(model: Model, *, test: bool) -> Run:
    name = run_name(model, test=test)
    run = find_run(name, status=("interrupted", "failed", "running"), file=model.path)
    if run is None:
        begun = find_run(name, status=("starting",), file=model.path)
        others = f"{portable(begun.folder)} ended before it had begun" if begun else whose_runs(name)
        raise ModelError(
            f"no run of {name} to go on with" + (f" ({others})" if others else ""),
            f"start one: {train_command(model, test=test)}",
        )
    if process_is_alive(run):
        raise ModelError(f"{portable(run.folder)} is still running (process {run.state['pid']})", "stop it first")
    if model.path and not run.file(".py").is_file():
        raise ModelError(
            f"{portable(run.folder)} ended before it had begun", f"start a new run: {train_command(model, test=test)}"
        )
    if model.path and not filecmp.cmp(model.path, run.file(".py"), shallow=False):
        raise ModelError(
            f"{model.path.name} has changed since {portable(run.folder)} was started",
            "go on with the file as it was (a copy is in the run folder), or start a new run",
        )
    return run


def initial_weights(run: Run, weights: str | Path | None) -> str | None:
    """The file of initial weights: as given now, else as the run was started with.

    A run that goes on before its first checkpoint begins again, with the weights that it began with.
    """
    if weights is None:
        return str(unportable(kept)) if (kept := run.state.get("weights")) else None
    run.update(weights=portable(Path(weights)))
    return str(weights)


def train_command(model: Model, *, test: bool, resume: bool = False) -> str:
    """What to type, or to call for a class without a file, to train a model or to go on with its training."""
    if model.path is None:
        options = "".join(f", {name}=True" for name, given in (("test", test), ("resume", resume)) if given)
        return f"mltk.train(my_model{options})"
    name = typed_name(model.path, test=test)
    words = [name or typed_path(model.path), *(["--test"] if test and not name else []), *["--resume"] * resume]
    return shlex.join(["python", "-m", "mltk_like", "train", *words])


def _as_started(model: Model, run: Run) -> Model:
    """The model with the settings that the run was started with; refuses what would make it another training."""
    stored = run.settings()
    if not {"overrides", "settings"} <= stored.keys():
        raise ModelError(f"settings.json in {portable(run.folder)} is not whole", "start a new run")
    model = from_json(model, stored["overrides"])
    now = json.loads(json.dumps(to_json(model)))
    before = with_newer_fields(model, stored["settings"])
    changed = [name for name, value in before.items() if now.get(name) != value]
    if changed:
        raise ModelError(
            f"{portable(run.folder)} was started with other settings: {', '.join(changed)}",
            "resume with those it was started with, or start a new run",
        )
    return model
