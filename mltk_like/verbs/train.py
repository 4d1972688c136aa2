"""Train a model, from its sources to an archive that is ready to use."""

import filecmp
import json
import multiprocessing
import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.data.fetch import offline as without_network
from mltk_like.data.manifest import read_manifest, splits_of, write_manifest
from mltk_like.data.own import OwnRecordings
from mltk_like.data.skipped import write_skipped
from mltk_like.data.split import Splits
from mltk_like.errors import ModelError, ToolError
from mltk_like.feed.copies import open_feed
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.pool import Feed, Task, default_workers
from mltk_like.feed.windows import SplitFiles, WindowMaker
from mltk_like.loader import find_model, load_file
from mltk_like.metrics.plots import plot_history
from mltk_like.mixins import AudioDatasetMixin, EvaluateMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.nets.weights import load_weights
from mltk_like.paths import portable, unportable, write_bytes, write_text
from mltk_like.run import Run, create_run, find_run, pack, process_is_alive, run_name
from mltk_like.run import publish as publish_archive
from mltk_like.settings import from_json, to_json
from mltk_like.tflite import summarize_tflite
from mltk_like.training.class_weights import check_class_weights, class_weights
from mltk_like.training.fit import CHECKPOINT, FitResult, Validation
from mltk_like.training.low_bit import fit_net
from mltk_like.training.product import check_streaming_settings, make_tflite
from mltk_like.training.schedule import make_schedule
from mltk_like.verbs.augmented import Augmented, worker_overrides
from mltk_like.verbs.building import build_net
from mltk_like.verbs.data import offline_note, splits_summary
from mltk_like.verbs.evaluate import EvaluationResult, evaluate_nets, write_evaluation
from mltk_like.verbs.fine_tuning import check_start, earlier_data, start_from
from mltk_like.verbs.own_recordings import OwnData, describe, drawn_less, forget, own_data, remembered
from mltk_like.verbs.profile import Profile, profile_tflite
from mltk_like.verbs.quantize import CALIBRATION_FILE, save_calibration
from mltk_like.verbs.reporting import Reporter, TrainingResult
from mltk_like.verbs.summarize import keras_summary
from mltk_like.verbs.transfer import CARRIED

# The dry run: every stage, on next to nothing.
_TEST_SETTINGS = {"epochs": 2, "steps_per_epoch": 3, "batch_size": 16, "babble_minutes": 0.5, "validation_windows": 64}


def train(
    model: Model | str,
    *,
    test: bool = False,
    resume: bool = False,
    workers: int | None = None,
    resume_from: str | Path | None = None,
    weights: str | Path | None = None,
    evaluate: bool = True,
    strict_sources: bool = False,
    positives: str | Path | None = None,
    negatives: str | Path | Sequence[str | Path] = (),
    label: str | None = None,
    recordings_weight: float | None = None,
    offline: bool = False,
    dump_augmented: int = 0,
    augment_copies: int | str = 0,
    publish: bool = True,
    progress: bool = True,
) -> TrainingResult:
    """Train a model and leave a run folder and an archive.

    Args:
        model: a specification with TrainMixin, AudioDatasetMixin and EvaluateMixin, or its name.
        test: the dry run: every stage on a few clips, no network, a run folder of its own.
        resume: go on with the latest run that did not end, with the settings it was started with.
        resume_from: a run, archive or name: fine-tune it in a new run, with its settings and data; see `fine_tuning`.
        workers: processes that make data; 0: none; None: one a core.
        weights: a `.keras` or `.weights.h5` file to start from; layers are matched by name and shape.
        evaluate: judge and profile at the end.
        strict_sources: a source that cannot be had is an error.
        positives: an audio file, or a folder of recordings of the keyword, one in each; added to the model's sources.
        negatives: audio files or folders without the keyword, of any length; added as `_unknown_`.
        label: class of the positives; none: the first that is detected.
        recordings_weight: how much more often each of these is drawn than other clips; none: 4 times.
        offline: download nothing.
        dump_augmented: so many augmented windows are written as WAV and PNG to the run folder.
        augment_copies: so many passes of windows are stored in the cache and read from there; "auto": as fits and pays.
        publish: copy the archive of a training (not of a dry run) to the folder of the model's file.
        progress: print and show bars.

    Raises:
        MltkLikeError: see the module's parts; the run folder keeps what was done, and the last good archive stays.
        KeyboardInterrupt: the checkpoint is kept, and `resume` goes on from it.
    """
    model, test = _model_to_train(model, test)
    own = own_data(positives, negatives, label, recordings_weight)
    augmented = Augmented(dump=dump_augmented, copies=augment_copies)
    check_start(resume_from, resume=resume, weights=weights)
    model, run, sources = _resumed(model, own, test=test) if resume else _started(model, own, resume_from, test=test)
    job = _Job(model, run, augmented, own=sources, test=test, workers=workers, strict=strict_sources, progress=progress)
    with _status_kept(run, job.reporter), without_network(offline):
        return job.run_all(
            weights=_remembered(run, weights), evaluate=evaluate, resume=resume, to_publish=publish and not test
        )


class _Job:
    """One training: what its stages share."""

    def __init__(
        self,
        model: Any,
        run: Run,
        augmented: Augmented,
        *,
        own: Sequence[OwnRecordings],
        test: bool,
        workers: int | None,
        strict: bool,
        progress: bool,
    ) -> None:
        # Any: the mixins were checked by the caller, and Python has no type for "Model with these three".
        self.model = model
        self.run = run
        self.augmented = augmented
        self.own = own
        self.test = test
        self.workers = default_workers() if workers is None else workers
        self.strict = strict
        self.progress = progress
        self.reporter = Reporter(run, quiet=not progress)
        self.problems: tuple[str, ...] = ()

    def run_all(self, *, weights: str | Path | None, evaluate: bool, resume: bool, to_publish: bool) -> TrainingResult:
        say = self.reporter.say
        say("\n".join([f"run folder: {portable(self.run.folder)}", *offline_note()]))
        with self.run.stage("data"):
            splits = self.data(resume)
        with self.run.stage("prepare"):
            files = {
                name: open_split(self.model, clips, seed=self.model.seed, progress=self.progress)
                for name, clips in splits.items()
            }
        net = build_net(self.model, threads=max(default_workers() - self.workers + 1, 1))
        if (carried := getattr(net, CARRIED, None)) is not None:
            say(f"weights of another model: {carried.summary}\n{carried}")
        resume = resume and (self.run.train_dir / CHECKPOINT).is_file()
        if weights is not None and not resume:
            say(str(load_weights(net, Path(weights))))
        with self.run.stage("train"):
            net, fitted, windows = self.fit(net, files, resume)
        with self.run.stage("convert"):
            tflite = self.convert(net, windows)
        evaluations: dict[str, EvaluationResult] = {}
        report: Profile | None = None
        if evaluate:
            with self.run.stage("evaluate"):
                evaluations = self.evaluate(net, tflite, files["test"], splits)
            with self.run.stage("profile"):
                report = self.profile(tflite)
        self.finish()
        return TrainingResult(
            name=self.run.name,
            folder=self.run.folder,
            archive=self.run.archive,
            published=publish_archive(self.run.archive, self.model) if to_publish else None,
            history=fitted.history,
            best_epoch=fitted.best_epoch,
            evaluations=evaluations,
            profile=report,
            seconds=self.run.state["stages"],
            problems=self.problems,
        )

    def data(self, resume: bool) -> Splits:
        """Clips of all sources, split by voice; a resumed run takes those of its manifest."""
        manifest = self.run.folder / "manifest.jsonl"
        if resume and manifest.is_file():
            rows = read_manifest(manifest)
            # A clip without a hash was gone when the run began, and is missed no more than it was then.
            if all(row.clip().path.is_file() for row in rows if row.sha256):
                self.problems = tuple(self.run.state.get("problems", ()))
                return splits_of(rows)
        for source in self.own:
            self.reporter.say(describe(source))
        earlier = earlier_data(self.run, test=self.test)
        own, workers = earlier.beside(self.own), self.workers or 1
        dataset = collect(
            self.model, own=own, test=self.test, workers=workers, strict=self.strict, progress=self.progress
        )
        dataset = earlier.in_place(dataset)
        self.problems = dataset.problems
        self.run.update(problems=list(dataset.problems))
        if dataset.skipped:
            write_skipped(self.run.folder / "skipped.txt", dataset.skipped)
        for line in drawn_less(self.own, dataset.splits):
            self.reporter.say(line)
        if dataset.problems:
            names = ", ".join(problem.partition(":")[0] for problem in dataset.problems)
            self.reporter.say(
                f"warning: {len(dataset.problems)} of the model's sources cannot be had and are left out "
                f"(state.json says why): {names}"
            )
        rows = write_manifest(manifest, dataset.splits)
        seconds = iter(rows)
        durations = [[next(seconds).duration_s for _ in clips] for _, clips in dataset.splits.items()]
        self.reporter.say(splits_summary(dataset.splits, durations))
        return dataset.splits

    def fit(self, net: Any, files: dict[str, SplitFiles], resume: bool) -> tuple[Any, FitResult, NDArray[np.int8]]:
        """Train; returns the net as trained, the result and the validation windows."""
        model = self.model
        overrides = worker_overrides(model)
        plan = WindowMaker(model, files["training"])
        validation = self._validation(files["validation"], overrides)
        schedule = make_schedule(model, len(plan))
        self.reporter.say(
            f"{len(plan)} windows a pass, {schedule.total_steps} steps of {model.batch_size} "
            f"in {schedule.epochs} epochs, {self.workers} workers"
        )
        costs = class_weights(model, plan.class_counts())
        needed = -(-schedule.total_steps * model.batch_size // len(plan)) if len(plan) else 0
        options = self.augmented
        options.write_dump(self.run, model, files["training"], self.reporter.say, self.progress)
        copies = options.passes(
            self.run, model, files["training"], needed=needed, workers=self.workers, say=self.reporter.say
        )
        with open_feed(
            model, files["training"], workers=self.workers, overrides=overrides, copies=copies, progress=self.progress
        ) as feed:
            net, fitted = fit_net(
                model, net, costs, schedule, feed, validation, self.run.train_dir, resume=resume, progress=self.progress
            )
        self._save_history(fitted)
        return net, fitted, validation.features

    def _validation(self, files: SplitFiles, overrides: dict[str, Any]) -> Validation:
        model = self.model
        size = model.batch_size
        tasks = [Task(first=first, count=size) for first in range(0, model.validation_windows, size)]
        with Feed(model, files, workers=self.workers, overrides=overrides) as feed:
            batches = list(feed.batches(tasks))
        return Validation(
            features=np.concatenate([batch.features for batch in batches]),
            labels=np.concatenate([batch.labels for batch in batches]),
            detected=np.array([not name.startswith("_") for name in model.classes]),
        )

    def _save_history(self, fitted: FitResult) -> None:
        self.run.write_json("train/history.json", {"best_epoch": fitted.best_epoch, "history": fitted.history})
        write_bytes(self.run.train_dir / "history.png", plot_history(fitted.history, best_epoch=fitted.best_epoch))
        total = max(sum(fitted.feed_seconds.values()), 1e-9)
        shares = ", ".join(f"{name} {100 * spent / total:.0f} %" for name, spent in fitted.feed_seconds.items())
        windows = max(fitted.windows_per_s * fitted.seconds, 1.0)
        self.reporter.say(
            f"trained {fitted.steps} steps; this session {fitted.seconds:.0f} s, {fitted.windows_per_s:.0f} clips/s; "
            f"data {1000 * total / windows:.2f} ms CPU a clip ({shares}); "
            f"best epoch {fitted.best_epoch}, score {fitted.best_score:.4f}"
        )

    def convert(self, net: Any, windows: NDArray[np.int8]) -> bytes:
        """Save the best checkpoint as `.keras`, `.weights.h5` and int8 `.tflite`, and their summaries."""
        for suffix, save in ((".keras", net.save), (".weights.h5", net.save_weights)):
            # Keras goes by the end of the file's name, so the temporary name must keep it.
            temporary = self.run.file(f".tmp{suffix}")
            save(temporary)
            temporary.replace(self.run.file(suffix))
        save_calibration(windows, self.run.folder / CALIBRATION_FILE)
        tflite = make_tflite(self.model, net, windows)
        write_bytes(self.run.file(".tflite"), tflite)
        write_text(self.run.file(".keras.summary.txt"), f"{keras_summary(net, self.run.name)}\n")
        write_text(self.run.file(".tflite.summary.txt"), f"{summarize_tflite(tflite, name=self.run.name)}\n")
        self.reporter.say(f"converted: {portable(self.run.file('.tflite'))}, {len(tflite) / 1000:.1f} kB")
        return tflite

    def evaluate(self, net: Any, tflite: bytes, files: SplitFiles, splits: Splits) -> dict[str, EvaluationResult]:
        """Judge float and int8 model on the test voices."""
        results = evaluate_nets(
            self.model, self.run.name, {"keras": net, "tflite": tflite}, files, splits.test, progress=self.progress
        )
        for kind, result in results.items():
            write_evaluation(result, self.run.folder / "eval" / kind)
            self.reporter.say(f"\n{result}")
        return results

    def profile(self, tflite: bytes) -> Profile:
        """Every layer on TFLM."""
        result = profile_tflite(tflite, self.run.name)
        self.run.write_json("profile/profile.json", result.to_dict())
        write_text(self.run.folder / "profile" / "profile.txt", f"{result}\n")
        self.reporter.say(f"\n{result}\n")
        return result

    def finish(self) -> None:
        """Archive the run."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.run.update(status="complete", pid=None, peak_memory_mb=peak)
        forget(self.run)
        pack(self.run)


@contextmanager
def _status_kept(run: Run, reporter: Reporter) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        run.update(status="interrupted")
        reporter.say(f"interrupted; go on with: python -m mltk_like train {run.name} --resume")
        raise
    except BaseException:
        run.update(status="failed")
        raise


def _model_to_train(model: Model | str, test: bool) -> tuple[Model, bool]:
    """The model with its settings, and whether this is a dry run."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A worker that starts runs the caller's script again; Python itself goes by this mark.
        raise ToolError("train() is called while a worker process starts", 'put it under: if __name__ == "__main__":')
    if isinstance(model, str):
        found = find_model(model)
        model, test = load_file(found.path), test or found.test
    for mixin in (TrainMixin, AudioDatasetMixin, EvaluateMixin):
        require(model, mixin, "train")
    return (model.with_settings(**_TEST_SETTINGS) if test else model), test


def _started(
    model: Model, own: OwnData, resume_from: str | Path | None, *, test: bool
) -> tuple[Model, Run, list[OwnRecordings]]:
    """A new run; what is wrong with settings and own recordings is said before there is one."""
    start = None if resume_from is None else start_from(resume_from, model)
    model = start.model if start else model
    check_class_weights(model)
    check_streaming_settings(model)
    sources = own.sources(model)
    for source in sources:
        source.inventory()
    run = create_run(model, test=test)
    own.remember(run)
    if start:
        start.begin(run)
    return model, run, sources


def _resumed(model: Model, own: OwnData, *, test: bool) -> tuple[Model, Run, list[OwnRecordings]]:
    """The run to go on with, with its settings and its recordings."""
    run = _resumable(model, test=test)
    own = remembered(run, own)
    model = _as_started(model, run)
    sources = own.sources(model)
    run.update(status="running", pid=os.getpid())
    return model, run, sources


def _resumable(model: Model, *, test: bool) -> Run:
    name = run_name(model, test=test)
    run = find_run(name, status=("interrupted", "failed", "running"))
    if run is None:
        raise ModelError(f"no run of {name} to go on with", f"start one: python -m mltk_like train {name}")
    if process_is_alive(run):
        raise ModelError(f"{portable(run.folder)} is still running (process {run.state['pid']})", "stop it first")
    if model.path and not filecmp.cmp(model.path, run.file(".py"), shallow=False):
        raise ModelError(
            f"{model.path.name} has changed since {portable(run.folder)} was started",
            "go on with the file as it was (a copy is in the run folder), or start a new run",
        )
    return run


def _remembered(run: Run, weights: str | Path | None) -> str | None:
    """The file of initial weights: as given now, else as the run was started with.

    A run that goes on before its first checkpoint begins again, with the weights that it began with.
    """
    if weights is None:
        return str(unportable(kept)) if (kept := run.state.get("weights")) else None
    run.update(weights=portable(Path(weights)))
    return str(weights)


def _as_started(model: Model, run: Run) -> Model:
    """The model with the settings that the run was started with; refuses what would make it another training."""
    stored = run.settings()
    model = from_json(model, stored["overrides"])
    now = json.loads(json.dumps(to_json(model)))
    changed = [name for name, value in stored["settings"].items() if now.get(name) != value]
    if changed:
        raise ModelError(
            f"{portable(run.folder)} was started with other settings: {', '.join(changed)}",
            "resume with those it was started with, or start a new run",
        )
    return model
