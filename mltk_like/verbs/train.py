"""Train a model, from its sources to an archive that is ready to use."""

import filecmp
import json
import multiprocessing
import os
import resource
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.data.manifest import read_manifest, splits_of, write_manifest
from mltk_like.data.source import MICROPHONE_LABEL, NOISE_LABEL
from mltk_like.data.split import Splits, summary
from mltk_like.errors import ModelError, ToolError
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.pool import Feed, Task, default_workers
from mltk_like.feed.windows import SplitFiles, WindowMaker
from mltk_like.loader import find_model, load_file
from mltk_like.metrics.plots import plot_history
from mltk_like.mixins import AudioDatasetMixin, EvaluateMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.nets.weights import load_weights
from mltk_like.paths import portable, write_bytes, write_text
from mltk_like.run import Run, create_run, find_run, pack, process_is_alive, publish, run_name
from mltk_like.settings import from_json, overrides_to_json, to_json
from mltk_like.tflite import summarize_tflite
from mltk_like.training.convert import CALIBRATION_WINDOWS, embed, to_tflite
from mltk_like.training.fit import CHECKPOINT, FitResult, Validation, fit
from mltk_like.training.schedule import make_schedule
from mltk_like.training.trainer import Trainer
from mltk_like.verbs.building import build_net
from mltk_like.verbs.evaluate import EvaluationResult, evaluate_nets, write_evaluation
from mltk_like.verbs.profile import Profile, profile_tflite
from mltk_like.verbs.quantize import CALIBRATION_FILE, save_calibration
from mltk_like.verbs.reporting import Reporter, TrainingResult
from mltk_like.verbs.summarize import keras_summary

# The dry run: every stage, on next to nothing.
_TEST_SETTINGS = {"epochs": 2, "steps_per_epoch": 3, "batch_size": 16, "babble_minutes": 0.5, "validation_windows": 64}


def train(
    model: Model | str,
    *,
    test: bool = False,
    resume: bool = False,
    workers: int | None = None,
    weights: str | Path | None = None,
    evaluate: bool = True,
    strict_sources: bool = False,
    progress: bool = True,
) -> TrainingResult:
    """Train a model and leave a run folder and an archive.

    Args:
        model: a specification with TrainMixin, AudioDatasetMixin and EvaluateMixin, or its name.
        test: the dry run: every stage on a few clips, no network, a run folder of its own.
        resume: go on with the latest run that did not end, with the settings it was started with.
        workers: processes that make data; 0: none; None: one a core.
        weights: a `.keras` or `.weights.h5` file to start from; layers are matched by name and shape.
        evaluate: judge and profile at the end.
        strict_sources: a source that cannot be had is an error.
        progress: print and show bars.

    Raises:
        MltkLikeError: see the module's parts; the run folder keeps what was done, and the last good archive stays.
        KeyboardInterrupt: the checkpoint is kept, and `resume` goes on from it.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A worker that starts runs the caller's script again; Python itself goes by this mark.
        raise ToolError("train() is called while a worker process starts", 'put it under: if __name__ == "__main__":')
    if isinstance(model, str):
        found = find_model(model)
        model, test = load_file(found.path), test or found.test
    for mixin in (TrainMixin, AudioDatasetMixin, EvaluateMixin):
        require(model, mixin, "train")
    if test:
        model = model.with_settings(**_TEST_SETTINGS)
    run = _resumable(model, test=test) if resume else create_run(model, test=test)
    if resume:
        model = _as_started(model, run)
    # A run that goes on before its first checkpoint begins again, with the weights that it began with.
    weights = _remembered(run, weights)
    job = _Job(model, run, test=test, workers=workers, strict=strict_sources, progress=progress)
    try:
        return job.run_all(weights=weights, evaluate=evaluate, resume=resume)
    except KeyboardInterrupt:
        run.update(status="interrupted")
        job.reporter.say(f"interrupted; go on with: python -m mltk_like train {run.name} --resume")
        raise
    except BaseException:
        run.update(status="failed")
        raise


class _Job:
    """One training: what its stages share."""

    def __init__(self, model: Any, run: Run, *, test: bool, workers: int | None, strict: bool, progress: bool) -> None:
        # Any: the mixins were checked by the caller, and Python has no type for "Model with these three".
        self.model = model
        self.run = run
        self.test = test
        self.workers = default_workers() if workers is None else workers
        self.strict = strict
        self.progress = progress
        self.reporter = Reporter(run, quiet=not progress)
        self.problems: tuple[str, ...] = ()

    def run_all(self, *, weights: str | Path | None, evaluate: bool, resume: bool) -> TrainingResult:
        say = self.reporter.say
        say(f"run folder: {portable(self.run.folder)}")
        with self.run.stage("data"):
            splits = self.data(resume)
        with self.run.stage("prepare"):
            files = {
                name: open_split(self.model, clips, seed=self.model.seed, progress=self.progress)
                for name, clips in splits.items()
            }
        net = build_net(self.model, threads=max(default_workers() - self.workers + 1, 1))
        resume = resume and (self.run.train_dir / CHECKPOINT).is_file()
        if weights is not None and not resume:
            say(str(load_weights(net, Path(weights))))
        with self.run.stage("train"):
            fitted, windows = self.fit(net, files, resume)
        with self.run.stage("convert"):
            tflite = self.convert(net, windows)
        evaluations: dict[str, EvaluationResult] = {}
        report: Profile | None = None
        if evaluate:
            with self.run.stage("evaluate"):
                evaluations = self.evaluate(net, tflite, files["test"])
            with self.run.stage("profile"):
                report = self.profile(tflite)
        published = self.finish()
        return TrainingResult(
            name=self.run.name,
            folder=self.run.folder,
            archive=self.run.archive,
            published=published,
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
            splits = splits_of(read_manifest(manifest))
            if all(clip.path.is_file() for _, clips in splits.items() for clip in clips):
                self.problems = tuple(self.run.state.get("problems", ()))
                return splits
        dataset = collect(
            self.model, test=self.test, workers=self.workers or 1, strict=self.strict, progress=self.progress
        )
        self.problems = dataset.problems
        self.run.update(problems=list(dataset.problems))
        if dataset.problems:
            names = ", ".join(problem.partition(":")[0] for problem in dataset.problems)
            self.reporter.say(
                f"warning: {len(dataset.problems)} of the model's sources cannot be had and are left out "
                f"(state.json says why): {names}"
            )
        rows = write_manifest(manifest, dataset.splits)
        seconds = iter(rows)
        durations = [[next(seconds).duration_s for _ in clips] for _, clips in dataset.splits.items()]
        self.reporter.say(_data_table(dataset.splits, durations))
        return dataset.splits

    def fit(self, net: Any, files: dict[str, SplitFiles], resume: bool) -> tuple[FitResult, NDArray[np.int8]]:
        """Train; returns the result and the validation windows."""
        model = self.model
        overrides = overrides_to_json(model.with_settings(lr_schedule=None)) if model.path else {}
        overrides.pop("lr_schedule", None)
        plan = WindowMaker(model, files["training"])
        validation = self._validation(files["validation"], overrides)
        schedule = make_schedule(model, len(plan))
        self.reporter.say(
            f"{len(plan)} windows a pass, {schedule.total_steps} steps of {model.batch_size} "
            f"in {schedule.epochs} epochs, {self.workers} workers"
        )
        trainer = Trainer(model, net, _class_weights(model, plan.class_counts()))
        with Feed(model, files["training"], workers=self.workers, overrides=overrides) as feed:
            fitted = fit(
                model, trainer, schedule, feed, validation, self.run.train_dir, resume=resume, progress=self.progress
            )
        self._save_history(fitted)
        return fitted, validation.features

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
            f"best epoch {fitted.best_epoch}, val_misses {fitted.best_score:.4f}"
        )

    def convert(self, net: Any, windows: NDArray[np.int8]) -> bytes:
        """Save the best checkpoint as `.keras`, `.weights.h5` and int8 `.tflite`, and their summaries."""
        for suffix, save in ((".keras", net.save), (".weights.h5", net.save_weights)):
            # Keras goes by the end of the file's name, so the temporary name must keep it.
            temporary = self.run.file(f".tmp{suffix}")
            save(temporary)
            temporary.replace(self.run.file(suffix))
        save_calibration(windows[:CALIBRATION_WINDOWS], self.run.folder / CALIBRATION_FILE)
        tflite = embed(to_tflite(net, windows), self.model)
        write_bytes(self.run.file(".tflite"), tflite)
        write_text(self.run.file(".keras.summary.txt"), f"{keras_summary(net, self.run.name)}\n")
        write_text(self.run.file(".tflite.summary.txt"), f"{summarize_tflite(tflite, name=self.run.name)}\n")
        self.reporter.say(f"converted: {portable(self.run.file('.tflite'))}, {len(tflite) / 1000:.1f} kB")
        return tflite

    def evaluate(self, net: Any, tflite: bytes, files: SplitFiles) -> dict[str, EvaluationResult]:
        """Judge float and int8 model on the test voices."""
        results = evaluate_nets(
            self.model, self.run.name, {"keras": net, "tflite": tflite}, files, progress=self.progress
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

    def finish(self) -> Path | None:
        """Archive the run, and put the archive beside the model's file where that may be."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.run.update(status="complete", pid=None, peak_memory_mb=peak)
        pack(self.run)
        return None if self.test else publish(self.run.archive, self.model)


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
    run.update(status="running", pid=os.getpid())
    return run


def _remembered(run: Run, weights: str | Path | None) -> str | None:
    """The file of initial weights: as given now, else as the run was started with."""
    if weights is None:
        return run.state.get("weights")
    run.update(weights=str(Path(weights).resolve()))
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


def _class_weights(model: Any, counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Loss weight of each class: balanced is N / (classes x N_c), as scikit-learn and MLTK have it."""
    if model.class_weights == "none":
        return np.ones(len(counts), np.float32)
    if model.class_weights == "balanced":
        balanced = counts.sum() / (len(counts) * np.maximum(counts, 1))
        return np.asarray(balanced, np.float32)
    return np.array([model.class_weights.get(name, 1.0) for name in model.classes], np.float32)


def _data_table(splits: Splits, durations: list[list[float]]) -> str:
    rows = [f"{'label':<14} {'split':<11} {'clips':>6} {'voices':>6} {'hours':>6}"]
    for row in summary(splits, durations):
        what = "kinds" if row.label in (NOISE_LABEL, MICROPHONE_LABEL) else ""
        rows.append(f"{row.label:<14} {row.split:<11} {row.clips:>6} {row.groups:>6} {row.hours:>6.2f} {what}".rstrip())
    return "\n".join(rows)
