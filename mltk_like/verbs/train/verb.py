"""Train a model, from its sources to an archive that is ready to use."""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mltk_like.data.fetch import offline as without_network
from mltk_like.errors import MltkLikeError, ToolError
from mltk_like.feed.pool import default_workers
from mltk_like.loader import find_model, load_file
from mltk_like.mixins import AudioDatasetMixin, EvaluateMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.run import Run
from mltk_like.verbs.train.augmented import Augmented
from mltk_like.verbs.train.fine_tuning import check_start
from mltk_like.verbs.train.job import Job
from mltk_like.verbs.train.recordings import own_data
from mltk_like.verbs.train.result import Reporter, TrainingResult
from mltk_like.verbs.train.stages import run_stages
from mltk_like.verbs.train.start import go_on, initial_weights, start, train_command

# The dry run: every stage, on next to nothing.
_TEST_SETTINGS = {
    "epochs": 2, "steps_per_epoch": 3, "batch_size": 16, "babble_minutes": 0.5, "validation_windows": 64,
    "teacher_steps": 3, "mining_hours": 0.02,
    "embedding_windows": 64,
}  # fmt: skip


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
        evaluate: judge and profile at the end; without it the hours that only a judgement needs are not made.
        strict_sources: a source that cannot be had is an error.
        positives: an audio file, or a folder of recordings of the keyword, one in each; added to the model's sources.
        negatives: audio files or folders without the keyword, of any length; added as `_unknown_`.
        label: class of the positives; none: as their sub-folders say, else the only one that is detected.
        recordings_weight: how much more often each of these is drawn than other clips; none: 4, or a third for a voice.
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
    workers = default_workers() if workers is None else workers
    with without_network(offline):
        how: Any = dict(test=test, evaluate=evaluate, workers=workers, progress=progress, augmented=augmented)
        model, run, sources = go_on(model, own, test=test) if resume else start(model, own, resume_from, weights, **how)
    reporter = Reporter(run, quiet=not progress)
    with _status_kept(run, reporter, train_command(model, test=test, resume=True)), without_network(offline):
        return run_stages(Job(
            model=model, run=run, reporter=reporter, own=sources, augmented=augmented,
            weights=initial_weights(run, weights), workers=workers, test=test, resume=resume, evaluate=evaluate,
            publish=publish and not test, strict=strict_sources, progress=progress,
        ))  # fmt: skip


@contextmanager
def _status_kept(run: Run, reporter: Reporter, command: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        with suppress(MltkLikeError, OSError):
            _note_end(run, "interrupted")
            reporter.say(f"interrupted; go on with: {command}")
        raise
    except BaseException:
        # On a full disk this fails too, and the error that is to be seen is the first one.
        with suppress(MltkLikeError, OSError):
            _note_end(run, "failed")
        raise


def _note_end(run: Run, status: str) -> None:
    """A run that was complete by then stays so."""
    if run.state.get("status") != "complete":
        run.update(status=status)


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
