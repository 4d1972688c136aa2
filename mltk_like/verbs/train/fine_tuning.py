"""`train --resume-from RUN`: a new run with the weights, the settings and the data of an earlier one, and a short
schedule. The loop of hard negatives: judge, mine, fine-tune, judge. And a detector that learns to hear one person more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mltk_like.artifact import Artifact, open_artifact
from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.manifest import ManifestRow, parse_manifest
from mltk_like.data.skipped import Clips, report, usable
from mltk_like.data.source import Source
from mltk_like.data.speech_embedding import embedding_files
from mltk_like.data.split import SPLIT_NAMES, Splits
from mltk_like.errors import DataError, ModelError, SettingError
from mltk_like.feed.dataset import Dataset
from mltk_like.feed.plan import UNKNOWN
from mltk_like.nets.weights import read_weights
from mltk_like.nets.weights_file import weights_of
from mltk_like.paths import portable, unportable, write_bytes
from mltk_like.run import Run
from mltk_like.settings import to_json
from mltk_like.training.learning import rate_of_optimizer
from mltk_like.training.schedule import rates_by_epoch
from mltk_like.training.score_temperature import divide_logits

STEPS_SHARE = 0.2
RATE_SHARE = 0.1
"""Of the earlier schedule's steps and of its learning rates. The weights are good already: at full rate they would
forget before they learn, and at a tenth a fifth of the steps is enough to hear the new recordings many times."""

# The key in a run's state.json, and the weights in its folder; files of this ending stay out of archives.
_KEY = "fine_tuned_from"
_SOFTENED = "started_softened_by"
_WEIGHTS = "train/start.weights.h5"
_EARLIER = "own earlier recordings"
# What is not done again: the weights have learned it.
_DONE = ("teachers", "embedding_teachers", "embedding_features", "mining_rounds")
PERSONAL_WINDOWS = 30_000
"""Of those that heads on a speech embedding hear where a model learns a person's voice: they say of every other voice
what the net is to go on saying. Heads that heard 30,000 were as good as those that heard 130,000."""
# What the weights are of no use without.
_SAME = ("classes", "frontend")


@dataclass(frozen=True, kw_only=True)
class EarlierRecordings:
    """What the user had added to the earlier run, from its copies in the cache, with the weights that it had there.

    Attributes:
        clips: those that it was trained, validated and tested with.
        name, label: in tables and manifest; each clip keeps its own label.
    """

    clips: Sequence[Clip]
    name: str = _EARLIER
    label: str = UNKNOWN

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Clips:
        """The first `limit` of those that are still there, with a warning about others; nothing else is used."""
        found = usable(self.clips[:limit])
        report(self.name, found.skipped, len(self.clips))
        return found


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """The data of the run that another one started from.

    Attributes:
        rows: of its manifest; none where there is no such run, or its clips are not known.
    """

    rows: tuple[ManifestRow, ...] = ()

    def beside(self, own: Sequence[Source]) -> list[Source]:
        """The user's own recordings of now, and those among these clips as one source more."""
        clips = [replace(row.clip(), source=_EARLIER, split="") for row in self.rows if row.source.startswith("own ")]
        return [*own, EarlierRecordings(clips=clips)] if clips else list(own)

    def in_place(self, dataset: Dataset) -> Dataset:
        """Each voice in the split where the earlier run had it: a net must not be judged on what it has learned.

        Recordings that were given again are there once, as they were given now.
        """
        place = {row.group: row.split for row in self.rows}
        clips = [(place.get(clip.group, name), clip) for name, part in dataset.splits.items() for clip in part]
        now = {_stretch(clip) for _, clip in clips if clip.source != _EARLIER}
        kept = [(name, clip) for name, clip in clips if clip.source != _EARLIER or _stretch(clip) not in now]
        kept.sort(key=lambda pair: (pair[1].label, pair[1].group, str(pair[1].path), pair[1].start_s))
        splits = Splits(**{split: tuple(clip for name, clip in kept if name == split) for split in SPLIT_NAMES})
        return replace(dataset, splits=splits)


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a fine-tuning starts from.

    Attributes:
        artifact: the earlier run.
        model: the specification with the settings to train with now.
        weights: of the earlier net, the content of a `.weights.h5` file.
        softened: the `score_temperature` that these weights have been divided by.
    """

    artifact: Artifact
    model: Any
    weights: bytes
    softened: float = 1.0

    def begin(self, run: Run) -> None:
        """Put the weights into a new run, as those that it starts from, also when it is resumed."""
        write_bytes(run.folder / _WEIGHTS, self.weights)
        notes = {_KEY: portable(self.artifact.path), _SOFTENED: self.softened}
        run.update(weights=str((run.folder / _WEIGHTS).resolve()), **notes)


def archive_of(spec: str | Path) -> Path:
    """The one file that a run can travel as. Raises ModelError as `start_from`."""
    found = open_artifact(spec).path
    return Run(found).archive if found.is_dir() else found


def check_start(resume_from: str | Path | None, *, resume: bool, weights: str | Path | None) -> None:
    """Raises SettingError for two beginnings at once, ModelError for a file of weights that cannot be read."""
    if resume_from is not None and (resume or weights is not None):
        raise SettingError(
            "a fine-tuning is a new run, and has its weights from the earlier one",
            "give one of --resume, --resume-from and --weights",
        )
    if weights is not None:
        read_weights(Path(weights))


def start_from(spec: str | Path, model: Any, *, keyword: bool = False) -> Start:
    """The run to start from, and the model with its settings, a tenth of its learning rates and a fifth of its steps.

    There are no teachers and no rounds of mining, but for heads on the speech embedding where recordings of the keyword
    are to be learned: without them what the net learns of one person it gives up of others. What was set on `model`
    itself (`--set`) wins. A run that was fine-tuned hands its schedule on as it is.

    Args:
        spec: a run folder, an archive, or a name (its latest complete run, else its archive).
        model: the specification.
        keyword: recordings of the keyword come with it.

    Raises:
        ModelError: the run cannot be found, has no float weights, or has other classes or another front end.
        SettingError: one of its settings does not fit any more.
    """
    artifact = open_artifact(spec)
    if artifact.alone:
        raise ModelError(
            f"{artifact.path} has no float weights to go on from", "give a run folder, a .mltk.zip or a name"
        )
    stored, given = artifact.settings(), model.overrides()
    earlier = model.with_settings(**{**stored.get("overrides", {}), **given})
    changes = {} if artifact.state().get(_KEY) else _shorter(earlier, keep_epochs="learning_rate_steps" in given)
    changes |= {name: 0 for name in _DONE if getattr(earlier, name)}
    if keyword and earlier.embedding_teachers:
        changes |= {
            "embedding_teachers": earlier.embedding_teachers,
            "embedding_features": earlier.embedding_features,
            "embedding_windows": min(earlier.embedding_windows, PERSONAL_WINDOWS),
        }
    tuned = earlier.with_settings(**{**changes, **given})
    now, before = to_json(tuned), stored.get("settings", {})
    # Both as JSON has them, which knows no tuples.
    changed = [name for name in _SAME if json.dumps(now[name]) != json.dumps(before.get(name))]
    if changed:
        raise ModelError(
            f"{portable(artifact.path)} was trained with other {' and '.join(changed)}: its weights mean nothing here",
            "train anew, or take the layers that fit: --weights FILE",
        )
    softened = float(before.get("score_temperature", 1.0))
    return Start(artifact=artifact, model=tuned, weights=_weights(artifact), softened=softened)


def undo_softening(run: Run, net: Any) -> None:
    """Give a net with the weights of an earlier run the logits that they were trained for."""
    divide_logits(net, 1 / float(run.state.get(_SOFTENED, 1.0)))


def is_personal(run: Run, model: Any) -> bool:
    """Whether a run is a fine-tuning in which heads on the speech embedding keep what the net knows."""
    return _KEY in run.state and bool(model.embedding_teachers)


def required_embedding() -> tuple[Path, Path]:
    """The files of the speech embedding, for a fine-tuning that must not go on without.

    Raises:
        DataError: they cannot be had.
    """
    try:
        return embedding_files()
    except DataError as error:
        raise DataError(
            f"nothing would keep what the model knows of other people: {error.message}",
            f"{error.hint}; or --set embedding_teachers=0, and your recordings are some of many",
        ) from error


def earlier_data(run: Run, *, test: bool = False) -> Earlier:
    """What the run had heard that this one started from; nothing where it did not, or in a dry run of a few clips.

    Raises:
        ModelError: that run is gone. DataError: its manifest is damaged.
    """
    spec = run.state.get(_KEY)
    if not spec or test:
        return Earlier()
    start = open_artifact(unportable(spec))
    manifest = start.read("manifest.jsonl")
    return Earlier(rows=parse_manifest(manifest, start.path) if manifest else ())


def _shorter(model: Any, *, keep_epochs: bool) -> dict[str, Any]:
    epochs = {} if keep_epochs else {"epochs": max(round(STEPS_SHARE * model.epochs), 1)}
    if model.learning_rate_steps:
        stages = [(max(round(STEPS_SHARE * n), 1), RATE_SHARE * rate) for n, rate in model.learning_rate_steps]
        return {**epochs, "learning_rate_steps": stages}
    if model.lr_schedule is None:
        own = rate_of_optimizer(model)
        return {**epochs, "learning_rate": RATE_SHARE * (own(0) if own else model.learning_rate)}
    # A function cannot be stored with a run: its highest rate stands for it.
    highest = max(rates_by_epoch(model))
    return {**epochs, "lr_schedule": None, "learning_rate": RATE_SHARE * highest}


def _weights(start: Artifact) -> bytes:
    with start.keras_file() as file:
        read_weights(file)  # they are taken into the new run, and so must not lead out of their file
        return weights_of(file)


def _stretch(clip: Clip) -> tuple[Path, float, float | None]:
    return clip.path, clip.start_s, clip.end_s
