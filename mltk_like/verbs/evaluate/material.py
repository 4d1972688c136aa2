"""The audio that a model is judged on: recordings that are given, or a split of its own data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.artifact import Artifact
from mltk_like.data.clip import Clip
from mltk_like.data.manifest import parse_manifest, splits_of
from mltk_like.data.split import SPLIT_NAMES
from mltk_like.errors import ModelError, SettingError
from mltk_like.evaluation.subject import Subject
from mltk_like.evaluation.testset import Recordings, TestSet, from_folders, from_split, without_sound
from mltk_like.feed.dataset import collect, open_split, restore
from mltk_like.feed.features import FeatureMaker
from mltk_like.feed.streams import WITHOUT_HOURS, with_streams
from mltk_like.feed.windows import Batch, SplitFiles, WindowMaker
from mltk_like.metrics.curve import TARGETS_PER_HOUR
from mltk_like.mixins import AudioDatasetMixin, EvaluateMixin
from mltk_like.model import Model, require
from mltk_like.verbs.shared.building import specification_of

DEFAULT_SNR_DB = 10.0
_WINDOWS = 2000


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a model is judged on.

    Attributes:
        tests: streams.
        rates: false accepts an hour at which misses are reported.
        windows: single windows of the model's own data; None for recordings.
    """

    tests: TestSet
    rates: tuple[float, ...]
    windows: Batch | None = None


def gather(
    model: Model | str | Path,
    artifact: Artifact,
    subject: Subject,
    *,
    recordings: Recordings | None = None,
    subset: str = "test",
    snr_db: float | Sequence[float] | None = None,
    progress: bool = True,
) -> Material:
    """The recordings that were given, else the test voices (or another subset) of the model's own data.

    Raises:
        SettingError: there is no such subset, or it is asked for of recordings.
        ModelError: the model's data is needed and it has no specification, or a label is not detected.
        DataError: recordings or clips cannot be read.
        ToolError: a package of a source is needed and not installed.
    """
    if subset not in SPLIT_NAMES:
        raise SettingError(f"there is no subset {subset!r}", f"use {', '.join(SPLIT_NAMES)}")
    rate = subject.frontend.sample_rate_hz
    if recordings is not None and subset != "test":
        raise SettingError(f"recordings have no subset {subset!r}", "leave it out, or the recordings")
    if recordings is not None:
        subject.labels(recordings.label)  # it detects that
        tests = from_folders(recordings, subject.classes, rate, ratios_of(snr_db, DEFAULT_SNR_DB), progress=progress)
        return Material(tests=tests, rates=TARGETS_PER_HOUR)
    if artifact.alone:
        raise ModelError(
            f"{artifact.path} is {artifact.kind}, which has no data of its own to be judged on",
            "give recordings: --positives DIR --negatives DIR, or the model's name or run folder",
        )
    specification: Any = specification_of(model, artifact)
    clips, files = _split(artifact, specification, subset, progress)
    ratios = ratios_of(snr_db, specification.evaluate_snr_db)
    return own_material(specification, files, clips, subset=subset, snrs_db=ratios)


def own_material(
    model: Any, files: SplitFiles, clips: Sequence[Clip], *, snrs_db: Sequence[float], subset: str = "test"
) -> Material:
    """One split of a model's own data, which is open already.

    Args:
        model: a specification with AudioDatasetMixin and EvaluateMixin.
        files: the split.
        clips: those that it was opened with.
        snrs_db: signal-to-noise ratio of each noisy condition.
        subset: its name.
    """
    keywords = [name for name in model.classes if not name.startswith("_")]
    rate = model.frontend.sample_rate_hz
    if files.features is not None:
        rows = FeatureMaker(model, files, masks=False)
        tests = without_sound(rate, subset)
        return Material(tests=tests, rates=model.evaluate_false_accepts_per_hour, windows=rows.batch(0, len(rows)))
    maker = WindowMaker(model, files)
    return Material(
        tests=from_split(files, clips, keywords, rate, snrs_db, subset),
        rates=model.evaluate_false_accepts_per_hour,
        windows=maker.batch(0, min(_WINDOWS, max(len(maker), 1) * 4)),
    )


def ratios_of(given: float | Sequence[float] | None, otherwise: float) -> tuple[float, ...]:
    """The signal-to-noise ratios of the noisy conditions, each once. Raises SettingError for one that cannot be."""
    values = [otherwise] if given is None else [given] if isinstance(given, int | float) else given
    for value in values:
        if not -60 <= value <= 120:
            raise SettingError(f"a signal-to-noise ratio of {value:g} dB", "give -60 to 120 dB")
    return tuple(dict.fromkeys(map(float, values)))


def _split(artifact: Artifact, model: Model, subset: str, progress: bool) -> tuple[Sequence[Clip], SplitFiles]:
    """A split of the run, its clips made again where they are gone; without a manifest, from all sources.

    To the test voices of a run that was not judged come the hours that were not made for it.
    """
    for mixin in (AudioDatasetMixin, EvaluateMixin):
        require(model, mixin, "evaluate")
    assert isinstance(model, AudioDatasetMixin)
    manifest = artifact.read("manifest.jsonl")
    test = artifact.name.endswith("-test")
    splits = splits_of(parse_manifest(manifest, artifact.path)) if manifest else None
    clips = getattr(splits, subset, ())
    whole = not artifact.state().get(WITHOUT_HOURS)
    if splits is None or not clips or not restore(model, clips, progress=progress):
        splits, whole = collect(model, test=test, progress=progress).splits, test
    if not whole:
        splits, _ = with_streams(model, splits, judged=subset == "test", progress=progress)
    clips = getattr(splits, subset)
    return clips, open_split(model, clips, seed=getattr(model, "seed", 0), progress=progress)
