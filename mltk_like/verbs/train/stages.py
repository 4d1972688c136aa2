"""The stages of a training, in their order. Each takes what those before it made, and is timed by its name."""

from pathlib import Path

from mltk_like.paths import portable
from mltk_like.run import typed_run
from mltk_like.verbs.data import offline_note
from mltk_like.verbs.evaluate import EvaluationResult
from mltk_like.verbs.profile import Profile
from mltk_like.verbs.train.finish import archive, check_product, convert, judge, measure, pack_and_publish
from mltk_like.verbs.train.fit import fit
from mltk_like.verbs.train.job import Job
from mltk_like.verbs.train.prepare import collect_data, first_net, open_files, with_measured_scale
from mltk_like.verbs.train.result import TrainingResult


def run_stages(job: Job) -> TrainingResult:
    """All of a training.

    Raises:
        MltkLikeError: as its stages.
    """
    run = job.run
    job.say("\n".join([f"run folder: {portable(run.folder)}", *offline_note()]))
    if job.has_only_packing_left:
        job.say("all is done but the archive")
        return _result(job, pack_and_publish(job), {}, None)
    with run.stage("data"):
        splits = collect_data(job)
    with run.stage("prepare"):
        files = open_files(job, splits)
        job = with_measured_scale(job, files["training"])
    net = first_net(job)
    with run.stage("train"):
        fitted = fit(job, net, files)
    with run.stage("convert"):
        tflite = convert(job, fitted.net, fitted.windows)
    with run.stage("check"):
        failures = check_product(job, fitted.net, tflite, fitted.windows)
    evaluations: dict[str, EvaluationResult] = {}
    profile: Profile | None = None
    if job.evaluate:
        with run.stage("evaluate"):
            evaluations = judge(job, fitted.net, tflite, files["test"], splits)
        with run.stage("profile"):
            profile = measure(job, tflite)
    return _result(job, archive(job, failures), evaluations, profile)


def _result(
    job: Job, published: Path | None, evaluations: dict[str, EvaluationResult], profile: Profile | None
) -> TrainingResult:
    run, state = job.run, job.run.state
    trained = run.read_json("train/history.json")
    return TrainingResult(
        name=run.name,
        typed=typed_run(run),
        folder=run.folder,
        archive=run.archive,
        published=published,
        history=trained["history"],
        best_epoch=trained["best_epoch"],
        evaluations=evaluations,
        profile=profile,
        seconds=state["stages"],
        problems=tuple(state.get("problems", ())),
        failures=tuple(state["failures"]),
        chance=str(state.get("chance", "")),
    )
