"""A model's own clips that are on disk, and augmented variants of a clip as training makes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.data.clip import Clip
from mltk_like.data.features import are_features
from mltk_like.data.manifest import parse_manifest, splits_of
from mltk_like.data.source import MICROPHONE_LABEL, NOISE_LABEL, ROOM_LABEL, STREAM_LABEL
from mltk_like.data.split import first_spread
from mltk_like.errors import DataError, ModelError
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.plan import UNKNOWN
from mltk_like.feed.store import ClipStore, store_samples
from mltk_like.feed.windows import SplitFiles, Window, WindowMaker
from mltk_like.model import Model
from mltk_like.verbs.shared.building import artifact_of

# So much of the model's data is decoded for the sounds beside and under a clip.
_MOST = {NOISE_LABEL: 40, MICROPHONE_LABEL: 8, ROOM_LABEL: 40, UNKNOWN: 40}
_BABBLE_MINUTES = 0.5
_SOUNDS = (NOISE_LABEL, MICROPHONE_LABEL, ROOM_LABEL)


@dataclass(frozen=True, kw_only=True)
class OwnData:
    """Training clips of a model that are on disk.

    Attributes:
        clips: of the model's classes, and sounds.
        origin: where they come from, for the reader.
    """

    clips: tuple[Clip, ...]
    origin: str

    def choose(self, count: int, label: str | None) -> list[Clip]:
        """Clips of speech to look at; labels take turns, and voices within a label. Raises DataError for no clip."""
        # What is detected first.
        known = sorted(
            {clip.label for clip in self.clips} - {*_SOUNDS, STREAM_LABEL},
            key=lambda name: (name.startswith("_"), name),
        )
        if label is not None and label not in known:
            raise DataError(f"no clip on disk has the label {label!r}", f"the labels are {', '.join(known)}")
        wanted = known if label is None else [label]
        return first_spread([clip for name in wanted for clip in self.clips if clip.label == name], count)

    def sounds(self) -> list[Clip]:
        """A share of the noise and of the other speech, spread over all of it."""
        found = []
        for label, most in _MOST.items():
            clips = [clip for clip in self.clips if clip.label == label]
            places = np.unique(np.linspace(0, len(clips) - 1, min(most, len(clips))).astype(int))
            found += [clips[place] for place in places]
        return found


def own_data(model: Model, spec: Model | str | Path, *, progress: bool = True) -> OwnData:
    """The training clips of the latest run whose files are there; else the few clips of a dry run, which are made.

    Args:
        model: the specification, with AudioDatasetMixin.
        spec: what the user gave as MODEL.
        progress: show bars.

    Raises:
        DataError: no source has a clip of some class, or the model is trained on ready features.
        ToolError: a package that a source needs is not installed.
    """
    try:
        artifact = artifact_of(spec)
        manifest = artifact.read("manifest.jsonl")
    except ModelError:
        manifest = None
    if manifest:
        clips = tuple(c for c in splits_of(parse_manifest(manifest, artifact.path)).training if c.path.is_file())
        if {*model.classes} - {"_silence_"} <= {clip.label for clip in clips}:
            return OwnData(clips=_of_use(clips, model), origin=f"training clips of {artifact.path}")
    collected = collect(model, test=True, progress=progress)  # type: ignore[arg-type]  # the caller checked the mixin
    return OwnData(clips=_of_use(collected.splits.training, model), origin="the few clips of a dry run")


class Augmenter:
    """Makes variants of any clip; variant i is a pure function of settings, clip, sounds, seed and i.

    It is training's own `WindowMaker`, over a split whose windows all show this one clip; the other speech of the split
    may stand beside it.

    Args:
        model: with AudioDatasetMixin and TrainMixin.
        files: the sounds, from `open_sounds`.
        seed: of all variants.
    """

    def __init__(self, model: Any, files: SplitFiles, seed: int) -> None:
        self._model = model.with_settings(
            seed=seed, unknown_multiplier=0.0, silence_fraction=0.0, cropped_fraction=0.0, unknown_class_percentage=None
        )
        self._files = files
        store = ClipStore(files.speech)
        self._others = [store[at] for at, label in enumerate(files.labels) if label == UNKNOWN]

    def __call__(self, clip: NDArray[np.int16], label: str, count: int) -> list[Window]:
        """Variants 0 to `count`.

        Args:
            clip: int16 (samples,) at the front end's rate.
            label: its class, which says how it is placed.
            count: how many.

        Raises:
            DataError: the model's augmentation failed (with its traceback).
        """
        labels = (label, *[UNKNOWN] * len(self._others))
        with TemporaryDirectory(prefix="mltk_like-") as folder:
            speech = Path(folder) / "speech.i16"
            store_samples(speech, [clip, *self._others], self._model.frontend.sample_rate_hz)
            files = replace(
                self._files,
                speech=speech,
                labels=labels,
                names=("the clip", *["other speech"] * len(self._others)),
                families=(),
                # Where the clip is unknown speech itself, it alone is drawn.
                weights=(1.0, *[0.0] * len(self._others)) if label == UNKNOWN else (),
            )
            maker = WindowMaker(self._model, files)
            return [maker.window(index) for index in range(count)]


def open_sounds(model: Any, clips: Sequence[Clip], *, progress: bool = True) -> SplitFiles:
    """Decode the sounds that variants are mixed with, at the model's rate. Raises DataError as `open_split` does."""
    lighter = model.with_settings(babble_minutes=min(model.babble_minutes, _BABBLE_MINUTES))
    return open_split(lighter, clips, seed=getattr(model, "seed", 0), progress=progress)


def _of_use(clips: Sequence[Clip], model: Model) -> tuple[Clip, ...]:
    if are_features(clips):
        raise DataError(
            "the model is trained on ready features, which hold no sound", "name audio files: view_audio MODEL FILE"
        )
    return tuple(clip for clip in clips if clip.label in (*model.classes, *_SOUNDS))
