"""What there is before the training: the clips, their splits as files for the workers, and a net."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mltk_like.data.features import are_features
from mltk_like.data.manifest import read_manifest, splits_of, write_manifest
from mltk_like.data.skipped import Skipped, add_skipped, summary_of
from mltk_like.data.split import Splits
from mltk_like.feed.dataset import Dataset, collect, open_split
from mltk_like.feed.expected import check_splits
from mltk_like.feed.features import note_on_features
from mltk_like.feed.measured import is_measured, measured_scale
from mltk_like.feed.plan import UNKNOWN
from mltk_like.feed.streams import WITHOUT_HOURS, with_streams
from mltk_like.feed.windows import SplitFiles
from mltk_like.nets.weights import load_weights
from mltk_like.verbs.data import splits_summary
from mltk_like.verbs.shared.building import build_net, tensorflow_threads
from mltk_like.verbs.train.checks import needed_splits
from mltk_like.verbs.train.fine_tuning import earlier_data, undo_softening
from mltk_like.verbs.train.job import Job
from mltk_like.verbs.train.recordings import describe, drawn_less
from mltk_like.verbs.train.transfer import CARRIED


def collect_data(job: Job) -> Splits:
    """Clips of all sources, split by voice; a resumed run takes those of its manifest."""
    manifest = job.run.folder / "manifest.jsonl"
    if job.resume and manifest.is_file():
        rows = read_manifest(manifest)
        # A clip without a hash was gone when the run began, and is missed no more than it was then.
        if all(row.clip().path.is_file() for row in rows if row.sha256):
            return _judgeable(job, splits_of(rows))
    for source in job.own:
        job.say(describe(source))
    earlier = earlier_data(job.run, test=job.test)
    own, workers = earlier.beside(job.own), job.workers or 1
    dataset = earlier.in_place(
        collect(job.model, own=own, test=job.test, workers=workers, strict=job.strict, progress=job.progress)
    )
    if not job.test:
        dataset = _with_hours(job, dataset)
        if not job.evaluate:
            job.run.update(**{WITHOUT_HOURS: True})
    _note_problems(job, dataset)
    if not job.test:
        check_splits(job.model.classes, dataset.splits, needed_splits(evaluate=job.evaluate))
    if are_features(dataset.splits.training):
        job.say(note_on_features(job.model))
    rows = write_manifest(manifest, dataset.splits)
    seconds = iter(rows)
    durations = [[next(seconds).duration_s for _ in clips] for _, clips in dataset.splits.items()]
    job.say(splits_summary(dataset.splits, durations))
    if not job.test and _hears_no_people(dataset.splits):
        job.say(
            "note: all other speech is synthetic. Recordings of people among it (data.real_speech() in sources(), or "
            "--negatives DIR) are what makes fewer false accepts first: see docs/people.md"
        )
    return dataset.splits


def _with_hours(job: Job, dataset: Dataset) -> Dataset:
    """The dataset with the hours that this training listens to; those of the test only where the model is judged."""
    splits, problems = with_streams(
        job.model, dataset.splits, judged=job.evaluate, workers=job.workers or 1, progress=job.progress
    )
    return replace(dataset, splits=splits, problems=(*dataset.problems, *problems))


def _judgeable(job: Job, splits: Splits) -> Splits:
    """The splits of a run that goes on; if it is to be judged now, and was not when it began, with the hours for it."""
    if not (job.evaluate and job.run.state.get(WITHOUT_HOURS)):
        return splits
    dataset = _with_hours(job, Dataset(splits=splits, problems=tuple(job.run.state.get("problems", ()))))
    write_manifest(job.run.folder / "manifest.jsonl", dataset.splits)
    job.run.update(problems=list(dataset.problems), **{WITHOUT_HOURS: False})
    return dataset.splits


def _hears_no_people(splits: Splits) -> bool:
    """Whether keywords are synthetic speech, and so is all speech that is none."""
    keywords = [clip for clip in splits.training if not clip.label.startswith("_")]
    others = [clip for clip in splits.training if clip.label == UNKNOWN]
    return any(clip.synthetic for clip in keywords) and bool(others) and all(clip.synthetic for clip in others)


def open_files(job: Job, splits: Splits) -> dict[str, SplitFiles]:
    """Each split decoded, as the workers read it."""
    files = {
        name: open_split(job.model, clips, seed=job.model.seed, progress=job.progress) for name, clips in splits.items()
    }
    _note_skipped(job, [item for split in files.values() for item in split.skipped])
    return files


def with_measured_scale(job: Job, training: SplitFiles) -> Job:
    """The job with a front end that scales by what training windows have, where its model asks for that.

    What was measured is a setting of the run from then on: whatever opens the run, or goes on with it, has it.
    """
    if is_measured(job.model):
        return job
    frontend = measured_scale(job.model, training)
    model = job.model.with_settings(frontend=frontend)
    job.run.write_settings(model, test=job.test)
    job.say(
        f"measured over training windows: means {min(frontend.means):.4g} to {max(frontend.means):.4g}, "
        f"deviations {min(frontend.stds):.4g} to {max(frontend.stds):.4g} of {frontend.frame_values} values of a frame"
    )
    return replace(job, model=model)


def first_net(job: Job) -> Any:
    """The net that the training begins with; the one of a checkpoint gets its weights from there."""
    net = build_net(job.model, threads=tensorflow_threads(job.workers))
    if (carried := getattr(net, CARRIED, None)) is not None:
        job.say(f"weights of another model: {carried.summary}\n{carried}")
    if job.weights is not None and not job.has_checkpoint:
        job.say(str(load_weights(net, Path(job.weights))))
        undo_softening(job.run, net)
    return net


def _note_problems(job: Job, dataset: Dataset) -> None:
    """Keep with the run, and say, what cannot be had or used."""
    job.run.update(problems=list(dataset.problems))
    _note_skipped(job, dataset.skipped)
    for line in drawn_less(job.own, dataset.splits):
        job.say(line)
    if dataset.problems:
        names = ", ".join(problem.partition(":")[0] for problem in dataset.problems)
        job.say(
            f"warning: {len(dataset.problems)} of the model's sources cannot be had and are left out "
            f"(state.json says why): {names}"
        )


def _note_skipped(job: Job, skipped: Sequence[Skipped]) -> None:
    """Add to the run's `skipped.txt` what cannot be used, and log that it is so, unless that was done before."""
    if new := add_skipped(job.run.folder / "skipped.txt", skipped):
        # On the terminal the warning of the source, or of the decoding, has said it.
        job.note(f"warning: {summary_of(new)} (skipped.txt names all)")
